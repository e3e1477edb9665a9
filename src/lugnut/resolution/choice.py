"""Which backend answers: uv where it is at hand and new enough, else pip, which lugnut brings along."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping

from lugnut.errors import ResolverFailed, UsageError
from lugnut.events import never
from lugnut.system import programs
from lugnut.typed import NamedTuple

UV_NEEDED = (0, 7)
"""The first uv whose `pip compile` reads preferences from a pylock.toml and writes one."""
_PATIENCE = 60.0
_NAMES = ("auto", "uv", "pip")


class Backend(NamedTuple):
    """A program that resolves."""

    name: str
    """uv or pip."""
    command: tuple[str, ...]
    """How it is started."""
    version: tuple[int, ...]


def choose(resolver: str, environ: Mapping[str, str], cancelled: Callable[[], None] = never) -> Backend:
    """Find the backend that `--resolver` names (auto, uv or pip); raises ResolverFailed and UsageError."""
    if resolver not in _NAMES:
        raise UsageError(message=f"--resolver must be auto, uv or pip, not {resolver!r}", hint="write one of them")
    if resolver == "pip":
        return find_pip()
    conditions = programs.Conditions(patience=_PATIENCE, environ=environ, cancelled=cancelled)
    found = [(path, _ask(path, conditions)) for path in _look_for_uv(environ)]
    fitting = next((Backend("uv", (path,), version) for path, version in found if version >= UV_NEEDED), None)
    if fitting is None and resolver == "uv":
        raise _explain(found)
    return find_pip() if fitting is None else fitting


def find_pip() -> Backend:
    """Give the pip beside lugnut; `-P`: a module of the working directory must not stand in for it (TRAPS 39)."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        found = version("pip")
    except PackageNotFoundError:
        reason = "there is no pip beside lugnut, which depends on it"
        hint = "install lugnut again, or use uv"
        raise ResolverFailed(resolver="pip", reason=reason, hint=hint, detail="") from None
    return Backend("pip", (sys.executable, "-P", "-m", "pip"), _parse_version(found))


def _look_for_uv(environ: Mapping[str, str]) -> Iterator[str]:
    """Give the uv on PATH, then the one installed beside lugnut."""
    on_path = programs.find("uv", environ)
    if on_path is not None:
        yield on_path
    beside = programs.find("uv", {**environ, "PATH": os.path.dirname(sys.executable)})
    if beside not in {None, on_path}:
        yield str(beside)
    elif beside is None and (own := _find_own()) not in {None, on_path}:
        yield str(own)


def _find_own() -> str | None:
    """Ask the distribution uv, where lugnut can import it, for its program."""
    try:
        from uv import find_uv_bin
    except ImportError:
        return None
    try:
        return str(find_uv_bin())
    except FileNotFoundError:
        return None


def _ask(path: str, conditions: programs.Conditions) -> tuple[int, ...]:
    """Ask a uv for its version; empty where it does not answer like one."""
    try:
        ran = programs.run([path, "--version"], b"", conditions)
    except (OSError, programs.TooLong):
        return ()
    return _parse_version(ran.out.decode("utf-8", "replace").removeprefix("uv ")) if ran.code == 0 else ()


def _parse_version(text: str) -> tuple[int, ...]:
    found = re.match(r"\d+(\.\d+)*", text.strip())
    return tuple(int(part) for part in found[0].split(".")) if found else ()


def _explain(found: list[tuple[str, tuple[int, ...]]]) -> ResolverFailed:
    needed = ".".join(map(str, UV_NEEDED))
    if not found:
        reason = "there is no uv on PATH, nor beside lugnut"
    else:
        path, version = found[0]
        said = f"is {'.'.join(map(str, version))}" if version else "does not say its version"
        reason = f"{path} {said}, and {needed} or later is needed"
    hint = "install a newer uv, or use --resolver pip"
    return ResolverFailed(resolver="uv", reason=reason, hint=hint, detail="")
