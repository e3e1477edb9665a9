"""A Manifest and a stamp as bytes in a store entry, and back. Pure.

A manifest is marshal behind a checksum: it is read at the start of every warm install, for every wheel, and nothing in
the standard library reads faster. The checksum tells a torn file (TRAPS 19), which marshal might read as nonsense.
Format 1: this line, 32 bytes of sha256, then marshal version 4 of the fields in their order, entry points and files as
tuples of theirs.
"""

from __future__ import annotations

import hashlib
import marshal

from lugnut.distribution import MANIFEST_FORMAT, EntryPoint, Manifest, WheelFile, WheelHash
from lugnut.typed import NamedTuple

_HEAD = b"lugnut manifest %d\n" % MANIFEST_FORMAT
_CHECKSUM = len(_HEAD) + 32
_MARSHAL = 4


class Stamp(NamedTuple):
    """When an entry was written: `boot` names the machine's start, `synced` says that it reached the disk."""

    boot: str
    synced: bool


def format_manifest(manifest: Manifest) -> bytes:
    """Give the bytes of a manifest."""
    plain = manifest._replace(
        entry_points=tuple(map(tuple, manifest.entry_points)),  # type: ignore[arg-type] # marshal knows exact types only
        files=tuple(map(tuple, manifest.files)),  # type: ignore[arg-type]
    )
    data = marshal.dumps(tuple(plain), _MARSHAL)
    return _HEAD + hashlib.sha256(data).digest() + data


def parse_manifest(data: bytes, wheel: WheelHash) -> Manifest | None:
    """Read a manifest; None where it is torn, of another format, or not this wheel's."""
    body = data[_CHECKSUM:]
    if not data.startswith(_HEAD) or hashlib.sha256(body).digest() != data[len(_HEAD) : _CHECKSUM]:
        return None
    try:
        manifest = Manifest._make(marshal.loads(body))  # noqa: S302 - its checksum is right, so we wrote it
    except (ValueError, EOFError, TypeError):
        return None
    if manifest.wheel != wheel:
        return None
    return manifest._replace(
        entry_points=tuple(map(EntryPoint._make, manifest.entry_points)),
        files=tuple(map(WheelFile._make, manifest.files)),
    )


def format_stamp(stamp: Stamp) -> bytes:
    """Give the bytes of a stamp: one line."""
    return f"1 {stamp.boot or '-'} {'synced' if stamp.synced else 'unsynced'}\n".encode()


def parse_stamp(data: bytes) -> Stamp | None:
    """Read a stamp; None where it is torn or of another format."""
    words = data.decode("ascii", "replace").split(" ")
    if len(words) != 3 or words[0] != "1" or words[2] not in {"synced\n", "unsynced\n"}:  # noqa: PLR2004
        return None
    return Stamp("" if words[1] == "-" else words[1], words[2] == "synced\n")
