"""Who says what about a path: the words of transactions first, then the dist-infos' RECORD files.

Claims are read anew for every settle. What is remembered between two reads is only what a file that has not changed
says: a plan is immutable, and a RECORD is known by device, inode, size and times (it is only ever replaced by rename).
ENOENT on the way means that somebody was faster: the reader starts again (`journal.Vanished`), never "no claim".
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping

from lugnut.columns import File, Files
from lugnut.conflicts import Claimant
from lugnut.distribution import Name, RelativePath
from lugnut.environment import Environment, folding
from lugnut.installed import Found, find_installed
from lugnut.plan import CHANGE, FRESH, Action, Plan
from lugnut.system import files
from lugnut.transaction import journal
from lugnut.transaction.adopted import Adopted, Notes
from lugnut.transaction.adopted import Found as Adopting
from lugnut.transaction.records import Index, Record, Source, find_top, index_files, list_tops
from lugnut.typed import NamedTuple


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


class Spelled(NamedTuple):
    """A directory as a distribution spells it; of two the greater has precedence."""

    rank: int
    name: Name
    path: str


class Word(NamedTuple):
    """What a transaction says of one distribution."""

    transaction: str
    state: str
    action: Action


class Ledger:
    """Reads claims for one environment in one process."""

    def __init__(self, environment: Environment, home: files.Directory) -> None:
        self._environment = environment
        self._home = home
        self._fold = folding(environment)
        self._plans: dict[str, Plan] = {}
        self._indexes: dict[tuple[str, Name, int | None], Index] = {}
        self._records: dict[tuple[str, str], Record] = {}
        self._notes = Notes(home, self._fold)

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

    def learn(self, identity: str, plan: Plan) -> None:
        """Take it from whoever has just published it what a transaction's plan is."""
        self._plans[identity] = plan

    def plan(self, identity: str) -> Plan:
        """Read a transaction's plan, once; raises Vanished or ValueError."""
        if identity not in self._plans:
            self._plans[identity] = journal.read_plan(self._home, identity)
        return self._plans[identity]

    def read(self, directory: str, names: list[str]) -> dict[str, list[Claim]]:
        """Read the claims on the files `names` of one directory, the highest precedence first."""
        return self.read_many({directory: names})[directory]

    def read_many(self, wanted: Mapping[str, list[str]]) -> dict[str, dict[str, list[Claim]]]:
        """Read the claims on files of some directories, by directory and name, the highest precedence first.

        Where the file system folds names, those who spell a file in another way have claims on it as well.
        """
        if not self._environment.folds_case:
            return self._read_many(wanted)
        folded: dict[str, dict[str, None]] = {}
        for directory, names in wanted.items():
            folded.setdefault(self._fold(directory), {}).update(dict.fromkeys(map(self._fold, names)))
        claims = self._read_many({directory: list(names) for directory, names in folded.items()})
        return {
            directory: {name: claims[self._fold(directory)][self._fold(name)] for name in names}
            for directory, names in wanted.items()
        }

    def _read_many(self, wanted: Mapping[str, list[str]]) -> dict[str, dict[str, list[Claim]]]:
        """Read transactions before dist-infos: a run shows its dist-infos while its word still stands."""
        claims: dict[str, dict[str, list[Claim]]] = {
            directory: {name: [] for name in names} for directory, names in wanted.items()
        }
        said = set()
        for word in self.words():
            if word.state == journal.COMMITTED:
                said.add(word.action.name)
            if word.state == journal.COMMITTED or (word.state == journal.OPEN and word.action.kind == FRESH):
                index = self._index(word)
                for directory in index.keys() & claims.keys():
                    self._collect(claims[directory], index[directory], word)
        for source in self._read_sources(said, lambda: list_wanted_tops(wanted)):
            for directory in claims if source.opaque else source.by_directory.keys() & claims.keys():
                self._collect_source(claims[directory], directory, source)
        for entries in (entries for found in claims.values() for entries in found.values() if len(entries) > 1):
            entries.sort(key=lambda claim: (claim.committed, claim.rank, claim.name), reverse=True)
        return claims

    def _read_sources(self, said: set[Name], list_them: Callable[[], frozenset[str]]) -> Iterator[Source]:
        """Read the dist-infos, but for the names that a committed transaction speaks for, that may claim such paths."""
        listed = [found for found in find_installed(self._environment) if found.name not in said]
        tops = list_them() if listed else frozenset()
        for scheme, entries in itertools.groupby(listed, lambda found: found.scheme):
            with files.open_root(self._environment.schemes[scheme]) as root:
                records = [self._record(found, root) for found in entries]
            yield from (record.source() for record in records if record.touches(tops))

    def _record(self, found: Found, root: files.Directory) -> Record:
        place = (found.scheme, found.directory)
        known = self._records.get(place)
        if known is None or not known.stands(root):
            known = self._records[place] = Record(self._environment, found, root)
        return known

    def read_spelled(self, wanted: frozenset[str]) -> dict[str, set[Spelled]]:
        """Read how committed claims spell directories, by their keys; who does not tell his files spells none."""
        words = [word for word in self.words() if word.state == journal.COMMITTED]
        claimed = [(word.action.rank, word.action.name, word.action.files) for word in words]
        sources = self._read_sources({word.action.name for word in words}, frozenset[str])
        claimed += [(source.rank, source.name, source.files) for source in sources]
        spelled: dict[str, set[Spelled]] = {key: set() for key in wanted}
        for rank, name, own in claimed:
            for path in own.folders:
                if self._fold(path) in wanted:
                    spelled[self._fold(path)].add(Spelled(rank, name, path))
        return spelled

    def read_revoked(self, directory: str, names: list[str]) -> dict[str, list[File]]:
        """Read what transactions that are about to close have revoked on some files of one directory.

        Such content may still stand there though no claim names it: it is going, so it bars nobody's way and anybody
        may replace it. Read it under the stripe after the claims: whoever revoked it settles it there before he closes.
        """
        revoked: dict[str, list[File]] = {name: [] for name in names}
        words = self.words()
        undone = any(word.state == journal.ABORTED for word in words)
        adopted = self.read_adopted(words) if undone else Adopted(self._fold, [])
        for word in words:
            for index in self._index_revoked(word):
                here = index.get(self._fold(directory), {})
                for name, found in revoked.items():
                    gone = here.get(self._fold(name))
                    spared = gone is not None and word.state == journal.ABORTED and adopted.has(gone.path, gone.digest)
                    if gone is not None and not spared:
                        found.append(gone)
        return revoked

    def _index_revoked(self, word: Word) -> list[Index]:
        if word.state == journal.COMMITTED:
            return [self._index(word, number) for number in range(len(word.action.olds))]
        return [self._index(word)] if word.state == journal.ABORTED and word.action.kind == FRESH else []

    def read_adopted(self, words: list[Word] | None = None) -> Adopted:
        """Read what runs found standing, equal and unclaimed: nobody who meets it may withdraw it, nor replace it.

        Of those that are being undone too: what they found stays, and they close only when they have come there.
        """
        brought: dict[str, list[Index]] = {}
        for word in self.words() if words is None else words:
            if word.state != journal.COMMITTED and word.action.kind == FRESH:
                brought.setdefault(word.transaction, []).append(self._index(word))
        found = []
        for identity, claims in brought.items():
            planned = frozenset(map(self._fold, self.plan(identity).adopted))
            found.append(Adopting(identity, [planned, *self._notes.read(identity)], claims))
        return Adopted(self._fold, found)

    def find_users(self, directory: str) -> set[str]:
        """Find the transactions that have not committed and bring files into a directory, or below it."""
        wanted = self._fold(directory)
        return {
            word.transaction
            for word in self.words()
            if word.state != journal.COMMITTED and word.action.kind == FRESH
            for folder in map(self._fold, word.action.files.folders)
            if folder == wanted or folder.startswith(f"{wanted}/")
        }

    def _collect(self, claims: dict[str, list[Claim]], here: dict[str, File], word: Word) -> None:
        committed = word.state == journal.COMMITTED
        for name in here.keys() & claims.keys():
            claims[name].append(Claim(word.action.rank, word.action.name, here[name], committed, word.transaction))

    def _collect_source(self, claims: dict[str, list[Claim]], directory: str, source: Source) -> None:
        if source.opaque:
            for name, entries in claims.items():
                path = f"{directory}/{name}" if directory else name
                if source.tops is None or any(_lies_in(path, self._fold(top)) for top in source.tops):
                    file = File(RelativePath(path), None, None, None)
                    entries.append(Claim(source.rank, source.name, file, True, "", named=False))
            return
        here = source.by_directory.get(directory, {})
        for name in here.keys() & claims.keys():
            claims[name].append(Claim(source.rank, source.name, here[name], True, ""))

    def _index(self, word: Word, old: int | None = None) -> Index:
        """Index what a word claims, or what one of the dist-infos did that it hides, once."""
        place = (word.transaction, word.action.name, old)
        known = self._indexes.get(place)
        if known is None:
            claimed = word.action.files if old is None else word.action.olds[old].files
            known = self._indexes[place] = index_files(self._environment, claimed)
        return known

    def claimants(self, mine: str, claimed: Iterable[Files]) -> list[Claimant]:
        """Read whose claims may meet these files, for the judgement of conflicts: open runs count as dist-infos do.

        `mine` is the caller's transaction. A distribution that another run changes counts with what it will be. Whoever
        has nothing where any of these files goes, nor in its way, is left out.
        """
        own = list(claimed)
        while True:
            try:
                return self._claimants(mine, own)
            except (journal.Vanished, FileNotFoundError):
                continue

    def _claimants(self, mine: str, own: list[Files]) -> list[Claimant]:
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
        sources = self._read_sources(said, lambda: frozenset().union(*map(list_tops, own)))
        return [*found, *(Claimant(source.name, source.rank, source.files) for source in sources)]


def list_wanted_tops(wanted: Mapping[str, list[str]]) -> frozenset[str]:
    """Give the beginnings of all paths of some directories that are looked for."""
    return frozenset(
        find_top(f"{directory}/{name}" if directory else name)
        for directory, names in wanted.items()
        for name in (names if not directory or directory[:2] == ".." else names[:1])
    )


def _lies_in(path: str, top: str) -> bool:
    """Say whether a path is a top-level module or lies in a top-level package."""
    return path in {top, f"{top}.py"} or path.startswith(f"{top}/")
