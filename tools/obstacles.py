"""What the file system refuses: exit 1, one sentence, the environment byte for byte as it was. Needs root.

Given to `shown.py`: each function meets one obstacle so many times, at a random place, in fresh installs and upgrades
in turn, and gives its figures and what was wrong. After each the obstacle is taken away, and the same run must succeed.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import NamedTuple

from ground import CannotBeShownError, Ground
from oracle import check_environment
from programs import Ran
from trees import differences
from wheels import make_wheel

Figures = tuple[str, list[str]]
PAD = "# pad\n" * 200
BLOCK = 4096


class Course(NamedTuple):
    """A run that is to be refused: the ground it is on, what was installed before, and what it installs."""

    ground: Ground
    before: list[str]
    wheel: str
    changed: list[str]
    """The paths in site-packages that it brings or changes."""


Obstacle = Callable[[Course, random.Random], AbstractContextManager[None]]
"""Puts something in the way of a run and takes it away at the end."""


def make_course(ground: Ground, number: int) -> Course:
    """Make a fresh install (even) or an upgrade (odd) of one distribution beside another."""
    links = os.path.join(ground.home, "wheels")
    first, second = (
        {f"pkg/d{n % 3}/m{n:02}.py": f"V = {version}\n{PAD}" for n in range(30)} | {"pkg/same.py": PAD}
        for version in (1, 2)
    )
    beside = make_wheel(links, "beside", files={"pkg/beside.py": "B = 1\n", "other/x.py": "X = 1\n"})
    one, two = make_wheel(links, "pkg", "1.0", first), make_wheel(links, "pkg", "2.0", second)
    changed = [path for path in first if path != "pkg/same.py"]
    return Course(ground, [beside, one], two, changed) if number % 2 else Course(ground, [beside], one, changed)


@contextlib.contextmanager
def full_disk(course: Course, rng: random.Random) -> Iterator[None]:
    """Leave too little room for what is to come."""
    if sys.platform == "win32":
        raise NotImplementedError("campaigns run on POSIX")
    directory = os.path.dirname(course.ground.prefix)
    os.sync()  # btrfs gives back what was removed only then
    room, left = os.statvfs(directory), rng.randrange(16)
    hog = os.path.join(directory, "hog")
    with contextlib.suppress(OSError), open(hog, "wb", buffering=0) as file:
        file.writelines(b"\0" * room.f_frsize for _ in range(max(0, room.f_bavail - left * BLOCK // room.f_frsize)))
    yield
    os.unlink(hog)


@contextlib.contextmanager
def immutable_file(course: Course, rng: random.Random) -> Iterator[None]:
    """Make a file immutable that is to be changed, or, where there is none yet, put one there that is."""
    path = os.path.join(course.ground.site, rng.choice(course.changed))
    was_there = os.path.exists(path)
    if not was_there:
        put(path)
    privileged("chattr", "+i", path)
    try:
        yield
    finally:
        subprocess.run(["chattr", "-i", path], check=True)
        if not was_there:
            take(course, path)


@contextlib.contextmanager
def directory_for_file(course: Course, rng: random.Random) -> Iterator[None]:
    """Put a directory with a user's file where a file goes."""
    path = os.path.join(course.ground.site, rng.choice(course.changed))
    old = f"{course.ground.home}/away"
    if os.path.exists(path):
        os.rename(path, old)
    put(os.path.join(path, "precious.txt"))
    yield
    os.unlink(os.path.join(path, "precious.txt"))
    take(course, os.path.join(path, "precious.txt"))
    if os.path.exists(old):
        os.rename(old, path)


@contextlib.contextmanager
def file_for_directory(course: Course, rng: random.Random) -> Iterator[None]:
    """Put a user's file where a directory goes; an installed one is put away for as long."""
    path = os.path.join(course.ground.site, os.path.dirname(rng.choice(course.changed)))
    old = f"{course.ground.home}/away"
    if os.path.exists(path):
        os.rename(path, old)
    put(path)
    yield
    take(course, path)
    if os.path.exists(old):
        os.rename(old, path)


def privileged(*command: str) -> None:
    """Run what only root can, and not on every file system; raises CannotBeShownError."""
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        raise CannotBeShownError(f"{' '.join(command)}: {getattr(error, 'stderr', '') or error}") from error


def put(path: str) -> None:
    """Write a user's file."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write("mine\n")


def take(course: Course, path: str) -> None:
    """Remove what was put there, and the directories that are empty without it."""
    if os.path.lexists(path):
        os.unlink(path)
    with contextlib.suppress(OSError):
        while (path := os.path.dirname(path)) != course.ground.site:
            os.rmdir(path)


def meet(course: Course, obstacle: Obstacle, rng: random.Random) -> list[str]:
    """Run against an obstacle, then without it; give what was wrong."""
    ground = course.ground
    ground.anew()
    ground.do("install", "--link-mode", "copy", *course.before)
    whole = ground.tree()
    with obstacle(course, rng):
        before = ground.tree()
        ran = ground.lugnut("install", "--link-mode", "copy", course.wheel)
        wrong = [f"not as it was: {line}" for line in differences(before, ground.tree())] + refusal(ran)
    wrong += [f"without it: {line}" for line in differences(whole, ground.tree()) + check_environment(ground.site)]
    ground.do("install", "--link-mode", "copy", course.wheel)
    return wrong + ground.wrongs([course.before[0], course.wheel])


def refusal(ran: Ran) -> list[str]:
    """Say how an answer is not a refusal in one sentence, with a hint at most."""
    words = [line.partition(":")[0] for line in ran.err.splitlines()]
    is_one = words in (["error"], ["error", "hint"]) and not ran.out and "Traceback" not in ran.err
    return [] if ran.code == 1 and is_one else [f"exit {ran.code}: {(ran.out + ran.err)[-400:]}"]


def fill_disk(home: str, rounds: int) -> Figures:
    """Meet a full disk: the environment has a small file system of its own."""
    place = os.path.join(home, "small")
    os.mkdir(place)
    privileged("mount", "-t", "tmpfs", "-o", "size=8m,mode=755", "tmpfs", place)
    try:
        return play(home, rounds, full_disk, os.path.join(place, "venv"))
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def play(home: str, rounds: int, obstacle: Obstacle, prefix: str | None = None) -> Figures:
    """Meet one obstacle again and again."""
    ground = Ground(home, prefix=prefix)
    rng = random.Random(obstacle.__name__)
    refused, wrong = 0, []
    for number in range(rounds):
        course = make_course(ground, number)
        found = meet(course, obstacle, rng)
        wrong += [f"round {number}: {line}" for line in found[:10]]
        refused += not found
        if prefix:  # the file system is small
            for name in os.listdir(os.path.dirname(prefix)):
                shutil.rmtree(os.path.join(os.path.dirname(prefix), name))
            ground.make()
    return f"exit 1, one sentence, byte for byte as it was: {refused} of {rounds}", wrong
