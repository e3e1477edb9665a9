"""A Manifest and a stamp as bytes in a store entry, and back. Pure.

A manifest is marshal behind a checksum: it is read at the start of every warm install, for every wheel, and nothing in
the standard library reads faster. The checksum tells a torn file (TRAPS 19), which marshal might read as nonsense.
Format 2: this line, 32 bytes of sha256, then marshal version 4 of the fields in their order, all that is not plain as
tuples, files as columns (`lugnut.columns.Files`).
"""

from __future__ import annotations

import hashlib
import marshal

from lugnut.columns import Files
from lugnut.distribution import EntryPoint, WheelFile, WheelHash
from lugnut.manifest import MANIFEST_FORMAT, Library, Manifest
from lugnut.typed import Any, NamedTuple

_HEAD = b"lugnut manifest %d\n" % MANIFEST_FORMAT
_LISTING = b"lugnut bytecode 1\n"
_CHECKSUM = 32
_MARSHAL = 4


class Stamp(NamedTuple):
    """When an entry was written: `boot` names the machine's start, `synced` says that it reached the disk."""

    boot: str
    synced: bool


def format_manifest(manifest: Manifest) -> bytes:
    """Give the bytes of a manifest."""
    plain = manifest._replace(
        entry_points=tuple(map(tuple, manifest.entry_points)),  # type: ignore[arg-type] # marshal knows exact types only
        library=_plain(manifest.library),  # type: ignore[arg-type]
        others=tuple(map(tuple, manifest.others)),  # type: ignore[arg-type]
    )
    return _seal(_HEAD, tuple(plain))


def parse_manifest(data: bytes, wheel: WheelHash) -> Manifest | None:
    """Read a manifest; None where it is torn, of another format, or not this wheel's."""
    fields = _unseal(_HEAD, data)
    try:
        manifest = None if fields is None else Manifest._make(fields)
    except TypeError:
        return None
    if manifest is None or manifest.wheel != wheel:
        return None
    return manifest._replace(
        entry_points=tuple(map(EntryPoint._make, manifest.entry_points)),
        library=_read_library(manifest.library),
        others=tuple(map(WheelFile._make, manifest.others)),
    )


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
    try:
        fields: tuple[Any, ...] = marshal.loads(body)  # noqa: S302 - its checksum is right, so we wrote it
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
