"""The order of acts: what a command does, from the request to the report. It decides nothing that a room below decides.

Every act reads the target, gives the dead their due, and returns a report; all that fails is a LugnutError.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from lugnut.distribution import Name, normalise_name
from lugnut.errors import CannotWrite, EnvironmentBusy, StoreDamaged, UsageError
from lugnut.events import Note
from lugnut.glance import Moved
from lugnut.installed import find_installed
from lugnut.interpreter.discovery import Target
from lugnut.run import Run, keep_store
from lugnut.settings import InstalledFrom, Report, Settings, Watch
from lugnut.sources.lines import remembering
from lugnut.sources.pins import Asked, read_asked
from lugnut.store.place import Store, find_cache
from lugnut.supply.finding import find_asked, find_set, read_at_hand, write_lock
from lugnut.supply.local import Found
from lugnut.supply.sparing import find_unwanted
from lugnut.transaction.outcome import NOTHING, Outcome
from lugnut.unmet import find_unmet, foresee_unmet
from lugnut.wish import NOTHING_BEYOND, Aim, Beyond, Wish, find_moved, find_open, name_wheels

MOST_LOOKS = 100
"""How often a run looks anew because others changed what it had looked at."""
PROJECT_FILES = frozenset(("pyproject.toml", "setup.cfg", "setup.py"))


def cache_directory(settings: Settings) -> str:
    """Give the directory of the cache, absolute, whether or not it stands."""
    return find_cache(settings.cache_dir)


def _begin(target: Target, settings: Settings, watch: Watch, *, asked: bool = False) -> Run:
    """Find the environment meant, give the dead their due, and see what a power cut left of it, if there was one."""
    run, stale = _enter(target, settings, watch, asked=asked, reads=settings.dry_run)
    if stale:
        from lugnut.aftermath import examine

        examine(run, stale)
    return run


def _enter(
    target: Target, settings: Settings, watch: Watch, *, asked: bool = False, reads: bool = False
) -> tuple[Run, list[str]]:
    watch.timing.phase("start")
    run = Run(target, settings, watch)
    _check_elsewhere(run)
    return run, run.recover_dead(asked=asked, reads=reads)


def _check_elsewhere(run: Run) -> None:
    """Refuse to fill an environment with what another Python or platform takes, unless it is one to be shipped."""
    chosen = run.settings.resolving
    if not (chosen.python_version or chosen.platform):
        return
    flag = "--python-version" if chosen.python_version else "--python-platform"
    if run.environment.kind != "target":
        raise UsageError(message=f"{flag} is for what is to run elsewhere", hint="use it with --target DIR")
    if run.settings.compile_bytecode:
        raise UsageError(message=f"nothing can be compiled for elsewhere ({flag})", hint="leave --compile-bytecode out")


def install(
    requests: Sequence[str], *, requirement_files: Sequence[str] = (), target: Target, settings: Settings = Settings(),
    watch: Watch = Watch(),
) -> Report:  # fmt: skip
    """Install what is asked for as one transaction."""
    run = _begin(target, settings, watch)
    asked = _make_asked(requests, requirement_files, target, settings)
    with remembering(), keep_store(settings) as store:
        listed = read_at_hand(run, asked)

        def find() -> Aim:
            return _make_aim(run, find_asked(run, store, asked, listed), lambda: NOTHING_BEYOND)

        wishes, outcome = _carry_out(run, store, find)
        return _close(run, store, wishes, outcome)


def _make_aim(run: Run, found: Found, find_beyond: Callable[[], Beyond]) -> Aim:
    """Aim at what was found.

    What was asked for and stands is held, so that it stands when the rest comes; what else is needed is not, for many
    runs need the same: under the locks it is looked at again. What was chosen by its name was chosen by what stood.
    Where that has changed it is chosen anew, unless what was chosen stands by now.
    """
    coming = {wish.manifest.name for wish in found.wishes}
    standing, needed = found.asked - coming, found.names - found.asked - coming
    chosen = [wish for wish in found.wishes if wish.direct is None and not run.settings.reinstall]

    def look() -> Beyond:
        beyond = find_beyond()
        by_name = standing.union(wish.manifest.name for wish in chosen)
        moved = find_moved(run.environment, by_name, found.before, needed)
        anew = [wish for wish in chosen if wish.manifest.name in moved]
        if moved - coming or (anew and any(one.wish for one in find_open(run.environment, anew, run.settings))):
            raise Moved
        if found.kept is not None and foresee_unmet(run.environment, name_wheels(found.wishes), found.kept):
            raise Moved
        return beyond

    def holds() -> bool:
        moved = find_moved(run.environment, found.names | coming, found.before)
        if moved & standing:  # no lock would bring it back
            raise Moved
        return not moved

    return Aim(found.wishes, find_beyond, find_beyond(), standing, look, holds)


def _make_asked(requests: Sequence[str], requirement_files: Sequence[str], target: Target, settings: Settings) -> Asked:
    """Say what is asked for; a project's own file among the requirements files stands for what the project needs."""
    projects = tuple(path for path in requirement_files if os.path.basename(path) in PROJECT_FILES)
    return Asked(
        tuple(requests), tuple(path for path in requirement_files if path not in projects), settings.find_links,
        settings.require_hashes, target.directory, settings.constraint_files, projects,
    )  # fmt: skip


def sync(
    requirement_files: Sequence[str], *, target: Target, settings: Settings = Settings(), watch: Watch = Watch()
) -> Report:
    """Have exactly what a lock or requirements files name, as one transaction; all else goes, but for the tools."""
    run = _begin(target, settings, watch)
    asked = _make_asked((), requirement_files, target, settings)
    with remembering(), keep_store(settings) as store:

        def find() -> Aim:
            found = find_set(run, store, asked)
            if not found.names and not settings.allow_empty:
                message = f"{', '.join(requirement_files)} asks for nothing, so that everything would be removed"
                raise UsageError(message=message, hint="look for a slip in it, or use --allow-empty-requirements")

            def find_beyond() -> Beyond:
                coming = run.find_coming()  # first: what is shown by then, the listing has
                return Beyond(find_unwanted(run.environment, found.names, exact=settings.exact), coming)

            return _make_aim(run, found, find_beyond)._replace(held=found.names, alone=True)

        wishes, outcome = _carry_out(run, store, find)
        return _close(run, store, wishes, outcome)


def lock(
    requests: Sequence[str], *, requirement_files: Sequence[str] = (), target: Target, settings: Settings = Settings(),
    watch: Watch = Watch(),
) -> Report:  # fmt: skip
    """Resolve what is asked for and write it down as a lock; the environment is looked at and left as it is."""
    run = Run(target, settings, watch)
    asked = _make_asked(requests, requirement_files, target, settings)
    with remembering():
        written = write_lock(run, asked)
    return run.close(NOTHING)._replace(locked=written)


def _carry_out(run: Run, store: Store, find: Callable[[], Aim]) -> tuple[list[Wish], Outcome]:
    """Carry it out; what met a damaged entry of the store was undone and is done again, the wheel unpacked anew.

    So it is where others changed meanwhile what was looked at without a lock (DESIGN 5: a sync reads again).
    """
    damaged: set[str] = set()
    looks = 0
    while True:
        try:
            run.timing.phase("find")
            aim = find()
            return aim.wishes, _change(run, store, aim)
        except Moved:
            run.cancelled()
            looks += 1
            if looks == MOST_LOOKS:
                raise EnvironmentBusy(looks=looks, path=run.environment.prefix) from None
        except StoreDamaged as error:
            if error.data["wheel"] in damaged:
                raise
            damaged.add(error.data["wheel"])
            text = f"{error.data['wheel']} was damaged in the store ({error.data['path']}); it is unpacked anew"
            run.report(Note("info", text))


def _close(run: Run, store: Store, wishes: list[Wish], outcome: Outcome) -> Report:
    """Report, with where what changed came from, and what is unmet."""
    run.timing.phase("report")
    origins = _tell_origins(run, store, wishes, outcome)
    wheels = name_wheels(wishes)
    gone = [normalise_name(change.name) for change in outcome.changes if change.new is None]
    unmet = find_unmet(run.environment, wheels, planned=run.settings.dry_run, gone=gone)
    return run.close(outcome)._replace(unmet=unmet, installed_from=origins)


def _tell_origins(run: Run, store: Store, wishes: list[Wish], outcome: Outcome) -> tuple[InstalledFrom, ...]:
    if not run.settings.describe:
        return ()
    from lugnut.supply.origins import tell_origins

    return tell_origins(store, wishes, outcome.changes)


def _change(run: Run, store: Store, aim: Aim) -> Outcome:
    """Look, without a lock, whether there is anything to do; if so, do it as a transaction."""
    run.timing.phase("look")
    settings, wishes = run.settings, aim.wishes
    names = sorted({wish.manifest.name for wish in wishes} | set(settings.overlay) | aim.beyond.names() | aim.held)
    nothing = run.idle(names) and not aim.beyond.names() and not find_open(run.environment, wishes, settings)
    if nothing and aim.holds() and run.idle(names):
        return NOTHING
    from lugnut.change import change

    return change(run, store, names, aim)


def uninstall(
    names: Sequence[str], *, requirement_files: Sequence[str] = (), target: Target, settings: Settings = Settings(),
    watch: Watch = Watch(),
) -> Report:  # fmt: skip
    """Remove distributions as one transaction; what they had shadowed comes back (G4)."""
    run = _begin(target, settings, watch)
    run.timing.phase("look")
    listed = read_asked(
        Asked(tuple(names), tuple(requirement_files), (), require_hashes=False, directory=target.directory)
    )
    wanted = sorted({request.name for request in listed.requests})
    if run.idle(wanted) and not _list_present(run, wanted) and run.idle(wanted):
        _tell_missing(run, wanted, NOTHING)
        return run.close(NOTHING)
    from lugnut.change import remove

    outcome = remove(run, wanted)  # all that is named is held, for what is missing may just be coming (G3)
    _tell_missing(run, wanted, outcome)
    return run.close(outcome)


def _list_present(run: Run, names: Sequence[Name]) -> list[Name]:
    present = {found.name for found in find_installed(run.environment)}
    return [name for name in names if name in present]


def _tell_missing(run: Run, names: Sequence[Name], outcome: Outcome) -> None:
    """Say what was not installed: as for pip and uv it is a warning, for nothing is left to do."""
    removed = {normalise_name(change.name) for change in outcome.changes}
    for name in names:
        if name not in removed:
            run.report(Note("warning", f"skipped {name}: it is not installed in {run.environment.prefix}"))


def check(*, target: Target, settings: Settings = Settings(), watch: Watch = Watch()) -> Report:
    """Compare the environment with what is recorded of it; nothing is changed but a dead transaction."""
    from lugnut.check import find_all

    run, _ = _enter(target, settings, watch, reads=True)  # what a power cut left it finds itself, and reads every file
    findings = find_all(run.environment)
    return run.close(NOTHING)._replace(findings=findings)


def recover(*, target: Target, settings: Settings = Settings(), watch: Watch = Watch(), forget: bool = False) -> Report:
    """Finish or undo what dead runs left; `forget` then removes an idle `.lugnut` and says what is lost with it."""
    run = _begin(target, settings, watch, asked=True)
    if forget:
        if run.environment.kind not in {"target", "prefix"}:
            raise UsageError(
                message="--forget is for a --target that is to be shipped", hint="name it with --target DIR"
            )
        run.forget()
    return run.close(NOTHING)


def clean_cache(settings: Settings) -> int:
    """Remove every entry of the store that no run uses; gives the bytes freed."""
    from lugnut.store.keeping import clean

    return _keep(settings, clean)


def prune_cache(settings: Settings) -> int:
    """Remove from the store what is damaged or unused; gives the bytes freed."""
    from lugnut.store.keeping import prune

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
