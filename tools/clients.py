"""Clients of a stress test: threads that run one command line after the other, and the list of what runs just now."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("campaigns run on POSIX")

import json
import os
import random
import re
import signal
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from history import Entry, History, Wait
from killing import start
from peers import Peer, command
from plans import Client, Step
from universe import World

KEPT = 3000
"""Characters kept of what a command printed."""
PATIENCE = 240.0
"""Seconds until a command counts as hung."""
EXIT = 0.01
"""Seconds from the end of a run's timeline to that of its process, more or less."""


class Running(NamedTuple):
    """A command that runs."""

    number: int
    pid: int
    """Also of its process group."""
    is_foreign: bool
    began: float


class Registry:
    """What runs just now: whoever wants to hit a command holds the lock, so that its number is nobody else's yet."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.lock = threading.Lock()
        self.running: dict[int, Running] = {}
        self.lingering: dict[int, Running] = {}
        """What has ended itself, and may have left workers behind."""
        self.strikes: dict[int, list[str]] = {}
        self._next = 0

    def number(self) -> int:
        """Give the next command's number."""
        with self.lock:
            self._next += 1
            return self._next

    def enter(self, running: Running) -> None:
        """Take in a command that has begun."""
        with self.lock:
            self.running[running.number] = running
            self.strikes[running.number] = []

    def leave(self, number: int) -> list[str]:
        """Let a command go, its group not yet; gives what has hit it."""
        with self.lock:
            self.lingering[number] = self.running.pop(number)
            return self.strikes.pop(number)

    def forget(self, number: int) -> None:
        """Let a command's group go: nothing is left of it."""
        with self.lock:
            del self.lingering[number]

    def choose(self, rng: random.Random) -> Running | None:
        """Choose one to hit, with the lock held; foreigners are left alone."""
        mine = [one for one in self.running.values() if not one.is_foreign]
        return rng.choice(mine) if mine else None

    def late(self, now: float) -> list[Running]:
        """Give what runs for too long."""
        with self.lock:
            there = [*self.running.values(), *self.lingering.values()]
            return [one for one in there if now - one.began > PATIENCE]


class Room(NamedTuple):
    """Where commands run: the environment that all share, and places of their own."""

    prefix: str
    cache: str
    scratch: str
    wheels: Mapping[str, str]
    world: World
    peers: Mapping[str, Peer]
    """By name; the one under test is the empty one."""
    environ: Mapping[str, str]
    link_mode: str = "hardlink"


class Doer:
    """Does the commands of one client."""

    def __init__(self, room: Room, history: History, registry: Registry, client: Client, interval: int) -> None:
        """Take over a client."""
        self._room, self._history, self._registry = room, history, registry
        self._client, self._interval = client, interval
        self._peer = room.peers[client.installer]
        self._place = tempfile.mkdtemp(dir=room.scratch)

    def do_all(self, stopped: Callable[[float], bool]) -> None:
        """Do one step after the other, until there are no more or it is time; `stopped` waits so many seconds."""
        for step in self._client.steps:
            if stopped(step.pause):
                return
            words = self.words(step)
            if words:
                self._do(step, words)

    def words(self, step: Step) -> list[str]:
        """Give the command line of a step; none where the installer cannot do it."""
        deed = step.deed
        template = {name: getattr(self._peer, name) for name in ("install", "uninstall", "sync", "check")}[deed.verb]
        if not template:
            return []
        requirements = os.path.join(self._place, "wanted.txt")
        if deed.verb == "sync":
            with open(requirements, "w", encoding="utf-8") as file:
                file.writelines(f"{self._room.wheels[key]}\n" for key in deed.what)
        python = os.path.join(self._room.prefix, "bin", "python")
        fields = {"python": python, "prefix": self._room.prefix, "cache": self._room.cache}
        fields = {**fields, "link_mode": self._room.link_mode, "requirements": requirements}
        names = deed.what if deed.verb == "uninstall" else ()
        wheels = [self._room.wheels[key] for key in deed.what] if deed.verb == "install" else []
        return command(template, fields, names=names, wheels=wheels, flags=self._flags(step))

    def _flags(self, step: Step) -> list[str]:
        """Give what is lugnut's own: how it is watched, and what the plan says besides."""
        flags = [flag for flag in step.flags if step.deed.verb != "uninstall" or flag not in _NOT_FOR_UNINSTALL]
        overlays = [word for name, rank in step.deed.overlay.items() for word in ("--overlay", f"{name}={rank}")]
        return ["--no-config", "--json", "--jobs", "4", "--trace", self._trace, *overlays, *flags]

    @property
    def _trace(self) -> str:
        return os.path.join(self._place, "trace.json")

    def _do(self, step: Step, words: Sequence[str]) -> None:
        number, knows_flags = self._registry.number(), "{flags}" in self._peer.install
        with tempfile.TemporaryFile("w+", dir=self._place, errors="replace") as output:
            began = self._history.now()
            process = start(words, self._room.environ, output)
            self._registry.enter(Running(number, process.pid, bool(self._client.installer), began))
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
            strikes = self._registry.leave(number)  # its number is given back below, when nobody can hit it any more
            process.returncode = code = reap_group(process.pid)
            self._registry.forget(number)
            ended = self._history.now()
            output.seek(0)
            said = output.read()
        told = _find_document(said) if knows_flags else None
        seen = _read_changes(told) if code == 0 and told else None
        waits = tuple(_read_waits(self._trace, ended)) if knows_flags else ()
        what = Entry(
            number, self._interval, self._client.name, self._client.installer, process.pid, *step.deed, step.flags,
            began, ended, code, tuple(strikes), said[-KEPT:] if code or "Traceback" in said else "", seen, waits,
        )  # fmt: skip
        self._history.add(what if knows_flags else what._replace(overlay={}))


_NOT_FOR_UNINSTALL = {"--reinstall", "--compile-bytecode", "--link-mode", "copy"}


def reap_group(pid: int) -> int:
    """Wait for every process of a run, orphans too, which this process adopts; gives the first one's exit code."""
    code = 0
    while True:
        try:
            found, status = os.waitpid(-pid, 0)
        except ChildProcessError:
            return code
        if found == pid:
            code = os.waitstatus_to_exitcode(status)


def end_late(registry: Registry, now: float) -> list[int]:
    """Kill what hangs; gives the numbers."""
    late = registry.late(now)
    for one in late:
        with registry.lock:
            registry.strikes.get(one.number, []).append("hung")
            if one.number in registry.running or one.number in registry.lingering:
                os.killpg(one.pid, signal.SIGKILL)
    return [one.number for one in late]


def end_all(registry: Registry) -> None:
    """Kill whatever runs: the test is called off."""
    with registry.lock:
        for one in (*registry.running.values(), *registry.lingering.values()):
            os.killpg(one.pid, signal.SIGKILL)


# --- what a run of lugnut tells of itself -----------------------------------------------------------------------------


def _find_document(said: str) -> dict[str, Any] | None:
    for line in said.splitlines():
        if line.startswith('{"environment"'):
            document: dict[str, Any] = json.loads(line)
            return document
    return None


def _read_changes(document: Mapping[str, Any]) -> dict[str, str | None]:
    """Give what was replaced: by name the key of the old wheel, None where there was none."""
    changes = document["changes"]
    return {one["name"]: f"{one['name']}-{one['old']}" if one["old"] is not None else None for one in changes}


def _read_waits(path: str, ended: float) -> list[Wait]:
    """Read waits from a run's timeline, whose end is about its process's, and take the timeline away."""
    try:
        with open(path, encoding="utf-8") as file:
            events = json.load(file)["traceEvents"]
        os.unlink(path)
    except (OSError, ValueError):  # a killed run wrote none, or none that is whole
        return []
    spans = [event for event in events if event["ph"] == "X"]
    whole = next((span["dur"] for span in spans if span["cat"] == "run"), None)
    if whole is None:
        return []
    base = ended - EXIT - whole / 1e6
    return [
        Wait(os.path.basename(span["name"]), _shorten(span["args"].get("holder", "")), base + span["ts"] / 1e6,
             base + (span["ts"] + span["dur"]) / 1e6)
        for span in spans if span["cat"] == "wait"
    ]  # fmt: skip


def _shorten(holder: str) -> str:
    found = re.search(r"pid (\d+)", holder)
    return f"pid {found[1]}" if found else holder[:80]
