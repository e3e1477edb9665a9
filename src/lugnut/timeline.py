"""A traced run's timeline: which phase the coordinator was in, what each worker did when, and who waited for a lock.

The document is Chrome's trace event format ("Trace Event Format", JSON object form), which Perfetto and
chrome://tracing open: complete events (`X`) with microseconds from the run's begin, and metadata events (`M`) that name
the lanes. Lane 0 is the coordinator's: the run, its phases one after the other, and what is nested in them. The others
are the workers': a span for each job, and its waits in it. Times are those of whoever spent them, since all processes
of a machine share one clock.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator

from lugnut.errors import UsageError
from lugnut.events import Note, Reporter, Span, Timing
from lugnut.system import files
from lugnut.typed import Any

_FIRST_THREAD = 1
"""The coordinator's number among the threads; 0 is the idle one's to those who draw it."""


class Timeline(Timing):
    """Gathers spans for as long as a run lasts."""

    on = True

    def __init__(self) -> None:
        self.waits = self.add
        self.failure = ""
        """What ended the run, if anything did."""
        self._began = time.perf_counter_ns()
        self._phase: tuple[str, int] | None = None
        self._spans: list[tuple[int, Span]] = []

    def phase(self, name: str) -> None:
        """End the phase before, and begin another."""
        now = time.perf_counter_ns()
        self._end_phase(now)
        self._phase = name, now

    def _end_phase(self, now: int) -> None:
        if self._phase is not None:
            self.add(Span(self._phase[0], "phase", self._phase[1], now))
            self._phase = None

    @contextlib.contextmanager
    def span(self, name: str) -> Iterator[None]:
        """Time a block within the phase."""
        began = time.perf_counter_ns()
        try:
            yield
        finally:
            self.add(Span(name, "step", began, time.perf_counter_ns()))

    def add(self, span: Span, lane: int = 0) -> None:
        """Take in a span."""
        self._spans.append((lane, span))

    def end(self) -> None:
        """End the phase and the run."""
        now = time.perf_counter_ns()
        self._end_phase(now)
        args = {"failed": self.failure} if self.failure else {}
        self.add(Span("run", "run", self._began, now, args))

    def to_json(self) -> dict[str, Any]:
        """Give the document: every lane's name, then the spans lane by lane, an outer one before those in it."""
        spans = sorted(self._spans, key=lambda one: (one[0], one[1].began, -one[1].ended))
        lanes = sorted({0, *(lane for lane, _ in spans)})
        events = [_name("process_name", 0, "lugnut"), *(_name("thread_name", lane, _word_lane(lane)) for lane in lanes)]
        events += [self._make_event(lane, span) for lane, span in spans]
        return {"traceEvents": events, "displayTimeUnit": "ms"}

    def _make_event(self, lane: int, span: Span) -> dict[str, Any]:
        return {
            "ph": "X",
            "name": span.name,
            "cat": span.category,
            "ts": (span.began - self._began) / 1000,
            "dur": (span.ended - span.began) / 1000,
            **_place(lane),
            "args": dict(span.args),
        }


def _name(kind: str, lane: int, name: str) -> dict[str, Any]:
    return {"ph": "M", "name": kind, **_place(lane), "args": {"name": name}}


def _place(lane: int) -> dict[str, int]:
    return {"pid": os.getpid(), "tid": lane + _FIRST_THREAD}


def _word_lane(lane: int) -> str:
    return f"worker {lane}" if lane else "coordinator"


# --- the file ---------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def keep_timeline(path: str, report: Reporter) -> Iterator[Timeline]:
    """Keep a run's timeline, and write it when the run has ended, failed or been called off.

    Raises UsageError, before the block, where no file can be written; it is written once then, with nothing in it. One
    that cannot be written at the end is a warning: the run has done what it did.
    """
    timeline = Timeline()
    try:
        _write(path, timeline)
    except OSError as error:
        hint = "name a file that can be written"
        raise UsageError(message=f"--trace {path}: {error.strerror or error}", hint=hint) from None
    try:
        yield timeline
    except BaseException as error:
        timeline.failure = type(error).__name__
        raise
    finally:
        timeline.end()
        try:
            _write(path, timeline)
        except OSError as error:
            report(Note("warning", f"the timeline {path} could not be written: {error.strerror or error}"))


def _write(path: str, timeline: Timeline) -> None:
    """Write the document whole; a device or a pipe would be replaced, so it is refused (OSError)."""
    import json

    full = os.path.realpath(path)
    if path == "-" or (os.path.lexists(full) and not os.path.isfile(full)):
        raise OSError("it wants the name of a file")
    with files.open_root(os.path.dirname(full)) as directory:
        files.replace(directory, os.path.basename(full), json.dumps(timeline.to_json()).encode())
