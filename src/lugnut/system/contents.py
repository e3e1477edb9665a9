"""Files' bytes: read whole, hashed, copied, written. Callers use `files`, which gives these names on.

What is written becomes a new file: nothing here opens for writing what may be another name of a file in the store or in
uv's cache (TRAPS 15). Only regular files are read, opened without waiting and never through a symlink (TRAPS 36).
"""

from __future__ import annotations

import binascii
import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterable

from lugnut.distribution import Digest
from lugnut.system.directory import Directory
from lugnut.system.native import native

_CHUNK = 1 << 20
_LIMIT = 64 << 20
_TRIES = 20
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL
finish = native.finish


# --- reading ----------------------------------------------------------------------------------------------------------


def open_regular(directory: Directory, name: str, flags: int = os.O_RDONLY, mode: int = 0o600) -> int:
    """Open a regular file, never through a symlink and without waiting; OSError (EINVAL) where it is anything else."""
    return _open_identified(directory, name, flags, mode)[0]


def _open_identified(
    directory: Directory, name: str, flags: int = os.O_RDONLY, mode: int = 0o600
) -> tuple[int, os.stat_result]:
    descriptor = native.open_file(directory, name, flags, mode)
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", f"{directory.path}/{name}")
    return descriptor, found


def read(directory: Directory, name: str, limit: int = _LIMIT) -> bytes:
    """Read a regular file of at most `limit` bytes, whole; OSError (EINVAL, EFBIG) where it is anything else."""
    return read_identified(directory, name, limit)[0]


def read_identified(directory: Directory, name: str, limit: int = _LIMIT) -> tuple[bytes, os.stat_result]:
    """Read a regular file together with the stat of the very file that was read."""
    descriptor, found = _open_identified(directory, name)
    try:
        first = os.read(descriptor, min(found.st_size + 1, _CHUNK))  # one byte more: whoever has all of it knows
        chunks, total = [first], len(first)
        while first and total != found.st_size and total <= limit and (chunk := os.read(descriptor, _CHUNK)):
            chunks.append(chunk)
            total += len(chunk)
    finally:
        os.close(descriptor)
    if total > limit:
        raise OSError(errno.EFBIG, f"larger than {limit} bytes", f"{directory.path}/{name}")
    return b"".join(chunks), found


def read_start(
    directory: Directory,
    name: str,
    size: int,
    more: Callable[[bytes], bool] | None = None,
    limit: int = _LIMIT,
) -> bytes:
    """Read up to `size` bytes that a regular file begins with, and all others if `more` says so of these.

    OSError (EFBIG) where all of it would be more than `limit` bytes.
    """
    descriptor, found = _open_identified(directory, name)
    try:
        chunk = os.read(descriptor, size)
        if more is None or len(chunk) < size or not more(chunk):
            return chunk
        if found.st_size > limit:
            raise OSError(errno.EFBIG, f"larger than {limit} bytes", f"{directory.path}/{name}")
        chunks = [chunk]
        while chunk := os.read(descriptor, _CHUNK):
            chunks.append(chunk)
    finally:
        os.close(descriptor)
    return b"".join(chunks)


def digest(directory: Directory, name: str) -> tuple[Digest, os.stat_result]:
    """Hash a regular file; the stat is that of the very bytes hashed: read again if it changed meanwhile."""
    descriptor = open_regular(directory, name)
    try:
        before = os.fstat(descriptor)
        for _ in range(_TRIES):
            found = _hash(descriptor)
            after = os.fstat(descriptor)
            # not ctime, which others change by making links
            if (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns):
                return found, after
            before = after
    finally:
        os.close(descriptor)
    raise OSError(errno.EBUSY, "it is being written all the time", f"{directory.path}/{name}")


def _hash(descriptor: int) -> Digest:
    import hashlib

    hasher = hashlib.sha256()
    os.lseek(descriptor, 0, os.SEEK_SET)
    while chunk := os.read(descriptor, _CHUNK):
        hasher.update(chunk)
    text = binascii.b2a_base64(hasher.digest(), newline=False).translate(_URL_SAFE, b"=")
    return Digest(text.decode("ascii"))


def sync_file(directory: Directory, name: str) -> None:
    """Write a file's bytes to disk."""
    descriptor = open_regular(directory, name, native.SYNC_FLAGS)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# --- writing ----------------------------------------------------------------------------------------------------------


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """Write every byte: os.write may write part (TRAPS 28)."""
    written = os.write(descriptor, data)
    if written < len(data):
        view = memoryview(data)[written:]
        while view:
            view = view[os.write(descriptor, view) :]


def create(directory: Directory, name: str) -> int:
    """Make a new file and give a descriptor to write it; FileExistsError where something stands there."""
    return native.open_file(directory, name, _CREATE)


def write(directory: Directory, name: str, data: bytes, *, mode: int = 0o644, mtime: int | None = None) -> None:
    """Write a new file, whole or not at all; FileExistsError where something stands there.

    It can be seen while it is being written: where somebody may look, use `write_whole` or `replace`.
    """
    write_pieces(directory, name, (data,), mode=mode, mtime=mtime)


def write_pieces(
    directory: Directory, name: str, pieces: Iterable[bytes], *, mode: int = 0o644, mtime: int | None = None
) -> None:
    """Write a new file from bytes as they come, whole or not at all; what the iterator raises is passed on."""

    def fill(descriptor: int) -> None:
        for piece in pieces:
            write_all(descriptor, piece)

    _write_new(directory, name, fill, mode=mode, mtime=mtime)


def _write_new(directory: Directory, name: str, fill: Callable[[int], None], *, mode: int, mtime: int | None) -> None:
    descriptor = create(directory, name)
    try:
        try:
            fill(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        finish(descriptor, directory, name, mode=mode, mtime=mtime)
    except BaseException:
        withdraw(directory, name)
        raise


def withdraw(directory: Directory, name: str) -> None:
    """Take back what could not be finished, without hiding why."""
    with contextlib.suppress(OSError):
        native.unlink(directory, name)


def append(directory: Directory, name: str, data: bytes) -> None:
    """Add bytes at the end of a file of ours, made if it is missing."""
    descriptor = native.open_file(directory, name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        write_all(descriptor, data)
    finally:
        os.close(descriptor)


def temporary_name(word: str = "") -> str:
    """Make a name nobody else uses, that says whose it is: `.lugnut-<word>-<random>.tmp`."""
    return f".lugnut-{word or os.getpid()}-{os.urandom(6).hex()}.tmp"


def replace(directory: Directory, name: str, data: bytes, *, mode: int = 0o644) -> None:
    """Put `data` at `name` in one step: whoever reads sees the old bytes or the new, whole (TRAPS 15)."""
    temporary = temporary_name()
    write(directory, temporary, data, mode=mode)
    try:
        native.rename(directory, temporary, directory, name)
    except BaseException:
        withdraw(directory, temporary)
        raise


def write_whole(directory: Directory, name: str, data: bytes, *, mode: int = 0o644) -> None:
    """Make a file appear complete under its name; FileExistsError where something stands there."""
    temporary = temporary_name()
    write(directory, temporary, data, mode=mode)
    try:
        publish(directory, temporary, directory, name)
    except BaseException:
        withdraw(directory, temporary)
        raise


def publish(source_dir: Directory, source: str, target_dir: Directory, target: str) -> None:
    """Move a finished file to a name that is free, in one step; FileExistsError, with `source` left, where it is not.

    By link and unlink; where there are no hard links by renameat2. Another OSError (ENOSYS, EINVAL, EXDEV) means that
    neither is to be had here and the caller must hold a lock instead (TRAPS 14, 24, 25).
    """
    try:
        native.link(source_dir, source, target_dir, target)
    except FileExistsError:
        raise
    except OSError:
        native.rename_exclusive(source_dir, source, target_dir, target)
    else:
        native.unlink(source_dir, source)


def copy(source_dir: Directory, source: str, target_dir: Directory, target: str, *, clone: bool) -> None:
    """Make a new file with the content, mode and time of another; FileExistsError where something stands there.

    `clone` shares its blocks or raises OSError. Whatever goes wrong, nothing is left at `target` (TRAPS 27); it can be
    seen half written, so give a temporary name and `publish` it where somebody may look.
    """
    reading = open_regular(source_dir, source)
    try:
        found = os.fstat(reading)
        fill = native.clone if clone else _copy_bytes
        mode, mtime = stat.S_IMODE(found.st_mode), int(found.st_mtime)
        _write_new(target_dir, target, lambda writing: fill(reading, writing), mode=mode, mtime=mtime)
    finally:
        os.close(reading)


def _copy_bytes(reading: int, writing: int) -> None:
    while chunk := os.read(reading, _CHUNK):
        write_all(writing, chunk)
