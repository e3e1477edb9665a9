"""The floor beneath an install: what the kernel, and inflating, cost by themselves.

Warm, it is `cp -al` of the wheels' unpacked trees into a fresh environment: a C program that makes the same directories
and the same links, and decides nothing. Cold, it is this program, which inflates every member and writes it, with one
process for each processor; it hashes nothing, checks nothing and knows no paths but those in the archives.

    python -I -S tools/floor.py DIRECTORY WHEEL...
"""

from __future__ import annotations

import os
import struct
import sys
import zlib

DEFLATED = 8
END = struct.Struct("<4s4H2LH")
ENTRY = struct.Struct("<4s6H3L5H2L")
LOCAL = 30
"""Bytes of a local header before the name."""

Piece = tuple[str, int, int, int, str]
"""Archive, offset of the local header, compressed size, method, name."""


def read_directory(wheel: str) -> list[Piece]:
    """Read a wheel's central directory; archives of under 4 GB whose end has no comment."""
    size = os.path.getsize(wheel)
    with open(wheel, "rb") as file:
        file.seek(size - END.size)
        *_, length, offset, _ = END.unpack(file.read(END.size))
        file.seek(offset)
        data = file.read(length)
    pieces, at = [], 0
    while at < len(data):
        entry = ENTRY.unpack_from(data, at)
        method, packed, first = entry[4], entry[8], entry[16]
        above, extra, comment = entry[10:13]
        at += ENTRY.size
        name = data[at : at + above].decode()
        at += above + extra + comment
        if not name.endswith("/"):
            pieces.append((wheel, first, packed, method, name))
    return pieces


def share_out(wheels: list[list[Piece]], count: int) -> list[list[Piece]]:
    """Spread pieces over processes by their size: wheel by wheel, but those of huge ones one by one."""
    total = sum(piece[2] for pieces in wheels for piece in pieces)
    lots: list[list[Piece]] = []
    for pieces in wheels:
        huge = sum(piece[2] for piece in pieces) > total / count / 4
        lots += [[piece] for piece in pieces] if huge else [pieces]
    shares: list[list[Piece]] = [[] for _ in range(count)]
    loads = [0] * count
    for lot in sorted(lots, key=lambda one: sum(piece[2] for piece in one), reverse=True):
        least = loads.index(min(loads))
        shares[least] += lot
        loads[least] += sum(piece[2] + 4096 for piece in lot)
    return shares


def write_all(pieces: list[Piece], directory: str) -> None:
    """Inflate and write."""
    if sys.platform == "win32":
        raise NotImplementedError("campaigns run on POSIX")
    opened: dict[str, int] = {}
    made: set[str] = set()
    for wheel, offset, packed, method, name in pieces:
        if wheel not in opened:
            opened[wheel] = os.open(wheel, os.O_RDONLY)
        head = os.pread(opened[wheel], LOCAL, offset)
        skipped = LOCAL + int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
        data = os.pread(opened[wheel], packed, offset + skipped)
        if method == DEFLATED:
            data = zlib.decompress(data, -15)
        path = f"{directory}/{name}"
        parent = os.path.dirname(path)
        if parent not in made:
            os.makedirs(parent, exist_ok=True)
            made.add(parent)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        os.close(descriptor)


def main(directory: str, wheels: list[str]) -> int:
    """Spread the work and wait for it."""
    if sys.platform == "win32":
        raise NotImplementedError("campaigns run on POSIX")
    count = len(os.sched_getaffinity(0))
    shares = share_out([read_directory(wheel) for wheel in wheels], count)
    children = []
    for share in shares[1:]:
        pid = os.fork()
        if pid == 0:
            try:
                write_all(share, directory)
                os._exit(0)
            finally:
                os._exit(1)
        children.append(pid)
    write_all(shares[0], directory)
    return max([os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children], default=0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
