"""What happens to the commands of a stress test: killed, stopped, interrupted, a disk that fills, a clock that jumps.

A nemesis strikes at random moments, its choices drawn by the seed; what it hits is whatever runs then. uv and pip,
mixed in, are clients (plans.py). Where a nemesis cannot be had here, `Field` says why.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("campaigns run on POSIX")

import contextlib
import mmap
import os
import random
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable
from typing import NamedTuple

from clients import Registry, Running
from history import History, Strike
from killing import workers_of
from plans import IMPATIENT, KILLS, MIXED

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "clock.c")
GAP = {"disk": 12, "clock": 2}
"""Commands that end between two strikes, on average, however fast the machine is; of the others so many: """
USUAL_GAP = 8
LAST = 0.5
"""Seconds, at most, from the last of these commands' end to the strike: long enough for any moment of the next one."""
LOOK = 0.02
TRIES = 20
FILLER = ".filler"
YEAR = 366 * 24 * 3600
WIDTH = 16
"""Bytes of the clock's file, as clock.c has it."""
Pause = Callable[[float], bool]
"""Waits so many seconds; True where it is over before that."""


class Field(NamedTuple):
    """What nemeses act on."""

    registry: Registry
    history: History
    disk: str
    """The directory of a small file system of its own; empty where there is none."""
    clock: str
    """The clock's file; empty where there is no preload."""
    refusals: dict[str, str]
    """Why a nemesis is not to be had here."""


def strike_all(field: Field, nemesis: str, rng: random.Random, over: threading.Event) -> None:
    """Strike again and again until it is over; what was spoiled is mended then."""
    act = {"stop": _stop, "interrupt": _interrupt, "disk": _fill, "clock": _jump}.get(nemesis, _kill)
    while _await(field, rng.expovariate(1 / GAP.get(nemesis, USUAL_GAP)), over):
        if not over.wait(rng.uniform(0, LAST)):
            act(field, nemesis, rng, over.wait)
    if nemesis == "clock":
        _set_clock(field, 0)


def _await(field: Field, commands: float, over: threading.Event) -> bool:
    """Wait until so many commands more have ended; False where it is over before."""
    target = len(field.history.entries) + commands
    while len(field.history.entries) < target:
        if over.wait(LOOK):
            return False
    return not over.is_set()


def list_striking(nemeses: tuple[str, ...], field: Field) -> list[str]:
    """Give those that strike, rather than take part, and that are to be had."""
    return [one for one in nemeses if one not in MIXED and one not in field.refusals]


def _kill(field: Field, nemesis: str, rng: random.Random, pause: Pause) -> None:
    """Kill a group, a coordinator or a worker; commands have workers now and then only, so those are waited for."""
    for _ in range(TRIES if nemesis == "kill-worker" else 1):
        with field.registry.lock:
            chosen = field.registry.choose(rng)
            if chosen is None:
                return
            workers = workers_of(chosen.pid) if nemesis == KILLS[2] else []
            target = {KILLS[0]: -chosen.pid, KILLS[1]: chosen.pid}.get(nemesis, rng.choice(workers) if workers else 0)
            if target:
                field.registry.strikes[chosen.number].append(nemesis)
                now = field.history.now()
                with contextlib.suppress(ProcessLookupError):
                    os.kill(target, signal.SIGKILL)
        if target:
            field.history.strike(Strike(nemesis, now, now, chosen.number))
            return
        if pause(0.005):
            return


def _interrupt(field: Field, nemesis: str, rng: random.Random, pause: Pause) -> None:
    """Send SIGINT to a group, as a terminal does, or SIGTERM to a coordinator."""
    del pause
    with field.registry.lock:
        chosen = field.registry.choose(rng)
        if chosen is None:
            return
        field.registry.strikes[chosen.number].append(nemesis)
        with contextlib.suppress(ProcessLookupError):
            if rng.random() < 1 / 2:
                os.killpg(chosen.pid, signal.SIGINT)
            else:
                os.kill(chosen.pid, signal.SIGTERM)
    now = field.history.now()
    field.history.strike(Strike(nemesis, now, now, chosen.number))


def _stop(field: Field, nemesis: str, rng: random.Random, pause: Pause) -> None:
    """Stop a group for longer than anybody waits for a lock, mostly one that holds locks, then let it go on."""
    wanted = rng.random() < 3 / 4
    for _ in range(TRIES if wanted else 1):
        with field.registry.lock:
            chosen = field.registry.choose(rng)
            if chosen is not None and (not wanted or _holds_locks(chosen.pid)):
                field.registry.strikes[chosen.number].append(nemesis)
                began = field.history.now()
                _signal_group(chosen, signal.SIGSTOP)
                break
        if pause(0.01):
            return
    else:
        return
    pause(rng.uniform(2.0, 3.5) * IMPATIENT)
    with field.registry.lock:
        if chosen.number in field.registry.running or chosen.number in field.registry.lingering:  # its orphans too
            _signal_group(chosen, signal.SIGCONT)
    field.history.strike(Strike(nemesis, began, field.history.now(), chosen.number))


def _holds_locks(pid: int) -> bool:
    """Say whether a process has a lock file of an environment open."""
    with contextlib.suppress(OSError):
        return any(os.readlink(one.path).endswith(".lock") for one in os.scandir(f"/proc/{pid}/fd"))
    return False


def _signal_group(chosen: Running, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(chosen.pid, number)


# --- the disk ---------------------------------------------------------------------------------------------------------


def _fill(field: Field, nemesis: str, rng: random.Random, pause: Pause) -> None:
    """Fill the file system to its last block, for a while."""
    began, path = field.history.now(), os.path.join(field.disk, FILLER)
    with open(path, "wb", buffering=0) as file:
        for size in (1 << 20, 4096):
            with contextlib.suppress(OSError):  # full is what it is to become
                while file.write(bytes(size)) == size:
                    pass
    pause(rng.uniform(0.3, 2.0))
    os.unlink(path)
    field.history.strike(Strike(nemesis, began, field.history.now()))


def mount(directory: str, megabytes: int) -> str:
    """Mount a small file system for this process and its children alone; gives why that cannot be, or nothing."""
    if os.geteuid() != 0 or "STRESS_OWN_MOUNTS" not in os.environ:
        return "no mount namespace of its own: that takes root, and unshare"
    words = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0755", "stress", directory]
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    return f"mount: {ran.stderr.strip()}" if ran.returncode else ""


def unmount(directory: str) -> None:
    """Take the file system away, with all in it."""
    subprocess.run(["umount", directory], check=True)


def enter_own_mounts(arguments: list[str]) -> None:
    """Begin again in a mount namespace of its own, which takes its mounts along however it ends; root, and once."""
    unshare = shutil.which("unshare")
    if os.geteuid() != 0 or unshare is None or "STRESS_OWN_MOUNTS" in os.environ:
        return
    words = [unshare, "--mount", "--propagation", "private"]
    if subprocess.run([*words, "true"], capture_output=True, check=False).returncode == 0:
        environ = {**os.environ, "STRESS_OWN_MOUNTS": "1"}
        os.execve(unshare, [*words, sys.executable, *arguments], environ)


# --- the clock --------------------------------------------------------------------------------------------------------


def build_clock(directory: str) -> tuple[str, str, str]:
    """Build the preload and its file; gives both, and instead why that cannot be."""
    library, path = os.path.join(directory, "clock.so"), os.path.join(directory, "clock")
    with open(path, "wb") as file:
        file.write(b"0".ljust(WIDTH))
    compiler = shutil.which("cc")
    if compiler is None:
        return "", "", "there is no C compiler"
    words = [compiler, "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"]
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    return ("", "", f"cc: {ran.stderr.strip()[:200]}") if ran.returncode else (library, path, "")


def _jump(field: Field, nemesis: str, rng: random.Random, pause: Pause) -> None:
    """Let the wall clock of all commands jump, by seconds or by years, to and fro."""
    del pause
    reach = rng.choice((2, 300, 86_400, YEAR, 20 * YEAR))
    jump = rng.randint(-reach, reach)
    _set_clock(field, jump)
    now = field.history.now()
    field.history.strike(Strike(nemesis, now, now, about=f"{jump:+} s"))


def _set_clock(field: Field, jump: int) -> None:
    with open(field.clock, "r+b") as file, mmap.mmap(file.fileno(), WIDTH) as shown:
        shown[:] = str(jump).encode().ljust(WIDTH)
