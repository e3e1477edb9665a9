"""Which Python is meant: flags, variables and directories to an executable, in uv's order. Starts nothing.

`--python`, `--system`, VIRTUAL_ENV, CONDA_PREFIX (not the base environment), then the working directory and those
above it: itself a virtual environment, or one in `.venv`. `--target` and `--prefix` need only some Python, so for
them the first on PATH will do, and our own at last.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping

from lugnut.errors import EnvironmentNotFound
from lugnut.interpreter.presence import exists, is_directory, is_file
from lugnut.typed import NamedTuple

CONFIGURATION = "pyvenv.cfg"
_NEWEST = 30
"""The last minor version of Python 3 that is looked for."""
IN_PREFIX = (("bin", "python3"), ("bin", "python"), ("Scripts", "python.exe"), ("bin", "python.exe"), ("python.exe",))
"""Where an environment keeps its interpreter, the surest first (`bin/python` of a system may be Python 2)."""


class Target(NamedTuple):
    """What the user said about where to install, with the variables and the working directory it was said in."""

    python: str | None
    """An executable, an environment's directory, a version (`3.12`, `cp312`, `>=3.11`) or a name to find on PATH."""
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


def find_candidates(target: Target) -> Iterator[str]:
    """Find what may be meant, the likeliest first: of a version, all that may have it; otherwise `find_python` alone.

    Each is an absolute path, its last symlink not resolved. There is at least one, or EnvironmentNotFound is raised.
    """
    version = parse_version(target)
    if version is None:
        yield find_python(target)
    else:
        yield from _find_version(target, version)


def find_python(target: Target) -> str:
    """Find the interpreter meant where no version is; EnvironmentNotFound if there is none."""
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
    """Read pyvenv.cfg: one `key = value` a line, no INI file; None where there is none, OSError in trouble."""
    try:
        with open(os.path.join(prefix, CONFIGURATION), encoding="utf-8", errors="replace") as file:
            lines = [line.partition("=") for line in file]
    except (FileNotFoundError, NotADirectoryError):
        return None
    return {key.strip().lower(): value.strip() for key, equals, value in lines if equals}


def venv_of(executable: str) -> str | None:
    """Give the virtual environment an executable belongs to: where CPython looks for pyvenv.cfg (PEP 405)."""
    directory = os.path.dirname(executable)
    for prefix in (directory, os.path.dirname(directory)):
        if is_file(os.path.join(prefix, CONFIGURATION)):
            return prefix
    return None


def _spell_path(target: Target, text: str) -> str:
    return os.path.normpath(os.path.join(target.directory, os.path.expanduser(text)))


def _find_named(target: Target, text: str) -> str:
    path = _spell_path(target, text)
    if is_directory(path):
        return _executable_in(path, f"{path} has no interpreter in it")
    if exists(path):
        return path
    if os.path.basename(text) != text:
        raise EnvironmentNotFound(where=f"{path} does not exist")
    names = (text, f"python{text}") if text[:1].isdigit() else (text,)  # 3.13t, 3.15.0a1
    found = next(_search_path(target, names), None)
    if found is None:
        raise EnvironmentNotFound(where=f"there is no {text} here and none on PATH")
    return found


class Version(NamedTuple):
    """A version that is asked for in place of an interpreter."""

    text: str
    """As the user wrote it."""
    specifier: str
    """As PEP 440 writes it."""
    minor: str
    """`3.12`, where it is one such; empty for a range."""

    def allows(self, version: str) -> bool:
        """Say whether a version of Python will do, a pre-release too; what is no version will not."""
        from packaging.specifiers import SpecifierSet
        from packaging.version import InvalidVersion

        try:
            return SpecifierSet(self.specifier).contains(version.removesuffix("+"), prereleases=True)
        except InvalidVersion:
            return False


def parse_version(target: Target) -> Version | None:
    """Read `--python` where it is a version and no path; None where it is not. Raises EnvironmentNotFound."""
    text = target.python or ""
    if not text or (text[0] not in "<>=!~" and os.path.basename(text) != text):  # patterns take 1 ms to compile
        return None
    import re

    compact = re.fullmatch(r"cp(\d)(\d+)", text)
    plain = re.fullmatch(r"(?:cpython@?|python@)?(\d+(?:\.\d+){0,2})", text)
    if not (compact or plain or text[:1] in "<>=!~") or exists(_spell_path(target, text)):
        return None
    if compact or plain:
        numbers = (".".join(compact.groups()) if compact else plain[1] if plain else "").split(".")
        return Version(text, f"=={'.'.join(numbers)}.*", ".".join(numbers[:2]) if len(numbers) > 1 else "")
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        return Version(text, str(SpecifierSet(text)), "")
    except InvalidSpecifier:
        raise EnvironmentNotFound(where=f"{text!r} is no version specifier") from None


def _find_version(target: Target, version: Version) -> Iterator[str]:
    """Find a version: an environment that has it, as for uv, then every Python on PATH that may."""
    known: set[str] = set()
    for beneath in (False, True):
        with contextlib.suppress(EnvironmentNotFound):  # one that is broken is passed over: another was asked for
            found = _find_beneath(target.directory) if beneath else _find_active(target)
            if found is not None and found not in known and version.allows(_version_of(found)):
                known.add(found)
                yield found
    names = [f"python{version.minor}"] if version.minor else [f"python3.{minor}" for minor in range(_NEWEST, 0, -1)]
    for path in _search_path(target, (*names, "python3", "python")):
        if path not in known:
            known.add(path)
            yield path
    if not known:
        raise EnvironmentNotFound(where=f"there is no environment of Python {version.text} here and none on PATH")


def _version_of(executable: str) -> str:
    configuration = read_configuration(venv_of(executable) or "") or {}
    version = configuration.get("version") or configuration.get("version_info", "")
    return ".".join(version.split(".")[:3])


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
    if is_file(os.path.join(prefix, "conda-meta", "pixi")):  # pixi names every environment `default`
        return False
    if environ.get("_CONDA_ROOT") == prefix:
        return True
    name = environ.get("CONDA_DEFAULT_ENV")
    return name is not None and name not in (prefix, os.path.basename(prefix))


def _find_beneath(directory: str) -> str | None:
    """Look in a directory and those above it; one that this user may never search has nothing for him."""
    while True:
        try:
            found = _find_in(directory)
        except PermissionError:
            if os.access(directory, os.X_OK):
                raise
            found = None
        parent = os.path.dirname(directory)
        if found is not None or parent == directory:
            return found
        directory = parent


def _find_in(directory: str) -> str | None:
    """Look whether a directory is an environment, or has one of the usual name."""
    if is_file(os.path.join(directory, CONFIGURATION)):
        return _executable_in(directory, f"{directory} has a {CONFIGURATION} and no interpreter")
    inner = os.path.join(directory, ".venv")
    if not is_directory(inner):
        return None
    if not is_file(os.path.join(inner, CONFIGURATION)):
        raise EnvironmentNotFound(where=f"{inner} is no virtual environment: it has no {CONFIGURATION}")
    return _executable_in(inner, f"{inner} has no interpreter in it")


def _executable_in(prefix: str, otherwise: str) -> str:
    for parts in IN_PREFIX:
        path = os.path.join(prefix, *parts)
        if is_file(path):
            return path
    raise EnvironmentNotFound(where=otherwise)
