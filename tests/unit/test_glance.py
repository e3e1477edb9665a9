"""A glance at what is installed: who lacks a RECORD that says what he owns is not taken for installed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rooms import Room


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def install(room: Room) -> tuple[str, Path]:
    wheel = room.wheel("pkg", "1.0", {"pkg/__init__.py": "V = 1\n"})
    room.do("install", wheel)
    return wheel, room.site / "pkg-1.0.dist-info"


def is_a_no_op(room: Room, wheel: str) -> bool:
    return "Nothing to do" in room.do("install", wheel).err


def test_an_intact_one_is_installed(room: Room) -> None:
    wheel, _ = install(room)
    assert is_a_no_op(room, wheel)


def test_a_record_that_others_wrote_is_one(room: Room) -> None:
    wheel, place = install(room)
    text = (place / "RECORD").read_text()
    (place / "RECORD").write_text("".join(sorted(text.splitlines(keepends=True))))
    assert is_a_no_op(room, wheel)


@pytest.mark.parametrize(
    "data",
    [
        b"pkg/__init__.py,sha256=",
        b'"pkg',
        b"a,b,c,d,e\n",
        b"pkg-1.0.dist-info/RECORD,,\na,sha256=x,many\n",
        b'pkg-1.0.dist-info/RECORD,,\n"a,',
        b"pkg/\xff,,\n",
        None,
    ],
)
def test_a_torn_or_missing_record_is_none(room: Room, data: bytes | None) -> None:
    """Whatever time it has: what is not known to be there is not said to be there."""
    wheel, place = install(room)
    before = os.stat(place / "RECORD")
    if data is None:
        (place / "RECORD").unlink()
    else:
        (place / "RECORD").write_bytes(data)
        os.utime(place / "RECORD", ns=(before.st_atime_ns, before.st_mtime_ns))
    ran = room.lugnut("install", wheel)
    assert ran.code == 1
    assert "pkg 1.0 has no readable RECORD in pkg-1.0.dist-info" in ran.err


def test_a_record_that_ends_within_a_row_is_none(room: Room) -> None:
    wheel, place = install(room)
    whole = (place / "RECORD").read_bytes()
    cut = whole.index(b"pkg/__init__.py,") + 20
    (place / "RECORD").write_bytes(whole[:cut] + b",")
    assert b"/RECORD," in whole[:cut]
    assert not is_a_no_op(room, wheel)
    assert room.findings() == []


@pytest.mark.parametrize("rows", [0, 1])
def test_a_record_that_does_not_name_itself_is_none(room: Room, rows: int) -> None:
    """A power cut leaves files without bytes, or without their end."""
    wheel, place = install(room)
    whole = (place / "RECORD").read_bytes().splitlines(keepends=True)
    (place / "RECORD").write_bytes(b"".join(whole[:rows]))
    assert not is_a_no_op(room, wheel)
    assert room.findings() == []


def test_the_request_that_another_s_need_was_not_is_noted(room: Room) -> None:
    """REQUESTED is looked at (PEP 376): who is asked for by name after he came along is requested from then on."""
    wheel, place = install(room)
    (place / "REQUESTED").unlink()
    room.do("install", wheel)
    assert (place / "REQUESTED").exists()
