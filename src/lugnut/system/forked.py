"""Workers by fork: they inherit the parent's locks, so what they write is guarded until the last of them is gone.

    numbers   one pipe for all: which job is next; whoever is free takes one
    life      one pipe for all that carries nothing: it ends when the parent dies or calls the work off
    results   a pipe for each worker, carrying frames; it ends when the worker does

A worker closes every end that is its parent's, its own of the results of those forked before it too; else an end of
file would never come. So nothing but the parent's death, or its word, ends `life` (design, section 5).
"""

from __future__ import annotations

import contextlib
import os
import struct
import sys
import time
from collections.abc import Callable, Iterator, Sequence

from lugnut.errors import InternalError
from lugnut.system import frames, lifeline
from lugnut.system.native import machine
from lugnut.typed import Any

GRACE = 5.0
"""Seconds that workers get to reach a border when the work is called off; then they are killed."""
_NUMBER = struct.Struct("<I")
_CHUNK = 4096
"""Bytes that a pipe takes whole or not at all (PIPE_BUF), so that no number is ever torn."""
_PAUSE = 0.1
_KILL = 9
"""SIGKILL, which not every system's signal module names."""

Heard = tuple[int, frames.Message | None]
"""A worker's place in the crew and what it says; None: it has ended."""


class ForkedCrew:
    """Forked workers as their parent sees them."""

    def __init__(self, function: Callable[..., Any], jobs: Sequence[Any]) -> None:
        self._function = function
        self._jobs = jobs
        self._unsent = [
            b"".join(_NUMBER.pack(number) for number in range(first, min(first + _CHUNK // _NUMBER.size, len(jobs))))
            for first in range(0, len(jobs), _CHUNK // _NUMBER.size)
        ]
        self._life: list[int] = []
        self._numbers: list[int] = []
        self._pids: list[int] = []
        self._readers: list[frames.Reader] = []
        self._open: dict[int, int] = {}
        self._codes: dict[int, int | None] = {}

    def start(self, count: int) -> int:
        """Fork `count` workers, or as many as the system allows, and give how many."""
        import pickle  # noqa: F401 - here, so that not every worker has to

        if machine.count_threads() != 1:  # another thread's locks would stay locked in the child for ever
            raise InternalError(message="a process with several threads must not fork; its workers must be spawned")
        with (
            machine.signals_held(),
            contextlib.ExitStack() as children_ends,
            contextlib.suppress(OSError),  # too many processes or open files: those that are there do it
        ):
            life, *self._life = os.pipe()
            children_ends.callback(os.close, life)
            numbers, *self._numbers = os.pipe()
            children_ends.callback(os.close, numbers)
            machine.set_nonblocking(self._numbers[0])
            self._feed()
            for _ in range(count):
                self._fork(numbers, life)
        return len(self._pids)

    def _fork(self, numbers: int, life: int) -> None:
        results, writing = os.pipe()
        parents = [*self._life, *self._numbers, results, *self._open]
        try:
            pid = machine.fork(lambda: self._be_worker(parents, numbers, life, writing))
        except BaseException:
            os.close(results)
            raise
        finally:
            os.close(writing)
        self._open[results] = len(self._pids)
        self._pids.append(pid)
        self._readers.append(frames.Reader(results))

    def _be_worker(self, parents: list[int], numbers: int, life: int, results: int) -> None:
        unflushed, sys.stdout = sys.stdout, sys.stderr  # what the parent has not written yet is not ours to write
        for descriptor in parents:
            os.close(descriptor)
        lifeline.be_worker(life)
        frames.work(self._function, self._take(numbers), frames.Writer(results))
        del unflushed

    def _take(self, numbers: int) -> Iterator[tuple[int, Any]]:
        while word := os.read(numbers, _NUMBER.size):
            (number,) = _NUMBER.unpack(word)
            yield number, self._jobs[number]

    def _feed(self) -> None:
        """Write as many numbers as the pipe takes; when all are written, close it: workers then find its end."""
        try:
            while self._unsent and self._numbers:
                os.write(self._numbers[0], self._unsent[0])
                del self._unsent[0]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._unsent.clear()
        _close_all(self._numbers)

    def give(self, worker: int) -> None:
        """Do nothing: workers take their jobs themselves."""

    def listen(self, seconds: float) -> list[Heard]:
        """Wait for what any worker says, but no longer than that."""
        self._feed()
        heard: list[Heard] = []
        for descriptor in machine.wait_readable(list(self._open), seconds):
            worker = self._open[descriptor]
            messages = self._readers[worker].read()
            if messages is None:
                self._bury(descriptor)
                heard.append((worker, None))
            else:
                heard += [(worker, message) for message in messages]
        return heard

    def _bury(self, descriptor: int) -> None:
        with machine.signals_held():
            worker = self._open[descriptor]
            self._codes[worker] = machine.reap(self._pids[worker])
            del self._open[descriptor]
            os.close(descriptor)

    def working(self) -> bool:
        """Say whether any worker has not ended."""
        return bool(self._open)

    def code(self, worker: int) -> int | None:
        """Give the exit code of a worker that has ended, negative for a signal; None where nobody knows."""
        return self._codes.get(worker)

    def dismiss(self) -> list[Heard]:
        """Call the work off and wait until every worker has ended; gives what they still said."""
        heard: list[Heard] = []
        with machine.signals_held():
            _close_all(self._numbers)
            _close_all(self._life)
            patience = time.monotonic() + GRACE
            while self._open:
                heard += self.listen(_PAUSE)
                if time.monotonic() > patience:
                    for worker in self._open.values():
                        os.kill(self._pids[worker], _KILL)
                    patience += GRACE
        return heard


def _close_all(descriptors: list[int]) -> None:
    while descriptors:
        os.close(descriptors.pop())
