"""What uv says when it fails, to one sentence of ours and its kind; all it said stays in `detail`.

uv writes `error: WHAT`, below it `cause: WHY` for each step downwards, and `hint: …`; older ones draw a tree.
"""

from __future__ import annotations

import os
import re

from lugnut.errors import (
    BadRequirement,
    BuildFailed,
    LugnutError,
    Offline,
    ResolverFailed,
    Unresolvable,
)
from lugnut.links import hide_credentials
from lugnut.resolution.inputs import WORDS, Inputs
from lugnut.sources.requests import COMMAND_LINE

_PIP = "see -v, or try --resolver pip"
_BUILD = ("Failed to build", "The build backend returned an error", "Failed to prepare")
_LONGEST = 400
_BEGINNING = r"\s*(error|hint|cause|Caused by|\u00d7|\u251c\u2500\u25b6|\u2570\u2500\u25b6):?\s+"
"""How a part begins; the signs are those of the tree: a cross, and two kinds of branches."""
_KINDS = {"error": "error", "\u00d7": "error", "hint": "hint", "cause": "cause", "Caused by": "cause"} | dict.fromkeys(
    ("\u251c\u2500\u25b6", "\u2570\u2500\u25b6"), "cause"
)
_LINES = " \u2502"


def explain(said: str, inputs: Inputs, directory: str) -> LugnutError:
    """Make the error for what uv wrote on stderr; `directory` is where it ran."""
    detail = hide_credentials(said.replace(inputs.directory + os.sep, "")).strip()
    error, causes, hints = read_parts(detail)
    if "No solution found" in error:
        return _explain_unsolved(causes, hints, detail)
    unread = _explain_unread((error, *causes), directory)
    if unread is not None:
        return unread
    if any(one.startswith(_BUILD) for one in (error, *causes)):
        return _explain_build(error, causes, detail)
    told = " ".join((error, *causes))
    fetched = re.search(r"Failed to fetch:? `?([^`\s]+)", told) or re.search(r"Failed to download `?([^`\s]+)", told)
    if "network connectivity is disabled" in detail.lower() and fetched:
        return Offline(url=fetched[1])
    if fetched:
        why = next((one for one in reversed(causes) if not one.startswith("Failed to")), "no answer")
        hint = "see whether the index can be reached, and its credentials"
        return ResolverFailed(resolver="uv", reason=f"{fetched[1]}: {_shorten(why)}", hint=hint, detail=detail)
    reason = ": ".join(_shorten(one) for one in (error, *causes[-1:]) if one) or "it did not say why"
    return ResolverFailed(resolver="uv", reason=reason, hint=_PIP, detail=detail)


def _explain_unread(parts: tuple[str, ...], directory: str) -> BadRequirement | None:
    """Find file and line of what uv could not parse: by its offset, or by line and column."""
    for words in reversed(parts):
        by_offset = re.search(r"(?:parse requirement|included file) in `(.+?)` at position (\d+)", words)
        by_line = re.search(r"^(?:Unexpected|Expected) .*(?::| at) (\S.*?):(\d+):\d+$", words)
        found = by_offset or by_line
        if found:
            text = _read(os.path.join(directory, found[1]))
            number = text[: int(found[2])].count("\n") + 1 if by_offset else int(found[2])
            line = text.splitlines()[number - 1] if number <= text.count("\n") + 1 and text else "…"
            whole = hide_credentials(line.strip())
            hint = "use --resolver pip, whose syntax it is, or mend the line"
            origin = COMMAND_LINE if os.path.basename(found[1]) == WORDS else f"{found[1]}:{number}"
            reason = "uv cannot read it"
            return BadRequirement(origin=origin, line=whole, reason=reason, hint=hint)
    return None


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def read_parts(said: str) -> tuple[str, list[str], list[str]]:
    """Give what went wrong, why, step by step, and hints; each as one line."""
    parts: list[tuple[str, list[str]]] = []
    for line in said.splitlines():
        found = re.match(_BEGINNING, line)
        if found:
            parts.append((_KINDS[found[1]], [line[found.end() :]]))
        elif parts and line.strip(_LINES):
            parts[-1][1].append(line.strip(_LINES))
    joined = [(kind, " ".join(lines).strip()) for kind, lines in parts]
    first = next((text for kind, text in joined if kind == "error"), said.strip().partition("\n")[0])
    return first, [text for kind, text in joined if kind == "cause"], [text for kind, text in joined if kind == "hint"]


def _explain_unsolved(causes: list[str], hints: list[str], detail: str) -> LugnutError:
    told = " ".join(causes)
    missing = re.search(r"Because (\S+) was not found in the cache", told)
    if missing and "network was disabled" in detail:
        return Offline(url=missing[1])
    refused = next((hint for hint in hints if re.search(r"could not be queried|401|403", hint)), None)
    if refused:
        hint = "look at the user and password of the index"
        return ResolverFailed(resolver="uv", reason=_shorten(refused), hint=hint, detail=detail)
    platforms = [hint for hint in hints if "wheels" in hint.lower()]
    return Unresolvable(reason=_shorten("; ".join([_find_premise(told), *platforms])), resolver="uv", detail=detail)


def _find_premise(told: str) -> str:
    """Take the first `Because A and B, we can conclude …`: what the rest is concluded from."""
    found = re.search(r"Because (.+?),? (?:we can conclude|it follows)", told)
    return _shorten(found[1] if found else told)


def _explain_build(error: str, causes: list[str], detail: str) -> BuildFailed:
    text = next((one for one in (error, *causes) if one.startswith(_BUILD)), error)
    source = re.search(r"`([^`]+)`", text)
    lines = [line.strip() for line in re.split(r"\n\s*hint:", detail)[0].splitlines() if line.strip()]
    said = next((line for line in reversed(lines) if not line.startswith(("[", "cause:"))), text)
    hint = "see -v; a wheel of another version may need no build"
    return BuildFailed(source=source[1] if source else "a source", reason=_shorten(said), hint=hint, detail=detail)


def _shorten(words: str) -> str:
    """Give one line of at most 400 characters, without the full stop."""
    line = " ".join(words.split()).rstrip(".")
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1].rstrip() + "…"
