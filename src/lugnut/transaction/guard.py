"""What keeps an act apart from those on other hosts: nothing but its locks where flock reaches them, else a `fence`."""

from __future__ import annotations

from lugnut.errors import EnvironmentLockLost
from lugnut.system import files
from lugnut.transaction import home as homes
from lugnut.transaction.site import Site


class Guard(files.Closing):
    """Where flock reaches everybody, the locks of distributions do it all; see `fence` for where it does not."""

    alone = False
    """Whether no other run can be at work in this environment, so that all that is open is dead."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def look(self) -> None:
        """Raise EnvironmentLockLost if it is known by now that the lock is lost; costs next to nothing."""

    def check(self) -> None:
        """See, before the commit, that others still go by the same locks; raises EnvironmentLockLost."""
        self._check_backend(homes.FLOCK)

    def _check_backend(self, mine: str) -> None:
        if homes.read_backend(self._site.home) != mine:
            reason = "another run has changed since by what this environment is locked"
            raise EnvironmentLockLost(path=f"{self._site.home.path}/format", reason=reason)

    def close(self) -> None:
        """Give it back."""
