"""2, 8 and 32 processes at once on one environment, in four scenarios, judged by the oracle after every round.

    python tools/together.py --rounds N [--callers 2,8,32] [--scenario WORD]... [--keep DIRECTORY]

*same*: all install the same 20 wheels, as large as real ones are on average, nothing unpacked yet; *namespace*: each
installs one of the wheels that share a file with different bytes; *versions*: half install one version of a
distribution, half another; *against*: half install five distributions, half remove them. Callers stand ready behind a
pipe and are let go by its closing. Afterwards the environment must be one that the runs one after another could have
left, in names, bytes and modes, and whole by the oracle. What the runs met on the way (existing files, settles, lock
waits) is summed from their JSON reports: where any sum over the whole campaign is zero, nothing was tested, and that is
a failure. For *same* the cost of N callers is given beside that of one.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import evidence
from evidence import Evidence
from founding import AVERAGE, CampaignSize, make_campaign_wheels, make_namespace_wheels
from oracle import check_environment
from programs import Ran, clean_environ, find_program, make_venv, print_table, run, scratch
from trees import differences, read_tree, reference_tree, site_packages, without_generated

MET = ("exists", "settles", "waits")
HEADER = ("scenario", "callers", "rounds", "failures", "corrupt", *MET, "seconds", "CPU s", "ratio", "CPU ratio")
INSTALL = ("install", "--jobs", "2", "--json")


Wrap = Callable[[int, list[str]], list[str]]
"""From a caller's number and command to the command that runs it somewhere else."""


class Scenario(NamedTuple):
    """What stands there before, what each caller says, and which sets of wheels may be there afterwards."""

    title: str
    before: list[str]
    words: Callable[[int], list[str]]
    """The words of the caller with this number."""
    after: Callable[[int], list[list[str]]]
    """What may be installed when so many callers are done."""
    cold: bool = False
    """Every round has a store of its own, empty."""


class Round(NamedTuple):
    """What one round came to."""

    failures: list[str]
    findings: list[str]
    met: Counter[str]
    seconds: float
    cpu: float
    said: list[str]
    """By caller, beside its report: for whom it waited, for instance."""


def make_scenarios(directory: str) -> list[Scenario]:
    """Make the wheels and the scenarios."""
    few = CampaignSize(20)
    wheels = make_campaign_wheels(os.path.join(directory, "1"), 20, "1.0", size=few)
    again = make_campaign_wheels(os.path.join(directory, "2"), 20, "2.0", size=few)
    larger = make_campaign_wheels(os.path.join(directory, "larger"), 20, "1.0", size=AVERAGE)
    shared = make_namespace_wheels(os.path.join(directory, "shared"), 32, longest=8192)
    acted, base = wheels[:10:2], wheels[1:10:2]
    names = [os.path.basename(wheel).partition("-")[0] for wheel in acted]
    versions = (wheels[4], again[4])
    return [
        Scenario("same", [], lambda _: [*INSTALL, *larger], lambda _: [larger], cold=True),
        Scenario("namespace", [], lambda n: [*INSTALL, shared[n % 32]], lambda callers: [shared[:callers]]),
        Scenario(
            "versions",
            [wheels[0], wheels[8]],
            lambda n: [*INSTALL, versions[n % 2]],
            lambda _: [[wheels[0], wheels[8], version] for version in versions],
        ),
        Scenario(
            "against",
            [*base, *acted],
            lambda n: ["uninstall", "--json", *names] if n % 2 else [*INSTALL, *acted],
            lambda _: [base, [*base, *acted]],
        ),
    ]


def run_together(commands: Sequence[Sequence[str]], environ: dict[str, str], directory: str) -> list[Ran]:
    """Start all commands behind one pipe, let them go at once, wait for all; seconds count from the letting go."""
    if sys.platform == "win32":
        raise NotImplementedError("campaigns run on POSIX")
    gate, latch = os.pipe()
    pids: dict[int, int] = {}
    for number, command in enumerate(commands):
        pid = os.fork()
        if pid == 0:
            os.close(latch)
            _stand_ready(gate, command, environ, os.path.join(directory, str(number)))
        pids[pid] = number
    os.close(gate)
    begun = time.perf_counter()
    os.close(latch)
    ended: dict[int, tuple[int, float, float]] = {}
    while len(ended) < len(pids):
        pid, status, usage = os.wait4(-1, 0)
        if pid not in pids:  # an orphan that came to us
            continue
        cpu = usage.ru_utime + usage.ru_stime
        ended[pids[pid]] = (os.waitstatus_to_exitcode(status), time.perf_counter() - begun, cpu)
    paths = [os.path.join(directory, str(number)) for number in range(len(commands))]
    return [Ran(*ended[number], _read(f"{path}.out"), _read(f"{path}.err")) for number, path in enumerate(paths)]


def _stand_ready(gate: int, command: Sequence[str], environ: dict[str, str], output: str) -> None:
    """Be the child: open the outputs, wait for the pipe's end, become the command."""
    try:
        for descriptor, ending in ((1, "out"), (2, "err")):
            os.dup2(os.open(f"{output}.{ending}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), descriptor)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.read(gate, 1)
        os.execve(command[0], list(command), environ)
    finally:
        os._exit(126)


def _read(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def as_it_is(_: int, command: list[str]) -> list[str]:
    """Run a caller's command where we are."""
    return command


def play(scenario: Scenario, callers: int, home: str, cache: str, wrap: Wrap = as_it_is) -> Round:
    """Play one round in a fresh environment; `wrap` says where each caller's command runs."""
    os.makedirs(home)
    prefix, environ = os.path.join(home, "venv"), clean_environ(home)
    where = ["--python", make_venv(prefix)]
    empty, program = read_tree(prefix), find_program("lugnut")
    store = ["--cache-dir", os.path.join(home, "cache") if scenario.cold else cache]
    if scenario.before:
        first = run([program, "install", *where, *store, *scenario.before], environ)
        if first.code != 0:
            raise RuntimeError(f"cannot prepare {scenario.title}: {first.err[-1000:]}")
    said = [scenario.words(number) for number in range(callers)]
    commands = [[program, words[0], *where, *(store if words[0] != "uninstall" else []), *words[1:]] for words in said]
    ran = run_together([wrap(number, command) for number, command in enumerate(commands)], environ, home)
    tree = without_generated(read_tree(prefix))
    wanted = [{**empty, **reference_tree(wheels, prefix)} for wheels in scenario.after(callers)]
    nearest = min((differences(one, tree) for one in wanted), key=len)
    met: Counter[str] = Counter()
    for one in ran:
        met.update(counted(one.out))
    failures = [failure for words, one in zip(said, ran, strict=True) if (failure := failed(words, one))]
    findings = nearest + check_environment(site_packages(prefix))
    words = [one.err for one in ran]
    return Round(failures, findings, met, max(one.seconds for one in ran), sum(one.cpu for one in ran), words)


def failed(words: Sequence[str], ran: Ran) -> str:
    """Say how a run failed; empty where it did not."""
    text = (ran.err or ran.out).strip()
    if ran.code == 0:
        return ""
    return f"{words[0]}: exit {ran.code}: {text[-400:]}"


def counted(out: str) -> dict[str, int]:
    """Take what a run met, and how much it changed, from its JSON report; one that failed may have changed nothing."""
    try:
        report = json.loads(out)
    except ValueError:
        return {}
    changes = len(report.get("changes", ()))
    return {"changes": changes, **{key: int(report.get("counted", {}).get(key, 0)) for key in MET}}


def campaign(scenario: Scenario, callers: int, rounds: int, directory: str, keep: str | None) -> list[Round]:
    """Play a scenario again and again."""
    played = []
    for number in range(rounds):
        home = os.path.join(directory, f"{scenario.title}-{callers}-{number}")
        one = play(scenario, callers, home, os.path.join(directory, "cache"))
        played.append(one)
        for line in [*one.failures[:5], *one.findings[:10]]:
            print(f"{scenario.title}, {callers} callers, round {number}: {line}", flush=True)
        if one.findings and keep:
            shutil.copytree(home, os.path.join(keep, os.path.basename(home)), symlinks=True)
        shutil.rmtree(home)
    return played


def summarise(title: str, callers: int, played: Sequence[Round], alone: tuple[float, float] | None) -> list[object]:
    """Make the row of a campaign."""
    met: Counter[str] = sum((one.met for one in played), Counter())
    seconds = statistics.median(one.seconds for one in played)
    cpu = statistics.median(one.cpu for one in played)
    ratios = ["", ""] if alone is None else [f"{seconds / alone[0]:.2f}", f"{cpu / alone[1]:.2f}"]
    failures, corrupt = sum(len(one.failures) for one in played), sum(bool(one.findings) for one in played)
    row = [title, callers, len(played), failures, corrupt, *(met[key] for key in MET)]
    return [*row, f"{seconds:.2f}", f"{cpu:.2f}", *ratios]


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--callers", default="2,8,32", help="numbers of processes, with commas")
    parser.add_argument("--scenario", action="append", choices=["same", "namespace", "versions", "against"])
    parser.add_argument("--keep", help="directory for the environments found corrupt")
    parser.add_argument("--evidence", metavar="FILE", help="append what was shown")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """Play all scenarios and print their table."""
    options = parse(arguments)
    rows: list[list[object]] = []
    total: Counter[str] = Counter()
    broken = 0
    version, again = evidence.our_version(), evidence.words_of("together.py", arguments)
    with scratch("together") as directory:
        for scenario in make_scenarios(os.path.join(directory, "wheels")):
            if options.scenario and scenario.title not in options.scenario:
                continue
            alone = None
            for callers in ([1] if scenario.cold else []) + [int(word) for word in options.callers.split(",")]:
                begun = time.monotonic()
                played = campaign(scenario, callers, options.rounds, directory, options.keep)
                wrong = sum(bool(one.failures or one.findings) for one in played)
                scope, seconds = f"{scenario.title}, {callers} at once", time.monotonic() - begun
                shown = Evidence("together", version, scope, "rounds", len(played), wrong, seconds, again)
                evidence.note(options.evidence, [shown])
                if callers == 1:
                    alone = (statistics.median(r.seconds for r in played), statistics.median(r.cpu for r in played))
                rows.append(summarise(scenario.title, callers, played, alone))
                total.update(sum((one.met for one in played), Counter()))
                broken += wrong
    print_table(HEADER, rows)
    never = [key for key in MET if not total[key]]
    print(f"met: {', '.join(f'{total[key]} {key}' for key in MET)}" + (f"; never: {never}" if never else ""))
    return 1 if broken or never else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
