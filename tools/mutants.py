"""Takes the guards of the protocol out of the code, one at a time, and sees whether the campaigns notice.

    python tools/mutants.py [--list FILE] [--only PATTERN]... [--jobs N]

Each mutant of `mutants.toml` replaces one text of one file of lugnut, in a copy, by another; the text has to be there
exactly once. Then the campaign it names is run with the copy: a program of tools/ with its words. It has to find
something wrong. A mutant that does not apply, or that nothing catches, fails the run.
"""

from __future__ import annotations

import argparse
import fnmatch
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from programs import print_table, scratch

TOOLS = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.join(os.path.dirname(TOOLS), "src", "lugnut")
HEADER = ("guard taken out", "where", "caught by", "first finding")
WIDTH = 90
FOUND = re.compile(r"\b[1-9]\d* wrong\b.*\s*\Z")
"""In the last line of a campaign that has found something."""


class Mutant(NamedTuple):
    """One guard taken out."""

    guard: str
    file: str
    old: str
    new: str
    campaign: str
    also: Sequence[Mapping[str, str]] = ()
    """More texts of that kind, where one guard stands in two places or another one stands in for it."""

    def apply(self, source: str) -> None:
        """Change files below a copy of lugnut's source; raises ValueError where a text is not there once."""
        for change in ({"file": self.file, "old": self.old, "new": self.new}, *self.also):
            path = os.path.join(source, change["file"])
            with open(path, encoding="utf-8") as file:
                text = file.read()
            times = text.count(change["old"])
            if times != 1:
                raise ValueError(f"{self.guard}: its text stands {times} times in {change['file']}, not once")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text.replace(change["old"], change["new"]))


class Verdict(NamedTuple):
    """What became of a mutant."""

    mutant: Mutant
    caught: bool
    said: str


def read_mutants(path: str, patterns: Sequence[str]) -> list[Mutant]:
    """Read the list."""
    with open(path, "rb") as file:
        tables = tomllib.load(file)["mutant"]
    mutants = [Mutant(**table) for table in tables]
    return [one for one in mutants if any(fnmatch.fnmatch(one.guard, f"*{pattern}*") for pattern in patterns)]


def judge(mutant: Mutant, root: str) -> Verdict:
    """Run a mutant's campaign with its copy of lugnut."""
    copy = os.path.join(root, "lugnut")
    shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    try:
        mutant.apply(copy)
    except ValueError as error:
        return Verdict(mutant, caught=False, said=str(error))
    program, *words = mutant.campaign.split()
    command = [sys.executable, os.path.join(TOOLS, program), "--jobs", "1", *words]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([root, TOOLS]), "PYTHONDONTWRITEBYTECODE": "1"}
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    findings = [line.strip() for line in ran.stderr.splitlines() if line.startswith("    ")]
    if ran.returncode == 1 and findings and FOUND.search(ran.stdout):  # a campaign that breaks has found nothing
        return Verdict(mutant, caught=True, said=findings[0])
    said = "nothing was found wrong" if ran.returncode == 0 else ran.stderr.strip()[-500:]
    return Verdict(mutant, caught=False, said=said)


def judge_all(mutants: Sequence[Mutant], jobs: int) -> Iterator[Verdict]:
    """Judge all, in order, so many at a time."""
    with scratch("mutants") as home, ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(judge, mutants, (os.path.join(home, str(number)) for number in range(len(mutants))))


def main(arguments: Sequence[str]) -> int:
    """Judge the mutants and print a line for each; 1 where one was not caught."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", default=os.path.join(TOOLS, "mutants.toml"))
    parser.add_argument("--only", action="append", metavar="PATTERN", help="of the guards' names")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args(arguments)
    mutants = read_mutants(options.list, options.only or ["*"])
    rows = []
    for mutant, caught, said in judge_all(mutants, options.jobs):
        rows.append((mutant.guard, mutant.file, mutant.campaign if caught else "NOT CAUGHT", said[:WIDTH]))
        print(f"{'caught' if caught else 'NOT CAUGHT'}: {mutant.guard}: {said}", file=sys.stderr, flush=True)
    print_table(HEADER, rows)
    missed = sum(row[2] == "NOT CAUGHT" for row in rows)
    print(f"{len(rows) - missed} of {len(rows)} caught")
    return bool(missed or not rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
