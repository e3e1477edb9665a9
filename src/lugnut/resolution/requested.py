"""The names that requirements files and the command line ask for themselves, with their extras: the rest are needs.

Lines that name a place only (a URL, a path) say no name; what is locked from that place is what they ask for.
Source: the REQUESTED file of *Recording installed projects*.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping

from lugnut.distribution import Name, normalise_name
from lugnut.resolution.requirement_lines import split_include
from lugnut.sources.lines import read_lines
from lugnut.sources.requests import COMMAND_LINE

_NAMED = r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[([^\[\]]*)\])?\s*(?=[<>=!~;@(]|\s--|$)"


def find_requested(texts: Iterable[str], files: Iterable[str]) -> Mapping[Name, tuple[str, ...]]:
    """Give the names asked for and their extras, sorted; `files` are requirements files that have been read before."""
    found: dict[Name, set[str]] = {}
    for words in [*texts, *(line for file in files for line in _read(os.path.realpath(file), frozenset()))]:
        named = re.match(_NAMED, words.strip())
        if named is not None:
            extras = {extra.strip() for extra in (named[2] or "").split(",")}
            found.setdefault(normalise_name(named[1]), set()).update(extras - {""})
    return {name: tuple(sorted(extras)) for name, extras in sorted(found.items())}


def _read(path: str, above: frozenset[str]) -> Iterator[str]:
    """Give the lines that ask for something, of a file and those it includes; constraints ask for nothing."""
    if path in above or not os.path.isfile(path):
        return
    for _, words in read_lines(path, COMMAND_LINE):
        included = split_include(words)
        if included is None:
            if not words.startswith("-"):
                yield words
        elif included[0].lstrip("-").startswith("r") and "://" not in included[1]:
            beneath = os.path.join(os.path.dirname(path), included[1])
            yield from _read(os.path.realpath(beneath), above | {path})
