"""Remembers which wheel at which path had which hash, so that a warm install does not read its wheels at all.

A file counts as the one that was hashed while device, inode, size, mtime and ctime are the same. That is not enough for
a file that was changed within its clock's grain of being hashed: what changed less than two seconds before is not
recorded (git calls it *racily clean*). The index is a memory only: without it, unreadable or wrong, a wheel is hashed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os

from lugnut.distribution import WheelHash
from lugnut.store.place import INDEX, Store, is_hash, open_part
from lugnut.system import files

_RACY = 2_000_000_000
_LONGEST = 1_000

Identity = tuple[int, int, int, int, int]
"""Device, inode, size, mtime and ctime of a file, as `lugnut.wheel.source` takes them."""


def look_up(store: Store, path: str, index: files.Directory | None = None) -> WheelHash | None:
    """Give the hash of the file at a path, if it is known and the file is the same; `index`: where that is open."""
    try:
        status = os.stat(path)
        with contextlib.nullcontext(index) if index is not None else open_part(store, INDEX) as opened:
            words = files.read(opened, _name(path), _LONGEST).decode("ascii").split()
    except (OSError, ValueError):
        return None
    identity = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    known = " ".join(words[:-1]) == _format(identity) and is_hash(words[-1])
    return WheelHash(words[-1]) if known else None


def remember(store: Store, path: str, identity: Identity, opened: int, wheel: WheelHash) -> None:
    """Record the hash of a file as it was when it was `opened` (nanoseconds), unless it changed just before.

    Not before now: hashing a large one takes longer than that. Whoever changes it later gives it another ctime.
    """
    if not 0 <= identity[-1] < opened - _RACY:
        return
    with contextlib.suppress(OSError), open_part(store, INDEX) as index:  # full or read-only: hash again next time
        files.replace(index, _name(path), f"{_format(identity)} {wheel}\n".encode())


def _name(path: str) -> str:
    return hashlib.sha256(os.fsencode(os.path.abspath(path))).hexdigest()[:40]


def _format(identity: Identity) -> str:
    return " ".join(map(str, identity))


def referred(data: bytes) -> WheelHash | None:
    """Give the hash that a file of the index names."""
    words = data.decode("ascii", "replace").split()
    return WheelHash(words[-1]) if words and is_hash(words[-1]) else None
