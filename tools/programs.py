"""Run installers from outside, as a user would: environments, commands, and what a run cost.

`find_program` prefers the program beside the running interpreter, so that a tool started by one virtual environment
measures the lugnut, uv and pip of that one.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple


class Ran(NamedTuple):
    """How a program ended: exit code (negative: a signal), wall seconds, CPU seconds of it and its children, output."""

    code: int
    seconds: float
    cpu: float
    out: str
    err: str


def find_program(name: str) -> str:
    """Give the absolute path of a program; raises FileNotFoundError."""
    beside = os.path.join(os.path.dirname(sys.executable), name)
    found = beside if os.access(beside, os.X_OK) else shutil.which(name)
    if found is None:
        raise FileNotFoundError(f"there is no {name} beside {sys.executable} or on PATH")
    return found


def make_venv(prefix: str) -> str:
    """Make a virtual environment without pip; gives its interpreter."""
    venv.EnvBuilder(symlinks=os.name != "nt", with_pip=False).create(prefix)
    return os.path.join(prefix, "bin", "python")


def clean_environ(home: str) -> dict[str, str]:
    """Give the surroundings of a run: nothing of the caller's settings, HOME in the scratch directory, no index."""
    foreign = ("LUGNUT_", "UV_", "PIP_", "VIRTUAL_ENV", "CONDA_", "PYTHON", "XDG_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return {**kept, "HOME": home, "NO_COLOR": "1", "LUGNUT_NO_INDEX": "1"}


def run(command: Sequence[str], environ: Mapping[str, str] | None = None) -> Ran:
    """Run a program to its end."""
    if sys.platform == "win32":
        raise NotImplementedError("campaigns run on POSIX")
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        begun = time.perf_counter()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environ)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        return Ran(process.returncode, seconds, usage.ru_utime + usage.ru_stime, out.read(), err.read())


def version_of(command: Sequence[str]) -> str:
    """Ask a program for its version: the first line of `--version`, up to a parenthesis or a path."""
    ran = run([*command, "--version"])
    first = (ran.out or ran.err).strip().partition("\n")[0]
    return first.partition(" (")[0].partition(" from ")[0] or "unknown version"


@contextlib.contextmanager
def scratch(prefix: str) -> Iterator[str]:
    """Give a scratch directory, whole tree removed at the end; LUGNUT_TOOLS_TMP names where."""
    directory = tempfile.mkdtemp(prefix=f"lugnut-{prefix}-", dir=os.environ.get("LUGNUT_TOOLS_TMP"))
    try:
        yield os.path.realpath(directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def print_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a Markdown table, its columns aligned."""
    cells = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    print("\n".join(lines), flush=True)
