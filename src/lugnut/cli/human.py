"""Events and reports to text for people, as uv writes it; pure, and sorted so that the same inputs give the same text.

`Message.level` says who hears it: warning until -qq, info until -q, note from -v on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lugnut.cli.terminal import BOLD, CYAN, DIM, GREEN, RED, YELLOW, Paint, printable
from lugnut.errors import ExternallyManaged, InternalError, LugnutError
from lugnut.events import (
    Building,
    Changed,
    Committed,
    Conflict,
    Counted,
    Event,
    LeftAlone,
    LockWaiting,
    Note,
    Recovered,
    SetAside,
    WheelAdmitted,
    WheelPlaced,
)
from lugnut.settings import Report
from lugnut.typed import NamedTuple

SHOWN = 5
"""How many of many things a line names."""
PLAIN = Paint()


class Message(NamedTuple):
    """One line (with -v perhaps more) and how much it matters: warning, info or note."""

    level: str
    text: str


# --- words and numbers ------------------------------------------------------------------------------------------------


def count(number: int, noun: str) -> str:
    """Give `1 file`, `2 files`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def format_seconds(seconds: float) -> str:
    """Give a duration as uv does: 0.42ms, 12ms, 1.23s, 2m 05s."""
    if seconds < 0.001:  # noqa: PLR2004 - a millisecond
        return f"{seconds * 1000:.2f}ms"
    if seconds < 1:
        return f"{seconds * 1000:.0f}ms"
    minutes, rest = divmod(seconds, 60)
    return f"{minutes:.0f}m {rest:02.0f}s" if minutes else f"{rest:.2f}s"


def format_size(size: int) -> str:
    """Give bytes in the unit that suits them."""
    amount = float(size)
    for unit in ("B", "KiB", "MiB"):
        if amount < 1024:  # noqa: PLR2004 - the next unit
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GiB"


def enumerate_some(items: Sequence[str], *, everything: bool = False) -> str:
    """Name the first few of many things: `a, b, c, d, e and 7 more (-v lists all)`, or each on a line of its own."""
    shown = [printable(item) for item in (items if everything else items[:SHOWN])]
    if len(shown) > SHOWN:
        return "".join(f"\n    {item}" for item in shown)
    if len(shown) == len(items):
        return ", ".join(shown)
    return f"{', '.join(shown)} and {len(items) - SHOWN} more (-v lists all)"


# --- what changed -----------------------------------------------------------------------------------------------------


def format_changes(changes: Iterable[Changed], paint: Paint = PLAIN) -> list[str]:
    """Give ` + name==new`, ` - name==old` and ` ~ name==version`, sorted by name."""
    lines = []
    for change in sorted(changes, key=lambda change: (change.name.lower().replace("_", "-"), change.action)):
        if change.action == "reinstall":
            lines.append(_format_change("~", YELLOW, change.name, change.new or change.old, paint))
            continue
        if change.old is not None:
            lines.append(_format_change("-", RED, change.name, change.old, paint))
        if change.new is not None:
            lines.append(_format_change("+", GREEN, change.name, change.new, paint))
    return lines


def _format_change(sign: str, color: str, name: str, version: str | None, paint: Paint) -> str:
    return f" {paint(sign, color)} {paint(name, BOLD)}{paint(f'=={version}', DIM)}"


def format_summary(command: str, report: Report, paint: Paint = PLAIN) -> list[str]:
    """Give what a run did in one line, or two when it both installed and removed."""
    removed = sum(change.action == "remove" for change in report.changes)
    placed = len(report.changes) - removed
    took = paint(f"in {format_seconds(report.seconds)}", DIM)
    lines = []
    for verb, number in (("uninstall", removed), ("install", placed)):
        if number:
            done = f"Would {verb}" if report.dry_run else f"{verb.capitalize()}ed"
            lines.append(f"{done} {paint(count(number, 'distribution'), BOLD)} {took}")
    if command == "recover" and report.recovered:
        lines.append(f"Looked after {paint(count(len(report.recovered), 'killed run'), BOLD)} {took}")
    if report.locked:
        lines.append(f"Locked {paint(report.locked, BOLD)} {took}")
    return lines or [f"{_NOTHING[command]} {took}"]


_NOTHING = {
    "install": "Nothing to do, all of it is installed",
    "sync": "Nothing to do, all of it is installed and nothing else",
    "uninstall": "Nothing to do, none of it is installed",
    "recover": "Nothing to recover",
}


# --- conflicts (G5) ---------------------------------------------------------------------------------------------------


def format_conflicts(
    conflicts: Iterable[Conflict], *, everything: bool = False, dry_run: bool = False
) -> list[Message]:
    """Give one message for each pair of winner and loser: a requested loser first, the undecided before the decided.

    TRAPS 42: the text depends on who is installed, never on order, on timing or on which call brought whom.
    """
    pairs: dict[tuple[str, str, bool], set[str]] = {}
    requested: set[str | None] = set()
    for conflict in conflicts:
        requested.add(conflict.requested_loser)
        for loser in conflict.losers:
            pairs.setdefault((conflict.winner, loser, conflict.decided), set()).add(conflict.path)
    ordered = sorted(pairs.items(), key=lambda item: (item[0][2], item[0][1] not in requested, item[0][1], item[0][0]))
    return [_format_conflict(pair, sorted(paths), everything, dry_run) for pair, paths in ordered]


def _format_conflict(pair: tuple[str, str, bool], paths: list[str], everything: bool, dry_run: bool) -> Message:
    winner, loser, decided = pair
    named = enumerate_some(paths, everything=everything)
    why = "by overlay" if decided else "by name"
    border = "\n  " if "\n" in named else "; "
    one = len(paths) == 1
    verb = "would be" if dry_run else "is" if one else "are"
    stays = f"whose {'file' if one else 'files'} {'would stay' if dry_run else 'stays' if one else 'stay'}"
    text = f"{count(len(paths), 'path')} of {loser} {verb} shadowed by {winner}, {stays} (different bytes): {named}"
    text += f"{border}{winner} wins {why}" + ("" if decided else f"; to put {loser} on top: --overlay {loser}")
    return Message("note" if decided else "warning", text)


# --- what else a report says ------------------------------------------------------------------------------------------


def format_recovered(recovered: Iterable[Recovered]) -> list[Message]:
    """Say which dead transactions were finished, undone or are in the way."""
    return [_format_recovery(item) for item in sorted(recovered, key=lambda item: (item.names, item.transaction))]


def _format_recovery(item: Recovered) -> Message:
    names = enumerate_some(item.names) or item.transaction
    if item.outcome == "finished":
        return Message("info", f"finished what a killed run had committed: {names}")
    if item.outcome == "undone":
        return Message("info", f"undid what a killed run had begun: {names}")
    return Message("warning", f"a killed run's transaction cannot be recovered ({item.reason}): {names}")


def format_set_aside(moved: Iterable[SetAside], *, everything: bool = False) -> list[Message]:
    """Say whose altered or unclaimed files were moved out of the way, and where to."""
    by_name: dict[str, list[str]] = {}
    for item in sorted(moved, key=lambda item: item.path):
        by_name.setdefault(item.name, []).append(f"{item.path} (now {item.to})")
    return [
        Message("warning", f"set aside for {name}, not as RECORD says: {enumerate_some(paths, everything=everything)}")
        for name, paths in sorted(by_name.items())
    ]


def format_left_alone(left: Iterable[LeftAlone], *, everything: bool = False) -> list[Message]:
    """Say which paths were not touched, and why."""
    by_reason: dict[str, list[str]] = {}
    for item in sorted(left):
        by_reason.setdefault(item.reason, []).append(item.path)
    return [
        Message("warning", f"left alone, {reason}: {enumerate_some(paths, everything=everything)}")
        for reason, paths in sorted(by_reason.items())
    ]


def format_unmet(unmet: Sequence[str], *, everything: bool = False) -> list[Message]:
    """Name the requirements that nothing installed meets, in one line."""
    if not unmet:
        return []
    named = enumerate_some(sorted(unmet), everything=everything)
    return [Message("info", f"{count(len(unmet), 'requirement')} not met: {named}")]


def format_counted(counted: Counted) -> Message:
    """Say how often the run met others."""
    met = (count(counted.exists, "standing file"), count(counted.settles, "settle"), count(counted.waits, "lock wait"))
    return Message("note", f"met on the way: {', '.join(met)}")


def format_report(report: Report, *, everything: bool = False) -> list[Message]:
    """Give all that a report says besides the changes and what is unmet, in the order it is to be read."""
    return [
        *format_conflicts(report.conflicts, everything=everything, dry_run=report.dry_run),
        *format_recovered(report.recovered),
        *format_set_aside(report.set_aside, everything=everything),
        *format_left_alone(report.left_alone, everything=everything),
    ]


# --- what happens on the way ------------------------------------------------------------------------------------------


def format_event(event: Event) -> Message | None:
    """Give the line an event is worth when it happens; None for those that only the report tells, sorted."""
    match event:
        case LockWaiting():
            return Message("info", f"waiting for {event.path}, {event.holder} ({event.seconds:.0f} s so far)")
        case Note():
            return Message(event.level, event.text)
        case Building():
            return Message("info", f"building {event.name} of {event.source}")
        case WheelAdmitted() | WheelPlaced() | Committed():
            return Message("note", _word_step(event))
        case _:
            return None


def _word_step(event: WheelAdmitted | WheelPlaced | Committed) -> str:
    if isinstance(event, Committed):
        return f"committed transaction {event.transaction}"
    if isinstance(event, WheelPlaced):
        return f"{event.name}=={event.version}: {count(event.files, 'file')} in place"
    how = "in the store already" if event.cached else f"{format_size(event.size)} into the store"
    return f"{event.name}=={event.version}: {how}"


# --- errors -----------------------------------------------------------------------------------------------------------


def format_error(error: LugnutError, paint: Paint = PLAIN, *, everything: bool = False) -> list[str]:
    """Give an error's sentence, the findings it carries beyond that, and its hint."""
    own_lines = isinstance(error, ExternallyManaged)  # PEP 668: the system's own words, which may be several lines
    said = [printable(line) for line in (str(error).split("\n") if own_lines else [str(error)])]
    lines = [f"{paint('error', BOLD, RED)}: {said[0]}", *said[1:]]
    for key in ("problems", "conflicts"):
        unsaid = [str(item) for item in error.data.get(key, ()) if str(item) not in str(error)]
        shown = unsaid if everything else unsaid[: 2 * SHOWN]
        lines += [f"  {printable(item)}" for item in shown]
        if len(shown) < len(unsaid):
            lines.append(f"  and {len(unsaid) - len(shown)} more (-v lists all)")
    if everything:  # what a resolver or a build said, whole
        lines += [f"  {printable(line)}" for line in str(error.data.get("detail", "")).splitlines() if line.strip()]
    if error.hint:
        lines.append(f"{paint('hint', BOLD, CYAN)}: {printable(error.hint)}")
    return lines


def describe_unexpected(error: BaseException) -> LugnutError:
    """Turn an exception nobody foresaw into a sentence that asks for a report."""
    return InternalError(message=": ".join(filter(None, (type(error).__name__, " ".join(str(error).split())))))
