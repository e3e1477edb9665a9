"""Backends' arguments and answers: pip's report to a lock, and what either says when it fails, to one sentence."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from lugnut.errors import (
    BadRequirement,
    LugnutError,
    ResolverFailed,
    Unsupported,
)
from lugnut.resolution import pip, pip_errors, uv, uv_errors
from lugnut.resolution.choice import Backend
from lugnut.resolution.inputs import Inputs
from lugnut.resolution.question import Question
from lugnut.resolution.report import make_lock
from lugnut.resolution.requirement_lines import AskedHash, Said
from lugnut.resolution.uv_answer import read_answer
from lugnut.settings import Resolving

ASKED = Said(hashes=(AskedHash("a", "sha256", "0" * 64, "r8h:1"),))
INPUTS = Inputs("/tmp/own", ("/r.txt",), ("/c.txt",), ASKED)
QUESTION = Question(python="/py", directory="/here", environ={})
NOON = 1_767_268_800.0

# --- arguments --------------------------------------------------------------------------------------------------------

SHARED = Resolving(
    no_deps=True, build_constraints=("b.txt",), groups=("g", "p:h"), no_binary=("x", "y"), only_binary=(":all:",),
    no_build_isolation=True, config_settings=("k=v",), exclude_newer="2026-01-01T00:00:00Z",
)  # fmt: skip


def test_uv_is_passed_all_there_is() -> None:
    chosen = SHARED._replace(
        prerelease="explicit", resolution="lowest", overrides=("o.txt",), extras=("e",), upgrade_packages=("u",),
        index_strategy="unsafe-best-match", python_version="3.9", platform="windows",
    )  # fmt: skip
    question = QUESTION._replace(resolving=chosen, cache_dir="/cache", no_cache=True, upgrade=True)
    assert uv.make_arguments(question, INPUTS, NOON) == [
        "--python", "/py", "--no-header", "--no-annotate", "--cache-dir", "/cache", "--no-cache", "--no-deps",
        "--upgrade", "--no-build-isolation", "--prerelease=explicit", "--resolution=lowest",
        "--index-strategy=unsafe-best-match", "--python-version=3.9", "--python-platform=x86_64-pc-windows-msvc",
        "--exclude-newer=2026-01-01T00:00:00Z", "--constraints=/c.txt", "--overrides=/here/o.txt",
        "--build-constraints=/here/b.txt", "--group=g", "--group=p:h", "--extra=e", "--no-binary=x", "--no-binary=y",
        "--only-binary=:all:", "--config-setting=k=v", "--upgrade-package=u",
    ]  # fmt: skip


def test_pip_is_passed_all_it_knows() -> None:
    question = QUESTION._replace(resolving=SHARED, cache_dir="/cache", no_cache=True, require_hashes=True)
    assert pip.make_arguments(question, INPUTS, Backend("pip", (), (26, 3)), NOON) == [
        "--cache-dir=/cache", "--no-cache-dir", "--no-deps", "--no-build-isolation", "--require-hashes",
        "--constraint=/c.txt", "--build-constraint=/here/b.txt", "--group=g", "--group=p:h", "--no-binary=x",
        "--no-binary=y", "--only-binary=:all:", "--config-settings=k=v", "--uploaded-prior-to=2026-01-01T00:00:00Z",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("prerelease", "said", "uv_says", "pip_says"),
    [
        ("", Said(), [], []),
        ("", Said(prereleases=True), ["--prerelease=allow"], []),
        ("allow", Said(), ["--prerelease=allow"], ["--pre"]),
        ("disallow", Said(prereleases=True), ["--prerelease=disallow"], ["--only-final=:all:"]),
        ("if-necessary-or-explicit", Said(), ["--prerelease=if-necessary-or-explicit"], []),
    ],
)
def test_pre_releases_in_each_one_s_words(prerelease: str, said: Said, uv_says: list[str], pip_says: list[str]) -> None:
    question, inputs = QUESTION._replace(resolving=Resolving(prerelease=prerelease)), INPUTS._replace(said=said)
    assert [word for word in uv.make_arguments(question, inputs) if "prerelease" in word] == uv_says
    found = pip.make_arguments(question, inputs, Backend("pip", (), (26, 3)))
    assert [word for word in found if word.startswith(("--pre", "--only-final"))] == pip_says


@pytest.mark.parametrize(
    ("version", "said", "require", "found"),
    [
        ((26, 3), Said(), False, ["--no-require-hashes"]),
        ((26, 3), Said(require_hashes=True), False, []),
        ((26, 3), Said(), True, ["--require-hashes"]),
        ((26, 1), Said(), False, []),
    ],
)
def test_pip_compares_the_hashes_that_stand_there(
    version: tuple[int, ...], said: Said, require: bool, found: list[str]
) -> None:
    question = QUESTION._replace(require_hashes=require)
    words = pip.make_arguments(question, INPUTS._replace(said=said), Backend("pip", (), version))
    assert [word for word in words if "require-hashes" in word] == found


def test_an_old_pip_is_not_asked_for_what_it_lacks() -> None:
    for chosen in (Resolving(exclude_newer="1 day"), Resolving(prerelease="disallow")):
        question = QUESTION._replace(resolving=chosen)
        pip.refuse_what_uv_can(question, Backend("pip", (), (26, 0)))
        with pytest.raises(Unsupported, match=r"older than 26\.0"):
            pip.refuse_what_uv_can(question, Backend("pip", (), (25, 3)))


# --- the report -------------------------------------------------------------------------------------------------------


def item(name: str, url: str, *, direct: bool = False, version: str = "1.0", **info: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "version": version},
        "is_direct": direct,
        "download_info": {"url": url, **(info or {"archive_info": {"hashes": {"sha256": "ab"}}})},
    }


def lock_of(*items: dict[str, Any]) -> list[dict[str, Any]]:
    return list(make_lock({"version": "1", "install": list(items)}).to_dict()["packages"])


HASHES = {"sha256": "ab"}
WHEEL = "My_Pkg-1.0-py3-none-any.whl"


def test_a_report_is_a_lock() -> None:
    vcs = {"vcs": "git", "commit_id": "c0ffee", "requested_revision": "main"}
    commit = {"type": "git", "url": "https://h.test/r", "requested-revision": "main", "commit-id": "c0ffee"}
    for given, found in (
        (
            item("My_Pkg", f"https://h.test/{WHEEL}"),
            {"version": "1.0", "wheels": [{"name": WHEEL, "url": f"https://h.test/{WHEEL}", "hashes": HASHES}]},
        ),
        (
            item("my.pkg", "https://h.test/my%2Dpkg-1.0.tar.gz"),
            {"version": "1.0", "sdist": {"name": "my-pkg-1.0.tar.gz", "url": "https://h.test/my%2Dpkg-1.0.tar.gz"}},
        ),
        (
            item("my-pkg", f"file:///a%20b/{WHEEL}", direct=True),
            {"version": "1.0", "archive": {"path": f"/a b/{WHEEL}", "hashes": HASHES}},
        ),
        (
            item("my-pkg", "https://h.test/a.zip", direct=True, archive_info={"hashes": HASHES}, subdirectory="s"),
            {"archive": {"url": "https://h.test/a.zip", "hashes": HASHES, "subdirectory": "s"}},
        ),
        (
            item("my-pkg", "file:///tree", direct=True, dir_info={"editable": True}),
            {"directory": {"path": "/tree", "editable": True}},
        ),
        (item("my-pkg", "file:///tree", direct=True, dir_info={}), {"directory": {"path": "/tree"}}),
        (
            item("my-pkg", "https://h.test/r", direct=True, vcs_info=vcs, subdirectory="s"),
            {"vcs": {**commit, "subdirectory": "s"}},
        ),
    ):
        (package,) = lock_of(given)
        assert package["name"] == "my-pkg"
        for key, value in found.items():
            assert value == package[key] if isinstance(value, (str, list)) else value.items() <= package[key].items()
        assert ("version" in package) == ("directory" not in package)


def test_a_report_is_sorted_and_a_hash_that_is_not_there_is_not_made_up() -> None:
    found = lock_of(
        item("b", "https://h.test/b-1.0-py3-none-any.whl", archive_info={}), item("A", f"https://h.test/{WHEEL}")
    )
    assert [package["name"] for package in found] == ["a", "b"]
    assert found[1]["wheels"][0]["hashes"] == {}


@pytest.mark.parametrize("report", [{}, {"version": "2", "install": []}, {"version": "1", "install": [{}]}])
def test_a_report_that_is_none(report: dict[str, Any]) -> None:
    with pytest.raises(ResolverFailed):
        make_lock(report)


# --- uv's lock --------------------------------------------------------------------------------------------------------


def test_hashes_that_an_older_uv_leaves_out_are_made_of_what_lies_here(tmp_path) -> None:
    (tmp_path / "a b-1.tar.gz").write_text("bytes")
    package = '[[packages]]\nname = "{0}"\n{1} = {{ {2}, hashes = {{}} }}\n'
    text = 'lock-version = "1.0"\ncreated-by = "uv"\n' + "".join(
        (
            package.format("a", "sdist", f'url = "file://{tmp_path}/a%20b-1.tar.gz", name = "a-1.tar.gz"'),
            package.format("b", "archive", 'path = "a b-1.tar.gz"'),
            package.format("c", "archive", 'url = "https://h.test/c.zip"'),
        )
    )
    (tmp_path / "pylock.toml").write_text(text)
    lock = read_answer(str(tmp_path / "pylock.toml"), (0, 9, 0))
    digest = {"sha256": hashlib.sha256(b"bytes").hexdigest()}
    assert [(one.sdist or one.archive).hashes for one in lock.packages] == [digest, digest, {}]
    (tmp_path / "a b-1.tar.gz").unlink()
    with pytest.raises(ResolverFailed, match=r"uv 0\.9\.0 did not write a lock"):
        read_answer(str(tmp_path / "pylock.toml"), (0, 9, 0))


# --- what they say ----------------------------------------------------------------------------------------------------


class Saying(NamedTuple):
    """What a backend said, as recorded, and what becomes of it."""

    who: str
    kind: str
    sentence: str
    said: str
    log: str


def read_sayings() -> list[Saying]:
    """Read the recorded outputs: `### WHO | KIND | SENTENCE`, what it said, and perhaps `### log` and its log."""
    text = Path(__file__).with_name("resolution_sayings.txt").read_text(encoding="utf-8")
    found = []
    for part in text.removeprefix("### ").split("\n### "):
        head, _, body = part.partition("\n")
        if head == "log":
            found[-1] = found[-1]._replace(log=body)
        else:
            found.append(Saying(*head.split(" | "), body, ""))
    return found


@pytest.mark.parametrize("saying", read_sayings(), ids=lambda saying: f"{saying.who} {saying.sentence[:30]}")
def test_failures_in_one_sentence(saying: Saying) -> None:
    if saying.who == "uv":
        error = uv_errors.explain(saying.said, INPUTS, "/here")
    else:
        error = pip_errors.explain(saying.said, saying.log, INPUTS, offline=saying.who == "pip --offline")
    assert type(error).__name__ == saying.kind
    assert saying.sentence in str(error)
    check(error)


def check(error: LugnutError) -> None:
    assert "\n" not in str(error) + error.hint
    assert len(str(error)) < 600
    assert not str(error).endswith(".")
    assert "u:p@" not in str(error.to_json())


def test_a_line_that_uv_cannot_read_keeps_its_place(tmp_path) -> None:
    (tmp_path / "r.txt").write_text("x\ny\na==${B}\n")
    for words in (
        "error: Couldn't parse requirement in `r.txt` at position 4\n  cause: expected version to start with a number",
        'error: Expected `--hash`, found `"--x"`: r.txt:3:8',
        "error: Expected '=' or whitespace, found Some('h') at r.txt:3:1",
        "error: Error parsing included file in `q.txt` at position 0\n  cause: Unexpected '-', expected: r.txt:3:1",
    ):
        error = uv_errors.explain(words, INPUTS, str(tmp_path))
        assert isinstance(error, BadRequirement)
        assert str(error) == "r.txt:3: uv cannot read it: a==${B}"


def test_what_stands_in_the_way_is_named_by_pip_itself() -> None:
    preferred = {"a-b": "1", "c": "2", "d": "3"}
    detail = "    The user requested (constraint) A_b==1\nERROR: No matching distribution found for c==2\n"
    assert pip_errors.name_in_the_way(detail, preferred) == {"a-b", "c"}
    assert pip_errors.name_in_the_way("ERROR: something else", preferred) == set()
