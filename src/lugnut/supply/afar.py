"""Answers what is asked for out of indexes, URLs and sources, by a resolver's lock."""

from __future__ import annotations

from lugnut.errors import ResolverFailed
from lugnut.run import Run
from lugnut.sources.pins import Asked
from lugnut.store.entries import Store
from lugnut.wishes import Wish


def find_afar(run: Run, store: Store, asked: Asked) -> list[Wish]:
    """Resolve, fetch, build and verify."""
    raise ResolverFailed(resolver="none", reason="not yet", hint=f"{run} {store} {asked}")
