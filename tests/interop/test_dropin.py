"""lugnut in pip's place: README's recipes for tox and nox, run by the real ones with an index on loopback."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexes import IndexServer, serve
from lugnut.cli.commands import check_operands
from lugnut.cli.configuration import make_invocation
from lugnut.cli.words import parse_words
from oracle import check_environment
from programs import find_program
from resolvercases import make_environ
from test_readme import block
from trees import site_packages
from wheels import make_wheel

TOOLS = Path(__file__).parents[2] / "tools"
PROJECT = """\
[build-system]
requires = ["needed"]
build-backend = "backend"
backend-path = ["."]

[project]
name = "mine"
version = "1.0"
dependencies = ["lib>=1"]
"""
BACKEND = f"""\
import os, sys, tarfile
import needed
sys.path.insert(0, {str(TOOLS)!r})
from wheels import format_metadata, make_wheel

def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    os.makedirs(os.path.join(metadata_directory, "mine-1.0.dist-info"))
    with open(os.path.join(metadata_directory, "mine-1.0.dist-info", "METADATA"), "w") as file:
        file.write(format_metadata("mine", "1.0", ["lib>=1"]))
    return "mine-1.0.dist-info"

prepare_metadata_for_build_editable = prepare_metadata_for_build_wheel

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    files = {{"mine.py": open("mine.py").read()}}
    return os.path.basename(make_wheel(wheel_directory, "mine", "1.0", files, requires=["lib>=1"]))

def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    files = {{"mine.pth": os.getcwd() + "\\n"}}
    return os.path.basename(make_wheel(wheel_directory, "mine", "1.0", files, requires=["lib>=1"]))

def build_sdist(sdist_directory, config_settings=None):
    os.makedirs(sdist_directory, exist_ok=True)
    with tarfile.open(os.path.join(sdist_directory, "mine-1.0.tar.gz"), "w:gz") as archive:
        for name in ("pyproject.toml", "backend.py", "mine.py"):
            archive.add(name, f"mine-1.0/{{name}}")
    return "mine-1.0.tar.gz"
"""
PYTEST = """\
import sys

def main():
    import lib, mine
    print("mine says", mine.SAYS, "with lib", lib.VERSION, *sys.argv[1:])
"""
"""What goes by the name of pytest in the index: it shows what it finds beside itself."""
DEPS = """\
deps =
    pytest
    -r r.txt
    -c c.txt
    --prefer-binary
pip_pre = true
constrain_package_deps = true
use_frozen_constraints = true
"""
OF_THE_RUNNER = tuple(f"../../../{name}" for name in (".tox-info.json", "file.lock", "log", "tmp", "dist", ".meta"))
"""What tox keeps in an environment itself."""


class Workshop:
    """A project with a test, in surroundings that know one index."""

    def __init__(self, path: Path, index: IndexServer) -> None:
        self.path = path / "mine"
        self.path.mkdir()
        self.index = index
        self.environ = {**make_environ(path), "LUGNUT_INDEX_URL": index.simple}
        self.environ.pop("LUGNUT_NO_INDEX")
        for name, text in (("pyproject.toml", PROJECT), ("backend.py", BACKEND), ("mine.py", "SAYS = 1\n")):
            self.write(name, text)

    def write(self, name: str, text: str) -> None:
        (self.path / name).write_text(text)

    def run(self, program: str, *words: str) -> str:
        """Run a program there, which has to manage it; gives all it said."""
        ran = subprocess.run(
            [find_program(program), *words], cwd=self.path, env=self.environ, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=240, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stdout
        return ran.stdout

    def installed(self, prefix: str) -> set[str]:
        """Name what lugnut installed in an environment below the project, seeing that all of it is whole."""
        site = Path(site_packages(str(self.path / prefix)))
        findings = [one for one in check_environment(str(site)) if not one.startswith(OF_THE_RUNNER)]
        assert findings == []
        whose = {info.name.partition("-")[0]: (info / "INSTALLER").read_text() for info in site.glob("*.dist-info")}
        return {name for name, installer in whose.items() if installer.strip() == "lugnut"}


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    directory = tmp_path / "index"
    make_wheel(directory, "lib", "1.0"), make_wheel(directory, "lib", "2.0"), make_wheel(directory, "lib", "3.0b1")
    make_wheel(directory, "lib", "4.0b1")
    make_wheel(directory, "needed")
    scripts = "[console_scripts]\npytest = pytest:main\n"
    make_wheel(directory, "pytest", files={"pytest.py": PYTEST}, entry_points=scripts)
    with serve(directory) as index:
        yield Workshop(tmp_path, index)


# --- tox --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("package", ["sdist", "wheel", "editable"])
def test_tox_runs_with_what_lugnut_installed(workshop: Workshop, package: str) -> None:
    """Dependencies, the project in each form that tox makes, and what building it needs; again after a change."""
    workshop.write("tox.ini", block("ini"))
    command = ("run", "-e", "py", "-x", f"testenv.package={package}", "--list-dependencies")
    said = workshop.run("tox", *command, "--", "loudly")
    assert "mine says 1 with lib 2.0 loudly" in said
    assert {"lib==2.0", "pytest==1.0"} <= set(said.replace(",", " ").split())
    assert workshop.installed(".tox/py") == {"lib", "mine", "pytest"}
    assert workshop.installed(".tox/.pkg") == {"needed"}
    workshop.write("mine.py", "SAYS = 2\n")
    said = workshop.run("tox", *command)
    assert "mine says 2" in said
    assert "lugnut install --force-reinstall --no-deps" in said
    assert workshop.installed(".tox/py") == {"lib", "mine", "pytest"}


@pytest.mark.parametrize("resolver", ["uv", "pip"])
def test_toxs_own_settings_come_to_lugnut_as_flags(workshop: Workshop, resolver: str) -> None:
    """Requirements and constraints, pre-releases, and the index by the variable that tox passes on by itself."""
    workshop.environ |= {"LUGNUT_RESOLVER": resolver, "PIP_INDEX_URL": workshop.environ.pop("LUGNUT_INDEX_URL")}
    workshop.write("r.txt", "lib>=1  # any\n")
    workshop.write("c.txt", "lib<4\n")
    text = block("ini").replace("install {opts}", "install -U {opts}")
    workshop.write("tox.ini", text.replace("deps = pytest", DEPS))
    said = workshop.run("tox", "run", "-e", "py")
    assert "mine says 1 with lib 3.0b1" in said
    assert "lugnut install -U --pre pytest -r r.txt -c c.txt --prefer-binary" in said
    assert f"lib>=1 -c{workshop.path}/.tox/py/constraints.txt" in said.replace("'", "")


@pytest.mark.parametrize(
    "words",
    [
        "--pre x -e ./a -r r.txt -c c.txt",
        "-c/tox/py/constraints.txt x",
        "-i https://host/simple --extra-index-url https://other/simple -f links --trusted-host host x",
        "--no-index --prefer-binary --require-hashes --no-binary a,b --only-binary :all: x",
        "--no-deps -r /tox/py/pylock.txt",
        "--force-reinstall --no-deps --config-settings=key=value /tox/.pkg/dist/x-1.tar.gz",
        "--force-reinstall --no-deps -e /project -e /other",
    ],
)
def test_whatever_tox_may_pass_is_understood(words: str, tmp_path: Path) -> None:
    """All that tox's requirements, constraints, lock and packages become on the command line of its installer."""
    check_operands(make_invocation(parse_words(["install", *words.split()]), {}, str(tmp_path)))


# --- nox --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["virtualenv", "venv", "uv"])
def test_nox_runs_with_what_lugnut_installed(workshop: Workshop, backend: str) -> None:
    """Whatever made the session's environment, and again in the same one after a change."""
    workshop.write("noxfile.py", block("py"))
    command = ("--default-venv-backend", backend, "--error-on-external-run", "--no-error-on-missing-interpreters")
    assert "mine says 1 with lib 2.0 loudly" in workshop.run("nox", *command, "--", "loudly")
    assert workshop.installed(".nox/tests") == {"lib", "mine", "pytest"}
    workshop.write("mine.py", "SAYS = 2\n")
    assert "mine says 2" in workshop.run("nox", "--reuse-existing-virtualenvs", *command)
