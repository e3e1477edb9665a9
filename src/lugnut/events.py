"""Facts that flow from the engine to whoever listens; frozen, picklable, without any formatting of their own."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping

from lugnut.typed import Any, NamedTuple


class WheelAdmitted(NamedTuple):
    """A wheel stands verified in the store (`size` in bytes; `cached`: it already stood there)."""

    name: str
    version: str
    wheel: str
    size: int
    cached: bool


class Downloading(NamedTuple):
    """A file is on its way: bytes received so far, of how many if that is known; told now and then, and at its end."""

    filename: str
    received: int
    size: int | None


class Building(NamedTuple):
    """A wheel is being built of a source (`source` as the user knows it)."""

    name: str
    source: str


class WheelPlaced(NamedTuple):
    """One distribution's files are in place, not yet committed."""

    name: str
    version: str
    files: int


class LockWaiting(NamedTuple):
    """Somebody else holds a lock this run needs (`seconds` waited so far; `holder` in words)."""

    path: str
    holder: str
    seconds: float


class Conflict(NamedTuple):
    """Different bytes at one path: who is shown, who is kept aside, and whether the user decided it (`decided`)."""

    path: str
    winner: str
    losers: tuple[str, ...]
    decided: bool
    requested_loser: str | None


class Recovered(NamedTuple):
    """A dead transaction: `outcome` is finished, undone, or, with the reason, blocked."""

    transaction: str
    outcome: str
    names: tuple[str, ...]
    reason: str = ""


class SetAside(NamedTuple):
    """Bytes that no claim names were moved to `to` to make room at `path`."""

    path: str
    to: str
    name: str


class LeftAlone(NamedTuple):
    """A path was not touched, and why."""

    path: str
    reason: str


class Changed(NamedTuple):
    """One line of the result: `action` is install, upgrade, reinstall or remove; versions as spelled in METADATA."""

    action: str
    name: str
    old: str | None
    new: str | None


class Committed(NamedTuple):
    """From here on the run's changes stand."""

    transaction: str


class Note(NamedTuple):
    """A sentence for people; `level` is note (-v), info or warning."""

    level: str
    text: str


class Counted(NamedTuple):
    """How often the run met others, for tests and -v: EEXIST answers, settles, lock waits."""

    exists: int
    settles: int
    waits: int


class Span(NamedTuple):
    """A stretch of time in a lane of the timeline: a job, or a wait in it; listeners hear of none.

    `began` and `ended` are nanoseconds of `time.perf_counter_ns`, which is one clock for all processes of a machine.
    """

    name: str
    category: str
    began: int
    ended: int
    args: Mapping[str, Any] = {}


class Noted(NamedTuple):
    """A path that a worker noted beyond its run's plan, in the file `made` or `adopted`; listeners hear of none."""

    file: str
    path: str


Event = (
    WheelAdmitted
    | Downloading
    | Building
    | WheelPlaced
    | LockWaiting
    | Conflict
    | Recovered
    | SetAside
    | LeftAlone
    | Changed
    | Committed
    | Note
    | Counted
    | Span
    | Noted
)
Reporter = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Listen to nothing."""


def never() -> None:
    """Call nothing off: the caller that nobody interrupts."""


class Timing:
    """Where a run's time goes; this one keeps none, and `timeline.Timeline` does for a run that is traced."""

    on = False
    waits: Callable[[Span], None] | None = None
    """Told of each wait for a lock, where anybody wants to know."""

    def phase(self, name: str) -> None:
        """Say that the phase before has ended, and what the coordinator does from now on."""

    def span(self, name: str) -> contextlib.AbstractContextManager[None]:  # noqa: ARG002 - kept by who keeps time
        """Give a block of the phase a name of its own."""
        return _NOTHING

    def add(self, span: Span, lane: int = 0) -> None:
        """Take in a span; lane 0 is the coordinator's, and the others are the workers'."""


_NOTHING = contextlib.nullcontext()
UNTIMED = Timing()


def to_json(event: Event) -> dict[str, Any]:
    """Give an event as a JSON document whose `event` is its kind."""
    return {"event": type(event).__name__, **event._asdict()}
