"""Another rank for what is installed touches no content it cannot give back, and needs only what is installed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

import lugnut
from rooms import Room
from wheels import make_wheel


class Target:
    """A directory to install into, with `low` and, shown over it, `top`; they share s/a.py."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.site = root / "target"
        low = make_wheel(str(root), "low", "1", {"s/a.py": "A = 'low'\n", "low.py": "L = 1\n"})
        self.install([low, make_wheel(str(root), "top", "1", {"s/a.py": "A = 'top'\n"})])

    def install(self, what: list[str], **options: Any) -> Any:
        chosen = {"target": str(self.site), "cache_dir": str(self.root / "cache"), **options}
        return lugnut.install(what, **chosen)

    def rank(self, **options: Any) -> Any:
        return self.install([], overlay={"low": 1}, **options)

    def remove_top(self) -> Any:
        return lugnut.uninstall(["top"], target=str(self.site), cache_dir=str(self.root / "cache"))

    def lose_kept(self) -> None:
        for file in (self.site / ".lugnut" / "kept" / "low").iterdir():
            file.unlink()


@pytest.fixture
def target(tmp_path: Path) -> Target:
    return Target(tmp_path)


def test_an_edited_file_stays_where_it_is(target: Target) -> None:
    edited = target.site / "low.py"
    edited.unlink()
    edited.write_text("edited by hand\n", encoding="utf-8")
    target.rank()
    assert edited.exists()
    assert edited.read_text(encoding="utf-8") == "edited by hand\n"


def test_bytes_that_are_all_that_is_left_stay_when_the_rank_comes_last(target: Target) -> None:
    _lost(target, rank_first=False)


def test_bytes_that_are_all_that_is_left_stay_when_the_rank_comes_first(target: Target) -> None:
    _lost(target, rank_first=True)


def _lost(target: Target, *, rank_first: bool) -> None:
    target.lose_kept()
    for act in (target.rank, target.remove_top) if rank_first else (target.remove_top, target.rank):
        act()
    assert (target.site / "s" / "a.py").exists()


def test_the_store_is_not_needed(target: Target, tmp_path: Path) -> None:
    target.rank(cache_dir=str(tmp_path / "another"))
    assert (target.site / "s" / "a.py").read_text(encoding="utf-8") == "A = 'low'\n"


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
