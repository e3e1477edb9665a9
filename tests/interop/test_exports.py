"""What uv, poetry and pdm export: read whole, installed, and held to its hashes; `fixtures/exports` has their files."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from environments import make_environment
from indexes import IndexServer, serve
from lugnut.environment import Environment
from lugnut.resolution import lockfile
from lugnut.resolution.requirement_lines import File, read_files
from lugnut.sources.locked import Chosen, Supply, select
from lugnut.sources.requirements import read_requirements
from programs import Ran, find_program
from projects import make_tree, pack
from rooms import Room, one_sentence
from wheels import make_wheel

EXPORTS = Path(__file__).parents[1] / "fixtures" / "exports"
HASHED = ("uv.txt", "uv-all.txt", "poetry.txt", "pdm.txt")
PLAIN = ("uv-plain.txt", "poetry-plain.txt", "pdm-plain.txt")
ALWAYS = {"anyio", "certifi", "click", "h11", "httpcore", "httpx", "idna", "socksio", "typing-extensions"}
OLD_WINDOWS = {"colorama", "exceptiongroup", "importlib-metadata", "zipp"}
LOCKS = ("pylock.uv.toml", "pylock.poetry.toml", "pylock.pdm.toml")
by_both = pytest.mark.parametrize("resolver", ["uv", "pip"])


def read_lines(name: str) -> dict[int, str]:
    """Give what a file asks for by line number, each line joined and without comments; options are left out."""
    text = (EXPORTS / name).read_text()
    found, number = {}, 1
    for line in re.split(r"(?<!\\)\n", text):
        words = re.sub(r"(^| +)#.*", "", line.replace("\\\n", "")).strip()
        if words and words[0] not in "-.":
            found[number] = words
        number += line.count("\n") + 1
    return found


def parse(line: str) -> Requirement:
    return Requirement(line.partition(" --hash")[0])


def test_the_fixtures_name_no_machine() -> None:
    for path in EXPORTS.iterdir():
        text = path.read_text()
        assert set(re.findall(r"https?://([^/\s\"]+)", text)) <= {"index.example.org", "files.example.org"}
        assert not re.search(r"file:|[\s\"]/\w+/", text)


# --- read -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", HASHED)
def test_every_hash_is_read_with_its_name_and_line(name: str) -> None:
    expected = {
        (parse(line).name, digest, f"{name}:{number}")
        for number, line in read_lines(name).items()
        for digest in re.findall(r"--hash=sha256:(\w+)", line)
    }
    said = read_files([File(str(EXPORTS / name), name)], str(EXPORTS), {})
    assert {(one.name, one.digest, one.origin) for one in said.hashes} == expected
    assert len(expected) > len(read_lines(name))


@pytest.mark.parametrize("name", [*HASHED, *PLAIN])
def test_every_pin_is_read_with_extras_marker_and_hashes(name: str, tmp_path: Path) -> None:
    """All but what is for the resolver: options, the project itself, and a URL."""
    lines = [line for line in read_lines(name).values() if "@" not in line]
    (tmp_path / "r.txt").write_text("\n".join(lines))
    listed = read_requirements("r.txt", str(tmp_path))
    assert len(listed.requests) == len(lines) > 10
    for request, line in zip(listed.requests, lines, strict=True):
        asked = parse(line)
        assert (request.name, request.specifier, request.extras, request.marker) == (
            asked.name, str(asked.specifier), tuple(sorted(asked.extras)), str(asked.marker or ""),
        )  # fmt: skip
        assert request.hashes == tuple(sorted(re.findall(r"sha256:(\w+)", line)))
    assert "httpx" in {request.name for request in listed.requests}


# --- locks ------------------------------------------------------------------------------------------------------------


def take(name: str, environment: Environment, **chosen: tuple[str, ...]) -> dict[str, Supply]:
    lock = lockfile.read(str(EXPORTS / name))
    return {one.name: one for one in select(lock, environment, Chosen(name, str(EXPORTS), **chosen))}


@pytest.fixture
def linux(tmp_path: Path) -> Environment:
    tags = ("cp36-abi3-manylinux_2_28_x86_64", "py3-none-any", "py2-none-any")
    return make_environment(tmp_path)._replace(tags=tags)


@pytest.fixture
def windows(tmp_path: Path) -> Environment:
    markers = {
        "python_version": "3.9", "python_full_version": "3.9.2", "sys_platform": "win32", "os_name": "nt",
        "platform_system": "Windows",
    }  # fmt: skip
    tags = ("cp37-abi3-win_amd64", "py3-none-any", "py2-none-any")
    return make_environment(tmp_path)._replace(markers=markers, tags=tags)


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("pylock.uv.toml", {"exported", "iniconfig", "psutil", "six"}),
        ("pylock.poetry.toml", {"iniconfig", "psutil", "six"}),
        ("pylock.pdm.toml", set()),
    ],
)
def test_a_lock_gives_each_environment_its_own(
    name: str, more: set[str], linux: Environment, windows: Environment
) -> None:
    here, there = take(name, linux), take(name, windows)
    assert set(here) == ALWAYS | more
    assert set(there) == ALWAYS | more | OLD_WINDOWS
    assert there["anyio"].version == "4.12.1"
    assert here["anyio"].version == ("4.16.0" if "uv" in name else "4.12.1")
    written = (EXPORTS / name).read_text()
    for supply in (*here.values(), *there.values()):
        if supply.name != "exported":
            assert supply.link is not None
            assert (supply.is_wheel, supply.link.url in written, f'"{supply.link.sha256}"' in written) == (True,) * 3


def test_a_lock_has_wheels_of_a_platform_urls_and_the_project_itself(linux: Environment, windows: Environment) -> None:
    for name in ("pylock.uv.toml", "pylock.poetry.toml"):
        for environment, platform in ((linux, "cp36-abi3-manylinux2010_x86_64"), (windows, "cp37-abi3-win_amd64")):
            found = take(name, environment)
            assert found["psutil"].link is not None
            assert found["psutil"].link.filename.startswith(f"psutil-7.2.2-{platform}")
            assert (found["six"].direct, found["psutil"].direct) == (True, False)
    project = take("pylock.uv.toml", linux)["exported"]
    assert (project.tree, project.editable) == (str(EXPORTS), True)


def test_extras_and_groups_of_a_lock_are_asked_for(linux: Environment) -> None:
    assert set(take("pylock.pdm.toml", linux, extras=("stats", "direct"))) == ALWAYS | {"psutil", "six"}
    assert set(take("pylock.pdm.toml", linux, groups=("default", "dev"))) == ALWAYS | {"iniconfig"}
    assert set(take("pylock.pdm.toml", linux, groups=("dev",))) == {"iniconfig"}


# --- installed from stand-ins: wheels of the same names and versions, and other bytes ---------------------------------


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("stand-ins")
    for name in (*HASHED, *PLAIN):
        for line in read_lines(name).values():
            for pin in parse(line).specifier:
                make_wheel(directory, parse(line).name, pin.version, metadata="Provides-Extra: socks")
    return directory


class Bench:
    """A project that has been exported, an environment, and one place to look for wheels."""

    def __init__(self, path: Path, *places: str) -> None:
        self.room = Room(path / "room")
        for name in ("LUGNUT_NO_INDEX", "UV_OFFLINE"):
            self.room.environ.pop(name)
        self.tree = make_tree(path, "exported")
        self.places = places

    def run(self, *command: str) -> Ran:
        ran = subprocess.run(
            command, cwd=self.tree, env=self.room.environ, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=240, check=False,
        )  # fmt: skip
        return Ran(ran.returncode, 0, 0, ran.stdout, ran.stderr)

    def lugnut(self, act: str, *words: str) -> Ran:
        return self.run(*self.room.command(act, *words), *(self.places if act != "list" else ()))

    def do(self, act: str, *words: str) -> set[str]:
        """Have lugnut manage it; gives what is installed then."""
        ran = self.lugnut(act, *words)
        assert ran.code == 0, ran.err
        return set(self.lugnut("list", "--format", "freeze").out.split())


@pytest.fixture
def bench(tmp_path: Path, stand_ins: Path) -> Bench:
    bench = Bench(tmp_path, "--no-index", "--find-links", str(stand_ins))
    for name in (*HASHED, *PLAIN, *LOCKS):
        shutil.copy(EXPORTS / name, bench.tree)
    return bench


@by_both
@pytest.mark.parametrize("name", PLAIN)
def test_an_export_is_installed_whole_and_synced(bench: Bench, name: str, resolver: str) -> None:
    """Pins whose markers hold, the index named in the file left alone, and the project itself where it is a line."""
    asked = [parse(line) for line in read_lines(name).values()]
    expected = {f"{one.name}{one.specifier}" for one in asked if one.marker is None or one.marker.evaluate()}
    expected |= {"exported==1.0"} if name != "poetry-plain.txt" else set()
    assert bench.do("install", "--resolver", resolver, "-r", name) == expected
    bench.do("uninstall", "httpx", "idna")
    assert bench.do("sync", "--resolver", resolver, name) == expected


@by_both
@pytest.mark.parametrize(
    ("name", "wheel", "number"), [("poetry.txt", "anyio==4.12.1", 3), ("uv.txt", "anyio==4.16.0", 8)]
)
def test_bytes_that_an_export_does_not_vouch_for_are_refused_with_its_line(
    bench: Bench, name: str, wheel: str, number: int, resolver: str
) -> None:
    ran = bench.lugnut("install", "--resolver", resolver, "-r", name)
    assert ran.code == 1
    said = one_sentence(ran.err)
    assert (said.startswith(f"{wheel} has sha256 "), said.endswith(f"is asked for by {name}:{number}")) == (True, True)


@by_both
@pytest.mark.parametrize("act", ["install -r", "sync"])
def test_a_url_that_offline_cannot_be_had_is_named(bench: Bench, resolver: str, act: str) -> None:
    ran = bench.lugnut(*act.split(), "pdm.txt", "--resolver", resolver, "--offline")
    assert ran.code == 1
    assert re.search(r"six.* is not in the cache, and --offline forbids", one_sentence(ran.err))


@pytest.mark.parametrize("name", LOCKS)
def test_what_a_lock_names_is_the_first_thing_missing_offline(bench: Bench, name: str) -> None:
    bench.places = ()
    ran = bench.lugnut("sync", name, "--offline")
    assert ran.code == 1
    assert re.search(r"anyio-4\.1\d\.\d-py3-none-any\.whl is not in the cache", one_sentence(ran.err))


# --- exported just now by uv, from an index on loopback ---------------------------------------------------------------

PROJECT = """
[project]
name = "exported"
version = "1.0"
requires-python = ">=3.11"
dependencies = ["app[more]", "tiny", "beside"]

[dependency-groups]
dev = ["tool; python_version >= '3'"]

[tool.uv.sources]
beside = {{ path = "beside-1.0" }}

[[tool.uv.index]]
url = "{url}"
default = true
"""
LOCKED = {"app==1.0", "extra-thing==1.0", "lib==2.0", "tiny==1.0", "tool==1.0"}


@pytest.fixture
def index(tmp_path: Path) -> Iterator[IndexServer]:
    directory = tmp_path / "index"
    requires = ["lib>=1", 'extra-thing; extra == "more"', 'never; sys_platform == "nowhere"']
    make_wheel(directory, "app", requires=requires, metadata="Provides-Extra: more")
    make_wheel(directory, "lib", "1.0"), make_wheel(directory, "lib", "2.0")
    make_wheel(directory, "extra-thing"), make_wheel(directory, "never"), make_wheel(directory, "tool")
    pack(make_tree(tmp_path / "sources", "tiny")).rename(directory / "tiny-1.0.tar.gz")
    with serve(directory) as server:
        yield server


@pytest.fixture
def live(tmp_path: Path, index: IndexServer) -> Bench:
    """A project with a sibling, an sdist among its needs, an extra, a marker and a group, locked by uv."""
    bench = Bench(tmp_path, "--index-url", index.simple)
    system = (bench.tree / "pyproject.toml").read_text()
    (bench.tree / "pyproject.toml").write_text(system + PROJECT.format(url=index.simple))
    beside = make_tree(bench.tree, "beside")
    with (beside / "pyproject.toml").open("a") as file:
        file.write('[project]\nname = "beside"\nversion = "1.0"\n')
    return bench


def export(bench: Bench, name: str, *words: str) -> str:
    """Have uv export; gives what it wrote."""
    ran = bench.run(find_program("uv"), "export", "--quiet", "--output-file", name, *words)
    assert ran.code == 0, ran.err
    return (bench.tree / name).read_text()


@by_both
def test_a_fresh_export_is_installed_with_every_hash_required(live: Bench, resolver: str) -> None:
    text = export(live, "r.txt", "--no-emit-local")
    assert (text.count("--hash="), "never==1.0 ; sys_platform == 'nowhere'" in text) == (len(LOCKED) + 1, True)
    assert live.do("install", "--resolver", resolver, "-r", "r.txt", "--require-hashes") == LOCKED
    assert live.do("sync", "--resolver", resolver, "r.txt", "--require-hashes") == LOCKED


@by_both
def test_a_fresh_export_brings_the_project_and_what_lies_beside_it(live: Bench, resolver: str) -> None:
    text = export(live, "r.txt")
    assert {"-e .", "./beside-1.0"} < set(text.splitlines())
    for words in (("sync",), ("install", "-r")):
        live.room.anew()
        assert live.do(*words, "r.txt", "--resolver", resolver) == LOCKED | {"beside==1.0", "exported==1.0"}
    assert live.room.read("exported.pth").strip() == str(live.tree)


def test_a_fresh_lock_is_synced_and_needs_the_index_once(live: Bench, index: IndexServer) -> None:
    export(live, "pylock.toml", "--format", "pylock.toml")
    everything = LOCKED | {"beside==1.0", "exported==1.0"}
    index.asked.clear()
    assert live.do("sync", "pylock.toml") == everything
    assert sorted(asked.path for asked in index.asked) == sorted(
        f"/files/{name}" for name in index.files() if not name.startswith(("never", "lib-1.0"))
    )
    live.room.anew()
    live.places = ("--offline",)
    assert live.do("sync", "pylock.toml") == everything


def test_a_file_that_changed_after_the_export_is_refused(live: Bench, index: IndexServer) -> None:
    export(live, "r.txt", "--no-emit-local")
    make_wheel(index.directory, "tool", files={"tool.py": "EVIL = True\n"})
    ran = live.lugnut("sync", "r.txt")
    assert ran.code == 1
    assert re.match(r"tool==1\.0 has sha256 .* is asked for by r\.txt:\d+", one_sentence(ran.err))
    assert live.lugnut("list", "--format", "freeze").out == ""
