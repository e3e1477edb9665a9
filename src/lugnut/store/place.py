"""Where the store keeps what: its directories, its locks, and an entry's parts.

    <cache>/store/format          version of this layout
    <cache>/store/<sha256>/       one wheel: manifest, stamp, tree/; appears whole, never changes
    <cache>/store/locks/          <sha256>.lock held to fill an entry, <sha256>.use held shared to keep it from pruning,
                                  <hash>.turn held to admit one set of wheels, <key>.fetch held to download
    <cache>/store/index/          which file at which path had which hash
    <cache>/store/temporary/      entries being unpacked, under the wheel's hash; whoever holds its lock may sweep it
    <cache>/store/aside/          damaged entries, until nobody holds them
    <cache>/store/downloads/      files on their way here, and sources; see `downloads`

    <cache>/built/                wheels that were built of sources, under other keys and in the same way: `building`

Filling and using have a lock each: a run that must fill an entry again never waits for a run that uses another copy.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator, Sequence

from lugnut.distribution import WheelHash
from lugnut.errors import CannotWrite, NewerFormat
from lugnut.system import files, locks
from lugnut.typed import NamedTuple

FORMAT = 1
MANIFEST, STAMP, TREE = "manifest", "stamp", "tree"
BUILT = "built"
LOCKS, INDEX, TEMPORARY, ASIDE = "locks", "index", "temporary", "aside"
_HEX = frozenset("0123456789abcdef")
_HASH_LENGTH = 64
_PATIENCE = 300.0


class Store(NamedTuple):
    """The unpacked wheels under one cache directory; `root` is an absolute path."""

    root: str


def find_cache(cache_dir: str | None) -> str:
    """Give the directory of the cache, absolute, whether or not it stands: the one named, or the user's."""
    return os.path.abspath(cache_dir) if cache_dir is not None else os.path.join(files.cache_home(), "lugnut")


def open_store(cache_dir: str) -> Store:
    """Give the store in a cache directory, made if it is not there; raises NewerFormat and CannotWrite."""
    return _open(os.path.join(os.path.abspath(cache_dir), "store"))


def open_built(cache_dir: str) -> Store:
    """Give the place of built wheels in a cache directory, laid out and locked as the store is; as `open_store`."""
    return _open(os.path.join(os.path.abspath(cache_dir), BUILT))


def find_built_beside(store: Store) -> Store | None:
    """Give the place of built wheels in the store's own cache directory, if there is one."""
    root = os.path.join(os.path.dirname(store.root), BUILT)
    return Store(root) if os.path.isdir(root) else None


def _open(root: str) -> Store:
    try:
        found = _read_format(root)
        if found is None:
            _create(root)
            found = _read_format(root)
    except OSError as error:
        raise CannotWrite(path=root, reason=error.strerror or str(error)) from None
    if found != FORMAT:
        raise NewerFormat(path=os.path.join(root, "format"), found=found, known=FORMAT)
    return Store(root)


def _read_format(root: str) -> int | str | None:
    """Read it; None where there is none, or a power cut left it blank (TRAPS 19)."""
    try:
        with files.open_root(root) as directory:
            text = files.read(directory, "format", 100).strip(files.BLANK).decode("ascii", "replace")
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not text:
        return None
    return int(text) if text.isdigit() else text


def _create(root: str) -> None:
    with files.make_directories(root) as store:
        for name in (LOCKS, INDEX, TEMPORARY, ASIDE):
            files.enter(store, name, create=True).close()
        files.replace(store, "format", b"%d\n" % FORMAT)  # last: with it the store is complete


def open_part(store: Store, part: str) -> files.Directory:
    """Open one of the store's own directories, made again where somebody deleted it, or an entry by its hash."""
    path = os.path.join(store.root, part)
    try:
        return files.open_root(path)
    except FileNotFoundError:
        if is_hash(part):
            raise
        return files.make_directories(path)


def open_locks(store: Store) -> files.Directory:
    """Open the directory of the store's locks; raises CannotWrite."""
    with in_words(store):
        return open_part(store, LOCKS)


@contextlib.contextmanager
def in_words(store: Store) -> Iterator[None]:
    """Say what the system refuses in a sentence: raises CannotWrite for OSError."""
    try:
        yield
    except OSError as error:
        raise CannotWrite(path=store.root, reason=error.strerror or str(error)) from None


def is_hash(name: str) -> bool:
    """Say whether a name in the store is an entry's."""
    return len(name) == _HASH_LENGTH and _HEX.issuperset(name)


def fill_lock(wheel: WheelHash) -> str:
    """Name the lock of whoever unpacks a wheel."""
    return f"{wheel}.lock"


def use_lock(wheel: WheelHash) -> str:
    """Name the lock that those who use an entry hold shared."""
    return f"{wheel}.use"


def turn_lock(paths: Sequence[str]) -> str:
    """Name the lock of whichever run admits these wheels."""
    words = "\0".join(sorted(os.path.abspath(path) for path in paths))
    return f"{hashlib.sha256(os.fsencode(words)).hexdigest()[:40]}.turn"


def usual_patience() -> locks.Patience:
    """Give the patience of a caller that states none."""
    return locks.Patience(_PATIENCE)
