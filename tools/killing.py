"""Start an installer in a process group of its own, watch it through its transaction, and kill it at a chosen moment.

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

import psutil

PR_SET_CHILD_SUBREAPER = 36
POLL = 0.0005
PATIENCE = 60.0
UNPUBLISHED = (".", "new-", "old-")
"""How the names begin of transactions that have not appeared yet, or are closed and being deleted."""
KINDS = ("group", "coordinator", "worker")


class Life(NamedTuple):
    """When things happened in a run that nobody killed, in seconds from its start; None where they did not."""

    opened: float | None = None
    """The transaction appeared."""
    worked: float | None = None
    """The first worker was seen while the transaction was there."""
    rested: float | None = None
    """The last worker was seen."""
    committed: float | None = None
    """The transaction was seen committed."""
    closed: float | None = None
    """The transaction was gone."""
    ended: float = 0.0
    code: int = 0


class Killed(NamedTuple):
    """What a kill hit."""

    kind: str
    hit: bool
    """Whether the process to be killed was alive (a worker: whether there was one)."""
    transactions: list[str]
    """Transactions found right after the kill, as `id/state`."""
    lingered: bool
    """Whether processes of the run had to be killed a minute later."""


def adopt_orphans(*, adopting: bool = True) -> None:
    """Become the parent of what loses its own, or stop doing so."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, int(adopting), 0, 0, 0)


def start(command: Sequence[str], environ: Mapping[str, str], output: IO[str]) -> subprocess.Popen[bytes]:
    """Start a run in a session of its own."""
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environ, start_new_session=True
    )


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


def has_transaction(site: str) -> bool:
    """Say whether a published transaction is there; one under a temporary name is not yet."""
    names = _list(os.path.join(site, ".lugnut", "transactions"))
    return any(not name.startswith(UNPUBLISHED) for name in names)


def workers_of(pid: int) -> list[int]:
    """Give the living children of a coordinator."""
    try:
        children = psutil.Process(pid).children()
        return [child.pid for child in children if child.status() != psutil.STATUS_ZOMBIE]
    except psutil.Error:
        return []


def observe(process: subprocess.Popen[bytes], site: str) -> Life:
    """Watch a run to its end."""
    begun = time.perf_counter()
    life = Life()
    while process.poll() is None:
        now = time.perf_counter() - begun
        if has_transaction(site):
            life = life._replace(opened=life.opened or now, closed=None)
            if life.committed is None and any(found.endswith("/committed") for found in list_transactions(site)):
                life = life._replace(committed=now)
            if workers_of(process.pid):
                life = life._replace(worked=life.worked or now, rested=now)
        elif life.opened is not None and life.closed is None:
            life = life._replace(closed=now)
        time.sleep(POLL)
    ended = time.perf_counter() - begun
    closed = ended if life.opened is not None and life.closed is None else life.closed
    return life._replace(closed=closed, ended=ended, code=process.returncode)


def wait_for(process: subprocess.Popen[bytes], happened: Callable[[], bool]) -> bool:
    """Wait until something is so; False where the run ended before."""
    while not happened():
        if process.poll() is not None:
            return False
        time.sleep(POLL)
    return True


def kill(process: subprocess.Popen[bytes], kind: str, site: str) -> Killed:
    """Send SIGKILL to the group, the coordinator or one worker, look for transactions, and wait until all is still."""
    if sys.platform == "win32":
        raise NotImplementedError("campaigns run on POSIX")
    hit = process.poll() is None
    with contextlib.suppress(ProcessLookupError):
        if kind == "group":
            os.killpg(process.pid, signal.SIGKILL)
        elif kind == "coordinator":
            process.kill()
        else:
            workers = workers_of(process.pid)
            hit = bool(workers)
            if hit:
                os.kill(workers[-1], signal.SIGKILL)
    found = list_transactions(site)
    return Killed(kind, hit, found, reap(process))


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
