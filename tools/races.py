"""The three founding races, against any installer, N times, and a table of what was measured.

    python tools/races.py [--peer lugnut|uv|pip]... [--cmd TEMPLATE]... [--rounds N] [--strict] [--self-test]

Each round makes a fresh environment and runs one command that installs all the wheels of the race, the order of the
arguments reversed every other round; in two of every four rounds a reader hammers the file that the wheels share.
TEMPLATE is a command line with {python} (the environment's), {wheels} (one argument each), {cache} and {mode} (hardlink
or copy). Columns: *failed* installs (exit code not 0); *wrong* trees (a file missing, left over, or with bytes no wheel
has there, or mixed); *distinct* trees over the rounds (1 is one result whatever the order); *mixed* trees (of two
distributions one shows at one path, the other at another); *torn* and *missing* reads (see readers.py); *silent* runs
(different bytes met, no warning).

It measures. Only --strict, meant for lugnut, fails on any of these, and on any tree that is not the one promised.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import time
import zipfile
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import evidence
from evidence import Evidence
from founding import fetch, make_namespace_wheels, make_nvidia_wheels
from oracle import check_environment
from programs import clean_environ, find_program, make_venv, print_table, run, scratch, version_of
from readers import NOTHING, Reader, Seen
from replacing import self_test
from trees import (
    Entry,
    differences,
    read_tree,
    read_wheel_tree,
    reference_tree,
    site_packages,
    tree_digest,
    wheel_name,
    without_generated,
)

PEERS = {
    "lugnut": "lugnut install --no-deps --python {python} --cache-dir {cache} --link-mode {mode} --jobs 4 {wheels}",
    "uv": "uv pip install -p {python} --cache-dir {cache} --link-mode {mode} --no-deps --no-index --offline {wheels}",
    "pip": "pip --isolated --python {python} install --no-deps --no-index --no-compile {wheels}",
}
HEADER = ("race", "rounds", "failed", "wrong", "distinct", "mixed", "torn", "missing", "silent", "reads")


class Race(NamedTuple):
    """Wheels that meet, the file they meet in (within site-packages), and how files are to be placed."""

    title: str
    wheels: list[str]
    shared: str
    mode: str


class Round(NamedTuple):
    """What one install left."""

    code: int
    wrong: list[str]
    mixed: bool
    digest: str
    seen: Seen
    silent: bool
    promised: list[str]


def make_races(directory: str) -> list[Race]:
    """Fetch and make the wheels of the three races."""
    real = fetch(os.path.join(directory, "real"))
    nvidia = make_nvidia_wheels(os.path.join(directory, "nvidia"))
    shared = make_namespace_wheels(os.path.join(directory, "shared"), 6)
    return [
        Race("jwt + PyJWT", [real["jwt"], real["pyjwt"]], "jwt/__init__.py", "hardlink"),
        Race("11 nvidia wheels", nvidia, "nvidia/__init__.py", "hardlink"),
        Race("shorter over longer, copied", shared, "shared/__init__.py", "copy"),
    ]


def whole_contents(race: Race) -> list[bytes]:
    """Give every whole content that the shared file may have."""
    contents = []
    for wheel in race.wheels:
        with zipfile.ZipFile(wheel) as archive:
            contents.append(archive.read(race.shared))
    return contents


def fill(template: str, values: Mapping[str, str], wheels: Sequence[str]) -> list[str]:
    """Make a command of a template; its program is looked for beside this interpreter first."""
    command: list[str] = []
    for word in shlex.split(template):
        command += wheels if word == "{wheels}" else [word.format(**values)]
    return [command[0] if os.sep in command[0] else find_program(command[0]), *command[1:]]


def run_round(race: Race, template: str, prefix: str, number: int) -> Round:
    """Install once into a fresh environment and look at what came of it."""
    home = os.path.dirname(prefix)
    values = {"python": make_venv(prefix), "cache": os.path.join(home, "cache"), "mode": race.mode}
    site, before = site_packages(prefix), read_tree(prefix)
    wheels = race.wheels[:: -1 if number % 2 else 1]
    environ = {**clean_environ(home), "PIP_ROOT_USER_ACTION": "ignore", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    seen = NOTHING
    if number // 2 % 2:  # a reader takes a core of its own: half of the rounds race without one
        ran = run(fill(template, values, wheels), environ)
    else:
        with Reader(os.path.join(site, race.shared), whole_contents(race)) as reader:
            ran = run(fill(template, values, wheels), environ)
        seen = reader.seen
    if ran.code != 0:
        print(f"    round {number}: exit {ran.code}: {(ran.err or ran.out).strip()[-300:]}", file=sys.stderr)
        return Round(ran.code, [], False, "", seen, False, [])
    shown = without_generated(read_tree(prefix))
    added = {path: entry for path, entry in shown.items() if path not in before}
    wrong, mixed = judge(race, prefix, added)
    expected = reference_tree(race.wheels, prefix)
    promised = differences({**before, **expected}, {**before, **added}) + check_environment(site)
    silent = "warning" not in (ran.err + ran.out).lower()
    return Round(0, wrong, mixed, tree_digest(added), seen, silent, promised)


def judge(race: Race, prefix: str, shown: Mapping[str, Entry]) -> tuple[list[str], bool]:
    """Find what no order of installing one after the other could have left, and whether winners are mixed."""
    trees = {wheel_name(wheel): read_wheel_tree(wheel, prefix) for wheel in race.wheels}
    files = {path: entry.digest for path, entry in shown.items() if entry.kind != "directory"}
    claimed = {path for tree in trees.values() for path in tree}
    wrong = [f"{path}: left over" for path in files.keys() - claimed]
    beats: set[tuple[str, str]] = set()
    for path in claimed:
        digests = {name: tree[path].digest for name, tree in trees.items() if path in tree}
        if files.get(path) not in digests.values():
            wrong.append(f"{path}: {'no distribution has these bytes' if path in files else 'missing'}")
        owners = [name for name, digest in digests.items() if digest == files.get(path)]
        if len(owners) == 1:
            beats |= {(owners[0], other) for other in digests if other != owners[0]}
    mixed = any((loser, winner) in beats for winner, loser in beats)
    return sorted(wrong) + (["mixed"] if mixed else []), mixed


def summarise(race: Race, rounds: Sequence[Round]) -> list[object]:
    """Make the row of one race."""
    done = [one for one in rounds if one.code == 0]
    seen = NOTHING
    for one in rounds:
        seen = seen.plus(one.seen)
    return [
        race.title,
        len(rounds),
        len(rounds) - len(done),
        sum(bool(one.wrong) for one in done),
        len({one.digest for one in done}),
        sum(one.mixed for one in done),
        seen.torn,
        seen.missing,
        sum(one.silent for one in done),
        seen.reads,
    ]


def measure(
    template: str, races: Sequence[Race], directory: str, rounds: int
) -> tuple[list[list[object]], list[str], int]:
    """Run all races with one installer; gives rows, what --strict would not stand, the count of wrong rounds."""
    rows: list[list[object]] = []
    broken: list[str] = []
    wrong = 0
    for race in races:
        home = os.path.join(directory, str(len(rows)))
        os.makedirs(home)
        results = [run_round(race, template, os.path.join(home, f"env{n}"), n) for n in range(rounds)]
        rows.append(summarise(race, results))
        wrong += sum(bool(one.code or one.wrong or one.seen.torn or one.seen.missing) for one in results)
        broken += [f"{race.title}: {finding}" for one in results for finding in one.promised[:3]]
        broken += [
            f"{race.title}: {amount} {column}"
            for column, amount in zip(HEADER, rows[-1], strict=True)
            if isinstance(amount, int) and column not in {"rounds", "reads"} and amount > (column == "distinct")
        ]
    return rows, broken, wrong


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", action="append", choices=sorted(PEERS), default=[])
    parser.add_argument("--cmd", action="append", default=[], metavar="TEMPLATE")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--strict", action="store_true", help="fail where lugnut's promise is not kept")
    parser.add_argument("--self-test", action="store_true", help="show that the reader finds torn and missing reads")
    parser.add_argument("--wheels", help="directory to keep the wheels in (default: fetched anew)")
    parser.add_argument("--evidence", metavar="FILE", help="append what was shown: rounds wrong, torn, mixed or failed")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """Measure each peer and template in turn."""
    options = parse(arguments)
    if options.self_test:
        return self_test()
    templates = [PEERS[peer] for peer in options.peer] + options.cmd or [PEERS["lugnut"]]
    rows: list[tuple[int, list[object]]] = []
    broken: list[str] = []
    with scratch("races") as directory:
        races = make_races(options.wheels or os.path.join(directory, "wheels"))
        for number, template in enumerate(templates):
            version = version_of(fill(template.partition("{")[0], {}, [])[:1])
            print(f"{version}: {template}", flush=True)
            home, begun = os.path.join(directory, str(number)), time.monotonic()
            found, complaints, wrong = measure(template, races, home, options.rounds)
            rows += [(index, [version, *row]) for index, row in enumerate(found)]
            broken += [f"{version}: {complaint}" for complaint in complaints]
            seconds, again = time.monotonic() - begun, evidence.words_of("races.py", arguments)
            tried = options.rounds * len(races)
            shown = Evidence("races", version, "the founding races", "rounds", tried, wrong, seconds, again)
            evidence.note(options.evidence, [shown])
    print()
    print_table(("installer", *HEADER), [row for _, row in sorted(rows, key=lambda pair: pair[0])])
    if options.strict and broken:
        print("\n".join(["", "not as promised:", *sorted(set(broken))]))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
