"""A worker's line to its parent: when nobody holds the other end any more, or the work is called off, it stops."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

from lugnut.system.native import machine

_PAUSE = 0.002
"""Seconds between two looks at the pipe, so that `stopped()` can stand at every file's border."""


inherited: set[int] = set()
"""Descriptors that a spawned worker is given too, as a forked one has them: they tell a keeper that somebody lives."""


class Stopped(BaseException):
    """The parent is gone or has called the work off: leave at this border, clean up nothing that others see.

    Not an Exception: what a job catches of its own troubles must not keep it going.
    """


class _Line:
    """What this process looks at when it asks; outside of a run, nothing."""

    def __init__(self) -> None:
        self.look: Callable[[], None] | None = None
        self.next = 0.0
        self.worker = False


_line = _Line()


def stopped() -> None:
    """Leave the job here if there is nobody left to do it for; raises Stopped, or what calls off work done in-process.

    It costs next to nothing between two looks at the pipe. Outside of a run it does nothing.
    """
    if _line.look is not None:
        now = time.monotonic()
        if now >= _line.next:
            _line.next = now + _PAUSE
            _line.look()


def look_now() -> None:
    """Do as `stopped`, but look at once."""
    if _line.look is not None:
        _line.look()


def be_worker(descriptor: int) -> None:
    """From now on, stop when a pipe ends or says anything."""

    def look() -> None:
        if machine.speaks(descriptor):
            raise Stopped

    _line.look, _line.next, _line.worker = look, 0.0, True


def in_worker() -> bool:
    """Say whether this process is a worker, which has no workers of its own."""
    return _line.worker


@contextlib.contextmanager
def watching(cancelled: Callable[[], None]) -> Iterator[None]:
    """For as long as the block lasts, stop when `cancelled` raises too."""
    before = _line.look

    def look() -> None:
        if before is not None:
            before()
        cancelled()

    _line.look, _line.next = look, 0.0
    try:
        yield
    finally:
        _line.look = before
