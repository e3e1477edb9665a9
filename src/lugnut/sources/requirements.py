"""Requirements files to what they ask for: lines joined, comments cut, options understood or refused by name.

Source: pip's *Requirements File Format*. Understood: requirements, wheels by path, `--hash`, `-r`, `-c`,
`-f`/`--find-links`, `--no-index`, `--require-hashes`, `--only-binary`. All else of pip's syntax raises an error with
the file, the line and the reason, for a line passed over in silence would install something else than was asked for;
what `requests.is_passed_on` tells is good, and for the resolver, which gets the files as they are. As in pip, a wheel's
path is relative to the working directory, and one of `-r` or `-f` to the file (here a wheel that is not in the one is
looked for in the other).
"""

from __future__ import annotations

import os

from lugnut.errors import BadRequirement
from lugnut.sources.lines import STANDARD_INPUT, read_lines, replace_variables
from lugnut.sources.requests import COMMAND_LINE, Request, find_directory, parse_request, pass_on, refuse
from lugnut.typed import NamedTuple

_PASSED_ON = frozenset((
    "-e", "--editable", "-i", "--index-url", "--extra-index-url", "--pre", "--no-binary", "--trusted-host",
    "--config-settings", "--config-setting", "--global-option", "--use-feature",
))  # fmt: skip
"""Options of pip's that a line may carry and that mean something to a resolver only."""

INCLUDES = frozenset(("-r", "--requirement", "--requirements"))
CONSTRAINS = frozenset(("-c", "--constraint", "--constraints"))
LINKS = frozenset(("-f", "--find-links"))
SWITCHES = frozenset(("--no-index", "--require-hashes", "--prefer-binary"))
WITHOUT_EFFECT = frozenset(("--prefer-binary", "--only-binary"))
"""Options that ask for what is the case: lugnut installs nothing but wheels."""

_OPTION = r"(?s)(--?[A-Za-z][A-Za-z-]*)(?:\s*=\s*|\s+|$)(.*)"
_SHORT = r"(?s)(-[A-Za-z])=?([^\s=-].*)"
_HASH = r"\s--hash(?:\s*=\s*|\s+)(\S+)"
_TRAILING = r"\s(--?[A-Za-z][A-Za-z-]*)"


class Listed(NamedTuple):
    """What one or more files ask for, files in the order given, lines as they stand."""

    requests: tuple[Request, ...] = ()
    constraints: tuple[Request, ...] = ()
    """What must hold of a name if it is asked for."""
    find_links: tuple[str, ...] = ()
    """Absolute directories."""
    no_index: bool = False
    require_hashes: bool = False


def read_requirements(path: str, directory: str) -> Listed:
    """Read a requirements file and those it includes; `directory` is the working directory. Raises BadRequirement."""
    if path == STANDARD_INPUT:
        return _read_file(path, COMMAND_LINE, directory, ())
    if "://" in path:
        raise pass_on(COMMAND_LINE, f"-r {path}", "it is not on this machine", "download the file and name it by path")
    return _read_file(os.path.normpath(os.path.join(directory, path)), COMMAND_LINE, directory, ())


def read_constraints(path: str, directory: str) -> Listed:
    """Read a constraints file and those it includes: all they ask for constrains, and is not asked for."""
    return _constrain(read_requirements(path, directory))


def join(listed: tuple[Listed, ...]) -> Listed:
    """Make one of what several files ask for."""
    return Listed(
        tuple(request for one in listed for request in one.requests),
        tuple(request for one in listed for request in one.constraints),
        tuple(dict.fromkeys(found for one in listed for found in one.find_links)),
        any(one.no_index for one in listed),
        any(one.require_hashes for one in listed),
    )


def _constrain(listed: Listed) -> Listed:
    """Turn what is asked for into what must hold if it is asked for; extras ask for nothing there."""
    constraints = (*listed.requests, *listed.constraints)
    return listed._replace(requests=(), constraints=tuple(one._replace(extras=()) for one in constraints))


def _read_file(path: str, asked_by: str, directory: str, above: tuple[str, ...]) -> Listed:
    standard = path == STANDARD_INPUT
    spelled = "stdin" if standard else os.path.relpath(path, directory)
    here = os.path.join(directory, path) if standard else os.path.realpath(path)
    parts = []
    for number, words in read_lines(path, asked_by):
        origin = f"{spelled}:{number}"
        replaced = replace_variables(words, origin, os.environ)
        parts.append(_read_line(replaced, origin, directory, (*above, here)))
    return join(tuple(parts))


def _read_line(words: str, origin: str, directory: str, files: tuple[str, ...]) -> Listed:
    import re

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
    if bool(value) == (name in SWITCHES):
        raise _refuse_option(name, origin, words)
    if name in INCLUDES:
        return _include(value, origin, directory, files, words)
    if name in CONSTRAINS:
        return _constrain(_include(value, origin, directory, files, words))
    if name in LINKS:
        return Listed(find_links=(find_directory(value, origin, (os.path.dirname(files[-1]), directory)),))
    if name in SWITCHES or name in WITHOUT_EFFECT:
        return Listed(no_index=name == "--no-index", require_hashes=name == "--require-hashes")
    raise _refuse_option(name, origin, words)


def _split_option(words: str) -> tuple[str, str]:
    """Split `--name=value`, `--name value`, `-n value` and `-nvalue`."""
    import re

    short = None if words.startswith("--") else re.match(_SHORT, words)
    found = short or re.match(_OPTION, words)
    if found is None:
        return words, ""
    value = found[2].strip()
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        value = value[1:-1]
    return found[1], value


def _refuse_option(name: str, origin: str, words: str) -> BadRequirement:
    if name in _PASSED_ON:
        return pass_on(origin, words, f"{name}: it is for the resolver", "leave the line out")
    reason, hint = "lugnut does not know what it should mean", "see `lugnut install --help`"
    if name in INCLUDES | CONSTRAINS | LINKS:
        reason, hint = "it needs a path", "write the path after it"
    elif name in SWITCHES:
        reason, hint = "it takes no value", f"write {name} on a line of its own"
    return refuse(origin, words, f"{name}: {reason}", hint)


def _include(value: str, origin: str, directory: str, files: tuple[str, ...], words: str) -> Listed:
    if "://" in value:
        raise pass_on(origin, words, "it is not on this machine", "download the file and name it by path")
    path = os.path.normpath(os.path.join(os.path.dirname(files[-1]), value))
    if os.path.realpath(path) in files:
        way = " > ".join(os.path.relpath(file, directory) for file in (*files, os.path.realpath(path)))
        raise refuse(origin, words, f"the file includes itself ({way})", "take one of these lines out")
    return _read_file(path, origin, directory, files)
