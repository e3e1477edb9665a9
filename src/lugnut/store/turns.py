"""Which wheels a run has to admit, and whose turn it is: of many runs that want the same, one does the work (G9)."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence

from lugnut.distribution import WheelHash
from lugnut.errors import BadWheel, CannotWrite, LockTimeout, LockUnusable
from lugnut.store.entries import hash_wheel
from lugnut.store.index import look_up
from lugnut.store.place import Store, open_locks, turn_lock
from lugnut.system import files, locks
from lugnut.wheel import inflation, metadata

_SMALL = 1 << 20
"""Bytes of a wheel that is hashed sooner than workers are started for it."""


def find_missing(store: Store, paths: Sequence[str]) -> list[str]:
    """Name the wheels, in order, that the store may not hold: it knows neither their path nor small ones' hash.

    From the first that is missing on, workers are needed anyway: they hash what else is unknown.
    """
    missing: list[str] = []
    with files.open_root(store.root) as root:
        for path in paths:
            known = look_up(store, path)
            if known is None and not missing:
                known = _hash_small(store, path)
            if known is None or files.look(root, known) is None:
                missing.append(path)
    return missing


def _hash_small(store: Store, path: str) -> WheelHash | None:
    with contextlib.suppress(OSError, BadWheel):  # whoever admits it will say what is wrong with it
        if os.path.getsize(path) <= _SMALL:
            return hash_wheel(store, path)
    return None


@contextlib.contextmanager
def take_turns(store: Store, paths: Sequence[str], patience: locks.Patience) -> Iterator[None]:
    """Let one run at a time admit these very wheels: those that waited find them all there, and start no workers.

    That saves work and guards nothing, since every entry is filled under a lock of its own: who waited in vain goes on.
    """
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(LockTimeout, LockUnusable, CannotWrite, OSError):
            with open_locks(store) as place:
                held = stack.enter_context(locks.hold(place, turn_lock(paths), patience))
            held.claim(locks.holder_words())
        yield


def prepare() -> None:
    """Import what every admission takes: once, before workers are forked that would each do it."""
    locks.prepare()
    metadata.prepare()
    inflation.find_engine()
