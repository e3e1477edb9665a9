"""What a command gives, and the document that it is to --json."""

from __future__ import annotations

from lugnut.answers import DependencyTree, Diagnosis, Frozen, Shown
from lugnut.settings import Report
from lugnut.typed import Any, NamedTuple


class Script(NamedTuple):
    """A program for a shell."""

    text: str


Outcome = Report | Shown | DependencyTree | Diagnosis | Frozen | Script | int | str
"""A report or an answer, a completion script, bytes freed, or the cache's directory."""


def make_document(outcome: Outcome) -> dict[str, Any]:
    """Give the document that --json prints when a run succeeds: a report or answer, bytes freed, the directory."""
    match outcome:
        case Report() | Shown() | DependencyTree() | Diagnosis() | Frozen():
            return outcome.to_json()
        case Script():
            return {"script": outcome.text}
        case int():
            return {"freed": outcome}
        case _:
            return {"directory": outcome}
