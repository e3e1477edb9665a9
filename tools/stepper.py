"""Acts of lugnut stopped at a step of theirs: in a forked child, over a copy of a prepared environment.

A *step* is a call of the system that changes something in the environment (a link, a rename, an unlink, a mkdir, a
write, the creation of a file …): the calls are caught in `os` itself, where lugnut's only room with an operating system
makes them, so none is missed whatever name of `lugnut.system.files` led to it. At its step the child is killed, or
fails, or waits. What is done with that is in stepdriver, the scenarios are in stepcases.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("campaigns run on POSIX")

import errno
import os
import shutil
import signal
import traceback
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import lugnut
from environmentvalue import make_environment
from lugnut import change, check, engine, library  # noqa: F401 - all that an act would import: forks start warm
from lugnut import run as running
from lugnut.errors import LugnutError
from snapshots import LINK, Snapshot, copy_tree, differ, read_all
from wheels import make_wheel

__all__ = [
    "CHECK", "PLAIN", "Act", "At", "Ended", "Place", "Snapshot", "Steps", "carry_out", "copy_tree", "count", "die",
    "differ", "end", "fail", "interrupt", "refuse_links", "run", "start", "tear",
]  # fmt: skip

PATIENCE = 60
"""Seconds until a child that hangs is killed by its own alarm."""
At = Callable[[str, tuple[Any, ...]], Callable[[], None] | None]
"""What happens before a step, told the name and the arguments of the call; gives what happens right after it."""


PLAIN = {
    name: getattr(os, name)
    for name in ("link", "replace", "unlink", "rmdir", "mkdir", "write", "pwrite", "open", "fchmod", "utime")
}
"""The system's own functions, for the driver itself."""
_FAILING = {"link", "mkdir", "write", "open", "replace", "pwrite"}


class Steps:
    """Counts the steps of this process within one directory and calls `at` before the one numbered `stop`."""

    def __init__(self, root: str, stop: int, at: At) -> None:
        self.root = root
        self.stop = stop
        self.at = at
        self.taken = 0
        self.names: list[str] = []
        for name in PLAIN:
            setattr(os, name, self._wrap(name))

    def _wrap(self, name: str) -> Callable[..., Any]:
        plain = PLAIN[name]

        def step(*words: Any, **options: Any) -> Any:
            after = None
            if self._counts(name, words, options):
                self.taken += 1
                if self.taken == self.stop:
                    after = self.at(name, words)
            try:
                return plain(*words, **options)
            finally:
                if after is not None:
                    after()

        return step

    def _counts(self, name: str, words: tuple[Any, ...], options: Mapping[str, Any]) -> bool:
        if name == "open" and not words[1] & os.O_CREAT:
            return False
        handles = [options[key] for key in ("dir_fd", "src_dir_fd", "dst_dir_fd") if options.get(key) is not None]
        if isinstance(words[0], int):
            handles.append(words[0])
        places = [os.readlink(f"/proc/self/fd/{handle}") for handle in handles] or [os.path.abspath(words[0])]
        return any((place + "/").startswith(self.root) for place in places)


def die(*_: object) -> None:
    """End as if the machine's memory had run out."""
    os.kill(os.getpid(), signal.SIGKILL)
    signal.pause()


def tear(name: str, words: tuple[Any, ...]) -> None:
    """End in the middle of a write, where it is one."""
    if name in {"write", "pwrite"} and len(words[1]) > 1:
        PLAIN[name](words[0], words[1][: len(words[1]) // 2], *words[2:])
    die()


def interrupt(*_: object) -> Callable[[], None]:
    """Have ^C come right after a step, where no one has said that a signal is only to be noted."""

    def strike() -> None:
        raise KeyboardInterrupt

    return strike


def fail(name: str, _: tuple[Any, ...]) -> None:
    """Have the system refuse a step that it may refuse."""
    if name in _FAILING:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def refuse_links(number: int, source: str = "") -> None:
    """Have the system refuse hard links of what lies below `source`, as another device or file system does."""

    def link(*words: Any, **options: Any) -> None:
        handle = options.get("src_dir_fd")
        above = "" if handle is None else os.readlink(f"/proc/self/fd/{handle}")
        if os.path.join(above, words[0]).startswith(source):
            raise OSError(number, os.strerror(number), words[0])
        LINK(*words, **options)

    PLAIN["link"] = os.link = link


# --- a place with a prepared environment ------------------------------------------------------------------------------


class Act(NamedTuple):
    """One command: install some wheels, uninstall some names, or have what a requirements file says and no more."""

    verb: str
    what: tuple[str, ...]
    options: dict[str, Any] = {}  # noqa: RUF012 - never changed


CHECK = Act("check", ())


class Place:
    """A directory with wheels, a store, an environment `env` to act on, and its state before, `base`."""

    def __init__(self, root: str, purelib: str = "lib/site") -> None:
        """Make it, the environment empty; `purelib` is relative to that."""
        self.root = os.path.realpath(root)
        self.env = os.path.join(self.root, "env")
        self.site = os.path.join(self.env, purelib)
        self.base = os.path.join(self.root, "base")
        self.wheels = os.path.join(self.root, "wheels")
        self.cache = os.path.join(self.root, "cache")
        os.makedirs(self.site)
        self.environment = make_environment(self.env, purelib=purelib)
        vars(running)["find_environment"] = lambda _: self.environment  # no interpreter is asked: forks stay cheap

    def wheel(self, name: str, version: str, files: Mapping[str, str], *, build: str = "", **others: Any) -> str:
        """Make a wheel; another build of the same one lies in a directory of its own."""
        return make_wheel(os.path.join(self.wheels, build), name, version, files, **others)

    def write(self, path: str, text: str) -> None:
        """Put a file there as an editor does, in a new inode."""
        full = os.path.join(self.site, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        if os.path.lexists(full):
            os.unlink(full)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)

    def act(self, act: Act) -> Any:
        """Do an act in this process."""
        options = {"python": self.env, "cache_dir": self.cache, "jobs": 1, "start_method": "fork", **act.options}
        if act.verb == "install":
            return lugnut.install(list(act.what), **options)
        if act.verb == "uninstall":
            return lugnut.uninstall(list(act.what), **options)
        if act.verb == "sync":
            return lugnut.sync(list(act.what), **options)
        return lugnut.check_environment(**options)

    def keep(self) -> None:
        """Make what stands now the state before."""
        os.rename(self.env, self.base)

    def reset(self) -> None:
        """Put the state before in place again."""
        shutil.rmtree(self.env, ignore_errors=True)
        copy_tree(self.base, self.env)

    def snapshot(self) -> Snapshot:
        """Read everything but the locks and the format."""
        found: Snapshot = {}
        read_all(self.env, "", found)
        return found


# --- children ---------------------------------------------------------------------------------------------------------


class Ended(NamedTuple):
    """How a child ended: its exit code (of lugnut, 99 for a bug), negative for a signal, and what it said."""

    code: int
    said: str


def start(work: Callable[[], int], out: str) -> int:
    """Fork a child that does some work and ends with its code."""
    pid = os.fork()
    if pid:
        return pid
    code = 99
    try:
        signal.alarm(PATIENCE)
        descriptor = PLAIN["open"](out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        code = work()
    except BaseException:  # noqa: BLE001 - whatever it is, it is said
        PLAIN["write"](2, traceback.format_exc().encode())
    finally:
        os._exit(code)


def end(pid: int, out: str) -> Ended:
    """Wait for a child."""
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    with open(out, encoding="utf-8", errors="replace") as file:
        return Ended(code, file.read())


def carry_out(place: Place, act: Act) -> int:
    """Do an act and give the exit code that the program would have."""
    try:
        place.act(act)
    except LugnutError as error:
        PLAIN["write"](2, f"{type(error).__name__}: {error}\n".encode())
        return error.exit_code
    return 0


def run(place: Place, act: Act, stop: int = 0, at: At = die) -> Ended:
    """Run an act in a child; `at` happens before its step number `stop`."""
    out = os.path.join(place.root, "out")

    def work() -> int:
        steps = Steps(place.env + "/", stop, at)
        code = carry_out(place, act)
        PLAIN["write"](1, f"steps {steps.taken}\n".encode())
        return code

    return end(start(work, out), out)


def count(ended: Ended) -> int:
    """Give how many steps a run took."""
    return int(ended.said.rpartition("steps ")[2].split()[0])
