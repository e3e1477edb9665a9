"""What people read: the lines of uv, conflicts in one stable text, errors in one sentence."""

from __future__ import annotations

import io
import itertools
import json
import os

import pytest

from failures import example, find_kinds
from lugnut import errors
from lugnut.cli.answers import format_findings, format_installed, format_verdict
from lugnut.cli.human import (
    Message,
    describe_unexpected,
    format_changes,
    format_conflicts,
    format_counted,
    format_error,
    format_event,
    format_left_alone,
    format_recovered,
    format_report,
    format_seconds,
    format_set_aside,
    format_size,
    format_summary,
    format_unmet,
)
from lugnut.cli.progress import Progress
from lugnut.cli.terminal import Paint, wants_color
from lugnut.events import (
    Changed,
    Committed,
    Conflict,
    Counted,
    LeftAlone,
    LockWaiting,
    Note,
    Recovered,
    SetAside,
    WheelAdmitted,
    WheelPlaced,
)
from lugnut.settings import Finding, Installation, Report

PLAIN = Paint()
CHANGES = (
    Changed("install", "serpapi", None, "0.1.5"),
    Changed("upgrade", "flask", "2.0", "3.0"),
    Changed("reinstall", "jwt", "1.3.1", "1.3.1"),
    Changed("remove", "old", "1", None),
)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.00ms"), (0.00042, "0.42ms"), (0.0123, "12ms"), (0.9, "900ms"), (1.234, "1.23s"), (125.2, "2m 05s")],
)
def test_durations_are_given_as_uv_gives_them(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (1023, "1023 B"), (2048, "2.0 KiB"), (5 << 20, "5.0 MiB"), (3 << 40, "3072.0 GiB")]
)
def test_sizes_are_given_in_the_unit_that_suits_them(size: int, text: str) -> None:
    assert format_size(size) == text


def test_changes_are_signed_and_sorted_by_name() -> None:
    expected = [" - flask==2.0", " + flask==3.0", " ~ jwt==1.3.1", " - old==1", " + serpapi==0.1.5"]
    for order in itertools.permutations(CHANGES):
        assert format_changes(order) == expected


def test_changes_are_coloured_where_colour_is_wanted() -> None:
    lines = format_changes(CHANGES[:1], Paint(on=True))
    assert lines == [" \033[32m+\033[0m \033[1mserpapi\033[0m\033[2m==0.1.5\033[0m"]


@pytest.mark.parametrize(
    ("report", "lines"),
    [
        (Report("e", CHANGES[:1], seconds=0.012), ["Installed 1 distribution in 12ms"]),
        (Report("e", CHANGES[:3], seconds=0.012), ["Installed 3 distributions in 12ms"]),
        (
            Report("e", CHANGES, seconds=2),
            ["Uninstalled 1 distribution in 2.00s", "Installed 3 distributions in 2.00s"],
        ),
        (Report("e", CHANGES[:1], dry_run=True), ["Would install 1 distribution in 0.00ms"]),
        (Report("e"), ["Nothing to do, all of it is installed in 0.00ms"]),
    ],
)
def test_the_summary_counts_distributions(report: Report, lines: list[str]) -> None:
    assert format_summary("install", report) == lines


def test_recover_counts_the_runs_it_looked_after() -> None:
    report = Report("e", recovered=(Recovered("t", "undone", ("a",)),), seconds=0.001)
    assert format_summary("recover", report) == ["Looked after 1 killed run in 1ms"]
    assert format_summary("recover", report._replace(recovered=())) == ["Nothing to recover in 1ms"]


# --- conflicts --------------------------------------------------------------------------------------------------------


def clash(path: str, winner: str, *losers: str, decided: bool = False, requested: str | None = None) -> Conflict:
    return Conflict(path, winner, losers, decided, requested)


def test_one_path_is_said_in_one_line() -> None:
    assert format_conflicts([clash("jwt/api.py", "pyjwt", "jwt")]) == [
        Message(
            "warning",
            "1 path of jwt is shadowed by pyjwt, whose file stays (different bytes): jwt/api.py; "
            "pyjwt wins by name; to put jwt on top: --overlay jwt",
        )
    ]


def test_many_paths_are_counted_and_the_first_five_named() -> None:
    [message] = format_conflicts([clash(f"jwt/{number:02}.py", "pyjwt", "jwt") for number in range(12)])
    assert message.text == (
        "12 paths of jwt are shadowed by pyjwt, whose files stay (different bytes): jwt/00.py, jwt/01.py, jwt/02.py, "
        "jwt/03.py, jwt/04.py and 7 more (-v lists all); pyjwt wins by name; to put jwt on top: --overlay jwt"
    )


def test_all_paths_are_listed_on_demand() -> None:
    [message] = format_conflicts([clash(f"{number}", "b", "a") for number in range(7)], everything=True)
    assert message.text.split("\n")[1:] == [f"    {number}" for number in range(7)] + [
        "  b wins by name; to put a on top: --overlay a"
    ]


def test_the_text_does_not_depend_on_order() -> None:
    conflicts = [
        clash("x", "c", "b", "a"),
        clash("y", "c", "a", "b"),
        clash("z", "b", "a"),
        clash("w", "c", "a", requested="a"),
    ]
    texts = {tuple(format_conflicts(order)) for order in itertools.permutations(conflicts)}
    assert len(texts) == 1


def test_the_text_does_not_depend_on_who_was_requested() -> None:
    assert format_conflicts([clash("x", "b", "a")]) == format_conflicts([clash("x", "b", "a", requested="a")])


def test_a_requested_loser_is_said_first_and_the_decided_last() -> None:
    messages = format_conflicts(
        [clash("x", "b", "a"), clash("y", "z", "m", requested="m"), clash("w", "c", "e", decided=True, requested="e")]
    )
    assert [(message.level, message.text.split(":")[0]) for message in messages] == [
        ("warning", "1 path of m is shadowed by z, whose file stays (different bytes)"),
        ("warning", "1 path of a is shadowed by b, whose file stays (different bytes)"),
        ("note", "1 path of e is shadowed by c, whose file stays (different bytes)"),
    ]


def test_what_the_user_decided_offers_nothing_to_decide() -> None:
    [message] = format_conflicts([clash("x", "a", "b", decided=True)])
    assert message.text.endswith("x; a wins by overlay")


def test_a_dry_run_says_would() -> None:
    [message] = format_conflicts([clash("x", "b", "a")], dry_run=True)
    assert message.text.startswith("1 path of a would be shadowed by b, whose file would stay")


def test_paths_lose_their_control_characters() -> None:
    [message] = format_conflicts([clash("x\033[31m\n\udc80", "b", "a")])
    assert r"x\x1b[31m\n\udc80;" in message.text


# --- the rest of a report ---------------------------------------------------------------------------------------------


def test_recoveries_say_what_became_of_a_killed_run() -> None:
    recovered = [
        Recovered("t3", "blocked", ("c",), "Read-only file system"),
        Recovered("t2", "undone", ("b",)),
        Recovered("t1", "finished", ("a", "jwt")),
    ]
    assert format_recovered(recovered) == [
        Message("info", "finished what a killed run had committed: a, jwt"),
        Message("info", "undid what a killed run had begun: b"),
        Message("warning", "a killed run's transaction cannot be recovered (Read-only file system): c"),
    ]


def test_what_was_set_aside_is_named_by_distribution() -> None:
    moved = [SetAside("b.py", ".lugnut/altered/1/b.py", "x"), SetAside("a.py", ".lugnut/altered/1/a.py", "x")]
    assert [message.text for message in format_set_aside(moved)] == [
        "set aside for x, not as RECORD says: a.py (now .lugnut/altered/1/a.py), b.py (now .lugnut/altered/1/b.py)"
    ]


def test_what_was_left_alone_is_named_by_reason() -> None:
    left = [LeftAlone("b", "it was edited"), LeftAlone("a", "it was edited")]
    assert format_left_alone(left) == [Message("warning", "left alone, it was edited: a, b")]


def test_unmet_requirements_are_one_line() -> None:
    assert format_unmet(()) == []
    assert format_unmet(("b needs c", "a needs b>=1")) == [
        Message("info", "2 requirements not met: a needs b>=1, b needs c")
    ]


def test_a_report_is_read_conflicts_first() -> None:
    report = Report(
        "e",
        conflicts=(clash("x", "b", "a"),),
        recovered=(Recovered("t", "undone", ("q",)),),
        set_aside=(SetAside("p", "to", "n"),),
        left_alone=(LeftAlone("p", "r"),),
    )
    starts = [message.text.split()[0] for message in format_report(report)]
    assert starts == ["1", "undid", "set", "left"]


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (
            LockWaiting("locks/jwt.lock", "held by pid 1", 3.4),
            ("info", "waiting for locks/jwt.lock, held by pid 1 (3 s so far)"),
        ),
        (Note("warning", "so it is"), ("warning", "so it is")),
        (WheelAdmitted("x", "1", "x.whl", 2048, False), ("note", "x==1: 2.0 KiB into the store")),
        (WheelAdmitted("x", "1", "x.whl", 2048, True), ("note", "x==1: in the store already")),
        (WheelPlaced("x", "1", 3), ("note", "x==1: 3 files in place")),
        (Committed("t1"), ("note", "committed transaction t1")),
        (clash("x", "b", "a"), None),
        (Changed("install", "x", None, "1"), None),
    ],
)
def test_events_are_told_when_they_happen_or_left_to_the_report(event: object, message: tuple[str, str] | None) -> None:
    assert format_event(event) == message  # type: ignore[arg-type]


def test_meetings_are_counted() -> None:
    assert format_counted(Counted(1, 2, 0)).text == "met on the way: 1 standing file, 2 settles, 0 lock waits"


# --- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", find_kinds(), ids=lambda kind: kind.__name__)
def test_every_error_is_one_sentence_and_a_hint(kind: type[errors.LugnutError]) -> None:
    error = example(kind)
    lines = format_error(error)
    assert lines[0] == f"error: {error}"
    beside = [line for line in lines[1:] if not line.startswith("  ")]
    assert beside == ([f"hint: {error.hint}"] if error.hint else [])
    assert json.loads(json.dumps(error.to_json()))["exit_code"] == error.exit_code


def test_problems_beyond_the_sentence_are_listed() -> None:
    problems = [f"problem {number:02}" for number in range(12)]
    error = errors.BadWheel(wheel="x.whl", summary="problem 00 and 11 more", problems=problems)
    lines = format_error(error)
    assert lines[1:-2] == [f"  problem {number:02}" for number in range(1, 11)]
    assert lines[-2:-1] == ["  and 1 more (-v lists all)"]
    assert len(format_error(error, everything=True)) == 13


def test_an_error_cannot_smuggle_lines_or_colours() -> None:
    [line, _] = format_error(errors.NotInstalled(name="a\nerror: b\033[1m", environment="e"))
    assert line == r"error: a\nerror: b\x1b[1m is not installed in e"


def test_what_nobody_foresaw_asks_for_a_report() -> None:
    error = describe_unexpected(ValueError("too\nlong"))
    assert (str(error), error.exit_code) == ("lugnut contradicts itself: ValueError: too long", 1)
    assert "report this" in error.hint


# --- answers ----------------------------------------------------------------------------------------------------------

INSTALLED = (Installation("jwt", "1.3.1", "lugnut", 1, "/x"), Installation("pyjwt", "2.9.0", "pip", 0, "/x"))


def test_the_list_has_columns_and_ranks_only_where_there_are_any() -> None:
    assert format_installed(INSTALLED, "columns", PLAIN) == [
        "Distribution  Version  Overlay",
        "------------  -------  -------",
        "jwt           1.3.1    1",
        "pyjwt         2.9.0",
    ]
    assert format_installed(INSTALLED[1:], "columns", PLAIN)[-1] == "pyjwt         2.9.0"
    assert format_installed(INSTALLED[1:], "columns", PLAIN, detailed=True)[-1].split() == [
        "pyjwt",
        "2.9.0",
        "pip",
        "/x",
    ]
    assert format_installed((), "columns", PLAIN) == []


def test_the_list_speaks_the_forms_of_pip() -> None:
    assert format_installed(INSTALLED, "freeze", PLAIN) == ["jwt==1.3.1", "pyjwt==2.9.0"]
    assert json.loads(format_installed(INSTALLED, "json", PLAIN)[0])[1] == {"name": "pyjwt", "version": "2.9.0"}


def test_findings_say_nothing_twice() -> None:
    findings = (
        Finding("altered", "jwt", "jwt/api.py", "not the bytes that RECORD names"),
        Finding("requirement", "flask", "", "flask needs werkzeug>=3"),
    )
    assert format_findings(findings, PLAIN) == [
        "altered: jwt: jwt/api.py: not the bytes that RECORD names",
        "requirement: flask needs werkzeug>=3",
    ]
    assert format_verdict(Report("/e", findings=findings, seconds=0.01), PLAIN) == "Found 2 problems in /e in 10ms"
    assert format_verdict(Report("/e", seconds=0.01), PLAIN) == "All is well in /e in 10ms"


# --- the terminal -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("choice", "environ", "wanted"),
    [
        ("auto", {}, False),
        ("always", {"NO_COLOR": "1"}, True),
        ("never", {"FORCE_COLOR": "1"}, False),
        ("auto", {"FORCE_COLOR": "1"}, True),
        ("auto", {"FORCE_COLOR": "0"}, False),
        ("auto", {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ("auto", {"NO_COLOR": ""}, False),
    ],
)
def test_colour_follows_the_flag_then_the_variables_then_the_stream(
    choice: str, environ: dict[str, str], wanted: bool
) -> None:
    assert wants_color(choice, environ, io.StringIO()) is wanted


def read_until(leader: int, end: str) -> str:
    seen = ""
    while not seen.endswith(end):
        seen += os.read(leader, 65536).decode()
    return seen


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo terminal")
def test_progress_is_drawn_on_a_terminal_and_gone_after_the_commit() -> None:
    leader, follower = os.openpty()
    with open(follower, "w") as stream:
        progress = Progress(stream, enabled=True, color=False, delay=0)
        progress.hear(WheelAdmitted("x", "1", "x.whl", 3_000_000, False))
        progress.hear(WheelPlaced("x", "1", 3))
        progress.hear(Committed("t"))
        progress.hear(WheelPlaced("y", "1", 3))
        print("end", end="", file=stream, flush=True)
        drawn = read_until(leader, "end")
    os.close(leader)
    assert "1 wheel verified (2.9 MiB), 0 in place" in drawn
    assert drawn.endswith("\x1b[2Kend")  # the line was erased, and not drawn again


def test_progress_draws_nothing_before_its_time_or_when_not_wanted() -> None:
    for enabled, delay in ((True, 3600), (False, 0)):
        stream = io.StringIO()
        Progress(stream, enabled=enabled, color=False, delay=delay).hear(WheelPlaced("x", "1", 3))
        assert stream.getvalue() == ""


def test_what_a_resolver_said_is_shown_whole_to_who_asks_for_everything():
    error = errors.Unresolvable(reason="a needs b", resolver="uv", detail="because a\n\n  and b\x1b[31m")
    assert format_error(error)[:1] == format_error(error, everything=True)[:1]
    assert not any("because a" in line for line in format_error(error))
    assert "  because a" in format_error(error, everything=True)
    assert "\x1b" not in "".join(format_error(error, everything=True))
