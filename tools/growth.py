"""How the time grows: with the number of wheels at ten files each, and with the number of files in ten wheels.

A line is fitted by least squares; its slope is what one more wheel, or file, costs. How far from linear it is, is said
by the bend: what one more costs in the last decade, to what it costs in the decade before. 1.00 is a straight line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from outcomes import Case, costs, wall

Point = tuple[float, float]
STRAIGHT = 1.25
"""The largest bend that still counts as linear: the small ends of the series last milliseconds."""
SERIES = (("wheel", ("N10", "N100", "N1000")), ("file", ("F1k", "F10k", "F100k")))
WHO = ("lugnut", "uv", "floor")
HEADER = ("growth by", "who", "seconds", "one more costs", "start", "bend", "target")


class Line(NamedTuple):
    """seconds = start + slope * count."""

    start: float
    slope: float


def fit(points: Sequence[Point]) -> Line:
    """Fit a line by least squares, of two points or more."""
    count = len(points)
    middle_x, middle_y = (sum(point[axis] for point in points) / count for axis in (0, 1))
    above = sum((x - middle_x) * (y - middle_y) for x, y in points)
    slope = above / sum((x - middle_x) ** 2 for x, _ in points)
    return Line(middle_y - slope * middle_x, slope)


def bend(points: Sequence[Point]) -> float:
    """Give the slope between the last two points to that between the two before, in order of x."""
    (x0, y0), (x1, y1), (x2, y2) = sorted(points)[-3:]
    return ((y2 - y1) / (x2 - x1)) / max((y1 - y0) / (x1 - x0), 1e-9)


def find_points(cases: Sequence[Case], loads: Sequence[str], unit: str, who: str) -> list[Point]:
    """Give (wheels or files, median seconds) of a series' warm cases."""
    points = []
    for load in loads:
        for case in cases:
            found = costs(case, who, wall) if (case.workload, case.mode) == (load, "warm") else None
            if found:
                points.append((_count(case, unit), found.median))
    return points


def _count(case: Case, unit: str) -> float:
    first = case.rounds[0]
    return first.wheels if unit == "wheel" else first.files


def make_rows(cases: Sequence[Case]) -> list[list[str]]:
    """Make the lines of growth, of every series that has its three points."""
    rows = []
    for unit, loads in SERIES:
        for who in WHO:
            points = find_points(cases, loads, unit, who)
            if len(points) == len(loads):
                rows.append(make_row(unit, who, points))
    return rows


def make_row(unit: str, who: str, points: Sequence[Point]) -> list[str]:
    """Make one line."""
    line, bent = fit(points), bend(points)
    per = f"{line.slope * 1e3:.2f} ms a wheel" if unit == "wheel" else f"{line.slope * 1e6:.1f} µs a file"
    verdict = f"linear (bend ≤ {STRAIGHT}): {'met' if bent <= STRAIGHT else 'not met'}" if who == "lugnut" else ""
    took = ", ".join(f"{int(x)}: {y:.3f}" for x, y in sorted(points))
    return [unit, who, took, per, f"{line.start:.3f} s", f"{bent:.2f}", verdict]
