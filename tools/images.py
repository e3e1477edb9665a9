"""File systems in files, mounted by loop, and the power cut off from them.

The cut is the file system's own shutdown (`EXT4_IOC_SHUTDOWN`, `XFS_IOC_GOINGDOWN`) without flushing its log: what it
has in memory alone is gone, log records too. What it had given to the device stays, as on a disk that loses nothing it
was given; a disk that keeps its own cache to itself may lose more, but not what was flushed. Mounting again recovers
from the log, as after a real cut. Needs root, losetup and mkfs of each.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("campaigns run on POSIX")

import fcntl
import os
import shutil
import struct
import subprocess
import uuid
from collections.abc import Callable

MAKERS = {
    "ext4": ("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0"),
    "xfs": ("mkfs.xfs", "-q", "-f"),
}
SHUTDOWN = 0x8004587D
NOLOGFLUSH = struct.pack("I", 2)
SIZE = 320 << 20
"""Bytes, most of them holes; xfs takes no fewer than 300 MB."""
BOOT = "/proc/sys/kernel/random/boot_id"
ALONE = ("unshare", "--mount", "--propagation", "private")
"""The words before a command that has what it mounts to itself: nobody else sees it, and it does not outlive it."""


def lacking(kind: str) -> str:
    """Say what is missing here for a file system; empty where nothing is."""
    if os.geteuid() != 0:
        return "only root can mount"
    missing = [program for program in (MAKERS[kind][0], "mount", "unshare") if find(program) is None]
    if missing:
        return f"there is no {missing[0]}"
    with open("/proc/filesystems", encoding="ascii") as file:
        return "" if kind in file.read().split() else f"this kernel has no {kind}"


def find(program: str) -> str | None:
    """Find a program, also where only root's PATH leads."""
    return shutil.which(program, path=os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"]))


class Boot:
    """The name of the machine's start as runs see it; one that lives in a file, for a simulated cut starts nothing."""

    def __init__(self, root: str) -> None:
        """Put it in the place of the kernel's."""
        self.path = os.path.join(root, "boot_id")
        self.next()
        subprocess.run(["mount", "--bind", self.path, BOOT], check=True)

    def next(self) -> None:
        """Start the machine."""
        with open(self.path, "w", encoding="ascii") as file:
            file.write(f"{uuid.uuid4()}\n")

    def end(self) -> None:
        """Give the kernel's back."""
        subprocess.run(["umount", BOOT], check=True)


class Image:
    """A file system in a file, mounted at `place`, and a copy of it to begin from again."""

    def __init__(self, root: str, kind: str) -> None:
        """Make it and mount it."""
        self.place = os.path.join(root, kind)
        self._file, self._kept = os.path.join(root, f"{kind}.img"), os.path.join(root, f"{kind}.kept")
        with open(self._file, "wb") as file:
            file.truncate(SIZE)
        maker, *words = MAKERS[kind]
        subprocess.run([find(maker) or maker, *words, self._file], check=True)
        os.mkdir(self.place)
        self._mount()

    def _mount(self) -> None:
        subprocess.run(["mount", "-o", "loop", self._file, self.place], check=True)

    def end(self) -> None:
        """Unmount it."""
        subprocess.run(["umount", self.place], check=True)

    def keep(self) -> None:
        """Make what stands there now, all of it on the disk, what to begin from."""
        self.end()
        _copy(self._file, self._kept)
        self._mount()

    def restore(self) -> None:
        """Begin from what was kept."""
        self.end()
        _copy(self._kept, self._file)
        self._mount()

    def cut(self, written: Callable[[], bool] | None) -> None:
        """Cut the power and bring it back; with `written` the log has just been written, and the files it picks.

        The log has names and sizes, and no file's bytes: those of files that nobody synced come back empty, but for
        the ones that the kernel, in its own time and order, has written already.
        """
        descriptor = os.open(self.place, os.O_RDONLY | os.O_DIRECTORY)
        try:
            if written is not None:
                with open(os.path.join(self.place, "another"), "wb") as other:  # its fsync takes all names along
                    os.fsync(other.fileno())
                _write_some(self.place, written)
            fcntl.ioctl(descriptor, SHUTDOWN, NOLOGFLUSH)
        finally:
            os.close(descriptor)
        self.end()
        self._mount()


def _write_some(root: str, chosen: Callable[[], bool]) -> None:
    for place, _, names in os.walk(root):
        for path in (os.path.join(place, name) for name in sorted(names)):
            if not os.path.islink(path) and chosen():
                with open(path, "rb") as file:
                    os.fsync(file.fileno())


def _copy(source: str, target: str) -> None:
    subprocess.run(["cp", "--sparse=always", source, target], check=True)
