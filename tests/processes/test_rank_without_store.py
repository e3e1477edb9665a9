"""A new rank for what is installed needs nothing but what is installed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from rooms import Room


@pytest.mark.parametrize("tool", ["pip", "uv", "lugnut"])
def test_a_rank_is_given_whoever_installed_and_whatever_the_store_has_lost(tmp_path: Path, tool: str) -> None:
    room = Room(tmp_path)
    files = {"s/a.py": "A = 'low'\n", "low.py": "", "low-1.0.data/scripts/low": "#!/bin/sh\n"}
    low = room.wheel("low", "1.0", files, executables=["low-1.0.data/scripts/low"])
    top = room.wheel("top", "1.0", {"s/a.py": "A = 'top'\n", "top.py": ""})
    install = {"pip": room.pip_install, "uv": room.uv_install, "lugnut": lambda wheel: room.do("install", wheel)}[tool]
    install(top)
    install(low)
    shutil.rmtree(room.cache, ignore_errors=True)
    room.do("install", "--overlay", "low")
    assert room.read("s/a.py") == "A = 'low'\n"
    shadowed = [] if tool == "lugnut" else [finding for finding in room.findings() if "of top" in finding]
    assert room.findings() == shadowed  # what pip and uv overwrote is nowhere
    room.do("install", "--overlay", "low=0")
    if tool == "lugnut":
        assert room.read("s/a.py") == "A = 'top'\n"
        assert room.findings() == []
    assert "altered" not in room.do("uninstall", "low").err
    assert not (room.site / "low.py").exists()
    assert room.set_aside() == {}
