"""What lugnut tells of an environment beside what pip and uv tell of the same one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rooms import Room

PROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""
BACKEND = f"""\
import os, sys
sys.path.insert(0, {str(Path(__file__).parents[2] / "tools")!r})
from wheels import make_wheel

def build_wheel(directory, config_settings=None, metadata_directory=None):
    return os.path.basename(make_wheel(directory, "Edited", "0.1", {{"edited.pth": os.getcwd() + "\\n"}}))

build_editable = build_wheel
"""
ABOUT = """\
Summary: An app
Home-page: https://home.invalid
Author: Me
Author-email: me@home.invalid
License: MIT
Keywords: a,b
Classifier: Framework :: X
Classifier: Topic :: Y
Project-URL: Docs, https://docs.invalid
Provides-Extra: more
Requires-Python: >=3.9

The description.
"""


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Room:
    """A set with all that trees differ in but extras and circles, and all that a line of pins can look like."""
    room = Room(tmp_path_factory.mktemp("read").resolve())
    wheels = [
        room.wheel(
            "App", "1.0", requires=["lib_two>=1,<9", "Lib.One<3", "gone", "no; sys_platform=='win32'"], metadata=ABOUT
        ),
        room.wheel("lib.one", "1.5", requires=["base>=0.1", "base<9", "lib-two", "other ; extra=='slow'"]),
        room.wheel(
            "Lib_Two", "2.0", requires=["base!=0.5", "speed"], entry_points="[console_scripts]\ntwo = Lib_Two:main\n"
        ),
        room.wheel("base", "1.0"),
    ]
    others = [
        room.wheel("speed", "3.0rc1", requires=["base"]),
        room.wheel("other", "3.0"),
        room.wheel("strict", "3.0", requires=["base>7", "base~=1.0", "base @ https://host.invalid/base.whl"]),
    ]
    room.wheel("Found_By.Name", "01.0", below="named")
    room.pip_install("-f", str(room.wheels / "named"), *wheels, "found-by-name")
    project = room.path / "my project"
    project.mkdir()
    (project / "pyproject.toml").write_text(PROJECT)
    (project / "backend.py").write_text(BACKEND)
    room.uv_install(*others, "--no-build-isolation", "-e", str(project))
    room.do("install", room.wheel("ours", "1.0+local.1"))
    return room


@pytest.fixture(scope="module")
def ringed(tmp_path_factory: pytest.TempPathFactory) -> Room:
    """A set with a circle, and with an extra that is asked for."""
    room = Room(tmp_path_factory.mktemp("ring").resolve())
    needs = {
        "ring-a": ["ring-b"], "ring-b": ["ring-c", "base"], "ring-c": ["ring-a"], "base": [], "other": [],
        "lib": ["base", "other; extra=='slow'"], "wants": ["lib[slow]"],
    }  # fmt: skip
    room.uv_install(*(room.wheel(name, requires=requires) for name, requires in needs.items()))
    return room


@pytest.mark.parametrize(
    "words",
    [
        "",
        "--show-version-specifiers",
        "--depth 1",
        "--depth 0",
        "--no-dedupe",
        "--prune base",
        "--prune lib-two --prune speed",
        "--package lib.one --show-version-specifiers",
        "--package lib-one --package base --package other",
        "--invert",
        "--invert --show-version-specifiers",
        "--invert --package base --no-dedupe",
        "--package speed --invert --depth 1",
    ],
)
def test_the_tree_is_uvs_to_the_byte(room: Room, words: str) -> None:
    drawn = room.do("tree", *words.split()).out
    assert drawn == room.uv("tree", *words.split()).out
    assert drawn.count("\n") > 1


@pytest.mark.parametrize("words", ["", "--invert", "--package ring-b", "--invert --package ring-b"])
def test_of_a_circle_the_same_hangs_from_the_same_as_with_uv(ringed: Room, words: str) -> None:
    """Where uv cuts it is chance; that one of it is the root, and what needs what, is not."""
    shape = ("--prune", "wants", "--prune", "other", "--show-version-specifiers", *words.split())
    ours, theirs = (
        [line.strip(" │├└─").removesuffix(" (*)") for line in text.splitlines()]
        for text in (ringed.do("tree", *shape).out, ringed.uv("tree", *shape).out)
    )
    assert {line for line in ours if "[" in line} == {line for line in theirs if "[" in line}
    assert [line[:4] for line in ours if "[" not in line] == [line[:4] for line in theirs if "[" not in line]


def test_extras_that_are_asked_for_hang_where_uv_leaves_them_out(ringed: Room) -> None:
    ours = ringed.do("tree", "--package", "wants").out
    assert ours == "wants v1.0\n└── lib v1.0\n    ├── base v1.0\n    └── other v1.0\n"
    assert ringed.uv("tree", "--package", "wants").out == "wants v1.0\n└── lib v1.0\n    └── base v1.0\n"


def plain(line: str) -> str:
    """Give a line of a requirements file in one spelling: name normalised, an editable project as its path."""
    name, at, rest = line.partition(" @ ")
    if at:
        return f"{name.lower().replace('_', '-').replace('.', '-')} @ {rest}"
    name, equals, rest = line.partition("==")
    if equals:
        return f"{name.lower().replace('_', '-').replace('.', '-')}=={rest}"
    return line.replace("file://", "").replace("%20", " ")


@pytest.mark.parametrize("words", [(), ("--exclude", "lib-two", "--exclude", "App"), ("--exclude-editable",)])
def test_freeze_is_pips_and_uvs(room: Room, words: tuple[str, ...]) -> None:
    ours = room.do("freeze", *words).out.splitlines()
    pips = [line for line in room.pip("freeze", "--all", *words).out.splitlines() if not line.startswith("#")]
    uvs = room.uv("freeze", *words).out.splitlines()
    assert [plain(line) for line in ours] == [plain(line) for line in uvs]
    assert sorted(map(plain, ours)) == sorted(map(plain, pips))
    assert "Found_By.Name==1.0" in ours


def fields(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines()]


def test_show_is_pips_line_by_line(room: Room) -> None:
    names = ["app", "LIB_ONE", "lib-two", "base", "edited"]
    for words in (["-f"], ["-v"]):
        assert fields(room.do("show", *names, *words).out) == fields(room.pip("show", *names, *words).out)
    assert f"Editable project location: {room.path}/my project" in room.do("show", "edited").out


@pytest.mark.parametrize("names", [["absent"], ["absent", "base"]])
def test_what_is_missing_costs_what_it_costs_with_pip_and_uv(room: Room, names: list[str]) -> None:
    ours = room.lugnut("show", *names)
    expected = 0 if "base" in names else 1
    assert (ours.code, "absent" in ours.err) == (expected, True)
    if expected == 0:
        assert room.pip("show", *names).code == room.uv("show", *names).code == 0


@pytest.mark.parametrize("words", [[], ["--editable"], ["--exclude-editable", "--exclude", "base"]])
def test_list_is_uvs_but_for_the_spelling_of_names_and_versions(room: Room, words: list[str]) -> None:
    words = [*words, "--exclude", "found.by.name"]

    def entries(text: str) -> list[dict[str, str]]:
        return [{**item, "name": plain(f"{item['name']}==").rstrip("=")} for item in json.loads(text)]

    listed = entries(room.do("list", "--format=json", *words).out)
    assert listed == entries(room.uv("list", "--format=json", *words).out)
    assert listed


# --- the installation report ------------------------------------------------------------------------------------------


def ask(room: Room, *words: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give lugnut's and pip's report of the same dry run."""
    ours = json.loads(room.do("install", "--dry-run", "--report", "-", "--no-index", *words).out)
    quiet = ("--dry-run", "--quiet", "--ignore-installed", "--report", "-", "--no-index", "--no-deps")
    return ours, json.loads(room.pip("install", *quiet, *words).out)


@pytest.mark.parametrize("named", [False, True])
def test_the_report_is_pips_but_for_who_wrote_it(tmp_path: Path, named: bool) -> None:
    room = Room(tmp_path)
    path = room.wheel("App", "1.0", metadata=ABOUT)
    ours, pips = ask(room, *(["--find-links", str(room.wheels), "app[more]==1.0"] if named else [path]))
    assert ours["install"] == pips["install"]
    assert ours["environment"] == pips["environment"]
    assert (ours["version"], isinstance(ours["pip_version"], str)) == (pips["version"], True)
    assert set(ours) - set(pips) == {"lugnut"}
    assert room.do("list").out == ""
