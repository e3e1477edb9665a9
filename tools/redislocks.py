"""Two hosts that flock does not reach, one Redis server between them, and what dies or is cut on the way.

    python tools/redislocks.py --rounds N [--seed S] [--evidence FILE]

In each round two runs, one on each host (farhost.py), install and remove distributions that share files, at once;
something befalls one of them, all kinds in turn: nothing, a run is killed, a whole host dies (run and keeper), a keeper
is killed, the server is killed and comes back without its memory, every connection is cut, a host is frozen for longer
than it takes to lose the lock. In three rounds of four that is at a moment of its own: the one with the lock stands
before its last look at it, before the commit, before what it shows, and the other one goes in while it stands there,
or both go on together; else it is at any time. Then `recover` runs on a third host, and the environment must be whole
by the oracle and one that the runs in some order could have left: a run that said 0 counts, one that said 3 does not,
others may. What a host does that is frozen *within* a step cannot be helped (PROTOCOL.md): a file that nobody claims
after a freeze is counted apart, as told.

First the control: one run stops between its commit and what it shows, and the other host asks for the same name.
Without the lock it takes that run for dead, finishes it, and takes back what it did: if it does not, these hosts see
each other anyway, and nothing is shown here at all. With the lock it must be refused.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from evidence import Evidence, note, words_of
from oracle import check_environment, read_installed
from programs import clean_environ, find_program, make_venv, print_table, scratch, version_of
from redisblows import KINDS, LOSING, LOST, MOMENTS, Process, arrive, befalling
from redisserver import RedisServer, find_missing
from serial import NOTHING, Deed, Shipped, State, carry_out, find_ends
from trees import site_packages
from wheels import make_wheel

if sys.platform == "win32":
    raise ImportError("campaigns run on POSIX")

CONTROL, HELD = "(control: no lock)", "(the same, locked)"
HEADER = ("what befell", "rounds", "runs done", "called off", "killed", "not begun", "told", "wrong")
BY_MOMENT = ("at which moment", "rounds", "came there", "lost its lock", "wrong")
AIMED = 0.75
TOGETHER = 0.3
"""How often the run goes on at once after it has lost the lock, and not when the other one has ended."""
LONGEST = 2.5
"""Seconds after the start within which it happens: a keeper starts in half of one, a run lasts another."""
FROZEN = 5.0
"""Seconds that a host is frozen: the other one asks for 1.5, and waits for 0.5 more (farhost.py)."""
PATIENCE = 120.0
REFUSED = 3
"""The exit code of a run that could not have the lock: it has changed nothing."""
UNIVERSE = {
    "jwt1": Shipped("jwt", "1.0", {"jwt/__init__.py": "jwt 1\n", "jwt/one.py": "1\n"}),
    "jwt2": Shipped("jwt", "2.0", {"jwt/__init__.py": "jwt 2\n", "jwt/two.py": "2\n"}),
    "pyjwt": Shipped("pyjwt", "1.0", {"jwt/__init__.py": "pyjwt\n", "jwt/api.py": "api\n"}),
    "six": Shipped("six", "1.0", {"six.py": "six\n"}),
}
DEEDS = (
    Deed("install", ("jwt1",)), Deed("install", ("jwt2", "six")), Deed("install", ("pyjwt",)),
    Deed("install", ("jwt1", "pyjwt")), Deed("uninstall", ("jwt",)), Deed("uninstall", ("pyjwt", "six")),
)  # fmt: skip


class Ended(NamedTuple):
    """What became of one round."""

    kind: str
    outcomes: list[str]
    """Of each run: done, called off, killed or not begun."""
    wrong: list[str]
    told: list[str]
    moment: str = ""
    """Where the run stood that it befell; empty: anywhere."""
    met: bool = False
    """Whether it came there."""
    lost: bool = False
    """Whether a run found that it had lost the lock."""


class Field:
    """Where it happens: wheels, an environment that all hosts have, a server."""

    def __init__(self, home: str, server: RedisServer, *, locked: bool) -> None:
        self.home, self.server, self.locked = home, server, locked
        self.prefix = os.path.join(home, "venv")
        self.wheels = {
            key: make_wheel(os.path.join(home, key), one.name, one.version, one.files) for key, one in UNIVERSE.items()
        }
        self.environ = clean_environ(home)
        self.state: State = NOTHING

    def renew(self) -> None:
        """Begin with an empty environment."""
        shutil.rmtree(self.prefix, ignore_errors=True)
        make_venv(self.prefix)
        self.state = NOTHING

    def start(self, host: str, verb: str, *what: str, stops: Sequence[str] = ()) -> Process:
        """Start a run on a host; it says where it stops on stdout, and waits for a line."""
        program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "farhost.py")
        backend = ["--lock-backend", self.server.url] if self.locked else []
        act = [verb, "--python", self.prefix, "--cache-dir", os.path.join(self.home, f"cache-{host}"), *backend, *what]
        if verb == "install":
            act += ["--no-deps", "--on-conflict", "ignore"]
        return subprocess.Popen(
            [sys.executable, program, os.path.join(self.home, f"host-{host}"), *stops, "--", *act],
            env=self.environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def begin(self, host: str, deed: Deed, *, stops: Sequence[str] = ()) -> Process:
        """Start a deed on a host."""
        return self.start(host, deed.verb, *(self.wheels.get(key, key) for key in deed.what), stops=stops)

    def standing(self) -> State:
        """Read what is installed; an unknown version is a key that no end has."""
        keys = {(one.name, one.version): key for key, one in UNIVERSE.items()}
        found = set()
        for one in read_installed(site_packages(self.prefix)):
            version = one.dist_info.removesuffix(".dist-info").rpartition("-")[2]
            found.add((one.name, keys.get((one.name, version), version), 0))
        return frozenset(found)


# --- a round ----------------------------------------------------------------------------------------------------------


def fight(field: Field, kind: str, rng: random.Random) -> Ended:
    """Let two runs meet, and judge what is left."""
    moment = rng.choice(MOMENTS) if rng.random() < AIMED else ""
    deeds = [rng.choice(find_apt(field.state, moment)), rng.choice(DEEDS)]
    met, ended = meet_at(field, kind, deeds, moment, rng) if moment else (False, meet(field, kind, deeds, rng))
    code, said = finish(field.start("c", "recover"))
    crashed = [text for _, text in [*ended, (code, said)] if "Traceback" in text or "contradicts" in text]
    findings = check_environment(site_packages(field.prefix))
    told = [one for one in findings if kind == "host frozen" and one.endswith("no RECORD names it")]
    wrong = [*crashed, *(one for one in findings if one not in told)]
    wrong += [f"recover: exit {code}: {said}"] if code else []
    wrong += find_impossible(field, deeds, [code for code, _ in ended])
    lost = any(word in text for _, text in ended for word in LOST)
    return Ended(kind, [name_outcome(code) for code, _ in ended], wrong, told, moment, met, lost)


def find_apt(state: State, moment: str) -> Sequence[Deed]:
    """Find the deeds that come to a moment: they change something, and show something if that is the moment."""
    if not moment:
        return DEEDS
    changing = [deed for deed in DEEDS if carry_out(UNIVERSE, state, deed) != state]
    return [deed for deed in changing if deed.verb == "install" or moment not in {"placing", "showing"}]


def meet(field: Field, kind: str, deeds: Sequence[Deed], rng: random.Random) -> list[tuple[int, str]]:
    """Let two runs begin at once, and have it happen to one of them at any time."""
    runs = [field.begin(host, deed) for host, deed in zip("ab", deeds, strict=True)]
    time.sleep(rng.uniform(0, LONGEST))
    with befalling(field.server, kind, rng.choice(runs)):
        time.sleep(FROZEN if kind == "host frozen" else 0)
    return [finish(run) for run in runs]


def meet_at(
    field: Field, kind: str, deeds: Sequence[Deed], moment: str, rng: random.Random
) -> tuple[bool, list[tuple[int, str]]]:
    """Have it happen to the run that has the lock and stands at a moment of its own; says whether it came there."""
    one = field.begin("a", deeds[0], stops=[moment])
    met = arrive(one)
    two = field.begin("b", deeds[1]) if rng.random() < TOGETHER or kind == "host frozen" else None
    time.sleep(rng.uniform(0, 1) if two is not None else 0)  # it waits, or has not asked yet
    with befalling(field.server, kind, one):
        two = two or field.begin("b", deeds[1])
        second = finish(two) if kind in LOSING and (kind == "host frozen" or rng.random() >= TOGETHER) else None
    first = finish(one)  # its stops end with its input
    return met, [first, second or finish(two)]


def find_impossible(field: Field, deeds: Sequence[Deed], codes: Sequence[int]) -> list[str]:
    """See whether what is installed is what the deeds may have left in some order; what failed may have been done."""
    done = [number for number, code in enumerate(codes) if code != REFUSED]
    doubtful = [place for place, number in enumerate(done) if codes[number]]
    before, field.state = field.state, field.standing()
    if field.state in find_ends(UNIVERSE, before, [deeds[number] for number in done], doubtful):
        return []
    return [f"{sorted(before)} by {deeds}, exits {list(codes)}, became {sorted(field.state)}"]


def finish(process: Process, word: str = "") -> tuple[int, str]:
    """Wait for a run, having told it to go on; gives its exit code and what it said."""
    _, said = process.communicate(word, timeout=PATIENCE)
    return process.returncode, said


def name_outcome(code: int) -> str:
    """Say what an exit code comes to."""
    return "done" if code == 0 else "not begun" if code == REFUSED else "killed" if code < 0 else "called off"


def run_rounds(rounds: int, rng: random.Random) -> list[Ended]:
    """Fight as often as that; a wrong round is told, and the next one begins anew."""
    ended: list[Ended] = []
    with scratch("redislocks") as home, RedisServer(home) as server:
        field = Field(home, server, locked=True)
        field.renew()
        for number in range(rounds):
            ended.append(fight(field, KINDS[number % len(KINDS)], rng))
            if ended[-1].wrong:
                print(f"round {number}: {ended[-1].kind}:", *ended[-1].wrong, sep="\n    ", flush=True)
            if ended[-1].wrong or ended[-1].told:
                field.renew()
    return ended


def run_control(*, locked: bool) -> Ended:
    """Have a host come while another one's run stands still in its transaction, and see whether it is let in."""
    with scratch("redislocks") as home, RedisServer(home) as server:
        field = Field(home, server, locked=locked)
        field.renew()
        back = Deed("install", ("jwt1",))
        codes = [finish(field.begin("b", back))[0]]
        one = field.start("a", "install", field.wheels["jwt2"], stops=["showing"])
        assert one.stdout is not None
        one.stdout.readline()
        other = field.start("b", "install", field.wheels["jwt1"], "--lock-timeout", "1")
        codes += [finish(other)[0], finish(one, "\n")[0]]
        wrong = [] if codes[1] == REFUSED else [f"the other host was let in (exit {codes[1]})"]
        return Ended(HELD if locked else CONTROL, [name_outcome(code) for code in codes], wrong, [])


def make_row(name: str, ended: Sequence[Ended]) -> list[object]:
    """Sum up rounds of a kind."""
    outcomes = Counter(outcome for one in ended for outcome in one.outcomes)
    sums = [outcomes[name] for name in ("done", "called off", "killed", "not begun")]
    return [name, len(ended), *sums, sum(bool(one.told) for one in ended), sum(bool(one.wrong) for one in ended)]


def count_met(moment: str, ended: Sequence[Ended]) -> list[object]:
    """Sum up the rounds that were aimed at a moment, or those at none."""
    those = [one for one in ended if one.moment == moment]
    sums = [sum(one.met for one in those), sum(one.lost for one in those), sum(bool(one.wrong) for one in those)]
    return [moment or "(any)", len(those), *sums]


def main(arguments: list[str]) -> int:
    """Run the control and the campaign, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=len(KINDS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--evidence", metavar="FILE")
    chosen = parser.parse_args(arguments)
    missing = find_missing()
    if missing:
        print_table(("what befell", "not tried"), [("everything", missing)])
        return 0
    begun = time.monotonic()
    control, held = run_control(locked=False), run_control(locked=True)
    ended = run_rounds(chosen.rounds, random.Random(chosen.seed))
    rows = [make_row(kind, [one for one in ended if one.kind == kind]) for kind in KINDS]
    print_table(HEADER, [make_row(CONTROL, [control]), make_row(HELD, [held]), *rows])
    print_table(BY_MOMENT, [count_met(moment, ended) for moment in (*MOMENTS, "")])
    wrong = sum(bool(one.wrong) for one in [held, *ended])
    subject, again = version_of([find_program("lugnut")]), words_of("tools/redislocks.py", arguments)
    scope = "two hosts, a lock in Redis"
    seconds = time.monotonic() - begun
    note(chosen.evidence, [Evidence("redislocks", subject, scope, "rounds", len(ended), wrong, seconds, again)])
    if not control.wrong:
        print("without the lock the other host was refused too: nothing is shown")
    return 0 if control.wrong and not wrong else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
