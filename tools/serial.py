"""What deeds do to an environment, one after the other: the oracle that every order of them is held against.

Pure, and nothing of lugnut is in it: DESIGN section 3 in a page. A *state* says what is installed: by normalised name,
which wheel of the universe and which overlay rank. What is shown at a path follows from that alone (G1).
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple


class Shipped(NamedTuple):
    """A wheel of the universe: what it ships, by path."""

    name: str
    version: str
    files: Mapping[str, str]


class Deed(NamedTuple):
    """One command: `install` of wheels (keys of the universe), `uninstall` of names, `sync` to wheels and no more."""

    verb: str
    what: tuple[str, ...] = ()
    overlay: Mapping[str, int] = {}


Universe = Mapping[str, Shipped]
State = frozenset[tuple[str, str, int]]
"""Of every installed distribution its name, its wheel's key and its overlay rank."""
NOTHING: State = frozenset()


def carry_out(universe: Universe, state: State, deed: Deed) -> State:
    """Give the state after a deed."""
    installed = {name: (key, rank) for name, key, rank in state}
    gone = deed.what if deed.verb == "uninstall" else ()
    if deed.verb == "sync":
        gone = tuple(installed.keys() - {universe[key].name for key in deed.what})
    for name in gone:
        installed.pop(name, None)
    for key in deed.what if deed.verb in {"install", "sync"} else ():
        name = universe[key].name
        installed[name] = key, installed.get(name, ("", 0))[1]
    for name, rank in deed.overlay.items():
        if name in installed:
            installed[name] = installed[name][0], rank
    return frozenset((name, key, rank) for name, (key, rank) in installed.items())


def find_ends(
    universe: Universe, state: State, deeds: Sequence[Deed], doubtful: Collection[int] = (),
    apart: Collection[tuple[int, int]] = (),
) -> set[State]:  # fmt: skip
    """Give every state that the deeds may end in, whatever their order; a `doubtful` one was killed: done or not.

    Of two that were `apart` the first one had ended before the other one began.
    """
    ends = set()
    for undone in _subsets(doubtful):
        done = [number for number in range(len(deeds)) if number not in undone]
        for order in itertools.permutations(done):
            if any(order.index(late) < order.index(early) for early, late in apart if {early, late} <= {*done}):
                continue
            end = state
            for number in order:
                end = carry_out(universe, end, deeds[number])
            ends.add(end)
    return ends


def _subsets(numbers: Collection[int]) -> Iterator[tuple[int, ...]]:
    for count in range(len(numbers) + 1):
        yield from itertools.combinations(numbers, count)


def show(universe: Universe, state: State, strays: Mapping[str, str] = {}) -> dict[str, str]:
    """Give what is shown at every path: of the claims the one of highest rank, then of the later name."""
    best: dict[str, tuple[tuple[int, str], str]] = {path: ((-1, ""), text) for path, text in strays.items()}
    for name, key, rank in state:
        for path, text in universe[key].files.items():
            if path not in best or best[path][0] < (rank, name):
                best[path] = (rank, name), text
    return {path: text for path, (_, text) in best.items()}
