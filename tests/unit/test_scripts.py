"""Launchers and first lines: they start the environment's interpreter, wherever it stands."""

import os
import subprocess
import sys

import pytest
from installer.scripts import Script

from environments import make_environment
from lugnut.distribution import EntryPoint
from lugnut.errors import OutsideEnvironment
from lugnut.scripts import make_launchers, rewrite_shebang

PLAIN = os.path.realpath(sys.executable)


@pytest.fixture
def environment(tmp_path):
    return make_environment(tmp_path, python="/env/bin/python")


def entry(name="tool", kind="console", attribute="main"):
    return EntryPoint(name, "pkg.cli", attribute, kind)


def run(tmp_path, data, *arguments):
    path = tmp_path / "script"
    path.write_bytes(data)
    path.chmod(0o755)
    return subprocess.run([path, *arguments], check=True, capture_output=True, text=True).stdout


def test_launchers_are_sorted_and_lie_in_scripts(environment):
    made = make_launchers(environment, [entry("zz"), entry("aa", "gui")])
    assert [path for path, _ in made] == ["../../bin/aa", "../../bin/zz"]
    assert made[0][1].startswith(b"#!/env/bin/python\n")


def test_a_launcher_calls_its_function(tmp_path):
    environment = make_environment(tmp_path, python=PLAIN)
    point = EntryPoint("tool", "platform", "python_version", "console")
    ((_, data),) = make_launchers(environment, [point])
    ran = subprocess.run([sys.executable, "-"], input=data, capture_output=True, check=False)
    assert ran.returncode == 1
    assert ran.stderr.decode().strip() == ".".join(map(str, sys.version_info[:3]))


@pytest.mark.parametrize(
    "python",
    [
        "/env/bin/python",
        "/my env/bin/python",
        "/it's/bin/python",
        "/ö/bin/python",
        "/" + "e" * 123,
        "/" + "e" * 124,
        "/" + "e" * 125,
    ],
)
@pytest.mark.parametrize("attribute", ["main", "App.run"])
@pytest.mark.parametrize("kind", ["console", "gui"])
def test_a_script_is_written_as_installer_writes_it(tmp_path, python, attribute, kind):
    environment = make_environment(tmp_path, python=python)
    ((_, data),) = make_launchers(environment, [entry("tööl", kind, attribute)])
    assert Script("tööl", "pkg.cli", attribute, kind).generate(python, "posix") == ("tööl", data)


def test_the_same_launchers_come_out_of_any_order(environment):
    points = [entry("a"), entry("b", "gui"), entry("a", "gui", "other")]
    assert make_launchers(environment, points) == make_launchers(environment, points[::-1])
    assert b"import main" in dict(make_launchers(environment, points))["../../bin/a"]


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "a\\b", "/x", "a\0b"])
def test_a_name_that_leads_elsewhere_is_refused(environment, name):
    with pytest.raises(OutsideEnvironment):
        make_launchers(environment, [entry(name)])


@pytest.mark.parametrize("kind", ["win-amd64", "win-ia32", "win-arm64"])
def test_a_windows_launcher_is_a_program(tmp_path, kind):
    environment = make_environment(tmp_path, python=r"C:\env\Scripts\python.exe", launcher=kind)
    ((path, data), (_, windowed)) = make_launchers(environment, [entry("a"), entry("b", "gui")])
    assert path == "../../bin/a.exe"
    assert data[:2] == b"MZ"
    assert rb"Scripts\pythonw.exe" in windowed


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        (b"#!python\n", b"#!/env/bin/python\n"),
        (b"#!pythonw\n", b"#!/env/bin/python\n"),
        (b"#!python3\n", b"#!/env/bin/python\n"),
        (b"#!python\r\n", b"#!/env/bin/python\n"),
        (b"#!python -E  \n", b"#!/env/bin/python -E\n"),
        (b"#!python", b"#!/env/bin/python\n"),
    ],
)
def test_a_placeholder_becomes_the_environments_interpreter(environment, first, expected):
    assert rewrite_shebang(
        environment, first + b"print(1)\r\n" * first.endswith(b"\n")
    ) == expected + b"print(1)\r\n" * first.endswith(b"\n")


@pytest.mark.parametrize(
    "data", [b"", b"#!/usr/bin/python\n", b"#!/bin/sh\n", b"#! python\n", b"#!pythonista\n", b"x\n#!python\n"]
)
def test_other_scripts_stay_as_they_are(environment, data):
    assert rewrite_shebang(environment, data) == data


def test_a_windowed_script_starts_the_windowed_interpreter(tmp_path):
    environment = make_environment(tmp_path, python=r"C:\My env\python.exe", launcher="win-amd64")
    assert rewrite_shebang(environment, b"#!pythonw\nx") == b"#!C:\\My env\\pythonw.exe\nx"
    assert rewrite_shebang(environment, b"#!python\nx") == b"#!C:\\My env\\python.exe\nx"


@pytest.mark.parametrize("directory", ["with space", "with 'quote", "l" * 140, "naïve $HOME `x` \\"])
def test_a_script_runs_from_a_place_that_no_kernel_reads_in_a_first_line(tmp_path, directory):
    os.mkdir(tmp_path / directory)
    python = str(tmp_path / directory / "python")
    os.symlink(sys.executable, python)
    environment = make_environment(tmp_path, python=python)
    data = rewrite_shebang(environment, b"#!python -I\nimport sys\nprint(sys.flags.isolated, sys.argv[1:])\n")
    assert data.startswith(b"#!/bin/sh\n")
    assert run(tmp_path, data, "a b", "c") == "1 ['a b', 'c']\n"


def test_a_first_line_of_127_bytes_is_the_longest_plain_one(tmp_path):
    fits = make_environment(tmp_path, python="/" + "p" * 123)
    assert len(rewrite_shebang(fits, b"#!python\n").split(b"\n")[0]) == 126
    too_long = make_environment(tmp_path, python="/" + "p" * 124)
    assert rewrite_shebang(too_long, b"#!python\n").startswith(b"#!/bin/sh\n")
