"""The pool: processes that each take one job at a time. It knows no wheels.

Not an executor that breaks whole when one process is killed (TRAPS 40): a worker that ends without an answer is named
with its job, and whatever happens, every worker has ended and is reaped when `run` returns or raises. Workers decide
nothing; what they tell flows back to the parent, which alone speaks. How they are started is in `forked` and `spawned`,
how they notice that nobody needs them any more in `lifeline`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence

from lugnut.errors import InternalError, UsageError, WorkerDied
from lugnut.events import UNTIMED, Event, Reporter, Span, Timing
from lugnut.system import frames, lifeline
from lugnut.system.forked import ForkedCrew, Heard
from lugnut.system.lifeline import Stopped, look_now, stopped
from lugnut.system.native import machine
from lugnut.system.spawned import SpawnedCrew, serve
from lugnut.typed import Any, Generic, NamedTuple, Protocol, TypeVar

__all__ = ["Pool", "Stopped", "default_count", "default_start_method", "look_now", "run", "serve", "stopped"]

J = TypeVar("J")
R = TypeVar("R")
TICK = 0.05
"""Seconds between two looks at `cancelled` while no worker speaks."""
START_METHODS = ("fork", "spawn")


class Pool(NamedTuple):
    """How work is spread."""

    size: int
    """How many workers; with one, or one job, or in a worker, the work is done in this process."""
    label: Callable[[Any], str]
    """Names a job in a message."""
    report: Reporter
    """Told, in the parent, what jobs emit."""
    cancelled: Callable[[], None]
    """Called in the parent at least every 50 ms; raises to call the work off."""
    start_method: str
    """fork or spawn; see `default_start_method`."""
    timing: Timing = UNTIMED
    """Told when each job was done, by the worker's own clock, and what was waited for in it."""
    trade: str = "work"
    """What the jobs are, to it."""


class _Crew(Protocol):
    """Workers, however they were started."""

    def start(self, count: int) -> int: ...
    def give(self, worker: int) -> None: ...
    def listen(self, seconds: float) -> list[Heard]: ...
    def working(self) -> bool: ...
    def code(self, worker: int) -> int | None: ...
    def dismiss(self) -> list[Heard]: ...


def default_start_method() -> str:
    """Give what LUGNUT_START_METHOD says, else fork on Linux while this process has one thread, else spawn.

    Ask once and use the answer throughout: what is spawned inherits no lock.
    """
    chosen = os.environ.get("LUGNUT_START_METHOD")
    if chosen:
        if chosen not in START_METHODS:
            raise UsageError(message=f"LUGNUT_START_METHOD must be fork or spawn, not {chosen!r}", hint="unset it")
        return chosen
    return "fork" if machine.HAS_FORK and machine.count_threads() == 1 else "spawn"


def default_count() -> int:
    """Give one worker for each usable processor."""
    return machine.usable_processors()


def run(
    function: Callable[[J, Reporter], R],
    jobs: Sequence[J],
    *,
    plan: Pool,
    on_result: Callable[[int, R], None] | None = None,
) -> list[R]:
    """Do every job and give the results in the jobs' order; jobs are begun in that order too.

    `function` runs in a worker (spawned ones need it importable), tells what it has to tell to the reporter it is given
    and calls `stopped()` at borders. Its exception is raised here, of several that of the first job; WorkerDied where
    a worker was killed. `on_result` is told the place and result of each job as it comes.
    """
    course: _Course[J, R] = _Course(jobs, plan, on_result)
    if plan.size <= 1 or len(jobs) <= 1 or lifeline.in_worker():
        return course.run_here(function)
    crew: _Crew = ForkedCrew(function, jobs) if plan.start_method == "fork" else SpawnedCrew(function, jobs)
    return course.run(function, crew)


class _Course(Generic[J, R]):
    """The parent's side of one run."""

    def __init__(self, jobs: Sequence[J], plan: Pool, on_result: Callable[[int, R], None] | None) -> None:
        self._jobs = jobs
        self._plan = plan
        self._on_result = on_result
        self._results: dict[int, R] = {}
        self._failures: dict[int, BaseException] = {}
        self._doing: dict[int, tuple[int, int]] = {}
        """By worker: its job's place, and when it began. One table: an interrupt may come between any two lines."""
        self._ended_well: set[int] = set()

    def run_here(self, function: Callable[[J, Reporter], R]) -> list[R]:
        """Do every job in this process; what calls it off is looked at wherever a worker would look."""
        with lifeline.watching(self._plan.cancelled):
            for number, job in enumerate(self._jobs):
                lifeline.look_now()
                began = time.perf_counter_ns()
                try:
                    value = function(job, self._plan.report)
                finally:
                    self._note_time(number, began, time.perf_counter_ns(), lane=0)
                self._keep(number, value)
        return self._sort_results()

    def run(self, function: Callable[[J, Reporter], R], crew: _Crew) -> list[R]:
        """Have a crew do every job; it is gone when this returns or raises."""
        try:
            try:
                started = crew.start(min(self._plan.size, len(self._jobs)))
                while crew.working() and not self._failures:
                    self._plan.cancelled()
                    for worker, message in crew.listen(TICK):
                        self._take(crew, worker, message)
            finally:
                self._hear_last(crew.dismiss())
                self._note_unfinished()
        finally:
            self._hear_last(crew.dismiss())  # again: a KeyboardInterrupt may have cut the first one short
        return self._sort_results() if started else self.run_here(function)  # not one process more is to be had

    def _take(self, crew: _Crew, worker: int, message: frames.Message | None) -> None:
        if message is None:
            if worker not in self._ended_well:
                self._note_death(worker, crew.code(worker))
            return
        kind, number, value = message
        if kind == "event":
            self._hear(worker, value)
        elif kind == "begin":
            self._doing[worker] = number, value
        elif kind == "done":
            ended, result = value
            _, began = self._doing.pop(worker)
            crew.give(worker)
            self._note_time(number, began, ended, lane=worker + 1)
            self._keep(number, result)
        elif kind == "failed":
            self._failures[number] = value
        elif kind == "bye":
            self._ended_well.add(worker)

    def _hear(self, worker: int, event: Event) -> None:
        if isinstance(event, Span):
            self._plan.timing.add(event, worker + 1)
        else:
            self._plan.report(event)

    def _note_time(self, number: int, began: int, ended: int, *, lane: int, **args: bool) -> None:
        if self._plan.timing.on:
            name = self._plan.label(self._jobs[number]) or self._plan.trade
            self._plan.timing.add(Span(name, self._plan.trade, began, ended, args), lane)

    def _note_unfinished(self) -> None:
        """Note the jobs that failed or were called off: what is known is that they lasted no longer than until now."""
        for worker, (number, began) in self._doing.items():
            self._note_time(number, began, time.perf_counter_ns(), lane=worker + 1, unfinished=True)

    def _keep(self, number: int, value: R) -> None:
        self._results[number] = value
        if self._on_result is not None:
            self._on_result(number, value)

    def _note_death(self, worker: int, code: int | None) -> None:
        """Name the job of a worker that is dead; it may have been killed before it could say which it took."""
        number, _ = self._doing.get(worker, (None, 0))
        if number is None:
            others = self._results.keys() | {number for number, _ in self._doing.values()}
            number = next((one for one in range(len(self._jobs)) if one not in others), len(self._jobs) - 1)
        cause = "it ended without a word" if code is None else f"signal {-code}" if code < 0 else f"exit code {code}"
        self._failures[number] = WorkerDied(label=self._plan.label(self._jobs[number]), cause=cause)

    def _hear_last(self, heard: list[Heard]) -> None:
        """Take up what others said while they were called off, so that of several failures the first is told."""
        for worker, message in heard:
            if message and message[0] == "event":
                self._hear(worker, message[2])
        if self._failures:
            self._failures |= {message[1]: message[2] for _, message in heard if message and message[0] == "failed"}

    def _sort_results(self) -> list[R]:
        if self._failures:
            raise self._failures[min(self._failures)]
        if len(self._results) != len(self._jobs):
            raise InternalError(message="the workers ended and left jobs undone")
        return [self._results[number] for number in range(len(self._jobs))]
