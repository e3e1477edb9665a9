"""Has wheels verified in the store, by as many workers as there is work for, and shares that work with other runs."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence

from lugnut.distribution import WheelHash
from lugnut.errors import LockTimeout
from lugnut.events import LockWaiting, Reporter, Span
from lugnut.manifest import Manifest
from lugnut.run import Run
from lugnut.store.entries import Store, admit, begin, finish
from lugnut.store.filling import Filling
from lugnut.store.sharing import Hashing, Share, fill_together, hash_inherited, worth_sharing
from lugnut.store.turns import find_missing, prepare, take_turns
from lugnut.system import locks, workers
from lugnut.wheel.reading import open_source

Job = tuple[Store, str, float]
"""A store, the path of a wheel, and the seconds to wait for whoever is at it."""


def admit_all(run: Run, store: Store, paths: Sequence[str]) -> dict[str, Manifest]:
    """Have wheels verified in the store that it does not plainly hold; raises the first error."""
    found = _admit_missing(store, sorted(paths, key=lambda path: (-_size(path), path)), run)
    timeout, waits = run.settings.lock_timeout, run.timing.waits
    return {path: found.get(path) or admit_one((store, path, timeout), run.report, waits) for path in sorted(paths)}


def _admit_missing(store: Store, paths: Sequence[str], run: Run) -> dict[str, Manifest | None]:
    """Admit, in workers, the wheels that the store may not hold yet.

    Runs that want the same wheels share the work (G9): those that want the very same ones wait for each other, and
    then find them all there; of others, each leaves for last what another is unpacking at this moment. By then nothing
    is left but to wait, which takes no workers.
    """
    if not find_missing(store, paths):
        return {}
    with run.timing.span("admit"), take_turns(store, paths, run.patience()):
        jobs = [(store, path, run.settings.lock_timeout) for path in find_missing(store, paths)]
        if not jobs:
            return {}
        prepare()
        pool = workers.Pool(run.jobs, _label, run.report, run.cancelled, run.start_method, run.timing, "admit")
        if run.start_method == "fork" and worth_sharing([_size(job[1]) for job in jobs], run.jobs):
            found = _share_largest(jobs, pool, run)
        else:
            found = dict(zip(jobs, workers.run(admit_if_free, jobs, plan=pool), strict=True))
        busy = [job for job, manifest in found.items() if manifest is None]
        one = functools.partial(admit_one, waits=run.timing.waits)
        found.update(zip(busy, workers.run(one, busy, plan=pool._replace(size=1)), strict=True))
        return {path: manifest for (_, path, _), manifest in found.items()}


def _share_largest(jobs: Sequence[Job], pool: workers.Pool, run: Run) -> dict[Job, Manifest | None]:
    """Admit the first job's wheel by all workers together, after the others, as `lugnut.store.sharing` describes."""
    largest, *others = jobs
    store, path, _ = largest
    with open_source(path) as source:
        first: list[Job | Hashing] = [Hashing(source, path), *others]
        hashed, *admitted = workers.run(_hash_or_admit, first, plan=pool)
        source.learn(WheelHash(str(hashed)))
        found: dict[Job, Manifest | None] = dict(zip(others, admitted, strict=True))  # type: ignore[arg-type]
        try:
            with begin(store, source, path, run.patience()._replace(timeout=0.0)) as filling:
                if isinstance(filling, Filling):
                    fill_together(filling, path, pool)
                found[largest] = finish(filling, path, run.report)
        except LockTimeout:
            found[largest] = None
    return found


def _hash_or_admit(job: Job | Hashing, emit: Reporter) -> Manifest | WheelHash | None:
    return hash_inherited(job) if isinstance(job, Hashing) else admit_if_free(job, emit)


def _size(path: str) -> int:
    try:
        return os.path.getsize(path)
    except OSError:
        return 0


def _label(job: Job | Hashing | Share) -> str:
    return os.path.basename(job.path if isinstance(job, (Hashing, Share)) else job[1])


def admit_if_free(job: Job, emit: Reporter) -> Manifest | None:
    """Admit one wheel, in a worker; None where another run is at it."""
    try:
        return admit(job[0], job[1], emit, patience=locks.Patience(0.0, cancelled=workers.stopped))
    except LockTimeout:
        return None


def admit_one(job: Job, emit: Reporter, waits: Callable[[Span], None] | None = None) -> Manifest:
    """Admit one wheel, waiting for whoever is at it; `waits` is told how long, if time is kept."""

    def wait(path: str, holder: str, seconds: float) -> None:
        emit(LockWaiting(path, holder, seconds))

    store, path, timeout = job
    return admit(store, path, emit, patience=locks.Patience(timeout, wait, workers.stopped, waits))
