"""The part of the library that only reads: what is installed, in words and as a tree.

Apart from `library`, so that what installs need not load it, nor what reads the engine.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from lugnut.answers import DependencyTree, Frozen, Shown
from lugnut.environment import Environment
from lugnut.errors import UsageError
from lugnut.interpreter.asking import find_environment
from lugnut.inventory import listing
from lugnut.inventory.listing import Filter
from lugnut.inventory.show import show as describe
from lugnut.inventory.tree import DEEPEST, Shape, show_tree
from lugnut.keywords import Place, in_words, make_target, read_name, read_names, read_texts
from lugnut.settings import Report
from lugnut.typed import Any, Unpack


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
    with in_words():
        chosen = Filter(read_names("exclude", exclude), editable, exclude_editable)
        return listing.list_installed(_find_all(place, paths), chosen)


def freeze(
    *,
    exclude: Sequence[str] = (),
    exclude_editable: bool = False,
    paths: Sequence[str | os.PathLike[str]] = (),
    **place: Unpack[Place],
) -> Frozen:
    """Write what is installed as lines of a requirements file (the answer's `requirements`)."""
    with in_words():
        chosen = Filter(read_names("exclude", exclude), exclude_editable=exclude_editable)
        return listing.freeze(_find_all(place, paths), chosen)


def show(names: Sequence[str], *, files: bool = False, **place: Unpack[Place]) -> Shown:
    """Describe installed distributions, with their `files` if they are wished for.

    Names that are not installed are the answer's `missing`.
    """
    with in_words():
        wanted = [read_name("names", name) for name in read_texts(names)]
        return describe(find_environment(make_target(place, reading=True)), wanted, files=files)


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
    with in_words():
        shape = Shape(depth, read_names("packages", packages), read_names("prune", prune), invert, dedupe)
        return show_tree(find_environment(make_target(place, reading=True)), shape)


def _find_all(place: Mapping[str, Any], paths: Sequence[str | os.PathLike[str]]) -> list[Environment]:
    """Find the environment meant, or the directories in its place."""
    target = make_target(place, reading=True)
    places = [target._replace(target=path, prefix=None) for path in read_texts(paths)] or [target]
    return [find_environment(one) for one in places]
