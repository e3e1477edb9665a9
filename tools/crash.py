"""Every point of death: lugnut killed, and failed, at every file-system call that it makes on environment and store.

    python tools/crash.py [--what PATTERN]... [--how PATTERN]... [--every K [--offset O]] [--append FILE] [--jobs N]
    python tools/crash.py --what upgrade --how kill --point 0:117

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

Runs are forked from one process that has everything imported, so that thousands take minutes; what stopped runs leave
in equal states (names, bytes, modes, which files are one) is recovered once, or with `--fresh` each time. `--every K`
takes each K-th call, from the O-th on: all offsets together are all calls. With `--append` what is done is noted there,
way by way, and left out when the same campaign is begun again.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("campaigns run on POSIX")

import argparse
import fnmatch
import json
import os
import signal
import time
from collections.abc import Iterator, Sequence

import evidence
import recoveries
from crashing import Field
from dealing import choose_place, deal, program
from operations import OPERATIONS
from points import KILLS, Share, Way, can_fail, list_ways
from programs import find_program, print_table, scratch, version_of
from striking import Row, Score, strike

HEADER = ("what", "how", "error", "points", "old", "new", "exit 0", "states", "deeper", "missed", "wrong")
SHOWN = 10
NAMES = (*OPERATIONS, *(recoveries.PREFIX + name for name, one in OPERATIONS.items() if one.cut is None))
"""All that can be killed."""


# --- the command line -------------------------------------------------------------------------------------------------


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--what", action="append", metavar="PATTERN", help="install, upgrade, recover*, ...")
    parser.add_argument("--how", action="append", metavar="PATTERN", help="kill, group, once, always, once ENOSPC, ...")
    parser.add_argument("--every", type=int, default=1, metavar="K", help="take each K-th call")
    parser.add_argument("--offset", type=int, default=0, metavar="O", help="... from this one on, 0 to K - 1")
    parser.add_argument("--seed", default="1", help="of what is drawn in recoveries")
    parser.add_argument("--point", metavar="PROCESS:CALL", help="take this one alone")
    parser.add_argument("--append", metavar="FILE", help="note here what is done, and leave that out")
    parser.add_argument("--evidence", metavar="FILE", help="append here what was shown")
    parser.add_argument("--fresh", action="store_true", help="recover from every state anew, equal ones too")
    parser.add_argument("--first", action="store_true", help="end an operation's way at its first finding")
    parser.add_argument("--store", metavar="DIRECTORY", help="have the store there, on another file system (--jobs 1)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--part", help=argparse.SUPPRESS)
    parser.add_argument("--done", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if not 0 <= options.offset < options.every:
        parser.error("--offset is one of 0 to K - 1")
    options.names = [name for name in NAMES if any(fnmatch.fnmatch(name, one) for one in options.what or ["*"])]
    if not options.names:
        parser.error(f"--what: there are {', '.join(NAMES)}")
    return options


def list_ways_of(options: argparse.Namespace, name: str) -> list[Way]:
    """Give the ways of an operation that are wanted: a recovery's are kills."""
    ways = list_ways(options.how or ["*"])
    return [way for way in ways if way[0] in KILLS] if name.startswith(recoveries.PREFIX) else ways


# --- one part ---------------------------------------------------------------------------------------------------------


def play_part(options: argparse.Namespace, name: str, share: Share) -> Iterator[Row]:
    """Play one process's share of an operation, way after way, but for those that are done."""
    done = [tuple(way) for way in json.loads(options.done or "[]")]
    with scratch("crash") as root:
        operation = OPERATIONS[name.removeprefix(recoveries.PREFIX)]
        field = Field(root, name, operation, store=options.store)
        field.remembers = not options.fresh
        for how, error in list_ways_of(options, name):
            if (how, error) in done:
                continue
            score, begun = Score(), time.monotonic()
            if name.startswith(recoveries.PREFIX):
                recoveries.Killer(field, how, options.seed, score).play(share)
            else:
                play_way(options, field, (how, error), share, score)
            seconds = time.monotonic() - begun
            yield {"how": how, "error": error, "count": score.count, "wrong": score.wrong, "seconds": seconds}


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


# --- all of it --------------------------------------------------------------------------------------------------------


def play_all(options: argparse.Namespace, done: Sequence[Row]) -> Iterator[Row]:
    """Play operation after operation, but for ways that are done; gives a row for each way."""
    words = ["--every", str(options.every), "--offset", str(options.offset), "--seed", options.seed]
    words += ["--point", options.point] if options.point else []
    words += ["--store", options.store] if options.store else []
    words += ["--first"] * options.first + ["--fresh"] * options.fresh
    words += [word for how in options.how or [] for word in ("--how", how)]
    for name in options.names:
        over = [(row["how"], row["error"]) for row in done if row["what"] == name]
        if not set(list_ways_of(options, name)) - set(over):
            continue
        command = [*program(), *words, "--what", name, "--done", json.dumps(over)]
        for (how, error), score in deal(command, options.jobs):
            row = {"what": name, "how": how, "error": error, **score.count}
            yield {**row, "seconds": round(score.seconds, 1), "wrong": score.wrong}
            if options.first and score.wrong:
                return


def tell(row: Row) -> None:
    """Say how one way went, and what was wrong."""
    what = " ".join(filter(None, (row["what"], row["how"], row["error"])))
    lines = [f"{what}: {row.get('points', 0)} points, {len(row['wrong'])} wrong", *row["wrong"][:SHOWN]]
    print("\n".join(lines), file=sys.stderr, flush=True)


class Ledger:
    """The file of `--append`: rows that are done, and how many of them evidence has been given of."""

    def __init__(self, path: str | None) -> None:
        """Read what there is."""
        self.path = path
        self.rows: list[Row] = []
        self.noted = 0
        if path is not None and os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                for line in map(json.loads, file):
                    self.noted = line.get("noted", self.noted)
                    self.rows += [] if "noted" in line else [line]

    def add(self, row: Row) -> None:
        """Note a row."""
        self.rows.append(row)
        self._write(row)

    def note(self, path: str | None, arguments: Sequence[str]) -> None:
        """Give evidence of what none has been given of: a line for each operation and how it was struck."""
        fresh = self.rows[self.noted :]
        if path is None or not fresh:
            return
        subject, again = version_of([find_program("lugnut")]), evidence.words_of("crash.py", arguments)
        lines = [
            evidence.Evidence(
                "crash", subject, f"{row['what']}, {row['how']}", "points", row.get("points", 0), len(row["wrong"]),
                row["seconds"], again,
            )
            for row in fresh
        ]  # fmt: skip
        evidence.note(path, evidence.add_up(lines))
        self._write({"noted": len(self.rows)})

    def _write(self, line: Row) -> None:
        if self.path is not None:
            with open(self.path, "a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")


def main(arguments: Sequence[str]) -> int:
    """Play all operations and print a line for each way; 1 where anything was wrong."""
    options = parse(arguments)
    choose_place()
    if options.part:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        part, _, parts = options.part.partition("/")
        share = Share(options.every, options.offset, int(part), int(parts))
        for line in play_part(options, options.names[-1], share):
            print(json.dumps(line), flush=True)
        return 0
    begun, ledger = time.monotonic(), Ledger(options.append)
    for row in play_all(options, tuple(ledger.rows)):
        ledger.add(row)
        tell(row)
    ledger.note(options.evidence, arguments)
    rows = ledger.rows
    print_table(HEADER, [[*(row.get(key, 0) for key in HEADER[:-1]), len(row["wrong"])] for row in rows])
    wrong = sum(len(row["wrong"]) for row in rows)
    print(f"{sum(row.get('points', 0) for row in rows)} points, {wrong} wrong, {time.monotonic() - begun:.0f} s")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
