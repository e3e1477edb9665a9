"""Which Python is meant: flags, variables and directories to one executable, in uv's order. Starts nothing.

`--python`, `--system`, VIRTUAL_ENV, CONDA_PREFIX (not the base environment), then the working directory and those
above it: itself a virtual environment, or one in `.venv`. `--target` and `--prefix` need only some Python, so for
them the first on PATH will do, and our own at last.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from lugnut.errors import EnvironmentNotFound

CONFIGURATION = "pyvenv.cfg"
IN_PREFIX = (("bin", "python3"), ("bin", "python"), ("Scripts", "python.exe"), ("bin", "python.exe"), ("python.exe",))
"""Where an environment keeps its interpreter, the surest first (`bin/python` of a system may be Python 2)."""


class Target(NamedTuple):
    """What the user said about where to install, with the variables and the working directory it was said in."""

    python: str | None
    """An executable, an environment's directory, a version (`3.12`) or a name to look for on PATH."""
    target: str | None
    prefix: str | None
    system: bool
    break_system_packages: bool
    cache_dir: str | None
    """Where answers of interpreters are remembered; None: nowhere."""
    environ: Mapping[str, str]
    directory: str
    """The working directory, absolute."""
    reading: bool = False
    """Nothing will be changed, so it does not matter whether the system manages its Python (PEP 668)."""


def find_python(target: Target) -> str:
    """Find the interpreter meant: an absolute path, its last symlink not resolved; EnvironmentNotFound if none."""
    if target.python:
        return _find_named(target, target.python)
    if target.system:
        return _find_system(target)
    found = _find_active(target) or _find_beneath(target.directory)
    if found is None and (target.target or target.prefix):
        found = next(_search_path(target, ("python3", "python")), None) or sys.executable
    if not found:
        raise EnvironmentNotFound(
            where="neither VIRTUAL_ENV nor CONDA_PREFIX is set, and there is no .venv here or above"
        )
    return found


def read_configuration(prefix: str) -> dict[str, str] | None:
    """Read pyvenv.cfg: one `key = value` a line, no INI file; None where there is none."""
    try:
        with open(os.path.join(prefix, CONFIGURATION), encoding="utf-8", errors="replace") as file:
            lines = [line.partition("=") for line in file]
    except OSError:
        return None
    return {key.strip().lower(): value.strip() for key, equals, value in lines if equals}


def venv_of(executable: str) -> str | None:
    """Give the virtual environment an executable belongs to: where CPython looks for pyvenv.cfg (PEP 405)."""
    directory = os.path.dirname(executable)
    for prefix in (directory, os.path.dirname(directory)):
        if os.path.isfile(os.path.join(prefix, CONFIGURATION)):
            return prefix
    return None


def _find_named(target: Target, text: str) -> str:
    path = os.path.normpath(os.path.join(target.directory, os.path.expanduser(text)))
    if os.path.isdir(path):
        return _executable_in(path, f"{path} has no interpreter in it")
    if os.path.exists(path):
        return path
    if os.path.basename(text) != text:
        raise EnvironmentNotFound(where=f"{path} does not exist")
    if text[:1].isdigit():
        return _find_version(target, text)
    found = next(_search_path(target, (text,)), None)
    if found is None:
        raise EnvironmentNotFound(where=f"there is no {text} here and none on PATH")
    return found


def _find_version(target: Target, text: str) -> str:
    """Find a version: the active environment or one here if it has it, as for uv, else that Python on PATH."""
    active = _find_whole(target)
    if active is not None and _has_version(active, text):
        return active
    name = f"python{text}"
    found = next(_search_path(target, (name,)), None)
    if found is None:
        raise EnvironmentNotFound(where=f"there is no environment of Python {text} here and no {name} on PATH")
    return found


def _find_whole(target: Target) -> str | None:
    """Find what would be meant without a version; one that is broken is passed over, since another was asked for."""
    with contextlib.suppress(EnvironmentNotFound):
        return _find_active(target) or _find_beneath(target.directory)
    return None


def _has_version(executable: str, text: str) -> bool:
    configuration = read_configuration(venv_of(executable) or "") or {}
    version = configuration.get("version") or configuration.get("version_info", "")
    return f"{version}.".startswith(f"{text}.")


def _find_system(target: Target) -> str:
    """Find the first Python on PATH that is no virtual environment's."""
    for path in _search_path(target, ("python3", "python")):
        if venv_of(path) is None:
            return path
    raise EnvironmentNotFound(where="there is no system Python on PATH")


def _search_path(target: Target, names: tuple[str, ...]) -> Iterator[str]:
    for directory in target.environ.get("PATH", os.defpath).split(os.pathsep):
        for name in names:
            for spelled in (name, name + ".exe"):
                path = os.path.join(target.directory, directory, spelled)
                if directory and os.path.isfile(path) and os.access(path, os.X_OK):
                    yield path


def _find_active(target: Target) -> str | None:
    virtual, conda = target.environ.get("VIRTUAL_ENV"), target.environ.get("CONDA_PREFIX")
    if virtual:
        return _executable_in(
            os.path.join(target.directory, virtual), f"VIRTUAL_ENV names {virtual}, which has no interpreter"
        )
    if conda and not _is_conda_base(conda, target.environ):
        return _executable_in(
            os.path.join(target.directory, conda), f"CONDA_PREFIX names {conda}, which has no interpreter"
        )
    return None


def _is_conda_base(prefix: str, environ: Mapping[str, str]) -> bool:
    """Tell conda's base environment, which is a system Python to uv, from the ones made of it."""
    if os.path.isfile(os.path.join(prefix, "conda-meta", "pixi")):  # pixi names every environment `default`
        return False
    if environ.get("_CONDA_ROOT") == prefix:
        return True
    name = environ.get("CONDA_DEFAULT_ENV")
    return name is not None and name not in (prefix, os.path.basename(prefix))


def _find_beneath(directory: str) -> str | None:
    """Look in a directory and those above it."""
    while True:
        if os.path.isfile(os.path.join(directory, CONFIGURATION)):
            return _executable_in(directory, f"{directory} has a {CONFIGURATION} and no interpreter")
        inner = os.path.join(directory, ".venv")
        if os.path.isdir(inner):
            if not os.path.isfile(os.path.join(inner, CONFIGURATION)):
                raise EnvironmentNotFound(where=f"{inner} is no virtual environment: it has no {CONFIGURATION}")
            return _executable_in(inner, f"{inner} has no interpreter in it")
        parent = os.path.dirname(directory)
        if parent == directory:
            return None
        directory = parent


def _executable_in(prefix: str, otherwise: str) -> str:
    for parts in IN_PREFIX:
        path = os.path.join(prefix, *parts)
        if os.path.isfile(path):
            return path
    raise EnvironmentNotFound(where=otherwise)
