"""The door to disk: every link, rename, unlink, mkdir and write of the product goes through here.

Names are relative to directory handles, and a handle is reached component by component without following symlinks, so
that no change leaves the tree it began in (G8, TRAPS 22 and 23). Callers write `files.link(...)` and never import the
function, so that one wrapper sees every call. OS errors pass through as OSError; callers give them words.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import os
import stat
import sys
from collections.abc import Iterable
from types import TracebackType

from lugnut.distribution import Digest

if sys.platform == "win32":
    from lugnut.system import _windows as _system
else:
    from lugnut.system import _posix as _system

_BY_DESCRIPTOR = sys.platform != "win32"
_CHUNK = 1 << 20


class Directory:
    """A directory that stays the same one whatever is renamed around it; close it, or use it as a context manager."""

    __slots__ = ("fd", "path")

    def __init__(self, path: str, fd: int) -> None:
        self.path = path
        self.fd = fd

    def close(self) -> None:
        """Give the descriptor back; a second close does nothing."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def __enter__(self) -> Directory:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _at(directory: Directory, name: str) -> str:
    return name if _BY_DESCRIPTOR else os.path.join(directory.path, name)


def _fd(directory: Directory) -> int | None:
    return directory.fd if _BY_DESCRIPTOR else None


def open_root(path: str) -> Directory:
    """Open a directory that the caller trusts, by its absolute path."""
    return Directory(path, _system.open_directory(path, None))


def enter(parent: Directory, name: str, *, create: bool = False) -> Directory:
    """Open the directory `name` in `parent`; a symlink or a file there is an OSError (ELOOP, ENOTDIR).

    With `create` a missing one is made, whoever else makes or removes it at the same time (TRAPS 20).
    """
    path = os.path.join(parent.path, name)
    for attempt in range(100):
        try:
            return Directory(path, _system.open_directory(_at(parent, name), _fd(parent)))
        except FileNotFoundError:
            if not create or attempt == 99:  # noqa: PLR2004 - the last of the bounded attempts
                raise
        try:
            os.mkdir(_at(parent, name), dir_fd=_fd(parent))
        except FileExistsError:
            continue
    raise AssertionError("unreachable")


if sys.platform == "win32":

    def link(source_dir: Directory, source: str, target_dir: Directory, target: str) -> None:
        """Make `target` another name of `source`; FileExistsError where something stands there (the atomic claim)."""
        os.link(_at(source_dir, source), _at(target_dir, target))

    def rename(source_dir: Directory, source: str, target_dir: Directory, target: str) -> None:
        """Move `source` to `target`, replacing a file there in one step."""
        os.replace(_at(source_dir, source), _at(target_dir, target))

else:

    def link(source_dir: Directory, source: str, target_dir: Directory, target: str) -> None:
        """Make `target` another name of `source`; FileExistsError where something stands there (the atomic claim)."""
        os.link(source, target, src_dir_fd=source_dir.fd, dst_dir_fd=target_dir.fd, follow_symlinks=False)

    def rename(source_dir: Directory, source: str, target_dir: Directory, target: str) -> None:
        """Move `source` to `target`, replacing a file there in one step."""
        os.replace(source, target, src_dir_fd=source_dir.fd, dst_dir_fd=target_dir.fd)


def unlink(directory: Directory, name: str) -> None:
    """Remove a file's name."""
    os.unlink(_at(directory, name), dir_fd=_fd(directory))


def rmdir(directory: Directory, name: str) -> None:
    """Remove an empty directory."""
    os.rmdir(_at(directory, name), dir_fd=_fd(directory))


def mkdir(directory: Directory, name: str, mode: int = 0o777) -> None:
    """Make a directory, under the umask."""
    os.mkdir(_at(directory, name), mode, dir_fd=_fd(directory))


def look(directory: Directory, name: str) -> os.stat_result | None:
    """Say what stands at a name, without following a symlink; None where nothing does."""
    try:
        return os.stat(_at(directory, name), dir_fd=_fd(directory), follow_symlinks=False)
    except (FileNotFoundError, NotADirectoryError):
        return None


def list_names(directory: Directory) -> list[str]:
    """List a directory, sorted (TRAPS 18)."""
    return sorted(os.listdir(directory.fd if _BY_DESCRIPTOR else directory.path))


def _open_regular(directory: Directory, name: str) -> int:
    descriptor = _system.open_file(_at(directory, name), _system.READ_FLAGS, 0, _fd(directory))
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):  # TRAPS 36
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", os.path.join(directory.path, name))
    return descriptor


def read(directory: Directory, name: str, limit: int = 64 << 20) -> bytes:
    """Read a regular file of at most `limit` bytes, whole; OSError (EINVAL, EFBIG) where it is anything else."""
    return read_identified(directory, name, limit)[0]


def read_identified(directory: Directory, name: str, limit: int = 64 << 20) -> tuple[bytes, os.stat_result]:
    """Read a regular file together with the stat of the very file that was read."""
    descriptor = _open_regular(directory, name)
    try:
        status = os.fstat(descriptor)
        chunks = []
        total = 0
        while chunk := os.read(descriptor, _CHUNK):
            chunks.append(chunk)
            total += len(chunk)
            if total > limit:
                raise OSError(errno.EFBIG, "larger than it may be", os.path.join(directory.path, name))
        return b"".join(chunks), status
    finally:
        os.close(descriptor)


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """Write every byte: os.write may write part (TRAPS 28)."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def create(directory: Directory, name: str) -> int:
    """Make a new file and give a descriptor to write it; FileExistsError where something stands there."""
    return _system.open_file(_at(directory, name), _system.CREATE_FLAGS, 0o600, _fd(directory))


def finish(descriptor: int, directory: Directory, name: str, *, mode: int, mtime: int | None) -> None:
    """Give a file just written its mode, whatever the umask, and its time; then close it."""
    try:
        if _BY_DESCRIPTOR:
            os.fchmod(descriptor, mode)
            if mtime is not None:
                os.utime(descriptor, (mtime, mtime))
    finally:
        os.close(descriptor)
    if not _BY_DESCRIPTOR and mtime is not None:
        os.utime(_at(directory, name), (mtime, mtime))


def write(directory: Directory, name: str, data: bytes, *, mode: int = 0o644, mtime: int | None = None) -> None:
    """Write a new file, whole or not at all; FileExistsError where something stands there."""
    write_pieces(directory, name, (data,), mode=mode, mtime=mtime)


def write_pieces(directory: Directory, name: str, pieces: Iterable[bytes], *, mode: int = 0o644, mtime: int | None = None) -> None:
    """Write a new file from bytes as they come, whole or not at all; what the iterator raises is passed on."""
    descriptor = create(directory, name)
    try:
        for piece in pieces:
            write_all(descriptor, piece)
    except BaseException:
        os.close(descriptor)
        unlink(directory, name)
        raise
    finish(descriptor, directory, name, mode=mode, mtime=mtime)


def temporary_name(word: str = "") -> str:
    """Make a name nobody else uses, that says whose it is: `.lugnut-<word>-<random>.tmp`."""
    return f".lugnut-{word or os.getpid()}-{os.urandom(6).hex()}.tmp"


def replace(directory: Directory, name: str, data: bytes, *, mode: int = 0o644) -> None:
    """Put `data` at `name` in one step: whoever reads sees the old bytes or the new, whole (TRAPS 15)."""
    temporary = temporary_name()
    write(directory, temporary, data, mode=mode)
    try:
        rename(directory, temporary, directory, name)
    except BaseException:
        unlink(directory, temporary)
        raise


def write_whole(directory: Directory, name: str, data: bytes, *, mode: int = 0o644) -> None:
    """Make a file appear complete under its name; FileExistsError where something stands there."""
    temporary = temporary_name()
    write(directory, temporary, data, mode=mode)
    try:
        link(directory, temporary, directory, name)
    except FileExistsError:
        raise
    except OSError:  # no hard links here: TRAPS 25
        if look(directory, name) is not None:
            raise
        rename(directory, temporary, directory, name)
        return
    finally:
        if look(directory, temporary) is not None:
            unlink(directory, temporary)


def append(directory: Directory, name: str, data: bytes) -> None:
    """Add bytes at the end of a file, made if it is missing, in one write."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    descriptor = _system.open_file(_at(directory, name), flags | _system.EXTRA_FLAGS, 0o644, _fd(directory))
    try:
        write_all(descriptor, data)
    finally:
        os.close(descriptor)


def enter_path(parent: Directory, path: str, *, create: bool = False) -> Directory:
    """Open a directory several components below `parent`, none of them a symlink."""
    *above, last = path.split("/")
    opened = parent
    try:
        for name in above:
            inner = enter(opened, name, create=create)
            if opened is not parent:
                opened.close()
            opened = inner
        return enter(opened, last, create=create)
    finally:
        if opened is not parent:
            opened.close()


def digest(directory: Directory, name: str) -> tuple[Digest, os.stat_result]:
    """Hash a regular file; the stat is that of the very bytes hashed (read again if it changed meanwhile)."""
    descriptor = _open_regular(directory, name)
    try:
        while True:
            before = os.fstat(descriptor)
            hasher = hashlib.sha256()
            os.lseek(descriptor, 0, os.SEEK_SET)
            while chunk := os.read(descriptor, _CHUNK):
                hasher.update(chunk)
            after = os.fstat(descriptor)
            if (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns):
                return Digest(base64.urlsafe_b64encode(hasher.digest()).rstrip(b"=").decode()), after
    finally:
        os.close(descriptor)


def copy(source_dir: Directory, source: str, target_dir: Directory, target: str, *, clone: bool) -> None:
    """Make a new file with the content, mode and time of another; `clone` shares its blocks or raises OSError.

    Whatever goes wrong, nothing is left at `target` (TRAPS 27).
    """
    reading = _open_regular(source_dir, source)
    try:
        status = os.fstat(reading)
        writing = create(target_dir, target)
        try:
            if clone:
                _system.clone(reading, writing)
            else:
                while chunk := os.read(reading, _CHUNK):
                    write_all(writing, chunk)
        except BaseException:
            os.close(writing)
            unlink(target_dir, target)
            raise
        finish(writing, target_dir, target, mode=stat.S_IMODE(status.st_mode), mtime=int(status.st_mtime))
    finally:
        os.close(reading)


def remove_tree(directory: Directory, name: str) -> None:
    """Remove a file or a whole tree, never through a symlink, while others may be removing it too."""
    status = look(directory, name)
    if status is None:
        return
    try:
        if not stat.S_ISDIR(status.st_mode):
            unlink(directory, name)
            return
        with enter(directory, name) as inner:
            for entry in list_names(inner):
                remove_tree(inner, entry)
        rmdir(directory, name)
    except FileNotFoundError:
        return  # somebody else was faster


def sync(directory: Directory) -> None:
    """Write a directory's names to disk."""
    if _BY_DESCRIPTOR:
        os.fsync(directory.fd)


def sync_file(directory: Directory, name: str) -> None:
    """Write a file's bytes to disk."""
    descriptor = _open_regular(directory, name)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_volume(directory: Directory) -> None:
    """Write everything of the directory's volume to disk (TRAPS 19)."""
    _system.sync_volume(directory.fd)


def same_volume(first: Directory, second: Directory) -> bool:
    """Say whether two directories report one device; a link may still fail (TRAPS 24)."""
    one = os.stat(first.fd if _BY_DESCRIPTOR else first.path)
    two = os.stat(second.fd if _BY_DESCRIPTOR else second.path)
    return one.st_dev == two.st_dev


def folds_case(directory: Directory) -> bool:
    """Try whether names that differ in case are one name here; False where nothing may be written."""
    name = temporary_name("Case")
    try:
        os.close(create(directory, name))
    except OSError:
        return False
    try:
        return look(directory, name.swapcase()) is not None
    finally:
        unlink(directory, name)


def open_lock(directory: Directory, name: str, *, create: bool) -> int:
    """Open a lock file for reading and writing, never through a symlink, never truncating it (TRAPS 3, 13)."""
    path = _at(directory, name)
    try:
        return _system.open_file(path, _system.LOCK_FLAGS, 0, _fd(directory))
    except FileNotFoundError:
        if not create:
            raise
    try:
        descriptor = _system.open_file(path, _system.LOCK_FLAGS | os.O_CREAT | os.O_EXCL, 0o644, _fd(directory))
    except FileExistsError:
        return _system.open_file(path, _system.LOCK_FLAGS, 0, _fd(directory))
    _system.share_mode(descriptor, directory.fd, 0o644)
    return descriptor


def make_directories(path: str) -> Directory:
    """Open an absolute directory that the caller trusts, made with its parents where it is missing."""
    os.makedirs(path, exist_ok=True)
    return open_root(path)
