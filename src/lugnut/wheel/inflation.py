"""Turns a member's bytes in the archive into its content: at once or in pieces, never more than it states.

A stream is believed only where it comes to exactly the stated size, ends there, and leaves no byte over: sizes that lie
are how an archive shows different content to different readers, or fills a disk (TRAPS 28, 32).

zlib-ng does it where it is installed (the extra `fast`), 1.6 to 2 times as fast as zlib. It is zlib's own code made
faster, gives the same verdict on every stream, right or wrong, and tells where a stream ends, so no wheel is accepted
on one machine and refused on another. libdeflate is half as fast again, and ISA-L a fifth, but both take code tables
that zlib refuses, and libdeflate takes bytes after the end as well (TRAPS 37) and cannot read a member in pieces.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator

from lugnut.typed import Any, NamedTuple
from lugnut.wheel.archive import STORED, Entry
from lugnut.wheel.source import ArchiveError, Source

_RAW = -15


class Engine(NamedTuple):
    """What inflates: zlib's `decompressobj`, or another with its ways, and what that raises."""

    decompressobj: Callable[[int], Any]
    error: type[Exception]


def load_plain() -> Engine:
    """Give zlib, which is always there."""
    import zlib

    return Engine(zlib.decompressobj, zlib.error)


def load_fast() -> Engine:
    """Give zlib-ng; raises ImportError where it is not installed."""
    from zlib_ng import zlib_ng

    return Engine(zlib_ng.decompressobj, zlib_ng.error)  # type: ignore[arg-type] # their stub has an instance


@functools.cache
def find_engine() -> Engine:
    """Give the fastest that is there; loaded when it is first needed, since most runs inflate nothing."""
    try:
        return load_fast()
    except ImportError:
        return load_plain()


def inflate(source: Source, entry: Entry) -> bytes:
    """Give a whole member; raises ArchiveError unless its data comes to exactly the stated size."""
    data = source.read_at(entry.start, entry.compressed)
    if entry.method == STORED:
        return data
    decompressobj, error = find_engine()
    inflater = decompressobj(_RAW)
    try:
        content: bytes = inflater.decompress(data, entry.size + 1)
    except error as wrong:
        raise ArchiveError(f"{entry.name!r} cannot be inflated: {wrong}") from None
    if len(content) != entry.size or not inflater.eof or inflater.unused_data:
        raise _dishonest(entry)
    return content


def stream(source: Source, entry: Entry, step: int = 1 << 18) -> Iterator[bytes]:
    """Give a member in pieces of at most `step` bytes; raises ArchiveError as soon as it is not what is stated."""
    pieces = _read_steps(source, entry, step)
    if entry.method != STORED:
        pieces = _inflate_steps(pieces, entry, step)
    left = entry.size
    for piece in pieces:
        left -= len(piece)
        if left < 0:
            raise _dishonest(entry)
        yield piece
    if left:
        raise _dishonest(entry)


def _read_steps(source: Source, entry: Entry, step: int) -> Iterator[bytes]:
    end = entry.start + entry.compressed
    for position in range(entry.start, end, step):
        yield source.read_at(position, min(step, end - position))


def _inflate_steps(pieces: Iterator[bytes], entry: Entry, step: int) -> Iterator[bytes]:
    decompressobj, error = find_engine()
    inflater = decompressobj(_RAW)
    try:
        for data in pieces:
            pending = data
            while pending and not inflater.eof:  # after its end it keeps handing back what it was given
                yield inflater.decompress(pending, step)
                pending = inflater.unconsumed_tail
            if inflater.unused_data or pending:
                raise _dishonest(entry)
        while not inflater.eof and (rest := inflater.decompress(b"", step)):
            yield rest
    except error as wrong:
        raise ArchiveError(f"{entry.name!r} cannot be inflated: {wrong}") from None
    if not inflater.eof:
        raise _dishonest(entry)


def head(source: Source, entry: Entry, length: int) -> bytes:
    """Give the first bytes of a member, fewer where it is shorter or damaged."""
    length = min(length, entry.size)
    if entry.method == STORED or not length:
        return source.read_at(entry.start, min(length, entry.compressed))
    decompressobj, error = find_engine()
    data = source.read_at(entry.start, min(4096, entry.compressed))
    try:
        return bytes(decompressobj(_RAW).decompress(data, length))
    except error:
        return b""


def _dishonest(entry: Entry) -> ArchiveError:
    return ArchiveError(f"{entry.name!r} does not inflate to exactly the {entry.size} bytes it states")
