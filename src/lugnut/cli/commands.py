"""Each command as one call of the library: the command line is the front door's first customer."""

from __future__ import annotations

from collections.abc import Callable

import lugnut
from lugnut.cli.configuration import Invocation
from lugnut.cli.flags import OPERANDS
from lugnut.cli.outcome import Outcome
from lugnut.errors import NotInstalled, UsageError
from lugnut.events import Note, Reporter
from lugnut.settings import Report
from lugnut.typed import Any

Cancelled = Callable[[], None]
Act = Callable[[Invocation, Reporter, Cancelled], Outcome]

ASKING = ("requirement_files", "overlay", "editables", "groups")
"""The fields that ask for something."""

PLACE = ("python", "target", "prefix", "system", "break_system_packages", "cache_dir", "no_cache")


def _install(invocation: Invocation, report: Reporter, cancelled: Cancelled) -> Outcome:
    done = lugnut.install(invocation.operands, report=report, cancelled=cancelled, **invocation.choices)
    absent = _find_absent(invocation, done)
    if absent and not invocation.operands and not invocation.choices.get("requirement_files"):
        raise NotInstalled(name=", ".join(absent), environment=done.environment)
    for name in absent:
        report(Note("warning", f"--overlay {name} has no effect: {name} is not installed"))
    return done


def _sync(invocation: Invocation, report: Reporter, cancelled: Cancelled) -> Outcome:
    return lugnut.sync(invocation.operands, report=report, cancelled=cancelled, **invocation.choices)


def _lock(invocation: Invocation, report: Reporter, cancelled: Cancelled) -> Outcome:
    return lugnut.lock(invocation.operands, report=report, cancelled=cancelled, **invocation.choices)


def _find_absent(invocation: Invocation, done: Report) -> list[str]:
    """Find the names of --overlay that the environment does not have: slips of the pen, most likely."""
    left = set(invocation.overlaid)
    if not left:
        return []
    from packaging.utils import canonicalize_name

    left -= {canonicalize_name(change.name) for change in done.changes}
    if left:
        left -= {canonicalize_name(item.name) for item in lugnut.list_installed(**_take_place(invocation)).installed}
    return sorted(left)


def _take_place(invocation: Invocation) -> dict[str, Any]:
    return {key: value for key, value in invocation.choices.items() if key in PLACE}


def _uninstall(invocation: Invocation, report: Reporter, cancelled: Cancelled) -> Outcome:
    return lugnut.uninstall(invocation.operands, report=report, cancelled=cancelled, **invocation.choices)


def _check(invocation: Invocation, report: Reporter, cancelled: Cancelled) -> Outcome:
    return lugnut.check_environment(report=report, cancelled=cancelled, **invocation.choices)


def _recover(invocation: Invocation, report: Reporter, cancelled: Cancelled) -> Outcome:
    return lugnut.recover(report=report, cancelled=cancelled, **invocation.choices)


def _doctor(invocation: Invocation, _report: Reporter, cancelled: Cancelled) -> Outcome:
    return lugnut.doctor(cancelled=cancelled, **invocation.choices)


def _list(invocation: Invocation, _report: Reporter, _cancelled: Cancelled) -> Outcome:
    return lugnut.list_installed(**invocation.choices)


def _freeze(invocation: Invocation, _report: Reporter, _cancelled: Cancelled) -> Outcome:
    return lugnut.freeze(**invocation.choices)


def _show(invocation: Invocation, _report: Reporter, _cancelled: Cancelled) -> Outcome:
    return lugnut.show(invocation.operands, **invocation.choices)


def _tree(invocation: Invocation, _report: Reporter, _cancelled: Cancelled) -> Outcome:
    return lugnut.tree(**invocation.choices)


def _complete(invocation: Invocation, _report: Reporter, _cancelled: Cancelled) -> Outcome:
    from lugnut.cli.completion import make_script

    return make_script(invocation.operands[0])


def _cache(invocation: Invocation, _report: Reporter, _cancelled: Cancelled) -> Outcome:
    acts: dict[str, Callable[[str | None], Outcome]] = {
        "dir": lugnut.cache_directory,
        "clean": lugnut.clean_cache,
        "prune": lugnut.prune_cache,
    }
    return acts[invocation.operands[0]](invocation.choices.get("cache_dir"))


ACTS: dict[str, Act] = {
    "install": _install,
    "sync": _sync,
    "lock": _lock,
    "uninstall": _uninstall,
    "list": _list,
    "freeze": _freeze,
    "show": _show,
    "tree": _tree,
    "check": _check,
    "recover": _recover,
    "doctor": _doctor,
    "cache": _cache,
    "completion": _complete,
}


def check_operands(invocation: Invocation) -> None:
    """Refuse a command that names nothing to act on, or names something it has no use for."""
    command, operands, choices = invocation.command, invocation.operands, invocation.choices
    if command in OPERANDS:
        _check_word(command, operands)
    elif command == "show":
        if not operands:
            raise UsageError(message="nothing to show was named", hint="name it, or use `lugnut list`")
    elif command == "sync":
        if not operands:
            raise UsageError(message="nothing to sync with was named", hint="name pylock.toml or a requirements file")
    elif command in {"install", "uninstall", "lock"}:
        if not operands and not any(choices.get(field) for field in ASKING):
            raise UsageError(
                message=f"nothing to {command} was named", hint=f"name it, or use -r FILE; see lugnut {command} --help"
            )
    elif operands:
        raise UsageError(
            message=f"`lugnut {command}` takes no names, not {operands[0]!r}", hint=f"lugnut {command} --help"
        )


def _check_word(command: str, operands: tuple[str, ...]) -> None:
    words = OPERANDS[command]
    if len(operands) != 1 or operands[0] not in words:
        said, listed = " ".join(operands) or "nothing", f"{', '.join(words[:-1])} or {words[-1]}"
        raise UsageError(message=f"`lugnut {command}` wants {listed}, not {said}", hint=f"lugnut {command} --help")
