"""A directory of our own beside what is examined, gone at the end however that comes.

Lock is life here too: who examines holds a lock in it, and what a killed one left is swept by the next.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator

from lugnut.errors import CannotWrite, LockUnusable
from lugnut.system import files, locks

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


def sweep(parent: files.Directory) -> int:
    """Remove what killed ones left in a directory; gives how many there were."""
    swept = 0
    for name in files.list_names(parent):
        if not name.startswith(_PREFIX):
            continue
        with contextlib.suppress(OSError, LockUnusable, CannotWrite), files.enter(parent, name) as scratch:
            held = locks.try_hold(scratch, _ALIVE)
            if held is None:
                continue
            with held, contextlib.suppress(OSError):
                files.remove_tree(parent, name)
            files.remove_tree(parent, name)  # again: some systems remove no file that is open
            swept += 1
    return swept
