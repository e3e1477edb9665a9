"""Which requirements nothing installed meets, and who is needed. Reads what is installed, changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from lugnut.distribution import Name, normalise_name
from lugnut.environment import Environment
from lugnut.glance import Moved
from lugnut.installed import Installed, find_installed, read_installed, read_requires
from lugnut.manifest import Manifest
from lugnut.needs import asks_for_extras, is_plainly_met
from lugnut.settings import Finding
from lugnut.typed import Any


def find_requirements(environment: Environment, installed: dict[Name, list[Installed]]) -> Iterable[Finding]:
    """Find what is installed and lacks something, another Python or another distribution."""
    versions = {name: ones[0].version for name, ones in installed.items()}
    for name, ones in installed.items():
        requires = read_requires(environment, ones[0])
        if requires.python and not _allows(requires.python, environment.markers["python_full_version"]):
            yield Finding("python", name, "", f"{name} needs Python {requires.python}")
        for text in _unmet(environment, requires.requires, versions):
            yield Finding("requirement", name, "", f"{name} needs {text}")


def find_unmet(
    environment: Environment,
    wheels: Sequence[tuple[Manifest, Sequence[str]]],
    *,
    planned: bool = False,
    gone: Collection[Name] = (),
) -> tuple[str, ...]:
    """Give the requirements of some wheels and their extras that nothing installed meets, as `name needs requirement`.

    Sorted; an extra that a distribution does not have is among them. `planned`: the wheels are yet to be installed, and
    what is `gone` is yet to be removed.
    """
    if not any(manifest.requires or extras for manifest, extras in wheels):
        return ()
    versions = {found.name: found.version for found in find_installed(environment)}
    versions |= {manifest.name: manifest.version for manifest, _ in wheels} if planned else {}
    versions = {name: version for name, version in versions.items() if name not in gone}
    found = set()
    for manifest, extras in wheels:
        known = {normalise_name(extra) for extra in manifest.extras}
        found |= {f"{manifest.name} has no extra {extra}" for extra in extras if normalise_name(extra) not in known}
        unmet = _unmet(environment, manifest.requires, versions, extras)
        found |= {f"{manifest.name} needs {text}" for text in unmet}
    return tuple(sorted(found))


def foresee_unmet(
    environment: Environment,
    wheels: Sequence[tuple[Manifest, Sequence[str]]],
    kept: Sequence[tuple[Name, Sequence[str]]],
) -> bool:
    """Whether something would be unmet once these wheels are installed, each with its extras.

    `kept` are names that are installed, as they shall stay, with extras. What asks for another's extras counts as
    unmet: only a resolver follows it. Raises Moved where one of them is gone by now.
    """
    if not any(manifest.requires or extras for manifest, extras in wheels) and not kept:
        return False
    versions = {found.name: found.version for found in find_installed(environment)}
    versions |= {manifest.name: manifest.version for manifest, _ in wheels}
    asked = [(manifest.requires, extras) for manifest, extras in wheels]
    standing = read_installed(environment, [name for name, _ in kept])
    if not all(standing.get(name) for name, _ in kept):
        raise Moved
    asked += [(read_requires(environment, standing[name][0]).requires, extras) for name, extras in kept]
    return any(_unmet(environment, requires, versions, extras, strict=True) for requires, extras in asked)


def find_needed(environment: Environment, names: Collection[Name]) -> set[Name]:
    """Give some installed names and all that they need, directly or not, among what is installed.

    What is needed with extras is looked at again with each that another asks for.
    """
    there = {one.name for one in find_installed(environment)}
    found: dict[Name, set[str]] = {name: set() for name in names}
    left = set(names)
    while left:
        standing = read_installed(environment, sorted(left))
        left = set()
        for name, ones in standing.items():
            requires = read_requires(environment, ones[0]).requires
            for needed, extras in _name_requirements(environment, requires, sorted(found[name])):
                if needed in there and (needed not in found or not extras <= found[needed]):
                    found.setdefault(needed, set()).update(extras)
                    left.add(needed)
    return set(found)


def _name_requirements(
    environment: Environment, requires: Iterable[str], extras: Sequence[str]
) -> Iterable[tuple[Name, set[str]]]:
    """Give what a distribution with these extras needs, each with the extras it is needed with."""
    contexts = [{**environment.markers, "extra": extra} for extra in ("", *extras)]
    for text in requires:
        requirement = _read_requirement(text)
        if requirement is not None and _applies(requirement.marker, contexts):
            yield normalise_name(requirement.name), set(requirement.extras)


def _unmet(
    environment: Environment,
    requires: Iterable[str],
    versions: dict[Name, str],
    extras: Sequence[str] = (),
    *,
    strict: bool = False,
) -> list[str]:
    contexts = [{**environment.markers, "extra": extra} for extra in ("", *extras)]
    unmet = []
    for text in requires:
        if not extras and "extra" in text.partition(";")[2]:
            continue  # most of a big distribution's, and reading them takes long
        if is_plainly_met(text, versions, contexts) and not (strict and asks_for_extras(text)):
            continue
        requirement = _read_requirement(text)
        if requirement is None or not _applies(requirement.marker, contexts):
            continue
        version = versions.get(normalise_name(requirement.name))
        if version is None:
            unmet.append(f"{requirement.name}{requirement.specifier} (not installed)")
        elif (strict and requirement.extras) or not _allows(str(requirement.specifier), version):
            unmet.append(f"{requirement.name}{requirement.specifier} ({version} is installed)")
    return unmet


def _read_requirement(text: str) -> Any | None:
    """Read a requirement; None where it is none."""
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        return Requirement(text)
    except InvalidRequirement:
        return None


def _applies(marker: Any, contexts: Sequence[Mapping[str, str]]) -> bool:
    """Whether a marker holds in one of some contexts."""
    return marker is None or any(marker.evaluate(context) for context in contexts)


def _allows(specifier: str, version: str) -> bool:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import InvalidVersion

    try:
        return SpecifierSet(specifier).contains(version, prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return True
