"""Who answers what is asked for: what lies at hand where that is enough, else a resolver."""

from __future__ import annotations

from lugnut.errors import BadRequirement
from lugnut.events import Note
from lugnut.run import Run
from lugnut.sources.pins import Asked, read_asked
from lugnut.sources.requests import is_passed_on
from lugnut.sources.requirements import Listed
from lugnut.store.entries import Store
from lugnut.supply.afar import find_afar
from lugnut.supply.local import find_at_hand
from lugnut.wishes import Wish


def read_at_hand(run: Run, asked: Asked) -> Listed | None:
    """Read what is asked for; None where some of it is for a resolver."""
    try:
        listed = read_asked(asked)
    except BadRequirement as error:
        if is_passed_on(error):
            return None
        raise
    if asked.requirement_files and not listed.requests:
        run.report(Note("warning", f"nothing is asked for by {', '.join(asked.requirement_files)}"))
    return listed


def find_wishes(run: Run, store: Store, asked: Asked, listed: Listed | None) -> list[Wish]:
    """Find and verify a wheel for all that is asked for, and for what that needs."""
    wishes = None if listed is None else find_at_hand(run, store, listed)
    return find_afar(run, store, asked) if wishes is None else wishes
