"""A player: a run of the engine that makes one call after the other as it is told.

It is a forked process that does one deed with the product's own code, again and again; a worker that it forks is a
player of its own. Each stands behind a gate (see gates.py): before a call it stops where it was told to, and only goes
on when it is told to.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("campaigns run on POSIX")

import contextlib
import json
import os
import select
import signal
import traceback

from footprints import Shared, Touch
from gates import DIE, ENDED, SAID, STOPPED, WAITING, WORD, Channel, Gate
from stepper import PATIENCE, PLAIN, Act, Ended, Place, carry_out, end, start

UNBORN = b"u"
BUG = 99


class Line:
    """One player from outside: what it was last heard to be, and how to move it."""

    def __init__(self) -> None:
        """Make both pipes; `far` is the player's end of them."""
        orders, told = os.pipe(), os.pipe()
        self.far = Channel(orders[0], told[1])
        self.near = Channel(orders[1], told[0])
        self.life: int | None = None
        """A handle on its process, that tells when it is gone."""
        self.reset(UNBORN)

    def reset(self, state: bytes) -> None:
        """Take it for what it is before its first call."""
        self.state, self.calls, self.all, self.code, self.born = state, 0, 0, 0, 0

    @property
    def moves(self) -> bool:
        """Whether it can be told to go on."""
        return self.state in {STOPPED, WAITING}

    def hear(self) -> None:
        """Wait for what it says; who dies has ended."""
        watched = [self.near.told] if self.life is None else [self.near.told, self.life]
        said = os.read(self.near.told, SAID.size) if self.near.told in select.select(watched, [], [])[0] else b""
        if said:
            self.state, self.calls, self.all, self.code, self.born, pid = SAID.unpack(said)
            self.life = os.pidfd_open(pid) if self.life is None else self.life
        else:
            self.state, self.code = ENDED, -signal.SIGKILL

    def move(self, order: int) -> int:
        """Give an order and wait for what comes of it; gives how many calls were made."""
        before = self.calls
        PLAIN["write"](self.near.orders, WORD.pack(order))
        self.hear()
        return self.calls - before

    def kill(self) -> None:
        """Have it killed where it stands; its locks are free when this returns."""
        PLAIN["write"](self.near.orders, WORD.pack(DIE))
        self.state, self.code = ENDED, -signal.SIGKILL
        self.bury()

    def bury(self) -> None:
        """Wait until its process is gone."""
        if self.life is not None:
            select.select([self.life], [], [])
            os.close(self.life)
            self.life = None

    def close(self) -> None:
        """Give the pipes back."""
        self.bury()
        for descriptor in self.near:
            os.close(descriptor)


class Player:
    """The process that does one deed, and the workers that it forks."""

    def __init__(self, place: Place, act: Act, number: int, shared: Shared | None = None) -> None:
        """Give it its deed; it is forked when it is first needed."""
        self.place = place
        self.act = act
        self.shared = shared
        self.out = os.path.join(place.root, f"out-{number}")
        self.touched = os.path.join(place.root, f"touched-{number}")
        jobs = int(act.options.get("jobs", 1))
        self.places = 1 + (jobs if jobs > 1 else 0)
        """How many may play: itself and its workers."""
        self.lines: list[Line] = []
        self.pid = 0

    def ready(self) -> list[Line]:
        """Have it stand before its deed."""
        if not self.lines:
            self.lines = [Line() for _ in range(self.places)]
            self.pid = start(self._serve, self.out)
            self.lines[0].life = os.pidfd_open(self.pid)
            for line in self.lines:
                _NEAR.update(line.near)
                for descriptor in line.far:
                    os.close(descriptor)
        for line in self.lines:
            line.reset(UNBORN)
        self.lines[0].state = STOPPED
        return self.lines

    def _serve(self) -> int:
        """Be that process: do the deed whenever it is told to begin, until nobody tells it any more."""
        for descriptor in (*_NEAR, *(one for line in self.lines for one in line.near)):
            os.close(descriptor)  # an end of file comes when the scheduler ends
        gate = Gate(self.place.env, [line.far for line in self.lines], self.shared, self.touched)
        while True:
            signal.alarm(0)
            gate.begin()
            signal.alarm(PATIENCE)
            os.ftruncate(1, 0)
            os.lseek(1, 0, os.SEEK_SET)
            try:
                code = carry_out(self.place, self.act)
            except Exception:  # noqa: BLE001 - whatever it is, it is said
                PLAIN["write"](2, traceback.format_exc().encode())
                code = BUG
            gate.finish(code)

    def move(self, line: Line, order: int) -> int:
        """Give one of its lines an order; workers are heard of when they are born, and when they end they are gone."""
        made = line.move(order) if line.moves else 0
        for worker in self.lines[1 : self.lines[0].born + 1]:
            if worker.state == UNBORN:
                worker.hear()
        if line is not self.lines[0] and line.state == ENDED:
            line.bury()
        return made

    def read_touches(self) -> set[Touch]:
        """Give all that it and its workers have touched, where every call is counted."""
        with open(self.touched, encoding="utf-8") as file:
            return {(kind, path) for line in file for kind, path in json.loads(line)}

    def end(self) -> Ended:
        """Say how its deed ended; a process that was killed is another one next time."""
        code = self.lines[0].code
        said = ""
        if code:
            with open(self.out, encoding="utf-8", errors="replace") as file:
                said = file.read()
        if code < 0 or code == BUG or any(line.moves for line in self.lines):
            self.close()
        return Ended(code, said)

    def close(self) -> None:
        """End all of its processes."""
        for line in self.lines:
            if line.moves:
                line.kill()
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            end(self.pid, self.out)
        for line in self.lines:
            _NEAR.difference_update(line.near)
            line.close()
        self.lines, self.pid = [], 0


_NEAR: set[int] = set()
"""The scheduler's ends of all pipes, which no player may keep open."""
