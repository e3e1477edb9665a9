"""Every point of death: lugnut killed, and failed, at every file-system call that it makes on environment and store.

    python tools/crash.py [--what PATTERN]... [--how PATTERN]... [--every K] [--append FILE] [--jobs N]
    python tools/crash.py --what upgrade --how kill --point 0:117

A universe of three wheels with a shared path is installed, upgraded, removed, synchronised, joined by a rival and
recovered. A first run counts the calls of each of its processes: the coordinator is 0, the workers follow in the order
they are forked (see crash.c, a preload that the C library's calls go through; nothing in lugnut knows of it). Then for
each call of each process, from the same state before: *kill* that process there; *group* kill all of its run; and for
each error that the call may give, *once* have it fail, *always* have it and all later ones fail.

After a kill, `lugnut check` runs: the environment must be the old one or the new one, equal in names, bytes and modes,
whole to tools/oracle.py; then the command runs again and must end in the new one. A run that was failed must end by
itself, with a sentence and no traceback; after exit 0 the new environment must be there, and else, with the fault
lifted, `lugnut check` must bring the old or the new one.

Runs are forked from one process that has everything imported, so that thousands take minutes. `--every K` takes each
K-th call; with `--append` what is done is noted there, and left out when the same campaign is begun again.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("campaigns run on POSIX")

import argparse
import fnmatch
import json
import os
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from crashing import BUG, HUNG, OPERATIONS, Armed, Ended, Field, Point, can_fail
from oracle import check_environment
from programs import print_table, scratch
from trees import Tree, differences, site_packages

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "crash.c")
ERRORS = ("ENOSPC", "EIO", "EDQUOT", "EMFILE", "EACCES", "EROFS", "ESTALE", "ENOLCK", "EINTR")
HEADER = ("what", "how", "error", "points", "old", "new", "exit 0", "wrong")
SHOWN = 10
Row = dict[str, Any]
"""A line of JSON."""


# --- points -----------------------------------------------------------------------------------------------------------


class Score:
    """What came of the points of one operation in one way."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.count = Counter[str]()
        self.wrong: list[str] = []

    def add(self, other: Row) -> None:
        """Add a share of them."""
        self.count.update(other["count"])
        self.wrong += other["wrong"]


def strike(field: Field, point: Point, how: str, error: str, score: Score) -> None:
    """Stop the operation at one point, and judge what comes of it."""
    field.restore()
    ended = field.run(field.operation.command, Armed(how, (point.process, point.call), error))
    found = []
    if how in {"once", "always"}:
        found += judge_end(ended)
        score.count["exit 0"] += ended.code == 0
        if ended.code == 0 and field.name[:7] != "recover":
            found += [f"exit 0, but {line}" for line in judge_tree(field.tree(), [field.new])]
    recovered = field.run(["check"])
    if recovered.code:
        found.append(f"check ended with {recovered.code}: {recovered.said.strip()[-1000:]}")
    tree = field.tree()
    found += judge_tree(tree, [field.old, field.new]) + check_environment(site_packages(field.prefix))
    score.count["old" if tree == field.old else "new"] += 1
    if how in {"kill", "group"} and not found and field.operation.cut is None:
        again = field.run(field.operation.command)
        if again.code:
            found.append(f"the command again ended with {again.code}: {again.said.strip()[-1000:]}")
        found += [f"again: {line}" for line in judge_tree(field.tree(), [field.new])]
    score.count["points"] += 1
    if found:
        what = " ".join(filter(None, (field.name, how, error)))
        score.wrong.append(f"{what} at {point}\n    " + "\n    ".join(found[:10]))


def judge_end(ended: Ended) -> list[str]:
    """Find what is not clean in how a failed run ended."""
    if ended.code < 0 or ended.code == BUG:
        return [f"it ended with {'its alarm' if ended.code == HUNG else ended.code}: {ended.said.strip()[-2000:]}"]
    return [f"it said: {ended.said.strip()[-2000:]}"] if "Traceback" in ended.said or "unexpected" in ended.said else []


def judge_tree(tree: Tree, legal: Sequence[Tree]) -> list[str]:
    """Say how a tree differs from the nearest of those that may be there."""
    if any(tree == one for one in legal):
        return []
    return min((differences(one, tree) for one in legal), key=len)[:8]


# --- the command line -------------------------------------------------------------------------------------------------


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--what", action="append", metavar="PATTERN", help="install, upgrade, recover-*, ...")
    parser.add_argument("--how", action="append", metavar="PATTERN", help="kill, group, once, always, once ENOSPC, ...")
    parser.add_argument("--every", type=int, default=1, metavar="K", help="take each K-th call")
    parser.add_argument("--point", metavar="PROCESS:CALL", help="take this one alone")
    parser.add_argument("--append", metavar="FILE", help="note here what is done, and leave that out")
    parser.add_argument("--first", action="store_true", help="end an operation's way at its first finding")
    parser.add_argument("--store", metavar="DIRECTORY", help="have the store there, on another file system (--jobs 1)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--part", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def list_ways(patterns: Sequence[str]) -> list[tuple[str, str]]:
    """Give (how, error) of the ways wanted; EINTR is given once only: Python asks again for ever."""
    every = [("kill", ""), ("group", "")]
    every += [(how, error) for how in ("once", "always") for error in ERRORS if (how, error) != ("always", "EINTR")]
    return [way for way in every if any(fnmatch.fnmatch(" ".join(way).strip(), f"{pattern}*") for pattern in patterns)]


def play_part(options: argparse.Namespace, name: str, part: tuple[int, int]) -> Iterator[Row]:
    """Play one process's share of an operation, way after way."""
    with scratch("crash") as root:
        field = Field(root, name, options.store or "")
        for how, error in list_ways(options.how or ["*"]):
            score = Score()
            points = [point for point in field.points if not error or can_fail(point.kind, error)]
            if options.point:
                points = [point for point in points if f"{point.process}:{point.call}" == options.point]
            for point in points[part[0] :: part[1] * options.every]:
                strike(field, point, how, error, score)
                if options.first and score.wrong:
                    break
            yield {"how": how, "error": error, "count": score.count, "wrong": score.wrong}


def play(options: argparse.Namespace, name: str, arguments: Sequence[str]) -> dict[tuple[str, str], Score]:
    """Play an operation, its points dealt out to processes of their own."""
    with scratch("preload") as place:
        library = build(place)
        words = [sys.executable, os.path.abspath(__file__), *arguments, "--what", name]
        environ = {**os.environ, "LD_PRELOAD": library}
        running = [
            subprocess.Popen(
                [*words, "--part", f"{part}/{options.jobs}"], stdout=subprocess.PIPE, text=True, env=environ
            )
            for part in range(options.jobs)
        ]
        scores: dict[tuple[str, str], Score] = {}
        for process in running:
            out, _ = process.communicate()
            if process.returncode:
                raise subprocess.CalledProcessError(process.returncode, words)
            for line in map(json.loads, out.splitlines()):
                scores.setdefault((line["how"], line["error"]), Score()).add(line)
        return scores


def build(place: str) -> str:
    """Compile the preload."""
    library = os.path.join(place, "crash.so")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"], check=True)
    return library


def read_done(path: str | None) -> list[Row]:
    """Read what a campaign has done already."""
    if path is None or not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def play_all(options: argparse.Namespace, done: Sequence[Row]) -> Iterator[Row]:
    """Play operation after operation, but for those that are done; gives a row for each way."""
    passed = ["--every", str(options.every)] + (["--point", options.point] if options.point else [])
    passed += ["--first"] * options.first + (["--store", options.store] if options.store else [])
    passed += [word for how in options.how or [] for word in ("--how", how)]
    over = {row["what"] for row in done}
    for name in OPERATIONS:
        if name in over or not any(fnmatch.fnmatch(name, one) for one in options.what or ["*"]):
            continue
        for (how, error), score in play(options, name, passed).items():
            yield {"what": name, "how": how, "error": error, **score.count, "wrong": score.wrong}
            if options.first and score.wrong:
                return


def tell(row: Row) -> None:
    """Say how one way went, and what was wrong."""
    what = " ".join(filter(None, (row["what"], row["how"], row["error"])))
    lines = [f"{what}: {row.get('points', 0)} points, {len(row['wrong'])} wrong", *row["wrong"][:SHOWN]]
    print("\n".join(lines), file=sys.stderr, flush=True)


def main(arguments: Sequence[str]) -> int:
    """Play all operations and print a line for each way; 1 where anything was wrong."""
    options = parse(arguments)
    if options.part:
        part, _, parts = options.part.partition("/")
        for line in play_part(options, options.what[-1], (int(part), int(parts))):
            print(json.dumps(line), flush=True)
        return 0
    begun, rows = time.monotonic(), read_done(options.append)
    for row in play_all(options, tuple(rows)):
        rows.append(row)
        tell(row)
        if options.append:
            with open(options.append, "a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
    print_table(HEADER, [[*(row.get(key, 0) for key in HEADER[:-1]), len(row["wrong"])] for row in rows])
    wrong = sum(len(row["wrong"]) for row in rows)
    print(f"{sum(row.get('points', 0) for row in rows)} points, {wrong} wrong, {time.monotonic() - begun:.0f} s")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
