"""The order of acts: what a command does, from the request to the report. It decides nothing that a room below decides.

Every act reads the target, gives the dead their due, and returns a report; all that fails is a LugnutError.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence

from lugnut import check as checking
from lugnut.distribution import Manifest, Name
from lugnut.environment import Environment
from lugnut.errors import CannotWrite, LockTimeout, StoreDamaged, UsageError
from lugnut.events import LockWaiting, Note, Reporter
from lugnut.installed import Installed, find_installed, read_installed
from lugnut.interpreter.asking import find_environment
from lugnut.interpreter.bytecode import compile_bytecode
from lugnut.interpreter.discovery import Target
from lugnut.plan import Plan
from lugnut.run import Run, hold_wheels, keep_store
from lugnut.settings import Installation, Report, Settings, Watch
from lugnut.sources.pins import Asked, Pick, check_hash, find_unfit, gather, read_asked
from lugnut.sources.requests import Request
from lugnut.sources.requirements import Listed
from lugnut.sources.wheelhouse import satisfies
from lugnut.store.entries import Store, admit
from lugnut.store.keeping import clean, prune
from lugnut.store.place import find_cache, usual_patience
from lugnut.store.turns import find_missing, prepare, take_turns
from lugnut.system import workers
from lugnut.transaction.transact import NOTHING, Decision, Outcome, transact
from lugnut.wishes import Wish, Workshop, decide_install, decide_removal, find_open


def cache_directory(settings: Settings) -> str:
    """Give the directory of the cache, absolute, whether or not it stands."""
    return find_cache(settings.cache_dir)


def _begin(target: Target, settings: Settings, watch: Watch) -> Run:
    """Find the environment meant, and give the dead their due."""
    started = time.monotonic()
    run = Run(find_environment(target), settings, watch, started)
    run.recover_dead()
    return run


def install(
    requests: Sequence[str], *, requirement_files: Sequence[str] = (), target: Target, settings: Settings = Settings(),
    watch: Watch = Watch(),
) -> Report:  # fmt: skip
    """Install what is asked for as one transaction."""
    run = _begin(target, settings, watch)
    asked = Asked(
        tuple(requests), tuple(requirement_files), settings.find_links, settings.require_hashes, target.directory,
        settings.constraint_files,
    )  # fmt: skip
    listed = read_asked(asked)
    if requirement_files and not listed.requests:
        run.report(Note("warning", f"nothing is asked for by {', '.join(requirement_files)}"))
    with keep_store(settings) as store:
        wishes, outcome = _install(run, store, listed)
    unmet = checking.find_unmet(run.environment, [(wish.manifest, wish.extras) for wish in wishes])
    return run.close(outcome)._replace(unmet=unmet)


def _install(run: Run, store: Store, listed: Listed) -> tuple[list[Wish], Outcome]:
    """Carry it out; what met a damaged entry of the store was undone and is done again, the wheel unpacked anew."""
    damaged: set[str] = set()
    while True:
        try:
            wishes = _find_wishes(run, store, listed)
            return wishes, _change(run, store, wishes)
        except StoreDamaged as error:
            if error.data["wheel"] in damaged:
                raise
            damaged.add(error.data["wheel"])
            text = f"{error.data['wheel']} was damaged in the store ({error.data['path']}); it is unpacked anew"
            run.report(Note("info", text))


def _find_wishes(run: Run, store: Store, listed: Listed) -> list[Wish]:
    """Find and verify a wheel for all that is asked for; what turns out to need another Python is chosen anew."""
    satisfied = _make_satisfied(run.environment, run.settings)
    unfit: dict[str, str] = {}
    while True:
        picks = sorted(gather(run.environment, listed, satisfied, unfit))
        wishes = _admit(store, picks, run)
        reasons = {
            pick.path: find_unfit(run.environment, pick, wish.manifest.requires_python)
            for pick, wish in zip(picks, wishes, strict=True)
        }
        found = {path: reason for path, reason in reasons.items() if reason}
        if not found:
            return wishes
        unfit.update(found)


def _make_satisfied(environment: Environment, settings: Settings) -> Callable[[Request], bool]:
    """Say of a request by name whether what is installed will do (pip's and uv's rule, unless it is an upgrade)."""

    def satisfied(request: Request) -> bool:
        if settings.upgrade or settings.reinstall:
            return False
        found = read_installed(environment, [request.name]).get(request.name, [])
        if len(found) != 1 or found[0].rows is None:
            return False
        wheel = found[0].state.wheel if found[0].state is not None else ""
        return (not request.hashes or wheel in request.hashes) and satisfies(request.specifier, found[0].version)

    return satisfied


def _admit(store: Store, picks: Sequence[Pick], run: Run) -> list[Wish]:
    """Have every wheel verified in the store, by as many workers as there is work for; raises the first error."""
    found = _admit_missing(store, [pick.path for pick in sorted(picks, key=lambda pick: -_size(pick.path))], run)
    wishes = []
    for pick in sorted(picks):
        job = (store, pick.path)
        manifest = found.get(job) or admit_one(job, run.report)
        check_hash(pick, manifest.wheel)
        wishes.append(Wish(manifest, pick.requested, pick.path if pick.direct else None, pick.extras))
    return wishes


def _admit_missing(store: Store, paths: Sequence[str], run: Run) -> dict[tuple[Store, str], Manifest | None]:
    """Admit, in workers, the wheels that the store may not hold yet.

    Runs that want the same wheels share the work (G9): those that want the very same ones wait for each other, and
    then find them all there; of others, each leaves for last what another is unpacking at this moment. By then nothing
    is left but to wait, which takes no workers.
    """
    if not find_missing(store, paths):
        return {}
    with take_turns(store, paths, run.patience()):
        jobs = [(store, path) for path in find_missing(store, paths)]
        if not jobs:
            return {}
        prepare()
        pool = workers.Pool(run.jobs, _label, run.report, run.cancelled, run.start_method)
        found = dict(zip(jobs, workers.run(admit_if_free, jobs, plan=pool), strict=True))
        busy = [job for job, manifest in found.items() if manifest is None]
        found.update(zip(busy, workers.run(admit_one, busy, plan=pool._replace(size=1)), strict=True))
        return found


def _size(path: str) -> int:
    try:
        return os.path.getsize(path)
    except OSError:
        return 0


def _label(job: tuple[Store, str]) -> str:
    return os.path.basename(job[1])


def admit_if_free(job: tuple[Store, str], emit: Reporter) -> Manifest | None:
    """Admit one wheel, in a worker; None where another run is at it."""
    try:
        return admit(*job, emit, patience=usual_patience()._replace(cancelled=workers.stopped, timeout=0.0))
    except LockTimeout:
        return None


def admit_one(job: tuple[Store, str], emit: Reporter) -> Manifest:
    """Admit one wheel, in a worker, waiting for whoever is at it."""

    def wait(path: str, holder: str, seconds: float) -> None:
        emit(LockWaiting(path, holder, seconds))

    return admit(*job, emit, patience=usual_patience()._replace(cancelled=workers.stopped, on_wait=wait))


def _change(run: Run, store: Store, wishes: list[Wish]) -> Outcome:
    """Look, without a lock, whether there is anything to do; if so, do it as a transaction."""
    settings = run.settings
    names = sorted({wish.manifest.name for wish in wishes} | set(settings.overlay))
    if run.idle(names) and not find_open(run.environment, wishes, settings) and run.idle(names):
        return NOTHING
    workshop = Workshop(run.environment, store)

    def decide() -> Decision:
        return decide_install(run.environment, workshop, wishes, settings)

    def compile_all(plan: Plan) -> None:
        compile_bytecode(run.environment, [file.path for action in plan.actions for file in action.files])

    course = run.course(store)
    if settings.compile_bytecode:  # under the locks: nobody removes a source that is being compiled
        course = course._replace(settled=compile_all)
    with hold_wheels(store, [wish.manifest.wheel for wish in wishes], run):
        if settings.dry_run:
            return run.rehearse(decide())
        return transact(run.environment, names, decide, course)


def uninstall(
    names: Sequence[str], *, requirement_files: Sequence[str] = (), target: Target, settings: Settings = Settings(),
    watch: Watch = Watch(),
) -> Report:  # fmt: skip
    """Remove distributions as one transaction; what they had shadowed comes back (G4)."""
    run = _begin(target, settings, watch)
    listed = read_asked(
        Asked(tuple(names), tuple(requirement_files), (), require_hashes=False, directory=target.directory)
    )
    wanted = _skip_missing(run, sorted({request.name for request in listed.requests}))

    def decide() -> Decision:
        return decide_removal(run.environment, wanted, force=settings.force)

    if not wanted:
        return run.close(NOTHING)
    if settings.dry_run:
        return run.close(run.rehearse(decide()))
    return run.close(transact(run.environment, wanted, decide, run.course(None)))


def _skip_missing(run: Run, names: Sequence[Name]) -> list[Name]:
    """Leave out what is not installed, and say so: as for pip and uv it is a warning, for nothing is left to do."""
    present = {found.name for found in find_installed(run.environment)}
    for name in names:
        if name not in present:
            run.report(Note("warning", f"skipped {name}: it is not installed in {run.environment.prefix}"))
    return [name for name in names if name in present]


def check(*, target: Target, settings: Settings = Settings(), watch: Watch = Watch()) -> Report:
    """Compare the environment with what is recorded of it; nothing is changed but a dead transaction."""
    run = _begin(target, settings, watch)
    findings = checking.find_all(run.environment)
    return run.close(NOTHING)._replace(findings=findings)


def list_installed(*, target: Target) -> Report:
    """Name what is installed."""
    environment = find_environment(target)
    found = read_installed(environment)
    installed = tuple(_describe(environment, one) for ones in found.values() for one in ones)
    return Report(environment.prefix, installed=installed)


def _describe(environment: Environment, one: Installed) -> Installation:
    overlay = one.state.overlay if one.state is not None else 0
    return Installation(one.spelled, one.version, one.installer, overlay, environment.schemes[one.scheme])


def recover(*, target: Target, settings: Settings = Settings(), watch: Watch = Watch(), forget: bool = False) -> Report:
    """Finish or undo what dead runs left; `forget` then removes an idle `.lugnut` and says what is lost with it."""
    run = _begin(target, settings, watch)
    if forget:
        if run.environment.kind not in {"target", "prefix"}:
            raise UsageError(
                message="--forget is for a --target that is to be shipped", hint="name it with --target DIR"
            )
        run.forget()
    return run.close(NOTHING)


def clean_cache(settings: Settings) -> int:
    """Remove every entry of the store that no run uses; gives the bytes freed."""
    return _keep(settings, clean)


def prune_cache(settings: Settings) -> int:
    """Remove from the store what is damaged or unused; gives the bytes freed."""
    return _keep(settings, prune)


def _keep(settings: Settings, act: Callable[[Store], int]) -> int:
    directory = cache_directory(settings)
    if not os.path.isdir(os.path.join(directory, "store")):
        return 0
    try:
        with keep_store(settings) as store:
            return act(store)
    except OSError as error:
        raise CannotWrite(path=directory, reason=error.strerror or str(error)) from None
