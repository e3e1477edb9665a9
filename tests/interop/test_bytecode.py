"""Bytecode follows its source: no import runs what an earlier version left, whoever compiled it (TRAPS 21)."""

from __future__ import annotations

import importlib.util
import signal
import sys
from pathlib import Path

import pytest

from programs import run
from rooms import Room
from trees import walk

SHOW = "import pkg, pkg.part; print(pkg.V, pkg.part.V)"


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def make_versions(room: Room) -> tuple[str, str]:
    """Two versions with sources of equal size, and one time in both zips."""
    one, two = (
        room.wheel("pkg", version, {"pkg/__init__.py": f"V = {number}\n", "pkg/part.py": f"V = {number}{number}\n"})
        for number, version in ((1, "1.0"), (2, "2.0"))
    )
    return one, two


def import_it(room: Room) -> str:
    """Import with the environment's interpreter, which leaves bytecode."""
    return room.ask(f"import sys; sys.dont_write_bytecode = False; {SHOW}")


def bytecode(room: Room) -> set[str]:
    found = walk(str(room.site), skipped=frozenset({".lugnut"}))
    return {path for path, is_directory in found if path.endswith(".pyc") or (is_directory and "__pycache__" in path)}


def named(*sources: str) -> set[str]:
    compiled = {importlib.util.cache_from_source(source) for source in sources}
    return compiled | {str(Path(path).parent) for path in compiled}


@pytest.mark.parametrize("mode", ["hardlink", "copy"])
def test_the_new_code_runs_after_an_upgrade_and_a_downgrade(room: Room, mode: str) -> None:
    one, two = make_versions(room)
    room.do("install", "--link-mode", mode, one)
    assert import_it(room) == "1 11"
    assert bytecode(room) == named("pkg/__init__.py", "pkg/part.py")
    room.do("install", "--link-mode", mode, two)
    assert import_it(room) == "2 22"
    room.do("install", "--link-mode", mode, one)
    assert import_it(room) == "1 11"


def test_another_build_of_one_version_runs_its_own_code(room: Room) -> None:
    one = room.wheel("pkg", "1.0", {"pkg/__init__.py": "V = 1\n", "pkg/part.py": "V = 1\n"})
    again = room.wheel("pkg", "1.0", {"pkg/__init__.py": "V = 8\n", "pkg/part.py": "V = 9\n"}, below="again")
    room.do("install", one)
    assert import_it(room) == "1 1"
    room.do("install", again)
    assert import_it(room) == "8 9"


@pytest.mark.parametrize("tool", ["pip", "uv"])
def test_what_others_compiled_does_not_outlive_an_upgrade(room: Room, tool: str) -> None:
    one, two = make_versions(room)
    if tool == "pip":
        room.pip_install(one)
    else:
        room.uv_install("--compile-bytecode", one)
    assert bytecode(room)
    room.do("install", two)
    assert import_it(room) == "2 22"
    room.do("uninstall", "pkg")
    assert bytecode(room) == set()
    assert not (room.site / "pkg").exists()


def test_the_winners_code_runs_whoever_was_imported_before(room: Room) -> None:
    jwt = room.wheel("jwt", "1.0", {"pkg/__init__.py": "V = 1\n", "pkg/part.py": "V = 1\n"})
    pyjwt = room.wheel("pyjwt", "1.0", {"pkg/__init__.py": "V = 2\n", "pkg/part.py": "V = 2\n"})
    room.do("install", jwt)
    assert import_it(room) == "1 1"
    room.do("install", pyjwt)
    assert import_it(room) == "2 2"
    room.do("uninstall", "pyjwt")
    assert import_it(room) == "1 1"
    room.do("install", pyjwt)
    assert import_it(room) == "2 2"
    room.do("install", "--overlay", "jwt", jwt)
    assert import_it(room) == "1 1"


def test_compile_bytecode_leaves_what_python_takes(room: Room) -> None:
    one, two = make_versions(room)
    room.do("install", "--compile-bytecode", one)
    assert bytecode(room) == named("pkg/__init__.py", "pkg/part.py")
    before = {path: (room.site / path).stat().st_mtime_ns for path in bytecode(room) if path.endswith(".pyc")}
    said = room.ask(f"import sys; sys.dont_write_bytecode = False; {SHOW}; print(sys.modules['pkg'].__cached__)")
    assert said.startswith("1 11\n")
    assert {path: (room.site / path).stat().st_mtime_ns for path in before} == before
    room.do("install", "--compile-bytecode", two)
    assert bytecode(room) == named("pkg/__init__.py", "pkg/part.py")
    assert import_it(room) == "2 22"
    assert room.findings() == []


def test_bytecode_is_compiled_once_and_linked_into_the_next_environment(room: Room, tmp_path: Path) -> None:
    one, _ = make_versions(room)
    room.do("install", "--compile-bytecode", one)
    other = Room(tmp_path / "other", cache=room.cache)
    other.do("install", "--compile-bytecode", one)
    paths = [path for path in bytecode(room) if path.endswith(".pyc")]
    assert len(paths) == 2
    for path in paths:
        assert (other.site / path).stat().st_ino == (room.site / path).stat().st_ino
    assert import_it(other) == "1 11"


def test_a_source_that_shows_another_s_bytes_gets_the_bytecode_of_those(room: Room) -> None:
    low = room.wheel("low", "1.0", {"pkg/__init__.py": "V = 1\n", "pkg/part.py": "V = 1\n"})
    top = room.wheel("top", "1.0", {"pkg/part.py": "V = 2\n"})
    room.do("install", "--compile-bytecode", top)
    room.do("install", "--compile-bytecode", low)
    assert bytecode(room) == named("pkg/__init__.py", "pkg/part.py")
    assert import_it(room) == "1 2"


def test_edited_bytecode_of_the_store_is_not_linked(room: Room) -> None:
    one, _ = make_versions(room)
    room.do("install", "--compile-bytecode", one)
    for path in bytecode(room):
        if path.endswith(".pyc"):
            (room.site / path).write_bytes(b"spoiled")
    room.do("uninstall", "pkg")
    room.do("install", "--compile-bytecode", one)
    assert bytecode(room) == named("pkg/__init__.py", "pkg/part.py")
    assert all((room.site / path).read_bytes() != b"spoiled" for path in bytecode(room) if path.endswith(".pyc"))
    assert import_it(room) == "1 11"


def test_compile_bytecode_of_what_is_not_python_is_no_error(room: Room) -> None:
    wheel = room.wheel("pkg", "1.0", {"pkg/__init__.py": "V = 1\n", "pkg/template.py": "{{ this is no Python }}\n"})
    room.do("install", "--compile-bytecode", wheel)
    assert bytecode(room) == named("pkg/__init__.py")


@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "imported"])
def test_uninstall_leaves_no_bytecode(room: Room, *, compiled: bool) -> None:
    before = room.tree()
    one, _ = make_versions(room)
    room.do("install", *(["--compile-bytecode"] if compiled else []), one)
    import_it(room)
    room.do("uninstall", "pkg")
    assert bytecode(room) == set()
    assert room.tree() == before


def test_uninstall_leaves_the_bytecode_of_others(room: Room) -> None:
    one, _ = make_versions(room)
    room.do("install", one, room.wheel("other", "1.0", {"pkg/other.py": "O = 1\n", "pkg/part_two.py": "P = 2\n"}))
    room.ask("import sys; sys.dont_write_bytecode = False; import pkg.part, pkg.other, pkg.part_two")
    room.do("uninstall", "pkg")
    assert bytecode(room) == named("pkg/other.py", "pkg/part_two.py")


def test_bytecode_of_a_source_dropped_by_an_upgrade_goes(room: Room) -> None:
    one, _ = make_versions(room)
    three = room.wheel("pkg", "3.0", {"pkg/__init__.py": "V = 3\n"})
    room.do("install", one)
    import_it(room)
    room.do("install", three)
    assert bytecode(room) <= named("pkg/__init__.py")
    assert room.findings() == []


KILLED = """
import os, signal, sys
from lugnut.cli.main import main
from lugnut.system import files
rename = files.rename
def die(*names):
    if names[-1].{test}:
        os.kill(os.getpid(), signal.SIGKILL)
    rename(*names)
files.rename = die
main(sys.argv[1:])
"""


def test_bytecode_that_was_being_written_at_a_kill_goes_with_its_source(room: Room) -> None:
    before = room.tree()
    one, _ = make_versions(room)
    _, *words = room.command("install", "--compile-bytecode", "--link-mode", "copy", one)
    assert (
        run([sys.executable, "-c", KILLED.format(test="endswith('.pyc')"), *words], room.environ).code
        == -signal.SIGKILL
    )
    assert room.tree() != before
    room.do("uninstall", "pkg")
    assert room.tree() == before


def test_a_run_killed_as_it_fills_the_store_with_bytecode_is_followed_by_one_that_does(room: Room) -> None:
    one, _ = make_versions(room)
    _, *words = room.command("install", "--compile-bytecode", one)
    dying = KILLED.format(test="startswith('cpython-')")
    assert run([sys.executable, "-c", dying, *words], room.environ).code == -signal.SIGKILL
    assert len(list((room.cache / "store" / "temporary").iterdir())) == 1
    room.do("install", "--reinstall", "--compile-bytecode", one)
    assert list((room.cache / "store" / "temporary").iterdir()) == []
    assert bytecode(room) == named("pkg/__init__.py", "pkg/part.py")
    links = {(room.site / path).stat().st_nlink for path in bytecode(room) if path.endswith(".pyc")}
    assert links == {2}
