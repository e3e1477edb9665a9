"""uv's lock to a value: as it stands, but for the hashes that older ones leave empty.

Before 0.13 uv names no hash of a file in a directory of links, nor of one whose index says none, and writes an empty
table, which PEP 751 forbids. Files of this machine are hashed here; others have no hash until they are fetched.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from lugnut.errors import BadLock, ResolverFailed
from lugnut.resolution.alteration import alter, change_sources, make_absolute
from lugnut.resolution.lockfile import make_lock
from lugnut.sources.requests import parse_file_url
from lugnut.typed import Any

_NOT_KNOWN = {"none": "none"}


def read_answer(path: str, version: tuple[int, ...]) -> Any:
    """Read the lock that uv wrote to a `packaging.pylock.Pylock`, paths absolute; raises ResolverFailed."""
    import tomllib

    directory = os.path.dirname(path)
    try:
        with open(path, "rb") as file:
            document = tomllib.load(file)
        for source in _list_sources(document):
            if source.get("hashes") == {}:
                source["hashes"] = _hash(source, directory) or _NOT_KNOWN
        lock = make_lock(document, os.path.basename(path))
    except (OSError, ValueError, TypeError, AttributeError, BadLock) as error:
        spelled = ".".join(map(str, version))
        reason = f"uv {spelled} did not write a lock that can be read ({error})"
        hint = "use another uv, or --resolver pip"
        raise ResolverFailed(resolver="uv", reason=reason, hint=hint, detail="") from None
    return make_absolute(change_sources(lock, _forget), directory)


def _list_sources(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for package in document.get("packages", []):
        yield from package.get("wheels", [])
        yield from (package[key] for key in ("sdist", "archive") if key in package)


def _hash(source: dict[str, Any], directory: str) -> dict[str, str]:
    url = source.get("url", "")
    if url and not url.startswith("file:"):
        return {}
    place = parse_file_url(url, "uv", url) if url else os.path.join(directory, source.get("path", ""))
    import hashlib

    with open(place, "rb") as file:
        return {"sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def _forget(source: Any) -> Any:
    return alter(source, hashes={}) if getattr(source, "hashes", None) == _NOT_KNOWN else source
