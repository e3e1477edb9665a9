"""What rounds come to: ratios within each, their medians and spreads, and the lines of the table.

A ratio is taken within a round and then the median of these, never the ratio of two medians: what the machine did to a
round it did to both.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from measuring import Cost
from rounds import Round
from targets import TARGETS, Target

OURS, THEIRS, FLOOR = "lugnut", "uv", "floor"
HEADER = (
    "workload", "mode", "rounds (discarded)", "lugnut s", "uv s", "wall: lugnut / uv", "CPU: lugnut / uv",
    "floor: wall, CPU", "memory MB: lugnut, uv", "target",
)  # fmt: skip


class Spread(NamedTuple):
    """Median, least and most of some values."""

    median: float
    least: float
    most: float

    def __str__(self) -> str:
        digits = 2 if self.median >= 0.1 else 3  # noqa: PLR2004 - two figures that mean something
        extremes = f" [{self.least:.{digits}f} to {self.most:.{digits}f}]" if self.least < self.most else ""
        return f"{self.median:.{digits}f}{extremes}"


class Case(NamedTuple):
    """All rounds of one workload and mode."""

    workload: str
    mode: str
    rounds: list[Round]

    @property
    def kept(self) -> list[Round]:
        """Those that count."""
        return [one for one in self.rounds if one.kept]


def group(rounds: Iterable[Round]) -> list[Case]:
    """Bring the rounds of each case together, in the order in which cases first appear."""
    found: dict[tuple[str, str], list[Round]] = {}
    for one in rounds:
        found.setdefault((one.workload, one.mode), []).append(one)
    return [Case(workload, mode, played) for (workload, mode), played in found.items()]


def spread(values: Sequence[float]) -> Spread | None:
    """Give median and extremes; None of nothing."""
    return Spread(statistics.median(values), min(values), max(values)) if values else None


def costs(case: Case, name: str, what: Callable[[Cost], float]) -> Spread | None:
    """Give what a contestant's rounds took."""
    return spread([what(one.ran[name]) for one in case.kept if name in one.ran])


def ratios(case: Case, over: str, under: str, what: Callable[[Cost], float]) -> Spread | None:
    """Give how one contestant stands to another, round by round."""
    pairs = [(one.ran[over], one.ran[under]) for one in case.kept if over in one.ran and under in one.ran]
    return spread([what(first) / max(what(second), 1e-6) for first, second in pairs])


def wall(cost: Cost) -> float:
    """Wall seconds."""
    return cost.wall


def cpu(cost: Cost) -> float:
    """CPU seconds."""
    return cost.cpu


def memory(cost: Cost) -> float:
    """MB of the largest process."""
    return cost.memory


def measured(case: Case, target: Target) -> float | None:
    """Give the figure that a target bounds; None where the case has not got it."""
    if target.what == "memory":
        mine, theirs = costs(case, target.over, memory), costs(case, target.under, memory)
        return mine.median - theirs.median if mine and theirs else None
    found = ratios(case, target.over, target.under, wall if target.what == "wall" else cpu)
    return found.median if found else None


def verdict(case: Case, target: Target) -> str:
    """Say whether a target is met, by how much."""
    value = measured(case, target)
    if value is None:
        return f"{target}: not measured"
    return f"{target}: {'met' if value <= target.bound else 'not met'} ({value:.{target.digits}f})"


def make_row(case: Case) -> list[str]:
    """Make a case's line of the table."""
    kept, thrown = len(case.kept), len(case.rounds) - len(case.kept)
    targets = [one for one in TARGETS if (one.workload, one.mode) == (case.workload, case.mode)]
    floors = [ratios(case, OURS, FLOOR, what) for what in (wall, cpu)]
    sizes = [costs(case, name, memory) for name in (OURS, THEIRS)]
    return [
        case.workload, case.mode, f"{kept} ({thrown})",
        *(format_spread(costs(case, name, wall)) for name in (OURS, THEIRS)),
        *(format_spread(ratios(case, OURS, THEIRS, what)) for what in (wall, cpu)),
        ", ".join(f"{one.median:.2f}" for one in floors if one),
        ", ".join(f"{one.median:.0f}" for one in sizes if one),
        "; ".join(verdict(case, one) for one in targets),
    ]  # fmt: skip


def format_spread(found: Spread | None) -> str:
    """Write a spread; nothing where there is none."""
    return "" if found is None else str(found)


def others(case: Case) -> list[str]:
    """Give the contestants besides those that have columns of their own."""
    names = dict.fromkeys(name for one in case.kept for name in one.ran)
    return [name for name in names if name not in {OURS, THEIRS, FLOOR}]


def make_beside(case: Case) -> list[list[str]]:
    """Make the lines of those that have no column: pip, one caller alone, the bare path."""
    return [
        [
            case.workload, case.mode, name, format_spread(costs(case, name, wall)),
            *(format_spread(ratios(case, OURS, name, what)) for what in (wall, cpu)),
            f"{size.median:.0f}" if (size := costs(case, name, memory)) else "",
        ]
        for name in others(case)
    ]  # fmt: skip


BESIDE = ("workload", "mode", "who", "s", "wall: lugnut / it", "CPU: lugnut / it", "memory MB")


def read_rounds(path: str) -> list[Round]:
    """Read a file of results; raises ValueError, naming the line, where one is none."""
    found = []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                found.append(Round.from_json(json.loads(line)))
            except (ValueError, TypeError, KeyError) as error:
                raise ValueError(f"{path}, line {number}: no result of bench.py: {error}") from None
    return found


def append_round(path: str, one: Round) -> None:
    """Add a line to a file of results."""
    with open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps(one.to_json()) + "\n")
