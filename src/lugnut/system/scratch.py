"""A directory of our own beside what is examined, gone at the end however that comes.

Lock is life here too: who examines holds a lock in it, and what a killed one left is swept by the next.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator

from lugnut.errors import CannotWrite, LockUnusable
from lugnut.system import files, locks
from lugnut.system.proving import prove

_PREFIX = ".lugnut-doctor-"
_ALIVE = "alive"
_TRIES = 10


@contextlib.contextmanager
def lend_scratch(parent: files.Directory) -> Iterator[files.Directory]:
    """Make and lend a directory in `parent`; OSError where none can be made there."""
    name, held = _begin(parent)
    try:
        with files.enter(parent, name) as scratch:
            yield scratch
    finally:
        if held is not None:
            held.close()  # before it is removed: where a file that is open cannot be
        with contextlib.suppress(OSError):  # what is left is swept by the next
            files.remove_tree(parent, name)


def _begin(parent: files.Directory) -> tuple[str, locks.Held | None]:
    """Make it and show that it is in use, unless another one swept it in between."""
    for _ in range(_TRIES):
        name = files.temporary_name("doctor")
        files.mkdir(parent, name)
        try:
            with files.enter(parent, name) as scratch:
                held = locks.try_hold(scratch, _ALIVE)
            if held is not None:
                return name, held
        except FileNotFoundError:
            continue
        except (CannotWrite, LockUnusable):  # no locks here, so that nobody sweeps either
            return name, None
        except BaseException:
            with contextlib.suppress(OSError):
                files.remove_tree(parent, name)
            raise
    raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), parent.path)


def sweep(parent: files.Directory, own: files.Directory, mine: set[str], cancelled: Callable[[], None]) -> int:
    """Remove what killed ones left in a directory; gives how many there were.

    Nothing is removed where locks do not tell who lives, which is tried in `own`, nor what is named among `mine`.
    """
    left = [name for name in files.list_names(parent) if name.startswith(_PREFIX) and name not in mine]
    if not left:
        return 0
    found = prove(own, cancelled)
    if found.excludes or found.untried:
        return 0
    return sum(_sweep_one(parent, name) for name in left)


def _sweep_one(parent: files.Directory, name: str) -> bool:
    with contextlib.suppress(OSError, LockUnusable, CannotWrite), files.enter(parent, name) as left:
        held = locks.try_hold(left, _ALIVE)
        if held is None:
            return False
        with held, contextlib.suppress(OSError):
            files.remove_tree(parent, name)
        files.remove_tree(parent, name)  # again: some systems remove no file that is open
        return True
    return False
