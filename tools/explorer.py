"""Which schedules of a case are played: all up to so many preemptions, a sample of them, or drawn ones."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("campaigns run on POSIX")

import random
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from orders import Arena
from players import Leg, Played


class FoundError(Exception):
    """Something is wrong, and one finding is enough."""


class Score(NamedTuple):
    """What was played of a case."""

    schedules: int
    killed: int
    calls: int
    """Of the longest first leg: how many places there are to stop a run at."""
    ends: int
    wrong: list[str]


class Explorer:
    """Plays the schedules of one case and keeps the score."""

    def __init__(self, arena: Arena, part: tuple[int, int], every: int, *, first: bool = False) -> None:
        """Take the `part[0]`-th of `part[1]` equal shares, and each `every`-th schedule of that; end at the `first`."""
        self.arena = arena
        self.part = part
        self.every = every
        self.first = first
        self.count = Counter[str]()
        self.wrong: list[str] = []

    def play(self, legs: Sequence[Leg]) -> Played:
        """Play a schedule."""
        played, found = self.arena.play(legs)
        self.count["schedules"] += 1
        self.count["killed"] += len(played.killed)
        self.count["calls"] = max(self.count["calls"], *played.legs, 0) if len(legs) == 1 else self.count["calls"]
        if found:
            schedule = " ".join(map(str, legs))
            self.wrong.append(f"{self.arena.name}: {schedule}\n    " + "\n    ".join(found))
            if self.first:
                raise FoundError
        return played

    def explore(self, preemptions: int, *, deaths: bool) -> None:
        """Play all schedules of so many preemptions at most."""
        for first in range(self.arena.players):
            self._branch([], first, preemptions, deaths=deaths)

    def _branch(self, legs: list[Leg], player: int, preemptions: int, *, deaths: bool) -> None:
        """Play on with one player until it ends or waits; then stop it before each of its calls in turn."""
        whole = [*legs, Leg(player)]
        made = self.play(whole).legs[-1]
        if preemptions == 0:
            return
        for calls in range(1, made):
            if not legs and calls % self.part[1] != self.part[0]:
                continue
            if preemptions == 1 and calls % self.every != self._offset(legs):
                continue
            stopped = [*legs, Leg(player, calls)]
            if deaths:
                self.play([*legs, Leg(player, calls, killed=True)])
            for other in range(self.arena.players):
                if other != player:
                    self._branch(stopped, other, preemptions - 1, deaths=deaths)

    def _offset(self, legs: Sequence[Leg]) -> int:
        """Begin elsewhere below each branch, so that a sample is spread over all of them."""
        return sum(leg.calls or 0 for leg in legs) % self.every

    def draw(self, seed: int, count: int) -> None:
        """Play schedules drawn by a seed."""
        rng = random.Random(f"{seed}/{self.arena.case.name}/{self.part[0]}")
        reach = [self.play([Leg(number)]).legs[0] for number in range(self.arena.players)]
        for _ in range(count):
            legs = []
            for _ in range(rng.randint(2, 6)):
                player = rng.randrange(len(reach))
                legs.append(Leg(player, rng.randint(1, max(1, rng.choice([12, reach[player] // 3, reach[player]])))))
            if rng.random() < 1 / 3:
                legs[-1] = legs[-1]._replace(killed=True)
            self.play(legs)

    def score(self) -> Score:
        """Sum up."""
        count = self.count
        return Score(count["schedules"], count["killed"], count["calls"], len(self.arena.good), self.wrong)
