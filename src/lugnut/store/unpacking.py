"""Writes a wheel's files into a directory nobody sees yet, each with the mode and the time that its content has.

Files are 0644 or 0755 whatever the umask, and carry the time derived from their hash, so that one lstat tells later
whether they are still what was verified (design, section 4).
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

from lugnut.system import files
from lugnut.typed import Self
from lugnut.wheel.reading import Archive

_ALL = slice(None)


def unpack(archive: Archive, tree: files.Directory, cancelled: Callable[[], None], part: slice = _ALL) -> None:
    """Write every file below `tree`, or a part, checking its hash on the way; raises BadWheel with all that are wrong.

    `cancelled` is called between directories. Others may be writing other parts.
    """
    batch = files.Batch()
    with _Path(tree, cancelled) as path:
        for file, content in archive.members(part):
            above, _, name = file.archive.rpartition("/")
            pieces = (content,) if isinstance(content, bytes) else content
            mode = 0o755 if file.executable else 0o644
            batch.write(path.go(above), name, pieces, mode=mode, mtime=file.mtime)


class _Path:
    """The directories from `tree` down to the one being written, open; files come sorted, so each is entered once."""

    def __init__(self, tree: files.Directory, cancelled: Callable[[], None]) -> None:
        self._cancelled = cancelled
        self._tree = tree
        self._names: list[str] = []
        self._open: list[files.Directory] = []
        self._last = ""

    def go(self, path: str) -> files.Directory:
        if path != self._last:
            self._cancelled()
            self._move(path.split("/") if path else [])
            self._last = path
        return self._open[-1] if self._open else self._tree

    def _move(self, names: list[str]) -> None:
        shared = 0
        while shared < len(names) and names[: shared + 1] == self._names[: shared + 1]:
            shared += 1
        self._close(shared)
        for name in names[shared:]:
            above = self._open[-1] if self._open else self._tree
            self._open.append(files.make_directory(above, name))
        self._names = names

    def _close(self, kept: int) -> None:
        while len(self._open) > kept:
            self._open.pop().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close(0)
