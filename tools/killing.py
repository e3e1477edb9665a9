"""Run an installer slice by slice, watch it through its transaction, and kill it at a chosen moment.

Between two slices every process of the run is stopped (SIGSTOP to its group), so that its state can be looked at while
it stands still, and a kill hits what was seen. Other work on the machine makes slices carry less, never the aim worse.
The run has a lower priority than the one who watches it, who is therefore awake when a slice is over.

Whoever uses this becomes the reaper of orphans (PR_SET_CHILD_SUBREAPER): workers that outlive their coordinator end up
here and are waited for, so that what is looked at afterwards stands still.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import IO, NamedTuple

PR_SET_CHILD_SUBREAPER = 36
SLICE = 0.001
FINE = SLICE / 8
"""A slice from the writing of the transaction to its close: an uninstall is open for less than a millisecond."""
POLL = 0.0005
PATIENCE = 60.0
NICENESS = 5
UNPUBLISHED = (".", "new-", "old-")
"""How the names begin of transactions that have not appeared yet, or are closed and being deleted."""
KINDS = ("group", "coordinator", "worker")
PHASES = ("start", "open", "committed", "closed", "ended")
"""Of a run, in their order; in the second and third its transaction is there."""


class Moment(NamedTuple):
    """When to kill: so many slices after the run was first seen in a phase (and with a worker), and a part of one."""

    phase: str
    slices: int = 0
    rest: float = 0.0
    worker: bool = False


class Killed(NamedTuple):
    """What a kill hit."""

    kind: str
    hit: bool
    """Whether the process to be killed was alive (a worker: whether there was one)."""
    transactions: list[str]
    """Transactions found right after the kill, while nothing moved, as `id/state`."""
    lingered: bool
    """Whether processes of the run had to be killed a minute later."""


def adopt_orphans(*, adopting: bool = True) -> None:
    """Become the parent of what loses its own, or stop doing so."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, int(adopting), 0, 0, 0)


def start(command: Sequence[str], environ: Mapping[str, str], output: IO[str]) -> subprocess.Popen[bytes]:
    """Start a run in a session of its own, a little lower in priority."""
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environ, start_new_session=True
    )
    if sys.platform != "win32":
        with contextlib.suppress(ProcessLookupError):
            os.setpriority(os.PRIO_PGRP, process.pid, NICENESS)
    return process


def list_transactions(site: str) -> list[str]:
    """Give what stands in `.lugnut/transactions`, with the states named by their files."""
    root = os.path.join(site, ".lugnut", "transactions")
    found = []
    for name in _list(root):
        if name.startswith(UNPUBLISHED):
            continue
        states = {"open", "committed", "aborted"} & set(_list(os.path.join(root, name)))
        found.append(f"{name}/{'+'.join(sorted(states)) or 'none'}")
    return found


def _list(directory: str) -> list[str]:
    try:
        return sorted(os.listdir(directory))
    except (FileNotFoundError, NotADirectoryError):
        return []


def workers_of(pid: int) -> list[int]:
    """Give the living children of a process."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            children = [int(word) for word in file.read().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [child for child in children if state_of(child) not in {"", "Z", "X"}]


def state_of(pid: int) -> str:
    """Give the letter of a process's state; empty where there is none."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def await_stop(pid: int) -> None:
    """Wait until a process has stopped or ended: microseconds, but for a parent in vfork, which waits for its child."""
    deadline = time.monotonic() + 20 * SLICE
    while state_of(pid) not in {"T", "Z", "X", ""} and time.monotonic() < deadline:
        pass


class Steps:
    """A run that goes on in slices and stands still in between."""

    def __init__(self, process: subprocess.Popen[bytes], site: str) -> None:
        """Take over a run that was just started."""
        self.process = process
        self.site = site
        self.phase = PHASES[0]
        self.is_near = False
        """A transaction is being written, or taken away."""
        self.workers: list[int] = []

    def go(self, seconds: float | None = None) -> bool:
        """Let it run for a slice, then look at it; False where it has ended."""
        if sys.platform == "win32":
            raise NotImplementedError("campaigns run on POSIX")
        self.send(signal.SIGCONT)
        if seconds is None:
            seconds = FINE if self.is_near or self.phase in {"open", "committed"} else SLICE
        time.sleep(seconds)
        self.send(signal.SIGSTOP)
        await_stop(self.process.pid)
        if self.process.poll() is not None:
            self.phase = "ended"
            return False
        self.workers = workers_of(self.process.pid)
        for worker in self.workers:
            await_stop(worker)
        self.phase = self._look()
        return True

    def send(self, number: int) -> None:
        """Send a signal to every process of the run."""
        if sys.platform == "win32":
            raise NotImplementedError("campaigns run on POSIX")
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def _look(self) -> str:
        names = _list(os.path.join(self.site, ".lugnut", "transactions"))
        self.is_near = any(name.startswith(UNPUBLISHED) for name in names)
        found = list_transactions(self.site)
        if any(one.endswith("/committed") for one in found):
            return "committed"
        if found:
            return "open"
        return "start" if self.phase == "start" else "closed"


def observe(process: subprocess.Popen[bytes], site: str) -> dict[str, int]:
    """Watch a run to its end: how many slices it spent in each phase, and with workers while it was open."""
    steps, seen = Steps(process, site), dict.fromkeys((*PHASES, "worker"), 0)
    while steps.go():
        seen[steps.phase] += 1
        seen["worker"] += steps.phase == "open" and bool(steps.workers)
    return seen


def reach(steps: Steps, moment: Moment) -> int:
    """Let a run come to a moment; gives how many slices it was past the beginning of the phase when that was over.

    Where the phase is over before (the transaction is gone, the workers are), it stops there.
    """

    def is_there() -> bool:
        if moment.worker:
            return steps.phase == "open" and bool(steps.workers)
        return steps.phase != "start" or moment.phase == "start"

    while not (is_there() and PHASES.index(steps.phase) >= PHASES.index(moment.phase)):
        if not steps.go() or (moment.worker and steps.phase == "committed"):
            return 0
    there = ("open", "committed") if moment.phase in {"open", "committed"} else PHASES
    passed = 0
    while passed < moment.slices and steps.phase in there and steps.go():
        passed += 1
        if moment.worker and not steps.workers:
            return passed
    if steps.phase in there:
        steps.go(moment.rest)
    return passed


def wait_for(process: subprocess.Popen[bytes], happened: Callable[[], bool]) -> bool:
    """Wait until something is so; False where the run ended before."""
    while not happened():
        if process.poll() is not None:
            return False
        time.sleep(POLL)
    return True


def kill(steps: Steps, kind: str) -> Killed:
    """Send SIGKILL to the group, the coordinator or one worker, look for transactions, and wait until all is still."""
    if sys.platform == "win32":
        raise NotImplementedError("campaigns run on POSIX")
    hit = steps.process.poll() is None
    with contextlib.suppress(ProcessLookupError):
        if kind == "group":
            steps.send(signal.SIGKILL)
        elif kind == "coordinator":
            steps.process.kill()
        else:
            workers = workers_of(steps.process.pid)
            hit = bool(workers)
            if hit:
                os.kill(workers[-1], signal.SIGKILL)
    found = list_transactions(steps.site)
    steps.send(signal.SIGCONT)
    return Killed(kind, hit, found, reap(steps.process))


def reap(process: subprocess.Popen[bytes]) -> bool:
    """Wait for every process of the run, orphans too; says whether any of them had to be killed for it."""
    if sys.platform == "win32":
        raise NotImplementedError("campaigns run on POSIX")
    deadline = time.monotonic() + PATIENCE
    lingered = False
    while True:
        try:
            pid, status = os.waitpid(-process.pid, os.WNOHANG)
        except ChildProcessError:
            return lingered
        if pid == process.pid:
            process.returncode = os.waitstatus_to_exitcode(status)
        if pid == 0:
            if time.monotonic() > deadline and not lingered:
                lingered = True
                os.killpg(process.pid, signal.SIGKILL)
            time.sleep(POLL)
