"""pip's installation report, format version 1, with lugnut's own report in it as `lugnut`; and where it is written.

Source: pip's documentation, *Installation Report*; PEP 610 (`download_info`), PEP 566 (`metadata`), PEP 508
(`environment`).
"""

from __future__ import annotations

import os

import lugnut
from lugnut.cli.terminal import Outlet, Paint
from lugnut.errors import UsageError
from lugnut.settings import InstalledFrom, Report
from lugnut.typed import Any, TextIO


def make_installation_report(report: Report) -> dict[str, Any]:
    """Give the document: what was installed, or under --dry-run would be; what was there already is not in it."""
    own = report.to_json()
    for field in ("installed_from", "markers"):  # they stand beside it
        del own[field]
    return {
        "version": "1",
        "pip_version": lugnut.__version__,
        "install": [_describe(one) for one in report.installed_from],
        "environment": dict(report.markers),
        "lugnut": own,
    }


def _describe(one: InstalledFrom) -> dict[str, Any]:
    extras = {"requested_extras": list(one.extras)} if one.requested and one.extras else {}
    return {
        "download_info": dict(one.download_info),
        "is_direct": one.is_direct,
        "is_yanked": one.is_yanked,
        "requested": one.requested,
        "metadata": dict(one.metadata),
        **extras,
    }


def check_place(path: str) -> None:
    """Refuse, before anything is done, a place that no file can be written to."""
    directory = os.path.dirname(path) or "."
    if path != "-" and (os.path.isdir(path) or not os.path.isdir(directory)):
        reason = "it is a directory" if os.path.isdir(path) else f"{directory} is no directory"
        raise UsageError(message=f"--report {path}: {reason}", hint="name a file that can be written")


def write_installation_report(path: str, report: Report, standard: Outlet) -> Outlet:
    """Write the document to a file, or for `-` to stdout; what cannot be written is the outlet's `broken`."""
    import json

    text = json.dumps(make_installation_report(report), indent=2)
    if path == "-":
        standard.line(text)
        return standard
    outlet = Outlet(None, Paint())
    try:
        with open(path, "w", encoding="utf-8") as file:
            stream: TextIO = file
            outlet.stream = stream
            outlet.line(text)
    except OSError as error:
        outlet.broken = error
    return outlet
