"""The library behind `import lugnut`: the engine's acts with everything a caller can choose as keywords.

No function here prints, exits or keeps anything between two calls; each returns the report or the answer that the
command line prints with --json, and raises nothing but `lugnut.LugnutError` (and TypeError for a keyword that does not
exist).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence

from lugnut import engine
from lugnut.answers import DependencyTree, Frozen, Shown
from lugnut.errors import CannotRead, UsageError
from lugnut.inventory.listing import Filter
from lugnut.inventory.tree import DEEPEST, Shape
from lugnut.keywords import (
    Choices,
    Place,
    cached_in,
    make_settings,
    make_target,
    make_watch,
    read_name,
    read_names,
    read_texts,
)
from lugnut.settings import Report
from lugnut.typed import Unpack


def install(requests: Sequence[str | os.PathLike[str]], **choices: Unpack[Choices]) -> Report:
    """Install wheels by path, or distributions by requirement from `find_links`, as one transaction."""
    with _in_words():
        return engine.install(
            read_texts(requests),
            requirement_files=read_texts(choices.get("requirement_files", ())),
            target=make_target(choices),
            settings=make_settings(choices),
            watch=make_watch(choices),
        )


def sync(files: Sequence[str | os.PathLike[str]], **choices: Unpack[Choices]) -> Report:
    """Have exactly what a lock (PEP 751) or requirements files name; all else goes, but for the tools."""
    with _in_words():
        return engine.sync(
            read_texts(files),
            target=make_target(choices),
            settings=make_settings(choices),
            watch=make_watch(choices),
        )


def lock(requests: Sequence[str | os.PathLike[str]], **choices: Unpack[Choices]) -> Report:
    """Resolve what is asked for, whatever is installed, and write `output`, a lock (PEP 751)."""
    with _in_words():
        return engine.lock(
            read_texts(requests),
            requirement_files=read_texts(choices.get("requirement_files", ())),
            target=make_target(choices, reading=True),
            settings=make_settings(choices),
            watch=make_watch(choices),
        )


def uninstall(names: Sequence[str], **choices: Unpack[Choices]) -> Report:
    """Remove distributions as one transaction; what they had shadowed comes back."""
    with _in_words():
        return engine.uninstall(
            read_texts(names),
            requirement_files=read_texts(choices.get("requirement_files", ())),
            target=make_target(choices),
            settings=make_settings(choices),
            watch=make_watch(choices),
        )


def check_environment(**choices: Unpack[Choices]) -> Report:
    """Compare the environment with what is recorded of it; the report's `findings` are empty when all is well."""
    with _in_words():
        return engine.check(
            target=make_target(choices, reading=True),
            settings=make_settings(choices),
            watch=make_watch(choices),
        )


def list_installed(
    *,
    exclude: Sequence[str] = (),
    editable: bool = False,
    exclude_editable: bool = False,
    paths: Sequence[str | os.PathLike[str]] = (),
    **place: Unpack[Place],
) -> Report:
    """Name the installed distributions (the report's `installed`), or those in `paths` in place of the environment's.

    `editable` gives editable installs alone, `exclude_editable` all others.
    """
    with _in_words():
        chosen = Filter(read_names("exclude", exclude), editable, exclude_editable)
        return engine.list_installed(target=make_target(place, reading=True), paths=read_texts(paths), chosen=chosen)


def freeze(
    *,
    exclude: Sequence[str] = (),
    exclude_editable: bool = False,
    paths: Sequence[str | os.PathLike[str]] = (),
    **place: Unpack[Place],
) -> Frozen:
    """Write what is installed as lines of a requirements file (the answer's `requirements`)."""
    with _in_words():
        chosen = Filter(read_names("exclude", exclude), exclude_editable=exclude_editable)
        return engine.freeze(target=make_target(place, reading=True), paths=read_texts(paths), chosen=chosen)


def show(names: Sequence[str], *, files: bool = False, **place: Unpack[Place]) -> Shown:
    """Describe installed distributions, with their `files` if they are wished for.

    Names that are not installed are the answer's `missing`.
    """
    with _in_words():
        wanted = [read_name("names", name) for name in read_texts(names)]
        return engine.show(wanted, target=make_target(place, reading=True), files=files)


def tree(
    *,
    depth: int = DEEPEST,
    packages: Sequence[str] = (),
    prune: Sequence[str] = (),
    invert: bool = False,
    dedupe: bool = True,
    **place: Unpack[Place],
) -> DependencyTree:
    """Give the tree of who needs whom (the answer's `roots`), `depth` levels below its roots.

    `packages` are the only ones shown, with what hangs from them; `prune` are left out, with what hangs from them
    alone. `invert` leads from what is needed to what needs it; without `dedupe` repeated branches are shown again.
    """
    if not 0 <= depth <= DEEPEST:
        raise UsageError(message=f"depth cannot be {depth!r}", hint=f"it is a number from 0 to {DEEPEST}")
    with _in_words():
        shape = Shape(depth, read_names("packages", packages), read_names("prune", prune), invert, dedupe)
        return engine.tree(target=make_target(place, reading=True), shape=shape)


def recover(*, forget: bool = False, **choices: Unpack[Choices]) -> Report:
    """Finish or undo what killed runs left; `forget` then removes lugnut's own directory from the environment."""
    with _in_words():
        return engine.recover(
            target=make_target(choices),
            settings=make_settings(choices),
            watch=make_watch(choices),
            forget=forget,
        )


def cache_directory(cache_dir: str | os.PathLike[str] | None = None) -> str:
    """Give the directory of the cache, whether or not it exists."""
    with _in_words():
        return engine.cache_directory(cached_in(cache_dir))


def clean_cache(cache_dir: str | os.PathLike[str] | None = None) -> int:
    """Remove every wheel from the store that no run is using; gives the bytes freed."""
    with _in_words():
        return engine.clean_cache(cached_in(cache_dir))


def prune_cache(cache_dir: str | os.PathLike[str] | None = None) -> int:
    """Remove from the store what is damaged or has not been used for long; gives the bytes freed."""
    with _in_words():
        return engine.prune_cache(cached_in(cache_dir))


@contextlib.contextmanager
def _in_words() -> Iterator[None]:
    """Say in a sentence what the system refuses outside a transaction, which has its own words."""
    try:
        yield
    except OSError as error:
        raise CannotRead(path=error.filename or "the environment", reason=error.strerror or str(error)) from error
