"""A Manifest and a stamp as bytes in a store entry, and back. Pure.

A manifest is marshal behind a checksum: it is read at the start of every warm install, for every wheel, and nothing in
the standard library reads faster. The checksum tells a torn file (TRAPS 19), which marshal might read as nonsense.
Format 3: this line, 32 bytes of sha256 of what follows up to the body, 4 bytes of that head's length (big-endian), the
head and the body. Both are marshal version 4: the head the sha256 of the body, the boot (as in a stamp) and all fields
but the files, the body the files, all that is not plain as tuples, files as columns (`lugnut.columns.Files`). A run
that finds nothing to do reads heads alone, which are a hundredth of it.
"""

from __future__ import annotations

import hashlib
import marshal

from lugnut.columns import Files
from lugnut.distribution import EntryPoint, WheelFile, WheelHash
from lugnut.manifest import MANIFEST_FORMAT, NO_LIBRARY, Library, Manifest
from lugnut.typed import Any, NamedTuple

_HEAD = b"lugnut manifest %d\n" % MANIFEST_FORMAT
_LISTING = b"lugnut bytecode 1\n"
_CHECKSUM = 32
_MARSHAL = 4
_LENGTH = 4
_FIELDS = Manifest._fields.index("library")
"""How many fields of a manifest are its head."""
_POINTS = Manifest._fields.index("entry_points")


class Stamp(NamedTuple):
    """When an entry was written: `boot` names the machine's start, `synced` says that it reached the disk."""

    boot: str
    synced: bool


def format_manifest(manifest: Manifest, boot: str = "") -> bytes:
    """Give the bytes of a manifest that is written in the machine's start of this name."""
    fields: list[Any] = list(manifest._replace(entry_points=tuple(map(tuple, manifest.entry_points))))  # type: ignore[arg-type] # marshal knows exact types only
    body = marshal.dumps((_plain(manifest.library), tuple(map(tuple, manifest.others)), manifest.record), _MARSHAL)
    head = marshal.dumps((hashlib.sha256(body).digest(), boot, *fields[:_FIELDS]), _MARSHAL)
    head = len(head).to_bytes(_LENGTH, "big") + head
    return b"".join((_HEAD, hashlib.sha256(head).digest(), head, body))


class Head(NamedTuple):
    """What a manifest begins with: all but the files, and the boot it was written in."""

    manifest: Manifest
    boot: str
    checksum: bytes
    """Of the body."""
    end: int


def parse_head(data: bytes, wheel: WheelHash) -> Head | None:
    """Read what a manifest begins with; None where it is torn, not all there, of another format or another wheel's."""
    if not data.startswith(_HEAD):
        return None
    start = len(_HEAD) + _CHECKSUM
    end = start + _LENGTH + int.from_bytes(data[start : start + _LENGTH], "big")
    head = data[start:end]
    if hashlib.sha256(head).digest() != data[len(_HEAD) : start]:
        return None
    checksum, boot, *fields = _load(head[_LENGTH:]) or ("", "")
    if fields[:1] != [wheel]:
        return None
    fields[_POINTS] = tuple(map(EntryPoint._make, fields[_POINTS]))
    return Head(Manifest._make((*fields, NO_LIBRARY, (), "")), boot, checksum, end)


def parse_body(head: Head, data: bytes) -> Manifest | None:
    """Read the files too, of a manifest whose head was read; None where they are torn."""
    body = memoryview(data)[head.end :]
    fields = _load(body) if hashlib.sha256(body).digest() == head.checksum else None
    if fields is None:
        return None
    library, others, record = fields
    members = tuple(map(WheelFile._make, others))
    return head.manifest._replace(library=_read_library(library), others=members, record=record)


def parse_manifest(data: bytes, wheel: WheelHash) -> Manifest | None:
    """Read a manifest; None where it is torn, of another format, or not this wheel's."""
    head = parse_head(data, wheel)
    return None if head is None else parse_body(head, data)


def format_listing(library: Library) -> bytes:
    """Give the bytes of a listing of bytecode, which has the shape of a library."""
    return _seal(_LISTING, _plain(library))


def parse_listing(data: bytes) -> Library | None:
    """Read a listing; None where it is torn or of another format."""
    fields = _unseal(_LISTING, data)
    return None if fields is None else _read_library(fields)


def _plain(library: Library) -> tuple[Any, ...]:
    return (library.files.blocks, *library[1:])


def _read_library(fields: tuple[Any, ...]) -> Library:
    blocks, *others = fields
    return Library(Files(blocks), *others)


def _seal(head: bytes, fields: tuple[Any, ...]) -> bytes:
    data = marshal.dumps(fields, _MARSHAL)
    return head + hashlib.sha256(data).digest() + data


def _unseal(head: bytes, data: bytes) -> tuple[Any, ...] | None:
    start = len(head) + _CHECKSUM
    body = memoryview(data)[start:]
    if not data.startswith(head) or hashlib.sha256(body).digest() != data[len(head) : start]:
        return None
    return _load(body)


def _load(data: bytes | memoryview) -> tuple[Any, ...] | None:
    """Read what a checksum is right of, so that we wrote it; None where a Python cannot."""
    try:
        fields: tuple[Any, ...] = marshal.loads(data)  # noqa: S302
    except (ValueError, EOFError, TypeError):
        return None
    return fields


def format_stamp(stamp: Stamp) -> bytes:
    """Give the bytes of a stamp: one line."""
    return f"1 {stamp.boot or '-'} {'synced' if stamp.synced else 'unsynced'}\n".encode()


def parse_stamp(data: bytes) -> Stamp | None:
    """Read a stamp; None where it is torn or of another format."""
    words = data.decode("ascii", "replace").split(" ")
    if len(words) != 3 or words[0] != "1" or words[2] not in {"synced\n", "unsynced\n"}:  # noqa: PLR2004
        return None
    return Stamp("" if words[1] == "-" else words[1], words[2] == "synced\n")
