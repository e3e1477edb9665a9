"""Commits of real git repositories: checked out by name and by id, with submodules, and without a word of passwords."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from lugnut.building.caching import build_cached
from lugnut.building.recipe import Recipe, Source
from lugnut.building.repositories import checkout, split_credentials
from lugnut.errors import DownloadFailed, Offline
from lugnut.events import ignore, never
from lugnut.store.place import usual_patience
from projects import make_recipe, make_tree

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="there is no git here")
MOMENT = 1_650_000_000
FAKE_GIT = """#!/bin/sh
echo "$@" >> {told}
env | grep ^GIT_ | sort >> {told}.environ
echo "fatal: Authentication failed for 'https://me:secret@host.invalid/x.git/'"
exit 128
"""


class Repository:
    """A git repository with a project in `python/tiny-1.0`."""

    def __init__(self, path: Path, home: Path) -> None:
        self.path = path
        path.mkdir(parents=True)
        self.environ = {
            **make_recipe(home).environ,
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_SYSTEM": os.devnull,
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "protocol.file.allow",
            "GIT_CONFIG_VALUE_0": "always",
            **{f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
            **{f"GIT_{who}_DATE": f"{MOMENT} +0000" for who in ("AUTHOR", "COMMITTER")},
        }
        self.git("init", "--quiet", "--initial-branch=trunk")

    @property
    def url(self) -> str:
        return f"file://{self.path}"

    def git(self, *words: str) -> str:
        command = ["git", "-C", str(self.path), *words]
        done = subprocess.run(command, env=self.environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def commit(self, text: str) -> str:
        (self.path / "text").write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", text)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "origin", tmp_path)


@pytest.fixture
def recipe(tmp_path: Path, repository: Repository) -> Recipe:
    return make_recipe(tmp_path, environ=repository.environ)


def test_a_commit_is_found_by_branch_tag_id_and_what_else_git_calls_it(
    tmp_path: Path, repository: Repository, recipe: Recipe
) -> None:
    first = repository.commit("first")
    repository.git("tag", "--annotate", "--message", "v1", "v1")
    second = repository.commit("second")
    repository.git("update-ref", "refs/pull/7/head", second)
    repository.git("checkout", "--quiet", "-b", "side/branch")
    third = repository.commit("third")
    repository.git("reset", "--quiet", "--hard", first)
    repository.git("checkout", "--quiet", "trunk")
    repository.git("reset", "--quiet", "--hard", first)
    repository.git("update-ref", "refs/hidden/third", third)
    names = {
        "": first, "trunk": first, "v1": first, first: first, first[:9]: first, "refs/tags/v1": first,
        "side/branch": first, "refs/pull/7/head": second, "refs/hidden/third": third,
    }  # fmt: skip
    for number, (name, commit) in enumerate(names.items()):
        place = tmp_path / f"place-{number}"
        assert checkout(f"git+{repository.url}", name, str(place), recipe, never) == commit
        text = {first: "first", second: "second", third: "third"}[commit]
        assert (place / "text").read_text() == text


def test_a_commit_that_no_name_leads_to_is_fetched_by_itself(
    tmp_path: Path, repository: Repository, recipe: Recipe
) -> None:
    first = repository.commit("first")
    second = repository.commit("second")
    repository.git("reset", "--quiet", "--hard", first)
    repository.git("config", "uploadpack.allowAnySHA1InWant", "true")
    assert checkout(repository.url, second, str(tmp_path / "place"), recipe, never) == second
    assert (tmp_path / "place" / "text").read_text() == "second"


def test_submodules_come_along(tmp_path: Path, repository: Repository, recipe: Recipe) -> None:
    inner = Repository(tmp_path / "inner", tmp_path)
    inner.commit("inner")
    repository.git("submodule", "--quiet", "add", inner.url, "below")
    commit = repository.commit("outer")
    checkout(repository.url, commit, str(tmp_path / "place"), recipe, never)
    assert (tmp_path / "place" / "below" / "text").read_text() == "inner"


def test_what_is_not_there_is_said_in_one_sentence(tmp_path: Path, repository: Repository, recipe: Recipe) -> None:
    repository.commit("first")
    for url, wanted, words in (
        (repository.url, "none", "it has no branch, tag or commit none"),
        (repository.url, "0" * 40, f"it has no branch, tag or commit {'0' * 40}"),
        (repository.url, "--upload-pack=touch", "no name in git begins with -"),
        (f"file://{tmp_path}/none", "", "does not appear to be a git repository"),
        ("--upload-pack=touch x", "", "repository '--upload-pack=touch x' does not exist"),
        (f"ext::sh -c touch% {tmp_path}/evil", "", "transport 'ext' not allowed"),
    ):
        with pytest.raises(DownloadFailed) as caught:
            checkout(url, wanted, str(tmp_path / "place"), recipe, never)
        assert words in str(caught.value)
        assert "\n" not in str(caught.value)
        shutil.rmtree(tmp_path / "place", ignore_errors=True)
    assert not (tmp_path / "evil").exists()
    with pytest.raises(DownloadFailed, match="there is no git on PATH"):
        checkout(repository.url, "", str(tmp_path / "place"), recipe._replace(environ={"PATH": ""}), never)


def test_an_empty_repository_has_no_commit(tmp_path: Path, repository: Repository, recipe: Recipe) -> None:
    with pytest.raises(DownloadFailed, match="it has no commit"):
        checkout(repository.url, "", str(tmp_path / "place"), recipe, never)


def test_offline_forbids_what_is_elsewhere(tmp_path: Path, repository: Repository, recipe: Recipe) -> None:
    recipe = recipe._replace(offline=True)
    with pytest.raises(Offline, match=r"https://\*\*\*\*@host.invalid/x@v1 is not in the cache"):
        checkout("git+https://me:secret@host.invalid/x", "v1", str(tmp_path / "place"), recipe, never)
    commit = repository.commit("first")
    assert checkout(repository.url, "", str(tmp_path / "place"), recipe, never) == commit


def test_a_password_is_neither_printed_nor_on_the_command_line(tmp_path: Path, recipe: Recipe) -> None:
    told = tmp_path / "told"
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").write_text(FAKE_GIT.format(told=told))
    (tmp_path / "bin" / "git").chmod(0o755)
    path = f"{tmp_path / 'bin'}:{recipe.environ['PATH']}"
    recipe = recipe._replace(environ={**recipe.environ, "PATH": path, "GIT_DIR": "/elsewhere"})
    with pytest.raises(DownloadFailed) as caught:
        checkout("https://me:secret@host.invalid/x.git", "v1", str(tmp_path / "place"), recipe, never)
    assert str(caught.value) == (
        "https://****@host.invalid/x.git@v1 could not be downloaded: "
        "Authentication failed for 'https://****@host.invalid/x.git/'"
    )
    assert "secret" not in told.read_text() + repr(caught.value.data)
    assert "https://host.invalid/x.git" in told.read_text()
    environ = told.with_name("told.environ").read_text()
    assert "GIT_CONFIG_KEY_1=url.https://me:secret@host.invalid/x.git.insteadOf" in environ
    assert "GIT_CONFIG_VALUE_1=https://host.invalid/x.git" in environ
    assert "GIT_CONFIG_COUNT=2" in environ
    assert "GIT_DIR" not in environ


def test_git_understands_how_a_password_is_handed_to_it(tmp_path: Path, repository: Repository, recipe: Recipe) -> None:
    """`insteadOf` leads from the plain URL to another: what the clone remembers is the plain one."""
    commit = repository.commit("first")
    environ = {
        **recipe.environ,
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_1": f"url.{repository.url}.insteadOf",
        "GIT_CONFIG_VALUE_1": "https://host.invalid/x",
    }
    place = tmp_path / "place"
    assert checkout("https://host.invalid/x", "", str(place), recipe._replace(environ=environ), never) == commit
    assert str(repository.path) not in (place / ".git" / "config").read_text()


@pytest.mark.parametrize(
    ("url", "plain", "credentials"),
    [
        ("https://u:p@h/x", "https://h/x", "u:p@"),
        ("https://token@h:8443/x@y", "https://h:8443/x@y", "token@"),
        ("https://h/x@v1", "https://h/x@v1", ""),
        ("ssh://git@h/x", "ssh://git@h/x", ""),
    ],
)
def test_credentials_are_told_from_the_rest(url: str, plain: str, credentials: str) -> None:
    assert split_credentials(url) == (plain, credentials)


def test_a_commit_is_built_once_with_its_own_time(tmp_path: Path, repository: Repository, recipe: Recipe) -> None:
    code = "import os; assert os.environ['SOURCE_DATE_EPOCH'] == '1650000000', os.environ['SOURCE_DATE_EPOCH']"
    make_tree(repository.path / "python", code=code)
    commit = repository.commit("first")
    source = Source("", digest=commit, repository=repository.url, subdirectory="python/tiny-1.0")
    recipe = recipe._replace(environ={**recipe.environ, "TINY_COUNT": str(tmp_path / "count")})
    for _ in range(2):
        with build_cached(str(tmp_path / "cache"), source, recipe, ignore, usual_patience()) as wheel:
            assert os.path.basename(wheel) == "tiny-1.0-py3-none-any.whl"
    assert (tmp_path / "count").read_text() == "built\n"
