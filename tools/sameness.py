"""One tree and one text, whatever the order, the workers, the calls and the way of placing (DESIGN 1, G1, G2, G5).

Given to `shown.py`: each function plays so many rounds and gives its figures and what was wrong.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from founding import fetch
from ground import CannotBeShownError, Ground, warnings
from oracle import check_environment
from programs import clean_environ, find_program, make_venv, run
from races import Race, judge
from trees import read_tree, site_packages, tree_digest
from wheels import make_wheel

Figures = tuple[str, list[str]]
"""A line of figures, and a line for everything that is not as promised."""
SHORTER = '__import__("pkg_resources").declare_namespace(__name__)\n'
LONGER = f'"""Common libraries of the house, to be found in one namespace."""\n\n{SHORTER[:-1]}  # pragma: no cover\n'
JOBS = ("1", "2", "8")


@contextmanager
def elsewhere(home: str) -> Iterator[str]:
    """Give a directory on another device than `home`, whence nothing can be linked."""
    if not os.path.isdir("/dev/shm") or os.stat("/dev/shm").st_dev == os.stat(home).st_dev:
        raise CannotBeShownError(f"there is no /dev/shm on another device than {home}")
    place = tempfile.mkdtemp(prefix="lugnut-", dir="/dev/shm")
    try:
        yield place
    finally:
        shutil.rmtree(place)


# --- serpapi, then google-search-results ------------------------------------------------------------------------------


def say_who_stays(home: str, rounds: int, wheels: str) -> Figures:
    """Install serpapi, then google-search-results, and look at the first line of what is said."""
    real = fetch(os.path.join(wheels, "real"))
    ground = Ground(home)
    lines, wrong = Counter[str](), []
    for _ in range(rounds):
        ground.anew()
        ground.do("install", real["serpapi"])
        ran = ground.do("install", real["google-search-results"])
        lines[(ran.err or ran.out).partition("\n")[0]] += 1
        wrong += ground.wrongs([real["serpapi"], real["google-search-results"]])
    for line in lines:
        words = ("serpapi/__init__.py", "shadowed by serpapi", "--overlay google-search-results")
        wrong += [f"the first line does not say {word!r}: {line}" for word in words if word not in line]
    return f"{rounds} times, {len(lines)} text:\n    " + "\n    ".join(lines), wrong


# --- the two texts of uv's report #4831 -------------------------------------------------------------------------------


def copy_two_texts(home: str, rounds: int) -> Figures:
    """Install two wheels whose `__init__.py` differ in length, with the report's flags, from another device."""
    texts = {"house_longer": LONGER, "house_shorter": SHORTER}
    links, lines = os.path.join(home, "wheels"), []
    for name, text in texts.items():
        path = make_wheel(links, name, files={"namespace/__init__.py": text, f"namespace/{name}/__init__.py": ""})
        lines.append(f"{name}==1.0 --hash=sha256:{_hash(path)}\n")
    python = make_venv(os.path.join(home, "venv"))
    shown, digests, wrong = Counter[str](), Counter[str](), list[str]()
    prefix = os.path.join(home, "prefix")
    with elsewhere(home) as place:
        for number in range(rounds):
            requirements = os.path.join(home, f"requirements{number % 2}.txt")
            with open(requirements, "w", encoding="utf-8") as file:
                file.writelines(lines[:: -1 if number % 2 else 1])
            command = [find_program("lugnut"), "install", "--python", python, "--prefix", prefix, "--require-hashes"]
            command += ["--no-deps", "--no-index", "--find-links", links, "--cache-dir", place, "-r", requirements]
            ran = run([*command, "--jobs", JOBS[number // 2 % 3]], clean_environ(home))
            wrong += [f"round {number}: exit {ran.code}: {ran.err[-300:]}"] if ran.code else []
            tree = {path: entry for path, entry in read_tree(prefix).items() if path != ".lock"}
            site = site_packages(prefix)
            text = _read(os.path.join(site, "namespace", "__init__.py"))
            shown["longer" if text == LONGER else "shorter" if text == SHORTER else "mixed"] += 1
            digests[tree_digest(tree)] += 1
            wrong += check_environment(site)
            os.rename(prefix, f"{prefix}-{number}")
    wrong += [f"{len(digests)} trees: {dict(digests)}"] if len(digests) != 1 else []
    wrong += [f"{shown['mixed']} mixed"] if shown["mixed"] else []
    return f"{rounds} runs, {len(digests)} tree, shown: {dict(shown)}, {shown['mixed']} mixed", wrong


def _hash(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


# --- every way of installing the same wheels --------------------------------------------------------------------------


class Way(NamedTuple):
    """One way of installing: wheels by call, the number of workers, the way of placing."""

    calls: tuple[tuple[str, ...], ...]
    jobs: str
    mode: str


def make_ways(wheels: Sequence[str]) -> list[Way]:
    """Give every way: one call and two, in both orders, 1, 2 and 8 workers, linked and copied."""
    one, two = (tuple(wheels),), (tuple(wheels[1::2]), tuple(wheels[::2]))
    orders = [one, two, (one[0][::-1],), two[::-1]]
    return [Way(*way) for way in itertools.product(orders, JOBS, ("hardlink", "copy"))]


def install_jwts(home: str, rounds: int, wheels: str) -> Figures:
    """Install jwt and PyJWT."""
    real = fetch(os.path.join(wheels, "real"))
    return install_all_ways(home, rounds, [real["jwt"], real["pyjwt"]])


def install_six(home: str, rounds: int) -> Figures:
    """Install six wheels that share 300 paths with bytes of their own, in ten directories."""
    made = []
    for number in range(6):
        files = {f"common/d{n % 10}/m{n:03}.py": f"OWNER = {number}\n" * (1 + (n + number) % 7) for n in range(300)}
        own = {f"six{number}/__init__.py": f"NUMBER = {number}\n"}
        made.append(make_wheel(os.path.join(home, "wheels"), f"six{number}", files={**files, **own}))
    return install_all_ways(home, rounds, made)


def install_all_ways(home: str, rounds: int, wheels: Sequence[str]) -> Figures:
    """Install in every way in turn; the last call of each way must say the same, and leave the same.

    The last call is the one after which all are installed: a call before it has other clashes to tell of, or none.
    Its warnings are the same lines in every way; that of a wheel which this very call asked for stands first, so that
    the text is compared among the ways whose last call asks for the same wheels.
    """
    ground = Ground(home)
    digests, texts, lines = Counter[str](), set[tuple[frozenset[str], str]](), set[tuple[str, ...]]()
    wrong, mixed = [], 0
    race = Race("", list(wheels), "", "")
    ways = make_ways(wheels)
    with elsewhere(home) as place:
        caches = {"hardlink": os.path.join(home, "cache"), "copy": os.path.join(place, "cache")}
        for way in itertools.islice(itertools.cycle(ways), rounds):
            ground.anew()
            ground.cache = caches[way.mode]
            for call in way.calls:
                said = ground.do("install", "--jobs", way.jobs, "--link-mode", way.mode, *call)
            tree = ground.tree()
            digests[tree_digest(tree)] += 1
            texts.add((frozenset(way.calls[-1]), warnings(said)))
            lines.add(tuple(sorted(warnings(said).splitlines())))
            added = {path: entry for path, entry in tree.items() if path not in ground.empty}
            mixed += judge(race, ground.prefix, added)[1]
            wrong += [f"{way.jobs} jobs, {way.mode}, {len(way.calls)} calls: {line}" for line in ground.wrongs(wheels)]
    wrong += [f"{len(digests)} trees: {dict(digests)}"] if len(digests) != 1 else []
    asked = len({names for names, _ in texts})
    wrong += [f"{len(texts)} texts for {asked} sets of names: {texts}"] if len(texts) != asked else []
    wrong += [f"{len(lines)} sets of warnings: {lines}"] if len(lines) != 1 or not all(lines) else []
    wrong += [f"{mixed} mixed"] if mixed else []
    figures = f"{rounds} installs in {min(rounds, len(ways))} of {len(ways)} ways: {len(digests)} tree, {len(lines)} "
    distinct = len({text for _, text in texts})
    wrong += [f"{distinct} texts of two wheels"] if len(wheels) == 2 and distinct != 1 else []  # noqa: PLR2004 - a pair
    figures += f"set of warnings, {distinct} text for {asked} sets of names asked for last, {mixed} mixed\n    "
    return figures + "\n    ".join(min(lines)), wrong
