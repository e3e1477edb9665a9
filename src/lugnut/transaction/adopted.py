"""What runs that have not committed found standing, equal and claimed by nobody: a user's, whoever else brings it.

Such a run has it in its plan, or in a note of its workers, or in one that another run left to it as it went
(`journal.leave`). A note that was read is known by its file, which only grows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from lugnut.distribution import Digest
from lugnut.system import files
from lugnut.transaction import journal
from lugnut.transaction.records import Index
from lugnut.transaction.tree import split
from lugnut.typed import NamedTuple


class Found(NamedTuple):
    """What one run found: the keys of its paths, and what it claims."""

    transaction: str
    keys: list[frozenset[str]]
    claims: list[Index]


class Adopted:
    """What was found by runs that are open or being undone."""

    def __init__(self, fold: Callable[[str], str], found: list[Found]) -> None:
        self._fold = fold
        self._found = found

    def has(self, path: str, digest: Digest | None) -> bool:
        """Say whether a content of this hash at a path is what one of them found there."""
        key = self._fold(path)
        return any(key in keys for one in self._found for keys in one.keys if claims(one.claims, key, digest))

    def heirs(self, path: str, digest: Digest | None) -> set[str]:
        """Give the transactions that bring this very content to a path and do not know that somebody had it there."""
        key = self._fold(path)
        return {
            one.transaction
            for one in self._found
            if claims(one.claims, key, digest) and not any(key in keys for keys in one.keys)
        }


def claims(indexes: Iterable[Index], key: str, digest: Digest | None) -> bool:
    """Say whether a content of this hash is claimed at a path, given as a key."""
    directory, name = split(key)
    found = [index[directory][name] for index in indexes if name in index.get(directory, {})]
    return digest is not None and any(file.digest == digest for file in found)


class Notes:
    """Reads which paths transactions adopted beyond their plans, as long as their notes are what they were."""

    def __init__(self, home: files.Directory, fold: Callable[[str], str]) -> None:
        self._home = home
        self._fold = fold
        self._known: dict[tuple[str, str], tuple[object, frozenset[str]]] = {}

    def read(self, identity: str) -> list[frozenset[str]]:
        """Give them as keys, by note; raises Vanished where the transaction is gone."""
        try:
            with files.enter_path(self._home, f"{journal.TRANSACTIONS}/{identity}") as directory:
                if directory.late:  # a note that another host left may be listed late (TRAPS 26)
                    files.touch(directory)
                found = [self._read_one(identity, directory, name) for name in journal.list_notes(directory, "adopted")]
        except FileNotFoundError:
            raise journal.Vanished from None
        if files.look(self._home, f"{journal.TRANSACTIONS}/{identity}") is None:
            raise journal.Vanished
        return found

    def _read_one(self, identity: str, directory: files.Directory, name: str) -> frozenset[str]:
        status = files.look(directory, name)
        if status is None:  # nothing was noted, or the transaction goes
            return frozenset()
        stamp = status.st_ino, status.st_size, status.st_mtime_ns
        known = self._known.get((identity, name))
        if known is None or known[0] != stamp or directory.late:
            lines = files.read(directory, name, 1 << 30).decode().split("\n")
            known = self._known[identity, name] = stamp, frozenset(map(self._fold, lines))
        return known[1]
