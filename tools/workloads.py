"""The sets of wheels that bench.py installs.

W1 to W3 are real ones, pinned in tools/workloads/, fetched once by pip or taken from a directory that has them; a wheel
of torch joins W3 where one lies there. W4 and W5 are made, as W0 is, which is small enough for every change; N and F
are for growth, in the number of wheels and of files. What is made is kept, and its files are text as code is: it
compresses, it differs in each file, and it can be byte-compiled.
"""

from __future__ import annotations

import glob
import os
import random
import shutil
import subprocess
import sys
import time
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from trees import normalise
from wheels import Member, make_wheel, with_record, write_archive

LISTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "workloads")
REAL = ("W1", "W2", "W3")
GRAIN = 2.1
"""Seconds after which lugnut trusts a file's times (its index): wheels must be older than that when they are used."""
WORDS = (
    "anchor", "answer", "bolt", "bracket", "chain", "clamp", "cover", "cutter", "drive", "driver", "fixture", "flange",
    "frame", "gasket", "gauge", "gear", "handle", "hinge", "joint", "key", "lever", "link", "lock", "nut", "pin",
    "plate", "pulley", "ring", "rivet", "rod", "screw", "seal", "shaft", "sleeve", "spring", "stud", "tap", "thread",
    "tool", "torque", "valve", "vice", "washer", "wedge", "wheel", "wrench", "yoke",
)  # fmt: skip


class NotAtHandError(Exception):
    """Wheels that a case needs are not there and cannot be had."""


class Workload(NamedTuple):
    """Wheels to install, in sorted order of their paths."""

    name: str
    wheels: list[str]
    files: int
    """Members of all the archives."""
    size: int
    """Bytes of these, unpacked."""

    @property
    def names(self) -> list[str]:
        """Normalised names of the distributions, in the wheels' order."""
        return [name_of(wheel) for wheel in self.wheels]

    def __str__(self) -> str:
        return f"{self.name}: {len(self.wheels)} wheels, {self.files} files, {self.size / 1e6:.0f} MB unpacked"


class Places(NamedTuple):
    """Where wheels may lie."""

    kept: str
    """What was fetched or made before, by workload."""
    given: str | None = None
    """A directory that has w1/, w2/ or w3/ already."""


class Recipe(NamedTuple):
    """How wheels are made: so many, of so many files each."""

    wheels: int
    files: int
    shared: bool = False
    """All of them in one namespace, without `__init__.py`; one file in twenty lies in it directly."""


MADE = {
    "W0": Recipe(20, 50),
    "W4": Recipe(50, 1000),
    "W5": Recipe(50, 1000, shared=True),
    "N10": Recipe(10, 10),
    "N100": Recipe(100, 10),
    "N1000": Recipe(1000, 10),
    "F1k": Recipe(10, 100),
    "F10k": Recipe(10, 1000),
    "F100k": Recipe(10, 10_000),
}


def name_of(wheel: str) -> str:
    """Give the normalised name of a wheel's distribution."""
    return normalise(os.path.basename(wheel).partition("-")[0])


def find_workload(name: str, places: Places) -> Workload:
    """Find, fetch or make a workload; raises NotAtHandError."""
    if name in MADE:
        return make_workload(name, make_kept(places.kept, MADE[name]))
    for directory in (os.path.join(one, name.lower()) for one in (places.given, places.kept) if one):
        found = glob.glob(os.path.join(directory, "*.whl"))
        if found and (directory.startswith(f"{places.given}{os.sep}") or not missing_pins(name, found)):
            return make_workload(name, found)
    return make_workload(name, fetch(name, os.path.join(places.kept, name.lower())))


def make_workload(name: str, wheels: Sequence[str]) -> Workload:
    """Look into the wheels."""
    files = size = 0
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            members = [info for info in archive.infolist() if not info.is_dir()]
            files, size = files + len(members), size + sum(info.file_size for info in members)
    return Workload(name, sorted(os.path.abspath(wheel) for wheel in wheels), files, size)


# --- real ones --------------------------------------------------------------------------------------------------------


def read_pins(name: str) -> list[str]:
    """Give the `name==version` lines of a workload's list."""
    with open(os.path.join(LISTS, f"{name.lower()}.txt"), encoding="utf-8") as file:
        return file.read().split()


def missing_pins(name: str, wheels: Sequence[str]) -> list[str]:
    """Give the pins that no wheel answers."""
    there = {"==".join(os.path.basename(wheel).split("-")[:2]).lower().replace("_", "-") for wheel in wheels}
    return [pin for pin in read_pins(name) if pin.lower().replace("_", "-") not in there]


def fetch(name: str, directory: str) -> list[str]:
    """Have pip bring a workload's wheels; raises NotAtHandError where it cannot."""
    print(f"fetching {len(read_pins(name))} wheels of {name} into {directory}", file=sys.stderr, flush=True)
    listed = os.path.join(LISTS, f"{name.lower()}.txt")
    words = ["download", "-qq", "--no-deps", "--only-binary", ":all:", "-r", listed, "-d", directory]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", *words],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    found = glob.glob(os.path.join(directory, "*.whl"))
    if done.returncode != 0 or missing_pins(name, found):
        said = next((line for line in reversed(done.stderr.splitlines()) if line.startswith("ERROR")), "").strip()
        raise NotAtHandError(
            f"{name}'s wheels cannot be fetched here ({said or f'pip ended with {done.returncode}'}): "
            f"name a directory that has them in {name.lower()}/ with --from"
        )
    time.sleep(GRAIN)
    return found


# --- made ones --------------------------------------------------------------------------------------------------------


def make_kept(kept: str, recipe: Recipe) -> list[str]:
    """Make wheels by a recipe, unless they were made before."""
    directory = os.path.join(kept, f"made-{recipe.wheels}x{recipe.files}{'-shared' if recipe.shared else ''}")
    if not os.path.isdir(directory):
        new = f"{directory}.new"
        shutil.rmtree(new, ignore_errors=True)
        for number in range(recipe.wheels):
            name = f"bench_{number:04}"
            make_wheel(new, name, "1.0", dict(write_files(name, recipe)))
        os.rename(new, directory)
        time.sleep(GRAIN)
    return glob.glob(os.path.join(directory, "*.whl"))


def write_files(name: str, recipe: Recipe) -> Iterator[tuple[str, str]]:
    """Give the files of one made wheel: modules of half a kilobyte to four, fifty to a directory."""
    chance = random.Random(name)
    lines = [write_line(chance) for _ in range(800)]
    top = f"bench_shared/{name}" if recipe.shared else name
    count = 0
    if not recipe.shared:
        yield f"{top}/__init__.py", f'"""{name}, made to be installed."""\n'
        count = 1
    for number in range(count, recipe.files):
        text = f"NUMBER = {number}\n" + "".join(chance.choices(lines, k=chance.randint(16, 110)))
        if recipe.shared and number % 20 == 0:
            yield f"bench_shared/{name}_{number:04}.py", text
        else:
            yield f"{top}/part{number // 50:02}/module{number:04}.py", text


def write_line(chance: random.Random) -> str:
    """Write one line of code that does little."""
    first, second, third = chance.choices(WORDS, k=3)
    number = chance.randrange(10_000)
    return chance.choice(
        (
            f"{first}_{second} = {number}\n",
            f"# the {first} turns the {second} before the {third}\n",
            f"def {first}_{number}({second}): return {second}, {number!r}\n",
            f"{first.upper()}_{number} = ({second!r}, {third!r}, {number})\n",
            f"{first}s = [{number}, {number + 1}, {second!r}]\n",
        )
    )


# --- another version --------------------------------------------------------------------------------------------------


def bump(wheel: str, directory: str) -> str:
    """Rewrite a wheel as a later version of itself, every second module of it changed; gives its path."""
    name, version, *tags = os.path.basename(wheel).split("-")
    later = f"{version}.post1"
    with zipfile.ZipFile(wheel) as archive:
        members = [
            Member(info.filename, archive.read(info), info.external_attr >> 16 or 0o100644)
            for info in archive.infolist()
            if not info.is_dir() and not info.filename.endswith(".dist-info/RECORD")
        ]
    old = next(member.name for member in members if member.name.endswith(".dist-info/METADATA")).split("/")[0]
    stem, new = old.removesuffix(".dist-info"), f"{old.split('-')[0]}-{later}"
    changed = [change(rename(member, stem, new), version, later) for member in members]
    os.makedirs(directory, exist_ok=True)
    path = os.path.join(directory, "-".join((name, later, *tags)))
    write_archive(path, with_record(changed, f"{new}.dist-info/RECORD"))
    time.sleep(GRAIN)
    return path


def rename(member: Member, stem: str, new: str) -> Member:
    """Put a member of dist-info or data directory under another version's."""
    top, slash, rest = member.name.partition("/")
    if top in {f"{stem}.dist-info", f"{stem}.data"}:
        return member._replace(name=new + top.removeprefix(stem) + slash + rest)
    return member


def change(member: Member, version: str, later: str) -> Member:
    """Give a member as the later version has it."""
    if member.name.endswith(".dist-info/METADATA"):
        lines = f"\nVersion: {version}", f"\nVersion: {later}"
        return member._replace(data=member.data.replace(lines[0].encode(), lines[1].encode(), 1))
    if member.name.endswith(".py") and zlib.crc32(member.name.encode()) % 2:
        return member._replace(data=member.data + b"\n# changed\n")
    return member
