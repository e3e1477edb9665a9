"""Runs other programs: the target's interpreter, a resolver, a build, git, keyring. The only room that does.

Each gets a process group of its own, so that calling it off ends it with all that it started, and nothing that this
process holds but its three streams.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence

from lugnut.events import never
from lugnut.system.native import machine
from lugnut.typed import IO, Any, NamedTuple

TICK = 0.1
"""Seconds between two looks at `cancelled` and the clock."""


class Ran(NamedTuple):
    """How a program ended."""

    code: int
    """Its exit code, negative for a signal."""
    out: bytes
    err: bytes


class Conditions(NamedTuple):
    """Where and how long a program runs."""

    patience: float | None = None
    """Seconds; None: as long as it takes."""
    environ: Mapping[str, str] | None = None
    """None: this process's."""
    directory: str | None = None
    """None: this process's."""
    cancelled: Callable[[], None] = never
    """Called about ten times a second; raises to have the program ended."""
    together: bool = False
    """What it says on stderr comes in `out`, in the order in which it was said."""


class TooLong(Exception):
    """The program did not end in time, and was ended."""


def run(command: Sequence[str], given: bytes = b"", conditions: Conditions = Conditions()) -> Ran:
    """Run a program to its end with `given` on its stdin; raises OSError where it cannot be started, and TooLong."""
    import subprocess

    process = subprocess.Popen(
        list(command),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if conditions.together else subprocess.PIPE,
        env=None if conditions.environ is None else dict(conditions.environ),
        cwd=conditions.directory,
        start_new_session=machine.HAS_SESSIONS,
        creationflags=machine.SPAWN_FLAGS,
    )
    try:
        out, err = _follow(process, given, conditions)
    except BaseException:
        machine.end_group(process.pid)
        _close(process.stdin, process.stdout, process.stderr)
        process.wait()
        raise
    return Ran(process.returncode, out, err or b"")


def _follow(process: Any, given: bytes, conditions: Conditions) -> tuple[bytes, bytes | None]:
    """Talk to a program until it ends; what is given is sent once, whatever interrupts the waiting."""
    from subprocess import TimeoutExpired

    until = None if conditions.patience is None else time.monotonic() + conditions.patience
    words: bytes | None = given
    while True:
        try:
            out, err = process.communicate(words, timeout=TICK)
        except TimeoutExpired:
            words = None
            conditions.cancelled()
            if until is not None and time.monotonic() > until:
                raise TooLong from None
        else:
            return out, err


def _close(*streams: IO[bytes] | None) -> None:
    for stream in streams:
        if stream is not None:
            try:
                stream.close()
            except OSError:  # what it did not read any more
                continue


def find(name: str, environ: Mapping[str, str] | None = None) -> str | None:
    """Find a program on PATH, absolute; None where there is none."""
    import shutil

    found = shutil.which(name, path=(os.environ if environ is None else environ).get("PATH"))
    return None if found is None else os.path.abspath(found)
