"""The screens of the commands that only read, and the installation report."""

from __future__ import annotations

import json
from typing import Any

import pytest

from screens import Room

APP = "Summary: An app\nAuthor: Me\nLicense-Expression: MIT\nClassifier: Framework :: X\nProject-URL: Docs, https://docs.invalid\n"


@pytest.fixture
def app(room: Room) -> Room:
    """An app that needs two libraries, of which one shadows the other."""
    wheels = [
        room.wheel("App", "1.0", {"app.py": ""}, requires=["Lib_One>=1", "lib-two"], metadata=APP),
        room.wheel("Lib_One", "1.5", {"lib/__init__.py": "1\n", "lib/one.py": ""}),
        room.wheel("lib-two", "2.0", {"lib/__init__.py": "22\n", "lib/two.py": ""}, requires=["Lib_One"]),
    ]
    assert room.run(f"install -qq {' '.join(wheels)}")[0] == 0
    return room


SHOWN = """\
Name: App
Version: 1.0
Summary: An app
Home-page:
Author: Me
Author-email:
License-Expression: MIT
Location: ROOM/env
Requires: lib-two, Lib_One
Required-by:
---
Name: Lib_One
Version: 1.5
Summary:
Home-page:
Author:
Author-email:
License:
Location: ROOM/env
Requires:
Required-by: App, lib-two
Shadowed:
  lib/__init__.py by lib-two
"""


def test_show_gives_pips_fields_and_who_shadows_whom(app: Room) -> None:
    assert app.screen("show app lib.one APP") == SHOWN
    lines = app.screen("show lib-two -v -f").splitlines()
    assert lines[lines.index("Shadows:") + 1 :][:3] == [
        "  lib/__init__.py of lib-one",
        "Metadata-Version: 2.1",
        "Installer: lugnut",
    ]
    infos = [
        f"  lib_two-2.0.dist-info/{name}"
        for name in ("INSTALLER", "METADATA", "RECORD", "REQUESTED", "WHEEL", "direct_url.json", "lugnut.json")
    ]
    assert lines[lines.index("Files:") + 1 :] == ["  lib/__init__.py", "  lib/two.py", *infos]


def test_show_names_what_is_missing_and_fails_only_where_nothing_is_left(app: Room) -> None:
    missing = "warning: not installed in ROOM/env: a, b\n"
    assert app.screen("show b a") == missing + "[1]\n"
    assert app.screen("show b app a").startswith(missing + "Name: App\n")
    assert app.run("show b app a")[0] == 0
    assert app.screen("show") == "error: nothing to show was named\nhint: name it, or use `lugnut list`\n[2]\n"
    assert app.screen("show a==1").startswith("error: 'a==1' is not a distribution's name\n")


def test_show_as_a_document(app: Room) -> None:
    document = app.document("show lib_one absent -f")
    assert document["missing"] == ["absent"]
    [one] = document["distributions"]
    assert one["shadowed"] == [{"path": "lib/__init__.py", "name": "lib-two"}]
    assert (one["name"], one["required_by"], "lib/one.py" in one["files"]) == ("Lib_One", ["App", "lib-two"], True)


def test_the_tree(app: Room) -> None:
    assert app.screen("tree") == ("app v1.0\n├── lib-one v1.5\n└── lib-two v2.0\n    └── lib-one v1.5\n")
    assert app.screen("tree --invert --package lib-one --show-version-specifiers --package gone") == (
        "warning: not installed in ROOM/env: gone\n"
        "lib-one v1.5\n├── app v1.0 [requires: lib-one >=1]\n└── lib-two v2.0 [requires: lib-one *]\n"
        "    └── app v1.0 [requires: lib-two *]\n"
    )
    assert app.screen("tree --prune lib_one --depth 1") == "app v1.0\n└── lib-two v2.0\n"
    assert app.screen("tree --depth 256").startswith("error: --depth must be a number from 0 to 255, not '256'\n")
    [root] = app.document("tree")["roots"]
    assert [branch["name"] for branch in root["branches"]] == ["lib-one", "lib-two"]


def test_freeze_and_the_filters_of_list(app: Room) -> None:
    lines = app.run("freeze --all -l")[1].splitlines()
    assert [line.partition("#")[0].replace(str(app.path), "ROOM") for line in lines] == [
        "App @ file://ROOM/wheels/App-1.0-py3-none-any.whl",
        "Lib_One @ file://ROOM/wheels/Lib_One-1.5-py3-none-any.whl",
        "lib-two @ file://ROOM/wheels/lib_two-2.0-py3-none-any.whl",
    ]
    assert app.document("freeze --exclude App --exclude lib_two")["requirements"] == lines[1:2]
    assert app.screen("list --format freeze --exclude app") == "Lib_One==1.5\nlib-two==2.0\n"
    assert app.screen("list --editable --format freeze") == ""
    assert app.screen("list --outdated").startswith("error: --outdated is not supported: ")


def test_a_directory_is_read_in_place_of_the_environment(app: Room) -> None:
    app.run(f"install -qq {app.wheel('other')} --target {app.path}/second")
    assert app.screen("list --format freeze --path second") == "other==1.0\n"
    assert app.screen("list --format freeze --path second --path nowhere --path env").splitlines() == [
        "other==1.0", "App==1.0", "Lib_One==1.5", "lib-two==2.0",
    ]  # fmt: skip


# --- the installation report ------------------------------------------------------------------------------------------


def read(room: Room, name: str = "report.json") -> Any:
    return json.loads(room.path.joinpath(name).read_text())


def test_the_report_says_what_was_installed_and_carries_our_own(room: Room) -> None:
    one, two = room.wheel("One", "1.0", metadata="Summary: First"), room.wheel("two")
    assert room.screen(f"install {one} --report report.json").splitlines()[1:] == [" + One==1.0"]
    document = read(room)
    assert (document["version"], list(document)) == (
        "1",
        ["version", "pip_version", "install", "environment", "lugnut"],
    )
    [item] = document["install"]
    assert item["metadata"] == {"metadata_version": "2.1", "name": "One", "version": "1.0", "summary": "First"}
    assert item["download_info"]["url"] == f"file://{room.path}/{one}"
    assert (item["requested"], item["is_direct"], item["is_yanked"]) == (True, True, False)
    assert document["environment"]["implementation_name"] == "cpython"
    assert document["lugnut"]["changes"] == [{"action": "install", "name": "One", "old": None, "new": "1.0"}]
    room.run(f"install {one} {two} --report report.json")  # what is there already is not in it
    assert [item["metadata"]["name"] for item in read(room)["install"]] == ["two"]
    room.run("uninstall One --report report.json")
    assert read(room)["install"] == []
    assert [change["action"] for change in read(room)["lugnut"]["changes"]] == ["remove"]


def test_the_report_of_a_dry_run_on_stdout_tells_of_conflicts(room: Room) -> None:
    first = room.wheel("jwt", "1.3.1", {"jwt/__init__.py": "1\n"})
    second = room.wheel("pyjwt", "2.9.0", {"jwt/__init__.py": "22\n"})
    code, out, err = room.run(f"install --dry-run {first} {second} --report -")
    document = json.loads(out)
    assert (code, [item["metadata"]["name"] for item in document["install"]]) == (0, ["jwt", "pyjwt"])
    assert document["lugnut"]["dry_run"] is True
    assert [(one["path"], one["winner"]) for one in document["lugnut"]["conflicts"]] == [("jwt/__init__.py", "pyjwt")]
    assert err.startswith("warning: 1 path of jwt would be shadowed by pyjwt, whose file would stay (different bytes)")
    assert not room.target.exists()


def test_a_report_from_a_directory_of_wheels_is_not_direct(room: Room) -> None:
    one = room.wheel("one")
    room.run("install --no-index -f wheels one==1.0 --report report.json")
    [item] = read(room)["install"]
    assert (item["is_direct"], item["download_info"]["url"]) == (False, f"file://{room.path}/{one}")
    assert len(item["download_info"]["archive_info"]["hashes"]["sha256"]) == 64


@pytest.mark.parametrize(
    ("place", "reason"), [("nowhere/r.json", "nowhere is no directory"), ("wheels", "it is a directory")]
)
def test_a_report_that_cannot_be_written_is_refused_before_anything_is_done(
    room: Room, place: str, reason: str
) -> None:
    screen = room.screen(f"install {room.wheel('one')} --report {place}")
    assert screen == f"error: --report {place}: {reason}\nhint: name a file that can be written\n[2]\n"
    assert not room.target.exists()


def test_a_report_that_a_full_disk_swallows_is_told_of(room: Room) -> None:
    code, _, err = room.run(f"install {room.wheel('one')} --report /dev/full")
    assert code == 1
    assert "the command succeeded, but the file of --report could not be written: No space left" in err
    assert (room.target / "one.py").exists()


def test_a_failed_run_leaves_no_report(room: Room) -> None:
    assert room.run("install nowhere.whl --report report.json")[0] == 1
    assert not room.path.joinpath("report.json").exists()


def test_completion_is_a_program(room: Room) -> None:
    code, out, err = room.run("completion bash")
    assert (code, err) == (0, "")
    assert "complete" in out.splitlines()[-1]
    assert "\\n" not in out.splitlines()[0]
