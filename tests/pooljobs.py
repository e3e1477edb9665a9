"""Jobs for the pool's tests, in a module that spawned workers can import. A job is a line of words."""

import os
import select
import sys
import time

from lugnut.errors import BadWheel
from lugnut.events import Note, Span, Timing
from lugnut.system import workers


class StubbornError(Exception):
    """Does not survive pickling."""

    def __init__(self, one, *, two):
        super().__init__(one, two)


def act(job, emit):
    verb, *words = job.split()
    return globals()[f"do_{verb}"](emit, *words)


def do_square(emit, number):
    emit(Note("note", number))
    return int(number) ** 2


def do_pid(_emit):
    return os.getpid()


def do_holds(_emit, descriptor, inode):
    try:
        return os.fstat(int(descriptor)).st_ino == int(inode)
    except OSError:
        return False


def do_die(_emit, number):
    os.kill(os.getpid(), int(number))


def do_exit(_emit, code):
    os._exit(int(code))


def do_raise(_emit, kind):
    raise {
        "bad-wheel": BadWheel(wheel="x.whl", summary="no RECORD", problems=["no RECORD"]),
        "value": ValueError("plain"),
        "os": FileNotFoundError(2, "No such file", "x"),
        "stubborn": StubbornError("a", two="b"),
        "exit": SystemExit(3),
    }[kind]


def do_unpicklable(_emit):
    return lambda: None


def do_linger(_emit, path):
    """Say who is at work by a file, then work at borders until told to stop; leave another file when stopped."""
    with open(f"{path}.begun.tmp", "w") as stream:
        stream.write(str(os.getpid()))
    os.rename(f"{path}.begun.tmp", f"{path}.begun")
    deadline = time.monotonic() + 60
    try:
        while time.monotonic() < deadline:
            workers.stopped()
            select.select([], [], [], 0.005)
    except workers.Stopped:
        open(f"{path}.stopped", "w").close()
        raise
    return "nobody stopped it"


def do_sleep(_emit):
    """Never come to a border."""
    time.sleep(60)


def do_print(_emit, word):
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()
    return word


def do_pool(emit, number):
    """Start a pool within a worker."""
    plan = workers.Pool(2, str, emit, lambda: None, "spawn")
    return workers.run(act, [f"pid {number}".split()[0]] * 2, plan=plan) == [os.getpid()] * 2


def do_big(emit, size):
    emit(Note("note", "e" * int(size)))
    return b"r" * int(size)


def do_wait(emit, name):
    """Tell of a wait as locks do."""
    emit(Span(name, "wait", 1, 2))


class Times(Timing):
    """Keeps (lane, span) as it is told."""

    on = True

    def __init__(self):
        self.told = []

    def add(self, span, lane=0):
        self.told.append((lane, span))


def make_plan(size=2, method="fork", report=lambda _event: None, cancelled=lambda: None):
    return workers.Pool(size, lambda job: f"<{job}>", report, cancelled, method)


def run(jobs, **plan):
    return workers.run(act, jobs, plan=make_plan(**plan))


def run_timed(jobs, *, size=2, method="fork"):
    """Run jobs, and give what was told of their times, whatever becomes of them."""
    times = Times()
    try:
        workers.run(act, jobs, plan=make_plan(size, method)._replace(timing=times, trade="test"))
    except Exception as error:  # noqa: BLE001 - whichever it is
        print(type(error).__name__)
    return times.told


def descriptors():
    return sorted(os.listdir("/proc/self/fd"))


def children():
    """The pids of this process's children, zombies too."""
    with open(f"/proc/self/task/{os.getpid()}/children") as stream:
        return stream.read().split()
