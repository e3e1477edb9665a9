"""A transaction's errand: what it has to do with each path, what it may do there, and what it has said of it."""

from __future__ import annotations

import os

from lugnut.columns import File
from lugnut.distribution import Name
from lugnut.environment import folding
from lugnut.events import LeftAlone
from lugnut.plan import FRESH
from lugnut.system import files
from lugnut.transaction import journal
from lugnut.transaction.adopted import Adopted
from lugnut.transaction.claims import Claim
from lugnut.transaction.content import Shown, find_timely, matches
from lugnut.transaction.site import Site
from lugnut.transaction.spelling import respell, word_kept
from lugnut.transaction.tree import split
from lugnut.typed import NamedTuple


class Role(NamedTuple):
    """What the acting transaction has to do with one path."""

    name: Name
    old: File | None
    """What its distribution had there and claims no more."""
    new: File | None
    """What its distribution claims there once committed."""


class Errand:
    """One transaction that is carried out or undone in one environment, whoever acts for it."""

    def __init__(self, site: Site, transaction: journal.Transaction) -> None:
        self.site = site
        self.transaction = transaction
        self._fold = folding(site.environment)
        self.undoes = transaction.state() != journal.COMMITTED
        """Whether the transaction is being undone."""
        self._roles: dict[str, list[Role]] | None = None
        adopted = transaction.notes("adopted").union(transaction.plan.adopted) if self.undoes else set[str]()
        self._adopted = set(map(self._fold, adopted))
        self._users = Adopted(self._fold, [])
        """Once a stripe is held: what runs found standing, equal and unclaimed."""
        self._mark = os.urandom(8).hex()
        self._left: set[tuple[str, str]] = set()
        """What this one has begun to leave, to whom."""
        self._made: set[str] = set()
        self.see_made()
        self._forced = {self._fold(path) for path in transaction.plan.forced}
        self._scheme_roots = site.roots()
        self._said: set[str] = set()
        self._keepers: set[str] = set()
        self._bytecode: dict[str, list[str] | None] = {}
        self._listed: dict[str, frozenset[str]] = {}

    def arrive(self, names: set[Name]) -> None:
        """Come to paths whose stripe is held from now on: what is kept of them, nobody else adds to meanwhile.

        `names`: who claims any of them.
        """
        self.site.refresh_kept(names)
        self._bytecode.clear()
        self._listed.clear()
        if self.undoes:
            self._users = self.site.ledger.read_adopted()
        try:
            with files.enter(self.site.home, "kept") as kept:
                self._keepers = set(files.list_names(kept))
        except FileNotFoundError:
            self._keepers = set()

    def see_made(self) -> None:
        """Read which directories an undone run has made, or has been left by who would have removed them."""
        if self.undoes:
            made = self.transaction.notes("made").union(self.transaction.plan.directories)
            self._made = set(map(self._fold, made))

    def leave(self, file: str, path: str, transactions: set[str]) -> None:
        """Leave to other transactions, by their notes, what this one knows of a path; raises Vanished."""
        for identity in sorted(transactions - {self.transaction.id}):
            new = (identity, file) not in self._left
            journal.leave(self.site.home, identity, f"{file}-{self._mark}", path, new=new)
            self._left.add((identity, file))

    def leave_users(self, path: str, shown: Shown) -> None:
        """Leave what a user has to the runs that bring the same: none of them may ever have come there."""
        if self._users.has(path, shown.digest):
            self.leave("adopted", path, self._users.heirs(path, shown.digest))

    def keeps(self, name: Name) -> bool:
        """Say whether anything may be kept of a distribution for a path under the stripe that is held.

        A listing tells it, and spares a look for each path; not where listings lag behind locks (TRAPS 26).
        """
        return bool(self.site.late) or name in self._keepers

    def note_kept(self, name: Name) -> None:
        """Know from now on that something is kept of a distribution."""
        self._keepers.add(name)

    def list_bytecode(self, directory: str, opened: files.Directory) -> list[str] | None:
        """List a directory's `__pycache__`, once for all of its sources; None where there is none."""
        if directory not in self._bytecode:

            def read() -> list[str]:
                with files.enter(opened, "__pycache__") as cache:
                    return files.list_names(cache)

            try:
                self._bytecode[directory] = files.insist(read)
            except OSError as error:
                if files.is_passing(error):
                    raise
                self._bytecode[directory] = None
        return self._bytecode[directory]

    def spell(self, opened: files.Directory, path: str) -> None:
        """Have what is shown in a directory listed as `path` spells it, where the file system folds names.

        What one listing of the directory has, under the stripe that is held, is spelled so.
        """
        directory, name = split(path)
        if directory not in self._listed:
            self._listed[directory] = frozenset(files.list_names(opened))
        if name not in self._listed[directory]:
            standing = respell(opened, name, self._fold)
            if standing is not None:
                self.say(path, word_kept(standing))

    def likely(self, path: str) -> list[File]:
        """Give the contents that may well stand at a path and are to go: what this transaction revokes there.

        What it brings is not among them: a file is reinstalled because its bytes may not be what its time says.
        """
        roles = self.roles(path)
        if len(roles) == 1:
            return [] if roles[0].old is None else [roles[0].old]
        brought = {role.new.digest for role in roles if role.new is not None}
        return [role.old for role in roles if role.old is not None and role.old.digest not in brought]

    def only_revokes(self, path: str, shown: Shown) -> bool:
        """Say whether all that this transaction has to do with a path is to take away what stands there.

        Nothing is kept of it for a distribution of this transaction, and it was not there before an undone run.
        """
        roles = self.roles(path)
        return (
            len(roles) == 1
            and roles[0].old is not None
            and matches(shown, roles[0].old)
            and not self.keeps(roles[0].name)
            and not self.spares(path, shown)
        )

    def is_torn(self, opened: files.Directory, name: str, path: str) -> bool:
        """Say whether a path of a run that is undone has the very second of what that run placed, and so is that.

        Whatever its bytes are: a power cut has left of them what it would (TRAPS 19).
        """
        olds = [role.old for role in self.roles(path) if role.old is not None]
        status = files.look(opened, name) if self.undoes else None
        return status is not None and bool(find_timely(status, olds))

    def roles(self, path: str) -> list[Role]:
        """Give what this transaction has to do with a path."""
        if self._roles is None:  # most runs settle nothing
            self._roles = self._find_roles()
        return self._roles.get(self._fold(path), [])

    def _find_roles(self) -> dict[str, list[Role]]:
        roles: dict[str, list[Role]] = {}
        for action in self.transaction.plan.actions:
            if not self.undoes:
                for file in action.files:
                    roles.setdefault(self._fold(file.path), []).append(Role(action.name, None, file))
                for old in (old for one in action.olds for old in one.files):  # of two dist-infos, perhaps both
                    roles.setdefault(self._fold(old.path), []).append(Role(action.name, old, None))
            elif action.kind == FRESH:
                for file in action.files:
                    roles.setdefault(self._fold(file.path), []).append(Role(action.name, file, None))
        return roles

    def spares(self, path: str, shown: Shown) -> bool:
        """Say whether what stands at a path was there before this run or another one, equal and unclaimed."""
        return self.undoes and (self._fold(path) in self._adopted or self._users.has(path, shown.digest))

    def is_users(self, path: str, shown: Shown, claims: list[Claim]) -> bool:
        """Say whether of these claims on what is shown all are open runs', that found it there: it is a user's."""
        only_open = bool(claims) and not any(claim.committed for claim in claims)
        return only_open and self.site.ledger.read_adopted().has(path, shown.digest)

    def forces(self, path: str) -> bool:
        """Say whether the user allowed what stands at a path to be set aside."""
        return not self.undoes and self._fold(path) in self._forced

    def say(self, path: str, reason: str) -> None:
        """Report, once, that a path was left as it is."""
        if path not in self._said:
            self._said.add(path)
            self.site.report(LeftAlone(path, reason))

    def may_remove(self, directory: str) -> bool:
        """Say whether a directory may go once it is empty: one that an undone run made; no scheme's root ever."""
        if directory.rsplit("/", 1)[-1] == "..":
            return False
        return self._fold(directory) in self._made if self.undoes else directory not in self._scheme_roots
