"""Answers what is asked for out of what lies at hand: wheels by path, directories of wheels, and what is installed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from lugnut.check import foresee_unmet
from lugnut.distribution import Name
from lugnut.environment import Environment
from lugnut.installed import read_installed
from lugnut.run import Run
from lugnut.settings import Settings
from lugnut.sources.direct_urls import Direct
from lugnut.sources.pins import Pick, check_hash, find_unfit, gather
from lugnut.sources.requests import Request
from lugnut.sources.requirements import Listed
from lugnut.sources.wheelhouse import satisfies
from lugnut.store.entries import Store
from lugnut.supply.admission import admit_all
from lugnut.wishes import Wish


class Found(NamedTuple):
    """What is to be had of a lock."""

    names: frozenset[Name]
    """Everything that the lock has for this environment."""
    wishes: list[Wish]
    """What does not stand yet, verified in the store."""


def find_at_hand(run: Run, store: Store, listed: Listed) -> list[Wish] | None:
    """Find and verify a wheel for all that is asked for; None where a resolver has to look farther.

    That is so where a version is left open and there is more than what lies at hand, and where what was found, or what
    already satisfies a request, needs something that neither was asked for nor is installed. What turns out to need
    another Python is chosen anew.
    """

    def closed() -> bool:
        from lugnut.supply.outlook import look_around

        return listed.no_index or look_around(run).indexes.no_index

    satisfied: set[Request] = set()
    keeps = _make_satisfied(run.environment, run.settings, satisfied)
    unfit: dict[str, str] = {}
    while True:
        picks = gather(run.environment, listed, keeps, unfit, closed=closed)
        if picks is None:
            return None
        wishes = _admit(run, store, sorted(picks))
        reasons = {
            pick.path: find_unfit(run.environment, pick, wish.manifest.requires_python)
            for pick, wish in zip(sorted(picks), wishes, strict=True)
        }
        found = {path: reason for path, reason in reasons.items() if reason}
        if not found:
            break
        unfit.update(found)
    if run.settings.resolving.no_deps:
        return wishes
    wanted = [(wish.manifest, wish.extras) for wish in wishes]
    kept = [(request.name, request.extras) for request in sorted(satisfied)]
    return None if foresee_unmet(run.environment, wanted, kept) else wishes


def _make_satisfied(environment: Environment, settings: Settings, kept: set[Request]) -> Callable[[Request], bool]:
    """Say of a request by name whether what is installed will do (pip's and uv's rule, unless it is an upgrade)."""

    def satisfied(request: Request) -> bool:
        if settings.upgrade or settings.reinstall or request.name in settings.resolving.upgrade_packages:
            return False
        found = read_installed(environment, [request.name]).get(request.name, [])
        if len(found) != 1 or found[0].rows is None:
            return False
        wheel = found[0].state.wheel if found[0].state is not None else ""
        will_do = (not request.hashes or wheel in request.hashes) and satisfies(request.specifier, found[0].version)
        if will_do:
            kept.add(request)
        return will_do

    return satisfied


def _admit(run: Run, store: Store, picks: Sequence[Pick]) -> list[Wish]:
    manifests = admit_all(run, store, [pick.path for pick in picks])
    wishes = []
    for pick in picks:
        manifest = manifests[pick.path]
        check_hash(pick, manifest.wheel)
        origin = Direct(pick.path, manifest.wheel)
        wishes.append(Wish(manifest, pick.requested, origin if pick.direct else None, pick.extras, origin))
    return wishes
