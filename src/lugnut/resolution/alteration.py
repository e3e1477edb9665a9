"""Locks to other locks: paths made absolute, one spelling for both backends' answers. Pure.

The values are packaging's frozen dataclasses; a changed one is a new one.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from lugnut.sources.requests import parse_file_url
from lugnut.typed import Any


def alter(value: Any, **fields: Any) -> Any:
    """Give a value of a lock with other fields."""
    import dataclasses  # slow to load, and a run with nothing to do needs none

    return dataclasses.replace(value, **fields)


def make_absolute(lock: Any, directory: str) -> Any:
    """Give a lock whose paths begin at `directory` with absolute ones."""
    return change_paths(lock, lambda path: os.path.normpath(os.path.join(directory, path.replace("/", os.sep))))


def tidy(lock: Any) -> Any:
    """Give a lock in the one spelling both backends' answers share.

    Files of this machine are given by path; no file is named twice, nor by a name that its place says anyway.
    """

    def renew(source: Any) -> Any:
        url = getattr(source, "url", None) or ""
        local = url.startswith("file:") and not hasattr(source, "commit_id")
        moved = alter(source, path=parse_file_url(url, "the lock", url), url=None) if local else source
        if getattr(moved, "name", None) and moved.name == alter(moved, name=None).filename:
            moved = alter(moved, name=None)
        return moved

    renewed = change_sources(lock, renew)
    packages = [
        package if not package.wheels else alter(package, wheels=_drop_twins(package.wheels))
        for package in renewed.packages
    ]
    return alter(renewed, packages=packages)


def _drop_twins(wheels: Any) -> list[Any]:
    return [wheel for number, wheel in enumerate(wheels) if wheel not in wheels[:number]]


def change_sources(lock: Any, change: Callable[[Any], Any]) -> Any:
    """Give a lock with each of its wheels, sdists, archives, directories and repositories changed."""
    return alter(lock, packages=[change_package(package, change) for package in lock.packages])


def change_package(package: Any, change: Callable[[Any], Any]) -> Any:
    """Give a package of a lock with each of its sources changed."""
    fields = {name: getattr(package, name) for name in ("vcs", "directory", "archive", "sdist")}
    changed = {name: change(value) for name, value in fields.items() if value is not None}
    wheels = None if package.wheels is None else [change(wheel) for wheel in package.wheels]
    return alter(package, wheels=wheels, **changed)


def change_paths(lock: Any, change: Callable[[str], str]) -> Any:
    """Give a lock with each of its paths changed."""

    def renew(source: Any) -> Any:
        return source if source.path is None else alter(source, path=change(source.path))

    return change_sources(lock, renew)
