"""All that is asked for, to one wheel a name: markers judged, wheels found, hashes kept for whoever reads the bytes.

A pick's bytes are hashed once, by the store; `check_hash` judges what the store found, so that what is compared and
what is installed are the same bytes. Source of direct_url.json: PEP 610.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from lugnut.distribution import Name, WheelHash
from lugnut.environment import Environment
from lugnut.errors import HashMismatch, HashMissing, SameDistributionTwice, UsageError, WheelNotFound
from lugnut.sources.requests import COMMAND_LINE, Request, applies, parse_request, refuse
from lugnut.sources.requirements import Listed, join, read_requirements
from lugnut.sources.wheelhouse import allows, check_fits, choose, parse_candidate, read_wheelhouse


class Asked(NamedTuple):
    """What the user asks for, as the command line says it."""

    requests: tuple[str, ...]
    requirement_files: tuple[str, ...]
    find_links: tuple[str, ...]
    require_hashes: bool
    directory: str
    """The working directory, absolute."""


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


def never(_: Request) -> bool:
    """Say of no request that what is installed satisfies it."""
    return False


def gather(environment: Environment, asked: Asked, satisfied: Callable[[Request], bool] = never) -> list[Pick]:
    """Find a wheel for everything asked for, sorted by name; a function of what is asked, not of its order (G1).

    A name that what is installed satisfies needs no wheel and gets none.
    """
    listed = read_asked(asked)
    by_name: dict[Name, list[Request]] = {}
    for request in listed.requests:
        if applies(request, environment.markers):
            by_name.setdefault(request.name, []).append(request)
    merged = {name: _merge(requests) for name, requests in sorted(by_name.items())}
    chosen = {name: one for name, one in merged.items() if one.path is not None or not satisfied(one)}
    paths = _find_wheels(environment, list(chosen.values()), listed.find_links)
    return [_make_pick(chosen[name], paths[name], hash_required=listed.require_hashes) for name in chosen]


def read_asked(asked: Asked) -> Listed:
    """Read the command line and its files, nothing judged yet; `requests` of a removal are its names."""
    links = tuple(os.path.normpath(os.path.join(asked.directory, os.path.expanduser(one))) for one in asked.find_links)
    for link, spelled in zip(links, asked.find_links, strict=True):
        if not os.path.isdir(link):
            raise UsageError(message=f"--find-links {spelled} is no directory", hint="name a directory of wheels")
    given = tuple(parse_request(text, COMMAND_LINE, (asked.directory,)) for text in asked.requests)
    files = tuple(read_requirements(path, asked.directory) for path in asked.requirement_files)
    return join((Listed(given, links, require_hashes=asked.require_hashes), *files))


def check_hash(pick: Pick, actual: WheelHash) -> None:
    """Compare a wheel's sha256 with what was asked for; HashMissing names it, so that it can be pasted."""
    if pick.hashes and actual not in pick.hashes:
        expected = " or ".join(pick.hashes)
        raise HashMismatch(wheel=os.path.basename(pick.path), actual=actual, expected=expected, origin=pick.origin)
    if pick.hash_required and not pick.hashes:
        raise HashMissing(requirement=pick.text, origin=pick.origin, actual=actual)


def format_direct_url(path: str, wheel: WheelHash) -> str:
    """Write the direct_url.json of a wheel that was named by its path."""
    from urllib.parse import quote

    place = path.replace(os.sep, "/")
    url = "file://" + quote(place if place.startswith("/") else "/" + place, safe="/:")
    document = {"archive_info": {"hash": f"sha256={wheel}", "hashes": {"sha256": wheel}}, "url": url}
    return json.dumps(document, sort_keys=True)


def _merge(requests: Sequence[Request]) -> Request:
    """Make one request of all that name one distribution: specifiers and hashes of each must hold."""
    if len(requests) == 1:
        return requests[0]
    ordered = sorted(requests, key=lambda request: (request.path is None, request))
    paths = sorted({os.path.realpath(request.path) for request in requests if request.path is not None})
    if len(paths) > 1:
        raise SameDistributionTwice(name=ordered[0].name, first=paths[0], second=paths[1])
    return ordered[0]._replace(
        specifier=",".join(sorted({request.specifier for request in requests if request.specifier})),
        extras=tuple(sorted({extra for request in requests for extra in request.extras})),
        hashes=_intersect(ordered),
        origin=", ".join(dict.fromkeys(request.origin for request in ordered)),
    )


def _intersect(requests: Iterable[Request]) -> tuple[WheelHash, ...]:
    allowed: set[WheelHash] | None = None
    for request in requests:
        if request.hashes:
            allowed = set(request.hashes) if allowed is None else allowed & set(request.hashes)
            if not allowed:
                raise refuse(request.origin, request.text, "its --hash contradicts another line's for the same name")
    return tuple(sorted(allowed or ()))


def _find_wheels(environment: Environment, requests: list[Request], links: tuple[str, ...]) -> dict[Name, str]:
    """Find each request's wheel; packaging's heavier parts are imported for the first that needs them."""
    found = {request.name: request.path for request in requests if request.path is not None}
    for request in requests:
        if request.path is not None:
            _check_named(environment, request, request.path)
    open_requests = [request for request in requests if request.path is None]
    if not open_requests:
        return found
    wheelhouse = read_wheelhouse(links)
    for request in open_requests:
        found[request.name] = choose(environment, request.name, request.specifier, wheelhouse)
    return found


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
