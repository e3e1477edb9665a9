"""An entry while it is filled: in a temporary place under the wheel's hash, until one rename publishes it.

Whoever fills holds the entry's lock, so what lies in its temporary place before is a dead run's and is swept. What was
begun and is not published is removed; a run that is killed leaves it to the next.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Iterator
from types import TracebackType

from lugnut.errors import CannotWrite
from lugnut.manifest import Manifest
from lugnut.store.aside import set_aside
from lugnut.store.manifests import Stamp, format_manifest, format_stamp
from lugnut.store.place import MANIFEST, STAMP, TEMPORARY, TREE, Store, open_part
from lugnut.store.unpacking import unpack
from lugnut.system import files, locks
from lugnut.typed import Self
from lugnut.wheel.reading import Archive
from lugnut.wheel.source import Source

_ALL = slice(None)


@functools.cache
def boot() -> str:
    """Name the machine's start, for stamps."""
    return locks.boot_id()


class Filling:
    """A wheel found right but for its content, and the directory that its files go to; for a `with` block.

    Raises BadWheel, and CannotWrite for what the system refuses.
    """

    def __init__(self, store: Store, source: Source, path: str) -> None:
        """Check the wheel; nothing is written before the block begins."""
        self._store = store
        self._wheel = source.hash()
        self._begun = False
        self.archive = Archive(source, os.path.basename(path))

    def __enter__(self) -> Self:
        """Sweep what a dead run left, and make the directories."""
        with self._in_words(), open_part(self._store, TEMPORARY) as place:
            files.remove_tree(place, self._wheel)
            self._begun = True
            try:
                files.mkdir(place, self._wheel)
                with files.enter(place, self._wheel) as entry:
                    files.mkdir(entry, TREE)
            except BaseException:
                self._sweep()
                raise
        return self

    def fill(self, cancelled: Callable[[], None], part: slice = _ALL) -> None:
        """Write all files, or a part of them; raises BadWheel where their content is not what RECORD promises."""
        with self._in_words(), self._open() as entry, files.enter(entry, TREE) as tree:
            unpack(self.archive, tree, cancelled, part)

    def publish(self) -> Manifest:
        """Show the entry, whole; call it once every part is written and none was wrong."""
        with self._in_words():
            with self._open() as entry:
                files.write(entry, STAMP, format_stamp(Stamp(boot(), synced=False)))
                files.write(entry, MANIFEST, format_manifest(self.archive.manifest, boot()))
            set_aside(self._store, self._wheel)  # an entry that stands here was found unreadable
            with open_part(self._store, TEMPORARY) as place, files.open_root(self._store.root) as root:
                files.rename(place, self._wheel, root, self._wheel)
        self._begun = False
        return self.archive.manifest

    @contextlib.contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            path = os.path.join(self._store.root, TEMPORARY, self._wheel)
            raise CannotWrite(path=path, reason=error.strerror or str(error)) from None

    @contextlib.contextmanager
    def _open(self) -> Iterator[files.Directory]:
        with open_part(self._store, TEMPORARY) as place, files.enter(place, self._wheel) as entry:
            yield entry

    def _sweep(self) -> None:
        with contextlib.suppress(OSError), open_part(self._store, TEMPORARY) as place:
            files.remove_tree(place, self._wheel)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._begun:
            self._sweep()
