"""The voice of one run: hears the engine's events, tells them, and turns the outcome into text and an exit code.

People's text goes to stderr, what was asked for (a list, findings, a JSON document) to stdout. Waiting and progress are
told as they happen; conflicts and what was moved only at the end, when they can be sorted.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

from lugnut.answers import DependencyTree, Diagnosis, Frozen, Shown
from lugnut.cli.configuration import Presentation
from lugnut.cli.human import (
    Message,
    describe_unexpected,
    format_changes,
    format_counted,
    format_error,
    format_event,
    format_recovered,
    format_report,
    format_set_aside,
    format_size,
    format_summary,
    format_unmet,
)
from lugnut.cli.jsonlines import EventLines, format_line, open_events
from lugnut.cli.outcome import Outcome, Script, make_document
from lugnut.cli.progress import Progress
from lugnut.cli.terminal import BOLD, RED, YELLOW, Outlet, Paint, is_terminal, wants_color
from lugnut.errors import LugnutError
from lugnut.events import Event, Recovered, SetAside
from lugnut.settings import Report
from lugnut.typed import Any, TextIO

LOUDNESS = {"warning": -1, "info": 0, "note": 1}
"""The verbosity from which on a message is heard."""


class Talk:
    """Speaks for one command; `hear` is the engine's reporter."""

    def __init__(self, presentation: Presentation, environ: Mapping[str, str]) -> None:
        self.presentation = presentation
        self.out = _make_outlet(sys.stdout, presentation.color, environ)
        self.err = _make_outlet(sys.stderr, presentation.color, environ)
        self._traceback = presentation.verbosity > 1 or environ.get("LUGNUT_TRACEBACK") == "1"
        self._events: EventLines | None = None
        self._written: Outlet | None = None
        self._progress = Progress(sys.stderr, enabled=_draws(presentation, environ), color=self.err.paint.on)
        self._seen: list[Recovered | SetAside] = []
        self._answers = not presentation.json and presentation.json_events != "-"

    @property
    def _everything(self) -> bool:
        return self.presentation.verbosity > 0

    def open_events(self) -> None:
        """Open what --json-events names, and look at what --report does; raises UsageError where that cannot be."""
        if self.presentation.report_to is not None:
            from lugnut.cli.installation_report import check_place

            check_place(self.presentation.report_to)
        if self.presentation.json_events is not None:
            self._events = open_events(self.presentation.json_events, self.out)

    def hear(self, event: Event) -> None:
        """Take one event in, as it happens."""
        if self._events is not None:
            self._events.hear(event)
        if isinstance(event, (Recovered, SetAside)):
            self._seen.append(event)
        message = format_event(event)
        if message is not None:
            self.say(message)
        self._progress.hear(event)

    def say(self, message: Message) -> None:
        """Write a message to stderr if it is loud enough."""
        if self.presentation.verbosity < LOUDNESS.get(message.level, 0):
            return
        mark = f"{self.err.paint('warning', BOLD, YELLOW)}: " if message.level == "warning" else ""
        self._tell(mark + "\n".join(map(self.err.paint, message.text.split("\n"))))

    def _tell(self, *lines: str) -> None:
        self._progress.pause()
        for line in lines:
            self.err.line(line)

    # --- the end ------------------------------------------------------------------------------------------------------

    def finish(self, command: str, outcome: Outcome) -> int:
        """Tell how a run came out; gives the exit code."""
        self._progress.pause()
        if isinstance(outcome, Report):
            self._finish_report(command, outcome)
        else:
            self._finish_answer(outcome)
        if self._events is not None or self.presentation.json:
            self._document("Report", make_document(outcome))
        return self._close(_judge(command, outcome))

    def _finish_answer(self, outcome: Outcome) -> None:
        match outcome:
            case Shown() | DependencyTree():
                if outcome.missing:
                    self.say(
                        Message("warning", f"not installed in {outcome.environment}: {', '.join(outcome.missing)}")
                    )
                self._answer(self._format(outcome))
            case Diagnosis():
                self._finish_diagnosis(outcome)
            case Frozen():
                from lugnut.cli.descriptions import format_frozen

                self._answer(format_frozen(outcome, self.out.paint))
            case Script():
                self._answer([outcome.text])
            case int():
                self.say(Message("info", f"Freed {format_size(outcome)}"))
            case str():
                self._answer([self.out.paint(outcome)])

    def _finish_diagnosis(self, diagnosis: Diagnosis) -> None:
        from lugnut.cli.examinations import format_conclusion, format_diagnosis

        quiet = self.presentation.verbosity < 0
        self._answer(
            format_diagnosis(diagnosis, self.out.paint, detailed=self._everything, quiet=quiet),
            silenced=self.presentation.verbosity < -1,
        )
        self._info(format_conclusion(diagnosis, self.err.paint))

    def _format(self, answer: Shown | DependencyTree) -> list[str]:
        from lugnut.cli.descriptions import format_shown, format_tree

        if isinstance(answer, DependencyTree):
            return format_tree(answer, self.out.paint, specifiers=self.presentation.show_specifiers)
        return format_shown(answer, self.out.paint, files=self.presentation.list_files, detailed=self._everything)

    def _finish_report(self, command: str, report: Report) -> None:
        for message in format_report(report, everything=self._everything):
            self.say(message)
        if command in {"list", "check"}:
            self._answer_report(command, report)
        else:
            self._info(
                *format_summary(command, report, self.err.paint), *format_changes(report.changes, self.err.paint)
            )
        if command in {"install", "sync"} and self.presentation.speak_of_unmet:
            for message in format_unmet(report.unmet, everything=self._everything):
                self.say(message)
        if command != "list":
            self.say(format_counted(report.counted))
            self.say(Message("note", f"environment: {report.environment}"))
        if self.presentation.report_to is not None:
            from lugnut.cli.installation_report import write_installation_report

            self._written = write_installation_report(self.presentation.report_to, report, self.out)

    def _answer_report(self, command: str, report: Report) -> None:
        """Write what a command that only looks was asked for."""
        from lugnut.cli.answers import format_findings, format_installed, format_verdict

        if command == "list":
            form = self.presentation.format
            self._answer(format_installed(report.installed, form, self.out.paint, detailed=self._everything))
        else:
            self._answer(format_findings(report.findings, self.out.paint), silenced=self.presentation.verbosity < -1)
            self._info(format_verdict(report, self.err.paint))

    def _answer(self, lines: list[str], *, silenced: bool = False) -> None:
        """Write what was asked for to stdout, or nowhere if a document takes its place there."""
        if self._answers and not silenced:
            for line in lines:
                self.out.line(line)

    def _info(self, *lines: str) -> None:
        if self.presentation.verbosity >= LOUDNESS["info"]:
            self._tell(*lines)

    def fail(self, error: LugnutError) -> int:
        """Tell why a run failed, after what it had done about others' runs; gives the exit code."""
        recovered = [event for event in self._seen if isinstance(event, Recovered)]
        moved = [event for event in self._seen if isinstance(event, SetAside)]
        for message in (*format_recovered(recovered), *format_set_aside(moved, everything=self._everything)):
            self.say(message)
        self._tell(*format_error(error, self.err.paint, everything=self._everything))
        self._document("Error", error.to_json())
        return self._close(error.exit_code)

    def fail_unexpectedly(self, error: Exception) -> int:
        """Tell about an exception nobody foresaw: one sentence; the traceback only for those who ask for it."""
        if self._traceback:
            import traceback

            self._tell(*"".join(traceback.format_exception(error)).splitlines())
        return self.fail(describe_unexpected(error))

    def _document(self, kind: str, document: dict[str, Any]) -> None:
        if self._events is not None:
            self._events.finish(kind, document)
        if self.presentation.json:
            self.out.line(format_line(document))

    def _close(self, code: int) -> int:
        """Answer for lines that could not be written: a full disk is a failure, a reader who went away is not."""
        outlets = {
            "stdout": self.out,
            "the file of --json-events": self._events.outlet if self._events else None,
            "the file of --report": self._written,
        }
        for name, outlet in outlets.items():
            if outlet is not None and outlet.lost is not None and code == 0:
                said = f"the command succeeded, but {name} could not be written: {outlet.lost.strerror}"
                self._tell(f"{self.err.paint('error', BOLD, RED)}: {said}")
                code = 1
        return code


def _make_outlet(stream: TextIO | None, color: str, environ: Mapping[str, str]) -> Outlet:
    return Outlet(stream, Paint(on=stream is not None and wants_color(color, environ, stream)))


def _draws(presentation: Presentation, environ: Mapping[str, str]) -> bool:
    if not presentation.progress or presentation.verbosity < 0 or environ.get("TERM") == "dumb":
        return False
    return sys.stderr is not None and is_terminal(sys.stderr)


def _judge(command: str, outcome: Outcome) -> int:
    """Give the exit code of a run that raised nothing."""
    if isinstance(outcome, Shown):
        return 0 if outcome.distributions else 1
    if isinstance(outcome, Diagnosis):
        return 0 if outcome.safe else 1
    if not isinstance(outcome, Report):
        return 0
    if command == "check" and outcome.findings:
        return 1
    blocked = any(item.outcome == "blocked" for item in outcome.recovered)
    return 1 if command == "recover" and blocked else 0
