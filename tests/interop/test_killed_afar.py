"""A run killed while it downloads or builds: the environment is as it was, and the next run finds nothing half."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexes import Fault, IndexServer, serve
from programs import find_program
from projects import make_tree, pack
from rooms import Room
from wheels import make_wheel

BIG = "x = 1\n" * 200_000


@pytest.fixture
def index(tmp_path: Path) -> Iterator[IndexServer]:
    directory = tmp_path / "index"
    make_wheel(directory, "app", "1.0", {"app.py": BIG}, requires=["lib"], compress=False)
    make_wheel(directory, "lib", "1.0")
    pack(make_tree(tmp_path / "sources", "tiny")).rename(directory / "tiny-1.0.tar.gz")
    with serve(directory, kind="json") as server:
        yield server


@pytest.fixture
def room(tmp_path: Path, index: IndexServer) -> Room:
    return Room(tmp_path / "room").look_at(index.simple)


def start(room: Room, *words: str) -> subprocess.Popen[bytes]:
    """Start a run that is alone in its process group."""
    command = [find_program("lugnut"), "install", "--python", str(room.prefix), "--cache-dir", str(room.cache), *words]
    return subprocess.Popen(
        command, env=room.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, process_group=0
    )


def kill(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def leftovers(room: Room) -> list[str]:
    """What the cache has that is neither an entry, nor a lock, nor a part that the next run goes on with."""
    places = [room.cache / "store" / "temporary", room.cache / "built" / "temporary"]
    return [str(path) for place in places if place.is_dir() for path in place.iterdir()]


@pytest.mark.parametrize("cut", [0, 1000, 600_000])
def test_a_run_killed_while_it_downloads_changes_nothing_and_the_next_one_is_whole(
    room: Room, index: IndexServer, cut: int
) -> None:
    before = room.tree()
    held = threading.Event()
    index.spoil("app-1.0-py3-none-any.whl", Fault(cut=cut, held=held))
    process = start(room, "app")
    while not index.count("app-1.0-py3-none-any.whl"):
        assert process.poll() is None
    kill(process)
    held.set()
    assert room.tree() == before
    room.do("install", "app")
    assert room.findings() == []
    assert (room.site / "app.py").read_text() == BIG
    assert leftovers(room) == []


def test_a_run_killed_while_it_builds_changes_nothing_and_the_next_one_is_whole(room: Room, tmp_path: Path) -> None:
    before = room.tree()
    gate, told = tmp_path / "gate", tmp_path / "pid"
    os.mkfifo(gate)
    ready = {"TINY_GATE": str(gate), "TINY_PID": str(told)}
    room.environ |= ready
    process = start(room, "tiny")
    while not told.exists():
        assert process.poll() is None
    kill(process)
    with open(gate, "w"):  # the backend, in a group of its own, goes on and finds nobody
        pass
    for name in ready:
        room.environ.pop(name)
    assert room.tree() == before
    room.do("install", "tiny")
    assert room.findings() == []
    assert leftovers(room) == []
