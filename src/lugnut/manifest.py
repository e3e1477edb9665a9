"""What the store remembers of a verified wheel, so that an install reads no wheel and no RECORD again. Pure values.

Most of a wheel is its library: files that have one path in the archive, in the store and in the environment. They are
kept as columns (`lugnut.columns.Files`), because an install of many thousands of them looks at few one by one.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from lugnut.columns import Files
from lugnut.distribution import Digest, EntryPoint, Name, RelativePath, WheelFile, WheelHash
from lugnut.typed import NamedTuple

MANIFEST_FORMAT = 3


class Library(NamedTuple):
    """The files of a wheel's top level outside its dist-info, by directory and name: what most wheels are made of.

    In the wheel, in the store and below the root scheme's directory each has one path.
    """

    files: Files
    mtimes: tuple[int, ...]
    """Seconds since the epoch, in the files' order."""
    spans: tuple[tuple[str, int], ...]
    """Every directory that has files, in order, and how many."""
    folders: tuple[str, ...]
    """Every directory and those above it, whether or not it has files of its own; sorted."""
    executables: tuple[RelativePath, ...]
    """The executable files, sorted."""


class Manifest(NamedTuple):
    """A verified wheel, as the store remembers it (format 3).

    A run that only has to know what a wheel is reads it without its files: then the last three fields are empty.
    """

    wheel: WheelHash
    filename: str
    name: Name
    spelled: str
    """The name as METADATA spells it."""
    version: str
    dist_info: str
    """The name of the dist-info directory, in the root scheme's directory."""
    purelib: bool
    """Root-Is-Purelib."""
    tags: tuple[str, ...]
    requires_python: str
    requires: tuple[str, ...]
    extras: tuple[str, ...]
    entry_points: tuple[EntryPoint, ...]
    size: int
    """Bytes of all files."""
    library: Library
    others: tuple[WheelFile, ...]
    """The files of the dist-info, but for RECORD and signatures, and those of `.data`; sorted by (scheme, path)."""
    record: str
    """RECORD's lines of the library's files, sorted, each with a newline."""

    @property
    def whole(self) -> bool:
        """Whether its files are known too: every wheel has a METADATA, which is among the `others`."""
        return bool(self.others)

    @property
    def root_scheme(self) -> str:
        """The scheme that the wheel's top level and its dist-info go to."""
        return "purelib" if self.purelib else "platlib"

    @property
    def files(self) -> tuple[WheelFile, ...]:
        """Every file, sorted by (scheme, path)."""
        library = self.library
        root = self.root_scheme
        listed = (
            WheelFile(root, path, path, digest or Digest(""), size or 0, bool(executable), mtime, rewritten=False)
            for (path, digest, size, executable), mtime in zip(library.files, library.mtimes, strict=True)
        )
        return tuple(sorted([*listed, *self.others]))


def make_library(found: Iterable[WheelFile]) -> Library:
    """Lay files out by directory and name; of each the archive's path is its place below the root scheme."""
    split = sorted([(above, name, file) for file in found for above, _, name in (file[1].rpartition("/"),)])
    if not split:
        return Library(Files.of(()), (), (), (), ())
    _, paths, _, digests, sizes, executables, mtimes, _ = zip(*[file for _, _, file in split], strict=True)
    columns = Files.of_columns(paths, digests, sizes, executables)
    spans = tuple((directory, len(list(group))) for directory, group in itertools.groupby([at[0] for at in split]))
    marked = tuple(sorted(itertools.compress(paths, executables)))
    return Library(columns, mtimes, spans, tuple(sorted(columns.folders)), marked)


NO_LIBRARY = make_library(())
"""What a wheel has whose files all go elsewhere."""
