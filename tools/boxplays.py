"""What containers do to each other in one environment, a round at a time, and what is wrong with it afterwards."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("campaigns run on POSIX")

import os
import random
import re
import shlex
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import IO, NamedTuple

import together
from boxes import Box
from fights import WHATS, Fight, choose_moment, kill_once, prepare, restore
from founding import CampaignSize, make_campaign_wheels
from killing import Killed, Moment, Steps, kill, list_transactions, reach, reap, start, wait_for
from kills import judge
from oracle import check_environment
from programs import find_program
from together import INSTALL, Scenario, Wrap, run_together
from trees import differences, read_tree, site_packages

PATIENCE = 60.0
"""Seconds until somebody who says nothing of his waiting is given up."""
LOCKED = 3
"""The exit code of who was not given a lock."""
FIRST = 1
"""The pid of lugnut in its container."""
SHARE = 0.03
"""Seconds in which a container of podman's is killed, mostly soon, after its transaction came to the phase drawn."""


class Ground(NamedTuple):
    """Where a round is played."""

    root: str
    """Of all that containers share: wheels too."""
    venv: str
    cache: str
    rng: random.Random


Holder = tuple[int, str]
"""Who holds a lock: his pid where he lives, and the name of that host."""
Play = Callable[[int, "Kind", Ground], list[str]]
"""Plays one round with so many containers of a kind; gives what was wrong."""


class Kind(NamedTuple):
    """What the containers of a round are like."""

    engine: str
    own_users: bool
    own_stores: bool
    two_mounts: bool

    def boxes(self, count: int, ground: Ground) -> list[Box]:
        """Make them."""
        shared = (ground.root,) if self.engine == "podman" else ()
        apart = (ground.venv, ground.cache) if self.two_mounts else ()
        return [Box(number, self.engine, self.own_users, (*shared, *apart)) for number in range(count)]

    def wrap(self, boxes: Sequence[Box]) -> Wrap:
        """Give what puts each caller into its container, with a store of its own where it is to have one."""

        def into(number: int, command: list[str]) -> list[str]:
            if self.own_stores and "--cache-dir" in command:
                command = list(command)
                command[command.index("--cache-dir") + 1] += f"-{number}"
            return boxes[number].wrap(command)

        return into


def make_more(directory: str) -> list[Scenario]:
    """Make two scenarios more than together.py has."""
    few = CampaignSize(20)
    first = make_campaign_wheels(os.path.join(directory, "first"), 12, "1.0", size=few)
    later = make_campaign_wheels(os.path.join(directory, "later"), 12, "2.0", size=few)
    acted, base = slice(0, 10, 2), first[1:10:2]
    names = [os.path.basename(wheel).partition("-")[0] for wheel in first[acted]]
    upgraded, more = later[acted], first[10:]
    wanted = os.path.join(directory, "wanted.txt")
    with open(wanted, "w", encoding="utf-8") as file:
        file.write("".join(f"{wheel}\n" for wheel in [*base, *upgraded]))
    return [
        Scenario(
            "upgrade",
            [*base, *first[acted]],
            lambda n: ["uninstall", "--json", *names] if n % 2 else [*INSTALL, *upgraded],
            lambda _: [base, [*base, *upgraded]],
        ),
        Scenario(
            "sync",
            [*base, *first[acted]],
            lambda n: [*INSTALL, *more] if n % 2 else ["sync", *INSTALL[1:], wanted],
            lambda _: [[*base, *upgraded], [*base, *upgraded, *more]],
        ),
    ]


def play_together(scenario: Scenario, count: int, kind: Kind, ground: Ground) -> list[str]:
    """Play a round in which each container makes one call; who has to wait for whom is told as it is."""
    boxes = kind.boxes(count, ground)
    played = together.play(scenario, count, os.path.dirname(ground.venv), ground.cache, kind.wrap(boxes))
    found = played.failures + played.findings
    for box, said in zip(boxes, played.said, strict=True):
        found += judge_words(said, [(FIRST, other.host) for other in boxes if other != box])
    if scenario.title == "same" and played.met["changes"] != len(scenario.after(count)[0]):
        found.append(f"{played.met['changes']} installs of {len(scenario.after(count)[0])} wheels")
    return found


def play_apart(scenario: Scenario, count: int, kind: Kind, ground: Ground) -> list[str]:
    """Play a round in which each container has a `.lugnut` of its own: its runs know nothing of the others'."""
    site = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
    boxes = [box._replace(hidden=f"{ground.venv}/{site}/.lugnut") for box in kind.boxes(count, ground)]
    played = together.play(scenario, count, os.path.dirname(ground.venv), ground.cache, kind.wrap(boxes))
    return played.failures + played.findings


def play_kill(count: int, kind: Kind, ground: Ground) -> list[str]:
    """Kill each container once in the middle of its run; all others look after it at once, and one that comes then."""
    boxes, home = kind.boxes(count, ground), os.path.dirname(ground.venv)
    os.mkdir(home)
    fight, found = prepare(ground.rng.choice(WHATS), home), []
    command, check = fight.command, [find_program("lugnut"), "check", "--python", fight.prefix]
    for number, box in enumerate(boxes):
        restore(fight)
        others = [other for other in boxes if other != box]
        fight = fight._replace(then=at_once([other.wrap(check) for other in others], others[0].wrap(check)))
        if kind.engine == "podman":
            moment, killed = kill_afar(fight._replace(command=command), box, ground.rng)
        else:
            fight = fight._replace(command=box.wrap(command))
            moment = choose_moment(fight, "group", ground.rng)
            killed = kill_once(fight, "worker", moment)  # unshare's one child: the container's first process
        result = judge(fight, killed)
        found += [f"{fight.what}, {number} killed at {moment}, {result.state}: {line}" for line in result.findings[:5]]
    return found


def at_once(commands: Sequence[Sequence[str]], last: Sequence[str]) -> list[str]:
    """Make one command of several that run at once, and another when all are done; its exit code is the last one's.

    One that looks while another recovers may find what that one is about to mend.
    """
    words = [f"{shlex.join(command)} >&2 &" for command in commands]
    return ["sh", "-c", "\n".join([*words, "wait", f"exec {shlex.join(last)}"])]


def kill_afar(fight: Fight, box: Box, rng: random.Random) -> tuple[Moment, Killed]:
    """Kill the first process of a container that is no child of ours, so that it cannot be stopped, in a phase."""
    moment = Moment(rng.choice(("open", "open", "committed")), rest=SHARE * rng.random() ** 3)
    first, site = f"{os.path.dirname(fight.prefix)}/pid-{box.number}", site_packages(fight.prefix)
    with tempfile.TemporaryFile("w+") as said:
        process = start(box._replace(pidfile=first).wrap(fight.command), fight.environ, said)
        there = {"open": ("/open", "/committed"), "committed": ("/committed",)}[moment.phase]
        hit = wait_for(process, lambda: any(one.endswith(there) for one in list_transactions(site)))
        if hit:
            time.sleep(moment.rest)
            with open(first, encoding="ascii") as file:
                hit = _kill_first(int(file.read()))
        found = list_transactions(site)
        return moment, Killed("group", hit, found, reap(process))


def _kill_first(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def play_wait(count: int, kind: Kind, ground: Ground) -> list[str]:
    """Stop one in its transaction; all others give up, then all of them wait until it goes on."""
    boxes, home = kind.boxes(count, ground), os.path.dirname(ground.venv)
    os.mkdir(home)
    fight = prepare("install", home)
    restore(fight)
    inside = kind.engine == "unshare" and ground.rng.random() < 0.5  # noqa: PLR2004 - a half
    command = boxes[0].wrap(fight.command) if inside else fight.command
    with open(os.path.join(home, "holder"), "w+", encoding="utf-8") as said:
        steps = Steps(start(command, fight.environ, said), site_packages(fight.prefix))
        try:
            reach(steps, Moment("open"))
            holder = (FIRST, boxes[0].host) if inside else (steps.process.pid, os.uname().nodename)
            if kind.engine == "unshare" and not inside:
                boxes = [box._replace(twin=holder[0]) for box in boxes]
            found = give_up(boxes[1:], fight, holder)
            found += wait_on(boxes[1:], fight, steps, holder)
        finally:
            kill(steps, "group")
    return found + differences(fight.new, read_tree(fight.prefix)) + check_environment(steps.site)


def give_up(boxes: Sequence[Box], fight: Fight, holder: Holder) -> list[str]:
    """Have callers wait a second for what is held, and look at what they say."""
    commands = [box.wrap([*fight.command, "--lock-timeout", "1"]) for box in boxes]
    found = []
    for ran in run_together(commands, fight.environ, os.path.dirname(fight.prefix)):
        if ran.code != LOCKED or "Traceback" in ran.err:
            found.append(f"exit {ran.code} where the lock is held: {ran.err.strip()[-500:]}")
        found += judge_words(ran.err, [holder], named=True)
    return found


def wait_on(boxes: Sequence[Box], fight: Fight, steps: Steps, holder: Holder) -> list[str]:
    """Have callers wait, let the holder go on once all have said so, and see all end well, one after the other."""
    with ExitStack() as stack:
        waiting = [
            _Waiting(box.wrap(fight.command), fight.environ, stack.enter_context(tempfile.TemporaryFile("w+")))
            for box in boxes
        ]
        found = [line for one in waiting for line in judge_words(one.hear(), [holder], named=True)]
        steps.send(signal.SIGCONT)
        reap(steps.process)
        for box, one in zip(boxes, waiting, strict=True):
            one.process.wait()
            found += judge_words(one.read(), [holder, *((FIRST, other.host) for other in boxes if other != box)])
        found += [f"the holder ended with {steps.process.returncode}"] if steps.process.returncode else []
        ended = [(one.process.returncode, one.read()[-500:]) for one in waiting]
        return found + [f"who waited ended with {code}: {said}" for code, said in ended if code]


class _Waiting:
    """A caller that waits, and what it has said so far."""

    def __init__(self, command: list[str], environ: dict[str, str], said: IO[str]) -> None:
        self._said = said
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, env=environ)

    def hear(self) -> str:
        """Wait until it says that it waits."""
        deadline = time.monotonic() + PATIENCE
        wait_for(self.process, lambda: "waiting for" in self.read() or time.monotonic() > deadline)
        return self.read()

    def read(self) -> str:
        return os.pread(self._said.fileno(), 1 << 16, 0).decode()


def judge_words(said: str, holders: Sequence[Holder], *, named: bool = False) -> list[str]:
    """Find what is wrong in words about who holds a lock: each is one of those, as another container's, by his host.

    Somebody has to be `named` where all wait.
    """
    found = [f"no holder is named: {said.strip()[-500:]}"] if named and "held by pid" not in said else []
    wanted = [(str(pid), f"in another container on host {host} ") for pid, host in holders]
    for pid, rest in re.findall(r"pid (\d+)(.*)", said):
        if not any(pid == one and words in rest for one, words in wanted):
            found.append(f"pid {pid}{rest}, but it is one of {', '.join(f'{one} {words}' for one, words in wanted)}")
    return found
