"""SIGKILL at random moments, and what the next `lugnut check` makes of it.

    python tools/kills.py --rounds N [--seed S] [--what install|upgrade|uninstall|reinstall|all] [--keep DIRECTORY]

One environment holds four distributions that share paths with twenty others; a run installs, upgrades, removes or
reinstalls the twenty. In equal thirds the process group, the coordinator alone, and one worker are killed: most at a
random moment of the transaction's life as an unkilled run showed it (a third of those about or after its commit), some
at any moment of the run, and a worker at a random moment of the workers' time. Before anything recovers, the frozen
environment is compared: where the transaction is open, no path that was there may have changed. Then `lugnut check`
runs once, and the environment must be the old or the new one, whole: equal in names, bytes and modes to the one before,
or to that of an unkilled run, which zipfile's reference tree vouches for.

It fails on a corrupt environment, on an open run that touched anything, on a run that outlived its kill, and, of 50
rounds and more, where fewer than 70 % met a transaction (40 % of fewer rounds), or old or new never occurred.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from founding import make_campaign_wheels
from killing import (
    KINDS,
    Killed,
    Life,
    adopt_orphans,
    has_transaction,
    kill,
    list_transactions,
    observe,
    reap,
    start,
    wait_for,
    workers_of,
)
from oracle import check_environment
from programs import clean_environ, find_program, make_venv, print_table, run, scratch
from trees import Tree, differences, read_tree, reference_tree, site_packages, without_generated

WHATS = ("install", "upgrade", "uninstall", "reinstall")
BASE = (0, 7, 14, 23)
COUNT = 24
TRIES = 10
HEADER = ("what", "rounds", *KINDS, "found", "old", "new", "corrupt", "open, frozen", "touched", "lingered")


class Fight(NamedTuple):
    """One kind of run, ready to be killed again and again: what was before, the command, what comes of it."""

    what: str
    prefix: str
    snapshot: str
    command: list[str]
    environ: dict[str, str]
    old: Tree
    new: Tree
    life: Life


class Result(NamedTuple):
    """What became of one killed run."""

    killed: Killed
    state: str
    """old, new or corrupt."""
    frozen: bool
    """The transaction was open, and the frozen environment was looked at."""
    findings: list[str]


def lugnut(environ: dict[str, str], *words: str) -> None:
    """Run lugnut where it must succeed."""
    ran = run([find_program("lugnut"), *words], environ)
    if ran.code != 0:
        raise RuntimeError(f"lugnut {words[0]}: exit {ran.code}: {(ran.err or ran.out).strip()[-2000:]}")


def split(wheels: Sequence[str]) -> tuple[list[str], list[str]]:
    """Part the wheels into those that stay and those that are acted on."""
    return [wheels[n] for n in BASE], [wheel for n, wheel in enumerate(wheels) if n not in BASE]


def prepare(what: str, home: str) -> Fight:
    """Make the environment, the command, and an unkilled run of it."""
    prefix, wheels = os.path.join(home, "venv"), os.path.join(home, "wheels")
    environ, where = clean_environ(home), ["--python", make_venv(prefix)]
    store = ["--cache-dir", os.path.join(home, "cache"), "--jobs", "4"]
    first = make_campaign_wheels(os.path.join(wheels, "1"), COUNT, "1.0")
    other = make_campaign_wheels(os.path.join(wheels, "2"), COUNT, "2.0")
    built = make_campaign_wheels(os.path.join(wheels, "again"), COUNT, "1.0", build="again")
    base, acted = split(first)
    empty = read_tree(prefix)
    before = base if what == "install" else first
    lugnut(environ, "install", *where, *store, *before)
    old = judged(prefix, empty, before)
    after = {
        "install": first,
        "upgrade": base + split(other)[1],
        "uninstall": base,
        "reinstall": base + split(built)[1],
    }
    words = {
        "install": ["install", *where, *store, *acted],
        "upgrade": ["install", *where, *store, *split(other)[1]],
        "uninstall": ["uninstall", *where, *[os.path.basename(wheel).partition("-")[0] for wheel in acted]],
        "reinstall": ["install", "--reinstall", *where, *store, *split(built)[1]],
    }
    snapshot = os.path.join(home, "snapshot")
    shutil.copytree(prefix, snapshot, symlinks=True)
    fight = Fight(what, prefix, snapshot, [find_program("lugnut"), *words[what]], environ, old, {}, Life())
    unkilled(fight)  # fills the store
    restore(fight)
    lives = [unkilled(fight)]
    for _ in range(2):  # other work on the machine makes runs longer, never shorter
        restore(fight)
        lives.append(unkilled(fight))
    life = min(lives, key=lambda one: (one.closed or 0.0) - (one.opened or 0.0))
    return fight._replace(new=judged(prefix, empty, after[what]), life=life)


def judged(prefix: str, empty: Tree, wheels: Sequence[str]) -> Tree:
    """Give the whole tree after checking it against the wheels'."""
    tree = read_tree(prefix)
    found = differences({**empty, **reference_tree(wheels, prefix)}, without_generated(tree))
    found += check_environment(site_packages(prefix))
    if found:
        raise RuntimeError("\n".join(["unkilled runs leave the wrong environment:", *found[:20]]))
    return tree


def unkilled(fight: Fight) -> Life:
    """Let a run end by itself and see when what happens in it."""
    with tempfile.TemporaryFile("w+") as output:
        process = start(fight.command, fight.environ, output)
        life = observe(process, site_packages(fight.prefix))
        reap(process)
        if life.code != 0:
            output.seek(0)
            raise RuntimeError(f"the unkilled {fight.what} failed: {output.read()[-2000:]}")
        return life


def restore(fight: Fight) -> None:
    """Bring the old environment back to its place."""
    shutil.rmtree(fight.prefix)
    shutil.copytree(fight.snapshot, fight.prefix, symlinks=True)


def choose_moment(fight: Fight, kind: str, rng: random.Random) -> tuple[str, float]:
    """Choose what to wait for (start, transaction, worker) and how long to wait after it."""
    life = fight.life
    if kind == "worker" and life.worked is not None and life.rested is not None:
        return "worker", rng.uniform(0, life.rested - life.worked)
    way = rng.randrange(9)
    if way == 0 or life.opened is None or life.closed is None:
        return "start", rng.uniform(0, life.ended * 1.05)
    length = (life.closed - life.opened) * 0.95
    if way <= 3 and life.committed is not None:  # noqa: PLR2004 - a third of them about and after the commit
        return "transaction", rng.uniform((life.committed - life.opened) * 0.9, length)
    return "transaction", rng.uniform(0, length)


def kill_once(fight: Fight, kind: str, rng: random.Random) -> Killed:
    """Run it, wait for the moment, kill."""
    site = site_packages(fight.prefix)
    event, delay = choose_moment(fight, kind, rng)
    with tempfile.TemporaryFile("w+") as output:
        process = start(fight.command, fight.environ, output)
        if event == "transaction":
            wait_for(process, lambda: has_transaction(site))
        elif event == "worker":
            wait_for(process, lambda: has_transaction(site) and bool(workers_of(process.pid)))
        time.sleep(delay)
        return kill(process, kind, site)


def fight_round(fight: Fight, kind: str, rng: random.Random) -> Result:
    """Kill until the victim was alive, freeze, recover, judge."""
    for _ in range(TRIES):
        restore(fight)
        killed = kill_once(fight, kind, rng)
        if killed.hit or kind != "worker":
            break
    else:  # this kind of run has no workers at that moment: the third goes to the coordinator
        restore(fight)
        killed = kill_once(fight, "coordinator", rng)
    site = site_packages(fight.prefix)
    frozen = any(found.endswith("/open") for found in list_transactions(site))
    there = read_tree(fight.prefix) if frozen else fight.old
    changed = {path: there[path] for path in fight.old if path in there}
    findings = [f"touched: {line}" for line in differences(fight.old, changed)]
    ran = run([find_program("lugnut"), "check", "--python", os.path.join(fight.prefix, "bin", "python")], fight.environ)
    tree = read_tree(fight.prefix)
    state = "old" if tree == fight.old else "new" if tree == fight.new else "corrupt"
    broken = check_environment(site) + ([f"check: exit {ran.code}: {(ran.out + ran.err)[-500:]}"] if ran.code else [])
    if broken or state == "corrupt":
        ways = [differences(fight.old, tree), differences(fight.new, tree)]
        return Result(killed, "corrupt", frozen, findings + broken + min(ways, key=len)[:10])
    return Result(killed, state, frozen, findings)


def campaign(what: str, rounds: int, rng: random.Random, keep: str | None) -> list[Result]:
    """Kill one kind of run again and again; corrupt environments are kept where asked."""
    results = []
    with scratch(f"kills-{what}") as home:
        fight = prepare(what, home)
        for number in range(rounds):
            result = fight_round(fight, KINDS[number % 3], rng)
            results.append(result)
            if result.findings:
                words = "\n    ".join(result.findings[:15])
                print(f"{what} {number}: {result.state} after {result.killed}:\n    {words}", flush=True)
            if result.state == "corrupt" and keep:
                shutil.copytree(fight.prefix, os.path.join(keep, f"{what}-{number}"), symlinks=True)
    return results


def summarise(what: str, results: Sequence[Result]) -> tuple[list[object], list[str]]:
    """Make the row of a campaign, and say what it failed by."""
    enough = len(results) >= 50  # noqa: PLR2004 - few rounds may miss one by chance
    share = 0.7 if enough else 0.4
    states = Counter(result.state for result in results)
    kinds = Counter(result.killed.kind for result in results)
    found = sum(any(not one.endswith("/none") for one in result.killed.transactions) for result in results)
    frozen = sum(result.frozen for result in results)
    touched = sum(any(line.startswith("touched") for line in result.findings) for result in results)
    lingered = sum(result.killed.lingered for result in results)
    row: list[object] = [what, len(results), *(kinds[kind] for kind in KINDS), found]
    row += [states["old"], states["new"], states["corrupt"], frozen, touched, lingered]
    failed = [f"{what}: {states['corrupt']} corrupt"] if states["corrupt"] else []
    failed += [f"{what}: {touched} open runs touched what was there"] if touched else []
    failed += [f"{what}: {lingered} runs outlived their kill"] if lingered else []
    failed += [f"{what}: a transaction in {found} of {len(results)} only"] if found < share * len(results) else []
    failed += [f"{what}: never {state}" for state in ("old", "new") if enough and not states[state]]
    return row, failed


def main(arguments: Sequence[str]) -> int:
    """Run the campaigns and print their table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--what", choices=[*WHATS, "all"], default="all")
    parser.add_argument("--keep", help="directory for the environments found corrupt")
    options = parser.parse_args(arguments)
    adopt_orphans()
    rows, failed = [], []
    for what in WHATS if options.what == "all" else [options.what]:
        rng = random.Random(f"{options.seed} {what}")
        row, broken = summarise(what, campaign(what, options.rounds, rng, options.keep))
        rows.append(row)
        failed += broken
    print_table(HEADER, rows)
    print("\n".join(failed), end="\n" if failed else "")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
