"""What happens to a host while its run meets another host's on one environment, and what may be said afterwards.

Ann's run is brought slice by slice to a moment of its transaction's life and stands still there; then comes what the
case is named after, then bob's run, then whatever of ann's is still alive goes on. Several environments share one
blow, because the servers take their time to notice it. Wrong is: an environment that no order of the two deeds leads
to (a run that ended with an error may have done its deed or not), or that is not whole; a run of bob's that does not
manage once ann's locks are gone; a run that ends without words for it.
"""

from __future__ import annotations

import contextlib
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import IO, NamedTuple

from hostworld import KINDS, Environment, World, choose_deeds
from killing import Steps, reap, start
from machines import Machine, await_that
from programs import Ran
from serial import Deed, State
from together import run_together

if sys.platform == "win32":
    raise ImportError("campaigns run on POSIX")

SLICE = 0.004
LIVING = ("open", "committed")
CALLERS = (2, 4, 6)
NO_WORDS = ("Traceback", "contradicts itself", "segfault")
HELD = "held by"


class Outcome(NamedTuple):
    """What became of one environment."""

    findings: list[str]
    met: bool = False
    """What the case is about did happen: callers met, a transaction stood there when the blow fell, a lock was lost."""
    said: bool = False
    """A run ended with an error, in words."""


class Duel(NamedTuple):
    """Two deeds on one environment: ann's, who is struck, and bob's."""

    kind: str
    environment: Environment
    state: State
    ours: Deed
    theirs: Deed


class Victim(NamedTuple):
    """Ann's run, standing still."""

    steps: Steps
    output: IO[str]
    met: bool
    """Its transaction stands."""

    def end(self) -> Ran:
        """Let it go on to its end, whatever that is."""
        with contextlib.suppress(ProcessLookupError):
            self.steps.send(18)
        reap(self.steps.process)
        self.output.seek(0)
        said = self.output.read()
        self.output.close()
        return Ran(self.steps.process.returncode, 0.0, 0.0, "", said)


# --- meeting ----------------------------------------------------------------------------------------------------------


def meet(world: World, rng: random.Random) -> Outcome:
    """Let two, four or six runs go at once, on both hosts in turn; all of them have to manage."""
    kind, callers = rng.choice(KINDS), rng.choice(CALLERS)
    state, deeds = choose_deeds(world, kind, callers, rng)
    environment = world.environment(state)
    machines = (world.ann, world.bob)
    commands = [machines[n % 2].inside(environment.command(deed)) for n, deed in enumerate(deeds)]
    with tempfile.TemporaryDirectory(dir=world.home) as outputs:
        ran = run_together(commands, environment.environ(), outputs)
    found = [f"{deeds[n].verb}: exit {one.code}: {one.err[-600:]}" for n, one in enumerate(ran) if one.code]
    found += environment.judge(state, deeds, [n for n, one in enumerate(ran) if one.code])
    environment.remove()
    return Outcome(
        [f"{kind}, {callers} callers: {line}" for line in found], met=True, said=any(one.code for one in ran)
    )


# --- ann's run, brought to a moment -----------------------------------------------------------------------------------


def arrange(world: World, rng: random.Random) -> Duel:
    """Choose two deeds and make their environment."""
    kind = rng.choice(KINDS)
    state, deeds = choose_deeds(world, kind, 2, rng)
    if rng.random() < 0.5:  # noqa: PLR2004 - half of them the other way round
        deeds.reverse()
    return Duel(kind, world.environment(state), state, *deeds)


def begin(duel: Duel, machine: Machine) -> Victim:
    """Start ann's run."""
    output = tempfile.TemporaryFile("w+")  # noqa: SIM115 - the victim's
    command = machine.inside(duel.environment.command(duel.ours))
    return Victim(
        Steps(start(command, duel.environment.environ(), output), duel.environment.watched), output, met=False
    )


def measure(world: World, duel: Duel) -> dict[str, int]:
    """Give how many slices an unharmed run of this deed spends in each phase; asked once of a kind of deed."""
    key = f"{duel.kind} {duel.ours.verb}"
    if key not in world.lives:
        twin = duel._replace(environment=world.environment(duel.state))
        victim, seen = begin(twin, world.ann), {"start": 0, "open": 0, "committed": 0, "closed": 0}
        while victim.steps.go(SLICE):
            seen[victim.steps.phase] += 1
        victim.end()
        twin.environment.remove()
        world.lives[key] = seen
    return world.lives[key]


def strike(world: World, duel: Duel, rng: random.Random) -> Victim:
    """Bring ann's run to a random moment, mostly of its transaction's life, and leave it there, stopped."""
    life = measure(world, duel)
    phase = rng.choice(("start", *["open"] * 5, *["committed"] * 3))
    slices = rng.randrange(life[phase] + 1)
    victim = begin(duel, world.ann)
    steps = victim.steps
    over = {phase, "closed", "committed" if phase == "open" else phase}
    while steps.go(SLICE) and steps.phase not in over:
        pass
    while slices > 0 and steps.phase == phase and steps.go(SLICE):
        slices -= 1
    return victim._replace(met=steps.phase in LIVING)


def word(ran: Ran, who: str) -> list[str]:
    """Find an end that has no words for the user."""
    if ran.code == 0 or (ran.err.strip() and not any(words in ran.err for words in NO_WORDS)):
        return []
    return [f"{who}: exit {ran.code} without words: {ran.err[-700:]}"]


def conclude(duel: Duel, ours: Ran, theirs: Ran, *, met: bool) -> Outcome:
    """Judge what both have left."""
    found = word(ours, "ann") if ours.code >= 0 else []
    found += [f"bob: exit {theirs.code}: {theirs.err[-700:]}"] if theirs.code else []
    doubtful = [number for number, ran in enumerate((ours, theirs)) if ran.code]
    found += duel.environment.judge(duel.state, [duel.ours, duel.theirs], doubtful)
    words = f"{duel.kind}: ann: {duel.ours.verb}, exit {ours.code} {ours.err.strip()[:300]!r}: "
    duel.environment.remove()
    return Outcome([words + line for line in found], met=met, said=ours.code > 0)


# --- blows ------------------------------------------------------------------------------------------------------------


def kill_run(world: World, duels: Sequence[Duel], rng: random.Random) -> list[Outcome]:
    """SIGKILL every process of ann's run; bob's is on its way, or comes afterwards."""
    outcomes = []
    for duel in duels:
        victim = strike(world, duel, rng)
        beside = rng.random() < 0.5  # noqa: PLR2004 - half of them
        rival = _start(world.bob, duel) if beside else None
        victim.steps.send(9)
        ours = victim.end()
        theirs = _end(rival) if rival is not None else duel.environment.do(world.bob, duel.theirs)
        outcomes.append(conclude(duel, ours, theirs, met=victim.met))
    return outcomes


def kill_client(world: World, duels: Sequence[Duel], rng: random.Random) -> list[Outcome]:
    """SIGKILL the program that mounts the file system on ann."""

    def strike_it() -> None:
        world.ann.kill(world.shared.client)

    return _lose_host(world, duels, rng, strike_it, lambda: world.remount(world.ann))


def cut_power(world: World, duels: Sequence[Duel], rng: random.Random) -> list[Outcome]:
    """Take ann's power away, and start her again."""

    def return_it() -> None:
        world.ann.on()
        world.remount(world.ann)

    return _lose_host(world, duels, rng, world.ann.off, return_it)


def _lose_host(
    world: World, duels: Sequence[Duel], rng: random.Random, blow: Callable[[], None], back: Callable[[], None]
) -> list[Outcome]:
    """Strike; while ann's locks are still held bob is told so, or has no need of them; once they are not he manages."""
    victims = [strike(world, duel, rng) for duel in duels]
    sessions = world.shared.sessions(world.ann)
    blow()
    first = [duel.environment.do(world.bob, duel.theirs, "--lock-timeout", "1") for duel in duels]
    world.shared.forget(world.ann, sessions)
    ours = [victim.end() for victim in victims]
    back()
    outcomes = []
    for number, duel in enumerate(duels):
        early = first[number]
        told = (
            [] if early.code == 0 or HELD in early.err else [f"bob, while ann held: {early.code}: {early.err[-500:]}"]
        )
        theirs = early if early.code == 0 else duel.environment.do(world.bob, duel.theirs)
        one = conclude(duel, ours[number], theirs, met=victims[number].met)
        outcomes.append(one._replace(findings=told + one.findings))
    return outcomes


def cut_link(world: World, duels: Sequence[Duel], rng: random.Random, longer: float) -> list[Outcome]:
    """Cut ann's link in the middle of all runs and heal it: for up to 5 s, or `longer` than the server's patience."""
    pairs = [(_start(world.ann, duel, ours=True), _start(world.bob, duel)) for duel in duels]
    time.sleep(rng.uniform(0.2, 1.0 + 0.5 * len(duels)))
    going = [ours.process.poll() is None for ours, _ in pairs]
    world.ann.cut()
    time.sleep(rng.uniform(1, 5) + longer)
    world.ann.heal()
    ended = [(_end(ours), _end(theirs)) for ours, theirs in pairs]
    _await_mount(world)
    return [
        conclude(duel, *ran, met=met)._replace(said=any(one.code for one in ran))
        for duel, ran, met in zip(duels, ended, going, strict=True)
    ]


def lose_locks(
    world: World, duels: Sequence[Duel], rng: random.Random, *, asleep: bool, by_hand: bool = True
) -> list[Outcome]:
    """Cut ann off until her locks are dropped, let bob do his deed, and let her go on: an owner without its lock.

    `asleep`: her runs are stopped all the while; else they wait for the file system. `by_hand`: an administrator
    removes her session; else it ends by itself.
    """
    victims = [strike(world, duel, rng) for duel in duels]
    sessions = world.shared.sessions(world.ann)
    world.ann.cut()
    if not asleep:
        for victim in victims:
            victim.steps.send(18)
    world.shared.forget(world.ann, sessions, by_hand=by_hand)
    theirs = [duel.environment.do(world.bob, duel.theirs) for duel in duels]
    world.ann.heal()
    _await_mount(world)
    ours = [victim.end() for victim in victims]
    together = zip(duels, ours, theirs, victims, strict=True)
    return [conclude(duel, one, other, met=victim.met) for duel, one, other, victim in together]


def _await_mount(world: World) -> None:
    """Wait until ann sees the file system again, whose client has given its server up for a while."""
    await_that(lambda: world.ann.run(["ls", world.place]).code == 0, "ann's mount, again")


class _Started(NamedTuple):
    process: subprocess.Popen[str]
    output: IO[str]


def _start(machine: Machine, duel: Duel, *, ours: bool = False) -> _Started:
    output = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed where it ends
    command = machine.inside(duel.environment.command(duel.ours if ours else duel.theirs))
    environ = duel.environment.environ()
    nothing = subprocess.DEVNULL
    return _Started(
        subprocess.Popen(command, stdin=nothing, stdout=output, stderr=output, env=environ, text=True), output
    )


def _end(started: _Started) -> Ran:
    code = started.process.wait()
    with started.output as output:
        output.seek(0)
        return Ran(code, 0.0, 0.0, "", output.read())


__all__ = [
    "Outcome", "arrange", "cut_link", "cut_power", "kill_client", "kill_run", "lose_locks", "meet",
]  # fmt: skip
