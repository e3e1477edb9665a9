"""Warm installs of a directory of wheels, lugnut beside uv, paired and alternating.

    python tools/bench.py [--wheels DIRECTORY] [--rounds N] [--link-mode hardlink|copy] [--jobs N]

Both have the wheels in their store or cache before the first round. Environments are made beforehand, each is used
once, and nothing is deleted before the end (TRAPS 29). Each round installs with the one and then with the other, next
time the other way round; the ratio is the median of the rounds' ratios, lugnut's seconds to uv's. Without a directory
60 wheels are made.
"""

from __future__ import annotations

import argparse
import glob
import os
import statistics
import sys
from collections.abc import Sequence

from founding import make_campaign_wheels
from oracle import check_environment
from programs import Ran, clean_environ, find_program, make_venv, print_table, run, scratch
from trees import site_packages

COMMANDS = {
    "lugnut": ("lugnut", "install", "--no-deps", "--no-index"),
    "uv": ("uv", "pip", "install", "--no-deps", "--no-index", "--offline"),
}


def command(tool: str, home: str, link_mode: str, wheels: Sequence[str]) -> list[str]:
    """Make a tool's command, but for its environment."""
    program, *words = COMMANDS[tool]
    cache = os.path.join(home, f"cache-{tool}")
    return [find_program(program), *words, "--cache-dir", cache, "--link-mode", link_mode, *wheels]


def install(tool: str, home: str, words: Sequence[str], name: str) -> Ran:
    """Install into the environment that stands ready under this name."""
    prefix = os.path.join(home, name)
    python = os.path.join(prefix, "bin", "python")
    ran = run([*words, "--python", python], clean_environ(home))
    if ran.code != 0:
        raise RuntimeError(f"{tool}: exit {ran.code}: {ran.err[-2000:]}")
    return ran


def measure(home: str, link_mode: str, wheels: Sequence[str], rounds: int) -> dict[str, list[Ran]]:
    """Run all rounds; the first of each tool fills its store and does not count."""
    tools = list(COMMANDS)
    words = {tool: command(tool, home, link_mode, wheels) for tool in tools}
    results: dict[str, list[Ran]] = {tool: [] for tool in tools}
    for number in range(-1, rounds):
        for tool in tools:
            make_venv(os.path.join(home, f"{tool}-{number}"))
        for tool in tools[:: 1 if number % 2 else -1]:
            ran = install(tool, home, words[tool], f"{tool}-{number}")
            if number >= 0:
                results[tool].append(ran)
    found = check_environment(site_packages(os.path.join(home, "lugnut-0")))
    if found:
        raise RuntimeError("\n".join(["lugnut left a wrong environment:", *found[:10]]))
    return results


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wheels", help="directory of wheels, one a distribution")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--link-mode", default="hardlink")
    options = parser.parse_args(arguments)
    with scratch("bench") as home:
        made = [] if options.wheels else make_campaign_wheels(os.path.join(home, "wheels"), 60, "1.0")
        wheels = sorted(glob.glob(os.path.join(os.path.abspath(options.wheels or home), "*.whl"))) or made
        results = measure(home, options.link_mode, wheels, options.rounds)
    rows = []
    for tool, ran in results.items():
        seconds, used = [one.seconds for one in ran], [one.cpu for one in ran]
        rows.append(
            [tool, *(f"{value:.3f}" for value in (statistics.median(seconds), min(seconds), statistics.median(used)))]
        )
    print_table(("tool", "median s", "least s", "CPU s"), rows)
    pairs = list(zip(results["lugnut"], results["uv"], strict=True))
    wall = statistics.median(mine.seconds / theirs.seconds for mine, theirs in pairs)
    cpu = statistics.median(mine.cpu / theirs.cpu for mine, theirs in pairs)
    print(f"{len(wheels)} wheels, {len(pairs)} rounds: lugnut takes {wall:.2f} of uv's time, {cpu:.2f} of its CPU")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
