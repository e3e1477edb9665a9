"""What only POSIX tells of a file system: its mount, its room and limits, what may be run. As `_windows_volume`."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("this room is for POSIX")

import mmap
import os
import re

from lugnut.system.directory import Directory
from lugnut.system.mounts import UNKNOWN, Mount, Room, find_by_path

PROGRAM: bytes | None = b"#!/bin/sh\nexit 0\n"
"""A file that can be started where files may be; None where no mount forbids that."""
_ESCAPED = re.compile(r"\\([0-7]{3})")


def find_mount(directory: Directory) -> Mount:
    """Give the mount that an open directory is seen through; by its path where the system has no mountinfo."""
    try:
        with open(f"/proc/self/fdinfo/{directory.fd}", encoding="ascii") as stream:
            identity = next(line.split()[1] for line in stream if line.startswith("mnt_id:"))
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as stream:
            return add_graph(parse_mountinfo(stream.read(), identity))
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


def add_graph(mount: Mount) -> Mount:
    """Add to a GlusterFS mount what its client is made of, which mountinfo does not tell: `graph=client-0:dht:…`.

    The client shows it at the mount point; nothing is added where that is not seen.
    """
    if mount.kind != "fuse.glusterfs":
        return mount
    try:
        parts = os.listdir(f"{mount.point}/.meta/graphs/active")
    except OSError:
        return mount
    volume = mount.source.rpartition(":")[2].lstrip("/")
    graph = ":".join(sorted(part.removeprefix(f"{volume}-") for part in parts))
    return mount._replace(options=(*mount.options, f"graph={graph}")) if graph else mount


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
