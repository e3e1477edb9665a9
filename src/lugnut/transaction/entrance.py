"""How an act enters an environment: by what its caller says of locks, and what the environment remembers of them.

Every act that changes the environment or `.lugnut` enters so: a transaction, the recovery of the dead, forgetting.
"""

from __future__ import annotations

from lugnut.environment import Environment
from lugnut.errors import BackendNeeded, HostsNotApart
from lugnut.events import Note
from lugnut.system import files
from lugnut.transaction import home as homes
from lugnut.transaction.guard import Guard
from lugnut.transaction.site import Site


def see_ground(environment: Environment, backend: str) -> None:
    """See, before anything is made there, that runs of several hosts can be kept apart where an environment lies.

    Raises HostsNotApart. What no other host changes (all local file systems) is asked no further.
    """
    with files.open_root(homes.find_standing(environment.purelib)) as ground:
        if not (files.TELLS_MOUNTS and files.lists_late(ground)):
            return
        from lugnut.reach import find_bar
        from lugnut.system import probing

        mount = probing.find_mount(ground)
        bar = find_bar(mount, served=backend not in {"", homes.FLOCK})
        if bar is not None:
            raise HostsNotApart(path=environment.purelib, kind=mount.kind, reason=bar.text, hint=bar.remedy)


def hold_guard(site: Site, backend: str, words: str, *, passing: bool = False) -> Guard:
    """Begin an act, by what the caller says (`backend`: empty, `flock` or a URL) and the environment remembers.

    Who is only `passing` changes neither what the environment is locked by, nor waits for a holder that may live.
    Raises BackendNeeded where its hosts lock it by a server and the caller said nothing, LockTimeout, BackendUnusable.
    """
    site.lists_late()  # what has this handle, and what is opened from it, look anew from here on (TRAPS 26)
    remembered = homes.read_backend(site.home)
    if remembered == homes.FLOCK and (passing or backend in {"", homes.FLOCK}):
        return _go_by_flock(site)
    if backend not in {"", homes.FLOCK}:
        from lugnut.transaction.fence import hold_fence

        return hold_fence(site, backend, words, passing=passing)
    if not backend or passing:
        raise BackendNeeded(path=f"{site.home.path}/format")
    homes.write_backend(site.home, homes.FLOCK)
    site.report(Note("warning", f"{site.home.path} was locked by Redis, and is by flock alone from now on"))
    guard = _go_by_flock(site)
    guard.let_others_end()
    return guard


def _go_by_flock(site: Site) -> Guard:
    """Go by flock alone; where other hosts may be, they may be told meanwhile that it does not reach them all."""
    guard = Guard(site)
    if site.lists_late():
        site.guard = guard.watch
    return guard
