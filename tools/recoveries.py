"""Killed, and killed again inside the recovery: every call of it, from every state that a first kill leaves.

The operation is killed at each of its calls, and of those that leave the environment in the same state (but for times
and the transaction's name) the first stands for all. From each of these states `lugnut recover` is killed at each of
its calls. Of what that leaves, one in three, drawn by seed, is recovered by a run that is killed too, at a call drawn
by seed, and so on; then comes `lugnut check`, and all is judged as after one kill.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("campaigns run on POSIX")

import random
from collections.abc import Iterator
from typing import NamedTuple

from crashing import Field
from points import Armed, Point, Share, unite
from restoring import Kept
from striking import Score, contradict, recover, say_again

PREFIX = "recovery-of-"
"""How the names begin of operations whose recovery is killed."""
COMMAND = ("recover",)
DEEPER = 3
"""One in so many recoveries that were killed is followed by another that is."""


class Left(NamedTuple):
    """A state that a kill leaves: where, which, and itself."""

    point: Point
    word: str
    kept: Kept

    @property
    def shift(self) -> int:
        """By how much its calls are shifted in slices against those of other states."""
        return int(self.word[:8], 16)


class Killer(NamedTuple):
    """Kills an operation in one way, and then its recovery in the same."""

    field: Field
    how: str
    seed: str
    score: Score

    def play(self, share: Share) -> None:
        """Kill the recovery at every call of the share, from every state.

        A state that a kill of the group leaves too is left to that, where its recovery is one process: it is the same.
        """
        common = set() if self.how == "group" else {word for _, word in self._find_words("group")}
        for left in self._find_states():
            points = self._count(left)
            if left.word not in common or any(point.process for point in points):
                self.score.count["states"] += share.part == 0
                for point in points:
                    if share.takes(point.process, point.call, left.shift):
                        self.strike(left, point)
            left.kept.drop()

    def _find_words(self, how: str) -> Iterator[tuple[Point, str]]:
        """Kill the operation at every call, and give where and what it leaves, which stands there for the moment."""
        field = self.field
        for point in field.points:
            field.base.put_back()
            field.run(field.operation.command, Armed(how, (point.process, point.call)))
            yield point, field.tell_environment()

    def _find_states(self) -> Iterator[Left]:
        known: set[str] = set()
        for point, word in self._find_words(self.how):
            if word not in known:
                known.add(word)
                yield Left(point, word, self.field.keep("left"))

    def _count(self, left: Left) -> list[Point]:
        left.kept.put_back()
        return unite([self.field.record(COMMAND)])

    def strike(self, left: Left, point: Point) -> None:
        """Kill the recovery from one state at one call, perhaps some that follow it, and judge what comes of it."""
        left.kept.put_back()
        ends = self.field.find_ends()
        where = self._kill(left, point)
        if not where:
            self.score.count["missed"] += 1
            return
        seen, found = recover(self.field)
        found = found + contradict(seen, ends, "what the first kill left")
        if not found:
            found = say_again(self.field, seen)
        what = f"{self.field.name} {self.how} at {left.point}, recovery at {', then at '.join(where)}"
        self.score.note(what, seen.end, found)

    def _kill(self, left: Left, point: Point) -> list[str]:
        """Kill one recovery, or more in a row; gives where, nothing where it made no such call."""
        if not self.field.run(COMMAND, Armed(self.how, (point.process, point.call))).struck:
            return []
        rng = random.Random(f"{self.seed} {self.how} {left.word} {point.process}:{point.call}")
        where = [str(point)]
        while rng.randrange(DEEPER) == 0:
            call = rng.randint(1, point.call)
            if not self.field.run(COMMAND, Armed(self.how, (0, call))).struck:
                break
            where.append(f"0:{call}")
            self.score.count["deeper"] += 1
        return where
