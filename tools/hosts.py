"""Two hosts at once on one environment, on file systems that they share, while one of them is killed or cut off.

    python tools/hosts.py [--only SCENARIO]... [--on FILESYSTEM]... [--rounds N] [--from-round N] [--seed S]
                          [--abreast N] [--evidence FILE] [--what]

Each host is a set of namespaces of this machine with a mount of its own (machines.py); the servers of MooseFS (Debian's
moosefs-*) and GlusterFS (glusterfs-server) are started by hand for it, and all of it is gone at the end, Ctrl-C or not.
Needs root and /dev/fuse; what cannot be tried here is in the table with its reason. A round is numbered, and what
happens in it follows from the seed, its scenario and its number: --from-round goes on where another call stopped, with
--evidence what has been seen so far is appended after every batch of rounds. --abreast environments share one blow.

In the table, *met*: callers met, or a transaction stood there when the blow fell; *said*: rounds in which a run ended
with an error, in words; *wrong*: anything that hostcases.py calls so. It fails where anything was wrong. Where a mount
is such that lugnut refuses it (`-default`, `-cached`) one round sees that it does, and that its doctor says the same.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import evidence
from glusterfs import DefaultGlusterFS, GlusterFS
from hostcases import Outcome, arrange, cut_link, cut_power, kill_client, kill_run, lose_locks, meet
from hostworld import World, worlds
from killing import adopt_orphans
from machines import CannotStartError
from moosefs import CachedMooseFS, MooseFS
from programs import find_program, print_table, scratch, version_of
from serial import NOTHING, Deed
from trees import differences

if sys.platform == "win32":
    raise ImportError("campaigns run on POSIX")

HEADER = ("file system", "scenario", "rounds", "met", "said", "wrong", "seconds")
REFUSED = 3
"""Lugnut's exit code where hosts would not be kept apart."""
NFS = "this kernel has no client of it; lugnut doctor judges it by mount type and options"


class Scenario(NamedTuple):
    """What is done to ann, in how many environments at a time if it is done to all at once."""

    words: str
    play: Callable[[World, random.Random, int], list[Outcome]]
    rounds: int
    together: bool = True


def _struck(blow: Callable[..., list[Outcome]], **more: object) -> Callable[[World, random.Random, int], list[Outcome]]:
    """Make a scenario's way to be played of a blow."""

    def played(world: World, rng: random.Random, count: int) -> list[Outcome]:
        return blow(world, [arrange(world, rng) for _ in range(count)], rng, **more)

    return played


def _meet(world: World, rng: random.Random, count: int) -> list[Outcome]:
    return [meet(world, rng) for _ in range(count)]


SCENARIOS = {
    "meet": Scenario("two, four, six runs of both hosts at once", _meet, 200, together=False),
    "run": Scenario("SIGKILL to every process of one run", _struck(kill_run), 200, together=False),
    "client": Scenario("SIGKILL to the program that mounts", _struck(kill_client), 60),
    "power": Scenario("one host's power is cut", _struck(cut_power), 60),
    "short": Scenario("its link is cut, for less than the server's patience", _struck(cut_link, longer=0.0), 60),
    "long": Scenario("... for longer", _struck(cut_link, longer=11.0), 60),
    "lost": Scenario("... until its locks are dropped; its runs go on", _struck(lose_locks, asleep=False), 60),
    "zombie": Scenario("... its runs stopped meanwhile, then continued", _struck(lose_locks, asleep=True), 100),
    "expired": Scenario("... until its session ends by itself", _struck(lose_locks, asleep=True, by_hand=False), 16),
}
FILESYSTEMS: dict[str, type[MooseFS | GlusterFS]] = {
    kind.title: kind for kind in (MooseFS, CachedMooseFS, GlusterFS, DefaultGlusterFS)
}


class Told(NamedTuple):
    """The figures of one scenario on one file system."""

    rounds: int = 0
    met: int = 0
    said: int = 0
    wrong: int = 0
    seconds: float = 0.0

    def plus(self, outcomes: Sequence[Outcome], seconds: float) -> Told:
        """Add what some rounds came to."""
        met, said = sum(one.met for one in outcomes), sum(one.said for one in outcomes)
        wrong = sum(bool(one.findings) for one in outcomes)
        return Told(
            self.rounds + len(outcomes), self.met + met, self.said + said, self.wrong + wrong, self.seconds + seconds
        )


def campaign(world: World, name: str, options: argparse.Namespace) -> Iterator[Told]:
    """Play one scenario's rounds, a batch at a time; gives the sum after each."""
    scenario, told, first = SCENARIOS[name], Told(), options.from_round
    last = first + (scenario.rounds if options.rounds is None else options.rounds)
    step = options.abreast if scenario.together else 1
    for number in range(first, last, step):
        rng, begun = random.Random(f"{options.seed} {name} {number}"), time.monotonic()
        outcomes = scenario.play(world, rng, min(step, last - number))
        for one, outcome in enumerate(outcomes, number):
            for line in outcome.findings:
                print(f"{world.shared.title}, {name} {one}: {line}", flush=True)
        before, told = told, told.plus(outcomes, time.monotonic() - begun)
        _note(world.shared.title, name, before, told, options)
        yield told


def _note(filesystem: str, name: str, before: Told, told: Told, options: argparse.Namespace) -> None:
    subject = version_of([find_program("lugnut")])
    shown = evidence.Evidence(
        "hosts", subject, f"{filesystem}, {name}", "rounds", told.rounds - before.rounds, told.wrong - before.wrong,
        round(told.seconds - before.seconds, 1), options.again,
    )  # fmt: skip
    evidence.note(options.evidence, [shown])


def try_on(title: str, options: argparse.Namespace) -> list[list[object]]:
    """Try all scenarios on one file system; gives the rows of the table."""
    kind = FILESYSTEMS[title]
    if lacks := kind.lacks():
        return [[title, f"not tried: {lacks} ({kind.packages})", 0, 0, 0, 0, 0]]
    rows: list[list[object]] = []
    with scratch(f"hosts-{title}") as home, worlds(kind, home) as world:
        if world.shared.refused:
            return [_try_refusal(world)]
        for name in options.only or SCENARIOS:
            told = Told()
            for told in campaign(world, name, options):  # noqa: B007 - the last one is the sum
                pass
            rows.append([title, f"{name}: {SCENARIOS[name].words}", *told[:4], f"{told.seconds:.0f}"])
    return rows


def refuse(world: World) -> Outcome:
    """See that lugnut changes nothing here, with the reason, and that its doctor says the same."""
    environment = world.environment(NOTHING)
    found = []
    install = environment.do(world.ann, Deed("install", ("1/0",)))
    if install.code != REFUSED or world.shared.refused not in install.err:
        found.append(f"install: exit {install.code}: {install.err[-500:]}")
    told = world.ann.run([*environment.words("doctor"), "--no-cache"], environment.environ())
    if told.code == 0 or world.shared.refused not in " ".join(told.out.split()):
        found.append(f"doctor: exit {told.code}: {(told.out + told.err)[-500:]}")
    found += differences(environment.empty, environment.sight(world.bob).tree)
    environment.remove()
    return Outcome(found, met=True, said=install.code > 0)


def _try_refusal(world: World) -> list[object]:
    begun, title = time.monotonic(), world.shared.title
    findings = refuse(world).findings
    for line in findings:
        print(f"{title}, refused: {line}", flush=True)
    row: list[object] = [title, f"refused: {world.shared.refused}", 1, 0, 1, int(bool(findings))]
    return [*row, f"{time.monotonic() - begun:.0f}"]


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=list(SCENARIOS), help="this scenario (more than once)")
    parser.add_argument("--on", action="append", choices=list(FILESYSTEMS), help="this file system (more than once)")
    parser.add_argument("--rounds", type=int, help="of each scenario, instead of the full number")
    parser.add_argument("--from-round", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--abreast", type=int, default=4, help="environments that share a blow")
    parser.add_argument("--evidence", help="file to append the figures to")
    parser.add_argument("--what", action="store_true", help="say what there is to try, and try nothing")
    options = parser.parse_args(arguments)
    options.again = evidence.words_of("tools/hosts.py", arguments)
    return options


def main(arguments: Sequence[str]) -> int:
    """Run the campaign and print its table."""
    options = parse(arguments)
    if options.what:
        print("\n".join(f"{name:8} {one.rounds:4} rounds  {one.words}" for name, one in SCENARIOS.items()))
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started goes
    adopt_orphans()
    rows: list[list[object]] = []
    try:
        for title in options.on or FILESYSTEMS:
            rows += try_on(title, options)
    except CannotStartError as error:
        rows.append([title, f"broken off: {error}", 0, 0, 0, 1, 0])
    rows.append(["nfs", f"not tried: {NFS}", 0, 0, 0, 0, 0])
    print_table(HEADER, rows)
    return 1 if any(row[5] for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
