"""settle: the one procedure that decides what a path shows. The order of its steps is the protocol (DESIGN 6).

Under the stripe of the path's directory: look at what stands there (M2: before the claims are read), read the claims,
choose the highest committed claim whose content is at hand, create it by an exclusive link where nothing stands (M3)
or rename it over what stands there after keeping that, if it is claimed (M5); then drop what is kept for nothing.
Content that no claim names stays, unless it is the very content this transaction's own distribution had there.
"""

from __future__ import annotations

import contextlib
import os
from typing import NamedTuple

from lugnut.distribution import Name
from lugnut.errors import FileInTheWay, OutsideEnvironment
from lugnut.events import LeftAlone, SetAside
from lugnut.plan import FRESH, File, kept_name
from lugnut.system import files
from lugnut.transaction import content, journal
from lugnut.transaction.claims import Claim
from lugnut.transaction.content import Shown
from lugnut.transaction.journal import Vanished
from lugnut.transaction.site import Site
from lugnut.transaction.tree import group, split


class Role(NamedTuple):
    """What the acting transaction has to do with one path."""

    name: Name
    old: File | None
    """What its distribution had there and claims no more."""
    new: File | None
    """What its distribution claims there once committed."""


class Settler:
    """Settles paths on behalf of one transaction, whoever acts for it."""

    def __init__(self, site: Site, transaction: journal.Transaction) -> None:
        self._site = site
        self._transaction = transaction
        self._state = transaction.state()
        self._roles: dict[str, list[Role]] | None = None
        self._spared = set(transaction.plan.adopted) | transaction.notes("adopted")
        self._made = set(transaction.plan.directories) | transaction.notes("made")
        self._scheme_roots = {place.rstrip("/") for place in site.environment.places.values()}
        self._said: set[str] = set()

    def _find_roles(self) -> dict[str, list[Role]]:
        roles: dict[str, list[Role]] = {}
        for action in self._transaction.plan.actions:
            if self._state == journal.COMMITTED:
                new = {file.path: file for file in action.files}
                old = {file.path: file for one in action.olds for file in one.files}
                for path in new.keys() | old.keys():
                    roles.setdefault(path, []).append(Role(action.name, old.get(path), new.get(path)))
            elif action.kind == FRESH:
                for file in action.files:
                    roles.setdefault(file.path, []).append(Role(action.name, file, None))
        return roles

    def settle(self, paths: list[str]) -> None:
        """Settle paths, the names of one directory at a time."""
        for directory, names in group(paths).items():
            self.settle_directory(directory, names)

    def settle_directory(self, directory: str, names: list[str]) -> None:
        """Settle the files `names` of one directory under its stripe."""
        self._site.settles += 1
        try:
            self._warm(directory, names)
        except (OutsideEnvironment, FileInTheWay) as error:  # TRAPS 22, 23: what lies behind a symlink is not ours
            for name in names:
                self.say(f"{directory}/{name}" if directory else name, str(error))
            return
        held = self._site.hold_stripe(directory)
        try:
            while True:
                try:
                    self._settle_once(directory, names)
                except (Vanished, FileExistsError):  # somebody was faster: look again (M3)
                    continue
                return
        finally:
            held.close()

    def _warm(self, directory: str, names: list[str]) -> None:
        """Hash outside the stripe; inside, what has not changed is known."""
        opened = self._site.tree.directory(directory)
        if opened is not None:
            for name in names:
                self._site.reader.show(opened, name)

    def _settle_once(self, directory: str, names: list[str]) -> None:
        self._site.tree.close()  # a directory removed and made again is another one: no old handle may speak for it
        opened = self._site.tree.directory(directory)
        shown = {name: None if opened is None else self._site.reader.show(opened, name) for name in names}  # M2
        claims = self._site.ledger.read(directory, names)
        emptied = False
        for name in names:
            path = f"{directory}/{name}" if directory else name
            emptied |= _Spot(self, path, shown[name], claims[name]).settle()
        self._sweep(directory)
        if emptied or opened is None or not files.list_names(opened):
            self.remove_empty(directory)

    def _sweep(self, directory: str) -> None:
        """Remove temporary names of this transaction: its workers are gone, and nobody else uses them."""
        opened = self._site.tree.directory(directory)
        if opened is not None:
            for name in files.list_names(opened):
                if name.startswith(f".lugnut-{self._transaction.id}-"):
                    files.unlink(opened, name)

    def remove_empty(self, directory: str) -> None:
        """Remove directories upwards while they are empty and ours to remove."""
        while directory and self._may_remove(directory):
            above, name = split(directory)
            try:
                parent = self._site.tree.directory(above)
                if parent is not None:
                    self._remove_bytecode_directory(directory)
                    files.rmdir(parent, name)
            except FileNotFoundError:
                pass  # a killed run had come this far
            except (OSError, OutsideEnvironment, FileInTheWay):
                return
            self._site.tree.close()
            directory = above

    def _remove_bytecode_directory(self, directory: str) -> None:
        inner = self._site.tree.directory(directory)
        if inner is not None:
            with contextlib.suppress(OSError):
                files.rmdir(inner, "__pycache__")

    def _may_remove(self, directory: str) -> bool:
        if directory.rsplit("/", 1)[-1] == "..":
            return False
        if self._state == journal.COMMITTED:
            return directory not in self._scheme_roots
        return directory in self._made

    def roles(self, path: str) -> list[Role]:
        """Give what this transaction has to do with a path."""
        if self._roles is None:  # most runs settle nothing
            self._roles = self._find_roles()
        return self._roles.get(path, [])

    @property
    def undoes(self) -> bool:
        """Say whether the transaction is being undone."""
        return self._state != journal.COMMITTED

    def spares(self, path: str) -> bool:
        """Say whether what stands at a path was there before this run, equal and unclaimed."""
        return self.undoes and path in self._spared

    def forces(self, path: str) -> bool:
        """Say whether the user allowed what stands at a path to be set aside."""
        return not self.undoes and path in self._transaction.plan.forced

    def say(self, path: str, reason: str) -> None:
        """Report, once, that a path was left as it is."""
        if path not in self._said:
            self._said.add(path)
            self._site.report(LeftAlone(path, reason))

    @property
    def site(self) -> Site:
        """The environment it works on."""
        return self._site

    @property
    def transaction(self) -> journal.Transaction:
        """The transaction it acts for."""
        return self._transaction


class _Spot:
    """One path under its stripe."""

    def __init__(self, settler: Settler, path: str, shown: Shown | None, claims: list[Claim]) -> None:
        self._settler = settler
        self._site = settler.site
        self._home = settler.site.home
        self._path = path
        self._directory, self._name = split(path)
        self._shown = shown
        self._claims = claims

    def settle(self) -> bool:
        """Decide and act; True when the path ends absent."""
        found = self._best()
        if self._shown is None:
            if found is not None:
                self._drop_bytecode()
                self._create(found[1])
                self._shown = Shown(found[0].file.digest, bool(found[0].file.executable), directory=False)
        elif found is None or found[1] != "":
            self._replace(found)
        self._keep_staged()
        self._drop_kept()
        return self._shown is None

    # --- what is best ---

    def _best(self) -> tuple[Claim, str] | None:
        """Choose the highest claim at hand and say where its content is; an empty place means that it is shown."""
        for claim in self._claims:
            if self._shown is not None and content.matches(self._shown, claim.file):
                return claim, ""
            if claim.file.digest is None:
                if self._shown is not None:  # an opaque claim protects what stands there
                    return claim, ""
                continue
            place = self._at_hand(claim)
            if place is not None:
                return claim, place
        return None

    def _at_hand(self, claim: Claim) -> str | None:
        kept = self._kept(claim.name, claim.file)
        if self._sound(kept, claim.file):
            return kept
        if claim.transaction and claim.committed:
            staged = f"{journal.TRANSACTIONS}/{claim.transaction}/{journal.CONTENT}/{claim.name}/{kept_name(self._path, claim.file)}"
            if self._sound(staged, claim.file):
                return staged
        return None

    def _sound(self, place: str, file: File) -> bool:
        shown = self._site.reader.show(self._home, place)
        return shown is not None and content.matches(shown, file)

    def _kept(self, name: Name, file: File) -> str:
        return f"kept/{name}/{kept_name(self._path, file)}"

    # --- acting ---

    def _here(self, *, create: bool = False) -> files.Directory:
        opened = self._site.tree.directory(self._directory, create=create)
        if opened is None:
            raise Vanished
        return opened

    def _create(self, place: str) -> None:
        placer = content.Placer(self._settler.transaction.id, "auto")
        try:
            placer.create(self._home, place, self._here(create=True), self._name, guarded=True)
        except FileNotFoundError:
            raise Vanished from None

    def _replace(self, found: tuple[Claim, str] | None) -> None:
        shown = self._shown
        assert shown is not None  # noqa: S101 - the caller looked
        claimed = [claim for claim in self._claims if content.matches(shown, claim.file)]
        if not claimed and (self._bars(found) or not self._give_way()):
            return
        for claim in claimed:  # M5: what is still claimed is kept before anything takes its place
            self._keep(claim.name, claim.file, self._here(), self._name)
        if found is not None:
            self._drop_bytecode()
            self._move_over(found[1])
            self._shown = Shown(found[0].file.digest, bool(found[0].file.executable), directory=False)
        elif not claimed:
            self._drop_bytecode()
            files.unlink(self._here(), self._name)
            self._shown = None

    def _bars(self, found: tuple[Claim, str] | None) -> bool:
        """Say whether revoked bytes stay because what another distribution claims here is not at hand: absent is worse."""
        if found is not None or self._settler.undoes:
            return False
        own = {role.name for role in self._settler.roles(self._path)}
        others = [claim.name for claim in self._claims if claim.committed and claim.name not in own]
        if others:
            self._settler.say(
                self._path, f"{others[0]} claims it too, and its own bytes are not at hand; `--reinstall` brings them"
            )
        return bool(others)

    def _move_over(self, place: str) -> None:
        try:
            content.move_over(self._settler.transaction.id, self._home, place, self._here(), self._name)
        except FileNotFoundError:
            raise Vanished from None

    def _give_way(self) -> bool:
        """Decide about content that no claim names: only what this transaction's own distribution had there goes."""
        shown = self._shown
        assert shown is not None  # noqa: S101 - the caller looked
        roles = self._settler.roles(self._path)
        own = {role.name for role in roles}
        others = [claim for claim in self._claims if claim.name not in own]
        olds = [role.old for role in roles if role.old is not None]
        if shown.directory and olds:
            self._settler.say(self._path, "a directory stands there now")
        if shown.directory or self._settler.spares(self._path):
            return False
        if any(content.matches(shown, old) for old in olds):
            return True  # the revoked content itself
        revoked = self._site.ledger.read_revoked(self._directory, [self._name])[self._name]
        if any(content.matches(shown, gone) for gone in revoked):
            return True  # another run has revoked it and has not come here yet
        if others:
            self._settler.say(self._path, f"{others[0].name} names it too, and its bytes are neither's")
            return False
        if any(old.digest is None for old in olds):
            return True
        if (olds and self._settler.transaction.state() == journal.COMMITTED) or self._settler.forces(self._path):
            self._set_aside(roles[0].name)
            return True
        if olds or roles:
            self._settler.say(self._path, "its bytes are not what any installed distribution says")
        return False

    def _set_aside(self, name: Name) -> None:
        """Give altered bytes a second name in `.lugnut/altered`; the path itself goes in the next step."""
        parts = [part for part in self._path.split("/") if part != ".."]
        place = f"altered/{self._settler.transaction.id}"
        with files.enter_path(self._home, "/".join([place, *parts[:-1]]), create=True) as aside:
            self._site.report(SetAside(self._path, os.path.join(self._home.path, place, *parts), name))
            if self._shown is not None and self._shown.digest is None:  # a symlink has no second name: it moves
                files.rename(self._here(), self._name, aside, parts[-1])
                raise Vanished
            content.set_beside(self._settler.transaction.id, self._here(), self._name, aside, parts[-1])

    def _keep(self, name: Name, file: File, source_dir: files.Directory, source: str) -> None:
        try:
            with files.enter_path(self._home, f"kept/{name}", create=True) as place:
                content.set_beside(self._settler.transaction.id, source_dir, source, place, kept_name(self._path, file))
        except FileNotFoundError:  # another stripe's settle has emptied and removed the directory
            raise Vanished from None

    def _keep_staged(self) -> None:
        """Keep what this transaction staged here if it is claimed and something else is shown."""
        for role in self._settler.roles(self._path):
            if role.new is None or (self._shown is not None and content.matches(self._shown, role.new)):
                continue
            staged = self._settler.transaction.staged(role.name, kept_name(self._path, role.new))
            if self._claims_still(role.name, role.new) and files.look(self._home, staged) is not None:
                self._keep(role.name, role.new, self._home, staged)

    def _claims_still(self, name: Name, file: File) -> bool:
        return any(claim.name == name and claim.file.digest == file.digest for claim in self._claims)

    def _drop_kept(self) -> None:
        """Drop what is kept here although it is shown, or although this transaction's distribution claims it no more."""
        shown = self._shown
        for claim in self._claims:
            if shown is not None and content.matches(shown, claim.file):
                self._forget(claim.name, claim.file)
        for role in self._settler.roles(self._path):
            if role.old is not None and not self._claims_still(role.name, role.old):
                self._forget(role.name, role.old)

    def _forget(self, name: Name, file: File) -> None:
        with contextlib.suppress(FileNotFoundError):
            files.unlink(self._home, self._kept(name, file))
        with contextlib.suppress(OSError):
            files.rmdir(self._home, f"kept/{name}")

    def _drop_bytecode(self) -> None:
        """Take the bytecode of a source that is about to change or go along with it (TRAPS 21).

        Before it, for whoever goes on after a kill cannot see any more that the source was another.
        """
        if not self._name.endswith(".py"):
            return
        stem = self._name[:-3] + "."
        try:
            with files.enter(self._here(), "__pycache__") as cache:
                for name in files.list_names(cache):
                    if name.startswith(stem) and name.endswith(".pyc") and name.count(".") <= stem.count(".") + 2:
                        with contextlib.suppress(FileNotFoundError):
                            files.unlink(cache, name)
            files.rmdir(self._here(), "__pycache__")  # only if nothing else is in it
        except (OSError, Vanished):
            return
