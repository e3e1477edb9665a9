"""User names and passwords in URLs: cut out where they must not be seen, put back where a server asks. Pure.

A lock names files without them. Who fetches puts back those of the index that the file came from: an index's files
have its host, and of several on one host the one with the longest common path is meant, as for pip.
"""

from __future__ import annotations

from lugnut.links import Indexes
from lugnut.typed import Any, NamedTuple


class Bare(NamedTuple):
    """A URL without its user, and the user; percent-encoding undone."""

    url: str
    user: str = ""
    password: str = ""


def separate(url: str) -> Bare:
    """Cut user and password out of a URL; `git@` of a secure shell's URL is no secret and stays (PEP 610)."""
    from urllib.parse import unquote, urlsplit, urlunsplit

    if "@" not in url:
        return Bare(url)
    parts = urlsplit(url)
    words, at, host = parts.netloc.rpartition("@")
    if not at or (parts.scheme.endswith("ssh") and ":" not in words):
        return Bare(url)
    user, _, password = words.partition(":")
    return Bare(urlunsplit(parts._replace(netloc=host)), unquote(user), unquote(password))


def strip(url: str) -> str:
    """Cut user and password out of a URL."""
    return separate(url).url


def restore(url: str, indexes: Indexes) -> str:
    """Put into a URL of a lock the user and password of the index or page of links that it belongs to."""
    from urllib.parse import urlsplit, urlunsplit

    parts = urlsplit(url)
    if not parts.netloc or "@" in parts.netloc:
        return url
    asked = [index.url for index in (indexes.default, *indexes.extra) if index is not None]
    candidates = [urlsplit(one) for one in (*asked, *indexes.find_links) if "@" in one and "://" in one]
    fitting = [one for one in candidates if _where(one) == _where(parts) and "@" in one.netloc]
    if not fitting:
        return url
    best = max(fitting, key=lambda one: _common(one.path, parts.path))
    return urlunsplit(parts._replace(netloc=f"{best.netloc.rpartition('@')[0]}@{parts.netloc}"))


def _where(parts: Any) -> tuple[str, str]:
    return parts.scheme.lower(), parts.netloc.rpartition("@")[2].lower()


def _common(one: str, other: str) -> int:
    """Count the leading components that two paths share."""
    count = 0
    for first, second in zip(one.strip("/").split("/"), other.strip("/").split("/"), strict=False):
        if first != second:
            break
        count += 1
    return count
