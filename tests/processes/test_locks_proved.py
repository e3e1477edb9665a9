"""Locks tried between two real processes, and the trial tried on locks that are broken in each way that is known."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lugnut.errors import Interrupted, LockUnusable
from lugnut.events import never
from lugnut.system import files, locks, proving, witness
from lugnut.system.native import native
from lugnut.system.proving import BLIND, BOTH, ORPHANED, STALE, Locking, prove
from lugnut.system.witness import Witness

SOUND = Locking()


@pytest.fixture(name="here")
def open_here(tmp_path: Path) -> Iterator[files.Directory]:
    with files.open_root(str(tmp_path)) as directory:
        yield directory


def test_sound_locks_are_found_sound_and_the_probe_sees_broken_ones(here: files.Directory) -> None:
    assert prove(here, never) == SOUND


@pytest.mark.parametrize("act", witness.BROKEN)
def test_each_way_round_notices_a_broken_lock(here: files.Directory, act: str) -> None:
    with Witness(never) as other:
        assert proving._keep_out(here, other, act) == BOTH
        assert proving._stay_out(here, other, act) == BOTH
        assert proving._keep_out(here, other, witness.HOLD) == ""
        assert proving._stay_out(here, other, witness.HOLD) == ""


def test_a_lock_that_does_nothing_is_noticed(here: files.Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "_lock", lambda *_words, **_options: True)
    found = prove(here, never)
    assert (found.excludes, found.shares, found.blind) == (BOTH, BOTH, "")


def test_a_lock_of_another_file_is_noticed(here: files.Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = files.open_lock

    def beside(directory: files.Directory, name: str, *, create: bool) -> int:
        return plain(directory, f"{name}.{os.getpid()}", create=create)

    monkeypatch.setattr(files, "open_lock", beside)
    monkeypatch.setattr(locks.Held, "still_there", lambda *_: True)
    assert prove(here, never).excludes == BOTH


def test_a_lock_that_outlives_its_holder_is_noticed(here: files.Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Witness, "kill", lambda _self: None)  # so that somebody has it still
    with Witness(never) as holder:
        assert proving._outlive(here, "x.lock", holder, seconds=0) == (ORPHANED, "")
        monkeypatch.undo()


def test_a_lock_whose_words_do_not_come_through_is_noticed(
    here: files.Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(native, "read_words", lambda *_: b"")
    assert prove(here, never) == SOUND._replace(remembers=STALE)


def test_a_probe_that_takes_a_broken_lock_for_a_good_one_says_so(
    here: files.Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proving, "BROKEN", (witness.HOLD,))  # locks that are said to be broken, and are not
    assert prove(here, never) == SOUND._replace(blind=BLIND)


def test_a_probe_that_does_not_see_a_lock_without_death_says_so(
    here: files.Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proving, "PRETEND", witness.HOLD)  # the doomed one holds nothing, for another one does
    plain = Witness.ask

    def ask(self: Witness, act: str, directory: files.Directory, name: str) -> witness.Answer:
        return plain(self, witness.LEAVE if name == "orphan.lock" else act, directory, name)

    monkeypatch.setattr(Witness, "ask", ask)
    assert prove(here, never).blind == BLIND


def test_where_nothing_can_be_locked_every_part_says_why(
    here: files.Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_words: object, **_options: object) -> int:
        raise LockUnusable(path="x", reason="Function not implemented")

    monkeypatch.setattr(locks, "_lock", refuse)
    assert prove(here, never) == SOUND._replace(**dict.fromkeys(Locking._fields[:5], "Function not implemented"))


def test_where_no_second_process_can_be_started_nothing_is_said_of_locks(
    here: files.Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_program: str) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(witness.spawned, "start", refuse)
    found = prove(here, never)
    assert found == Locking(untried=found.untried)
    assert found.untried.startswith("no second process could be started")


def test_a_second_process_that_ends_or_says_nothing_is_told_of(
    here: files.Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Witness(never) as gone:
        gone.kill()
        with pytest.raises(witness.Silent, match="the second process ended"):
            gone.ask(witness.HOLD, here, "x.lock")
    monkeypatch.setattr(witness, "_PROGRAM", "import sys; sys.stdin.read()")
    monkeypatch.setattr(witness, "PATIENCE", 0)
    assert prove(here, never).excludes == "the second process did not answer within 0 s"


def test_it_can_be_called_off_while_the_second_process_is_silent(
    here: files.Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cancelled() -> None:
        raise Interrupted(signal="SIGINT", number=2)

    monkeypatch.setattr(witness, "_PROGRAM", "import sys; sys.stdin.read()")
    started: list[Any] = []
    plain = witness.spawned.start
    monkeypatch.setattr(witness.spawned, "start", lambda program: started.append(plain(program)) or started[-1])
    with pytest.raises(Interrupted):
        prove(here, cancelled)
    assert [process.poll() for process in started] == [-9, -9]
