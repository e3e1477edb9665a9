"""Wheels from an index on loopback by a lock with hashes: lugnut beside uv and pip, cold and warm; eight syncs at once.

    python tools/afar.py [--wheels DIRECTORY] [--most N] [--rounds N] [--peer uv --peer pip]

Cold: nothing is cached; warm: all is. Each round takes every installer in turn, the other way round the next time; the
ratios are medians of the rounds' ratios. Of lugnut's own cold run it is shown that downloading and unpacking overlap,
and that nothing is placed before the last wheel is verified. Then eight syncs start at once from cold, and it is
counted how often each file was asked for. Without a directory 30 wheels are made. The exit
code is 1 where one of these does not hold.
"""

from __future__ import annotations

import argparse
import glob
import json
import os
import shutil
import statistics
import sys
from collections.abc import Sequence
from typing import NamedTuple

from founding import make_campaign_wheels
from indexserver import IndexServer, serve
from oracle import check_environment
from programs import Ran, clean_environ, find_program, make_venv, print_table, run, scratch
from together import run_together
from trees import site_packages

CALLERS = 8


class Ground(NamedTuple):
    """Where a measurement is done."""

    home: str
    server: IndexServer
    lock: str
    requirements: str


def write_lock(home: str, index: IndexServer) -> tuple[str, str]:
    """Write all that an index has as a lock, and as a requirements file with hashes."""
    lock = ['lock-version = "1.0"', 'created-by = "tools"']
    lines = []
    for name, files in sorted(index.projects().items()):
        [file] = files
        place = f'name = "{file.filename}", url = "{index.file_url(file.filename)}", size = {file.size}'
        wheel = f'{{ {place}, hashes = {{ sha256 = "{file.sha256}" }} }}'
        lock += ["", "[[packages]]", f'name = "{name}"', f'version = "{file.version}"', f"wheels = [{wheel}]"]
        lines.append(f"{name}=={file.version} --hash=sha256:{file.sha256}")
    paths = os.path.join(home, "pylock.toml"), os.path.join(home, "requirements.txt")
    for path, text in zip(paths, (lock, lines), strict=True):
        with open(path, "w", encoding="utf-8") as stream:
            stream.write("\n".join(text) + "\n")
    return paths


def command(tool: str, ground: Ground, cache: str, prefix: str) -> list[str]:
    """Make an installer's command."""
    python = os.path.join(prefix, "bin", "python")
    if tool == "lugnut":
        return [find_program("lugnut"), "sync", ground.lock, "--python", python, "--cache-dir", cache]
    if tool == "uv":
        return [find_program("uv"), "pip", "sync", ground.lock, "--python", python, "--cache-dir", cache]
    return [
        find_program("pip"), "--python", python, "install", "--no-deps", "--require-hashes", "--no-compile",
        "--cache-dir", cache, "--index-url", ground.server.simple, "-r", ground.requirements,
    ]  # fmt: skip


def measure(tools: Sequence[str], ground: Ground, rounds: int, *, warm: bool) -> dict[str, list[Ran]]:
    """Install into a fresh environment each time; of a warm one the first round fills the cache and does not count."""
    results: dict[str, list[Ran]] = {tool: [] for tool in tools}
    for number in range(-1 if warm else 0, rounds):
        for tool in tools[:: 1 if number % 2 else -1]:
            name = f"{tool}-{'warm' if warm else 'cold'}"
            cache = os.path.join(ground.home, f"{name}-cache{'' if warm else f'-{number}'}")
            prefix = os.path.join(ground.home, f"{name}-{number}")
            make_venv(prefix)
            ran = run(command(tool, ground, cache, prefix), surroundings(ground.home))
            if ran.code != 0:
                raise RuntimeError(f"{tool}: exit {ran.code}: {ran.err[-2000:]}")
            if tool == "lugnut":
                judge(prefix)
            if number >= 0:
                results[tool].append(ran)
    return results


def surroundings(home: str) -> dict[str, str]:
    """Give surroundings in which no configuration says anything, and an index may be asked."""
    kept = {name: value for name, value in clean_environ(home).items() if name != "LUGNUT_NO_INDEX"}
    return {**kept, "UV_NO_CONFIG": "1", "PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def judge(prefix: str) -> None:
    """See that an environment is right."""
    found = check_environment(site_packages(prefix))
    if found:
        raise RuntimeError("\n".join(["lugnut left a wrong environment:", *found[:10]]))


def show(kind: str, results: dict[str, list[Ran]]) -> list[list[str]]:
    """Make the rows of one kind: medians, and lugnut's share of each peer's."""
    rows = []
    for tool, ran in results.items():
        pairs = list(zip(results["lugnut"], ran, strict=True))
        wall = statistics.median(mine.seconds / theirs.seconds for mine, theirs in pairs)
        cpu = statistics.median(mine.cpu / theirs.cpu for mine, theirs in pairs)
        seconds = [one.seconds for one in ran]
        rows.append(
            [
                kind, tool, f"{statistics.median(seconds):.2f}", f"{min(seconds):.2f} to {max(seconds):.2f}",
                f"{statistics.median(one.cpu for one in ran):.2f}", f"{wall:.2f}", f"{cpu:.2f}",
            ]
        )  # fmt: skip
    return rows


def watch(ground: Ground) -> tuple[str, bool]:
    """Follow one cold run by its events, and say what it did while what, and whether that is as promised."""
    prefix, log = os.path.join(ground.home, "watched"), os.path.join(ground.home, "events.jsonl")
    make_venv(prefix)
    words = command("lugnut", ground, os.path.join(ground.home, "watched-cache"), prefix)
    ran = run([*words, "--json-events", log], surroundings(ground.home))
    if ran.code != 0:
        raise RuntimeError(ran.err)
    with open(log, encoding="utf-8") as stream:
        kinds = [json.loads(line)["event"] for line in stream]
    last_fetched = max(place for place, kind in enumerate(kinds) if kind == "Downloading")
    verified = [place for place, kind in enumerate(kinds) if kind == "WheelAdmitted"]
    placed = [place for place, kind in enumerate(kinds) if kind == "WheelPlaced"]
    before = sum(place < last_fetched for place in verified)
    early = sum(place < verified[-1] for place in placed)
    text = (
        f"one cold run: {before} of {len(verified)} wheels unpacked and verified before the last download ended; "
        f"{early} of {len(placed)} placed before the last was verified"
    )
    return text, before > 0 and early == 0


def meet(ground: Ground, rounds: int) -> tuple[str, bool]:
    """Let many syncs of one lock into one environment start at once from cold, beside one alone."""
    ratios, most = [], 0
    for number in range(rounds):
        seconds = []
        for callers in (1, CALLERS)[:: 1 if number % 2 else -1]:
            prefix, cache = (os.path.join(ground.home, f"{what}-{callers}-{number}") for what in ("meet", "cache"))
            make_venv(prefix)
            ground.server.asked.clear()
            ran = run_together(
                [command("lugnut", ground, cache, prefix)] * callers, surroundings(ground.home), ground.home
            )
            bad = [one.err for one in ran if one.code != 0]
            if bad:
                raise RuntimeError(bad[0])
            judge(prefix)
            seconds.append((callers, max(one.seconds for one in ran)))
            most = max(most, *(ground.server.count(name) for name in ground.server.files()))
            shutil.rmtree(cache)
        walls = dict(seconds)
        ratios.append(walls[CALLERS] / walls[1])
    text = (
        f"{CALLERS} syncs of one lock at once from cold: {statistics.median(ratios):.2f} of one's wall time "
        f"({rounds} rounds), each file asked for {most} time{'s' if most != 1 else ''} at most, 0 environments wrong"
    )
    return text, most == 1


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wheels", help="directory of wheels, one a distribution")
    parser.add_argument("--most", type=int, help="take so many of them, or make so many", default=100)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peer", action="append", choices=("uv", "pip"))
    options = parser.parse_args(arguments)
    with scratch("afar") as home:
        served = os.path.join(home, "served")
        os.mkdir(served)
        made = (
            [] if options.wheels else make_campaign_wheels(os.path.join(home, "wheels"), min(options.most, 30), "1.0")
        )
        found = sorted(glob.glob(os.path.join(os.path.abspath(options.wheels), "*.whl"))) if options.wheels else made
        for path in found[: options.most]:
            os.link(path, os.path.join(served, os.path.basename(path)))
        with serve(served, kind="json") as index:
            ground = Ground(home, index, *write_lock(home, index))
            tools = ["lugnut", *(options.peer or ["uv"])]
            rows = show("cold", measure(tools, ground, options.rounds, warm=False))
            rows += show("warm", measure(tools, ground, options.rounds, warm=True))
            size = sum(file.size for file in index.files().values())
            print(f"{len(index.files())} wheels, {size / 1e6:.0f} MB, {options.rounds} rounds")
            print_table(("kind", "tool", "median s", "spread s", "CPU s", "wall: lugnut's share", "CPU"), rows)
            shown = [watch(ground), meet(ground, options.rounds)]
            print("\n".join(text for text, _ in shown))
    return 0 if all(kept for _, kept in shown) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
