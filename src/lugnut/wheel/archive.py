"""Reads a zip archive that is plainly one archive, and says what is wrong with any other.

ZIP readers disagree over duplicate names, local headers that contradict the central directory, bytes before, between
and after the members, sizes that lie and several end records (TRAPS 32). So a member is read only from an archive whose
parts tile the file: the members in order without a gap, then the central directory, then the end records, and nothing
else. What breaks the tiling raises ArchiveError, since nothing further can be trusted; what is wrong with one member
becomes a sentence in a list, so that all of them can be told at once.

Source: PKWARE APPNOTE.TXT 6.3.10, sections 4.3 to 4.5. The standard library's zipfile is lenient, and a third as fast.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from lugnut.typed import NamedTuple
from lugnut.wheel.source import ArchiveError, Limits, Source

STORED, DEFLATED = 0, 8
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_PATCHED = 0x20
_CLOSED = _ENCRYPTED | _PATCHED
_DIRECTORY = 0x10
_DESCRIPTOR = 0x8
_UTF8 = 0x800
_SAME_FLAGS = _ENCRYPTED | _PATCHED | _DESCRIPTOR | _UTF8
_SECOND_NAME = 0x7075
"""Info-ZIP's extra field with a name that some readers prefer, after a version and a checksum."""
_NAME_HEAD = bytes(5)
_WIDE = 0xFFFFFFFF
_WIDE_COUNT = 0xFFFF
_DEFLATE_AT_MOST = 1032
"""Deflate cannot expand beyond this: a stated size above it is a lie."""

_END = struct.Struct("<4sHHHHIIH")
_END64 = struct.Struct("<4sQHHIIQQQQ")
_LOCATOR = struct.Struct("<4sIQI")
_CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_TOGETHER = 65_535 + _END.size


class Entry(NamedTuple):
    """One member: where its data starts, and what the central directory says of it."""

    name: str
    start: int
    compressed: int
    size: int
    crc: int
    method: int
    mode: int
    """Upper half of the external attributes: Unix type and permissions, 0 where there are none."""
    marked_directory: bool
    """The DOS attribute."""
    sound: bool
    """Whether its content can be read at all: not encrypted, a known method, sizes that can be true."""

    @property
    def is_directory(self) -> bool:
        """Whether the name says so, as every reader takes it."""
        return self.name.endswith("/")


_Central = tuple[int, bytes, int, str, int, int, int, int, int]
"""What the central directory says of a member: offset of its local header (first, since they are sorted by it), name as
it is written, flags, name, compressed size, size, crc, method, external attributes."""


class _End(NamedTuple):
    offset: int
    size: int
    members: int


def read_entries(source: Source, limits: Limits, problems: list[str]) -> list[Entry]:
    """Give the members in file order, adding what is wrong with one; raises ArchiveError unless they tile the file."""
    end = _find_end(source)
    if end.members > limits.members:
        raise ArchiveError(f"it has {end.members} members, more than {limits.members}")
    found = _read_central(source.read_at(end.offset, end.size), end.members, problems)
    found.sort()
    entries = _locate(source, found, end.offset)
    for number, entry in enumerate(entries):
        if not (entry[5] == DEFLATED and entry[3] <= _DEFLATE_AT_MOST * entry[2] and entry[3] <= limits.member):
            wrong = _check_sizes(entry, limits)
            if wrong is not None:
                problems.append(wrong)
                entries[number] = entry._replace(sound=False)
    total = sum([entry.size for entry in entries])
    if total > limits.total or (total > limits.modest and total > limits.ratio * source.size):
        raise ArchiveError(f"its members would come to {total} bytes, out of all proportion to its own {source.size}")
    return entries


def _find_end(source: Source) -> _End:
    tail_size = min(source.size, _TOGETHER)
    tail = source.read_at(source.size - tail_size, tail_size)
    position = tail.rfind(b"PK\x05\x06")
    if position < 0 or position + _END.size > len(tail):
        raise ArchiveError(_name_other(source))
    _, disk, first_disk, here, count, size, offset, comment = _END.unpack_from(tail, position)
    beyond = len(tail) - position - _END.size - comment
    if beyond:
        raise ArchiveError(f"{abs(beyond)} bytes {'follow' if beyond > 0 else 'are missing at'} the end of the archive")
    if disk or first_disk or here != count:
        raise ArchiveError("it is one part of an archive in several parts")
    where = source.size - tail_size + position
    return _read_wide_end(source, where, _End(offset, size, count))


def _name_other(source: Source) -> str:
    start = source.read_at(0, min(source.size, 512))
    if start.startswith(b"PK\x03\x04"):
        return "it is cut short: the end of the zip archive is missing"
    if start.lstrip().startswith(b"<"):
        return "it is an HTML or XML page, not a zip archive"
    return "it is not a zip archive"


def _read_wide_end(source: Source, where: int, end: _End) -> _End:
    """Follow a zip64 locator where one stands before the end record; check that nothing stands in between."""
    after = where
    at = where - _LOCATOR.size
    if at >= 0 and source.read_at(at, 4) == b"PK\x06\x07":
        _, disk, wide_at, disks = _LOCATOR.unpack(source.read_at(at, _LOCATOR.size))
        after = at - _END64.size
        if disk or disks > 1 or wide_at != after or after < 0:
            raise ArchiveError("its zip64 locator does not lead to the zip64 end record before it")
        end = _merge_wide_end(source.read_at(after, _END64.size), end)
    if end.offset + end.size != after:
        raise ArchiveError(
            "its central directory does not end where the end record begins, so it is more than one archive"
        )
    return end


def _merge_wide_end(record: bytes, end: _End) -> _End:
    signature, length, _, _, disk, first_disk, here, count, size, offset = _END64.unpack(record)
    if signature != b"PK\x06\x06" or length != _END64.size - 12 or disk or first_disk or here != count:
        raise ArchiveError("its zip64 end record is not one")
    stated = (end.offset in {offset, _WIDE}, end.size in {size, _WIDE}, end.members in {count, _WIDE_COUNT})
    if not all(stated):
        raise ArchiveError("its two end records contradict each other")
    return _End(offset, size, count)


def _read_central(data: bytes, count: int, problems: list[str]) -> list[_Central]:
    found = []
    position = 0
    end = len(data)
    unpack, size_of_head = _CENTRAL.unpack_from, _CENTRAL.size
    for _ in range(count):
        if position + size_of_head > end:
            raise ArchiveError("its central directory is cut short")
        fields = unpack(data, position)
        signature, _, _, flags, method, _, _, crc, compressed, size, named, extended, commented, *last = fields
        if signature != b"PK\x01\x02":
            raise ArchiveError("its central directory holds something else than members")
        name_at = position + size_of_head
        extra_at = name_at + named
        position = extra_at + extended + commented
        if position > end:
            raise ArchiveError("its central directory is cut short")
        disk, _, attributes, offset = last
        if disk:
            raise ArchiveError("it is one part of an archive in several parts")
        raw = data[name_at:extra_at]
        if extended or not raw.isascii() or flags & _CLOSED:
            found.append(_make_central(fields, raw, data[extra_at : extra_at + extended], problems))
        else:
            name = raw.decode("ascii")
            found.append((offset, raw, flags, name, compressed, size, crc, method, attributes))
    if position != end:
        raise ArchiveError("its central directory holds more than the end record counts")
    return found


def _make_central(fields: tuple[int, ...], raw: bytes, extra: bytes, problems: list[str]) -> _Central:
    """Read what few members have: extra fields, names beyond ASCII, encryption."""
    flags, method, crc, compressed, size = fields[3], fields[4], *fields[7:10]
    attributes, offset = fields[15:]
    name = _decode_name(raw, flags, problems)
    if extra:
        extras = _read_extras(extra, name)
        size, compressed, offset = _widen(extras.get(1, b""), (size, compressed, offset), name)
        if extras.get(_SECOND_NAME, _NAME_HEAD + raw)[5:] != raw:
            problems.append(f"{name!r} has a second name in an extra field")
    if flags & _CLOSED:
        problems.append(f"{name!r} is encrypted or a patch")
    return offset, raw, flags, name, compressed, size, crc, method, attributes


def _decode_name(raw: bytes, flags: int, problems: list[str]) -> str:
    try:
        if flags & _UTF8:
            return raw.decode()
        return raw.decode("ascii")  # beyond ASCII readers guess: cp437, latin-1, UTF-8 or the locale's
    except UnicodeDecodeError:
        name = raw.decode("utf-8", "backslashreplace")
        problems.append(f"the member name {name!r} is not UTF-8 that is marked as such")
        return name


def _read_extras(extra: bytes, name: str) -> dict[int, bytes]:
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


def _widen(wide: bytes, values: tuple[int, int, int], name: str) -> tuple[int, int, int]:
    """Replace each saturated value by the next of the zip64 field, as section 4.5.3 orders them."""
    result = []
    position = 0
    for value in values:
        if value == _WIDE and wide:
            if position + 8 > len(wide):
                raise ArchiveError(f"the zip64 field of {name!r} is cut short")
            result.append(int.from_bytes(wide[position : position + 8], "little"))
            position += 8
        else:
            result.append(value)
    return result[0], result[1], result[2]


def _locate(source: Source, found: list[_Central], directory: int) -> list[Entry]:
    """Check every local header against the central directory, and that the members fill the file up to it."""
    borders = [central[0] for central in found]
    borders.append(directory)
    if borders[0]:
        raise ArchiveError("bytes precede the first member")
    read_at, after = source.read_at, borders.__getitem__
    return [_read_local(read_at, central, after(number)) for number, central in enumerate(found, 1)]


def _read_local(read_at: Callable[[int, int], bytes], central: _Central, after: int) -> Entry:
    offset, raw, flags, name, compressed, size, crc, method, attributes = central
    need = _LOCAL.size + len(raw)
    header = read_at(offset, need)
    signature, _, flags_here, method_here, _, _, *sizes, named, extended = _LOCAL.unpack_from(header)
    if signature != b"PK\x03\x04" or named != len(raw) or header[_LOCAL.size :] != raw:
        raise ArchiveError(f"the central directory's {name!r} is not what stands in its place")
    start = offset + need + extended
    end = start + compressed
    if end > after:
        raise ArchiveError(f"{name!r} overlaps another member")
    mode, marked = attributes >> 16, bool(attributes & _DIRECTORY)
    entry = Entry(name, start, compressed, size, crc, method, mode, marked, not flags & _CLOSED)
    same = flags == flags_here and method == method_here and sizes == [crc, compressed, size]
    if same and end == after and not extended and not flags & _DESCRIPTOR:
        return entry
    extra = read_at(offset + need, extended)
    _compare_local(entry, flags, (flags_here, method_here, *sizes), extra)
    if not _fills(read_at(end, min(after - end, 25)), entry, later=bool(flags_here & _DESCRIPTOR)):
        raise ArchiveError(f"bytes that belong to no member follow {name!r}")
    return entry


def _compare_local(entry: Entry, told: int, local: tuple[int, ...], extra: bytes) -> None:
    """Compare a local header that is not word for word what the central directory says; `told` are its flags there."""
    flags, method, crc, compressed, size = local
    if extra and _WIDE in {size, compressed}:
        extras = _read_extras(extra, entry.name)
        size, compressed, _ = _widen(extras.get(1, b""), (size, compressed, 0), entry.name)
    later = bool(flags & _DESCRIPTOR)
    pairs = ((crc, entry.crc), (compressed, entry.compressed), (size, entry.size))
    agrees = all(one == other or (later and one == 0) for one, other in pairs)
    if not agrees or method != entry.method or (flags ^ told) & _SAME_FLAGS:
        raise ArchiveError(f"the local header of {entry.name!r} contradicts the central directory")


def _fills(between: bytes, entry: Entry, *, later: bool) -> bool:
    """Say whether what follows a member's data is nothing, or the one data descriptor that it announced."""
    if not later:
        return not between
    values = (entry.crc, entry.compressed, entry.size)
    forms = ["<IQQ"] if max(values) > _WIDE else ["<III", "<IQQ"]
    bare = [struct.pack(form, *values) for form in forms]
    return between.removeprefix(b"PK\x07\x08") in bare or between in bare


def _check_sizes(entry: Entry, limits: Limits) -> str | None:
    name = entry.name
    if entry.method not in {STORED, DEFLATED}:
        return f"{name!r} is compressed by method {entry.method}; wheels use stored and deflated"
    if entry.size > limits.member:
        return f"{name!r} would come to {entry.size} bytes, more than {limits.member}"
    if entry.method == STORED and entry.size != entry.compressed:
        return f"{name!r} is stored, but its two sizes differ"
    if entry.method == DEFLATED and entry.size > _DEFLATE_AT_MOST * entry.compressed:
        return f"{name!r} states a size that {entry.compressed} bytes cannot inflate to"
    return None
