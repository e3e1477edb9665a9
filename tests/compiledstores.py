"""Fixtures for bytecode of the store: a real interpreter's environment, a store, and a wheel of two sources in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from environments import make_target, make_venv
from lugnut.environment import Environment
from lugnut.interpreter.asking import find_environment
from lugnut.manifest import Manifest
from lugnut.store import entries
from lugnut.store.place import Store
from wheels import make_wheel


@pytest.fixture(scope="module")
def interpreter(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    directory = tmp_path_factory.mktemp("bytecode")
    return find_environment(make_target(directory, python=make_venv(directory / "v")))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return entries.open_store(str(tmp_path / "cache"))


@pytest.fixture
def manifest(store: Store, tmp_path: Path) -> Manifest:
    files = {"pkg/__init__.py": "V = 1\n", "pkg/part.py": "V = 2\n"}
    return entries.admit(store, make_wheel(tmp_path / "wheels", "pkg", files=files))
