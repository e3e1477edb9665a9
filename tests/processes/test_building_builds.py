"""Builds with a real backend in a real environment: what comes out, what is refused, and how a build is called off."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import zipfile
from pathlib import Path

import psutil
import pytest

from lugnut.building.recipe import Recipe, Source
from lugnut.building.wheels import build_editable, build_wheel
from lugnut.errors import BuildFailed
from lugnut.events import Building, Event, ignore, never
from programs import find_program, make_venv
from projects import LONG_AGO, make_recipe, make_tree, pack
from wheels import make_wheel


def has_uv() -> bool:
    try:
        find_program("uv")
    except FileNotFoundError:
        return False
    return True


needs_uv = pytest.mark.skipif(not has_uv(), reason="there is no uv here")
installers = pytest.mark.parametrize("uv", [pytest.param(True, marks=needs_uv), False], ids=["uv", "pip"])


@pytest.fixture
def out(tmp_path: Path) -> Path:
    made = tmp_path / "out"
    made.mkdir()
    return made


@pytest.fixture(autouse=True)
def _workspaces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "workspaces").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "workspaces"))


def failure(source: Source, out: Path, recipe: Recipe) -> BuildFailed:
    with pytest.raises(BuildFailed) as caught:
        build_wheel(source, str(out), recipe, ignore, never)
    assert list(out.iterdir()) == []
    return caught.value


def sha256(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def read_member(wheel: str, name: str) -> str:
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(name).decode()


@installers
def test_an_sdist_is_built_in_an_environment_of_its_own_and_leaves_nothing(tmp_path: Path, out: Path, uv: bool) -> None:
    make_wheel(tmp_path / "wheels", "needed", files={"needed.py": "ANSWER = 42"})
    make_wheel(tmp_path / "wheels", "dynamic", files={"dynamic.py": "ANSWER = 43"})
    code = """
import needed, sys
assert sys.prefix != sys.base_prefix
_build = build_wheel
def build_wheel(*words):
    import dynamic
    return _build(*words)
"""
    tree = make_tree(tmp_path, requires=("needed==1.0",), more="dynamic", code=code)
    recipe = make_recipe(tmp_path, tmp_path / "wheels", uv=uv, config_settings={"say": "hello"})
    heard: list[Event] = []
    source = Source(str(pack(tree)))
    wheel = build_wheel(source, str(out), recipe, heard.append, never)
    assert wheel == str(out / "tiny-1.0-py3-none-any.whl")
    assert read_member(wheel, "tiny.py") == "SETTING = 'hello'\n"
    assert heard == [Building("tiny", source.path)]
    assert list((tmp_path / "workspaces").iterdir()) == []


def test_two_builds_of_one_sdist_give_one_hash(tmp_path: Path, out: Path) -> None:
    sdist = Source(str(pack(make_tree(tmp_path))))
    recipe = make_recipe(tmp_path, uv=has_uv())
    first = sha256(build_wheel(sdist, str(out), recipe, ignore, never))
    with zipfile.ZipFile(out / "tiny-1.0-py3-none-any.whl") as archive:
        assert archive.getinfo("tiny.py").date_time == (2020, 9, 13, 12, 26, 40)
    assert sha256(build_wheel(sdist, str(out), recipe, ignore, never)) == first
    other = recipe._replace(environ={**recipe.environ, "SOURCE_DATE_EPOCH": str(LONG_AGO + 1_000_000)})
    assert sha256(build_wheel(sdist, str(out), other, ignore, never)) != first


def test_an_sdist_from_before_1980_can_be_built(tmp_path: Path, out: Path) -> None:
    sdist = Source(str(pack(make_tree(tmp_path), mtime=1)))
    wheel = build_wheel(sdist, str(out), make_recipe(tmp_path, uv=has_uv()), ignore, never)
    with zipfile.ZipFile(wheel) as archive:
        assert archive.getinfo("tiny.py").date_time[:3] == (1980, 1, 2)


def test_a_directory_is_built_where_it_stands_and_its_subdirectory_too(tmp_path: Path, out: Path) -> None:
    tree = make_tree(tmp_path / "repository" / "python")
    recipe = make_recipe(tmp_path, uv=has_uv())
    for source in (
        Source(str(tree)),
        Source(str(tmp_path / "repository"), subdirectory="python/tiny-1.0"),
    ):
        assert os.path.exists(build_wheel(source, str(out), recipe, ignore, never))
    (out / "tiny-1.0-py3-none-any.whl").unlink()
    for wrong in ("python/none", "../repository/python/tiny-1.0"):
        error = failure(Source(str(tmp_path / "repository"), subdirectory=wrong), out, recipe)
        assert error.data["reason"] == f"it has no directory {wrong}"


def test_an_editable_leads_to_the_tree(tmp_path: Path, out: Path) -> None:
    tree = make_tree(tmp_path)
    wheel = build_editable(Source(str(tree)), str(out), make_recipe(tmp_path, uv=has_uv()), ignore, never)
    assert read_member(wheel, "tiny.pth") == f"{tree}\n"


def test_a_backend_without_editables_is_said_in_one_sentence(tmp_path: Path, out: Path) -> None:
    source = Source(str(make_tree(tmp_path, code="\n")), label="./tiny")
    with pytest.raises(BuildFailed) as caught:
        build_editable(source, str(out), make_recipe(tmp_path, uv=has_uv()), ignore, never)
    assert str(caught.value) == "no wheel could be built of ./tiny: its backend cannot make editable installs (PEP 660)"
    assert caught.value.hint == "install it without -e"


# --- what cannot be built ---------------------------------------------------------------------------------------------


def test_nothing_is_run_where_building_is_not_allowed(tmp_path: Path, out: Path) -> None:
    recipe = Recipe(python=str(tmp_path / "no-python"), allowed=False)
    error = failure(Source(str(tmp_path / "x-1.tar.gz"), label="x 1"), out, recipe)
    assert str(error) == "no wheel could be built of x 1: building is not allowed"


@installers
def test_a_build_requirement_that_is_nowhere_is_named(tmp_path: Path, out: Path, uv: bool) -> None:
    (tmp_path / "wheels").mkdir()
    source = Source(str(make_tree(tmp_path, requires=("nowhere>=2",))))
    error = failure(source, out, make_recipe(tmp_path, tmp_path / "wheels", uv=uv))
    assert error.data["reason"].startswith("its build requirements cannot be installed: ")
    assert "nowhere" in error.data["reason"]
    assert "build-system.requires" in error.hint
    assert "nowhere" in error.data["detail"]


@installers
def test_build_requirements_that_contradict_each_other_are_named(tmp_path: Path, out: Path, uv: bool) -> None:
    """The one in pyproject.toml is met before the backend asks for the other: together they cannot be."""
    for version in ("1.0", "2.0"):
        make_wheel(tmp_path / "wheels", "needed", version)
    source = Source(str(make_tree(tmp_path, requires=("needed==1.0",), more="needed==2.0")))
    error = failure(source, out, make_recipe(tmp_path, tmp_path / "wheels", uv=uv))
    assert "needed==1.0" in error.data["reason"]
    assert "needed==2.0" in error.data["reason"]
    assert "contradict each other" in error.hint


@installers
def test_build_constraints_hold(tmp_path: Path, out: Path, uv: bool) -> None:
    for version in ("1.0", "2.0"):
        make_wheel(tmp_path / "wheels", "needed", version, {"needed.py": f"VERSION = '{version}'"})
    (tmp_path / "constraints.txt").write_text("needed<2\n")
    source = Source(
        str(make_tree(tmp_path, requires=("needed",), code="import needed\nassert needed.VERSION == '1.0'\n"))
    )
    recipe = make_recipe(tmp_path, tmp_path / "wheels", uv=uv, build_constraints=(str(tmp_path / "constraints.txt"),))
    build_wheel(source, str(out), recipe, ignore, never)


@installers
def test_settings_of_pip_and_uv_do_not_reach_the_build_requirements(tmp_path: Path, out: Path, uv: bool) -> None:
    make_wheel(tmp_path / "wheels", "needed")
    source = Source(str(make_tree(tmp_path, requires=("needed",), code="import needed\n")))
    recipe = make_recipe(tmp_path, tmp_path / "wheels", uv=uv)
    for place in (tmp_path / "pip.conf", tmp_path / ".config" / "pip" / "pip.conf"):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("[install]\nrequire-hashes = true\n")
    (tmp_path / "modules").mkdir()
    for name in ("needed", "pip"):
        (tmp_path / "modules" / f"{name}.py").write_text("raise RuntimeError('not this one')\n")
    (tmp_path / "none.txt").write_text("needed>5\n")
    lures = {
        "PIP_TARGET": str(tmp_path / "lure"),
        "UV_TARGET": str(tmp_path / "lure"),
        "PIP_CONSTRAINT": str(tmp_path / "none.txt"),
        "UV_CONSTRAINT": str(tmp_path / "none.txt"),
        "PIP_CONFIG_FILE": str(tmp_path / "pip.conf"),
        "UV_INDEX_URL": "http://127.0.0.1:9/simple",
        "PYTHONPATH": str(tmp_path / "modules"),
    }
    build_wheel(source, str(out), recipe._replace(environ={**recipe.environ, **lures}), ignore, never)
    assert not (tmp_path / "lure").exists()
    told = {**recipe.environ, "PYTHONPATH": str(tmp_path / "modules"), "PIP_CONFIG_FILE": os.devnull}
    build_wheel(source, str(out), recipe._replace(installer_environ=told), ignore, never)


@installers
def test_what_is_made_for_pip_and_uv_reaches_them_and_nobody_else(tmp_path: Path, out: Path, uv: bool) -> None:
    make_wheel(tmp_path / "wheels", "needed")
    code = "import needed, os\nassert not any(name.endswith('FIND_LINKS') for name in os.environ)\n"
    source = Source(str(make_tree(tmp_path, requires=("needed",), code=code)))
    recipe = make_recipe(tmp_path, uv=uv, pip_arguments=(), uv_arguments=("--no-config", "--offline"), offline=True)
    variables = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": f"file://{tmp_path}/wheels"}
    told = {**recipe.environ, **variables, "UV_NO_INDEX": "1", "UV_FIND_LINKS": f"file://{tmp_path}/wheels"}
    build_wheel(source, str(out), recipe._replace(installer_environ=told), ignore, never)


def test_offline_says_so_where_a_build_requirement_is_missing(tmp_path: Path, out: Path) -> None:
    source = Source(str(make_tree(tmp_path, requires=("nowhere",))))
    error = failure(source, out, make_recipe(tmp_path, uv=False, pip_arguments=(), offline=True))
    assert error.hint == "leave --offline out, or run once with the network"


WRONG = {
    "raise RuntimeError('no config')": "RuntimeError: no config",
    "import os; os._exit(3)": "it ended without a word",
    "def build_wheel(*words):\n    print('all went wrong'); raise SystemExit(1)": "all went wrong",
    "def build_wheel(*words):\n    return 'none-1-py3-none-any.whl'": (
        "its backend says it made none-1-py3-none-any.whl, which is not there"
    ),
    "def build_wheel(directory, *words):\n    open(directory + '/../x.whl', 'w').close(); return '../x.whl'": (
        "its backend says it made ../x.whl, which is not there"
    ),
    "def build_wheel(*words):\n    return None": "its backend gave a wrong answer",
    "def get_requires_for_build_wheel(*words):\n    return [3]": "its backend gave a wrong answer",
    "def get_requires_for_build_wheel(*words):\n    return 3": "its backend gave a wrong answer",
    "def build_wheel(directory, *words):\n    open(directory + '/x.whl', 'w').close(); return 'x.whl'": (
        "its backend made x.whl, which is no wheel's name"
    ),
    "del build_wheel": "AttributeError: module 'backend' has no attribute 'build_wheel'",
    "import nonesuch": ("its backend backend cannot be used: ModuleNotFoundError: No module named 'nonesuch'"),
}


@pytest.mark.parametrize("code", WRONG)
def test_a_backend_that_fails_is_told_in_one_clause(tmp_path: Path, out: Path, code: str) -> None:
    error = failure(Source(str(make_tree(tmp_path, code=f"\n{code}\n"))), out, make_recipe(tmp_path, uv=has_uv()))
    assert error.data["reason"] == WRONG[code]
    assert "\n" not in str(error) + error.hint
    assert error.hint


PROJECTS = {
    "": "it has neither pyproject.toml nor setup.py",
    "[build-system": "Failed to parse",
    "[build-system]\nrequires = 3": "`requires` must be an array of strings",
    "[build-system]\nrequires = []\nbuild-backend = 'b'\nbackend-path = ['..']": "paths must be inside source tree",
}


@pytest.mark.parametrize("text", PROJECTS)
def test_a_project_that_is_none_is_told_in_one_clause(tmp_path: Path, out: Path, text: str) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    if text:
        (tree / "pyproject.toml").write_text(text)
    error = failure(Source(str(tree)), out, make_recipe(tmp_path, uv=has_uv()))
    assert PROJECTS[text] in error.data["reason"]
    assert "\n" not in str(error)


def test_a_wheel_of_something_else_than_the_sdist_says_is_refused(tmp_path: Path, out: Path) -> None:
    tree = make_tree(tmp_path)
    recipe = make_recipe(tmp_path, uv=has_uv())
    for filename, said in (("other-1.0.tar.gz", "other 1.0"), ("tiny-2.0.tar.gz", "tiny 2.0")):
        with pytest.raises(BuildFailed) as caught:
            build_wheel(Source(str(pack(tree, filename=filename))), str(out), recipe, ignore, never)
        assert caught.value.data["reason"] == f"it is said to be {said}, and what was built of it is tiny 1.0"
    for source in (
        Source(str(pack(tree, filename="Tiny-1.0.0.tar.gz"))),
        Source(str(pack(tree, filename="main.tar.gz"))),
        Source(str(pack(tree, filename="other-2.0.tar.gz")), name="TINY"),
    ):
        build_wheel(source, str(out), recipe, ignore, never)
    with pytest.raises(BuildFailed, match="it is said to be tiny 3, and"):
        build_wheel(Source(str(tree), name="tiny", version="3"), str(out), recipe, ignore, never)


def test_a_damaged_sdist_is_told(tmp_path: Path, out: Path) -> None:
    (tmp_path / "x-1.tar.gz").write_bytes(b"<html>")
    error = failure(Source(str(tmp_path / "x-1.tar.gz"), label="https://u:p@h/x-1.tar.gz"), out, make_recipe(tmp_path))
    assert str(error).startswith("no wheel could be built of https://****@h/x-1.tar.gz: it cannot be unpacked: ")


def test_a_python_that_cannot_be_started_is_told(tmp_path: Path, out: Path) -> None:
    recipe = make_recipe(tmp_path, python=str(tmp_path / "no-python"))
    error = failure(Source(str(make_tree(tmp_path))), out, recipe)
    assert "no-python cannot be started: No such file or directory" in error.data["reason"]


# --- without isolation ------------------------------------------------------------------------------------------------


def test_a_build_that_is_not_isolated_names_all_that_the_python_lacks(tmp_path: Path, out: Path) -> None:
    python = make_venv(str(tmp_path / "venv"))
    recipe = make_recipe(tmp_path, python=python, isolated=False)
    requires = ("one>2; python_version>'3'", "two", "not-wanted; python_version<'3'")
    error = failure(Source(str(make_tree(tmp_path, requires=requires))), out, recipe)
    assert error.data["reason"] == f"{python} lacks one>2; python_version>'3', two, and the build is not isolated"
    assert "--no-build-isolation" in error.hint


def test_a_build_that_is_not_isolated_uses_what_is_there(tmp_path: Path, out: Path) -> None:
    python = make_venv(str(tmp_path / "venv"))
    site = next((tmp_path / "venv").glob("lib/python*/site-packages"))
    for name, requires in (("one", ["two>=1"]), ("two", [])):
        with zipfile.ZipFile(make_wheel(tmp_path / "wheels", name, files={f"{name}.py": ""}, requires=requires)) as one:
            one.extractall(site)
    recipe = make_recipe(tmp_path, python=python, isolated=False)
    tree = make_tree(tmp_path, requires=("one==1.0",), more="two", code="import one, two\n")
    build_wheel(Source(str(tree)), str(out), recipe, ignore, never)
    (out / "tiny-1.0-py3-none-any.whl").unlink()
    (site / "two-1.0.dist-info" / "METADATA").write_text("Name: two\nVersion: 0.5\n")
    error = failure(Source(str(tree)), out, recipe)
    assert f"{python} lacks two>=1 (there is 0.5)" in error.data["reason"]


# --- called off -------------------------------------------------------------------------------------------------------


class Off(Exception):
    """The run is called off."""


def test_a_build_that_is_called_off_ends_its_backend_and_leaves_nothing(tmp_path: Path, out: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    pid = tmp_path / "pid"
    recipe = make_recipe(tmp_path, uv=has_uv())
    recipe = recipe._replace(environ={**recipe.environ, "TINY_GATE": str(tmp_path / "gate"), "TINY_PID": str(pid)})

    def cancelled() -> None:
        if pid.exists():
            raise Off

    with pytest.raises(Off):
        build_wheel(Source(str(pack(make_tree(tmp_path)))), str(out), recipe, ignore, cancelled)
    number = int(pid.read_text())
    psutil.wait_procs([psutil.Process(number)] if psutil.pid_exists(number) else [], timeout=60)
    assert not psutil.pid_exists(number) or psutil.Process(number).status() == psutil.STATUS_ZOMBIE
    assert list(out.iterdir()) == list((tmp_path / "workspaces").iterdir()) == []


def test_warnings_of_a_backend_reach_nobody_s_screen(
    tmp_path: Path, out: Path, capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    code = "import warnings; warnings.warn('old'); print('noise'); print('more', file=__import__('sys').stderr)"
    build_wheel(Source(str(make_tree(tmp_path, code=code))), str(out), make_recipe(tmp_path), ignore, never)
    assert capfd.readouterr() == ("", "")
    assert not recwarn.list
    assert sys.modules["build"]
