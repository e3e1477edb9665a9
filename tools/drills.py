"""What is tried on each file system, short: the building blocks of the other campaigns on a volume given.

Each drill plays so many rounds and gives what it tried and a line for everything that was wrong. The judges are the
oracle and reference trees made by zipfile; nothing of lugnut is asked.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("campaigns run on POSIX")

import contextlib
import json
import os
import random
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from typing import NamedTuple

import fights
import kills
import obstacles
import races
import together
from founding import make_namespace_wheels, make_nvidia_wheels
from ground import Ground
from killing import KINDS, adopt_orphans
from readers import Reader
from volumes import Volume
from wheels import make_wheel

HERE = os.path.dirname(os.path.abspath(__file__))
CALLERS = 8
UMASKS = (0o022, 0o077, 0o000)
RENAMES = 3000
EVERY = 61
"""Each so manieth call of an operation is stopped in one round: a prime, so that rounds differ little."""


class Tried(NamedTuple):
    """What one drill came to."""

    number: int
    """How much was tried, in units such as `kills`."""
    unit: str
    wrong: list[str]
    note: str = ""
    """What the file system itself does, that nobody could mend."""


class Duty(NamedTuple):
    """What all drills of one volume have in common."""

    volume: Volume
    wheels: str
    """A directory for wheels, kept from volume to volume."""
    rounds: int
    seed: int


Drill = Callable[[Duty], Tried]


@contextlib.contextmanager
def room(duty: Duty, name: str) -> Iterator[tuple[str, str]]:
    """Give a directory on the volume and one for a store, and remove both at the end."""
    home, store = (os.path.join(place, name) for place in (duty.volume.home, duty.volume.store))
    if store == home:
        store = f"{home}-store"
    for place in (home, store):
        os.mkdir(place)
    try:
        yield home, store
    finally:
        for place in (home, store):
            shutil.rmtree(place, ignore_errors=True)


# --- the founding races -----------------------------------------------------------------------------------------------


def race(duty: Duty) -> Tried:
    """Install the wheels of two founding races in one call each, read meanwhile, judged as `races.py --strict` does."""
    wheels = duty.wheels
    nvidia = make_nvidia_wheels(os.path.join(wheels, "nvidia"))
    shared = make_namespace_wheels(os.path.join(wheels, "shared"), 6)
    both = [
        races.Race("11 nvidia wheels", nvidia, "nvidia/__init__.py", "hardlink"),
        races.Race("shorter over longer, copied", shared, "shared/__init__.py", "copy"),
    ]
    with room(duty, "races") as (home, store):
        gaps = count_gaps(home)
        template = races.PEERS["lugnut"].replace("{cache}", store)
        rows, broken, _ = races.measure(template, both, home, duty.rounds)
    wrong = [line for line in broken if not (gaps and re.search(r": \d+ missing$", line))]
    note = f"a file renamed over another was missing in {gaps} reads, by plain renames too" if gaps else ""
    return Tried(sum(int(str(row[1])) for row in rows), "races", wrong, note)


def count_gaps(home: str) -> int:
    """Replace a file by plain renames while it is read, nothing of lugnut near it; gives how often it was missing."""
    place, new = os.path.join(home, "plain"), os.path.join(home, "plain.new")
    words = [str(number).encode() for number in range(RENAMES)]

    def bring(word: bytes) -> None:
        with open(new, "wb") as file:
            file.write(word)
        os.rename(new, place)

    bring(words[0])
    with Reader(place, words, there=True) as reader:
        for word in words:
            bring(word)
    return reader.seen.missing


# --- one after the other ----------------------------------------------------------------------------------------------


def make_family(directory: str) -> dict[str, list[str]]:
    """Make three distributions in two versions each: they share paths, ship scripts and data, gain and lose files."""
    family: dict[str, list[str]] = {}
    for name in ("aa", "mm", "zz"):
        family[name] = []
        for version in ("1", "2"):
            own = {f"{name}/m{n:02}.py": f"V = {version if n % 2 else 0}\n" * n for n in range(12)}
            files = {
                **own,
                f"{name}/only{version}.py": "",
                "shared/x.py": f"X = {name + version!r}\n" * (3 + len(version)),
                "shared/same.py": "SAME = True\n",
                f"{name}-{version}.data/scripts/{name}-tool": f"#!python\nprint({version!r})\n",
                f"{name}-{version}.data/data/share/{name}/{version}.txt": name,
                f"{name}/tool.sh": "#!/bin/sh\n",
            }
            made = make_wheel(
                os.path.join(directory, "family"), name, version, files,
                executables=[f"{name}/tool.sh"], entry_points=f"[console_scripts]\n{name} = {name}:main\n",
            )  # fmt: skip
            family[name].append(made)
    return family


def live(duty: Duty) -> Tried:
    """Install, upgrade, remove at random; after each the tree is the one that zipfile makes of what is installed."""
    family, rng = make_family(duty.wheels), random.Random(f"{duty.seed} life")
    wrong: list[str] = []
    steps = 0
    with room(duty, "life") as (home, store):
        for umask in UMASKS[: duty.rounds]:
            before = os.umask(umask)
            try:
                place = os.path.join(home, f"{umask:o}")
                os.mkdir(place, 0o755)
                found, made = _live_once(duty, place, store, family, rng)
            finally:
                os.umask(before)
            steps += made
            wrong += [f"umask {umask:03o}: {line}" for line in found]
    return Tried(steps, "steps", wrong)


def _live_once(
    duty: Duty, home: str, store: str, family: dict[str, list[str]], rng: random.Random
) -> tuple[list[str], int]:
    ground = Ground(home, cache=store)
    if duty.volume.dress:
        duty.volume.dress(ground.prefix)
    there: dict[str, str] = {}
    steps = 6 + 2 * duty.rounds
    for number in range(steps):
        name = rng.choice(sorted(family))
        if name in there and rng.random() < 0.4:  # noqa: PLR2004 - more comes than goes
            ran = ground.lugnut("uninstall", name)
            del there[name]
        else:
            there[name] = rng.choice(family[name])
            ran = ground.lugnut("install", *([there[name]] if number else there.values()))
        found = [] if ran.code == 0 else [f"exit {ran.code}: {(ran.err or ran.out).strip()[-300:]}"]
        found += ground.wrongs(list(there.values()))
        if found:
            return [f"step {number}, {name}: {line}" for line in found[:5]], number + 1
        if duty.volume.sink and rng.random() < 0.5:  # noqa: PLR2004 - now in the lower layer, now in both
            duty.volume.sink()
    return [], steps


# --- many at once -----------------------------------------------------------------------------------------------------


def meet(duty: Duty) -> Tried:
    """Eight processes at once in three scenarios of `together.py`; through two paths, half of them by each."""
    scenarios = together.make_scenarios(os.path.join(duty.wheels, "together"))
    wrong, runs = [], 0
    with room(duty, "together") as (home, store):
        for scenario in scenarios:
            if scenario.cold:
                continue
            for number in range(max(1, duty.rounds // 2)):
                place = os.path.join(home, f"{scenario.title}-{number}")
                played = together.play(scenario, CALLERS, place, store, _by_both_paths(duty.volume))
                runs += CALLERS
                wrong += [f"{scenario.title}: {line}" for line in (*played.failures[:3], *played.findings[:5])]
                shutil.rmtree(place)
    return Tried(runs, "runs", wrong)


def _by_both_paths(volume: Volume) -> together.Wrap:
    """Have every other caller know the environment by the volume's other path, if there is one."""
    home, twin = os.path.join(volume.home, ""), os.path.join(volume.twin or volume.home, "")

    def word(number: int, command: list[str]) -> list[str]:
        ours = command.index("--python") + 1
        there = command[ours].replace(home, twin, 1) if number % 2 else command[ours]
        return [*command[:ours], there, *command[ours + 1 :]]

    return word


# --- killed and failed ------------------------------------------------------------------------------------------------


def kill(duty: Duty) -> Tried:
    """SIGKILL at random moments of an install and an upgrade; then the next command, as `kills.py` judges."""
    rng, wrong, count = random.Random(f"{duty.seed} kills"), list[str](), 0
    adopt_orphans()
    try:
        for what in ("install", "upgrade"):
            with room(duty, f"kills-{what}") as (home, store):
                os.symlink(store, os.path.join(home, "cache"))
                fight = fights.prepare(what, home)._replace(sink=duty.volume.sink)
                for number in range(3 * duty.rounds):
                    result = kills.fight_round(fight, KINDS[number % 3], rng)
                    count += 1
                    wrong += [f"{what}: {line}" for line in result.findings[:5]]
                    wrong += [f"{what}: a run outlived its kill"] if result.killed.lingered else []
    finally:
        adopt_orphans(adopting=False)
    return Tried(count, "kills", wrong)


def fail(duty: Duty) -> Tried:
    """Each so manieth call of an upgrade killed, and failed for want of room and for good, as `crash.py` judges."""
    with room(duty, "faults") as (home, store):
        rows = os.path.join(duty.wheels, f"faults-{os.getpid()}")
        command = [sys.executable, os.path.join(HERE, "crash.py"), "--what", "upgrade", "--jobs", "1"]
        command += ["--how", "kill", "--how", "once ENOSPC", "--how", "always EIO", "--store", store]
        command += ["--every", str(max(1, EVERY // duty.rounds)), "--append", rows]
        ran = subprocess.run(
            command, capture_output=True, text=True, check=False, env={**os.environ, "LUGNUT_TOOLS_TMP": home}
        )
        if not os.path.exists(rows):
            return Tried(0, "points", [f"crash.py ended with {ran.returncode}: {ran.stderr[-500:]}"])
        with open(rows, encoding="utf-8") as file:
            lines = [json.loads(line) for line in file]
        os.unlink(rows)
    return Tried(
        sum(line.get("points", 0) for line in lines), "points", [one for line in lines for one in line["wrong"]]
    )


def fill(duty: Duty) -> Tried:
    """Installs and upgrades that find no room: refused, everything as it was, as `obstacles.py` judges."""
    rounds = 2 * duty.rounds
    beside = duty.volume.place("beside")  # wheels and store lie where there is room
    with room(duty, "full") as (home, _):
        _, wrong = obstacles.play(beside, rounds, obstacles.full_disk, os.path.join(home, "venv"))
    return Tried(rounds, "refusals", wrong)


# --- how files come into place ----------------------------------------------------------------------------------------


def find_mode(duty: Duty) -> str:
    """Install one large file and tell whether it is the store's own, shares its blocks, or is a copy."""
    wheel = make_wheel(
        os.path.join(duty.wheels, "mode"), "large", files={"large.bin": random.Random(1).randbytes(1 << 20)}
    )
    with room(duty, "mode") as (home, store):
        ground = Ground(home, cache=store)
        ground.do("install", wheel)
        path = os.path.join(ground.site, "large.bin")
        if os.stat(path).st_nlink > 1:
            return "link"
        os.sync()
        told = subprocess.run(["filefrag", "-v", path], capture_output=True, text=True, check=False).stdout
        return "reflink" if "shared" in told else "copy"
