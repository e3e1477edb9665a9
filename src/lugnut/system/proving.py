"""Whether locks lock in a directory: tried between two processes, and the trial itself tried on locks that do not.

What is asked of a file system is what the engine lives by (DESIGN 5): of two processes one has the lock, whoever came
first; shared holders keep an exclusive one out; a killed holder's lock is free; and what a holder wrote into the file
is what the next one reads, since by that a lost lock is noticed (TRAPS 9).
"""

from __future__ import annotations

from collections.abc import Callable

from lugnut.errors import CannotWrite, LockTimeout, LockUnusable
from lugnut.system import files, locks
from lugnut.system.witness import BROKEN, HOLD, LEAVE, PRETEND, SHARE, Silent, Unstarted, Witness
from lugnut.typed import NamedTuple

GRACE = 5.0
"""Seconds in which a killed process's lock should be free: the kernel frees it at once, a server may take longer."""
BOTH = "two processes held one lock at the same time"
BESIDE = "one process held a lock shared while another had it alone"
UNSHARED = "two processes cannot share a lock"
REFUSED = "a lock that nobody held was not to be had"
ORPHANED = f"{GRACE:.0f} s after a process was killed its lock was still held"
STALE = "what the holder of a lock wrote into it was not what the next one read"
BLIND = "the probe took a broken lock for a good one, so that what it says of locks means nothing"


class Locking(NamedTuple):
    """What came of it; each is why not, and empty where it is as it should be."""

    excludes: str = ""
    shares: str = ""
    dies: str = ""
    """A killed holder's lock is free."""
    remembers: str = ""
    """The next holder reads what the one before it wrote."""
    blind: str = ""
    """The probe noticed each lock that does not lock, and one that outlived its holder."""
    untried: str = ""
    """Why nothing of this was tried, where that is not because of the locks; the other parts are empty then."""


def prove(directory: files.Directory, cancelled: Callable[[], None]) -> Locking:
    """Try locks in a directory of our own; where they cannot be tried every part says why."""
    try:
        with Witness(cancelled) as first, Witness(cancelled) as second:
            excludes = _keep_out(directory, first, HOLD) or _stay_out(directory, first, HOLD)
            shares = excludes or _share(directory, first)
            blind = _notice_broken(directory, first) or ("" if excludes else _notice_orphan(directory, first, second))
            dies, remembers = (excludes, "") if excludes else _outlive(directory, "mortal.lock", second)
            return Locking(excludes, shares, dies, remembers, blind)
    except LockUnusable as error:
        reason = str(error.data["reason"])
    except Unstarted as error:
        return Locking(untried=str(error))
    except CannotWrite as error:
        reason = str(error.data["reason"])
    except OSError as error:
        reason = error.strerror or str(error)
    except Silent as error:
        reason = str(error)
    return Locking(reason, reason, reason, reason, reason)


def _keep_out(directory: files.Directory, other: Witness, act: str) -> str:
    """Try to take what the other process holds; give why we are not kept out."""
    answer = other.ask(act, directory, "first.lock")
    found = answer.reason or (_find_free(directory, "first.lock", BOTH) if answer.held else REFUSED)
    other.ask(LEAVE, directory, "first.lock")
    return found


def _stay_out(directory: files.Directory, other: Witness, act: str) -> str:
    """Have the other process try to take what we hold; give why it is not kept out."""
    held = locks.try_hold(directory, "second.lock")
    if held is None:
        return REFUSED
    with held:
        answer = other.ask(act, directory, "second.lock")
    other.ask(LEAVE, directory, "second.lock")
    return answer.reason or (BOTH if answer.held else "")


def _find_free(directory: files.Directory, name: str, wrong: str, *, shared: bool = False) -> str:
    """Give what is wrong, where a lock is free that should not be."""
    mine = locks.try_hold(directory, name, shared=shared)
    if mine is None:
        return ""
    mine.close()
    return wrong


def _share(directory: files.Directory, other: Witness) -> str:
    """Share a lock with the other process, and see that nobody has it alone meanwhile."""
    answer = other.ask(SHARE, directory, "shared.lock")
    if not answer.held:
        return answer.reason or REFUSED
    together = _find_free(directory, "shared.lock", "free", shared=True)
    found = _find_free(directory, "shared.lock", BESIDE) if together else UNSHARED
    other.ask(LEAVE, directory, "shared.lock")
    return found


def _outlive(
    directory: files.Directory, name: str, holder: Witness, act: str = HOLD, seconds: float = GRACE
) -> tuple[str, str]:
    """Kill the holder of a lock and take it; give why it is not free, and why what it wrote is not read."""
    answer = holder.ask(act, directory, name)
    holder.kill()
    try:
        with locks.hold(directory, name, locks.Patience(seconds)) as mine:
            return "", "" if mine.claim(locks.holder_words()) == answer.generation + 1 else STALE
    except LockTimeout:
        return ORPHANED, ""


def _notice_broken(directory: files.Directory, other: Witness) -> str:
    """Try locks that are broken, one that does nothing and one of another file: both ways have to notice them."""
    for act in BROKEN:
        if not (_keep_out(directory, other, act) and _stay_out(directory, other, act)):
            return BLIND
    return ""


def _notice_orphan(directory: files.Directory, doomed: Witness, other: Witness) -> str:
    """Try a lock that outlives who says it holds it, since another one does: that has to be noticed, and ends one."""
    other.ask(HOLD, directory, "orphan.lock")
    outlived, _ = _outlive(directory, "orphan.lock", doomed, PRETEND, 0)
    other.ask(LEAVE, directory, "orphan.lock")
    return "" if outlived else BLIND
