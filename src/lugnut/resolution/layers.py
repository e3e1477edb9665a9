"""One family's say about indexes and route, each value read by the same words wherever it stands. Pure.

A family is the flags, uv's settings or pip's; a `Layer` is what one of them says, None where it says nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping

from lugnut.errors import UsageError
from lugnut.links import Index, hide_credentials
from lugnut.typed import Any, NamedTuple

_TRUE = frozenset(("1", "true", "yes", "y", "on", "t"))
_FALSE = frozenset(("", "0", "false", "no", "n", "off", "f"))
_NAMED = r"([A-Za-z0-9][A-Za-z0-9._-]*)=(.+)"
_KEYRINGS = {"subprocess": "subprocess", "import": "subprocess", "disabled": "disabled"}


class Layer(NamedTuple):
    """What one family says; None: nothing."""

    default: Index | None = None
    extra: tuple[Index, ...] | None = None
    find_links: tuple[str, ...] | None = None
    no_index: bool | None = None
    trusted_hosts: tuple[str, ...] | None = None
    proxy: str | None = None
    certificates: str | None = None
    client_certificate: str | None = None
    keyring: str | None = None
    timeout: float | None = None
    """Seconds."""
    retries: int | None = None
    offline: bool | None = None
    downloads: int | None = None
    merged: bool | None = None
    """What `extra` names is asked together with the default: pip's way."""


def pick(layers: Iterable[Layer]) -> Layer:
    """Take each value from the first layer that has it."""
    listed = list(layers)
    first = next((layer for layer in listed if layer.extra is not None), None)
    chosen = Layer(*(next((one for one in values if one is not None), None) for values in zip(*listed, strict=True)))
    return chosen._replace(merged=None if first is None else first.merged)  # it belongs to the list it is said of


def chain(layers: Iterable[Layer]) -> Layer:
    """Take each value from the first layer that has it, but put lists together, as uv does with its files."""
    listed = list(layers)
    joined: dict[str, Any] = {
        field: tuple(dict.fromkeys(item for layer in listed for item in getattr(layer, field) or ())) or None
        for field in ("extra", "find_links", "trusted_hosts")
    }
    return pick(listed)._replace(**joined)


def read_words(value: Any, separators: str = r"\s+") -> tuple[str, ...]:
    """Give a list as it is, and a text cut at its separators (white space, unless said)."""
    if isinstance(value, str):
        return tuple(word for word in re.split(separators, value.strip()) if word)
    return tuple(str(word).strip() for word in value if str(word).strip())


def read_switch(value: Any, where: str) -> bool:
    """Read yes or no; raises UsageError."""
    words = str(value).strip().lower()
    if words in _TRUE | _FALSE:
        return words in _TRUE
    raise UsageError(message=f"{where} must be true or false, not {value!r}", hint=f"write {where} = true or false")


def read_number(value: Any, where: str) -> float:
    """Read a number from 0 up; raises UsageError."""
    try:
        number = float(str(value))
    except ValueError:
        number = -1.0
    if 0 <= number < float("inf"):
        return number
    raise UsageError(message=f"{where} must be a number, not {value!r}", hint="write a whole number, as 30")


def read_index(text: str, directory: str, name: str = "") -> Index:
    """Read `URL`, `NAME=URL` or the path of a directory, which begins at `directory`; raises UsageError."""
    words = text.strip()
    named = re.fullmatch(_NAMED, words)
    if named and not name:
        name, words = named.groups()
    return Index(read_address(words, directory), name)


def read_address(text: str, directory: str) -> str:
    """Give a URL as it is, and a path as a file URL, absolute; raises UsageError where it is neither."""
    words = text.strip()
    if re.match(r"(https?|file)://", words, re.IGNORECASE):
        return re.sub(r"\s", "%20", words)
    if not words or "://" in words:
        shown = hide_credentials(words)
        raise UsageError(message=f"{shown!r} is no index", hint="write a URL (https, http, file) or a directory")
    return to_url(os.path.join(directory, os.path.expanduser(words)))


def read_place(text: str, directory: str) -> str:
    """Give a URL of --find-links as it is, and a path absolute."""
    words = text.strip()
    if "://" in words:
        return re.sub(r"\s", "%20", words)
    return os.path.normpath(os.path.join(directory, os.path.expanduser(words)))


def read_keyring(value: Any, where: str) -> str | None:
    """Read pip's and uv's words for a keyring; `auto` says nothing, which is what it means."""
    words = str(value).strip().lower()
    if words == "auto":
        return None
    if words not in _KEYRINGS:
        raise UsageError(message=f"{where} must be subprocess or disabled, not {value!r}", hint="write one of them")
    return _KEYRINGS[words]


def to_url(path: str) -> str:
    """Give the file URL of an absolute path (RFC 8089)."""
    from urllib.parse import quote_from_bytes

    place = os.path.normpath(path).replace(os.sep, "/")
    return "file://" + quote_from_bytes(os.fsencode(place if place.startswith("/") else "/" + place), safe="/:")


def find_first(table: Mapping[str, Any], *names: str) -> tuple[str, Any] | None:
    """Give the first of these names that a table sets, with its value; an empty text or list sets nothing."""
    return next(((name, table[name]) for name in names if table.get(name) not in (None, "", [], ())), None)
