"""What bench.py measures of a workload: for each mode, who runs which command on which ground."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import crowds
from arena import TOOLS, Arena, tool
from contestants import FLOOR, Contestant, Ready, is_ours
from peers import Peer, command
from programs import find_program
from trees import site_packages
from workloads import Workload

REMOVED = 50
"""Distributions that an uninstall removes."""


class Mode(NamedTuple):
    """A kind of measurement."""

    make: Callable[[Arena, Workload], list[Contestant]]
    is_cold: bool = False
    """Slow, and done in fewer rounds."""
    times: int = 1
    """So many times the rounds asked for: a short run needs more of them."""
    are_all_judged: bool = False
    """Every environment, not the last one alone."""


def measure_warm(arena: Arena, load: Workload) -> list[Contestant]:
    """Install what the cache has; the floor is `cp -al`."""
    contestants = [_warm(arena, load, peer, "warm") for peer in arena.rules.peers]
    return [*contestants, Contestant(FLOOR, lambda number: _copy_trees(arena, load, number))]


def _warm(arena: Arena, load: Workload, peer: Peer, mode: str) -> Contestant:
    cache = arena.filled(peer, load)

    def ready(number: int) -> Ready:
        prefix = arena.environment(f"{load.name}-{mode}", f"{peer.name}-{number}")
        return Ready(prefix, [arena.install(peer, load.wheels, prefix, cache)])

    return Contestant(peer.name, ready, load.names, is_ours(peer))


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


def measure_compile(arena: Arena, load: Workload) -> list[Contestant]:
    """Install with bytecode that was compiled before, for this very cache."""

    def enter(peer: Peer) -> Contestant:
        cache = arena.filled(peer, load, "compiled")
        return _compiling(arena, load, peer, "compile", lambda _: cache)

    return [enter(peer) for peer in arena.rules.peers if peer.compile]


def measure_first_compile(arena: Arena, load: Workload) -> list[Contestant]:
    """Install with bytecode from a cache that has the wheels but none of it; only lugnut's would have any to keep."""

    def enter(peer: Peer) -> Contestant:
        def find_cache(number: int) -> str:
            return arena.fill(peer, load, f"first-{number}") if is_ours(peer) else arena.filled(peer, load)

        return _compiling(arena, load, peer, "first-compile", find_cache)

    return [enter(peer) for peer in arena.rules.peers if peer.compile]


def _compiling(arena: Arena, load: Workload, peer: Peer, mode: str, find_cache: Callable[[int], str]) -> Contestant:
    def ready(number: int) -> Ready:
        cache = find_cache(number)
        prefix = arena.environment(f"{load.name}-{mode}", f"{peer.name}-{number}")
        return Ready(prefix, [command(peer.compile, arena.fields(prefix, cache), wheels=load.wheels)])

    return Contestant(peer.name, ready, load.names, is_ours(peer))


def measure_upgrade(arena: Arena, load: Workload) -> list[Contestant]:
    """Bring one distribution of the installed workload to a later version, which is cached."""
    later = arena.upgraded(load)

    def enter(peer: Peer) -> Contestant:
        cache = arena.filled(peer, load)
        for time in (1, 2):  # as `filled` does, for the one wheel more
            arena.do(arena.install(peer, [later], arena.environment("filling", f"later-{peer.name}-{time}"), cache))

        def ready(number: int) -> Ready:
            prefix = arena.environment(f"{load.name}-upgrade", f"{peer.name}-{number}")
            arena.do(arena.install(peer, load.wheels, prefix, cache))
            return Ready(prefix, [arena.install(peer, [later], prefix, cache)])

        return Contestant(peer.name, ready, load.names, is_ours(peer))

    return list(map(enter, arena.rules.peers))


def measure_uninstall(arena: Arena, load: Workload) -> list[Contestant]:
    """Remove some of the installed workload: fifty of it, or every second one where that is fewer."""
    count = min(REMOVED, len(load.wheels) // 2)
    gone = load.names[:: len(load.wheels) // count][:count]
    staying = [name for name in load.names if name not in gone]

    def enter(peer: Peer) -> Contestant:
        cache = arena.filled(peer, load)

        def ready(number: int) -> Ready:
            prefix = arena.environment(f"{load.name}-uninstall", f"{peer.name}-{number}")
            arena.do(arena.install(peer, load.wheels, prefix, cache))
            return Ready(prefix, [command(peer.uninstall, arena.fields(prefix, cache), names=gone)])

        return Contestant(peer.name, ready, staying, is_ours(peer))

    return [enter(peer) for peer in arena.rules.peers if peer.uninstall]


def measure_bare(arena: Arena, load: Workload) -> list[Contestant]:
    """Install warm by lugnut, and by its own store, pool and links without any of its promises (see bare.py).

    The other peers stand beside it: what bare.py takes is what an installer in Python could take at best.
    """
    [peer] = [one for one in arena.rules.peers if is_ours(one)]
    cache = arena.filled(peer, load)

    def enter(name: str, make: Callable[[str], list[str]]) -> Contestant:
        def ready(number: int) -> Ready:
            prefix = arena.environment(f"{load.name}-bare", f"{name.replace(', ', '-')}-{number}")
            return Ready(prefix, [make(prefix)])

        return Contestant(name, ready, load.names, is_ours=True)

    program = [sys.executable, os.path.join(TOOLS, "bare.py"), "--cache-dir", cache]
    return [
        _warm(arena, load, peer, "bare"),
        enter("bare", lambda prefix: [*program, "--prefix", prefix, *load.wheels]),
        enter("bare, store checked", lambda prefix: [*program, "--check", "--prefix", prefix, *load.wheels]),
        *(_warm(arena, load, other, "bare") for other in arena.rules.peers if not is_ours(other)),
    ]


def measure_version(arena: Arena, load: Workload) -> list[Contestant]:
    """Start and say the version; the floor is an interpreter that does nothing."""
    del load
    bare = Contestant(FLOOR, lambda _: Ready("", [[sys.executable, "-I", "-S", "-c", "pass"]]))
    said = {peer.name: [find_program(peer.program), "--version"] for peer in arena.rules.peers}
    return [*(Contestant(name, partial(_say, words)) for name, words in said.items()), bare]


def _say(words: list[str], number: int) -> Ready:
    del number
    return Ready("", [words])


def measure_noop_of_one(arena: Arena, load: Workload) -> list[Contestant]:
    """Install the smallest wheel again, alone in its environment: start-up, and next to nothing."""
    smallest = min(load.wheels, key=os.path.getsize)
    return measure_noop(arena, Workload(f"{load.name}-one", [smallest], 0, 0))


MODES = {
    "warm": Mode(measure_warm),
    "cold": Mode(measure_cold, is_cold=True),
    "noop": Mode(measure_noop, times=3),
    "compile": Mode(measure_compile),
    "first-compile": Mode(measure_first_compile, is_cold=True),
    "upgrade": Mode(measure_upgrade),
    "uninstall": Mode(measure_uninstall),
    "callers-same": Mode(crowds.measure_same, is_cold=True, are_all_judged=True),
    "callers-different": Mode(crowds.measure_different, is_cold=True, are_all_judged=True),
    "callers-different-cold": Mode(crowds.measure_different_cold, is_cold=True, are_all_judged=True),
    "bare": Mode(measure_bare),
    "version": Mode(measure_version, times=5),
    "noop-of-one": Mode(measure_noop_of_one, times=5),
}
