"""What only Windows has for files: the same names as `_posix`, by paths instead of directory descriptors.

There are no descriptors for directories, so a `Directory` is a path that was checked when it was opened.
"""

from __future__ import annotations

import sys

if sys.platform != "win32":
    raise ImportError("this room is for Windows")

import contextlib
import errno
import os
import stat
import time
from collections.abc import Callable

from lugnut.system.directory import Directory

TELLS_MOUNTS = False
"""How a share is mounted is not told."""
LOCKS_LIKE_UV = False
"""Not known to see each other, so uv's is not asked for."""
SYNC_FLAGS = os.O_RDWR
"""What a file must be opened for to be flushed."""

FACTS = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EISDIR, errno.EFBIG, errno.EINVAL, errno.EACCES})
"""Errors that tell what stands at a name: nothing, something of another kind (EACCES too), more than would be read."""

_EVERY = os.O_BINARY | os.O_NOINHERIT
_SHARING = {5, 32}  # ERROR_ACCESS_DENIED, ERROR_SHARING_VIOLATION: a virus scanner or an indexer has it open
_SURROGATE = 0x20000000
"""Set in the tags of symlinks and junctions, which lead elsewhere; not in those of OneDrive and the like."""
_TRIES, _PAUSE = 20, 0.01


def is_component(name: str) -> bool:
    """Say whether a name is one component: no path, no way up, no drive or stream (G8)."""
    return name not in {"", ".", ".."} and not any(sign in name for sign in "/\\:\0")


def open_root(path: str) -> Directory:
    """Open a directory by a path that is trusted, symlinks and all."""
    if not os.path.isdir(path):
        number = errno.ENOTDIR if os.path.lexists(path) else errno.ENOENT
        raise OSError(number, os.strerror(number), path)
    return Directory(path, -1)


def enter(parent: Directory, name: str) -> Directory:
    """Check one component: neither a file, a symlink nor a junction (TRAPS 23)."""
    path = os.path.join(parent.path, name)
    found = os.lstat(path)
    if not stat.S_ISDIR(found.st_mode) or found.st_reparse_tag & _SURROGATE:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
    return Directory(path, -1)


def _patiently(act: Callable[[], None]) -> None:
    """Try again while somebody else has the file open for a moment."""
    for _ in range(_TRIES):
        try:
            return act()
        except PermissionError as error:
            if error.winerror not in _SHARING:
                raise
            time.sleep(_PAUSE)
    return act()


def link(source_dir: Directory, source: str, target_dir: Directory, target: str) -> None:
    """Make `target` another name of `source`; FileExistsError where something stands there: the atomic claim."""
    os.link(os.path.join(source_dir.path, source), os.path.join(target_dir.path, target))


def rename(source_dir: Directory, source: str, target_dir: Directory, target: str) -> None:
    """Move `source` to `target`, replacing a file there in one step."""
    paths = os.path.join(source_dir.path, source), os.path.join(target_dir.path, target)
    _patiently(lambda: os.replace(*paths))


def rename_exclusive(source_dir: Directory, source: str, target_dir: Directory, target: str) -> None:
    """Move `source` to `target`; FileExistsError where something stands there, as rename has it on Windows."""
    os.rename(os.path.join(source_dir.path, source), os.path.join(target_dir.path, target))


def symlink(directory: Directory, name: str, target: str) -> None:
    """Make a symlink, of a directory where that is what stands there; PermissionError where the system grants none."""
    path, leads = os.path.join(directory.path, name), target.replace("/", "\\")
    os.symlink(leads, path, target_is_directory=os.path.isdir(os.path.join(directory.path, leads)))


def unlink(directory: Directory, name: str) -> None:
    """Remove a file's name."""
    path = os.path.join(directory.path, name)
    _patiently(lambda: os.unlink(path))


def rmdir(directory: Directory, name: str) -> None:
    """Remove an empty directory."""
    path = os.path.join(directory.path, name)
    _patiently(lambda: os.rmdir(path))


def mkdir(directory: Directory, name: str, mode: int = 0o777) -> None:
    """Make a directory."""
    os.mkdir(os.path.join(directory.path, name), mode)


def look(directory: Directory, name: str) -> os.stat_result | None:
    """Say what stands at a name, without following a symlink; None where nothing does."""
    try:
        return os.lstat(os.path.join(directory.path, name))
    except (FileNotFoundError, NotADirectoryError):
        return None


def list_names(directory: Directory) -> list[str]:
    """List a directory, sorted (TRAPS 18)."""
    return sorted(os.listdir(directory.path))


def lists_late(directory: Directory) -> bool:  # noqa: ARG001 - as _posix has it
    """Say that a listing may be older than a lock just taken: shares are cached for some seconds (TRAPS 26)."""
    return True


def touch(directory: Directory) -> None:
    """Give a directory the time of now, as _posix has it; a share that takes no such time is asked later."""
    with contextlib.suppress(OSError):
        os.utime(directory.path)


def status(directory: Directory) -> os.stat_result:
    """Describe an open directory."""
    return os.stat(directory.path)


def open_file(directory: Directory, name: str, flags: int, mode: int = 0o600) -> int:
    """Open a file, by its name or by a path of such below the directory; a symlink is refused."""
    path = os.path.join(directory.path, name)
    if not all(map(is_component, name.split("/"))):  # `a:b` would be a stream of the file `a`
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), path)
    if os.path.islink(path):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
    return os.open(path, flags | _EVERY, mode)


def finish(descriptor: int, directory: Directory, name: str, *, mode: int | None, mtime: int | None) -> None:  # noqa: ARG001 - as _posix
    """Close a file just written and give it its time (seconds); there are no execute bits."""
    os.close(descriptor)
    if mtime is not None:
        os.utime(os.path.join(directory.path, name), (mtime, mtime))


def keeps_mode(descriptor: int, mode: int) -> bool:  # noqa: ARG001 - as _posix has it
    """Say yes: there are no execute bits to be kept."""
    return True


def clone(source: int, target: int) -> None:  # noqa: ARG001 - as _posix has it
    """Refuse: nothing here shares blocks."""
    raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))


def movable(directory: Directory, *names: str) -> bool:
    """Say whether names may be replaced or removed, as far as their read-only attributes tell."""
    return all(_is_writable(os.path.join(directory.path, name)) for name in names)


def _is_writable(path: str) -> bool:
    try:
        return bool(os.lstat(path).st_mode & 0o200)
    except OSError:
        return True


def sync(directory: Directory) -> None:
    """Do nothing: a directory cannot be flushed."""


def sync_volume(directory: Directory) -> None:
    """Do nothing: flushing a volume takes an administrator; files are flushed one by one where it matters."""


def share_mode(directory: Directory, descriptor: int, *, mode: int) -> None:
    """Do nothing: access control lists are inherited."""


def share_directory(parent: Directory, made: Directory) -> None:
    """Do nothing: access control lists are inherited."""


def appear(directory: Directory, name: str, *, mode: int) -> bool:  # noqa: ARG001 - as _posix has it
    """Say that no file appears otherwise than it is made: here none has a mode to wait for."""
    return False


def words_name(name: str) -> str:
    """Name the file that holds a lock's words: another one, since a locked range cannot be read (TRAPS 12)."""
    return f"{name}.holder"


def read_words(descriptor: int, path: str) -> bytes:  # noqa: ARG001 - as _posix has it
    """Read the words of the lock that is held."""
    try:
        with open(words_name(path), "rb") as stream:
            return stream.read()
    except FileNotFoundError:
        return b""


def write_words(descriptor: int, path: str, data: bytes) -> None:  # noqa: ARG001 - as _posix has it
    """Write the words of the lock that is held, in one write."""
    with open(words_name(path), "wb", buffering=0) as stream:
        stream.write(data)
