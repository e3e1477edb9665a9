"""What is installed as a list and as pins; filters as pip and uv have them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lugnut.answers import Frozen
from lugnut.distribution import Name
from lugnut.environment import Environment
from lugnut.installed import Installed, read_installed
from lugnut.inventory.references import find_project, format_reference
from lugnut.settings import Installation, Report
from lugnut.typed import NamedTuple


class Filter(NamedTuple):
    """Which of the installed distributions are meant."""

    exclude: frozenset[Name] = frozenset()
    editable: bool = False
    """Editable installs alone."""
    exclude_editable: bool = False


def list_installed(environments: Sequence[Environment], chosen: Filter) -> Report:
    """Name what is installed in some environments; the report names the first of them."""
    found = tuple(
        _describe(environment, one)
        for environment in environments
        for one in _choose(read_installed(environment), chosen)
    )
    return Report(environments[0].prefix, installed=found)


def freeze(environments: Sequence[Environment], chosen: Filter) -> Frozen:
    """Write what is installed as lines of a requirements file, sorted by name, each once."""
    found = [one for environment in environments for one in _choose(read_installed(environment), chosen)]
    lines = [_freeze(one) for one in sorted(found, key=lambda one: (one.name, one.version))]
    return Frozen(environments[0].prefix, tuple(dict.fromkeys(lines)))


def _choose(installed: dict[Name, list[Installed]], chosen: Filter) -> Iterable[Installed]:
    for name, ones in installed.items():
        for one in ones if name not in chosen.exclude else ():
            either = not chosen.editable and not chosen.exclude_editable
            if either or bool(find_project(one.direct_url)) != chosen.exclude_editable:
                yield one


def _describe(environment: Environment, one: Installed) -> Installation:
    overlay = one.state.overlay if one.state is not None else 0
    place = environment.schemes[one.scheme]
    return Installation(one.spelled, one.version, one.installer, overlay, place, find_project(one.direct_url))


def _freeze(one: Installed) -> str:
    from packaging.version import InvalidVersion, Version

    reference = format_reference(one.spelled, one.direct_url)
    if reference:
        return reference
    try:
        return f"{one.spelled}=={Version(one.version)}"
    except InvalidVersion:  # only === takes it literally (PEP 440, arbitrary equality)
        return f"{one.spelled}==={one.version}"
