"""What came of a run's transaction; told of a run that found nothing to do, too, which loads none of the rest."""

from __future__ import annotations

from lugnut.events import Changed
from lugnut.typed import NamedTuple


class Outcome(NamedTuple):
    """What became of it, beyond the events reported."""

    changes: tuple[Changed, ...]
    exists: int
    settles: int


NOTHING = Outcome((), 0, 0)
