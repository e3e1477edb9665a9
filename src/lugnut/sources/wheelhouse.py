"""Directories full of wheels: which of them is the best for a name, a specifier and one environment.

Sources lie there too, and count where something may be built of them: what they would answer better is for a resolver.

Sources: packaging's rules for file names, versions and tags. Only wheels that fit the environment are considered;
among them the specifier decides, pre-releases only where it asks for them or nothing else is left (TRAPS 34); then the
highest version, the best tag, the highest build number, and at last the path, so that the order in which directories
are named never matters (G1).
"""

from __future__ import annotations

import functools
import itertools
import os
from collections.abc import Callable, Iterable, Mapping, Sequence

from lugnut.distribution import Name, normalise_name
from lugnut.environment import Environment
from lugnut.errors import IncompatibleWheel, UsageError, WheelNotFound
from lugnut.needs import plainly_allows
from lugnut.typed import Any, NamedTuple

CLOSEST = 3
"""How many of the environment's tags an error names."""


_ARCHIVES = (".tar.gz", ".zip", ".tgz", ".tar.bz2", ".tar.xz", ".tar")
"""What a source archive's name ends in, as far as one of the resolvers knows it."""


class Candidate(NamedTuple):
    """One wheel or source archive at hand, by what its file name says."""

    path: str
    version: Any
    """packaging's Version, whose import a wheel named by path can do without."""
    build: tuple[()] | tuple[int, str]
    tags: frozenset[str]
    """None of a source archive, which is for any environment."""


Wheelhouse = dict[Name, list[str]]
"""Paths of wheels and source archives by the name in their file name, sorted."""

NOTHING_UNFIT: Mapping[str, str] = {}
"""Wheels that were read and found unfit, by path, with the reason: none so far."""


def nothing(_: Name) -> bool:
    """Say of no name that something may be built of it."""
    return False


def read_wheelhouse(directories: Iterable[str], builds: Callable[[Name], bool] = nothing) -> Wheelhouse:
    """List the wheels in directories; regular files only (TRAPS 36), sorted (TRAPS 18). Raises UsageError.

    The source archives too, of names that something may be built of.
    """
    endings = (".whl", *_ARCHIVES)
    found: Wheelhouse = {}
    for directory in directories:
        try:
            with os.scandir(directory) as entries:
                names = sorted(entry.name for entry in entries if entry.name.endswith(endings) and entry.is_file())
        except OSError as error:
            message = f"--find-links {directory} cannot be read: {error.strerror}"
            raise UsageError(message=message, hint="name a directory of wheels") from None
        for filename in names:
            archive = _cut_ending(filename)
            name = normalise_name((archive.rpartition("-") if archive else filename.partition("-"))[0])
            if not archive or builds(name):
                found.setdefault(name, []).append(os.path.join(directory, filename))
    return found


def _cut_ending(filename: str) -> str:
    """Give name and version of a source archive; empty for a wheel."""
    return next((filename.removesuffix(ending) for ending in _ARCHIVES if filename.endswith(ending)), "")


def choose(
    environment: Environment,
    name: Name,
    specifier: str,
    wheelhouse: Wheelhouse,
    unfit: Mapping[str, str] = NOTHING_UNFIT,
) -> str | None:
    """Choose the best wheel of a distribution for an environment; WheelNotFound says what there is instead.

    None where a source archive is newer than the best wheel, or there is no wheel for it: that has to be built.
    """
    from packaging.specifiers import SpecifierSet

    paths = wheelhouse.get(name, ())
    candidates = [one for path in paths if (one := parse_candidate(path)) is not None]
    archives = [one for path in paths if (one := _parse_archive(path)) is not None]
    fitting = [one for one in candidates if one.path not in unfit and not one.tags.isdisjoint(environment.tags)]
    allowed = list(SpecifierSet(specifier).filter([*fitting, *archives], key=lambda one: one.version))
    wanted = [one for one in allowed if one.tags]
    if allowed and max(one.version for one in allowed) not in {one.version for one in wanted}:
        return None
    if not wanted:
        right = [one for one in candidates if allows(specifier, one)]
        refused = [one for one in right if one.path in unfit]
        if refused:
            raise _explain_unfit(f"{name}{specifier}", refused, unfit)
        raise _explain(environment, f"{name}{specifier}", right, candidates)
    rank = {tag: number for number, tag in reversed(list(enumerate(environment.tags)))}
    return max(wanted, key=lambda one: (one.version, -_best(rank, one), one.build, one.path)).path


def allows(specifier: str, candidate: Candidate) -> bool:
    """Whether a specifier allows a version, a pre-release too: somebody holds it in hand already (TRAPS 34)."""
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(specifier).contains(candidate.version, prereleases=True)


def check_fits(environment: Environment, path: str) -> None:
    """Raise IncompatibleWheel where a wheel that is named by its path cannot be used."""
    if not _spell_tags(path).isdisjoint(environment.tags):
        return
    candidate = parse_candidate(path)
    if candidate is None or not candidate.tags.isdisjoint(environment.tags):
        return  # a file name that is none is found bad where the wheel is read, with all else that is wrong with it
    raise IncompatibleWheel(
        wheel=os.path.basename(path),
        reason=_say_difference(environment.tags, candidate.tags),
        tags=", ".join(sorted(candidate.tags)),
        supported=", ".join(find_closest(environment.tags, candidate.tags)),
    )


def parse_candidate(path: str) -> Candidate | None:
    """Read a wheel's file name; None where it is not one."""
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename

    try:
        _, version, build, tags = parse_wheel_filename(os.path.basename(path))
    except InvalidWheelFilename:
        return None
    return Candidate(path, version, build, frozenset(map(str, tags)))


def _parse_archive(path: str) -> Candidate | None:
    """Read a source archive's file name; None where it is not one."""
    from packaging.version import InvalidVersion, Version

    try:
        version = Version(_cut_ending(os.path.basename(path)).rpartition("-")[2])
    except InvalidVersion:
        return None
    return Candidate(path, version, (), frozenset())


def find_closest(supported: Sequence[str], tags: Iterable[str]) -> list[str]:
    """Give the supported tags that have most parts in common with a wheel's, the better supported first."""
    parts = [frozenset(column) for column in zip(*(tag.split("-", 2) for tag in tags), strict=True)]

    def likeness(tag: str) -> int:
        return sum(part in column for part, column in zip(tag.split("-", 2), parts, strict=True))

    return sorted(supported, key=likeness, reverse=True)[:CLOSEST]


def _best(rank: dict[str, int], candidate: Candidate) -> int:
    return min(rank[tag] for tag in candidate.tags if tag in rank)


def _say_difference(supported: Sequence[str], tags: Iterable[str]) -> str:
    """Name the first part of the tags (Python, ABI, platform) that the environment has no like of."""
    ours = zip(*(tag.split("-", 2) for tag in supported), strict=True)
    theirs = zip(*(tag.split("-", 2) for tag in tags), strict=True)
    for kind, own, other in zip(("Python", "ABI", "platform"), ours, theirs, strict=True):
        if set(own).isdisjoint(other):
            return f"it is for the {kind} {' or '.join(sorted(set(other)))}"
    return "no tag in common"


def _spell_tags(path: str) -> frozenset[str]:
    """Split the tags off a file name without packaging, for the common answer that they fit."""
    *_, pythons, abis, platforms = ["", "", "", *os.path.basename(path).lower().removesuffix(".whl").split("-")]
    columns = [column.split(".") for column in (pythons, abis, platforms)]
    return frozenset(map("-".join, itertools.product(*columns)))


def _explain_unfit(requirement: str, refused: list[Candidate], unfit: Mapping[str, str]) -> WheelNotFound:
    best = max(refused, key=lambda one: (one.version, one.path))
    reason = f"{os.path.basename(best.path)} {unfit[best.path]}"
    return WheelNotFound(requirement=requirement, reason=reason, hint="name another --python, or find another version")


def _explain(
    environment: Environment, requirement: str, right: list[Candidate], candidates: list[Candidate]
) -> WheelNotFound:
    """Say why there is nothing to choose: none of that name, none of that version, or none that fits."""
    if not candidates:
        hint = "name its wheel, or the directory that has it with --find-links"
        return WheelNotFound(requirement=requirement, reason="none of that name is at hand", hint=hint)
    if not right:
        versions = ", ".join(map(str, sorted({one.version for one in candidates})))
        return WheelNotFound(requirement=requirement, reason=f"at hand are {versions}", hint="ask for one of these")
    best = max(right, key=lambda one: (one.version, one.path))
    reason = f"{os.path.basename(best.path)} does not fit: {_say_difference(environment.tags, best.tags)}"
    hint = f"the closest tags of the environment are {', '.join(find_closest(environment.tags, best.tags))}"
    return WheelNotFound(requirement=requirement, reason=reason, hint=hint)


def satisfies(specifier: str, version: str) -> bool:
    """Whether a specifier allows an installed version; one that is no version satisfies the empty specifier alone."""
    from packaging.specifiers import SpecifierSet
    from packaging.version import InvalidVersion

    try:
        return not specifier or SpecifierSet(specifier).contains(version, prereleases=True)
    except InvalidVersion:
        return False


def _cut_release(version: str) -> str:
    """Give the numbers that a version begins with, and the dots between them; all of it where it has none."""
    end = next((place for place, sign in enumerate(version) if not (sign.isdecimal() or sign == ".")), len(version))
    numbers = version[:end].partition("..")[0].rstrip(".")
    return version if not numbers or numbers[0] == "." else numbers


@functools.cache
def allows_python(requires: str, version: str) -> bool:
    """Whether a Requires-Python allows an interpreter's version; one that says nothing sensible allows any, as in pip.

    A pre-release of Python is its release here: 3.15.0a1 runs what asks for 3.15 or later.
    """
    if not requires:
        return True
    given = _cut_release(version)
    allowed = plainly_allows(requires, given)
    if allowed is not None:
        return allowed
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        return SpecifierSet(requires).contains(given, prereleases=True)
    except InvalidSpecifier:
        return True
