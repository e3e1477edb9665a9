"""Whoever reads while others install sees whole files from the first moment on: none torn, empty or missing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from readers import NOTHING, Reader, Seen
from replacing import CONTENTS, rename_over, rewrite_in_place, watch
from rooms import Room

ROUNDS = int(os.environ.get("LUGNUT_TEST_ROUNDS", "15"))
LONG = "# a line of the longer one\n" * 4000


def test_the_reader_finds_what_an_unlink_and_rewrite_does(tmp_path: Path) -> None:
    seen = watch(str(tmp_path), rewrite_in_place)
    assert seen.reads > 0
    assert seen.torn > 0
    assert seen.missing > 0


def test_the_reader_finds_nothing_where_a_whole_file_is_renamed_over(tmp_path: Path) -> None:
    seen = watch(str(tmp_path), rename_over)
    assert (seen.torn, seen.missing) == (0, 0)
    assert len(CONTENTS) == 2


def make_sharers(room: Room) -> tuple[str, str, list[bytes]]:
    """jwt, whose file is longer, and pyjwt, which wins it."""
    texts = {"jwt": f"whose = 'jwt'\n{LONG}", "pyjwt": "whose = 'pyjwt'\n"}
    jwt, pyjwt = (
        room.wheel(name, "1.0", {"jwt/__init__.py": text, f"jwt/{name}.py": ""}) for name, text in texts.items()
    )
    return jwt, pyjwt, [text.encode() for text in texts.values()]


def mode(number: int) -> list[str]:
    """Take turns: a file that is linked comes in one step, one that is copied must too."""
    return ["--link-mode", ("hardlink", "copy")[number % 2]]


def test_a_shared_file_while_its_owners_come_and_go(tmp_path: Path) -> None:
    """jwt stays from beginning to end, so that its file may never be absent; pyjwt is put over it and taken away."""
    room = Room(tmp_path)
    jwt, pyjwt, whole = make_sharers(room)
    room.do("install", jwt)
    with Reader(str(room.site / "jwt/__init__.py"), whole, there=True) as reader:
        for number in range(ROUNDS // 2):
            room.do("install", *mode(number), pyjwt)
            room.do("uninstall", "pyjwt")
    judge("shared", reader.seen)


def test_a_shared_file_while_both_owners_are_installed_at_once(tmp_path: Path) -> None:
    room = Room(tmp_path)
    jwt, pyjwt, whole = make_sharers(room)
    total = NOTHING
    for number in range(ROUNDS):
        with Reader(str(room.site / "jwt/__init__.py"), whole) as reader:
            room.do("install", "--jobs", "2", *mode(number), *(jwt, pyjwt)[:: -1 if number % 4 > 1 else 1])
        total = total.plus(reader.seen)
        room.do("uninstall", "jwt", "pyjwt")
    judge("installed at once", total)


def test_a_file_that_is_upgraded_and_reinstalled(tmp_path: Path) -> None:
    room = Room(tmp_path)
    texts = {"1.0": "V = 1\n", "2.0": f"V = 2\n{LONG}"}
    one, two = (room.wheel("pkg", version, {"pkg/__init__.py": text}) for version, text in texts.items())
    room.do("install", one)
    whole = [text.encode() for text in texts.values()]
    with Reader(str(room.site / "pkg/__init__.py"), whole, there=True) as reader:
        for number in range(ROUNDS):
            again = ["--reinstall"] if number % 5 == 4 else []
            room.do("install", *again, *mode(number // 2), two if number % 2 == 0 else one)
    judge("upgraded", reader.seen)


@pytest.mark.parametrize("name", ["METADATA", "RECORD"])
def test_a_dist_info_that_is_reinstalled_is_never_without_its_files(tmp_path: Path, name: str) -> None:
    room = Room(tmp_path)
    one, again = (room.wheel("pkg", "1.0", {"pkg.py": f"V = {build}\n"}, below=str(build)) for build in (1, 2))
    contents = []
    for wheel in (one, again):
        room.do("install", wheel)
        contents.append((room.site / "pkg-1.0.dist-info" / name).read_bytes())
    with Reader(str(room.site / "pkg-1.0.dist-info" / name), contents, there=True) as reader:
        for number in range(ROUNDS // 2):
            room.do("install", one if number % 2 == 0 else again)
    judge(f"{name}, reinstalled", reader.seen)


def judge(what: str, seen: Seen) -> None:
    print(f"{what}: {seen.reads} reads, {seen.torn} torn, {seen.missing} missing")
    assert seen.reads > 100
    assert (seen.torn, seen.missing) == (0, 0)
