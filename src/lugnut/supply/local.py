"""Answers what is asked for out of what lies at hand: wheels by path, directories of wheels, and what is installed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from lugnut.distribution import Name, normalise_name
from lugnut.environment import Environment
from lugnut.errors import BadRequirement
from lugnut.installed import list_entries, read_installed
from lugnut.manifest import Manifest
from lugnut.run import Run
from lugnut.settings import Resolving, Settings
from lugnut.sources.direct_urls import Direct
from lugnut.sources.pins import Pick, Reach, check_hash, find_names, find_unfit, gather
from lugnut.sources.requests import Request, find_directory
from lugnut.sources.requirements import Listed
from lugnut.sources.wheelhouse import read_wheelhouse, satisfies
from lugnut.store.glancing import find_admitted
from lugnut.store.place import Store
from lugnut.typed import NamedTuple
from lugnut.unmet import find_needed, foresee_unmet
from lugnut.wish import Standing, Wish, name_wheels

_ALL = ":all:"
_USUAL_PRERELEASES = frozenset(("", "if-necessary-or-explicit"))
_USUAL_RESOLUTIONS = frozenset(("", "highest"))
"""What asks for the very choice that is made of wheels at hand."""


class Found(NamedTuple):
    """What there is of what is asked for."""

    names: frozenset[Name]
    """Everything that a lock, or an answer, has for this environment."""
    wishes: list[Wish]
    """What does not stand yet, verified in the store."""
    asked: frozenset[Name] = frozenset()
    """Of the names those that are asked for themselves; the rest are needs."""
    before: Standing = {}  # noqa: RUF012 - a default that nobody changes
    """What stood when it was chosen, of all that was chosen by that."""
    kept: Sequence[tuple[Name, Sequence[str]]] | None = None
    """What stands and was asked for, with extras: nothing of what these and the wishes need was unmet then. None where
    needs were not looked at, or all of them are among the names."""


def find_at_hand(run: Run, store: Store, listed: Listed) -> Found | None:
    """Find and verify a wheel for all that is asked for; None where a resolver has to look farther.

    That is so where a version is left open and there is more than what lies at hand, where something steers the choice
    of one, where a source is the best there is, and where what was found, or what already satisfies a request, needs
    something that neither was asked for nor is installed, or that an upgrade is to upgrade too.
    """
    satisfied: set[Request] = set()
    wishes = _find_fitting(run, store, listed, satisfied)
    if wishes is None:
        return None
    names = find_names(run.environment, listed)
    if run.settings.resolving.no_deps:
        return Found(names, wishes, names)
    freed = {normalise_name(name) for name in run.settings.resolving.upgrade_packages}
    if not freed <= {request.name for request in listed.requests}:  # something needed may be upgraded
        return None
    kept = [(request.name, request.extras) for request in sorted(satisfied)]
    if foresee_unmet(run.environment, name_wheels(wishes), kept):
        return None
    if run.settings.upgrade and _upgrades_others(run, listed, wishes):
        return None
    return Found(names, wishes, names, kept=kept)


def _find_fitting(run: Run, store: Store, listed: Listed, satisfied: set[Request]) -> list[Wish] | None:
    """Find and verify wheels; what turns out to need another Python is chosen anew. Fills `satisfied`."""
    keeps = _make_satisfied(run.environment, run.settings, satisfied)
    unfit: dict[str, str] = {}

    def look(names: Collection[Name]) -> Reach | None:
        return None if _steers(run.settings.resolving, names) else _look_around(run, listed)

    while True:
        satisfied.clear()
        picks = gather(run.environment, listed, keeps, unfit, look=look)
        if picks is None:
            return None
        wishes = _admit(run, store, sorted(picks))
        reasons = {
            pick.path: find_unfit(run.environment, pick, wish.manifest.requires_python)
            for pick, wish in zip(sorted(picks), wishes, strict=True)
        }
        found = {path: reason for path, reason in reasons.items() if reason}
        if not found:
            return wishes
        unfit.update(found)


def _look_around(run: Run, listed: Listed) -> Reach | None:
    """Say how far to look for names; None where settings name what only a resolver can read.

    The directories of settings count where there is no index: those of flags are listed, and stand in their place.
    """
    from lugnut.supply.outlook import look_around

    indexes = look_around(run).indexes
    if not (listed.no_index or indexes.no_index):
        return Reach(listed.find_links, closed=False)
    places = () if run.settings.find_links else indexes.find_links
    try:
        more = tuple(find_directory(place, "settings", ("",)) for place in places)
    except BadRequirement:
        return None  # a page, or nothing at all: a resolver reads the one, and says the other
    links = tuple(dict.fromkeys((*listed.find_links, *more)))
    return Reach(links, builds=lambda name: not _covers(run.settings.resolving.only_binary, (name,)))


def _steers(resolving: Resolving, names: Collection[Name]) -> bool:
    """Whether a caller's decisions may lead to another choice for these names than the best wheel at hand."""
    return (
        resolving.prerelease not in _USUAL_PRERELEASES
        or resolving.resolution not in _USUAL_RESOLUTIONS
        or bool(resolving.overrides or resolving.exclude_newer)
        or _covers(resolving.no_binary, names)
    )


def _covers(words: Iterable[str], names: Collection[Name]) -> bool:
    """Whether a list of names, or of `:all:`, has one of these."""
    return any(word == _ALL or normalise_name(word) in names for word in words)


def _upgrades_others(run: Run, listed: Listed, wishes: Sequence[Wish]) -> bool:
    """Whether an upgrade goes on to what was not found here, and is needed by what was.

    Not where some of that is installed and nowhere else: a resolver would find nothing.
    """
    names = {wish.manifest.name for wish in wishes}
    needed = {name for wish in wishes for name in _name_needs(run.environment, wish)} - names
    if not needed:
        return False
    reach = _look_around(run, listed)
    if reach is None or not reach.closed:
        return True
    return read_wheelhouse(reach.links, reach.builds).keys() >= find_needed(run.environment, needed) - names


def _name_needs(environment: Environment, wish: Wish) -> Iterator[Name]:
    """Name what a wheel and the extras asked of it need in this environment."""
    if not wish.manifest.requires:
        return
    from packaging.requirements import InvalidRequirement, Requirement

    contexts = [{**environment.markers, "extra": extra} for extra in ("", *wish.extras)]
    for text in wish.manifest.requires:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue
        if requirement.marker is None or any(map(requirement.marker.evaluate, contexts)):
            yield normalise_name(requirement.name)


def _make_satisfied(environment: Environment, settings: Settings, kept: set[Request]) -> Callable[[Request], bool]:
    """Say of a request by name whether what is installed will do (pip's and uv's rule, unless it is an upgrade).

    Overrides may say another version than the request, so that nothing will do beside them.
    """
    anew = settings.upgrade or settings.reinstall or bool(settings.resolving.overrides)

    def satisfied(request: Request) -> bool:
        if anew or request.name in settings.anew or request.name in settings.resolving.upgrade_packages:
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


def _obtain(run: Run, store: Store, paths: Sequence[str]) -> dict[str, Manifest]:
    """Give what the store has of these wheels, and have it verify the others."""
    found = find_admitted(store, paths, run.report, list_entries(run.environment))
    missing = [path for path in paths if path not in found]
    if missing:
        from lugnut.supply.admission import admit_all

        found |= admit_all(run, store, missing)
    return found


def _admit(run: Run, store: Store, picks: Sequence[Pick]) -> list[Wish]:
    manifests = _obtain(run, store, sorted({pick.path for pick in picks}))
    wishes = []
    for pick in picks:
        manifest = manifests[pick.path]
        check_hash(pick, manifest.wheel)
        origin = Direct(pick.path, manifest.wheel)
        wishes.append(Wish(manifest, pick.requested, origin if pick.direct else None, pick.extras, origin))
    return wishes
