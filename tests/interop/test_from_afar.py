"""install, sync and lock from an index on loopback, by both resolvers: what is fetched, what stands, what is not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexes import Fault, IndexServer, serve
from programs import find_program, make_venv, run
from projects import make_tree, pack
from rooms import Room, one_sentence
from together import run_together
from wheels import make_wheel

RESOLVERS = ("uv", "pip")
by_both = pytest.mark.parametrize("resolver", RESOLVERS)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[IndexServer]:
    directory = tmp_path / "index"
    requires = ["lib>=1", 'extra-thing; extra == "more"']
    make_wheel(directory, "app", "1.0", requires=requires, metadata="Provides-Extra: more")
    make_wheel(directory, "app", "0.9", requires=["lib<2"])
    make_wheel(directory, "lib", "1.0"), make_wheel(directory, "lib", "2.0")
    make_wheel(directory, "extra-thing", "1.0")
    make_wheel(directory, "foreign", "1.0", tag="cp39-cp39-win32")
    pack(make_tree(tmp_path / "sources", "tiny")).rename(directory / "tiny-1.0.tar.gz")
    with serve(directory) as server:
        yield server


@pytest.fixture
def room(tmp_path: Path, index: IndexServer) -> Room:
    return Room(tmp_path / "room").look_at(index.simple)


@by_both
def test_what_is_named_comes_with_what_it_needs_and_nothing_is_fetched_twice(
    room: Room, index: IndexServer, resolver: str
) -> None:
    room.do("install", "--resolver", resolver, "app[more]")
    assert room.standing() == ["app==1.0", "extra-thing==1.0", "lib==2.0"]
    assert room.findings() == []
    requested = [path.parent.name for path in room.site.glob("*.dist-info/REQUESTED")]
    assert requested == ["app-1.0.dist-info"]
    asked = len(index.asked)
    room.do("install", "--resolver", resolver, "app[more]")  # all of it stands: nobody is asked
    assert len(index.asked) == asked


@by_both
def test_what_is_installed_stays_unless_it_is_upgraded(room: Room, resolver: str) -> None:
    room.do("install", "--resolver", resolver, "lib==1.0")
    room.do("install", "--resolver", resolver, "app")
    assert room.standing() == ["app==1.0", "lib==1.0"]
    room.do("install", "--resolver", resolver, "--upgrade", "app", "lib")
    assert room.standing() == ["app==1.0", "lib==2.0"]


@by_both
def test_an_sdist_is_built_and_the_next_environment_takes_the_built_wheel(
    room: Room, index: IndexServer, resolver: str, tmp_path: Path
) -> None:
    said = room.do("install", "--resolver", resolver, "tiny").err
    assert "building tiny" in said
    assert room.standing() == ["tiny==1.0"]
    other = make_venv(str(tmp_path / "other"))
    command = [find_program("lugnut"), "install", "--resolver", resolver, "--python", other, "--cache-dir"]
    ran = run([*command, str(room.cache), "tiny"], room.environ)
    assert (ran.code, "building tiny" in ran.err) == (0, False), ran.err
    assert index.count("tiny-1.0.tar.gz") <= 3  # the resolver's own, and once for the build


def test_a_lock_is_written_synced_and_holds_without_the_network(room: Room, index: IndexServer, tmp_path: Path) -> None:
    path = str(tmp_path / "pylock.toml")
    room.do("lock", "app", "-o", path)
    assert room.standing() == []
    room.do("install", "extra-thing")
    said = room.do("sync", path).err
    assert room.standing() == ["app==1.0", "lib==2.0"]
    assert "- extra-thing" in said.replace("_", "-")
    before, asked = room.tree(), len(index.asked)
    room.do("sync", path, "--offline")
    assert (room.tree(), len(index.asked)) == (before, asked)
    room.do("uninstall", "app")
    room.do("sync", path, "--offline")  # the store has the wheels
    assert room.tree().keys() == before.keys()
    assert len(index.asked) == asked


def test_eight_that_sync_one_lock_from_cold_fetch_each_wheel_once(
    room: Room, index: IndexServer, tmp_path: Path
) -> None:
    path = str(tmp_path / "pylock.toml")
    room.do("lock", "app[more]", "-o", path)
    index.asked.clear()
    ran = run_together([room.command("sync", path)] * 8, room.environ, str(tmp_path))
    assert [one.code for one in ran] == [0] * 8, [one.err for one in ran]
    assert room.standing() == ["app==1.0", "extra-thing==1.0", "lib==2.0"]
    wheels = ("app-1.0-py3-none-any.whl", "lib-2.0-py3-none-any.whl", "extra_thing-1.0-py3-none-any.whl")
    assert [index.count(name) for name in wheels] == [1, 1, 1]
    assert room.findings() == []


@by_both
@pytest.mark.parametrize("act", ["install", "lock"])
def test_what_was_yanked_is_taken_for_who_pins_it_and_it_is_said(
    room: Room, index: IndexServer, resolver: str, act: str, tmp_path: Path
) -> None:
    index.options = index.options._replace(yanked={"lib-1.0-py3-none-any.whl": "a slip"})
    out = ("-o", str(tmp_path / "pylock.toml")) if act == "lock" else ()
    said = room.do(act, "--resolver", resolver, "lib==1.0", *out).err
    assert "warning: lib 1.0 was yanked from its index: a slip" in said
    report = str(tmp_path / "report.json")
    if act == "install":
        room.do(act, "--resolver", resolver, "--reinstall", "lib==1.0", "--report", report)
        assert [one["is_yanked"] for one in json.loads(Path(report).read_text())["install"]] == [True]
    assert "was yanked from" not in room.do(act, "--resolver", resolver, "lib", "--upgrade", *out).err


@by_both
def test_an_extra_that_there_is_not_is_said_and_no_error(room: Room, resolver: str) -> None:
    assert "warning: lib 2.0 has no extra fancy" in room.do("install", "--resolver", resolver, "lib[fancy]").err
    assert room.standing() == ["lib==2.0"]


@by_both
def test_without_a_cache_nothing_is_kept_of_a_run(room: Room, resolver: str) -> None:
    room.do("install", "--resolver", resolver, "--no-cache", "app", "tiny")
    assert room.standing() == ["app==1.0", "lib==2.0", "tiny==1.0"]
    assert not room.cache.exists()
    assert not (room.path / "uv-cache").exists()


def test_a_project_is_installed_in_place(room: Room, tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "sources", "mine", "3.0")
    room.do("install", "-e", str(tree))
    document = json.loads((room.site / "mine-3.0.dist-info" / "direct_url.json").read_text())
    assert document["dir_info"] == {"editable": True}
    assert (room.site / "mine.pth").read_text().strip() == str(tree)


@by_both
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nothing-of-that-name",), "nothing-of-that-name"),
        (("lib==9",), "lib"),
        (("app", "lib<1"), "lib"),
        (("foreign==1.0",), "foreign"),
        (("lib", "--no-build", "tiny"), "tiny"),
    ],
)
def test_what_cannot_be_had_is_one_sentence_and_nothing_changes(
    room: Room, resolver: str, words: tuple[str, ...], said: str
) -> None:
    before = room.tree()
    ran = room.lugnut("install", "--resolver", resolver, *words)
    assert ran.code == 1
    assert said in one_sentence(ran.err)
    assert room.tree() == before


@pytest.mark.parametrize(
    "fault", [Fault(garbled=True, always=True), Fault(cut=10, always=True), Fault(status=404, always=True)]
)
def test_a_file_that_does_not_come_right_changes_nothing(
    room: Room, index: IndexServer, tmp_path: Path, fault: Fault
) -> None:
    path = str(tmp_path / "pylock.toml")
    room.do("lock", "app", "-o", path)
    index.spoil("lib-2.0-py3-none-any.whl", fault)
    before = room.tree()
    ran = room.lugnut("sync", path, "--retries", "1")
    assert ran.code == 1
    assert "lib-2.0" in one_sentence(ran.err)
    assert room.tree() == before
    assert not list((room.cache / "store").glob("*/tree/lib*"))
