"""What only POSIX has beside files: fork, signal masks, pipes that are polled, and what the machine is called.

The same names as `_windows_machine`.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("this room is for POSIX")

import contextlib
import os
import signal
from collections.abc import Callable, Iterator

HAS_FORK = sys.platform == "linux"
"""Elsewhere the system's own libraries do not survive a fork without an exec."""
HAS_SESSIONS = True
"""A program can be started at the head of a process group of its own."""
PASSES_DESCRIPTORS = True
"""A program can be started with open descriptors of ours."""
SPAWN_FLAGS = 0
"""Popen's creationflags: spawned workers are kept from the group's signals by the mask they inherit."""
_MANY_FILES, _OPEN_MAX = 65_536, 10_240
"""Open files to ask for, and what macOS grants at most, whatever its hard limit says."""
_GROUP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def cache_home() -> str:
    """Give the user's directory for caches (XDG base directory specification; macOS has its own)."""
    if sys.platform == "darwin":
        return os.path.expanduser("~/Library/Caches")
    return os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")


def boot_id() -> str:
    """Name the running kernel's start; empty where it has no name."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="utf-8") as stream:
            return stream.read().strip()
    except OSError:
        return ""


def pid_namespace() -> str:
    """Name the pid namespace; empty where there is none."""
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def host_name() -> str:
    """Give the machine's name."""
    return os.uname().nodename


def usable_processors() -> int:
    """Count the processors this process may run on."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def allow_more_files() -> None:
    """Raise the limit of open files as far as this process may; macOS begins with 256, Linux with 1024."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in (_MANY_FILES, _OPEN_MAX):
        limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        if soft == resource.RLIM_INFINITY or soft >= limit:
            return
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
            return


def count_threads() -> int:
    """Count this process's threads, Python's or not."""
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        import threading

        return threading.active_count()


@contextlib.contextmanager
def signals_held() -> Iterator[None]:
    """Keep every signal waiting for as long as the block lasts."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def fork(child: Callable[[], None]) -> int:
    """Start a process that runs `child` and ends by os._exit, flushing nothing of ours; gives its pid.

    Call it with the signals held: the child lets them in when it has made up its mind about them.
    """
    pid = os.fork()
    if pid != 0:
        return pid
    code = 1
    try:
        be_worker()
        child()
        code = 0
    finally:
        os._exit(code)  # whatever was raised: nothing of the parent's may run twice


def be_worker() -> None:
    """Leave the group's signals to the parent, who tells its workers what they mean (TRAPS 40); then let signals in."""
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)):  # the parent's handler is not ours to run
            signal.signal(number, signal.SIG_DFL)
    for number in _GROUP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def end_group(pid: int) -> None:
    """Kill a program that was started as the head of its group, with all that it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def reap(pid: int) -> int | None:
    """Wait for a child's end and give its exit code, negative for a signal; None where somebody else reaped it."""
    try:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    except ChildProcessError:
        return None


def set_nonblocking(descriptor: int) -> None:
    """Have writes to a full pipe fail instead of wait."""
    os.set_blocking(descriptor, False)


def wait_readable(descriptors: list[int], seconds: float) -> list[int]:
    """Wait until something can be read, or has ended, and give what."""
    import select

    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    return [descriptor for descriptor, _ in poll.poll(seconds * 1000)]


def speaks(descriptor: int) -> bool:
    """Say whether a pipe has something to read or has come to its end."""
    return bool(wait_readable([descriptor], 0))


def make_binary(descriptor: int) -> None:
    """Do nothing: bytes are bytes."""
