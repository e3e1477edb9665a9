"""What a command was asked for, as lines for stdout: the list of distributions, and what check found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lugnut.cli.human import count, format_seconds
from lugnut.cli.terminal import BOLD, DIM, GREEN, RED, Paint
from lugnut.settings import Finding, Installation, Report


def format_installed(
    installed: Sequence[Installation], form: str, paint: Paint, *, detailed: bool = False
) -> list[str]:
    """Give the list as columns (more of them when detailed), as `name==version`, or as pip's JSON."""
    if form == "json":
        import json

        return [json.dumps([_make_entry(item) for item in installed])]
    if form == "freeze":
        return [f"{item.name}=={item.version}" for item in installed]
    titles, rows = _make_rows(installed, detailed=detailed)
    if not rows:
        return []
    widths = [max(len(row[column]) for row in (titles, *rows)) for column in range(len(titles))]
    table = [titles, tuple("-" * width for width in widths), *rows]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]
    return [paint(lines[0], BOLD), paint(lines[1], DIM), *map(paint, lines[2:])]


def _make_entry(item: Installation) -> dict[str, str]:
    project = {"editable_project_location": item.editable} if item.editable else {}
    return {"name": item.name, "version": item.version, **project}


def _make_rows(installed: Sequence[Installation], *, detailed: bool) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Give titles and cells; what only some have, an overlay rank or a project, has a column where any has it."""
    ranked = detailed or any(item.overlay for item in installed)
    editable = any(item.editable for item in installed)
    titles: tuple[str, ...] = ("Distribution", "Version", *(("Overlay",) * ranked))
    titles += (*(("Editable project location",) * editable), *(("Installer", "Location") * detailed))
    rows = []
    for item in installed:
        rank = (str(item.overlay) if item.overlay else "",) * ranked
        project = (item.editable,) * editable
        rows.append((item.name, item.version, *rank, *project, *((item.installer, item.location) * detailed)))
    return titles, rows


def format_findings(findings: Iterable[Finding], paint: Paint) -> list[str]:
    """Give `kind: name: path: text` for each finding, in the report's order, without what is empty or said twice."""
    lines = []
    for finding in findings:
        said = [part for part in (finding.name, finding.path) if part and part not in finding.text]
        lines.append(": ".join((paint(finding.kind, RED), *map(paint, said), paint(finding.text))))
    return lines


def format_verdict(report: Report, paint: Paint) -> str:
    """Give check's last line."""
    took = paint(f"in {format_seconds(report.seconds)}", DIM)
    if report.findings:
        return f"{paint('Found', RED)} {count(len(report.findings), 'problem')} in {paint(report.environment)} {took}"
    return f"{paint('All is well', GREEN)} in {paint(report.environment)} {took}"
