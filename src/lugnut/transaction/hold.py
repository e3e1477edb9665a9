"""Distribution locks: all of a run's names, sorted, or none; and what another installer's lock is to us.

One order, no exceptions: uv's lock shared, that of changes, distribution locks sorted, transaction, stripe (DESIGN 5).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable

from lugnut.distribution import Name
from lugnut.environment import Environment
from lugnut.errors import CannotWrite, LockLost, LockUnusable
from lugnut.system import files, locks

LOCKS = "locks"
CHANGES, TURNSTILE = "_changes.lock", "_sync.lock"
"""A readers-writer lock: every change beside others has the first one shared, who is alone has it for itself, and the
second one, which every change passes through: so those who come later do not keep who waits to be alone waiting."""


class Names:
    """The locks of a set of names, held until `close()`; a change enters first."""

    def __init__(self, home: files.Directory) -> None:
        self._home = home
        self._alone: list[locks.Held] = []
        self._beside: locks.Held | None = None
        self._held: list[locks.Held] = []

    def enter(self, patience: locks.Patience, words: str, *, alone: bool) -> None:
        """Come in as a change, `alone` or beside others; who recovers makes none of his own.

        The words tell who waits to be alone who is there, and who has lost that that somebody is. Raises LockTimeout,
        LockUnusable.
        """
        with files.enter(self._home, LOCKS, create=True, shared=True) as place:
            turnstile = locks.hold(place, TURNSTILE, patience, shared=not alone)
            if alone:
                self._alone.append(turnstile)
                turnstile.claim(words)
                self._alone.append(locks.hold(place, CHANGES, patience))
                self._alone[-1].claim(words)
                return
            with turnstile:
                self._beside = locks.hold(place, CHANGES, patience, shared=True)
            with contextlib.suppress(OSError):  # held it is; where nothing can be written the names' locks will say so
                self._beside.claim(words)

    def take(self, names: Iterable[Name], patience: locks.Patience, words: str) -> Names:
        """Take every lock in sorted order; on any failure none is held. Raises LockTimeout, LockUnusable."""
        try:
            with files.enter(self._home, LOCKS, create=True, shared=True) as place:
                for name in sorted(set(names)):
                    held = locks.hold(place, f"{name}.lock", patience)
                    self._held.append(held)
                    held.claim(words)
        except BaseException:
            self.release()
            raise
        return self

    def try_take(self, names: Iterable[Name], words: str) -> bool:
        """Take every lock that is free; False, and none held, where one is not."""
        with files.enter(self._home, LOCKS, create=True, shared=True) as place:
            for name in sorted(set(names)):
                held = locks.try_hold(place, f"{name}.lock")
                if held is None:
                    self.release()
                    return False
                self._held.append(held)
                held.claim(words)
        return True

    def check(self) -> None:
        """See, before the commit, that nobody took a lock meanwhile; raises LockLost (TRAPS 4, 9)."""
        if lost := self.find_lost():
            raise LockLost(path=lost)

    def find_lost(self, *, unread: bool = False) -> str:
        """Find a lock that somebody else took meanwhile, and give its path; empty where all are kept.

        One that cannot be read now counts as `unread` says: it is no base for a commit, nor proof that it was taken.
        """
        with files.enter(self._home, LOCKS) as place:
            return next((held.path for held in (*self._alone, *self._held) if not held.kept(place, unread=unread)), "")

    def release(self) -> None:
        """Release the names, and stay a change."""
        while self._held:
            self._held.pop().close()

    def close(self) -> None:
        """Release them all."""
        self.release()
        if self._beside is not None:
            self._beside.close()
            self._beside = None
        while self._alone:
            self._alone.pop().close()


def hold_uv(environment: Environment, patience: locks.Patience) -> locks.Held | None:
    """Hold uv's own lock of the environment shared, where there is such a place and it can be written.

    Best effort: uv itself goes on without it (TRAPS 2). A lock that is busy is waited for like our own.
    """
    if environment.uv_lock is None or not locks.LOCKS_LIKE_UV:
        return None
    directory, name = os.path.split(environment.uv_lock)
    with contextlib.suppress(OSError, LockUnusable, CannotWrite), files.open_root(directory) as place:
        return locks.hold(place, name, patience, shared=True)
    return None
