"""What a campaign has shown, a line of JSON each, kept in a file until the next one: figures add up over days.

    python tools/evidence.py FILE...
    python tools/evidence.py --note FILE CAMPAIGN SUBJECT SCOPE UNIT TRIED WRONG SECONDS WORDS

prints the table of all that the files hold, or appends a line to one. Every campaign takes `--evidence FILE` and
appends what it has seen once it ends: who was tried, in what surroundings, how often, how often the outcome was wrong,
and the words that do it again.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from programs import find_program, print_table, version_of

HEADER = ("campaign", "subject", "scope", "tried", "wrong", "hours", "code", "day", "again by")
CODE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
INSTALLED = ("src", "pyproject.toml", ":(exclude)*.md")
"""All that an installation does its work with."""


class Evidence(NamedTuple):
    """What one call of a campaign has shown of one subject in one scope."""

    campaign: str
    """The program of tools/, without its ending: crash, stress, ..."""
    subject: str
    """Who was tried, with its version: `lugnut 0.1.0`, `uv 0.13.9`."""
    scope: str
    """In what surroundings, or at what: `upgrade`, `xfs`, `two containers`."""
    unit: str
    """What was counted: points, schedules, kills, commands, cuts."""
    tried: int
    wrong: int
    seconds: float
    """Wall time."""
    again: str
    """The words that do it again, its seed among them."""
    code: str = ""
    """The last commit that changed what is installed, short; with a + where the checkout differed from it in that."""
    day: str = ""
    """ISO date of its end, UTC."""


def note(path: str | None, shown: Iterable[Evidence]) -> None:
    """Append lines to a file; nothing where there is no path. The commit and the day are filled in."""
    if path is None:
        return
    day = dt.datetime.now(dt.UTC).date().isoformat()
    code = name_code()
    with open(path, "a", encoding="utf-8") as file:
        file.writelines(json.dumps(one._replace(code=code, day=day)._asdict()) + "\n" for one in shown)


def our_version() -> str:
    """Name the lugnut that campaigns call."""
    return version_of([find_program("lugnut")])


def name_code(checkout: str = CODE) -> str:
    """Name the last commit of a checkout that changed what is installed; empty where it is none.

    A commit of tools, tests or words alone is none: what was tried is the same, and its figures add up.
    """
    commit = _ask_git(checkout, "log", "-1", "--format=%h")
    return commit + "+" * bool(commit and _ask_git(checkout, "status", "--porcelain"))


def _ask_git(checkout: str, *words: str) -> str:
    command = ["git", "-C", checkout, *words, "--", *INSTALLED]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def words_of(program: str, arguments: Sequence[str]) -> str:
    """Give a command as it can be pasted elsewhere: without its figures and other places of this machine."""
    kept: list[str] = []
    for word in arguments:
        if kept and (kept[-1] == "--evidence" or (kept[-1].startswith("--") and os.path.isabs(word))):
            kept.pop()
        else:
            kept.append(word)
    return shlex.join([program, *kept])


def read(paths: Sequence[str]) -> list[Evidence]:
    """Read all lines of files; raises ValueError with the file's name where one is none of ours."""
    lines = []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                try:
                    lines.append(Evidence(**json.loads(line)))
                except (TypeError, ValueError) as error:
                    raise ValueError(f"{path}:{number}: not a line of evidence: {error}") from None
    return lines


def add_up(lines: Iterable[Evidence]) -> list[Evidence]:
    """Add what differs in nothing but its seed: one line for a campaign, a subject, a scope, a unit and a commit."""
    sums: dict[tuple[str, ...], Evidence] = {}
    for one in lines:
        key = one.campaign, one.subject, one.scope, one.unit, one.code
        old = sums.get(key)
        before = (old.tried, old.wrong, old.seconds) if old else (0, 0, 0.0)
        tried, wrong, seconds = before[0] + one.tried, before[1] + one.wrong, before[2] + one.seconds
        sums[key] = one._replace(tried=tried, wrong=wrong, seconds=seconds)
    return [sums[key] for key in sorted(sums)]


def main(arguments: Sequence[str]) -> int:
    """Print the table, or note a line."""
    if list(arguments[:1]) == ["--note"]:
        _, file, campaign, subject, scope, unit, tried, wrong, seconds, again = arguments
        note(file, [Evidence(campaign, subject, scope, unit, int(tried), int(wrong), float(seconds), again)])
        return 0
    try:
        lines = read(arguments)
    except (OSError, ValueError) as error:
        print(f"error: {error}; give files that campaigns were told by --evidence", file=sys.stderr)
        return 2
    rows = [
        (
            one.campaign,
            one.subject,
            one.scope,
            f"{one.tried:,} {one.unit}",
            one.wrong,
            f"{one.seconds / 3600:.2f}",
            one.code,
            one.day,
            f"`{one.again}`",
        )
        for one in add_up(lines)
    ]
    print_table(HEADER, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
