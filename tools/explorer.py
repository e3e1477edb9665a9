"""Which schedules of a case are played: all up to so many preemptions, a sample of them, or drawn ones."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("campaigns run on POSIX")

import random
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from footprints import Touch
from orders import Arena
from troupes import Leg, Played

MOST_DEATHS = 2
PAIR = 2


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
    known: list[list[Touch]] = []  # noqa: RUF012 - never changed
    """What each deed was known to touch, if not every call of it counts."""
    seen: list[list[Touch]] = []  # noqa: RUF012 - never changed
    """What it was seen to touch in the end."""
    missed: Sequence[Touch] = ()
    """Where the deeds were not stopped at first, and then were."""


class Explorer:
    """Plays the schedules of one case and keeps the score."""

    def __init__(self, arena: Arena, part: tuple[int, int], every: int, *, first: bool = False) -> None:
        """Take the `part[0]`-th of `part[1]` equal shares, and each `every`-th schedule of that; end at the `first`."""
        self.arena = arena
        self.part = part
        self.every = every
        self.first = first
        self.count = Counter[str]()
        self.courses: set[str] = set()
        self._crowded = arena.players > PAIR
        self.wrong: list[str] = []

    def play(self, legs: Sequence[Leg]) -> Played:
        """Play a schedule; what comes of it is counted once."""
        played, found = self.arena.play(legs)
        if played.course in self.courses:
            return played
        self.courses.add(played.course)
        self.count["killed"] += len(played.killed)
        self.count["calls"] = max(self.count["calls"], *played.legs, 0) if len(legs) == 1 else self.count["calls"]
        if found:
            self.wrong.append(f"{self.arena.case.name}: {played.every}\n    " + "\n    ".join(found))
            if self.first:
                raise FoundError
        return played

    def explore(self, preemptions: int, deaths: int) -> None:
        """Play all schedules of so many preemptions and deaths at most."""
        for first in range(self.arena.players):
            self._branch([], first, preemptions, deaths)

    def _branch(self, legs: list[Leg], player: int, preemptions: int, deaths: int) -> None:
        """Play on with one player until it ends or waits; then stop it before each of its calls in turn."""
        whole = [*legs, Leg(player)]
        made = self.play(whole).legs[-1]
        if preemptions == 0 or made == 0:
            return
        for calls in range(1, made):
            if (legs or calls % self.part[1] == self.part[0]) and self._takes(legs, calls, preemptions):
                self._stop(legs, Leg(player, calls), preemptions - 1, deaths)
        if legs and (deaths or self._crowded):  # it has ended, or waits: that costs no preemption
            self._go_on(whole, player, preemptions, deaths)

    def _stop(self, legs: list[Leg], leg: Leg, preemptions: int, deaths: int) -> None:
        self._go_on([*legs, leg], leg.player, preemptions, deaths)
        if deaths:
            dead = [*legs, leg._replace(killed=True)]
            self.play(dead)
            if deaths > 1 or self._crowded:
                self._go_on(dead, leg.player, preemptions, deaths - 1)

    def _go_on(self, legs: list[Leg], last: int, preemptions: int, deaths: int) -> None:
        for other in range(self.arena.players):
            if other != last:
                self._branch(legs, other, preemptions, deaths)

    def _takes(self, legs: Sequence[Leg], calls: int, preemptions: int) -> bool:
        """Begin elsewhere below each branch, so that a sample is spread over all of them."""
        return preemptions > 1 or calls % self.every == sum(leg.calls or 0 for leg in legs) % self.every

    def draw(self, seed: int, count: int) -> None:
        """Play schedules drawn by a seed."""
        rng = random.Random(f"{seed}/{self.arena.case.name}/{self.part[0]}")
        reach = [self.play([Leg(number)]).legs[0] for number in range(self.arena.players)]
        for _ in range(count):
            legs: list[Leg] = []
            for _ in range(rng.randint(2, 6)):
                player = rng.randrange(len(reach))
                calls = rng.randint(1, max(1, rng.choice([12, reach[player] // 3, reach[player]])))
                dies = rng.random() < 1 / 8 and sum(leg.killed for leg in legs) < MOST_DEATHS
                legs.append(Leg(player, calls, dies))
            self.play(legs)

    def score(self) -> Score:
        """Sum up."""
        count = self.count
        return Score(len(self.courses), count["killed"], count["calls"], len(self.arena.good), self.wrong)
