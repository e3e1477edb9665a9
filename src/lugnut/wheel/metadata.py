"""What a wheel says of itself: its file name, WHEEL, METADATA and entry_points.txt, and whether they agree. Pure.

Each reader takes text or bytes and the list that what it finds wrong is added to, and gives what it could read.
Sources: the *Binary distribution format*, *Core metadata* and *Entry points* specifications.
"""

from __future__ import annotations

import re

from lugnut.distribution import EntryPoint, Name
from lugnut.typed import NamedTuple

_NAME = re.compile(r"[A-Z0-9](?:[A-Z0-9._-]*[A-Z0-9])?", re.IGNORECASE | re.ASCII)
_WHEEL_VERSION = re.compile(r"([0-9]{1,6})\.([0-9]{1,6})", re.ASCII)
_REFERENCE = re.compile(r"([^\W\d]\w*(?:\.[^\W\d]\w*)*)\s*:\s*([^\W\d]\w*(?:\.[^\W\d]\w*)*)\s*(?:\[[^\[\]]*\])?")
_LAUNCHER = re.compile(r"(?:[^\s/\\:\x00-\x1f\x7f]| )*[^\s/\\:\x00-\x1f\x7f.]")
_LONGEST_LAUNCHER = 200
_KINDS = {"console_scripts": "console", "gui_scripts": "gui"}
_SINGLE = ("name", "version", "requires-python")
_BLANK = re.compile(rb"\r?\n\r?\n")
_FIELD = re.compile(r"[!-9;-~]+")
_ONCE = ("wheel-version", "root-is-purelib")


class Title(NamedTuple):
    """What a wheel's file name says."""

    filename: str
    name: Name
    version: str
    tags: tuple[str, ...]
    """Sorted, one for each combination."""


class Metadata(NamedTuple):
    """What lugnut needs of METADATA; name and version as spelled there."""

    name: str
    version: str
    requires_python: str
    requires: tuple[str, ...]
    extras: tuple[str, ...]


def prepare() -> None:
    """Import what reading takes, which is slow, before it is needed in several forked workers."""
    import packaging.utils  # noqa: F401


def parse_title(filename: str, problems: list[str]) -> Title | None:
    """Read a wheel's file name; None where it is not one."""
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename

    try:
        name, version, _, tags = parse_wheel_filename(filename)
    except InvalidWheelFilename:
        problems.append("its file name is not name-version[-build]-python-abi-platform.whl")
        return None
    return Title(filename, Name(name), str(version), tuple(sorted(map(str, tags))))


def same_distribution(title: Title, name: str, version: str) -> bool:
    """Say whether a spelled name and version are those of the file name."""
    return same_name(title, name) and same_version(title, version)


def same_name(title: Title, name: str) -> bool:
    """Say whether a spelled name is the one of the file name, once normalised."""
    if _NAME.fullmatch(name) is None:
        return False
    if name == title.name:
        return True
    from packaging.utils import canonicalize_name

    return Name(canonicalize_name(name)) == title.name


def same_version(title: Title, version: str) -> bool:
    """Say whether a spelled version equals the one of the file name, as PEP 440 compares them."""
    if version == title.version:
        return True
    from packaging.version import InvalidVersion, Version

    try:
        return Version(version) == Version(title.version)
    except InvalidVersion:
        return False


def parse_wheel(data: bytes, title: Title | None, problems: list[str]) -> bool:
    """Read WHEEL and give Root-Is-Purelib."""
    fields: dict[str, list[str]] = {}
    for line in data.decode("utf-8", "backslashreplace").splitlines():
        key, colon, value = line.partition(":")
        if colon:
            fields.setdefault(key.strip().lower(), []).append(value.strip())
    counts = [(key, len(fields.get(key, []))) for key in _ONCE]
    problems += [f"WHEEL has {count} lines of {key.title()}, not one" for key, count in counts if count != 1]
    _check_wheel_version(fields.get("wheel-version", ["1.0"])[0], problems)
    purelib = fields.get("root-is-purelib", ["true"])[0].lower()
    if purelib not in {"true", "false"}:
        problems.append(f"Root-Is-Purelib in WHEEL is {purelib!r}, not true or false")
    tags = fields.get("tag", [])
    named = set() if title is None else set(title.tags)
    if named and tags and set(tags) != named and not _agree(_expand(tags), named):
        problems.append(
            f"the tags in WHEEL are {', '.join(sorted(tags))!r}, those of the file name {', '.join(sorted(named))!r}"
        )
    return purelib == "true"


def _agree(said: set[str], named: set[str]) -> bool:
    """Say whether each tag of the file name is within one that WHEEL says, and none that WHEEL says is left out.

    Wheels are given to one platform, or to manylinux, by renaming the file alone (playwright, torchvision): it may
    promise less than WHEEL does, never more.
    """
    pairs = {(one, other) for one in said for other in named if _includes(one, other)}
    return {one for one, _ in pairs} == said and {other for _, other in pairs} == named


def _includes(wide: str, narrow: str) -> bool:
    interpreter, _, platform = wide.rpartition("-")
    same, _, chosen = narrow.rpartition("-")
    if interpreter != same:
        return False
    system, _, machine = platform.partition("_")
    libraries = system == "linux" and chosen.startswith(("manylinux", "musllinux")) and chosen.endswith(f"_{machine}")
    return platform in {chosen, "any"} or libraries


def _expand(tags: list[str]) -> set[str]:
    """Give single tags for what WHEEL lists, which some builders write compressed; other text stays as it is."""
    from packaging.tags import parse_tag

    expanded: set[str] = set()
    for tag in tags:
        try:
            expanded.update(map(str, parse_tag(tag)))
        except ValueError:
            expanded.add(tag)
    return expanded


def _check_wheel_version(text: str, problems: list[str]) -> None:
    match = _WHEEL_VERSION.fullmatch(text)
    if match is None:
        problems.append(f"Wheel-Version in WHEEL is {text!r}, not a number like 1.0")
    elif int(match[1]) != 1:  # a newer minor version adds, a newer major version may mean anything
        problems.append(f"it has Wheel-Version {text}, and this lugnut reads 1.x")


def parse_metadata(data: bytes, title: Title | None, problems: list[str]) -> Metadata | None:
    """Read METADATA's headers, leniently (TRAPS 33), but for the name and the version."""
    end = _BLANK.search(data)
    head = (data if end is None else data[: end.start()] + b"\n").replace(b"\r\n", b"\n")
    try:
        read = read_plain_headers(head)
        found = _read_headers(head) if read is None else _choose(read)
    except (ValueError, LookupError) as error:
        problems.append(f"METADATA cannot be read: {error}")
        return None
    if not found.name or not found.version:
        problems.append("METADATA does not state one Name and one Version")
        return None
    if title is not None and not same_name(title, found.name):
        problems.append(f"METADATA is about {found.name!r}, the file name about {title.name!r}")
    if title is not None and not same_version(title, found.version):
        problems.append(f"METADATA has version {found.version!r}, the file name {title.version!r}")
    return found


def read_plain_headers(head: bytes) -> dict[str, list[str]] | None:
    """Read headers by lower-case name where each line is plainly one, or goes on from the one above; else None.

    Nearly all METADATA is that, and for it this gives what the standard library's parser does, in a twentieth of the
    time, and without the 15 ms that importing it takes.
    """
    if b"\r" in head:
        return None
    try:
        lines = head.decode().rstrip("\n").split("\n")
    except UnicodeDecodeError:
        return None
    fields: dict[str, list[str]] = {}
    values: list[str] = []
    for line in lines:
        if values and line[:1] in {" ", "\t"}:
            values[-1] += f"\n{line}"
            continue
        name, colon, value = line.partition(":")
        if not colon or _FIELD.fullmatch(name) is None:
            return None
        values = fields.setdefault(name.lower(), [])
        values.append(value.lstrip(" \t"))
    return fields


def _read_headers(head: bytes) -> Metadata:
    from packaging.metadata import parse_email

    raw, _ = parse_email(head)
    once = {key: [text] for key in _SINGLE if (text := raw.get(key.replace("-", "_")))}
    return _choose(
        {**once, "requires-dist": raw.get("requires_dist", []), "provides-extra": raw.get("provides_extra", [])}  # type: ignore[dict-item]
    )


def _choose(fields: dict[str, list[str]]) -> Metadata:
    """Take what is needed; of what may be there once, nothing where it is there twice."""
    found = [fields.get(key, []) for key in _SINGLE]
    name, version, python = (values[0].strip() if len(values) == 1 else "" for values in found)
    requires = tuple(" ".join(line.split()) for line in fields.get("requires-dist", []))
    extras = tuple(extra.strip() for extra in fields.get("provides-extra", []))
    return Metadata(name, version, python, requires, extras)


def parse_entry_points(data: bytes, problems: list[str]) -> tuple[EntryPoint, ...]:
    """Read entry_points.txt and give the launchers to make, sorted by name; a gui one goes before a console one."""
    found: dict[str, EntryPoint] = {}
    kind: str | None = None
    try:
        text = data.decode().removeprefix("\ufeff")  # utf-8-sig is a module to import, in each worker
    except UnicodeDecodeError:
        problems.append("entry_points.txt is not UTF-8")
        return ()
    for raw_line in text.split("\n"):
        line = raw_line.strip()
        if line.startswith("[") and line.endswith("]"):
            kind = _KINDS.get(line[1:-1].strip())
        elif line and kind is not None and not line.startswith(("#", ";")):
            _add_entry_point(line, kind, found, problems)
    return tuple(found[name] for name in sorted(found))


def _add_entry_point(line: str, kind: str, found: dict[str, EntryPoint], problems: list[str]) -> None:
    name, equals, value = (part.strip() for part in line.partition("="))
    match = _REFERENCE.fullmatch(value)
    if not equals or match is None:  # anything else would be pasted into a program
        problems.append(f"the entry point {line!r} is not name = module:attribute")
        return
    if _LAUNCHER.fullmatch(name) is None or len(name.encode()) > _LONGEST_LAUNCHER:  # TRAPS 35
        problems.append(f"the entry point name {name!r} cannot be a file name")
        return
    point = EntryPoint(name, match[1], match[2], kind)
    before = found.setdefault(name, point)
    if before[1:3] != point[1:3]:
        problems.append(f"the entry point {name!r} is there twice with different meanings")
    elif kind == "gui":
        found[name] = point
