"""What other users may do with what we make, on POSIX: a group shares an environment (TRAPS 13)."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("this room is for POSIX")

import contextlib
import os
import stat

from lugnut.system.directory import Directory

_GROUP_WRITE, _OTHER_WRITE = 0o020, 0o002
_NAMELESS: int = getattr(os, "O_TMPFILE", 0)
"""Linux's way to make a file that has no name yet."""


def share_mode(directory: Directory, descriptor: int, *, mode: int) -> None:
    """Give something of ours its directory's group, and permission to write to whom the directory has it (TRAPS 13)."""
    beside, own = os.fstat(directory.fd), os.fstat(descriptor)
    wide = mode | (0o060 if beside.st_mode & _GROUP_WRITE else 0) | (0o006 if beside.st_mode & _OTHER_WRITE else 0)
    with contextlib.suppress(PermissionError):  # another user's file, or a group we are not in: its mode is their word
        if own.st_gid != beside.st_gid:
            os.fchown(descriptor, -1, beside.st_gid)
        if stat.S_IMODE(own.st_mode) != wide:
            os.fchmod(descriptor, wide)


def share_directory(parent: Directory, made: Directory) -> None:
    """Give a new directory its parent's group and permissions (TRAPS 13)."""
    beside, own = os.fstat(parent.fd), os.fstat(made.fd)
    with contextlib.suppress(PermissionError):
        if own.st_gid != beside.st_gid:
            os.fchown(made.fd, -1, beside.st_gid)
        os.fchmod(made.fd, stat.S_IMODE(beside.st_mode) & ~stat.S_ISVTX)


def appear(directory: Directory, name: str, *, mode: int) -> bool:
    """Have an empty file appear with group and permissions, in one step: nothing stays of one who is killed before it.

    False where that is not to be had; a file that stands there stays.
    """
    if not _NAMELESS:
        return False
    try:
        descriptor = os.open(".", _NAMELESS | os.O_RDWR | os.O_CLOEXEC, 0o600, dir_fd=directory.fd)
    except OSError:  # FUSE, NFS, older overlays
        return False
    try:
        share_mode(directory, descriptor, mode=mode)
        os.link(f"/proc/self/fd/{descriptor}", name, dst_dir_fd=directory.fd, follow_symlinks=True)
    except FileExistsError:
        pass
    except OSError:  # without /proc
        return False
    finally:
        os.close(descriptor)
    return True
