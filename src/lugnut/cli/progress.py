"""Progress on a terminal, drawn from the events themselves, without a thread: workers are forked from one thread.

rich is imported only when work has gone on for DELAY seconds with somebody watching, and never after the commit, when
rich itself may be what is being replaced.
"""

from __future__ import annotations

import contextlib
import time

from lugnut.cli.human import count, format_size
from lugnut.events import Committed, Downloading, Event, WheelAdmitted, WheelPlaced
from lugnut.typed import Any, TextIO

DELAY = 0.5
"""Seconds of work before anything is drawn."""
PERIOD = 0.1
"""Seconds between two drawings."""


class Progress:
    """One line at the bottom of the terminal, gone when it is paused or over."""

    def __init__(self, stream: TextIO, *, enabled: bool, color: bool, delay: float = DELAY) -> None:
        self._stream = stream
        self._enabled = enabled
        self._color = color
        self._drawn = 0.0
        self._begun = time.monotonic()
        self._start_at = self._begun + delay
        self._admitted = 0
        self._placed = 0
        self._size = 0
        self._received: dict[str, int] = {}
        self._display: Any = None

    def hear(self, event: Event) -> None:
        """Take an event in, and draw when it is time."""
        match event:
            case WheelAdmitted():
                self._admitted += 1
                self._size += event.size
            case Downloading():
                self._received[event.filename] = event.received
            case WheelPlaced():
                self._placed += 1
            case Committed():
                self.pause()
                self._enabled = False
            case _:
                return
        now = time.monotonic()
        if self._enabled and now >= self._start_at and now - self._drawn > PERIOD:
            self._drawn = now
            try:
                self._draw()
            except (OSError, ValueError, ImportError):  # the terminal went away: no reason to end the run
                self._enabled = False
                self._display = None

    def pause(self) -> None:
        """Clear the line, so that others may write; the next event draws it again."""
        if self._display is not None:
            display, self._display = self._display, None
            with contextlib.suppress(OSError, ValueError):
                display.stop()

    def _draw(self) -> None:
        if self._display is None:
            self._display = self._start()
        received = sum(self._received.values())
        rate = received / max(time.monotonic() - self._begun, PERIOD)
        fetched = f"{format_size(received)} fetched ({format_size(round(rate))}/s), " if received else ""
        text = (
            f"{fetched}{count(self._admitted, 'wheel')} verified ({format_size(self._size)}), {self._placed} in place"
        )
        self._display.update(self._display.task_ids[0], description=text)
        self._display.refresh()

    def _start(self) -> Any:
        from rich.console import Console
        from rich.progress import Progress as Display
        from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

        console = Console(file=self._stream, no_color=not self._color)
        columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
        display = Display(
            *columns, console=console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
        )
        display.add_task("", total=None)
        display.start()
        return display
