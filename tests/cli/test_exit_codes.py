"""One run through `cli.main.run` with acts that report, raise, receive signals and lose their readers."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from failures import example, find_kinds
from lugnut import errors
from lugnut.cli.commands import Cancelled
from lugnut.cli.configuration import Invocation, Presentation
from lugnut.cli.main import main, run
from lugnut.cli.talk import Outcome, Talk
from lugnut.events import Changed, Conflict, LockWaiting, Note, Recovered, Reporter, SetAside, WheelPlaced
from lugnut.settings import Finding, Installation, Report

REPORT = Report("/env", changes=(Changed("install", "jwt", None, "1.3.1"),), seconds=0.012)
Act = Callable[[Invocation, Reporter, Cancelled], Outcome]


def giving(outcome: Outcome, *events: object) -> Act:
    def act(_invocation: Invocation, report: Reporter, _cancelled: Cancelled) -> Outcome:
        for event in events:
            report(event)  # type: ignore[arg-type]
        return outcome

    return act


def raising(error: BaseException, *events: object) -> Act:
    def act(_invocation: Invocation, report: Reporter, _cancelled: Cancelled) -> Outcome:
        for event in events:
            report(event)  # type: ignore[arg-type]
        raise error

    return act


def play(act: Act, presentation: Presentation = Presentation(), command: str = "install") -> int:  # noqa: B008
    talk = Talk(presentation, {})
    talk.open_events()
    return run(Invocation(command, (), {}, presentation), act, talk)


def test_a_run_that_did_it_gives_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert play(giving(REPORT)) == 0
    assert capsys.readouterr() == ("", "Installed 1 distribution in 12ms\n + jwt==1.3.1\n")


@pytest.mark.parametrize("kind", find_kinds(), ids=lambda kind: kind.__name__)
def test_every_error_gives_its_exit_code_and_its_document(
    kind: type[errors.LugnutError], capsys: pytest.CaptureFixture[str]
) -> None:
    error = example(kind)
    assert play(raising(error), Presentation(json=True)) == error.exit_code
    out, err = capsys.readouterr()
    assert err.startswith(f"error: {error}\n")
    assert json.loads(out) == error.to_json()


def test_exit_codes_are_those_of_the_manual() -> None:
    codes = {kind.exit_code for kind in find_kinds()}
    assert codes <= {1, 2, 3, 4, 130}


def test_the_unforeseen_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert play(raising(ZeroDivisionError("by zero"))) == 1
    assert capsys.readouterr().err == (
        "error: lugnut contradicts itself: ZeroDivisionError: by zero\n"
        "hint: please report this with the command and -v output\n"
    )


def test_the_traceback_is_for_those_who_ask(capsys: pytest.CaptureFixture[str]) -> None:
    assert play(raising(ZeroDivisionError("by zero")), Presentation(verbosity=2)) == 1
    assert "Traceback (most recent call last):" in capsys.readouterr().err


@pytest.mark.parametrize(("number", "name", "code"), [(signal.SIGINT, "SIGINT", 130), (signal.SIGTERM, "SIGTERM", 143)])
def test_a_signal_is_answered_at_the_next_safe_point(
    number: signal.Signals, name: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    reached = []

    def act(_invocation: Invocation, _report: Reporter, cancelled: Cancelled) -> Outcome:
        cancelled()
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)  # the second changes nothing
        reached.append("here")
        cancelled()
        raise AssertionError("not stopped")

    before = signal.getsignal(number)
    assert play(act) == code
    assert reached == ["here"]
    assert capsys.readouterr().err == f"error: interrupted by {name}; nothing was changed\n"
    assert signal.getsignal(number) is before


def test_a_signal_after_the_commit_leaves_a_done_run_done(capsys: pytest.CaptureFixture[str]) -> None:
    def act(_invocation: Invocation, _report: Reporter, _cancelled: Cancelled) -> Outcome:
        os.kill(os.getpid(), signal.SIGTERM)
        return REPORT

    assert play(act) == 0
    assert "Installed 1 distribution" in capsys.readouterr().err


def test_a_signal_that_breaks_something_else_gives_the_code_of_the_signal() -> None:
    def act(_invocation: Invocation, _report: Reporter, _cancelled: Cancelled) -> Outcome:
        os.kill(os.getpid(), signal.SIGINT)
        raise errors.InterpreterBroken(python="p", reason="killed")

    assert play(act) == 130


def test_a_command_that_changes_no_environment_just_ends() -> None:
    assert play(raising(KeyboardInterrupt()), command="list") == 130


def test_check_gives_1_on_any_finding(capsys: pytest.CaptureFixture[str]) -> None:
    found = Report("/env", findings=(Finding("missing", "jwt", "jwt/api.py", "it is not there"),), seconds=0.001)
    assert play(giving(found), command="check") == 1
    assert capsys.readouterr() == ("missing: jwt: jwt/api.py: it is not there\n", "Found 1 problem in /env in 1ms\n")
    assert play(giving(Report("/env")), command="check") == 0


def test_recover_gives_1_where_something_stays_in_the_way() -> None:
    assert play(giving(Report("/env", recovered=(Recovered("t", "undone", ("a",)),))), command="recover") == 0
    assert play(giving(Report("/env", recovered=(Recovered("t", "blocked", ("a",), "r"),))), command="recover") == 1


# --- loudness ---------------------------------------------------------------------------------------------------------

CLASH = Conflict("jwt/api.py", "pyjwt", ("jwt",), decided=False, requested_loser=None)
LOUD = REPORT._replace(conflicts=(CLASH,), unmet=("jwt needs crypto",))


def heard(capsys: pytest.CaptureFixture[str], verbosity: int) -> list[str]:
    play(giving(LOUD, LockWaiting("l", "h", 1), Note("note", "a detail")), Presentation(verbosity=verbosity))
    return [line.split()[0] for line in capsys.readouterr().err.splitlines()]


def test_quiet_keeps_warnings_and_twice_quiet_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert heard(capsys, 1) == ["waiting", "a", "warning:", "Installed", "+", "1", "met", "environment:"]
    assert heard(capsys, 0) == ["waiting", "warning:", "Installed", "+", "1"]
    assert heard(capsys, -1) == ["warning:"]
    assert heard(capsys, -2) == []


def test_no_deps_does_not_speak_of_unmet_requirements(capsys: pytest.CaptureFixture[str]) -> None:
    play(giving(LOUD), Presentation(speak_of_unmet=False))
    assert "not met" not in capsys.readouterr().err


def test_a_run_that_failed_still_says_what_it_recovered_and_moved(capsys: pytest.CaptureFixture[str]) -> None:
    error = errors.CannotWrite(path="x", reason="full")
    play(raising(error, Recovered("t", "finished", ("a",)), SetAside("p", "to", "n")))
    assert [line.split(":")[0] for line in capsys.readouterr().err.splitlines()] == [
        "finished what a killed run had committed",
        "warning",
        "error",
        "hint",
    ]


# --- machines ---------------------------------------------------------------------------------------------------------


def test_json_is_one_document_on_stdout_with_talk_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert play(giving(LOUD), Presentation(json=True)) == 0
    out, err = capsys.readouterr()
    assert json.loads(out) == json.loads(json.dumps(LOUD.to_json()))
    assert "Installed" in err


@pytest.mark.parametrize("command", ["list", "check"])
def test_json_takes_the_place_of_the_answer(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    report = Report("/e", installed=(Installation("a", "1", "pip", 0, "/e"),), findings=(Finding("k", "n", "p", "t"),))
    play(giving(report), Presentation(json=True), command)
    out = capsys.readouterr().out
    assert json.loads(out)["installed"][0]["name"] == "a"


def test_bytes_and_directories_have_documents_too(capsys: pytest.CaptureFixture[str]) -> None:
    play(giving(2048), Presentation(json=True), "cache")
    play(giving("/c"), Presentation(json=True), "cache")
    play(giving("/c"), Presentation(), "cache")
    assert capsys.readouterr().out == '{"freed": 2048}\n{"directory": "/c"}\n/c\n'


def test_events_are_lines_as_they_happen_and_the_last_one_is_the_outcome(tmp_path: Path) -> None:
    path = tmp_path / "events"

    def act(_invocation: Invocation, report: Reporter, _cancelled: Cancelled) -> Outcome:
        report(WheelPlaced("jwt", "1.3.1", 7))
        lines = path.read_text().splitlines()
        assert json.loads(lines[0]) == {"event": "WheelPlaced", "name": "jwt", "version": "1.3.1", "files": 7}
        return REPORT

    assert play(act, Presentation(json_events=str(path))) == 0
    last = json.loads(path.read_text().splitlines()[-1])
    assert (last["event"], last["changes"][0]["name"]) == ("Report", "jwt")
    assert play(raising(errors.NotInstalled(name="a", environment="e")), Presentation(json_events=str(path))) == 1
    assert json.loads(path.read_text())["error"] == "NotInstalled"


def test_events_on_stdout_leave_room_for_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report("/e", findings=(Finding("k", "n", "p", "t"),))
    play(giving(report, WheelPlaced("a", "1", 1)), Presentation(json_events="-"), "check")
    kinds = [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()]
    assert kinds == ["WheelPlaced", "Report"]


def test_events_that_have_no_place_are_a_usage_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--json-events", str(tmp_path / "no" / "file")]) == 2
    assert capsys.readouterr().err.startswith("error: --json-events ")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_events_that_cannot_be_written_do_not_end_the_run_but_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert play(giving(REPORT, WheelPlaced("a", "1", 1)), Presentation(json_events="/dev/full")) == 1
    err = capsys.readouterr().err
    assert "Installed 1 distribution" in err
    assert err.endswith("but the file of --json-events could not be written: No space left on device\n")


def test_a_usage_error_is_a_document_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["install", "--json", "--user"]) == 2
    assert json.loads(capsys.readouterr().out)["error"] == "Unsupported"


@pytest.mark.parametrize(
    ("argv", "part"),
    [
        (["install"], "nothing to install was named"),
        (["uninstall"], "nothing to uninstall was named"),
        (["list", "jwt"], "`lugnut list` takes no names"),
        (["cache"], "wants dir, clean or prune, not nothing"),
        (["cache", "empty"], "wants dir, clean or prune, not empty"),
        (["cache", "clean", "jwt"], "wants dir, clean or prune, not clean jwt"),
    ],
)
def test_operands_that_are_missing_or_too_many_are_usage_errors(
    argv: list[str], part: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == 2
    assert part in capsys.readouterr().err
