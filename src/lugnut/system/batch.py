"""Many new files in a tree that nobody sees yet, at as few system calls as they take. Callers use `files.Batch`.

A file is made with its mode at once. A umask, or the directory's default ACL, may take bits from that: the first file
of each mode tells, and only where it came out otherwise are those after it given their mode by a call of their own.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterable

from lugnut.system.contents import write_all
from lugnut.system.directory import Directory
from lugnut.system.native import native

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL


class Batch:
    """Writes files below one directory, whose default ACL, if any, those below it have inherited; under one umask."""

    __slots__ = ("_as_asked",)

    def __init__(self) -> None:
        """Know nothing yet of what becomes of a mode."""
        self._as_asked: dict[int, int | None] = {}

    def write(self, directory: Directory, name: str, pieces: Iterable[bytes], *, mode: int, mtime: int) -> None:
        """Write a new file, whole or not at all; FileExistsError where something stands there.

        What `pieces` raises is passed on. `mtime` is in seconds.
        """
        descriptor = native.open_file(directory, name, _CREATE, mode)
        try:
            try:
                for piece in pieces:
                    if piece:
                        write_all(descriptor, piece)
                needed = self._as_asked[mode] if mode in self._as_asked else self._ask(descriptor, mode)
            except BaseException:
                os.close(descriptor)
                raise
            native.finish(descriptor, directory, name, mode=needed, mtime=mtime)
        except BaseException:
            with contextlib.suppress(OSError):
                native.unlink(directory, name)
            raise

    def _ask(self, descriptor: int, mode: int) -> int | None:
        """Give the mode that files must still be given, None where they have it from the start."""
        came_out = stat.S_IMODE(os.fstat(descriptor).st_mode) == mode
        self._as_asked[mode] = None if came_out else mode
        return self._as_asked[mode]


def make_directory(parent: Directory, name: str) -> Directory:
    """Make a directory, or take the one that stands there, and open it, as `files.enter` does: for new trees.

    It tries to make it first, where `enter` tries to open it.
    """
    if not native.is_component(name):
        raise OSError(errno.EINVAL, "not the name of one directory", f"{parent.path}/{name}")
    with contextlib.suppress(FileExistsError):
        native.mkdir(parent, name)
    return native.enter(parent, name)
