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
from lugnut.wheel.central import CLOSED, DESCRIPTOR, UTF8, WIDE, Central, read_central, read_extras, widen
from lugnut.wheel.source import ArchiveError, Limits, Source

STORED, DEFLATED = 0, 8
_DIRECTORY = 0x10
_SAME_FLAGS = CLOSED | DESCRIPTOR | UTF8
_WIDE_COUNT = 0xFFFF
_DEFLATE_AT_MOST = 1032
"""Deflate cannot expand beyond this: a stated size above it is a lie."""

_END = struct.Struct("<4sHHHHIIH")
_END64 = struct.Struct("<4sQHHIIQQQQ")
_LOCATOR = struct.Struct("<4sIQI")
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


class _End(NamedTuple):
    offset: int
    size: int
    members: int


def read_entries(source: Source, limits: Limits, problems: list[str]) -> list[Entry]:
    """Give the members in file order, adding what is wrong with one; raises ArchiveError unless they tile the file."""
    end = _find_end(source)
    if end.members > limits.members:
        raise ArchiveError(f"it has {end.members} members, more than {limits.members}")
    found = read_central(source.read_at(end.offset, end.size), end.members, problems)
    found.sort()
    entries = _locate(source, found, end.offset)
    for number, entry in enumerate(entries):
        if not (entry[5] == DEFLATED and entry[3] <= _DEFLATE_AT_MOST * entry[2] and entry[3] <= limits.member):
            wrong = _check_sizes(entry, limits)
            if wrong is not None:
                problems.append(wrong)
                entries[number] = entry._replace(sound=False)
    total = sum([entry[3] for entry in entries])
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
    stated = (end.offset in {offset, WIDE}, end.size in {size, WIDE}, end.members in {count, _WIDE_COUNT})
    if not all(stated):
        raise ArchiveError("its two end records contradict each other")
    return _End(offset, size, count)


def _locate(source: Source, found: list[Central], directory: int) -> list[Entry]:
    """Check every local header against the central directory, and that the members fill the file up to it."""
    borders = [central[0] for central in found]
    borders.append(directory)
    if borders[0]:
        raise ArchiveError("bytes precede the first member")
    entries: list[Entry] = []
    read_at, add, make = source.read_at, entries.append, tuple.__new__
    for central, after in zip(found, borders[1:], strict=True):
        offset, _, local, _, name, compressed, size, crc, method, attributes = central
        start = offset + len(local)
        if local and start + compressed == after and read_at(offset, len(local)) == local:
            mode, marked = attributes >> 16, attributes & _DIRECTORY != 0
            add(make(Entry, (name, start, compressed, size, crc, method, mode, marked, True)))
        else:
            add(_read_local(read_at, central, after))
    return entries


def _read_local(read_at: Callable[[int, int], bytes], central: Central, after: int) -> Entry:
    offset, raw, _, flags, name, compressed, size, crc, method, attributes = central
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
    entry = Entry(name, start, compressed, size, crc, method, mode, marked, not flags & CLOSED)
    extra = read_at(offset + need, extended)
    _compare_local(entry, flags, (flags_here, method_here, *sizes), extra)
    if not _fills(read_at(end, min(after - end, 25)), entry, later=bool(flags_here & DESCRIPTOR)):
        raise ArchiveError(f"bytes that belong to no member follow {name!r}")
    return entry


def _compare_local(entry: Entry, told: int, local: tuple[int, ...], extra: bytes) -> None:
    """Compare a local header that is not word for word what the central directory says; `told` are its flags there."""
    flags, method, crc, compressed, size = local
    if extra and WIDE in {size, compressed}:
        extras = read_extras(extra, entry.name)
        size, compressed, _ = widen(extras.get(1, b""), (size, compressed, 0), entry.name)
    later = bool(flags & DESCRIPTOR)
    pairs = ((crc, entry.crc), (compressed, entry.compressed), (size, entry.size))
    agrees = all(one == other or (later and one == 0) for one, other in pairs)
    if not agrees or method != entry.method or (flags ^ told) & _SAME_FLAGS:
        raise ArchiveError(f"the local header of {entry.name!r} contradicts the central directory")


def _fills(between: bytes, entry: Entry, *, later: bool) -> bool:
    """Say whether what follows a member's data is nothing, or the one data descriptor that it announced."""
    if not later:
        return not between
    values = (entry.crc, entry.compressed, entry.size)
    forms = ["<IQQ"] if max(values) > WIDE else ["<III", "<IQQ"]
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
