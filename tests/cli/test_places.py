"""Which environment a command acts on, with real virtual environments and the real program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from environments import make_venv
from screens import Room

VERSION = "{}.{}".format(*sys.version_info)


@pytest.fixture
def venv(room: Room) -> str:
    return make_venv(room.path / ".venv")


def acted_on(room: Room, typed: str = "", **environ: str) -> str:
    """Give the environment a command chose, relative to the room."""
    words = f"list --json {typed}".split()
    command = [sys.executable, "-P", "-m", "lugnut", *words]
    done = subprocess.run(
        command, cwd=room.path, env=room.environ(**environ), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return os.path.relpath(json.loads(done.stdout)["environment"], os.path.realpath(room.path))


def test_a_venv_here_or_above_is_found(room: Room, venv: str) -> None:
    assert acted_on(room) == ".venv"
    room.path = room.path / "below"
    room.path.mkdir()
    assert acted_on(room) == os.path.join("..", ".venv")
    assert venv


def test_flags_come_before_variables_and_variables_before_what_is_here(room: Room, venv: str) -> None:
    for name in ("active", "conda", "named"):
        make_venv(room.path / name)
    assert venv
    conda = {"CONDA_PREFIX": str(room.path / "conda"), "CONDA_DEFAULT_ENV": str(room.path / "conda")}
    assert acted_on(room, **conda) == "conda"
    active = {**conda, "VIRTUAL_ENV": str(room.path / "active")}
    assert acted_on(room, **active) == "active"
    assert acted_on(room, **active, LUGNUT_PYTHON="named") == "named"
    assert acted_on(room, "-p named/bin/python", **active, LUGNUT_PYTHON="nowhere") == "named"
    assert acted_on(room, "-t plain", **active, LUGNUT_PREFIX="nowhere") == "plain"


@pytest.mark.parametrize("version", [VERSION, sys.version.split()[0]])
def test_a_version_means_the_environment_here_that_has_it(room: Room, venv: str, version: str) -> None:
    assert venv
    assert acted_on(room, f"-p {version}") == ".venv"
    active = str(make_venv(room.path / "active"))
    assert acted_on(room, f"-p {version}", VIRTUAL_ENV=active) == "active"


def test_a_version_that_nothing_has_is_told(room: Room, venv: str) -> None:
    assert venv
    assert room.screen("list -p 3.98").startswith(
        "error: no environment found: no Python 3.98 is here or on PATH; there "
    )


def test_a_python_that_only_complains_is_told_by_its_first_line(room: Room) -> None:
    room.write("python", "#!/bin/sh\necho 'shim: not found' >&2\necho 'Note: more' >&2\nexit 127\n")
    room.path.joinpath("python").chmod(0o755)
    assert room.screen("list -p ./python").startswith(
        "error: the interpreter ROOM/python could not be asked: shim: not found (exit code 127)\n"
    )


def test_a_target_may_be_a_new_directory_below_new_ones(room: Room) -> None:
    one = room.wheel("one", entry_points="[console_scripts]\none = one:main\n")
    assert room.run(f"install -t new/below {one}")[0] == 0
    assert sorted(path.name for path in Path(room.path, "new", "below").glob("*one*")) == [
        "one-1.0.dist-info",
        "one.py",
    ]
    assert Path(room.path, "new", "below", "bin", "one").exists()
    assert room.run(f"install --prefix pre {one}")[0] == 0
    assert Path(room.path, "pre", "bin", "one").exists()
    assert Path(room.path, "pre", "lib", f"python{VERSION}", "site-packages", "one.py").exists()


def test_a_venv_without_pip_runs_what_was_installed(room: Room, venv: str) -> None:
    one = room.wheel(
        "one", files={"one.py": "def main(): print('it runs')\n"}, entry_points="[gui_scripts]\none=one:main\n"
    )
    assert room.run(f"install -p .venv {one}")[0] == 0
    assert subprocess.run([f"{venv}/bin/one"], capture_output=True, text=True, check=True).stdout == "it runs\n"


def test_forgetting_is_for_what_is_shipped_and_says_what_is_lost(room: Room, venv: str) -> None:
    assert venv
    first, second = (room.wheel(name, files={"shared.py": name}) for name in ("one", "two"))
    room.run(f"install {first} {second}")
    assert room.screen("recover --forget -p .venv").startswith(
        "error: --forget is for a --target that is to be shipped\n"
    )
    assert room.screen("recover --forget") == (
        "warning: forgotten: the files that another distribution shadows (one)\n"
        "removed ROOM/env/.lugnut\nNothing to recover in TIME\n"
    )
    assert not room.target.joinpath(".lugnut").exists()
