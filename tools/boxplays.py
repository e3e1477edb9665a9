"""What containers do to each other in one environment, a round at a time, and what is wrong with it afterwards."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("campaigns run on POSIX")

import os
import random
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import together
from boxes import Box
from fights import WHATS, Fight, choose_moment, kill_once, prepare, restore
from founding import CampaignSize, make_campaign_wheels
from killing import Moment, Steps, kill, reach, reap, start, wait_for
from kills import judge
from oracle import check_environment
from programs import find_program
from together import INSTALL, Scenario, Wrap, run_together
from trees import differences, read_tree, site_packages

PATIENCE = 60.0
"""Seconds until somebody who says nothing of his waiting is given up."""
LOCKED = 3
"""The exit code of who was not given a lock."""


class Ground(NamedTuple):
    """Where a round is played."""

    root: str
    """Of all that containers share: wheels too."""
    venv: str
    cache: str
    rng: random.Random


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
    """Play a round in which each container makes one call."""
    wrap = kind.wrap(kind.boxes(count, ground))
    played = together.play(scenario, count, os.path.dirname(ground.venv), ground.cache, wrap)
    found = played.failures + played.findings
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
    """Kill each container once in the middle of its run, and recover from another one."""
    boxes, home = kind.boxes(count, ground), os.path.dirname(ground.venv)
    os.mkdir(home)
    fight, found = prepare(ground.rng.choice(WHATS), home), []
    command, check = fight.command, [find_program("lugnut"), "check", "--python", fight.prefix]
    for number in range(count):
        restore(fight)
        fight = fight._replace(command=boxes[number].wrap(command), then=boxes[number - 1].wrap(check))
        moment = choose_moment(fight, "group", ground.rng)
        result = judge(fight, kill_once(fight, "worker", moment))  # unshare's one child: the container's first process
        found += [f"{fight.what}, killed at {moment}, {result.state}: {line}" for line in result.findings[:5]]
    return found


def play_wait(count: int, kind: Kind, ground: Ground) -> list[str]:
    """Stop one in its transaction; the others give up, then one waits until it goes on."""
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
            pid, host = (1, boxes[0].host) if inside else (steps.process.pid, os.uname().nodename)
            if kind.engine == "unshare" and not inside:
                boxes = [box._replace(twin=pid) for box in boxes]
            found = give_up(boxes[1:], fight, pid, host)
            found += wait_on(boxes[1], fight, steps, pid, host)
        finally:
            kill(steps, "group")
    return found + differences(fight.new, read_tree(fight.prefix)) + check_environment(steps.site)


def give_up(boxes: Sequence[Box], fight: Fight, pid: int, host: str) -> list[str]:
    """Have callers wait a second for what is held, and look at what they say."""
    commands = [box.wrap([*fight.command, "--lock-timeout", "1"]) for box in boxes]
    found = []
    for ran in run_together(commands, fight.environ, os.path.dirname(fight.prefix)):
        if ran.code != LOCKED or "Traceback" in ran.err:
            found.append(f"exit {ran.code} where the lock is held: {ran.err.strip()[-500:]}")
        found += judge_words(ran.err, pid, host)
    return found


def wait_on(box: Box, fight: Fight, steps: Steps, pid: int, host: str) -> list[str]:
    """Have a caller wait, let the holder go on once it has said so, and see both end well."""
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            box.wrap(fight.command), stdin=subprocess.DEVNULL, stdout=said, stderr=said, env=fight.environ
        )

        def read() -> str:
            return os.pread(said.fileno(), 1 << 16, 0).decode()

        deadline = time.monotonic() + PATIENCE
        wait_for(process, lambda: "waiting for" in read() or time.monotonic() > deadline)
        found = judge_words(read(), pid, host)
        steps.send(signal.SIGCONT)
        reap(steps.process)
        process.wait()
        found += [f"the holder ended with {steps.process.returncode}"] if steps.process.returncode else []
        return found + ([f"who waited ended with {process.returncode}: {read()[-500:]}"] if process.returncode else [])


def judge_words(said: str, pid: int, host: str) -> list[str]:
    """Find what is wrong in words about who holds a lock: they name his pid as another container's, and his host."""
    found = [f"no holder is named: {said.strip()[-500:]}"] if "held by pid" not in said else []
    for named, rest in re.findall(r"pid (\d+)(.*)", said):
        if int(named) != pid or f"in another container on host {host} " not in rest:
            found.append(f"pid {named}{rest}, but it is {pid} in another container on host {host}")
    return found
