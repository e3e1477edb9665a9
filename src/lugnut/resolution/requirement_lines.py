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

from lugnut.distribution import normalise_name
from lugnut.resolution.credentials import strip
from lugnut.sources.lines import read_lines, replace_variables
from lugnut.sources.requests import COMMAND_LINE, refuse
from lugnut.typed import NamedTuple

_INCLUDE = r"(-r|--requirements?|-c|--constraints?)(?:\s*=\s*|\s+|(?<=-[rc]))(\S.*)"
_HASH = r"(?:^|\s)--hash(?:\s*=\s*|\s+)['\"]?([^\s'\"]*)"
_FRAGMENT = r"#(\S*?);?(?:\s|$)"
_BELOW = r"(?:^|[\s@=])(file:\S*#(?:\S*&)?subdirectory=[^\s&]+)"
_FRAGMENT_HASH = r"(?:^|&)(md5|sha1|sha224|sha256|sha384|sha512)=([^&]*)"
_OPTION = r"--?[A-Za-z][A-Za-z-]*"
_NAME = r"([A-Za-z0-9][A-Za-z0-9._-]*?)\s*(?:\[[^\]]*\]\s*)?(?=[<>=!~;@(]|\s--|$)"
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
UNKNOWN: Mapping[str, str] = {}
"""The markers of an environment that nobody told: every line counts."""


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
    below: tuple[str, ...] = ()
    """URLs of what is on this machine whose subdirectory is meant."""


class File(NamedTuple):
    """A requirements file as it is read, and as its user knows it."""

    path: str
    spelled: str


class _Around(NamedTuple):
    """Where files are read."""

    directory: str
    environ: Mapping[str, str]
    markers: Mapping[str, str]


def read_files(
    files: Iterable[File], directory: str, environ: Mapping[str, str], markers: Mapping[str, str] = UNKNOWN
) -> Said:
    """Read requirements and constraints files, and those they include. Raises BadRequirement.

    Lines that are not for the environment of these markers say no hashes.
    """
    return _join(list(_read_all(files, _Around(directory, environ, markers))))


def read_line(words: str, origin: str = COMMAND_LINE, markers: Mapping[str, str] = UNKNOWN) -> Said:
    """Read one requirement; raises BadRequirement where it cannot be one."""
    if words.startswith("-"):
        return _read_option(words, origin, markers)
    _check(words, origin)
    below = _find_below(words, markers)
    return Said(hashes=_read_hashes(words, origin, markers), urls=_find_urls(words), below=below)


def split_include(words: str) -> tuple[str, str] | None:
    """Give option and path of a line that includes another file."""
    found = re.fullmatch(_INCLUDE, words)
    return (found[1], found[2].strip("'\"")) if found else None


def _read_all(files: Iterable[File], around: _Around) -> Iterator[Said]:
    for file in files:
        if "://" in file.path:
            yield Said(remote=(file.path,))
        else:
            yield from _read_file(file, COMMAND_LINE, around, ())


def _read_file(file: File, asked_by: str, around: _Around, above: tuple[str, ...]) -> Iterator[Said]:
    path = os.path.join(around.directory, file.path)
    here = (*above, os.path.realpath(path))
    for number, words in read_lines(path, asked_by):
        origin = f"{file.spelled}:{number}"
        replaced = replace_variables(words, origin, around.environ)
        included = split_include(replaced)
        if included is None:
            yield read_line(replaced, origin, around.markers)
        elif "://" in included[1]:
            yield Said(remote=(included[1],) if included[0].lstrip("-").startswith("r") else ())
        else:
            beneath = os.path.normpath(os.path.join(os.path.dirname(path), included[1]))
            _refuse_cycle(beneath, origin, words, here)
            spelled = os.path.join(os.path.dirname(file.spelled), included[1])
            yield from _read_file(File(beneath, os.path.normpath(spelled)), origin, around, here)


def _refuse_cycle(path: str, origin: str, words: str, above: tuple[str, ...]) -> None:
    """Refuse a file that includes itself; twice is nothing to refuse."""
    real = os.path.realpath(path)
    if real in above:
        way = " > ".join(os.path.basename(one) for one in (*above[above.index(real) :], real))
        raise refuse(origin, words, f"the file includes itself ({way})", "take one of these lines out")


def _read_option(words: str, origin: str, markers: Mapping[str, str]) -> Said:
    found = re.match(_OPTION, words)
    name = found[0] if found else words
    short = name[:2] in _KNOWN and not name.startswith("--")
    if name not in _KNOWN and not short:
        raise refuse(origin, words, f"{name}: no option of requirements files", "look for a slip in it")
    hosts = re.fullmatch(r"--trusted-host(?:\s*=\s*|\s+)(\S+)", words)
    return Said(
        _read_hashes(words, origin, markers),
        require_hashes=name == "--require-hashes",
        prereleases=name == "--pre",
        trusted_hosts=(hosts[1],) if hosts else (),
        urls=_find_urls(words),
        below=_find_below(words, markers),
    )


def _read_hashes(words: str, origin: str, markers: Mapping[str, str]) -> tuple[AskedHash, ...]:
    """Give the hashes that a line asks for, by options and in its URL; none where it is for another environment."""
    fragment = re.search(_FRAGMENT, words)
    asked = [value.partition(":")[::2] for value in re.findall(_HASH, words)]
    asked += re.findall(_FRAGMENT_HASH, fragment[1]) if fragment else []
    for kind, digest in asked:
        if not re.fullmatch("[0-9A-Fa-f]+", digest):
            hint = "write sha256 and 64 hexadecimal digits; `pip hash FILE` gives them"
            raise refuse(origin, words, f"{kind} {digest}".rstrip() + " is no hash", hint)
    if not asked or not _applies(words, markers):
        return ()
    named = _find_name(words) or ""
    place = "" if named else strip(re.split(r"\s|#", _cut_editable(words))[0])
    return tuple(AskedHash(named, kind.lower(), digest.lower(), origin, place) for kind, digest in asked)


def _find_below(words: str, markers: Mapping[str, str]) -> tuple[str, ...]:
    found = tuple(re.findall(_BELOW, words))
    return found if found and _applies(words, markers) else ()


def _cut_editable(words: str) -> str:
    return re.sub(r"^(-e|--editable)[\s=]+", "", words)


def _applies(words: str, markers: Mapping[str, str]) -> bool:
    """Whether a line is for an environment of these markers; one that cannot be judged is for the backend to judge."""
    subject = _cut_editable(re.split(r"\s--[a-z]", words)[0])
    is_place = _names_path(subject) or "://" in subject or "@" in subject.partition(";")[0]
    marker = [*re.split(r"\s;|;\s" if is_place else ";", subject, maxsplit=1), ""][1].strip()
    if not marker or not markers:
        return True
    from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName

    try:
        return Marker(marker).evaluate({**markers, "extra": ""})
    except (InvalidMarker, UndefinedComparison, UndefinedEnvironmentName):
        return True


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
        tuple(dict.fromkeys(one for part in parts for one in part.below)),
    )


def join(*parts: Said) -> Said:
    """Make one of what several say."""
    return _join(list(parts))
