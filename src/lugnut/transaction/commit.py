"""After the state has changed: show and settle what was committed, or withdraw what was not; then close.

Every step is idempotent: recovery does the very same, and may itself be killed.
"""

from __future__ import annotations

import contextlib
import errno

from lugnut.distribution import Name
from lugnut.events import SetAside
from lugnut.plan import FRESH, REMOVE, Action, Old, kept_name
from lugnut.system import files
from lugnut.transaction import content, journal
from lugnut.transaction.settle import Settler
from lugnut.transaction.site import Site, pass_stripes

_METADATA_LAST = ("RECORD",)


def finish(site: Site, transaction: journal.Transaction, *, durable: bool = False) -> None:
    """Carry out a committed transaction and close it."""
    pass_stripes(site)  # M1
    settler = Settler(site, transaction)
    for action in transaction.plan.actions:
        _show(site, transaction, action)
        for old in action.olds:
            if action.kind == REMOVE or (old.scheme, old.dist_info) != (action.scheme, action.dist_info):
                _hide(site, transaction, action.name, old)
    settler.settle(sorted(_removed(transaction), reverse=True))  # removals before creations, the deepest first
    settler.settle(sorted(_contested(site, transaction), key=_order))
    if durable:
        files.sync_volume(site.home)
    journal.close(transaction)


def abort(site: Site, transaction: journal.Transaction) -> None:
    """Withdraw everything an uncommitted transaction placed, and close it."""
    if transaction.state() == journal.OPEN:
        transaction.change(journal.OPEN, journal.ABORTED)
    settler = Settler(site, transaction)
    for action in transaction.plan.actions:
        if action.kind == FRESH:
            settler.settle([file.path for file in action.files])
            _remove_made(settler, transaction)
    journal.close(transaction)


def _remove_made(settler: Settler, transaction: journal.Transaction) -> None:
    made = set(transaction.plan.directories) | transaction.notes("made")
    for directory in sorted(made, key=len, reverse=True):
        settler.remove_empty(directory)


def _removed(transaction: journal.Transaction) -> set[str]:
    """Give the paths that an action's distribution had and has no more."""
    paths: set[str] = set()
    for action in transaction.plan.actions:
        had = {file.path for old in action.olds for file in old.files}
        paths |= had - {file.path for file in action.files}
    return paths


def _contested(site: Site, transaction: journal.Transaction) -> set[str]:
    """Give the paths whose content is still to be shown: changed ones, and those where a fresh wheel kept its own aside."""
    paths: set[str] = set()
    for action in transaction.plan.actions:
        if action.kind == FRESH:
            paths |= _kept_paths(site, action)
        else:
            paths |= set(action.changed)
    return paths


def _kept_paths(site: Site, action: Action) -> set[str]:
    try:
        with files.enter_path(site.home, f"kept/{action.name}") as place:
            kept = set(files.list_names(place))
    except FileNotFoundError:
        return set()
    return {file.path for file in action.files if kept_name(file.path, file) in kept}


def _order(path: str) -> tuple[int, str]:
    """Modules first, then .pth files, then scripts: whatever starts finds what it needs."""
    if path.endswith(".pth"):
        return 1, path
    return (2, path) if path.startswith("..") else (0, path)


# --- dist-infos --------------------------------------------------------------------------------------------------------


def _show(site: Site, transaction: journal.Transaction, action: Action) -> None:
    """Show a new dist-info by one rename; one of the same name is replaced file by file, RECORD last (TRAPS 17)."""
    if action.kind == REMOVE:
        return
    staged = f"{transaction.place}/staged/{action.dist_info}"
    if files.look(site.home, staged) is None:
        return  # shown by whoever was here before
    with files.make_directories(site.environment.schemes[action.scheme]) as root:
        if files.look(root, action.dist_info) is None:
            try:
                files.rename(site.home, staged, root, action.dist_info)
            except OSError as error:
                if error.errno not in {errno.EXDEV, errno.ENOTEMPTY, errno.EEXIST}:
                    raise
            else:
                return
        with files.enter(root, action.dist_info, create=True) as shown, files.enter_path(site.home, staged) as new:
            _replace_tree(transaction, new, shown)
            _drop_unnamed(site, transaction, action, shown)
    # what is staged stays until the close: half of it, left by a kill, would tell the next one to drop the other half


def _replace_tree(transaction: journal.Transaction, new: files.Directory, shown: files.Directory) -> None:
    for name in sorted(files.list_names(new), key=lambda name: (name in _METADATA_LAST, name)):
        here = files.look(new, name)
        if here is not None and (here.st_mode & 0o170000) == 0o040000:
            with files.enter(new, name) as inner, files.enter(shown, name, create=True) as target:
                _replace_tree(transaction, inner, target)
            continue
        # the staged file stays until all are shown, so that whoever finishes this after a kill finds it whole
        temporary = files.temporary_name(transaction.id)
        _copy_or_link(new, name, shown, temporary)
        files.rename(shown, temporary, shown, name)
        with contextlib.suppress(FileNotFoundError):
            files.unlink(shown, temporary)  # a rename between two names of one inode does nothing
    for name in files.list_names(shown):
        if name.startswith(f".lugnut-{transaction.id}-"):
            files.unlink(shown, name)


def _copy_or_link(source_dir: files.Directory, source: str, target_dir: files.Directory, target: str) -> None:
    try:
        files.link(source_dir, source, target_dir, target)
    except OSError:
        files.copy(source_dir, source, target_dir, target, clone=False)


def _drop_unnamed(site: Site, transaction: journal.Transaction, action: Action, shown: files.Directory) -> None:
    """Remove the files that the old RECORD named inside a dist-info of the same name and the new one does not."""
    with files.enter_path(site.home, f"{transaction.place}/staged/{action.dist_info}") as new:
        for old in action.olds:
            if old.dist_info == action.dist_info:
                for name in old.inside:
                    if files.look(new, name) is None:
                        with contextlib.suppress(OSError):
                            files.unlink(shown, name)
                        with contextlib.suppress(OSError):
                            _remove_above(shown, name)


def _remove_above(shown: files.Directory, name: str) -> None:
    """Remove the directories inside a dist-info that a file's removal has left empty; OSError where one is not."""
    while "/" in name:
        name = name.rpartition("/")[0]
        files.rmdir(shown, name)


def _hide(site: Site, transaction: journal.Transaction, name: Name, old: Old) -> None:
    """Hide an old dist-info by one rename into the transaction; what its RECORD did not name is set aside."""
    hidden = f"{transaction.place}/{journal.HIDDEN}"
    with contextlib.suppress(FileExistsError):
        files.mkdir(site.home, hidden)
    place = f"{hidden}/{old.scheme}-{old.dist_info}"
    try:
        with files.open_root(site.environment.schemes[old.scheme]) as root:
            if files.look(root, old.dist_info) is not None:
                try:
                    files.rename(root, old.dist_info, site.home, place)
                except OSError as error:
                    if error.errno != errno.EXDEV:
                        raise
                    _hide_by_files(root, old)  # TRAPS 24: overlay's lower layer, or platlib on another volume
    except FileNotFoundError:
        pass
    if files.look(site.home, place) is not None:
        _save_unnamed(site, transaction, name, old, place)


def _hide_by_files(root: files.Directory, old: Old) -> None:
    with files.enter(root, old.dist_info) as shown:
        for name in sorted(old.inside, key=lambda name: (name in _METADATA_LAST, name != "METADATA", name)):
            with contextlib.suppress(FileNotFoundError):
                files.unlink(shown, name)
    with contextlib.suppress(OSError):
        files.rmdir(root, old.dist_info)


def _save_unnamed(site: Site, transaction: journal.Transaction, name: Name, old: Old, place: str) -> None:
    named = set(old.inside)
    with files.enter_path(site.home, place) as hidden:
        for file in _list_files(hidden, ""):
            if file not in named and file.rpartition("/")[2] != "RECORD":
                aside = f"altered/{transaction.id}/{old.dist_info}"
                with files.enter_path(site.home, aside, create=True) as target:
                    flat = file.replace("/", "__")
                    content.set_beside(transaction.id, hidden, file, target, flat)
                    files.unlink(hidden, file)
                    site.report(SetAside(f"{old.dist_info}/{file}", f"{site.home.path}/{aside}/{flat}", name))


def _list_files(directory: files.Directory, below: str) -> list[str]:
    found = []
    for name in files.list_names(directory):
        status = files.look(directory, name)
        if status is not None and (status.st_mode & 0o170000) == 0o040000:
            with files.enter(directory, name) as inner:
                found += _list_files(inner, f"{below}{name}/")
        else:
            found.append(below + name)
    return found
