"""One command's run: its environment, its settings, what it hears and says, and the store it works with."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence

from lugnut.distribution import Name
from lugnut.errors import (
    BackendNeeded,
    BackendUnusable,
    CannotWrite,
    EnvironmentLockLost,
    HostsNotApart,
    LockTimeout,
    LockUnusable,
    Unsupported,
)
from lugnut.events import Conflict, Counted, Event, LeftAlone, LockWaiting, Note, Recovered, SetAside, Span
from lugnut.interpreter.asking import find_environment
from lugnut.interpreter.discovery import Target
from lugnut.settings import Report, Settings, Watch
from lugnut.store.place import Store, find_cache, open_store
from lugnut.system import files, locks
from lugnut.transaction import home as homes
from lugnut.transaction.outcome import Outcome
from lugnut.typed import Any

_HINDRANCES = (
    LockTimeout, LockUnusable, BackendNeeded, BackendUnusable, CannotWrite, EnvironmentLockLost, HostsNotApart,
    Unsupported,
)  # fmt: skip
"""What keeps a command from looking after the dead, and is no reason to do nothing else."""


class Run:
    """Gathers what is reported while a command runs, and hands it on."""

    def __init__(self, target: Target, settings: Settings, watch: Watch) -> None:
        self._started = time.monotonic()
        self.target = target
        self.environment = find_environment(target)
        chosen = settings.resolving
        if chosen.python_version or chosen.platform:
            from lugnut.interpreter.elsewhere import look_elsewhere

            self.environment = look_elsewhere(self.environment, chosen.python_version, chosen.platform, target.environ)
        self.settings = settings
        self.cancelled = watch.cancelled
        self.timing = watch.timing
        self._listener = watch.report
        self._heard: list[Event] = []
        self._waits = 0

    @property
    def jobs(self) -> int:
        """How many workers it may have."""
        from lugnut.system import workers

        return self.settings.jobs or workers.default_count()

    @property
    def start_method(self) -> str:
        """How they are started."""
        from lugnut.system import workers

        return self.settings.start_method or workers.default_start_method()

    def with_settings(self, settings: Settings) -> Run:
        """Give the same run under other settings; what either hears, both have heard."""
        other = object.__new__(Run)
        other.__dict__.update(self.__dict__, settings=settings)
        return other

    def report(self, event: Event) -> None:
        """Remember an event for the report, and pass it on; where this process's time went is the timeline's alone.

        A note is said once, though a run that begins anew comes to it again.
        """
        if isinstance(event, Span):
            self.timing.add(event)
            return
        if isinstance(event, Note) and event in self._heard:
            return
        self._heard.append(event)
        self._listener(event)

    def recovered(self) -> frozenset[str]:
        """Give the dead transactions of which something has been told."""
        return frozenset(event.transaction for event in self._heard if isinstance(event, Recovered))

    def _wait(self, path: str, holder: str, seconds: float) -> None:
        self.report(LockWaiting(path, holder, seconds))

    def patience(self) -> locks.Patience:
        """Give how long this run waits for a lock."""
        return locks.Patience(self.settings.lock_timeout, self._wait, self._tick, self.timing.waits)

    def _tick(self) -> None:
        self._waits += 1
        self.cancelled()

    def idle(self, names: Sequence[Name]) -> bool:
        """Say, without a lock, whether no transaction stands on any of these names."""
        home = homes.open_home(self.environment, create=False)
        if home is None:
            return True
        with home:
            return not any(_acts_on(home, identity, names) for identity in homes.list_ids(home))

    def find_coming(self) -> frozenset[Name]:
        """Name, without a lock, what transactions are about that are committed, and not shown for sure yet."""
        home = homes.open_home(self.environment, create=False)
        if home is None:
            return frozenset()
        with home:
            return frozenset().union(*(_list_coming(home, identity) for identity in homes.list_ids(home)))

    def recover_dead(self, *, asked: bool = False, reads: bool = False) -> list[str]:
        """Recover what dead runs left, without waiting for anybody; a read-only environment is only told of.

        `asked`: it is what the command is for, so that what hinders it is an error. One that only `reads` does not
        wait to learn whether another host's run is dead, as one that changes something has to. Gives the marks of
        other boots (PROTOCOL: after a power cut): what was committed then may have been lost.
        """
        homes.see_anew(self.environment)
        home = homes.open_home(self.environment, create=False)
        if home is None:
            return []
        with home:
            names = files.list_names(home)
            if not homes.is_tidy(names) or (asked and self.settings.lock_backend):
                self._recover_dead(home, asked=asked, reads=reads)
        return homes.find_stale(names)

    def _recover_dead(self, home: files.Directory, *, asked: bool, reads: bool) -> None:
        from lugnut.transaction.recover import recover_dead

        try:
            with self._lock(home, passing=reads) as site:
                recover_dead(site, locks.holder_words())
        except _HINDRANCES as error:
            if asked:
                raise
            # somebody is at work, or nobody may be: whoever changes something will be told
            self.report(Note("note", f"what a killed run may have left is not looked at: {error}"))

    @contextlib.contextmanager
    def _lock(self, home: files.Directory, *, passing: bool = False) -> Iterator[Any]:
        """Lend the environment, as a `Site`, under its guard, whose own lock is tried once."""
        from lugnut.transaction.entrance import hold_guard, see_ground
        from lugnut.transaction.site import Site

        see_ground(self.environment, self.settings.lock_backend)
        once = self.patience()._replace(timeout=0)
        site = Site(self.environment, home, once, self.report)
        try:
            with hold_guard(site, self.settings.lock_backend, locks.holder_words(), passing=passing):
                site.patience = self.patience()
                yield site
        finally:
            site.close()

    def forget(self) -> None:
        """Remove an idle `.lugnut`; a loser's content that is kept there is lost, and it is said."""
        home = homes.open_home(self.environment, create=False)
        if home is None:
            return
        with home, self._lock(home):
            if homes.list_ids(home):
                raise LockTimeout(seconds=0, path=home.path, holder="in use by another run")
            self._say_lost(home)
            with files.open_root(self.environment.purelib) as root:
                files.remove_tree(root, ".lugnut")
        self.report(Note("info", f"removed {home.path}"))

    def _say_lost(self, home: files.Directory) -> None:
        for part, what in (("kept", "the files that another distribution shadows"), ("altered", "files set aside")):
            if files.look(home, part) is not None:
                with files.enter(home, part) as directory:
                    names = ", ".join(files.list_names(directory))
                self.report(Note("warning", f"forgotten: {what} ({names})"))

    def close(self, outcome: Outcome) -> Report:
        """Make the report; every part of it is sorted."""
        heard = self._heard
        return Report(
            self.environment.prefix,
            changes=tuple(sorted(outcome.changes, key=lambda one: (one.name, one.action))),
            conflicts=tuple(sorted({event for event in heard if isinstance(event, Conflict)})),
            recovered=tuple(sorted(event for event in heard if isinstance(event, Recovered))),
            set_aside=tuple(sorted(event for event in heard if isinstance(event, SetAside))),
            left_alone=tuple(sorted({event for event in heard if isinstance(event, LeftAlone)})),
            counted=Counted(outcome.exists, outcome.settles, self._waits),
            dry_run=self.settings.dry_run,
            markers=dict(self.environment.markers) if self.settings.describe else {},
            seconds=round(time.monotonic() - self._started, 3),
        )


def _acts_on(home: files.Directory, identity: str, names: Sequence[Name]) -> bool:
    """Say whether a transaction is on any of these names, or may be."""
    from lugnut.transaction import journal

    try:
        return not set(journal.read_plan(home, identity).names()).isdisjoint(names)
    except (journal.Vanished, ValueError):
        return True


def _list_coming(home: files.Directory, identity: str) -> Sequence[Name]:
    """List what a transaction is about, if it is committed: one that is open comes after whoever looks now."""
    from lugnut.transaction import journal

    try:
        committed = journal.read_state(home, identity) == journal.COMMITTED
        return journal.read_plan(home, identity).names() if committed else ()
    except (journal.Vanished, ValueError):
        return ()


@contextlib.contextmanager
def keep_store(settings: Settings) -> Iterator[Store]:
    """Open the store; under --no-cache one of this run's own, removed at the end."""
    if not settings.no_cache:
        yield open_store(find_cache(settings.cache_dir))
        return
    with files.lend_directory() as own:
        yield open_store(own)
