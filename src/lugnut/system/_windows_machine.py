"""What only Windows has beside files: the same names as `_posix_machine`; no process is forked, no signal held."""

from __future__ import annotations

import sys

if sys.platform != "win32":
    raise ImportError("this room is for Windows")

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Iterator

from lugnut.errors import InternalError

HAS_FORK = False
HAS_SESSIONS = False
"""What ends a group here goes by parentage."""
PASSES_DESCRIPTORS = False
"""Handles that are inherited have other names, and Popen hands on none but the streams."""
_TIME_OF_DAY = 3
SPAWN_FLAGS = subprocess.CREATE_NEW_PROCESS_GROUP
"""Ctrl-C reaches a whole process group; a spawned worker gets one of its own, so that the parent decides."""


def cache_home() -> str:
    """Give the user's directory for what stays on this machine."""
    return os.environ.get("LOCALAPPDATA") or os.path.expanduser(r"~\AppData\Local")


def boot_id() -> str:
    """Name the running system's start by its moment, less what the clock was set by since; empty where it is not told.

    SYSTEM_TIMEOFDAY_INFORMATION: BootTime, CurrentTime, TimeZoneBias, two numbers in one, BootTimeBias, SleepTimeBias.
    What is computed from the time that the system is up differs by a second from one time to the next.
    """
    import ctypes

    told = (ctypes.c_int64 * 6)()
    failed = ctypes.WinDLL("ntdll").NtQuerySystemInformation(_TIME_OF_DAY, told, ctypes.sizeof(told), None)
    return "" if failed else f"since {told[0] - told[4]}"


def pid_namespace() -> str:
    """Give no name: there are no pid namespaces."""
    return ""


def host_name() -> str:
    """Give the machine's name."""
    return os.environ.get("COMPUTERNAME", "")


def usable_processors() -> int:
    """Count the processors."""
    return os.cpu_count() or 1


def allow_more_files() -> None:
    """Do nothing: handles are not limited, and the C library's own limit is 8192."""


def count_threads() -> int:
    """Count this process's threads."""
    import threading

    return threading.active_count()


@contextlib.contextmanager
def signals_held() -> Iterator[None]:
    """Do nothing: signals cannot be held, and no process is forked."""
    yield


def fork(child: Callable[[], None]) -> int:  # noqa: ARG001 - as _posix has it
    """Refuse."""
    raise InternalError(message="there is no fork on Windows")


def be_worker() -> None:
    """Leave Ctrl-C to the parent, who tells its workers what it means (TRAPS 40)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def end_group(pid: int) -> None:
    """Kill a program with all that it started."""
    import psutil

    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        for one in [*process.children(recursive=True), process]:
            with contextlib.suppress(psutil.Error):
                one.kill()


def reap(pid: int) -> int | None:
    """Know nothing of forked children: there are none."""
    raise InternalError(message=f"process {pid} was not forked")


def set_nonblocking(descriptor: int) -> None:
    """Know nothing of forked children's pipes: there are none."""
    raise InternalError(message=f"{descriptor} cannot be set not to block")


def wait_readable(descriptors: list[int], seconds: float) -> list[int]:
    """Know nothing of forked children's pipes: there are none."""
    raise InternalError(message=f"{descriptors} cannot be waited for ({seconds} s)")


def speaks(descriptor: int) -> bool:
    """Say whether a pipe has something to read or has come to its end."""
    import _winapi
    import msvcrt

    try:
        waiting = _winapi.PeekNamedPipe(msvcrt.get_osfhandle(descriptor), 0)[-2]
    except OSError:  # broken: the other end is closed
        return True
    return waiting > 0


def make_binary(descriptor: int) -> None:
    """Keep the C library from translating line ends."""
    import msvcrt

    msvcrt.setmode(descriptor, os.O_BINARY)
