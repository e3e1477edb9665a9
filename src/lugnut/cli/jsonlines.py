"""JSON for machines: each event as a line when it happens, and one document at the end."""

from __future__ import annotations

from collections.abc import Mapping

from lugnut.cli.terminal import Outlet, Paint
from lugnut.errors import UsageError
from lugnut.events import Event, to_json
from lugnut.typed import Any, TextIO


class EventLines:
    """The file or stream of --json-events; its last line is the Report or the Error.

    A line that cannot be written never ends the run: the outlet remembers it, and the exit code tells.
    """

    def __init__(self, outlet: Outlet, *, owned: bool) -> None:
        self.outlet = outlet
        self._owned = owned

    def hear(self, event: Event) -> None:
        """Write an event."""
        self.outlet.line(format_line(to_json(event)))

    def finish(self, kind: str, document: Mapping[str, Any]) -> None:
        """Write how it ended, and close what was opened here."""
        self.outlet.line(format_line({"event": kind, **document}))
        if self._owned and self.outlet.stream is not None:
            self.outlet.stream.close()


def open_events(path: str, standard: Outlet) -> EventLines:
    """Open the place of --json-events (`-` is stdout); raises UsageError where that cannot be."""
    if path == "-":
        return EventLines(standard, owned=False)
    try:
        file: TextIO = open(path, "w", encoding="utf-8")  # noqa: SIM115 - finish() closes it
    except OSError as error:
        raise UsageError(
            message=f"--json-events {path}: {error.strerror}", hint="name a file that can be written"
        ) from None
    return EventLines(Outlet(file, Paint()), owned=True)


def format_line(document: Mapping[str, Any]) -> str:
    """Write a document on one line, ASCII only, so that no encoding can spoil it."""
    import json

    return json.dumps(document, default=str)
