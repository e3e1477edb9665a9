"""What the file system refuses: one sentence, exit code 1, and the environment as it was, byte for byte."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rooms import ROOT, Ran, Room, one_sentence
from trees import look, walk

ROUNDS = 2
"""Enough for CI: each obstacle is met in each of the three kinds of run."""
PAD = "# pad\n" * 200


@contextlib.contextmanager
def mounted(*words: str) -> Iterator[Path]:
    """Mount something on a directory of its own until the block ends."""
    if not ROOT or shutil.which("mount") is None:
        pytest.skip("needs root and mount")
    place = tempfile.mkdtemp(prefix="lugnut-mount-")
    try:
        done = subprocess.run(["mount", *words, place], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.skip(f"cannot mount: {done.stderr.strip()}")
        try:
            yield Path(os.path.realpath(place))
        finally:
            subprocess.run(["umount", "-l", place], check=True)
    finally:
        os.rmdir(place)


@contextlib.contextmanager
def tmpfs(size: str, inodes: int = 0) -> Iterator[Path]:
    more = f",nr_inodes={inodes}" if inodes else ""
    with mounted("-t", "tmpfs", "-o", f"size={size}{more},mode=755", "tmpfs") as place:
        yield place


@contextlib.contextmanager
def immutable(path: Path, flag: str = "i") -> Iterator[None]:
    if not ROOT or shutil.which("chattr") is None:
        pytest.skip("needs root and chattr")
    done = subprocess.run(["chattr", f"+{flag}", str(path)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"this file system knows no immutable files: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["chattr", f"-{flag}", str(path)], check=True)


def hog(directory: Path, *, left: int = 0) -> None:
    """Fill a file system until no more than `left` bytes are free."""
    room = os.statvfs(directory)
    with contextlib.suppress(OSError), open(directory / "hog", "wb", buffering=0) as file:
        file.writelines(b"\0" * room.f_frsize for _ in range(max(0, room.f_bavail - left // room.f_frsize)))


def hidden(room: Room) -> list[str]:
    """Give what a run that failed may not leave in `.lugnut`: transactions, kept or staged content."""
    home = str(room.site / ".lugnut")
    if not os.path.isdir(home):
        return []
    found = (path for path, is_directory in walk(home) if not is_directory)
    return [path for path in found if path != "format" and not path.startswith(("locks/", "unsynced-"))]


def refused(room: Room, *words: str, code: int = 1) -> str:
    """Run what cannot be done; gives its sentence. The environment stays as it was, and there is no litter."""
    before = room.tree()
    ran: Ran = room.lugnut(*words)
    assert room.tree() == before
    assert ran.code == code, ran.err
    assert ran.out == ""
    return one_sentence(ran.err)


def make_wheels(room: Room) -> tuple[str, str, str]:
    """A neighbour, and two versions of a distribution of which the second drops, changes and brings files."""
    tool, header, manual = "{0}.data/scripts/tool", "{0}.data/headers/pkg.h", "{0}.data/data/share/pkg/manual.txt"
    first = {f"pkg/m{n:02}.py": f"V = 1\n{PAD}" for n in range(30)} | {"pkg/same.py": PAD, "pkg/gone.py": PAD}
    second = {f"pkg/m{n:02}.py": f"V = 2\n{PAD}" for n in range(30)} | {"pkg/same.py": PAD, "pkg/sub/new.py": PAD}
    first[tool.format("pkg-1.0")] = "#!python\nprint(1)\n"
    second[tool.format("pkg-2.0")] = "#!python\nprint(2)\n"
    for files, stem in ((first, "pkg-1.0"), (second, "pkg-2.0")):
        files |= {header.format(stem): f"/* {stem} */\n", manual.format(stem): f"{stem}\n"}
    return (
        room.wheel("beside", "1.0", {"pkg/beside.py": "B = 1\n", "other/x.py": "X = 1\n"}),
        room.wheel("pkg", "1.0", first),
        room.wheel("pkg", "2.0", second),
    )


def after(room: Room) -> None:
    """The next command finds everything in order and nothing to do."""
    checked = room.lugnut("check")
    assert checked.code == 0, checked.err + checked.out
    assert room.findings() == []
    assert hidden(room) == []


# --- a full disk ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("left", [0, 8, 24, 64], ids=lambda left: f"{left}k")
@pytest.mark.parametrize("mode", ["copy", "auto"])
def test_a_full_environment_fails_a_fresh_install(tmp_path: Path, left: int, mode: str) -> None:
    with tmpfs("2m") as place:
        room = Room(tmp_path, prefix=place / "venv")
        beside, one, _ = make_wheels(room)
        room.do("install", beside)
        hog(place, left=left * 1024)
        sentence = refused(room, "install", "--link-mode", mode, one)
        assert "No space left on device" in sentence
        (place / "hog").unlink()
        after(room)
        room.do("install", one)
        assert room.findings() == []


@pytest.mark.parametrize("left", [0, 8, 64], ids=lambda left: f"{left}k")
def test_a_full_environment_fails_an_upgrade(tmp_path: Path, left: int) -> None:
    with tmpfs("2m") as place:
        room = Room(tmp_path, prefix=place / "venv")
        beside, one, two = make_wheels(room)
        room.do("install", beside, one)
        hog(place, left=left * 1024)
        assert "No space left on device" in refused(room, "install", two)
        (place / "hog").unlink()
        after(room)
        room.do("install", two)
        assert room.findings() == []


def test_a_full_environment_either_lets_an_uninstall_through_or_leaves_everything(tmp_path: Path) -> None:
    with tmpfs("2m") as place:
        room = Room(tmp_path, prefix=place / "venv")
        beside, one, _ = make_wheels(room)
        room.do("install", beside)
        alone = room.tree()
        room.do("install", one)
        whole = room.tree()
        hog(place)
        ran = room.lugnut("uninstall", "pkg")
        if ran.code == 1:
            assert "No space left on device" in one_sentence(ran.err)
            assert room.tree() == whole
        else:
            assert ran.code == 0, ran.err
            assert room.tree() == alone
        (place / "hog").unlink()
        after(room)


def test_an_environment_without_inodes_fails_a_fresh_install(tmp_path: Path) -> None:
    with tmpfs("4m", inodes=90) as place:
        room = Room(tmp_path, prefix=place / "venv")
        beside, one, _ = make_wheels(room)
        room.do("install", beside)
        count = os.statvfs(place).f_ffree
        for number in range(max(0, count - 25)):
            (place / f"node{number}").touch()
        assert "No space left on device" in refused(room, "install", one)
        for number in range(max(0, count - 25)):
            (place / f"node{number}").unlink()
        after(room)


@pytest.mark.parametrize("left", [0, 40], ids=lambda left: f"{left}k")
def test_a_full_store_fails_an_install_and_leaves_no_half_entry(tmp_path: Path, left: int) -> None:
    with tmpfs("1m") as place:
        room = Room(tmp_path, cache=place / "cache")
        beside, one, _ = make_wheels(room)
        room.do("install", beside)
        hog(place, left=left * 1024)
        assert "No space left on device" in refused(room, "install", one)
        (place / "hog").unlink()
        after(room)
        room.do("install", one)
        assert room.findings() == []


# --- files and directories in the way ---------------------------------------------------------------------------------


def test_an_immutable_file_in_the_way_of_a_fresh_install(tmp_path: Path) -> None:
    room = Room(tmp_path)
    _, one, _ = make_wheels(room)
    room.write("pkg/m03.py", "mine\n")
    with immutable(room.site / "pkg" / "m03.py"):
        for flag in ([], ["--force"]):
            sentence = refused(room, "install", *flag, one)
            assert "pkg/m03.py" in sentence
    (room.site / "pkg" / "m03.py").unlink()
    room.do("install", one)
    assert room.findings() == []


def test_an_immutable_directory_in_the_way_of_a_fresh_install(tmp_path: Path) -> None:
    room = Room(tmp_path)
    beside, one, _ = make_wheels(room)
    room.do("install", beside)
    with immutable(room.site / "pkg"):
        assert "Operation not permitted" in refused(room, "install", one)
    after(room)


@pytest.mark.parametrize("path", ["pkg/m03.py", "pkg/gone.py", "pkg/same.py"])
def test_an_immutable_file_in_the_way_of_an_upgrade(tmp_path: Path, path: str) -> None:
    room = Room(tmp_path)
    beside, one, two = make_wheels(room)
    room.do("install", "--link-mode", "copy", beside, one)
    with immutable(room.site / path):
        if path == "pkg/same.py":  # not touched by the upgrade at all
            room.do("install", two)
        else:
            sentence = refused(room, "install", two)
            assert path in sentence
    after(room)


def test_an_immutable_file_in_the_way_of_an_uninstall(tmp_path: Path) -> None:
    room = Room(tmp_path)
    beside, one, _ = make_wheels(room)
    room.do("install", "--link-mode", "copy", beside, one)
    with immutable(room.site / "pkg" / "m03.py"):
        assert "pkg/m03.py" in refused(room, "uninstall", "pkg")
    after(room)
    room.do("uninstall", "pkg")
    assert room.findings() == []


@pytest.mark.parametrize("count", [2, 100])
@pytest.mark.parametrize("flag", ["i", "a"])
def test_one_immutable_or_append_only_file_among_few_or_many_bars_an_uninstall(
    tmp_path: Path, count: int, flag: str
) -> None:
    room = Room(tmp_path)
    room.do("install", "--link-mode", "copy", room.wheel("pkg", "1.0", {f"pkg/m{n}.py": "" for n in range(count)}))
    with immutable(room.site / "pkg" / "m1.py", flag):
        assert "pkg/m1.py" in refused(room, "uninstall", "pkg")
    room.do("uninstall", "pkg")
    assert room.findings() == []


def test_a_directory_where_a_file_of_a_fresh_wheel_goes(tmp_path: Path) -> None:
    room = Room(tmp_path)
    beside, one, _ = make_wheels(room)
    room.do("install", beside)
    room.write("pkg/m03.py/precious.txt", "mine\n")
    for flag in ([], ["--force"]):
        sentence = refused(room, "install", *flag, one)
        assert "pkg/m03.py is in the way of pkg: a directory" in sentence
    assert room.read("pkg/m03.py/precious.txt") == "mine\n"


def test_a_directory_where_a_new_file_of_an_upgrade_goes(tmp_path: Path) -> None:
    room = Room(tmp_path)
    beside, one, two = make_wheels(room)
    room.do("install", beside, one)
    room.write("pkg/sub/new.py/precious.txt", "mine\n")
    assert "pkg/sub/new.py is in the way of pkg: a directory" in refused(room, "install", two)


def test_a_directory_where_a_changed_file_of_an_upgrade_stood(tmp_path: Path) -> None:
    room = Room(tmp_path)
    beside, one, two = make_wheels(room)
    room.do("install", beside, one)
    (room.site / "pkg" / "m03.py").unlink()
    room.write("pkg/m03.py/precious.txt", "mine\n")
    assert "pkg/m03.py is in the way of pkg: a directory" in refused(room, "install", two)


def test_a_directory_where_an_installed_file_stood_is_left_by_an_uninstall_and_said(tmp_path: Path) -> None:
    room = Room(tmp_path)
    beside, one, _ = make_wheels(room)
    room.do("install", beside, one)
    (room.site / "pkg" / "m03.py").unlink()
    room.write("pkg/m03.py/precious.txt", "mine\n")
    ran = room.do("uninstall", "pkg")
    assert room.read("pkg/m03.py/precious.txt") == "mine\n"
    assert not (room.site / "pkg" / "m04.py").exists()
    assert "pkg/m03.py" in ran.err


@pytest.mark.parametrize("path", ["pkg", "pkg/sub"])
def test_a_file_where_a_directory_of_a_wheel_goes(tmp_path: Path, path: str) -> None:
    room = Room(tmp_path)
    _, one, two = make_wheels(room)
    if path == "pkg/sub":
        room.do("install", one)
    room.write(path, "mine\n")
    for flag in ([], ["--force"]):
        sentence = refused(room, "install", *flag, two)
        assert f"{path} is in the way of pkg: a file where a directory has to be" in sentence
    assert room.read(path) == "mine\n"


def test_a_file_where_a_dist_info_goes(tmp_path: Path) -> None:
    room = Room(tmp_path)
    _, one, _ = make_wheels(room)
    room.write("pkg-1.0.dist-info", "mine\n")
    assert "pkg-1.0.dist-info" in refused(room, "install", one)


def test_a_fifo_where_a_file_of_a_wheel_goes(tmp_path: Path) -> None:
    room = Room(tmp_path)
    _, one, _ = make_wheels(room)
    (room.site / "pkg").mkdir()
    os.mkfifo(room.site / "pkg" / "m03.py")
    assert "pkg/m03.py" in refused(room, "install", one)
    assert look(str(room.site / "pkg" / "m03.py")).kind == "other"


# --- read-only --------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def read_only(place: Path) -> Iterator[None]:
    subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
    try:
        yield
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(place)], check=True)


RUNS: dict[str, Callable[[str, str, str], list[str]]] = {
    "fresh": lambda _beside, one, _two: ["install", one],
    "upgrade": lambda beside, _one, _two: ["install", beside],
    "uninstall": lambda _beside, _one, _two: ["uninstall", "beside"],
}


@pytest.mark.parametrize("touched", [False, True], ids=["pips", "lugnuts"])
@pytest.mark.parametrize("kind", sorted(RUNS))
def test_a_read_only_environment(tmp_path: Path, kind: str, *, touched: bool) -> None:
    with tmpfs("8m") as place:
        room = Room(tmp_path, prefix=place / "venv")
        beside, one, two = make_wheels(room)
        newer = room.wheel("beside", "2.0", {"pkg/beside.py": "B = 2\n"})
        if touched:
            room.do("install", beside)
        else:
            room.uv_install("--link-mode=copy", beside)
        with read_only(place):
            words = RUNS[kind](newer, one, two)
            assert "Read-only file system" in refused(room, *words)
            if touched:
                assert "Nothing to do" in room.do("install", beside).err
            assert room.lugnut("check").code == 0
            assert "beside" in room.do("list").out
        after(room)


# --- ways out of the environment --------------------------------------------------------------------------------------


def test_a_symlinked_package_directory_is_not_written_through(tmp_path: Path) -> None:
    room = Room(tmp_path)
    _, one, two = make_wheels(room)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "m03.py").write_text("mine\n")
    (room.site / "pkg").symlink_to(outside)
    for flag in ([], ["--force"]):
        assert "pkg is a symlink" in refused(room, "install", *flag, one)
    assert {path.name: path.read_text() for path in outside.iterdir()} == {"m03.py": "mine\n"}
    (room.site / "pkg").unlink()
    room.do("install", one)
    (room.site / "pkg" / "sub").symlink_to(outside)
    assert "pkg/sub is a symlink" in refused(room, "install", two)
    assert {path.name: path.read_text() for path in outside.iterdir()} == {"m03.py": "mine\n"}


def test_an_installed_package_directory_that_became_a_symlink_is_not_deleted_through(tmp_path: Path) -> None:
    room = Room(tmp_path)
    _, one, two = make_wheels(room)
    room.do("install", "--link-mode", "copy", one)
    outside = tmp_path / "outside"
    (room.site / "pkg").rename(outside)
    (room.site / "pkg").symlink_to(outside)
    moved = {path.name: path.read_text() for path in outside.iterdir()}
    assert "pkg is a symlink" in refused(room, "install", two)
    assert "pkg is a symlink" in refused(room, "install", "--reinstall", one)
    ran = room.do("uninstall", "pkg")
    assert "pkg is a symlink" in ran.err
    assert {path.name: path.read_text() for path in outside.iterdir()} == moved


def test_a_dist_info_that_is_a_symlink_is_not_written_through(tmp_path: Path) -> None:
    room = Room(tmp_path)
    _, one, _ = make_wheels(room)
    outside = tmp_path / "outside"
    outside.mkdir()
    (room.site / "pkg-1.0.dist-info").symlink_to(outside)
    refused(room, "install", one)
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize(
    "spelled", ["../../../../{0}", "{1}", "pkg/../../../../../{0}"], ids=["dots", "absolute", "way"]
)
def test_a_record_that_names_files_outside_deletes_none_of_them(tmp_path: Path, spelled: str) -> None:
    room = Room(tmp_path)
    _, one, two = make_wheels(room)
    for command in (["uninstall", "pkg"], ["install", two], ["install", "--reinstall", one]):
        room.do("install", one)
        victim = tmp_path / "victim.txt"
        victim.write_text("mine\n")
        record = room.site / "pkg-1.0.dist-info" / "RECORD"
        row = spelled.format(victim.name, victim)
        rows = record.read_text() + f"{row},sha256=uMa2sPLDn_FTqZzVmM3TBWgl9ZH9yDlzwd1eM6HTTto,5\n{row}c,,\n"
        record.unlink()
        record.write_text(rows)
        ran = room.lugnut(*command)
        assert victim.read_text() == "mine\n"
        assert "Traceback" not in ran.err
        assert "contradicts itself" not in ran.err, ran.err
        room.anew()


def test_a_read_only_store(tmp_path: Path) -> None:
    with tmpfs("1m") as place:
        room = Room(tmp_path, cache=place / "cache")
        beside, one, _ = make_wheels(room)
        room.do("install", beside)
        with read_only(place):
            assert "Read-only file system" in refused(room, "install", one)
            room.do("uninstall", "beside")
            room.do("install", beside)  # what it has can be used
        after(room)
