"""Directories as they were: kept once, put back as often as wanted by touching only what differs, told apart by a word.

What is kept of a file is its bytes and, where that can be had, a link to it; so files that were one stay one when they
are put back, and one that was written into has its bytes, mode and time again. Bytes are compared, never sizes and
times alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import stat
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from trees import walk

LOCKS = (".lock", ".use", ".turn")
"""How the names of files end whose words, but for the first, are for messages only."""
HOLDER = "/holder.json"
IDENTITY = re.compile(rb"[0-9a-f]{16}-[0-9a-f]{8}(-\w+)?")
"""A transaction's, and what a temporary name adds to it."""


class Thing(NamedTuple):
    """What stands at a path: its kind, mode and time; a symlink's target, or the file that it shares with others."""

    kind: int
    mode: int
    mtime: int
    target: str = ""
    file: int = 0
    """Inode number."""


class Kept:
    """Directories as they are at this moment."""

    def __init__(self, roots: Iterable[str], vault: str) -> None:
        """Keep them; the vault, a directory to be made, holds links to the files of its own volume."""
        os.mkdir(vault)
        self.vault = vault
        self._linked: set[int] = set()
        self._bytes: dict[int, tuple[bytes, int, int]] = {}
        self._things = {root: {path: self._keep(root, path) for path in ("", *_paths(root))} for root in roots}

    def _keep(self, root: str, path: str) -> Thing:
        place = os.path.join(root, path)
        status = os.lstat(place)
        kind, mode = stat.S_IFMT(status.st_mode), stat.S_IMODE(status.st_mode)
        if kind == stat.S_IFLNK:
            return Thing(kind, 0, 0, os.readlink(place))
        if kind == stat.S_IFREG and status.st_ino not in self._bytes:
            with contextlib.suppress(OSError):
                os.link(place, os.path.join(self.vault, str(status.st_ino)))
                self._linked.add(status.st_ino)
            self._bytes[status.st_ino] = _read(place), mode, status.st_mtime_ns
        return Thing(kind, mode, status.st_mtime_ns, file=status.st_ino)

    def put_back(self) -> None:
        """Make the directories what they were."""
        for number in self._linked:
            _mend(os.path.join(self.vault, str(number)), *self._bytes[number])
        for root, things in self._things.items():
            for path in reversed(_paths(root)):
                if path not in things:
                    _remove(os.path.join(root, path))
            for path, thing in things.items():
                self._put(os.path.join(root, path), thing)
            for path, thing in reversed(things.items()):
                if thing.kind == stat.S_IFDIR:
                    _settle(os.path.join(root, path), thing)

    def _put(self, place: str, thing: Thing) -> None:
        try:
            status = os.lstat(place)
        except FileNotFoundError:
            pass
        else:
            if stat.S_IFMT(status.st_mode) == thing.kind and self._is_same(place, thing, status):
                return
            _remove(place)
        if thing.kind == stat.S_IFDIR:
            os.mkdir(place)
        elif thing.kind == stat.S_IFLNK:
            os.symlink(thing.target, place)
        elif thing.file in self._linked:
            os.link(os.path.join(self.vault, str(thing.file)), place)
        else:
            os.close(os.open(place, os.O_CREAT | os.O_EXCL))
            _mend(place, *self._bytes[thing.file])

    def _is_same(self, place: str, thing: Thing, status: os.stat_result) -> bool:
        if thing.kind == stat.S_IFREG:
            if thing.file in self._linked:
                return status.st_ino == thing.file
            _mend(place, *self._bytes[thing.file])
            return True
        return thing.kind == stat.S_IFDIR or os.readlink(place) == thing.target

    def drop(self) -> None:
        """Let go of what is kept."""
        shutil.rmtree(self.vault)


def _paths(root: str) -> list[str]:
    return [path for path, _ in walk(root, skipped=frozenset())]


def _read(place: str) -> bytes:
    with open(place, "rb") as file:
        return file.read()


def _mend(place: str, data: bytes, mode: int, mtime: int) -> None:
    if _read(place) != data:
        with open(place, "r+b") as file:
            file.truncate()
            file.write(data)
    status = os.lstat(place)
    if stat.S_IMODE(status.st_mode) != mode:
        os.chmod(place, mode)
    if status.st_mtime_ns != mtime:
        os.utime(place, ns=(mtime, mtime))


def _settle(place: str, thing: Thing) -> None:
    status = os.lstat(place)
    if stat.S_IMODE(status.st_mode) != thing.mode:
        os.chmod(place, thing.mode)
    if status.st_mtime_ns != thing.mtime:
        os.utime(place, ns=(thing.mtime, thing.mtime))


def _remove(place: str) -> None:
    """Remove what stands at a path; nothing where it went with what was above it."""
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISDIR(os.lstat(place).st_mode):
            shutil.rmtree(place)
        else:
            os.unlink(place)


# --- one word for all of it -------------------------------------------------------------------------------------------


def digest(roots: Iterable[str], since: float) -> str:
    """Give one word for all that stands below directories: names, kinds, modes, bytes, which files are one, times.

    Left out is what differs between two runs that do the same: times after `since`, the identities of transactions, and
    what is written down for messages only: who holds a transaction or a lock, but for the lock's generation.
    """
    return hashlib.sha256(b"\n".join(_describe_all(roots, since))).hexdigest()


def _describe_all(roots: Iterable[str], since: float) -> Iterator[bytes]:
    seen: dict[int, int] = {}
    for root in roots:
        for path in _paths(root):
            place = os.path.join(root, path)
            status = os.lstat(place)
            words = IDENTITY.sub(b"#", os.fsencode(path)) + b"\0%o" % status.st_mode
            if stat.S_ISREG(status.st_mode):
                one = seen.setdefault(status.st_ino, len(seen))
                when = 0 if status.st_mtime > since else status.st_mtime_ns
                words += b"\0%d\0%d\0" % (one, when) + _describe(place, _read(place))
            elif stat.S_ISLNK(status.st_mode):
                words += b"\0" + os.fsencode(os.readlink(place))
            yield words


def _describe(place: str, data: bytes) -> bytes:
    if place.endswith(HOLDER):
        return b"%d" % bool(data)
    if place.endswith(LOCKS):
        return b"%d " % len(data) + data.partition(b" ")[0]
    return hashlib.sha256(IDENTITY.sub(b"#", data)).digest()
