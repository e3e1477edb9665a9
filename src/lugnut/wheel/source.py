"""Opens a wheel's file for reading: regular files only, without blocking, and known to be the same bytes throughout.

A FIFO, a terminal or /dev/zero under the name of a wheel hangs whoever simply opens and reads it (TRAPS 36).
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Callable

from lugnut.distribution import WheelHash
from lugnut.system import files
from lugnut.typed import NamedTuple, Self

_AT_ONCE = 8 << 20
"""Files up to this size are read once and kept in memory; larger ones are read where they are needed, since reading
twice what the system has in memory costs less than the new pages that keeping it would take."""
_STEP = 1 << 20
_WINDOW = 1 << 18
"""What is read beyond a small piece, since members are asked for in about the order in which they stand."""
_KINDS: tuple[tuple[Callable[[int], bool], str], ...] = (
    (stat.S_ISDIR, "it is a directory"),
    (stat.S_ISFIFO, "it is a named pipe"),
    (stat.S_ISCHR, "it is a character device"),
    (stat.S_ISBLK, "it is a block device"),
    (stat.S_ISSOCK, "it is a socket"),
)


class Limits(NamedTuple):
    """What a wheel may ask of this machine; sizes in bytes."""

    members: int = 500_000
    member: int = 16 << 30
    total: int = 64 << 30
    ratio: int = 100
    """How often the file's own size its members may come to, above `modest`."""
    modest: int = 1 << 30
    name: int = 3_000
    depth: int = 100
    text: int = 64 << 20
    """RECORD, METADATA, WHEEL and entry_points.txt."""
    whole: int = 1 << 20
    """Members up to this size are inflated at once, larger ones come in pieces (TRAPS 28), which measures faster."""


class ArchiveError(Exception):
    """A file that cannot be read as one archive; the message is a sentence about it, without its name."""


class Identity(NamedTuple):
    """What a file has in common with itself as long as nobody writes to it."""

    device: int
    inode: int
    size: int
    mtime: int
    ctime: int

    @classmethod
    def from_status(cls, status: os.stat_result) -> Self:
        """Take it from an lstat, stat or fstat; times in nanoseconds."""
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


class Source(files.Closing):
    """An open wheel: `size` in bytes, its bytes by position, its sha256, and whether it stayed the same.

    `opened` is when, in nanoseconds since the epoch: before `identity` was taken.
    """

    def __init__(self, path: str) -> None:
        """Open it; raises ArchiveError for what is no regular file, OSError for what cannot be opened."""
        _refuse_other(os.stat(path))  # before opening: opening some devices does something
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        self._descriptor = os.open(path, flags)
        try:
            self.opened = time.time_ns()
            status = os.fstat(self._descriptor)
            _refuse_other(status)
            self.identity = Identity.from_status(status)
            self.size = status.st_size
            self._kept = _read_fully(self._descriptor, 0, self.size) if self.size <= _AT_ONCE else b""
            self._kept_at = 0
        except BaseException:
            self.close()
            raise
        self._hash: WheelHash | None = None

    def read_at(self, position: int, length: int) -> bytes:
        """Give exactly these bytes; raises ArchiveError where the file has no such place."""
        start = position - self._kept_at
        if 0 <= start <= start + length <= len(self._kept):
            return self._kept[start : start + length]
        if position < 0 or length < 0 or position + length > self.size:
            raise ArchiveError("it points outside itself")
        if length >= _WINDOW:
            return _read_fully(self._descriptor, position, length)
        self._kept = _read_fully(self._descriptor, position, min(_WINDOW, self.size - position))
        self._kept_at = position
        return self._kept[:length]

    def learn(self, wheel: WheelHash) -> None:
        """Be told its sha256, by somebody who took it through this very descriptor."""
        self._hash = wheel

    def hash(self) -> WheelHash:
        """Give the sha256 of the whole file; reads it once."""
        if self._hash is None:
            state = hashlib.sha256()
            if len(self._kept) == self.size:
                state.update(self._kept)
            else:
                for position in range(0, self.size, _STEP):
                    state.update(self.read_at(position, min(_STEP, self.size - position)))
            self._hash = WheelHash(state.hexdigest())
        return self._hash

    def unchanged(self) -> bool:
        """Say whether the file is as it was when it was opened, as far as its size and times tell."""
        return Identity.from_status(os.fstat(self._descriptor)) == self.identity

    def close(self) -> None:
        """Close the file; again is harmless."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _refuse_other(status: os.stat_result) -> None:
    for is_kind, sentence in _KINDS:
        if is_kind(status.st_mode):
            raise ArchiveError(f"{sentence}, not a regular file")
    if not stat.S_ISREG(status.st_mode):
        raise ArchiveError("it is not a regular file")
    if not status.st_size:
        raise ArchiveError("it is empty")


def _seek_and_read(descriptor: int, length: int, position: int) -> bytes:
    os.lseek(descriptor, position, os.SEEK_SET)
    return os.read(descriptor, length)


_read: Callable[[int, int, int], bytes] = getattr(os, "pread", _seek_and_read)
"""Where workers are forked there is pread: those who share a descriptor do not move each other's place."""


def _read_fully(descriptor: int, position: int, length: int) -> bytes:
    """Read this much, over several calls where one gives part; raises ArchiveError where there is less."""
    pieces = []
    end = position + length
    while position < end:
        try:
            piece = _read(descriptor, end - position, position)
        except OSError as error:
            raise ArchiveError(f"it cannot be read: {error.strerror}") from None
        if not piece:
            raise ArchiveError("it became shorter while it was read")
        pieces.append(piece)
        position += len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
