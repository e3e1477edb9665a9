"""The order of an examination: each place's mount, then what is tried in it, then how files would come into it.

An environment and a cache are left byte for byte as they were: what is tried is tried in directories of our own, which
go when this ends, and of what stands there files are only opened.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator

from lugnut.answers import IMPOSSIBLE, OK, WARNING, Diagnosis, Examined
from lugnut.environment import Environment
from lugnut.errors import LugnutError
from lugnut.examination import trials, verdicts
from lugnut.examination.ground import CACHE, ENVIRONMENT, Ground, open_grounds
from lugnut.settings import Settings
from lugnut.store.place import find_cache
from lugnut.system import files, probing
from lugnut.transaction import home as homes

Cancelled = Callable[[], None]
_UNWRITABLE = "mount it read-write, make room, or give permission"


def examine(environment: Environment, settings: Settings, cancelled: Cancelled) -> Diagnosis:
    """Examine where an environment and the cache lie; raises what `cancelled` raises, with nothing left behind."""
    with contextlib.ExitStack() as stack:
        if settings.no_cache:
            store = stack.enter_context(files.lend_directory())
        else:
            store = os.path.join(find_cache(settings.cache_dir), "store")
        grounds = open_grounds(stack, environment, store)
        findings: list[Examined] = []
        for number, ground in enumerate(grounds):
            cancelled()
            findings += _examine_place(environment, ground, _find_like(ground, grounds[:number]), cancelled)
        findings += _examine_home(environment)
        _sweep(grounds, cancelled)
        placed = {ground.place: _bring(grounds[-1], ground, settings.link_mode) for ground in grounds[:-1]}
        findings += _tell_ways(placed, settings.link_mode)
        order = [ground.place for ground in grounds]
        return Diagnosis(
            environment.prefix,
            tuple(ground.located() for ground in grounds),
            tuple(sorted(findings, key=lambda finding: order.index(finding.place))),
            {place: one.way for place, one in placed.items() if one is not None and one.way},
            {place: one.claim for place, one in placed.items() if one is not None and one.claim},
        )


def _sweep(grounds: list[Ground], cancelled: Cancelled) -> None:
    """Remove what killed doctors left in the places."""
    mine = {os.path.basename(ground.scratch.path) for ground in grounds if ground.scratch is not None}
    for ground in grounds:
        if ground.scratch is not None:
            with contextlib.suppress(OSError):
                probing.sweep(ground.directory, ground.scratch, mine, cancelled)


def _find_like(ground: Ground, before: list[Ground]) -> Ground | None:
    """Find a place in the same mount that was examined before; the cache needs one whose locks were tried."""
    examined = before[:1] if ground.place == CACHE else before
    return next((one for one in examined if ground.shares_mount(one) and one.scratch is not None), None)


def _examine_place(
    environment: Environment, ground: Ground, like: Ground | None, cancelled: Cancelled
) -> Iterator[Examined]:
    """Say what holds of one place; where another one is like it, only what may differ."""
    yield _judge_writing(ground)
    if like is not None:
        yield Examined(ground.place, "file system", OK, f"as for the {like.place}: both lie in one mount")
    else:
        yield from verdicts.judge_mount(ground.place, ground.mount)
        yield verdicts.judge_room(ground.place, ground.room)
    scratch = ground.scratch
    if scratch is None or ground.full:
        if like is None:
            yield verdicts.untried(ground.place, "locks, links, names", "nothing can be written")
        return
    if ground.place == CACHE:
        yield _judge_store(scratch)
    if like is None:
        yield from _try(environment, ground, scratch, cancelled)


def _try(
    environment: Environment, ground: Ground, scratch: files.Directory, cancelled: Cancelled
) -> Iterator[Examined]:
    place = ground.place
    if place in {ENVIRONMENT, CACHE}:  # nobody locks anywhere else
        yield from verdicts.judge_locks(place, probing.prove(scratch, cancelled))
    try:
        found = probing.probe(scratch, cancelled)
    except OSError as error:
        yield verdicts.untried(place, "links, names, times", probing.explain(error))
        return
    yield from verdicts.judge_steps(place, found)
    if place != CACHE:
        yield from verdicts.judge_names(place, found, believed=environment.folds_case)
    yield from verdicts.judge_bits(place, found)
    if place != CACHE:
        yield from verdicts.judge_runs(place, found)
    yield verdicts.judge_listings(place, found, ground.mount)


def _judge_writing(ground: Ground) -> Examined:
    """Say whether anything can be written in a place; a store that stands may do without."""
    if not ground.reason:
        return Examined(ground.place, "writing", OK, f"works in {ground.directory.path}")
    text = f"does not work in {ground.directory.path} ({ground.reason})"
    if ground.place == CACHE and ground.directory.path == os.path.realpath(ground.path):
        text += ": only wheels that it has can be installed"
        return Examined(ground.place, "writing", WARNING, text, "name another one with --cache-dir, or use --no-cache")
    return Examined(ground.place, "writing", IMPOSSIBLE, text, _UNWRITABLE)


def _judge_store(scratch: files.Directory) -> Examined:
    try:
        with files.enter(scratch, "store", create=True) as tree:
            reason = trials.keep(tree)
    except (LugnutError, OSError) as error:
        reason = probing.explain(error)
    if reason:
        remedy = "name a cache on another file system with --cache-dir"
        return Examined(CACHE, "the store's files", IMPOSSIBLE, reason, remedy)
    return Examined(CACHE, "the store's files", OK, "are known again by one look")


def _bring(cache: Ground, ground: Ground, link_mode: str) -> trials.Placed | None:
    """Bring a file from the cache into a place; None where that could not be tried."""
    if cache.scratch is None or ground.scratch is None or cache.full or ground.full:
        return None
    try:
        with (
            files.enter(cache.scratch, f"for-{ground.place}", create=True) as tree,
            files.enter(ground.scratch, "target", create=True) as target,
        ):
            return trials.place(tree, target, link_mode)
    except OSError as error:
        return trials.Placed("", "", reason=probing.explain(error))


def _tell_ways(placed: dict[str, trials.Placed | None], link_mode: str) -> Iterator[Examined]:
    for place, one in placed.items():
        if one is None:
            yield verdicts.untried(place, "link mode", "cache or environment cannot be written")
        else:
            yield from verdicts.judge_placed(place, one, link_mode)


# --- what lugnut has there already ------------------------------------------------------------------------------------


def _examine_home(environment: Environment) -> Iterator[Examined]:
    """Look at `.lugnut` where it stands: its format, whose runs are open, and whether its locks can be opened."""
    try:
        home = homes.open_home(environment, create=False)
    except (LugnutError, OSError) as error:
        hint = error.hint if isinstance(error, LugnutError) else "give permission"
        yield Examined(ENVIRONMENT, ".lugnut", IMPOSSIBLE, str(error), hint)
        return
    if home is None:
        yield Examined(ENVIRONMENT, ".lugnut", OK, "is not there yet: the first run makes it")
        return
    with home, files.open_root(environment.purelib) as root:
        if not files.same_volume(home, root):
            text = "lies on another volume than what it guards, and was not examined there"
            yield Examined(ENVIRONMENT, ".lugnut", WARNING, text, "let it be a plain directory")
        ids = homes.list_ids(home)
        if ids:
            text = (
                "1 run is at work, or was killed" if len(ids) == 1 else f"{len(ids)} runs are at work, or were killed"
            )
            yield Examined(ENVIRONMENT, ".lugnut", WARNING, text, "`lugnut recover` looks after the killed ones")
        else:
            yield Examined(ENVIRONMENT, ".lugnut", OK, "no run is open in it")
        closed = _find_closed(home)
        if closed:
            remedy = "give it the environment's group and mode, as a run of its owner does"
            yield Examined(ENVIRONMENT, "lock files", IMPOSSIBLE, closed, remedy)


def _find_closed(home: files.Directory) -> str:
    """Name a lock file that this user may not open (TRAPS 13), and say why; empty where there is none."""
    try:
        with files.enter(home, "locks") as locks:
            for name in files.list_names(locks):
                reason = _try_to_open(locks, name)
                if reason:
                    return f"{locks.path}/{name} cannot be opened ({reason})"
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"{home.path}/locks cannot be looked into ({probing.explain(error)})"
    return ""


def _try_to_open(locks: files.Directory, name: str) -> str:
    try:
        os.close(files.open_lock(locks, name, create=False))
    except FileNotFoundError:
        return ""
    except OSError as error:
        return probing.explain(error)
    return ""
