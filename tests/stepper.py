"""Acts of lugnut stopped at each of their steps, one after the other, with nothing left to chance.

A *step* is a call of the system that changes something in the environment (a link, a rename, an unlink, a mkdir, a
write, the creation of a file …): the calls are caught where lugnut's only room with an operating system makes them, in
`os` itself, so none is missed whatever name of `lugnut.system.files` led to it. An act runs in a forked child of a
process that has everything imported, over a copy of a prepared environment, so a step costs milliseconds. At its step
the child is killed, or fails, or stops while another act runs, and then goes on or is killed.

It runs as a program of its own (one thread, so that it may fork): `python stepper.py PLACE SCENARIO HOW [STRIDE]`
prints a line of JSON, `{"runs": N, "steps": N, "wrong": [...]}`.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import stat
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

HERE = os.path.dirname(os.path.abspath(__file__))
if __name__ == "__main__":
    sys.path[1:1] = [os.path.join(os.path.dirname(HERE), "tools")]

import lugnut
from environments import make_environment
from lugnut import check, engine, library, wishes  # noqa: F401 - all that an act would import: forks start warm
from lugnut.errors import LugnutError
from lugnut.system import locks
from wheels import make_wheel

PATIENCE = 60
"""Seconds until a child that hangs is killed by its own alarm."""
Snapshot = dict[str, tuple[str, int, bytes]]


# --- steps ---------------------------------------------------------------------------------------------------------------

PLAIN = {name: getattr(os, name) for name in ("link", "replace", "unlink", "rmdir", "mkdir", "write", "pwrite", "open", "fchmod", "utime")}
"""The system's own functions, for the driver itself."""
_FAILING = {"link", "mkdir", "write", "open", "replace", "pwrite"}


class Steps:
    """Counts the steps of this process within one directory and calls `at` before the one numbered `stop`."""

    def __init__(self, root: str, stop: int, at: Callable[[str, tuple[Any, ...]], None]) -> None:
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
            if self._counts(name, words, options):
                self.taken += 1
                if self.taken == self.stop:
                    self.at(name, words)
            return plain(*words, **options)

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


def fail(name: str, words: tuple[Any, ...]) -> None:
    """Have the system refuse a step that it may refuse."""
    if name in _FAILING:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


# --- a place with a prepared environment -----------------------------------------------------------------------------------


class Act(NamedTuple):
    """One command: install some wheels or uninstall some names."""

    verb: str
    what: tuple[str, ...]
    options: dict[str, Any] = {}  # noqa: RUF012 - never changed


CHECK = Act("check", ())


class Place:
    """A directory with wheels, a store, an environment `env` to act on, and its state before, `base`."""

    def __init__(self, root: str) -> None:
        self.root = os.path.realpath(root)
        self.env = os.path.join(self.root, "env")
        self.site = os.path.join(self.env, "lib", "site")
        self.base = os.path.join(self.root, "base")
        self.wheels = os.path.join(self.root, "wheels")
        self.cache = os.path.join(self.root, "cache")
        os.makedirs(self.site)
        self.environment = make_environment(self.env)
        engine.find_environment = lambda _: self.environment  # no interpreter is asked: forks stay cheap

    def wheel(self, name: str, version: str, files: Mapping[str, str], *, build: str = "", **others: Any) -> str:
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
        options = {"python": self.env, "cache_dir": self.cache, "jobs": 1, "start_method": "fork", **act.options}
        if act.verb == "install":
            return lugnut.install(list(act.what), **options)
        if act.verb == "uninstall":
            return lugnut.uninstall(list(act.what), **options)
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


def copy_tree(source: str, target: str) -> None:
    """Copy a tree by hard links, so that what was one file stays one; what is written in place is copied."""
    os.mkdir(target)
    shutil.copymode(source, target)
    with os.scandir(source) as entries:
        for entry in sorted(entries, key=lambda one: one.name):
            to = os.path.join(target, entry.name)
            if entry.is_dir(follow_symlinks=False):
                copy_tree(entry.path, to)
            elif entry.name.endswith(".lock"):
                shutil.copy2(entry.path, to)
            else:
                os.link(entry.path, to, follow_symlinks=False)


def read_all(root: str, below: str, found: Snapshot) -> None:
    for name in sorted(os.listdir(os.path.join(root, below))):
        path = f"{below}{name}"
        full = os.path.join(root, path)
        status = os.lstat(full)
        if path.endswith((".lugnut/locks", ".lugnut/format")):
            continue
        spelled = path
        if "/altered/" in path:  # below it stands the transaction's name, another one every time
            head, _, tail = path.partition("/altered/")
            spelled = "/".join([head, "altered", "*", *tail.split("/")[1:]])
        if stat.S_ISDIR(status.st_mode):
            if not name.startswith(".lugnut"):
                found[spelled] = ("directory", stat.S_IMODE(status.st_mode), b"")
            read_all(root, f"{path}/", found)
            if name == "transactions" or (name in {"kept", "altered"} and not os.listdir(full)):
                found[spelled] = ("left", 0, b"")
        elif stat.S_ISLNK(status.st_mode):
            found[spelled] = ("symlink", 0, os.readlink(full).encode())
        else:
            with open(full, "rb") as file:
                found[spelled] = ("file", stat.S_IMODE(status.st_mode), file.read())


def differ(one: Snapshot, other: Snapshot) -> list[str]:
    """Say in which paths two snapshots differ."""
    return [f"{'-' if path not in other else '+' if path not in one else '~'}{path}" for path in sorted(one.keys() | other.keys()) if one.get(path) != other.get(path)]


# --- children ----------------------------------------------------------------------------------------------------------------


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


def run(place: Place, act: Act, stop: int = 0, at: Callable[[str, tuple[Any, ...]], None] = die) -> Ended:
    """Run an act in a child; `at` happens before its step number `stop`."""
    out = os.path.join(place.root, "out")

    def work() -> int:
        steps = Steps(place.env + "/", stop, at)
        code = carry_out(place, act)
        PLAIN["write"](1, f"steps {steps.taken}\n".encode())
        return code

    return end(start(work, out), out)


def count(ended: Ended) -> int:
    return int(ended.said.rpartition("steps ")[2].split()[0])


# --- what is done at each step ---------------------------------------------------------------------------------------------


class Course:
    """One scenario in all its steps: collects what is wrong."""

    def __init__(self, place: Place, act: Act, other: Act | None = None) -> None:
        self.place = place
        self.act = act
        self.other = other
        self.runs = 0
        self.wrong: list[str] = []
        place.reset()
        self.old = place.snapshot()
        done = run(place, act)
        self.steps = count(done)
        self.code = done.code
        self.new = place.snapshot()
        if done.code not in {0, 130}:
            self.wrong.append(f"the act itself ended with {done.code}: {done.said}")

    def note(self, what: str, found: list[str]) -> None:
        if found:
            self.wrong.append(f"{what}: {'; '.join(found)}")

    def settle(self, what: str) -> None:
        """Recover, and see that one of the legal states is there, and that nothing is found wrong with it."""
        self.runs += 1
        recovered = run(self.place, CHECK)
        if recovered.code != 0:
            self.note(what, [f"recovery ended with {recovered.code}: {recovered.said}"])
        self.compare(what, [self.old, self.new])

    def compare(self, what: str, legal: list[Snapshot]) -> None:
        found = self.place.snapshot()
        if found not in legal:
            self.note(what, [" or ".join(str(differ(one, found)[:6]) for one in legal)])

    def kill_each(self, stride: int, at: Callable[[str, tuple[Any, ...]], None] = die) -> None:
        """Kill the act before each of its steps."""
        for stop in range(1, self.steps + 1, stride):
            self.place.reset()
            ended = run(self.place, self.act, stop, at)
            if ended.code != -signal.SIGKILL:
                self.note(f"step {stop}", [f"ended with {ended.code}: {ended.said}"])
            self.settle(f"killed at step {stop}")

    def fail_each(self, stride: int) -> None:
        """Have each step refused: the run ends by itself, and what it could not undo recovery does."""
        for stop in range(1, self.steps + 1, stride):
            self.place.reset()
            ended = run(self.place, self.act, stop, fail)
            if ended.code not in {0, 1, 130}:
                self.note(f"step {stop} refused", [f"ended with {ended.code}: {ended.said}"])
            if ended.code == 0:
                self.compare(f"step {stop} refused, exit 0", [self.new])
            self.settle(f"step {stop} refused")

    def kill_recoveries(self, stride: int) -> None:
        """Kill the act, and then its recovery before each of the recovery's steps."""
        for stop in range(1 + stride // 2, self.steps + 1, stride):
            self.place.reset()
            run(self.place, self.act, stop)
            dead = os.path.join(self.place.root, "dead")
            shutil.rmtree(dead, ignore_errors=True)
            os.rename(self.place.env, dead)
            second = 0
            while True:
                second += 1
                shutil.rmtree(self.place.env, ignore_errors=True)
                copy_tree(dead, self.place.env)
                if run(self.place, CHECK, second).code != -signal.SIGKILL:
                    break
                self.settle(f"killed at step {stop}, its recovery at {second}")

    def meet_each(self, stride: int, *, killed: bool = False) -> None:
        """Stop the act at each step, let the other run to its end or until it waits, then let the act go on or kill it."""
        assert self.other is not None
        both = self.both(self.act, self.other)
        legal = [both, self.both(self.other)] if killed else [both]
        for stop in range(1, self.steps + 1, stride):
            self.place.reset()
            self.runs += 1
            waited = self.meet(stop, killed=killed)
            what = f"met at step {stop}{', waiting' if waited else ''}{', killed' if killed else ''}"
            recovered = run(self.place, CHECK)
            if recovered.code != 0:
                self.note(what, [f"recovery ended with {recovered.code}: {recovered.said}"])
            self.compare(what, legal)

    def both(self, *acts: Act) -> Snapshot:
        self.place.reset()
        for act in acts:
            ended = run(self.place, act)
            if ended.code != 0:
                self.note("by themselves", [ended.said])
        return self.place.snapshot()

    def meet(self, stop: int, *, killed: bool) -> bool:
        here, there = os.pipe(), os.pipe()  # from the acts, and to the one that has stopped
        outs = [os.path.join(self.place.root, name) for name in ("out-a", "out-b")]

        def pause(*_: object) -> None:
            PLAIN["write"](here[1], b"s")
            if os.read(there[0], 1) == b"k":
                die()

        def first() -> int:
            Steps(self.place.env + "/", stop, pause)
            code = carry_out(self.place, self.act)
            PLAIN["write"](here[1], b"e")
            return code

        def second() -> int:
            sleep = locks.time.sleep

            def wait(seconds: float) -> None:
                PLAIN["write"](here[1], b"w")
                sleep(seconds)

            locks.time.sleep = wait  # a lock that is busy: whoever holds it has to go on first
            code = carry_out(self.place, self.other)  # type: ignore[arg-type]
            PLAIN["write"](here[1], b"e")
            return code

        pids = [start(first, outs[0])]
        assert os.read(here[0], 1) == b"s"
        pids.append(start(second, outs[1]))
        waited = os.read(here[0], 1) == b"w"
        PLAIN["write"](there[1], b"k" if killed else b"g")
        ended = [end(pid, out) for pid, out in zip(pids, outs, strict=True)]
        for descriptor in (*here, *there):
            os.close(descriptor)
        wanted = [-signal.SIGKILL if killed else 0, 0]
        for one, code, who in zip(ended, wanted, ("the first", "the second"), strict=True):
            if one.code != code:
                self.note(f"met at step {stop}", [f"{who} ended with {one.code}: {one.said}"])
        return waited


# --- scenarios -----------------------------------------------------------------------------------------------------------------

Scenario = Callable[[Place], tuple[list[Act], Act, Act | None]]
"""Makes wheels and gives the acts before, the act that is stopped, and another one that meets it."""


def install(*wheels: str, **options: Any) -> Act:
    return Act("install", wheels, options)


def uninstall(*names: str, **options: Any) -> Act:
    return Act("uninstall", names, options)


def _rivals(place: Place) -> tuple[str, str]:
    """Two wheels that share three paths, of which one has equal bytes, and have one each; low loses to top."""
    low = place.wheel("low", "1", {"shared/a.py": "A = 'low'\n", "shared/eq.py": "", "shared/b.py": "B = 1\n", "low.py": ""})
    top = place.wheel("top", "1", {"shared/a.py": "A = 'top'\n", "shared/eq.py": "", "shared/b.py": "B = 22\n", "top.py": ""})
    return low, top


def fresh(place: Place) -> tuple[list[Act], Act, Act | None]:
    low, top = _rivals(place)
    more = place.wheel("tool", "1", {"tool/m.py": "M = 1\n", "tool-1.data/scripts/run": "#!python\n", "tool-1.data/data/share/d/x": "x"}, entry_points="[console_scripts]\nhammer = tool.m:M\n")
    return [], install(low, top, more), None


def fresh_beside(place: Place) -> tuple[list[Act], Act, Act | None]:
    low, top = _rivals(place)
    return [], install(low), install(top)


def fresh_above(place: Place) -> tuple[list[Act], Act, Act | None]:
    low, top = _rivals(place)
    return [], install(top), install(low)


def _versions(place: Place) -> tuple[str, str, str, str]:
    """A distribution in two versions between one that loses to it and one that wins over it."""
    old = {"p/same.py": "S = 0\n", "p/changed.py": "C = 1\n", "p/gone.py": "", "p/deep/gone.py": "", "m/x.py": "X = 1\n", "m/y.py": "Y = 1\n", "m/z.py": "Z = 1\n", "m/w.py": "W = 1\n"}
    new = {"p/same.py": "S = 0\n", "p/changed.py": "C = 2\n", "p/added.py": "D = 1\n", "p/new/added.py": "", "m/x.py": "X = 2\n", "m/y.py": "Y = 2\n", "m/v.py": "V = 1\n", "m/w.py": "W = 1\n"}
    above = place.wheel("zz", "1", {"m/x.py": "X = 'zz'\n", "m/v.py": "V = 'zz'\n", "m/u.py": "U = 'zz'\n"})
    below = place.wheel("aa", "1", {"m/y.py": "Y = 'aa'\n", "m/z.py": "Z = 'aa'\n", "m/w.py": "W = 'aa'\n", "m/u.py": "U = 'aa'\n", "p/gone.py": "G = 'aa'\n"})
    return place.wheel("mid", "1", old), place.wheel("mid", "2", new), above, below


def upgrade(place: Place) -> tuple[list[Act], Act, Act | None]:
    one, two, above, below = _versions(place)
    return [install(one, above, below)], install(two), uninstall("zz")


def upgrade_beside(place: Place) -> tuple[list[Act], Act, Act | None]:
    one, two, above, below = _versions(place)
    return [install(one, above, below)], uninstall("zz"), install(two)


def upgrade_below(place: Place) -> tuple[list[Act], Act, Act | None]:
    one, two, above, below = _versions(place)
    return [install(one, above, below)], install(two), uninstall("aa")


def uninstall_winner(place: Place) -> tuple[list[Act], Act, Act | None]:
    low, top = _rivals(place)
    return [install(low, top)], uninstall("top"), None


def uninstall_both(place: Place) -> tuple[list[Act], Act, Act | None]:
    low, top = _rivals(place)
    return [install(low, top)], uninstall("top"), uninstall("low")


def uninstall_both_low(place: Place) -> tuple[list[Act], Act, Act | None]:
    low, top = _rivals(place)
    return [install(low, top)], uninstall("low"), uninstall("top")


def install_over_leaving(place: Place) -> tuple[list[Act], Act, Act | None]:
    low, top = _rivals(place)
    return [install(low)], install(top), uninstall("low")


def install_under_leaving(place: Place) -> tuple[list[Act], Act, Act | None]:
    low, top = _rivals(place)
    return [install(top)], install(low), uninstall("top")


def leave_over_install(place: Place) -> tuple[list[Act], Act, Act | None]:
    low, top = _rivals(place)
    return [install(top)], uninstall("top"), install(low)


def leave_under_install(place: Place) -> tuple[list[Act], Act, Act | None]:
    low, top = _rivals(place)
    return [install(low)], uninstall("low"), install(top)


def reinstall(place: Place) -> tuple[list[Act], Act, Act | None]:
    """The same wheel over a copy in which a file is altered and one is missing."""
    low, top = _rivals(place)
    place.act(install(low, top))
    place.write("top.py", "altered by hand\n")
    os.unlink(os.path.join(place.site, "shared/b.py"))
    return [], install(top, reinstall=True), None


def rebuild(place: Place) -> tuple[list[Act], Act, Act | None]:
    """Another build of the same version: one dist-info name, other files in it and outside."""
    low, top = _rivals(place)
    again = place.wheel("top", "1", {"shared/a.py": "A = 'again'\n", "shared/eq.py": "", "other.py": ""}, build="again", extra={"sboms/x": "1", "NOTICE": "n"})
    first = place.wheel("top", "1", {"shared/a.py": "A = 'first'\n", "shared/eq.py": "", "top.py": ""}, build="first", extra={"licenses/LICENSE": "l", "NOTICE": "o"})
    return [install(low, first)], install(again), None


def shape(place: Place) -> tuple[list[Act], Act, Act | None]:
    """A module becomes a package and a package a module."""
    one = place.wheel("sh", "1", {"a.py": "", "b/__init__.py": "", "b/c.py": "", "keep.py": "", "x/__init__.py": ""})
    two = place.wheel("sh", "2", {"a.py/__init__.py": "", "b": "now a file", "keep.py": "", "x/__init__.py": "", "x/y/z.py": ""})
    place.act(install(one))
    for path in ("__pycache__/a.cpython-311.pyc", "b/__pycache__/c.cpython-311.pyc", "x/__pycache__/__init__.cpython-311.pyc"):
        place.write(path, "bytecode")
    return [], install(two), None


def rank(place: Place) -> tuple[list[Act], Act, Act | None]:
    """An installed distribution gets another overlay rank."""
    low, top = _rivals(place)
    return [install(low, top)], install(overlay={"low": 1}), None


def rank_meets(place: Place) -> tuple[list[Act], Act, Act | None]:
    low, top = _rivals(place)
    return [install(low, top)], install(overlay={"low": 1}), uninstall("top")


def rank_met(place: Place) -> tuple[list[Act], Act, Act | None]:
    low, top = _rivals(place)
    return [install(low, top)], uninstall("top"), install(overlay={"low": 1})


def adopt_and_force(place: Place) -> tuple[list[Act], Act, Act | None]:
    """Files that no distribution names: an equal one is adopted, another set aside under --force."""
    low, _ = _rivals(place)
    place.write("shared/b.py", "B = 1\n")
    place.write("low.py", "somebody's\n")
    return [], install(low, force=True), None


def withdrawn(place: Place) -> tuple[list[Act], Act, Act | None]:
    """An install and an upgrade called off at the commit, so that everything is undone."""
    from lugnut.errors import Interrupted

    one, two, above, below = _versions(place)
    low, top = _rivals(place)

    def cancelled() -> None:
        if any(os.path.isdir(os.path.join(place.site, ".lugnut/transactions", name, "staged", "mid-2.dist-info")) for name in listed()):
            raise Interrupted(**Interrupted.example)

    def listed() -> list[str]:
        try:
            return os.listdir(os.path.join(place.site, ".lugnut/transactions"))
        except FileNotFoundError:
            return []

    place.act(install(one, above, below, top))
    place.write("shared/eq.py", "")
    return [], install(two, low, cancelled=cancelled), None


SCENARIOS: dict[str, Scenario] = {
    one.__name__: one
    for one in (
        fresh, fresh_beside, fresh_above, upgrade, upgrade_beside, upgrade_below, uninstall_winner, uninstall_both,
        uninstall_both_low, install_over_leaving, install_under_leaving, leave_over_install, leave_under_install,
        reinstall, rebuild, shape, rank, rank_meets, rank_met, adopt_and_force, withdrawn,
    )
}  # fmt: skip


def main(root: str, scenario: str, how: str, stride: int) -> None:
    os.umask(0o022)
    place = Place(root)
    before, act, other = SCENARIOS[scenario](place)
    for one in before:
        place.act(one)
    place.keep()
    warm(place, act)
    if other is not None:
        warm(place, other)
    course = Course(place, act, other)
    ways: dict[str, Callable[[int], None]] = {
        "kill": course.kill_each,
        "tear": lambda stride: course.kill_each(stride, tear),
        "fail": course.fail_each,
        "recovery": course.kill_recoveries,
        "meet": course.meet_each,
        "meet-killed": lambda stride: course.meet_each(stride, killed=True),
    }
    ways[how](stride)
    print(json.dumps({"runs": course.runs, "steps": course.steps, "wrong": course.wrong}))


def warm(place: Place, act: Act) -> None:
    """Do an act once in this process, so that the store and every import are there before the first fork."""
    place.reset()
    carry_out(place, act)
    carry_out(place, CHECK)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]) if len(sys.argv) > 4 else 1)
