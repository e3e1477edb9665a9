"""Who held which lock when, by looking at /proc/locks again and again: nothing in the installer is asked or changed.

The kernel names a lock by its file's inode and by the process that took it; forked workers that inherited it hold it
too. What is held for less than the time between two looks is seen by chance.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("campaigns run on POSIX")

import contextlib
import os
import threading
from collections.abc import Iterable

from history import History, Hold

PERIOD = 0.02
"""Seconds between two looks."""
MISSED = 3
"""So many looks without it end a hold."""


class LockWatch:
    """Watches the locks of one environment until `over`."""

    def __init__(self, directories: Iterable[str], history: History) -> None:
        """Watch the lock files of these directories; they may come later."""
        self.directories = list(directories)
        self.holds: list[Hold] = []
        self._history = history
        self._names: dict[str, str] = {}
        self._device = ""
        self._now: dict[tuple[str, int], tuple[float, float]] = {}

    def watch(self, over: threading.Event) -> None:
        """Look until it is over."""
        while not over.wait(PERIOD):
            self.look()
        self.finish()

    def look(self) -> None:
        """Look once."""
        now, found = self._history.now(), self._read()
        for key in found:
            began, _ = self._now.get(key, (now, now))
            self._now[key] = began, now
        for key, (_, last) in list(self._now.items()):
            if now - last > MISSED * PERIOD:
                self._end(key)

    def finish(self) -> None:
        """End all holds."""
        for key in list(self._now):
            self._end(key)
        self._device = ""
        self._names.clear()  # an inode may be another file's when locks are looked at again

    def _end(self, key: tuple[str, int]) -> None:
        began, last = self._now.pop(key)
        self.holds.append(Hold(*key, began, last + PERIOD / 2))

    def _read(self) -> set[tuple[str, int]]:
        """Give lock names and pids."""
        if not self._device:
            self._list()
        inodes = set()
        with open("/proc/locks", encoding="ascii") as file:
            for line in file:
                words = line.split()
                device, _, inode = words[5].rpartition(":")
                if words[1] == "FLOCK" and device == self._device:
                    inodes.add((inode, int(words[4])))
        if any(inode not in self._names for inode, _ in inodes):
            self._list()
        return {(self._names[inode], pid) for inode, pid in inodes if self._names.get(inode)}

    def _list(self) -> None:
        for directory in self.directories:
            with contextlib.suppress(OSError), os.scandir(directory) as found:
                device = os.stat(directory).st_dev
                self._device = f"{os.major(device):02x}:{os.minor(device):02x}"
                for one in found:
                    if one.name.endswith(".lock"):
                        self._names[str(one.inode())] = one.name
