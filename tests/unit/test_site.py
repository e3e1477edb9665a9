"""A site on a file system whose listings lag behind its locks (TRAPS 26)."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from lugnut import reach
from lugnut.system import files, locks
from places import Place, open_site, place, write_installed
from stepcases import install, uninstall

__all__ = ["place"]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc/self/mountinfo")

LINE = "36 35 {device} / /mnt rw,noatime master:1 - {kind} server:/x rw\n"


@pytest.mark.parametrize(
    ("kind", "late"),
    [("ext4", False), ("tmpfs", False), ("overlay", False), ("fuseblk", False), ("nfs", True), ("nfs4", True),
     ("cifs", True), ("smb3", True), ("fuse.mfs", True), ("fuse", True), ("9p", True), ("virtiofs", True),
     ("vboxsf", True), ("wekafs", True), ("pvfs2", True), ("orangefs", True)],
)  # fmt: skip
def test_a_file_system_is_known_by_its_line_in_mountinfo(kind: str, *, late: bool) -> None:
    from lugnut.system._posix_remote import is_remote

    assert is_remote(LINE.format(device="98:0", kind=kind)) is late


@pytest.mark.parametrize("kind", [*reach._SHARED_BY_HOST, *reach._KEPT_BY_SERVER, "beegfs", "afs", "pvfs2"])
def test_what_the_doctor_knows_others_to_change_is_known_here(kind: str) -> None:
    from lugnut.system._posix_remote import is_remote

    assert is_remote(LINE.format(device="98:0", kind=kind))


def test_a_local_file_system_lists_what_is_there(tmp_path: Path) -> None:
    with files.open_root(str(tmp_path)) as directory:
        assert not files.lists_late(directory)


def test_a_token_comes_and_goes_whoever_else_makes_one(tmp_path: Path) -> None:
    (tmp_path / ".lugnut-token").write_bytes(b"")  # a killed run's
    before = os.stat(tmp_path).st_mtime_ns
    with files.open_root(str(tmp_path)) as directory:
        files.refresh(directory)
    assert os.listdir(tmp_path) == []
    assert os.stat(tmp_path).st_mtime_ns != before


def test_where_listings_lag_a_run_asks_again_once_it_holds_its_locks(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    plain_open, plain_hold, plain_list = os.open, locks.hold, files.list_names

    def watch_open(path: str, *words: Any, **options: Any) -> int:
        if path == ".lugnut-token":
            order.append("token " + os.path.basename(os.readlink(f"/proc/self/fd/{options['dir_fd']}")))
        return plain_open(path, *words, **options)

    def watch_hold(directory: files.Directory, name: str, *words: Any, **options: Any) -> locks.Held:
        order.append(f"hold {name}")
        return plain_hold(directory, name, *words, **options)

    def watch_list(directory: files.Directory) -> list[str]:
        order.append("list " + os.path.basename(directory.path))
        return plain_list(directory)

    monkeypatch.setattr(files, "lists_late", lambda _: True)
    monkeypatch.setattr(os, "open", watch_open)
    monkeypatch.setattr(locks, "hold", watch_hold)
    monkeypatch.setattr(files, "list_names", watch_list)
    place.act(install(place.wheel("one", "1", {"s/a.py": "A = 1\n"})))
    place.act(install(place.wheel("two", "1", {"s/a.py": "A = 2\n"})))
    taken = [at for at, word in enumerate(order) if word.startswith("hold ") and "two.lock" in word]
    stripes = [at for at, word in enumerate(order) if word.startswith("hold path-") and at > taken[-1]]
    for at in (taken[-1], stripes[0]):
        since = order[at + 1 :]
        upto = next(number for number, word in enumerate(since) if word.startswith("list "))
        assert {"token transactions", "token site"} <= set(since[:upto]), order[at : at + 10]
    assert not [name for name in os.listdir(place.site) if name.startswith(".lugnut-")]


def test_where_listings_lag_what_is_kept_is_not_told_by_one(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = files.list_names

    def list_late(directory: files.Directory) -> list[str]:
        return [] if directory.path.endswith("/.lugnut/kept") else plain(directory)

    place.act(install(place.wheel("one", "1", {"s/a.py": "A = 1\n"}), place.wheel("two", "1", {"s/a.py": "A = 2\n"})))
    monkeypatch.setattr(files, "lists_late", lambda _: True)
    monkeypatch.setattr(files, "list_names", list_late)
    place.act(uninstall("two"))
    with open(os.path.join(place.site, "s/a.py"), encoding="utf-8") as file:
        assert file.read() == "A = 1\n"


def test_a_record_that_was_replaced_is_read_anew(place: Place) -> None:
    """What is remembered of a RECORD counts as long as it is the same file, whatever its dist-info is called."""
    with contextlib.contextmanager(open_site)(place) as site:
        write_installed(place, "other", "1", {"a.py": ""})
        assert [claim.name for claim in site.ledger.read("", ["a.py"])["a.py"]] == ["other"]
        write_installed(place, "other", "1", {"b.py": ""})
        assert site.ledger.read("", ["a.py"])["a.py"] == []
        assert [claim.name for claim in site.ledger.read("", ["b.py"])["b.py"]] == ["other"]
