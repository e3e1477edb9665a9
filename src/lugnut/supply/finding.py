"""Who answers what is asked for: a lock at hand, what lies at hand where that is enough, else a resolver."""

from __future__ import annotations

import os

from lugnut.errors import BadRequirement, UsageError
from lugnut.events import Note
from lugnut.run import Run
from lugnut.sources.pins import Asked, read_asked
from lugnut.sources.requests import is_passed_on
from lugnut.sources.requirements import Listed
from lugnut.store.place import Store
from lugnut.supply.local import Found, find_at_hand
from lugnut.wish import note_standing


def read_at_hand(run: Run, asked: Asked) -> Listed | None:
    """Read what is asked for; None where some of it is for a resolver."""
    if asked.projects or run.settings.editables or run.settings.resolving.groups or _find_locks(asked):
        return None
    try:
        listed = read_asked(asked)
    except BadRequirement as error:
        if is_passed_on(error):
            return None
        raise
    if asked.requirement_files and not listed.requests:
        run.report(Note("warning", f"nothing is asked for by {', '.join(asked.requirement_files)}"))
    return listed


def find_asked(run: Run, store: Store, asked: Asked, listed: Listed | None) -> Found:
    """Find and verify a wheel for all that is asked for, and for what that needs."""
    if listed is not None:
        before = note_standing(run.environment, {request.name for request in listed.requests})
        found = find_at_hand(run, store, listed)
        if found is not None:
            return found._replace(before=before)
    before = note_standing(run.environment)
    return _find_farther(run, run, store, asked)._replace(before=before)


def find_set(run: Run, store: Store, asked: Asked) -> Found:
    """Find all that a lock or requirements files name, and nothing that it needs besides (as `uv pip sync`)."""
    before = note_standing(run.environment)
    alone = run.with_settings(run.settings._replace(resolving=run.settings.resolving._replace(no_deps=True)))
    listed = read_at_hand(alone, asked)
    found = None if listed is None else find_at_hand(alone, store, listed)
    if found is None:
        found = _find_farther(run, alone, store, asked)
    return found._replace(asked=found.names, before=before)


def _find_farther(run: Run, resolving: Run, store: Store, asked: Asked) -> Found:
    from lugnut.supply.afar import find_afar, find_locked

    locks = _find_locks(asked)
    return find_locked(run, store, _take_one(run, asked, locks)) if locks else find_afar(resolving, store, asked)


def write_lock(run: Run, asked: Asked) -> str:
    """Resolve what is asked for, whatever is installed, and write a lock; gives the path as its user spells it."""
    from lugnut.supply.afar import lock_afar

    spelled = run.settings.output
    path = os.path.join(run.target.directory, spelled)
    if not _is_lock(path):
        raise UsageError(message=f"a lock is called pylock.toml or pylock.NAME.toml, not {spelled}", hint="use -o FILE")
    lock_afar(run, asked, path)
    return spelled


def _is_lock(path: str) -> bool:
    """Whether a path has the name of a lock (PEP 751)."""
    name = os.path.basename(path)
    if not name.startswith("pylock."):
        return False
    import re

    return bool(re.fullmatch(r"pylock(\.[^.]+)?\.toml", name))


def _find_locks(asked: Asked) -> list[str]:
    return [path for path in asked.requirement_files if _is_lock(path)]


def _take_one(run: Run, asked: Asked, locks: list[str]) -> str:
    """Give the one lock that is named, alone: nothing can be added to it or asked of it besides."""
    settings = run.settings
    beside = [*asked.requests, *settings.editables, *asked.constraint_files, *settings.resolving.overrides]
    if len(locks) > 1 or len(asked.requirement_files) > 1 or beside or asked.projects:
        raise UsageError(message=f"{locks[0]} is whole by itself", hint="name the lock alone")
    return locks[0]
