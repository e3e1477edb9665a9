"""Sources to .pyc files in their `__pycache__`, for the environment's interpreter and never through a symlink.

The environment's interpreter is started only where its bytecode is not our own. A .pyc names its source's mtime and
size, and store files derive their mtime from their content, so one that comes late for a replaced source is never
taken for that of the new one (TRAPS 21). Source: PEP 3147, PEP 552.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack

from lugnut import compilation
from lugnut.environment import Environment, roots
from lugnut.interpreter import ask
from lugnut.system import files

CACHE = "__pycache__"


def compile_bytecode(environment: Environment, paths: Iterable[str]) -> list[str]:
    """Compile the sources among `paths` (as RECORD spells them); give those that are not Python this Python can read.

    What stands beneath a symlinked directory, or is no regular file, is left out and not named.
    """
    sources = sorted(path for path in paths if path.endswith(".py"))
    by_directory: dict[str, list[str]] = {}
    for path in sources:
        above, _, name = path.rpartition("/")
        by_directory.setdefault(above, []).append(name)
    if not is_ours(environment):
        return _compile_there(environment, by_directory)
    failed: list[str] = []
    for above, names in by_directory.items():
        with ExitStack() as opened:
            directory = _enter(environment, above, opened)
            if directory is not None:
                failed += [
                    f"{above}/{name}" if above else name for name in _compile_here(environment, directory, names)
                ]
    return failed


def is_ours(environment: Environment) -> bool:
    """Whether the environment's Python is of the implementation and version we run on: bytecode is one for both."""
    version = sys.implementation.version
    level = "" if version.releaselevel == "final" else f"{version.releaselevel[0]}{version.serial}"
    own = (
        sys.implementation.name,
        f"{version.major}.{version.minor}.{version.micro}{level}",
        sys.implementation.cache_tag,
    )
    markers = environment.markers
    return own == (markers["implementation_name"], markers["implementation_version"], environment.cache_tag)


def _enter(environment: Environment, path: str, opened: ExitStack) -> files.Directory | None:
    """Enter a directory as RECORD spells it, component by component; None where a symlink or nothing stands (G8)."""
    for prefix, root in roots(environment):
        if f"{path}/".startswith(prefix):
            parts = [part for part in f"{path}/"[len(prefix) :].split("/") if part]
            if ".." in parts:
                continue
            try:
                directory = opened.enter_context(files.open_root(root))
                for part in parts:
                    directory = opened.enter_context(files.enter(directory, part))
            except OSError:
                return None
            return directory
    return None


def _compile_here(environment: Environment, directory: files.Directory, names: list[str]) -> Iterator[str]:
    """Compile sources of one directory in this process, yielding those that failed."""
    try:
        cache = files.enter(directory, CACHE, create=True)
    except OSError:
        return
    with cache:
        for name in names:
            try:
                source, status = files.read_identified(directory, name)
                data = compilation.make_pyc(source, os.path.join(directory.path, name), int(status.st_mtime))
                files.replace(cache, f"{name[:-3]}.{environment.cache_tag}.pyc", data)
            except OSError:
                continue
            except (SyntaxError, ValueError, RecursionError):
                yield name


def _compile_there(environment: Environment, by_directory: dict[str, list[str]]) -> list[str]:
    """Let the environment's own interpreter compile what can be reached without a symlink."""
    wanted: dict[str, str] = {}
    for above, names in by_directory.items():
        with ExitStack() as opened:
            directory = _enter(environment, above, opened)
            if directory is not None:
                wanted.update(
                    {os.path.join(directory.path, name): f"{above}/{name}" if above else name for name in names}
                )
    if not wanted:
        return []
    answer = ask(environment.python, os.path.abspath(compilation.__file__), given="\0".join(wanted))
    return sorted(wanted[path] for path in answer)
