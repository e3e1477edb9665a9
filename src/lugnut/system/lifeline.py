"""A worker's line to its parent: when nobody holds the other end any more, or the work is called off, it stops."""

from __future__ import annotations

import time
from collections.abc import Callable

from lugnut.system.native import native

_PAUSE = 0.002
"""Seconds between two looks at the pipe, so that `stopped()` can stand at every file's border."""


class Stopped(BaseException):
    """The parent is gone or has called the work off: leave at this border, clean up nothing that others see.

    Not an Exception: what a job catches of its own troubles must not keep it going.
    """


class _Line:
    """What this process looks at when it asks; outside of a run, nothing."""

    def __init__(self) -> None:
        self.look: Callable[[], None] | None = None
        self.next = 0.0


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


def watch_pipe(descriptor: int) -> None:
    """From now on, stop when a pipe ends or says anything."""

    def look() -> None:
        if native.speaks(descriptor):
            raise Stopped

    watch(look)


def watch(look: Callable[[], None] | None) -> Callable[[], None] | None:
    """From now on, stop when `look` raises; gives what was looked at before."""
    before, _line.look, _line.next = _line.look, look, 0.0
    return before
