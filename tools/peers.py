"""Installers as command templates: how lugnut, uv, pip and whoever else is named are told to do one thing.

A template is a command line whose words may hold fields: `{python}` the environment's interpreter, `{prefix}` its
directory, `{cache}` the installer's own cache, `{link_mode}`, `{requirements}` a file with a path of a wheel on each
line, and as words by themselves `{wheels}`, `{names}` and `{flags}` (lugnut's own), which stand for many. The first
word is a program, looked for beside the running interpreter and on PATH.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from programs import find_program, version_of

FIELDS = ("python", "prefix", "cache", "link_mode", "requirements")
MANY = ("wheels", "names", "flags")


class Peer(NamedTuple):
    """An installer; a template that is empty stands for what it cannot do."""

    name: str
    install: str
    compile: str = ""
    """Installs with bytecode."""
    uninstall: str = ""
    sync: str = ""
    """Has what the requirements file names, and no more."""
    check: str = ""

    @property
    def program(self) -> str:
        """The program's name."""
        return shlex.split(self.install)[0]


_PLACED = "--no-index --cache-dir {cache} --link-mode {link_mode} --python {python}"
_LUGNUT = f"--no-deps {{flags}} {_PLACED} {{wheels}}"
_UV = f"--no-config --offline --no-deps {_PLACED} {{wheels}}"
_PIP = "pip --python {python} --disable-pip-version-check --isolated"
_FROM_FILES = "--quiet --no-deps --no-index --cache-dir {cache} {wheels}"

BUILT_IN = {
    "lugnut": Peer(
        "lugnut",
        f"lugnut install {_LUGNUT}",
        f"lugnut install --compile-bytecode {_LUGNUT}",
        "lugnut uninstall {flags} --cache-dir {cache} --python {python} {names}",
        f"lugnut sync --no-deps {{flags}} {_PLACED} {{requirements}}",
        "lugnut check --cache-dir {cache} --python {python}",
    ),
    "uv": Peer(
        "uv",
        f"uv pip install {_UV}",
        f"uv pip install --compile-bytecode {_UV}",
        "uv pip uninstall --no-config --cache-dir {cache} --python {python} {names}",
        f"uv pip sync --no-config --offline --allow-empty-requirements {_PLACED} {{requirements}}",
        "uv pip check --no-config --cache-dir {cache} --python {python}",
    ),
    "pip": Peer(
        "pip",
        f"{_PIP} install --no-compile {_FROM_FILES}",
        f"{_PIP} install {_FROM_FILES}",
        f"{_PIP} uninstall --quiet --yes {{names}}",
        check=f"{_PIP} check",
    ),
}


def parse_peer(text: str) -> Peer:
    """Read `--peer`: the name of one built in, or NAME=TEMPLATE, which can install only; raises ValueError."""
    name, equals, template = text.partition("=")
    if not equals:
        if name not in BUILT_IN:
            raise ValueError(f"{name} is not one of {', '.join(BUILT_IN)}; for others say NAME=TEMPLATE")
        return BUILT_IN[name]
    if name in BUILT_IN or not name:
        raise ValueError(f"{text!r}: a template needs a name of its own")
    expand(template, dict.fromkeys(FIELDS, ""), {})
    return Peer(name, template)


def expand(template: str, fields: Mapping[str, str], many: Mapping[str, Sequence[str]]) -> list[str]:
    """Make the words of a command; raises ValueError where the template has a field that there is not."""
    words: list[str] = []
    for word in shlex.split(template):
        if word.strip("{}") in MANY and word == f"{{{word.strip('{}')}}}":
            words += many.get(word.strip("{}"), ())
            continue
        try:
            words.append(word.format_map(fields))
        except (KeyError, IndexError, ValueError):
            known = ", ".join(f"{{{name}}}" for name in (*fields, *MANY))
            raise ValueError(
                f"{word!r} in a template: the fields are {known}, the last {len(MANY)} as words alone"
            ) from None
    return words


def command(template: str, fields: Mapping[str, str], **many: Sequence[str]) -> list[str]:
    """Make a command that can be run, its program found; raises FileNotFoundError."""
    program, *words = expand(template, fields, many)
    return [find_program(program), *words]


def find_version(peer: Peer) -> str:
    """Give name and version as the program itself says them."""
    return version_of([find_program(peer.program)])
