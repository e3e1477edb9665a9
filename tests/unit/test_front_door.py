"""`import lugnut`: the names, their types' stub, and what keywords become."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from pathlib import Path

import pytest

import lugnut
from lugnut import library
from lugnut.cli.commands import PLACE
from lugnut.cli.configuration import make_invocation
from lugnut.cli.flags import COMMANDS, flags_of
from lugnut.cli.words import parse_words
from lugnut.errors import CannotRead, UsageError
from lugnut.settings import Report, Settings

READING: dict[str, Callable[..., object]] = {
    "list": lugnut.list_installed,
    "freeze": lugnut.freeze,
    "show": lugnut.show,
    "tree": lugnut.tree,
}


def test_every_name_of_the_front_door_is_there() -> None:
    for name in lugnut.__all__:
        assert getattr(lugnut, name) is not None
        assert name in dir(lugnut)
    assert lugnut.Report is Report


def test_the_stub_names_what_the_front_door_offers() -> None:
    tree = ast.parse(Path(lugnut.__file__).with_suffix(".pyi").read_text())
    imported = {alias.asname for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert imported | {"__version__"} == set(lugnut.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'instal'"):
        _ = lugnut.instal  # type: ignore[attr-defined]


def test_an_unknown_keyword_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'job'"):
        lugnut.install([], job=2)  # type: ignore[call-arg]


def test_a_lone_string_is_not_a_list_of_letters() -> None:
    with pytest.raises(TypeError, match="a list of strings is wanted"):
        lugnut.install("jwt")


def test_without_keywords_the_settings_are_the_defaults() -> None:
    assert library.make_settings({}) == Settings()


def test_keywords_become_settings(tmp_path: Path) -> None:
    settings = library.make_settings(
        {"find_links": [tmp_path], "cache_dir": tmp_path, "overlay": {"Py_JWT": 2}, "jobs": 3}
    )
    expected = Settings(find_links=(str(tmp_path),), cache_dir=str(tmp_path), overlay={"py-jwt": 2}, jobs=3)  # type: ignore[dict-item]
    assert settings == expected


def test_keywords_become_a_target(tmp_path: Path) -> None:
    target = library.make_target({"python": tmp_path, "break_system_packages": True, "no_cache": True})
    assert (target.python, target.break_system_packages, target.cache_dir) == (str(tmp_path), True, None)


@pytest.mark.parametrize("choices", [{"on_conflict": "never"}, {"link_mode": "symlink"}, {"overlay": {"a b": 1}}])
def test_words_that_mean_nothing_are_usage_errors(choices: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        library.make_settings(choices)


def test_overlay_may_be_names_alone() -> None:
    assert library.make_settings({"overlay": ["Py_JWT", "b"]}).overlay == {"py-jwt": 1, "b": 1}


@pytest.mark.parametrize(
    "choices",
    [
        {"jobs": -1},
        {"lock_timeout": -1},
        {"lock_timeout": float("nan")},
        {"overlay": {"a": -1}},
        {"start_method": "thread"},
        {"lock_backend": "memcached://h"},
    ],
)
def test_numbers_out_of_range_are_usage_errors(choices: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        library.make_settings(choices)


@pytest.mark.parametrize(
    "choices",
    [
        {"jobs": "2"},
        {"jobs": True},
        {"jobs": 1.5},
        {"lock_timeout": "1"},
        {"dry_run": "no"},
        {"upgrade": 1},
        {"overlay": {"a": "1"}},
        {"overlay": {"a": True}},
        {"overlay": "a"},
        {"find_links": "wheels"},
        {"find_links": [b"wheels"]},
        {"cache_dir": 3},
        {"lock_backend": b"flock"},
    ],
)
def test_values_of_another_kind_are_type_errors(choices: dict[str, object]) -> None:
    with pytest.raises(TypeError):
        library.make_settings(choices)


@pytest.mark.parametrize(
    "choices",
    [
        {"target": "a", "prefix": "b"},
        {"python": "a", "system": True},
        {"target": ""},
        {"python": ""},
        {"target": "a\0"},
    ],
)
def test_two_places_at_once_and_a_place_without_a_name_are_usage_errors(choices: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        library.make_target(choices)


def test_what_the_system_refuses_is_said_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(CannotRead, match="No such file or directory"):
        lugnut.list_installed(target=tmp_path)


@pytest.mark.parametrize("command", COMMANDS)
def test_everything_the_command_line_chooses_is_a_keyword(command: str, tmp_path: Path) -> None:
    samples = {"jobs": "3", "depth": "2", "on_conflict": "error", "link_mode": "copy", "color": "never"}
    silent = {"no_config", "prefix", "system", "format"}  # they rule others out
    samples |= {"report_to": "r.json", "resolver": "uv", "prerelease": "allow", "resolution": "lowest"}
    samples |= {"index_strategy": "first-index", "lock_backend": "flock"}
    flags = [flag for flag in flags_of(command) if flag.field not in silent]
    environ = {flag.variable: samples.get(flag.field, "1") for flag in flags}
    chosen = set(make_invocation(parse_words([command]), environ, str(tmp_path)).choices)
    if command in READING:
        assert chosen <= {*PLACE, *inspect.signature(READING[command]).parameters}
    else:
        assert chosen - {"forget"} <= library.Choices.__optional_keys__


@pytest.mark.parametrize("command", READING)
def test_a_keyword_that_no_reading_command_has_is_a_type_error(command: str, tmp_path: Path) -> None:
    names = (["x"],) if command == "show" else ()
    with pytest.raises(TypeError, match="unexpected keyword argument 'exclud'"):
        READING[command](*names, exclud=["x"], target=tmp_path)


@pytest.mark.parametrize(
    "choices", [{"depth": -1}, {"depth": 256}, {"packages": ["a b"]}, {"prune": ["a==1"]}, {"packages": [""]}]
)
def test_a_tree_that_cannot_be_meant_is_a_usage_error(choices: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        lugnut.tree(target=tmp_path, **choices)  # type: ignore[arg-type]
