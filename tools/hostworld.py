"""Two hosts that share a file system, environments on it, and what two deeds that met may leave in one.

Ann is the host that things happen to; bob goes on meanwhile; the server's own mount, which caches nothing, watches.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import sys
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Protocol

from founding import CampaignSize, make_campaign_wheels, make_namespace_wheels
from machines import CannotStartError, Machine, joined
from programs import Ran, clean_environ, find_program, make_venv
from serial import NOTHING, Deed, Shipped, State, carry_out, find_ends
from sight import Sight, read
from trees import Tree, differences, reference_tree, wheel_name, without_generated

if sys.platform == "win32":
    raise ImportError("campaigns run on POSIX")

COUNT = 6
KINDS = ("paths", "same", "apart", "again", "against", "sync")
HERE = os.path.dirname(os.path.abspath(__file__))
SETTLED = 5.0
"""Seconds after which the attributes that a client caches are those of the server, with room to spare."""
Deeds = tuple[State, list[Deed]]


class FileSystem(Protocol):
    """A file system that hosts share."""

    title: str
    client: str
    freshest: Sequence[str]
    """Options of a mount that caches nothing."""
    usual: Sequence[str]
    """Options of the hosts' mounts."""
    refused: str
    """What lugnut says where it refuses to change anything there; empty where it does not."""

    def mount(self, machine: Machine, place: str, options: Sequence[str] = ()) -> None:
        """Mount it."""

    def sessions(self, machine: Machine) -> list[str]:
        """Give what the server calls a machine's connections."""

    def forget(self, machine: Machine, sessions: Sequence[str], *, by_hand: bool = True) -> None:
        """Wait until the server has dropped them and their locks; `by_hand`: an administrator says so."""


class World:
    """Hosts, file system, wheels, and fresh environments."""

    def __init__(self, hosts: Sequence[Machine], server: Machine, shared: FileSystem, home: str) -> None:
        """Mount it on all of them, and make the wheels."""
        self.ann, self.bob = hosts
        self.server, self.shared, self.home = server, shared, home
        self.place = os.path.join(home, "shared")
        shared.mount(server, self.place, shared.freshest)
        for machine in hosts:
            shared.mount(machine, self.place, shared.usual)
        self.twin = os.path.join(home, "twin")
        make_venv(self.twin)
        self.wheels = _make_wheels(os.path.join(home, "wheels"))
        self.universe = {key: Shipped(wheel_name(wheel), key[0], {}) for key, wheel in self.wheels.items()}
        self.lives: dict[str, dict[str, int]] = {}
        """Of each kind of deed, how many slices an unharmed run spends in each phase."""
        self._numbers = itertools.count()
        self._references: dict[State, Tree] = {}

    def remount(self, machine: Machine) -> None:
        """Mount it again on a machine whose mount died or that was off."""
        machine.run(["umount", "-l", self.place])
        self.shared.mount(machine, self.place, self.shared.usual)

    def environment(self, state: State) -> Environment:
        """Make a fresh environment in which this is installed."""
        made = Environment(self, os.path.join(self.place, f"venv{next(self._numbers)}"))
        if state:
            ran = made.do(self.bob, Deed("install", tuple(sorted(key for _, key, _ in state))))
            if ran.code != 0:
                raise RuntimeError(f"an environment could not be prepared: {ran.err[-1000:]}")
        return made

    def reference(self, state: State) -> Tree:
        """Give what is shown where this is installed, but for what stands in an environment anyway."""
        if state not in self._references:
            self._references[state] = reference_tree([self.wheels[key] for _, key, _ in state], self.twin)
        return self._references[state]


class Environment:
    """One environment on the shared file system."""

    def __init__(self, world: World, prefix: str) -> None:
        """Make it, from bob's side."""
        self.world, self.prefix = world, prefix
        world.bob.must(sys.executable, "-m", "venv", "--without-pip", "--symlinks", prefix)
        self.empty = self.sight(world.bob).tree
        python = f"python{sys.version_info.major}.{sys.version_info.minor}"
        self.site = os.path.join(prefix, "lib", python, "site-packages")
        self.watched = world.server.path(self.site)

    def command(self, deed: Deed, *words: str) -> list[str]:
        """Give lugnut's command for a deed; the store is a host's own, or the shared one, by the environment."""
        what = list(deed.what)
        if deed.verb != "uninstall":
            what = [self.world.wheels[key] for key in deed.what]
            words = (*words, "--no-deps", "--cache-dir", self.store())
        if deed.verb == "sync":
            what = [self._list(what)]
        return [*self.words(deed.verb), *words, *what]

    def words(self, verb: str) -> list[str]:
        """Give the words of lugnut's command that names this environment."""
        return [find_program("lugnut"), verb, "--python", f"{self.prefix}/bin/python"]

    def store(self) -> str:
        """Give the store: beside every second environment, from where files are linked, else on another volume."""
        return os.path.join(self.world.place if self.prefix[-1] in "02468" else self.world.home, "cache")

    def _list(self, wheels: Sequence[str]) -> str:
        path = os.path.join(self.world.home, f"wanted{abs(hash(tuple(wheels)))}.txt")
        with open(path, "w", encoding="utf-8") as file:
            file.write("".join(f"{wheel}\n" for wheel in wheels))
        return path

    def environ(self) -> dict[str, str]:
        """Give a run's surroundings."""
        return clean_environ(self.world.home)

    def do(self, machine: Machine, deed: Deed, *words: str) -> Ran:
        """Do a deed on a machine, whatever becomes of it."""
        return machine.run(self.command(deed, *words), self.environ())

    def check(self, machine: Machine) -> list[str]:
        """Run `lugnut check`, which recovers what the dead left; says what it was not content with."""
        ran = machine.run(self.words("check"), self.environ())
        return [] if ran.code == 0 else [f"check on {machine.name}: exit {ran.code}: {(ran.out + ran.err)[-600:]}"]

    def sight(self, machine: Machine) -> Sight:
        """Say what a machine sees of it."""
        return read(machine.must(sys.executable, os.path.join(HERE, "sight.py"), self.prefix))

    def judge(self, state: State, deeds: Sequence[Deed], doubtful: Collection[int] = ()) -> list[str]:
        """Say what is wrong with what the deeds left, of which the doubtful ones were done or not."""
        found = self.check(self.world.bob) + self.check(self.world.ann)
        seen = self.sight(self.world.bob)
        deadline = time.monotonic() + SETTLED
        while (other := self.sight(self.world.ann)) != seen and time.monotonic() < deadline:
            seen = self.sight(self.world.bob)
        found += [f"ann sees: {line}" for line in differences(seen.tree, other.tree)[:5]]
        tree = without_generated(seen.tree)
        ends = find_ends(self.world.universe, state, deeds, doubtful)
        wanted = [{**self.empty, **self.world.reference(end)} for end in ends]
        return found + min((differences(one, tree) for one in wanted), key=len)[:10] + seen.findings[:10]

    def remove(self) -> None:
        """Remove it."""
        self.world.server.run(["rm", "-rf", self.prefix])


def _make_wheels(directory: str) -> dict[str, str]:
    """Make the universe: two versions of distributions that share paths, and others that all share one."""
    size, wheels = CampaignSize(6), {}
    for version in "12":
        made = make_campaign_wheels(os.path.join(directory, version), COUNT, f"{version}.0", size=size)
        wheels.update({f"{version}/{number}": wheel for number, wheel in enumerate(made)})
    shared = make_namespace_wheels(os.path.join(directory, "shared"), COUNT, longest=4096)
    return {**wheels, **{f"s/{number}": wheel for number, wheel in enumerate(shared)}}


def choose_deeds(world: World, kind: str, callers: int, rng: random.Random) -> Deeds:
    """Choose what is installed before, and what so many callers do, the even ones on ann, the odd ones on bob."""
    few = sorted(rng.sample(range(COUNT), 3))
    names = tuple(world.universe[f"1/{number}"].name for number in few)
    first, second = (tuple(f"{version}/{number}" for number in few) for version in "12")
    shared = tuple(f"s/{number}" for number in rng.sample(range(COUNT), COUNT))
    lists = ((*first[:2], shared[0]), (*second[1:], shared[1]))
    made: dict[str, tuple[Deed, Callable[[int], Deed]]] = {
        "paths": (Deed("install", (shared[-1],)), lambda n: Deed("install", (shared[n % (COUNT - 1)],))),
        "same": (Deed("install"), lambda _: Deed("install", first)),
        "apart": (
            Deed("install"),
            lambda n: Deed("install", shared[n // 2 % COUNT : n // 2 % COUNT + 1] if n % 2 else first),
        ),
        "again": (Deed("install", first), lambda n: Deed("install", first) if n % 2 else Deed("uninstall", names)),
        "against": (
            Deed("install", first),
            lambda n: Deed("uninstall", names) if n % 2 else Deed("install", second),
        ),
        "sync": (Deed("install", first), lambda n: Deed("sync", lists[n % 2])),
    }
    before, say = made[kind]
    return carry_out(world.universe, NOTHING, before), [say(number) for number in range(callers)]


@contextlib.contextmanager
def worlds(start: Callable[[Machine, str], FileSystem], home: str) -> Iterator[World]:
    """Give two hosts that share a file system; raises CannotStartError."""
    with joined(["ann", "bob"]) as (server, hosts):
        os.makedirs(os.path.join(home, "servers"))
        yield World(hosts, server, start(server, os.path.join(home, "servers")), home)


__all__ = ["KINDS", "CannotStartError", "Environment", "FileSystem", "World", "choose_deeds", "worlds"]
