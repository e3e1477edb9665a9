"""Where contestants meet: directories, environments, caches filled beforehand, and the process that starts them.

Everything here happens outside the timing. Nothing is deleted before the end: deleting many files makes ext4 slow at
creating inodes for minutes (TRAPS 29), so every run has an environment of its own, and every cold run a cache.
"""

from __future__ import annotations

import os
import sys
import zipfile
from collections.abc import Sequence
from typing import NamedTuple

from measuring import Starter
from oracle import check_environment
from peers import Peer, command
from programs import clean_environ, make_venv
from trees import normalise, site_packages
from workloads import Places, Workload, bump, find_workload

TOOLS = os.path.dirname(os.path.abspath(__file__))


class Rules(NamedTuple):
    """What holds for all cases of a campaign."""

    peers: Sequence[Peer]
    link_mode: str
    places: Places
    given: Workload | None = None
    """Wheels of a directory that the user named, in place of all workloads."""


class Arena:
    """One campaign's ground, below one directory."""

    def __init__(self, home: str, rules: Rules, starter: Starter) -> None:
        """Begin with nothing."""
        self.home = home
        self.rules = rules
        self.starter = starter
        self.environ = clean_environ(home)
        self._workloads: dict[str, Workload] = {}
        self._caches: dict[tuple[str, str, str], str] = {}
        self._trees: dict[str, list[str]] = {}
        self._bumped: dict[str, str] = {}

    # --- wheels ---

    def workload(self, name: str) -> Workload:
        """Give a workload; raises NotAtHandError."""
        if name not in self._workloads:
            self._workloads[name] = self.rules.given or find_workload(name, self.rules.places)
        return self._workloads[name]

    def unpacked(self, load: Workload) -> list[str]:
        """Give each wheel's unpacked tree, by zipfile: what the warm floor copies."""
        if load.name not in self._trees:
            trees = []
            for number, wheel in enumerate(load.wheels):
                tree = os.path.join(self.home, "unpacked", load.name, f"{number:04}")
                with zipfile.ZipFile(wheel) as archive:
                    archive.extractall(tree)
                trees.append(tree)
            self._trees[load.name] = trees
        return self._trees[load.name]

    def upgraded(self, load: Workload) -> str:
        """Give a later version of the workload's wheel of middle size, made here."""
        if load.name not in self._bumped:
            middle = sorted(load.wheels, key=lambda wheel: (os.path.getsize(wheel), wheel))[len(load.wheels) // 2]
            self._bumped[load.name] = bump(middle, os.path.join(self.home, "later", load.name))
        return self._bumped[load.name]

    def read_through(self, load: Workload) -> None:
        """Bring the wheels into the page cache, for everybody alike."""
        for wheel in load.wheels:
            with open(wheel, "rb", buffering=0) as file:
                while file.read(1 << 22):
                    pass

    # --- environments and caches ---

    def environment(self, *words: object) -> str:
        """Make a fresh environment; the words make its name."""
        prefix = os.path.join(self.home, *map(str, words))
        make_venv(prefix)
        return prefix

    def install(self, peer: Peer, wheels: Sequence[str], prefix: str, cache: str) -> list[str]:
        """Make the command that installs."""
        return command(peer.install, self.fields(prefix, cache), wheels=wheels)

    def fields(self, prefix: str, cache: str) -> dict[str, str]:
        """Give the fields of a template."""
        python = os.path.join(prefix, "bin", "python")
        return {"python": python, "prefix": prefix, "cache": cache, "link_mode": self.rules.link_mode}

    def filled(self, peer: Peer, load: Workload, kind: str = "") -> str:
        """Give the cache that has a workload already; the `kind` compiled has its bytecode too, if that is kept."""
        key = (peer.name, load.name, kind)
        if key not in self._caches:
            self._caches[key] = self.fill(peer, load, kind)
        return self._caches[key]

    def fill(self, peer: Peer, load: Workload, kind: str) -> str:
        """Fill a new cache by two installs, the second warm: what an installer remembers only then is there, too."""
        name = "-".join(filter(None, (peer.name, load.name, kind)))
        cache = os.path.join(self.home, "cache", name)
        template = peer.compile if kind == "compiled" else peer.install
        for time in (1, 2):
            prefix = self.environment("filling", f"{name}-{time}")
            self.do(command(template, self.fields(prefix, cache), wheels=load.wheels))
        return cache

    def do(self, words: Sequence[str]) -> None:
        """Run a command that prepares something; raises FailedError."""
        self.starter.run([words], self.environ)


def judge(prefix: str, names: Sequence[str], *, ours: bool) -> list[str]:
    """Find what is wrong with an environment: by the oracle where lugnut made it, by what is installed for all."""
    site = site_packages(prefix)
    there = {normalise(one.partition("-")[0]) for one in os.listdir(site) if one.endswith(".dist-info")}
    found = [f"{name} is missing" for name in names if name not in there]
    found += [f"{name} should not be there" for name in sorted(there - set(names))]
    return found + (check_environment(site) if ours else [])


def tool(program: str, *words: str) -> list[str]:
    """Make the command of a small program of tools/, by the running interpreter and without site."""
    return [sys.executable, "-I", "-S", os.path.join(TOOLS, program), *words]
