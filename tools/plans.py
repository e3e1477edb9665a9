"""What each client of a stress test will do, and which nemeses act when: a function of the seed, timing is not."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

from serial import Deed
from universe import FOREIGN, World

KILLS = ("kill-group", "kill-coordinator", "kill-worker")
MIXED = tuple(f"{foreign}-{names}" for foreign in FOREIGN for names in ("own", "shared"))
NEMESES = (*KILLS, "stop", "interrupt", "disk", "clock", *MIXED)
_APART = {
    "stop": {"uv-own"},  # uv goes on without its lock (TRAPS 2): its own names are then not held by anybody
    "disk": {"uv-own", "pip-own"},  # what a foreigner leaves on a full disk is no finding
    "uv-shared": set(NEMESES),
    "pip-shared": set(NEMESES),
}
"""Who does not act beside whom, so that it stays plain what may be demanded."""
IMPATIENT, PATIENT = 1, 120
"""Seconds for --lock-timeout: where runs are stopped for longer, and where a lock that is not had is a finding."""
LONGEST_PAUSE = 0.2
VERBS = {"install": 46, "overlay": 10, "uninstall": 26, "sync": 6, "check": 12}
FLAGS = ((), (), (), (), (), (), ("--reinstall",), ("--compile-bytecode",), ("--durable",), ("--link-mode", "copy"))


class Step(NamedTuple):
    """One command of a client."""

    deed: Deed
    flags: tuple[str, ...] = ()
    """What lugnut is told besides."""
    pause: float = 0.0
    """Seconds before."""


class Client(NamedTuple):
    """Who does what in one interval."""

    name: str
    installer: str
    """Empty: the one under test."""
    steps: Sequence[Step]


class Interval(NamedTuple):
    """From one quiescent point to the next."""

    clients: Sequence[Client]
    nemeses: tuple[str, ...]
    tainted: frozenset[str] = frozenset()
    """Names that a foreign installer acts on beside the one under test, and those that share paths with them."""


class Terms(NamedTuple):
    """What is asked for."""

    seed: int
    processes: int
    nemeses: tuple[str, ...]
    commands: int = 10
    """Of each client, from one quiescent point to the next."""


def draw_interval(world: World, terms: Terms, number: int) -> Interval:
    """Draw the interval of this number."""
    rng = random.Random(f"{terms.seed}/interval/{number}")
    nemeses = _choose_nemeses(rng, terms.nemeses, number)
    mixed = [nemesis for nemesis in nemeses if nemesis in MIXED]
    patience = IMPATIENT if "stop" in nemeses else PATIENT
    tainted = frozenset(world.groups[-1] if any(one.endswith("-shared") for one in mixed) else ())
    fields = [sorted(tainted), [name for name in world.names if name not in tainted]] if tainted else [world.names]
    clients = []
    for client in range(terms.processes):
        mine = random.Random(f"{terms.seed}/client/{client}/{number}")
        steps = [_draw_step(mine, world, mine.choice(fields), is_alone=not mixed) for _ in range(terms.commands)]
        steps = [step._replace(flags=(*step.flags, "--lock-timeout", str(patience))) for step in steps]
        clients.append(Client(f"client {client + 1}", "", steps))
    for nemesis in mixed:
        foreign, _, which = nemesis.partition("-")
        names = world.own[foreign] if which == "own" else world.groups[-1]
        mine = random.Random(f"{terms.seed}/{nemesis}/{number}")
        steps = [_draw_step(mine, world, names, is_alone=False, foreign=True) for _ in range(terms.commands // 2)]
        clients.append(Client(foreign, foreign, steps))
    return Interval(clients, nemeses, tainted)


def _choose_nemeses(rng: random.Random, wanted: Sequence[str], number: int) -> tuple[str, ...]:
    """Take one in its turn, and some of those that may act beside it."""
    if not wanted:
        return ()
    chosen = [wanted[number % len(wanted)]]
    for other in rng.sample(wanted, len(wanted)):
        apart = any(other in _APART.get(one, ()) or one in _APART.get(other, ()) for one in chosen)
        if other not in chosen and not apart and rng.random() < 2 / 5:
            chosen.append(other)
    return tuple(chosen)


def _draw_step(
    rng: random.Random, world: World, names: Sequence[str], *, is_alone: bool, foreign: bool = False
) -> Step:
    """Draw a command; what is exact about everybody's names (sync) is for those who are `is_alone`."""
    verb = rng.choices(list(VERBS), list(VERBS.values()))[0]
    if verb == "sync" and not is_alone:
        verb = "install"
    if foreign and verb in {"overlay", "check"}:
        verb = "uninstall"
    pause = rng.uniform(0, LONGEST_PAUSE) if rng.random() < 1 / 4 else 0.0
    count = min(len(names), rng.randint(6, 14) if verb == "sync" else rng.choice((1, 1, 2, 3, 5)))
    chosen = rng.sample(list(names), count)
    if verb == "check":
        return Step(Deed("check"), (), pause)
    if verb == "uninstall":
        return Step(Deed("uninstall", tuple(chosen)), (), pause)
    keys = tuple(rng.choice(world.keys_of(name)) for name in chosen)
    flags = rng.choice(FLAGS)
    if verb == "overlay":
        return Step(Deed("install", keys, {chosen[0]: rng.choice((0, 1, 1, 2))}), flags, pause)
    return Step(Deed(verb, keys), flags, pause)
