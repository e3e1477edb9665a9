"""Points of death by chance: operations drawn by seed on twenty overlapping wheels, struck at points drawn by seed.

A *case* is a few distributions that stand there, and one operation: an install (with a rank, with bytecode, forced), an
upgrade, another build, an uninstall, a sync. Every fourth wheel shares its paths with three others. What the operation
leaves when it is let alone is judged by tools/trees.py's reference of zipfile; then it is struck at POINTS points, half
of them kills, half errors that the call may give. Case and points follow from seed and number alone.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("campaigns run on POSIX")

import os
import random
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from crashing import Field
from founding import CampaignSize, make_campaign_wheels
from operations import Operation
from oracle import check_environment
from points import ERRORS, KILLS, Point, Way, can_fail
from striking import Score, strike
from trees import differences, reference_tree, without_generated

POINTS = 24
"""Points of a case."""
SIZE = CampaignSize(5)
BUILDS = {"a": ("1.0", ""), "b": ("1.0", "again"), "c": ("2.0", "")}
"""What there is of each wheel: version and build."""
MOST = 8
"""Wheels that one operation acts on, at most."""
KINDS = ("install", "upgrade", "rebuild", "reinstall", "uninstall", "sync", "overlay", "compile")


class Standing(NamedTuple):
    """What is installed: number of the wheel -> its build, and the ranks."""

    builds: Mapping[int, str]
    ranks: Mapping[int, int]

    def wheels(self) -> list[str]:
        """Give the wheels as the universe names them."""
        return [f"{build}{number}" for number, build in sorted(self.builds.items())]


class Case(NamedTuple):
    """One operation, what stands there before and after it, and what a file to sync to names."""

    kind: str
    operation: Operation
    before: Standing
    after: Standing

    def __str__(self) -> str:
        return f"{len(self.before.builds)} there, {' '.join(self.operation.command)}"


def make_wheels(directory: str, count: int) -> dict[str, str]:
    """Make the universe: `a3` is build a of the wheel with number 3."""
    return {
        f"{key}{number}": path
        for key, (version, build) in BUILDS.items()
        for number, path in enumerate(
            make_campaign_wheels(os.path.join(directory, key), count, version, build=build, size=SIZE)
        )
    }


def name_of(number: int) -> str:
    """Give a distribution's name."""
    return f"campaign_{number:02}"


# --- drawing ----------------------------------------------------------------------------------------------------------


def draw(seed: str, number: int, count: int) -> Case:
    """Draw a case of a universe of so many wheels."""
    rng = random.Random(f"{seed} {number}")
    there = _draw_builds(rng, range(count), rng.randrange(1 + count * 2 // 3))
    ranked = rng.sample(sorted(there), min(len(there), rng.randrange(3)))
    before = Standing(there, dict.fromkeys(ranked, 1))
    kind = rng.choice(KINDS if there else ("install", "sync", "overlay", "compile"))
    words, after = _draw_command(rng, kind, before, count)
    overlays = [word for one in ranked for word in ("--overlay", name_of(one))]
    made = [["install", *overlays, *(f"{{{key}}}" for key in before.wheels())]] if there else []
    return Case(kind, Operation(made, words, cold=rng.randrange(3) == 0), before, after)


def _draw_builds(rng: random.Random, numbers: Sequence[int], count: int) -> dict[int, str]:
    return {one: rng.choice("abc") for one in rng.sample(numbers, min(count, len(numbers)))}


def _draw_command(rng: random.Random, kind: str, before: Standing, count: int) -> tuple[list[str], Standing]:
    some = rng.sample(sorted(before.builds), rng.randint(1, min(MOST, len(before.builds)))) if before.builds else []
    if kind == "uninstall":
        return ["uninstall", *map(name_of, some)], _without(before, set(before.builds) - set(some))
    if kind == "sync":
        wanted = _draw_builds(rng, range(count), rng.randint(1, MOST))
        wanted |= {one: before.builds[one] for one in some if one not in wanted}
        after = _without(before, set(wanted))
        return ["sync", "{wanted}"], after._replace(builds=wanted)
    more = ["--overlay", name_of(rng.choice(some))] if kind == "overlay" and some else []
    if kind == "reinstall":
        acted, more = {one: before.builds[one] for one in some}, ["--reinstall"]
    elif kind in {"upgrade", "rebuild"}:
        acted = {one: rng.choice("abc".replace(before.builds[one], "")) for one in some}
    else:
        acted = _draw_builds(rng, range(count), rng.randint(1, MOST))
        more += ["--compile-bytecode"] if kind == "compile" else []
        more += ["--overlay", name_of(min(acted))] if kind == "overlay" and not some else []
    ranks = {number: 1 for number in range(count) if name_of(number) in more}
    words = ["install", *more, *(f"{{{build}{number}}}" for number, build in acted.items())]
    return words, Standing({**before.builds, **acted}, {**before.ranks, **ranks})


def _without(before: Standing, kept: set[int]) -> Standing:
    builds = {one: build for one, build in before.builds.items() if one in kept}
    return Standing(builds, {one: rank for one, rank in before.ranks.items() if one in kept})


# --- playing ----------------------------------------------------------------------------------------------------------


def play(root: str, case: Case, made: Mapping[str, str], rng: random.Random) -> Score:
    """Play a case in a directory to be made; an unkilled run that ends wrong is a finding too."""
    os.mkdir(root)
    wanted = os.path.join(root, "wanted.txt")
    with open(wanted, "w", encoding="utf-8") as file:
        file.writelines(f"{made[key]}\n" for key in case.after.wheels())
    field, score = Field(root, case.kind, case.operation, lambda _: {**made, "wanted": wanted}), Score()
    if found := judge(field, case, made):
        score.wrong.append("\n    ".join([f"{case}, let alone:", *found[:10]]))
        return score
    for point, (how, error) in draw_points(field.points, rng):
        strike(field, point, how, error, score)
    return score


def judge(field: Field, case: Case, made: Mapping[str, str]) -> list[str]:
    """Find what is wrong with what the operation leaves when it is let alone, which stands there."""
    wheels = [made[key] for key in case.after.wheels()]
    reference = reference_tree(wheels, field.prefix, {name_of(one): rank for one, rank in case.after.ranks.items()})
    found = differences({**field.empty, **reference}, without_generated(field.new))
    return found + check_environment(field.site)


def draw_points(points: Sequence[Point], rng: random.Random) -> list[tuple[Point, Way]]:
    """Draw points, and a way for each."""
    drawn = []
    for point in rng.choices(points, k=POINTS):
        errors = [error for error in ERRORS if can_fail(point.kind, error)]
        ways = [("once", error) for error in errors] + [("always", error) for error in errors if error != "EINTR"]
        drawn.append((point, rng.choice([(rng.choice(KILLS), ""), rng.choice(ways)])))
    return drawn
