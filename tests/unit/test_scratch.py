"""A directory to try things in: gone at the end, swept where its holder was killed, left alone while he lives."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import children
from lugnut.errors import LockUnusable
from lugnut.events import never
from lugnut.system import files, locks, probing, scratch

LEAVE = """
import sys
from lugnut.system import files, scratch
with files.open_root(sys.argv[1]) as here, scratch.lend_scratch(here) as own:
    files.write(own, "x", b"")
    print(own.path, flush=True)
    sys.stdin.readline()
"""


@pytest.fixture(name="here")
def open_here(tmp_path: Path) -> Iterator[files.Directory]:
    with files.open_root(str(tmp_path)) as directory:
        yield directory


def test_it_goes_whatever_happens_in_it(here: files.Directory) -> None:
    with contextlib.suppress(KeyboardInterrupt), scratch.lend_scratch(here) as own:
        files.enter(own, "a", create=True).close()
        raise KeyboardInterrupt
    assert files.list_names(here) == []


@pytest.fixture
def own(tmp_path: Path) -> Path:
    (tmp_path / "own").mkdir()
    return tmp_path / "own"


def test_what_a_killed_one_left_is_swept_and_what_one_uses_is_not(
    here: files.Directory, tmp_path: Path, own: Path
) -> None:
    with children.child(LEAVE, tmp_path) as other, files.open_root(str(own)) as mine:
        path = other.hear()
        assert scratch.sweep(here, mine, set(), never) == 0
        assert os.path.exists(path)
        other.kill()
        assert scratch.sweep(here, mine, {os.path.basename(path)}, never) == 0
        assert scratch.sweep(here, mine, set(), never) == 1
        assert files.list_names(here) == ["own"]
        (tmp_path / ".lugnut-doctor-1.tmp").mkdir()  # killed before it could lock anything
        (tmp_path / ".lugnut-1-1.tmp").mkdir()  # not ours
        (tmp_path / ".lugnut-doctor-2.tmp").write_text("")
        assert scratch.sweep(here, mine, set(), never) == 1
    assert files.list_names(here) == [".lugnut-1-1.tmp", ".lugnut-doctor-2.tmp", "own"]


def test_where_locks_do_not_lock_nobody_is_taken_for_dead(
    here: files.Directory, tmp_path: Path, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "_lock", lambda *_words, **_options: True)
    (tmp_path / ".lugnut-doctor-1.tmp").mkdir()
    with files.open_root(str(own)) as mine:
        assert scratch.sweep(here, mine, set(), never) == 0
    assert files.list_names(here) == [".lugnut-doctor-1.tmp", "own"]


def test_one_that_is_swept_before_it_is_held_is_made_again(
    here: files.Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, met = locks.try_hold, []

    def sweep_first(directory: files.Directory, name: str) -> locks.Held | None:
        if not met:
            met.append(directory.path)
            files.remove_tree(here, os.path.basename(directory.path))
        return plain(directory, name)

    monkeypatch.setattr(locks, "try_hold", sweep_first)
    with scratch.lend_scratch(here) as own:
        assert own.path not in met
    assert files.list_names(here) == []


def test_where_nothing_can_be_locked_it_is_lent_all_the_same(
    here: files.Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_words: object, **_options: object) -> None:
        raise LockUnusable(path="x", reason="no locks")

    monkeypatch.setattr(locks, "try_hold", refuse)
    with scratch.lend_scratch(here):
        assert len(files.list_names(here)) == 1
    assert files.list_names(here) == []


# --- what is tried in it ----------------------------------------------------------------------------------------------


def test_a_file_system_of_this_machine_can_do_what_the_engine_needs(here: files.Directory) -> None:
    found = probing.probe(here, never)
    assert (found.exclusive, found.replaces, found.links, found.token, found.long_name) == ("",) * 5
    assert (found.names, found.keeps_times, found.keeps_modes, found.gapless) == (probing.LINKS, True, True, True)
    assert (found.folds_case, found.folds_form, found.lists_late) == (False, False, False)


def test_a_rename_that_replaces_nothing_and_a_link_that_replaces_are_noticed(
    here: files.Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = files.link

    def link_over(source_dir: files.Directory, source: str, target_dir: files.Directory, target: str) -> None:
        if files.look(target_dir, target) is not None:
            files.unlink(target_dir, target)
        plain(source_dir, source, target_dir, target)

    monkeypatch.setattr(files, "link", link_over)
    monkeypatch.setattr(files, "rename", lambda *_words: None)
    found = probing.probe(here, never)
    assert found.links == "what stood there was replaced"
    assert found.replaces == "the name does not lead to the file that was renamed to it"


def test_a_rename_that_has_no_file_there_for_a_moment_is_noticed(
    here: files.Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain_rename, plain_read, missed = files.rename, files.read, threading.Event()

    def rename(source_dir: files.Directory, source: str, target_dir: files.Directory, target: str) -> None:
        if target == "read":
            files.unlink(target_dir, target)
            assert missed.wait(60), "the reader did not come by"
        plain_rename(source_dir, source, target_dir, target)

    def read(directory: files.Directory, name: str) -> bytes:
        try:
            return plain_read(directory, name)
        except FileNotFoundError:
            missed.set()
            raise

    monkeypatch.setattr(files, "rename", rename)
    monkeypatch.setattr(files, "read", read)
    found = probing.probe(here, never)
    assert (found.replaces, found.gapless) == ("", False)


def test_where_nothing_can_be_renamed_the_other_trials_are_made_all_the_same(
    here: files.Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_words: object) -> None:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(files, "rename", refuse)
    found = probing.probe(here, never)
    assert (found.replaces, found.gapless, found.names) == ("Function not implemented", True, probing.LINKS)


def test_few_names_for_a_file_and_none_are_told_apart(here: files.Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = files.link

    def link_some(source_dir: files.Directory, source: str, target_dir: files.Directory, target: str) -> None:
        if target.isdigit() and int(target) >= 177:
            raise OSError(31, "Too many links")
        plain(source_dir, source, target_dir, target)

    monkeypatch.setattr(files, "link", link_some)
    found = probing.probe(here, never)
    assert (found.links, found.names) == ("", 177)
