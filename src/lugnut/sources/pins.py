"""All that is asked for, to one wheel a name: markers judged, wheels found, hashes kept for whoever reads the bytes.

A pick's bytes are hashed once, by the store; `check_hash` judges what the store found, so that what is compared and
what is installed are the same bytes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence

from lugnut.distribution import Name, WheelHash
from lugnut.environment import Environment
from lugnut.errors import (
    BadRequirement,
    HashMismatch,
    HashMissing,
    SameDistributionTwice,
    UsageError,
    WheelNotFound,
    WrongPython,
)
from lugnut.sources.requests import COMMAND_LINE, Request, applies, find_directory, is_passed_on, parse_request, refuse
from lugnut.sources.requirements import Listed, join, read_constraints, read_requirements
from lugnut.sources.wheelhouse import (
    NOTHING_UNFIT,
    Wheelhouse,
    allows,
    allows_python,
    check_fits,
    choose,
    nothing,
    parse_candidate,
    read_wheelhouse,
)
from lugnut.typed import NamedTuple


class Asked(NamedTuple):
    """What the user asks for, as the command line says it."""

    requests: tuple[str, ...]
    requirement_files: tuple[str, ...]
    find_links: tuple[str, ...]
    require_hashes: bool
    directory: str
    """The working directory, absolute."""
    constraint_files: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    """pyproject.toml, setup.cfg or setup.py whose project's needs are asked for."""


class Pick(NamedTuple):
    """One wheel to install."""

    name: Name
    path: str
    """Absolute."""
    requested: bool
    """Always, as long as there is no resolver."""
    direct: bool
    """Named by path or URL, so that direct_url.json is owed."""
    hashes: tuple[WheelHash, ...]
    """The only ones allowed; empty for any."""
    hash_required: bool
    extras: tuple[str, ...]
    origin: str
    text: str
    """The requirement as written, for messages."""


class Reach(NamedTuple):
    """How far what is asked for by name is looked for."""

    links: tuple[str, ...]
    """Directories, absolute."""
    closed: bool = True
    """There is nothing but what lies there."""
    builds: Callable[[Name], bool] = nothing
    """Whether a name's source archives there count."""


def never(_: Request) -> bool:
    """Say of no request that what is installed satisfies it."""
    return False


def gather(
    environment: Environment,
    listed: Listed,
    satisfied: Callable[[Request], bool] = never,
    unfit: Mapping[str, str] = NOTHING_UNFIT,
    *,
    look: Callable[[frozenset[Name]], Reach | None] | None = None,
) -> list[Pick] | None:
    """Find a wheel for everything asked for, sorted by name; a function of what is asked, not of its order (G1).

    A name that what is installed satisfies needs no wheel and gets none. `unfit` are wheels found unfit before, by
    path, with the reason: another is chosen in their place. `look` says how far to look for names; without it there is
    nothing but the directories that are listed. Where there is more than what lies at hand, that answers for wheels by
    path and for exact versions only. None leaves all of it to the resolver.
    """
    by_name = _sort_out(listed.requests, environment)
    constraints = _sort_out(listed.constraints, environment)
    merged = {name: _merge(requests, constraints.get(name, [])) for name, requests in sorted(by_name.items())}
    chosen = {name: one for name, one in merged.items() if one.path is not None or not satisfied(one)}
    named = [one for one in chosen.values() if one.path is None]
    reach = look(frozenset(one.name for one in named)) if named and look else Reach(listed.find_links)
    if reach is None or not (reach.closed or all(_is_pinned(one.specifier) for one in named)):
        return None
    for one in chosen.values():
        if one.path is not None:
            _check_named(environment, one, one.path)
    try:
        paths = _find_wheels(environment, list(chosen.values()), reach, unfit)
    except WheelNotFound:
        if reach.closed:
            raise
        return None
    if paths is None:
        return None
    return [_make_pick(chosen[name], paths[name], hash_required=listed.require_hashes) for name in chosen]


def _sort_out(requests: Iterable[Request], environment: Environment) -> dict[Name, list[Request]]:
    """Give by name the requests that are meant for this environment."""
    by_name: dict[Name, list[Request]] = {}
    for request in requests:
        if applies(request, environment.markers):
            by_name.setdefault(request.name, []).append(request)
    return by_name


def find_names(environment: Environment, listed: Listed) -> frozenset[Name]:
    """Name all that is asked for in this environment."""
    return frozenset(_sort_out(listed.requests, environment))


def read_asked(asked: Asked) -> Listed:
    """Read the command line and its files, nothing judged yet; `requests` of a removal are its names."""
    links = tuple(_find_links(spelled, asked.directory) for spelled in asked.find_links)
    given = tuple(parse_request(text, COMMAND_LINE, (asked.directory,)) for text in asked.requests)
    files = tuple(read_requirements(path, asked.directory) for path in asked.requirement_files)
    constraints = tuple(read_constraints(path, asked.directory) for path in asked.constraint_files)
    return join((Listed(given, find_links=links, require_hashes=asked.require_hashes), *files, *constraints))


def _find_links(spelled: str, directory: str) -> str:
    try:
        return find_directory(spelled, COMMAND_LINE, (directory,))
    except BadRequirement as error:
        if is_passed_on(error):
            raise
        raise UsageError(message=f"{error.data['line']}: {error.data['reason']}", hint=error.hint) from None


def find_unfit(environment: Environment, pick: Pick, requires_python: str) -> str:
    """Say why a wheel that was read is not for the environment's Python; empty where it is. Raises WrongPython.

    Only its METADATA tells, so a wheel is chosen by its name first. One named by its path is refused.
    """
    version = environment.markers["python_full_version"]
    if allows_python(requires_python, version):
        return ""
    if pick.direct:
        raise WrongPython(wheel=os.path.basename(pick.path), requires=requires_python, version=version)
    return f"needs Python {requires_python}, and the environment has {version}"


def check_hash(pick: Pick, actual: WheelHash) -> None:
    """Compare a wheel's sha256 with what was asked for; HashMissing names it, so that it can be pasted."""
    if pick.hashes and actual not in pick.hashes:
        expected = " or ".join(pick.hashes)
        raise HashMismatch(wheel=os.path.basename(pick.path), actual=actual, expected=expected, origin=pick.origin)
    if pick.hash_required and not pick.hashes:
        raise HashMissing(requirement=pick.text, origin=pick.origin, actual=actual)


def _merge(asked: Sequence[Request], constraints: Sequence[Request]) -> Request:
    """Make one request of all that is said of one distribution: specifiers and hashes of each must hold."""
    if len(asked) == 1 and not constraints:
        return asked[0]
    ordered = [*sorted(asked, key=_by_path), *sorted(constraints, key=_by_path)]
    named = [one.path for one in ordered if one.path is not None]
    paths = sorted({os.path.realpath(path) for path in named})
    if len(paths) > 1:
        raise SameDistributionTwice(name=ordered[0].name, first=paths[0], second=paths[1])
    return ordered[0]._replace(
        specifier=",".join(sorted({request.specifier for request in ordered if request.specifier})),
        extras=tuple(sorted({extra for request in ordered for extra in request.extras})),
        path=named[0] if named else None,
        hashes=_intersect(ordered),
        origin=", ".join(dict.fromkeys(request.origin for request in ordered)),
    )


def _is_pinned(specifier: str) -> bool:
    """Whether a specifier leaves no choice of a version."""
    import re

    return bool(re.search(r"(?:^|,)\s*={2,3}\s*[^,*\s]+\s*(?:$|,)", specifier))


def _by_path(request: Request) -> tuple[bool, Request]:
    return request.path is None, request


def _intersect(requests: Iterable[Request]) -> tuple[WheelHash, ...]:
    allowed: set[WheelHash] | None = None
    for request in requests:
        if request.hashes:
            allowed = set(request.hashes) if allowed is None else allowed & set(request.hashes)
            if not allowed:
                raise refuse(request.origin, request.text, "its --hash contradicts another line's for the same name")
    return tuple(sorted(allowed or ()))


def _find_wheels(
    environment: Environment, requests: list[Request], reach: Reach, unfit: Mapping[str, str]
) -> dict[Name, str] | None:
    """Find each request's wheel, None where one has to be built; packaging is imported for the first that needs it."""
    found = {request.name: request.path for request in requests if request.path is not None}
    open_requests = [request for request in requests if request.path is None]
    if not open_requests:
        return found
    wheelhouse = read_wheelhouse(reach.links, reach.builds)
    for request in open_requests:
        path = _choose(environment, request, wheelhouse, unfit)
        if path is None:
            return None
        found[request.name] = path
    return found


def _choose(environment: Environment, request: Request, wheelhouse: Wheelhouse, unfit: Mapping[str, str]) -> str | None:
    try:
        return choose(environment, request.name, request.specifier, wheelhouse, unfit)
    except WheelNotFound as error:
        if request.origin == COMMAND_LINE:
            raise
        spelled = f"{error.data['requirement']} ({request.origin})"
        raise WheelNotFound(requirement=spelled, reason=error.data["reason"], hint=error.hint) from None


def _check_named(environment: Environment, request: Request, path: str) -> None:
    """Check a wheel that is named by its path: there, a file (TRAPS 36), fitting, and of a version others allow."""
    if not os.path.isfile(path):
        reason = "it is no regular file" if os.path.lexists(path) else "there is no such file"
        raise WheelNotFound(requirement=path, reason=reason, hint="look for a slip in the path")
    check_fits(environment, path)
    candidate = parse_candidate(path) if request.specifier else None
    if candidate is not None and not allows(request.specifier, candidate):
        raise SameDistributionTwice(name=request.name, first=path, second=f"{request.name}{request.specifier}")


def _make_pick(request: Request, path: str, *, hash_required: bool) -> Pick:
    direct = request.path is not None
    return Pick(
        request.name, path, True, direct, request.hashes, hash_required, request.extras, request.origin, request.text
    )
