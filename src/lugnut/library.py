"""The library behind `import lugnut`: the engine's acts with everything a caller can choose as keywords.

No function here prints, exits or keeps anything between two calls; each returns the report that the command line
prints with --json, and raises nothing but `lugnut.LugnutError` (and TypeError for a keyword that does not exist).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict, Unpack

from lugnut import engine
from lugnut.distribution import Name
from lugnut.errors import UsageError
from lugnut.events import Reporter, ignore, never
from lugnut.interpreter.discovery import Target
from lugnut.settings import Report, Settings, Watch

ALLOWED = {"on_conflict": ("warn", "error", "ignore"), "link_mode": ("auto", "hardlink", "clone", "copy")}
"""The words that a choice may be, for choices that are words."""


class Place(TypedDict, total=False):
    """Which environment is meant; without any of these it is found as uv finds it."""

    python: str | os.PathLike[str]
    """An interpreter, or the directory of an environment."""
    target: str | os.PathLike[str]
    prefix: str | os.PathLike[str]
    system: bool
    break_system_packages: bool
    cache_dir: str | os.PathLike[str]
    no_cache: bool


class Choices(Place, total=False):
    """Everything else a run can be told; `lugnut.settings.Settings` says what each field means and its default."""

    jobs: int
    lock_timeout: float
    on_conflict: str
    overlay: Mapping[str, int]
    link_mode: str
    compile_bytecode: bool
    durable: bool
    reinstall: bool
    upgrade: bool
    force: bool
    dry_run: bool
    require_hashes: bool
    find_links: Sequence[str | os.PathLike[str]]
    start_method: str
    requirement_files: Sequence[str | os.PathLike[str]]
    report: Reporter
    """Hears every event as it happens; what it raises ends the run."""
    cancelled: Callable[[], None]
    """Called at safe points; raises `lugnut.errors.Interrupted` to have the run undone."""


def install(requests: Sequence[str | os.PathLike[str]], **choices: Unpack[Choices]) -> Report:
    """Install wheels by path, or distributions by requirement from `find_links`, as one transaction."""
    return engine.install(
        _texts(requests),
        requirement_files=_texts(choices.get("requirement_files", ())),
        target=make_target(choices),
        settings=make_settings(choices),
        watch=_make_watch(choices),
    )


def uninstall(names: Sequence[str], **choices: Unpack[Choices]) -> Report:
    """Remove distributions as one transaction; what they had shadowed comes back."""
    return engine.uninstall(
        _texts(names),
        requirement_files=_texts(choices.get("requirement_files", ())),
        target=make_target(choices),
        settings=make_settings(choices),
        watch=_make_watch(choices),
    )


def check_environment(**choices: Unpack[Choices]) -> Report:
    """Compare the environment with what is recorded of it; the report's `findings` are empty when all is well."""
    return engine.check(
        target=make_target(choices, reading=True),
        settings=make_settings(choices),
        watch=_make_watch(choices),
    )


def list_installed(**place: Unpack[Place]) -> Report:
    """Name the installed distributions (the report's `installed`)."""
    return engine.list_installed(target=make_target(place, reading=True))


def recover(*, forget: bool = False, **choices: Unpack[Choices]) -> Report:
    """Finish or undo what killed runs left; `forget` then removes lugnut's own directory from the environment."""
    return engine.recover(
        target=make_target(choices),
        settings=make_settings(choices),
        watch=_make_watch(choices),
        forget=forget,
    )


def cache_directory(cache_dir: str | os.PathLike[str] | None = None) -> str:
    """Give the directory of the cache, whether or not it exists."""
    return engine.cache_directory(_cached_in(cache_dir))


def clean_cache(cache_dir: str | os.PathLike[str] | None = None) -> int:
    """Remove every wheel from the store that no run is using; gives the bytes freed."""
    return engine.clean_cache(_cached_in(cache_dir))


def prune_cache(cache_dir: str | os.PathLike[str] | None = None) -> int:
    """Remove from the store what is damaged or has not been used for long; gives the bytes freed."""
    return engine.prune_cache(_cached_in(cache_dir))


def make_target(choices: Mapping[str, Any], *, reading: bool = False) -> Target:
    """Make the engine's target out of keywords, with this process's variables and working directory.

    Raises TypeError for a keyword that does not exist: `Unpack` is heeded by type checkers alone.
    """
    unknown = sorted(set(choices) - Choices.__optional_keys__)
    if unknown:
        raise TypeError(f"unexpected keyword argument {unknown[0]!r}")
    remembered = None if choices.get("no_cache", False) else cache_directory(choices.get("cache_dir"))
    return Target(
        python=_text(choices.get("python")),
        target=_text(choices.get("target")),
        prefix=_text(choices.get("prefix")),
        system=choices.get("system", False),
        break_system_packages=choices.get("break_system_packages", False),
        cache_dir=remembered,
        environ=os.environ,
        directory=os.getcwd(),
        reading=reading,
    )


def make_settings(choices: Mapping[str, Any]) -> Settings:
    """Make the engine's settings out of keywords; a word that is none of those allowed is a UsageError."""
    for field, words in ALLOWED.items():
        if field in choices and choices[field] not in words:
            raise UsageError(message=f"{field} cannot be {choices[field]!r}", hint=f"it is one of {', '.join(words)}")
    chosen: dict[str, Any] = {field: choices[field] for field in Settings._fields if field in choices}
    chosen["cache_dir"] = _text(choices.get("cache_dir"))
    chosen["find_links"] = _texts(choices.get("find_links", ()))
    chosen["overlay"] = {_normalised(name): rank for name, rank in choices.get("overlay", {}).items()}
    return Settings(**chosen)


def _make_watch(choices: Mapping[str, Any]) -> Watch:
    return Watch(choices.get("report", ignore), choices.get("cancelled", never))


def _normalised(name: str) -> Name:
    from packaging.utils import InvalidName, canonicalize_name

    try:
        return Name(canonicalize_name(name, validate=True))
    except InvalidName:
        raise UsageError(message=f"{name!r} is not a distribution's name", hint="write --overlay NAME") from None


def _cached_in(cache_dir: str | os.PathLike[str] | None) -> Settings:
    return Settings(cache_dir=_text(cache_dir))


def _text(path: str | os.PathLike[str] | None) -> str | None:
    return None if path is None else os.fspath(path)


def _texts(paths: Sequence[str | os.PathLike[str]]) -> tuple[str, ...]:
    if isinstance(paths, str):  # a lone string would be taken for its letters
        raise TypeError(f"a list of strings is wanted, not the string {paths!r}")
    return tuple(os.fspath(path) for path in paths)
