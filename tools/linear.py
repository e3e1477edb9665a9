"""Whether commands that overlapped in time can have happened one after another: a search as Wing and Gong have it.

Pure. Every act has a beginning and an end; one that ended before another began comes before it. An act on several
names happens at one moment. A *doubtful* one (killed) happened or did not. Where it is known what an act *saw* (which
versions it replaced), it must have happened where just these were installed. Wanted is an order that leads from what
was installed before to what is installed after. Acts of disjoint names are judged apart (linearizability is local), and
of one that meets nobody else on its names no other place is tried.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from serial import Deed, State, Universe, carry_out

BUDGET = 300_000
"""Situations looked at before a search is given up as undecided."""


class Act(NamedTuple):
    """A deed and when it was done; seconds on one clock."""

    deed: Deed
    began: float
    ended: float
    doubtful: bool = False
    seen: Mapping[str, str | None] | None = None
    """Keys that it says it replaced, by name (None: nothing was installed); None where it said nothing."""


class Judgement(NamedTuple):
    """What came of a search."""

    findings: list[str]
    undecided: bool = False


def judge(universe: Universe, before: State, after: State, acts: Sequence[Act]) -> Judgement:
    """Look for an order of all acts that leads from `before` to `after`."""
    findings, undecided = [], False
    acts = [act for act in acts if act.deed.verb != "check"]
    for names in _components(universe, before | after, acts):
        mine = [act for act in acts if names & names_of(universe, act.deed, names)]
        old, new = restrict(before, names), restrict(after, names)
        found = find_order(universe, old, new, mine)
        if found is None:
            undecided = True
        elif not found:
            findings += _explain(universe, old, new, mine)
    return Judgement(findings, undecided)


def restrict(state: State, names: frozenset[str]) -> State:
    """Give the part of a state that is about these names."""
    return frozenset(one for one in state if one[0] in names)


def names_of(universe: Universe, deed: Deed, everybody: frozenset[str]) -> frozenset[str]:
    """Give the names that a deed acts on."""
    if deed.verb == "sync":
        return everybody
    acted = deed.what if deed.verb == "uninstall" else [universe[key].name for key in deed.what]
    return frozenset((*acted, *deed.overlay))


def _components(universe: Universe, states: State, acts: Sequence[Act]) -> list[frozenset[str]]:
    everybody = frozenset(name for name, _, _ in states).union(
        *(names_of(universe, act.deed, frozenset()) for act in acts),
        *({universe[key].name for key in act.deed.what} for act in acts if act.deed.verb == "sync"),
    )
    parts = [frozenset({name}) for name in everybody]
    for act in acts:
        names = names_of(universe, act.deed, everybody)
        met = [part for part in parts if part & names]
        parts = [part for part in parts if not part & names] + ([frozenset().union(*met)] if met else [])
    return sorted(parts, key=sorted)


# --- the search -------------------------------------------------------------------------------------------------------


class _Board:
    """Who comes before whom, and who meets whom; sets of acts are bits."""

    def __init__(self, universe: Universe, acts: Sequence[Act]) -> None:
        everybody = frozenset(one.name for one in universe.values())
        names = [names_of(universe, act.deed, everybody) for act in acts]
        self.before = [0] * len(acts)
        self.meets = [0] * len(acts)
        for mine, act in enumerate(acts):
            for other, one in enumerate(acts):
                if one.ended < act.began:
                    self.before[mine] |= 1 << other
                elif mine != other and act.ended >= one.began and names[mine] & names[other]:
                    self.meets[mine] |= 1 << other

    def next(self, done: int) -> list[int]:
        """Give the acts that may come next: one alone where it meets none of those that are left."""
        free = [n for n, before in enumerate(self.before) if not done >> n & 1 and not before & ~done]
        for number in free:
            if not self.meets[number] & ~done:
                return [number]
        return free


def find_order(universe: Universe, before: State, after: State, acts: Sequence[Act]) -> bool | None:
    """Say whether there is an order; None where the search was given up."""
    acts = sorted(acts, key=lambda act: act.ended)
    board, whole = _Board(universe, acts), (1 << len(acts)) - 1
    unlikely = [act.doubtful and not _is_witnessed(universe, act, acts, after) for act in acts]
    looked = {(0, before)}
    stack = [(0, before)]
    while stack:
        done, state = stack.pop()
        if done == whole:
            if state == after:
                return True
            continue
        for number in reversed(board.next(done)):
            made_or_not = list(_outcomes(universe, state, acts[number]))
            for made in reversed(made_or_not) if unlikely[number] else made_or_not:
                if (reached := (done | 1 << number, made)) not in looked:
                    looked.add(reached)
                    stack.append(reached)
        if len(looked) > BUDGET:
            return None
    return False


def _outcomes(universe: Universe, state: State, act: Act) -> Iterator[State]:
    """Give what may be after an act: of a doubtful one that it did not happen, then what it makes."""
    if act.doubtful:
        yield state
    made = carry_out(universe, state, act.deed)
    if act.seen is None or _agrees(state, made, act.seen):
        yield made


def _is_witnessed(universe: Universe, act: Act, acts: Sequence[Act], after: State) -> bool:
    """Say whether others replaced all that an act would have brought, or it is there in the end.

    It decides nothing: what is likely is tried first, or a search among many killed commands does not end in time.
    """
    left: set[tuple[str, str | None]] = {(name, key) for name, key, _ in after}
    seen = left.union(*((one.seen or {}).items() for one in acts if one.ended >= act.began))
    if act.deed.verb == "uninstall":
        return all((name, None) in seen or name not in {one for one, _ in left} for name in act.deed.what)
    return all((universe[key].name, key) in seen for key in act.deed.what)


def _agrees(state: State, made: State, seen: Mapping[str, str | None]) -> bool:
    """Say whether what an act replaced is what it says."""
    there = {name: key for name, key, _ in state}
    changed = {name for name, _, _ in state ^ made}
    return changed <= seen.keys() and all(there.get(name) == key for name, key in seen.items())


# --- in words ---------------------------------------------------------------------------------------------------------


def _explain(universe: Universe, before: State, after: State, acts: Sequence[Act]) -> list[str]:
    """Say which names cannot be as they are even by themselves, or that only together they cannot."""
    found = []
    for name in sorted(frozenset().union(*_components(universe, before | after, acts))):
        alone = frozenset({name})
        mine = [one for one in (_project(universe, act, name) for act in acts) if one is not None]
        old, new = restrict(before, alone), restrict(after, alone)
        if find_order(universe, old, new, mine) is False:
            found.append(f"{name}: no order of its {len(mine)} commands leads from {_word(old)} to {_word(new)}")
    return found or [
        f"no order of {len(acts)} commands leads to what is installed, though one does for each name by itself"
    ]


def _project(universe: Universe, act: Act, name: str) -> Act | None:
    """Give what an act does to one name; None where that is nothing."""
    if name not in names_of(universe, act.deed, frozenset({name})):
        return None
    what = tuple(word for word in act.deed.what if name in {word, universe[word].name if word in universe else word})
    overlay = {one: rank for one, rank in act.deed.overlay.items() if one == name}
    seen = None if act.seen is None else {one: key for one, key in act.seen.items() if one == name}
    return act._replace(deed=Deed(act.deed.verb, what, overlay), seen=seen)


def _word(state: State) -> str:
    return ", ".join(f"{key} (rank {rank})" if rank else key for _, key, rank in sorted(state)) or "nothing"
