"""The wheels that a stress test plays with: drawn by a seed, overlapping in every way that installers meet.

A *group* of distributions shares a namespace: `__init__.py` with other bytes in some and the same in others, a file
that is the same in all, one that not every version ships, one whose execute bit differs, data, a script. Groups share
nothing but directories, so that what befalls one says nothing of the other. Paths are spelled `path` below
site-packages, `data:path` and `scripts:name`. Nothing of lugnut is imported.
"""

from __future__ import annotations

import os
import random
import string
from collections.abc import Mapping
from typing import NamedTuple

from serial import Shipped
from wheels import make_wheel

FOREIGN = ("uv", "pip")
"""Whose own names are drawn, too: distributions that nobody else installs."""


class Size(NamedTuple):
    """How large a universe is."""

    groups: int = 4
    members: int = 6
    """Distributions of a group."""
    versions: int = 3


USUAL = Size()


class World(NamedTuple):
    """A universe, and what a text alone does not say of it."""

    universe: Mapping[str, Shipped]
    """By key, which is `name-version`."""
    executables: frozenset[tuple[str, str]]
    """Keys and paths of files with an execute bit."""
    groups: tuple[tuple[str, ...], ...]
    """Names that share paths."""
    own: Mapping[str, tuple[str, ...]]
    """Names that only a foreign installer acts on."""

    def keys_of(self, name: str) -> list[str]:
        """Give a distribution's wheels."""
        return [key for key, one in self.universe.items() if one.name == name]

    @property
    def names(self) -> tuple[str, ...]:
        """Every name but the foreigners' own."""
        return tuple(name for group in self.groups for name in group)


def draw_world(seed: str, size: Size = USUAL, *, disjoint: bool = False) -> World:
    """Draw a universe; a `disjoint` one shares directories and no path."""
    rng = random.Random(f"{seed}/universe")
    universe: dict[str, Shipped] = {}
    executables: set[tuple[str, str]] = set()
    groups: list[tuple[str, ...]] = []
    for group in range(size.groups):
        letters = rng.sample(string.ascii_lowercase, size.members)  # precedence goes by name: no group has one order
        groups.append(tuple(f"{letter}{group}-{rng.choice(string.ascii_lowercase)}" for letter in letters))
        for name in groups[-1]:
            _draw_distribution(rng, universe, name, size.versions)
            if not disjoint:
                _share(rng, universe, executables, (f"ns{group}", name))
    own = {foreign: tuple(f"own-{foreign}-{number}" for number in range(3)) for foreign in FOREIGN}
    for name in (name for names in own.values() for name in names):
        _draw_distribution(rng, universe, name, size.versions)
    return World(universe, frozenset(executables), tuple(groups), own)


def _draw_distribution(rng: random.Random, universe: dict[str, Shipped], name: str, versions: int) -> None:
    """Draw what is a distribution's alone: modules that change and that stay, one for a version, data, a script."""
    module = name.replace("-", "_")
    count = rng.choice((2, 3, 4, 6, 40))
    changing = [rng.random() < 1 / 2 for _ in range(count)]
    for version in map(str, range(1, versions + 1)):
        files = {f"{module}/__init__.py": f"VERSION = {version!r}\n", f"{module}/deep/er/x.py": f"NAME = {name!r}\n"}
        for number, changes in enumerate(changing):
            files[f"{module}/m{number:02}.py"] = f"# {name} {version if changes else ''}\n" * (number + 1)
        files[f"{module}/only{version}.py"] = f"ONLY = {version!r}\n"
        if not name.startswith("own-pip"):  # pip renames a directory away once all in it is its own: TRAPS 14
            files[f"ns0/{module}/x.py"] = f"NAME = {name!r}\n"
            files[f"data:share/ns0/{module}.txt"] = f"{name} {version}\n"
        files[f"scripts:{module}-tool"] = f"#!python\nprint({version!r})\n"
        universe[f"{name}-{version}"] = Shipped(name, version, files)


def _share(
    rng: random.Random, universe: dict[str, Shipped], executables: set[tuple[str, str]], who: tuple[str, str]
) -> None:
    """Add what a distribution's versions share with others of its group."""
    space, name = who
    says_its_name = rng.random() < 1 / 2
    for key in [key for key, one in universe.items() if one.name == name]:
        one = universe[key]
        shared = {
            f"{space}/__init__.py": f"# {name}\n" * (1 + ord(name[0]) % 7) if says_its_name else "# a namespace\n",
            f"{space}/same.py": "SAME = True\n",
            f"{space}/run.py": "#!/bin/sh\n",
        }
        if rng.random() < 2 / 3:
            shared[f"{space}/inner/owner.py"] = f"OWNER = {key!r}\n" * rng.randint(1, 9)
        if rng.random() < 1 / 2:
            shared[f"data:share/{space}/common.txt"] = f"{name}\n"
        if rng.random() < 1 / 2:
            shared[f"scripts:{space}-tool"] = f"#!/bin/sh\necho {key}\n"
        if rng.random() < 1 / 2:
            executables.add((key, f"{space}/run.py"))
        universe[key] = one._replace(files={**one.files, **shared})


# --- on disk ----------------------------------------------------------------------------------------------------------


def make_wheels(world: World, directory: str) -> dict[str, str]:
    """Write every wheel; gives paths by key."""
    made = {}
    for key, one in world.universe.items():
        spelled = {path: spell(one, path) for path in one.files}
        scripts = {spelled[path] for path in one.files if path.startswith("scripts:")}
        marked = {spelled[path] for path in one.files if (key, path) in world.executables}
        files = {spelled[path]: text for path, text in one.files.items()}
        made[key] = make_wheel(os.path.abspath(directory), one.name, one.version, files, executables=scripts | marked)
    return made


def spell(one: Shipped, path: str) -> str:
    """Give a path as the archive has it."""
    scheme, colon, rest = path.partition(":")
    return f"{one.name.replace('-', '_')}-{one.version}.data/{scheme}/{rest}" if colon else path
