"""A host whose file system remembers what it did not find, and how a directory was listed, as NFS does (TRAPS 26).

What was not there is not there, and a listing is as it was, until this host itself changes something in the very
directory: that is when a client asks the server again. What stands is always found as it stands.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest


class Lagging:
    """Wraps the system's calls of this process, which is one host; what is done `elsewhere` another host does."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._absent: dict[str, set[str]] = {}
        self._listed: dict[str, list[str]] = {}
        self._away = False
        for name in ("stat", "open"):
            patch.setattr(os, name, self._finding(getattr(os, name)))
        for name in ("unlink", "rmdir", "mkdir", "link", "replace"):
            patch.setattr(os, name, self._changing(getattr(os, name)))
        patch.setattr(os, "utime", self._touching(os.utime))
        patch.setattr(os, "listdir", self._listing(os.listdir))

    @contextlib.contextmanager
    def elsewhere(self) -> Iterator[None]:
        """Let another host act, whom this one does not notice."""
        self._away = True
        try:
            yield
        finally:
            self._away = False

    def _finding(self, plain: Callable[..., Any]) -> Callable[..., Any]:
        def find(path: Any, *words: Any, **options: Any) -> Any:
            if self._away or options.get("dir_fd") is None:
                return plain(path, *words, **options)
            above = os.readlink(f"/proc/self/fd/{options['dir_fd']}")
            makes = bool(words) and isinstance(words[0], int) and bool(words[0] & os.O_CREAT)
            self._walk(above, path, reach=not makes)
            stood = os.path.lexists(f"{above}/{path}")
            found = plain(path, *words, **options)
            if makes and not stood:
                self._change(f"{above}/{path}")
            self._absent.get(above, set()).discard(path)  # what is open is there
            return found

        return find

    def _walk(self, above: str, path: str, *, reach: bool) -> None:
        """Go from name to name, and no further than what is remembered as absent; remember what is absent now."""
        parts = path.split("/")
        for part in parts if reach else parts[:-1]:
            absent = self._absent.setdefault(above, set())
            full = f"{above}/{part}"
            if part in absent or not os.access(full, os.F_OK, follow_symlinks=False):
                absent.add(part)
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), full)
            above = full

    def _changing(self, plain: Callable[..., Any]) -> Callable[..., Any]:
        def change(*words: Any, **options: Any) -> Any:
            done = plain(*words, **options)  # what fails changes nothing, and tells nothing
            for key, number in (("src_dir_fd", 0), ("dst_dir_fd", 1), ("dir_fd", 0)):
                if not self._away and options.get(key) is not None:
                    self._change(os.readlink(f"/proc/self/fd/{options[key]}") + f"/{words[number]}")
            return done

        return change

    def _touching(self, plain: Callable[..., Any]) -> Callable[..., Any]:
        def touch(place: Any, *words: Any, **options: Any) -> Any:
            if not self._away and isinstance(place, int):
                self._change(os.readlink(f"/proc/self/fd/{place}") + "/")
            return plain(place, *words, **options)

        return touch

    def _change(self, path: str) -> None:
        above = os.path.dirname(path)
        self._absent.pop(above, None)
        self._listed.pop(above, None)

    def _listing(self, plain: Callable[..., list[str]]) -> Callable[..., list[str]]:
        def listed(place: Any = ".") -> list[str]:
            if self._away or not isinstance(place, int):
                return plain(place)
            return list(self._listed.setdefault(os.readlink(f"/proc/self/fd/{place}"), plain(place)))

        return listed
