"""The target's interpreter to an Environment: asked once and remembered, or not started at all.

A virtual environment of the interpreter we run in differs from our own in its prefix only, so it is described from
our own facts; every other interpreter is asked once, by one of our scripts, and what it said is remembered.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from lugnut.environment import Environment, spell_places
from lugnut.errors import EnvironmentNotFound, ExternallyManaged, InterpreterBroken
from lugnut.interpreter.discovery import Target, find_candidates, parse_version, read_configuration, venv_of
from lugnut.interpreter.facts import Facts, find_packaging, remember
from lugnut.interpreter.presence import exists, is_directory, is_file, resolve
from lugnut.typed import Any

__all__ = ["Facts", "Target", "ask", "find_environment", "read_facts"]

BEGIN = "\n--- lugnut ---\n"
"""As in probe.py and compilation.py, which run alone."""
PATIENCE = 60
"""Seconds an interpreter has to answer."""


def find_environment(target: Target) -> Environment:
    """Find the environment meant; EnvironmentNotFound, InterpreterBroken, or ExternallyManaged (PEP 668)."""
    for spelled in (target.target, target.prefix):
        if spelled:
            _check_directory(os.path.join(target.directory, spelled))
    facts = _choose(target)
    if target.target:
        return _make_environment("target", facts, os.path.join(target.directory, target.target))
    if target.prefix:
        return _make_environment("prefix", facts, os.path.join(target.directory, target.prefix))
    if facts.virtual:
        return _make_environment("venv", facts, facts.prefix)
    if not target.break_system_packages and not target.reading:
        _refuse_managed(facts)
    return _make_environment("system", facts, facts.prefix)


def _choose(target: Target) -> Facts:
    """Give the first of the candidates that answers and has the version asked for; one alone has to answer."""
    version = parse_version(target)
    if version is None:
        return read_facts(next(find_candidates(target)), target.cache_dir)
    found = []
    for executable in find_candidates(target):
        try:
            facts = read_facts(executable, target.cache_dir)
        except InterpreterBroken:  # such as a shim whose version is not installed
            continue
        if version.allows(facts.markers["python_full_version"]):
            return facts
        found.append(facts.markers["python_full_version"])
    others = f"; there are {', '.join(dict.fromkeys(found))}" if found else ""
    raise EnvironmentNotFound(where=f"no Python {version.text} is here or on PATH{others}")


def _check_directory(place: str) -> None:
    """Refuse a place that is no directory and, because something stands in the way, can be none."""
    while not os.path.lexists(place):
        place = os.path.dirname(place)
    if not is_directory(place):
        raise EnvironmentNotFound(where=f"{place} is no directory")


def read_facts(executable: str, cache_dir: str | None) -> Facts:
    """Learn what an interpreter is, starting it only where neither our own facts nor the cache can tell."""
    venv = venv_of(executable)
    if venv is not None and _shares_our_base(executable, venv):
        return _move_to_venv(_read_own(cache_dir), venv, executable)
    if os.path.abspath(executable) == os.path.abspath(sys.executable):
        return _read_own(cache_dir)
    return remember(cache_dir, executable, lambda: _ask(executable))


def ask(python: str, script: str, *arguments: str, given: str = "") -> Any:
    """Run one of our scripts (a path) in an interpreter, isolated, with `given` on stdin; give the JSON it answers."""
    import json

    from lugnut.system import programs

    command = [python, "-I", "-B", script, *arguments]
    # macOS tells a virtual environment's child by this variable who it is: that must not be us.
    environ = {name: value for name, value in os.environ.items() if name != "__PYVENV_LAUNCHER__"}
    try:
        done = programs.run(command, given.encode("utf-8", "surrogateescape"), programs.Conditions(PATIENCE, environ))
    except OSError as error:
        raise InterpreterBroken(python=python, reason=error.strerror or str(error)) from None
    except programs.TooLong:
        raise InterpreterBroken(python=python, reason=f"it did not answer within {PATIENCE} s") from None
    _, begin, answer = done.out.decode("utf-8", "replace").replace("\r\n", "\n").rpartition(BEGIN)
    try:
        if done.code == 0 and begin:
            return json.loads(answer)
    except ValueError:
        pass
    words = _sum_up(done.err.decode("utf-8", "replace"))
    raise InterpreterBroken(python=python, reason=f"{words} (exit code {done.code})")


def _sum_up(complaint: str) -> str:
    """Give the line that says most: the last one of a traceback, the first one of anybody else (a shim, a shell)."""
    lines = [line.strip() for line in complaint.split("\n") if line.strip()]
    if not lines:
        return "it said nothing"
    return lines[-1 if any(line.startswith("Traceback (") for line in lines) else 0]


# --- facts ------------------------------------------------------------------------------------------------------------


def _shares_our_base(executable: str, venv: str) -> bool:
    """Whether a virtual environment runs the very interpreter that runs us, out of the same home."""
    configuration = read_configuration(venv) or {}
    version = configuration.get("version") or configuration.get("version_info", "")
    base = getattr(sys, "_base_executable", None) or sys.executable
    return (
        os.path.realpath(executable) == os.path.realpath(sys.executable)
        and os.path.realpath(configuration.get("home", "")) == os.path.realpath(os.path.dirname(base))
        and version.split(".")[:3] == [str(part) for part in sys.version_info[:3]]
    )


def _read_own(cache_dir: str | None) -> Facts:
    return remember(cache_dir, sys.executable, _describe_ourselves)


def _describe_ourselves() -> Mapping[str, Any]:
    from lugnut.interpreter.probe import describe

    return describe()


def _move_to_venv(facts: Facts, venv: str, executable: str) -> Facts:
    prefix = os.path.abspath(venv)
    schemes = {scheme: os.path.normpath(os.path.join(prefix, below)) for scheme, below in facts.below.items()}
    return facts._replace(prefix=prefix, executable=executable, schemes=schemes)


def _ask(executable: str) -> dict[str, Any]:
    from lugnut.interpreter import probe

    document = ask(executable, os.path.abspath(probe.__file__), os.path.dirname(find_packaging() or ""))
    if "error" in document:
        raise InterpreterBroken(python=executable, reason=document["error"])
    return dict(document)


# --- the environment --------------------------------------------------------------------------------------------------


def _make_environment(kind: str, facts: Facts, prefix: str) -> Environment:
    prefix = resolve(prefix)
    schemes = {scheme: resolve(path) for scheme, path in _lay_out(kind, facts, prefix).items()}
    return Environment(
        kind=kind,
        prefix=prefix,
        python=_choose_launched(facts),
        schemes=schemes,
        places=spell_places(schemes),
        aliases=() if kind == "target" else _find_aliases(prefix, schemes["purelib"]),
        folds_case=_folds_case(schemes["purelib"]),
        markers=facts.markers,
        tags=facts.tags,
        cache_tag=facts.cache_tag,
        launcher=facts.launcher,
        uv_lock=None if kind == "system" else os.path.join(prefix, ".lock"),  # a system's is in TMPDIR (TRAPS 10)
    )


def _lay_out(kind: str, facts: Facts, prefix: str) -> dict[str, str]:
    """Give each scheme's directory: uv's layout for --target and --prefix, the interpreter's own otherwise."""
    if kind == "target":
        below = {"purelib": "", "platlib": "", "headers": "include", "scripts": "bin", "data": ""}
    elif kind == "prefix":
        below = facts.below
    else:
        return facts.schemes
    return {scheme: os.path.join(prefix, path) for scheme, path in below.items()}


def _choose_launched(facts: Facts) -> str:
    """Spell the interpreter one way however it was named, since launchers carry it (G1)."""
    directory, name = os.path.split(facts.executable)
    major, minor = facts.markers["python_version"].split(".")[:2]
    wanted = ("python", "python3") if facts.virtual else (f"python{major}.{minor}",)
    if facts.virtual:
        directory = resolve(directory)
    extension = ".exe" if name.lower().endswith(".exe") else ""
    for spelled in [os.path.join(directory, stem + extension) for stem in wanted]:
        if exists(spelled) and os.path.samefile(spelled, facts.executable):
            return spelled
    return os.path.join(directory, name)


def _find_aliases(prefix: str, purelib: str) -> tuple[tuple[str, str], ...]:
    """Find the symlinked directories at an environment's top that lead elsewhere in it (TRAPS 30: lib64 to lib)."""
    try:
        with os.scandir(prefix) as entries:
            links = sorted(entry.path for entry in entries if entry.is_symlink())
    except (FileNotFoundError, NotADirectoryError):
        return ()
    found = []
    inside = prefix.rstrip(os.sep) + os.sep
    for link in links:
        if not os.path.realpath(link).startswith(inside):
            continue  # what it leads to is no concern of ours, whatever trouble that is in
        real = resolve(link)
        if real.startswith(inside) and is_directory(real):
            found.append((_spell_directory(link, purelib), _spell_directory(real, purelib)))
    return tuple(found)


def _spell_directory(path: str, purelib: str) -> str:
    return os.path.relpath(path, purelib).replace(os.sep, "/") + "/"


def _folds_case(directory: str) -> bool:
    """Whether the file system takes names that differ in case for one.

    Told by looking only: a run that finds nothing to do creates nothing, and some environments cannot be written to.
    The name of a directory on which a volume is mounted tells nothing of that volume; what stands in it does.
    """
    while not is_directory(directory):
        directory = os.path.dirname(directory)
    while True:
        above, name = os.path.split(directory)
        if not name or os.stat(directory).st_dev != os.stat(above).st_dev:
            return _answers_to_both(directory, next(filter(_tells, _list(directory)), ""))
        if _tells(name):
            return _answers_to_both(above, name)
        directory = above


def _tells(name: str) -> bool:
    """Say whether a name has another case that every file system which folds any takes for it: not U+00DF and SS."""
    return name.isascii() and name.swapcase() != name


def _list(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except PermissionError:
        return []


def _answers_to_both(directory: str, name: str) -> bool:
    twins = os.path.join(directory, name), os.path.join(directory, name.swapcase())
    try:
        return bool(name) and (os.path.samefile(*twins) or _lists_one(directory, name))
    except (FileNotFoundError, PermissionError):
        return False


def _lists_one(directory: str, name: str) -> bool:
    """Say whether a name that answers to both cases is listed once: FUSE may give each spelling an inode of its own."""
    return len({name, name.swapcase()}.intersection(os.listdir(directory))) == 1


def _refuse_managed(facts: Facts) -> None:
    """Refuse a Python that its system manages, in its own words (PEP 668)."""
    marker = os.path.join(facts.stdlib, "EXTERNALLY-MANAGED")
    if not is_file(marker):
        return
    import configparser

    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(marker, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError):
        parser.clear()
    words = parser.get("externally-managed", "Error", fallback="").strip()
    raise ExternallyManaged(prefix=facts.prefix, message=words or f"it has {marker}")
