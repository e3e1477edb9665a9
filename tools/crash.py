"""Every point of death: lugnut killed, and failed, at every file-system call that it makes on environment and store.

    python tools/crash.py [--what PATTERN]... [--how PATTERN]... [--every K [--offset O]] [--append FILE] [--jobs N]
    python tools/crash.py --what upgrade --how kill --point 0:117
    python tools/crash.py --installer uv --installer pip --installer lugnut [--what install]
    python tools/crash.py --sample COUNT [--seed S] [--wheels 20] [--append FILE]

A universe of three wheels with a shared path is installed, upgraded, removed, synchronised, joined by a rival and
recovered. First runs count the calls of each of its processes: the coordinator is 0, the workers follow in the order
they are forked (see crash.c, a preload that the C library's calls go through; nothing in lugnut knows of it). Then for
each call of each process, from the same state before: *kill* that process there; *group* kill all of its run; and for
each error that the call may give, *once* have it fail, *always* have it and all later ones fail.

After a kill, `lugnut check` runs: the environment must be the old one or the new one, equal in names, bytes and modes,
whole to tools/oracle.py, and the one that the transaction left behind had decided for; then the command runs again and
must end in the new one. A run that was failed must end by itself, with a sentence and no traceback; after exit 0 the
new environment must be there, and else, with the fault lifted, `lugnut check` must bring the old or the new one.
`recovery-of-install` and so on kill the recovery too, at every call, from every state that a first kill leaves
(tools/recoveries.py).

`--sample` draws operations on twenty overlapping wheels, and about COUNT points of them, by seed (tools/samples.py).

`--installer` kills that program, and has the same command run again: uv's and pip's scores beside lugnut's
(tools/peerdeaths.py).

Runs are forked from one process that has everything imported, so that thousands take minutes; what stopped runs leave
in equal states (names, bytes, modes, which files are one) is recovered once, or with `--fresh` each time. `--every K`
takes each K-th call, from the O-th on: all offsets together are all calls. With `--append` what is done is noted there,
way by way, case by case, and left out when the same campaign is begun again.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("campaigns run on POSIX")

import argparse
import fnmatch
import json
import os
import random
import shutil
import signal
import time
from collections.abc import Iterator, Sequence

import peerdeaths
import peers
import samples
from crashing import Field
from dealing import choose_place, deal, program
from ledger import CASE, Ledger
from operations import OPERATIONS
from points import KILLS, Share, Way, can_fail, list_ways
from programs import scratch
from recoveries import PREFIX, Killer
from striking import Row, Score, strike

SHOWN = 10
NAMES = (*OPERATIONS, *(PREFIX + name for name, one in OPERATIONS.items() if one.cut is None))
"""All that can be killed at each of its calls."""


# --- the command line -------------------------------------------------------------------------------------------------


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--what", action="append", metavar="PATTERN", help="install, upgrade, recover*, ...")
    parser.add_argument("--how", action="append", metavar="PATTERN", help="kill, group, once, always, once ENOSPC, ...")
    parser.add_argument("--every", type=int, default=1, metavar="K", help="take each K-th call")
    parser.add_argument("--offset", type=int, default=0, metavar="O", help="... from this one on, 0 to K - 1")
    parser.add_argument("--point", metavar="PROCESS:CALL", help="take this one alone")
    parser.add_argument("--installer", action="append", choices=list(peers.BUILT_IN), help="kill this program instead")
    parser.add_argument("--sample", type=int, default=0, metavar="COUNT", help="draw about so many points instead")
    parser.add_argument("--wheels", type=int, default=20, metavar="N", help="... on a universe of so many wheels")
    parser.add_argument("--seed", default="1", help="of what is drawn, here and in recoveries")
    parser.add_argument("--append", metavar="FILE", help="note here what is done, and leave that out")
    parser.add_argument("--evidence", metavar="FILE", help="append here what was shown")
    parser.add_argument("--fresh", action="store_true", help="recover from every state anew, equal ones too")
    parser.add_argument("--first", action="store_true", help="end an operation's way at its first finding")
    parser.add_argument("--store", metavar="DIRECTORY", help="have the store there, on another file system (--jobs 1)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--part", help=argparse.SUPPRESS)
    parser.add_argument("--only", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if not 0 <= options.offset < options.every:
        parser.error("--offset is one of 0 to K - 1")
    there = peerdeaths.list_names(options.installer) if options.installer else NAMES
    patterns = [f"*{peerdeaths.OF}{one}" if options.installer else one for one in options.what or ["*"]]
    options.names = [name for name in there if any(fnmatch.fnmatch(name, one) for one in patterns)]
    if not options.names:
        parser.error(f"--what: there are {', '.join(there)}")
    return options


def list_ways_of(options: argparse.Namespace, name: str, done: Ledger) -> list[Way]:
    """Give the ways of an operation that are wanted and not done: a recovery's are kills, a program's the group's."""
    ways = list_ways(["group"] if options.installer else options.how or ["*"])
    ways = [way for way in ways if way[0] in KILLS or not name.startswith(PREFIX)]
    return [way for way in ways if not done.has(name, *way)]


# --- one part ---------------------------------------------------------------------------------------------------------


def play_part(options: argparse.Namespace, name: str, share: Share, done: Ledger) -> Iterator[Row]:
    """Play one process's share of an operation, way after way."""
    with scratch("crash") as root:
        operation = OPERATIONS[name.removeprefix(PREFIX)]
        field = Field(root, name, operation, store=options.store)
        field.remembers = not options.fresh
        for how, error in list_ways_of(options, name, done):
            score, begun = Score(), time.monotonic()
            if name.startswith(PREFIX):
                Killer(field, how, options.seed, score).play(share)
            else:
                play_way(options, field, (how, error), share, score)
            yield make_row(name, (how, error), score, begun)


def peer_part(options: argparse.Namespace, name: str, share: Share, done: Ledger) -> Iterator[Row]:
    """Play one process's share of an installer's deed."""
    for way in list_ways_of(options, name, done):
        score, begun = Score(), time.monotonic()
        with scratch("crash") as root:
            peerdeaths.play(root, name, share, score)
        yield make_row(name, way, score, begun)


def make_row(name: str, way: Way, score: Score, begun: float) -> Row:
    """Make the line that tells of a way."""
    seconds = time.monotonic() - begun
    how, error = way
    return {"what": name, "how": how, "error": error, "count": score.count, "wrong": score.wrong, "seconds": seconds}


def play_way(options: argparse.Namespace, field: Field, way: Way, share: Share, score: Score) -> None:
    """Strike an operation in one way at every call of a share."""
    how, error = way
    for point in field.points:
        if error and not can_fail(point.kind, error):
            continue
        if options.point and f"{point.process}:{point.call}" != options.point:
            continue
        if share.takes(point.process, point.call):
            strike(field, point, how, error, score)
        if options.first and score.wrong:
            return


def sample_part(options: argparse.Namespace, share: Share, done: Ledger) -> Iterator[Row]:
    """Play one process's share of the cases that are drawn."""
    with scratch("crash") as root:
        made = samples.make_wheels(os.path.join(root, "wheels"), options.wheels)
        for number in range(share.part, -(-options.sample // samples.POINTS), share.parts):
            case = samples.draw(options.seed, number, options.wheels)
            name, way = f"{options.wheels} wheels, {case.kind}", (f"{CASE}{number} of seed {options.seed}", "")
            if done.has(name, *way):
                continue
            begun, place = time.monotonic(), os.path.join(root, str(number))
            score = samples.play(place, case, made, random.Random(f"{options.seed} {number} points"))
            shutil.rmtree(place)
            yield make_row(name, way, score, begun)


def begin_part(options: argparse.Namespace, share: Share, done: Ledger) -> Iterator[Row]:
    """Begin one process's share of whatever is asked for."""
    if options.sample:
        return sample_part(options, share, done)
    return (peer_part if options.installer else play_part)(options, options.only, share, done)


# --- all of it --------------------------------------------------------------------------------------------------------


def play_all(options: argparse.Namespace, arguments: Sequence[str], done: Ledger) -> Iterator[Row]:
    """Play operation after operation, but for ways that are done; gives a row for each way."""
    command = [*program(), *arguments]
    if options.sample:
        yield from deal(command, options.jobs, 1)
        return
    for name in options.names:
        if list_ways_of(options, name, done):
            yield from deal([*command, "--only", name], options.jobs, options.jobs)


def tell(row: Row) -> None:
    """Say how one way went, and what was wrong."""
    what = " ".join(filter(None, (row["what"], row["how"], row["error"])))
    lines = [f"{what}: {row.get('points', 0)} points, {len(row['wrong'])} wrong", *row["wrong"][:SHOWN]]
    print("\n".join(lines), file=sys.stderr, flush=True)


def main(arguments: Sequence[str]) -> int:
    """Play all operations and print a line for each way; 1 where anything was wrong."""
    options = parse(arguments)
    choose_place()
    ledger = Ledger(options.append)
    if options.part:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        part, _, parts = options.part.partition("/")
        share = Share(options.every, options.offset, int(part), int(parts))
        for row in begin_part(options, share, ledger):
            print(json.dumps(row), flush=True)
        return 0
    begun = time.monotonic()
    for row in play_all(options, arguments, ledger):
        ledger.add(row)
        tell(row)
        if options.first and row["wrong"]:
            break
    ledger.note(options.evidence, arguments)
    wrong = ledger.tell()
    print(f", {time.monotonic() - begun:.0f} s")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
