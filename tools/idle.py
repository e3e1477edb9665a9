"""Is the machine ours alone? A measure taken while others work is thrown away, and counted.

Before a round the machine is watched for 0.3 s: while others keep more than the allowed share of processors busy, the
round waits. After it, the time for which all processors were busy during the measured runs is compared with what these
runs used. What the kernel's own threads did is nobody's: they write back what the runs wrote. The load average is shown
but decides nothing, since it remembers our own last round for a minute.
"""

from __future__ import annotations

import os
import sys
import time
from typing import NamedTuple

WINDOW = 0.3
"""Seconds of one look."""
NOISE = 0.04
"""Seconds of others' work in a round that are never held against it: the kernel counts in hundredths."""
KERNEL_THREADS = 2
"""The pid of kthreadd, their parent."""


class Look(NamedTuple):
    """What the kernel has counted up to a moment, in seconds; `busy` is summed over processors."""

    moment: float
    busy: float
    kernel: float


class Spent(NamedTuple):
    """How long a measured run took and how busy the machine was meanwhile, in seconds."""

    wall: float
    busy: float
    kernel: float


def look() -> Look:
    """Read the machine's counters."""
    if sys.platform == "win32":
        raise NotImplementedError("campaigns run on POSIX")
    ticks = os.sysconf("SC_CLK_TCK")
    with open("/proc/stat", encoding="ascii") as file:
        line = file.readline()
    return Look(time.perf_counter(), count_busy(line) / ticks, read_kernel_threads() / ticks)


def count_busy(line: str) -> int:
    """Add what /proc/stat's first line counts as work: all but idle and iowait; guests are in user already."""
    user, nice, system, _idle, _iowait, irq, softirq, steal = (int(word) for word in line.split()[1:9])
    return user + nice + system + irq + softirq + steal


def read_kernel_threads() -> int:
    """Add the ticks of all kernel threads; 0 where they cannot be seen, as in most containers."""
    total = 0
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as file:
                    total += count_thread(file.read())
            except OSError:
                continue  # it has ended
    return total


def count_thread(line: str) -> int:
    """Give the ticks of a process by its /proc/pid/stat line; 0 where it is no kernel thread."""
    words = line.rpartition(")")[2].split()
    return int(words[11]) + int(words[12]) if int(words[1]) == KERNEL_THREADS else 0


def between(before: Look, after: Look) -> Spent:
    """Give what happened between two looks."""
    return Spent(after.moment - before.moment, after.busy - before.busy, after.kernel - before.kernel)


def others(spent: list[Spent], ours: float) -> float:
    """Give the processors that others kept busy, on average, while our runs used `ours` seconds of CPU."""
    wall = sum(one.wall for one in spent)
    foreign = sum(one.busy - one.kernel for one in spent) - ours
    return max(0.0, foreign - NOISE) / wall if wall else 0.0


def wait_until_idle(allowed: float, patience: float) -> bool:
    """Wait until others keep fewer than `allowed` processors busy; False where they never did within `patience` s."""
    if allowed >= (os.cpu_count() or 1):
        return True
    end = time.monotonic() + patience
    while True:
        before = look()
        time.sleep(WINDOW)
        spent = between(before, look())
        if (spent.busy - spent.kernel) / spent.wall < allowed:
            return True
        if time.monotonic() >= end:
            return False
