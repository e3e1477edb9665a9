"""The door to disk: every link, rename, unlink, mkdir and write of the product goes through here.

Names are single components, relative to directory handles, and a handle is reached component by component without
following symlinks, so that no change leaves the tree it began in (G8, TRAPS 22 and 23). Callers write `files.link(...)`
and never import the function, so that one wrapper sees every call. OS errors pass through as OSError; callers word
them. What reads and writes bytes is in `contents`.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterator

from lugnut.system.batch import Batch, check_modes, make_directory
from lugnut.system.contents import (
    append,
    copy,
    create,
    digest,
    finish,
    publish,
    read,
    read_identified,
    read_start,
    replace,
    sync_file,
    temporary_name,
    write,
    write_all,
    write_pieces,
    write_whole,
)
from lugnut.system.directory import Closing, Directory
from lugnut.system.lockfiles import UNFINISHED, open_lock, open_lock_to_share
from lugnut.system.native import machine, native
from lugnut.typed import TypeVar

__all__ = [
    "BLANK", "TELLS_MOUNTS", "UNFINISHED", "Batch", "Closing", "Directory", "append", "cache_home", "cannot_link",
    "check_modes",
    "copy", "create", "digest", "enter", "enter_path", "finish", "folds_case", "folds_forms", "insist", "is_passing",
    "lend_directory", "link", "list_names", "lists_late", "look", "make_directories", "make_directory", "mkdir",
    "movable", "open_lock", "open_lock_to_share", "open_root", "pass_on", "publish", "read", "read_identified",
    "read_start", "refresh", "remove_tree", "rename", "replace", "rmdir", "same_volume", "share_mode", "symlink",
    "sync", "sync_file", "sync_volume", "temporary_name", "touch", "unlink", "write", "write_all", "write_pieces",
    "write_whole",
]  # fmt: skip

# The hot path: 50,000 calls an install, so each is the system's own function with nothing in between.
link = native.link
rename = native.rename
unlink = native.unlink
rmdir = native.rmdir
mkdir = native.mkdir
look = native.look
movable = native.movable
list_names = native.list_names
lists_late = native.lists_late
cache_home = machine.cache_home
open_root = native.open_root
share_mode = native.share_mode
symlink = native.symlink
sync = native.sync
sync_volume = native.sync_volume
touch = native.touch
TELLS_MOUNTS = native.TELLS_MOUNTS
"""How a file system is mounted is told by the system, options and all."""

T = TypeVar("T")
_PASSING = {errno.EIO, errno.ESTALE, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EINTR, errno.ETIMEDOUT}
_REFUSED = {errno.EACCES, errno.EPERM, errno.EROFS}
_NO_LINK = {errno.EXDEV, errno.EMLINK, errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}
_PROBE = ".lugnut-token"
_FORMS = "_caf\u00e9", "_cafe\u0301"
"""One name in two normal forms; no distribution has one that begins so."""
BLANK = b"\0 \t\r\n"
"""Bytes that say nothing: a power cut leaves none of a file, or zeros (TRAPS 19)."""
_TRIES = 100
"""How often others may remove what was just made, or add to what is being removed, before it is an error."""


def enter(parent: Directory, name: str, *, create: bool = False, shared: bool = False) -> Directory:
    """Open the directory `name` in `parent`; a symlink or a file there is an OSError (ENOTDIR or ELOOP).

    With `create` a missing one is made, under the umask, whoever else makes or removes it at the same time (TRAPS 20);
    with `shared` too it gets its parent's group and permission to write (TRAPS 13). FileNotFoundError then means that
    `parent` itself was removed.
    """
    if not native.is_component(name):
        raise OSError(errno.EINVAL, "not the name of one directory", f"{parent.path}/{name}")
    for _ in range(_TRIES):
        try:
            return native.enter(parent, name)
        except FileNotFoundError:
            if not create:
                raise
        try:
            native.mkdir(parent, name)
        except FileExistsError:
            continue
        if shared:
            _share(parent, name)
    return native.enter(parent, name)


def _share(parent: Directory, name: str) -> None:
    with contextlib.suppress(FileNotFoundError), native.enter(parent, name) as made:
        native.share_directory(parent, made)


def enter_path(parent: Directory, path: str, *, create: bool = False) -> Directory:
    """Open a directory several components (`a/b/c`) below `parent`, none of them a symlink.

    With `create` missing ones are made, and shared as `enter` says.
    """
    first, *below = path.split("/")
    opened = enter(parent, first, create=create, shared=create)
    for name in below:
        with opened as above:
            opened = enter(above, name, create=create, shared=create)
    return opened


def make_directories(path: str) -> Directory:
    """Open an absolute directory that the caller trusts, made with its parents where it is missing."""
    for _ in range(_TRIES):
        with contextlib.suppress(FileNotFoundError):  # removed under us: TRAPS 20
            os.makedirs(path, exist_ok=True)
            return open_root(path)
    return open_root(path)


def refresh(directory: Directory) -> None:
    """Make and remove a token, so that what is listed next is what stands there (TRAPS 26)."""
    with contextlib.suppress(FileExistsError):
        write(directory, _PROBE, b"")
    with contextlib.suppress(FileNotFoundError):
        unlink(directory, _PROBE)


def remove_tree(directory: Directory, name: str) -> None:
    """Remove a file or a whole tree, never through a symlink, while others may be removing it too."""
    for _ in range(_TRIES):
        found = look(directory, name)
        if found is None:
            return
        try:
            _remove(directory, name, found)
        except FileNotFoundError:
            continue  # somebody else was faster
        except OSError as error:
            if error.errno not in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR, errno.EISDIR}:
                raise
        else:
            return
    _remove(directory, name, native.status(directory))


def _remove(directory: Directory, name: str, found: os.stat_result) -> None:
    if not stat.S_ISDIR(found.st_mode):
        unlink(directory, name)
        return
    with enter(directory, name) as inner:
        for entry in list_names(inner):
            remove_tree(inner, entry)
    rmdir(directory, name)


@contextlib.contextmanager
def lend_directory() -> Iterator[str]:
    """Lend a directory of this process's own where the system has such; it is removed at the end."""
    import tempfile

    path = tempfile.mkdtemp(prefix="lugnut-")
    try:
        yield path
    finally:
        above, name = os.path.split(path)
        with contextlib.suppress(OSError), open_root(above) as directory:
            remove_tree(directory, name)


def pass_on(error: OSError) -> None:
    """Raise an error that is not about what stands there, but about the moment, the medium, or who may read it.

    Whoever cannot read something must not take it for what has nothing to say.
    """
    if error.errno not in native.FACTS:
        raise error


def is_passing(error: OSError) -> bool:
    """Say whether an error is of the moment or the medium: neither what stands there nor who asks is to blame."""
    return error.errno in _PASSING


def insist(act: Callable[[], T]) -> T:
    """Do something, and once more where it was refused: what is refused twice is taken for refused for good."""
    try:
        return act()
    except OSError as error:
        if error.errno not in _REFUSED:
            raise
    return act()


def cannot_link(error: OSError) -> bool:
    """Say whether a link or an exclusive rename is not to be had here, whatever stands at the target (TRAPS 24, 25)."""
    return error.errno in _NO_LINK


def same_volume(first: Directory, second: Directory) -> bool:
    """Say whether two directories report one device; a link between them may still fail (TRAPS 24)."""
    return native.status(first).st_dev == native.status(second).st_dev


def folds_case(directory: Directory) -> bool:
    """Say whether names that differ in case are one name in this directory.

    A name that stands there tells without writing anything; else one is tried. False where nothing may be written.
    """
    names = list_names(directory)
    for name in names:
        other = name.swapcase()
        if other != name and other not in names:
            return look(directory, other) is not None
    return _answers_to(directory, temporary_name("Case"), str.swapcase) or False


def folds_forms(directory: Directory) -> bool:
    """Say whether two normal forms of a name are one name in this directory, by one that is made and stays there.

    It never goes again, so that all who ask hear the same, whoever else asks or clears up at that moment. Two names
    that are listed are two: a copy brought one of them from elsewhere. OSError where it does not stand and none may be
    made.
    """
    composed, decomposed = (os.fsdecode(name.encode()) for name in _FORMS)  # whatever the locale's own encoding is
    if look(directory, composed) is None:
        with contextlib.suppress(FileExistsError):
            os.close(create(directory, composed))
    return look(directory, decomposed) is not None and not {composed, decomposed}.issubset(list_names(directory))


def _answers_to(directory: Directory, name: str, respell: Callable[[str], str]) -> bool | None:
    """Make a file and say whether it is found by another spelling of its name; None where none may be made."""
    try:
        os.close(create(directory, name))
    except OSError:
        return None
    try:
        return look(directory, respell(name)) is not None
    finally:
        with contextlib.suppress(FileNotFoundError):  # swept away as a dead run's
            unlink(directory, name)
