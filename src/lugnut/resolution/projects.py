"""What a project needs, read out of its pyproject.toml as it stands there: for pip, which takes projects only whole.

Source: PEP 621. What is `dynamic` is known only to the project's build backend.
"""

from __future__ import annotations

import os

from lugnut.distribution import normalise_name
from lugnut.errors import BadRequirement, Unsupported
from lugnut.sources.requests import COMMAND_LINE, refuse
from lugnut.typed import Any

_UV = "use --resolver uv"


def read_needs(path: str, extras: tuple[str, ...]) -> list[str]:
    """Give the requirements of the project at `path` (a pyproject.toml) with these extras.

    Raises BadRequirement, and Unsupported where a build would have to tell.
    """
    import tomllib

    if os.path.basename(path) != "pyproject.toml":
        reason = "pip takes what a project needs out of pyproject.toml alone"
        raise Unsupported(what=os.path.basename(path), reason=reason, hint=_UV)
    try:
        with open(path, "rb") as file:
            document = tomllib.load(file)
    except OSError as error:
        raise _refuse(path, error.strerror or "it cannot be read") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _refuse(path, f"it is not TOML ({error})") from None
    project = document.get("project")
    if not isinstance(project, dict):
        raise _refuse(path, "it has no [project]")
    return _list_needs(project, path, extras)


def _list_needs(project: dict[str, Any], path: str, extras: tuple[str, ...]) -> list[str]:
    dynamic = {"dependencies", "optional-dependencies"} & set(project.get("dynamic", ()))
    if "dependencies" in dynamic or (extras and dynamic):
        reason = f"{path} leaves its dependencies to a build"
        raise Unsupported(what="a project with dynamic dependencies", reason=reason, hint=_UV)
    optional = {normalise_name(name): needs for name, needs in project.get("optional-dependencies", {}).items()}
    wanted, needs = [normalise_name(extra) for extra in extras], list(project.get("dependencies", ()))
    done: set[str] = set()
    while wanted:
        extra = wanted.pop(0)
        if extra in done:
            continue
        done.add(extra)
        if extra not in optional:
            raise _refuse(path, f"it has no extra {extra}")
        more, others = _follow_itself(optional[extra], str(project.get("name", "")))
        needs += others
        wanted += more
    return needs


def _follow_itself(needs: list[str], name: str) -> tuple[list[Any], list[str]]:
    """Part an extra's requirements into extras of the project itself, and others."""
    from packaging.requirements import InvalidRequirement, Requirement

    extras: list[Any] = []
    others: list[str] = []
    for text in needs:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            others.append(text)
            continue
        if normalise_name(requirement.name) == normalise_name(name):
            extras += sorted(normalise_name(extra) for extra in requirement.extras)
        else:
            others.append(text)
    return extras, others


def _refuse(path: str, reason: str) -> BadRequirement:
    return refuse(COMMAND_LINE, path, reason, "name a pyproject.toml with a [project] table")
