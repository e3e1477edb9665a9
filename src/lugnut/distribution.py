"""What a distribution is: its files, its RECORD, and the wheel it came from. Pure values and text; no disk.

Sources: PEP 376 and the *Recording installed projects* specification (RECORD, INSTALLER, REQUESTED), the *Binary
distribution format* specification (wheels), PEP 610 (direct_url.json).
"""

from __future__ import annotations

import binascii
from collections.abc import Iterable

from lugnut.typed import Any, NamedTuple, NewType

Name = NewType("Name", str)
"""A distribution name as packaging's `canonicalize_name` gives it: lower case, runs of `-_.` as one `-`."""

RelativePath = NewType("RelativePath", str)
"""A place in an environment as RECORD spells it: `/`-separated, relative to purelib, canonical (`../../../bin/x`)."""

Digest = NewType("Digest", str)
"""sha256 of a file's bytes as RECORD spells it: URL-safe base64 without padding, 43 characters."""

WheelHash = NewType("WheelHash", str)
"""sha256 of a whole wheel: 64 lower-case hexadecimal digits."""

SCHEMES = ("purelib", "platlib", "headers", "scripts", "data")
STATE_FILE = "lugnut.json"


class Row(NamedTuple):
    """One line of RECORD; `digest` is None where it names no sha256, `size` (bytes) is None where it names none."""

    path: str
    digest: Digest | None
    size: int | None


class WheelFile(NamedTuple):
    """One member of a wheel as it stands in the store: where it goes (scheme, path) and what it is."""

    scheme: str
    path: str
    """Within the scheme's directory, `/`-separated."""
    archive: str
    """Within the wheel, and within the store entry's `tree/`."""
    digest: Digest
    size: int
    executable: bool
    mtime: int
    """Seconds since the epoch, derived from the digest (`content_mtime`)."""
    rewritten: bool
    """A script whose first line is `#!python`: its bytes depend on the environment, so it is never linked."""


class EntryPoint(NamedTuple):
    """One launcher to make; `kind` is console or gui."""

    name: str
    module: str
    attribute: str
    kind: str


class State(NamedTuple):
    """What lugnut.json in a dist-info remembers beyond what the specifications have room for."""

    wheel: WheelHash
    overlay: int
    executables: tuple[str, ...] | None
    """Paths of the distribution's executable files, as RECORD spells them, sorted; None where nobody recorded them."""


def content_mtime(digest: bytes) -> int:
    """Give the modification time of content with this sha256 (32 bytes): 1980-01-02 plus digest mod 2**30 seconds.

    Equal-size sources never share it, so CPython never takes one's bytecode for the other's (TRAPS 21).
    """
    return 315_619_200 + int.from_bytes(digest[-4:], "big") % (1 << 30)


def spell_digest(digest: bytes) -> Digest:
    """Give a sha256 as RECORD spells it."""
    return Digest(binascii.b2a_base64(digest, newline=False).translate(_URL_SPELLING, b"=").decode())


_URL_SPELLING = bytes.maketrans(b"+/", b"-_")


def time_of(digest: Digest) -> int | None:
    """Give the modification time of content by its digest as RECORD spells it; None where that is none."""
    try:
        raw = binascii.a2b_base64(digest.replace("-", "+").replace("_", "/") + "=")
    except ValueError:
        return None
    return content_mtime(raw) if len(raw) == 32 else None  # noqa: PLR2004 - bytes of a sha256


def parse_record(text: str) -> list[Row]:
    """Read RECORD's text; raises ValueError, naming the line, where a row is not one."""
    if '"' in text:
        import csv
        import io

        try:
            return [_parse_row(row, number) for number, row in enumerate(csv.reader(io.StringIO(text)), 1) if row]
        except csv.Error as error:
            raise ValueError(f"RECORD is not csv: {error}") from None
    rows = []
    for number, line in enumerate(text.split("\n"), 1):  # splitlines would break rows at U+2028 and the like too
        row = line.rstrip("\r")
        if row:
            rows.append(_parse_row(row.rsplit(",", 2), number))
    return rows


def is_record(text: str) -> bool:
    """Say whether `parse_record` would read a text."""
    if is_plain_record(text.encode()):
        return True
    try:
        parse_record(text)
    except ValueError:
        return False
    return True


def is_plain_record(data: bytes) -> bool:
    """Say whether each row of a RECORD plainly is one: path, hash and size, nothing quoted, a newline at its end."""
    rows = data.count(b"\n")
    return (
        data[-1:] in {b"", b"\n"}
        and b'"' not in data
        and b"\r" not in data
        and data.translate(None, _BETWEEN) == b",,\n" * rows
        and data.translate(None, b"0123456789").count(b",\n") == rows  # of which the last field is a number or none
    )


_BETWEEN = bytes(set(range(256)) - set(b",\n"))
"""What stands between the signs that part fields and rows."""


def _parse_row(fields: list[str], number: int) -> Row:
    if len(fields) != 3:  # noqa: PLR2004 - path, hash, size
        raise ValueError(f"line {number} of RECORD has {len(fields)} fields, not 3")
    path, digest, size = fields
    if size and not (size.isascii() and size.isdigit()):
        raise ValueError(f"line {number} of RECORD has the size {size!r}")
    known = Digest(digest[7:].rstrip("=")) if digest.startswith("sha256=") else None
    return Row(path, known, int(size) if size else None)


def format_row(row: Row) -> str:
    """Write one RECORD line with its newline, quoted as csv where the path needs it."""
    digest = f"sha256={row.digest}" if row.digest is not None else ""
    size = "" if row.size is None else str(row.size)
    path = row.path
    if '"' in path or "," in path or "\n" in path or "\r" in path:
        path = '"' + path.replace('"', '""') + '"'
    return f"{path},{digest},{size}\n"


def format_record(rows: Iterable[Row]) -> str:
    """Write RECORD's text, sorted by path."""
    return "".join(format_row(row) for row in sorted(rows))


def insert_rows(record: str, rows: Iterable[Row]) -> str:
    """Add rows to RECORD's text, which is sorted by path and stays so."""
    import bisect

    lines = record.split("\n")[:-1]
    at = 0
    for row in sorted(rows):
        if at == len(lines) or row.path >= _read_path(lines[at]):  # else it comes right behind the one before
            at = bisect.bisect(lines, row.path, lo=at, key=_read_path)
        lines.insert(at, format_row(row)[:-1])
        at += 1
    return "".join(line + "\n" for line in lines)


def _read_path(line: str) -> str:
    if not line.startswith('"'):
        return line.rsplit(",", 2)[0]
    import csv

    return next(csv.reader([line]))[0]


def parse_state(text: str) -> State | None:
    """Read lugnut.json; None where it is not one this lugnut can read (the distribution is then a stranger's)."""
    plain = _read_plain_state(text)
    if plain is not None:
        return plain
    import json

    try:
        data: Any = json.loads(text)
        if data["format"] != 1:
            return None
        executables = None if data["executables"] is None else tuple(data["executables"])
        return State(WheelHash(data["wheel"]), int(data["overlay"]), executables)
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None


def _read_plain_state(text: str) -> State | None:
    """Read lugnut.json as `format_state` writes nearly all of them, without json; None where it takes json to say.

    What is read is written down again and compared, so that nothing is taken for what it is not.
    """
    found, has_rank, tail = text.partition('], "format": 1, "overlay": ')
    rank, has_wheel, wheel = tail[:-3].partition(', "wheel": "')
    inside = found.removeprefix(_BEFORE).removeprefix('"').removesuffix('"')
    paths = tuple(inside.split('", "')) if inside else ()
    if not (has_rank and has_wheel and rank.isascii() and rank.isdigit() and len(rank) <= _DIGITS):
        return None
    if "\\" in text or not text[:-1].isprintable() or any('"' in word for word in (wheel, *paths)):
        return None
    listed = ", ".join([f'"{path}"' for path in paths])
    again = f'{_BEFORE}{listed}], "format": 1, "overlay": {int(rank)}, "wheel": "{wheel}"}}\n'
    return State(WheelHash(wheel), int(rank), paths) if again == text else None


_BEFORE = '{"executables": ['
_DIGITS = 9
"""Of a rank as anybody would give one; a number of thousands of digits is an error to Python."""


def format_state(state: State) -> str:
    """Write lugnut.json: sorted keys, one line, a newline at the end."""
    import json

    executables = None if state.executables is None else list(state.executables)
    document = {"format": 1, "wheel": state.wheel, "overlay": state.overlay, "executables": executables}
    return json.dumps(document, sort_keys=True) + "\n"


def normalise_name(name: str) -> Name:
    """Give the one spelling that all spellings of a name share (PEP 503), as packaging's `canonicalize_name` does.

    Written out here because importing packaging.utils costs more than all else that a small install does.
    """
    value = name.lower().replace("_", "-").replace(".", "-")
    while "--" in value:
        value = value.replace("--", "-")
    return Name(value)


def parse_dist_info(directory: str) -> tuple[str, str] | None:
    """Split `name-version.dist-info` into the name and version as spelled; None where it is not one."""
    if not directory.endswith(".dist-info"):
        return None
    name, dash, version = directory[: -len(".dist-info")].partition("-")
    return (name, version) if dash and name and version else None
