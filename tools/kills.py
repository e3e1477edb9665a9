"""SIGKILL at random moments, and what the next `lugnut check` makes of it.

    python tools/kills.py --rounds N [--seed S] [--what install|upgrade|uninstall|reinstall|all|frozen] [--keep DIR]

One environment holds four distributions that share paths with twenty others; a run installs, upgrades, removes or
reinstalls the twenty. In equal thirds the process group, the coordinator alone, and one worker are killed (uninstall
has no workers: that third goes to the coordinator): a worker at a random moment of the workers' time, the others at a
random moment of the transaction's life, before its commit as often as after, and one in nine at any moment of the run.
Before anything recovers, the frozen environment is compared: where the transaction is open, no path that was there may
have changed. Then `lugnut check` runs once, and the environment must be the old or the new one, whole: equal in names,
bytes and modes to the one before, or to that of an unkilled run, which zipfile's reference tree vouches for.

*frozen* kills only before the commit, group and coordinator in turn, all four kinds of run, until N were open.

It fails on a corrupt environment, on an open run that touched anything, on a run that outlived its kill, and, of 50
rounds and more, where fewer than 70 % met a transaction (40 % of fewer rounds), or old or new never occurred.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import evidence
from evidence import Evidence
from fights import WHATS, Fight, choose_moment, kill_once, prepare, restore
from killing import FINE, KINDS, Killed, Moment, adopt_orphans, list_transactions
from oracle import check_environment
from programs import find_program, print_table, run, scratch
from trees import differences, read_tree, site_packages

TRIES = 10
HEADER = ("what", "rounds", *KINDS, "found", "old", "new", "corrupt", "open, frozen", "touched", "lingered")


class Result(NamedTuple):
    """What became of one killed run."""

    killed: Killed
    state: str
    """old, new or corrupt."""
    frozen: bool
    """The transaction was open, and the frozen environment was looked at."""
    findings: list[str]
    placed: int = 0
    """How many paths the frozen environment had that were not there before."""


def fight_round(fight: Fight, kind: str, rng: random.Random) -> Result:
    """Kill until the victim was alive, freeze, recover, judge."""
    if not fight.life["worker"]:  # this kind of run has no workers: the third goes to the coordinator
        kind = "coordinator" if kind == "worker" else kind
    for _ in range(TRIES):
        restore(fight)
        killed = kill_once(fight, kind, choose_moment(fight, kind, rng))
        if killed.hit or kind != "worker":
            break
    else:
        restore(fight)
        killed = kill_once(fight, "coordinator", choose_moment(fight, "coordinator", rng))
    return judge(fight, killed)


def judge(fight: Fight, killed: Killed) -> Result:
    """Look at the frozen environment, let `lugnut check` recover, and look again."""
    site = site_packages(fight.prefix)
    frozen = any(found.endswith("/open") for found in list_transactions(site))
    there = read_tree(fight.prefix) if frozen else fight.old
    shown = {path: there[path] for path in fight.old if path in there}
    findings = [f"touched: {line}" for line in differences(fight.old, shown)]
    check = [find_program("lugnut"), "check", "--python", os.path.join(fight.prefix, "bin", "python")]
    ran = run(fight.then or check, fight.environ)
    tree = read_tree(fight.prefix)
    state = "old" if tree == fight.old else "new" if tree == fight.new else "corrupt"
    broken = check_environment(site) + ([f"check: exit {ran.code}: {(ran.out + ran.err)[-500:]}"] if ran.code else [])
    if broken or state == "corrupt":
        ways = [differences(fight.old, tree), differences(fight.new, tree)]
        state, findings = "corrupt", findings + broken + min(ways, key=len)[:10]
    return Result(killed, state, frozen, findings, len(there) - len(shown))


def tell(fight: Fight, number: int, result: Result, keep: str | None) -> None:
    """Say what was found, and keep the environment where asked."""
    if result.findings:
        words = "\n    ".join(result.findings[:15])
        print(f"{fight.what} {number}: {result.state} after {result.killed}:\n    {words}", flush=True)
        if keep:
            shutil.copytree(fight.prefix, os.path.join(keep, f"{fight.what}-{number}"), symlinks=True)


def campaign(what: str, rounds: int, rng: random.Random, keep: str | None) -> list[Result]:
    """Kill one kind of run again and again."""
    results = []
    with scratch(f"kills-{what}") as home:
        fight = prepare(what, home)
        for number in range(rounds):
            results.append(fight_round(fight, KINDS[number % 3], rng))
            tell(fight, number, results[-1], keep)
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


def freeze(what: str, rounds: int, rng: random.Random, keep: str | None) -> list[Result]:
    """Kill one kind of run before its commit, until so many had their transaction open right after it."""
    results: list[Result] = []
    with scratch(f"frozen-{what}") as home:
        fight = prepare(what, home)
        for number in range(rounds * TRIES):
            restore(fight)
            moment = Moment("open", rng.randrange(fight.life["open"] + 1), rng.uniform(0, FINE))
            results.append(judge(fight, kill_once(fight, KINDS[number % 2], moment)))
            tell(fight, number, results[-1], keep)
            if sum(result.frozen for result in results) == rounds:
                break
    return results


def freeze_all(rounds: int, seed: int, keep: str | None) -> int:
    """Part the rounds among the kinds of run, half of them installs, and print what the open ones had touched."""
    shares = {"install": rounds - rounds // 2, "upgrade": rounds // 4, "reinstall": rounds // 8}
    shares["uninstall"] = rounds - sum(shares.values())
    results = {what: freeze(what, share, random.Random(f"{seed} {what}"), keep) for what, share in shares.items()}
    every = [result for some in results.values() for result in some]
    frozen = [result for result in every if result.frozen]
    touched = sum(any(line.startswith("touched") for line in result.findings) for result in frozen)
    corrupt = sum(result.state == "corrupt" for result in every)
    placed = sum(result.placed > 0 for result in results["install"])
    parts = ", ".join(f"{sum(one.frozen for one in some)} {what}" for what, some in results.items())
    print(
        f"killed while open, environment frozen: {len(frozen)} of {rounds} ({parts}; {len(every)} kills); "
        f"touched it: {touched}; installs that had placed files: {placed}; corrupt after the next command: {corrupt}"
    )
    return 1 if touched or corrupt or not placed or len(frozen) < rounds else 0


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--what", choices=[*WHATS, "all", "frozen"], default="all")
    parser.add_argument("--keep", help="directory for the environments found corrupt")
    parser.add_argument("--evidence", metavar="FILE", help="append what was shown")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """Run the campaigns and print their table."""
    options = parse(arguments)
    adopt_orphans()
    if options.what == "frozen":
        return freeze_all(options.rounds, options.seed, options.keep)
    rows, failed, version = [], [], evidence.our_version()
    again = evidence.words_of("kills.py", arguments)
    for what in WHATS if options.what == "all" else [options.what]:
        begun = time.monotonic()
        results = campaign(what, options.rounds, random.Random(f"{options.seed} {what}"), options.keep)
        row, broken = summarise(what, results)
        rows.append(row)
        failed += broken
        wrong = sum(bool(one.findings) or one.state == "corrupt" or one.killed.lingered for one in results)
        seconds = time.monotonic() - begun
        evidence.note(
            options.evidence, [Evidence("kills", version, what, "kills", len(results), wrong, seconds, again)]
        )
    print_table(HEADER, rows)
    print("\n".join(failed), end="\n" if failed else "")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
