"""uv's own lock on an environment: a uv run waits for lugnut, lugnut for a uv run, lugnut's runs share it."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rooms import Room, start

if sys.platform == "win32":
    pytest.skip("flock and its order are POSIX", allow_module_level=True)


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


@contextmanager
def held(path: Path, how: int) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def read_until(process: subprocess.Popen[str], words: str) -> str:
    """Read what a program says on stderr up to a line with these words; it is what tells that it waits."""
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line
        if words in line:
            return said
    raise AssertionError(f"it never said {words!r}: {said}")


def test_lugnut_waits_for_a_uv_run(room: Room) -> None:
    wheel = room.wheel("a")
    lock = room.prefix / ".lock"
    with held(lock, fcntl.LOCK_EX):
        process = room.start("install", wheel)
        assert str(lock) in read_until(process, "waiting for")
        assert not (room.site / "a.py").exists()
        assert process.poll() is None
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert room.read("a.py")


BACKEND = """
import os, shutil
def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    open({building!r}, "w").close()
    with open({gate!r}) as file:  # a FIFO: until somebody writes
        file.read()
    return os.path.basename(shutil.copy({wheel!r}, wheel_directory))
"""


def make_slow_source(room: Room) -> tuple[Path, Path, Path]:
    """Make a source tree whose build stands still at a FIFO; gives it, the FIFO, and what tells that it is building."""
    source, gate, building = room.path / "slow", room.path / "gate", room.path / "building"
    source.mkdir()
    os.mkfifo(gate)
    words = BACKEND.format(building=str(building), gate=str(gate), wheel=room.wheel("slow"))
    (source / "backend.py").write_text(words)
    (source / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "slow"\nversion = "1.0"\n'
    )
    return source, gate, building


def test_lugnut_waits_for_a_uv_run_that_builds(room: Room) -> None:
    """uv has its lock while it builds, and this build stands still until it is let go."""
    source, gate, building = make_slow_source(room)
    wheel = room.wheel("a")
    theirs = start(room.uv_command("install", "--no-deps", "--no-index", str(source)), room.environ)
    with killed_at_the_end(theirs):
        end = time.monotonic() + 60
        while not building.exists():
            assert theirs.poll() is None, theirs.communicate()
            assert time.monotonic() < end, "uv does not build"
            time.sleep(0.002)
        ours = room.start("install", wheel)
        with killed_at_the_end(ours):
            assert str(room.prefix / ".lock") in read_until(ours, "waiting for")
            assert not (room.site / "a.py").exists()
            assert (ours.poll(), theirs.poll()) == (None, None)
            gate.write_text("go on")
            for process in (theirs, ours):
                _, err = process.communicate(timeout=60)
                assert process.returncode == 0, err
    assert room.read("a.py")
    assert room.read("slow.py")
    assert room.findings() == []


@contextmanager
def killed_at_the_end(process: subprocess.Popen[str]) -> Iterator[None]:
    try:
        yield
    finally:
        process.kill()
        process.wait()


def test_lugnut_gives_up_when_a_uv_run_takes_too_long(room: Room) -> None:
    wheel = room.wheel("a")
    before = room.tree()
    with held(room.prefix / ".lock", fcntl.LOCK_EX):
        ran = room.lugnut("install", "--lock-timeout", "0", wheel)
    assert ran.code == 3
    assert ".lock" in ran.err
    assert room.tree() == before


def test_a_uv_run_waits_for_lugnut(room: Room) -> None:
    """lugnut is kept waiting at one of its own locks, so that it holds uv's while uv comes."""
    wheel, lock = room.wheel("a"), room.prefix / ".lock"
    room.do("install", room.wheel("first"))
    with held(room.site / ".lugnut" / "locks" / "a.lock", fcntl.LOCK_EX):
        ours = room.start("install", wheel)
        read_until(ours, "waiting for")
        theirs = start(room.uv_command("install", "-v", "--no-deps", "--no-index", room.wheel("b")), room.environ)
        said = read_until(theirs, "Waiting to acquire")
        assert str(lock) in said
        assert theirs.poll() is None
        assert not (room.site / "b.py").exists()
    for process in (ours, theirs):
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    assert room.read("a.py")
    assert room.read("b.py")
    assert room.findings() == []


def test_two_lugnut_runs_share_uvs_lock(room: Room) -> None:
    wheel = room.wheel("a")
    with held(room.prefix / ".lock", fcntl.LOCK_SH):
        room.do("install", "--lock-timeout", "0", wheel)
