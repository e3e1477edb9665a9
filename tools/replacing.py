"""Show that a reader of readers.py can find what it looks for: a bad writer is caught, a good one is not."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from programs import scratch
from readers import Reader, Seen

CONTENTS = (b"# the one\n" * 2000, b"# the other, which is longer\n" * 3000)
WRITES = 3000


def rewrite_in_place(path: str, content: bytes) -> None:
    """Unlink and write in two parts: what uv and pip do, told slowly."""
    os.unlink(path)
    with open(path, "wb", buffering=0) as file:
        file.write(content[: len(content) // 2])
        file.write(content[len(content) // 2 :])


def rename_over(path: str, content: bytes) -> None:
    """Write a whole file beside and rename it over: what a reader never notices."""
    with open(path + ".new", "wb") as file:
        file.write(content)
    os.replace(path + ".new", path)


def watch(directory: str, write: Callable[[str, bytes], None]) -> Seen:
    """Let a writer work under a reader's eyes."""
    path = os.path.join(directory, "shared.py")
    rename_over(path, CONTENTS[0])
    with Reader(path, CONTENTS, there=True) as reader:
        for number in range(WRITES):
            write(path, CONTENTS[number % 2])
    return reader.seen


def self_test() -> int:
    """Give 0 when the reader finds torn and missing reads on the bad writer and none on the good one."""
    with scratch("selftest") as directory:
        bad, good = watch(directory, rewrite_in_place), watch(directory, rename_over)
    print(f"unlink and rewrite: {bad.reads} reads, {bad.torn} torn, {bad.missing} missing (both must be found)")
    print(f"rename over:        {good.reads} reads, {good.torn} torn, {good.missing} missing (neither may be)")
    return 0 if bad.torn and bad.missing and not good.torn and not good.missing else 1


if __name__ == "__main__":
    sys.exit(self_test())
