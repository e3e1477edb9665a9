"""Stop an operation at one point, and judge what comes of it."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("campaigns run on POSIX")

from collections import Counter
from collections.abc import Sequence
from typing import Any

from crashing import BUG, HUNG, NEW, Ended, Field, Seen
from points import Armed, Point

TRIES = 2
"""So often a point is struck that is not met: of the calls of workers each run has others."""
Row = dict[str, Any]
"""A line of JSON."""


class Score:
    """What came of the points of one operation in one way."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.count = Counter[str]()
        self.wrong: list[str] = []
        self.seconds = 0.0

    def add(self, other: Row) -> None:
        """Add a share of them, played at the same time as the others."""
        self.count.update(other["count"])
        self.wrong += other["wrong"]
        self.seconds = max(self.seconds, other["seconds"])

    def note(self, what: str, end: str, found: Sequence[str]) -> None:
        """Count a point that was met."""
        self.count["points"] += 1
        self.count[NEW if NEW in end else end] += 1
        if found:
            self.wrong.append(f"{what}\n    " + "\n    ".join(found[:10]))


def strike(field: Field, point: Point, how: str, error: str, score: Score) -> None:
    """Stop the operation at one point, and judge what comes of it."""
    for _ in range(TRIES):
        field.base.put_back()
        ended = field.run(field.operation.command, Armed(how, (point.process, point.call), error))
        found = [] if how in {"kill", "group"} else judge_end(field, ended)
        score.count["exit 0"] += ended.code == 0 and ended.struck
        seen, wrong = recover(field)
        found = found + wrong
        if not found and how in {"kill", "group"}:
            found = say_again(field, seen)
        if ended.struck or found:
            score.note(f"{' '.join(filter(None, (field.name, how, error)))} at {point}", seen.end, found)
            return
    score.count["missed"] += 1


def judge_end(field: Field, ended: Ended) -> list[str]:
    """Find what is not clean in how a failed run ended."""
    if ended.code < 0 or ended.code == BUG:
        return [f"it ended with {'its alarm' if ended.code == HUNG else ended.code}: {ended.said.strip()[-2000:]}"]
    if "Traceback" in ended.said or "unexpected" in ended.said:
        return [f"it said: {ended.said.strip()[-2000:]}"]
    if ended.code == 0 and field.operation.cut is None and NEW not in (end := field.tell_end()):
        return [f"exit 0, but it is {end or 'neither old nor new'}"]
    return []


def recover(field: Field) -> tuple[Seen, list[str]]:
    """Let the next command run, whatever was there; gives what is there then, and what is wrong with it."""
    left = field.tell_left() if field.remembers else ""
    if left not in field.recovered or not field.remembers:
        field.recovered[left] = _recover(field)
    return field.recovered[left]


def _recover(field: Field) -> tuple[Seen, list[str]]:
    ends = field.find_ends()
    ended = field.run(["check"])
    found = [f"check ended with {ended.code}: {ended.said.strip()[-1000:]}"] if ended.code else []
    seen = field.see()
    return seen, found + contradict(seen, ends, "the transaction that was there") + seen.found


def contradict(seen: Seen, ends: Sequence[str], who: str) -> list[str]:
    """Say where an environment is whole, but not what it was to become."""
    if not seen.end or any(end in seen.end for end in ends):
        return []
    return [f"it is {seen.end}, though {who} had decided for {ends[0]}"]


def say_again(field: Field, seen: Seen) -> list[str]:
    """Run the command that was stopped once more; gives what is wrong."""
    if seen.state not in field.agains or not field.remembers:
        field.agains[seen.state] = _say_again(field)
    return field.agains[seen.state]


def _say_again(field: Field) -> list[str]:
    ended = field.run(field.again)
    found = [] if ended.code == 0 else [f"the command again ended with {ended.code}: {ended.said.strip()[-1000:]}"]
    after = field.see()
    if NEW not in after.end:
        found.append(f"again: it is {after.end or 'neither old nor new'}")
    return found + [f"again: {line}" for line in after.found]
