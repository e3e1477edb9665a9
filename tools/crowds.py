"""Many callers at once on one environment: all with the same wheels, or each with its own.

pip takes no part: it has no lock, and what its callers leave of one another's work is no install.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from arena import Arena
from contestants import Contestant, Ready, is_ours
from peers import Peer
from workloads import Workload

CALLERS = 8
ALONE = "one caller"
UNFIT = frozenset({"pip"})


def measure_same(arena: Arena, load: Workload) -> list[Contestant]:
    """Let eight callers install the same set from cold, beside one caller of lugnut alone."""

    def enter(name: str, peer: Peer, callers: int) -> Contestant:
        def ready(number: int) -> Ready:
            prefix = arena.environment(f"{load.name}-same", f"{name.replace(' ', '-')}-{number}")
            return Ready(prefix, [arena.install(peer, load.wheels, prefix, f"{prefix}-cache")] * callers)

        return Contestant(name, ready, load.names, is_ours(peer))

    fit = [peer for peer in arena.rules.peers if peer.name not in UNFIT]
    alone = [enter(ALONE, peer, 1) for peer in fit if is_ours(peer)]
    return [*(enter(peer.name, peer, CALLERS) for peer in fit), *alone]


def measure_different(arena: Arena, load: Workload) -> list[Contestant]:
    """Let eight callers install eight different parts of the set, all of it cached."""
    return _measure_parts(arena, load, is_cold=False)


def measure_different_cold(arena: Arena, load: Workload) -> list[Contestant]:
    """Let eight callers install eight different parts of the set, nothing cached."""
    return _measure_parts(arena, load, is_cold=True)


def _measure_parts(arena: Arena, load: Workload, *, is_cold: bool) -> list[Contestant]:
    parts = share_out(load.wheels, {wheel: os.path.getsize(wheel) for wheel in load.wheels}, CALLERS)
    mode = "parts-cold" if is_cold else "parts"

    def enter(peer: Peer) -> Contestant:
        filled = "" if is_cold else arena.filled(peer, load)

        def ready(number: int) -> Ready:
            prefix = arena.environment(f"{load.name}-{mode}", f"{peer.name}-{number}")
            cache = filled or f"{prefix}-cache"
            return Ready(prefix, [arena.install(peer, part, prefix, cache) for part in parts])

        return Contestant(peer.name, ready, load.names, is_ours(peer))

    return [enter(peer) for peer in arena.rules.peers if peer.name not in UNFIT]


def share_out(wheels: Sequence[str], sizes: dict[str, int], count: int) -> list[list[str]]:
    """Spread wheels over so many parts, of about the same size, none of them empty while there are wheels."""
    parts: list[list[str]] = [[] for _ in range(count)]
    loads = [0] * count
    for wheel in sorted(wheels, key=lambda one: (-sizes[one], one)):
        least = loads.index(min(loads))
        parts[least].append(wheel)
        loads[least] += sizes[wheel] + 1
    return [sorted(part) for part in parts if part]
