"""A directory that has been opened: what every call of the door to disk starts from."""

from __future__ import annotations

import os
from types import TracebackType

from lugnut.typed import Self


class Closing:
    """What has a `close()` that may be called twice, and is closed at the end of a `with` block."""

    __slots__ = ()

    def close(self) -> None:
        """Give back what is held."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Directory(Closing):
    """A directory that stays the same one whatever is renamed around it; close it, or use it as a context manager.

    `path` is for messages; `fd` is its descriptor, -1 on Windows and after `close()`; `late` says that names in it may
    lead where they led a while ago, whoever holds what lock, unless the file system is asked anew (TRAPS 26).
    """

    __slots__ = ("fd", "late", "path")

    def __init__(self, path: str, fd: int, *, late: bool = False) -> None:
        self.path = path
        self.fd = fd
        self.late = late

    def close(self) -> None:
        """Give the descriptor back; a second close does nothing."""
        if self.fd >= 0:
            fd, self.fd = self.fd, -1
            os.close(fd)
