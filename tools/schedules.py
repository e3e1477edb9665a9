"""Two and three runs of the engine in every order of their calls, and what is there afterwards.

    python tools/schedules.py [--case PATTERN]... [--preemptions N] [--deaths] [--every K]
    python tools/schedules.py --random COUNT [--seed S] [--case PATTERN]...
    python tools/schedules.py --replay "CASE: a12 b a"

The runs are the product's own code in processes of their own, which make one call after the other as a schedule says
(see troupes.py). With `--preemptions N` every schedule is played in which at most N times a run is stopped before a
call of its own that another one could notice (see footprints.py), another one going on in its place, the first one
included; with `--deaths N` also those in which up to N that are stopped are killed. `--every K` takes each K-th of
these. `--random` plays schedules drawn by a seed, of up to six preemptions and two deaths. With `--every-call` a run is
stopped before any of its calls. What is counted are schedules that differ.

Which calls others could notice is seen in schedules in which the runs meet here and there. Where one that is played
then shows more of it, so that a run was not stopped where it should have been (`missed`), the case is played again
from the beginning with all that was seen, until nothing is missed.

Afterwards the environment has to be what the serial oracle says of one of the orders (see serial.py), and whole in the
eyes of tools/oracle.py; where a run was killed, after one `lugnut check`. What is wrong is printed with its schedule.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("campaigns run on POSIX")

import argparse
import contextlib
import fnmatch
import itertools
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence

import lugnut
from evidence import Evidence, note, words_of
from explorer import Explorer, FoundError, Score
from footprints import Touch, find_missed
from ordercases import CASES
from orders import Arena
from programs import print_table, scratch
from troupes import parse_legs

HEADER = ("case", "runs", "calls", "missed", "schedules", "killed", "ends", "wrong")
SHOWN = 10
"""Findings printed for a case."""
MEMORY = "/dev/shm"
"""Where the disk is memory, unless LUGNUT_TOOLS_TMP says something else: a schedule makes a thousand calls on it."""


# --- the command line -------------------------------------------------------------------------------------------------


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", action="append", metavar="PATTERN", help=f"of {', '.join(CASES)}")
    parser.add_argument("--preemptions", type=int, default=1, metavar="N")
    parser.add_argument(
        "--deaths", type=int, nargs="?", const=1, default=0, metavar="N", help="kill who is stopped, too"
    )
    parser.add_argument("--every", type=int, default=1, metavar="K", help="of the last preemption's places each K-th")
    parser.add_argument("--random", type=int, metavar="COUNT", help="so many schedules of each case, drawn")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every-call", action="store_true", help="count the calls that nobody could notice, too")
    parser.add_argument("--first", action="store_true", help="end at the first finding")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--replay", metavar="SCHEDULE", help="play this one, as it was printed")
    parser.add_argument("--evidence", metavar="FILE", help="append what was shown")
    parser.add_argument("--part", help=argparse.SUPPRESS)
    parser.add_argument("--wider", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    options.cases = [name for name in CASES if any(fnmatch.fnmatch(name, one) for one in options.case or ["*"])]
    if not options.cases:
        parser.error(f"no case is called {' or '.join(options.case)}")
    return options


@contextlib.contextmanager
def open_arena(name: str) -> Iterator[Arena]:
    """Prepare a case."""
    with scratch("schedules") as root, contextlib.closing(Arena(CASES[name], os.path.join(root, "place"))) as arena:
        yield arena


def replay(schedule: str) -> list[str]:
    """Play one schedule, in which every call counts, and give what is wrong."""
    name, _, legs = schedule.partition(":")
    with open_arena(name.strip()) as arena:
        return arena.play(parse_legs(legs))[1]


def play_part(options: argparse.Namespace, part: tuple[int, int]) -> Score:
    """Play one process's share of the only case there is."""
    with open_arena(options.cases[0]) as arena:
        if not options.every_call:
            with open(options.wider, encoding="utf-8") as file:
                arena.reduce(list(map(_list_touches, json.load(file))), deaths=bool(options.deaths or options.random))
        explorer = Explorer(arena, part, options.every, first=options.first)
        with contextlib.suppress(FoundError):
            if options.random:
                explorer.draw(options.seed, -(-options.random // part[1]))
            else:
                explorer.explore(options.preemptions, options.deaths)
        known, seen = ([*map(sorted, one)] for one in (arena.known, arena.read_seen()))
        return explorer.score()._replace(known=known, seen=seen)


def play_case(name: str, arguments: Sequence[str], jobs: int) -> Score:
    """Play a case, and again with all that was seen, until the deeds were stopped wherever one could be noticed."""
    missed, wider = list[Touch](), list[list[Touch]]()
    while True:
        with tempfile.NamedTemporaryFile("w+", encoding="utf-8") as file:
            json.dump(wider, file)
            file.flush()
            score = deal([*arguments, "--case", name, "--wider", file.name], jobs)
        wider = score.seen
        more = find_missed([*map(_list_touches, score.known)], [*map(_list_touches, wider)]) if score.known else []
        missed += more
        if not more or (score.wrong and "--first" in arguments):
            return score._replace(missed=missed)


def _list_touches(one: Iterable[Sequence[str]]) -> set[Touch]:
    return {(kind, path) for kind, path in one}


def _unite(lists: Iterable[Sequence[Sequence[Touch]]]) -> list[list[Touch]]:
    """Bring together what several processes say of each deed."""
    return [sorted(set[Touch]().union(*map(_list_touches, some))) for some in zip(*lists, strict=True)]


def deal(arguments: Sequence[str], jobs: int) -> Score:
    """Play a case, dealt out to processes of their own; raises CalledProcessError."""
    words = [sys.executable, os.path.abspath(__file__), *arguments]
    running = [
        subprocess.Popen([*words, "--part", f"{part}/{jobs}"], stdout=subprocess.PIPE, text=True)
        for part in range(jobs)
    ]
    scores = []
    for process in running:
        out, _ = process.communicate()
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, words)
        scores.append(Score(*json.loads(out)))
    return Score(
        sum(score.schedules for score in scores),
        sum(score.killed for score in scores),
        max(score.calls for score in scores),
        max(score.ends for score in scores),
        list(itertools.chain.from_iterable(score.wrong for score in scores)),
        _unite([score.known for score in scores]),
        _unite([score.seen for score in scores]),
    )


def play_all(options: argparse.Namespace) -> Iterator[tuple[str, Score]]:
    """Play case after case."""
    arguments = ["--preemptions", str(options.preemptions), "--every", str(options.every), "--seed", str(options.seed)]
    arguments += ["--deaths", str(options.deaths)] + (["--random", str(options.random)] if options.random else [])
    arguments += ["--first"] * options.first + ["--every-call"] * options.every_call
    for name in options.cases:
        score = play_case(name, arguments, options.jobs)
        yield name, score
        if options.first and score.wrong:
            return


def show(name: str, score: Score) -> None:
    """Say at once what a case gave."""
    print(f"{name}: {score.schedules} schedules, {len(score.wrong)} wrong", file=sys.stderr, flush=True)
    if score.missed:
        said = ", ".join(f"{kind} {path}" for kind, path in score.missed[:SHOWN])
        print(f"too little was known of it at first, and it was played again: {said}", file=sys.stderr, flush=True)
    for line in score.wrong[:SHOWN]:
        print(line, file=sys.stderr, flush=True)


def main(arguments: Sequence[str]) -> int:
    """Play, and print a line for every case; 1 where anything was wrong."""
    options = parse(arguments)
    os.umask(0o022)
    if os.path.isdir(MEMORY):
        os.environ.setdefault("LUGNUT_TOOLS_TMP", MEMORY)
    if options.replay:
        found = replay(options.replay)
        print("\n".join(f"    {line}" for line in found) or "as it should be", file=sys.stderr)
        return bool(found)
    if options.part:
        part, _, parts = options.part.partition("/")
        print(json.dumps(play_part(options, (int(part), int(parts)))))
        return 0
    begun, rows = time.monotonic(), []
    shown: list[Evidence] = []
    subject, again = f"lugnut {lugnut.__version__}", words_of("tools/schedules.py", arguments)
    for name, score in play_all(options):
        show(name, score)
        wrong = len(score.wrong)
        rows.append((name, len(CASES[name].deeds), score.calls, len(score.missed), *score[:2], score.ends, wrong))
        seconds = time.monotonic() - begun - sum(one.seconds for one in shown)
        shown.append(Evidence("schedules", subject, name, "schedules", score.schedules, wrong, seconds, again))
    print_table(HEADER, rows)
    note(options.evidence, shown)
    total, wrong = sum(one.tried for one in shown), sum(one.wrong for one in shown)
    print(f"{total} schedules in {time.monotonic() - begun:.0f} s, {wrong} wrong")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
