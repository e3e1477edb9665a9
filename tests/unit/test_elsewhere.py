"""Markers and tags of another Python on another platform; what this machine itself is serves as the oracle."""

from __future__ import annotations

import pytest

from environments import make_target
from lugnut.environment import Environment
from lugnut.errors import UsageError
from lugnut.interpreter.asking import find_environment
from lugnut.interpreter.elsewhere import look_elsewhere, parse_platform, parse_version


@pytest.fixture
def here(tmp_path) -> Environment:
    return find_environment(make_target(tmp_path, target="shipped"))


def linux_here(environment: Environment) -> str:
    """Spell this machine's platform as a wheel does; skips where it is no Linux with glibc."""
    first = next((tag for tag in environment.tags if "-manylinux_2_" in tag), None)
    if first is None:
        pytest.skip(f"{environment.tags[0]} is no manylinux platform to compare with")
    return first.split("-", 2)[2]


def test_the_same_version_elsewhere_is_here(here: Environment) -> None:
    version = here.markers["python_full_version"]
    if not version.replace(".", "").isdigit():
        pytest.skip(f"this Python is {version}, a pre-release")
    assert look_elsewhere(here, version, "", {}) == here


def test_the_same_platform_elsewhere_accepts_the_same_wheels(here: Environment) -> None:
    found = look_elsewhere(here, "", linux_here(here), {})
    assert found.tags == here.tags
    same = {name: here.markers[name] for name in ("os_name", "sys_platform", "platform_system", "platform_machine")}
    assert {name: found.markers[name] for name in same} == same


def test_another_version_changes_all_that_follows_from_it(here: Environment) -> None:
    found = look_elsewhere(here, "3.9", "", {})
    assert found.tags[0].startswith("cp39-cp39-")
    assert found.markers["python_version"] == "3.9"
    assert found.markers["python_full_version"] == found.markers["implementation_version"] == "3.9.0"
    assert found.cache_tag == "cpython-39"
    assert "py39-none-any" in found.tags
    assert "py311-none-any" not in found.tags


def test_an_old_abi_has_its_m(here: Environment) -> None:
    assert look_elsewhere(here, "3.7", "win_amd64", {}).tags[0] == "cp37-cp37m-win_amd64"


def test_a_free_threaded_python_stays_one_on_another_platform(here: Environment) -> None:
    threaded = here._replace(
        tags=("cp313-cp313t-linux_x86_64", "py3-none-any"), markers={**here.markers, "python_version": "3.13"}
    )
    found = look_elsewhere(threaded, "", "win_amd64", {})
    assert found.tags[0] == "cp313-cp313t-win_amd64"
    assert "cp313-abi3-win_amd64" not in found.tags


def test_the_platform_of_a_version_elsewhere_is_this_one(here: Environment) -> None:
    found = look_elsewhere(here, "3.12", "", {})
    platforms = {tag.split("-", 2)[2] for tag in here.tags}
    assert {tag.split("-", 2)[2] for tag in found.tags} == platforms


@pytest.mark.parametrize(
    ("spelled", "name", "first", "another"),
    [
        ("linux", "x86_64-unknown-linux-gnu", "linux_x86_64", "manylinux_2_28_x86_64"),
        ("aarch64-unknown-linux-gnu", "aarch64-unknown-linux-gnu", "linux_aarch64", "manylinux_2_28_aarch64"),
        ("linux_aarch64", "aarch64-unknown-linux-gnu", "linux_aarch64", "manylinux_2_28_aarch64"),
        ("x86_64-manylinux2014", "x86_64-manylinux_2_17", "linux_x86_64", "manylinux_2_17_x86_64"),
        ("manylinux2014_x86_64", "x86_64-manylinux_2_17", "linux_x86_64", "manylinux_2_17_x86_64"),
        ("manylinux_2_34_aarch64", "aarch64-manylinux_2_34", "linux_aarch64", "manylinux_2_34_aarch64"),
        ("riscv64-unknown-linux", "riscv64-unknown-linux", "linux_riscv64", "manylinux_2_39_riscv64"),
        ("x86_64-unknown-linux-musl", "x86_64-unknown-linux-musl", "linux_x86_64", "musllinux_1_2_x86_64"),
        ("musllinux_1_1_x86_64", "x86_64-unknown-linux-musl", "linux_x86_64", "musllinux_1_1_x86_64"),
        ("manylinux_2_30_x86_64", "x86_64-manylinux_2_28", "linux_x86_64", "manylinux_2_30_x86_64"),
        ("windows", "x86_64-pc-windows-msvc", "win_amd64", "win_amd64"),
        ("win32", "i686-pc-windows-msvc", "win32", "win32"),
        ("aarch64-pc-windows-msvc", "aarch64-pc-windows-msvc", "win_arm64", "win_arm64"),
        ("macos", "aarch64-apple-darwin", "macosx_13_0_arm64", "macosx_11_0_universal2"),
        ("macosx_14_0_x86_64", "x86_64-apple-darwin", "macosx_14_0_x86_64", "macosx_10_4_universal"),
    ],
)
def test_platforms_are_read_as_uv_and_wheels_spell_them(spelled: str, name: str, first: str, another: str) -> None:
    platform = parse_platform(spelled, {})
    assert (platform.name, platform.tags[0]) == (name, first)
    assert another in platform.tags


def test_the_older_names_of_manylinux_follow_their_numbers() -> None:
    tags = parse_platform("manylinux2014_x86_64", {}).tags
    assert [tag for tag in tags if "linux1_" in tag or "linux20" in tag] == [
        "manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64",
    ]  # fmt: skip
    assert tags.index("manylinux2014_x86_64") == tags.index("manylinux_2_17_x86_64") + 1
    assert "manylinux1_aarch64" not in parse_platform("manylinux2014_aarch64", {}).tags


def test_how_old_a_macos_may_be_is_the_deployment_target() -> None:
    assert parse_platform("macos", {"MACOSX_DEPLOYMENT_TARGET": "14.2"}).deployment_target == "14.2"
    assert parse_platform("macos", {"MACOSX_DEPLOYMENT_TARGET": "14"}).tags[0] == "macosx_14_0_arm64"
    assert parse_platform("macosx_12_0_arm64", {"MACOSX_DEPLOYMENT_TARGET": "14"}).deployment_target == "12.0"


@pytest.mark.parametrize(
    "text", ["", "amiga", "x86_64-pc-linux", "manylinux_x86_64", "linux-gnu", "wasm32-pyodide2024"]
)
def test_a_platform_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="no platform that lugnut knows"):
        parse_platform(text, {})


def test_versions_are_read_as_uv_and_pip_spell_them() -> None:
    assert [parse_version(text) for text in ("3.12", "3.12.4", "312", "37")] == [(3, 12), (3, 12, 4), (3, 12), (3, 7)]


@pytest.mark.parametrize("text", ["", "3", "three", "3.x", "3.12.4.5", "3..1", "³.12", ">=3.12"])
def test_a_version_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="no version of Python"):
        parse_version(text)


def test_what_another_implementation_accepts_is_not_guessed(here: Environment) -> None:
    pypy = here._replace(markers={**here.markers, "implementation_name": "pypy"})
    with pytest.raises(UsageError, match="not known"):
        look_elsewhere(pypy, "3.10", "", {})
