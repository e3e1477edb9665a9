"""The store's bytecode: of sources that are what was verified, for one very interpreter, compiled by one of many."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from compiledstores import interpreter as environment
from compiledstores import manifest, store
from lugnut.environment import Environment
from lugnut.manifest import Library, Manifest
from lugnut.store import bytecode
from lugnut.store.place import Store, fill_lock, open_locks, usual_patience
from lugnut.system import locks

__all__ = ["environment", "manifest", "store"]

PATIENCE = usual_patience()
KEPT = {"pkg/__pycache__/__init__", "pkg/__pycache__/part"}


def obtain(store: Store, manifest: Manifest, environment: Environment) -> Library:
    library = bytecode.obtain_bytecode(store, manifest, environment, PATIENCE)
    assert library is not None
    return library


def stems(library: Library) -> set[str]:
    return {path.partition(".")[0] for path in library.files.paths}


def test_each_source_has_its_own(store: Store, manifest: Manifest, environment: Environment) -> None:
    assert stems(obtain(store, manifest, environment)) == KEPT


def test_a_source_that_is_not_what_was_verified_is_not_compiled(
    store: Store, manifest: Manifest, environment: Environment
) -> None:
    place = Path(store.root, manifest.wheel, "tree", "pkg", "part.py")
    before = place.stat()
    place.write_text("V = 3\n")
    os.utime(place, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert stems(obtain(store, manifest, environment)) == KEPT - {"pkg/__pycache__/part"}


def test_another_release_of_the_interpreter_has_its_own(
    store: Store, manifest: Manifest, environment: Environment
) -> None:
    obtain(store, manifest, environment)
    markers = {**environment.markers, "implementation_version": "3.99.1"}
    other = environment._replace(markers=markers)
    assert bytecode.name_key(other) != bytecode.name_key(environment)
    with pytest.raises(FileNotFoundError):
        bytecode.open_bytecode(store, manifest, other)


def test_bytecode_that_is_checked_by_its_source_s_hash_lies_apart(
    store: Store, manifest: Manifest, environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PEP 552: bit 0 of the flags says so."""
    flags = []
    for epoch in (None, "0"):
        if epoch is not None:
            monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
        path = obtain(store, manifest, environment).files.paths[0]
        place = Path(store.root, manifest.wheel, bytecode.BYTECODE, bytecode.name_key(environment), "tree", path)
        flags.append(place.read_bytes()[4])
    assert flags == [0, 3]


def test_what_cannot_be_read_is_compiled_again(store: Store, manifest: Manifest, environment: Environment) -> None:
    obtain(store, manifest, environment)
    kept = Path(store.root, manifest.wheel, bytecode.BYTECODE, bytecode.name_key(environment))
    (kept / bytecode.LISTING).write_bytes(b"torn")
    assert stems(obtain(store, manifest, environment)) == KEPT


def test_who_compiles_holds_the_entry_s_lock(
    store: Store, manifest: Manifest, environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = []

    def fill(*_: object) -> None:
        with open_locks(store) as place:
            held.append(locks.try_hold(place, fill_lock(manifest.wheel)) is None)

    monkeypatch.setattr(bytecode, "_fill", fill)
    assert bytecode.obtain_bytecode(store, manifest, environment, PATIENCE) is None
    assert held == [True]


def test_who_waited_takes_what_another_compiled_meanwhile(
    store: Store, manifest: Manifest, environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold, fill, filled = locks.hold, bytecode._fill, []

    @contextlib.contextmanager
    def hold_late(*words: object) -> Iterator[None]:
        fill(store, manifest, environment, PATIENCE.cancelled)  # by whoever had the lock until now
        with hold(*words):  # type: ignore[arg-type]
            yield

    monkeypatch.setattr(bytecode, "_fill", lambda *words: filled.append(words))
    monkeypatch.setattr(locks, "hold", hold_late)
    assert stems(obtain(store, manifest, environment)) == KEPT
    assert filled == []
