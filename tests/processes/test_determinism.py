"""One result: the tree and what is said are a function of what is installed, never of how it came about (G1, G5)."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from rooms import Room
from trees import Tree, differences, reference_tree, tree_digest, without_generated

JOBS = ("1", "2", "8")


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """A directory for a store on another device, whence nothing can be linked; else one on this device."""
    shared = "/dev/shm" if os.path.isdir("/dev/shm") else None
    place = tempfile.mkdtemp(prefix="lugnut-", dir=shared)
    yield Path(place)
    shutil.rmtree(place)


def make_jwts(room: Room) -> list[str]:
    """The first founding case, generated: ten paths that both ship, seven with other bytes."""
    wheels = []
    for name, version in (("jwt", "1.3.1"), ("pyjwt", "2.9.0")):
        files = {f"jwt/m{number}.py": f"whose = {name!r}\n" * (number + 1) for number in range(5)}
        files |= {"jwt/__init__.py": f"whose = {name!r}\n", "jwt/py.typed": "", "jwt/same.py": "S = 1\n"}
        files |= {f"jwt/{name}_own.py": "", f"{name}-{version}.data/scripts/jwt-tool": f"#!python\nprint({name!r})\n"}
        wheels.append(room.wheel(name, version, files, entry_points="[console_scripts]\njwt = jwt:main\n"))
    return wheels


def make_six(room: Room) -> list[str]:
    """Six wheels that share thirty paths, with bytes of their own each, in three directories."""
    wheels = []
    for number in range(6):
        files = {f"common/d{n % 3}/m{n:02}.py": f"whose = {number}\n" * (1 + (n + number) % 7) for n in range(30)}
        wheels.append(room.wheel(f"six{number}", "1.0", files | {f"six{number}/__init__.py": ""}))
    return wheels


def install(room: Room, calls: Sequence[Sequence[str]], jobs: str, mode: str, cache: Path) -> tuple[Tree, str]:
    """Install in a new environment by one or more calls; gives the tree and the warnings of the last call."""
    room.anew()
    room.cache = cache
    said = ""
    for wheels in calls:
        said = room.do("install", "--jobs", jobs, "--link-mode", mode, *wheels).err
    return room.tree(), "\n".join(line for line in said.splitlines() if line.startswith(("warning", " ", "  ")))


def warnings(said: str) -> str:
    return "\n".join(line for line in said.splitlines() if line.startswith("warning"))


def test_jwt_and_pyjwt_are_one_tree_and_one_text(tmp_path: Path, elsewhere: Path) -> None:
    room = Room(tmp_path)
    jwt, pyjwt = make_jwts(room)
    ways: list[tuple[tuple[str, ...], ...]] = [((jwt, pyjwt),), ((pyjwt, jwt),), ((jwt,), (pyjwt,)), ((pyjwt,), (jwt,))]
    stores = (("hardlink", tmp_path / "cache"), ("copy", elsewhere / "cache"))
    texts: dict[str, list[object]] = {}
    digests: dict[str, list[object]] = {}
    tree: Tree = {}
    for way, jobs, (mode, cache) in itertools.product(ways, JOBS, stores):
        if len(way) == 2 and jobs == "8":
            continue  # one wheel each: more workers than two are the same run
        tree, said = install(room, way, jobs, mode, cache)
        case = ([[os.path.basename(wheel) for wheel in call] for call in way], jobs, mode)
        digests.setdefault(tree_digest(tree), []).append(case)
        texts.setdefault(warnings(said), []).append(case)
        assert room.findings() == []
    print(f"jwt + pyjwt: {sum(map(len, digests.values()))} installs, {len(digests)} digests, {len(texts)} texts")
    assert len(digests) == 1, digests
    assert len(texts) == 1, texts
    assert next(iter(texts)).startswith(
        "warning: 7 paths of jwt are shadowed by pyjwt, whose files stay (different bytes)"
    ), texts
    expected = reference_tree([jwt, pyjwt], str(room.prefix))
    found = without_generated(tree)
    assert differences(expected, {path: entry for path, entry in found.items() if path in expected}) == []


def test_six_wheels_that_share_thirty_paths(tmp_path: Path, elsewhere: Path) -> None:
    room = Room(tmp_path)
    wheels = make_six(room)
    halves = (tuple(wheels[1::2]), tuple(wheels[::2]))
    ways = [(tuple(wheels),), (tuple(wheels[::-1]),), halves, halves[::-1]]
    stores = (("hardlink", tmp_path / "cache"), ("copy", elsewhere / "cache"))
    digests, met = set(), 0
    texts: dict[int, set[str]] = {1: set(), 2: set()}
    for number, (way, (mode, cache)) in enumerate(itertools.product(ways, stores)):
        tree, said = install(room, way, JOBS[number % 3], mode, cache)
        digests.add(tree_digest(tree))
        texts[len(way)].add(warnings(said) if len(way) == 1 else "")
        assert room.findings() == []
        met += 1
    print(f"six wheels: {met} installs, {len(digests)} digests")
    assert len(digests) == 1
    assert len(texts[1]) == 1
    assert (room.site / "common/d0/m00.py").read_text().startswith("whose = 5\n")


def test_removing_and_returning_is_the_same_tree(tmp_path: Path) -> None:
    room = Room(tmp_path)
    wheels = make_six(room)
    room.do("install", *wheels)
    whole = room.digest()
    for names, back in (
        (["six5"], wheels[5:]),
        (["six0", "six3"], [wheels[0], wheels[3]]),
        (["six4", "six5"], wheels[4:]),
    ):
        room.do("uninstall", *names)
        assert room.findings() == []
        room.do("install", *back)
        assert room.findings() == []
        assert room.digest() == whole


def test_a_run_with_nothing_to_do_changes_nothing_and_never_warns(tmp_path: Path) -> None:
    room = Room(tmp_path)
    wheels = make_jwts(room)
    room.do("install", *wheels)
    whole = room.digest()
    for words in (wheels, wheels[::-1], wheels[:1]):
        ran = room.do("install", *words)
        assert "warning" not in ran.err
        assert room.digest() == whole
