"""What lugnut promises, shown: one line of figures for each, and exit 1 if any is not as promised.

    python tools/shown.py [LINE...] [--rounds N] [--wheels DIRECTORY] [--where-possible] [--list]

Without LINE all are shown, in the order of --list; --rounds plays so many of each instead of the full number. The
judges are the oracle, reference trees made by zipfile, and readers of the files: nothing of lugnut is asked. What takes
root or a second device is not as promised where there is none, unless --where-possible.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import obstacles
import promises
import sameness
from ground import CannotBeShownError
from programs import scratch

Figures = tuple[str, list[str]]
HERE = os.path.dirname(os.path.abspath(__file__))
NODES = {
    "readers": ("tests/processes/test_readers.py",),
    "modes": ("tests/processes/test_conflict_modes.py",),
    "peers": ("tests/interop/test_pip_and_uv.py",),
    "waiting": ("tests/interop/test_uv_lock.py",),
}


class Line(NamedTuple):
    """One promise: what it says, how many rounds it is shown in, and how; `play` gets rounds, home and wheels."""

    words: str
    rounds: int
    play: Callable[[int, str, str], Figures]


def play(function: Callable[..., Figures], *, real: bool = False, **more: object) -> Callable[[int, str, str], Figures]:
    """Make a line's way to be shown of a function of this directory; `real` for those that need real wheels."""

    def played(rounds: int, home: str, wheels: str) -> Figures:
        return function(home, rounds, *([wheels] if real else []), **more)

    return played


def program(name: str, *words: str) -> Callable[[int, str, str], Figures]:
    """Make one of a program of this directory, which judges itself and says what it saw."""

    def played(rounds: int, _home: str, _wheels: str) -> Figures:
        command = [sys.executable, os.path.join(HERE, name), "--rounds", str(rounds), *words]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        said = "\n    ".join(["", *ran.stdout.strip().splitlines()])
        return said, [] if ran.returncode == 0 else [f"exit {ran.returncode}", *ran.stderr.splitlines()[-20:]]

    return played


def tests(name: str) -> Callable[[int, str, str], Figures]:
    """Make one of tests that print figures; a test that is skipped shows nothing."""

    def played(rounds: int, home: str, _wheels: str) -> Figures:
        command = [sys.executable, "-m", "pytest", "-q", "-s", "-rs", "-p", "no:cacheprovider", *NODES[name]]
        environ = {**os.environ, "LUGNUT_TEST_ROUNDS": str(rounds)}
        command += [f"--basetemp={home}/tests"]
        ran = subprocess.run(
            command, capture_output=True, text=True, check=False, env=environ, cwd=os.path.dirname(HERE)
        )
        lines = [line.lstrip(".") for line in ran.stdout.splitlines()]
        figures = [line for line in lines if re.search(r"\d+ (rounds|reads|passed)|: .*\d+ torn", line)]
        wrong = [] if ran.returncode == 0 else lines[-40:]
        wrong += [line for line in lines if line.startswith("SKIPPED")]
        return "\n    ".join(["", *figures]), wrong

    return played


def obstacle(which: obstacles.Obstacle) -> Callable[[int, str, str], Figures]:
    """Make one of an obstacle."""
    return play(obstacles.play, obstacle=which)


LINES = {
    "serpapi": Line("serpapi, then google-search-results", 10, play(sameness.say_who_stays, real=True)),
    "texts": Line("the two texts of uv #4831, its flags, store on another device", 200, play(sameness.copy_two_texts)),
    "jwt": Line("jwt + PyJWT in every way", 200, play(sameness.install_jwts, real=True)),
    "six": Line("six wheels that share 300 paths, in every way", 48, play(sameness.install_six)),
    "readers": Line("readers of a shared and an upgraded file", 100, tests("readers")),
    "blind": Line("the same reader on unlink and rewrite", 1, program("replacing.py")),
    "together": Line("2, 8 and 32 processes, four scenarios", 10, program("together.py")),
    "kills": Line("SIGKILL at random moments, then `lugnut check`", 50, program("kills.py")),
    "frozen": Line("killed before the commit, nothing is touched", 50, program("kills.py", "--what", "frozen")),
    "disk": Line("disk full", 10, play(obstacles.fill_disk)),
    "immutable": Line("immutable file in the way", 10, obstacle(obstacles.immutable_file)),
    "directory": Line("directory where a file goes", 10, obstacle(obstacles.directory_for_file)),
    "file": Line("file where a directory goes", 10, obstacle(obstacles.file_for_directory)),
    "owners": Line("owners of paths with the same bytes", 50, play(promises.remove_owners, same=True)),
    "rivals": Line("owners of paths with different bytes", 50, play(promises.remove_owners, same=False)),
    "modes": Line("two clashing runs at once, error and warn", 50, tests("modes")),
    "code": Line("equal sizes and times, upgraded after an import", 20, play(promises.run_new_code)),
    "store": Line("a damaged store is never linked from", 50, play(promises.damage_store)),
    "peers": Line("pip and uv at ours, lugnut at theirs", 1, tests("peers")),
    "waiting": Line("a uv run waits for lugnut, lugnut for a uv run", 1, tests("waiting")),
}


def show(name: str, rounds: int | None, wheels: str | None) -> bool:
    """Show one line; says whether it was as promised. Raises CannotBeShownError."""
    line = LINES[name]
    count = min(rounds or line.rounds, line.rounds) if line.rounds == 1 else rounds or line.rounds
    begun = time.monotonic()
    with scratch(name) as home:
        try:
            figures, wrong = line.play(count, home, os.path.abspath(wheels or os.path.join(home, "wheels")))
        except RuntimeError as error:  # a run of lugnut that had to succeed did not
            figures, wrong = "broken off", str(error).splitlines()
    print(f"{'ok ' if not wrong else 'NOT'} {name}: {line.words}: {figures} ({time.monotonic() - begun:.0f} s)")
    print("".join(f"    {one}\n" for one in wrong[:40]), end="", flush=True)
    return not wrong


def main(arguments: Sequence[str]) -> int:
    """Show the lines asked for, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lines", nargs="*", metavar="LINE", help=", ".join(LINES))
    parser.add_argument("--rounds", type=int, help="how many of each, instead of the full number")
    parser.add_argument("--wheels", help="directory to keep the fetched wheels in")
    parser.add_argument("--where-possible", action="store_true", help="pass over what cannot be shown here")
    parser.add_argument("--list", action="store_true", help="say what there is to show, and show nothing")
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.lines if name not in LINES]:
        parser.error(f"there is no line {', '.join(unknown)}")
    if options.list:
        print("\n".join(f"{name:10} {line.rounds:4} rounds  {line.words}" for name, line in LINES.items()))
        return 0
    shown = []
    for name in options.lines or LINES:
        try:
            shown.append(show(name, options.rounds, options.wheels))
        except CannotBeShownError as error:
            print(f"-   {name}: {LINES[name].words}: cannot be shown here: {error}", flush=True)
            shown += [] if options.where_possible else [False]
    print(f"{sum(shown)} of {len(shown)} as promised")
    return 0 if all(shown) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
