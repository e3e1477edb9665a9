"""The package index that everybody uses, once: what loopback cannot show. Skipped where it is out of reach."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from programs import find_program, run
from rooms import Room

OUT_OF_REACH = (
    "Failed to fetch",
    "could not be downloaded",
    "could not resolve",
    "was not found",
    "no set of versions",
)
SETTINGS = ("PIP_CONFIG_FILE", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL")
"""A machine behind a mirror says so by these."""


@pytest.mark.parametrize("resolver", ["uv", "pip"])
def test_a_small_distribution_comes_from_the_real_index(tmp_path: Path, resolver: str) -> None:
    room = Room(tmp_path)
    for name in ("LUGNUT_NO_INDEX", "UV_OFFLINE"):
        room.environ.pop(name)
    room.environ |= {name: os.environ[name] for name in SETTINGS if name in os.environ}
    ran = room.lugnut("install", "--resolver", resolver, "--only-binary", ":all:", "markdown-it-py>=3")
    if ran.code != 0 and any(words in ran.err for words in OUT_OF_REACH):
        pytest.skip(f"the real index is out of reach: {ran.err.splitlines()[0]}")
    assert ran.code == 0, ran.err
    listed = json.loads(run([find_program("lugnut"), "list", "--python", str(room.prefix), "--json"], room.environ).out)
    assert {one["name"] for one in listed["installed"]} == {"markdown-it-py", "mdurl"}
    assert room.findings() == []
