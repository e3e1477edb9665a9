"""What a worker has at hand for all of its jobs of one transaction, opened once."""

from __future__ import annotations

import os

from lugnut.environment import Environment
from lugnut.events import Noted, Reporter
from lugnut.plan import Origin
from lugnut.store.place import Store
from lugnut.system import files, locks, workers
from lugnut.transaction import content, journal
from lugnut.transaction.site import Site
from lugnut.transaction.tree import Tree
from lugnut.typed import NamedTuple


class Terms(NamedTuple):
    """What all jobs of one transaction have in common; it crosses to worker processes."""

    environment: Environment
    store: Store
    transaction: str
    adopted: frozenset[str]
    forced: frozenset[str]
    directories: frozenset[str]
    link_mode: str
    lock_timeout: float
    spawned: bool
    timed: bool = False
    """Whether the coordinator wants to know what was waited for."""


class Bench(files.Closing):
    """What a worker has at hand for all of its jobs: the environment, and the transaction's own directory."""

    def __init__(self, terms: Terms, emit: Reporter) -> None:
        self.terms = terms
        self.store = terms.store
        home = journal.open_home(terms.environment, create=False)
        assert home is not None  # noqa: S101 - the transaction is in it
        self.home = home
        patience = locks.Patience(terms.lock_timeout, cancelled=workers.stopped, waits=emit if terms.timed else None)
        self.site = Site(terms.environment, home, patience, emit)
        self.own = files.enter_path(home, f"{journal.TRANSACTIONS}/{terms.transaction}")
        self._staged: files.Directory | None = None
        self._writer = self._hold_writer() if terms.spawned else None
        self.tree = Tree(terms.environment, self._note_directory, terms.directories)
        self.placer = content.Placer(terms.transaction, terms.link_mode)
        self._batch = files.Batch()
        self._emit = emit

    def _hold_writer(self) -> locks.Held:
        """Hold a lock of this spawned writer: it inherited none, and recovery must wait for it (TRAPS 7)."""
        held = locks.try_hold(self.own, f"writer-{os.getpid()}")
        if held is None or journal.read_state(self.home, self.terms.transaction) != journal.OPEN:
            raise workers.Stopped
        return held

    def is_open(self) -> bool:
        """Say whether the transaction is still open: nobody has taken its run for dead."""
        try:
            return journal.read_state(self.home, self.terms.transaction) == journal.OPEN
        except (journal.Vanished, ValueError):
            return False

    def see_open(self) -> None:
        """See, before a step is tried again, that the transaction is still open; raises Vanished, or Stopped.

        Another run may have taken this one for dead and closed it: what cannot be noted there never can be (TRAPS 9).
        """
        workers.look_now()
        if not self.is_open():
            raise journal.Vanished

    def _note_directory(self, relative: str) -> None:
        if relative not in self.terms.directories:
            self.note("made", relative)

    def note(self, file: str, path: str) -> None:
        """Add one path to `made` or `adopted`, in one write, before the deed; and tell the coordinator, before it too.

        Where another run takes this one for dead the file goes with the transaction, whatever ends this worker then.
        """
        files.append(self.own, file, path.encode() + b"\n")
        self._emit(Noted(file, path))

    @property
    def staged(self) -> files.Directory:
        """Where dist-infos wait to be shown."""
        if self._staged is None:
            self._staged = files.enter(self.own, "staged", create=True, shared=True)
        return self._staged

    def stage(self, origin: Origin, directory: files.Directory, name: str) -> None:
        """Write a file of a dist-info, whose directory is open.

        Each has its own, though INSTALLER says the same in all of them: who edits one edits one (TRAPS 15).
        """
        self._batch.write(directory, name, (origin.data or b"",), mode=0o644, mtime=origin.mtime)

    def lend_stage(self, name: str) -> files.Directory:
        """Open where the new content of a distribution is staged, made if it is missing."""
        return files.enter_path(self.own, f"{journal.CONTENT}/{name}", create=True)

    def close(self) -> None:
        """Give everything back."""
        for handle in (self.tree, self.site, self._staged, self.own, self.home, self._writer):
            if handle is not None:
                handle.close()
