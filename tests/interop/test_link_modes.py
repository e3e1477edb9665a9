"""Files come from the store by link, clone or copy, from this device or another: one tree, never a damaged one."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from rooms import Room
from trees import site_packages, tree_digest

MODES = ["auto", "hardlink", "clone", "copy"]
FILES = {
    "pkg/__init__.py": "V = 1\n",
    "pkg/tool.sh": "#!/bin/sh\n",
    "pkg/empty.py": "",
    "pkg/big.txt": "big\n" * 50_000,
    "pkg-1.0.data/scripts/pkg-script": "#!python\nprint('pkg')\n",
    "pkg-1.0.data/data/share/pkg.txt": "pkg\n",
}


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """A directory on another device."""
    shared = "/dev/shm"
    if not os.path.isdir(shared) or os.stat(shared).st_dev == tmp_path.stat().st_dev:
        pytest.skip("needs /dev/shm on a device of its own")
    place = tempfile.mkdtemp(prefix="lugnut-", dir=shared)
    yield Path(place)
    shutil.rmtree(place)


def make_pkg(room: Room) -> str:
    return room.wheel(
        "pkg", "1.0", FILES, entry_points="[console_scripts]\npkg = pkg:main\n", executables={"pkg/tool.sh"}
    )


def stored(room: Room, name: str) -> Path:
    (found,) = (path for path in (room.cache / "store").rglob(name) if "temporary" not in path.parts)
    return found


@pytest.mark.parametrize("umask", [0o022, 0o077], ids=["022", "077"])
def test_one_tree_by_every_mode_from_either_device(tmp_path: Path, elsewhere: Path, umask: int) -> None:
    here, there = Room(tmp_path / "room"), elsewhere / "cache"
    wheel = make_pkg(here)
    files = {}
    before = os.umask(umask)
    try:
        for cache in (here.cache, there):
            here.cache = cache
            for mode in MODES:
                here.anew()
                here.do("install", "--link-mode", mode, wheel)
                assert here.findings() == []
                tree = here.tree()
                files[cache, mode] = tree_digest({path: one for path, one in tree.items() if one.kind != "directory"})
                linked = (Path(site_packages(str(here.prefix))) / "pkg" / "__init__.py").stat().st_nlink
                assert (linked > 1) == (mode in {"auto", "hardlink"} and cache != there)
    finally:
        os.umask(before)
    assert len(set(files.values())) == 1, files


@pytest.mark.parametrize("mode", MODES)
def test_upgrades_and_removals_work_in_every_mode_from_another_device(
    tmp_path: Path, elsewhere: Path, mode: str
) -> None:
    room = Room(tmp_path, cache=elsewhere / "cache")
    two = room.wheel("pkg", "2.0", {"pkg/__init__.py": "V = 2\n", "pkg/new.py": ""})
    rival = room.wheel("rival", "1.0", {"pkg/__init__.py": "V = 3\n"})
    before = room.tree()
    for wheel in (make_pkg(room), two, rival):
        room.do("install", "--link-mode", mode, wheel)
        assert room.findings() == []
    assert room.read("pkg/__init__.py") == "V = 3\n"
    room.do("uninstall", "rival")
    assert room.read("pkg/__init__.py") == "V = 2\n"
    room.do("uninstall", "pkg")
    assert room.tree() == before


def test_the_environment_may_be_what_lies_elsewhere(tmp_path: Path, elsewhere: Path) -> None:
    room = Room(tmp_path, prefix=elsewhere / "venv")
    room.do("install", make_pkg(room))
    assert room.findings() == []


@pytest.mark.parametrize("mode", MODES)
def test_who_edits_one_file_of_a_dist_info_edits_one(tmp_path: Path, mode: str) -> None:
    """What lugnut writes there says the same in every dist-info, and is a file of its own in each (TRAPS 15)."""
    room = Room(tmp_path)
    room.do("install", "--link-mode", mode, "--jobs", "1", *(room.wheel(name) for name in ("aa", "bb", "cc")))
    for name in ("INSTALLER", "REQUESTED", "RECORD", "lugnut.json"):
        found = {path.stat().st_ino for path in room.site.glob(f"*.dist-info/{name}")}
        assert len(found) == 3, name


def edit_bytes(path: Path) -> None:
    path.write_text("V = 9\n")


def edit_bytes_and_time(path: Path) -> None:
    path.write_text("V = 999999\n")
    os.utime(path, (path.stat().st_atime, 315_705_600))


def truncate(path: Path) -> None:
    os.truncate(path, 0)


def remove(path: Path) -> None:
    path.unlink()


def through_an_environment(path: Path) -> None:
    """Edit as a user does in site-packages, through a hard link of the store's file (TRAPS 43)."""
    other = path.parent.parent / "edited-through"
    os.link(path, other)
    with open(other, "a") as file:
        file.write("# edited\n")
    other.unlink()


DAMAGES = [edit_bytes, edit_bytes_and_time, truncate, remove, through_an_environment]


@pytest.mark.parametrize("mode", ["hardlink", "copy"])
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_store_file_is_never_placed_and_the_same_run_heals_it(tmp_path: Path, damage, mode: str) -> None:
    room = Room(tmp_path)
    wheel = make_pkg(room)
    room.do("install", wheel)
    whole = room.digest()
    room.anew()
    damage(stored(room, "__init__.py"))
    ran = room.do("install", "--link-mode", mode, wheel)
    assert "pkg-1.0-py3-none-any.whl was damaged in the store (pkg/__init__.py); it is unpacked anew" in ran.err
    assert room.digest() == whole
    assert room.findings() == []


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_store_file_is_never_staged_by_an_upgrade(tmp_path: Path, damage) -> None:
    room = Room(tmp_path)
    one, two = make_pkg(room), room.wheel("pkg", "2.0", {"pkg/__init__.py": "V = 2\n"})
    room.do("install", two)
    (place,) = (path for path in (room.cache / "store").rglob("__init__.py"))
    room.do("install", one)
    damage(place)
    room.do("install", two)
    assert room.read("pkg/__init__.py") == "V = 2\n"
    assert room.findings() == []


def test_a_damaged_script_of_the_store_is_never_written(tmp_path: Path) -> None:
    room = Room(tmp_path)
    wheel = make_pkg(room)
    room.do("install", wheel)
    whole = room.digest()
    room.anew()
    stored(room, "pkg-script").write_text("#!python\nprint('bad')\n")
    room.do("install", wheel)
    assert room.digest() == whole


def test_a_store_that_lost_an_entry_meanwhile_takes_the_wheel_again(tmp_path: Path) -> None:
    room = Room(tmp_path)
    wheel = make_pkg(room)
    room.do("install", wheel)
    room.anew()
    for entry in (room.cache / "store").iterdir():
        if len(entry.name) == 64:
            shutil.rmtree(entry)
    room.do("install", wheel)
    assert room.findings() == []
