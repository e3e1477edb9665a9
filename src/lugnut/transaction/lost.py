"""A run whose locks another one took while it held them: a host that was cut off, or stopped, and came back (TRAPS 9).

The other run took it for dead, undid or finished its transaction, and closed it. The commit is out of reach then, for
`open` is no longer there to be renamed. What is left to do is to withdraw what was placed since, and to say it.
"""

from __future__ import annotations

import contextlib

from lugnut.errors import EnvironmentLockLost, LockLost, LockLostLate, LugnutError
from lugnut.plan import Plan
from lugnut.system import locks
from lugnut.transaction import journal
from lugnut.transaction.hold import Names
from lugnut.transaction.recover import recover_one
from lugnut.transaction.site import Site


def withdraw(site: Site, transaction: journal.Transaction) -> None:
    """Withdraw what this run placed since another one undid its transaction; it has given its own locks back.

    Its plan is published once more, called off already and dead: it claims nothing, so it takes no lock, and whatever
    ends this run now leaves the rest to recovery. Who has lost the environment's lock does: he may claim no name.
    """
    words = locks.holder_words()
    again = journal.publish(site.home, _recall(transaction), words, durable=False, state=journal.ABORTED)
    again.lock.close()
    site.guard()
    recover_one(site, again.id, words, wait=True)


def _recall(transaction: journal.Transaction) -> Plan:
    """Give the plan with what the workers noted since: their notes went with the transaction."""
    made = [one.path for one in transaction.noted if one.file == "made"]
    adopted = [one.path for one in transaction.noted if one.file == "adopted"]
    plan = transaction.plan
    return plan._replace(directories=(*plan.directories, *made), adopted=(*plan.adopted, *adopted))


def find_lost(held: Names, transaction: journal.Transaction, error: BaseException) -> str:
    """Name a lock that was lost, where that is what lies behind an error that does not say so itself; else empty."""
    if isinstance(error, journal.Vanished):
        return f"{transaction.home.path}/{transaction.place}/lock"
    if isinstance(error, (OSError, LugnutError)) and not isinstance(error, (LockLost, EnvironmentLockLost)):
        with contextlib.suppress(OSError):
            return held.find_lost(unread=True)
    return ""


def see_kept(site: Site, held: Names) -> None:
    """See, once all is done, that the locks were this run's all the while, where a host may be cut off from them."""
    lost = ""
    if site.lists_late():
        with contextlib.suppress(OSError):
            lost = held.find_lost(unread=True)
    if lost:
        raise LockLostLate(path=lost)
