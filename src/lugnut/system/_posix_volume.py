"""What only POSIX tells of a file system: its mount, its room and limits, what may be run. As `_windows_volume`."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("this room is for POSIX")

import errno
import mmap
import os
import re

from lugnut.system.directory import Directory
from lugnut.system.mounts import UNKNOWN, Mount, Room, find_by_path

PROGRAM: bytes | None = b"#!/bin/sh\nexit 0\n"
"""A file that can be started where files may be; None where no mount forbids that."""
_MOOSEFS = {"mfsnobsdlocks", "mfsattrcacheto", "mfsentrycacheto", "mfsdirentrycacheto", "mfsnegentrycacheto"}
"""What is told of a MooseFS client's options, which its server's password is among."""
_HOLE: int | None = getattr(os, "SEEK_HOLE", None)
_UNTOLD = {
    errno.EINVAL,
    errno.ENXIO,
    errno.EOPNOTSUPP,
    errno.ENOSYS,
    errno.EACCES,
    errno.EPERM,
    errno.ENOENT,
    errno.ELOOP,
}
"""Where holes are not told, or the file is not to be read, or is gone."""
_ESCAPED = re.compile(r"\\([0-7]{3})")


def find_mount(directory: Directory) -> Mount:
    """Give the mount that an open directory is seen through; by its path where the system has no mountinfo."""
    try:
        with open(f"/proc/self/fdinfo/{directory.fd}", encoding="ascii") as stream:
            identity = next(line.split()[1] for line in stream if line.startswith("mnt_id:"))
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as stream:
            return ask_client(parse_mountinfo(stream.read(), identity))
    except (OSError, StopIteration):
        return find_by_path(os.path.realpath(directory.path))


def parse_mountinfo(text: str, identity: str) -> Mount:
    """Give the mount with this number out of mountinfo (proc_pid_mountinfo(5)).

    UNKNOWN where none has it: the directory lies outside what this process's root shows.
    """
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split(" ")
        if fields[0] == identity:
            kind, source, options = [*after.split(" "), "", ""][:3]
            every = dict.fromkeys(filter(None, f"{fields[5]},{options}".split(",")))
            return Mount(kind, _unescape(fields[4]), _unescape(source), tuple(map(_unescape, every)), identity)
    return UNKNOWN


def ask_client(mount: Mount) -> Mount:
    """Add to a mount what mountinfo does not tell of it, and the client shows at the mount point, where it is seen.

    Of GlusterFS what the client is made of (`graph=client-0:dht:…`), of MooseFS its options, and its name.
    """
    try:
        if mount.kind == "fuse.glusterfs":
            volume = mount.source.rpartition(":")[2].lstrip("/").partition("/")[0]  # of which it may be a part
            parts = os.listdir(f"{mount.point}/.meta/graphs/active")
            told = ["graph=" + ":".join(sorted(part.removeprefix(f"{volume}-") for part in parts))]
        elif mount.kind in {"fuse", "fuse.mfs", "fuse.moosefs"} and mount.source.startswith("mfs#"):
            mount = mount._replace(kind="fuse.moosefs")
            with open(f"{mount.point}/.params", encoding="utf-8", errors="replace") as stream:
                said = [line.strip().partition(": ") for line in stream]
            told = [f"{name}={value}" for name, _, value in said if name in _MOOSEFS and value[:1] != "("]
        else:
            return mount
    except OSError:
        return mount
    return mount._replace(options=(*mount.options, *told))


def _unescape(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 8)), text)


def find_room(directory: Directory) -> Room:
    """Say what is free in a directory's file system for this user."""
    found = os.fstatvfs(directory.fd)
    return Room(found.f_bavail * found.f_frsize, found.f_favail if found.f_files else None)


def may_map(directory: Directory, name: str) -> None:
    """Map a file so that it may be run, as extension modules are; PermissionError where the mount forbids it."""
    descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=directory.fd)
    try:
        mmap.mmap(descriptor, 1, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_EXEC).close()
    finally:
        os.close(descriptor)


def has_hole(directory: Directory, name: str, size: int) -> bool:
    """Say whether a regular file has room in which nothing was ever written, as a power cut leaves it on ext4.

    It counts as room (`st_blocks`) and reads as zeros. False where the system does not tell, or not to this user.
    """
    if not size or _HOLE is None:
        return False
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=directory.fd)
        try:
            return os.lseek(descriptor, 0, _HOLE) < size
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _UNTOLD:
            raise
        return False
