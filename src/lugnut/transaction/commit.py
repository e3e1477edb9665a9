"""After the state has changed: show and settle what was committed, or withdraw what was not; then close.

Every step is idempotent: recovery does the very same, and may itself be killed.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import stat
from collections.abc import Callable

from lugnut.distribution import Name
from lugnut.environment import Environment, folding, same
from lugnut.events import SetAside
from lugnut.plan import FRESH, REMOVE, Action, Old, kept_name
from lugnut.system import files
from lugnut.transaction import content, journal
from lugnut.transaction.settle import Settler
from lugnut.transaction.site import Site, pass_stripes
from lugnut.transaction.spelling import spell_directories
from lugnut.transaction.tree import split

Settled = Callable[[journal.Transaction], bool]
"""Done once a transaction is carried out, before it closes; False where it may have left temporary names."""


def rest(_: journal.Transaction) -> bool:
    """Do nothing more."""
    return True


def finish(
    site: Site,
    transaction: journal.Transaction,
    *,
    durable: bool = False,
    dead: bool = False,
    settled: Settled = rest,
) -> None:
    """Carry out a committed transaction and close it; of a `dead` one others may have carried out a part."""
    site.guard()
    pass_stripes(site)  # M1
    settler = Settler(site, transaction)
    for action in transaction.plan.actions:
        if action.kind != REMOVE:
            _show(site, transaction, action)
        for old in action.olds:
            if action.kind == REMOVE or not _stays(site, action, old):
                _hide(site, transaction, action.name, old)
    settler.settle(sorted(_removed(transaction), reverse=True))  # removals before creations, the deepest first
    contested = sorted(_contested(site, transaction), key=_order)
    for _, paths in itertools.groupby(contested, lambda path: _order(path)[0]):
        settler.settle(list(paths))
    if site.environment.folds_case:
        spell_directories(site, transaction)
    if not settled(transaction) or dead:
        _sweep(settler, transaction)
    if durable:
        sync_volumes(site.environment)
    site.timing.phase("close")
    journal.close(transaction)


def _sweep(settler: Settler, transaction: journal.Transaction) -> None:
    touched = [path for action in transaction.plan.actions for path in action.files.paths]
    settler.sweep(sorted({split(path)[0] for path in touched}))
    settler.sweep_caches(sorted({split(path)[0] for path in touched if path.endswith(".py")}))


def sync_volumes(environment: Environment) -> None:
    """Write every volume to disk that may have been written to (TRAPS 19)."""
    for directory in sorted(set(environment.schemes.values())):
        with contextlib.suppress(FileNotFoundError), files.open_root(directory) as opened:
            files.sync_volume(opened)


def abort(site: Site, transaction: journal.Transaction) -> None:
    """Withdraw everything an uncommitted transaction placed, and close it; a committed one is left to be finished."""
    state = transaction.state()
    if state == journal.COMMITTED:  # what called it off came in the very moment of the commit
        return
    if state == journal.OPEN:
        transaction.change(journal.OPEN, journal.ABORTED)
    with contextlib.suppress(OSError), transaction.lend_place() as place:
        files.remove_tree(place, "staged")  # of use to a commit alone; where all is full the stripes' locks need room
    settler = Settler(site, transaction)
    fresh = [action for action in transaction.plan.actions if action.kind == FRESH]
    for action in fresh:
        settler.settle(list(action.files.paths))
    if fresh:
        _remove_made(settler, transaction)
    journal.close(transaction)


def _remove_made(settler: Settler, transaction: journal.Transaction) -> None:
    settler.remove_empty(set(transaction.plan.directories) | transaction.notes("made"))


def _removed(transaction: journal.Transaction) -> set[str]:
    """Give the paths that an action's distribution had and has no more."""
    paths: set[str] = set()
    for action in transaction.plan.actions:
        had = {file.path for old in action.olds for file in old.files}
        paths |= had - action.files.unordered if had else had
    return paths


def _contested(site: Site, transaction: journal.Transaction) -> set[str]:
    """Give the paths still to be shown: changed ones, and those where a fresh wheel kept its own content aside."""
    paths: set[str] = set()
    for action in transaction.plan.actions:
        if action.kind == FRESH:
            paths |= _kept_paths(site, action)
        else:
            paths |= set(action.changed)
    return paths


def _kept_paths(site: Site, action: Action) -> set[str]:
    site.refresh_kept([action.name])
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


# --- dist-infos -------------------------------------------------------------------------------------------------------


def _show(site: Site, transaction: journal.Transaction, action: Action) -> None:
    """Show a new dist-info by one rename; one of the same name is replaced file by file, RECORD last (TRAPS 17)."""
    staged = f"{transaction.place}/staged/{action.dist_info}"
    if files.look(site.home, staged) is None:
        return  # shown by whoever was here before
    with _open_scheme(site.environment.schemes[action.scheme]) as root:
        if files.look(root, action.dist_info) is None:
            try:
                files.rename(site.home, staged, root, action.dist_info)
            except OSError as error:
                if error.errno not in {errno.EXDEV, errno.ENOTEMPTY, errno.EEXIST}:
                    raise
            else:
                return
        with files.enter(root, action.dist_info, create=True) as shown, files.enter_path(site.home, staged) as new:
            _replace_tree(transaction, new, shown, _is_last(site))
            _drop_unnamed(site, transaction, action, shown)
    # what is staged stays until the close: half of it, left by a kill, would tell the next one to drop the other half


def _stays(site: Site, action: Action, old: Old) -> bool:
    """Say whether an old dist-info stands where the new one goes: by one name, or by two that the file system folds."""
    return old.scheme == action.scheme and same(site.environment, old.dist_info, action.dist_info)


def _open_scheme(directory: str) -> files.Directory:
    """Open a scheme's directory, which most likely stands."""
    try:
        return files.open_root(directory)
    except FileNotFoundError:
        return files.make_directories(directory)


def _is_last(site: Site) -> Callable[[str], bool]:
    """Tell RECORD by its name; `record` is another file but where the file system folds names."""
    fold = folding(site.environment)
    return lambda name: fold(name) == fold("RECORD")


def _replace_tree(
    transaction: journal.Transaction, new: files.Directory, shown: files.Directory, is_last: Callable[[str], bool]
) -> None:
    for name in sorted(files.list_names(new), key=lambda name: (is_last(name), name)):
        here = files.look(new, name)
        if here is not None and stat.S_ISDIR(here.st_mode):
            with files.enter(new, name) as inner, files.enter(shown, name, create=True) as target:
                _replace_tree(transaction, inner, target, is_last)
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
            if _stays(site, action, old):
                for name in old.inside:
                    if files.look(new, name) is None:
                        with contextlib.suppress(OSError):
                            _remove_inside(shown, name)


def _remove_inside(shown: files.Directory, name: str) -> None:
    """Remove a file of a dist-info and the directories in it that this leaves empty; OSError where one is not.

    Never through a symlink, though RECORD may name a file behind one (TRAPS 22).
    """
    above, _, base = name.rpartition("/")
    if not above:
        files.unlink(shown, base)
        return
    with contextlib.suppress(FileNotFoundError), files.enter_path(shown, above) as inner:
        files.unlink(inner, base)
    while above:
        files.rmdir(shown, above)
        above = above.rpartition("/")[0]


def _hide(site: Site, transaction: journal.Transaction, name: Name, old: Old) -> None:
    """Hide an old dist-info by one rename into the transaction; what its RECORD did not name is set aside."""
    site.guard()  # what stands there under that name may be a later run's by now
    hidden = f"{transaction.place}/{journal.HIDDEN}"
    try:
        with transaction.lend_place() as own:
            files.enter(own, journal.HIDDEN, create=True, shared=True).close()
    except FileNotFoundError:  # closed by another run: what is shown under this name may be a later one's (TRAPS 9)
        raise journal.Vanished from None
    place = f"{hidden}/{old.scheme}-{old.dist_info}"
    try:
        with files.open_root(site.environment.schemes[old.scheme]) as root:
            if files.look(root, old.dist_info) is not None:
                try:
                    files.rename(root, old.dist_info, site.home, place)
                except OSError as error:
                    if error.errno != errno.EXDEV:
                        raise
                    # TRAPS 24: overlay's lower layer, or platlib on another volume
                    with files.enter(root, old.dist_info) as shown:
                        _empty(site, transaction, name, old, shown)
                    files.rmdir(root, old.dist_info)
    except FileNotFoundError:
        pass
    if files.look(site.home, place) is not None:
        with files.enter_path(site.home, place) as moved:
            _save_unnamed(site, transaction, name, old, moved)


def _empty(site: Site, transaction: journal.Transaction, name: Name, old: Old, shown: files.Directory) -> None:
    """Empty a dist-info that cannot be renamed, METADATA first and RECORD last."""
    is_last = _is_last(site)
    for file in sorted(old.inside, key=lambda file: (file != "METADATA", file)):
        if not is_last(file):
            with contextlib.suppress(OSError):
                _remove_inside(shown, file)
    _save_unnamed(site, transaction, name, old, shown)
    for file in sorted(files.list_names(shown), key=is_last):
        files.remove_tree(shown, file)


def _save_unnamed(site: Site, transaction: journal.Transaction, name: Name, old: Old, hidden: files.Directory) -> None:
    """Set aside what a dist-info that goes holds and its RECORD does not name."""
    fold, is_last = folding(site.environment), _is_last(site)
    named = set(map(fold, old.inside))
    for file in _list_files(hidden, ""):
        if fold(file) not in named and not is_last(file):
            aside = f"altered/{transaction.id}/{old.dist_info}"
            with journal.make_place(site.home, aside) as target:
                flat = file.replace("/", "__")
                content.set_beside(transaction.lend_place, hidden, file, target, flat)
                files.unlink(hidden, file)
                site.report(SetAside(f"{old.dist_info}/{file}", f"{site.home.path}/{aside}/{flat}", name))


def _list_files(directory: files.Directory, below: str) -> list[str]:
    found = []
    for name in files.list_names(directory):
        status = files.look(directory, name)
        if status is not None and stat.S_ISDIR(status.st_mode):
            with files.enter(directory, name) as inner:
                found += _list_files(inner, f"{below}{name}/")
        else:
            found.append(below + name)
    return found
