"""What bench.py measures of a workload: for each mode, who runs which command on which ground.

A contestant's `ready` is called before each round, outside the timing; what it gives is started at once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import NamedTuple

from arena import Arena, tool
from peers import Peer
from trees import site_packages
from workloads import Workload

FLOOR = "floor"


class Ready(NamedTuple):
    """A run made ready: its environment (empty where there is none) and its commands."""

    prefix: str
    commands: Sequence[Sequence[str]]


class Contestant(NamedTuple):
    """Somebody who takes part in every round."""

    name: str
    ready: Callable[[int], Ready]
    """Takes the round's number, makes everything ready, gives the commands."""
    names: Sequence[str] = ()
    """What must be installed afterwards; nothing is looked at where there is no environment."""
    is_ours: bool = False
    """Whether lugnut made the environment, so that the oracle judges it."""


class Mode(NamedTuple):
    """A kind of measurement."""

    make: Callable[[Arena, Workload], list[Contestant]]
    is_cold: bool = False
    """Slow, and done in fewer rounds."""
    times: int = 1
    """So many times the rounds asked for: a short run needs more of them."""
    are_all_judged: bool = False
    """Every environment, not the last one alone."""


def is_ours(peer: Peer) -> bool:
    """Say whether the oracle judges what an installer leaves."""
    return peer.name == "lugnut"


def measure_warm(arena: Arena, load: Workload) -> list[Contestant]:
    """Install what the cache has; the floor is `cp -al`."""

    def enter(peer: Peer) -> Contestant:
        cache = arena.filled(peer, load)

        def ready(number: int) -> Ready:
            prefix = arena.environment(f"{load.name}-warm", f"{peer.name}-{number}")
            return Ready(prefix, [arena.install(peer, load.wheels, prefix, cache)])

        return Contestant(peer.name, ready, load.names, is_ours(peer))

    return [*map(enter, arena.rules.peers), Contestant(FLOOR, lambda number: _copy_trees(arena, load, number))]


def _copy_trees(arena: Arena, load: Workload, number: int) -> Ready:
    prefix = arena.environment(f"{load.name}-warm", f"{FLOOR}-{number}")
    trees = [f"{tree}/." for tree in arena.unpacked(load)]
    return Ready("", [["/bin/cp", "-al", "--remove-destination", *trees, site_packages(prefix)]])


def measure_cold(arena: Arena, load: Workload) -> list[Contestant]:
    """Install with an empty cache, though the wheels' own pages are in memory; the floor inflates and writes."""

    def enter(peer: Peer) -> Contestant:
        def ready(number: int) -> Ready:
            prefix = arena.environment(f"{load.name}-cold", f"{peer.name}-{number}")
            return Ready(prefix, [arena.install(peer, load.wheels, prefix, f"{prefix}-cache")])

        return Contestant(peer.name, ready, load.names, is_ours(peer))

    def inflate(number: int) -> Ready:
        directory = os.path.join(arena.home, f"{load.name}-cold", f"{FLOOR}-{number}")
        return Ready("", [tool("floor.py", directory, *load.wheels)])

    return [*map(enter, arena.rules.peers), Contestant(FLOOR, inflate)]


def measure_noop(arena: Arena, load: Workload) -> list[Contestant]:
    """Install again what is installed already."""

    def enter(peer: Peer) -> Contestant:
        cache = arena.filled(peer, load)
        prefix = arena.environment(f"{load.name}-noop", peer.name)
        words = arena.install(peer, load.wheels, prefix, cache)
        arena.do(words)
        return Contestant(peer.name, lambda _: Ready(prefix, [words]), load.names, is_ours(peer))

    return list(map(enter, arena.rules.peers))


MODES = {
    "warm": Mode(measure_warm),
    "cold": Mode(measure_cold, is_cold=True),
    "noop": Mode(measure_noop, times=3),
}
