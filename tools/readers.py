"""Hammer a file while others write it, and count what no reader should ever see.

A reader is a process of its own that opens, reads and judges the file over and over until it is told to stop:
*torn* is content that is none of the whole contents the file may have (an empty file is torn unless one of them is
empty), *missing* is the file's absence after it has been seen once. `python tools/races.py --self-test` shows that a
reader does find both on a deliberate unlink-and-rewrite, and neither where a whole file is renamed over the old one.
"""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Collection
from types import TracebackType
from typing import NamedTuple, Self

from trees import digest_bytes


class Seen(NamedTuple):
    """What one reader met."""

    reads: int
    torn: int
    missing: int

    def plus(self, other: Seen) -> Seen:
        """Add what another reader met."""
        return Seen(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


NOTHING = Seen(0, 0, 0)


class Reader:
    """A process that reads one path until the block ends; `seen` then says what it met."""

    def __init__(self, path: str, whole: Collection[bytes], *, there: bool = False) -> None:
        """Say which file, which contents are whole, and whether it stands there from the beginning."""
        self.path = path
        self.digests = sorted({digest_bytes(content) for content in whole})
        self.there = there
        self.seen = NOTHING

    def __enter__(self) -> Self:
        """Start reading; returns once the reader is at it."""
        self.process = subprocess.Popen(
            [sys.executable, os.path.abspath(__file__)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        job = {"path": self.path, "digests": self.digests, "there": self.there, "parent": os.getpid()}
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        self.process.stdout.readline()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Stop reading and take the counts."""
        out, _ = self.process.communicate("stop\n")
        if self.process.returncode == 0:
            self.seen = Seen(*json.loads(out))
        elif kind is None:
            raise RuntimeError(f"the reader of {self.path} died with {self.process.returncode}")


def hammer(path: str, digests: frozenset[str], *, there: bool, stop: int) -> Seen:
    """Read until the descriptor `stop` has something to say."""
    if sys.platform == "win32":
        raise NotImplementedError("campaigns run on POSIX")
    os.set_blocking(stop, False)
    reads = torn = missing = 0
    while True:
        content = read_whole(path)
        reads += 1
        if content is not None:
            there = True
            torn += digest_bytes(content) not in digests
        elif there:
            missing += 1
        if reads % 16 == 0 and _has_word(stop):
            return Seen(reads, torn, missing)


def read_whole(path: str) -> bytes | None:
    """Read as an import does: one open, read to the end; None where there is no file, or only one that is gone."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError as error:
        if error.errno not in {errno.ENOENT, errno.ENOTDIR, errno.ESTALE}:
            raise
        return None
    try:
        parts = []
        while part := os.read(descriptor, 1 << 20):
            parts.append(part)
        return b"".join(parts)
    finally:
        os.close(descriptor)


def _has_word(descriptor: int) -> bool:
    try:
        os.read(descriptor, 64)  # EOF counts: the parent is gone
    except BlockingIOError:
        return False
    return True


def main() -> None:
    """Be the reader's process: one line of JSON in, `ready` out, the counts out at the end."""
    job = json.loads(_read_line(0))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    seen = hammer(job["path"], frozenset(job["digests"]), there=job["there"], stop=0)
    sys.stdout.write(json.dumps(seen) + "\n")


def _read_line(descriptor: int) -> bytes:
    line = b""
    while not line.endswith(b"\n"):  # byte by byte: what follows belongs to `_has_word`
        byte = os.read(descriptor, 1)
        if not byte:
            raise EOFError("no job")
        line += byte
    return line


if __name__ == "__main__":
    main()
