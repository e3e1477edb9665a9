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

from lugnut.errors import ModesNotKept
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
                if mode not in self._as_asked:
                    self._ask(directory, descriptor, mode)
            except BaseException:
                os.close(descriptor)
                raise
            native.finish(descriptor, directory, name, mode=self._as_asked[mode], mtime=mtime)
        except BaseException:
            with contextlib.suppress(OSError):
                native.unlink(directory, name)
            raise

    def _ask(self, directory: Directory, descriptor: int, mode: int) -> None:
        """Learn the mode that files must still be given, None where they have it from the start."""
        came_out = stat.S_IMODE(os.fstat(descriptor).st_mode) == mode
        if not came_out and not native.keeps_mode(descriptor, mode):
            raise ModesNotKept(path=directory.path)
        self._as_asked[mode] = None if came_out else mode


def check_modes(directory: Directory, name: str, place: str) -> None:
    """Make a plain file of ours executable and plain again; raises ModesNotKept, for `place`, where that has no effect.

    Of a claim's content the execute bit is a part, so that nothing would ever stand as it is claimed (TRAPS 25).
    """
    descriptor = native.open_file(directory, name, os.O_RDONLY)
    try:
        if not all(native.keeps_mode(descriptor, mode) for mode in (0o755, 0o644)):
            raise ModesNotKept(path=place)
    finally:
        os.close(descriptor)


def make_directory(parent: Directory, name: str) -> Directory:
    """Make a directory, or take the one that stands there, and open it, as `files.enter` does: for new trees.

    It tries to make it first, where `enter` tries to open it.
    """
    if not native.is_component(name):
        raise OSError(errno.EINVAL, "not the name of one directory", f"{parent.path}/{name}")
    with contextlib.suppress(FileExistsError):
        native.mkdir(parent, name)
    return native.enter(parent, name)
