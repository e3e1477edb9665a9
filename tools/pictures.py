"""Pictures of what bench.py measured, as PNG: bars beside uv, and curves of growth.

matplotlib is among the development dependencies and is loaded here only.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import growth
from outcomes import OURS, THEIRS, Case, ratios, wall
from targets import TARGETS

COLOURS = {"lugnut": "#2b6cb0", "uv": "#a0aec0", "pip": "#dd9a4f", "floor": "#68a57f"}
WIDEST = 2.6
"""Where a bar is cut off; its figure is written at its end."""
WHOLE = 10
"""From here on figures have no decimals."""
LABEL: dict[str, Any] = {"va": "center", "fontsize": 8, "zorder": 5}


def draw(cases: Sequence[Case], directory: str) -> list[str]:
    """Draw what there is to draw; gives the paths written. Raises ImportError without matplotlib."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams.update(
        {"font.size": 10, "axes.spines.top": False, "axes.spines.right": False, "svg.hashsalt": "lugnut"}
    )
    os.makedirs(directory, exist_ok=True)
    barred = [case for case in cases if not case.workload.startswith(("N", "F")) and ratios(case, OURS, THEIRS, wall)]
    paths = []
    if barred:
        paths.append(_save(_draw_bars(barred), os.path.join(directory, "speed.png")))
    if growth.make_rows(cases):
        paths.append(_save(_draw_growth(cases), os.path.join(directory, "growth.png")))
    return paths


def _save(figure: Any, path: str) -> str:
    figure.savefig(path, dpi=130, bbox_inches="tight", facecolor="white", metadata={"Software": None})
    return path


def _draw_bars(cases: Sequence[Case]) -> Any:
    """Draw a group of bars for each case: time as a share of uv's, whiskers from the least round to the most."""
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(8.5, 0.9 + 0.52 * len(cases)))
    names = [name for name in (OURS, THEIRS, "pip") if any(_share(case, name) for case in cases)]
    height = 0.8 / len(names)
    for place, case in enumerate(cases):
        for number, name in enumerate(names):
            found = _share(case, name)
            if found:
                _draw_bar(axes, place - 0.4 + height * (number + 0.5), height, name, found)
        for bound in (
            one.bound
            for one in TARGETS
            if (one.workload, one.mode) == (case.workload, case.mode)
            and (one.what, one.over, one.under) == ("wall", OURS, THEIRS)
        ):
            axes.plot([bound, bound], [place - 0.45, place + 0.45], color="#c53030", linewidth=1.6, zorder=4)
    axes.set_yticks(range(len(cases)), [f"{case.workload} {case.mode}" for case in cases])
    axes.set_ylim(len(cases) - 0.4, -0.6)
    axes.set_xlim(0, WIDEST)
    axes.axvline(1, color="#4a5568", linewidth=0.8, zorder=1)
    axes.set_xlabel("wall time as a share of uv's: median of the rounds, whiskers least to most; shorter is faster")
    _explain(axes, names)
    return figure


def _share(case: Case, name: str) -> tuple[float, float, float] | None:
    if name == THEIRS:
        return (1.0, 1.0, 1.0)
    found = ratios(case, name, THEIRS, wall)
    return (found.median, found.least, found.most) if found else None


def _draw_bar(axes: Any, middle: float, height: float, name: str, found: tuple[float, float, float]) -> None:
    median, least, most = found
    axes.barh(middle, min(median, WIDEST), height * 0.92, color=COLOURS[name], zorder=2)
    if name == THEIRS:
        return
    if median < WIDEST:
        axes.plot([least, min(most, WIDEST)], [middle, middle], color="#1a202c", linewidth=1, zorder=3)
    figure = f"{median:.2f}" if median < WHOLE else f"{median:.0f}"
    if median > WIDEST:
        axes.text(WIDEST, middle, f"{figure} »", ha="right", color="white", **LABEL)
    elif most > WIDEST - 0.25:  # no room beside it
        axes.text(0.04, middle, figure, ha="left", color="white", **LABEL)
    else:
        axes.text(max(most, median) + 0.02, middle, figure, ha="left", color="#1a202c", **LABEL)


def _explain(axes: Any, names: Sequence[str]) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = [Patch(color=COLOURS[name], label=name) for name in names]
    handles.append(Line2D([], [], color="#c53030", linewidth=1.6, label="target"))
    axes.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(handles), frameon=False)


def _draw_growth(cases: Sequence[Case]) -> Any:
    """Draw seconds over wheels and over files, both axes by decades, with the fitted lines."""
    from matplotlib import pyplot as plt

    series = [(unit, loads) for unit, loads in growth.SERIES if growth.find_points(cases, loads, unit, OURS)]
    figure, grid = plt.subplots(1, len(series), figsize=(4.6 * len(series), 3.8), squeeze=False)
    titles = {"wheel": "wheels of 10 files", "file": "files in 10 wheels"}
    for axes, (unit, loads) in zip(grid[0], series, strict=True):
        for who in growth.WHO:
            points = sorted(growth.find_points(cases, loads, unit, who))
            if points:
                _draw_curve(axes, who, points)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel(titles[unit])
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.yaxis.set_major_formatter("{x:g}")
        axes.grid(visible=True, which="major", color="#e2e8f0", linewidth=0.7)
        axes.set_axisbelow(True)
        axes.legend(frameon=False, loc="upper left")
    grid[0][0].set_ylabel("seconds, warm install")
    figure.tight_layout()
    return figure


def _draw_curve(axes: Any, who: str, points: Sequence[growth.Point]) -> None:
    label = {"floor": "floor (cp -al)"}.get(who, who)
    axes.plot(*zip(*points, strict=True), "o", color=COLOURS[who], label=label, markersize=5)
    line = growth.fit(points)
    first, last = points[0][0], points[-1][0]
    steps = [first * (last / first) ** (step / 40) for step in range(41)]
    heights = [line.start + line.slope * x for x in steps]
    drawn = [(x, y) for x, y in zip(steps, heights, strict=True) if y > 0]
    axes.plot(*zip(*drawn, strict=True), color=COLOURS[who], linewidth=1, alpha=0.7)
