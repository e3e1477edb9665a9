"""Where to look and how the network is reached: what flags say, then uv's settings, then pip's (DESIGN 9)."""

from __future__ import annotations

from lugnut.links import Indexes, Route
from lugnut.resolution.indexes import gather
from lugnut.run import Run
from lugnut.typed import NamedTuple


class Outlook(NamedTuple):
    """Where a run looks for what is not at hand."""

    indexes: Indexes
    route: Route


def look_around(run: Run) -> Outlook:
    """Gather all that is said of indexes and of the network; raises UsageError."""
    given = {**run.settings.network, "find_links": list(run.settings.find_links)}
    target = run.target
    return Outlook(*gather(given, target.environ, target.directory, run.environment.prefix))
