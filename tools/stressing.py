"""One installer's stress test: interval after interval, its clients and nemeses at work, then a quiescent point judged.

At a quiescent point nothing runs, what was spoiled outside the environment is mended (the disk is free, the clock is
right, the stopped go on), and one `check` has run, which recovers what the dead left. An environment that is judged
wrong is kept, and a fresh one takes its place, so that one corruption is counted once.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("campaigns run on POSIX")

import os
import random
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import NamedTuple

from clients import Doer, Registry, Room, end_all, end_late
from history import Entry, History
from lockwatch import LockWatch
from nemeses import Field, build_clock, list_striking, mount, strike_all, unmount
from peers import BUILT_IN, Peer, command
from plans import IMPATIENT, KILLS, MIXED, Interval, Terms, draw_interval
from programs import clean_environ, make_venv, run
from serial import NOTHING
from trees import read_tree, site_packages
from universe import FOREIGN, World, make_wheels
from verdicts import LOCK_TIMEOUT, Before, Judge, Meeting, Verdict, died_before_it_began

ROOM_MEGABYTES = 64
OTHERS_WAIT = 1
"""Seconds between two looks after commands that hang."""


class Contest(NamedTuple):
    """What one installer is to stand."""

    peer: Peer
    terms: Terms
    world: World
    seconds: float
    is_strict: bool
    root: str
    """A directory of its own; what is wrong is kept there."""
    is_shared: bool = True
    """Wheels share paths."""


class Score(NamedTuple):
    """What an installer has come to."""

    counted: Counter[str]
    wrong: list[str]
    """Findings, each under its interval's number."""
    kept: list[str]
    """Environments that were found wrong."""
    history: History
    watch: LockWatch
    refusals: Mapping[str, str]
    seconds: float


class Crew:
    """Threads that work until they are done or it is `over`; what breaks in one of them ends the test."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self.over = threading.Event()
        self._threads: list[threading.Thread] = []
        self._broken: list[BaseException] = []

    def start(self, work: Callable[..., None], *words: object) -> None:
        """Have one thread do something."""

        def do() -> None:
            try:
                work(*words)
            except BaseException as error:  # noqa: BLE001 - raised again where somebody hears it
                self._broken.append(error)

        self._threads.append(threading.Thread(target=do))
        self._threads[-1].start()

    def works(self) -> bool:
        """Wait a moment; say whether anybody still works. Raises what broke in one of them."""
        for thread in self._threads:
            thread.join(OTHERS_WAIT if thread.is_alive() else 0)
            if self._broken:
                raise self._broken[0]
        return any(thread.is_alive() for thread in self._threads)

    def end(self) -> None:
        """Say that it is over, and wait for everybody."""
        self.over.set()
        for thread in self._threads:
            thread.join()
        if self._broken:
            raise self._broken[0]


class Ring:
    """The ground of one contest."""

    def __init__(self, contest: Contest, tell: Callable[[str], None]) -> None:
        """Make wheels, the environment, and what nemeses need."""
        self.contest, self.tell = contest, tell
        self.count: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.kept: list[str] = []
        self.home = os.path.join(contest.root, "room")
        os.makedirs(self.home)
        self.registry, self.history = Registry(), History(os.path.join(contest.root, "history.jsonl"))
        self.wheels = make_wheels(contest.world, os.path.join(contest.root, "wheels"))
        self.field = self._make_field()
        self.judge = Judge(contest.world, self.wheels, contest.is_strict)
        self._pids: set[int] = set()
        self._hung: list[int] = []
        self.renew()

    def _make_field(self) -> Field:
        """See which nemeses can be had, and prepare these."""
        wanted, refusals = self.contest.terms.nemeses, {}
        library, clock = "", ""
        if "disk" in wanted and (reason := mount(self.home, ROOM_MEGABYTES)):
            refusals["disk"] = reason
        if "clock" in wanted:
            library, clock, reason = build_clock(self.contest.root)
            refusals.update({"clock": reason} if reason else {})
        for nemesis in MIXED:
            foreign = nemesis.partition("-")[0]
            if nemesis in wanted and foreign == self.contest.peer.name:
                refusals[nemesis] = "it is the installer under test"
        environ = clean_environ(self.contest.root)
        preload = {"LD_PRELOAD": library, "CLOCK_JUMPS": clock} if library else {}
        self.environ = {**environ, **preload, "UV_LOCK_TIMEOUT": str(IMPATIENT if "stop" in wanted else 300)}
        return Field(
            self.registry,
            self.history,
            self.home if "disk" in wanted and not refusals.get("disk") else "",
            clock,
            refusals,
        )

    def renew(self) -> None:
        """Make a fresh environment."""
        self.prefix = os.path.join(self.home, "venv")
        shutil.rmtree(self.prefix, ignore_errors=True)
        make_venv(self.prefix)
        self.before = Before(NOTHING, read_tree(self.prefix))
        scratch = os.path.join(self.contest.root, "scratch")
        os.makedirs(scratch, exist_ok=True)
        peers = {"": self.contest.peer, **{name: BUILT_IN[name] for name in FOREIGN}}
        cache = os.path.join(self.home, "cache")
        self.room = Room(self.prefix, cache, scratch, self.wheels, self.contest.world, peers, self.environ)
        site = site_packages(self.prefix)
        self.watch_places = [os.path.join(site, ".lugnut", "locks"), self.prefix]

    # --- the intervals ------------------------------------------------------------------------------------------------

    def fight(self, look: Callable[[Ring], None]) -> Score:
        """Go on until it is time; `look` is called after every judgement."""
        begun, number = time.monotonic(), 0
        watch = LockWatch(self.watch_places, self.history)
        try:
            while number == 0 or time.monotonic() - begun < self.contest.seconds:
                interval = draw_interval(self.contest.world, self.contest.terms, number)
                self.play(number, interval, watch, begun + self.contest.seconds)
                look(self)
                number += 1
        finally:
            self.history.close()
            if self.field.disk:
                unmount(self.field.disk)
        seconds = time.monotonic() - begun
        return Score(self.count, self.wrong, self.kept, self.history, watch, dict(self.field.refusals), seconds)

    def play(self, number: int, interval: Interval, watch: LockWatch, deadline: float) -> None:
        """Play an interval and judge what it leaves."""
        refused = self.field.refusals
        acting = [one for one in interval.nemeses if one not in refused]
        self.history.tell("interval", {"interval": number, "at": self.history.now(), "nemeses": acting})
        first, struck = len(self.history.entries), len(self.history.strikes)
        clients, others = Crew(), Crew()

        def stopped(seconds: float) -> bool:
            return clients.over.wait(seconds) or time.monotonic() > deadline

        try:
            others.start(watch.watch, others.over)
            for nemesis in list_striking(interval.nemeses, self.field):
                rng = random.Random(f"{self.contest.terms.seed}/{nemesis}/{number}")
                others.start(strike_all, self.field, nemesis, rng, others.over)
            for client in interval.clients:
                if not any(one.startswith(f"{client.installer}-") for one in refused if client.installer):
                    clients.start(Doer(self.room, self.history, self.registry, client, number).do_all, stopped)
            while clients.works():
                self._hung += end_late(self.registry, self.history.now())
        except BaseException:
            clients.over.set()
            end_all(self.registry)
            raise
        finally:
            clients.end()
            others.end()
        entries, strikes = self.history.entries[first:], self.history.strikes[struck:]
        self._pids.update(entry.pid for entry in entries)
        self.reckon(number, Meeting(entries, strikes, self._pids, interval.tainted if acting else frozenset()))

    def reckon(self, number: int, meeting: Meeting) -> None:
        """Let what the dead left be recovered, judge, and count."""
        findings = [f"command {number} hung, or what it left did" for number in self._hung]
        self._hung.clear()
        findings += self.recover(is_tainted=bool(meeting.tainted))
        verdict = self.judge.judge(self.prefix, self.before, meeting)
        verdict = verdict._replace(corrupt=findings + verdict.corrupt)
        self.history.point(number, verdict.findings, verdict.state)
        self._add_up(meeting, verdict)
        foreigners = any(entry.installer and entry.code for entry in meeting.entries)
        if verdict.findings:
            self.wrong += [f"interval {number}: {line}" for line in verdict.findings]
            self.tell(f"interval {number}: " + "\n    ".join(verdict.findings[:8]))
            if self.contest.is_strict:
                self.kept.append(os.path.join(self.contest.root, f"wrong-{number}"))
                shutil.copytree(self.prefix, self.kept[-1], symlinks=True)
        if verdict.corrupt or verdict.unserial or meeting.tainted or foreigners:
            self.renew()
        else:
            self.before = self.before._replace(state=verdict.state)

    def recover(self, *, is_tainted: bool) -> list[str]:
        """Run a check, which has lugnut recover; beside foreigners on its names it may find what these left."""
        if not self.contest.peer.check:
            return []
        fields = {"python": os.path.join(self.prefix, "bin", "python"), "prefix": self.prefix, "cache": self.room.cache}
        fields = {**fields, "link_mode": self.room.link_mode, "requirements": ""}
        ran = run(command(self.contest.peer.check, fields), self.environ)
        if ran.code == 0 or not self.contest.is_strict or is_tainted:
            return []
        return [f"check: exit {ran.code}: {(ran.out + ran.err)[-1500:]}"]

    def _add_up(self, meeting: Meeting, verdict: Verdict) -> None:
        count = self.count
        mine = [entry for entry in meeting.entries if not entry.installer]
        count["commands"] += len(mine)
        count["foreign"] += len(meeting.entries) - len(mine)
        count["points"] += 1
        count["corrupt"] += bool(verdict.corrupt)
        count["no order"] += bool(verdict.unserial)
        count["wrong points"] += bool(verdict.corrupt or verdict.unserial)
        count["undecided"] += verdict.undecided
        if self.contest.is_strict:
            count["failed"] += len(verdict.commands)
        for entry in mine:
            count["killed"] += any(strike in KILLS for strike in entry.strikes)
            count["undone"] += entry.outcome == "undone" and entry.verb != "check"
            count["stopped"] += "stop" in entry.strikes
            count["timed out"] += self.contest.is_strict and entry.code == LOCK_TIMEOUT
            count["failed"] += not self.contest.is_strict and is_unexplained(entry, meeting)
            told = "Traceback" in entry.said or "panicked" in entry.said
            count["tracebacks"] += told and not died_before_it_began(entry)
            count["waits"] += len(entry.waits)
        for strike in meeting.strikes:
            count[strike.nemesis] += 1


def is_unexplained(entry: Entry, meeting: Meeting) -> bool:
    """Say whether a command failed that nobody struck: the count of who is measured only, and not judged."""
    if entry.code == 0 or entry.strikes or entry.verb == "check":
        return False
    return not any(
        one.nemesis == "disk" and one.began <= entry.ended and entry.began <= one.ended for one in meeting.strikes
    )
