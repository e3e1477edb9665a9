"""What a sync leaves in place unasked: tools, and all they need, extras of what they need among it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from environments import make_environment, write
from lugnut.distribution import Name
from lugnut.environment import Environment
from lugnut.supply.sparing import find_unwanted
from lugnut.unmet import find_needed


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    made = make_environment(tmp_path)
    os.makedirs(made.purelib)
    return made


def put(environment: Environment, **installed: tuple[str, ...]) -> None:
    """Install distributions, each with its Requires-Dist."""
    for name, requires in installed.items():
        lines = ["Metadata-Version: 2.1", f"Name: {name}", "Version: 1", *(f"Requires-Dist: {one}" for one in requires)]
        write(environment.purelib, f"{name}-1.dist-info/METADATA", "\n".join(lines) + "\n\n")
        write(environment.purelib, f"{name}-1.dist-info/RECORD")


def unwanted(environment: Environment, *wanted: str) -> list[Name]:
    return find_unwanted(environment, {Name(one) for one in wanted}, exact=False)


def test_a_tool_keeps_what_it_needs_and_exact_spares_nothing(environment: Environment) -> None:
    put(environment, lugnut=("dep1>=1", "other; sys_platform == 'nowhere'"), dep1=("dep2",), dep2=(), other=(), mine=())
    assert unwanted(environment) == ["mine", "other"]
    assert unwanted(environment, "mine") == ["other"]
    assert find_unwanted(environment, (), exact=True) == ["dep1", "dep2", "lugnut", "mine", "other"]


def test_a_tool_keeps_what_an_extra_of_its_needs_needs(environment: Environment) -> None:
    put(
        environment,
        lugnut=("dep1[X.y]",),
        dep1=("dep2; extra == 'x-y'", "dep3; extra == 'other'", "dep4; extra == 'x-y' and sys_platform == 'nowhere'"),
        dep2=(), dep3=(), dep4=(),
    )  # fmt: skip
    assert unwanted(environment) == ["dep3", "dep4"]


def test_an_extra_that_is_asked_for_later_on_is_followed_too(environment: Environment) -> None:
    put(
        environment,
        pip=("dep1", "dep2"), dep1=("dep3; extra == 'a'", "dep4; extra == 'b'"), dep2=("dep1[a]",),
        dep3=("dep1[b]",), dep4=("dep1[a,b]", "dep2"), dep5=("dep1",),
    )  # fmt: skip
    assert unwanted(environment) == ["dep5"]


def test_an_extra_may_ask_for_others_of_its_own_distribution(environment: Environment) -> None:
    put(
        environment,
        setuptools=("dep1[all]",), dep1=("dep1[a]; extra == 'all'", "dep2; extra == 'a'", "dep3; extra == 'b'"),
        dep2=(), dep3=(),
    )  # fmt: skip
    assert unwanted(environment) == ["dep3"]


def test_what_is_needed_and_not_installed_is_not_named(environment: Environment) -> None:
    put(environment, pip=("absent[x]", "???", "dep1"), dep1=())
    assert find_needed(environment, {Name("pip")}) == {"pip", "dep1"}
