"""pip, uv and importlib.metadata at what lugnut installed, lugnut at what pip and uv installed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from environments import make_interpreter
from programs import clean_environ, find_program, run
from rooms import Room

FILES = {
    "full/__init__.py": "def main():\n    print('ran')\n",
    "full/data.txt": "data\n",
    "full-1.0.data/scripts/full-script": "#!python\nprint('script')\n",
    "full-1.0.data/data/share/full/manual.txt": "manual\n",
    "full-1.0.data/headers/full.h": "/* full */\n",
    "full-1.0.data/purelib/full_extra.py": "E = 1\n",
}
POINTS = "[console_scripts]\nfull = full:main\n\n[full.plugins]\none = full:main\n"
SCRIPTS = ("bin/full", "bin/full-script", "share/full/manual.txt")


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def make_full(room: Room) -> str:
    return room.wheel("full", "1.0", FILES, entry_points=POINTS, executables={"full-1.0.data/scripts/full-script"})


def strip(room: Room) -> set[str]:
    """Give the files of the environment; what uv and pip leave of directories is their own."""
    return {path for path, entry in room.tree().items() if entry.kind != "directory"}


# --- they at ours -----------------------------------------------------------------------------------------------------


def test_pip_lists_checks_and_uninstalls_what_lugnut_installed(room: Room) -> None:
    before = strip(room)
    room.do("install", make_full(room))
    listed = json.loads(room.pip("list", "--format=json").out)
    assert listed == [{"name": "full", "version": "1.0"}]
    assert "No broken requirements" in room.pip("check").out
    shown = room.pip("show", "-f", "full").out
    assert "Installer: lugnut" in room.pip("show", "-v", "full").out
    assert all(os.path.basename(path) in shown for path in SCRIPTS)
    room.pip("uninstall", "-y", "full")
    assert strip(room) == before


def test_uv_lists_checks_and_uninstalls_what_lugnut_installed(room: Room) -> None:
    before = strip(room)
    room.do("install", make_full(room))
    listed = json.loads(room.uv("list", "--format=json").out)
    assert listed == [{"name": "full", "version": "1.0"}]
    room.uv("check")
    assert all(path in room.uv("show", "-f", "full").out for path in SCRIPTS)
    assert room.uv("freeze").out.startswith("full @ file://")
    room.uv("uninstall", "full")
    assert strip(room) == before


@pytest.mark.parametrize("tool", ["pip", "uv"])
def test_they_upgrade_what_lugnut_installed(room: Room, tool: str) -> None:
    one, two = room.wheel("a", "1.0", {"a.py": "V = 1\n", "gone.py": ""}), room.wheel("a", "2.0", {"a.py": "V = 2\n"})
    room.do("install", one)
    stored = {path: path.read_bytes() for path in (room.cache / "store").rglob("*.py")}
    (room.pip_install if tool == "pip" else room.uv_install)(two)
    assert room.read("a.py") == "V = 2\n"
    assert not (room.site / "gone.py").exists()
    assert {path: path.read_bytes() for path in stored} == stored
    assert room.lugnut("check").code == 0
    assert room.findings() == []


def test_requirements_that_lugnut_left_unmet_are_found_by_both(room: Room) -> None:
    room.do("install", "--no-deps", room.wheel("needy", "1.0", requires=["absent>=2"]))
    for command in ([find_program("pip"), "--python", room.python, "check"], room.uv_command("check")):
        ran = run(command, room.environ)
        assert ran.code == 1
        assert "absent" in ran.out + ran.err


def test_importlib_metadata_sees_files_entry_points_and_what_was_requested(room: Room) -> None:
    room.do("install", make_full(room))
    seen = json.loads(
        room.ask(
            "import importlib.metadata as m, json\n"
            "d = m.distribution('full')\n"
            "f = [str(f) for f in d.files]\n"
            "print(json.dumps({'version': d.version, 'files': f, 'there': all(p.locate().exists() for p in d.files),\n"
            "  'points': sorted((e.group, e.name, e.value) for e in d.entry_points), 'plugin': "
            "[e.name for e in m.entry_points(group='full.plugins')], 'installer': d.read_text('INSTALLER').strip(),\n"
            "  'requested': d.read_text('REQUESTED'), 'url': json.loads(d.read_text('direct_url.json'))['url'],\n"
            "  'hashed': sorted(str(f) for f in d.files if f.hash is None),\n"
            "  'top': m.packages_distributions()['full']}))"
        )
    )
    assert seen["version"] == "1.0"
    assert seen["there"]
    assert {"full/__init__.py", "../../../bin/full", "../../../share/full/manual.txt"} <= set(seen["files"])
    assert seen["files"] == sorted(seen["files"])
    assert seen["points"] == [["console_scripts", "full", "full:main"], ["full.plugins", "one", "full:main"]]
    assert seen["plugin"] == ["one"]
    assert seen["installer"] == "lugnut"
    assert seen["requested"] == ""
    assert seen["url"].startswith("file:///")
    assert seen["hashed"] == ["full-1.0.dist-info/RECORD"]
    assert seen["top"] == ["full"]


def test_scripts_run(room: Room) -> None:
    room.do("install", make_full(room))
    said = {name: run([str(room.prefix / "bin" / name)], room.environ).out for name in ("full", "full-script")}
    assert said == {"full": "ran\n", "full-script": "script\n"}


# --- we at theirs -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tool", ["pip", "uv"])
def test_lugnut_lists_checks_and_uninstalls_what_they_installed(room: Room, tool: str) -> None:
    before = strip(room)
    (room.pip_install if tool == "pip" else room.uv_install)(make_full(room))
    (listed,) = json.loads(room.do("list", "--json").out)["installed"]
    assert (listed["name"], listed["version"], listed["installer"]) == ("full", "1.0", tool)
    room.do("check")
    ran = room.do("uninstall", "full")
    assert "warning" not in ran.err
    assert strip(room) == before
    assert room.findings() == []  # no empty directory either


@pytest.mark.parametrize("tool", ["pip", "uv"])
def test_lugnut_upgrades_what_they_installed(room: Room, tool: str) -> None:
    files = {"a/__init__.py": "V = 1\n", "a/same.py": "S = 1\n", "a/gone.py": ""}
    one = room.wheel("a", "1.0", files)
    two = room.wheel("a", "2.0", {"a/__init__.py": "V = 2\n", "a/same.py": "S = 1\n", "a/new.py": ""})
    (room.pip_install if tool == "pip" else room.uv_install)(one)
    inode = (room.site / "a" / "same.py").stat().st_ino
    room.do("install", two)
    assert room.ask("import a; print(a.V)") == "2"
    assert (room.site / "a" / "same.py").stat().st_ino == inode
    assert not (room.site / "a" / "gone.py").exists()
    assert room.findings() == []
    assert (room.site / "a-2.0.dist-info" / "INSTALLER").read_text().strip() == "lugnut"


@pytest.mark.parametrize("tool", ["pip", "uv"])
def test_uvs_cache_and_other_environments_are_not_written_through(room: Room, tool: str, tmp_path: Path) -> None:
    one, two = room.wheel("a", "1.0", {"a.py": "V = 1\n"}), room.wheel("a", "2.0", {"a.py": "V = 2\n"})
    other = Room(tmp_path / "other", cache=room.cache)
    other.environ["UV_CACHE_DIR"] = room.environ["UV_CACHE_DIR"]
    for each in (room, other):
        (each.pip_install if tool == "pip" else each.uv_install)(one)
    room.do("install", two)
    assert (room.read("a.py"), other.read("a.py")) == ("V = 2\n", "V = 1\n")


def test_lugnut_takes_over_the_same_version_and_a_second_run_has_nothing_to_do(room: Room) -> None:
    wheel = make_full(room)
    room.pip_install(wheel)
    assert "full==1.0" in room.do("install", wheel).err
    assert "Nothing to do" in room.do("install", wheel).err
    assert room.findings() == []
    assert not list(room.site.rglob("direct_url.json.*"))


def test_a_name_that_is_installed_by_others_is_enough(room: Room) -> None:
    wheel = room.wheel("a", "1.0")
    room.uv_install(wheel)
    assert "Nothing to do" in room.do("install", "--find-links", str(room.wheels), "a").err


# --- EXTERNALLY-MANAGED -----------------------------------------------------------------------------------------------


@pytest.fixture
def managed(tmp_path: Path) -> str:
    program = make_interpreter(tmp_path / "usr", base_prefix=str(tmp_path.resolve() / "usr"))
    marker = tmp_path / "usr" / "lib" / "python" / "EXTERNALLY-MANAGED"
    marker.write_text("[externally-managed]\nError=Use the package manager of this house.\n")
    return program


def test_a_python_that_its_system_manages_is_refused_with_its_own_words(room: Room, managed: str) -> None:
    command = [find_program("lugnut"), "install", "--python", managed, "--cache-dir", str(room.cache), room.wheel("a")]
    environ = clean_environ(str(room.path))
    site = Path(managed).parent.parent / "lib" / "site"
    refused = run(command, environ)
    assert refused.code == 2
    assert "Use the package manager of this house." in refused.err
    assert not site.exists()
    allowed = run([*command, "--break-system-packages"], environ)
    assert allowed.code == 0, allowed.err
    assert (site / "a.py").exists()


def test_a_target_of_a_managed_python_is_exempt(room: Room, managed: str, tmp_path: Path) -> None:
    command = [find_program("lugnut"), "install", "--python", managed, "--cache-dir", str(room.cache), room.wheel("a")]
    ran = run([*command, "--target", str(tmp_path / "target")], clean_environ(str(room.path)))
    assert ran.code == 0, ran.err
    assert (tmp_path / "target" / "a.py").exists()
