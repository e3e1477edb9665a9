"""The real uv and the real pip, asked the same: the same set, the same lock, the same kind of refusal."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lugnut.errors import (
    BadRequirement,
    BuildFailed,
    HashMismatch,
    HashMissing,
    LugnutError,
    ResolverFailed,
    Unresolvable,
    Unsupported,
    UsageError,
)
from lugnut.links import Indexes
from lugnut.resolution import lockfile
from lugnut.resolution.alteration import make_absolute, tidy
from lugnut.settings import Resolving
from resolvercases import BACKENDS, Bench, versions

each = pytest.mark.parametrize("backend", BACKENDS)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    for version in ("1.0", "1.1", "2.0", "3.0b1"):
        bench.wheel("alpha", version, requires=["beta>=1"])
    bench.wheel("beta", "1.0")
    bench.wheel("beta", "2.0", requires=['gamma; extra == "more"'], metadata="Provides-Extra: more")
    bench.wheel("gamma")
    bench.wheel("elsewhere", beside="other", requires=["gamma"])
    return bench


def digest(path: str | Path) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def both(bench: Bench, *requirements: str, **options: Any) -> dict[str, str | None]:
    """Ask both, and give what they agree on."""
    answers = {backend: bench.ask(backend, *requirements, **options) for backend in BACKENDS}
    assert spell(bench, answers["uv"]) == spell(bench, answers["pip"])
    return versions(answers["uv"])


def spell(bench: Bench, lock: Any) -> str:
    """Write a lock without what uv says more of: for which Python it holds, and which marker asked for what."""
    packages = [dataclasses.replace(package, marker=None, requires_python=None) for package in lock.packages]
    return lockfile.format_lock(dataclasses.replace(lock, requires_python=None, packages=packages), str(bench.here))


def refusals(bench: Bench, *requirements: str, **options: Any) -> dict[str, LugnutError]:
    """Ask both, and give what they say no with."""
    said = {}
    for backend in BACKENDS:
        with pytest.raises(LugnutError) as caught:
            bench.ask(backend, *requirements, **options)
        said[backend] = caught.value
        assert "\n" not in str(caught.value) + caught.value.hint
        print(backend, caught.value)
    return said


def kinds(said: dict[str, LugnutError]) -> set[type]:
    return {type(error) for error in said.values()}


# --- the same set -----------------------------------------------------------------------------------------------------


def test_names_come_with_what_they_need(bench: Bench) -> None:
    assert both(bench, "alpha", "Beta[more]") == {"alpha": "2.0", "beta": "2.0", "gamma": "1.0"}


def test_a_marker_that_is_false_asks_for_nothing(bench: Bench) -> None:
    found = both(bench, 'alpha==1.0; python_version > "2"', 'gamma; sys_platform == "never"', "beta<2")
    assert found == {"alpha": "1.0", "beta": "1.0"}


def test_files_include_files_and_constraints(bench: Bench) -> None:
    bench.write("below/r.txt", "-c ../c.txt\n-r more.txt  # a comment\nalpha>=1.1\n")
    bench.write("below/more.txt", "gamma\n")
    bench.write("c.txt", "beta==1.0\nalpha<2\n")
    found = both(bench, requirement_files=("below/r.txt",))
    assert found == {"alpha": "1.1", "beta": "1.0", "gamma": "1.0"}


def test_constraints_of_the_command_line_ask_for_nothing(bench: Bench) -> None:
    bench.write("c.txt", "beta==1.0\ngamma==1.0\n")
    assert both(bench, "alpha", constraint_files=("c.txt",)) == {"alpha": "2.0", "beta": "1.0"}


def test_variables_in_paths_and_urls_are_replaced(bench: Bench) -> None:
    bench.environ["WHERE"] = str(bench.path / "other")
    bench.write("r.txt", "elsewhere @ file://${WHERE}/elsewhere-1.0-py3-none-any.whl\n-r ${WHERE}/s.txt\n")
    (bench.path / "other" / "s.txt").write_text("beta<2")
    assert both(bench, requirement_files=("r.txt",)) == {"beta": "1.0", "elsewhere": "1.0", "gamma": "1.0"}


@pytest.mark.parametrize(
    "text",
    ["alpha==${WHICH}", "gamma\nalpha \\\n  ==1.1\n", "gamma\n-rs.txt", 'alpha==1.1 --config-settings="a=b"'],
    ids=["variable", "continued", "short", "settings"],
)
def test_syntax_that_uv_cannot_read_is_for_pip(bench: Bench, text: str) -> None:
    bench.environ["WHICH"] = "1.1"
    bench.write("r.txt", text)
    bench.write("s.txt", "alpha==1.1")
    found = versions(bench.ask("auto", requirement_files=("r.txt",)))
    assert (found["alpha"], found["beta"]) == ("1.1", "2.0")
    with pytest.raises(BadRequirement, match=f"^r.txt:{text.count(chr(10), 0, 7) + 1}: uv cannot read it") as caught:
        bench.ask("uv", requirement_files=("r.txt",))
    assert "--resolver pip" in caught.value.hint


def test_a_pipe_is_read_once_and_its_includes_begin_at_the_working_directory(bench: Bench) -> None:
    bench.write("more.txt", "gamma\n")
    for backend in BACKENDS:
        reader, writer = os.pipe()
        os.write(writer, b"-r more.txt\nbeta<2\n")
        os.close(writer)
        try:
            lock = bench.ask(backend, requirement_files=(f"/dev/fd/{reader}",))
        finally:
            os.close(reader)
        assert versions(lock) == {"beta": "1.0", "gamma": "1.0"}


@pytest.mark.parametrize("where", ["flag", "file"])
def test_pre_releases_are_for_who_asks(bench: Bench, where: str) -> None:
    bench.write("r.txt", "--pre\nalpha\n")
    options: dict[str, Any] = {"resolving": Resolving(prerelease="allow")}
    found = both(bench, "alpha", **options) if where == "flag" else both(bench, requirement_files=("r.txt",))
    assert found == {"alpha": "3.0b1", "beta": "2.0"}
    assert both(bench, "alpha>=3.0b1") == {"alpha": "3.0b1", "beta": "2.0"}


def test_no_deps_are_none(bench: Bench) -> None:
    assert both(bench, "alpha", resolving=Resolving(no_deps=True)) == {"alpha": "2.0"}


@pytest.mark.parametrize("form", ["{path}", "../other/{name}", "elsewhere @ file://{path}", "file://{path}"])
def test_a_wheel_by_path_or_url_is_an_archive(bench: Bench, form: str) -> None:
    path = bench.path / "other" / "elsewhere-1.0-py3-none-any.whl"
    words = form.format(path=path, name=path.name)
    assert both(bench, words) == {"elsewhere": "1.0", "gamma": "1.0"}
    for backend in BACKENDS:
        package = {one.name: one for one in bench.ask(backend, words).packages}["elsewhere"]
        assert (package.archive.path, package.archive.hashes["sha256"]) == (str(path), digest(path))


def test_a_path_with_spaces_and_a_directory_of_links_with_a_comma(bench: Bench) -> None:
    bench.wheel("spaced", beside="work/a b", requires=["last"])
    bench.wheel("last", beside="c, d")
    indexes = Indexes(find_links=(str(bench.path / "c, d"),), no_index=True)
    assert both(bench, "./a b/spaced-1.0-py3-none-any.whl", indexes=indexes) == {"spaced": "1.0", "last": "1.0"}


@pytest.mark.parametrize("way", ["path", "extra", "file", "editable"])
def test_a_source_tree_is_a_directory(bench: Bench, way: str) -> None:
    tree = bench.tree("grown", ["beta<2", 'gamma; extra == "more"'])
    bench.write("r.txt", f"-e {tree}[more]\n")
    asked: dict[str, Any] = {
        "path": {"requirements": (tree,)},
        "extra": {"requirements": (f"{tree}[more]",)},
        "file": {"requirement_files": ("r.txt",)},
        "editable": {"editables": (tree,)},
    }[way]
    found = both(bench, *asked.pop("requirements", ()), **asked)
    more = {"gamma": "1.0"} if way in {"extra", "file"} else {}
    assert found == {"beta": "1.0", "grown": None, **more}
    lock = bench.ask("pip", **asked) if asked else bench.ask("pip", tree)
    place = next(package.directory for package in lock.packages if package.name == "grown")
    assert (place.path, bool(place.editable)) == (str(bench.here / "grown"), way in {"file", "editable"})


def test_a_project_s_needs_extras_and_groups(bench: Bench) -> None:
    project = '[project]\nname = "grown"\nversion = "0.1"\ndependencies = ["beta<2"]\n'
    project += '[project.optional-dependencies]\nmore = ["gamma"]\nall = ["grown[more]"]\n'
    bench.tree("grown", [], project + '[dependency-groups]\ndev = ["alpha<2"]\nbig = [{include-group = "dev"}]\n')
    source = "grown/pyproject.toml"
    assert both(bench, sources=(source,)) == {"beta": "1.0"}
    assert both(bench, sources=(source,), resolving=Resolving(extras=("all",))) == {"beta": "1.0", "gamma": "1.0"}
    assert both(bench, resolving=Resolving(groups=(f"{source}:big",))) == {"alpha": "1.1", "beta": "2.0"}


# --- preferences ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "installed", "options", "found"),
    [
        (("alpha",), {"alpha": "1.0", "beta": "1.0"}, {}, {"alpha": "1.0", "beta": "1.0"}),
        (("alpha>1.0",), {"alpha": "1.0", "beta": "1.0"}, {}, {"alpha": "2.0", "beta": "1.0"}),
        (("alpha",), {"alpha": "1.0", "beta": "0.5", "gamma": "9"}, {}, {"alpha": "1.0", "beta": "2.0"}),
        (("alpha",), {"alpha": "1.0", "beta": "1.0"}, {"upgrade": True}, {"alpha": "2.0", "beta": "2.0"}),
        (
            ("alpha",),
            {"alpha": "1.0", "beta": "1.0"},
            {"resolving": Resolving(upgrade_packages=("Beta",))},
            {"alpha": "1.0", "beta": "2.0"},
        ),
        (("alpha",), {"alpha": "3.0b1"}, {}, {"alpha": "3.0b1", "beta": "2.0"}),
    ],
    ids=["kept", "out-of-range", "not-to-be-had", "upgrade", "upgrade-one", "pre-release"],
)
def test_what_is_installed_is_kept_as_far_as_it_fits(
    bench: Bench, asked: tuple[str, ...], installed: dict[str, str], options: dict[str, Any], found: dict[str, str]
) -> None:
    assert both(bench, *asked, installed=installed, **options) == found


# --- hashes -----------------------------------------------------------------------------------------------------------


def test_hashes_that_fit(bench: Bench) -> None:
    lines = [
        f"{name}=={version} --hash=sha256:{'0' * 64} \\\n  --hash=sha256:{digest(bench.wheel(name, version, **more))}"
        for name, version, more in (("alpha", "2.0", {"requires": ["beta>=1"]}), ("beta", "1.0", {}))
    ]
    bench.write("r.txt", "\n".join(lines))
    found = {"alpha": "2.0", "beta": "1.0"}
    assert both(bench, requirement_files=("r.txt",)) == found
    assert both(bench, requirement_files=("r.txt",), require_hashes=True) == found


@pytest.mark.parametrize("form", ["alpha==2.0 --hash=sha256:{}", "elsewhere @ file://{other}#sha256={}"])
def test_a_hash_that_does_not_fit_is_refused_with_its_line(bench: Bench, form: str) -> None:
    other = bench.path / "other" / "elsewhere-1.0-py3-none-any.whl"
    bench.write("r.txt", "gamma\n" + form.format("1" * 64, other=other))
    said = refusals(bench, requirement_files=("r.txt",))
    assert kinds(said) == {HashMismatch}
    assert {error.data["origin"] for error in said.values()} == {"r.txt:2"}
    assert {error.data["expected"] for error in said.values()} == {"1" * 64}


@pytest.mark.parametrize("where", ["flag", "file"])
def test_a_dependency_without_a_hash_is_refused_where_all_must_have_one(bench: Bench, where: str) -> None:
    path = bench.wheel("alpha", "2.0", requires=["beta>=1"])
    bench.write("r.txt", ("--require-hashes\n" if where == "file" else "") + f"alpha==2.0 --hash=sha256:{digest(path)}")
    said = refusals(bench, requirement_files=("r.txt",), require_hashes=where == "flag")
    assert kinds(said) == {HashMissing}
    assert all("beta" in str(error) for error in said.values())


def test_a_hash_on_one_line_asks_for_none_on_the_others(bench: Bench) -> None:
    path = bench.wheel("alpha", "2.0", requires=["beta>=1"])
    bench.write("r.txt", f"alpha==2.0 --hash=sha256:{digest(path)}\n")
    assert both(bench, requirement_files=("r.txt",)) == {"alpha": "2.0", "beta": "2.0"}


# --- refusals ---------------------------------------------------------------------------------------------------------


def test_what_cannot_be_met_is_said_in_one_sentence(bench: Bench) -> None:
    bench.write("c.txt", "beta==1.0\n")
    said = refusals(bench, "alpha", "beta>1", constraint_files=("c.txt",))
    assert kinds(said) == {Unresolvable}
    assert all("beta" in error.data["reason"] and error.data["detail"] for error in said.values())
    assert all("beta" in str(error) for error in refusals(bench, "beta>7").values())


def test_an_unknown_name_is_named(bench: Bench) -> None:
    said = refusals(bench, "no-such-thing")
    assert kinds(said) == {Unresolvable}
    assert all("no-such-thing" in str(error) for error in said.values())


def test_no_wheel_for_this_platform_or_python(bench: Bench) -> None:
    bench.wheel("alien", tag="cp39-cp39-win_amd64")
    bench.wheel("future", metadata="Requires-Python: >=99")
    assert kinds(refusals(bench, "alien")) == {Unresolvable}
    assert kinds(refusals(bench, str(bench.links / "alien-1.0-cp39-cp39-win_amd64.whl"))) == {Unresolvable}
    said = refusals(bench, "future")
    assert kinds(said) == {Unresolvable}
    assert all("99" in str(error) for error in said.values())


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("gamma\n\nalpha ; python == 'x'\n", "r.txt:3"),
        ("gamma\n-r missing.txt\n", "r.txt:2"),
        ("--frobnicate\n", "r.txt:1"),
        ("-r s.txt\n", "s.txt:2"),
        ("gamma==${NOT_SET}\n", "r.txt:1"),
    ],
    ids=["marker", "missing", "option", "cycle", "variable"],
)
def test_a_bad_line_keeps_its_place(bench: Bench, text: str, place: str) -> None:
    bench.write("r.txt", text)
    bench.write("s.txt", "# back again\n-r r.txt\n")
    said = refusals(bench, requirement_files=("r.txt",))
    assert kinds(said) == {BadRequirement}
    assert {str(error) for error in said.values()} == {str(said["uv"])}
    assert str(said["uv"]).startswith(f"{place}: ")


def test_a_path_that_is_not_there(bench: Bench) -> None:
    said = refusals(bench, "./nothing/here.whl")
    assert kinds(said) == {BadRequirement}
    assert kinds(refusals(bench, requirement_files=("nothing.txt",))) == {BadRequirement}


def test_a_source_that_does_not_build_tells_the_build_s_last_words(bench: Bench) -> None:
    tree = bench.tree("grown", [])
    (bench.here / "grown" / "backend.py").write_text("raise RuntimeError('I will not')\n")
    said = refusals(bench, tree)
    assert kinds(said) == {BuildFailed}
    assert all("I will not" in error.data["reason"] for error in said.values())


@pytest.mark.parametrize(
    "resolving",
    [
        Resolving(resolution="lowest"),
        Resolving(overrides=("o.txt",)),
        Resolving(index_strategy="first-index"),
        Resolving(prerelease="explicit"),
        Resolving(python_version="3.9"),
        Resolving(platform="windows"),
    ],
)
def test_what_pip_cannot_do_is_refused_and_uv_does_it(bench: Bench, resolving: Resolving) -> None:
    bench.write("o.txt", "beta==1.0\n")
    with pytest.raises(Unsupported) as caught:
        bench.ask("pip", "alpha", resolving=resolving)
    assert "--resolver uv" in caught.value.hint
    assert "alpha" in versions(bench.ask("uv", "alpha", resolving=resolving))


def test_extras_are_for_projects(bench: Bench) -> None:
    with pytest.raises(UsageError, match="--extra"):
        bench.ask("uv", "alpha", resolving=Resolving(extras=("x",)))


def test_an_interpreter_that_is_none(bench: Bench) -> None:
    bench.python = str(bench.path / "no-python")
    assert kinds(refusals(bench, "alpha")) == {ResolverFailed}


# --- the machine's own settings, and the contract ---------------------------------------------------------------------


@each
def test_nothing_of_the_user_s_configuration_is_heeded_behind_our_back(bench: Bench, backend: str) -> None:
    for path, text in (
        ("config/pip/pip.conf", "[global]\nfind-links = /nowhere\nno-index = true\npre = true\n"),
        ("config/uv/uv.toml", 'prerelease = "allow"\nno-index = true\n'),
        ("work/uv.toml", 'prerelease = "allow"\n'),
        ("target/pip.conf", "[install]\npre = true\n"),
    ):
        (bench.path / path).parent.mkdir(parents=True, exist_ok=True)
        (bench.path / path).write_text(text)
    bench.environ |= {"PIP_PRE": "1", "UV_PRERELEASE": "allow", "PIP_NO_DEPS": "1", "UV_RESOLUTION": "lowest"}
    assert versions(bench.ask(backend, "alpha")) == {"alpha": "2.0", "beta": "2.0"}


def test_pip_lock_says_the_same_as_pip_s_report(bench: Bench) -> None:
    """It is experimental and asks for this interpreter only; once it is neither, it takes the report's place."""
    command = [sys.executable, "-P", "-m", "pip", "lock", "-q", "--no-index", "--find-links", str(bench.links)]
    environ = {**bench.environ, "PIP_CONFIG_FILE": os.devnull}
    subprocess.run([*command, "-o", "pylock.toml", "alpha", "beta[more]"], cwd=bench.here, env=environ, check=True)
    theirs = tidy(make_absolute(lockfile.read(str(bench.here / "pylock.toml")), str(bench.here)))
    ours = bench.ask("pip", "alpha", "beta[more]")
    assert lockfile.format_lock(theirs, str(bench.here)) == lockfile.format_lock(ours, str(bench.here))


@each
def test_an_answer_survives_the_disk(bench: Bench, backend: str) -> None:
    lock = bench.ask(backend, "alpha", str(bench.path / "other" / "elsewhere-1.0-py3-none-any.whl"))
    path = str(bench.here / "pylock.toml")
    lockfile.write(path, lock)
    again = lockfile.read(path)
    assert versions(again) == versions(lock)
    assert "../other/elsewhere" in Path(path).read_text()
    assert json.dumps(versions(make_absolute(again, str(bench.here)))) == json.dumps(versions(lock))
