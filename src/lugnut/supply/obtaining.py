"""What a lock names to verified wheels in the store: fetched, built where it must be, each by a worker of its own.

A worker takes one supply from its link to its entry in the store, so that while one waits for the network another
unpacks; runs that want the same file or the same build share it by the locks of the rooms below (G9).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from lugnut.building.caching import build_cached, take_turn
from lugnut.building.recipe import Recipe, Source
from lugnut.building.wheels import build_editable
from lugnut.distribution import Manifest
from lugnut.errors import HashMismatch
from lugnut.events import LockWaiting, Reporter
from lugnut.links import Link, Route
from lugnut.network.fetching import fetch_file, fetch_wheel
from lugnut.run import Run
from lugnut.sources.locked import Supply, find_file
from lugnut.store.entries import Store, admit
from lugnut.store.place import usual_patience
from lugnut.system import files, locks, workers


class Order(NamedTuple):
    """One supply, and all that is needed to obtain it."""

    store: Store
    supply: Supply
    route: Route
    recipe: Recipe
    cache_dir: str


class Obtained(NamedTuple):
    """One supply as it stands in the store now."""

    manifest: Manifest
    sha256: str
    """Of the file that was fetched, which is the wheel itself unless that was built; empty for a tree or a commit."""


def obtain_all(run: Run, store: Store, supplies: Sequence[Supply], route: Route, recipe: Recipe) -> list[Obtained]:
    """Obtain every supply, in the order given; raises the first error."""
    cache_dir = os.path.dirname(store.root)
    orders = [Order(store, one, route, recipe, cache_dir) for one in supplies]
    afar = sum(one.link is not None and find_file(one.link) is None for one in supplies)
    size = max(run.jobs, min(route.downloads, afar))
    ordered = sorted(orders, key=lambda order: -((order.supply.link and order.supply.link.size) or 0))
    pool = workers.Pool(size, _label, run.report, run.cancelled, run.start_method)
    found = dict(zip((order.supply for order in ordered), workers.run(obtain, ordered, plan=pool), strict=True))
    return [found[supply] for supply in supplies]


def _label(order: Order) -> str:
    return f"{order.supply.name} {order.supply.version}".rstrip()


def obtain(order: Order, emit: Reporter) -> Obtained:
    """Obtain one supply, in a worker."""

    def wait(path: str, holder: str, seconds: float) -> None:
        emit(LockWaiting(path, holder, seconds))

    patience = usual_patience()._replace(cancelled=workers.stopped, on_wait=wait)
    supply = order.supply
    if supply.editable:
        return _make_editable(order, emit, patience)
    if supply.link is None:
        return Obtained(_build(order, _describe(supply), emit, patience), "")
    if supply.is_wheel:
        manifest = _take_wheel(order, supply.link, emit, patience)
        return Obtained(manifest, manifest.wheel)
    with fetch_file(order.store, supply.link, order.route, emit, patience) as fetched:
        source = _describe(supply)._replace(path=fetched.path, digest=fetched.sha256)
        return Obtained(_build(order, source, emit, patience), fetched.sha256)


def _take_wheel(order: Order, link: Link, emit: Reporter, patience: locks.Patience) -> Manifest:
    path = find_file(link)
    if path is None:
        return fetch_wheel(order.store, link, order.route, emit, patience)
    manifest = admit(order.store, path, emit, patience=patience)
    if link.sha256 not in {None, manifest.wheel}:
        raise HashMismatch(wheel=link.filename, actual=manifest.wheel, expected=link.sha256, origin="the lock")
    return manifest


def _describe(supply: Supply) -> Source:
    """Describe what is to be built."""
    source = Source(supply.tree, supply.name, supply.version, subdirectory=supply.subdirectory)
    if supply.repository is not None:
        _, url, commit, _ = supply.repository
        return source._replace(repository=url, digest=commit)
    return source._replace(label=supply.link.filename if supply.link is not None else supply.tree)


def _build(order: Order, source: Source, emit: Reporter, patience: locks.Patience) -> Manifest:
    with build_cached(order.cache_dir, source, order.recipe, emit, patience) as wheel:
        return admit(order.store, wheel, emit, patience=patience)


def _make_editable(order: Order, emit: Reporter, patience: locks.Patience) -> Obtained:
    with files.lend_directory() as directory, take_turn(order.cache_dir, _describe(order.supply), patience):
        wheel = build_editable(_describe(order.supply), directory, order.recipe, emit, patience.cancelled)
        return Obtained(admit(order.store, wheel, emit, patience=patience), "")
