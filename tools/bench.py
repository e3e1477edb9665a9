"""How fast: lugnut beside uv, pip or others, and above the floor, in rounds that alternate, on an idle machine.

    python tools/bench.py [--case PATTERN]... [--rounds N] [--from DIRECTORY] [--append FILE]
    python tools/bench.py --growth
    python tools/bench.py --report FILE [--plot DIRECTORY]

A case is a workload and a mode, `W2 warm`; patterns as the shell's choose among all (`W2 *`), and without any the cases
with a target, and those beside them, are measured. Each round runs every contestant once, the next round in the other
order; ratios are taken within a round, and what is shown is their median with the least and the most. A round in which
others kept more than 0.3 processors busy is thrown away and counted. With `--append` every round becomes a line of
JSON, and `--report` makes the table of such a file, so that a long campaign can be run in pieces.

Everything stays until the end (TRAPS 29): all cases together need some 40 GB where temporary files are, or where
LUGNUT_TOOLS_TMP says, and the store and the environments have to be on one volume.

Memory is that of the largest single process. The floor is `cp -al` of the unpacked wheels (warm), and inflating and
writing every member, without hashing, by a process for each processor (cold).
"""

from __future__ import annotations

import argparse
import fnmatch
import glob
import os
import sys
from collections.abc import Iterator, Sequence

import growth
import pictures
from arena import Arena, Rules
from benchmodes import MODES
from measuring import FailedError, Starter
from outcomes import BESIDE, HEADER, append_round, group, make_beside, make_row, read_rounds
from peers import BUILT_IN, find_version, parse_peer
from programs import print_table, scratch
from rounds import Gate, NoRoomError, Round, WrongError, play
from workloads import MADE, REAL, NotAtHandError, Places, make_workload

KEPT = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), ".make", "wheels", "bench")
USUAL = (
    "W1 warm", "W2 warm", "W3 warm", "W4 warm", "W5 warm", "W1 cold", "W2 cold", "W3 cold", "W4 cold", "W5 cold",
    "W1 noop", "W2 noop", "W2 compile", "W2 first-compile", "W2 upgrade", "W2 uninstall", "W2 callers-same",
    "W2 callers-different", "W2 callers-different-cold", "W1 bare", "W2 bare", "W4 bare", "W1 version",
    "W1 noop-of-one",
)  # fmt: skip
GROWTH = ("N*0 warm", "F*k warm")
OF_GIVEN = ("W warm", "W cold", "W noop")
"""Of a directory of wheels that the user names."""
LOADS = sorted((*REAL, *MADE))


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", action="append", metavar="PATTERN", help="`W2 warm`, `W? cold`, `W2 *`")
    parser.add_argument("--growth", action="store_true", help="how the time grows with wheels and files")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--cold-rounds", type=int, default=3, help="rounds of what is slow")
    parser.add_argument("--peer", action="append", metavar="NAME[=TEMPLATE]", type=parse_peer, help="besides uv: pip")
    parser.add_argument("--link-mode", default="hardlink")
    parser.add_argument("--wheels", help="a directory of wheels, one a distribution: the workload W")
    parser.add_argument("--from", dest="source", help="a directory that has w1/, w2/ and w3/ already")
    parser.add_argument("--idle", type=float, default=0.3, help="processors that others may keep busy")
    parser.add_argument("--patience", type=float, default=60, help="seconds to wait for that, before each round")
    parser.add_argument("--append", metavar="FILE", help="add each round to this file, a line of JSON each")
    parser.add_argument("--report", metavar="FILE", help="measure nothing: make the table of such a file")
    parser.add_argument("--plot", metavar="DIRECTORY", help="draw pictures, too (matplotlib)")
    return parser.parse_args(arguments)


def find_patterns(options: argparse.Namespace) -> list[str]:
    """Give the patterns asked for, or the usual ones."""
    asked = [*(options.case or ()), *(GROWTH if options.growth else ())]
    return asked or list(OF_GIVEN if options.wheels else (*USUAL, *GROWTH))


def choose(patterns: Sequence[str], loads: Sequence[str] = LOADS) -> list[tuple[str, str]]:
    """Give (workload, mode) of the cases wanted; raises ValueError where a pattern names none."""
    every = [f"{load} {mode}" for load in loads for mode in MODES]
    chosen: dict[str, None] = {}
    for pattern in patterns:
        found = fnmatch.filter(every, pattern)
        if not found:
            raise ValueError(f"no case is called {pattern!r}; workloads: {' '.join(loads)}; modes: {' '.join(MODES)}")
        chosen.update(dict.fromkeys(found))
    return [(load, mode) for load, _, mode in (case.partition(" ") for case in chosen)]


def make_rules(options: argparse.Namespace) -> Rules:
    """Make what holds for the whole campaign."""
    peers = {peer.name: peer for peer in (BUILT_IN["lugnut"], BUILT_IN["uv"], *(options.peer or ()))}
    places = Places(KEPT, os.path.abspath(options.source) if options.source else None)
    wheels = glob.glob(os.path.join(os.path.abspath(options.wheels), "*.whl")) if options.wheels else []
    if options.wheels and not wheels:
        raise NotAtHandError(f"there are no wheels in {options.wheels}")
    return Rules(list(peers.values()), options.link_mode, places, make_workload("W", wheels) if wheels else None)


def measure(options: argparse.Namespace, cases: Sequence[tuple[str, str]]) -> Iterator[Round]:
    """Play all cases; one whose wheels are not to be had is left out, and said."""
    gate = Gate(options.idle, options.patience)
    rules = make_rules(options)
    print(f"{', '.join(map(find_version, rules.peers))}; Python {sys.version.split()[0]}; {os.cpu_count()} processors")
    with scratch("bench") as home, Starter(os.path.join(home, "outputs")) as starter:
        arena = Arena(home, rules, starter)
        for name, mode in cases:
            try:
                load = arena.workload(name)
            except NotAtHandError as error:
                print(f"{name} {mode} left out: {error}", file=sys.stderr, flush=True)
                continue
            count = options.cold_rounds if MODES[mode].is_cold else options.rounds
            print(f"{load}, {mode}", file=sys.stderr, flush=True)
            for one in play(arena, load, (mode, MODES[mode]), count, gate):
                print(describe(one), file=sys.stderr, flush=True)
                yield one


def describe(one: Round) -> str:
    """Say how a round went."""
    ran = ", ".join(f"{name} {cost.wall:.3f} s (CPU {cost.cpu:.3f})" for name, cost in one.ran.items())
    fate = "" if one.kept else "thrown away, others worked: " if one.ran else "not played, the machine was never idle"
    return f"  {one.number}: {fate}{ran}; load {one.load:.2f}, others {one.others:.2f} processors"


def report(rounds: Sequence[Round]) -> None:
    """Print the tables."""
    cases = group(rounds)
    print_table(HEADER, [make_row(case) for case in cases])
    beside = [row for case in cases for row in make_beside(case)]
    if beside:
        print()
        print_table(BESIDE, beside)
    grown = growth.make_rows(cases)
    if grown:
        print()
        print_table(growth.HEADER, grown)
    thrown = sum(not one.kept for one in rounds)
    print(f"\n{len(rounds)} rounds, {thrown} thrown away because others worked on the machine")


def main(arguments: Sequence[str]) -> int:
    """Measure, or read what was measured, and print."""
    options = parse(arguments)
    rounds = []
    try:
        if options.report:
            rounds = read_rounds(options.report)
        else:
            for one in measure(options, choose(find_patterns(options), ["W"] if options.wheels else LOADS)):
                rounds.append(one)
                if options.append:
                    append_round(options.append, one)
    except (NotAtHandError, FailedError, WrongError, NoRoomError, ValueError, OSError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    report(rounds)
    if options.plot:
        print("\n".join(pictures.draw(group(rounds), options.plot)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
