"""Who needs whom among installed distributions: the requirements that hold in their environment, by markers and extras.

An extra counts where an installed distribution asks for it, as `name[extra]` in a requirement that holds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from lugnut.distribution import Name, normalise_name
from lugnut.environment import Environment
from lugnut.installed import read_installed, read_requires
from lugnut.typed import Any, NamedTuple

Markers = Mapping[str, str]
Parsed = Mapping[Name, Sequence[Any]]
"""The requirements of each distribution (`packaging.requirements.Requirement`)."""

OPERATORS = ("==", "===", "!=", "~=", "<", "<=", ">", ">=")
"""In the order in which uv writes those of one version."""


class Graph(NamedTuple):
    """The installed distributions, and under which specifiers one needs another that meets them."""

    versions: Mapping[Name, str]
    needs: Mapping[Name, Mapping[Name, str]]
    """`>=1, <3`, `*` for any version, or a URL."""


def read_graph(environment: Environment) -> Graph:
    """Read what is installed and find who needs whom."""
    installed = {name: ones[0] for name, ones in read_installed(environment).items()}
    parsed = {name: parse_requires(read_requires(environment, one).requires) for name, one in installed.items()}
    return make_graph({name: _spell(one.version) for name, one in installed.items()}, parsed, environment.markers)


def _spell(version: str) -> str:
    """Give the normal form of a version, or what stands there in its place."""
    from packaging.version import InvalidVersion, Version

    try:
        return str(Version(version))
    except InvalidVersion:
        return version


def parse_requires(texts: Iterable[str]) -> list[Any]:
    """Parse requirements, without those that are none."""
    from packaging.requirements import InvalidRequirement, Requirement

    found = []
    for text in texts:
        try:
            found.append(Requirement(text))
        except InvalidRequirement:
            continue
    return found


def make_graph(versions: Mapping[Name, str], parsed: Parsed, markers: Markers) -> Graph:
    """Find who needs whom; what is not installed, or not in a version that will do, is left out, as in uv's tree."""
    extras = _find_extras(parsed, markers)
    needs: dict[Name, dict[Name, str]] = {}
    for name, requirements in parsed.items():
        by_child: dict[Name, list[Any]] = {}
        for requirement in requirements:
            child = normalise_name(requirement.name)
            # name[all] in a distribution's own extras stands for these extras, not for a need of itself.
            asked = extras[name] if child != name else set()
            if child in versions and holds(requirement, markers, asked) and _met(requirement, versions[child]):
                by_child.setdefault(child, []).append(requirement)
        needs[name] = {child: _join(by_child[child]) for child in sorted(by_child)}
    return Graph(versions, needs)


def _find_extras(parsed: Parsed, markers: Markers) -> dict[Name, set[str]]:
    """Find which extras are asked for, those of extras included."""
    extras: dict[Name, set[str]] = {name: set() for name in parsed}
    left = list(parsed)
    while left:
        name = left.pop()
        for requirement in parsed[name]:
            child = normalise_name(requirement.name)
            if requirement.extras and child in extras and holds(requirement, markers, extras[name]):
                asked = {str(normalise_name(extra)) for extra in requirement.extras}
                if asked - extras[child]:
                    extras[child] |= asked
                    left.append(child)
    return extras


def holds(requirement: Any, markers: Markers, extras: Collection[str] = ()) -> bool:
    """Say whether a requirement holds in an environment, without an extra or with one of these."""
    marker = requirement.marker
    return marker is None or any(marker.evaluate({**markers, "extra": extra}) for extra in ("", *sorted(extras)))


def _met(requirement: Any, version: str) -> bool:
    """Say whether an installed version will do, pre-releases too; one of before PEP 440 does for `===` and for any."""
    return bool(requirement.specifier.contains(version, prereleases=True))


def _join(requirements: Sequence[Any]) -> str:
    """Write the specifiers of several requirements as one, by version, as uv does."""
    urls = [requirement.url for requirement in requirements if requirement.url]
    if urls:
        return str(urls[0])
    specifiers = {str(one): one for requirement in requirements for one in requirement.specifier}
    return ", ".join(sorted(specifiers, key=lambda text: _order(specifiers[text]))) or "*"


def _order(specifier: Any) -> tuple[Any, ...]:
    from packaging.version import InvalidVersion, Version

    try:
        version = Version(specifier.version.removesuffix(".*"))
    except InvalidVersion:
        version = Version("0")
    return version, OPERATORS.index(specifier.operator), specifier.version
