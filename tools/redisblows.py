"""What befalls a run under a lock in Redis, and at which of its moments: a run, a keeper, a host, a server, the links.

A moment is a stop of farhost.py: the run stands there, says so, and waits until it is told to go on. So a blow that
takes its lock away falls between the two steps meant, and not somewhere in the seconds that a start takes.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator

import psutil

from redisserver import RedisServer

if sys.platform == "win32":
    raise ImportError("campaigns run on POSIX")

Process = subprocess.Popen[str]
KINDS = ("nothing", "run killed", "host dies", "keeper killed", "server killed", "links cut", "host frozen")
LOSING = KINDS[2:]
"""After these the lock is to be had by others though the run may go on."""
MOMENTS = ("placing", "checking", "committing", "committed", "showing", "settling")
LOST = ("was lost:", "granted to another run", "took this one for dead", "was taken by another run")
"""What a run says that found its lock lost."""


def keepers_of(process: Process) -> list[psutil.Process]:
    """Find the keeper of a run, if it has one by now."""
    with contextlib.suppress(psutil.Error):
        return [
            one for one in psutil.Process(process.pid).children() if "lugnut.system.keeper" in " ".join(one.cmdline())
        ]
    return []


@contextlib.contextmanager
def befalling(server: RedisServer, kind: str, victim: Process) -> Iterator[None]:
    """Have it happen; a host that is frozen stays so for as long as the block lasts."""
    frozen: list[psutil.Process] = []
    if kind == "server killed":
        server.kill()
        server.start()
    elif kind == "links cut":
        server.cut()
    elif kind == "host frozen":
        frozen = _find_all(victim)
    elif kind != "nothing":
        _kill(kind, victim)
    _signal(frozen, signal.SIGSTOP)
    try:
        yield
    finally:
        _signal(frozen, signal.SIGCONT)


def _kill(kind: str, victim: Process) -> None:
    if kind in {"host dies", "keeper killed"}:
        _signal(keepers_of(victim), signal.SIGKILL)
    if kind == "host dies":
        _signal(_find_all(victim)[1:], signal.SIGKILL)
    if kind in {"host dies", "run killed"}:
        victim.kill()


def _find_all(victim: Process) -> list[psutil.Process]:
    """Find a run and all that it has started: what a host that stops, or dies, takes along."""
    if victim.poll() is not None:
        return []
    with contextlib.suppress(psutil.Error):
        one = psutil.Process(victim.pid)
        return [one, *one.children(recursive=True)]
    return []


def _signal(processes: list[psutil.Process], number: int) -> None:
    for one in processes:
        with contextlib.suppress(psutil.Error):
            one.send_signal(number)


def arrive(victim: Process) -> bool:
    """Wait until a run stands at its moment; False where it has ended, or never comes there."""
    assert victim.stdout is not None
    return bool(victim.stdout.readline())
