"""How a directory's file system is mounted: its kind, its options, where it comes from. Told, not tried."""

from __future__ import annotations

import os

from lugnut.typed import NamedTuple


class Mount(NamedTuple):
    """One mounted file system as the system tells of it."""

    kind: str
    """ext4, nfs4, fuse.sshfs, apfs, NTFS; empty where the system does not tell."""
    point: str
    """The directory that it is mounted at."""
    source: str
    """The device, or what else it comes from (`server:/path`, `overlay`)."""
    options: tuple[str, ...]
    """Of the mount and of the file system below it, as the system spells them."""
    identity: str = ""
    """What two mounts do not share, though they show one file system; empty where the system does not tell."""


class Room(NamedTuple):
    """What is free for whoever asks."""

    size: int
    """Bytes."""
    files: int | None
    """How many more files may be made; None where there is no such limit, or it is not told."""


UNKNOWN = Mount("", "", "", ())


def find_by_path(path: str) -> Mount:
    """Give the mount that an absolute path without symlinks lies in, by the longest mount point above it."""
    import psutil

    best = UNKNOWN
    for found in psutil.disk_partitions(all=True):
        point = found.mountpoint
        inside = path == point or path.startswith(point.rstrip(os.sep) + os.sep)
        if inside and len(point) >= len(best.point):  # of several at one place the last one mounted is seen
            options = tuple(filter(None, found.opts.split(",")))
            best = Mount(found.fstype, point, found.device, options, point)
    return best
