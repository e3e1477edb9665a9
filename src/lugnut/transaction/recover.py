"""Finish or undo what a dead run left. Lock is life: a transaction whose locks are all free has no owner any more.

Recovery takes the dead one's distribution locks, sorted, then its transaction lock, and looks again whether it is
still there and in which state. It may itself be killed: whoever comes next finds the same.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection

from lugnut.distribution import Name
from lugnut.errors import BrokenTransaction, LugnutError
from lugnut.events import Recovered
from lugnut.plan import Plan
from lugnut.system import files, locks
from lugnut.transaction import journal
from lugnut.transaction.commit import abort, finish
from lugnut.transaction.hold import Names
from lugnut.transaction.site import Site


def recover_dead(site: Site, words: str) -> None:
    """Recover every dead transaction, waiting for nobody; what cannot be is reported and blocks its own names."""
    site.lists_late()  # what has this handle look anew from here on
    with contextlib.suppress(OSError):  # a read-only environment has nothing that can be swept
        journal.sweep(site.home)
    for identity in journal.list_ids(site.home):
        try:
            recover_one(site, identity, words, wait=False)
        except LugnutError as error:
            site.report(Recovered(identity, "blocked", _names(site, identity), str(error)))


def recover_named(site: Site, names: Collection[Name], words: str) -> bool:
    """Recover the dead transactions on some names, waiting for their locks; True if there were any.

    The caller held those names a moment ago and has released them all: whatever stands on them is dead, or is being
    recovered by somebody else. Raises BrokenTransaction where one cannot be.
    """
    found = False
    for identity in journal.list_ids(site.home):
        if not set(_names(site, identity)).isdisjoint(names):
            found = True
            recover_one(site, identity, words, wait=True)
    return found


def find_named(site: Site, names: Collection[Name]) -> bool:
    """Say whether a transaction stands on some names; the caller holds them, so it would be a dead one."""
    return any(not set(_names(site, identity)).isdisjoint(names) for identity in journal.list_ids(site.home))


def _names(site: Site, identity: str) -> tuple[Name, ...]:
    try:
        return site.ledger.plan(identity).names()
    except (journal.Vanished, ValueError, OSError):
        return ()


def recover_one(site: Site, identity: str, words: str, *, wait: bool) -> None:
    """Recover one transaction if it is dead; as `recover_named` if that is to `wait`, else as `recover_dead`."""
    try:
        plan = site.ledger.plan(identity)
        journal.read_state(site.home, identity)
    except journal.Vanished:
        return
    except ValueError as error:
        _set_aside(site, identity, str(error))
        return
    names = Names(site.home)
    try:
        if wait:
            names.take(plan.names(), site.patience, words)
        elif _is_held(site, identity) or not names.try_take(plan.names(), words):
            return
        site.refresh()
        _finish(site, identity, plan)
    except OSError as error:
        reason = error.strerror or str(error)
        raise BrokenTransaction(path=f"{site.home.path}/{journal.TRANSACTIONS}/{identity}", reason=reason) from None
    finally:
        names.close()


def _is_held(site: Site, identity: str) -> bool:
    """Ask the transaction's own lock first: a living run's names are not even tried."""
    try:
        with files.enter_path(site.home, f"{journal.TRANSACTIONS}/{identity}") as directory:
            lock = locks.try_hold(directory, "lock", create=False)
    except FileNotFoundError:
        return False
    if lock is None:
        return True
    lock.close()
    return False


def _finish(site: Site, identity: str, plan: Plan) -> None:
    try:
        with files.enter_path(site.home, f"{journal.TRANSACTIONS}/{identity}") as directory:
            lock = locks.hold(directory, "lock", site.patience, create=False)
            _wait_for_writers(directory, site)
            if not lock.still_there(directory) or files.look(site.home, f"{journal.TRANSACTIONS}/{identity}") is None:
                lock.close()
                return
    except FileNotFoundError:
        return  # somebody else recovered it
    transaction = journal.Transaction(site.home, identity, plan, lock)
    try:
        state = transaction.state()
        with contextlib.suppress(OSError):  # where nothing more finds room the dead have to be recovered all the same
            site.mark_unsynced()
        if state == journal.COMMITTED:
            finish(site, transaction, dead=True)
        else:
            abort(site, transaction)
        outcome = "finished" if state == journal.COMMITTED else "undone"
        site.report(Recovered(identity, outcome, plan.names()))
    except journal.Vanished:
        return
    finally:
        lock.close()


def _wait_for_writers(directory: files.Directory, site: Site) -> None:
    """Wait for spawned workers that inherited no lock (TRAPS 7): the state changes first, so no new one begins."""
    if files.look(directory, journal.OPEN) is not None:
        with contextlib.suppress(FileNotFoundError):
            files.rename(directory, journal.OPEN, directory, journal.ABORTED)
    for name in files.list_names(directory):
        if name.startswith("writer-"):
            locks.hold(directory, name, site.patience, create=False).close()


def _set_aside(site: Site, identity: str, reason: str) -> None:
    """Put a transaction that cannot be read out of the way: it must not be a dead end."""
    if _is_held(site, identity):
        return
    with journal.make_place(site.home, f"{journal.ALTERED}/{identity}") as aside:
        try:
            files.rename(site.home, f"{journal.TRANSACTIONS}/{identity}", aside, journal.UNREADABLE)
        except FileNotFoundError:  # somebody else did
            return
    site.report(
        Recovered(identity, "blocked", (), f"its plan cannot be read ({reason}); it was moved to .lugnut/altered")
    )
