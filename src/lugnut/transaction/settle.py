"""settle: the one procedure that decides what a path shows. The order of its steps is the protocol (DESIGN 6).

Under the stripe of the path's directory: look at what stands there (M2: before the claims are read), read the claims,
choose the highest committed claim whose content is at hand, create it by an exclusive link where nothing stands (M3)
or rename it over what stands there after keeping that, if it is claimed (M5); then drop what is kept for nothing.
Content that no claim names stays, unless it is the very content this transaction's own distribution had there.
"""

from __future__ import annotations

import contextlib

from lugnut.errors import FileInTheWay, OutsideEnvironment
from lugnut.system import files
from lugnut.transaction import journal
from lugnut.transaction.claims import Claim
from lugnut.transaction.content import Shown
from lugnut.transaction.errand import Errand
from lugnut.transaction.journal import Vanished
from lugnut.transaction.site import Site, stripe_name
from lugnut.transaction.spot import Spot
from lugnut.transaction.tree import group, split

MOST = 256
"""Files that are settled while a stripe is held once."""
_Wanted = dict[str, list[str]]
"""Names of files by directory."""


class Settler:
    """Settles paths on behalf of one transaction, whoever acts for it."""

    def __init__(self, site: Site, transaction: journal.Transaction) -> None:
        self._site = site
        self._errand = Errand(site, transaction)

    def settle(self, paths: list[str]) -> None:
        """Settle paths, up to `MOST` that one stripe guards at a time: reading claims is what settling costs."""
        stripes: dict[str, list[_Wanted]] = {}
        for directory, names in group(paths).items():
            batches = stripes.setdefault(stripe_name(self._site.environment, directory), [{}])
            if sum(map(len, batches[-1].values())) >= MOST:
                batches.append({})
            batches[-1][directory] = names
        for batch in (batch for batches in stripes.values() for batch in batches):
            self._settle_batch(batch)

    def _settle_batch(self, wanted: _Wanted) -> None:
        """Settle files of directories that have one stripe, under it."""
        self._site.settles += len(wanted)
        reached = {directory: names for directory, names in wanted.items() if self._warm(directory, names)}
        if not reached:
            return
        held = self._site.hold_stripe(*reached)
        try:
            while True:
                try:
                    self._settle_once(reached)
                except (Vanished, FileExistsError):  # somebody was faster: look again (M3)
                    continue
                return
        finally:
            held.close()

    def _warm(self, directory: str, names: list[str]) -> bool:
        """Hash outside the stripe; inside, what has not changed is known. False: what stands there is not ours."""
        try:
            opened = self._site.tree.directory(directory)
        except (OutsideEnvironment, FileInTheWay) as error:  # TRAPS 22, 23: what lies behind a symlink
            for name in names:
                self._errand.say(f"{directory}/{name}" if directory else name, str(error))
            return False
        self._look(opened, directory, names)
        return True

    def _look(self, opened: files.Directory | None, directory: str, names: list[str]) -> dict[str, Shown | None]:
        if opened is None:
            return dict.fromkeys(names)
        below = f"{directory}/" if directory else ""
        return {name: self._site.reader.show(opened, name, self._errand.likely(below + name)) for name in names}

    def _settle_once(self, wanted: _Wanted) -> None:
        self._site.tree.close()  # a directory removed and made again is another one: no old handle may speak for it
        tree = self._site.tree
        shown = {directory: self._look(tree.directory(directory), directory, wanted[directory]) for directory in wanted}
        claims = self._site.ledger.read_many(wanted)  # M2: only now
        self._errand.arrive()
        for directory in wanted:
            self._settle_directory(directory, shown[directory], claims[directory])

    def _settle_directory(self, directory: str, shown: dict[str, Shown | None], claims: dict[str, list[Claim]]) -> None:
        emptied = False
        for name, here in shown.items():
            path = f"{directory}/{name}" if directory else name
            emptied |= Spot(self._errand, path, here, claims[name]).settle()
        self._sweep(directory)
        opened = self._site.tree.directory(directory)
        if emptied or opened is None or not files.list_names(opened):
            self.remove_empty(directory)

    def _sweep(self, directory: str) -> None:
        """Remove temporary names of this transaction: its workers are gone, and nobody else uses them."""
        opened = self._site.tree.directory(directory)
        if opened is not None:
            for name in files.list_names(opened):
                if name.startswith(f".lugnut-{self._errand.transaction.id}-"):
                    files.unlink(opened, name)

    def remove_empty(self, directory: str) -> None:
        """Remove directories upwards while they are empty and ours to remove."""
        while directory and self._errand.may_remove(directory):
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
