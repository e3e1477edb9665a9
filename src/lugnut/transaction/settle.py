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
from lugnut.transaction.errand import Errand
from lugnut.transaction.journal import Vanished
from lugnut.transaction.site import Site
from lugnut.transaction.spot import Spot
from lugnut.transaction.tree import group, split


class Settler:
    """Settles paths on behalf of one transaction, whoever acts for it."""

    def __init__(self, site: Site, transaction: journal.Transaction) -> None:
        self._site = site
        self._errand = Errand(site, transaction)

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
                self._errand.say(f"{directory}/{name}" if directory else name, str(error))
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
            emptied |= Spot(self._errand, path, shown[name], claims[name]).settle()
        self._sweep(directory)
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
