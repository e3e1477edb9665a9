"""File systems that lose sight of what is removed or replaced while it is looked at, as most by FUSE do (TRAPS 24)."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

if sys.platform == "win32":
    pytest.skip("handles of directories are POSIX's", allow_module_level=True)

from fusemounts import lend_mounts
from lugnut.system import files


def fail(number: int, path: object = None) -> OSError:
    return OSError(number, os.strerror(number), path)


@contextlib.contextmanager
def lose(directory: files.Directory, number: int, *, all_of_it: bool = False) -> Iterator[None]:
    """Have the system not know an open directory any more, or not its path either."""
    plain_open, plain_fstat, plain_stat = os.open, os.fstat, os.stat

    def open_(path: str, *words: Any, dir_fd: int | None = None) -> int:
        if (path, dir_fd) == (".", directory.fd):
            raise fail(number, path)
        return plain_open(path, *words, dir_fd=dir_fd)

    def fstat(descriptor: int) -> os.stat_result:
        if descriptor == directory.fd:
            raise fail(number)
        return plain_fstat(descriptor)

    def stat(path: Any, **words: Any) -> os.stat_result:
        if all_of_it and path == directory.path:
            raise fail(number, path)
        return plain_stat(path, **words)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "open", open_)
        patch.setattr(os, "fstat", fstat)
        patch.setattr(os, "stat", stat)
        yield


@pytest.mark.parametrize("number", [errno.ESTALE, errno.ENOENT], ids=errno.errorcode.get)
@pytest.mark.parametrize("remade", [False, True], ids=["gone", "made again"])
def test_in_a_directory_that_was_removed_there_is_nothing(tmp_path: Path, number: int, *, remade: bool) -> None:
    place = tmp_path / "d"
    place.mkdir()
    with files.open_root(str(place)) as directory:
        place.rmdir()
        if remade:
            place.mkdir()
            (place / "theirs").write_bytes(b"")
        with lose(directory, number):
            assert files.list_names(directory) == []


def test_what_is_out_of_reach_is_not_taken_for_removed(tmp_path: Path) -> None:
    with (
        files.open_root(str(tmp_path)) as directory,
        lose(directory, errno.ESTALE, all_of_it=True),
        pytest.raises(OSError, match="Stale") as caught,
    ):
        files.list_names(directory)
    assert caught.value.filename == str(tmp_path)


def test_a_directory_that_stands_is_not_taken_for_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = os.open

    def stale(path: str, *words: Any, **options: Any) -> int:
        if path == ".":
            raise fail(errno.ESTALE, path)
        return plain(path, *words, **options)

    with files.open_root(str(tmp_path)) as directory:
        monkeypatch.setattr(os, "open", stale)
        with pytest.raises(OSError, match="Stale") as caught:
            files.list_names(directory)
    assert caught.value.filename == str(tmp_path)


@pytest.mark.parametrize(
    ("act", "call"),
    [
        (lambda root: files.read(root, "x"), "open"),
        (lambda root: files.look(root, "x"), "stat"),
    ],
    ids=["read", "look"],
)
@pytest.mark.parametrize("often", [3, 1000])
def test_a_file_that_is_stale_since_it_is_being_replaced_is_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: Callable[[files.Directory], object], call: str, often: int
) -> None:
    plain, left = getattr(os, call), [often]

    def stale(path: Any, *words: Any, **options: Any) -> object:
        if path == "x" and left[0]:
            left[0] -= 1
            raise fail(errno.ESTALE, path)
        return plain(path, *words, **options)

    (tmp_path / "x").write_bytes(b"1")
    with files.open_root(str(tmp_path)) as root:
        monkeypatch.setattr(os, call, stale)
        if often == 3:
            assert act(root)
        else:
            with pytest.raises(OSError, match="Stale"):
                act(root)


def test_what_is_stale_and_then_gone_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, left = os.stat, [1]

    def stale(path: Any, **options: Any) -> os.stat_result:
        if path == "x" and left[0]:
            left[0] -= 1
            raise fail(errno.ESTALE, path)
        return plain(path, **options)

    with files.open_root(str(tmp_path)) as root:
        monkeypatch.setattr(os, "stat", stale)
        assert files.look(root, "x") is None


def test_fuse_loses_sight_of_neither(tmp_path: Path) -> None:
    with lend_mounts(tmp_path, "fuse") as (mount,), files.open_root(mount) as root:
        with files.enter(root, "d", create=True) as directory:
            files.rmdir(root, "d")
            assert files.list_names(directory) == []
            with pytest.raises(FileNotFoundError):
                files.touch(directory)
        over, others = threading.Event(), list[OSError]()

        def read() -> None:
            while not over.is_set():
                try:
                    files.read(root, "x")
                    files.look(root, "x")
                except FileNotFoundError:
                    pass  # there is a gap, and doctor says so
                except OSError as error:
                    others.append(error)

        files.write(root, "x", b"0")
        reader = threading.Thread(target=read)
        reader.start()
        for number in range(300):
            files.write(root, f"x{number}", b"1")
            files.rename(root, f"x{number}", root, "x")
        over.set()
        reader.join()
        assert others == []
