"""What keeps an act apart from those on other hosts: nothing but its locks where flock reaches them, else a `fence`."""

from __future__ import annotations

import time

from lugnut.errors import EnvironmentLockLost
from lugnut.events import Note
from lugnut.system import files
from lugnut.transaction import home as homes
from lugnut.transaction.site import Site

GRACE = 12.0
"""Seconds in which a holder that lost the lock and lives has noticed (6 at most) and its workers have stopped (5).

Nothing is decided by them: they make what a holder still does in its last moments rarer, not impossible.
"""
_PAUSE = 0.05


class Guard(files.Closing):
    """Where flock reaches everybody, the locks of distributions do it all; see `fence` for where it does not."""

    alone = False
    """Whether no other run can be at work in this environment, so that all that is open is dead."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def look(self) -> None:
        """Raise EnvironmentLockLost if it is known by now that the lock is lost; costs next to nothing."""

    def watch(self) -> None:
        """Raise EnvironmentLockLost if the environment says that others go by other locks by now."""
        self._check_backend(homes.FLOCK)

    def check(self) -> None:
        """See, before the commit, that others still go by the same locks; raises EnvironmentLockLost."""
        self._check_backend(homes.FLOCK)

    def _check_backend(self, mine: str) -> None:
        if homes.read_backend(self._site.home) != mine:
            reason = "another run has changed since by what this environment is locked"
            raise EnvironmentLockLost(path=f"{self._site.home.path}/format", reason=reason)

    def let_others_end(self) -> None:
        """Wait for those who went by other locks and had passed their last look at `format`, as far as they are seen.

        Who had not is called off there. Who had has a transaction, which goes as he ends; a dead one's stays.
        """
        self._site.refresh()
        if homes.list_ids(self._site.home):
            what = "runs that went by other locks may be at work"
            self._wait(f"{what}; waiting for them, {GRACE:.0f} s at most", until_alone=True)

    def _wait(self, text: str, *, until_alone: bool = False) -> None:
        """Wait `GRACE` seconds, or until no transaction stands."""
        self._site.report(Note("info", text))
        until = time.monotonic() + GRACE
        while (left := until - time.monotonic()) > 0:
            self._site.patience.cancelled()
            self.look()
            if until_alone and not homes.list_ids(self._site.home):
                return
            time.sleep(min(_PAUSE, left))

    def close(self) -> None:
        """Give it back."""
