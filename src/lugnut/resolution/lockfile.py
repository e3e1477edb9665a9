"""A lock on disk: `pylock.toml` or `pylock.NAME.toml` (PEP 751), read with every error placed, written alike for alike.

Written are paths relative to the file, so that a project can move; no user and no password, whatever a URL had.
"""

from __future__ import annotations

import os
import re

from lugnut.errors import BadLock, CannotWrite, UsageError
from lugnut.resolution.alteration import alter, change_package, change_paths
from lugnut.resolution.credentials import strip
from lugnut.system import files
from lugnut.typed import Any

_NAME = r"pylock(\.[^.]+)?\.toml"
_AGAIN = "lock again: `lugnut lock`"
_LIMIT = 256 << 20


def is_lock(path: str) -> bool:
    """Whether a path has the name of a lock."""
    return bool(re.fullmatch(_NAME, os.path.basename(path)))


def read(path: str, spelled: str = "") -> Any:
    """Read a lock to a `packaging.pylock.Pylock`, paths as they stand; `spelled` is how its user knows the file.

    Raises BadLock.
    """
    name = spelled or path
    if not os.path.isfile(path):
        reason = "it is no regular file" if os.path.exists(path) else "it does not exist"
        raise BadLock(path=name, reason=reason, hint="look for a slip in the path, or make it: `lugnut lock`")
    try:
        with open(path, "rb") as file:
            return parse(file.read(_LIMIT).decode("utf-8"), name)
    except UnicodeDecodeError:
        raise BadLock(path=name, reason="it is not UTF-8 text", hint=_AGAIN) from None
    except OSError as error:
        reason = error.strerror or "it cannot be read"
        raise BadLock(path=name, reason=reason, hint="give yourself leave to read it") from None


def parse(text: str, spelled: str) -> Any:
    """Read the text of a lock; raises BadLock with the place of what is wrong."""
    import tomllib

    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadLock(path=spelled, reason=f"it is not TOML: {_lower(str(error))}", hint=_AGAIN) from None
    return make_lock(document, spelled)


def make_lock(document: dict[str, Any], spelled: str) -> Any:
    """Make a `packaging.pylock.Pylock` of a TOML document; raises BadLock with the place of what is wrong."""
    from packaging.pylock import Pylock, PylockUnsupportedVersionError, PylockValidationError
    from packaging.version import Version

    spelled_version = str(document.get("lock-version"))
    newer = re.fullmatch(r"1\.[1-9]\d*", spelled_version)  # packaging would log it; who reads the lock tells it
    try:
        lock = Pylock.from_dict({**document, "lock-version": "1.0"} if newer else document)
        return alter(lock, lock_version=Version(spelled_version)) if newer else lock
    except PylockUnsupportedVersionError as error:
        found = re.search(r"version (\S+)", str(error))
        reason = f"its lock-version is {found[1] if found else 'unknown'}, and lugnut knows 1.0"
        raise BadLock(path=spelled, reason=reason, hint="install a newer lugnut, or lock it again") from None
    except PylockValidationError as error:
        where = f"{error.context}: " if error.context else ""
        raise BadLock(path=spelled, reason=where + _lower(error.message), hint=_AGAIN) from None


def write(path: str, lock: Any) -> None:
    """Write a lock whose paths are absolute, at once and whole; raises BadLock, CannotWrite and UsageError."""
    if not is_lock(path):
        message = f"a lock is called pylock.toml or pylock.NAME.toml, not {os.path.basename(path)}"
        raise UsageError(message=message, hint="write another name")
    full = os.path.abspath(path)
    text = format_lock(lock, os.path.dirname(full), path)
    try:
        with files.open_root(os.path.dirname(full)) as directory:
            files.replace(directory, os.path.basename(full), text.encode())
    except OSError as error:
        raise CannotWrite(path=path, reason=error.strerror or str(error)) from None


def format_lock(lock: Any, directory: str, spelled: str = "pylock.toml") -> str:
    """Write a lock as text, for a file in `directory`; raises BadLock where a file has no hash."""
    import tomli_w

    relative = change_paths(lock, lambda path: _relate(path, directory))
    packages = sorted((_clean(package) for package in relative.packages), key=_rank)
    for package in packages:
        _check_hashes(package, spelled)
    finished = alter(relative, packages=packages, created_by="lugnut")
    return tomli_w.dumps(dict(finished.to_dict()))


def _relate(path: str, directory: str) -> str:
    """Spell a path relative to a directory, with `/`; on another drive of Windows it stays absolute."""
    try:
        return os.path.relpath(path, directory).replace(os.sep, "/")
    except ValueError:
        return path


def _clean(package: Any) -> Any:
    """Cut users and passwords out of every URL."""

    def clean(source: Any) -> Any:
        url = getattr(source, "url", None)
        return alter(source, url=strip(url)) if url else source

    cleaned = change_package(package, clean)
    return alter(cleaned, index=strip(cleaned.index)) if cleaned.index else cleaned


def _rank(package: Any) -> tuple[str, str, str]:
    return str(package.name), str(package.version or ""), str(package.marker or "")


def _check_hashes(package: Any, spelled: str) -> None:
    sources = [*(package.wheels or ()), *(one for one in (package.sdist, package.archive) if one is not None)]
    if any(not source.hashes for source in sources):
        reason = f"the index gives no hash for {package.name}, and a lock must have one"
        raise BadLock(path=spelled, reason=reason, hint="use --resolver uv, 0.13 or later: it fetches the file")


def _lower(words: str) -> str:
    return words[:1].lower() + words[1:]
