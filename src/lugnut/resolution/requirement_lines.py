"""What requirements files say that one backend or both pass over in silence, and lines neither could use.

uv writes a lock without looking at `--hash`, `#sha256=…`, `--require-hashes`, `--pre` and `--trusted-host` of a
requirements file, so these are read here; and a file that is not there, a cycle of files and a line that is none are
refused here, with file and line and in the same words whoever would have resolved. The files themselves reach the
backend as they are. Source: pip's *Requirements File Format*.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from lugnut.distribution import normalise_name
from lugnut.resolution.credentials import strip
from lugnut.sources.lines import read_lines, replace_variables
from lugnut.sources.requests import COMMAND_LINE, refuse

_INCLUDE = r"(-r|--requirements?|-c|--constraints?)(?:\s*=\s*|\s+|(?<=-[rc]))(\S.*)"
_HASH = r"(?:^|\s)--hash(?:\s*=\s*|\s+)['\"]?([a-z0-9_]+):([0-9A-Fa-f]+)"
_FRAGMENT = r"#(?:\S*&)?(sha256|sha384|sha512|md5)=([0-9A-Fa-f]+)"
_OPTION = r"--?[A-Za-z][A-Za-z-]*"
_NAME = r"([A-Za-z0-9][A-Za-z0-9._-]*?)\s*(?:\[[^\]]*\]\s*)?(?=[<>=!~;@(]|$)"
_FILE = (
    r"([A-Za-z0-9][A-Za-z0-9._-]*?)-\d[^/\s\[#;]*?(?:\.whl|\.tar\.gz|\.zip|\.tgz|\.tar\.bz2|\.tar\.xz)(?=$|[\s\[#;])"
)
_KNOWN = frozenset((
    "-i", "--index-url", "--pypi-url", "--extra-index-url", "--no-index", "-c", "--constraint", "--constraints", "-r",
    "--requirement", "--requirements", "-e", "--editable", "-f", "--find-links", "--no-binary", "--only-binary",
    "--prefer-binary", "--require-hashes", "--no-require-hashes", "--pre", "--all-releases", "--only-final",
    "--trusted-host", "--use-feature", "--global-option", "--config-setting", "--config-settings", "--hash",
    "--build-constraint", "--uploaded-prior-to", "--refresh-package",
))  # fmt: skip


class AskedHash(NamedTuple):
    """One hash that a line allows a distribution to have."""

    name: str
    """Normalised; empty where the line says none, and then `place` does."""
    algorithm: str
    digest: str
    """Lower-case hexadecimal."""
    origin: str
    """FILE:LINE."""
    place: str = ""
    """The URL or path of a line without a name, with neither fragment nor user."""


class Said(NamedTuple):
    """What files and command line say beside what a backend heeds."""

    hashes: tuple[AskedHash, ...] = ()
    require_hashes: bool = False
    prereleases: bool = False
    trusted_hosts: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    """Those that hold credentials."""
    remote: tuple[str, ...] = ()
    """Requirements files that lie elsewhere, so that nobody has read them here."""


class File(NamedTuple):
    """A requirements file as it is read, and as its user knows it."""

    path: str
    spelled: str


def read_files(files: Iterable[File], directory: str, environ: Mapping[str, str]) -> Said:
    """Read requirements and constraints files, and those they include. Raises BadRequirement."""
    return _join(list(_read_all(files, directory, environ)))


def read_line(words: str, origin: str = COMMAND_LINE) -> Said:
    """Read one requirement; raises BadRequirement where it cannot be one."""
    if words.startswith("-"):
        return _read_option(words, origin)
    _check(words, origin)
    return Said(hashes=tuple(_read_hashes(words, origin)), urls=_find_urls(words))


def split_include(words: str) -> tuple[str, str] | None:
    """Give option and path of a line that includes another file."""
    found = re.fullmatch(_INCLUDE, words)
    return (found[1], found[2].strip("'\"")) if found else None


def _read_all(files: Iterable[File], directory: str, environ: Mapping[str, str]) -> Iterator[Said]:
    for file in files:
        if "://" in file.path:
            yield Said(remote=(file.path,))
        else:
            yield from _read_file(file, COMMAND_LINE, directory, environ, ())


def _read_file(
    file: File, asked_by: str, directory: str, environ: Mapping[str, str], above: tuple[str, ...]
) -> Iterator[Said]:
    path = os.path.join(directory, file.path)
    here = (*above, os.path.realpath(path))
    for number, words in read_lines(path, asked_by):
        origin = f"{file.spelled}:{number}"
        replaced = replace_variables(words, origin, environ)
        included = split_include(replaced)
        if included is None:
            yield read_line(replaced, origin)
        elif "://" in included[1]:
            yield Said(remote=(included[1],) if included[0].lstrip("-").startswith("r") else ())
        else:
            beneath = os.path.normpath(os.path.join(os.path.dirname(path), included[1]))
            _refuse_cycle(beneath, origin, words, here)
            spelled = os.path.join(os.path.dirname(file.spelled), included[1])
            yield from _read_file(File(beneath, os.path.normpath(spelled)), origin, directory, environ, here)


def _refuse_cycle(path: str, origin: str, words: str, above: tuple[str, ...]) -> None:
    """Refuse a file that includes itself; twice is nothing to refuse."""
    real = os.path.realpath(path)
    if real in above:
        way = " > ".join(os.path.basename(one) for one in (*above[above.index(real) :], real))
        raise refuse(origin, words, f"the file includes itself ({way})", "take one of the -r lines out")


def _read_option(words: str, origin: str) -> Said:
    found = re.match(_OPTION, words)
    name = found[0] if found else words
    short = name[:2] in _KNOWN and not name.startswith("--")
    if name not in _KNOWN and not short:
        raise refuse(origin, words, f"{name}: no option of requirements files", "look for a slip in it")
    hosts = re.fullmatch(r"--trusted-host(?:\s*=\s*|\s+)(\S+)", words)
    return Said(
        tuple(_read_hashes(words, origin)),
        require_hashes=name == "--require-hashes",
        prereleases=name == "--pre",
        trusted_hosts=(hosts[1],) if hosts else (),
        urls=_find_urls(words),
    )


def _read_hashes(words: str, origin: str) -> Iterator[AskedHash]:
    named = _find_name(words) or ""
    place = "" if named else strip(re.split(r"\s|#", re.sub(r"^(-e|--editable)[\s=]+", "", words))[0])
    for kind, digest in [*re.findall(_HASH, words), *re.findall(_FRAGMENT, words)]:
        yield AskedHash(named, kind.lower(), digest.lower(), origin, place)


def _find_name(words: str) -> str | None:
    """Give the normalised name that a line is about: it begins with it, or its file's name does."""
    named = re.match(_NAME, words)
    if named and not _names_path(words):
        return str(normalise_name(named[1]))
    found = re.search(r"(?:^|[/\\\s=])" + _FILE, words)
    return str(normalise_name(found[1])) if found else None


def _names_path(words: str) -> bool:
    """Tell a path or URL from a name: by a separator or an archive's ending, before any `@`."""
    subject = re.split(r"\s@\s|@\s|\s--|\s;|;\s", words)[0].strip()
    reference = re.match(r"[A-Za-z0-9._-]+\s*(\[[^\]]*\])?\s*@", words)
    whole = bool(re.search(_FILE, subject)) or subject.lower().endswith((".whl", ".tar.gz", ".zip"))
    return not reference and (whole or "/" in subject or "\\" in subject or subject.startswith("."))


def _find_urls(words: str) -> tuple[str, ...]:
    return tuple(re.findall(r"(?:https?|git\+https?)://[^/\s'\"]+@\S+?(?=['\"]?(?:\s|$))", words))


def _check(words: str, origin: str) -> None:
    """Refuse what is no requirement (PEP 508), as pip does; a path or URL is for the backend to judge."""
    from packaging.requirements import InvalidRequirement, Requirement

    subject = re.split(r"\s--[a-z]", words)[0].strip()
    if _names_path(subject) or "://" in subject.split("@")[0]:
        return
    try:
        Requirement(subject)
    except InvalidRequirement as error:
        reason = str(error).partition("\n")[0]
        hint = "write NAME, NAME==VERSION, NAME @ URL, a path or a URL"
        raise refuse(origin, words, f"no requirement ({reason[:1].lower()}{reason[1:]})", hint) from None


def _join(parts: list[Said]) -> Said:
    return Said(
        tuple(dict.fromkeys(one for part in parts for one in part.hashes)),
        any(part.require_hashes for part in parts),
        any(part.prereleases for part in parts),
        tuple(dict.fromkeys(one for part in parts for one in part.trusted_hosts)),
        tuple(dict.fromkeys(one for part in parts for one in part.urls)),
        tuple(dict.fromkeys(one for part in parts for one in part.remote)),
    )


def join(*parts: Said) -> Said:
    """Make one of what several say."""
    return _join(list(parts))
