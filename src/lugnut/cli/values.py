"""Text to values: one reader for each kind of flag, wherever the text stands (`origin` names the place in messages)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence

from lugnut.cli.flags import COUNT, LIST, SWITCH, WORDS, Flag
from lugnut.cli.plain import closest
from lugnut.errors import Unsupported, UsageError
from lugnut.settings import BACKEND_HINT, fault_backend
from lugnut.typed import Any

PATHS = (
    "python",
    "target",
    "prefix",
    "cache_dir",
    "json_events",
    "requirement_files",
    "constraint_files",
    "find_links",
    "editables",
    "overrides",
    "build_constraints",
    "output",
    "cert",
    "client_cert",
    "paths",
    "report_to",
    "trace",
)
"""The fields that hold paths."""

NAMES = ("packages", "prune", "exclude", "upgrade_packages")
"""The fields that hold distributions' names."""

BINARIES = ("no_binary", "only_binary")
"""The fields that hold names, `:all:` or `:none:`, as pip's lists with commas."""

TRUE = frozenset(("1", "true", "yes", "on", "y", "t"))
FALSE = frozenset(("0", "false", "no", "off", "n", "f"))


def parse_value(flag: Flag, origin: str, texts: Sequence[str]) -> Any:
    """Read a flag's value out of its texts: all of them for a list, the last one otherwise."""
    if flag.field == "overlay":
        return parse_overlay(origin, texts)
    if flag.field in BINARIES:
        return tuple(_read_binaries(origin, texts))
    if flag.kind == LIST:
        return tuple(_PARSERS.get(flag.field, _parse_plain)(origin, text) for text in texts)
    return _PARSERS.get(flag.field, _parse_plain)(origin, texts[-1])


def parse_variable(flag: Flag, text: str) -> Any:
    """Read the value of a flag's variable: lists are separated by blanks, switches are 1/true or 0/false."""
    origin = flag.variable
    if flag.kind == SWITCH:
        return _parse_switch(origin, text)
    if flag.kind == COUNT:
        return int(text) if text.isascii() and text.isdigit() else int(_parse_switch(origin, text))
    return parse_value(flag, origin, text.split() if flag.kind == LIST else [text])


def _read_binaries(origin: str, texts: Iterable[str]) -> list[str]:
    """Read names with commas between them; `:none:` takes back what was said before it."""
    names: list[str] = []
    for word in (word.strip() for text in texts for word in text.split(",")):
        if word == ":none:":
            names.clear()
        elif word:
            names.append(word if word == ":all:" else _normalised(origin, word))
    return names


def _parse_switch(origin: str, text: str) -> bool:
    word = text.strip().lower()
    if word not in TRUE | FALSE:
        raise UsageError(message=f"{origin} must be 1 or 0, true or false, not {text!r}", hint=f"unset {origin}")
    return word in TRUE


def _parse_plain(origin: str, text: str) -> str:
    if not text:
        raise UsageError(message=f"{origin} needs a value", hint="leave it out, or give it one")
    return text


def _parse_path(origin: str, text: str) -> str:
    """Read a path; no shell expands the ~ of `--target=~/x` or of a variable."""
    return os.path.expanduser(_parse_plain(origin, text))


def _parse_jobs(origin: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise UsageError(
            message=f"{origin} must be a number from 1 up, not {text!r}", hint="leave it out for one worker a processor"
        )
    return int(text)


def _parse_count(origin: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise UsageError(message=f"{origin} must be a number from 0 up, not {text!r}", hint="0 tries once")
    return int(text)


def _parse_seconds(origin: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise UsageError(
            message=f"{origin} must be a number of seconds from 0 up, not {text!r}", hint="0 tries a lock once"
        )
    return seconds


DEEPEST = 255
"""The levels of a tree, as uv counts them."""


def _parse_depth(origin: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(DEEPEST)) and int(text) <= DEEPEST):
        raise UsageError(
            message=f"{origin} must be a number from 0 to {DEEPEST}, not {text!r}", hint="0 draws the first level alone"
        )
    return int(text)


def _word_parser(*words: str) -> Callable[[str, str], str]:
    def parse(origin: str, text: str) -> str:
        if text not in words:
            listed = f"{', '.join(words[:-1])} or {words[-1]}"
            raise UsageError(
                message=f"{origin} must be {listed}, not {text!r}", hint=closest(text, words) or "lugnut --help"
            )
        return text

    return parse


def _parse_link_mode(origin: str, text: str) -> str:
    if text == "symlink":
        raise Unsupported(
            what=f"{origin} symlink",
            reason="cleaning the cache would break the environment",
            hint="use auto, hardlink, clone or copy",
        )
    return _word_parser(*WORDS["link_mode"])(origin, text)


def _parse_backend(origin: str, text: str) -> str:
    fault = fault_backend(_parse_plain(origin, text))
    if fault:
        raise UsageError(message=f"{origin} {fault}", hint=BACKEND_HINT)
    return text


def parse_overlay(origin: str, texts: Iterable[str]) -> dict[str, int]:
    """Read NAME and NAME=N into ranks; a name alone has rank 1."""
    ranks: dict[str, int] = {}
    for text in texts:
        name, equals, rank = text.partition("=")
        if equals and not (rank.isascii() and rank.isdigit()):
            raise UsageError(
                message=f"{origin} wants NAME or NAME=N with N from 0 up, not {text!r}", hint="N = 0 undoes an overlay"
            )
        ranks[_normalised(origin, name)] = int(rank) if equals else 1
    return ranks


def _normalised(origin: str, name: str) -> str:
    from packaging.utils import InvalidName, canonicalize_name

    try:
        return canonicalize_name(name, validate=True)
    except InvalidName:
        raise UsageError(
            message=f"{origin}: {name!r} is not a distribution's name", hint="give one NAME, without a version"
        ) from None


_PARSERS: dict[str, Callable[[str, str], Any]] = {
    **dict.fromkeys(PATHS, _parse_path),
    **dict.fromkeys(NAMES, _normalised),
    **{field: _word_parser(*words) for field, words in WORDS.items()},
    "jobs": _parse_jobs,
    "depth": _parse_depth,
    "lock_timeout": _parse_seconds,
    "timeout": _parse_seconds,
    "retries": _parse_count,
    "downloads": _parse_jobs,
    "link_mode": _parse_link_mode,
    "lock_backend": _parse_backend,
}
