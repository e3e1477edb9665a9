"""Where the bytes of one distribution come from: its tree in the store, or what was made for this environment.

A file of the store is looked at by one stat before each use: size, time and mode tell what was verified from what was
edited or torn since (G7, TRAPS 43).
"""

from __future__ import annotations

from collections.abc import Callable

from lugnut.columns import File
from lugnut.distribution import Digest, WheelFile
from lugnut.errors import StoreDamaged
from lugnut.plan import Origin, Rendered, kept_name
from lugnut.store.aside import set_aside
from lugnut.store.place import Store
from lugnut.store.using import intact, open_tree
from lugnut.system import files
from lugnut.typed import NoReturn

TELLING = 0o170100
"""Of a mode: the kind of file, and whether its owner may execute it."""


class Stock(files.Closing):
    """The sources of one distribution in one worker; `lend_stage` opens the place for what is made here."""

    def __init__(self, store: Store, lend_stage: Callable[[str], files.Directory], rendered: Rendered) -> None:
        self._store = store
        self._lend_stage = lend_stage
        self._rendered = rendered
        self._tree: files.Directory | None = None
        self._stage: files.Directory | None = None
        library = rendered.library
        self._digests, sizes, self._executables = library.files.columns()
        modes = map(_tell_mode, self._executables)
        self.library = list(zip(library.files.paths, sizes, library.mtimes, modes, strict=True))
        """What one stat is to say of each file of the library: path, size, seconds of mtime, and mode (`TELLING`)."""

    def close(self) -> None:
        """Give the handles back."""
        for handle in (self._tree, self._stage):
            if handle is not None:
                handle.close()

    @property
    def tree(self) -> files.Directory:
        """The wheel's tree in the store; a new rank alone needs none, and the wheel may be long gone from there."""
        if self._tree is None:
            self._tree = open_tree(self._store, self._rendered.wanted.manifest.wheel)
            self._tree.late = False  # it is published by one rename, and immutable
        return self._tree

    @property
    def stage(self) -> files.Directory:
        """Where the distribution's new content is staged."""
        if self._stage is None:
            self._stage = self._lend_stage(self._rendered.action.name)
        return self._stage

    def find(self, origin: Origin) -> tuple[files.Directory, str]:
        """Give a directory and a name whose content is the file's, verified (G7)."""
        if origin.data is not None:
            return self._stage_data(origin)
        status = files.look(self.tree, origin.archive)
        if (
            status is None
            or status.st_size != origin.file.size
            or int(status.st_mtime) != origin.mtime
            or status.st_mode & TELLING != _tell_mode(origin.file.executable)
        ):
            self._hash(origin)
        return self.tree, origin.archive

    def origin(self, number: int) -> Origin:
        """Give one file of the library as others come."""
        path, size, mtime, _ = self.library[number]
        return Origin(File(path, self._digests[number], size, self._executables[number]), path, mtime, None)

    def hash_library(self, number: int) -> None:
        """Hash a file of the library of which a stat did not say what it should; raises StoreDamaged."""
        self._hash(self.origin(number))

    def _hash(self, origin: Origin) -> None:
        if not intact(self.tree, origin.archive, _as_member(origin)):
            self.refuse(origin.archive)

    def refuse(self, archive: str) -> NoReturn:
        """Give up over a damaged file of the store: its entry is set aside, and the same run may unpack it anew."""
        set_aside(self._store, self._rendered.wanted.manifest.wheel)
        raise StoreDamaged(wheel=self._rendered.wanted.manifest.filename, path=archive)

    def _stage_data(self, origin: Origin) -> tuple[files.Directory, str]:
        name = kept_name(origin.file.path, origin.file)
        if files.look(self.stage, name) is None:
            mode = 0o755 if origin.file.executable else 0o644
            files.write(self.stage, name, origin.data or b"", mode=mode, mtime=origin.mtime)
        return self.stage, name


def _tell_mode(executable: bool | None) -> int:
    return 0o100100 if executable else 0o100000


def _as_member(origin: Origin) -> WheelFile:
    file = origin.file
    digest = file.digest or Digest("")
    return WheelFile(
        "", file.path, origin.archive, digest, file.size or 0, bool(file.executable), origin.mtime, rewritten=False
    )
