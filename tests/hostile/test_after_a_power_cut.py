"""What a power cut leaves of files that nobody synced, no bytes or zeros, is found, said, and mended (TRAPS 19)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rooms import Room

LEFT = pytest.mark.parametrize("left", [b"", b"\0" * 99], ids=["none", "zeros"])


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


@pytest.fixture
def wheel(room: Room) -> str:
    path = room.wheel("pkg", "1.0", {"pkg/__init__.py": "V = 1\n"})
    room.do("install", path)
    return path


@LEFT
@pytest.mark.parametrize("words", [["check"], ["install", "{wheel}"], ["install", "--reinstall", "{wheel}"]])
def test_a_blank_format_says_nothing(room: Room, wheel: str, left: bytes, words: list[str]) -> None:
    (room.site / ".lugnut" / "format").write_bytes(left)
    room.do(*(word.format(wheel=wheel) for word in words))
    assert room.findings() == []


@LEFT
def test_a_blank_format_is_written_again_by_the_next_change(room: Room, wheel: str, left: bytes) -> None:
    (room.site / ".lugnut" / "format").write_bytes(left)
    room.do("install", "--reinstall", wheel)
    assert (room.site / ".lugnut" / "format").read_bytes() == b"1\n"


@LEFT
def test_a_blank_format_of_the_store_is_written_again(room: Room, wheel: str, left: bytes) -> None:
    (room.cache / "store" / "format").write_bytes(left)
    room.do("install", "--reinstall", wheel)
    assert (room.cache / "store" / "format").read_bytes() == b"1\n"


@LEFT
def test_a_distribution_of_which_nothing_is_left_is_found(room: Room, wheel: str, left: bytes) -> None:
    """Though its RECORD names nothing that could be missing."""
    blank(room, left)
    ran = room.lugnut("check")
    assert (ran.code, "pkg 1.0 has" in ran.out + ran.err) == (1, True)
    refused = room.lugnut("install", wheel)
    assert refused.code == 1
    assert "--force" in refused.err
    room.do("install", "--force", wheel)
    assert room.findings() == []


@LEFT
def test_a_distribution_of_which_nothing_is_left_is_not_removed_without_its_files(
    room: Room, wheel: str, left: bytes
) -> None:
    assert wheel
    blank(room, left)
    ran = room.lugnut("uninstall", "pkg")
    assert ran.code == 1
    assert "pkg 1.0 has no readable RECORD" in ran.err
    assert (room.site / "pkg-1.0.dist-info").is_dir()
    room.do("uninstall", "--force", "pkg")
    assert not (room.site / "pkg-1.0.dist-info").exists()


def blank(room: Room, left: bytes) -> None:
    """Leave the names of a distribution, and nothing in its files."""
    for place in (room.site / "pkg", room.site / "pkg-1.0.dist-info"):
        for path in place.iterdir():
            os.unlink(path)  # not the store's
            path.write_bytes(left)
