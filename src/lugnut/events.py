"""Facts that flow from the engine to whoever listens; frozen, picklable, without any formatting of their own."""

from __future__ import annotations

from collections.abc import Callable

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
)
Reporter = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Listen to nothing."""


def never() -> None:
    """Call nothing off: the caller that nobody interrupts."""


def to_json(event: Event) -> dict[str, Any]:
    """Give an event as a JSON document whose `event` is its kind."""
    return {"event": type(event).__name__, **event._asdict()}
