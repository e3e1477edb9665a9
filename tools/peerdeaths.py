"""The same deaths for any installer: its group killed at every call on the environment, then the same command again.

Other installers have no recovery, so the next command is the one that was killed. What stands there afterwards has to
be what the wheels say (tools/trees.py, by zipfile) and whole to tools/oracle.py. In their favour, nothing is judged of
the one path that the wheels share, nor what an unkilled run leaves as well, nor what they write into a dist-info beside
the wheel's own; the directory that leads to that path may stay, and pip's leavings (`~z`) are litter, whatever they
say of themselves.

The preload counts the calls of all threads and processes as one. It sees what goes through the C library; calls that a
program makes by itself (uv makes some renames so) are not counted, but those around them are.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("campaigns run on POSIX")

import os
import struct
import subprocess
from collections.abc import Sequence
from typing import NamedTuple

import peers
from killing import adopt_orphans, reap
from operations import make_universe
from oracle import check_environment
from points import Share
from programs import clean_environ, make_venv
from restoring import Kept
from striking import Score
from trees import Tree, differences, read_tree, reference_tree, site_packages, without_generated

RECORDINGS = 3
OF = ": "
"""Stands between an installer and what it is asked for."""
SHARED = "s/x.py"
AFRESH = {"pip": "--force-reinstall"}
"""How an installer is told to install again what is there; the others know --reinstall."""
WHOLE, LITTER, SILENT, TOLD = "whole", "litter", "corrupt, exit 0", "corrupt, error"
"""What the command again comes to; litter is nothing but files and directories too many."""
REMAINS = (": unexpected", ": no RECORD names it", ": an empty directory", ": a temporary name")
_SHARED_STRUCT = struct.Struct("=iiq")


class Deed(NamedTuple):
    """What an installer is asked for: the wheels that stand there, the words' key, and the wheels afterwards."""

    before: Sequence[str]
    act: str
    acted: Sequence[str]
    after: Sequence[str]


_ALL = ("aa1", "mm1", "zz1")
DEEDS = {
    "install": Deed((), "install", _ALL, _ALL),
    "upgrade": Deed(_ALL, "install", ("mm2", "zz2"), ("aa1", "mm2", "zz2")),
    "uninstall": Deed(_ALL, "uninstall", ("mm", "zz"), ("aa1",)),
    "reinstall": Deed(_ALL, "reinstall", _ALL, _ALL),
}


class Ground:
    """An installer, its environment and cache, one deed, and what is right before and after it."""

    def __init__(self, root: str, peer: peers.Peer, deed: Deed) -> None:
        """Bring about what stands there before; raises RuntimeError where an unkilled run does not work."""
        self.prefix, self.cache, self.shared = (os.path.join(root, name) for name in ("venv", "cache", "shared"))
        self.environ = clean_environ(root)
        self.peer, self.deed = peer, deed
        python = make_venv(self.prefix)
        self.empty = read_tree(self.prefix)
        self.fields = {"python": python, "prefix": self.prefix, "cache": self.cache, "link_mode": "hardlink"}
        os.mkdir(self.cache)
        self.made = make_universe(os.path.join(root, "wheels"))
        self.forgiven: set[str] = set()
        adopt_orphans()
        self.old, self.new = self._expect(deed.before), self._expect(deed.after)
        self.command = self._words(deed.act, deed.acted)
        if deed.before:
            self._must(self._words("install", deed.before))
        empty = self._keep(root, "begun")
        self._must(self.command)  # fills the cache
        empty.put_back()
        self.base = self._keep(root, "base")
        self.calls = max(self._count() for _ in range(RECORDINGS))
        self.forgiven = set(self.judge(self.new))

    def _keep(self, root: str, name: str) -> Kept:
        return Kept([self.prefix] if name == "begun" else [self.prefix, self.cache], os.path.join(root, name))

    def _expect(self, keys: Sequence[str]) -> Tree:
        return {**self.empty, **reference_tree([self.made[key] for key in keys], self.prefix)}

    def _words(self, act: str, acted: Sequence[str]) -> list[str]:
        if act == "uninstall":
            return peers.command(self.peer.uninstall, self.fields, names=acted)
        words = peers.command(self.peer.install, self.fields, wheels=[self.made[key] for key in acted])
        return words + [AFRESH.get(self.peer.name, "--reinstall")] * (act == "reinstall")

    def _must(self, command: Sequence[str]) -> None:
        code, said = self.run(command)
        if code:
            raise RuntimeError(f"{self.peer.name} ended with {code}: {said[-2000:]}")

    def _count(self) -> int:
        self.base.put_back()
        self._must(self.command)
        return int(_SHARED_STRUCT.unpack(self._read_shared())[2])

    def _read_shared(self) -> bytes:
        with open(self.shared, "rb") as file:
            return file.read(_SHARED_STRUCT.size)

    def run(self, command: Sequence[str], call: int = 0) -> tuple[int, str]:
        """Run it, all of it killed before a call where one is given; gives its exit code and what it said."""
        with open(self.shared, "wb") as file:
            file.write(bytes(_SHARED_STRUCT.size))
        armed = {"CRASH_ROOT": self.prefix, "CRASH_SHARED": self.shared, "CRASH_CALL": str(call)}
        with open(f"{self.shared}-out", "w+b") as out:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
                env={**self.environ, **armed},
            )  # fmt: skip
            reap(process)
            out.seek(0)
            return process.returncode, out.read().decode(errors="replace")

    def judge(self, wanted: Tree) -> list[str]:
        """Find what is wrong with what stands there, but for what is forgiven."""
        tree = without_generated(read_tree(self.prefix))
        found = differences(wanted, tree) + check_environment(site_packages(self.prefix))
        return [line for line in found if not _is_shared(line) and line not in self.forgiven]

    def strike(self, call: int, score: Score) -> None:
        """Kill it at a call, run the same command again, and judge."""
        self.base.put_back()
        self.run(self.command, call)
        if not _SHARED_STRUCT.unpack(self._read_shared())[1]:
            score.count["missed"] += 1
            return
        first = "old" if not self.judge(self.old) else "new" if not self.judge(self.new) else "neither"
        code, said = self.run(self.command)
        found = self.judge(self.new)
        end = classify(found, code)
        score.count[end] += 1
        what = f"{self.peer.name} at call {call}: {first}, then exit {code}"
        score.note(f"{what}: {said.strip()[-200:]}", first, found if end in {SILENT, TOLD} else [])


def classify(found: Sequence[str], code: int) -> str:
    """Say what the command again came to."""
    if all(line.endswith(REMAINS) or line.startswith("~") or ", ~" in line for line in found):
        return LITTER if found else WHOLE
    return TOLD if code else SILENT


def _is_shared(line: str) -> bool:
    path = line.partition(":")[0]
    return path.endswith((SHARED, f"/{os.path.dirname(SHARED)}")) or path == os.path.dirname(SHARED)


def list_names(installers: Sequence[str]) -> list[str]:
    """Give who does what, as `uv: upgrade`."""
    return [f"{installer}{OF}{deed}" for installer in installers for deed in DEEDS]


def play(root: str, name: str, share: Share, score: Score) -> None:
    """Kill an installer at every call of a share."""
    installer, _, deed = name.partition(OF)
    ground = Ground(root, peers.BUILT_IN[installer], DEEDS[deed])
    for call in range(1, ground.calls + 1):
        if share.takes(0, call):
            ground.strike(call, score)
