"""Who says what about a path: the words of transactions first, then the dist-infos' RECORD files.

Claims are read anew for every settle. What is remembered between two reads is only what a file that has not changed
says: a plan is immutable, and a RECORD is known by device, inode, size and times (it is only ever replaced by rename).
ENOENT on the way means that somebody was faster: the reader starts again (`journal.Vanished`), never "no claim".
"""

from __future__ import annotations

import stat

from lugnut.conflicts import Claimant
from lugnut.distribution import Name, RelativePath
from lugnut.environment import Environment
from lugnut.installed import Found, Installed, find_installed, read_distribution
from lugnut.plan import CHANGE, FRESH, Action, File, Plan
from lugnut.system import files
from lugnut.transaction import journal
from lugnut.transaction.tree import split
from lugnut.typed import NamedTuple

Index = dict[str, dict[str, File]]
"""Files by directory and name."""


class Claim(NamedTuple):
    """One distribution says: this path shall hold this content."""

    rank: int
    name: Name
    file: File
    committed: bool
    """False: the claim of an open run, which ranks below every committed one."""
    transaction: str
    """The transaction whose word it is; empty for a dist-info."""
    named: bool = True
    """False: of a dist-info without RECORD, which may own the path or not; it protects what nobody else knows."""


class Word(NamedTuple):
    """What a transaction says of one distribution."""

    transaction: str
    state: str
    action: Action


class _Source(NamedTuple):
    name: Name
    rank: int
    by_directory: Index
    files: tuple[File, ...]
    tops: tuple[str, ...] | None
    """Of a dist-info without RECORD: what it may own at the top level, by path; None for anything."""
    opaque: bool


class Ledger:
    """Reads claims for one environment in one process."""

    def __init__(self, environment: Environment, home: files.Directory) -> None:
        self._environment = environment
        self._home = home
        self._plans: dict[str, Plan] = {}
        self._indexes: dict[tuple[str, Name], Index] = {}
        self._sources: dict[tuple[str, str], tuple[tuple[int, ...], _Source]] = {}

    def words(self) -> list[Word]:
        """Read what every transaction says; one that cannot be read says nothing and is left to recovery."""
        words = []
        for identity in journal.list_ids(self._home):
            try:
                plan = self.plan(identity)
                state = journal.read_state(self._home, identity)
            except ValueError:
                continue
            words += [Word(identity, state, action) for action in plan.actions]
        return words

    def plan(self, identity: str) -> Plan:
        """Read a transaction's plan, once; raises Vanished or ValueError."""
        if identity not in self._plans:
            self._plans[identity] = journal.read_plan(self._home, identity)
        return self._plans[identity]

    def read(self, directory: str, names: list[str]) -> dict[str, list[Claim]]:
        """Read the claims on the files `names` of one directory, the highest precedence first.

        Transactions are read before dist-infos: a run shows its dist-infos while its word still stands.
        """
        claims: dict[str, list[Claim]] = {name: [] for name in names}
        said = set()
        for word in self.words():
            if word.state == journal.COMMITTED:
                said.add(word.action.name)
            if word.state == journal.COMMITTED or (word.state == journal.OPEN and word.action.kind == FRESH):
                index = self._index(word)
                self._collect(claims, index.get(directory, {}), word)
        for found in find_installed(self._environment):
            if found.name not in said:
                self._collect_source(claims, directory, self._source(found))
        for found_claims in claims.values():
            found_claims.sort(key=lambda claim: (claim.committed, claim.rank, claim.name), reverse=True)
        return claims

    def read_revoked(self, directory: str, names: list[str]) -> dict[str, list[File]]:
        """Read what transactions that are about to close have revoked on some files of one directory.

        Such content may still stand there though no claim names it: it is going, so it bars nobody's way and anybody
        may replace it. Read it under the stripe after the claims: whoever revoked it settles it there before he closes.
        """
        revoked: dict[str, list[File]] = {name: [] for name in names}
        for word in self.words():
            spared: set[str] = set()
            if word.state == journal.ABORTED:
                spared = set(self.plan(word.transaction).adopted) | journal.read_notes(
                    self._home, word.transaction, "adopted"
                )
            for index in self._index_revoked(word):
                here = index.get(directory, {})
                for name in here.keys() & revoked.keys():
                    if here[name].path not in spared:
                        revoked[name].append(here[name])
        return revoked

    def _index_revoked(self, word: Word) -> list[Index]:
        if word.state == journal.COMMITTED:
            return [index_files(old.files) for old in word.action.olds]
        return [self._index(word)] if word.state == journal.ABORTED and word.action.kind == FRESH else []

    def read_adopted(self) -> set[str]:
        """Read what open runs found standing, equal and unclaimed: nobody who meets it there may withdraw it."""
        adopted: set[str] = set()
        for identity in {word.transaction for word in self.words() if word.state == journal.OPEN}:
            adopted |= set(self.plan(identity).adopted) | journal.read_notes(self._home, identity, "adopted")
        return adopted

    def _collect(self, claims: dict[str, list[Claim]], here: dict[str, File], word: Word) -> None:
        committed = word.state == journal.COMMITTED
        for name in here.keys() & claims.keys():
            claims[name].append(Claim(word.action.rank, word.action.name, here[name], committed, word.transaction))

    def _collect_source(self, claims: dict[str, list[Claim]], directory: str, source: _Source) -> None:
        if source.opaque:
            for name, entries in claims.items():
                path = f"{directory}/{name}" if directory else name
                if source.tops is None or any(_lies_in(path, top) for top in source.tops):
                    file = File(RelativePath(path), None, None, None)
                    entries.append(Claim(source.rank, source.name, file, True, "", named=False))
            return
        here = source.by_directory.get(directory, {})
        for name in here.keys() & claims.keys():
            claims[name].append(Claim(source.rank, source.name, here[name], True, ""))

    def _index(self, word: Word) -> Index:
        known = self._indexes.get((word.transaction, word.action.name))
        if known is None:
            known = self._indexes[word.transaction, word.action.name] = index_files(word.action.files)
        return known

    def claimants(self, mine: str) -> list[Claimant]:
        """Read everybody else's claims whole, for the judgement of conflicts: open runs count as much as dist-infos.

        `mine` is the caller's transaction. A distribution that another run changes counts with what it will be.
        """
        while True:
            try:
                return self._claimants(mine)
            except (journal.Vanished, FileNotFoundError):
                continue

    def _claimants(self, mine: str) -> list[Claimant]:
        found = []
        said = set()
        for word in self.words():
            if word.transaction == mine:
                said.add(word.action.name)
            elif word.state != journal.ABORTED:
                if word.state == journal.COMMITTED:
                    said.add(word.action.name)
                if word.action.kind in {FRESH, CHANGE}:
                    found.append(Claimant(word.action.name, word.action.rank, word.action.files))
        for entry in find_installed(self._environment):
            if entry.name not in said:
                source = self._source(entry)
                found.append(Claimant(source.name, source.rank, source.files))
        return found

    def _source(self, found: Found) -> _Source:
        key = (found.scheme, found.directory)
        identity = self._identify(found)
        known = self._sources.get(key)
        if known is not None and known[0] == identity:
            return known[1]
        try:
            installed = read_distribution(self._environment, found.scheme, found.directory)
        except FileNotFoundError:
            raise journal.Vanished from None
        if self._identify(found) != identity:
            raise journal.Vanished
        source = self._make_source(installed)
        self._sources[key] = (identity, source)
        return source

    def _identify(self, found: Found) -> tuple[int, ...]:
        with files.open_root(self._environment.schemes[found.scheme]) as root:
            record = files.look(root, f"{found.directory}/RECORD")
            if record is None:
                entry = files.look(root, found.directory)
                if entry is None:
                    raise journal.Vanished
                return (entry.st_ino, entry.st_mtime_ns, entry.st_ctime_ns)
            return (record.st_dev, record.st_ino, record.st_size, record.st_mtime_ns, record.st_ctime_ns)

    def _make_source(self, installed: Installed) -> _Source:
        rank = installed.state.overlay if installed.state is not None else 0
        if installed.rows is None:
            return _Source(installed.name, rank, {}, (), self._tops(installed), opaque=True)
        found = claimed_files(installed)
        return _Source(installed.name, rank, index_files(found), found, (), opaque=False)

    def _tops(self, installed: Installed) -> tuple[str, ...] | None:
        """Find what a dist-info without RECORD may own: pip in mid-install has METADATA, a killed uv has none."""
        below = self._environment.places[installed.scheme]
        with files.open_root(self._environment.schemes[installed.scheme]) as root:
            try:
                text = files.read(root, f"{installed.dist_info}/top_level.txt").decode("utf-8", "replace")
                return tuple(below + line.strip() for line in text.splitlines() if line.strip())
            except OSError:
                status = files.look(root, f"{installed.dist_info}/METADATA")
        if status is not None and stat.S_ISREG(status.st_mode):
            return None
        spellings = {installed.spelled, installed.name.replace("-", "_"), installed.spelled.replace("-", "_")}
        return tuple(below + spelling for spelling in sorted(spellings))


def _lies_in(path: str, top: str) -> bool:
    """Say whether a path is a top-level module or lies in a top-level package."""
    return path in {top, f"{top}.py"} or path.startswith(f"{top}/")


def index_files(found: tuple[File, ...]) -> Index:
    """Index files by directory and name."""
    index: Index = {}
    for file in found:
        directory, name = split(file.path)
        index.setdefault(directory, {})[name] = file
    return index


def claimed_files(installed: Installed) -> tuple[File, ...]:
    """Give what a dist-info's RECORD claims outside of itself, sorted by path."""
    recorded = None if installed.state is None else installed.state.executables
    executables = None if recorded is None else frozenset(recorded)
    inside = installed.dist_info + "/"
    found = []
    for row in installed.rows or ():
        if not row.path.startswith(inside):
            executable = None if executables is None else row.path in executables
            found.append(File(row.path, row.digest, row.size, executable))  # type: ignore[arg-type]
    return tuple(sorted(found, key=lambda file: file.path))
