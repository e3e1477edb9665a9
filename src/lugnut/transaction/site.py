"""One environment as one process works on it, and its stripes: the leaf locks under which a path is settled."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Callable, Iterable

from lugnut.environment import Environment, key
from lugnut.errors import FileInTheWay, OutsideEnvironment
from lugnut.events import UNTIMED, Reporter, Timing, never
from lugnut.system import files, locks
from lugnut.transaction import content
from lugnut.transaction.claims import Ledger
from lugnut.transaction.home import learn_folding, mark_unsynced, refresh_roots
from lugnut.transaction.tree import Tree

STRIPES = 64
STRIPE_TIMEOUT = 30.0
"""Seconds: `--lock-timeout 0` asks not to wait for another run, not for the moment it takes to look at a directory."""


class Site:
    """One environment as one process works on it: its directories, its claims, its locks, and what it met."""

    def __init__(
        self, environment: Environment, home: files.Directory, patience: locks.Patience, report: Reporter
    ) -> None:
        environment = learn_folding(environment, home)  # where nothing stood yet nothing had told
        self.environment = environment
        self.home = home
        self.patience = patience
        self.report = report
        self.tree = Tree(environment)
        self.ledger = Ledger(environment, home)
        self.reader = content.Reader()
        self.timing: Timing = UNTIMED
        self.guard: Callable[[], None] = never
        """Called where a step would do harm if the lock of the environment is another run's by now; raises then."""
        self.exists = 0
        self.settles = 0
        self.late: bool | None = None
        """Whether what others have done may be seen late here, lock or no lock (TRAPS 26); None: not looked yet."""

    def close(self) -> None:
        """Give the handles back."""
        self.tree.close()

    def insist(self) -> None:
        """From here on nothing is called off: the run is being finished or undone, and that has its moments."""
        self.patience = self.patience._replace(cancelled=never)

    def hold_stripe(self, *directories: str) -> locks.Held:
        """Hold the stripe of directories that share one: a leaf lock, nothing is waited for while it is held."""
        with files.enter(self.home, "locks", create=True, shared=True) as place:
            held = locks.hold(place, stripe_name(self.environment, directories[0]), self.stripe_patience())
        try:
            self.refresh(*directories)
            self.guard()
        except BaseException:
            held.close()
            raise
        return held

    def refresh(self, *below: str) -> None:
        """See, having taken a lock, what others did before they gave it back, where listings are cached (TRAPS 26).

        A token made and removed in a directory makes a client of a network file system ask the server again. Those on
        the way to one `below`, whose names may be remembered as absent, have other stripes: they are touched.
        """
        if not self.lists_late():
            return
        self.tree.close()
        with contextlib.suppress(FileNotFoundError):  # one just removed was empty
            files.enter(self.home, "transactions", create=True, shared=True).close()
        refresh_roots(self.environment)
        for directory in dict.fromkeys(one for each in below for one in list_downwards(each)):
            # what is in the way is of no use to who holds its stripe either; one just removed needs nothing
            with contextlib.suppress(OutsideEnvironment, FileInTheWay, FileNotFoundError):
                opened = self.tree.directory(directory)
                if opened is not None and directory in below:
                    files.refresh(opened)
                elif opened is not None:
                    files.touch(opened)

    def refresh_kept(self, names: Iterable[str]) -> None:
        """See what others have kept of distributions where it is seen late (TRAPS 26).

        There a client remembers that nothing was kept, too, and asks again once it has changed the very directory. A
        token would bar the way of who removes one, since not all who keep anything there hold one stripe.
        """
        if not self.lists_late():
            return
        files.touch(self.home)
        with contextlib.suppress(FileNotFoundError), files.enter(self.home, "kept") as kept:
            files.touch(kept)
            for name in names:
                with contextlib.suppress(FileNotFoundError), files.enter(kept, name) as mine:
                    files.touch(mine)

    def lists_late(self) -> bool:
        """Say whether what others have done may be seen late here, lock or no lock (TRAPS 26)."""
        if self.late is None:
            self.late = files.lists_late(self.home)
        return self.late

    def mark_unsynced(self) -> None:
        """Note, before anything is shown, that it is not synced; not where hosts, each with boots of its own, share it.

        The note is on disk before what it is about: one journal keeps that order, between two it has to be made.
        """
        if not self.lists_late() and mark_unsynced(self.home) and not self._is_one_volume():
            files.sync(self.home)

    def _is_one_volume(self) -> bool:
        for directory in set(self.environment.schemes.values()):
            try:
                with files.open_root(directory) as root:
                    if not files.same_volume(root, self.home):
                        return False
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError:  # one that may be used and not read: it may be anywhere
                return False
        return True

    def roots(self) -> frozenset[str]:
        """Name the schemes' own directories, as RECORD spells them."""
        return frozenset(place.rstrip("/") for place in self.environment.places.values())

    def stripe_patience(self) -> locks.Patience:
        """Give how long a stripe is waited for: held for moments, it makes no run give up whatever its timeout."""
        return self.patience._replace(timeout=max(self.patience.timeout, STRIPE_TIMEOUT))


def list_downwards(directory: str) -> list[str]:
    """Give the directories on the way to one and itself, as RECORD spells them: a name on the way may be seen late too.

    Those that lie above all that is ours (`..`) are not among them.
    """
    parts = directory.split("/")
    return ["/".join(parts[: end + 1]) for end, part in enumerate(parts) if part != ".."]


def stripe_name(environment: Environment, directory: str) -> str:
    """Name the stripe of a directory."""
    return f"path-{zlib.crc32(key(environment, directory).encode()) % STRIPES:02x}.lock"


def pass_stripes(site: Site) -> None:
    """Wait until every settle that may have read the state before the commit has ended (M1).

    A stripe whose file does not exist has never been held; whoever makes it now reads the state after the commit.
    """
    with files.enter(site.home, "locks", create=True, shared=True) as place:
        if site.lists_late():  # that it did not exist a while ago says nothing (TRAPS 26)
            files.touch(place)
        for number in range(STRIPES):
            with contextlib.suppress(FileNotFoundError):
                locks.hold(place, f"path-{number:02x}.lock", site.stripe_patience(), create=False).close()
