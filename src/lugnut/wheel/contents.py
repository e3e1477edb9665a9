"""Reads all that a wheel says before its files are unpacked, and compares what it says in several places.

Goes on after a problem as long as there is something to look at, so that one error can list all of them; only then
is the members' content compared with RECORD here too, otherwise that happens while they are unpacked.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterable, Iterator

from lugnut.distribution import EntryPoint
from lugnut.typed import NamedTuple
from lugnut.wheel.archive import Entry, read_entries
from lugnut.wheel.inflation import inflate, stream
from lugnut.wheel.layout import UNHASHED, Layout, find_dist_info, lay_out
from lugnut.wheel.metadata import Metadata, Title, parse_entry_points, parse_metadata, parse_title, parse_wheel
from lugnut.wheel.names import find_clashes, find_wrong_names
from lugnut.wheel.record import HASHES, Promise, compare, read_promises
from lugnut.wheel.source import ArchiveError, Limits, Source


class Contents(NamedTuple):
    """A wheel whose parts agree; the content of its members is not looked at yet."""

    title: Title
    entries: dict[str, Entry]
    """The regular files by archive path."""
    layout: Layout
    purelib: bool
    metadata: Metadata
    entry_points: tuple[EntryPoint, ...]
    promises: dict[str, Promise]


def read_contents(source: Source, filename: str, limits: Limits, problems: list[str]) -> Contents | None:
    """Read a wheel and add what is wrong with it; None where anything is."""
    title = parse_title(filename, problems)
    entries = _read_files(source, limits, problems)
    if entries is None:
        return None
    dist_info = find_dist_info(entries, title, problems)
    if dist_info is None:
        return None
    texts = _Texts(source, entries, dist_info, limits, problems)
    about, described = texts.read("WHEEL"), texts.read("METADATA")
    purelib = about is None or parse_wheel(about, title, problems)
    metadata = None if described is None else parse_metadata(described, title, problems)
    points = parse_entry_points(texts.read("entry_points.txt", needed=False) or b"", problems)
    layout = lay_out(list(entries), dist_info, "purelib" if purelib else "platlib", title, problems)
    promises = _read_promises(texts.read("RECORD"), dist_info, entries, problems)
    if problems:
        check_contents(source, entries, promises, problems)
    if problems or title is None or metadata is None:
        return None
    return Contents(title, entries, layout, purelib, metadata, points, promises)


def _read_promises(
    record: bytes | None, dist_info: str, entries: dict[str, Entry], problems: list[str]
) -> dict[str, Promise]:
    if record is None:
        return {}
    promises = read_promises(record, f"{dist_info}/RECORD", problems)
    exempt = {f"{dist_info}/{name}" for name in UNHASHED}
    problems += compare(promises, {name: entry.size for name, entry in entries.items()}, exempt)
    return promises


def _read_files(source: Source, limits: Limits, problems: list[str]) -> dict[str, Entry] | None:
    try:
        found = read_entries(source, limits, problems)
    except ArchiveError as error:
        problems.append(str(error))
        return None
    problems += find_wrong_names(found, limits)
    directories = [entry.name for entry in found if entry.name.endswith("/")]
    files = [entry for entry in found if not entry.name.endswith("/")] if directories else found
    problems += find_clashes([entry.name for entry in files], directories)
    return {entry.name: entry for entry in files}


class _Texts:
    """The files of the dist-info that are read before anything else; None where one is missing or damaged."""

    def __init__(
        self, source: Source, entries: dict[str, Entry], dist_info: str, limits: Limits, problems: list[str]
    ) -> None:
        self._source = source
        self._entries = entries
        self._dist_info = dist_info
        self._limits = limits
        self._problems = problems

    def read(self, name: str, *, needed: bool = True) -> bytes | None:
        entry = self._entries.get(f"{self._dist_info}/{name}")
        if entry is None:
            if needed:
                self._problems.append(f"{self._dist_info} has no {name}")
            return None
        if entry.size > self._limits.text:
            self._problems.append(f"{entry.name!r} would come to {entry.size} bytes, more than {self._limits.text}")
        elif entry.sound:
            return self._inflate(entry)
        return None

    def _inflate(self, entry: Entry) -> bytes | None:
        try:
            content = inflate(self._source, entry)
        except ArchiveError as error:
            self._problems.append(str(error))
            return None
        if binascii.crc32(content) != entry.crc:  # RECORD has no hash of its own
            self._problems.append(f"{entry.name!r} does not have the checksum that the archive states")
        return content


def check_contents(
    source: Source, entries: dict[str, Entry], promises: dict[str, Promise], problems: list[str]
) -> None:
    """Compare the content of every promised member that can be read with what is promised."""
    for name, promise in promises.items():
        entry = entries.get(name)
        if entry is not None and entry.sound:
            for _ in check_pieces(stream(source, entry), entry, promise, problems):
                pass


def check_pieces(pieces: Iterable[bytes], entry: Entry, promise: Promise, problems: list[str]) -> Iterator[bytes]:
    """Pass a member's content on, and add a problem at its end if it is not what was promised."""
    state = HASHES[promise.algorithm]()
    try:
        for piece in pieces:
            state.update(piece)
            yield piece
    except ArchiveError as error:
        problems.append(str(error))
        return
    if state.digest() != promise.digest:
        problems.append(f"{entry.name!r} does not have the hash that RECORD states")
