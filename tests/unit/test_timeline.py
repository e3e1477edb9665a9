"""A timeline: the document's shape, its lanes, what lies in what; and its file, refused before anything is done."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from lugnut.errors import UsageError
from lugnut.events import UNTIMED, Event, Note, Span, ignore
from lugnut.timeline import Timeline, keep_timeline


def make_document() -> dict[str, Any]:
    timeline = Timeline()
    timeline.phase("find")
    with timeline.span("admit"):
        began = timeline._began
        timeline.add(Span("a.whl", "admit", began + 1_000, began + 3_500), 2)
    timeline.phase("place")
    timeline.add(Span("x.lock", "wait", began + 2_000, began + 3_000, {"holder": "somebody"}), 2)
    timeline.end()
    document = json.loads(json.dumps(timeline.to_json()))
    assert isinstance(document, dict)
    return document


def complete(document: dict[str, Any], thread: int) -> list[dict[str, Any]]:
    return [event for event in document["traceEvents"] if event["ph"] == "X" and event["tid"] == thread]


def test_a_document_is_chromes_trace_event_format() -> None:
    document = make_document()
    assert set(document) == {"traceEvents", "displayTimeUnit"}
    assert document["displayTimeUnit"] == "ms"
    fields = {"ph", "name", "cat", "ts", "dur", "pid", "tid", "args"}
    for event in document["traceEvents"]:
        assert set(event) == (fields if event["ph"] == "X" else fields - {"cat", "ts", "dur"})
        assert event["pid"] == os.getpid()


def test_every_lane_has_a_name() -> None:
    named = [event for event in make_document()["traceEvents"] if event["ph"] == "M"]
    assert [(event["name"], event["tid"], event["args"]) for event in named] == [
        ("process_name", 1, {"name": "lugnut"}),
        ("thread_name", 1, {"name": "coordinator"}),
        ("thread_name", 3, {"name": "worker 2"}),
    ]


def test_times_are_microseconds_from_the_runs_begin() -> None:
    job, wait = complete(make_document(), 3)
    assert (job["name"], job["cat"], job["ts"], job["dur"], job["args"]) == ("a.whl", "admit", 1.0, 2.5, {})
    assert (wait["name"], wait["cat"], wait["ts"], wait["dur"]) == ("x.lock", "wait", 2.0, 1.0)
    assert wait["args"] == {"holder": "somebody"}


def test_the_run_holds_its_phases_and_a_phase_its_steps() -> None:
    spans = complete(make_document(), 1)
    assert [(span["name"], span["cat"]) for span in spans] == [
        ("run", "run"), ("find", "phase"), ("admit", "step"), ("place", "phase"),
    ]  # fmt: skip
    ends = [span["ts"] + span["dur"] for span in spans]
    assert spans[1]["ts"] <= spans[2]["ts"] <= ends[2] <= ends[1] + 0.001
    assert abs(ends[1] - spans[3]["ts"]) < 0.001
    assert spans[0]["ts"] == 0
    assert max(ends) <= ends[0] + 0.001


def test_no_time_is_kept_where_nobody_wants_it() -> None:
    UNTIMED.phase("find")
    with UNTIMED.span("admit"):
        UNTIMED.add(Span("a", "b", 0, 1), 1)
    assert (UNTIMED.on, UNTIMED.waits) == (False, None)


def read_run(path: Path) -> dict[str, Any]:
    [run] = [event for event in json.loads(path.read_text())["traceEvents"] if event["name"] == "run"]
    assert isinstance(run, dict)
    return run


def fail(path: Path, error: type[BaseException]) -> None:
    with keep_timeline(str(path), ignore) as timeline:
        timeline.phase("find")
        raise error


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_run_that_fails_leaves_what_is_known(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "t.json"
    with pytest.raises(error):
        fail(path, error)
    assert read_run(path)["args"] == {"failed": error.__name__}
    assert "find" in path.read_text()
    assert os.listdir(tmp_path) == ["t.json"]


def test_a_file_from_before_is_replaced_and_a_symlink_followed(tmp_path: Path) -> None:
    path, alias = tmp_path / "t.json", tmp_path / "alias"
    path.write_text("old")
    alias.symlink_to("t.json")
    with keep_timeline(str(alias), ignore):
        pass
    assert read_run(path)["args"] == {}
    assert alias.is_symlink()


@pytest.mark.parametrize("name", ["no/file", ".", "-", "pipe"])
def test_a_place_for_no_file_is_refused_before_anything_is_done(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=f"^--trace {name}: "), keep_timeline(name, ignore):
        raise AssertionError
    assert os.listdir(tmp_path) == ["pipe"]
    assert stat.S_ISFIFO(os.stat("pipe").st_mode)


def test_what_cannot_be_written_in_the_end_is_a_warning(tmp_path: Path) -> None:
    heard: list[Event] = []
    below = tmp_path / "below"
    below.mkdir()
    with keep_timeline(str(below / "t.json"), heard.append):
        (below / "t.json").unlink()
        below.rmdir()
    [note] = heard
    assert isinstance(note, Note)
    assert note.level == "warning"
    assert "could not be written: No such file or directory" in note.text
