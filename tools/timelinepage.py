"""A stress test drawn as one page that needs nothing else: who did, held and waited for what when, and what struck.

The page is timeline.html with the test's lines in it as JSON. Lanes are clients (commands as bars), locks (who was seen
to hold them), and nemeses. It can be zoomed and moved, and every bar tells what it is.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any, NamedTuple

from history import Entry, History, Hold

TEMPLATE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "timeline.html")
MOST = 60_000
"""Bars of one kind on a page; of more holds and waits the longest are drawn, and it says so."""
LONG = 1.0
"""Seconds from which a wait is long."""
TOLD = 20
"""The longest waits are listed, so many."""


class Timeline(NamedTuple):
    """What is drawn of one installer's test."""

    name: str
    history: History
    holds: Sequence[Hold]


def write_page(path: str, timelines: Sequence[Timeline]) -> None:
    """Write the page."""
    with open(TEMPLATE, encoding="utf-8") as file:
        template = file.read()
    text = json.dumps([make_document(one) for one in timelines], separators=(",", ":")).replace("</", "<\\/")
    with open(path, "w", encoding="utf-8") as file:
        file.write(template.replace("/*TESTS*/null", text))


def make_document(timeline: Timeline) -> dict[str, Any]:
    """Give what the page draws; times in milliseconds."""
    history = timeline.history
    by_pid = {entry.pid: entry for entry in history.entries}
    clients = sorted({entry.client for entry in history.entries}, key=_in_order)
    lanes = {client: number for number, client in enumerate(clients)}
    holds = longest(timeline.holds)
    locks = sorted({hold.lock for hold in holds}, key=lambda name: (name.startswith("path-"), name))
    lock_lanes = {lock: number for number, lock in enumerate(locks)}
    waits = longest([(wait, entry) for entry in history.entries for wait in entry.waits], key=lambda one: one[0])
    strikes = sorted({strike.nemesis for strike in history.strikes})
    return {
        "name": timeline.name,
        "end": _ms(max([entry.ended for entry in history.entries], default=0)),
        "clients": clients,
        "locks": [lock.removesuffix(".lock") or lock for lock in locks],
        "nemeses": strikes,
        "commands": [
            [lanes[one.client], _ms(one.began), _ms(one.ended), kind_of(one), word(one)]
            for one in history.entries[:MOST]
        ],
        "holds": [
            [lock_lanes[one.lock], _ms(one.began), _ms(one.ended), *_holder(by_pid.get(one.pid), lanes, one.pid)]
            for one in holds
        ],
        "waits": [
            [lanes[entry.client], _ms(wait.began), _ms(wait.ended), f"{wait.lock}, held by {wait.holder}"]
            for wait, entry in waits
        ],
        "strikes": [
            [strikes.index(one.nemesis), _ms(one.began), _ms(one.ended), _target(one.number, history, lanes), one.about]
            for one in history.strikes[:MOST]
        ],
        "points": [[_ms(at), len(found), "; ".join(found)[:500]] for at, found in history.points],
        "long": [
            [f"{wait.ended - wait.began:.2f} s", entry.client, word(entry)[:120], wait.lock, wait.holder]
            for wait, entry in waits[:TOLD]
        ],
        "left": max(0, len(timeline.holds) - MOST) + max(0, len(history.entries) - MOST),
    }


def longest(spans: Sequence[Any], key: Any = lambda span: span) -> list[Any]:
    """Give spans, the longest first, and no more than can be drawn."""
    return sorted(spans, key=lambda one: key(one).began - key(one).ended)[:MOST]


def kind_of(entry: Entry) -> str:
    """Give what a command's bar looks like: its verb, or what became of it."""
    if entry.code < 0:
        return "killed"
    if entry.code == 0:
        return entry.verb
    return "found" if entry.verb == "check" else "failed"


def word(entry: Entry) -> str:
    """Say what a command was and how it ended."""
    struck = f", hit by {' and '.join(entry.strikes)}" if entry.strikes else ""
    what = " ".join(entry.what)
    ranks = "".join(f" --overlay {name}={rank}" for name, rank in entry.overlay.items())
    return f"{entry.number}: {entry.verb} {what}{ranks}: exit {entry.code}{struck}"


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _in_order(client: str) -> tuple[bool, int, str]:
    number = client.rpartition(" ")[2]
    return (not number.isdigit(), int(number) if number.isdigit() else 0, client)


def _holder(entry: Entry | None, lanes: dict[str, int], pid: int) -> tuple[int, str]:
    """Give a hold's colour, which is its client's, and its words; a worker has a number of its own."""
    return (-1, f"pid {pid}, a worker or a check") if entry is None else (lanes[entry.client], word(entry))


def _target(number: int | None, history: History, lanes: dict[str, int]) -> int:
    """Give the lane of the client that was hit; -1 where it was none, or all."""
    if number is None:
        return -1
    return next((lanes[entry.client] for entry in reversed(history.entries) if entry.number == number), -1)
