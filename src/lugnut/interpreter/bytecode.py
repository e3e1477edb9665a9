"""Sources to .pyc files in their `__pycache__`, for the environment's interpreter and never through a symlink.

This process reads the sources and writes the results, through the door to disk; the environment's interpreter is
started, to turn one into the other, only where its bytecode is not our own. A .pyc names its source's mtime and size,
and store files derive their mtime from their content, so one that comes late for a replaced source is never taken for
that of the new one (TRAPS 21). Sources: PEP 3147, PEP 552.
"""

from __future__ import annotations

import base64
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress

from lugnut.environment import Environment, roots
from lugnut.interpreter import compilation
from lugnut.interpreter.asking import ask
from lugnut.system import files
from lugnut.typed import NamedTuple

CACHE = "__pycache__"
_RANDOM = 6
BATCH = 4 << 20
"""Bytes of source that are read before they are compiled, at least one file."""


class Source(NamedTuple):
    """One file to compile."""

    row: str
    """Its place as RECORD spells it."""
    path: str
    text: bytes
    mtime: int | None
    """Seconds since the epoch; None: the .pyc shall name the source's hash."""


def ignore_trouble(error: OSError) -> None:
    """Do without."""


class Marking(NamedTuple):
    """How whoever has bytecode written finds what was left of it: `word` is in each temporary name."""

    word: str = ""
    trouble: Callable[[OSError], object] = ignore_trouble
    """Told what kept a file from being written: a temporary name or an empty cache may be left."""


def compile_bytecode(environment: Environment, paths: Iterable[str], marking: Marking | None = None) -> list[str]:
    """Compile the sources among `paths` (as RECORD spells them); give those that are not Python to this Python.

    What stands beneath a symlinked directory, or is no regular file, or may not be written, is left out and not named.
    """
    failed = []
    for batch in split_sources(_read_sources(environment, sorted(path for path in paths if path.endswith(".py")))):
        for source, data in zip(batch, compile_sources(environment, batch), strict=True):
            if data is None:
                failed.append(source.row)
            else:
                _write(environment, source, data, marking or Marking())
    return failed


def compile_sources(environment: Environment, batch: list[Source]) -> list[bytes | None]:
    """Compile sources as the environment's Python does; None for each that is not Python to it."""
    return list(map(_compile, batch)) if is_ours(environment) else _compile_there(environment.python, batch)


def is_ours(environment: Environment) -> bool:
    """Whether the environment's Python is of the implementation and version we run on: bytecode is one for both."""
    name, version = sys.implementation.name, sys.implementation.version
    level = "" if version.releaselevel == "final" else f"{version.releaselevel[0]}{version.serial}"
    own = (name, f"{version.major}.{version.minor}.{version.micro}{level}", sys.implementation.cache_tag)
    markers = environment.markers
    return own == (markers["implementation_name"], markers["implementation_version"], environment.cache_tag)


def _read_sources(environment: Environment, rows: Iterable[str]) -> Iterator[Source]:
    for row in rows:
        above, _, name = row.rpartition("/")
        with ExitStack() as opened:
            try:
                directory = _enter(environment, above, opened)
                text, status = files.read_identified(directory, name)
            except OSError:
                continue
        mtime = None if os.environ.get("SOURCE_DATE_EPOCH") else int(status.st_mtime)  # as py_compile has it
        yield Source(row, os.path.join(directory.path, name), text, mtime)


def _enter(environment: Environment, above: str, opened: ExitStack) -> files.Directory:
    """Enter a directory as RECORD spells it, component by component; OSError where a symlink or nothing stands (G8)."""
    for prefix, root in roots(environment):
        parts = f"{above}/"[len(prefix) :].strip("/").split("/")
        if f"{above}/".startswith(prefix) and ".." not in parts:
            directory = opened.enter_context(files.open_root(root))
            for part in filter(None, parts):
                directory = opened.enter_context(files.enter(directory, part))
            return directory
    raise FileNotFoundError(f"{above} is outside the environment")


def split_sources(sources: Iterable[Source]) -> Iterator[list[Source]]:
    """Put sources together as they are compiled at once: `BATCH` bytes, at least one file."""
    batch: list[Source] = []
    size = 0
    for source in sources:
        batch.append(source)
        size += len(source.text)
        if size >= BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _compile(source: Source) -> bytes | None:
    return compilation.make_pyc(source.text, source.path, source.mtime)


def _compile_there(python: str, batch: list[Source]) -> list[bytes | None]:
    """Let the environment's own interpreter compile."""
    import json

    jobs = [(base64.b64encode(source.text).decode(), source.path, source.mtime) for source in batch]
    answer = ask(python, os.path.abspath(compilation.__file__), given=json.dumps(jobs))
    return [None if data is None else base64.b64decode(data) for data in answer]


def _write(environment: Environment, source: Source, data: bytes, marking: Marking) -> None:
    above, _, name = source.row.rpartition("/")
    with ExitStack() as opened:
        try:
            directory = _enter(environment, above, opened)
        except OSError:
            return
        try:
            cache = opened.enter_context(files.enter(directory, CACHE, create=True))
            write_pyc(cache, f"{name[:-3]}.{environment.cache_tag}.pyc", data, marking.word)
        except OSError as error:  # a full disk: nor does the directory stay that was made for it
            with suppress(OSError):
                files.rmdir(directory, CACHE)
            marking.trouble(error)
            return
        if files.look(directory, name) is None:  # removed meanwhile, and with it the bytecode that stood by then
            with suppress(OSError):
                files.unlink(cache, f"{name[:-3]}.{environment.cache_tag}.pyc")
                files.rmdir(directory, CACHE)


def write_pyc(cache: files.Directory, name: str, data: bytes, word: str) -> None:
    """Write a .pyc in one step, under a name before that says whose it is and goes with the source too."""
    temporary = f"{name.rsplit('.', 2)[0]}.lugnut-{word or os.getpid()}-{os.urandom(_RANDOM).hex()}.pyc"
    try:
        files.write(cache, temporary, data)
        files.rename(cache, temporary, cache, name)
    except BaseException:
        with suppress(OSError):
            files.unlink(cache, temporary)
        raise
