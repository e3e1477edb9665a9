"""The pool: processes that each take one job at a time. It knows no wheels.

Forked workers inherit the parent's locks, so what they write is guarded until the last of them is gone (DESIGN, locks).
Everything a worker owes the parent goes over one pipe of its own as frames; the numbers of the jobs come over one pipe
that all share. A third pipe carries nothing: its end of file says that the parent is dead, or has called the work off,
and a worker looks at it at every border (`stopped`). A worker that ends without an answer is named with its job.
"""

from __future__ import annotations

import os
import select
import signal
import struct
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, NoReturn, TypeVar

from lugnut.errors import InternalError, LugnutError, WorkerDied
from lugnut.events import Reporter
from lugnut.system import frames

if sys.platform == "win32":
    from lugnut.system import _windows as _system
else:
    from lugnut.system import _posix as _system

J = TypeVar("J")
R = TypeVar("R")
TICK = 0.05
"""Seconds between two looks at `cancelled` while no worker speaks."""


class Pool(NamedTuple):
    """How work is spread."""

    size: int
    label: Callable[[Any], str]
    """Names a job in a message."""
    report: Reporter
    cancelled: Callable[[], None]
    """Called at least every 50 ms; raises to call the work off."""
    start_method: str
    """fork or spawn."""


class Stopped(BaseException):
    """The parent is gone or has called the work off: leave at this border, clean up nothing that others see."""


_life: int | None = None


def stopped() -> None:
    """Leave the worker if its parent is gone; does nothing outside of one."""
    if _life is not None and select.select([_life], [], [], 0)[0]:
        raise Stopped


def default_start_method() -> str:
    """Give `fork` on Linux and `spawn` elsewhere, unless LUGNUT_START_METHOD says otherwise."""
    return os.environ.get("LUGNUT_START_METHOD") or ("fork" if sys.platform == "linux" else "spawn")


def default_count() -> int:
    """Give one worker for each usable processor."""
    return _system.usable_processors()


def run(function: Callable[[J, Reporter], R], jobs: Sequence[J], *, plan: Pool) -> list[R]:
    """Do every job and give the results in the jobs' order; all workers are gone when this returns or raises."""
    if plan.size <= 1 or len(jobs) <= 1:
        results = []
        for job in jobs:
            plan.cancelled()
            results.append(function(job, plan.report))
        return results
    starter: Callable[[Callable[[J, Reporter], R], Sequence[J], Pool], list[Worker]]
    starter = _fork_all if plan.start_method == "fork" and _single_threaded() else _spawn_all
    return _Course(starter(function, jobs, plan), jobs, plan).run()


def _single_threaded() -> bool:
    threading = sys.modules.get("threading")
    return threading is None or threading.active_count() == 1


class Worker:
    """One worker as its parent sees it: where its frames come from, how it is told to go on, how it is reaped."""

    def __init__(self, results: int, reap: Callable[[], int], stop: Callable[[], None]) -> None:
        self.results = results
        self.reap = reap
        """Wait for its end and give its exit code, negative for a signal."""
        self.stop = stop
        self.reader = frames.Reader(results)
        self.job: int | None = None
        self.finished = False


class _Course(Generic[J, R]):
    """The parent's side of one run."""

    def __init__(self, workers: list[Worker], jobs: Sequence[J], plan: Pool) -> None:
        self._workers = workers
        self._jobs = jobs
        self._plan = plan
        self._results: dict[int, R] = {}
        self._failure: BaseException | None = None

    def run(self) -> list[R]:
        """Listen until every worker has ended."""
        try:
            open_ones = list(self._workers)
            while open_ones:
                self._plan.cancelled()
                ready = select.select([worker.results for worker in open_ones], [], [], TICK)[0]
                for worker in [one for one in open_ones if one.results in ready]:
                    if not self._hear(worker):
                        open_ones.remove(worker)
                if self._failure is not None:
                    raise self._failure
        finally:
            self._end()
        if len(self._results) != len(self._jobs):
            raise InternalError(message="the workers ended and left jobs undone")
        return [self._results[index] for index in range(len(self._jobs))]

    def _hear(self, worker: Worker) -> bool:
        """Take what a worker says; False when it has ended."""
        messages = worker.reader.read()
        if messages is None:
            if worker.job is not None or not worker.finished:
                self._failure = self._failure or self._word_death(worker)
            return False
        for kind, index, value in messages:
            if kind == "event":
                self._plan.report(value)
            elif kind == "begin":
                worker.job = index
            elif kind == "done":
                worker.job = None
                self._results[index] = value
            elif kind == "failed":
                worker.job = None
                worker.finished = True
                self._failure = self._failure or value
            elif kind == "bye":
                worker.finished = True
        return True

    def _word_death(self, worker: Worker) -> WorkerDied:
        code = worker.reap()
        label = self._plan.label(self._jobs[worker.job]) if worker.job is not None else "no wheel yet"
        return WorkerDied(label=label, cause=f"signal {-code}" if code < 0 else f"exit code {code}")

    def _end(self) -> None:
        for worker in self._workers:
            worker.stop()
        for worker in self._workers:
            worker.reap()
            os.close(worker.results)


# --- the worker's side ------------------------------------------------------------------------------------------------


def serve_jobs(function: Callable[[Any, Reporter], Any], jobs: Sequence[Any], numbers: int, results: int) -> None:
    """Take job numbers until there are none, and answer with frames; raises Stopped when the parent is gone."""
    writer = frames.Writer(results)
    while number := os.read(numbers, 4):
        (index,) = struct.unpack("<I", number)
        writer.send("begin", index, None)
        try:
            stopped()
            value = function(jobs[index], lambda event, at=index: writer.send("event", at, event))  # type: ignore[misc]
        except LugnutError as error:
            writer.send("failed", index, error)
            return
        except Exception as error:  # noqa: BLE001 - it belongs to the parent, whatever it is
            writer.send_error(index, error, traceback.format_exc())
            return
        writer.send("done", index, value)
    writer.send("bye", 0, None)


def _fill_numbers(count: int) -> int:
    """Give the reading end of a pipe that holds every job's number and then ends."""
    reading, writing = os.pipe()
    data = b"".join(struct.pack("<I", index) for index in range(count))
    if len(data) <= 65_536:  # noqa: PLR2004 - what a pipe holds without a reader
        os.write(writing, data)
        os.close(writing)
        return reading
    os.close(reading)
    os.close(writing)
    raise InternalError(message=f"{count} jobs are more than the pool takes at once")


if sys.platform == "win32":

    def _fork_all(function: Callable[[J, Reporter], R], jobs: Sequence[J], plan: Pool) -> list[Worker]:
        raise InternalError(message="there is no fork here")

else:

    def _fork_all(function: Callable[[J, Reporter], R], jobs: Sequence[J], plan: Pool) -> list[Worker]:
        numbers = _fill_numbers(len(jobs))
        life, mine = os.pipe()
        workers: list[Worker] = []
        closing = [mine]

        def stop() -> None:
            if closing:
                os.close(closing.pop())

        try:
            for _ in range(min(plan.size, len(jobs))):
                reading, writing = os.pipe()
                pid = _fork_one(lambda: serve_jobs(function, jobs, numbers, writing), life, [mine, reading, *(w.results for w in workers)])  # noqa: B023 - called before the loop goes on
                os.close(writing)
                workers.append(Worker(reading, _make_reaper(pid), stop))
        except OSError:
            stop()
            for worker in workers:
                worker.reap()
                os.close(worker.results)
            raise
        finally:
            os.close(numbers)
            os.close(life)
        return workers

    def _fork_one(work: Callable[[], None], life: int, parents: list[int]) -> int:
        """Fork with signals blocked; the child closes what is its parent's and leaves by os._exit alone."""
        blocked: set[int] = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            pid = os.fork()
        except BaseException:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
            raise
        if pid == 0:
            _be_child(work, life, parents, blocked)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        return pid

    def _be_child(work: Callable[[], None], life: int, parents: list[int], blocked: set[int]) -> NoReturn:
        global _life  # noqa: PLW0603 - one process, one parent
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # the whole group gets it; the parent decides (TRAPS 40)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
            for descriptor in parents:  # else our own copy would keep the end of file from ever coming
                os.close(descriptor)
            _life = life
            work()
            code = 0
        except BaseException:  # noqa: BLE001, S110 - Stopped, or a parent that reads no more: there is nobody to tell
            pass
        finally:
            os._exit(code)

    def _make_reaper(pid: int) -> Callable[[], int]:
        ended: list[int] = []

        def reap() -> int:
            if not ended:
                ended.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
            return ended[0]

        return reap


def _spawn_all(function: Callable[[J, Reporter], R], jobs: Sequence[J], plan: Pool) -> list[Worker]:
    """Start fresh interpreters; every worker gets every n-th job over its standard input, and answers on its output."""
    count = min(plan.size, len(jobs))
    return [_spawn_one(function, jobs, range(number, len(jobs), count)) for number in range(count)]


def _spawn_one(function: Callable[[J, Reporter], R], jobs: Sequence[J], share: range) -> Worker:
    import subprocess

    command = [sys.executable, "-P", "-c", "from lugnut.system.workers import serve; serve()"]  # TRAPS 39
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    assert process.stdin is not None  # noqa: S101 - asked for just above
    assert process.stdout is not None  # noqa: S101 - asked for just above
    results = os.dup(process.stdout.fileno())
    process.stdout.close()
    given = process.stdin
    try:
        frames.Writer(given.fileno()).send("jobs", 0, (function, {index: jobs[index] for index in share}))
    except BrokenPipeError:
        pass  # it died already: the end of its results says so

    def stop() -> None:
        given.close()

    return Worker(results, process.wait, stop)


def serve() -> None:
    """Be a spawned worker: the jobs come over standard input, whose end says that the parent is gone."""
    global _life  # noqa: PLW0603 - one process, one parent
    results = os.dup(1)
    os.dup2(2, 1)  # what a library prints must not end up among the frames
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    reader = frames.Reader(0)
    messages = reader.read()
    while messages is not None and not messages:
        messages = reader.read()
    if messages is None:
        return
    function, share = messages[0][2]
    _life = 0
    reading, writing = os.pipe()
    os.write(writing, b"".join(struct.pack("<I", index) for index in share))
    os.close(writing)
    try:
        serve_jobs(function, share, reading, results)
    except (Stopped, BrokenPipeError):
        os._exit(1)
