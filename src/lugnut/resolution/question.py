"""What is asked of a resolver: everything that decides its answer, in one value."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lugnut.events import never
from lugnut.links import Indexes, Route
from lugnut.resolution.offers import Offer
from lugnut.settings import Resolving
from lugnut.typed import NamedTuple


class Question(NamedTuple):
    """What is asked for, for which interpreter, and where to look; every path is absolute, or relative to `directory`.

    Requirements files may be `-` (stdin) or URLs, and hold all of pip's syntax.
    """

    python: str
    """The target's interpreter; its markers and tags count."""
    directory: str
    """The working directory, absolute."""
    environ: Mapping[str, str]
    """This process's variables; what uv and pip read their settings from is taken out of them."""
    requirements: tuple[str, ...] = ()
    """As on the command line: names with specifiers, extras and markers, URLs, paths."""
    editables: tuple[str, ...] = ()
    """Source trees (or their URLs) to be installed in place, `[extras]` behind them."""
    requirement_files: tuple[str, ...] = ()
    constraint_files: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    """pyproject.toml, setup.cfg or setup.py: what the project needs, not the project."""
    resolving: Resolving = Resolving()
    require_hashes: bool = False
    indexes: Indexes = Indexes()
    route: Route = Route()
    upgrade: bool = False
    """Prefer the newest of everything to what is installed."""
    installed: Mapping[str, str] = {}
    """Normalised name to version: preferred as far as the requirements allow."""
    offers: tuple[Offer, ...] = ()
    """What of the installed may be on no index, and is to be had nevertheless."""
    offers_all: bool = False
    """Even what is to be upgraded is offered as it is: nothing else was found."""
    cache_dir: str | None = None
    """Where the backend may keep what it fetched; None: its own place, so that what uv or pip have is used."""
    no_cache: bool = False
    markers: Mapping[str, str] = {}
    """The target's: lines for another environment ask for no hash; empty: not known, every line counts."""
    tags: tuple[str, ...] = ()
    """The target's, the best first; for messages."""
    cancelled: Callable[[], None] = never
    """Called about ten times a second; raises to have the backend ended."""

    @property
    def preferred(self) -> Mapping[str, str]:
        """What of the installed is to be kept where it can be."""
        if self.upgrade:
            return {}
        freed = {name.lower().replace("_", "-").replace(".", "-") for name in self.resolving.upgrade_packages}
        return {name: version for name, version in sorted(self.installed.items()) if name not in freed}

    @property
    def offered(self) -> tuple[Offer, ...]:
        """What is offered of what is to be kept."""
        return tuple(offer for offer in self.offers if self.offers_all or offer.name in self.preferred)
