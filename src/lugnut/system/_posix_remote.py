"""File systems that other hosts change unseen: which they are, and how to be told what stands there now (TRAPS 26)."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("this room is for POSIX")

import contextlib
import errno
import os
import struct
from collections.abc import Callable

from lugnut.system.directory import Directory
from lugnut.typed import TypeVar

T = TypeVar("T")

_KINDS = (
    "nfs", "cifs", "smb", "9p", "ceph", "lustre", "afs", "gfs", "ocfs", "beegfs", "gpfs", "glusterfs", "fuse.",
    "wekafs", "orangefs", "pvfs2", "panfs", "coda",
    "virtiofs", "vboxsf", "prl_fs", "vmhgfs", "drvfs", "fakeowner", "osxfs", "grpcfuse",
)  # fmt: skip
"""Of servers and clusters, then what a host lends its guests. virtiofs remembers names for a second unless it is told
`cache=never`, vboxsf for its `ttl`, wekafs by its read cache; OrangeFS calls itself pvfs2 in Linux."""
_RENEWS = sys.platform == "linux"
"""Elsewhere a directory might be linked."""
TELLS_MOUNTS = sys.platform == "linux"
"""How a file system is mounted is told, options and all."""
_STATX = struct.Struct("=I12xI236x")
_REMEMBERED, _NLINK = 0x5000, 0x4
"""AT_EMPTY_PATH and AT_STATX_DONT_SYNC: the descriptor itself, and nobody is asked. Then the mask of statx(2)."""
_TRIES = 20
_late: set[int] = set()
"""Devices of which `lists_late` was told."""


def lists_late(directory: Directory) -> bool:
    """Say whether a listing may be older than a lock just taken: network file systems cache them (TRAPS 26).

    Where the system does not tell what a file system is, it may. What is opened on it from then on is `late`.
    """
    device = os.fstat(directory.fd).st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as mounts:
            late = any(is_remote(line) for line in mounts if line.split(" ", 3)[2] == number)
    except OSError:
        late = True
    if late:
        directory.late = True
        _late.add(device)
    return late


def is_remote(line: str) -> bool:
    """Say whether a line of mountinfo (proc_pid_mountinfo(5)) is of a file system that others change unseen.

    One by FUSE that does not say what it is may be: MooseFS does not.
    """
    kind = line.partition(" - ")[2].partition(" ")[0]
    return kind == "fuse" or kind.startswith(_KINDS)


def is_late(descriptor: int) -> bool:
    """Say whether a directory is on a file system of which `lists_late` was told so; nothing is asked where none is."""
    return bool(_late) and os.fstat(descriptor).st_dev in _late


def renew(directory: Directory, path: str) -> None:
    """Have the system ask the file system again where each name of a path leads, whatever it remembers (TRAPS 26).

    FUSE remembers a directory's name for a second after another host has removed it, or made another one, and goes on
    with the old one. A new name is looked up anew, and a directory gets none: the call fails always, and changes
    nothing.
    """
    if not _RENEWS:
        return
    for end in [number for number, sign in enumerate(path) if sign == "/"] + [len(path)]:
        with contextlib.suppress(OSError):
            os.link(".", path[:end], src_dir_fd=directory.fd, dst_dir_fd=directory.fd, follow_symlinks=False)


def touch(directory: Directory) -> None:
    """Give a directory the time of now, so that the system asks anew what is in it, as after any change of ours.

    It leaves nothing there in between that would keep others from removing it; who may not write there changes nothing.
    """
    try:
        os.utime(directory.fd)
    except PermissionError:
        pass
    except OSError as error:
        if is_gone(directory, error):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), directory.path) from None
        raise


def say_gone(error: OSError) -> OSError:
    """Give what an error means where a directory is asked for something new: a stale one was removed (TRAPS 24)."""
    if error.errno != errno.ESTALE:
        return error
    return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), error.filename)


def is_gone(directory: Directory, error: OSError) -> bool:
    """Say whether an error at an open directory means that it was removed on this machine: FUSE knows it no more then.

    The kernel does (TRAPS 24): it has seen the last name go. What is merely out of reach, or stale since its server was
    started anew, has names to the kernel still, and what cannot be read is not gone.
    """
    return error.errno in {errno.ESTALE, errno.ENOENT} and _count_names(directory) == 0


def _count_names(directory: Directory) -> int | None:
    """Count an open directory's names as the kernel remembers them (statx(2)), whatever its file system says."""
    try:
        import ctypes

        statx = getattr(ctypes.CDLL(None), "statx", None) if sys.platform == "linux" else None
    except (ImportError, OSError):  # a Python without libffi, or one that is linked statically
        return None
    answer = bytearray(_STATX.size)
    place = (ctypes.c_char * len(answer)).from_buffer(answer)
    if statx is None or statx(directory.fd, b"", _REMEMBERED, _NLINK, place) != 0:
        return None
    known, names = _STATX.unpack(answer)
    return names if known & _NLINK else None


def ask_again(directory: Directory, name: str, act: Callable[[], T]) -> T:
    """Do again what found a name stale: FUSE says so of a file that another one is just taking the place of.

    A name beside it that nobody has is looked up before, which waits until the directory is nobody's to change; then
    the system knows which file is meant.
    """
    for number in range(_TRIES):
        with contextlib.suppress(OSError):
            os.stat(f"{name}~{number}", dir_fd=directory.fd, follow_symlinks=False)
        try:
            return act()
        except OSError as error:
            if error.errno != errno.ESTALE:
                raise
    return act()
