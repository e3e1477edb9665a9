"""One path under its stripe: what is best there, how it is shown, and what is kept, set aside or dropped on the way.

The steps are `settle`'s (M3, M5). What no claim names stays, unless this transaction's own distribution had it there.
"""

from __future__ import annotations

import contextlib
import os

from lugnut.columns import File
from lugnut.distribution import Name
from lugnut.environment import folding
from lugnut.events import SetAside
from lugnut.plan import kept_name
from lugnut.system import files
from lugnut.transaction import content, journal
from lugnut.transaction.claims import Claim
from lugnut.transaction.content import Shown
from lugnut.transaction.errand import Errand, Role
from lugnut.transaction.journal import Vanished
from lugnut.transaction.tree import split


class Spot:
    """One path under its stripe."""

    def __init__(self, errand: Errand, path: str, shown: Shown | None, claims: list[Claim]) -> None:
        self._errand = errand
        self._site = errand.site
        self._home = errand.site.home
        self._path = path
        self._directory, self._name = split(path)
        self._shown = shown
        self._claims = claims
        self._spared = shown is not None and errand.spares(path, shown)

    def settle(self) -> bool:
        """Decide and act; True when the path ends absent."""
        if self._shown is not None and self._spared:
            self._errand.leave_users(self._path, self._shown)
        found = self._best()
        if self._shown is None:
            if found is not None:
                self._drop_bytecode()
                self._create(*found)
                self._shown = Shown(found[0].file.digest, bool(found[0].file.executable), directory=False)
        elif found is None or found[1] != "":
            self._replace(found)
        elif not found[0].committed:
            self._leave_to_open()
        if found is not None and self._site.environment.folds_case:
            self._spell(found[0])
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
                if self._shown is not None and (claim.named or not self._is_known()):
                    return claim, ""  # an opaque claim protects what stands there
                continue
            place = self._at_hand(claim)
            if place is not None:
                return claim, place
        return None

    def _is_known(self) -> bool:
        """Say whether somebody names or has revoked what stands there: it is no secret of who names nothing."""
        shown = self._shown
        olds = [role.old for role in self._errand.roles(self._path) if role.old is not None]
        return shown is not None and (
            any(content.matches(shown, claim.file) for claim in self._claims) or self._is_revoked(shown, olds)
        )

    def _at_hand(self, claim: Claim) -> str | None:
        if self._errand.keeps(claim.name):
            kept = self._kept(claim.name, claim.file)
            if self._sound(kept, claim.file):
                return kept
        if claim.transaction and claim.committed:
            place = f"{journal.TRANSACTIONS}/{claim.transaction}/{journal.CONTENT}"
            staged = f"{place}/{claim.name}/{kept_name(claim.file.path, claim.file)}"
            if self._sound(staged, claim.file):
                return staged
        return None

    def _sound(self, place: str, file: File) -> bool:
        shown = self._site.reader.show(self._home, place)
        return shown is not None and content.matches(shown, file)

    def _kept(self, name: Name, file: File) -> str:
        return f"kept/{name}/{kept_name(file.path, file)}"

    # --- acting ---

    def _here(self, *, create: bool = False) -> files.Directory:
        opened = self._site.tree.directory(self._directory, create=create)
        if opened is None:
            raise Vanished
        return opened

    def _create(self, best: Claim, place: str) -> None:
        placer = content.Placer(self._errand.transaction.id, "auto")
        name = split(best.file.path)[1]  # as it spells it, where the file system folds names
        try:
            placer.create(self._home, place, self._here(create=True), name, guarded=True)
        except FileNotFoundError:
            raise Vanished from None

    def _replace(self, found: tuple[Claim, str] | None) -> None:
        shown = self._shown
        assert shown is not None  # noqa: S101 - the caller looked
        claimed = [claim for claim in self._claims if content.matches(shown, claim.file)]
        if found is not None and self._errand.is_users(self._path, shown, claimed):
            claimed, self._claims = [], [claim for claim in self._claims if claim.committed]
        if not claimed and (self._bars(found) or not self._give_way()):
            return
        for claim in claimed:  # M5: what is still claimed is kept before anything takes its place
            self._keep(claim.name, claim.file, self._here(), self._name)
        if found is not None:
            self._drop_bytecode()
            self._move_over(*found)
            self._shown = Shown(found[0].file.digest, bool(found[0].file.executable), directory=False)
        elif not claimed:
            self._drop_bytecode()
            with contextlib.suppress(FileNotFoundError):  # bytecode, that went with its source
                files.unlink(self._here(), self._name)
            self._shown = None

    def _spell(self, best: Claim) -> None:
        """Have what is shown listed as the best claim spells it, once that is committed: importers go by it (G1)."""
        if best.committed and self._shown is not None and content.matches(self._shown, best.file):
            self._errand.spell(self._here(), best.file.path)

    def _bars(self, found: tuple[Claim, str] | None) -> bool:
        """Say whether bytes that may go stay because those of who claims the path are not at hand: absent is worse."""
        if found is not None or self._errand.undoes:
            return False
        left = [claim.name for claim in self._claims if claim.committed and claim.named]
        if left:
            self._errand.say(
                self._path, f"{left[0]} claims it, and its own bytes are not at hand; `--reinstall` brings them"
            )
        return bool(left)

    def _move_over(self, best: Claim, place: str) -> None:
        name = split(best.file.path)[1]
        try:
            content.move_over(self._errand.transaction.id, self._home, place, self._here(), name)
        except FileNotFoundError:
            raise Vanished from None

    def _give_way(self) -> bool:
        """Decide about content that no claim names: only what this transaction's own distribution had there goes."""
        shown = self._shown
        assert shown is not None  # noqa: S101 - the caller looked
        roles = self._errand.roles(self._path)
        olds = [role.old for role in roles if role.old is not None]
        if shown.directory and olds:
            self._errand.say(self._path, "a directory stands there now")
        if shown.directory or self._spared:
            return False
        return self._is_revoked(shown, olds) or self._displace(roles, olds)

    def _is_revoked(self, shown: Shown, olds: list[File]) -> bool:
        """Say whether it is what this transaction has revoked, or another one that has not come here yet."""
        if any(content.matches(shown, old) for old in olds):
            return True
        revoked = self._site.ledger.read_revoked(self._directory, [self._name])[self._name]
        return any(content.matches(shown, gone) for gone in revoked)

    def _displace(self, roles: list[Role], olds: list[File]) -> bool:
        """Decide about bytes that nobody has ever claimed; those that may go are set aside first."""
        own = {role.name for role in roles}
        others = [claim for claim in self._claims if claim.name not in own]
        if others:
            self._errand.say(self._path, f"{others[0].name} names it too, and its bytes are neither's")
            return False
        if any(old.digest is None for old in olds) or self._errand.is_torn(self._here(), self._name, self._path):
            return True
        if (olds and not self._errand.undoes) or self._errand.forces(self._path):
            self._set_aside(roles[0].name)
            return True
        if roles:
            self._errand.say(self._path, "its bytes are not what any installed distribution says")
        return False

    def _set_aside(self, name: Name) -> None:
        """Give altered bytes a second name in `.lugnut/altered`; the path itself goes in the next step."""
        parts = [part for part in self._path.split("/") if part != ".."]
        place = f"altered/{self._errand.transaction.id}"
        with journal.make_place(self._home, "/".join([place, *parts[:-1]])) as aside:
            self._site.report(SetAside(self._path, os.path.join(self._home.path, place, *parts), name))
            if self._shown is not None and self._shown.digest is None:  # a symlink has no second name: it moves
                files.rename(self._here(), self._name, aside, parts[-1])
                raise Vanished
            try:
                content.set_beside(self._errand.transaction.lend_place, self._here(), self._name, aside, parts[-1])
            except FileNotFoundError:
                raise Vanished from None

    def _keep(self, name: Name, file: File, source_dir: files.Directory, source: str) -> None:
        kept = kept_name(file.path, file)
        if self._errand.keeps(name) and self._sound(self._kept(name, file), file):
            return
        self._errand.note_kept(name)
        try:
            with files.enter_path(self._home, f"kept/{name}", create=True) as place:
                with contextlib.suppress(FileNotFoundError):
                    files.unlink(place, kept)  # damaged: it is nobody's content
                content.set_beside(self._errand.transaction.lend_place, source_dir, source, place, kept)
        except FileNotFoundError:  # another stripe's settle has emptied and removed the directory
            raise Vanished from None

    def _leave_to_open(self) -> None:
        """Keep what this transaction has revoked for open runs: who meets it late would take it for a user's."""
        shown = self._shown
        olds = [role.old for role in self._errand.roles(self._path) if role.old is not None]
        if shown is None or self._spared or not any(content.matches(shown, old) for old in olds):
            return
        for claim in self._claims:
            if not claim.committed and content.matches(shown, claim.file):
                self._keep(claim.name, claim.file, self._here(), self._name)

    def _keep_staged(self) -> None:
        """Keep what this transaction staged here if it is claimed and something else is shown."""
        for role in self._errand.roles(self._path):
            if role.new is None or (self._shown is not None and content.matches(self._shown, role.new)):
                continue
            staged = self._errand.transaction.staged(role.name, kept_name(role.new.path, role.new))
            if self._claims_still(role.name, role.new) and files.look(self._home, staged) is not None:
                self._keep(role.name, role.new, self._home, staged)

    def _claims_still(self, name: Name, file: File) -> bool:
        kept = kept_name(file.path, file)
        return any(claim.name == name and kept_name(claim.file.path, claim.file) == kept for claim in self._claims)

    def _drop_kept(self) -> None:
        """Drop what is kept here although it is shown, or this transaction's distribution claims it no more."""
        shown = self._shown
        for claim in self._claims:
            if claim.committed and shown is not None and content.matches(shown, claim.file):
                self._forget(claim.name, claim.file)
        for role in self._errand.roles(self._path):
            if role.old is not None and not self._claims_still(role.name, role.old):
                self._forget(role.name, role.old)

    def _forget(self, name: Name, file: File) -> None:
        if not self._errand.keeps(name):
            return
        with contextlib.suppress(FileNotFoundError):
            files.unlink(self._home, self._kept(name, file))
        with contextlib.suppress(OSError):
            files.rmdir(self._home, f"kept/{name}")

    def _drop_bytecode(self) -> None:
        opened = self._site.tree.directory(self._directory)
        if opened is not None:
            drop_bytecode(self._errand, opened, self._directory, [self._name])


def drop_bytecode(errand: Errand, opened: files.Directory, directory: str, names: list[str]) -> None:
    """Take the bytecode of sources that are about to change or go along with them (TRAPS 21).

    Before them, for whoever goes on after a kill cannot see any more that a source was another.
    """
    fold = folding(errand.site.environment)
    stems = {fold(name[:-3]) for name in names if name.endswith(".py")}
    listed = errand.list_bytecode(directory, opened) if stems else None
    if listed is None:
        return
    ours = [name for name in listed if name.endswith(".pyc") and not stems.isdisjoint(map(fold, _list_stems(name)))]
    if listed and not ours:
        return

    def drop() -> None:
        with files.enter(opened, "__pycache__") as cache:
            for name in ours:
                with contextlib.suppress(FileNotFoundError):
                    files.unlink(cache, name)
        files.rmdir(opened, "__pycache__")  # only if nothing else is in it

    try:
        files.insist(drop)
    except OSError as error:
        if files.is_passing(error):  # the source must not go before it
            raise


def _list_stems(name: str) -> list[str]:
    """Name the sources, less `.py`, that a .pyc may be of: between both stand a tag and a level, or one, or none."""
    parts = name.removesuffix(".pyc").split(".")
    return [".".join(parts[: len(parts) - more]) for more in range(min(3, len(parts)))]
