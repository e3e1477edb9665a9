"""Reads the central directory of a zip archive: what it says of each member, not yet compared with anything.

Nearly every member has the same words in its local header as here, in the same order, and nothing besides: for it the
header that must stand in its place is made here, so that one comparison of bytes tells that all of it agrees.
"""

from __future__ import annotations

import struct

from lugnut.wheel.source import ArchiveError

ENCRYPTED = 0x1 | 0x40 | 0x2000
PATCHED = 0x20
CLOSED = ENCRYPTED | PATCHED
DESCRIPTOR = 0x8
UTF8 = 0x800
WIDE = 0xFFFFFFFF
_SECOND_NAME = 0x7075
"""Info-ZIP's extra field with a name that some readers prefer, after a version and a checksum."""
_NAME_HEAD = bytes(5)
_HEAD = struct.Struct("<4s4xHH4xIIIHHHH2xII")
"""Without the versions, the time and the internal attributes, which decide nothing."""
_SHARED = slice(6, 32)
"""What a local header repeats word for word behind its signature, from the version needed to the extra field's length.
"""

Central = tuple[int, bytes, bytes, int, str, int, int, int, int, int]
"""What the central directory says of a member: offset of its local header (first, since they are sorted by it), name as
it is written, the local header it must have if it is a usual one (else nothing), flags, name, compressed size, size,
crc, method, external attributes."""


def read_central(data: bytes, count: int, problems: list[str]) -> list[Central]:
    """Give what it says of its `count` members, adding what is wrong with one; raises ArchiveError where it is torn."""
    found = []
    position = 0
    end = len(data)
    unpack, size_of_head = _HEAD.unpack_from, _HEAD.size
    for _ in range(count):
        if position + size_of_head > end:
            raise ArchiveError("its central directory is cut short")
        fields = unpack(data, position)
        signature, flags, method, crc, compressed, size, named, extended, commented, disk, attributes, offset = fields
        if signature != b"PK\x01\x02":
            raise ArchiveError("its central directory holds something else than members")
        name_at = position + size_of_head
        extra_at = name_at + named
        shared = data[position + _SHARED.start : position + _SHARED.stop]
        position = extra_at + extended + commented
        if position > end:
            raise ArchiveError("its central directory is cut short")
        if disk:
            raise ArchiveError("it is one part of an archive in several parts")
        raw = data[name_at:extra_at]
        if extended or not raw.isascii() or flags & (CLOSED | DESCRIPTOR):
            found.append(_make_central(fields, raw, data[extra_at : extra_at + extended], problems))
        else:
            local = b"PK\x03\x04" + shared + raw
            found.append((offset, raw, local, flags, raw.decode(), compressed, size, crc, method, attributes))
    if position != end:
        raise ArchiveError("its central directory holds more than the end record counts")
    return found


def _make_central(fields: tuple[int, ...], raw: bytes, extra: bytes, problems: list[str]) -> Central:
    """Read what few members have: extra fields, names beyond ASCII, sizes that come later, encryption."""
    flags, method, crc, compressed, size = fields[1:6]
    attributes, offset = fields[10:]
    name = _decode_name(raw, flags, problems)
    if extra:
        extras = read_extras(extra, name)
        size, compressed, offset = widen(extras.get(1, b""), (size, compressed, offset), name)
        if extras.get(_SECOND_NAME, _NAME_HEAD + raw)[5:] != raw:
            problems.append(f"{name!r} has a second name in an extra field")
    if flags & CLOSED:
        problems.append(f"{name!r} is encrypted or a patch")
    return offset, raw, b"", flags, name, compressed, size, crc, method, attributes


def _decode_name(raw: bytes, flags: int, problems: list[str]) -> str:
    try:
        if flags & UTF8:
            return raw.decode()
        return raw.decode("ascii")  # beyond ASCII readers guess: cp437, latin-1, UTF-8 or the locale's
    except UnicodeDecodeError:
        name = raw.decode("utf-8", "backslashreplace")
        problems.append(f"the member name {name!r} is not UTF-8 that is marked as such")
        return name


def read_extras(extra: bytes, name: str) -> dict[int, bytes]:
    """Give the extra fields of a member by their kind; raises ArchiveError where they are damaged."""
    extras: dict[int, bytes] = {}
    position = 0
    while position + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, position)
        position += 4
        if position + length > len(extra) or (kind == 1 and kind in extras):
            raise ArchiveError(f"the extra fields of {name!r} are damaged")
        extras[kind] = extra[position : position + length]
        position += length
    return extras


def widen(wide: bytes, values: tuple[int, int, int], name: str) -> tuple[int, int, int]:
    """Replace each saturated value by the next of the zip64 field, as section 4.5.3 orders them."""
    result = []
    position = 0
    for value in values:
        if value == WIDE and wide:
            if position + 8 > len(wide):
                raise ArchiveError(f"the zip64 field of {name!r} is cut short")
            result.append(int.from_bytes(wide[position : position + 8], "little"))
            position += 8
        else:
            result.append(value)
    return result[0], result[1], result[2]
