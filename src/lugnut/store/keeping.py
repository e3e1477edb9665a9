"""Takes entries out of the store while others use it: damaged ones aside, unused ones and dead runs' leftovers away.

Locks alone decide what may go: an entry whose use lock anybody holds stays; what lies in a temporary place goes only
under the lock of whoever fills it. No age and no pid is looked at (design, section 5).
"""

from __future__ import annotations

import contextlib
import stat
from collections.abc import Callable, Collection

from lugnut.distribution import WheelHash
from lugnut.store.aside import take_out
from lugnut.store.downloads import sweep_downloads
from lugnut.store.index import referred
from lugnut.store.place import (
    ASIDE,
    INDEX,
    LOCKS,
    TEMPORARY,
    Store,
    fill_lock,
    find_built_beside,
    in_words,
    is_hash,
    open_part,
    use_lock,
)
from lugnut.system import files, locks
from lugnut.typed import NamedTuple

_SMALL = 1_000


class _Use(NamedTuple):
    """What an entry takes up: bytes that go with it, and whether an environment links to any of its files."""

    size: int
    linked: bool


def prune(store: Store, keep: Collection[WheelHash] = ()) -> int:
    """Delete the entries that no environment links to, and what dead runs left; gives the bytes that became free.

    Entries in `keep` and entries somebody holds stay; so do wheels that were built, which nobody can fetch again.
    """
    freed = _remove(store, lambda wheel, use: wheel not in keep and not use.linked)
    _forget(store)
    return freed + sweep_downloads(store) + _remove_built(store, lambda _key, _use: False)


def clean(store: Store) -> int:
    """Delete every entry and every wheel that was built, but those that somebody holds; gives the bytes freed."""
    freed = _remove(store, lambda _wheel, _use: True)
    _forget(store)
    return freed + sweep_downloads(store) + _remove_built(store, lambda _key, _use: True)


def _remove_built(store: Store, wanted: Callable[[WheelHash, _Use], bool]) -> int:
    built = find_built_beside(store)
    return 0 if built is None else _remove(built, wanted)


def _remove(store: Store, wanted: Callable[[WheelHash, _Use], bool]) -> int:
    with in_words(store), contextlib.ExitStack() as stack:
        parts = [stack.enter_context(open_part(store, part)) for part in (LOCKS, TEMPORARY, ASIDE)]
        root = stack.enter_context(files.open_root(store.root))
        keeper = _Keeper(root, *parts)
        freed = keeper.sweep(keeper.temporary) + keeper.sweep(keeper.aside)
        for name in files.list_names(root):
            if is_hash(name):
                freed += keeper.remove(WheelHash(name), wanted)
    return freed


class _Keeper(NamedTuple):
    """The store's directories, open."""

    root: files.Directory
    locks: files.Directory
    temporary: files.Directory
    aside: files.Directory

    def sweep(self, place: files.Directory) -> int:
        """Delete what lies in one of the side directories and belongs to nobody alive."""
        freed = 0
        for name in files.list_names(place):
            wheel = WheelHash(name.partition(".")[0])
            with contextlib.ExitStack() as stack:
                if is_hash(wheel) and self._alone(wheel, stack):
                    freed += _measure(place, name).size
                    files.remove_tree(place, name)
        return freed

    def remove(self, wheel: WheelHash, wanted: Callable[[WheelHash, _Use], bool]) -> int:
        """Delete one entry if it is wanted and nobody fills or uses it."""
        with contextlib.ExitStack() as stack:
            if not self._alone(wheel, stack):
                return 0
            use = _measure(self.root, wheel)
            if not wanted(wheel, use):
                return 0
            files.remove_tree(self.temporary, wheel)  # a dead writer's: this one holds its lock
            if not take_out(self.root, wheel, self.temporary, wheel):
                return 0  # set aside by somebody just now
            files.remove_tree(self.temporary, wheel)
            return use.size

    def _alone(self, wheel: WheelHash, stack: contextlib.ExitStack) -> bool:
        """Take both locks of an entry, without waiting, for as long as the stack lasts."""
        for name in (fill_lock(wheel), use_lock(wheel)):
            held = locks.try_hold(self.locks, name)
            if held is None:
                return False
            stack.callback(held.close)
        return True


def _measure(place: files.Directory, name: str) -> _Use:
    """Add up a tree as it stands; what vanishes meanwhile does not count."""
    size, linked = 0, False
    try:
        with files.enter(place, name) as directory:
            for inner in files.list_names(directory):
                status = files.look(directory, inner)
                if status is not None and stat.S_ISDIR(status.st_mode):
                    use = _measure(directory, inner)
                    size, linked = size + use.size, linked or use.linked
                elif status is not None:
                    alone = status.st_nlink == 1
                    size, linked = size + status.st_size * alone, linked or not alone
    except OSError:
        return _Use(size, linked)
    return _Use(size, linked)


def _forget(store: Store) -> None:
    """Drop what the index says of entries that are gone."""
    with in_words(store), files.open_root(store.root) as root, open_part(store, INDEX) as index:
        for name in files.list_names(index):
            with contextlib.suppress(OSError):
                wheel = referred(files.read(index, name, _SMALL))
                if wheel is None or files.look(root, wheel) is None:
                    files.unlink(index, name)
