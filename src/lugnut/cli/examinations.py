"""What the doctor found, as lines for stdout: where everything lies, and one table of verdicts."""

from __future__ import annotations

from collections.abc import Iterator

from lugnut.answers import ABSENT, IMPOSSIBLE, OK, UNTRIED, WARNING, Diagnosis, Examined, Located
from lugnut.cli.human import count
from lugnut.cli.terminal import BOLD, CYAN, DIM, GREEN, RED, YELLOW, Paint

_VERDICTS = {
    OK: ("ok", GREEN),
    ABSENT: ("none", DIM),
    WARNING: ("warning", YELLOW),
    UNTRIED: ("not tried", CYAN),
    IMPOSSIBLE: ("not possible", RED),
}
_TITLES = ("Where", "What", "Verdict", "Found")
_SILENT = {OK, ABSENT, UNTRIED}


def format_diagnosis(diagnosis: Diagnosis, paint: Paint, *, detailed: bool, quiet: bool) -> list[str]:
    """Give where things lie and the table; `quiet` leaves out all but trouble, `detailed` adds mount options."""
    found = [one for one in diagnosis.findings if not (quiet and one.verdict in _SILENT)]
    lines = [] if quiet else [line for one in diagnosis.places for line in _locate(one, paint, detailed=detailed)]
    if not found:
        return lines
    rows = [_TITLES, *((one.place, one.subject, _VERDICTS[one.verdict][0]) for one in found)]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    rule = "  ".join("-" * width for width in (*widths, len(_TITLES[-1])))
    titles = "  ".join(f"{title:<{width}}" for title, width in zip(_TITLES, (*widths, 0), strict=True))
    lines += [""] * bool(lines) + [paint(titles, BOLD), paint(rule, DIM)]
    for one in found:
        lines += _word(one, widths, paint)
    return lines


def _locate(one: Located, paint: Paint, *, detailed: bool) -> Iterator[str]:
    yield f"{paint(f'{one.place}:', BOLD)} {paint(one.path)}"
    kind = paint(one.kind or "an unknown file system")
    source = f" ({paint(one.source)})" if one.source not in {"", one.kind, one.point} else ""
    yield f"  {kind}{source} at {paint(one.point or '?')}"
    if one.standing != one.path:
        yield f"  examined at {paint(one.standing)}"
    if detailed and one.options:
        yield f"  {paint(','.join(one.options))}"


def _word(one: Examined, widths: list[int], paint: Paint) -> Iterator[str]:
    word, color = _VERDICTS[one.verdict]
    margin = sum(widths) + 2 * len(widths)
    cells = (paint(f"{one.place:<{widths[0]}}"), paint(f"{one.subject:<{widths[1]}}"))
    yield "  ".join((*cells, paint(word, color) + " " * (widths[2] - len(word)), paint(one.text)))
    if one.remedy:
        yield " " * margin + f"{paint('hint', BOLD, CYAN)}: {paint(one.remedy)}"


def format_conclusion(diagnosis: Diagnosis, paint: Paint) -> str:
    """Give the doctor's last line."""
    bad = sum(one.verdict == IMPOSSIBLE for one in diagnosis.findings)
    warned = sum(one.verdict == WARNING for one in diagnosis.findings)
    prefix = paint(diagnosis.environment)
    if bad:
        return f"{paint('Found', RED)} {count(bad, 'reason')} for which lugnut would refuse or not be safe in {prefix}"
    if warned:
        return f"{paint('Safe', GREEN)} in {prefix}, with {count(warned, 'warning')}"
    return f"{paint('All is well', GREEN)} in {prefix}"
