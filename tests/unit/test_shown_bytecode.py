"""Linking bytecode from the store beside what a run has shown: only where it is that source's, and nowhere else."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

import pytest

from compiledstores import interpreter, manifest, store
from environments import make_target
from lugnut.environment import Environment
from lugnut.events import ignore
from lugnut.interpreter.asking import find_environment
from lugnut.manifest import Manifest
from lugnut.store.place import Store
from lugnut.system import files, lifeline, locks, workers
from lugnut.transaction.bytecode import Compiling, Shown

__all__ = ["interpreter", "manifest", "store"]

PATHS = ("pkg/__init__.py", "pkg/part.py")


@pytest.fixture
def environment(interpreter: Environment, tmp_path: Path) -> Environment:
    found = find_environment(make_target(tmp_path, python=interpreter.prefix, target="site"))
    os.makedirs(found.purelib)
    return found


def place(environment: Environment, store: Store, manifest: Manifest) -> None:
    """Link the sources as a worker does."""
    os.makedirs(os.path.join(environment.purelib, "pkg"))
    for path in PATHS:
        os.link(os.path.join(store.root, manifest.wheel, "tree", path), os.path.join(environment.purelib, path))


def show(environment: Environment, store: Store, manifest: Manifest) -> int:
    done = Compiling(environment, store, 1.0, True, "1-a").show(Shown(manifest, PATHS), ignore)
    assert done.clean
    return done.links


def cached(environment: Environment, path: str) -> Path:
    return Path(importlib.util.cache_from_source(os.path.join(environment.purelib, path)))


def names(environment: Environment) -> list[str]:
    return sorted(str(path.relative_to(environment.purelib)) for path in Path(environment.purelib).rglob("*"))


def test_bytecode_is_linked(environment: Environment, store: Store, manifest: Manifest) -> None:
    place(environment, store, manifest)
    assert show(environment, store, manifest) == 2
    assert [cached(environment, path).stat().st_nlink for path in PATHS] == [2, 2]


def test_a_source_of_other_bytes_has_bytecode_of_its_own(
    environment: Environment, store: Store, manifest: Manifest
) -> None:
    place(environment, store, manifest)
    source = Path(environment.purelib, "pkg/part.py")
    source.unlink()
    source.write_text("V = 3\n")
    assert show(environment, store, manifest) == 1
    kept = cached(environment, "pkg/part.py")
    assert kept.stat().st_nlink == 1
    assert int.from_bytes(kept.read_bytes()[8:12], "little") == int(source.stat().st_mtime)


def test_what_stands_for_another_source_is_replaced(environment: Environment, store: Store, manifest: Manifest) -> None:
    place(environment, store, manifest)
    stale = cached(environment, "pkg/part.py")
    stale.parent.mkdir()
    stale.write_bytes(b"stale")
    assert show(environment, store, manifest) == 2
    assert stale.read_bytes()[:4] == importlib.util.MAGIC_NUMBER


def test_where_the_sources_are_gone_nothing_is_made(environment: Environment, store: Store, manifest: Manifest) -> None:
    assert show(environment, store, manifest) == 0
    assert names(environment) == []


def test_where_one_source_is_gone_the_other_has_its_own(
    environment: Environment, store: Store, manifest: Manifest
) -> None:
    place(environment, store, manifest)
    os.unlink(os.path.join(environment.purelib, "pkg/part.py"))
    assert show(environment, store, manifest) == 1
    assert [path for path in PATHS if cached(environment, path).exists()] == ["pkg/__init__.py"]


def own(environment: Environment) -> str:
    """Make the directory of a transaction."""
    path = os.path.join(environment.purelib, ".lugnut/transactions/1-a")
    os.makedirs(path)
    Path(environment.purelib, ".lugnut/format").write_text("1\n")
    return path


def test_a_spawned_worker_holds_a_lock_of_its_own(
    environment: Environment, store: Store, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = []
    plain = os.mkdir

    def mkdir(path: str, *words: Any, **options: Any) -> None:
        if path.endswith("__pycache__"):
            with files.open_root(there) as directory:
                free.append(locks.try_hold(directory, f"writer-{os.getpid()}") is not None)
        plain(path, *words, **options)

    there = own(environment)
    place(environment, store, manifest)
    monkeypatch.setattr(os, "mkdir", mkdir)
    spawned = Compiling(environment, store, 1.0, True, "1-a", spawned=True)
    spawned.show(Shown(None, PATHS), ignore)
    assert free == [False]


def test_a_spawned_worker_whose_coordinator_is_gone_writes_nothing(
    environment: Environment, store: Store, manifest: Manifest
) -> None:
    """A recovery may have begun before it held its lock."""

    def gone() -> None:
        raise workers.Stopped

    own(environment)
    place(environment, store, manifest)
    spawned = Compiling(environment, store, 1.0, True, "1-a", spawned=True)
    with lifeline.watching(gone), pytest.raises(workers.Stopped):
        spawned.show(Shown(None, PATHS), ignore)
    assert not cached(environment, PATHS[0]).parent.exists()
