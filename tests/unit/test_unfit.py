"""What some file systems lack: hard links, exclusive renames, modes, and the unlinking of what is open (TRAPS 25)."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from lugnut.errors import CannotWrite, ModesNotKept
from lugnut.system import contents, files
from lugnut.transaction import fence
from lugnut.transaction import home as homes
from oracle import check_environment
from places import Place, place, transactions
from stepcases import install, uninstall
from stepper import differ

__all__ = ["place"]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the calls that are spoiled here are POSIX's")


def refuse(number: int) -> Any:
    def call(*words: Any, **options: Any) -> None:
        del words, options
        raise OSError(number, os.strerror(number))

    return call


def test_without_links_and_exclusive_renames_all_is_copied(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "link", refuse(errno.EPERM))
    monkeypatch.setattr(contents.native, "rename_exclusive", refuse(errno.EINVAL))
    low = place.wheel("low", "1", {"s/a.py": "A = 'low'\n", "low.py": ""})
    place.act(install(low, place.wheel("top", "1", {"s/a.py": "A = 'top'\n"})))
    assert check_environment(place.site) == []
    place.act(uninstall("top"))
    assert check_environment(place.site) == []


def force_modes(forced: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every file of the environment be of one mode."""
    plain = os.fstat

    def show(descriptor: int) -> os.stat_result:
        found = plain(descriptor)
        return os.stat_result((found.st_mode & ~0o777 | forced, *found[1:10])) if found.st_mode & 0o100000 else found

    monkeypatch.setattr(os, "fchmod", lambda *_: None)
    monkeypatch.setattr(files, "check_modes", _judge_by(show, files.check_modes, monkeypatch))


@pytest.mark.parametrize("forced", [0o777, 0o644])
def test_where_all_files_have_one_mode_nothing_is_installed(
    place: Place, monkeypatch: pytest.MonkeyPatch, forced: int
) -> None:
    before = place.snapshot()
    wheel = place.wheel("pkg", "1", {"pkg.py": ""})
    force_modes(forced, monkeypatch)
    with pytest.raises(ModesNotKept, match="keeps no execute bits"):
        place.act(install(wheel))
    assert differ(before, place.snapshot()) == []
    assert transactions(place) == []


def test_where_all_files_have_one_mode_what_is_installed_can_be_removed(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.act(install(place.wheel("pkg", "1", {"pkg.py": ""})))
    force_modes(0o777, monkeypatch)
    place.act(uninstall("pkg"))
    assert os.listdir(place.site) == [".lugnut"]


def _judge_by(show: Any, plain: Any, patch: pytest.MonkeyPatch) -> Any:
    def check(*words: Any) -> None:
        with patch.context() as inner:
            inner.setattr(os, "fstat", show)
            plain(*words)

    return check


def test_a_store_where_modes_have_no_effect_is_refused(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = place.wheel("pkg", "1", {"pkg.py": "", "tool.sh": ""}, executables=["tool.sh"])
    monkeypatch.setattr(os, "fchmod", lambda *_: None)
    before = os.umask(0o111)  # so that what is made to be executed is not
    try:
        with pytest.raises(ModesNotKept, match=r"cache.*keeps no execute bits"):
            place.act(install(wheel))
    finally:
        os.umask(before)


def test_a_transactions_lock_is_given_back_before_its_file_goes(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """An open file that is unlinked gets another name on NFS and FUSE, and its directory cannot be removed."""
    plain, held = os.unlink, []

    def unlink(name: str, *, dir_fd: int | None = None) -> None:
        if name == "lock":
            inode = os.stat(name, dir_fd=dir_fd).st_ino
            held.append(any(_inode(number) == inode for number in os.listdir("/proc/self/fd")))
        plain(name, dir_fd=dir_fd)

    monkeypatch.setattr(os, "unlink", unlink)
    place.act(install(place.wheel("pkg", "1", {"pkg.py": ""})))
    assert held == [False]


def _inode(number: str) -> int:
    try:
        return os.fstat(int(number)).st_ino
    except OSError:
        return -1


def test_what_is_still_open_is_left_to_the_next_command(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = os.rmdir

    def rmdir(name: str, *, dir_fd: int | None = None) -> None:
        if name.startswith("old-"):
            raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), name)
        plain(name, dir_fd=dir_fd)

    with monkeypatch.context() as patch:
        patch.setattr(os, "rmdir", rmdir)
        place.act(install(place.wheel("pkg", "1", {"pkg.py": ""})))
    assert [name[:4] for name in transactions(place)] == ["old-"]
    place.act(uninstall("pkg"))
    assert transactions(place) == []


def home(path: str) -> files.Directory:
    os.makedirs(os.path.join(path, ".lugnut", "locks"))
    return files.enter_path(files.open_root(path), ".lugnut")


def test_what_another_run_says_of_an_environments_locks_is_not_written_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", refuse(errno.EPERM))
    monkeypatch.setattr(contents.native, "rename_exclusive", refuse(errno.EINVAL))
    with home(str(tmp_path)) as here:
        files.write(here, "format", b"")
        plain = homes._hold_format

        def hold(where: files.Directory) -> Any:
            monkeypatch.setattr(homes, "_hold_format", plain)
            homes.write_backend(where, homes.REDIS)  # another run, between our look and our lock
            return plain(where)

        monkeypatch.setattr(homes, "_hold_format", hold)
        homes._check_format(here, create=True)
        assert homes.read_backend(here) == homes.REDIS
        homes._write_format(here)
        assert homes.read_backend(here) == homes.REDIS


def test_an_environments_own_name_is_made_where_there_are_no_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", refuse(errno.EPERM))
    monkeypatch.setattr(contents.native, "rename_exclusive", refuse(errno.EINVAL))
    with home(str(tmp_path)) as here:
        name = fence._identify(here)
        assert len(name) == 32
        assert fence._identify(here) == name


def test_no_name_is_made_up_for_one_that_is_blank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fence, "_BLANK", 0.0)
    with home(str(tmp_path)) as here, files.enter(here, "locks") as place:
        files.write(place, "identity", b"\0" * 33)
        with pytest.raises(CannotWrite, match="locks/identity: it is blank; remove it"):
            fence._identify(here)
