"""Workers as fresh interpreters: where there is no fork, or where the parent has threads.

A worker reads its jobs from its standard input, one at a time, and writes frames to its standard output. The end of its
input says that the parent is dead or calls the work off. It inherits no locks: whoever places files through it takes a
writer's lock in the job (design, section 5; TRAPS 7).
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence

from lugnut.errors import InternalError
from lugnut.system import frames, lifeline
from lugnut.system.forked import GRACE, Heard
from lugnut.system.native import machine
from lugnut.typed import Any

_PATH = "import sys; sys.argv[1] in sys.path or sys.path.append(sys.argv[1]); "
_PROGRAM = "from lugnut.system.workers import serve; serve()"
_PAUSE = 0.1


class SpawnedCrew:
    """Spawned workers as their parent sees them."""

    def __init__(self, function: Callable[..., Any], jobs: Sequence[Any]) -> None:
        import queue

        self._work = frames.pack("work", 0, function)
        self._jobs = jobs
        self._next = 0
        self._processes: list[Any] = []  # subprocess.Popen and threading.Thread, imported only where they are needed
        self._threads: list[Any] = []
        self._open: set[int] = set()
        self._said: queue.SimpleQueue[Heard] = queue.SimpleQueue()

    def start(self, count: int) -> int:
        """Start `count` workers, or as many as the system allows, and give how many."""
        for _ in range(count):
            with machine.signals_held():  # they inherit it and let signals in when they know what to do with them
                try:
                    self._add(start(_PROGRAM))
                except (OSError, RuntimeError):  # too many processes, threads or open files: those that are there do it
                    break
        for worker in range(len(self._processes)):
            self._send(worker, self._work)
            self.give(worker)
        return len(self._processes)

    def _add(self, process: Any) -> None:
        import threading

        worker = len(self._processes)
        thread = threading.Thread(target=self._hear, args=(worker, process.stdout.fileno()), daemon=True)
        try:
            thread.start()
        except RuntimeError:  # nobody would ever hear of its end
            with process:
                process.kill()
            raise
        self._processes.append(process)
        self._threads.append(thread)
        self._open.add(worker)

    def _hear(self, worker: int, descriptor: int) -> None:
        """Put all that a worker says where the parent waits: pipes cannot be waited for on Windows."""
        reader = frames.Reader(descriptor)
        try:
            while (messages := reader.read()) is not None:
                for message in messages:
                    self._said.put((worker, message))
        except Exception as error:  # noqa: BLE001 - what is no message: the worker is as good as dead
            self._said.put((worker, ("failed", -1, error)))
        self._said.put((worker, None))

    def give(self, worker: int) -> None:
        """Give a worker its next job, or tell it that there is none."""
        if self._next >= len(self._jobs):
            self._send(worker, frames.pack("end", 0, None))
            return
        number, self._next = self._next, self._next + 1
        self._send(worker, frames.pack("job", number, self._jobs[number]))

    def _send(self, worker: int, data: bytes) -> None:
        with contextlib.suppress(lifeline.Stopped):  # it has ended: what it said last tells why
            frames.Writer(self._processes[worker].stdin.fileno()).send_packed(data)

    def listen(self, seconds: float) -> list[Heard]:
        """Wait for what any worker says, but no longer than that."""
        import queue

        heard: list[Heard] = []
        with contextlib.suppress(queue.Empty):
            heard.append(self._said.get(timeout=seconds))
            while True:
                heard.append(self._said.get_nowait())
        for worker, message in heard:
            if message is None:
                self._bury(worker)
        return heard

    def _bury(self, worker: int) -> None:
        with machine.signals_held():
            process = self._processes[worker]
            self._hang_up(worker)
            process.wait()
            self._threads[worker].join()
            process.stdout.close()
            self._open.discard(worker)

    def _hang_up(self, worker: int) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._processes[worker].stdin.close()

    def working(self) -> bool:
        """Say whether any worker has not ended."""
        return bool(self._open)

    def code(self, worker: int) -> int | None:
        """Give the exit code of a worker that has ended, negative for a signal."""
        code: int | None = self._processes[worker].returncode
        return code

    def dismiss(self) -> list[Heard]:
        """Call the work off and wait until every worker has ended; gives what they still said."""
        heard: list[Heard] = []
        with machine.signals_held():
            for worker in self._open:
                self._hang_up(worker)
            patience = time.monotonic() + GRACE
            while self._open:
                heard += self.listen(_PAUSE)
                for worker in [one for one in self._open if not self._threads[one].is_alive()]:
                    self._bury(worker)  # a listening that a KeyboardInterrupt cut short had heard of its end
                if time.monotonic() > patience:
                    for worker in self._open:
                        self._processes[worker].kill()
                    patience += GRACE
        return heard


def start(program: str) -> Any:
    """Start a program of ours with a pipe to it and one from it: of Popen's own the first leaks where the second fails.

    It is Python text, run by our own interpreter with the directory that lugnut lies in as its first argument.
    """
    from subprocess import Popen

    with contextlib.ExitStack() as ends, contextlib.ExitStack() as ours:
        theirs, jobs = _pipe(ends, ours)
        answers, said = _pipe(ours, ends)
        process = Popen(
            command(program), stdin=theirs, stdout=said, bufsize=0, creationflags=machine.SPAWN_FLAGS,
            pass_fds=tuple(lifeline.inherited),
        )  # fmt: skip
        process.stdin, process.stdout = open(jobs, "wb", buffering=0), open(answers, "rb", buffering=0)  # noqa: SIM115
        ours.pop_all()
        return process


def _pipe(reading: contextlib.ExitStack, writing: contextlib.ExitStack) -> tuple[int, int]:
    read, write = os.pipe()
    reading.callback(os.close, read)
    writing.callback(os.close, write)
    return read, write


def command(program: str) -> list[str]:
    """Give how our own interpreter runs a line of ours, its path as it is without the working directory (TRAPS 39)."""
    if not sys.executable:
        raise InternalError(message="this Python does not know its own executable, so it cannot start workers")
    isolated = ["-I"] if sys.flags.isolated else []
    home = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    return [sys.executable, *isolated, "-P", "-c", _PATH + program, home]


def serve() -> None:
    """Be a spawned worker."""
    jobs, results = take_pipes()
    machine.be_worker()
    lifeline.be_worker(jobs)  # before anything of the caller's is imported: a module that calls `run` must not spawn
    writer = frames.Writer(results)
    reader = frames.Reader(jobs)
    try:
        messages = _receive(reader)
        _, _, function = next(messages)
        frames.work(function, _take(messages), writer)
    except lifeline.Stopped:
        os._exit(1)
    except Exception as error:  # noqa: BLE001 - a function or job that cannot be unpickled here
        writer.send_packed(frames.pack_failure(-1, error))
    os._exit(0)


def take_pipes() -> tuple[int, int]:
    """Keep the pipes for the frames alone: what a library reads or prints must not end up among them."""
    jobs, results = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    try:
        os.dup2(2, 1)
    except OSError:  # no standard error either
        os.dup2(nothing, 1)
    os.close(nothing)
    for descriptor in (jobs, results):
        machine.make_binary(descriptor)
    return jobs, results


def _receive(reader: frames.Reader) -> Iterator[frames.Message]:
    while (messages := reader.read()) is not None:
        yield from messages
    raise lifeline.Stopped


def _take(messages: Iterator[frames.Message]) -> Iterator[tuple[int, Any]]:
    for kind, number, job in messages:
        if kind == "end":
            return
        yield number, job
