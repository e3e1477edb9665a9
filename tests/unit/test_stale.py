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

from arrangements import on_folding
from fusemounts import lend_mounts
from ground import CannotBeShownError
from lugnut.system import files
from volumes import open_volume

mounting = pytest.mark.skipif(os.geteuid() != 0, reason="mounting takes root")


def fail(number: int, path: object = None) -> OSError:
    return OSError(number, os.strerror(number), path)


@contextlib.contextmanager
def lose(directory: files.Directory, number: int) -> Iterator[None]:
    """Have a file system not know an open directory any more."""
    plain_open, plain_utime = os.open, os.utime

    def open_(path: str, *words: Any, dir_fd: int | None = None) -> int:
        if (path, dir_fd) == (".", directory.fd):
            raise fail(number, path)
        return plain_open(path, *words, dir_fd=dir_fd)

    def utime(path: Any) -> None:
        if path == directory.fd:
            raise fail(number)
        plain_utime(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "open", open_)
        patch.setattr(os, "utime", utime)
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
            with pytest.raises(FileNotFoundError):
                files.touch(directory)


def test_one_that_stands_and_is_stale_was_not_removed(tmp_path: Path) -> None:
    with files.open_root(str(tmp_path)) as directory, lose(directory, errno.ESTALE):
        with pytest.raises(OSError, match="Stale") as caught:
            files.list_names(directory)
        assert caught.value.filename == str(tmp_path)
        with pytest.raises(OSError, match="Stale"):
            files.touch(directory)


def test_where_the_kernel_does_not_tell_nothing_is_taken_for_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "d"
    place.mkdir()
    monkeypatch.setitem(sys.modules, "ctypes", None)  # as where there is no libffi
    with files.open_root(str(place)) as directory:
        place.rmdir()
        with lose(directory, errno.ESTALE), pytest.raises(OSError, match="Stale"):
            files.list_names(directory)


def test_one_that_another_mount_has_renamed_is_not_taken_for_empty(tmp_path: Path) -> None:
    with (
        lend_mounts(tmp_path, "one", "other") as (one, other),
        files.open_root(one) as root,
        files.enter(root, "d", create=True) as directory,
    ):
        files.write(directory, "x", b"")
        Path(other, "d").rename(Path(other, "e"))
        with pytest.raises(FileNotFoundError):
            files.list_names(directory)


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


def serve(above: Path, program: str, stack: contextlib.ExitStack) -> str:
    """Have a directory served by FUSE; skips where that cannot be."""
    if program == "bindfs":
        return stack.enter_context(lend_mounts(above, "mount"))[0]
    try:
        return stack.enter_context(open_volume(str(above), on_folding("fold"))).home
    except CannotBeShownError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("program", ["bindfs", pytest.param("folding", marks=mounting)])
def test_fuse_loses_sight_of_neither(tmp_path: Path, program: str) -> None:
    over, others = threading.Event(), list[OSError]()
    with contextlib.ExitStack() as stack, files.open_root(serve(tmp_path, program, stack)) as root:
        with files.enter(root, "d", create=True) as directory:
            files.rmdir(root, "d")
            assert files.list_names(directory) == []
            with pytest.raises(FileNotFoundError):
                files.touch(directory)

        def read() -> None:
            while not over.is_set() and not others:
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
        try:
            for number in range(300):
                files.write(root, f"x{number}", b"1")
                files.rename(root, f"x{number}", root, "x")
        finally:
            over.set()
            reader.join()
    assert others == []
