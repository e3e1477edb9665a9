"""Writes zip archives field by field, so that each can be made to lie; without a tweak the archive is right."""

import struct
import zlib
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from wheels import Member

UNIX = 3


class Raw(NamedTuple):
    """A member and what is said of it wrongly: `local` and `central` replace fields by name."""

    name: bytes
    data: bytes
    mode: int = 0o100644
    method: int = 8
    flags: int = 0
    local: Mapping[str, Any] = MappingProxyType({})
    central: Mapping[str, Any] = MappingProxyType({})
    packed: bytes | None = None
    before: bytes = b""
    descriptor: str = ""
    attributes: int = 0


def from_members(members: Iterable[Member], **tweaks: dict[str, Any]) -> list[Raw]:
    """Give raw members; `tweaks` are Raw's fields by the last component of a member's name, dots as underscores."""
    raws = []
    for member in members:
        key = member.name.rpartition("/")[2].replace(".", "_")
        flags = 0 if member.name.isascii() else 0x800
        raw = Raw(member.name.encode(), member.data, member.mode, member.method, flags)
        raws.append(raw._replace(**tweaks.get(key, {})))
    return raws


def write(raws: Iterable[Raw], *, end: dict[str, Any] | None = None, wide: bool = False, between: bytes = b"") -> bytes:
    """Give the archive's bytes; `end` replaces fields of the end record, `wide` writes zip64 end records."""
    body, central = b"", b""
    count = 0
    for raw in raws:
        said, packed = _describe(raw)
        offset = len(body) + len(raw.before)
        body += raw.before + _local(raw, said | dict(raw.local)) + packed + _descriptor(raw, said)
        central += _central(raw, {"offset": offset} | said | dict(raw.central))
        count += 1
    return body + between + central + _end(len(body) + len(between), len(central), count, end or {}, wide=wide)


def _describe(raw: Raw) -> tuple[dict[str, Any], bytes]:
    packed = raw.packed
    if packed is None:
        packed = raw.data
        if raw.method == 8:
            deflater = zlib.compressobj(wbits=-15)
            packed = deflater.compress(raw.data) + deflater.flush()
    said = {
        "flags": raw.flags | (8 if raw.descriptor else 0),
        "method": raw.method,
        "crc": zlib.crc32(raw.data),
        "compressed": len(packed),
        "size": len(raw.data),
        "name": raw.name,
        "extra": b"",
    }
    return said, packed


def _local(raw: Raw, said: dict[str, Any]) -> bytes:
    if raw.descriptor:
        said = said | {"crc": 0, "compressed": 0, "size": 0}
    head = (20, said["flags"], said["method"], 0, 0x21, said["crc"], said["compressed"], said["size"])
    return (
        struct.pack("<4sHHHHHIIIHH", b"PK\3\4", *head, len(said["name"]), len(said["extra"]))
        + said["name"]
        + said["extra"]
    )


def _central(raw: Raw, said: dict[str, Any]) -> bytes:
    head = (20 | UNIX << 8, 20, said["flags"], said["method"], 0, 0x21, said["crc"], said["compressed"], said["size"])
    lengths = (len(said["name"]), len(said["extra"]), 0, said.get("disk", 0), 0)
    fixed = struct.pack("<4sHHHHHHIIIHHHHHI", b"PK\1\2", *head, *lengths, raw.mode << 16 | raw.attributes)
    return fixed + struct.pack("<I", said["offset"]) + said["name"] + said["extra"]


def _descriptor(raw: Raw, said: dict[str, Any]) -> bytes:
    if not raw.descriptor:
        return b""
    values = struct.pack("<I" + raw.descriptor * 2, said["crc"], said["compressed"], said["size"])
    return b"PK\7\x08" + values


def _end(offset: int, size: int, count: int, changed: dict[str, Any], *, wide: bool) -> bytes:
    said = {"disk": 0, "here": count, "count": count, "size": size, "offset": offset, "comment": b"", "stated": None}
    said |= {"wide_offset": offset, "locator": offset + size} | changed
    records = b""
    if wide:
        records = struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, said["wide_offset"])
        records += struct.pack("<4sIQI", b"PK\6\7", 0, said["locator"], 1)
        said |= {"here": 0xFFFF, "count": 0xFFFF, "size": 0xFFFFFFFF, "offset": 0xFFFFFFFF} | changed
    length = len(said["comment"]) if said["stated"] is None else said["stated"]
    fields = (said["disk"], said["disk"], said["here"], said["count"], said["size"], said["offset"], length)
    return records + struct.pack("<4sHHHHIIH", b"PK\5\6", *fields) + said["comment"]
