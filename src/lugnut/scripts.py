"""Entry points to launchers, and `#!python` scripts to scripts that start the environment's interpreter. Pure bytes.

Sources: the *Entry points* and *Binary distribution format* specifications. Launchers are those of pypa/installer: it
makes the programs of Windows, and the scripts of POSIX are written here as it writes them (a test compares), because
importing it takes 14 ms, a fifth of a small install. The bytes are a function of the environment and the wheel alone
(G1).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from lugnut.distribution import EntryPoint, RelativePath
from lugnut.environment import Environment, place
from lugnut.errors import OutsideEnvironment

LONGEST = 127
"""Bytes of a first line that every kernel reads whole, `#!` and the newline included."""

_PLACEHOLDER = rb"#!python(w?)[0-9.]*(?:[ \t]+([^\r\n]*?))?[ \t]*(?:\r?\n|$)"

_SCRIPT = """\
# -*- coding: utf-8 -*-
import re
import sys
from {module} import {imported}
if __name__ == "__main__":
    sys.argv[0] = re.sub(r"(-script\\.pyw|\\.exe)?$", "", sys.argv[0])
    sys.exit({attribute}())
"""


def make_launchers(environment: Environment, entry_points: Iterable[EntryPoint]) -> list[tuple[RelativePath, bytes]]:
    """Make one launcher for each entry point, sorted by path; of two with one name the console's is made."""
    made: dict[RelativePath, bytes] = {}
    for entry in sorted(entry_points, key=lambda entry: entry.kind, reverse=True):  # gui, console
        name, data = _make_launcher(environment, entry)
        made[place(environment, "scripts", name, "")] = data
    return sorted(made.items())


def rewrite_shebang(environment: Environment, data: bytes) -> bytes:
    """Let a script that begins with `#!python` or `#!pythonw` start the environment's interpreter; others stay."""
    found = re.match(_PLACEHOLDER, data)
    if found is None:
        return data
    windowed, arguments = bool(found[1]), found[2] or b""
    return _make_shebang(environment, arguments, windowed=windowed) + b"\n" + data[found.end() :]


def _make_launcher(environment: Environment, entry: EntryPoint) -> tuple[str, bytes]:
    if not entry.name or entry.name in {".", ".."} or "/" in entry.name or "\\" in entry.name or "\0" in entry.name:
        raise OutsideEnvironment(
            path=entry.name, name=f"{entry.module}:{entry.attribute}", reason="it is no file's name"
        )
    if environment.launcher == "posix":
        return entry.name, _write_script(environment, entry)
    from installer.scripts import Script

    script = Script(entry.name, entry.module, entry.attribute, "gui" if entry.kind == "gui" else "console")
    return script.generate(environment.python, environment.launcher)  # type: ignore[arg-type]


def _write_script(environment: Environment, entry: EntryPoint) -> bytes:
    imported = entry.attribute.partition(".")[0]
    code = _SCRIPT.format(module=entry.module, imported=imported, attribute=entry.attribute)
    return _make_shebang(environment, b"", windowed=False) + b"\n" + code.encode()


def _make_shebang(environment: Environment, arguments: bytes, *, windowed: bool) -> bytes:
    python = environment.python
    if windowed and environment.launcher != "posix":
        head, _, tail = python.rpartition("python")
        python = f"{head}pythonw{tail}"
    plain = b"#!" + python.encode() + (b" " + arguments if arguments else b"")
    if environment.launcher != "posix" or (" " not in python and len(plain) < LONGEST):
        return plain
    # TRAPS 35: a kernel splits at the first space and may cut a long line; /bin/sh does neither. To Python the two
    # lines below are one string.
    import shlex

    return (
        b"#!/bin/sh\n'''exec' "
        + shlex.quote(python).encode()
        + (b" " + arguments if arguments else b"")
        + b' "$0" "$@"\n'
        + b"' '''"
    )
