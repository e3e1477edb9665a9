"""How an act enters an environment: by what its caller says of locks, and what the environment remembers of them.

Every act that changes the environment or `.lugnut` enters so: a transaction, the recovery of the dead, forgetting.
"""

from __future__ import annotations

from lugnut.errors import BackendNeeded
from lugnut.events import Note
from lugnut.transaction import home as homes
from lugnut.transaction.guard import Guard
from lugnut.transaction.site import Site


def hold_guard(site: Site, backend: str, words: str) -> Guard:
    """Begin an act, by what the caller says (`backend`: empty, `flock` or a URL) and the environment remembers.

    Raises BackendNeeded where its hosts lock it by a server and the caller said nothing, LockTimeout, BackendUnusable.
    """
    remembered = homes.read_backend(site.home)
    if backend in {"", homes.FLOCK}:
        if remembered == homes.FLOCK:
            return Guard(site)
        if not backend:
            raise BackendNeeded(path=f"{site.home.path}/format")
        homes.write_backend(site.home, homes.FLOCK)
        site.report(Note("warning", f"{site.home.path} was locked by Redis, and is by flock alone from now on"))
        return Guard(site)
    from lugnut.transaction.fence import hold_fence

    return hold_fence(site, backend, words)
