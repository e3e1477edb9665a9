"""Runs of lugnut with a preload that kills or fails them at a chosen call: the environment, the run, what is there."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("campaigns run on POSIX")

import contextlib
import ctypes
import errno
import gc
import importlib
import mmap
import os
import shutil
import signal
import time
from collections.abc import Callable
from typing import NamedTuple

from killing import adopt_orphans, list_transactions
from lugnut import change, check, engine, library  # noqa: F401 - what a run imports: forks start warm
from lugnut.cli.main import main as main_of_lugnut
from operations import Operation, Words, make_universe
from oracle import check_environment
from points import HOWS, Armed, Point, unite
from programs import clean_environ, make_venv
from restoring import Kept, digest
from trees import Tree, differences, read_tree, site_packages

PATIENCE = 60
"""Seconds until a run that hangs is ended by its own alarm."""
BUG, HUNG = 99, -signal.SIGALRM
RECORDINGS = 3
"""Runs whose calls are united: workers share their work out anew in each."""
OLD, NEW = "old", "new"
SAME = "old and new"
"""A tree that is both: a reinstall changes nothing that can be seen."""


class Ended(NamedTuple):
    """How a run ended: the exit code, negative for a signal, what it said, and whether the point was met."""

    code: int
    said: str
    struck: bool


class Seen(NamedTuple):
    """What an environment is after a run."""

    state: str
    """One word for environment and store: equal words, equal futures."""
    end: str
    """old, new, both in one, or nothing where it is neither."""
    found: list[str]
    """What the oracle finds, and how it differs from both."""


class Field:
    """One operation's environment and store, put back before every run."""

    def __init__(
        self,
        root: str,
        name: str,
        operation: Operation,
        make: Callable[[str], dict[str, str]] = make_universe,
        store: str | None = None,
    ) -> None:
        """Bring about what is there before the operation; raises RuntimeError where that does not work.

        The store lies in the directory `store`, or else beside the environment.
        """
        self.root = os.path.realpath(root)
        self.name = name
        self.begun = time.time()
        self.prefix = os.path.join(self.root, "venv")
        self.cache = os.path.join(os.path.realpath(store or root), "cache")
        self.python = make_venv(self.prefix)
        self.site = site_packages(self.prefix)
        self.empty = self.tree()
        self._prepare()
        self.made = make(os.path.join(self.root, "wheels"))
        self.operation = operation
        self.again = operation.command if operation.cut is None else operation.before[-1]
        """What the next command says after a kill."""
        self.remembers = True
        """What came of a state comes of it each time, so no state is recovered twice."""
        self._known: dict[str, Seen] = {}
        self.recovered: dict[str, tuple[Seen, list[str]]] = {}
        """What came of the next command, by the state that a stopped run had left."""
        self.agains: dict[str, list[str]] = {}
        """What came of the command again, by the state that it began from."""
        self._bring_about()
        self.base = self.keep("base")
        self.points = self._count()
        gc.collect()
        gc.freeze()

    def _prepare(self) -> None:
        adopt_orphans()
        self._shared = mmap.mmap(-1, mmap.PAGESIZE)
        os.environ.clear()
        os.environ.update(clean_environ(self.root))
        os.mkdir(self.cache)

    def _bring_about(self) -> None:
        *before, last = [*self.operation.before, self.again] if self.operation.cut is None else self.operation.before
        for command in before:
            self._must(command)
        if not self.operation.cold:  # an environment of its own fills the store
            shutil.copytree(self.prefix, self.prefix + "-kept", symlinks=True)
            self._must(last)
            shutil.rmtree(self.prefix)
            os.rename(self.prefix + "-kept", self.prefix)
        self.old = self.tree()
        if self.operation.cut is not None:
            self._cut(last, self.operation.cut)

    def _cut(self, command: Words, after: int) -> None:
        kept = self.keep("uncut")
        (commit,) = (
            one for one in self.record(command) if one.function == "rename" and one.path.endswith("/committed")
        )
        self.new = self.tree()
        kept.put_back()
        kept.drop()
        self.run(command, Armed("group", (0, commit.call + after)))

    def _must(self, command: Words) -> None:
        ended = self.run(command)
        if ended.code:
            raise RuntimeError(f"{self.name}: {command[0]} ended with {ended.code}: {ended.said[-2000:]}")

    def _count(self) -> list[Point]:
        runs = []
        for _ in range(RECORDINGS):
            self.base.put_back()
            runs.append(self.record(self.operation.command))
        if not runs[0]:
            raise RuntimeError("the preload has counted nothing")
        if self.operation.cut is None:
            self.new = self.tree()
        return unite(runs)

    def keep(self, name: str) -> Kept:
        """Keep environment and store as they are."""
        return Kept((self.prefix, self.cache), os.path.join(self.root, name))

    # --- what is there ----------------------------------------------------------------------------------------------

    def tree(self) -> Tree:
        """Read what stands there; uv's lock file belongs to nobody."""
        return {path: entry for path, entry in read_tree(self.prefix).items() if path != ".lock"}

    def see(self) -> Seen:
        """Read all that stands there, and judge it; what was seen before is known."""
        state = self.tell_left()
        if state not in self._known or not self.remembers:
            end = self.tell_end()
            ways = [] if end else [differences(one, self.tree()) for one in (self.old, self.new)]
            found = min(ways, key=len, default=[])[:8]
            self._known[state] = Seen(state, end, found + check_environment(self.site))
        return self._known[state]

    def tell_end(self) -> str:
        """Say which of the two trees is there: old, new, both in one, or nothing."""
        tree = self.tree()
        if tree == self.old:
            return SAME if self.old == self.new else OLD
        return NEW if tree == self.new else ""

    def tell_left(self) -> str:
        """Give one word for what a stopped run has left in environment and store."""
        return digest((self.prefix, self.cache), self.begun)

    def tell_environment(self) -> str:
        """Give one word for what it has left in the environment, which is all that a recovery sees."""
        return digest((self.prefix,), self.begun)

    def find_ends(self) -> list[str]:
        """Say what may become of what is there now: a transaction that is committed or open has decided it."""
        found = {one.rpartition("/")[2] for one in list_transactions(self.site)}
        if "committed" in found:
            return [NEW]
        return [OLD] if found else [OLD, NEW]

    # --- runs -------------------------------------------------------------------------------------------------------

    def record(self, command: Words) -> list[Point]:
        """Run a command that has to succeed and give every call it made; what it imported starts warm from now on."""
        log = os.path.join(self.root, "calls")
        ended = self.run(command, log=log)
        if ended.code:
            raise RuntimeError(f"{self.name}: {command[0]} ended with {ended.code}: {ended.said[-2000:]}")
        with open(f"{log}-modules", encoding="utf-8") as file:
            for name in file.read().split():
                with contextlib.suppress(ImportError):
                    importlib.import_module(name)
        with open(log, encoding="utf-8", errors="surrogateescape") as file:
            rows = [line.rstrip("\n").split(" ", 4) for line in file]
        return sorted(Point(int(row[0]), int(row[1]), row[2], int(row[3]), row[4]) for row in rows)

    def run(self, command: Words, armed: Armed | None = None, log: str = "") -> Ended:
        """Run lugnut in a forked child that leads a process group of its own."""
        act, *words = (word.format_map(self.made) for word in command)
        where = ["--python", self.python]
        store = [] if act in {"uninstall", "check", "recover"} else ["--cache-dir", self.cache, "--jobs", "2"]
        out = os.path.join(self.root, "out")
        self._shared[:16] = bytes(16)
        pid = os.fork()
        if pid == 0:
            self._be_lugnut([act, *where, *store, *words], out, log, armed or Armed("", (-1, -1)))
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if _reap(pid):
            code = HUNG
        with open(out, encoding="utf-8", errors="replace") as file:
            return Ended(code, file.read(), any(self._shared[4:8]))

    def _be_lugnut(self, argv: list[str], out: str, log: str, armed: Armed) -> None:
        """Become one run of lugnut; does not come back."""
        code = BUG
        try:
            os.setsid()
            signal.alarm(PATIENCE)
            descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(descriptor, 1)
            os.dup2(descriptor, 2)
            self._arm(armed, os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600) if log else -1)
            code = main_of_lugnut(argv)
            sys.stdout.flush()
            sys.stderr.flush()
            if log:
                with open(f"{log}-modules", "w", encoding="utf-8") as file:
                    file.write("\n".join(sys.modules))
        finally:
            os._exit(code)

    def _arm(self, armed: Armed, log: int) -> None:
        how, (process, call), error = armed
        shared = ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(self._shared)))
        number = getattr(errno, error) if error else 0
        roots = map(os.fsencode, (self.prefix, self.cache))
        ctypes.CDLL(None).crash_arm(*roots, log, shared, process, ctypes.c_long(call), HOWS.get(how, 0), number)


def _reap(group: int) -> bool:
    """Wait for every process that a run left behind, orphans too; says whether any had to be killed for it."""
    hung = []

    def end(number: int, _frame: object) -> None:
        hung.append(number)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)

    signal.signal(signal.SIGALRM, end)
    signal.alarm(PATIENCE)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)
    signal.alarm(0)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    return bool(hung)
