"""Of what is installed and changes: which paths have to be staged and settled, and what bars the way of the change.

A path whose bytes stay is left alone if what stands there, or is kept, is what it should be; missing or altered is
changed.
"""

from __future__ import annotations

import stat

from lugnut.columns import File
from lugnut.distribution import RelativePath
from lugnut.environment import folding
from lugnut.errors import FileInTheWay, OutsideEnvironment
from lugnut.plan import Action, Old, kept_name
from lugnut.system import files
from lugnut.transaction import content
from lugnut.transaction.look import Look, find_unclaimed, reach
from lugnut.transaction.place import in_the_way
from lugnut.transaction.site import Site
from lugnut.transaction.tree import group, split


def find_changed(look: Look, action: Action) -> tuple[RelativePath, ...]:
    """Find the paths of a change that have to be staged and settled."""
    fold = folding(look.site.environment)
    before = {fold(file.path): file for old in action.olds for file in old.files}
    changed = []
    for file in action.files:
        old = before.get(fold(file.path))
        if old is None:
            _judge_new(look, action, file)
        if old is None or action.reranked or _differs(old, file) or not _stands(look.site, action, file):
            changed.append(file.path)
    return tuple(changed)


def _differs(old: File, new: File) -> bool:
    """Say whether a file is to be another: its bytes, or its execute bit, by which what is kept of a loser goes (G4).

    Or the spelling of its name, where the file system folds names.
    """
    return old.digest != new.digest or bool(old.executable) != bool(new.executable) or old.path != new.path


def check_way(site: Site, action: Action) -> None:
    """Refuse, before anything is published, what could not be replaced or removed after the commit."""
    for old in action.olds:
        _check_info(site, action, old)
    after = action.files.unordered
    gone = {file.path for old in action.olds for file in old.files} - after
    for directory, names in group(sorted(gone | set(action.changed))).items():
        below = f"{directory}/" if directory else ""
        try:
            opened = reach(site, action, directory)
        except (OutsideEnvironment, FileInTheWay):
            if any(below + name in after for name in names):
                raise
            continue  # TRAPS 22: what lies behind a symlink is left alone
        if opened is not None:
            _check_directory(action, opened, below, names)


def _check_directory(action: Action, opened: files.Directory, below: str, names: list[str]) -> None:
    after = action.files.unordered
    if (not after or after.isdisjoint(below + name for name in names)) and files.movable(opened, *names):
        return
    here = {name: status for name in names if (status := files.look(opened, name)) is not None}
    for name, status in here.items():
        path = below + name
        if stat.S_ISDIR(status.st_mode) and path in after and not _judged(action, path):
            raise in_the_way(path, action.name, "a directory", forcible=False)
    if here and not files.movable(opened, *here):
        first = next((name for name in here if not files.movable(opened, name)), next(iter(here)))
        raise in_the_way(below + first, action.name, "a file that may not be replaced or removed", forcible=False)


def _check_info(site: Site, action: Action, old: Old) -> None:
    """Refuse a dist-info that this user could neither hide nor change (a directory moves only if it may be written)."""
    with files.open_root(site.environment.schemes[old.scheme]) as root:
        if files.look(root, old.dist_info) is None:
            return
        with files.enter(root, old.dist_info) as shown:
            if files.movable(root, old.dist_info) and files.movable(shown, "RECORD"):
                return
    raise FileInTheWay(
        path=old.dist_info,
        name=action.name,
        what="a directory that may not be changed",
        hint="ask its owner to remove it or to give permission to write",
    )


def _judged(action: Action, path: str) -> bool:
    """Say whether a path is new to its distribution: then what stands there has been looked into."""
    return all(path != file.path for old in action.olds for file in old.files)


def _judge_new(look: Look, action: Action, file: File) -> None:
    """Refuse a new path of a change where something unclaimed stands."""
    site = look.site
    directory, name = split(file.path)
    opened = reach(site, action, directory)
    here = None if opened is None else site.reader.show(opened, name)
    if here is None or content.matches(here, file):
        return
    if here.directory:
        before = {folding(site.environment)(old.path) for one in action.olds for old in one.files}
        if not _only_ours(site, file.path, before):
            raise in_the_way(file.path, action.name, "a directory", forcible=False)
        return
    if name not in find_unclaimed(site, directory, [name], action.name):
        return
    if not look.force:
        raise in_the_way(file.path, action.name, "a file that no installed distribution names", forcible=True)
    look.forced.append(file.path)


def _only_ours(site: Site, directory: str, before: set[str]) -> bool:
    """Say whether a directory holds nothing but files this action removes (their keys), and their bytecode."""
    opened, fold = site.tree.directory(directory), folding(site.environment)
    for name in [] if opened is None else files.list_names(opened):
        path = f"{directory}/{name}"
        here = site.reader.show(opened, name) if opened is not None else None
        if here is not None and here.directory:
            if not (_only_bytecode(site, path, before) if name == "__pycache__" else _only_ours(site, path, before)):
                return False
        elif fold(path) not in before:
            return False
    return True


def _only_bytecode(site: Site, directory: str, before: set[str]) -> bool:
    """Say whether all bytecode in a directory is of sources that this action removes, and so goes with them."""
    opened, fold = site.tree.directory(directory), folding(site.environment)
    sources = directory.removesuffix("__pycache__")
    return all(
        fold(f"{directory}/{name}") in before or fold(f"{sources}{name.partition('.')[0]}.py") in before
        for name in ([] if opened is None else files.list_names(opened))
    )


def _stands(site: Site, action: Action, file: File) -> bool:
    """Say whether a path shows, or keeps for its distribution, what it should."""
    directory, name = split(file.path)
    opened = reach(site, action, directory)
    if opened is None:
        return False
    here = site.reader.show(opened, name)
    if here is not None and content.matches(here, file):
        return True
    kept = site.reader.show(site.home, f"kept/{action.name}/{kept_name(file.path, file)}")
    return kept is not None and content.matches(kept, file)
