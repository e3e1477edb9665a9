"""What requirements files and the command line ask for themselves, by name or by place: the rest are needs.

Lines that name a place only (a URL, a path) say no name; what is locked from that place is what they ask for.
Source: the REQUESTED file of *Recording installed projects*.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping

from lugnut.distribution import Name, normalise_name
from lugnut.links import hide_credentials
from lugnut.resolution.requirement_lines import split_include
from lugnut.sources.direct_urls import strip_user
from lugnut.sources.lines import read_lines, replace_variables
from lugnut.sources.requests import COMMAND_LINE
from lugnut.typed import NamedTuple

_NAMED = r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[([^\[\]]*)\])?\s*(?=[<>=!~;@(]|\s--|$)"
_EDITABLE = r"(?:-e|--editable)(?:\s*=\s*|\s+|(?<=-e))(\S.*)"
_BEHIND = r"\s*(?:\[[^\[\]]*\])?(?:\s*;\s.*|\s+;.*|\s+--.*)?$"
"""Extras, a marker or options behind a place."""


class Requested(NamedTuple):
    """What is asked for."""

    names: Mapping[Name, tuple[str, ...]] = {}
    """By name, with the extras; sorted."""
    places: frozenset[str] = frozenset()
    """By place: real paths, and URLs without user, revision and fragment."""

    def has(self, name: Name, places: Iterable[str]) -> bool:
        """Say whether a distribution that comes from these places is asked for."""
        return name in self.names or any(simplify(place, "") in self.places for place in places if place)


def find_requested(texts: Iterable[str], files: Iterable[str], directory: str, environ: Mapping[str, str]) -> Requested:
    """Find what is asked for; `files` are requirements files that were read before, `directory` the working one."""
    names: dict[Name, set[str]] = {}
    places: set[str] = set()
    lines = [(text, directory) for text in texts]
    lines += [line for file in files for line in _read(os.path.realpath(file), frozenset(), environ)]
    for words, beside in lines:
        named = re.match(_NAMED, words.strip())
        if named is not None:
            extras = {extra.strip() for extra in (named[2] or "").split(",")}
            names.setdefault(normalise_name(named[1]), set()).update(extras - {""})
        else:
            place = re.sub(_BEHIND, "", words.strip())
            places |= {simplify(place, directory), simplify(place, beside)}
    return Requested({name: tuple(sorted(extras)) for name, extras in sorted(names.items())}, frozenset(places))


def simplify(place: str, directory: str) -> str:
    """Spell a place one way: a path by its real one, a URL without what does not tell where it leads."""
    if "://" not in place:
        return os.path.realpath(os.path.join(directory, os.path.expanduser(place)))
    from urllib.parse import unquote, urlsplit
    from urllib.request import url2pathname

    bare = strip_user(place.partition("#")[0].removeprefix("git+"))
    parts = urlsplit(bare)
    if parts.scheme == "file" and not place.startswith("git+"):
        return os.path.realpath(url2pathname(parts.path))
    path = re.sub(r"@[^@]*$", "", unquote(parts.path)) if place.startswith("git+") else unquote(parts.path)
    return hide_credentials(parts._replace(path=path).geturl())


def _read(path: str, above: frozenset[str], environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Give the lines that ask for something, of a file and those it includes, each with the directory it is in.

    Constraints ask for nothing.
    """
    if path in above or not os.path.isfile(path):
        return
    directory = os.path.dirname(path)
    for _, text in read_lines(path, COMMAND_LINE):
        words = replace_variables(text, path, environ)
        included = split_include(words)
        editable = re.fullmatch(_EDITABLE, words)
        if included is None:
            if editable or not words.startswith("-"):
                yield (editable[1] if editable else words), directory
        elif included[0].lstrip("-").startswith("r") and "://" not in included[1]:
            yield from _read(os.path.realpath(os.path.join(directory, included[1])), above | {path}, environ)
