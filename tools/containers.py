"""Two and four containers share one environment: all that runs can do to each other, from one to the other.

    python tools/containers.py [--rounds N] [--containers 2,4] [--seed S] [--scenario WORD]... [--engine unshare|podman]

In each container lugnut is pid 1, on a host with a name of its own (see boxes.py). By turns, as the seed says, all are
root or each is a user of its own in the environment's group; they share one store or each has its own; and environment
and store are one mount or two, between which no links can be made.

*same*, *namespace*, *versions*, *against* are those of together.py; *upgrade*: half upgrade five distributions that the
others remove; *sync*: half synchronise while the others install more. All are judged as there: an environment that the
runs one after another could have left, whole by the oracle; for *same*, each wheel is installed by one of them, once.
*kill*: the first process of a container is killed in the middle of its transaction, and all others in it with it;
`lugnut check` in all other containers at once must bring the old or the new environment, whole. *wait*: one stands
still in its transaction, all others give up after a second, then all wait until it goes on. Whoever waits, in any
scenario, names the holder's pid and host and says that it is another container, though a process with that pid is there
among its own.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("campaigns run on POSIX")

import argparse
import functools
import itertools
import os
import random
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Sequence

from boxes import ENGINES, lacking, share
from boxplays import Ground, Kind, Play, make_more, play_apart, play_kill, play_together, play_wait
from evidence import Evidence, note, words_of
from killing import adopt_orphans
from programs import find_program, print_table, scratch, version_of
from together import make_scenarios

HEADER = ("engine", "scenario", "containers", "rounds", "own users", "own stores", "two mounts", "wrong")
SHOWN = 10
TOGETHER = ("same", "namespace", "versions", "against")
MORE = ("upgrade", "sync")
SCENARIOS = (*TOGETHER, *MORE, "kill", "wait")


def list_scenarios(directory: str, wanted: Sequence[str]) -> dict[str, Play]:
    """Give those wanted by name."""
    made = [*make_scenarios(directory)] if {*TOGETHER} & {*wanted} else []
    made += make_more(directory) if {*MORE} & {*wanted} else []
    plays: dict[str, Play] = {one.title: functools.partial(play_together, one) for one in made}
    plays |= {"kill": play_kill, "wait": play_wait}
    return {title: play for title, play in plays.items() if title in wanted}


# --- the command line -------------------------------------------------------------------------------------------------


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--containers", default="2,4", help="numbers of containers, with commas")
    parser.add_argument("--scenario", action="append", choices=SCENARIOS)
    parser.add_argument("--engine", choices=ENGINES, default=ENGINES[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--self-test", action="store_true", help="nothing of .lugnut is shared: that has to be found")
    parser.add_argument("--evidence", metavar="FILE", help="append there what was shown")
    return parser.parse_args(arguments)


def self_test(options: argparse.Namespace, directory: str) -> int:
    """Play one scenario in containers that share the environment but not its locks; 1 where nothing was found."""
    (upgrade,) = (one for one in make_more(os.path.join(directory, "wheels")) if one.title == "upgrade")
    _, wrong = campaign("upgrade", functools.partial(play_apart, upgrade), 2, options, directory)
    print(f"containers that do not share .lugnut: wrong in {len(wrong)} of {options.rounds} rounds")
    return not wrong


def make_kinds(engine: str, rng: random.Random) -> Iterator[Kind]:
    """Give kinds of containers for ever: all of them, then all of them again, each time in another order."""
    every = [Kind(engine, *made) for made in itertools.product((True, False), repeat=3)]
    while True:
        yield from rng.sample(every, len(every))


def campaign(
    title: str, play: Play, count: int, options: argparse.Namespace, directory: str
) -> tuple[Counter[str], list[str]]:
    """Play a scenario's rounds; gives how often which kind was there, and what was wrong."""
    rng, had, wrong = random.Random(f"{options.seed} {title} {count}"), Counter[str](), []
    for number, kind in zip(range(options.rounds), make_kinds(options.engine, rng), strict=False):
        root = os.path.join(directory, f"{title}-{count}-{number}")
        os.mkdir(root)
        share(root)
        os.mkdir(os.path.join(root, "cache"))
        found = play(
            count, kind, Ground(directory, os.path.join(root, "home", "venv"), os.path.join(root, "cache"), rng)
        )
        had.update(key for key, value in kind._asdict().items() if value is True)
        if found:
            wrong.append(f"{title}, {count} containers, round {number}, {kind}\n    " + "\n    ".join(found[:SHOWN]))
        shutil.rmtree(root)
    return had, wrong


def main(arguments: Sequence[str]) -> int:
    """Play all scenarios and print their table; 1 where anything was wrong."""
    options = parse(arguments)
    if reason := lacking(options.engine):
        print(f"containers by {options.engine}: not tried: {reason}")
        return 0
    os.umask(0o002)  # of the containers' users too, and of what stands there before
    adopt_orphans()
    rows = []
    subject, again = version_of([find_program("lugnut")]), words_of("tools/containers.py", arguments)
    with scratch("containers") as directory:
        os.chmod(directory, 0o755)
        if options.self_test:
            return self_test(options, directory)
        wanted = options.scenario or SCENARIOS
        for title, play in list_scenarios(os.path.join(directory, "wheels"), wanted).items():
            for count in map(int, options.containers.split(",")):
                begun = time.monotonic()
                had, wrong = campaign(title, play, count, options, directory)
                print("\n".join(wrong), end="\n" * bool(wrong), flush=True)
                kinds = [had[key] for key in Kind._fields[1:]]
                rows.append([options.engine, title, count, options.rounds, *kinds, len(wrong)])
                scope = f"{title}, {count} containers by {options.engine}"
                seconds = time.monotonic() - begun
                one = Evidence("containers", subject, scope, "rounds", options.rounds, len(wrong), seconds, again)
                note(options.evidence, [one])
    print_table(HEADER, rows)
    return int(any(row[-1] for row in rows))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
