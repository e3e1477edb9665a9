"""What only POSIX has: directory descriptors, reflinks, syncfs, flock's errors."""

from __future__ import annotations

import os
import sys

if sys.platform == "win32":
    raise ImportError("this room is for POSIX")

import errno

FICLONE = 0x40049409
DIRECTORY_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
READ_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
CREATE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
EXTRA_FLAGS = os.O_NOFOLLOW | os.O_CLOEXEC
LOCK_FLAGS = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC


def open_directory(path: str, parent: int | None) -> int:
    """Open a directory, its last component never through a symlink."""
    return os.open(path, DIRECTORY_FLAGS, dir_fd=parent)


def open_file(path: str, flags: int, mode: int, parent: int | None) -> int:
    """Open a file beneath a directory descriptor."""
    return os.open(path, flags, mode, dir_fd=parent)


def clone(source: int, target: int) -> None:
    """Make `target` share `source`'s blocks (FICLONE); OSError where the file system cannot."""
    if sys.platform != "linux":
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
    import fcntl

    fcntl.ioctl(target, FICLONE, source)


def sync_volume(descriptor: int) -> None:
    """Write everything of the volume that holds `descriptor` to disk: syncfs, or sync where there is none."""
    if sys.platform == "linux":
        import ctypes

        library = ctypes.CDLL(None, use_errno=True)
        if library.syncfs(descriptor) == 0:
            return
        number = ctypes.get_errno()
        if number != errno.ENOSYS:
            raise OSError(number, os.strerror(number))
    os.sync()


def share_mode(descriptor: int, directory: int, mode: int) -> None:
    """Give a file its directory's group, and group writing if the directory has it (TRAPS 13)."""
    beside = os.fstat(directory)
    try:
        if os.fstat(descriptor).st_gid != beside.st_gid:
            os.fchown(descriptor, -1, beside.st_gid)
        wide = mode | ((beside.st_mode & 0o020) and 0o060) | ((beside.st_mode & 0o002) and 0o006)
        os.fchmod(descriptor, wide)
    except PermissionError:
        return  # another user made it: its mode is that user's word


def usable_processors() -> int:
    """Count the processors this process may run on."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def boot_id() -> str:
    """Name the running kernel's start, or an empty string where it has no name."""
    return _first_line("/proc/sys/kernel/random/boot_id")


def pid_namespace() -> str:
    """Name the pid namespace, or an empty string where there is none."""
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _first_line(path: str) -> str:
    try:
        with open(path, encoding="ascii") as stream:
            return stream.readline().strip()
    except OSError:
        return ""
