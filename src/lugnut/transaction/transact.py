"""One run as one transaction, in its order: look, hold, plan, open, judge, place, commit, show, close (DESIGN 7)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Sequence

from lugnut.conflicts import Clash, find_clashes, find_shapes
from lugnut.distribution import Name
from lugnut.environment import Environment
from lugnut.errors import CannotWrite, CommittedNotClosed, ConflictRefused, LockLost, LugnutError, ShapeConflict
from lugnut.events import UNTIMED, Changed, Committed, Conflict, Event, Noted, Reporter, Timing, WheelPlaced
from lugnut.plan import Action, Plan, Rendered
from lugnut.store.place import Store
from lugnut.system import files, locks, workers
from lugnut.transaction import journal
from lugnut.transaction.bench import Terms
from lugnut.transaction.commit import Settled, abort, finish, rest, sync_volumes
from lugnut.transaction.entrance import hold_guard, see_ground
from lugnut.transaction.guard import Guard
from lugnut.transaction.hold import Names, hold_uv
from lugnut.transaction.lost import find_lost, see_kept, withdraw
from lugnut.transaction.outcome import NOTHING, Outcome
from lugnut.transaction.place import Placed, Placing, label
from lugnut.transaction.recover import find_named, recover_dead, recover_named
from lugnut.transaction.site import Site
from lugnut.transaction.survey import survey
from lugnut.typed import NamedTuple


class Course(NamedTuple):
    """How a run goes about it."""

    store: Store | None
    patience: locks.Patience
    cancelled: Callable[[], None]
    """Called at safe points before the commit; raises to have the run undone."""
    report: Reporter
    on_conflict: str
    link_mode: str
    jobs: int
    start_method: str
    durable: bool
    force: bool
    settled: Settled = rest
    """Called once the plan is carried out, the locks still held and the transaction not closed yet."""
    timing: Timing = UNTIMED
    backend: str = ""
    """What the caller says of locks where flock does not reach: nothing, `flock`, or a server's URL."""
    guard: Guard | None = None
    """What keeps others apart, once it is held."""
    beyond: Callable[[], Collection[Name]] | None = None
    """For what is about all that is installed, so that no other change may be beside it: what is to be held besides the
    names given, asked once it is alone."""


class Decision(NamedTuple):
    """What is to be done, decided from what is installed now."""

    rendered: tuple[Rendered, ...]
    removals: tuple[Action, ...]
    changes: tuple[Changed, ...]
    requested: frozenset[Name]

    def actions(self) -> list[Action]:
        """Give every action."""
        return [*(one.action for one in self.rendered), *self.removals]


Decide = Callable[[], Decision]
"""Reads what is installed now and says what is to be done; called again under the locks."""


def transact(environment: Environment, names: Sequence[Name], decide: Decide, course: Course) -> Outcome:
    """Carry out what `decide` says about `names`, whole or not at all."""
    course.timing.phase("hold")
    try:
        see_ground(environment, course.backend)
        home = journal.open_home(environment, create=True)
    except OSError as error:
        raise CannotWrite(path=environment.lugnut, reason=error.strerror or str(error)) from None
    assert home is not None  # noqa: S101 - it is made
    with home:
        site = Site(environment, home, course.patience, course.report)
        site.timing = course.timing
        try:
            with hold_guard(site, course.backend, locks.holder_words()) as guard:
                return _carry_out(site, names, decide, _guarded(site, guard, course))
        except OSError as error:
            raise CannotWrite(
                path=str(error.filename or environment.lugnut), reason=error.strerror or str(error)
            ) from None
        finally:
            site.close()


def _guarded(site: Site, guard: Guard, course: Course) -> Course:
    """Have a run that has lost the lock of its environment called off; who alone is at work there buries all the dead.

    So no transaction of a run that lost the lock stays open beside the next one: what it would commit is aborted.
    """

    def look() -> None:
        guard.look()
        course.cancelled()

    if not guard.alone:
        return course._replace(guard=guard)
    site.patience = site.patience._replace(cancelled=look)
    recover_dead(site, locks.holder_words())
    return course._replace(guard=guard, cancelled=look, patience=site.patience)


def _carry_out(site: Site, names: Sequence[Name], decide: Decide, course: Course) -> Outcome:
    uv = hold_uv(site.environment, course.patience)
    held = Names(site.home)
    words = locks.holder_words()
    try:
        held.enter(site.patience, words, alone=course.beyond is not None)
        if course.beyond is not None:
            site.refresh()
            names = sorted({*names, *course.beyond()})
        _hold(site, held, names, words)
        course.timing.phase("decide")
        return _run(site, held, decide(), course)
    finally:
        held.close()
        if uv is not None:
            uv.close()


def _hold(site: Site, held: Names, names: Sequence[Name], words: str) -> None:
    """Hold every name; the dead come first, and since recovery takes names of its own, all are released for it."""
    while True:
        held.take(names, site.patience, words)
        site.refresh()
        if not find_named(site, names):
            return
        held.release()
        recover_named(site, names, words)


def _run(site: Site, held: Names, decision: Decision, course: Course) -> Outcome:
    if not decision.actions():
        return NOTHING
    course.timing.phase("survey")
    plan = survey(site, decision.actions(), force=course.force)
    course.timing.phase("publish")
    if not course.durable:
        site.mark_unsynced()
    transaction = journal.publish(site.home, plan, locks.holder_words(), durable=course.durable)
    site.ledger.learn(transaction.id, plan)
    try:
        try:
            course.timing.phase("judge")
            judge(site, plan.actions, transaction.id, decision, course)
            _place(site, plan, decision, transaction, course)
            course.timing.phase("commit")
            course.cancelled()
            if course.durable:
                sync_volumes(site.environment)
            if course.guard is not None:
                course.guard.check()
            held.check()
            transaction.change(journal.OPEN, journal.COMMITTED)
        except BaseException as error:
            course.timing.phase("undo")
            lost = find_lost(held, transaction, error)
            _abort(site, held, transaction)
            if lost:
                raise LockLost(path=lost) from error
            raise
        course.report(Committed(transaction.id))
        course.timing.phase("show")
        _finish(site, transaction, course)
        see_kept(site, held)
    finally:
        transaction.lock.close()
    return Outcome(decision.changes, site.exists, site.settles)


def _abort(site: Site, held: Names, transaction: journal.Transaction) -> None:
    """Undo; what cannot be undone now is left to recovery, and the error that led here is the one to tell."""
    site.insist()
    with contextlib.suppress(OSError, LugnutError, journal.Vanished):
        try:
            abort(site, transaction)
        except journal.Vanished:
            held.close()
            withdraw(site, transaction)


def _finish(site: Site, transaction: journal.Transaction, course: Course) -> None:
    site.insist()
    try:
        if course.durable:
            with transaction.lend_place() as directory:
                files.sync(directory)
        finish(site, transaction, durable=course.durable, settled=course.settled)
    except journal.Vanished:  # this run was taken for dead, and finished (TRAPS 9)
        reason = "another run took this one for dead and closes its transaction"
        raise CommittedNotClosed(path=transaction.id, reason=reason) from None
    except (OSError, LugnutError) as error:
        path = getattr(error, "filename", None) or transaction.id
        raise CommittedNotClosed(path=str(path), reason=getattr(error, "strerror", None) or str(error)) from error


# --- conflicts --------------------------------------------------------------------------------------------------------


def judge(site: Site, actions: Sequence[Action], transaction: str, decision: Decision, course: Course) -> None:
    """Find the conflicts after the claims are published and before anything is placed; report or refuse them."""
    others = site.ledger.claimants(transaction, (action.files for action in actions))
    names = {action.name for action in actions}
    beside = [other for other in others if other.name not in names]
    shapes = find_shapes(site.environment, actions, beside)
    if shapes:
        shape = shapes[0]
        raise ShapeConflict(path=shape.path, file_owner=shape.file_owner, directory_owner=shape.directory_owner)
    if course.on_conflict == "ignore":
        return
    conflicts = [word_clash(clash, decision) for clash in find_clashes(site.environment, actions, beside)]
    open_ones = [conflict for conflict in conflicts if not conflict.decided]
    if open_ones and course.on_conflict == "error":
        raise ConflictRefused(
            summary=_summarise(open_ones),
            conflicts=[f"{one.path}: {one.winner} over {', '.join(one.losers)}" for one in open_ones],
        )
    for conflict in conflicts:
        course.report(conflict)


def word_clash(clash: Clash, decision: Decision) -> Conflict:
    """Say who wins a path, and whether the user decided it."""
    (rank, winner), *losers = clash.claimants
    decided = all(other < rank for other, _ in losers)
    requested = next((name for _, name in losers if name in decision.requested), None)
    return Conflict(clash.path, winner, tuple(name for _, name in losers), decided, requested)


def _summarise(conflicts: Sequence[Conflict]) -> str:
    first = conflicts[0]
    owners = " and ".join(sorted({first.winner, *first.losers}))
    more = f" and {len(conflicts) - 1} more paths" if len(conflicts) > 1 else ""
    return f"{first.path}{more} would differ between {owners}"


# --- placing ----------------------------------------------------------------------------------------------------------


def _place(site: Site, plan: Plan, decision: Decision, transaction: journal.Transaction, course: Course) -> None:
    """Let workers place every wheel, the largest first; all of them are gone when this returns or raises."""
    course.timing.phase("place")
    by_name = {action.name: action for action in plan.actions}
    terms = Terms(
        site.environment, course.store or Store(""), transaction.id, frozenset(plan.adopted), frozenset(plan.forced),
        frozenset(plan.directories), course.link_mode, course.patience.timeout, course.start_method == "spawn",
        course.timing.on,
    )  # fmt: skip
    jobs = [one._replace(action=by_name[one.action.name]) for one in decision.rendered]
    jobs.sort(key=lambda job: (-len(job.action.files), job.action.name))

    def hear(event: Event) -> None:
        if isinstance(event, Noted):
            transaction.noted.append(event)
        else:
            course.report(event)

    def take(number: int, placed: Placed) -> None:
        action = jobs[number].action
        site.exists += placed.exists
        site.settles += placed.settles
        course.report(WheelPlaced(action.name, action.version, placed.files))

    pool = workers.Pool(course.jobs, label, hear, course.cancelled, course.start_method, course.timing, "place")
    with Placing(terms) as placing:
        workers.run(placing, jobs, plan=pool, on_result=take)
