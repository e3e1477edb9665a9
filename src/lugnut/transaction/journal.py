"""The directory `.lugnut` and its transactions: published whole, their state a file's name, closed by one rename.

    .lugnut/format, locks/, kept/, altered/
    .lugnut/transactions/<id>/lock, holder.json, plan, open|committed|aborted, staged/, hidden/, made, adopted,
        made-<mark>, adopted-<mark>: what others left to it

A transaction is built as `new-<id>` and renamed, so it appears whole; it is renamed to `old-<id>` and deleted, so it
goes at once. Whoever reads one and finds it gone on the way has to look again (`Vanished`), never to believe it away.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time

from lugnut.errors import InternalError
from lugnut.events import Noted
from lugnut.plan import REMOVE, Plan
from lugnut.system import files, locks
from lugnut.transaction.home import FORMAT, REMAINING, TRANSACTIONS, is_tidy, list_ids, open_home
from lugnut.transaction.planfile import format_plan, parse_plan

__all__ = [
    "ABORTED", "COMMITTED", "CONTENT", "FORMAT", "HIDDEN", "OPEN", "REMAINING", "TRANSACTIONS", "Transaction",
    "Vanished", "close", "is_tidy", "leave", "list_ids", "list_notes", "make_place", "open_home", "publish",
    "read_notes", "read_plan", "read_state", "sweep", "tidy",
]  # fmt: skip

OPEN, COMMITTED, ABORTED = "open", "committed", "aborted"
ALTERED, UNREADABLE = "altered", "transaction"
"""Where in `.lugnut` what cannot be recovered lies, by its transaction; and how one whose plan is lost is called."""
CONTENT = "staged/content"
HIDDEN = "hidden"
_TRIES = 100
_NOT_EMPTY = {errno.ENOTEMPTY, errno.EEXIST, errno.EBUSY}


class Vanished(Exception):
    """What was being read is gone or was moved on: read again."""


class Transaction:
    """One transaction as a process has it in hand; `lock` is held by its owner or its recoverer."""

    def __init__(self, home: files.Directory, identity: str, plan: Plan, lock: locks.Held) -> None:
        self.home = home
        self.id = identity
        self.plan = plan
        self.lock = lock
        self.place = f"{TRANSACTIONS}/{identity}"
        self.noted: list[Noted] = []
        """What its workers have told that they noted, for where another run has removed it."""

    def state(self) -> str:
        """Read the state; raises Vanished where the transaction is no longer there."""
        return read_state(self.home, self.id)

    def change(self, old: str, new: str) -> None:
        """Change the state: one rename, the commit itself.

        Its ENOENT may be our own retransmission on a network file system: look again (TRAPS 26).
        """
        try:
            files.rename(self.home, f"{self.place}/{old}", self.home, f"{self.place}/{new}")
        except FileNotFoundError:
            if self.state() != new:
                raise

    def lend_place(self) -> files.Directory:
        """Open the transaction's own directory."""
        return files.enter_path(self.home, self.place)

    def notes(self, file: str) -> set[str]:
        """Read the paths noted."""
        return read_notes(self.home, self.id, file)

    def staged(self, name: str, kept: str) -> str:
        """Give where a content is staged, relative to `.lugnut`."""
        return f"{self.place}/{CONTENT}/{name}/{kept}"


def read_state(home: files.Directory, identity: str) -> str:
    """Read a transaction's state; `open` is looked for first, for no other state turns into it.

    Raises Vanished where the transaction is gone, ValueError where it has none.
    """
    for state in (OPEN, COMMITTED, ABORTED):
        if files.look(home, f"{TRANSACTIONS}/{identity}/{state}") is not None:
            return state
    raise _tell_gone(home, identity, "its state")


def _tell_gone(home: files.Directory, identity: str, what: str) -> Vanished | ValueError:
    """Tell a transaction that is gone from one that stands there and lacks a part: that one is damaged."""
    if files.look(home, f"{TRANSACTIONS}/{identity}") is None:
        return Vanished()
    return ValueError(f"{what} is missing")


def read_notes(home: files.Directory, identity: str, file: str) -> set[str]:
    """Read the paths that a transaction's workers noted in `made` or `adopted`, and what others left to it of these."""
    noted = b""
    with contextlib.suppress(FileNotFoundError), files.enter_path(home, f"{TRANSACTIONS}/{identity}") as directory:
        if directory.late:  # what another host left may be listed late (TRAPS 26)
            files.touch(directory)
        for name in list_notes(directory, file):
            with contextlib.suppress(FileNotFoundError):
                noted += files.read(directory, name, 1 << 30) + b"\n"
    return set(noted.decode().split("\n")) - {""}


def list_notes(directory: files.Directory, file: str) -> list[str]:
    """Name the files that a transaction's own notes and those left to it are in."""
    return [file, *(name for name in files.list_names(directory) if name.startswith(f"{file}-"))]


def leave(home: files.Directory, identity: str, note: str, path: str, *, new: bool) -> None:
    """Note for another transaction, which may be the last one at a path, what the giver knows of it and would do.

    In a file of the giver's own: the notes themselves are its workers', who may be another user's. Raises Vanished.
    """
    try:
        with files.enter_path(home, f"{TRANSACTIONS}/{identity}") as directory:
            if new:
                files.write(directory, note, path.encode() + b"\n")
            else:
                files.append(directory, note, path.encode() + b"\n")
    except FileNotFoundError:
        raise Vanished from None


def read_plan(home: files.Directory, identity: str) -> Plan:
    """Read a transaction's plan; raises Vanished where it is gone, ValueError where it has no sound plan."""
    try:
        return parse_plan(files.read(home, f"{TRANSACTIONS}/{identity}/plan", 1 << 30))
    except FileNotFoundError:
        raise _tell_gone(home, identity, "it") from None


def publish(home: files.Directory, plan: Plan, words: str, *, durable: bool, state: str = OPEN) -> Transaction:
    """Make a transaction appear, whole and in its first state; its lock is held by the caller."""
    for _ in range(_TRIES):
        try:
            transaction = _build(home, plan, words, durable=durable, state=state)
        except FileNotFoundError:  # swept away as somebody's remains before its lock was held, or the last one closed
            continue
        except BaseException:
            tidy(home)
            raise
        if transaction is not None:
            return transaction
    raise InternalError(message="a transaction could not be published")


def _build(home: files.Directory, plan: Plan, words: str, *, durable: bool, state: str) -> Transaction | None:
    identity = f"{time.time_ns():016x}-{os.urandom(4).hex()}"
    with files.enter(home, TRANSACTIONS, create=True, shared=True) as transactions:
        new = f"new-{identity}"
        with files.enter(transactions, new, create=True, shared=True) as directory:
            lock = locks.try_hold(directory, "lock")
            if lock is None:
                return None
            try:
                files.write(directory, "holder.json", words.encode() + b"\n")
                files.write(directory, "plan", format_plan(plan))
                files.write(directory, state, b"")
                for notes in ("made", "adopted") if directory.late else ():
                    files.write(directory, notes, b"")  # nobody is to remember that there are none (TRAPS 26)
                if any(action.kind != REMOVE for action in plan.actions):  # what only goes needs no mode of its own
                    files.check_modes(directory, state, home.path)
                files.enter_path(directory, CONTENT, create=True).close()
                if durable:
                    files.sync_volume(directory)
                files.rename(transactions, new, transactions, identity)
                if durable:
                    files.sync(transactions)
                if lock.still_there(directory):
                    return Transaction(home, identity, plan, lock)
            except BaseException:
                with contextlib.suppress(OSError):
                    _discard(transactions, new, lock)
                lock.close()
                raise
            lock.close()
            return None


def _discard(transactions: files.Directory, name: str, lock: locks.Held) -> None:
    """Delete a transaction; its name first: without its lock file nobody could tell that who made it is dead.

    Then its lock is given back, before the file goes: NFS and FUSE only give another name to an open file that is
    unlinked, and its directory would not be empty. What somebody who waits for it has open is left to the next sweep.
    """
    old = f"old-{name}"
    with contextlib.suppress(FileNotFoundError):  # our own, sent twice and answered late (TRAPS 26)
        files.rename(transactions, name, transactions, old)
    lock.close()
    try:
        files.remove_tree(transactions, old)
    except OSError as error:
        if error.errno not in _NOT_EMPTY:
            raise


def close(transaction: Transaction) -> None:
    """Make a transaction disappear: one rename, then its remains are deleted."""
    with files.enter(transaction.home, TRANSACTIONS) as transactions:
        _discard(transactions, transaction.id, transaction.lock)
    tidy(transaction.home)


def make_place(home: files.Directory, path: str) -> files.Directory:
    """Open a directory in `.lugnut`, made with those above; others tidy away what is empty at any moment (TRAPS 20)."""
    for _ in range(_TRIES):
        with contextlib.suppress(FileNotFoundError):
            return files.enter_path(home, path, create=True)
    return files.enter_path(home, path, create=True)


def tidy(home: files.Directory) -> None:
    """Remove the directories that are empty; `transactions` last, so that whoever is killed here leaves a sign."""
    with contextlib.suppress(OSError), files.enter(home, "kept") as kept:
        for name in files.list_names(kept):
            with contextlib.suppress(OSError):
                files.rmdir(kept, name)
    for name in ("kept", ALTERED, TRANSACTIONS):
        with contextlib.suppress(OSError):
            files.rmdir(home, name)


def sweep(home: files.Directory) -> None:
    """Delete what closed transactions and dead builders left; decided by their locks alone."""
    for name in files.list_names(home):
        if name.startswith(".lugnut-"):  # of a `format` being written: its writer, should he live, tries again
            with contextlib.suppress(FileNotFoundError):
                files.unlink(home, name)
    _sweep_locks(home)
    try:
        with files.enter(home, TRANSACTIONS) as transactions:
            for name in files.list_names(transactions):
                if name.startswith("old-"):
                    files.remove_tree(transactions, name)
                elif name.startswith("new-"):
                    _sweep_new(transactions, name)
    except FileNotFoundError:
        pass
    tidy(home)


def _sweep_locks(home: files.Directory) -> None:
    with contextlib.suppress(FileNotFoundError), files.enter(home, "locks") as place:
        for name in files.list_names(place):
            if name.startswith(files.UNFINISHED):  # of a lock being made: its maker, should he live, tries again
                with contextlib.suppress(FileNotFoundError):
                    files.unlink(place, name)


def _sweep_new(transactions: files.Directory, name: str) -> None:
    try:
        with files.enter(transactions, name) as directory:
            lock = locks.try_hold(directory, "lock", create=False)
            if lock is None:
                return
            try:
                if lock.still_there(directory) and files.look(transactions, name) is not None:
                    _discard(transactions, name, lock)
            finally:
                lock.close()
    except FileNotFoundError:
        with contextlib.suppress(OSError):  # no lock yet: empty, or its builder is about to make one
            files.rmdir(transactions, name)
