"""A change of an environment, once it is known that there is one to make: decided, carried out or rehearsed.

Apart from `engine`, so that a run that finds nothing to do loads nothing of what changes an environment.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from lugnut.distribution import Name, WheelHash
from lugnut.errors import StoreDamaged
from lugnut.glance import Moved
from lugnut.run import Run
from lugnut.store.place import Store
from lugnut.store.using import hold_entries
from lugnut.system import files, locks
from lugnut.transaction import journal
from lugnut.transaction.commit import Settled
from lugnut.transaction.outcome import Outcome
from lugnut.transaction.site import Site
from lugnut.transaction.transact import Course, Decide, Decision, judge, transact
from lugnut.wish import Aim
from lugnut.wishes import Workshop, decide_removal, decide_set


def change(run: Run, store: Store, names: Sequence[Name], aim: Aim) -> Outcome:
    """Have every wish hold, and what is found unwanted under the locks gone; raises Moved where more is beyond."""
    workshop = Workshop(run.environment, store)

    held = set(names)

    def find_beyond() -> set[Name]:
        held.update(aim.find_beyond().names())
        return held

    def decide() -> Decision:
        beyond = aim.look()
        if not beyond.names() <= held:  # its lock is not
            raise Moved
        return decide_set(run.environment, workshop, aim.wishes, beyond.unwanted, run.settings)

    course = _make_course(run, store)._replace(beyond=find_beyond if aim.alone else None)
    if run.settings.compile_bytecode:  # under the locks: nobody removes a source that is being compiled
        course = course._replace(settled=_make_compiler(run, workshop, course))
    run.timing.phase("hold wheels")
    with _hold_wheels(store, [wish.manifest.wheel for wish in aim.wishes], run):
        if run.settings.dry_run:
            return _rehearse(run, decide)
        return transact(run.environment, names, decide, course)


@contextlib.contextmanager
def _hold_wheels(store: Store, wheels: Sequence[WheelHash], run: Run) -> Iterator[None]:
    """Keep the store's entries from being pruned while they are used."""
    held: list[locks.Held] = []
    try:
        pruned = hold_entries(store, sorted(set(wheels)), run.patience(), held)
        if pruned is not None:
            raise StoreDamaged(wheel=pruned, path="the whole entry was pruned meanwhile")
        yield
    finally:
        for one in held:
            one.close()


def remove(run: Run, names: Sequence[Name]) -> Outcome:
    """Have nothing of some names left."""

    def decide() -> Decision:
        return decide_removal(run.environment, names, force=run.settings.force)

    if run.settings.dry_run:
        return _rehearse(run, decide)
    return transact(run.environment, names, decide, _make_course(run, None))


def _make_course(run: Run, store: Store | None) -> Course:
    """Give how a run goes about a transaction."""
    settings = run.settings
    return Course(
        store, run.patience(), run.cancelled, run.report, settings.on_conflict, settings.link_mode, run.jobs,
        run.start_method, settings.durable, settings.force, timing=run.timing,
        backend=settings.lock_backend,
    )  # fmt: skip


def _make_compiler(run: Run, workshop: Workshop, course: Course) -> Settled:
    """Give what sees to a plan's bytecode; it is imported before anything is changed (DESIGN 7)."""
    from lugnut.transaction.bytecode import show_bytecode

    return lambda transaction: show_bytecode(run.environment, transaction, workshop.manifests, course)


def _rehearse(run: Run, decide: Decide) -> Outcome:
    """Say what would be done: its changes and its conflicts.

    Where there is no `.lugnut` an empty directory elsewhere stands for it: other installers' distributions, and
    the wheels among themselves, clash all the same.
    """
    run.timing.phase("decide")
    decision = decide()
    run.timing.phase("judge")
    with contextlib.ExitStack() as stack:
        home = journal.open_home(run.environment, create=False)
        if home is None:
            home = files.open_root(stack.enter_context(files.lend_directory()))
        stack.enter_context(home)
        site = Site(run.environment, home, run.patience(), run.report)
        stack.callback(site.close)
        judge(site, decision.actions(), "", decision, _make_course(run, None))
    return Outcome(decision.changes, 0, 0)
