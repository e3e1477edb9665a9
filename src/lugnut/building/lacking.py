"""What a Python that is used as it is lacks of a build's requirements: looked up where its own imports would look.

Source: PEP 508; a requirement's own requirements count too, as for `python -m build --no-isolation`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping

from lugnut.building.recipe import CannotBuild
from lugnut.building.telling import Telling
from lugnut.interpreter.asking import read_facts
from lugnut.typed import Any

_MARK = "--- lugnut ---"
_ASK = f"import sys; print({_MARK!r}); print(*filter(None, sys.path), sep=chr(10))"


def find_lacking(requirements: Collection[str], python: str, environ: Mapping[str, str], telling: Telling) -> list[str]:
    """Name the requirements that are not met in a Python, each with what is there instead; sorted."""
    from importlib.metadata import distributions

    from packaging.utils import canonicalize_name

    if not requirements:
        return []
    ran = telling.run([python, "-c", _ASK], environ)
    _, begun, answer = ran.out.decode("utf-8", "surrogateescape").replace("\r\n", "\n").rpartition(f"{_MARK}\n")
    if ran.code != 0 or not begun:
        raise CannotBuild(f"{python} does not run", "name another --python")
    there: dict[str, Any] = {}
    for one in distributions(path=answer.splitlines()):
        if one.metadata["Name"]:  # the first on the path is the one that is imported
            there.setdefault(canonicalize_name(one.metadata["Name"]), one)
    markers = read_facts(python, None).markers
    return sorted({words for one in requirements for words in _look(one, there, markers, set())})


def _look(text: str, there: Mapping[str, Any], markers: Mapping[str, str], seen: set[tuple[str, str]]) -> Iterator[str]:
    """Give what is not met of a requirement, and of the requirements of what meets it."""
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    try:
        wanted = Requirement(text)
    except InvalidRequirement:
        yield f"{text} (which is no requirement)"
        return
    if wanted.marker is not None and not wanted.marker.evaluate({**markers, "extra": ""}):
        return
    found = there.get(canonicalize_name(wanted.name))
    if found is None:
        yield text
    elif not _meets(found.version, wanted):
        yield f"{text} (there is {found.version})"
    else:
        for extra in ("", *sorted(wanted.extras)):
            if (wanted.name, extra) not in seen:
                seen.add((wanted.name, extra))
                for below in _chosen(found.requires or (), extra, markers):
                    yield from _look(below, there, markers, seen)


def _meets(version: str, wanted: Any) -> bool:
    from packaging.version import InvalidVersion

    try:
        return bool(wanted.specifier.contains(version, prereleases=True))
    except InvalidVersion:
        return not wanted.specifier


def _chosen(requirements: Collection[str], extra: str, markers: Mapping[str, str]) -> Iterator[str]:
    """Give the requirements that hold with an extra, without their markers."""
    from packaging.requirements import InvalidRequirement, Requirement

    for text in requirements:
        with contextlib.suppress(InvalidRequirement):  # of an old distribution that has been working with it
            one = Requirement(text)
            if one.marker is None or one.marker.evaluate({**markers, "extra": extra}):
                one.marker = None
                yield str(one)
