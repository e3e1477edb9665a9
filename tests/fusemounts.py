"""One directory mounted by FUSE (bindfs) as often as wanted.

Each mount locks by itself; and what is open is renamed when it is unlinked, as on NFS.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

FRESH = "entry_timeout=0,attr_timeout=0,negative_timeout=0"
"""What one mount changes is seen by the others at once."""


@contextlib.contextmanager
def lend_mounts(above: Path, *names: str) -> Iterator[list[str]]:
    """Mount `above/real` under each name for as long as the block lasts; skips where that cannot be."""
    if shutil.which("bindfs") is None or shutil.which("fusermount3") is None or not os.path.exists("/dev/fuse"):
        pytest.skip("there is no bindfs, or no FUSE, to mount a directory with")
    (above / "real").mkdir()
    with contextlib.ExitStack() as stack:
        places = [str(above / name) for name in names]
        for place in places:
            os.mkdir(place)
            command = ["bindfs", "-o", FRESH, str(above / "real"), place]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                pytest.skip(f"bindfs cannot mount here: {done.stderr.strip()}")
            stack.callback(subprocess.run, ["fusermount3", "-uz", place], check=True)
        yield places
