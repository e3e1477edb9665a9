"""Source archives: what is unpacked, with which modes and times, and everything that is refused with a sentence."""

from __future__ import annotations

import gzip
import os
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from lugnut.building import archives
from lugnut.building.archives import EARLIEST, Member, leads_inside, unpack
from lugnut.building.recipe import CannotBuild
from lugnut.errors import CannotRead, CannotWrite
from lugnut.events import never
from projects import LONG_AGO, write_tar, write_zip
from trees import read_tree

PLAIN = {"x-1/pyproject.toml": b"[project]", "x-1/src/x/__init__.py": b"A = 1"}


def member(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def refusal(path: Path, place: Path) -> str:
    place.mkdir(exist_ok=True)
    with pytest.raises(CannotBuild) as caught:
        unpack(str(path), str(place), never)
    assert caught.value.hint
    assert "\n" not in caught.value.reason
    return caught.value.reason


@pytest.fixture
def place(tmp_path: Path) -> Path:
    made = tmp_path / "place"
    made.mkdir()
    return made


@pytest.mark.parametrize("ending", [".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar", ".zip"])
def test_every_kind_of_archive_gives_the_same_tree(tmp_path: Path, place: Path, ending: str) -> None:
    write = write_zip if ending == ".zip" else write_tar
    unpacked = unpack(str(write(tmp_path / f"x-1{ending}", PLAIN)), str(place), never)
    assert unpacked == ("x-1", LONG_AGO)
    assert {path: (place / path).read_bytes() for path in PLAIN} == PLAIN
    assert {(place / path).stat().st_mtime for path in PLAIN} == {LONG_AGO}


def test_modes_are_0644_or_0755_whatever_the_archive_and_the_umask_say(tmp_path: Path, place: Path) -> None:
    with tarfile.open(tmp_path / "x-1.tar.gz", "w:gz") as archive:
        for name, mode in (("x-1/tool", 0o4777), ("x-1/text", 0o600), ("x-1/odd", 0o055)):
            info = tarfile.TarInfo(name)
            info.mode = mode
            archive.addfile(info)
    before = os.umask(0o077)
    try:
        unpack(str(tmp_path / "x-1.tar.gz"), str(place), never)
    finally:
        os.umask(before)
    modes = {name: stat.S_IMODE((place / "x-1" / name).stat().st_mode) for name in ("tool", "text", "odd")}
    assert modes == {"tool": 0o755, "text": 0o644, "odd": 0o644}


def test_the_newest_file_tells_the_epoch_and_none_is_older_than_zip_knows(tmp_path: Path, place: Path) -> None:
    old, new = tarfile.TarInfo("x-1/old"), tarfile.TarInfo("x-1/new")
    old.mtime, new.mtime = -5, LONG_AGO + 7
    path = write_tar(tmp_path / "x-1.tar.gz", {"x-1/old": old, "x-1/new": new, "x-1/plain": b""}, 1)
    assert unpack(str(path), str(place), never).epoch == LONG_AGO + 7
    assert (place / "x-1/old").stat().st_mtime == (place / "x-1/plain").stat().st_mtime == EARLIEST


def test_links_inside_are_kept(tmp_path: Path, place: Path) -> None:
    links = {
        "x-1/docs/readme": member("x-1/docs/readme", tarfile.SYMTYPE, "../README"),
        "x-1/same": member("x-1/same", tarfile.SYMTYPE, "docs"),
        "x-1/z-hard": member("x-1/z-hard", tarfile.LNKTYPE, "x-1/README"),
    }
    unpack(str(write_tar(tmp_path / "x-1.tar.gz", {"x-1/README": b"read me", **links})), str(place), never)
    assert (place / "x-1/same/readme").read_text() == "read me"
    assert (place / "x-1/z-hard").read_text() == "read me"
    assert (place / "x-1/z-hard").stat().st_nlink == 1
    assert os.readlink(place / "x-1/same") == "docs"


def test_a_zip_has_symlinks_too(tmp_path: Path, place: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x-1.zip", "w") as archive:
        info = zipfile.ZipInfo("x-1/link")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "README")
        archive.writestr("x-1/README", "read me")
    unpack(str(tmp_path / "x-1.zip"), str(place), never)
    assert (place / "x-1/link").read_text() == "read me"


OUTSIDE = {
    "x-1/../../evil": b"",
    "../evil": b"",
    "/evil": b"",
    "x-1/link-up": member("x-1/link-up", tarfile.SYMTYPE, "../evil"),
    "x-1/link-away": member("x-1/link-away", tarfile.SYMTYPE, "/etc/passwd"),
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_what_would_leave_the_archive_is_refused_and_nothing_is_written(tmp_path: Path, place: Path, name: str) -> None:
    path = write_tar(tmp_path / "x-1.tar.gz", {**PLAIN, name: OUTSIDE[name]})
    assert name.rpartition("/")[2] in refusal(path, place)
    assert read_tree(str(place)) == {}
    assert not (tmp_path / "evil").exists()


def test_a_chain_of_symlinks_that_leads_outside_step_by_step_is_refused(tmp_path: Path, place: Path) -> None:
    """Each link alone, read as text, stays inside: `a/up/..` is `a`, but `a/up` is the top itself."""
    links = {
        "x-1/a/up": member("x-1/a/up", tarfile.SYMTYPE, ".."),
        "x-1/out": member("x-1/out", tarfile.SYMTYPE, "a/up/../evil"),
    }
    assert "x-1/out leads outside" in refusal(write_tar(tmp_path / "x-1.tar.gz", {**PLAIN, **links}), place)


def test_a_symlink_that_leads_to_itself_is_refused() -> None:
    loop = Member("symlink", executable=False, mtime=0, size=0, target="b", origin=None)
    assert not leads_inside("x/a", {"x/a": loop, "x/b": loop._replace(target="a")})


@pytest.mark.parametrize("ending", [".tar.gz", ".zip"])
def test_nothing_is_written_below_what_is_no_directory(tmp_path: Path, place: Path, ending: str) -> None:
    path = tmp_path / f"x-1{ending}"
    members = {"x-1/a": b"a file", "x-1/a/b": b"below it"}
    (write_zip if ending == ".zip" else write_tar)(path, members)
    assert refusal(path, place) == "its member x-1/a/b lies below x-1/a, which is no directory"


def test_nothing_is_written_through_a_symlink(tmp_path: Path, place: Path) -> None:
    link = member("x-1/a", tarfile.SYMTYPE, ".")
    path = write_tar(tmp_path / "x-1.tar.gz", {"x-1/a": link, "x-1/a/b": b"through it"})
    assert refusal(path, place) == "its member x-1/a/b lies below x-1/a, which is no directory"


@pytest.mark.parametrize("kind", [tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE])
def test_a_device_is_refused(tmp_path: Path, place: Path, kind: bytes) -> None:
    path = write_tar(tmp_path / "x-1.tar.gz", {**PLAIN, "x-1/odd": member("x-1/odd", kind)})
    assert refusal(path, place) == "its member x-1/odd is neither a file nor a directory"


@pytest.mark.parametrize("target", ["x-1/none", "x-1/below"])
def test_a_hard_link_to_no_file_is_refused(tmp_path: Path, place: Path, target: str) -> None:
    odd = {"x-1/below": member("x-1/below", tarfile.DIRTYPE), "x-1/z": member("x-1/z", tarfile.LNKTYPE, target)}
    path = write_tar(tmp_path / "x-1.tar.gz", {**PLAIN, **odd})
    assert refusal(path, place) == "its member x-1/z leads nowhere"
    assert read_tree(str(place)) == {}


def test_one_directory_is_expected_at_the_top(tmp_path: Path, place: Path) -> None:
    path = write_tar(tmp_path / "x-1.tar.gz", {**PLAIN, "y/a": b""})
    assert refusal(path, place) == "it holds x-1, y at its top where one directory is expected"
    assert "it holds nothing" in refusal(write_tar(tmp_path / "none.tar.gz", {}), place)
    assert "it holds setup.py" in refusal(write_tar(tmp_path / "flat.tar.gz", {"setup.py": b""}), place)


def test_what_a_mac_strews_beside_it_does_not_count(tmp_path: Path, place: Path) -> None:
    path = write_tar(tmp_path / "x-1.tar.gz", {**PLAIN, "._x-1": b"", ".DS_Store": b""})
    assert unpack(str(path), str(place), never).top == "x-1"


def test_too_much_is_refused_before_anything_is_written(
    tmp_path: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_tar(tmp_path / "x-1.tar.gz", {**PLAIN, "x-1/zeros": bytes(2_000_000)})
    monkeypatch.setattr(archives, "LARGEST", 1 << 20)
    assert "unpacks to more than" in refusal(path, place)
    monkeypatch.setattr(archives, "LARGEST", 1 << 30)
    monkeypatch.setattr(archives, "MOST", 2)
    assert "unpacks to more than" in refusal(path, place)
    assert read_tree(str(place)) == {}


def test_of_two_members_with_one_name_the_later_counts(tmp_path: Path, place: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x-1.zip", "w") as archive:
        archive.writestr("x-1/a", "first")
        archive.writestr("x-1/./a", "second")
    unpack(str(tmp_path / "x-1.zip"), str(place), never)
    assert (place / "x-1/a").read_text() == "second"


def test_what_is_damaged_is_said_in_one_clause(tmp_path: Path) -> None:
    whole = write_tar(tmp_path / "whole.tar.gz", {"x-1/a": os.urandom(50_000)}).read_bytes()
    packed = write_zip(tmp_path / "whole.zip", {"x-1/a": bytes(50_000)}).read_bytes()
    for name, data in {
        "cut.tar.gz": whole[:30_000],
        "torn.tar.gz": whole[:20_000] + bytes(100) + whole[20_100:],
        "text.tar.gz": b"<html>not found</html>",
        "page.tar.gz": gzip.compress(b"<html>not found</html>"),
        "empty.tar.gz": b"",
        "cut.zip": packed[:-30],
        "torn.zip": packed[:2_000] + b"!" * 100 + packed[2_100:],
        "noise.tar.xz": b"\xfd7zXZ\x00\x00\x04 and no more",
        "noise.tar.bz2": b"BZh9 and no more",
    }.items():
        (tmp_path / name).write_bytes(data)
        assert refusal(tmp_path / name, tmp_path / f"place-{name}").startswith("it cannot be unpacked: "), name


def test_what_is_no_archive_is_not_opened(tmp_path: Path, place: Path) -> None:
    assert refusal(tmp_path / "x.whl", place) == "it is no source archive"
    with pytest.raises(CannotRead):
        unpack(str(tmp_path / "missing.tar.gz"), str(place), never)
    os.mkfifo(tmp_path / "pipe.tar.gz")
    with pytest.raises(CannotRead, match="no regular file"):
        unpack(str(tmp_path / "pipe.tar.gz"), str(place), never)


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "x-1.tar.gz", PLAIN)
    with pytest.raises(CannotWrite):
        unpack(str(path), str(tmp_path / "missing"), never)
