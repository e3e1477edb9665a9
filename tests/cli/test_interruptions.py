"""A run in the middle of its work: interrupted, watched on a terminal, and beside another one in the same process."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import signal
import subprocess
import sys
import threading

import pytest

import lugnut
from lugnut.settings import Report
from screens import Room
from wheels import make_wheel

PIPE = 4096
"""Bytes the smallest pipe holds: a run that writes more of its events than that waits for the reader."""
MANY = 150


def make_many(room: Room) -> None:
    for number in range(MANY):
        make_wheel(room.wheels, f"many{number}")
    room.write("r.txt", "-f wheels\n" + "".join(f"many{number}\n" for number in range(MANY)))


def read_until(descriptor: int, word: bytes) -> None:
    """Read lines, byte by byte so that nothing more is taken, up to the one that has the word."""
    line = b""
    while word not in line:
        line = b""
        while not line.endswith(b"\n"):
            byte = os.read(descriptor, 1)
            assert byte, "the run ended early"
            line += byte


@pytest.mark.skipif(not hasattr(fcntl, "F_SETPIPE_SZ"), reason="needs a pipe of a known size")
@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_files_are_placed_undoes_the_run(
    room: Room, number: signal.Signals, code: int, jobs: int
) -> None:
    make_many(room)
    room.run(f"install {room.wheel('before')}")
    before = room.tree()
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, PIPE)
    with room.start(f"install -r r.txt --jobs {jobs} --json-events -", stdout=writing) as process:
        os.close(writing)
        read_until(reading, b'"WheelPlaced"')  # most of them are still to come, and do not fit into the pipe
        assert set(room.tree()) > set(before)
        process.send_signal(number)
        with open(reading, "rb") as rest:
            lines = rest.read().splitlines()
        _, err = process.communicate(timeout=120)
    assert process.returncode == code
    assert err == f"error: interrupted by {number.name}; nothing was changed\n"
    assert b'"event": "Error"' in lines[-1]
    assert room.tree() == before
    assert room.screen("check").startswith("All is well")


def watch(room: Room, typed: str, **environ: str) -> str:
    """Run a command on a terminal of its own, and give all it drew."""
    leader, follower = pty.openpty()
    command = room.command(typed)
    process = subprocess.Popen(
        command,
        cwd=room.path,
        env={**room.environ(**environ), "TERM": "xterm"},
        stdin=subprocess.DEVNULL,
        stdout=follower,
        stderr=follower,
    )
    os.close(follower)
    drawn = b""
    with contextlib.suppress(OSError):  # EIO: nobody has the other end any more
        while data := os.read(leader, 65536):
            drawn += data
    os.close(leader)
    process.wait(120)
    return drawn.decode()


def test_colours_are_for_terminals_and_for_those_who_ask(room: Room) -> None:
    room.run(f"install {room.wheel('one')}")
    assert "\033[" in watch(room, "list", NO_COLOR="")
    assert "\033[" not in watch(room, "list", NO_COLOR="1")
    assert "\033[" not in watch(room, "list --color never", NO_COLOR="", FORCE_COLOR="1")
    assert "\033[" not in room.screen("list", NO_COLOR="")
    assert "\033[" in room.screen("list", NO_COLOR="", FORCE_COLOR="1")
    assert "\033[" in room.screen("list --color always")


def test_nothing_is_drawn_where_no_terminal_is_or_none_is_wanted(room: Room) -> None:
    one = room.wheel("one")
    hide = "\033[?25l"
    assert hide not in room.screen(f"install {one}", NO_COLOR="", FORCE_COLOR="1")
    assert hide not in watch(room, f"install --reinstall --no-progress {one}", NO_COLOR="")


def test_two_threads_install_at_once(room: Room) -> None:
    shared = [make_wheel(room.wheels, f"both{number}", files={"shared.py": str(number)}) for number in range(2)]
    mine = [[make_wheel(room.wheels, f"t{thread}n{number}") for number in range(6)] for thread in range(2)]
    place = {"target": str(room.target), "cache_dir": str(room.path / "cache"), "jobs": 2}
    reports: list[Report | BaseException] = [RuntimeError(), RuntimeError()]
    ready = threading.Barrier(2)

    def install(thread: int) -> None:
        try:
            ready.wait(30)
            reports[thread] = lugnut.install([*shared, *mine[thread]], **place)  # type: ignore[arg-type]
        except BaseException as error:  # noqa: BLE001 - looked at below
            reports[thread] = error

    threads = [threading.Thread(target=install, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    names = sorted(change.name for report in reports if isinstance(report, Report) for change in report.changes)
    assert names == sorted([*(f"t{a}n{b}" for a in range(2) for b in range(6)), "both0", "both1"]), reports
    assert lugnut.check_environment(target=str(room.target)).findings == ()


def test_an_interrupt_after_a_command_has_ended_changes_nothing_of_what_it_said(room: Room) -> None:
    code = (
        "import os, signal, sys\n"
        "from lugnut.__main__ import start\n"
        "class Out:\n"
        "    closed, encoding, ended = False, 'utf-8', False\n"
        "    def fileno(self): return 1\n"
        "    def isatty(self): return False\n"
        "    def write(self, text): self.ended = os.write(1, text.encode()) > 0\n"
        "    def flush(self):\n"
        "        import traceback\n"
        "        if any(frame.name in {'start', '_leave'} for frame in traceback.extract_stack()[-2:-1]):\n"
        "            signal.raise_signal(signal.SIGINT)\n"
        "sys.stdout, sys.argv = Out(), ['lugnut', '--version']\n"
        "sys.exit(start())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=room.path, env=room.environ(), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("lugnut ")


def test_the_library_keeps_nothing_between_two_calls_and_ends_no_program(room: Room) -> None:
    one = str(room.path / room.wheel("one"))
    code = (
        "import lugnut, os, signal, sys\n"
        "before = (os.getcwd(), dict(os.environ), signal.getsignal(signal.SIGINT), list(sys.path), os.umask(0o22))\n"
        f"for name in (['nothing-1.0-py3-none-any.whl'], [{one!r}], [{one!r}]):\n"
        "    try:\n"
        "        print(len(lugnut.install(name, target='t', cache_dir='c').changes))\n"
        "    except lugnut.LugnutError as error:\n"
        "        print(type(error).__name__)\n"
        "after = (os.getcwd(), dict(os.environ), signal.getsignal(signal.SIGINT), list(sys.path), os.umask(0o22))\n"
        "print(before == after)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=room.path, env=room.environ(), capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("WheelNotFound\n1\n0\nTrue\n", "")
