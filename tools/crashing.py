"""Runs of lugnut with a preload that kills or fails them at a chosen call: the universe, the environment, the run."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("campaigns run on POSIX")

import ctypes
import errno
import os
import shutil
import signal
from collections.abc import Sequence
from typing import NamedTuple

from lugnut import change, check, engine, library  # noqa: F401 - all that a run would import: forks start warm
from lugnut.cli.main import main as main_of_lugnut
from programs import clean_environ, make_venv
from trees import Tree, read_tree
from wheels import make_wheel

HOWS = {"kill": 1, "group": 2, "once": 3, "always": 4}
LOOK, CHANGE, OPEN, ROOM, LOCK, BYTES = 1, 2, 4, 8, 16, 32
"""Kinds of calls, as crash.c has them."""
PATIENCE = 60
"""Seconds until a run that hangs is ended by its own alarm."""
BUG, HUNG = 99, -signal.SIGALRM


class Operation(NamedTuple):
    """What is brought about in an environment: the commands before, the one that is stopped."""

    before: Sequence[Sequence[str]]
    command: Sequence[str]
    cut: int | None = None
    """The last command before is killed so many calls of its coordinator after the commit; negative is before."""
    cold: bool = False
    """The store is empty."""


class Point(NamedTuple):
    """One call: of which process, its number, what it is, of which kind, and about which path."""

    process: int
    call: int
    function: str
    kind: int
    path: str

    def __str__(self) -> str:
        return f"{self.process}:{self.call} {self.function} {self.path}"


class Armed(NamedTuple):
    """What is to happen at a point."""

    how: str
    point: tuple[int, int]
    error: str = ""


_FAILING = {
    "ENOSPC": ROOM, "EDQUOT": ROOM, "EMFILE": OPEN, "EROFS": CHANGE, "ENOLCK": LOCK, "EINTR": OPEN | LOCK | BYTES
}  # fmt: skip


def can_fail(kind: int, error: str) -> bool:
    """Say whether a call of a kind may give an error, as crash.c has it; EIO and ESTALE any may."""
    if error == "EACCES":
        return not kind & (BYTES | LOCK)
    return bool(kind & _FAILING.get(error, kind))


# --- the universe -----------------------------------------------------------------------------------------------------


def make_universe(directory: str) -> dict[str, str]:
    """Make three wheels of at most four files that share a path, later versions of two, and a file to sync to."""
    shipped = {
        "aa1": ("aa", "1", {"s/x.py": "X = 'aa'\n", "aa/m.py": "M = 1\n", "aa/n.py": "N = 1\n"}),
        "mm1": ("mm", "1", {"s/x.py": "X = 'mm'\n", "mm.py": "M = 1\n", "mm-1.data/scripts/mm": "#!python\n"}),
        "zz1": ("zz", "1", {"s/x.py": "X = 'zz'\n", "zz/m.py": "M = 1\n", "zz/gone.py": "G = 1\n"}),
        "mm1b": ("mm", "1", {"s/x.py": "X = 'mm b'\n", "mm.py": "M = 1\n", "mm/more.py": "M = 1\n"}),
        "mm2": ("mm", "2", {"s/x.py": "X = 'mm 2'\n", "mm/__init__.py": "M = 2\n"}),
        "zz2": ("zz", "2", {"s/x.py": "X = 'zz 2'\n", "zz/m.py": "M = 2\n", "zz/new.py": "N = 1\n"}),
    }
    made = {key: make_wheel(os.path.join(directory, key), *words) for key, words in shipped.items()}
    with open(os.path.join(directory, "wanted.txt"), "w", encoding="utf-8") as file:
        file.write(f"{made['aa1']}\n{made['zz2']}\n")
    return {**made, "wanted": file.name}


_ALL = ["install", "{aa1}", "{mm1}", "{zz1}"]
_UPGRADE = ["install", "{mm2}", "{zz2}"]
OPERATIONS = {
    "install": Operation([], _ALL, cold=True),
    "install-warm": Operation([], _ALL),
    "upgrade": Operation([_ALL], _UPGRADE),
    "rebuild": Operation([_ALL], ["install", "{mm1b}"]),
    "uninstall": Operation([_ALL], ["uninstall", "mm", "zz"]),
    "sync": Operation([_ALL], ["sync", "{wanted}"]),
    "conflict": Operation([["install", "{zz1}"]], ["install", "--overlay", "aa", "{aa1}"]),
    "compile": Operation([[*_ALL, "--compile-bytecode"]], [*_UPGRADE, "--compile-bytecode"]),
    "durable": Operation([_ALL], [*_UPGRADE, "--durable"]),
    "recover-open": Operation([_ALL, _UPGRADE], ["recover"], cut=0),
    "recover-committed": Operation([_ALL, _UPGRADE], ["recover"], cut=20),
}
"""Every operation by name; braces stand for paths of the universe."""


# --- one environment, and runs in it ----------------------------------------------------------------------------------


class Ended(NamedTuple):
    """How a run ended: the exit code, negative for a signal, and what it said."""

    code: int
    said: str


class Field:
    """One operation's environment and store, put back before every run."""

    def __init__(self, root: str, name: str, store: str = "") -> None:
        """Bring about what is there before the operation; raises RuntimeError where that does not work.

        The store lies in the directory `store`, or else beside the environment.
        """
        self.root = os.path.realpath(root)
        self.name = name
        self.prefix = os.path.join(self.root, "venv")
        self.cache = os.path.join(os.path.realpath(store or root), "cache")
        self.base = os.path.join(self.root, "base")
        self.python = make_venv(self.prefix)
        os.environ.clear()
        os.environ.update(clean_environ(self.root))
        os.mkdir(self.cache)
        self.made = make_universe(os.path.join(self.root, "wheels"))
        self.operation = OPERATIONS[name]
        self._bring_about()
        self.old = self.tree()
        self.points = self._count()
        self.new = self.tree()
        if self.operation.cut is not None:  # of a command that was cut, the old is what was before it
            self._find_ends()

    def _bring_about(self) -> None:
        before = list(self.operation.before)
        cut = None if self.operation.cut is None else before.pop()
        for command in before:
            self._must(command)
        if not self.operation.cold:  # an environment of its own fills the store
            shutil.copytree(self.prefix, self.prefix + "-kept", symlinks=True)
            self._must(self.operation.command if cut is None else cut)
            shutil.rmtree(self.prefix)
            os.rename(self.prefix + "-kept", self.prefix)
        self.first = self.tree()
        if cut is not None:
            self.keep()
            (commit,) = (
                one for one in self.record(cut) if one.function == "rename" and one.path.endswith("/committed")
            )
            self.second = self.tree()
            self.restore()
            self.run(cut, Armed("group", (0, commit.call + (self.operation.cut or 0))))
            shutil.rmtree(self.base)
        self.keep()

    def _find_ends(self) -> None:
        self.old, self.new = self.first, self.second

    def _must(self, command: Sequence[str]) -> None:
        ended = self.run(command)
        if ended.code:
            raise RuntimeError(f"{self.name}: {command[0]} ended with {ended.code}: {ended.said[-2000:]}")

    def tree(self) -> Tree:
        """Read what stands there; uv's lock file belongs to nobody."""
        return {path: entry for path, entry in read_tree(self.prefix).items() if path != ".lock"}

    def keep(self) -> None:
        """Make what stands now the state before."""
        os.mkdir(self.base)
        for place in (self.prefix, self.cache):
            shutil.copytree(place, os.path.join(self.base, os.path.basename(place)), symlinks=True)

    def restore(self) -> None:
        """Put the state before in place again."""
        for place in (self.prefix, self.cache):
            shutil.rmtree(place)
            shutil.copytree(os.path.join(self.base, os.path.basename(place)), place, symlinks=True)

    def _count(self) -> list[Point]:
        points = self.record(self.operation.command)
        if not points:
            raise RuntimeError("the preload has counted nothing")
        return points

    def record(self, command: Sequence[str]) -> list[Point]:
        """Run a command that has to succeed and give every call it made."""
        log = os.path.join(self.root, "calls")
        ended = self.run(command, log=log)
        if ended.code:
            raise RuntimeError(f"{self.name}: {command[0]} ended with {ended.code}: {ended.said[-2000:]}")
        with open(log, encoding="utf-8", errors="surrogateescape") as file:
            rows = [line.rstrip("\n").split(" ", 4) for line in file]
        return sorted(Point(int(row[0]), int(row[1]), row[2], int(row[3]), row[4]) for row in rows)

    def run(self, command: Sequence[str], armed: Armed | None = None, log: str = "") -> Ended:
        """Run lugnut in a forked child that leads a process group of its own."""
        act, *words = (word.format_map(self.made) for word in command)
        where = ["--python", self.python]
        store = [] if act in {"uninstall", "check", "recover"} else ["--cache-dir", self.cache, "--jobs", "2"]
        out = os.path.join(self.root, "out")
        pid = os.fork()
        if pid == 0:
            _be_lugnut([act, *where, *store, *words], out, log, armed, (self.prefix, self.cache))
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        _reap()
        with open(out, encoding="utf-8", errors="replace") as file:
            return Ended(code, file.read())


def _be_lugnut(argv: list[str], out: str, log: str, armed: Armed | None, roots: tuple[str, str]) -> None:
    """Become one run of lugnut; does not come back."""
    code = BUG
    try:
        os.setsid()
        signal.alarm(PATIENCE)
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        logged = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600) if log else -1
        how, (process, call), error = armed or Armed("", (-1, -1))
        number = getattr(errno, error) if error else 0
        ctypes.CDLL(None).crash_arm(
            *map(os.fsencode, roots), logged, process, ctypes.c_long(call), HOWS.get(how, 0), number
        )
        code = main_of_lugnut(argv)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _reap() -> None:
    """Wait for every process that a killed run left behind."""
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return
