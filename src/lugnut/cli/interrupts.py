"""SIGINT and SIGTERM while an environment is being changed: noted, and answered at the next safe point.

The first signal has the run undone, or finished if it is past its commit; a second one changes nothing, because killing
a run between its commit and its close would only leave that work to the next command (TRAPS 40).
"""

from __future__ import annotations

import contextlib
import signal
from types import FrameType, TracebackType

from lugnut.errors import Interrupted
from lugnut.typed import Any, Self


class Interrupts:
    """Catches the two signals between enter and exit; does nothing when `soft` is false or outside the main thread."""

    def __init__(self, *, soft: bool) -> None:
        self.number = 0
        """The first signal that arrived, or 0."""
        self._soft = soft
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM):
            # A signal that was ignored when we were started (nohup, a shell's background job) stays ignored.
            if self._soft and signal.getsignal(number) != signal.SIG_IGN:
                with contextlib.suppress(ValueError):  # not the main thread: signals are not ours to catch
                    self._before[number] = signal.signal(number, self._note) or signal.SIG_DFL
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        del frame
        self.number = self.number or number

    def cancelled(self) -> None:
        """Raise Interrupted once a signal has arrived; the engine calls this where it can stop."""
        if self.number:
            raise Interrupted(signal=signal.Signals(self.number).name, number=self.number)
