"""One case's ground, the judgement of what a schedule leaves there, and which schedules are played."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("campaigns run on POSIX")

import json
import os
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from oracle import check_environment
from ordercases import UNIVERSE, OrderCase
from players import Leg, Played, play
from serial import NOTHING, Deed, State, carry_out, find_ends, show
from snapshots import Snapshot
from stepper import CHECK, Act, Place, run
from trees import normalise

PURELIB = "lib/python3.11/site-packages"


class Arena:
    """One case's ground: prepared once, put back before every schedule."""

    def __init__(self, case: OrderCase, root: str) -> None:
        """Install what stands there before."""
        self.case = case
        self.place = Place(root, PURELIB)
        with open(os.path.join(self.place.env, "pyvenv.cfg"), "w", encoding="ascii") as file:
            file.write("home = /nowhere\n")
        self.wheels = {
            key: self.place.wheel(one.name, one.version, one.files, build=key) for key, one in UNIVERSE.items()
        }
        for path, text in case.strays.items():
            self.place.write(path, text)
        self.before: State = NOTHING
        for deed in case.before:
            self.place.act(self.act(deed))
            self.before = carry_out(UNIVERSE, self.before, deed)
        self.place.keep()
        self.acts = [self.act(deed) for deed in case.deeds]
        self.good: set[tuple[State, str]] = set()
        for act in self.acts:  # once in this process: the store has every wheel then, and all is imported
            self.place.reset()
            self.place.act(act)
        self.place.reset()
        self.place.act(CHECK)

    def act(self, deed: Deed) -> Act:
        """Give a deed to the engine."""
        what = tuple(self.wheels[word] for word in deed.what) if deed.verb == "install" else deed.what
        return Act(deed.verb, what, {"overlay": dict(deed.overlay)} if deed.overlay else {})

    def play(self, legs: Sequence[Leg]) -> tuple[Played, list[str]]:
        """Play a schedule; gives what is wrong afterwards."""
        self.place.reset()
        played = play(self.place, self.acts, legs)
        found = ["they wait for each other"] if played.stuck else []
        for number, ended in enumerate(played.ends):
            if ended.code != 0 and number not in played.killed and not played.stuck:
                found.append(f"{'abcdefgh'[number]} ended with {ended.code}: {ended.said.strip()[-2000:]}")
        if played.killed or played.stuck:
            recovered = run(self.place, CHECK)
            if recovered.code:
                found.append(f"lugnut check ended with {recovered.code}: {recovered.said.strip()[-2000:]}")
        return played, found + self.judge(played.killed)

    def judge(self, killed: Sequence[int]) -> list[str]:
        """Hold the environment against the serial oracle, and ask the other one whether it is whole."""
        snapshot = self.place.snapshot()
        state = read_state(self.place.site)
        if state not in find_ends(UNIVERSE, self.before, self.case.deeds, killed):
            return [f"no order of the deeds installs {sorted(state)}"]
        seen = state, repr(sorted(snapshot.items()))
        if seen in self.good:
            return []
        found = check_environment(self.place.site) + compare(show(UNIVERSE, state, self.case.strays), snapshot)
        if not found:
            self.good.add(seen)
        return found


def read_state(site: str) -> State:
    """Read what is installed, by the names of the dist-infos and the ranks in them."""
    found = set()
    for info in os.listdir(site):
        if info.endswith(".dist-info"):
            name, _, version = info.removesuffix(".dist-info").rpartition("-")
            with open(os.path.join(site, info, "lugnut.json"), encoding="utf-8") as file:
                rank = int(json.load(file).get("overlay", 0))
            found.add((normalise(name), f"{name}{version}", rank))
    return frozenset(found)


def compare(expected: Mapping[str, str], snapshot: Snapshot) -> list[str]:
    """Compare modules shown, leaving dist-infos and .lugnut to the other oracle."""
    below = f"{PURELIB}/"
    shown = {
        path.removeprefix(below): data.decode()
        for path, (kind, _, data) in snapshot.items()
        if kind == "file" and path.startswith(below) and not path.startswith(f"{below}.lugnut/")
        if ".dist-info/" not in path
    }
    return [
        f"{path}: {shown.get(path)!r}, should be {expected.get(path)!r}"
        for path in sorted(shown.keys() | expected.keys())
        if shown.get(path) != expected.get(path)
    ]


# --- which schedules --------------------------------------------------------------------------------------------------


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
            self.wrong.append(f"{self.arena.case.name}: {schedule}\n    " + "\n    ".join(found))
            if self.first:
                raise FoundError
        return played

    def explore(self, preemptions: int, *, deaths: bool) -> None:
        """Play all schedules of so many preemptions at most."""
        for first in range(len(self.arena.acts)):
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
            for other in range(len(self.arena.acts)):
                if other != player:
                    self._branch(stopped, other, preemptions - 1, deaths=deaths)

    def _offset(self, legs: Sequence[Leg]) -> int:
        """Begin elsewhere below each branch, so that a sample is spread over all of them."""
        return sum(leg.calls or 0 for leg in legs) % self.every

    def draw(self, seed: int, count: int) -> None:
        """Play schedules drawn by a seed."""
        rng = random.Random(f"{seed}/{self.arena.case.name}/{self.part[0]}")
        reach = [self.play([Leg(number)]).legs[0] for number in range(len(self.arena.acts))]
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
