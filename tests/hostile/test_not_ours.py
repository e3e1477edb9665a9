"""What no installed distribution names is not ours: it stays, or is set aside if the user says so, and it is said."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rooms import Room, one_sentence

HERE = "import os\n"


def make_wheels(room: Room) -> tuple[str, str, str]:
    one = {"pkg/__init__.py": "V = 1\n", "pkg/a.py": "A = 1\n", "pkg/same.py": HERE, "pkg/gone.py": "G = 1\n"}
    two = {"pkg/__init__.py": "V = 2\n", "pkg/a.py": "A = 2\n", "pkg/same.py": HERE, "pkg/new.py": "N = 2\n"}
    beside = {"pkg/beside.py": "B = 1\n", "other/__init__.py": ""}
    return room.wheel("pkg", "1.0", one), room.wheel("pkg", "2.0", two), room.wheel("beside", "1.0", beside)


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


# --- in the way of new files ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_users_file_at_a_fresh_wheels_path_is_refused(room: Room, jobs: str) -> None:
    one, _, beside = make_wheels(room)
    room.write("pkg/a.py", "mine\n")
    before = room.tree()
    ran = room.lugnut("install", "--jobs", jobs, beside, one)
    assert (ran.code, ran.out) == (1, "")
    sentence = one_sentence(ran.err)
    assert sentence.startswith("pkg/a.py is in the way of pkg: a file that no installed distribution names")
    assert "--force" in ran.err
    assert room.tree() == before


def test_force_sets_a_users_file_aside_and_says_where(room: Room) -> None:
    one, _, _ = make_wheels(room)
    room.write("pkg/a.py", "mine\n")
    ran = room.do("install", "--force", one)
    assert room.read("pkg/a.py") == "A = 1\n"
    assert room.set_aside() == {"pkg/a.py": "mine\n"}
    (place,) = (room.site / ".lugnut" / "altered").rglob("a.py")
    assert f"pkg/a.py (now {place})" in ran.err
    assert room.findings() == []


def test_a_users_file_at_a_new_path_of_an_upgrade_is_refused_or_set_aside(room: Room) -> None:
    one, two, _ = make_wheels(room)
    room.do("install", one)
    room.write("pkg/new.py", "mine\n")
    before = room.tree()
    ran = room.lugnut("install", two)
    assert ran.code == 1
    assert "pkg/new.py is in the way of pkg" in one_sentence(ran.err)
    assert room.tree() == before
    ran = room.do("install", "--force", two)
    assert room.read("pkg/new.py") == "N = 2\n"
    assert room.set_aside() == {"pkg/new.py": "mine\n"}
    assert "pkg/new.py (now " in ran.err
    assert room.findings() == []


def test_a_users_symlink_at_a_fresh_wheels_path_is_refused_or_set_aside_and_never_followed(room: Room) -> None:
    one, _, _ = make_wheels(room)
    mine = room.write("mine.py", "mine\n")
    (room.site / "pkg").mkdir()
    (room.site / "pkg" / "a.py").symlink_to(mine)
    before = room.tree()
    ran = room.lugnut("install", one)
    assert ran.code == 1
    assert "pkg/a.py is in the way of pkg" in one_sentence(ran.err)
    assert room.tree() == before
    ran = room.do("install", "--force", one)
    assert "pkg/a.py (now " in ran.err
    assert room.read("mine.py") == "mine\n"
    assert not (room.site / "pkg" / "a.py").is_symlink()
    assert room.read("pkg/a.py") == "A = 1\n"
    assert os.readlink(next((room.site / ".lugnut" / "altered").rglob("a.py"))) == str(mine)


def test_equal_bytes_are_adopted(room: Room) -> None:
    one, _, _ = make_wheels(room)
    mine = room.write("pkg/a.py", "A = 1\n")
    inode = mine.stat().st_ino
    ran = room.do("install", one)
    assert "warning" not in ran.err
    assert mine.stat().st_ino == inode
    assert room.findings() == []
    room.do("uninstall", "pkg")
    assert not mine.exists()


def test_equal_bytes_are_not_withdrawn_when_the_run_is_undone(room: Room) -> None:
    one, _, beside = make_wheels(room)
    mine = room.write("pkg/a.py", "A = 1\n")
    room.write("other/__init__.py", "mine, and in the way\n")
    inode, before = mine.stat().st_ino, room.tree()
    assert room.lugnut("install", one, beside).code == 1
    assert room.tree() == before
    assert mine.stat().st_ino == inode


def test_equal_bytes_are_not_withdrawn_when_a_conflict_undoes_the_run(room: Room) -> None:
    one, _, _ = make_wheels(room)
    rival = room.wheel("rival", "1.0", {"pkg/__init__.py": "RIVAL = 1\n"})
    room.do("install", rival)
    mine = room.write("pkg/a.py", "A = 1\n")
    inode, before = mine.stat().st_ino, room.tree()
    assert room.lugnut("install", "--on-conflict", "error", one).code == 4
    assert room.tree() == before
    assert mine.stat().st_ino == inode


# --- edited files -----------------------------------------------------------------------------------------------------


def test_an_edited_file_survives_the_runs_of_others(room: Room) -> None:
    one, _, beside = make_wheels(room)
    room.do("install", one)
    room.write("pkg/a.py", "edited\n")
    for words in (["install", beside], ["install", "--reinstall", beside], ["uninstall", "beside"], ["install", one]):
        ran = room.do(*words)
        assert room.read("pkg/a.py") == "edited\n"
        assert "set aside" not in ran.err
    assert room.set_aside() == {}


@pytest.mark.parametrize("path", ["pkg/a.py", "pkg/same.py", "pkg/gone.py"])
@pytest.mark.parametrize("act", ["upgrade", "reinstall", "uninstall"])
def test_an_edited_file_is_set_aside_and_named_by_a_run_on_its_own_distribution(
    room: Room, act: str, path: str
) -> None:
    one, two, beside = make_wheels(room)
    words = {
        "upgrade": ["install", two],
        "reinstall": ["install", "--reinstall", one],
        "uninstall": ["uninstall", "pkg"],
    }
    room.do("install", beside)
    alone = room.tree()
    room.do("install", "--link-mode", "copy", one)
    room.write(path, "edited\n")
    ran = room.do(*words[act])
    assert room.set_aside() == {path: "edited\n"}
    aside = [line for line in ran.err.splitlines() if "set aside" in line]
    assert len(aside) == 1
    assert f"{path} (now " in aside[0]
    assert room.findings() == []
    if act == "uninstall":
        assert room.tree() == alone


def test_a_file_edited_in_place_is_set_aside_too(room: Room) -> None:
    one, two, _ = make_wheels(room)
    room.do("install", "--link-mode", "copy", one)
    with open(room.site / "pkg" / "a.py", "a") as file:
        file.write("edited\n")
    room.do("install", two)
    assert room.set_aside() == {"pkg/a.py": "A = 1\nedited\n"}
    assert room.read("pkg/a.py") == "A = 2\n"


def test_an_edited_shared_file_is_left_to_the_other_owner(room: Room) -> None:
    first = room.wheel("first", "1.0", {"shared/x.py": "X = 1\n", "first.py": ""})
    second = room.wheel("second", "1.0", {"shared/x.py": "X = 1\n", "second.py": ""})
    room.do("install", first, second)
    room.write("shared/x.py", "edited\n")
    ran = room.do("uninstall", "first")
    assert room.read("shared/x.py") == "edited\n"
    assert "shared/x.py" in ran.err
    assert not (room.site / "first.py").exists()


# --- what pip has clashed ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [("jwt", "pyjwt"), ("pyjwt", "jwt")], ids="-".join)
@pytest.mark.parametrize("removed", ["jwt", "pyjwt"])
@pytest.mark.parametrize("tool", ["pip", "uv"])
def test_an_environment_where_others_clashed(room: Room, tool: str, order: tuple[str, str], removed: str) -> None:
    texts = {
        "jwt": {"jwt/__init__.py": "whose = 'jwt'\n", "jwt/jwk.py": "K = 1\n", "jwt/same.py": HERE},
        "pyjwt": {"jwt/__init__.py": "whose = 'pyjwt'\n", "jwt/api.py": "I = 1\n", "jwt/same.py": HERE},
    }
    wheels = {name: room.wheel(name, "1.0", files) for name, files in texts.items()}
    for name in order:
        (room.pip_install if tool == "pip" else room.uv_install)(wheels[name])
    mine = room.write("jwt/mine.py", "mine\n")
    kept = "pyjwt" if removed == "jwt" else "jwt"
    shown = room.read("jwt/__init__.py")
    assert shown == texts[order[1]]["jwt/__init__.py"]
    ran = room.do("uninstall", removed)
    for path, text in texts[kept].items():
        if path != "jwt/__init__.py":
            assert room.read(path) == text
    assert not any((room.site / path).exists() for path in texts[removed] if path not in texts[kept])
    assert mine.read_text() == "mine\n"
    if shown == texts[kept]["jwt/__init__.py"]:
        assert room.read("jwt/__init__.py") == shown
    else:  # the one removed had overwritten it; what the other had there is nowhere at hand, and that is said
        assert "jwt/__init__.py" in ran.err
        assert "--reinstall" in ran.err
    room.do("install", "--reinstall", wheels[kept])
    assert {path: room.read(path) for path in texts[kept]} == texts[kept]
    mine.unlink()
    assert room.findings() == []


def test_what_neither_names_in_a_clashed_environment_is_left_alone_and_said(room: Room) -> None:
    jwt = room.wheel("jwt", "1.0", {"jwt/__init__.py": "whose = 'jwt'\n"})
    pyjwt = room.wheel("pyjwt", "1.0", {"jwt/__init__.py": "whose = 'pyjwt'\n", "jwt/api.py": ""})
    room.pip_install(jwt)
    room.pip_install(pyjwt)
    room.write("jwt/__init__.py", "edited\n")
    ran = room.do("uninstall", "jwt")
    assert room.read("jwt/__init__.py") == "edited\n"
    assert "left alone" in ran.err
    assert "jwt/__init__.py" in ran.err


# --- beside what is installed -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("act", ["upgrade", "uninstall"])
def test_a_users_file_in_a_package_directory_stays(room: Room, act: str) -> None:
    one, two, _ = make_wheels(room)
    room.do("install", one)
    room.write("pkg/mine.py", "mine\n")
    room.write("pkg/data/mine.txt", "mine\n")
    room.do(*{"upgrade": ["install", two], "uninstall": ["uninstall", "pkg"]}[act])
    assert room.read("pkg/mine.py") == room.read("pkg/data/mine.txt") == "mine\n"
    assert (room.site / "pkg" / "a.py").exists() == (act == "upgrade")


@pytest.mark.parametrize("act", ["upgrade", "reinstall", "uninstall"])
def test_a_users_file_in_a_dist_info_survives_and_is_named(room: Room, act: str) -> None:
    one, two, _ = make_wheels(room)
    words = {
        "upgrade": ["install", two],
        "reinstall": ["install", "--reinstall", one],
        "uninstall": ["uninstall", "pkg"],
    }
    room.do("install", one)
    mine = room.write("pkg-1.0.dist-info/mine.txt", "mine\n")
    ran = room.do(*words[act])
    if mine.exists():
        assert mine.read_text() == "mine\n"
        assert act == "reinstall"
    else:
        assert room.set_aside() == {"pkg-1.0.dist-info/mine.txt": "mine\n"}
        assert "pkg-1.0.dist-info/mine.txt (now " in ran.err
        assert room.findings() == []
