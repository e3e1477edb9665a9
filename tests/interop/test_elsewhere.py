"""`--target` for another Python and another platform: from wheels at hand, from a lock and by uv."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from indexes import IndexServer, serve
from programs import Ran, find_program, run
from rooms import Room, one_sentence
from wheels import make_wheel

WINDOWS = ("--python-version", "3.9", "--python-platform", "windows")


@pytest.fixture
def index(tmp_path: Path) -> Iterator[IndexServer]:
    directory = tmp_path / "index"
    requires = ['colours; sys_platform == "win32"', 'old-thing; python_version < "3.10"', 'posix; os_name == "posix"']
    for tag in ("cp39-cp39-win_amd64", "cp39-cp39-manylinux_2_28_x86_64", "cp310-abi3-win_amd64"):
        make_wheel(directory, "app", "1.0", {"app.py": f"TAG = '{tag}'\n"}, tag=tag, requires=requires)
    for name in ("colours", "old-thing", "posix"):
        make_wheel(directory, name, "1.0")
    with serve(directory) as server:
        yield server


@pytest.fixture
def room(tmp_path: Path, index: IndexServer) -> Room:
    return Room(tmp_path / "room").look_at(index.simple)


def ship(room: Room, act: str, *words: str) -> tuple[Ran, list[str]]:
    """Fill a directory that is to be shipped; give what stands in it as well."""
    target = room.path / "shipped"
    command = [find_program("lugnut"), act, "--python", str(room.prefix), "--cache-dir", str(room.cache)]
    ran = run([*command, "--target", str(target), *words], room.environ)
    return ran, sorted(path.name for path in target.glob("*.dist-info"))


def tag_of(room: Room) -> str:
    return (room.path / "shipped" / "app.py").read_text()


EVERYTHING = ["app-1.0.dist-info", "colours-1.0.dist-info", "old_thing-1.0.dist-info"]


def test_what_is_shipped_is_chosen_by_where_it_will_run(room: Room) -> None:
    ran, stands = ship(room, "install", *WINDOWS, "app")
    assert (ran.code, stands) == (0, EVERYTHING), ran.err
    assert "win_amd64" in tag_of(room)
    assert "needs" not in ran.err  # what posix alone needs is not missed


def test_another_platform_and_version_get_other_wheels_and_other_needs(room: Room) -> None:
    ran, stands = ship(room, "install", "--python-version", "3.9", "--platform", "manylinux_2_28_x86_64", "app")
    assert ran.code == 0, ran.err
    assert stands == ["app-1.0.dist-info", "old_thing-1.0.dist-info", "posix-1.0.dist-info"]
    assert "manylinux" in tag_of(room)
    ran, stands = ship(room, "install", "--python-version", "311", "--platform", "win_amd64", "--reinstall", "app")
    assert ran.code == 0, ran.err
    assert "abi3" in tag_of(room)


def test_wheels_at_hand_need_no_resolver(room: Room, tmp_path: Path) -> None:
    words = ("--no-index", "--no-deps", "--find-links", str(tmp_path / "index"), *WINDOWS, "app")
    ran, stands = ship(room, "install", *words)
    assert (ran.code, stands) == (0, ["app-1.0.dist-info"]), ran.err
    assert "cp39-cp39-win_amd64" in tag_of(room)


def test_a_lock_is_made_and_synced_for_elsewhere(room: Room, tmp_path: Path) -> None:
    lock = str(tmp_path / "pylock.toml")
    room.do("lock", *WINDOWS, "app", "-o", lock)
    ran, stands = ship(room, "sync", *WINDOWS, lock)
    assert (ran.code, stands) == (0, EVERYTHING), ran.err
    before = room.tree()
    refused = room.lugnut("sync", lock)  # it is not for this environment
    assert refused.code != 0
    one_sentence(refused.err)
    assert room.tree() == before


def test_what_is_not_to_be_shipped_is_not_filled_for_elsewhere(room: Room) -> None:
    before = room.tree()
    for words in (WINDOWS, ("--platform", "linux")):
        ran = room.lugnut("install", *words, "app")
        assert ran.code == 2
        assert "--target" in ran.err
    ran, stands = ship(room, "install", *WINDOWS, "--compile-bytecode", "app")
    assert (ran.code, stands) == (2, [])
    assert "--compile-bytecode" in ran.err
    assert room.tree() == before


def test_pip_cannot_resolve_for_elsewhere_and_says_so(room: Room) -> None:
    ran, stands = ship(room, "install", "--resolver", "pip", *WINDOWS, "app")
    assert (ran.code, stands) == (2, []), ran.err
    assert "use --resolver uv" in ran.err
