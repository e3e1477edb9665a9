"""Runs that are traced: who did which wheel when, and what was waited for; and runs that are not."""

from __future__ import annotations

import itertools
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

import lugnut
from lugnut.system import files, locks
from programs import run
from rooms import Room, one_sentence

NAMES = ("one", "two", "three", "four", "five")
PHASES = [
    "start", "find", "look", "hold wheels", "hold", "decide", "survey", "publish", "judge", "place", "commit", "show",
    "compile", "close", "report",
]  # fmt: skip
SLACK = 0.002
"""Microseconds that may be lost where nanoseconds are divided and added again."""
Trace = list[dict[str, Any]]


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


@pytest.fixture
def wheels(room: Room) -> list[str]:
    return [room.wheel(name, files={f"{name}/part{n}.py": f"x = {n}\n" for n in range(30)}) for name in NAMES]


def read_trace(path: Path) -> Trace:
    document = json.loads(path.read_text())
    return [event for event in document["traceEvents"] if event["ph"] == "X"]


def install(room: Room, wheels: list[str], *words: str) -> Trace:
    path = room.path / "trace.json"
    room.do("install", "--no-deps", "--jobs", "2", "--trace", str(path), *words, *wheels)
    return read_trace(path)


def of(trace: Trace, category: str) -> Trace:
    return [span for span in trace if span["cat"] == category]


def end(span: dict[str, Any]) -> float:
    return float(span["ts"] + span["dur"])


def check_times(trace: Trace) -> None:
    """See that no time is negative, and that spans of a lane follow on each other or lie whole in one another.

    Of a worker only waits lie in others, of the coordinator all lie in the run.
    """
    [whole] = of(trace, "run")
    assert all(span["ts"] >= 0 and span["dur"] >= 0 and end(span) <= end(whole) + SLACK for span in trace)
    for lane in {span["tid"] for span in trace}:
        spans = [span for span in trace if span["tid"] == lane and (lane == 1 or span["cat"] != "wait")]
        for one, other in itertools.combinations(sorted(spans, key=lambda span: (span["ts"], -end(span))), 2):
            assert end(one) <= other["ts"] + SLACK or (lane == 1 and end(other) <= end(one) + SLACK)


def test_each_wheel_is_a_span_of_some_worker_in_each_of_its_crafts(room: Room, wheels: list[str]) -> None:
    trace = install(room, wheels, "--compile-bytecode")
    check_times(trace)
    expected = sorted(os.path.basename(wheel) for wheel in wheels)
    for category in ("place", "compile"):
        assert sorted(span["name"] for span in of(trace, category)) == expected
        assert {span["tid"] for span in of(trace, category)} <= {2, 3}
    assert [span["name"] for span in of(trace, "phase")] == PHASES
    assert all(span["tid"] == 1 for span in of(trace, "phase"))


def test_jobs_lie_in_the_phase_that_has_them_done(room: Room, wheels: list[str]) -> None:
    trace = install(room, wheels)
    [placing] = [span for span in of(trace, "phase") if span["name"] == "place"]
    assert all(placing["ts"] <= job["ts"] and end(job) <= end(placing) + SLACK for job in of(trace, "place"))


def test_one_worker_is_the_coordinator_itself(room: Room, wheels: list[str]) -> None:
    trace = install(room, wheels, "--jobs", "1")
    assert [span["tid"] for span in of(trace, "place")] == [1] * len(wheels)
    assert {span["tid"] for span in trace} == {1}


def test_a_removal_and_a_sync_are_traced_too(room: Room, wheels: list[str]) -> None:
    install(room, wheels)
    path = room.path / "removal.json"
    room.do("uninstall", "one", "--trace", str(path))
    assert [span["name"] for span in of(read_trace(path), "phase")][:4] == ["start", "look", "hold", "decide"]
    (room.path / "r.txt").write_text("\n".join(wheels))
    room.do("sync", str(room.path / "r.txt"), "--trace", str(path))
    assert [span["name"] for span in of(read_trace(path), "place")] == [os.path.basename(wheels[0])]


def test_a_wait_for_a_lock_says_which_and_who_held_it(room: Room, wheels: list[str]) -> None:
    install(room, wheels[:1])
    path = room.path / "trace.json"
    with files.open_root(str(room.site / ".lugnut" / "locks")) as place:
        held = locks.hold(place, "two.lock", locks.Patience(0))
        held.claim(locks.holder_words())
    words = ["--no-deps", wheels[1], "--trace", str(path), "--json-events", "-"]
    with room.start("install", *words) as waiting:
        assert waiting.stdout is not None
        assert any('"LockWaiting"' in line for line in waiting.stdout)
        held.close()
        waiting.communicate()
    assert waiting.returncode == 0
    trace = read_trace(path)
    check_times(trace)
    [wait] = of(trace, "wait")
    [phase] = [span for span in of(trace, "phase") if span["name"] == "hold"]
    assert (wait["name"], wait["tid"], wait["args"]["path"]) == ("two.lock", 1, held.path)
    assert wait["args"]["holder"].startswith(f"held by pid {os.getpid()} ")
    assert phase["ts"] <= wait["ts"]
    assert 1_000_000 * locks.FIRST_WORD <= wait["dur"] <= phase["dur"] + SLACK


def test_a_run_that_is_refused_leaves_a_timeline(room: Room) -> None:
    path = room.path / "trace.json"
    wheels = [room.wheel("a", files={"x/y.py": "1"}), room.wheel("b", files={"x/y.py": "2"})]
    assert room.lugnut("install", "--no-deps", "--on-conflict", "error", "--trace", str(path), *wheels).code != 0
    trace = read_trace(path)
    [whole] = of(trace, "run")
    assert whole["args"] == {"failed": "ConflictRefused"}
    assert [span["name"] for span in of(trace, "phase")][-2:] == ["judge", "undo"]


def test_a_place_that_cannot_be_written_is_refused_with_nothing_changed(room: Room, wheels: list[str]) -> None:
    before = room.tree()
    path = room.path / "nowhere" / "trace.json"
    ran = room.lugnut("install", "--no-deps", "--trace", str(path), *wheels)
    assert ran.code == 2
    assert one_sentence(ran.err) == f"--trace {path}: No such file or directory"
    assert room.tree() == before
    assert not room.cache.exists()


def test_a_run_that_is_not_traced_loads_and_writes_nothing_of_it(room: Room, wheels: list[str]) -> None:
    program = (
        "import sys; from lugnut.__main__ import main; main(sys.argv[1:]); print('lugnut.timeline' in sys.modules)"
    )
    words = room.command("install", "--no-deps", *wheels)[1:]
    before = set(os.listdir(room.path))
    ran = run([sys.executable, "-c", program, *words], room.environ)
    assert ran.out.splitlines()[-1] == "False"
    assert set(os.listdir(room.path)) - before == {"cache"}


def test_the_librarys_keyword_and_the_variable_do_the_same(room: Room, wheels: list[str]) -> None:
    path = room.path / "trace.json"
    lugnut.install(wheels[:2], no_deps=True, python=room.prefix, cache_dir=room.cache, trace=path)
    assert "place" in {span["name"] for span in of(read_trace(path), "phase")}
    path.unlink()
    ran = run(room.command("uninstall", "one"), {**room.environ, "LUGNUT_TRACE": str(path)})
    assert ran.code == 0
    assert read_trace(path)
