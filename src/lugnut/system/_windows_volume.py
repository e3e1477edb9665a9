"""What only Windows tells of a file system: the same names as `_posix_volume`."""

from __future__ import annotations

import sys

if sys.platform != "win32":
    raise ImportError("this room is for Windows")

import os

from lugnut.system.directory import Directory
from lugnut.system.mounts import Mount, Room, find_by_path

PROGRAM: bytes | None = None


def find_mount(directory: Directory) -> Mount:
    """Give the volume that a directory lies in."""
    return find_by_path(os.path.realpath(directory.path))


def find_room(directory: Directory) -> Room:
    """Say what is free in a directory's volume; files are not limited."""
    import psutil

    return Room(psutil.disk_usage(directory.path).free, None)


def may_map(directory: Directory, name: str) -> None:
    """Do nothing: no volume forbids to run what lies on it."""


def has_hole(directory: Directory, name: str, size: int) -> bool:  # noqa: ARG001 - as _posix_volume has it
    """Give no answer: what was never written of a file is not told here."""
    return False
