"""What happened in a stress test: every command, every strike of a nemesis, every judgement; a line of JSON each."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from linear import Act
from serial import Deed, State


class Wait(NamedTuple):
    """A wait for a lock, as the waiting run told it."""

    lock: str
    holder: str
    """In words, at the wait's begin."""
    began: float
    ended: float


class Entry(NamedTuple):
    """One command of one client; times are seconds since the test began."""

    number: int
    interval: int
    client: str
    installer: str
    pid: int
    verb: str
    what: tuple[str, ...]
    overlay: Mapping[str, int]
    flags: tuple[str, ...]
    began: float
    ended: float
    code: int
    strikes: tuple[str, ...] = ()
    """Nemeses that hit this very command."""
    said: str = ""
    """The end of what it printed, where it failed."""
    seen: Mapping[str, str | None] | None = None
    """Keys that it says it replaced."""
    waits: tuple[Wait, ...] = ()

    @property
    def deed(self) -> Deed:
        """What it was to do."""
        return Deed(self.verb, self.what, self.overlay)

    @property
    def names(self) -> frozenset[str]:
        """Give the names it says; a sync is about more than these."""
        said = self.what if self.verb == "uninstall" else [key.rpartition("-")[0] for key in self.what]
        return frozenset((*said, *self.overlay))

    @property
    def patience(self) -> float:
        """Its --lock-timeout."""
        return float(self.flags[self.flags.index("--lock-timeout") + 1]) if "--lock-timeout" in self.flags else 0.0

    @property
    def outcome(self) -> str:
        """Give what is known of it: done, undone or doubtful.

        Exit 0 is done, a signal's death is doubtful, another exit is undone, unless it says that it had committed.
        """
        if self.code < 0:
            return "doubtful"
        committed = any(words in self.said for words in ("committed, but not finished", "committed and finished, but"))
        return "done" if self.code == 0 or committed else "undone"

    def act(self) -> Act:
        """Give what the search for an order wants to know of it."""
        return Act(self.deed, self.began, self.ended, self.outcome == "doubtful", self.seen)


class Strike(NamedTuple):
    """A nemesis did something, for as long as that lasted."""

    nemesis: str
    began: float
    ended: float
    number: int | None = None
    """The command it hit, if it was one."""
    about: str = ""


class Hold(NamedTuple):
    """Somebody was seen to hold a lock; exact to a sample's time."""

    lock: str
    pid: int
    began: float
    ended: float


class History:
    """Keeps it all, in a file and in memory; many threads write."""

    def __init__(self, path: str) -> None:
        """Begin; times count from here."""
        self.path = path
        self.entries: list[Entry] = []
        self.strikes: list[Strike] = []
        self.points: list[tuple[float, list[str]]] = []
        """Of each quiescent point when it was and what was found."""
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._file = open(path, "w", encoding="utf-8")  # noqa: SIM115 - close() closes it

    def now(self) -> float:
        """Give the seconds since the test began."""
        return time.monotonic() - self._began

    def add(self, entry: Entry) -> None:
        """Take in a command that has ended."""
        with self._lock:
            self.entries.append(entry)
            self._write("command", {**entry._asdict(), "waits": [wait._asdict() for wait in entry.waits]})

    def strike(self, strike: Strike) -> None:
        """Take in what a nemesis has done."""
        with self._lock:
            self.strikes.append(strike)
            self._write("strike", strike._asdict())

    def point(self, interval: int, findings: list[str], state: State) -> None:
        """Take in a judgement, and what was installed then."""
        with self._lock:
            self.points.append((self.now(), findings))
            self._write("point", {"interval": interval, "at": self.now(), "findings": findings, "state": sorted(state)})

    def tell(self, kind: str, document: Mapping[str, Any]) -> None:
        """Take in a line of another kind."""
        with self._lock:
            self._write(kind, document)

    def close(self) -> None:
        """End the file."""
        self._file.close()

    def _write(self, kind: str, document: Mapping[str, Any]) -> None:
        self._file.write(json.dumps({"kind": kind, **document}) + "\n")
        self._file.flush()


def read_entries(path: str) -> list[Entry]:
    """Read the commands of a history back."""
    with open(path, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    entries = []
    for line in lines:
        if line.pop("kind") == "command":
            waits = tuple(Wait(**wait) for wait in line.pop("waits"))
            line.update({key: tuple(line[key]) for key in ("what", "flags", "strikes")})
            entries.append(Entry(**line, waits=waits))
    return entries
