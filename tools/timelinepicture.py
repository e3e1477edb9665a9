"""A stress test as a picture: its whole course above, and the stretch in which most met, lane by lane, below.

matplotlib is among the development dependencies and is loaded here only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from history import Entry, Wait
from timelinepage import LONG, Timeline, kind_of

COLOURS = {
    "install": "#2b6cb0", "uninstall": "#68a57f", "sync": "#805ad5", "check": "#a0aec0", "found": "#a0aec0",
    "killed": "#c53030", "failed": "#dd9a4f",
}  # fmt: skip
WINDOW = 12.0
"""Seconds of the stretch."""
LOCKS = 16
"""Locks drawn, those held longest in the stretch."""
SHARED = ".lock"
"""uv's own, which lugnut's runs hold together."""
KILLED = "#c53030"
DARK, GREY, PALE = "#1a202c", "#a0aec0", "#edf2f7"


def draw(path: str, timelines: Sequence[Timeline]) -> None:
    """Draw the first installer's test, as PNG; raises ImportError without matplotlib."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    mpl.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
    timeline = timelines[0]
    began, ended = find_window(timeline)
    clients = list_clients(timeline)
    locks = choose_locks(timeline, began, ended)
    figure, (course, lanes, held) = plt.subplots(
        3, 1, figsize=(12, 3.6 + 0.3 * len(clients) + 0.22 * len(locks)),
        height_ratios=(6, 1.4 * len(clients) + 1, len(locks) + 1),
    )  # fmt: skip
    draw_course(course, timeline, began, ended)
    draw_clients(lanes, timeline, clients, (began, ended))
    draw_locks(held, timeline, locks, (began, ended))
    figure.tight_layout()
    figure.savefig(path, dpi=130, facecolor="white", metadata={"Software": None})
    plt.close(figure)


def find_window(timeline: Timeline) -> tuple[float, float]:
    """Give the stretch in which most was waited and struck."""
    history = timeline.history
    last = max((entry.ended for entry in history.entries), default=WINDOW)
    weights = [(wait.began, wait.ended - wait.began) for entry in history.entries for wait in entry.waits]
    weights += [(strike.began, 1.0) for strike in history.strikes if strike.number is not None]
    met = [0.0] * (int(last) + 2)
    for at, weight in weights:
        met[max(0, int(at))] += weight
    began = max(range(max(1, int(last - WINDOW) + 1)), key=lambda at: sum(met[at : at + int(WINDOW)]))
    return float(began), min(last, began + WINDOW)


def list_clients(timeline: Timeline) -> list[str]:
    """Give clients in their order, foreigners last."""
    clients = {entry.client for entry in timeline.history.entries}
    return sorted(clients, key=lambda client: (not client.startswith("client"), len(client), client))


def choose_locks(timeline: Timeline, began: float, ended: float) -> list[str]:
    """Give the locks held longest in a stretch, distributions' before stripes."""
    held: Counter[str] = Counter()
    for hold in timeline.holds:
        if hold.began < ended and hold.ended > began and hold.lock != SHARED:
            held[hold.lock] += int(1000 * (min(hold.ended, ended) - max(hold.began, began)))
    chosen = [lock for lock, _ in held.most_common(LOCKS)]
    return sorted(chosen, key=lambda lock: (lock.startswith("path-"), lock))


def draw_course(axes: Any, timeline: Timeline, began: float, ended: float) -> None:
    """Draw commands a second over the whole test, what was struck, and where it was judged."""
    history = timeline.history
    last = max((entry.ended for entry in history.entries), default=1.0)
    width = max(1.0, round(last / 120))
    for kind, bottom in _stack(history.entries, width, last):
        places = [width * (n + 0.5) for n in range(len(bottom[0]))]
        axes.bar(places, bottom[1], width, bottom=bottom[0], color=COLOURS[kind], label=kind, zorder=2)
    top = axes.get_ylim()[1]
    for strike in history.strikes:
        if strike.ended - strike.began > LONG / 2:
            axes.axvspan(strike.began, strike.ended, ymin=0.94, color="#975a16" if strike.number else KILLED, lw=0)
    for at, findings in history.points:
        axes.axvline(at, color=KILLED if findings else GREY, lw=1.4 if findings else 0.5, zorder=1)
    axes.axvspan(began, ended, color=PALE, zorder=0)
    axes.set_ylim(0, top * 1.12)
    axes.set_xlim(0, last)
    axes.set_ylabel("commands a second")
    axes.set_title(
        f"{timeline.name}: {len(history.entries)} commands, judged {len(history.points)} times (lines), "
        f"{sum(bool(found) for _, found in history.points)} wrong; brown: somebody stopped, red above: disk full",
        loc="left", fontsize=9,
    )  # fmt: skip
    axes.legend(frameon=False, ncols=7, loc="upper center", bbox_to_anchor=(0.5, -0.12), handlelength=1)


def _stack(entries: Sequence[Entry], width: float, last: float) -> list[tuple[str, tuple[list[float], list[float]]]]:
    """Give, by kind of end, where bars begin and how high they are."""
    bins = int(last / width) + 1
    bottoms = [0.0] * bins
    stacked = []
    for kind in COLOURS:
        if kind == "found":
            continue
        heights = [0.0] * bins
        for entry in entries:
            if (kind_of(entry).replace("found", "check")) == kind:
                heights[int(entry.ended / width)] += 1 / width
        stacked.append((kind, (list(bottoms), heights)))
        bottoms = [bottom + height for bottom, height in zip(bottoms, heights, strict=True)]
    return stacked


def draw_clients(axes: Any, timeline: Timeline, clients: Sequence[str], window: tuple[float, float]) -> None:
    """Draw commands as bars, waits below them, and what hit them."""
    history = timeline.history
    by_number = {entry.number: entry for entry in history.entries}
    for entry in history.entries:
        if entry.began < window[1] and entry.ended > window[0]:
            lane = clients.index(entry.client)
            axes.barh(lane, entry.ended - entry.began, 0.62, entry.began, color=COLOURS[kind_of(entry)], zorder=2,
                      edgecolor="white", linewidth=0.4)  # fmt: skip
            for wait in entry.waits:
                _draw_wait(axes, lane, wait)
    for strike in history.strikes:
        if strike.number in by_number and window[0] <= strike.began <= window[1]:
            lane = clients.index(by_number[strike.number].client)
            if strike.nemesis == "stop":
                axes.barh(lane, strike.ended - strike.began, 0.62, strike.began, color="none", edgecolor="#975a16",
                          hatch="////", linewidth=0.8, zorder=4)  # fmt: skip
            else:
                mark = "x" if strike.nemesis.startswith("kill") else "+"
                axes.plot(strike.began, lane, mark, color=DARK, markersize=6, markeredgewidth=1.6, zorder=5)
    axes.set_yticks(range(len(clients)), clients)
    axes.set_ylim(len(clients) - 0.3, -0.7)
    axes.set_xlim(*window)
    axes.set_title(
        "where most was waited and struck; x killed, + interrupted, hatched stopped, "
        "lines below a bar: waits, red from 1 s on", loc="left", fontsize=9,
    )  # fmt: skip


def _draw_wait(axes: Any, lane: int, wait: Wait) -> None:
    is_long = wait.ended - wait.began >= LONG
    colour, width = ("#e53e3e", 2.6) if is_long else (DARK, 1.4)
    axes.plot([wait.began, wait.ended], [lane + 0.42] * 2, color=colour, lw=width, solid_capstyle="butt", zorder=6)


def draw_locks(axes: Any, timeline: Timeline, locks: Sequence[str], window: tuple[float, float]) -> None:
    """Draw who was seen to hold which lock: colours are clients."""
    from matplotlib import colormaps

    palette = colormaps["tab20"]
    clients = list_clients(timeline)
    by_pid = {entry.pid: clients.index(entry.client) for entry in timeline.history.entries}
    for hold in timeline.holds:
        if hold.lock in locks and hold.began < window[1] and hold.ended > window[0]:
            client = by_pid.get(hold.pid)
            colour = GREY if client is None else palette(client % 20)
            axes.barh(locks.index(hold.lock), hold.ended - hold.began, 0.8, hold.began, color=colour, zorder=2)
            seen = max(hold.began, window[0]), min(hold.ended, window[1])
            if client is not None and seen[1] - seen[0] > LONG / 2:
                middle = sum(seen) / 2
                axes.text(
                    middle, locks.index(hold.lock), clients[client], ha="center", va="center", fontsize=7, zorder=3
                )
    axes.set_yticks(range(len(locks)), [lock.removesuffix(".lock") for lock in locks])
    axes.set_ylim(len(locks) - 0.4, -0.6)
    axes.set_xlim(*window)
    axes.set_xlabel("seconds")
    axes.set_title("who held which lock (a colour is a client; sampled every 20 ms)", loc="left", fontsize=9)
