"""Points of death: one call of one process, what may be done to a run there, and who of many takes which. Pure."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from typing import NamedTuple

HOWS = {"kill": 1, "group": 2, "once": 3, "always": 4}
"""What is done at a call, as crash.c has it."""
KILLS = ("kill", "group")
ERRORS = ("ENOSPC", "EIO", "EDQUOT", "EMFILE", "EACCES", "EROFS", "ESTALE", "ENOLCK", "EINTR")
LOOK, CHANGE, OPEN, ROOM, LOCK, BYTES = 1, 2, 4, 8, 16, 32
"""Kinds of calls, as crash.c has them."""
SPREAD = 31
"""By so much the calls of one process are shifted against those of the one before, so that thin slices meet all."""
Way = tuple[str, str]
"""How, and the error's name or nothing."""


class Point(NamedTuple):
    """One call: of which process, its number, what it is, of which kind, and about which path."""

    process: int
    call: int
    function: str
    kind: int
    path: str

    def __str__(self) -> str:
        return f"{self.process}:{self.call} {self.function} {self.path}"


class Armed(NamedTuple):
    """What is to happen at a point."""

    how: str
    point: tuple[int, int]
    error: str = ""


class Share(NamedTuple):
    """A slice of all calls (each `every`-th, from `offset` on), and one of the `parts` that it is dealt out to.

    Which call belongs where follows from its numbers alone. So the offsets 0 to every - 1 together are all calls, none
    of them twice, though no two runs that were counted need be equal.
    """

    every: int = 1
    offset: int = 0
    part: int = 0
    parts: int = 1

    def takes(self, process: int, call: int, shift: int = 0) -> bool:
        """Say whether a call is in this slice and part; `shift` for calls that more than one run has."""
        number = call + SPREAD * process + shift
        return number % self.every == self.offset and number // self.every % self.parts == self.part


_FAILING = {
    "ENOSPC": ROOM, "EDQUOT": ROOM, "EMFILE": OPEN, "EROFS": CHANGE, "ENOLCK": LOCK, "EINTR": OPEN | LOCK | BYTES
}  # fmt: skip


def can_fail(kind: int, error: str) -> bool:
    """Say whether a call of a kind may give an error, as crash.c has it; EIO and ESTALE any may."""
    if error == "EACCES":
        return not kind & (BYTES | LOCK)
    return bool(kind & _FAILING.get(error, kind))


def list_ways(patterns: Sequence[str], errors: Sequence[str] = ERRORS) -> list[Way]:
    """Give the ways wanted; EINTR is given once only: Python asks again for ever."""
    every = [(how, "") for how in KILLS]
    every += [(how, error) for how in ("once", "always") for error in errors if (how, error) != ("always", "EINTR")]
    return [way for way in every if any(fnmatch.fnmatch(" ".join(way).strip(), f"{pattern}*") for pattern in patterns)]


def unite(runs: Sequence[Sequence[Point]]) -> list[Point]:
    """Give every call that any of several runs made, sorted: workers share their work out anew in each."""
    found: dict[tuple[int, int], Point] = {}
    for points in runs:
        for point in points:
            found.setdefault((point.process, point.call), point)
    return sorted(found.values())
