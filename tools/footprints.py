"""Which calls of a run another one could notice: stopping it before any other call would show nothing new.

A *touch* is a path below the environment and what is done there. Two calls of two runs may come in either order with
the same outcome unless one of them changes what the other one touches. So a scheduler that only stops a run before
*shared* calls, those that meet a touch of another run, plays every order there is (Lipton's reduction). What others
touch is known from schedules played before, a sample; whether it was large enough is seen in the end, in all that was
played: `find_missed` gives the touches of a run that another one meets by something that it was not known to do.

Whose transaction a path lies in matters: a run's own, `+`, is another's to the others, `*`.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Sequence

LOOKED = "looked"
LISTED = "listed"
WRITTEN = "written"
"""A file's bytes, or its lock: the directory that it is in does not change."""
CHANGED = "changed"
"""A name is made, removed or given to another file."""
MOVED = "moved"
"""A directory with all that is in it has another name."""
Touch = tuple[str, str]
"""What is done, and where: a path relative to the environment, as `spell` spells it."""
IDENTITY = re.compile(r"[0-9a-f]{16}-[0-9a-f]{8}")
_TEMPORARY = re.compile(r"\.lugnut-[^/]*\.tmp")


def spell(path: str, own: Container[str]) -> str:
    """Spell a path alike in all schedules; `own` are the transactions that this process has made."""
    if "lugnut-" in path:
        path = _TEMPORARY.sub("(temporary)", path)
    return IDENTITY.sub(lambda found: "+" if found[0] in own else "*", path) if "-" in path else path


def turn(touches: Iterable[Touch]) -> Iterator[Touch]:
    """Spell the touches of one run as another one would."""
    for kind, path in touches:
        if "*" in path:
            yield kind, path
            yield kind, path.replace("*", "+")
        else:
            yield kind, path.replace("+", "*")


class Shared:
    """The touches of other runs, as `turn` gives them; a touch that meets one of them is in it."""

    def __init__(self, others: Iterable[Touch], known: Iterable[Touch] = ()) -> None:
        """Take all that others were seen to touch; `known` is what the run itself was."""
        self.known = frozenset(known)
        found: dict[str, set[str]] = {kind: set() for kind in (LOOKED, LISTED, WRITTEN, CHANGED, MOVED)}
        for kind, path in others:
            found[kind].add(path)
        self._listed = found[LISTED]
        self._moved = found[MOVED]
        self._named = found[LOOKED] | found[WRITTEN] | found[CHANGED] | found[MOVED]
        self._altered = found[WRITTEN] | found[CHANGED] | found[MOVED]
        self._altered_in = {path.rpartition("/")[0] for path in found[CHANGED] | found[MOVED]}
        self._above = {above for path in self._named | self._listed for above in _list_upwards(path)}
        self._known: dict[Touch, bool] = {}

    def __contains__(self, touch: Touch) -> bool:
        """Say whether a touch meets one of the others'."""
        known = self._known.get(touch)
        if known is None:
            known = self._known[touch] = self._meets(*touch)
        return known

    def _meets(self, kind: str, path: str) -> bool:
        if not path:
            return False
        if not self._moved.isdisjoint(_list_upwards(path)):
            return True
        if kind == LOOKED:
            return path in self._altered
        if kind == LISTED:
            return path in self._altered_in
        if kind == WRITTEN:
            return path in self._named
        return path in (self._above if kind == MOVED else self._named) or path.rpartition("/")[0] in self._listed


def _list_upwards(path: str) -> Iterator[str]:
    while path:
        yield path
        path = path.rpartition("/")[0]


def share(touched: Sequence[set[Touch]]) -> list[Shared]:
    """Give for each run what the others touch."""
    others = [set[Touch]().union(*touched[:number], *touched[number + 1 :]) for number in range(len(touched))]
    return [Shared(turn(one), mine) for one, mine in zip(others, touched, strict=True)]


def find_missed(known: Sequence[set[Touch]], seen: Sequence[set[Touch]]) -> list[Touch]:
    """Give the touches at which a run was not stopped, for too little was `known` of all, and is by what was `seen`."""
    pairs = zip(seen, share(known), share(seen), strict=True)
    return sorted({touch for mine, old, new in pairs for touch in mine if touch in new and touch not in old})
