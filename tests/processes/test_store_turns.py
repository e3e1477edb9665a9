"""Runs that want the very same wheels take turns: one of them unpacks and starts workers, and the others wait for it.

A turn guards nothing, since every entry has a lock of its own: whoever cannot have it goes on, and is as right.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

import lugnut
from lugnut.events import Event, LockWaiting, WheelAdmitted
from lugnut.store.entries import Store, admit, open_store
from lugnut.store.place import usual_patience
from lugnut.store.turns import take_turns
from wheels import make_wheel


@pytest.fixture
def wheels(tmp_path: Path) -> list[str]:
    return [make_wheel(tmp_path, name, files={f"{name}/__init__.py": ""}) for name in ("one", "two", "three")]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "cache"))


def test_a_run_waits_for_another_that_admits_the_same_wheels_and_unpacks_none_itself(
    tmp_path: Path, wheels: list[str], store: Store
) -> None:
    heard: list[Event] = []
    with contextlib.ExitStack() as turn:
        turn.enter_context(take_turns(store, wheels[::-1], usual_patience()))  # in whatever order they are named

        def listen(event: Event) -> None:
            heard.append(event)
            if isinstance(event, LockWaiting):
                for wheel in wheels:
                    admit(store, wheel)
                turn.close()

        lugnut.install(wheels, target=tmp_path / "target", cache_dir=tmp_path / "cache", jobs=2, report=listen)
    assert any(isinstance(event, LockWaiting) for event in heard)
    assert [event.cached for event in heard if isinstance(event, WheelAdmitted)] == [True] * 3


def test_a_run_that_cannot_have_the_turn_goes_on_without_it(tmp_path: Path, wheels: list[str], store: Store) -> None:
    heard: list[Event] = []
    with take_turns(store, wheels, usual_patience()):
        lugnut.install(
            wheels, target=tmp_path / "target", cache_dir=tmp_path / "cache", lock_timeout=0, report=heard.append
        )
    assert [event.cached for event in heard if isinstance(event, WheelAdmitted)] == [False] * 3
    assert sorted(path.name for path in (tmp_path / "target").glob("*/__init__.py")) == ["__init__.py"] * 3


def test_runs_with_other_wheels_do_not_wait_for_each_other(tmp_path: Path, wheels: list[str], store: Store) -> None:
    heard: list[Event] = []
    with take_turns(store, wheels[:2], usual_patience()):
        lugnut.install(wheels, target=tmp_path / "target", cache_dir=tmp_path / "cache", report=heard.append)
    assert not any(isinstance(event, LockWaiting) for event in heard)
