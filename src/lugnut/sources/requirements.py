"""Requirements files to what they ask for: lines joined, comments cut, options understood or refused by name.

Source: pip's *Requirements File Format*. Understood: requirements, wheels by path, `--hash`, `-r`, `-f`/`--find-links`,
`--no-index` and `--require-hashes`. All else of pip's syntax is refused with the file, the line and the reason: a line
passed over in silence would install something else than was asked for. As in pip, a wheel's path is relative to the
working directory, and one of `-r` or `-f` to the file (here a wheel that is not in the one is looked for in the other).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import NamedTuple

from lugnut.errors import BadRequirement
from lugnut.sources.requests import COMMAND_LINE, Request, parse_file_url, parse_request, refuse

REFUSED = {
    "-e": ("editable installations are not made by lugnut", "install it with pip or uv"),
    "--editable": ("editable installations are not made by lugnut", "install it with pip or uv"),
    "-c": ("constraints need a resolver", "write the versions into the requirements themselves"),
    "--constraint": ("constraints need a resolver", "write the versions into the requirements themselves"),
    "-i": ("lugnut asks no index", "download the wheels and name their directory with --find-links"),
    "--index-url": ("lugnut asks no index", "download the wheels and name their directory with --find-links"),
    "--extra-index-url": ("lugnut asks no index", "download the wheels and name their directory with --find-links"),
    "--pre": ("pre-releases are taken when they are asked for", "name the version: NAME==1.0b1"),
    "--no-binary": ("lugnut installs wheels and builds nothing", "build a wheel of it with `pip wheel --no-deps`"),
    "--only-binary": ("lugnut installs nothing but wheels", "leave the line out"),
    "--prefer-binary": ("lugnut installs nothing but wheels", "leave the line out"),
    "--trusted-host": ("lugnut connects to no host", "leave the line out"),
    "--config-settings": ("lugnut builds nothing", "build a wheel of it with `pip wheel --no-deps`"),
    "--global-option": ("lugnut builds nothing", "build a wheel of it with `pip wheel --no-deps`"),
}
"""Options of pip's that a line may carry, why they cannot be followed, and what to do instead."""

_COMMENT = r"(^|\s+)#.*$"
_VARIABLE = r"\$\{[A-Z0-9_]+\}"
_OPTION = r"(?s)(--?[A-Za-z][A-Za-z-]*)(?:\s*=\s*|\s+|$)(.*)"
_SHORT = r"(?s)(-[A-Za-z])=?([^\s=-].*)"
_HASH = r"\s--hash(?:\s*=\s*|\s+)(\S+)"
_TRAILING = r"\s(--?[A-Za-z][A-Za-z-]*)"


class Listed(NamedTuple):
    """What one or more files ask for, files in the order given, lines as they stand."""

    requests: tuple[Request, ...] = ()
    find_links: tuple[str, ...] = ()
    """Absolute directories."""
    no_index: bool = False
    require_hashes: bool = False


def read_requirements(path: str, directory: str) -> Listed:
    """Read a requirements file and those it includes; `directory` is the working directory. Raises BadRequirement."""
    return _read_file(os.path.normpath(os.path.join(directory, path)), COMMAND_LINE, directory, ())


def join(listed: tuple[Listed, ...]) -> Listed:
    """Make one of what several files ask for."""
    return Listed(
        tuple(request for one in listed for request in one.requests),
        tuple(dict.fromkeys(found for one in listed for found in one.find_links)),
        any(one.no_index for one in listed),
        any(one.require_hashes for one in listed),
    )


def _read_file(path: str, asked_by: str, directory: str, above: tuple[str, ...]) -> Listed:
    text = _read_text(path, asked_by)
    parts = []
    for number, line in _join_lines(text):
        words = re.sub(_COMMENT, "", line).strip()
        if words:
            origin = f"{os.path.relpath(path, directory)}:{number}"
            parts.append(_read_line(words, origin, directory, (*above, os.path.realpath(path))))
    return join(tuple(parts))


def _read_text(path: str, origin: str) -> str:
    if not os.path.isfile(path):  # TRAPS 36: a FIFO would hang us
        what = "is no regular file" if os.path.exists(path) else "does not exist"
        raise refuse(origin, f"-r {path}", f"{path} {what}", "-r in a file is relative to that file")
    try:
        with open(path, encoding="utf-8-sig") as file:
            return file.read()
    except OSError as error:
        raise refuse(origin, f"-r {path}", error.strerror or str(error), "name a file you may read") from None
    except UnicodeDecodeError:
        raise refuse(origin, f"-r {path}", f"{path} is not UTF-8 text", "save it as UTF-8") from None


def _join_lines(text: str) -> Iterator[tuple[int, str]]:
    """Join lines that end in a backslash, as pip does: a comment ends the line it belongs to."""
    first, held = 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        comment = re.search(_COMMENT, line)
        first = first if held else number
        if line.endswith("\\") and not comment:
            held += line[:-1]
            continue
        yield first, held + (" " + line if comment else line)
        held = ""
    if held:
        yield first, held


def _read_line(words: str, origin: str, directory: str, files: tuple[str, ...]) -> Listed:
    variable = re.search(_VARIABLE, words)
    if variable:
        raise refuse(origin, words, f"{variable[0]}: variables are not replaced", "write the value")
    if words.startswith("-"):
        return _read_option(words, origin, directory, files)
    hashes = tuple(re.findall(_HASH, words))
    subject = re.sub(_HASH, "", words)
    trailing = re.search(_TRAILING, subject)
    if trailing:
        raise _refuse_option(trailing[1], origin, words)
    beside = os.path.dirname(files[-1])
    return Listed(requests=(parse_request(subject, origin, (directory, beside), hashes),))


def _read_option(words: str, origin: str, directory: str, files: tuple[str, ...]) -> Listed:
    name, value = _split_option(words)
    if name == "--no-index" and not value:
        return Listed(no_index=True)
    if name == "--require-hashes" and not value:
        return Listed(require_hashes=True)
    if name in {"-r", "--requirement", "--requirements"} and value:
        return _include(value, origin, directory, files)
    if name in {"-f", "--find-links"} and value:
        return Listed(find_links=(_find_directory(value, origin, os.path.dirname(files[-1]), directory),))
    raise _refuse_option(name, origin, words)


def _split_option(words: str) -> tuple[str, str]:
    """Split `--name=value`, `--name value`, `-n value` and `-nvalue`."""
    short = None if words.startswith("--") else re.match(_SHORT, words)
    found = short or re.match(_OPTION, words)
    if found is None:
        return words, ""
    value = found[2].strip()
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        value = value[1:-1]
    return found[1], value


def _refuse_option(name: str, origin: str, words: str) -> BadRequirement:
    reason, hint = REFUSED.get(name, ("lugnut does not know what it should mean", "see `lugnut install --help`"))
    if name in {"-r", "-f", "--requirement", "--find-links"}:
        reason, hint = "it needs a path", "write the path after it"
    elif name in {"--no-index", "--require-hashes"}:
        reason, hint = "it takes no value", f"write {name} on a line of its own"
    return refuse(origin, words, f"{name}: {reason}", hint)


def _include(value: str, origin: str, directory: str, files: tuple[str, ...]) -> Listed:
    if "://" in value:
        raise refuse(origin, f"-r {value}", "lugnut downloads nothing yet", "download the file and name it by path")
    path = os.path.normpath(os.path.join(os.path.dirname(files[-1]), value))
    if os.path.realpath(path) in files:
        way = " > ".join(os.path.relpath(file, directory) for file in (*files, os.path.realpath(path)))
        raise refuse(origin, f"-r {value}", f"the file includes itself ({way})", "take one of the -r lines out")
    return _read_file(path, origin, directory, files)


def _find_directory(value: str, origin: str, beside: str, directory: str) -> str:
    """Find a --find-links directory: beside the file as pip does, else in the working directory."""
    line = f"--find-links {value}"
    if value.lower().startswith("file:"):
        places = [parse_file_url(value, origin, line)]
    elif "://" in value:
        raise refuse(origin, line, "lugnut downloads nothing yet", "name a directory of wheels")
    else:
        places = [os.path.normpath(os.path.join(base, os.path.expanduser(value))) for base in (beside, directory)]
    for place in places:
        if os.path.isdir(place):
            return place
    raise refuse(origin, line, f"{places[0]} is no directory", "name a directory of wheels")
