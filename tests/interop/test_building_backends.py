"""Real backends, as they are in the Python that runs the tests: one hash of two builds, and editables."""

from __future__ import annotations

import hashlib
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
from packaging.version import Version

from lugnut.building.recipe import Source
from lugnut.building.wheels import build_editable, build_wheel
from lugnut.errors import BuildFailed
from lugnut.events import ignore, never
from lugnut.wheel.reading import read_wheel
from programs import make_venv
from projects import make_recipe, pack

METADATA = '[project]\nname = "real"\nversion = "1.0"\ndescription = "A real one"\n'
BACKENDS = {
    "hatchling": 'requires = ["hatchling"]\nbuild-backend = "hatchling.build"\n',
    "setuptools": 'requires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n',
    "flit_core": 'requires = ["flit_core"]\nbuild-backend = "flit_core.buildapi"\n',
}


def need(backend: str) -> None:
    """Skip where a backend is not installed beside the tests, or cannot make wheels by itself."""
    try:
        found = Version(version(backend))
    except PackageNotFoundError:
        pytest.skip(f"{backend} is not installed in {sys.prefix}")
    if backend == "setuptools" and found < Version("70.1"):
        try:
            version("wheel")
        except PackageNotFoundError:
            pytest.skip(f"setuptools {found} in {sys.prefix} needs wheel, which is not there")


def make_project(directory: Path, backend: str) -> Path:
    tree = directory / "real-1.0"
    (tree / "real").mkdir(parents=True)
    (tree / "real" / "__init__.py").write_text('"""A real one."""\n__version__ = "1.0"\n')
    (tree / "pyproject.toml").write_text(f"{METADATA}\n[build-system]\n{BACKENDS[backend]}")
    (tree / "README").write_text("read me\n")
    return tree


@pytest.mark.parametrize("backend", BACKENDS)
def test_two_builds_of_one_sdist_give_one_hash_and_a_right_wheel(tmp_path: Path, backend: str) -> None:
    need(backend)
    sdist = Source(str(pack(make_project(tmp_path, backend))))
    recipe = make_recipe(tmp_path, isolated=False)
    hashes = set()
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        wheel = build_wheel(sdist, str(tmp_path / name), recipe, ignore, never)
        hashes.add(hashlib.sha256(Path(wheel).read_bytes()).hexdigest())
        with read_wheel(wheel) as archive:
            assert (archive.manifest.name, archive.manifest.version) == ("real", "1.0")
    assert len(hashes) == 1


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_editable_is_a_right_wheel_that_leads_to_the_tree(tmp_path: Path, backend: str) -> None:
    need(backend)
    if backend == "hatchling":
        need("editables")
    tree = make_project(tmp_path, backend)
    (tmp_path / "out").mkdir()
    recipe = make_recipe(tmp_path, isolated=False)
    wheel = build_editable(Source(str(tree)), str(tmp_path / "out"), recipe, ignore, never)
    with read_wheel(wheel) as archive:
        assert archive.manifest.name == "real"
        assert "real/__init__.py" not in {file.archive for file in archive.manifest.files}


def test_a_setup_py_alone_is_built_by_setuptools(tmp_path: Path) -> None:
    need("setuptools")
    (tmp_path / "old-1.0").mkdir()
    (tmp_path / "old-1.0" / "setup.py").write_text(
        "from setuptools import setup\nsetup(name='old', version='1.0', py_modules=['old'])\n"
    )
    (tmp_path / "old-1.0" / "old.py").write_text("A = 1\n")
    (tmp_path / "out").mkdir()
    source = Source(str(pack(tmp_path / "old-1.0")))
    wheel = build_wheel(source, str(tmp_path / "out"), make_recipe(tmp_path, isolated=False), ignore, never)
    with read_wheel(wheel) as archive:
        assert archive.manifest.name == "old"


def test_a_setup_py_alone_asks_for_setuptools(tmp_path: Path) -> None:
    (tmp_path / "old-1.0").mkdir()
    (tmp_path / "old-1.0" / "setup.py").write_text("raise SystemExit('never run')\n")
    python = make_venv(str(tmp_path / "venv"))
    with pytest.raises(BuildFailed, match=r"lacks setuptools ?>= ?40.8.0, and the build is not isolated"):
        build_wheel(
            Source(str(tmp_path / "old-1.0")),
            str(tmp_path),
            make_recipe(tmp_path, python=python, isolated=False),
            ignore,
            never,
        )
