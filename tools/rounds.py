"""Play the rounds of one case: ready, sync, wait until the machine is ours, run, look whether it was, judge.

A round lets every contestant run once, the next round the other way about, so that what one leaves behind (dirty pages,
a warmer processor) meets each as often. What is compared is compared within a round.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import idle
from arena import Arena, judge
from benchmodes import Mode
from contestants import Contestant, Ready
from measuring import Cost
from workloads import Workload


class Gate(NamedTuple):
    """When a round counts."""

    allowed: float = 0.3
    """Processors that others may keep busy."""
    patience: float = 60.0
    """Seconds to wait for that, before each round."""
    tries: int = 10
    """Rounds more than asked for, if some are thrown away."""


class Round(NamedTuple):
    """What one round came to; `kept` is False where others worked at the same time."""

    workload: str
    mode: str
    wheels: int
    files: int
    number: int
    kept: bool
    others: float
    """Processors that others kept busy meanwhile, on average."""
    load: float
    """The load average of a minute, before."""
    ran: dict[str, Cost]
    """Contestant -> what it took; empty where the machine never was idle."""

    def to_json(self) -> dict[str, Any]:
        """Give what a line of a file of results holds."""
        return {**self._asdict(), "ran": {name: list(cost) for name, cost in self.ran.items()}}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Round:
        """Read it back; raises TypeError where it is none."""
        return cls(**{**document, "ran": {name: Cost(*cost) for name, cost in document["ran"].items()}})


SPARE = 300 * 10**6
"""Bytes that are left free on the disk, and five times the workload: others use it too."""


class NoRoomError(Exception):
    """The disk is nearly full."""


class WrongError(Exception):
    """A contestant left an environment that is not what was asked for."""


def play(arena: Arena, load: Workload, mode: tuple[str, Mode], asked: int, gate: Gate) -> Iterator[Round]:
    """Play a case until so many rounds count, or too many did not; raises WrongError, FailedError, NoRoomError."""
    title, kind = mode
    contestants = kind.make(arena, load)
    wanted, kept = asked * kind.times, 0
    most = wanted + gate.tries
    for number in range(most):
        if shutil.disk_usage(arena.home).free < SPARE + 5 * load.size:
            raise NoRoomError(f"{arena.home}: the disk is nearly full, LUGNUT_TOOLS_TMP names another place")
        others, loads, ran, left = _play_once(arena, load, contestants, number, gate)
        counts = bool(ran) and others <= gate.allowed
        kept += counts
        is_last = kept == wanted or number == most - 1
        if is_last or kind.are_all_judged:
            _judge(left)
        yield Round(load.name, title, len(load.wheels), load.files, number, counts, others, loads, ran)
        if is_last:
            return


def _play_once(
    arena: Arena, load: Workload, contestants: Sequence[Contestant], number: int, gate: Gate
) -> tuple[float, float, dict[str, Cost], list[tuple[Contestant, Ready]]]:
    if sys.platform == "win32":
        raise NotImplementedError("campaigns run on POSIX")
    turn = contestants[:: -1 if number % 2 else 1]
    ready = [(one, one.ready(number)) for one in turn]
    arena.read_through(load)
    os.sync()
    loads = os.getloadavg()[0]
    if not idle.wait_until_idle(gate.allowed, gate.patience):
        return float(os.cpu_count() or 1), loads, {}, []
    spent: list[idle.Spent] = []
    ran: dict[str, Cost] = {}
    own = time.process_time() + arena.starter.used
    for contestant, one in ready:
        os.sync()
        before = idle.look()
        ran[contestant.name] = arena.starter.run(one.commands, arena.environ)
        spent.append(idle.between(before, idle.look()))
    own = time.process_time() + arena.starter.used - own
    return idle.others(spent, own + sum(cost.cpu for cost in ran.values())), loads, ran, ready


def _judge(left: Sequence[tuple[Contestant, Ready]]) -> None:
    for contestant, ready in left:
        if ready.prefix:
            found = judge(ready.prefix, contestant.names, ours=contestant.is_ours)
            if found:
                raise WrongError("\n".join([f"{contestant.name} left a wrong environment:", *found[:10]]))
