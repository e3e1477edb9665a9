"""What a lock names to verified wheels in the store: fetched, built where it must be, each by a worker of its own.

A worker takes one supply from its link to its entry in the store, so that while one waits for the network another
unpacks; runs that want the same file or the same build share it by the locks of the rooms below (G9).
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from lugnut.building.caching import build_cached, take_turn
from lugnut.building.recipe import Recipe, Source
from lugnut.building.wheels import build_editable
from lugnut.distribution import WheelHash
from lugnut.errors import Offline
from lugnut.events import LockWaiting, Reporter, Span
from lugnut.links import Route, hide_credentials
from lugnut.manifest import Manifest
from lugnut.network import fetching
from lugnut.network.fetching import fetch_file, fetch_wheel
from lugnut.run import Run
from lugnut.sources.locked import Supply, find_file
from lugnut.store.entries import Store, admit, find_entry
from lugnut.store.turns import prepare, take_turns
from lugnut.system import files, locks, workers
from lugnut.typed import NamedTuple


class Order(NamedTuple):
    """One supply, and all that is needed to obtain it."""

    store: Store
    supply: Supply
    route: Route
    recipe: Recipe
    cache_dir: str
    lock_timeout: float
    timed: bool
    """Whether waits for locks are to be told of."""


class Obtained(NamedTuple):
    """One supply as it stands in the store now."""

    manifest: Manifest
    sha256: str
    """Of the file that was fetched, which is the wheel itself unless that was built; empty for a tree or a commit."""


def obtain_all(run: Run, store: Store, supplies: Sequence[Supply], route: Route, recipe: Recipe) -> list[Obtained]:
    """Obtain every supply, in the order given; raises the first error."""
    found = _find_there(run, store, supplies)
    missing = [supply for supply in supplies if supply not in found]
    if missing:  # runs that want the very same take turns: who waited finds it there, and starts no workers (G9)
        with run.timing.span("obtain"), take_turns(store, sorted(map(_identify, missing)), run.patience()):
            found |= _find_there(run, store, missing)
            missing = [supply for supply in missing if supply not in found]
            found |= _obtain_missing(run, store, missing, route, recipe) if missing else {}
    return [found[supply] for supply in supplies]


def _identify(supply: Supply) -> str:
    """Name what is to be obtained, as an absolute path so that it is the same wherever a run stands."""
    return f"/{supply.link.sha256 or supply.link.url}" if supply.link is not None else f"/{supply}"


def _find_there(run: Run, store: Store, supplies: Sequence[Supply]) -> dict[Supply, Obtained]:
    """Find the wheels that the store has by the hash their lock names."""
    found = {}
    for supply in supplies:
        if supply.is_wheel and supply.link is not None and supply.link.sha256 is not None:
            manifest = find_entry(store, WheelHash(supply.link.sha256), supply.link.filename, run.report)
            if manifest is not None:
                found[supply] = Obtained(manifest, manifest.wheel)
    return found


def _obtain_missing(
    run: Run, store: Store, supplies: Sequence[Supply], route: Route, recipe: Recipe
) -> dict[Supply, Obtained]:
    cache_dir = os.path.dirname(store.root)
    timeout, timed = run.settings.lock_timeout, run.timing.on
    orders = [Order(store, one, route, recipe, cache_dir, timeout, timed) for one in supplies]
    afar = [one.link for one in supplies if one.link is not None and find_file(one.link) is None]
    size = max(run.jobs, min(route.downloads, len(afar)))
    if route.offline:
        _refuse_missing(supplies)
    prepare()
    fetching.prepare(afar, route)
    ordered = sorted(orders, key=lambda order: -((order.supply.link and order.supply.link.size) or 0))
    pool = workers.Pool(size, _label, run.report, run.cancelled, run.start_method, run.timing, "obtain")
    return dict(zip((order.supply for order in ordered), workers.run(obtain, ordered, plan=pool), strict=True))


def _refuse_missing(supplies: Sequence[Supply]) -> None:
    """Raise Offline for the first wheel that would have to be fetched, before anything is begun for the others."""
    for supply in supplies:
        if supply.is_wheel and supply.link is not None and supply.link.sha256 and find_file(supply.link) is None:
            raise Offline(url=hide_credentials(supply.link.url))


def _label(order: Order) -> str:
    return f"{order.supply.name} {order.supply.version}".rstrip()


def obtain(order: Order, emit: Reporter) -> Obtained:
    """Obtain one supply, in a worker."""

    def wait(path: str, holder: str, seconds: float) -> None:
        emit(LockWaiting(path, holder, seconds))

    patience = locks.Patience(order.lock_timeout, wait, workers.stopped, emit if order.timed else None)
    supply = order.supply
    if supply.editable:
        return _make_editable(order, emit, patience)
    if supply.link is None:
        return Obtained(_build(order, _describe(supply), emit, patience), "")
    if supply.is_wheel:
        manifest = fetch_wheel(order.store, supply.link, order.route, emit, patience)
        return Obtained(manifest, manifest.wheel)
    began = time.perf_counter_ns()
    with fetch_file(order.store, supply.link, order.route, emit, patience) as fetched:
        _note_time(order, emit, "fetch", began)
        source = _describe(supply)._replace(path=fetched.path, digest=fetched.sha256)
        return Obtained(_build(order, source, emit, patience), fetched.sha256)


def _describe(supply: Supply) -> Source:
    """Describe what is to be built."""
    source = Source(supply.tree, supply.name, supply.version, subdirectory=supply.subdirectory)
    if supply.repository is not None:
        _, url, commit, _ = supply.repository
        return source._replace(repository=url, digest=commit)
    return source._replace(label=supply.link.filename if supply.link is not None else supply.tree)


def _note_time(order: Order, emit: Reporter, what: str, began: int) -> None:
    if order.timed:
        emit(Span(f"{what} {_label(order)}", what, began, time.perf_counter_ns()))


def _build(order: Order, source: Source, emit: Reporter, patience: locks.Patience) -> Manifest:
    began = time.perf_counter_ns()
    with build_cached(order.cache_dir, source, order.recipe, emit, patience) as wheel:
        _note_time(order, emit, "build", began)
        return admit(order.store, wheel, emit, patience=patience)


def _make_editable(order: Order, emit: Reporter, patience: locks.Patience) -> Obtained:
    with files.lend_directory() as directory, take_turn(order.cache_dir, _describe(order.supply), patience):
        began = time.perf_counter_ns()
        wheel = build_editable(_describe(order.supply), directory, order.recipe, emit, patience.cancelled)
        _note_time(order, emit, "build", began)
        return Obtained(admit(order.store, wheel, emit, patience=patience), "")
