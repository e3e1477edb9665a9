"""The library behind `import lugnut`: the engine's acts with everything a caller can choose as keywords.

What only reads is in `reading`.

No function here prints, exits or keeps anything between two calls; each returns the report or the answer that the
command line prints with --json, and raises nothing but `lugnut.LugnutError` (and TypeError for a keyword that does not
exist).
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from lugnut import engine
from lugnut.keywords import (
    Choices,
    cached_in,
    in_words,
    lend_watch,
    make_settings,
    make_target,
    make_watch,
    read_texts,
)
from lugnut.settings import Report
from lugnut.typed import Unpack


def install(requests: Sequence[str | os.PathLike[str]], **choices: Unpack[Choices]) -> Report:
    """Install wheels by path, or distributions by requirement from `find_links`, as one transaction."""
    with in_words(), lend_watch(choices) as watch:
        return engine.install(
            read_texts(requests),
            requirement_files=read_texts(choices.get("requirement_files", ())),
            target=make_target(choices),
            settings=make_settings(choices),
            watch=watch,
        )


def sync(files: Sequence[str | os.PathLike[str]], **choices: Unpack[Choices]) -> Report:
    """Have exactly what a lock (PEP 751) or requirements files name; all else goes, but for the tools."""
    with in_words(), lend_watch(choices) as watch:
        return engine.sync(
            read_texts(files),
            target=make_target(choices),
            settings=make_settings(choices),
            watch=watch,
        )


def lock(requests: Sequence[str | os.PathLike[str]], **choices: Unpack[Choices]) -> Report:
    """Resolve what is asked for, whatever is installed, and write `output`, a lock (PEP 751)."""
    with in_words():
        return engine.lock(
            read_texts(requests),
            requirement_files=read_texts(choices.get("requirement_files", ())),
            target=make_target(choices, reading=True),
            settings=make_settings(choices),
            watch=make_watch(choices),
        )


def uninstall(names: Sequence[str], **choices: Unpack[Choices]) -> Report:
    """Remove distributions as one transaction; what they had shadowed comes back."""
    with in_words(), lend_watch(choices) as watch:
        return engine.uninstall(
            read_texts(names),
            requirement_files=read_texts(choices.get("requirement_files", ())),
            target=make_target(choices),
            settings=make_settings(choices),
            watch=watch,
        )


def check_environment(**choices: Unpack[Choices]) -> Report:
    """Compare the environment with what is recorded of it; the report's `findings` are empty when all is well."""
    with in_words():
        return engine.check(
            target=make_target(choices, reading=True),
            settings=make_settings(choices),
            watch=make_watch(choices),
        )


def recover(*, forget: bool = False, **choices: Unpack[Choices]) -> Report:
    """Finish or undo what killed runs left; `forget` then removes lugnut's own directory from the environment."""
    with in_words():
        return engine.recover(
            target=make_target(choices),
            settings=make_settings(choices),
            watch=make_watch(choices),
            forget=forget,
        )


def cache_directory(cache_dir: str | os.PathLike[str] | None = None) -> str:
    """Give the directory of the cache, whether or not it exists."""
    with in_words():
        return engine.cache_directory(cached_in(cache_dir))


def clean_cache(cache_dir: str | os.PathLike[str] | None = None) -> int:
    """Remove every wheel from the store that no run is using; gives the bytes freed."""
    with in_words():
        return engine.clean_cache(cached_in(cache_dir))


def prune_cache(cache_dir: str | os.PathLike[str] | None = None) -> int:
    """Remove from the store what is damaged or has not been used for long; gives the bytes freed."""
    with in_words():
        return engine.prune_cache(cached_in(cache_dir))
