"""settle: the one procedure that decides what a path shows. The order of its steps is the protocol (DESIGN 6).

Under the stripe of the path's directory: look at what stands there (M2: before the claims are read), read the claims,
choose the highest committed claim whose content is at hand, create it by an exclusive link where nothing stands (M3)
or rename it over what stands there after keeping that, if it is claimed (M5); then drop what is kept for nothing.
Content that no claim names stays, unless it is the very content this transaction's own distribution had there.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterable, Iterator

from lugnut.environment import key
from lugnut.errors import FileInTheWay, OutsideEnvironment
from lugnut.system import files
from lugnut.transaction import journal
from lugnut.transaction.claims import Claim
from lugnut.transaction.content import Shown, Unread
from lugnut.transaction.errand import Errand
from lugnut.transaction.journal import Vanished
from lugnut.transaction.site import Site, stripe_name
from lugnut.transaction.spot import Spot, drop_bytecode
from lugnut.transaction.tree import group, split

MOST = 256
"""Files that are settled while a stripe is held once."""
_STAYS = {
    errno.ENOTEMPTY, errno.EEXIST, errno.EBUSY, errno.ENOTDIR, errno.EINVAL, errno.EACCES, errno.EPERM, errno.EROFS,
}  # fmt: skip
"""A directory that cannot be removed for one of these is in use, or not ours to remove: no next command would."""
_Wanted = dict[str, list[str]]
"""Names of files by directory."""


class Settler:
    """Settles paths on behalf of one transaction, whoever acts for it."""

    def __init__(self, site: Site, transaction: journal.Transaction) -> None:
        self._site = site
        self._errand = Errand(site, transaction)
        self._temporary = f".lugnut-{transaction.id}-"
        self._emptied: set[str] = set()
        """Directories in which nothing stands of what was settled there: they may be empty."""

    def settle(self, paths: list[str]) -> None:
        """Settle paths; all are settled when it returns.

        Up to `MOST` that one stripe guards are settled at a time: reading claims is what settling costs.
        """
        self._emptied.clear()
        if self._site.environment.folds_case:  # two spellings of one file are settled once
            paths = list({key(self._site.environment, path): path for path in paths}.values())
        wanted = group(paths)
        stripes: dict[str, list[_Wanted]] = {}
        for directory, names in wanted.items():
            batches = stripes.setdefault(stripe_name(self._site.environment, directory), [{}])
            if sum(map(len, batches[-1].values())) >= MOST:
                batches.append({})
            batches[-1][directory] = names
        self._site.settles += len(wanted)
        for batch in (batch for batches in stripes.values() for batch in batches):
            self._settle_batch(batch)
        self.remove_empty(self._emptied)
        for directory in sorted(wanted.keys() - self._emptied):
            self._sweep(directory)

    def sweep(self, directories: Iterable[str]) -> None:
        """Remove temporary names of this transaction: a recovery that was killed may have settled there before."""
        self._site.tree.close()
        for directory in directories:
            self._sweep(directory)

    def sweep_caches(self, directories: Iterable[str]) -> None:
        """Remove what was left of placing bytecode beside sources: temporary names, and caches that hold nothing."""
        self._site.tree.close()
        for directory in directories:
            cache = f"{directory}/__pycache__".lstrip("/")
            with contextlib.suppress(OutsideEnvironment, FileInTheWay):  # nothing of ours is behind a symlink
                if self._site.tree.directory(cache) is not None and not self._sweep(cache):
                    self._is_removed_alone(cache)

    def _settle_batch(self, wanted: _Wanted) -> None:
        """Settle files of directories that have one stripe, under it.

        What only its bytes tell is hashed outside the stripe; inside, what has not changed is known.
        """
        try:
            self._settle_under_stripe(wanted, read=False)
        except Unread:
            self._site.tree.close()
            self._look(wanted, read=True)
            self._settle_under_stripe(wanted, read=True)

    def _settle_under_stripe(self, wanted: _Wanted, *, read: bool) -> None:
        held = self._site.hold_stripe(*wanted)
        try:
            while True:
                try:
                    self._settle_once(wanted, read=read)
                except (Vanished, FileExistsError):  # somebody was faster: look again (M3)
                    self._errand.transaction.state()  # raises Vanished for who was taken for dead and closed (TRAPS 9)
                    continue
                return
        finally:
            held.close()

    def _settle_once(self, wanted: _Wanted, *, read: bool) -> None:
        self._site.tree.close()  # a directory removed and made again is another one: no old handle may speak for it
        seen = self._look(wanted, read=read)
        claims = self._site.ledger.read_many({directory: wanted[directory] for directory in seen})  # M2: only now
        self._errand.arrive({one.name for found in claims.values() for each in found.values() for one in each})
        for directory, shown in seen.items():
            self._settle_directory(directory, shown, claims[directory])

    def _look(self, wanted: _Wanted, *, read: bool) -> dict[str, dict[str, Shown | None]]:
        """Look what stands in each directory; one that lies behind a symlink or a file is said, and left out."""
        seen = {}
        for directory, names in wanted.items():
            try:
                opened = self._site.tree.directory(directory)
            except (OutsideEnvironment, FileInTheWay) as error:  # TRAPS 22, 23: what lies behind a symlink
                for name in names:
                    self._errand.say(f"{directory}/{name}" if directory else name, str(error))
            else:
                seen[directory] = self._look_inside(opened, directory, names, read=read)
        return seen

    def _look_inside(
        self, opened: files.Directory | None, directory: str, names: list[str], *, read: bool
    ) -> dict[str, Shown | None]:
        if opened is None:
            return dict.fromkeys(names)
        below = f"{directory}/" if directory else ""
        show, likely = self._site.reader.show, self._errand.likely
        return {name: show(opened, name, likely(below + name), read=read) for name in names}

    def _settle_directory(self, directory: str, shown: dict[str, Shown | None], claims: dict[str, list[Claim]]) -> None:
        below = f"{directory}/" if directory else ""
        revokes = self._errand.only_revokes
        going = [name for name, here in shown.items() if here and not claims[name] and revokes(below + name, here)]
        if going:
            self._take_away(directory, going)
        left = set(shown).difference(going)
        absent = [
            Spot(self._errand, below + name, shown[name], claims[name]).settle() for name in shown if name in left
        ]
        if all(absent):
            self._emptied.add(directory)
        else:
            self._emptied.discard(directory)

    def _take_away(self, directory: str, names: list[str]) -> None:
        """Remove what this transaction has revoked and nobody claims, as `spot` would one by one."""
        opened = self._site.tree.directory(directory)
        if opened is None:
            raise Vanished
        drop_bytecode(self._errand, opened, directory, names)
        for name in names:
            with contextlib.suppress(FileNotFoundError):  # bytecode, that went with its source
                files.unlink(opened, name)

    # --- afterwards, without a stripe ---

    def remove_empty(self, directories: Iterable[str]) -> None:
        """Remove directories and those above them while they are empty and ours to remove, the deepest first.

        It takes no stripe: what is not empty stays, and who enters one that goes makes it again (TRAPS 20). Where
        listings lag others leave tokens, so that one may only seem not to be empty: there a directory's is taken.
        """
        self._site.tree.close()
        self._errand.see_made()
        staying: set[str] = set()
        for directory in sorted({above for one in directories for above in list_upwards(one)}, reverse=True):
            if directory in staying or not self._errand.may_remove(directory):
                self._sweep(directory)
            elif self._is_removed_alone(directory) or self._is_left(directory):
                continue
            staying.add(split(directory)[0])

    def _is_left(self, directory: str) -> bool:
        """Leave a directory that is not empty to the open runs that have files in it; True where it could go after all.

        With those above it that it keeps from going. They remove them when they are undone; who was undone before he
        could know of that has emptied it by now. Where it cannot be noted an empty directory may stay.
        """
        while True:
            try:
                for above in filter(self._errand.may_remove, list_upwards(directory)):
                    self._errand.leave("made", above, self._site.ledger.find_users(above))
            except Vanished:
                self._errand.transaction.state()
                continue
            except OSError:
                return False
            return self._is_removed_alone(directory)

    def _is_removed_alone(self, directory: str) -> bool:
        if not self._site.lists_late():
            return self._is_removed(directory)
        with self._site.hold_stripe(directory):
            return self._is_removed(directory)

    def _is_removed(self, directory: str) -> bool:
        """Remove one directory if nothing is in it; False where it stays. In other trouble the next command does."""
        above, name = split(directory)
        try:
            parent = self._site.tree.directory(above)
        except (OutsideEnvironment, FileInTheWay):
            return False
        try:
            if parent is not None:
                self._remove(parent, name, directory)
        except FileNotFoundError:
            pass  # a killed run had come this far
        except (OutsideEnvironment, FileInTheWay):
            return False
        except OSError as error:
            if error.errno not in _STAYS:
                raise
            return False
        finally:
            self._site.tree.forget(directory)
        return True

    def _remove(self, parent: files.Directory, name: str, directory: str) -> None:
        """Remove a directory; one that seems not to be empty may hold our own temporary names or an empty cache."""
        try:
            files.rmdir(parent, name)
        except FileNotFoundError:
            raise
        except OSError:
            if self._sweep(directory) not in ([], ["__pycache__"]):
                raise
            inner = self._site.tree.directory(directory)
            if inner is not None:
                with contextlib.suppress(FileNotFoundError):
                    files.rmdir(inner, "__pycache__")
            files.rmdir(parent, name)

    def _sweep(self, directory: str) -> list[str]:
        """Remove temporary names of this transaction, and list what else stands there.

        Its workers are gone, and nobody else uses such names.
        """
        with contextlib.suppress(OutsideEnvironment, FileInTheWay):
            opened = self._site.tree.directory(directory)
            if opened is not None:
                names = files.list_names(opened)
                for name in names:
                    if self._temporary in name:
                        with contextlib.suppress(FileNotFoundError):  # bytecode goes with its source, by anybody
                            files.unlink(opened, name)
                return [name for name in names if self._temporary not in name]
        return []


def list_upwards(directory: str) -> Iterator[str]:
    """Give a directory and those above it that RECORD paths name without `..` at the end."""
    while True:
        yield directory
        directory = split(directory)[0]
        if not directory or split(directory)[1] == "..":
            return
