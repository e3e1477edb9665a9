"""What lies at hand, by the real program: where it is looked for, who steers the choice, and what must be built."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from indexes import IndexServer, serve
from projects import make_tree, pack
from rooms import Room, one_sentence
from wheels import make_wheel

by_both = pytest.mark.parametrize("resolver", ["uv", "pip"])


@pytest.fixture
def room(tmp_path: Path) -> Room:
    """Give a room with lib 1.0, 2.0 and 3.0a1 in `wheels`, whose settings name no index and do not forbid one."""
    room = Room(tmp_path / "room")
    room.environ.pop("LUGNUT_NO_INDEX")
    room.environ["PIP_CONFIG_FILE"] = "/dev/null"
    for version in ("1.0", "2.0", "3.0a1"):
        room.wheel("lib", version)
    return room


@pytest.fixture
def index(tmp_path: Path) -> Iterator[IndexServer]:
    make_wheel(tmp_path / "index", "lib", "2.0")
    make_wheel(tmp_path / "index", "lib", "2.5")
    with serve(tmp_path / "index") as server:
        yield server


def add_sdist(room: Room, name: str, version: str = "1.0", *, ending: str = ".tar.gz") -> Path:
    made = pack(make_tree(room.path / "sources", name, version), ending=ending)
    return made.rename(room.wheels / made.name)


def watch(room: Room) -> Callable[[], bool]:
    """Put a uv before the others that does nothing but note that it was started; gives how to ask for that."""
    program, note = room.path / "first" / "uv", room.path / "asked"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ntouch {note}\nexit 1\n")
    program.chmod(0o755)
    room.environ["PATH"] = f"{program.parent}:{room.environ['PATH']}"
    return note.exists


def from_directory(room: Room, *words: str) -> tuple[str, ...]:
    return ("install", "--no-index", "-f", str(room.wheels), *words)


# --- where is looked --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", [False, True], ids=["path", "url"])
def test_directories_that_variables_of_pip_name_are_searched_where_there_is_no_index(room: Room, url: bool) -> None:
    place = room.wheels.as_uri() if url else str(room.wheels)
    room.environ |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": place}
    asked = watch(room)
    room.do("install", "lib")
    assert (room.standing(), asked()) == (["lib==2.0"], False)


@pytest.mark.parametrize(
    ("variable", "text", "asked", "found"),
    [
        ("PIP_CONFIG_FILE", "[global]\nno-index = true\nfind-links =\n    {}\n", "lib<2", "lib==1.0"),
        ("UV_CONFIG_FILE", 'no-index = true\nfind-links = ["{}"]\n', "lib", "lib==2.0"),
    ],
)
def test_directories_that_a_file_of_settings_names_are_searched_where_there_is_no_index(
    room: Room, variable: str, text: str, asked: str, found: str
) -> None:
    settings = room.path / "settings"
    settings.write_text(text.format(room.wheels))
    room.environ[variable] = str(settings)
    room.do("install", asked)
    assert room.standing() == [found]


def test_a_requirements_file_without_an_index_is_answered_out_of_both_its_own_directory_and_settings(
    room: Room,
) -> None:
    room.wheel("other", below="../own")
    (room.path / "r.txt").write_text("--no-index\n-f own\nlib\nother\n")
    room.environ["PIP_FIND_LINKS"] = str(room.wheels)
    asked = watch(room)
    room.do("install", "-r", str(room.path / "r.txt"))
    assert (room.standing(), asked()) == (["lib==2.0", "other==1.0"], False)


def test_directories_of_a_flag_are_searched_in_place_of_those_of_settings(room: Room) -> None:
    room.wheel("lib", "1.5", below="../own")
    room.environ |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(room.wheels)}
    asked = watch(room)
    room.do("install", "-f", f"file:{room.path}/own", "lib")
    assert (room.standing(), asked()) == (["lib==1.5"], False)


@by_both
def test_a_page_that_settings_name_is_read_by_a_resolver(room: Room, index: IndexServer, resolver: str) -> None:
    room.environ.pop("UV_OFFLINE")
    room.environ |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": f"{room.wheels} {index.links}"}
    room.do("install", "--resolver", resolver, "lib")
    assert room.standing() == ["lib==2.5"]


# --- who steers -------------------------------------------------------------------------------------------------------


@by_both
def test_pre_releases_are_chosen_at_hand_where_they_are_allowed(room: Room, resolver: str) -> None:
    room.do(*from_directory(room, "--resolver", resolver, "--pre", "lib"))
    assert room.standing() == ["lib==3.0a1"]


@by_both
def test_a_pre_release_is_not_chosen_at_hand_where_none_is_allowed(room: Room, resolver: str) -> None:
    ran = room.lugnut(*from_directory(room, "--resolver", resolver, "--prerelease", "disallow", "lib>2"))
    assert (ran.code, "lib" in one_sentence(ran.err)) == (1, True)
    asked = watch(room)
    room.do(*from_directory(room, "--prerelease", "if-necessary-or-explicit", "--resolution", "highest", "lib>2"))
    assert (room.standing(), asked()) == (["lib==3.0a1"], False)


def test_the_lowest_version_is_chosen_at_hand_where_it_is_asked_for(room: Room) -> None:
    room.do(*from_directory(room, "--resolution", "lowest", "lib"))
    assert room.standing() == ["lib==1.0"]


def test_overrides_hold_for_what_is_chosen_at_hand_and_for_what_is_installed(room: Room) -> None:
    overrides = room.path / "o.txt"
    overrides.write_text("lib==1.0\n")
    room.do(*from_directory(room, "--overrides", str(overrides), "lib"))
    assert room.standing() == ["lib==1.0"]
    overrides.write_text("lib==2.0\n")
    room.do(*from_directory(room, "--overrides", str(overrides), "lib"))
    assert room.standing() == ["lib==2.0"]


@by_both
@pytest.mark.parametrize("word", ["lib", ":all:"])
def test_what_is_to_be_built_is_not_taken_from_a_wheel_at_hand(room: Room, resolver: str, word: str) -> None:
    add_sdist(room, "lib", "1.5")
    words = ("--resolver", resolver, "--no-binary", word, "lib")
    assert "building lib" in room.do(*from_directory(room, *words)).err
    assert room.standing() == ["lib==1.5"]


def test_what_another_name_is_to_be_built_of_steers_nothing(room: Room) -> None:
    asked = watch(room)
    room.do(*from_directory(room, "--no-binary", "other", "lib"))
    assert (room.standing(), asked()) == (["lib==2.0"], False)


def test_a_date_is_read_where_wheels_at_hand_would_do(room: Room) -> None:
    ran = room.lugnut(*from_directory(room, "--exclude-newer", "the day before", "lib"))
    assert "the day before" in one_sentence(ran.err)
    assert room.standing() == []


@pytest.mark.parametrize(
    "words", [("--pre",), ("--resolution", "lowest"), ("--exclude-newer", "2030-01-01")], ids=lambda words: words[0]
)
def test_an_exact_version_at_hand_is_the_resolvers_too_where_something_steers(
    room: Room, index: IndexServer, words: tuple[str, ...]
) -> None:
    room.environ.pop("UV_OFFLINE")
    flags = ("-f", str(room.wheels), "--index-url", index.simple)
    room.do("install", *flags, "--reinstall", "lib==2.0")
    assert index.asked == []
    room.do("install", *flags, *words, "--reinstall", "lib==2.0")
    assert index.asked != []


@pytest.mark.parametrize("words", [("--pre",), ("--no-binary", ":all:"), ("--resolution", "lowest")])
def test_a_wheel_by_path_and_what_stands_need_no_resolver_whatever_steers(room: Room, words: tuple[str, ...]) -> None:
    asked = watch(room)
    room.do("install", "--no-index", *words, str(room.wheels / "lib-2.0-py3-none-any.whl"))
    room.do("install", "--no-index", *words, "lib")
    assert (room.standing(), asked()) == (["lib==2.0"], False)


# --- what an upgrade reaches ------------------------------------------------------------------------------------------


@by_both
def test_an_upgrade_at_hand_upgrades_what_is_needed_as_one_from_an_index_does(room: Room, resolver: str) -> None:
    room.wheel("app", requires=["lib>=1", 'never; extra == "more"'])
    asked = watch(room)
    room.do(*from_directory(room, "lib==1.0"))
    room.do(*from_directory(room, "app"))
    assert (room.standing(), asked()) == (["app==1.0", "lib==1.0"], False)
    room.do(*from_directory(room, "--upgrade", "--no-deps", "app"))
    assert (room.standing(), asked()) == (["app==1.0", "lib==1.0"], False)
    room.do(*from_directory(room, "--resolver", resolver, "--upgrade", "app"))
    assert room.standing() == ["app==1.0", "lib==2.0"]


@pytest.mark.parametrize("extra", ["", "[more]"])
def test_an_upgrade_of_a_wheel_by_path_upgrades_what_it_needs(room: Room, extra: str) -> None:
    needs = 'lib>=1; extra == "more"' if extra else "lib>=1"
    app = room.wheel("app", requires=[needs], metadata="Provides-Extra: more", below="..")
    room.do(*from_directory(room, "lib==1.0"))
    room.do(*from_directory(room, "--upgrade", app + extra))
    assert room.standing() == ["app==1.0", "lib==2.0"]


@pytest.mark.parametrize("page", [False, True], ids=["index", "page"])
def test_an_upgrade_reaches_as_far_as_settings_do(room: Room, index: IndexServer, page: bool) -> None:
    app = room.wheel("app", requires=["lib>=1"], below="..")
    room.do(*from_directory(room, "lib==1.0"))
    room.environ.pop("UV_OFFLINE")
    only = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": index.links}
    room.environ |= only if page else {"PIP_INDEX_URL": index.simple}
    room.do("install", "--upgrade", app)
    assert room.standing() == ["app==1.0", "lib==2.5"]


def test_an_upgrade_leaves_what_is_installed_and_nowhere_to_be_had(room: Room) -> None:
    room.wheel("app", requires=["lib>=1"], below="../own")
    room.do(*from_directory(room, "lib==1.0"))
    room.do("install", "--no-index", "-f", str(room.path / "own"), "--upgrade", "app")
    assert room.standing() == ["app==1.0", "lib==1.0"]


def test_an_upgrade_leaves_what_needs_something_that_is_installed_and_nowhere_to_be_had(room: Room) -> None:
    for version in ("1.0", "2.0"):
        room.wheel("middle", version, requires=["lib"], below="../own")
    room.wheel("app", requires=["middle"], below="../own")
    own = ("--no-index", "-f", str(room.path / "own"))
    room.do("install", *own, "-f", str(room.wheels), "lib==1.0", "middle==1.0")
    room.do("install", *own, "--upgrade", "app")
    assert room.standing() == ["app==1.0", "lib==1.0", "middle==1.0"]
    room.do("install", *own, "-f", str(room.wheels), "--upgrade", "app")
    assert room.standing() == ["app==1.0", "lib==2.0", "middle==2.0"]


def test_an_upgrade_that_names_all_that_is_needed_here_needs_no_resolver(room: Room) -> None:
    room.wheel("app", requires=["lib>=1", 'never; extra == "more"', 'gone; sys_platform == "none"'])
    room.do(*from_directory(room, "lib==1.0"))
    asked = watch(room)
    room.do(*from_directory(room, "--upgrade", "app", "lib"))
    assert (room.standing(), asked()) == (["app==1.0", "lib==2.0"], False)


# --- what must be built -----------------------------------------------------------------------------------------------


@by_both
@pytest.mark.parametrize("ending", [".tar.gz", ".zip"])
def test_an_sdist_at_hand_is_built_where_there_is_no_wheel(room: Room, resolver: str, ending: str) -> None:
    add_sdist(room, "tiny", ending=ending)
    said = room.do(*from_directory(room, "--resolver", resolver, "tiny")).err
    assert "building tiny" in said
    assert room.standing() == ["tiny==1.0"]


@by_both
def test_an_sdist_at_hand_is_built_where_it_is_newer_than_the_wheels(room: Room, resolver: str) -> None:
    add_sdist(room, "tiny")
    room.wheel("tiny", "0.5")
    room.do(*from_directory(room, "--resolver", resolver, "tiny"))
    assert room.standing() == ["tiny==1.0"]


@pytest.mark.parametrize(
    ("version", "asked", "words"),
    [
        ("1.0", "tiny<1", ()),
        ("0.5", "tiny", ()),
        ("0.4", "tiny", ()),
        ("1.0b1", "tiny", ()),
        ("1.0", "tiny", ("--no-build",)),
        ("1.0", "tiny", ("--only-binary", "tiny")),
    ],
    ids=["not-allowed", "as-old", "older", "pre-release", "no-build", "only-binary"],
)
def test_an_sdist_at_hand_is_passed_over(room: Room, version: str, asked: str, words: tuple[str, ...]) -> None:
    add_sdist(room, "tiny", version)
    room.wheel("tiny", "0.5")
    resolved = watch(room)
    room.do(*from_directory(room, *words, asked))
    assert (room.standing(), resolved()) == (["tiny==0.5"], False)


def test_an_sdist_in_a_directory_of_settings_is_built(room: Room) -> None:
    add_sdist(room, "tiny")
    room.environ |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(room.wheels)}
    room.do("install", "tiny")
    assert room.standing() == ["tiny==1.0"]
