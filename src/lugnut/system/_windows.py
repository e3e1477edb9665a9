"""What only Windows has; the same names as `_posix`, by paths instead of directory descriptors."""

from __future__ import annotations

import errno
import os

DIRECTORY_FLAGS = 0
READ_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOINHERIT", 0)
CREATE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOINHERIT", 0)
EXTRA_FLAGS = getattr(os, "O_BINARY", 0) | getattr(os, "O_NOINHERIT", 0)
LOCK_FLAGS = os.O_RDWR | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOINHERIT", 0)


def open_directory(path: str, parent: int | None) -> int:
    """Check that a real directory stands there; Windows has no descriptors for directories, so -1 is given."""
    if not os.path.isdir(path) or os.path.islink(path) or os.path.realpath(path) != os.path.abspath(path):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
    return -1


def open_file(path: str, flags: int, mode: int, parent: int | None) -> int:
    """Open a file by its path; a symlink or junction is refused."""
    if os.path.islink(path):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
    return os.open(path, flags, mode)


def clone(source: int, target: int) -> None:
    """Refuse: ReFS block cloning is not used."""
    raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))


def sync_volume(descriptor: int) -> None:
    """Do nothing: files are flushed one by one where it matters."""


def share_mode(descriptor: int, directory: int, mode: int) -> None:
    """Do nothing: access control lists are inherited."""


def usable_processors() -> int:
    """Count the processors."""
    return os.cpu_count() or 1


def boot_id() -> str:
    """Give no name: Windows has none that is cheap to read."""
    return ""


def pid_namespace() -> str:
    """Give no name: there are no pid namespaces."""
    return ""
