"""Flags, LUGNUT_* and [tool.lugnut] to one invocation: the flag wins over the variable, the variable over the file.

Every value is read by the same function wherever it stands, and a value that cannot mean anything is a UsageError that
names where it stands. Overlay ranks are merged name by name; every other list is taken whole from one place.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping

from lugnut.cli.flags import COUNT, FLAGS, LIST, SWITCH, Flag, flags_of
from lugnut.cli.plain import Words, closest
from lugnut.cli.values import parse_value, parse_variable
from lugnut.errors import UsageError
from lugnut.typed import Any, NamedTuple

CONFIGURABLE = {
    "overlay": ("install", "sync"),
    "on-conflict": ("install", "sync"),
    "link-mode": ("install", "sync", "doctor"),
    "jobs": ("install", "sync", "uninstall", "check", "recover"),
    "lock-backend": ("install", "sync", "uninstall", "check", "recover"),
}
"""The keys of [tool.lugnut], and the commands that heed them."""

EXAMPLES = {
    "overlay": 'write overlay = ["NAME"] or overlay = { NAME = 1 }',
    "on-conflict": 'write on-conflict = "error"',
    "link-mode": 'write link-mode = "copy"',
    "jobs": "write jobs = 2",
    "lock-backend": 'write lock-backend = "redis://HOST:6379/0"',
}

RIVALS = (("target", "prefix"), ("python", "system"))
"""Of each group a run can be given one; a flag silences the variables of its group."""

UNCONFIGURED = {"completion"}
"""Commands that no pyproject.toml can break: a shell may run them whenever it starts."""

REPLACED = (("quiet", "verbose"), ("json", "format"))
"""Groups whose members may meet, but of which a flag silences the variables too."""


class Presentation(NamedTuple):
    """What concerns the command line alone."""

    verbosity: int = 0
    """-v adds one, -q takes one; -2 silences warnings."""
    color: str = "auto"
    progress: bool = True
    json: bool = False
    json_events: str | None = None
    format: str = "columns"
    speak_of_unmet: bool = True
    show_specifiers: bool = False
    list_files: bool = False
    report_to: str | None = None


class Invocation(NamedTuple):
    """One command, ready to be run: `choices` are keywords of the library's function."""

    command: str
    operands: tuple[str, ...]
    choices: dict[str, Any]
    presentation: Presentation
    overlaid: tuple[str, ...] = ()
    """Names whose rank a flag or a variable gives: they are meant for this run, those of a file for any."""


def make_invocation(words: Words, environ: Mapping[str, str], directory: str) -> Invocation:
    """Put the words of the command line, the variables and the nearest [tool.lugnut] together."""
    typed = {flag.field: _read_typed(flag, words.given[flag.field]) for flag in _given(words)}
    _check_rivals(typed)
    variables = _read_variables(words.command, environ, typed)
    ignored = words.command in UNCONFIGURED or typed.get("no_config", variables.get("no_config", False))
    configured = {} if ignored else _read_configuration(words.command, directory)
    chosen = {**configured, **variables, **typed}
    overlay = {
        name: rank for layer in (configured, variables, typed) for name, rank in layer.get("overlay", {}).items()
    }
    if overlay:
        chosen["overlay"] = overlay
    presentation = _take_presentation(chosen)
    for field in ("no_config", "yes"):
        chosen.pop(field, None)
    if chosen.pop("pre", False):
        chosen["prerelease"] = "allow"
    if chosen.pop("no_build", False):
        chosen["only_binary"] = (":all:",)
    if presentation.report_to is not None:
        chosen["describe"] = True
    if "no_dedupe" in chosen:
        chosen["dedupe"] = not chosen.pop("no_dedupe")
    overlaid = tuple(sorted({*variables.get("overlay", {}), *typed.get("overlay", {})}))
    return Invocation(words.command, words.operands, chosen, presentation, overlaid)


def _given(words: Words) -> list[Flag]:
    return [flag for flag in flags_of(words.command) if flag.field in words.given]


def _read_typed(flag: Flag, value: Any) -> Any:
    if flag.kind in {SWITCH, COUNT}:
        return value
    return parse_value(flag, flag.long, value if flag.kind == LIST else [value])


def _check_rivals(typed: Mapping[str, Any]) -> None:
    for one, other in RIVALS:
        if typed.get(one) and typed.get(other):
            raise UsageError(message=f"--{one} and --{other} are two different places", hint="give one of them")


def _read_variables(command: str, environ: Mapping[str, str], typed: Mapping[str, Any]) -> dict[str, Any]:
    """Read the command's variables, without those that what was typed silences; an empty one counts as unset."""
    silenced = {field for group in (*RIVALS, *REPLACED) if any(name in typed for name in group) for field in group}
    found = {}
    for flag in flags_of(command):
        text = environ.get(flag.variable, "")
        if text and flag.field not in silenced:
            found[flag.field] = parse_variable(flag, text)
    _check_rivals(found)
    return found


# --- pyproject.toml ---------------------------------------------------------------------------------------------------


def _read_configuration(command: str, directory: str) -> dict[str, Any]:
    """Read the keys of the nearest [tool.lugnut] that this command heeds; all of them are checked."""
    path, table = _find_table(directory)
    flags = {flag.long[2:]: flag for flag in FLAGS if flag.long[2:] in CONFIGURABLE}
    found = {}
    for key, value in table.items():
        if key not in flags:
            raise UsageError(
                message=f"{path}: [tool.lugnut] has no key {key!r}",
                hint=closest(key, flags) or f"it knows {', '.join(CONFIGURABLE)}",
            )
        read = parse_value(flags[key], f"{path}: {key}", _texts(f"{path}: {key}", key, value))
        if command in CONFIGURABLE[key]:
            found[flags[key].field] = read
    return found


def _texts(origin: str, key: str, value: Any) -> list[str]:
    """Spell a TOML value as the flag would have it, so that one parser reads both."""
    kind = int if key == "jobs" else str
    if key == "overlay" and isinstance(value, dict) and all(type(rank) is int for rank in value.values()):
        return [f"{name}={rank}" for name, rank in value.items()]
    if key == "overlay" and isinstance(value, list) and all(isinstance(name, str) for name in value):
        return value
    if key == "overlay" or type(value) is not kind:
        raise UsageError(message=f"{origin} has a value of the wrong kind", hint=EXAMPLES[key])
    return [str(value)]


def _find_table(directory: str) -> tuple[str, dict[str, Any]]:
    """Find the nearest pyproject.toml with a [tool.lugnut], from the directory upwards."""
    while True:
        path = os.path.join(directory, "pyproject.toml")
        table = _read_table(path) if _is_file(path) else None
        if table is not None:
            return path, table
        parent = os.path.dirname(directory)
        if parent == directory:
            return "", {}
        directory = parent


def _is_file(path: str) -> bool:
    """Say whether a regular file stands there; a disk in trouble must not choose other settings."""
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return False
    except OSError as error:
        raise _refuse_file(path, error.strerror or str(error)) from None


def _may_configure(data: bytes) -> bool:
    """Say whether a pyproject.toml may have a `tool.lugnut`, however that is spelled; False is certain."""
    lines = [line.translate(None, b" \t'\"") for line in data.splitlines()]
    within = any(line.startswith((b"[tool]", b"tool=")) for line in lines)
    return any(b"lugnut" in line and (within or b"tool" in line or b"\\" in line) for line in lines) or b"\\u" in data


def _read_table(path: str) -> dict[str, Any] | None:
    try:
        with open(path, "rb") as file:
            data = file.read()
        if not _may_configure(data):  # tomllib costs 7 ms at start
            return None
        import tomllib

        tools = tomllib.loads(data.decode()).get("tool", {})
    except UnicodeDecodeError:
        raise _refuse_file(path, "it is not UTF-8 text") from None
    except OSError as error:
        raise _refuse_file(path, error.strerror or str(error)) from None
    except ValueError as error:
        raise _refuse_file(path, str(error)) from None
    table = tools.get("lugnut") if isinstance(tools, dict) else tools
    if table is not None and not isinstance(table, dict):
        raise UsageError(message=f"{path}: tool.lugnut is not a table", hint="write [tool.lugnut]")
    return table


def _refuse_file(path: str, reason: str) -> UsageError:
    return UsageError(message=f"{path} cannot be read: {reason}", hint="mend it, or use --no-config")


# --- the command line's own choices -----------------------------------------------------------------------------------


def _take_presentation(chosen: dict[str, Any]) -> Presentation:
    """Take out of the choices what the library has no keyword for."""
    presentation = Presentation(
        verbosity=chosen.pop("verbose", 0) - chosen.pop("quiet", 0),
        color=chosen.pop("color", "auto"),
        progress=not chosen.pop("no_progress", False),
        json=chosen.pop("json", False),
        json_events=chosen.pop("json_events", None),
        format=chosen.pop("format", "columns"),
        speak_of_unmet=not chosen.get("no_deps", False),
        show_specifiers=chosen.pop("show_specifiers", False),
        list_files=bool(chosen.get("files", False)),
        report_to=chosen.pop("report_to", None),
    )
    _check_stdout(presentation)
    if presentation.json and presentation.format != "columns":
        raise UsageError(message="--json and --format are two forms of one list", hint="give one of them")
    return presentation


def _check_stdout(presentation: Presentation) -> None:
    """Refuse two documents on one stdout."""
    wanting = ["--json"] * presentation.json
    wanting += ["--json-events -"] * (presentation.json_events == "-") + ["--report -"] * (
        presentation.report_to == "-"
    )
    if len(wanting) > 1:
        flag = wanting[-1].removesuffix(" -")
        raise UsageError(message=f"{wanting[0]} and {wanting[-1]} both want stdout", hint=f"give {flag} a file")
