"""The store: wheels unpacked and verified once, by the hash of the wheel, for every process and environment.

An entry is filled under its own lock, in a directory nobody looks at, and published by one rename: it is there whole or
not at all, whoever is killed, and N callers unpack once (G9). After that it never changes; what tells that a file was
changed by others is one lstat (`intact`). Its layout is in place, what takes entries away again in keeping.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from lugnut.distribution import WheelFile, WheelHash
from lugnut.errors import BadWheel, CannotWrite, LockUnusable
from lugnut.events import Reporter, WheelAdmitted, ignore
from lugnut.manifest import Manifest
from lugnut.store.aside import set_aside
from lugnut.store.filling import Filling, boot
from lugnut.store.index import look_up, remember
from lugnut.store.keeping import clean, prune
from lugnut.store.manifests import Stamp, format_stamp
from lugnut.store.place import (
    STAMP,
    TREE,
    Store,
    fill_lock,
    open_locks,
    open_part,
    open_store,
    use_lock,
    usual_patience,
)
from lugnut.store.using import (
    hold_entries,
    hold_entry,
    intact,
    open_tree,
    read_entry,
    read_manifest,
    read_script,
    read_whole,
)
from lugnut.system import files, locks
from lugnut.wheel.reading import make_error, open_source, read_wheel, rename_manifest
from lugnut.wheel.source import ArchiveError, Source

__all__ = [
    "Store",
    "admit",
    "clean",
    "find_entry",
    "hash_wheel",
    "hold_entries",
    "hold_entry",
    "intact",
    "mark_synced",
    "open_store",
    "open_tree",
    "prune",
    "read_manifest",
    "read_script",
    "read_whole",
    "set_aside",
]


def admit(store: Store, path: str, emit: Reporter = ignore, *, patience: locks.Patience | None = None) -> Manifest:
    """See that a wheel's entry stands, unpacking it if need be, and give its manifest; raises BadWheel.

    Of many callers one unpacks and the others wait for it. `patience.cancelled` is called at directory borders too.
    """
    patience = patience or usual_patience()
    known = look_up(store, path)
    manifest = _find_sound(store, known) if known is not None else None
    if manifest is not None:
        return _welcome(manifest, path, emit, cached=True)
    with open_source(path) as source, begin(store, source, path, patience) as filling:
        if isinstance(filling, Filling):
            filling.fill(patience.cancelled)
        return finish(filling, path, emit)


@contextlib.contextmanager
def begin(store: Store, source: Source, path: str, patience: locks.Patience) -> Iterator[Filling | Manifest]:
    """Lend an entry to be filled, under its lock, or give the manifest of the one that stands; raises BadWheel."""
    wheel = _hash(store, path, source)
    manifest = _find_sound(store, wheel)
    if manifest is not None:
        yield manifest
        return
    with open_locks(store) as place, locks.hold(place, fill_lock(wheel), patience) as held:
        with contextlib.suppress(OSError):  # a full store: the words are for messages, and what follows says it
            held.claim(locks.holder_words())
        manifest = _find_sound(store, wheel)  # somebody else may have filled it while this one waited
        if manifest is not None:
            yield manifest
            return
        with contextlib.suppress(LockUnusable, CannotWrite):  # made now: the store may be read-only when it is used
            locks.hold(place, use_lock(wheel), patience, shared=True).close()
        with Filling(store, source, path) as filling:
            yield filling


def finish(filling: Filling | Manifest, path: str, emit: Reporter) -> Manifest:
    """Publish what `begin` lent, once all of it is there, and tell of it."""
    if isinstance(filling, Filling):
        return _welcome(filling.publish(), path, emit, cached=False)
    return _welcome(filling, path, emit, cached=True)


def find_entry(store: Store, wheel: WheelHash, filename: str, emit: Reporter = ignore) -> Manifest | None:
    """Give the manifest of a sound entry under a file name, as `admit` would; None where the wheel itself is needed."""
    manifest = _find_sound(store, wheel)
    try:
        return None if manifest is None else _welcome(rename_manifest(manifest, filename), filename, emit, cached=True)
    except BadWheel:
        return None


def _welcome(manifest: Manifest, path: str, emit: Reporter, *, cached: bool) -> Manifest:
    manifest = _rename(manifest, path)
    emit(WheelAdmitted(manifest.name, manifest.version, manifest.filename, manifest.size, cached))
    return manifest


def _rename(manifest: Manifest, path: str) -> Manifest:
    """Give the manifest under the path's own file name, if WHEEL allows that too; raises BadWheel."""
    try:
        return rename_manifest(manifest, os.path.basename(path))
    except BadWheel:
        with contextlib.suppress(BadWheel), read_wheel(path) as archive:
            if archive.manifest.wheel == manifest.wheel:
                return archive.manifest
        raise


def hash_wheel(store: Store, path: str) -> WheelHash:
    """Give the sha256 of a wheel's file, from the index if it is known there; raises BadWheel if it cannot be read."""
    known = look_up(store, path)
    if known is not None:
        return known
    with open_source(path) as source:
        return _hash(store, path, source)


def _hash(store: Store, path: str, source: Source) -> WheelHash:
    try:
        wheel = source.hash()
    except ArchiveError as error:
        raise make_error(os.path.basename(path), [str(error)]) from None
    remember(store, path, source.identity, source.opened, wheel)
    return wheel


def _find_sound(store: Store, wheel: WheelHash) -> Manifest | None:
    """Give the manifest of an entry that can be relied on; one that cannot is set aside.

    It can if it was written since the machine started, or has reached the disk before; else what a power cut left of
    it is hashed once (TRAPS 19).
    """
    try:
        with files.open_root(store.root) as root:
            manifest, stamp = read_entry(root, wheel)
        if manifest is None or (stamp is not None and (stamp.synced or stamp.boot == boot())):
            return manifest
        with open_part(store, wheel) as entry:
            if _holds(entry, manifest):  # read back from the disk, which it so has reached
                _stamp_synced(entry)
                return manifest
    except OSError:
        return None
    set_aside(store, wheel)
    return None


def _holds(entry: files.Directory, manifest: Manifest) -> bool:
    """Hash every file of an entry again."""
    try:
        with files.enter(entry, TREE) as tree:
            return all(_is_content(tree, file) for file in manifest.files)
    except OSError:
        return False


def _is_content(tree: files.Directory, file: WheelFile) -> bool:
    *above, name = file.archive.split("/")
    with contextlib.ExitStack() as stack:
        directory = tree
        for component in above:
            directory = stack.enter_context(files.enter(directory, component))
        digest, _ = files.digest(directory, name)
        return digest == file.digest and intact(directory, name, file)


def mark_synced(store: Store, wheel: WheelHash) -> None:
    """Record that an entry has reached the disk, once the caller has synced its volume."""
    with contextlib.suppress(FileNotFoundError), open_part(store, wheel) as entry:
        _stamp_synced(entry)


def _stamp_synced(entry: files.Directory) -> None:
    with contextlib.suppress(OSError):  # full or read-only: it is hashed again next time
        files.replace(entry, STAMP, format_stamp(Stamp(boot(), synced=True)))
