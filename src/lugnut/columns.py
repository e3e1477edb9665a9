"""Files that distributions claim, as values and as columns of values. Pure.

An install handles many thousands of them and looks at few one by one.
"""

from __future__ import annotations

import itertools
import marshal
from collections.abc import Iterable, Iterator, Sequence

from lugnut.distribution import Digest, RelativePath
from lugnut.typed import Any, NamedTuple


class File(NamedTuple):
    """One file a distribution claims: a place and a content (bytes and execute bit)."""

    path: RelativePath
    digest: Digest | None
    """None: a row without a sha256; the claim is opaque."""
    size: int | None
    executable: bool | None
    """None where nobody recorded it."""


class Files(Sequence[File]):
    """Files as columns, in blocks: of most that a run handles nothing but the paths is ever looked at.

    A block is two pieces of marshal: the paths, and the other fields of `File` as columns. Each is decoded when it is
    needed; whoever writes a plan down writes the blocks as they are.
    """

    __slots__ = ("_folders", "_paths", "_unordered", "blocks")

    def __init__(self, blocks: Iterable[tuple[bytes, bytes]], folders: Iterable[str] | None = None) -> None:
        self.blocks = tuple(blocks)
        self._paths: tuple[RelativePath, ...] | None = None
        self._unordered: frozenset[RelativePath] | None = None
        self._folders = None if folders is None else frozenset(folders)

    @classmethod
    def of(cls, files: Iterable[File]) -> Files:
        """Make one block of these files, in their order."""
        return cls.of_columns(*(tuple(zip(*files, strict=True)) or ((), (), (), ())))

    @classmethod
    def of_columns(cls, paths: tuple[Any, ...], *others: tuple[Any, ...]) -> Files:
        """Make one block of a column for each field of `File`."""
        made = cls([(marshal.dumps(paths, 4), marshal.dumps(others, 4))])
        made._paths = paths
        return made

    @classmethod
    def join(cls, parts: Sequence[Files], folders: Iterable[str]) -> Files:
        """Put files together, whose directories are known."""
        made = cls(itertools.chain.from_iterable(part.blocks for part in parts), folders)
        made._paths = parts[0].paths if len(parts) == 1 else sum((part.paths for part in parts), ())
        return made

    @property
    def paths(self) -> tuple[RelativePath, ...]:
        """The places, in order."""
        if self._paths is None:
            self._paths = tuple(itertools.chain.from_iterable(marshal.loads(paths) for paths, _ in self.blocks))  # noqa: S302 - of our own making
        return self._paths

    @property
    def unordered(self) -> frozenset[RelativePath]:
        """The places."""
        if self._unordered is None:
            self._unordered = frozenset(self.paths)
        return self._unordered

    @property
    def folders(self) -> frozenset[str]:
        """Every directory on the way to a file, but for the scheme directory itself and those above it."""
        if self._folders is None:
            self._folders = frozenset(list_folders(self.paths))
        return self._folders

    def columns(self) -> tuple[Sequence[Digest | None], Sequence[int | None], Sequence[bool | None]]:
        """Give what else is known of each file: digests, sizes and execute bits."""
        columns = [marshal.loads(rest) for _, rest in self.blocks] or [((), (), ())]  # noqa: S302 - of our own making
        digests, sizes, executables = zip(*columns, strict=True)
        return sum(digests, ()), sum(sizes, ()), sum(executables, ())

    def __len__(self) -> int:
        return len(self.paths)

    def __iter__(self) -> Iterator[File]:
        return map(File, self.paths, *self.columns())

    def __getitem__(self, index: Any) -> Any:
        return tuple(self)[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(self.paths)

    def __repr__(self) -> str:
        return f"Files({list(self)!r})"


def list_folders(paths: Iterable[str]) -> set[str]:
    """Name every directory on the way to these files."""
    folders: set[str] = set()
    for directory in {path.rpartition("/")[0] for path in paths}:
        above = directory
        while above and above not in folders and above[-3:] not in {"..", "/.."}:
            folders.add(above)
            above = above.rpartition("/")[0]
    return folders
