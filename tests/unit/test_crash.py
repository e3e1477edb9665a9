"""tools/crash.py: which points there are, who takes them, and that what is put back is what was kept."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from points import BYTES, CHANGE, LOCK, LOOK, OPEN, ROOM, Point, Share, can_fail, list_ways, unite
from restoring import Kept, digest

IDENTITY = "18ec2bc363127ab7-2f33e57b"


# --- points -----------------------------------------------------------------------------------------------------------


def test_a_call_fails_with_what_it_may_fail_with() -> None:
    assert can_fail(CHANGE | ROOM, "ENOSPC")
    assert not can_fail(LOOK, "ENOSPC")
    assert can_fail(LOCK, "ENOLCK")
    assert not can_fail(OPEN, "ENOLCK")
    assert can_fail(LOOK, "EIO")
    assert not can_fail(LOOK | BYTES, "EACCES")


@pytest.mark.parametrize("every", [1, 3, 13])
@pytest.mark.parametrize("parts", [1, 2, 3])
def test_all_offsets_and_parts_together_are_every_call_once(every: int, parts: int) -> None:
    shares = [Share(every, offset, part, parts) for offset in range(every) for part in range(parts)]
    for process in range(4):
        for call in range(1, 100):
            for shift in (0, 0xDEADBEEF):
                assert sum(share.takes(process, call, shift) for share in shares) == 1


def test_a_thin_slice_meets_every_process() -> None:
    share = Share(40)
    for process in range(4):
        assert any(share.takes(process, call) for call in range(1, 50))


def test_ways_are_chosen_by_how_they_begin_and_eintr_comes_once_only() -> None:
    assert list_ways(["kill", "group"]) == [("kill", ""), ("group", "")]
    assert list_ways(["*EINTR"]) == [("once", "EINTR")]
    assert len(list_ways(["*"])) == 2 + 9 + 8


def test_calls_that_any_run_made_are_united() -> None:
    first = [Point(0, 1, "open", OPEN, "a"), Point(1, 1, "stat", LOOK, "b")]
    second = [Point(0, 1, "open", OPEN, "a"), Point(1, 2, "stat", LOOK, "c")]
    assert [(one.process, one.call) for one in unite([first, second])] == [(0, 1), (1, 1), (1, 2)]


# --- what was there ---------------------------------------------------------------------------------------------------


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    root = tmp_path / "root"
    (root / "d" / "e").mkdir(parents=True)
    (root / "d" / "f").write_text("f")
    (root / "d" / "g").write_text("g")
    os.link(root / "d" / "g", root / "h")
    (root / "l").symlink_to("d/f")
    return Kept([str(root)], str(tmp_path / "vault"))


def write_into(root: Path) -> None:
    (root / "d" / "f").write_text("F")


def rename_over(root: Path) -> None:
    (root / "new").write_text("g")
    (root / "new").rename(root / "h")


def remove_all(root: Path) -> None:
    for path in ("d/f", "d/g", "h", "l"):
        (root / path).unlink()
    (root / "d" / "e").rmdir()
    (root / "d").rmdir()


def add_and_swap(root: Path) -> None:
    (root / "d" / "e" / "x").mkdir()
    (root / "d" / "e" / "x" / "y").write_text("y")
    (root / "l").unlink()
    (root / "l").mkdir()
    (root / "h").unlink()
    (root / "h").symlink_to("l")


def change_modes_and_times(root: Path) -> None:
    (root / "d" / "f").chmod(0o600)
    (root / "d" / "e").chmod(0o700)
    os.utime(root / "d" / "g", (1, 1))


@pytest.mark.parametrize("harm", [write_into, rename_over, remove_all, add_and_swap, change_modes_and_times])
def test_what_is_put_back_is_what_was_kept(tmp_path: Path, kept: Kept, harm: Callable[[Path], None]) -> None:
    root = tmp_path / "root"
    before = digest([str(root)], 4e9), (root / "d" / "e").stat().st_mtime_ns
    harm(root)
    assert digest([str(root)], 4e9) != before[0] or harm is change_modes_and_times
    kept.put_back()
    assert (digest([str(root)], 4e9), (root / "d" / "e").stat().st_mtime_ns) == before
    assert digest([str(root)], 0) == digest([str(root)], 0)
    assert (root / "h").samefile(root / "d" / "g"), "files that were one are one again"
    assert not (root / "d" / "f").samefile(root / "h")


def test_a_word_tells_states_apart_but_not_when_and_by_whom_they_were_made(tmp_path: Path) -> None:
    def make(name: str, identity: str, holder: str, generation: int, content: str) -> str:
        place = tmp_path / name / "transactions" / identity
        place.mkdir(parents=True)
        (place / "holder.json").write_text(holder)
        (place / "plan").write_text(f"plan of {identity}")
        (tmp_path / name / "aa.lock").write_text(f"{generation} {holder}")
        (place / f".lugnut-{identity}-abc.tmp").write_text(content)
        return digest([str(tmp_path / name)], 0)

    other = IDENTITY.replace("2f", "3f")
    first = make("first", IDENTITY, "pid 4711", 1, "x")
    assert make("second", other, "pid 4712", 1, "x") == first
    assert make("third", other, "pid 4712", 2, "x") != first, "the lock was taken once more"
    assert make("fourth", other, "pid 4712", 1, "y") != first
    assert make("fifth", other, "", 1, "x") != first, "a holder's file that was not written"
