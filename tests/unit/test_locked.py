"""What an environment takes from a lock: one file or tree for each name, by its own tags and markers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from packaging.pylock import Pylock

from environments import make_environment
from lugnut.environment import Environment
from lugnut.errors import BadLock, UsageError, WheelNotFound
from lugnut.links import Link
from lugnut.sources.direct_urls import format_direct_url
from lugnut.sources.locked import Chosen, Supply, find_file, make_direct, select

A, B = "a" * 64, "b" * 64


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return make_environment(tmp_path)._replace(tags=("cp311-cp311-linux_x86_64", "py3-none-any"))


def wheel(name: str, digest: str = A, **more: Any) -> dict[str, Any]:
    return {"name": name, "url": f"https://host/{name}", "hashes": {"sha256": digest}, **more}


def lock(*packages: dict[str, Any], **more: Any) -> Pylock:
    return Pylock.from_dict({"lock-version": "1.0", "created-by": "test", "packages": list(packages), **more})


def take(environment: Environment, given: Pylock, **chosen: Any) -> list[Supply]:
    return select(given, environment, Chosen("pylock.toml", "/locks", **chosen))


def test_the_best_wheel_is_taken_with_its_hash_and_size(environment: Environment) -> None:
    wheels = [wheel("x-1-py3-none-any.whl", B), wheel("x-1-cp311-cp311-linux_x86_64.whl", size=7)]
    (supply,) = take(environment, lock({"name": "x", "version": "1", "wheels": wheels}))
    name = "x-1-cp311-cp311-linux_x86_64.whl"
    assert supply == Supply("x", "1", Link(f"https://host/{name}", name, (("sha256", A),), 7), wheels=frozenset((A, B)))
    assert supply.is_wheel
    assert make_direct(supply, A) is None


def test_names_are_sorted_and_markers_judged_for_the_environment(environment: Environment) -> None:
    packages = [
        {"name": name, "version": "1", "marker": marker, "wheels": [wheel(f"{name}-1-py3-none-any.whl")]}
        for name, marker in (("b", "python_version >= '3'"), ("c", "sys_platform == 'nowhere'"), ("a", "os_name != ''"))
    ]
    assert [supply.name for supply in take(environment, lock(*packages))] == ["a", "b"]


def test_extras_and_groups_are_asked_for(environment: Environment) -> None:
    packages = [
        {"name": name, "version": "1", "marker": marker, "wheels": [wheel(f"{name}-1-py3-none-any.whl")]}
        for name, marker in (
            ("a", "'x' in extras"),
            ("b", "'dev' in dependency_groups"),
            ("c", "'more' in dependency_groups"),
        )
    ]
    given = lock(*packages, extras=["x"], **{"dependency-groups": ["dev", "more"], "default-groups": ["dev"]})
    assert [one.name for one in take(environment, given)] == ["b"]
    assert [one.name for one in take(environment, given, extras=("x",), groups=())] == ["a"]
    assert [one.name for one in take(environment, given, groups=("more",))] == ["c"]


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"extras": ("nosuch",)}, "pylock.toml has no extra nosuch; it has a-b and x"),
        ({"extras": ("A.B", "y", "x", "z")}, "pylock.toml has no extra y and z; it has a-b and x"),
        ({"groups": ("nosuch",)}, "pylock.toml has no dependency group nosuch; it has dev and more"),
    ],
)
def test_an_extra_or_a_group_that_the_lock_lacks_is_refused(
    environment: Environment, chosen: dict[str, Any], said: str
) -> None:
    given = lock(extras=["x", "a-b"], **{"dependency-groups": ["dev"], "default-groups": ["more"]})
    with pytest.raises(UsageError) as caught:
        take(environment, given, **chosen)
    assert str(caught.value) == said
    assert caught.value.hint


def test_a_lock_without_extras_and_groups_says_that_it_has_none(environment: Environment) -> None:
    for chosen, what in (({"extras": ("x",)}, "extra"), ({"groups": ("x",)}, "dependency group")):
        with pytest.raises(UsageError, match=rf"^pylock\.toml has no {what} x; it has none$"):
            take(environment, lock(), **chosen)


def test_extras_and_groups_are_the_same_however_they_are_spelled(environment: Environment) -> None:
    package = {"name": "x", "version": "1", "marker": "'a-b' in extras and 'c-d' in dependency_groups"}
    given = lock(
        {**package, "wheels": [wheel("x-1-py3-none-any.whl")]}, extras=["a-b"], **{"dependency-groups": ["C_d"]}
    )
    assert [one.name for one in take(environment, given, extras=("A_b",), groups=("c.D",))] == ["x"]


def test_where_no_wheel_fits_there_is_the_source_or_the_closest_tags(environment: Environment) -> None:
    foreign = wheel("x-1-cp39-cp39-win32.whl")
    sdist = {"name": "x-1.tar.gz", "url": "https://host/x-1.tar.gz", "hashes": {"sha256": B}}
    (supply,) = take(environment, lock({"name": "x", "version": "1", "wheels": [foreign], "sdist": sdist}))
    assert supply.link is not None
    assert (supply.link.filename, supply.is_wheel) == ("x-1.tar.gz", False)
    with pytest.raises(WheelNotFound, match=r"x==1: no wheel fits .* cp39-cp39-win32") as caught:
        take(environment, lock({"name": "x", "version": "1", "wheels": [foreign]}))
    assert "closest tags" in caught.value.hint


def test_sources_are_preferred_or_refused_by_name(environment: Environment) -> None:
    sdist = {"name": "x-1.tar.gz", "url": "https://host/x-1.tar.gz", "hashes": {"sha256": B}}
    given = lock({"name": "x", "version": "1", "wheels": [wheel("x-1-py3-none-any.whl")], "sdist": sdist})
    for names in (("x",), (":all:",)):
        assert not take(environment, given, no_binary=names)[0].is_wheel
        with pytest.raises(WheelNotFound, match="nothing is to be built"):
            take(environment, lock({"name": "x", "version": "1", "sdist": sdist}), only_binary=names)
    assert take(environment, given, no_binary=("y",), only_binary=("x",))[0].is_wheel


def test_paths_begin_at_the_lock(environment: Environment) -> None:
    local = {"path": "wheels/x #1-1-py3-none-any.whl", "hashes": {"sha256": A}}
    tree = {"path": "../tree", "editable": True}
    supplies = take(environment, lock({"name": "x", "archive": local}, {"name": "y", "directory": tree}))
    link = supplies[0].link
    assert link is not None
    assert find_file(link) == "/locks/wheels/x #1-1-py3-none-any.whl"
    assert (supplies[1].tree, supplies[1].editable) == ("/tree", True)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            {"archive": {"url": "https://me:secret@host/x-1.zip", "hashes": {"sha256": A}, "subdirectory": "sub"}},
            {
                "url": "https://host/x-1.zip",
                "subdirectory": "sub",
                "archive_info": {"hash": f"sha256={B}", "hashes": {"sha256": B}},
            },
        ),
        (
            {"vcs": {"type": "git", "url": "ssh://git@host/x", "commit-id": A[:40], "requested-revision": "main"}},
            {"url": "ssh://git@host/x", "vcs_info": {"vcs": "git", "commit_id": A[:40], "requested_revision": "main"}},
        ),
        ({"directory": {"path": "/a b"}}, {"url": "file:///a%20b", "dir_info": {}}),
        ({"directory": {"path": "t", "editable": True}}, {"url": "file:///locks/t", "dir_info": {"editable": True}}),
    ],
)
def test_what_was_named_directly_says_where_it_came_from(
    environment: Environment, source: dict[str, Any], expected: dict[str, Any]
) -> None:
    (supply,) = take(environment, lock({"name": "x", **source}))
    direct = make_direct(supply, "" if supply.tree else B)
    assert direct is not None
    assert json.loads(format_direct_url(direct)) == expected


@pytest.mark.parametrize("commit", [A[:40], A, "ABCD" * 10])
def test_a_commit_is_taken_by_its_whole_id(environment: Environment, commit: str) -> None:
    vcs = {"type": "git", "url": "https://host/x", "commit-id": commit}
    assert take(environment, lock({"name": "x", "vcs": vcs}))[0].repository == (
        "git", "https://host/x", commit.lower(), "",
    )  # fmt: skip


MOVING = "is not the whole id of a commit"
FOREIGN = "and lugnut knows git"


@pytest.mark.parametrize(
    ("kind", "commit", "said"),
    [
        *(("git", commit, MOVING) for commit in ("main", A[:7], A[:41], A[:39] + "g", "-" * 40, A[:40] + "\n", "")),
        *((kind, A[:40], FOREIGN) for kind in ("hg", "svn", "bzr", "Git")),
    ],
)
def test_a_revision_that_may_move_and_another_system_than_git_are_refused(
    environment: Environment, kind: str, commit: str, said: str
) -> None:
    vcs = {"type": kind, "url": "https://host/x", "commit-id": commit}
    with pytest.raises(BadLock, match=said) as caught:
        take(environment, lock({"name": "x", "vcs": vcs}))
    assert str(caught.value).startswith("pylock.toml cannot be used as a lock file: ")
    assert caught.value.hint


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (lock(**{"requires-python": ">=99"}), "does not satisfy the Python"),
        (lock(environments=["sys_platform == 'nowhere'"]), "does not satisfy any"),
        (
            lock(
                {"name": "x", "version": "1", "wheels": [wheel("x-1-py3-none-any.whl")]},
                {"name": "x", "version": "2", "wheels": [wheel("x-2-py3-none-any.whl")]},
            ),
            "Multiple packages with the name 'x'",
        ),
    ],
)
def test_a_lock_that_does_not_cover_the_environment_is_refused(
    environment: Environment, given: Pylock, reason: str
) -> None:
    with pytest.raises(BadLock, match=f"(?i){reason}") as caught:
        take(environment, given)
    assert str(caught.value).startswith("pylock.toml cannot be used as a lock file: ")
    assert "lock it again" in caught.value.hint
