"""What only POSIX has for files: directory descriptors, reflinks, syncfs, flock. The same names as `_windows`."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("this room is for POSIX")

import errno
import functools
import os
import struct
from collections.abc import Callable

from lugnut.system import _posix_remote, _posix_sharing
from lugnut.system._posix_remote import ask_again, is_gone, is_late, renew, say_gone
from lugnut.system.directory import Directory

lists_late, touch, TELLS_MOUNTS = _posix_remote.lists_late, _posix_remote.touch, _posix_remote.TELLS_MOUNTS
share_mode, share_directory, appear = _posix_sharing.share_mode, _posix_sharing.share_directory, _posix_sharing.appear
LOCKS_LIKE_UV = True
"""Both take flock."""
SYNC_FLAGS = os.O_RDONLY
"""What a file must be opened for to be flushed."""

FACTS = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EISDIR, errno.ENXIO, errno.EFBIG, errno.EINVAL})
"""Errors that tell what stands at a name: nothing, something of another kind, or more than would be read."""

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_ROOT = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_EVERY = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a FIFO must not hang us: TRAPS 36
_GETFLAGS = 0x80086601
_IMMUTABLE = 0x30
"""Immutable and append-only, as FS_IOC_GETFLAGS and as statx tell them."""
_STATX = struct.Struct("=8xQ40xQ192x")
"""Of struct statx the attributes, and which of them the file system tells."""
_NOFOLLOW = 0x100
_MANY = 32
"""So many files in one directory are hardly the only ones of a distribution that is looked into."""
_FICLONE = 0x40049409
_NOREPLACE = 1
_WORDS = 4096
_TRIES = 20


def is_component(name: str) -> bool:
    """Say whether a name is one component, neither a path nor a way up (G8)."""
    return "/" not in name and name not in {"", ".", ".."}


def open_root(path: str) -> Directory:
    """Open a directory by a path that is trusted, symlinks and all."""
    descriptor = os.open(path, _ROOT)
    return Directory(path, descriptor, late=is_late(descriptor))


def enter(parent: Directory, name: str) -> Directory:
    """Open one component, never through a symlink (TRAPS 23)."""
    if parent.late:
        renew(parent, name)
    return Directory(f"{parent.path}/{name}", os.open(name, _DIRECTORY, dir_fd=parent.fd), late=parent.late)


def link(source_dir: Directory, source: str, target_dir: Directory, target: str) -> None:
    """Make `target` another name of `source`; FileExistsError where something stands there: the atomic claim."""
    os.link(source, target, src_dir_fd=source_dir.fd, dst_dir_fd=target_dir.fd, follow_symlinks=False)


def rename(source_dir: Directory, source: str, target_dir: Directory, target: str) -> None:
    """Move `source` to `target`, replacing a file there in one step.

    Where both are names of one file POSIX does nothing and leaves both: look before, if that can be.
    """
    os.replace(source, target, src_dir_fd=source_dir.fd, dst_dir_fd=target_dir.fd)


def rename_exclusive(source_dir: Directory, source: str, target_dir: Directory, target: str) -> None:
    """Move by renameat2(NOREPLACE): FileExistsError, or OSError where system or file system lack it (TRAPS 25)."""
    import ctypes

    function = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if function is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), f"{target_dir.path}/{target}")
    names = os.fsencode(source), os.fsencode(target)
    if function(source_dir.fd, names[0], target_dir.fd, names[1], _NOREPLACE) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), f"{target_dir.path}/{target}")


def symlink(directory: Directory, name: str, target: str) -> None:
    """Make a symlink; FileExistsError where something stands there."""
    os.symlink(target, name, dir_fd=directory.fd)


def unlink(directory: Directory, name: str) -> None:
    """Remove a file's name."""
    os.unlink(name, dir_fd=directory.fd)


def rmdir(directory: Directory, name: str) -> None:
    """Remove an empty directory."""
    os.rmdir(name, dir_fd=directory.fd)


def mkdir(directory: Directory, name: str, mode: int = 0o777) -> None:
    """Make a directory, its mode under the umask."""
    try:
        os.mkdir(name, mode, dir_fd=directory.fd)
    except OSError as error:
        raise say_gone(error) from None


def look(directory: Directory, name: str) -> os.stat_result | None:
    """Say what stands at a name, without following a symlink; None where nothing does."""
    if directory.late:
        renew(directory, name)
    try:
        return os.stat(name, dir_fd=directory.fd, follow_symlinks=False)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno != errno.ESTALE:
            raise
    try:
        return ask_again(directory, name, lambda: os.stat(name, dir_fd=directory.fd, follow_symlinks=False))
    except (FileNotFoundError, NotADirectoryError):
        return None


def list_names(directory: Directory) -> list[str]:
    """List a directory, sorted (TRAPS 18).

    Through a descriptor of its own: forked workers share the reading position of the one they inherited, and each of
    two that list it at once would see a part. In one that was removed there is nothing, whatever the file system says.
    """
    try:
        descriptor = os.open(".", _DIRECTORY, dir_fd=directory.fd)
        try:
            return sorted(os.listdir(descriptor))
        finally:
            os.close(descriptor)
    except OSError as error:
        if is_gone(directory, error):
            return []
        raise OSError(error.errno, error.strerror, directory.path) from None


def status(directory: Directory) -> os.stat_result:
    """Describe an open directory."""
    return os.fstat(directory.fd)


def open_file(directory: Directory, name: str, flags: int, mode: int = 0o600) -> int:
    """Open a file, never through a symlink, never waiting for a FIFO's other end."""
    if directory.late:
        renew(directory, name)
    for _ in range(_TRIES):
        try:
            return os.open(name, flags | _EVERY, mode, dir_fd=directory.fd)
        except FileExistsError:
            if flags & os.O_EXCL:
                raise
            # FUSE looks, then makes: another host made it in between, and that one is meant (TRAPS 26)
        except OSError as error:
            if flags & os.O_CREAT:
                raise say_gone(error) from None
            if error.errno != errno.ESTALE:
                raise
            return ask_again(directory, name, lambda: os.open(name, flags | _EVERY, mode, dir_fd=directory.fd))
    return os.open(name, flags | _EVERY, mode, dir_fd=directory.fd)


def finish(descriptor: int, directory: Directory, name: str, *, mode: int | None, mtime: int | None) -> None:  # noqa: ARG001
    """Give a file just written its mode, whatever the umask, and its time (seconds), where there are; then close it."""
    try:
        if mode is not None:
            os.fchmod(descriptor, mode)
        if mtime is not None:
            os.utime(descriptor, (mtime, mtime))
    finally:
        os.close(descriptor)


def keeps_mode(descriptor: int, mode: int) -> bool:
    """Give a file a mode and say whether its owner may execute it as that says: on vfat all have one mode."""
    try:
        os.fchmod(descriptor, mode)
    except PermissionError:
        return False
    return not (os.fstat(descriptor).st_mode ^ mode) & 0o100


def clone(source: int, target: int) -> None:
    """Make `target` share `source`'s blocks; OSError where the file system cannot."""
    if sys.platform != "linux":
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
    import fcntl

    fcntl.ioctl(target, _FICLONE, source)


def movable(directory: Directory, *names: str) -> bool:
    """Say whether names may be replaced or removed: their directory may be written, and nothing is made immutable."""
    if not os.access(".", os.W_OK | os.X_OK, dir_fd=directory.fd, effective_ids=True):
        return False
    if len(names) < _MANY and "ctypes" not in sys.modules:
        return not any(_is_immutable(name, directory) for name in (".", *names))
    told = _ask_attributes()
    return not any(
        _is_immutable(name, directory) if (attributes := told(name, directory)) is None else attributes & _IMMUTABLE
        for name in (".", *names)
    )


@functools.cache
def _ask_attributes() -> Callable[[str, Directory], int | None]:
    """Give a question for a file's attributes by statx(2), which opens nothing; None where it does not tell them.

    Loading what it takes costs as much as some hundred files that are opened to be asked.
    """
    try:
        import ctypes

        statx = getattr(ctypes.CDLL(None), "statx", None) if sys.platform == "linux" else None
    except (ImportError, OSError):  # a Python without libffi, or one that is linked statically
        statx = None
    if statx is None:
        return lambda _name, _directory: None
    statx.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_uint, ctypes.c_void_p]
    answer = ctypes.create_string_buffer(_STATX.size)
    place = ctypes.addressof(answer)

    def ask(name: str, directory: Directory) -> int | None:
        if statx(directory.fd, os.fsencode(name), _NOFOLLOW, 0, place) != 0:
            return None
        attributes, known = _STATX.unpack_from(answer)
        return attributes if known & _IMMUTABLE == _IMMUTABLE else None

    return ask


def _is_immutable(name: str, directory: Directory) -> bool:
    """Ask for the immutable and append-only attributes (FS_IOC_GETFLAGS); no where the file system has none."""
    if sys.platform != "linux":
        return False
    import fcntl

    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(name, flags, dir_fd=directory.fd)
    except OSError:
        return False
    try:
        answer = fcntl.ioctl(descriptor, _GETFLAGS, bytes(8))
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return bool(int.from_bytes(answer[:4], sys.byteorder) & _IMMUTABLE)


def sync(directory: Directory) -> None:
    """Write a directory's names to disk."""
    os.fsync(directory.fd)


def sync_volume(directory: Directory) -> None:
    """Write all that a volume holds to disk: syncfs, or sync where there is none."""
    import ctypes

    function = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if function is None:
        os.sync()
    elif function(directory.fd) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), directory.path)


def words_name(name: str) -> str:
    """Name the file that holds a lock's words: the lock file itself, since its lock keeps nobody from reading."""
    return name


def read_words(descriptor: int, path: str) -> bytes:  # noqa: ARG001 - as _windows has it
    """Read the words of the lock that `descriptor` holds."""
    return os.pread(descriptor, _WORDS, 0)


def write_words(descriptor: int, path: str, data: bytes) -> None:
    """Write the words of the lock that `descriptor` holds, in one write: a reader sees the old ones or the new."""
    if os.pwrite(descriptor, data, 0) < len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
