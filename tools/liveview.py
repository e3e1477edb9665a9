"""A stress test while it runs: a table that renews itself on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import Any, Protocol

from history import History

EVERY = 10.0
"""Seconds between two plain lines."""
RECENT = 5.0
"""Seconds that the present speed is taken over."""
LAST = 5
"""Findings shown."""


class Watched(Protocol):
    """What is looked at: stressing's Ring, seen from here."""

    count: Any
    history: History
    registry: Any


class View:
    """Tells of one installer's test."""

    def __init__(self, name: str, seconds: float) -> None:
        """Begin."""
        self.name, self.seconds = name, seconds
        self.told: list[str] = []
        self.ring: Watched | None = None

    def follow(self, ring: Watched) -> None:
        """Look at this test from now on."""
        self.ring = ring

    def tell(self, text: str) -> None:
        """Take in a finding."""
        self.told.append(text)

    def look(self, ring: Watched) -> None:
        """Take note that a quiescent point is past."""

    def figures(self) -> dict[str, str]:
        """Give what is shown."""
        if self.ring is None:
            return {}
        history, count, now = self.ring.history, self.ring.count, self.ring.history.now()
        recent = sum(entry.ended > now - RECENT for entry in history.entries[-1000:])
        strikes = sum(entry_strike.number is not None for entry_strike in history.strikes)
        return {
            "time": f"{now:.0f} of {self.seconds:.0f} s",
            "commands": f"{len(history.entries)}, {recent / RECENT:.1f} a second just now",
            "running": str(len(self.ring.registry.running)),
            "struck": f"{strikes}, {count['killed']} killed, {count['stopped']} stopped",
            "waits": f"{count['waits']}, {count['timed out']} timed out",
            "quiescent points": str(count["points"]),
            "wrong": f"{count['corrupt']} corrupt, {count['no order']} no order, {count['failed']} failed",
        }


class PlainView(View):
    """Prints lines."""

    def __init__(self, name: str, seconds: float) -> None:
        """Begin."""
        super().__init__(name, seconds)
        self._next = time.monotonic() + EVERY

    def tell(self, text: str) -> None:
        """Print a finding at once."""
        super().tell(text)
        print(f"{self.name}: {text}", file=sys.stderr, flush=True)

    def look(self, ring: Watched) -> None:
        """Print a line, if the last one is some time ago."""
        del ring
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + EVERY
            words = "; ".join(f"{key} {value}" for key, value in self.figures().items())
            print(f"{self.name}: {words}", file=sys.stderr, flush=True)


class LiveView(View):
    """Draws with rich."""

    def render(self) -> Any:
        """Give what stands on the screen just now."""
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 2))
        for key, value in self.figures().items():
            table.add_row(Text(key, style="dim"), Text(value))
        last = [Text(text, style="red", overflow="fold") for text in self.told[-LAST:]]
        return Group(Text(f"stress: {self.name}", style="bold"), table, *last)


@contextlib.contextmanager
def make_view(name: str, seconds: float) -> Iterator[View]:
    """Give what suits stderr."""
    if not sys.stderr.isatty():
        yield PlainView(name, seconds)
        return
    from rich.console import Console
    from rich.live import Live

    view = LiveView(name, seconds)
    with Live(get_renderable=view.render, console=Console(stderr=True), refresh_per_second=4):
        yield view
