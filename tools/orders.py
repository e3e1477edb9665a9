"""One case's ground, and the judgement of what a schedule leaves there."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("campaigns run on POSIX")

import contextlib
import gc
import inspect
import itertools
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from footprints import Touch, share
from lugnut.errors import Interrupted
from moments import Moments
from oracle import check_environment
from ordercases import UNIVERSE, OrderCase
from serial import NOTHING, Deed, State, carry_out, find_ends, show
from snapshots import Snapshot
from stepper import CHECK, Act, Place
from trees import normalise
from troupes import LETTERS, Leg, Played, Troupe

PURELIB = "lib/python3.11/site-packages"
CALLED_OFF = 130
"""The exit code of a run that was called off."""
MEETINGS = 8
"""Of each deed so many places, less one, where another one comes upon it, to see what both touch."""


class Arena:
    """One case's ground: prepared once, put back before every schedule."""

    def __init__(self, case: OrderCase, root: str) -> None:
        """Install what stands there before; every call of a player counts until `reduce` is called."""
        self.case = case
        self.known: list[set[Touch]] = []
        """What each deed's processes touch, once not every call of theirs counts any more."""
        self.place = Place(root, PURELIB)
        with open(os.path.join(self.place.env, "pyvenv.cfg"), "w", encoding="ascii") as file:
            file.write("home = /nowhere\n")
        self.wheels = {
            key: self.place.wheel(one.name, one.version, one.files, build=key) for key, one in UNIVERSE.items()
        }
        for path in case.standing:
            os.makedirs(os.path.join(self.place.site, path))
        for path, text in case.strays.items():
            self.place.write(path, text)
        self.before: State = NOTHING
        for deed in case.before:
            self.place.act(self.act(deed))
            self.before = carry_out(UNIVERSE, self.before, deed)
        for path in case.lost:
            shutil.rmtree(os.path.join(self.place.site, path))
        for path, text in case.edited.items():
            self.place.write(path, text)
        self.place.keep()
        self.good: set[tuple[State, str]] = set()
        acts = [self.act(deed) for deed in case.deeds]
        for number, act in enumerate(acts):  # once in this process: the store has every wheel then, and all is imported
            self.place.reset()
            with contextlib.suppress(Interrupted):
                self.place.act(act)
            if number in case.called_off:
                act.options["cancelled"] = call_off
        self.place.reset()
        self.place.act(CHECK)
        gc.freeze()  # forks share what they do not touch
        self.moments = Moments(UNIVERSE, self.before, case.deeds, self.place.site)
        self.troupe = Troupe(self.place, acts, None, self.moments.look)
        self.players = sum(player.places for player in self.troupe.players)
        """How many may make calls: the deeds' processes and their workers."""
        self.checker = Troupe(self.place, [CHECK])

    def act(self, deed: Deed) -> Act:
        """Give a deed to the engine."""
        what = deed.what if deed.verb == "uninstall" else tuple(self.wheels[word] for word in deed.what)
        options: dict[str, Any] = {"jobs": self.case.jobs}
        if deed.verb == "sync":
            file = os.path.join(self.place.root, f"{'-'.join(deed.what)}.txt")
            with open(file, "w", encoding="utf-8") as lines:
                lines.writelines(f"{wheel}\n" for wheel in what)
            what, options = (file,), {**options, "no_deps": True, "no_index": True}
        return Act(deed.verb, what, {**options, "overlay": dict(deed.overlay)} if deed.overlay else options)

    def reduce(self, wider: Sequence[Iterable[Touch]] = (), *, deaths: bool) -> None:
        """From now on count only calls that another player may notice; with `deaths`, one that recovers, too.

        What each touches is known from schedules in which they meet here and there, and from those in which it touched
        something `wider`.
        """
        players = self.troupe.players
        for legs in self._list_meetings(deaths=deaths):
            self.place.reset()
            self.troupe.play(legs)
            if deaths:
                self.checker.play([])
        self.troupe.close()
        seen = [player.read_touches() for player in players]
        self.known = [mine.union(more) for mine, more in zip(seen, wider or [()] * len(seen), strict=True)]
        self.troupe = Troupe(self.place, [player.act for player in players], share(self.known), self.moments.look)

    def read_seen(self) -> list[set[Touch]]:
        """Give what each deed's processes were seen to touch since the beginning."""
        self.troupe.close()
        seen = [player.read_touches() for player in self.troupe.players]
        return [one | known for one, known in zip(seen, self.known or seen, strict=True)]

    def _list_meetings(self, *, deaths: bool) -> Iterator[list[Leg]]:
        """Give schedules in which the deeds meet each other here and there."""
        numbers = range(len(self.case.deeds))
        yield from ([Leg(number) for number in order] for order in itertools.permutations(numbers))
        for first, second in itertools.permutations(numbers, 2):
            self.place.reset()
            reach = self.troupe.play([Leg(first)]).legs[0]
            for part in range(1, MEETINGS):
                for killed in {False, deaths}:
                    yield [Leg(first, part * reach // MEETINGS, killed), Leg(second)]

    def close(self) -> None:
        """End every player."""
        self.troupe.close()
        self.checker.close()

    def play(self, legs: Sequence[Leg]) -> tuple[Played, list[str]]:
        """Play a schedule; gives what is wrong afterwards."""
        self.place.reset()
        played = self.troupe.play(legs)
        found = ["they wait for each other"] if played.stuck else list(played.seen)
        for number, ended in enumerate(played.ends):
            wanted = CALLED_OFF if number in self.case.called_off else 0
            if ended.code != wanted and number not in played.killed and not played.stuck:
                found.append(f"{LETTERS[number]} ended with {ended.code}: {ended.said.strip()[-2000:]}")
        if played.killed or played.stuck:
            recovered = self.checker.run()
            if recovered.code:
                found.append(f"lugnut check ended with {recovered.code}: {recovered.said.strip()[-2000:]}")
        return played, found + self.judge(played)

    def judge(self, played: Played) -> list[str]:
        """Hold the environment against the serial oracle, and ask the other one whether it is whole."""
        undone = {number for number, ended in enumerate(played.ends) if ended.code > 0}  # it said so
        done = [number for number in range(len(self.case.deeds)) if number not in undone]
        doubtful = [done.index(number) for number in set(played.killed) - undone]
        snapshot = self.place.snapshot()
        try:
            state = read_state(self.place.site)
        except FileNotFoundError as error:
            return [f"{os.path.relpath(error.filename, self.place.site)} is missing"]
        apart = [(done.index(one), done.index(other)) for one, other in played.apart if not undone & {one, other}]
        deeds = [self.case.deeds[number] for number in done]
        if state not in find_ends(UNIVERSE, self.before, deeds, doubtful, apart):
            return [f"no order of the deeds installs {sorted(state)}"]
        seen = state, repr(sorted(snapshot.items()))
        if seen in self.good:
            return []
        found = self.check() + compare({**show(UNIVERSE, state, self.case.strays), **self.case.instead}, snapshot)
        if not found:
            self.good.add(seen)
        return found

    def check(self) -> list[str]:
        """Ask tools/oracle.py, and see that nothing was set aside: in no case there is any need for it."""
        found = check_environment(self.place.site)
        if os.path.exists(os.path.join(self.place.site, ".lugnut", "altered")):
            found.append("something was set aside in .lugnut/altered")
        excused = [f"{path}: " for path in {**self.case.strays, **self.case.instead}]
        excused += [f"{path}: an empty directory" for path in self.case.standing]
        excused += [".lugnut/kept/"] if self.case.instead else []
        left = [path for path in self.case.standing if not os.path.isdir(os.path.join(self.place.site, path))]
        gone = [f"{path}: a directory that stood there is gone" for path in left]
        return gone + [one for one in found if not one.startswith(tuple(excused))]


def call_off() -> None:
    """Call a run off at the last moment, right before its commit."""
    frame = inspect.currentframe()
    if frame is not None and frame.f_back is not None and frame.f_back.f_code.co_name == "_run":
        raise Interrupted(signal="SIGINT")


def read_state(site: str) -> State:
    """Read what is installed, by the names of the dist-infos and the ranks in them."""
    found = set()
    for info in os.listdir(site):
        if info.endswith(".dist-info"):
            name = info.removesuffix(".dist-info").rpartition("-")[0]
            with open(os.path.join(site, info, "lugnut.json"), encoding="utf-8") as file:
                rank = int(json.load(file).get("overlay", 0))
            with open(os.path.join(site, info, "direct_url.json"), encoding="utf-8") as file:
                key = json.load(file)["url"].split("/")[-2]  # each wheel lies in a directory of its own
            found.add((normalise(name), key, rank))
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
