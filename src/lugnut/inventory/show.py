"""Installed distributions described one by one, with who shadows whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lugnut.answers import Description, Shadow, Shown
from lugnut.conflicts import Claimant, differ, find_clashes
from lugnut.distribution import Name, normalise_name
from lugnut.environment import Environment, key
from lugnut.installed import Installed, read_entry_points, read_installed, read_metadata, read_requires
from lugnut.inventory.graph import holds, parse_requires
from lugnut.inventory.metadata import find_home_page, one_line, parse_metadata
from lugnut.inventory.references import find_project
from lugnut.transaction.records import claimed_files
from lugnut.typed import Any, NamedTuple


def show(environment: Environment, names: Sequence[Name], *, files: bool) -> Shown:
    """Describe distributions in the order they are asked for, each once; names what is not installed."""
    installed = read_installed(environment)
    wanted = dict.fromkeys(names)
    everything = [one for ones in installed.values() for one in ones]
    needs = {} if not wanted.keys() & installed.keys() else _find_needs(environment, everything)
    found = [
        _describe(_Scene(environment, one, everything, needs), files=files)
        for name in wanted
        for one in installed.get(name, ())
    ]
    return Shown(environment.prefix, tuple(found), tuple(sorted(wanted.keys() - installed.keys())))


class _Scene(NamedTuple):
    """One distribution among all the others."""

    environment: Environment
    one: Installed
    everything: Sequence[Installed]
    needs: Mapping[Name, Mapping[Name, str]]
    """Of each distribution, what it needs here without any of its extras: by name, as spelled there."""


def _find_needs(environment: Environment, installed: Sequence[Installed]) -> dict[Name, dict[Name, str]]:
    found = {}
    for one in installed:
        requirements = parse_requires(
            text
            for text in read_requires(environment, one).requires
            if "extra" not in text.partition(";")[2]  # most of a big distribution's, and reading them takes long
        )
        needed = [requirement for requirement in requirements if holds(requirement, environment.markers)]
        found[one.name] = {normalise_name(requirement.name): requirement.name for requirement in needed}
    return found


def _describe(scene: _Scene, *, files: bool) -> Description:
    environment, one = scene.environment, scene.one
    document = parse_metadata(read_metadata(environment, one))
    expression = one_line(document, "license_expression")
    shadowed, shadows = _find_shadows(scene)
    return Description(
        name=one.spelled,
        version=one.version,
        summary=one_line(document, "summary"),
        home_page=find_home_page(document),
        author=one_line(document, "author"),
        author_email=one_line(document, "author_email"),
        license="" if expression else one_line(document, "license"),
        license_expression=expression,
        location=environment.schemes[one.scheme],
        editable=find_project(one.direct_url),
        requires=_sorted(scene.needs[one.name].values()),
        required_by=_sorted(other.spelled for other in scene.everything if one.name in scene.needs[other.name]),
        overlay=_rank(one),
        shadowed=shadowed,
        shadows=shadows,
        metadata_version=one_line(document, "metadata_version"),
        installer=one.installer,
        classifiers=_lines(document, "classifier"),
        entry_points=tuple(read_entry_points(environment, one).splitlines()),
        project_urls=_lines(document, "project_url"),
        files=tuple(sorted(row.path for row in one.rows)) if files and one.rows is not None else None,
    )


def _sorted(names: Any) -> tuple[str, ...]:
    return tuple(sorted(set(names), key=lambda name: (name.lower(), name)))


def _lines(document: Mapping[str, Any], field: str) -> tuple[str, ...]:
    return tuple(" ".join(str(line).split()) for line in document.get(field, ()))


# --- who shadows whom -------------------------------------------------------------------------------------------------


def _find_shadows(scene: _Scene) -> tuple[tuple[Shadow, ...], tuple[Shadow, ...]]:
    """Find the paths at which another's bytes win over this distribution's, and those at which its own win."""
    environment, one = scene.environment, scene.one
    mine = _claim(one)
    others = [_claim(other) for other in scene.everything if other.name != one.name]
    clashes = find_clashes(environment, [mine], others)
    if not clashes:
        return (), ()
    paths = {key(environment, clash.path) for clash in clashes}
    contents = {
        (path, claimant.name): file
        for claimant in (mine, *others)
        for file in claimant.files
        if (path := key(environment, file.path)) in paths
    }
    shadowed, shadows = [], []
    for clash in clashes:
        path = key(environment, clash.path)
        own, (_, winner) = contents[path, one.name], clash.claimants[0]
        if winner != one.name:
            if differ([own, contents[path, winner]]):
                shadowed.append(Shadow(clash.path, winner))
        else:
            losers = [name for _, name in clash.claimants[1:] if differ([own, contents[path, name]])]
            shadows += [Shadow(clash.path, name) for name in losers]
    return tuple(sorted(shadowed)), tuple(sorted(shadows))


def _claim(one: Installed) -> Claimant:
    return Claimant(one.name, _rank(one), claimed_files(one))


def _rank(one: Installed) -> int:
    return one.state.overlay if one.state is not None else 0
