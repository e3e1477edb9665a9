"""A store entry as it is used: read, held, its files opened and compared. Nothing here opens a wheel or fills an entry.

Apart from `entries`, so that a run that finds all of its wheels in the store loads nothing of what unpacks them.
"""

from __future__ import annotations

import contextlib
import hashlib
import stat
from collections.abc import Sequence

from lugnut.distribution import WheelFile, WheelHash, spell_digest
from lugnut.errors import StoreDamaged
from lugnut.manifest import Manifest
from lugnut.store.aside import set_aside
from lugnut.store.manifests import Stamp, parse_manifest, parse_stamp
from lugnut.store.place import MANIFEST, STAMP, TREE, Store, open_locks, open_part, use_lock
from lugnut.system import files, locks

_LARGEST_MANIFEST = 1 << 30
_LARGEST_SCRIPT = 1 << 30
_SMALL = 4_096


def read_manifest(store: Store, wheel: WheelHash) -> Manifest | None:
    """Give what an entry says of its wheel; None where there is no entry, or an unreadable one."""
    try:
        with files.open_root(store.root) as root:
            return read_entry(root, wheel)[0]
    except OSError:
        return None


def read_whole(store: Store, manifest: Manifest) -> Manifest:
    """Give a manifest with its files, which may have been left out; raises StoreDamaged where they cannot be read.

    Only what was read and says nothing is set aside: who finds nothing may look while another fills the place anew.
    """
    if manifest.whole:
        return manifest
    try:
        with files.open_root(store.root) as root:
            whole = read_entry(root, manifest.wheel)[0]
    except OSError:
        raise StoreDamaged(wheel=manifest.filename, path=MANIFEST) from None
    if whole is None:
        set_aside(store, manifest.wheel)
        raise StoreDamaged(wheel=manifest.filename, path=MANIFEST)
    return whole._replace(filename=manifest.filename)


def read_entry(root: files.Directory, wheel: WheelHash) -> tuple[Manifest | None, Stamp | None]:
    """Read what an entry says of itself; raises OSError where a part is not there, or is being taken away."""
    manifest = parse_manifest(files.read(root, f"{wheel}/{MANIFEST}", _LARGEST_MANIFEST), wheel)
    return manifest, parse_stamp(files.read(root, f"{wheel}/{STAMP}", _SMALL))


def hold_entry(store: Store, wheel: WheelHash, patience: locks.Patience) -> locks.Held | None:
    """Keep an entry from being pruned until the lock is closed; None where there is none any more: admit it again."""
    held: list[locks.Held] = []
    if hold_entries(store, [wheel], patience, held) is None:
        return held[0]
    held[0].close()
    return None


def hold_entries(
    store: Store, wheels: Sequence[WheelHash], patience: locks.Patience, held: list[locks.Held]
) -> WheelHash | None:
    """Keep entries from being pruned until the locks added to `held` are closed; gives the first that is not there."""
    with open_locks(store) as place:
        for wheel in wheels:
            held.append(locks.hold(place, use_lock(wheel), patience, shared=True))  # noqa: PERF401 - one may be busy
    try:
        with files.open_root(store.root) as root:
            return next((wheel for wheel in wheels if files.look(root, wheel) is None), None)
    except FileNotFoundError:
        return wheels[0] if wheels else None


def open_tree(store: Store, wheel: WheelHash) -> files.Directory:
    """Open the directory that holds an entry's files by their archive paths."""
    with open_part(store, wheel) as entry:
        return files.enter(entry, TREE)


def intact(directory: files.Directory, name: str, file: WheelFile) -> bool:
    """Say whether a file in an entry is still what was verified: one lstat, and a hash where only the time differs."""
    status = files.look(directory, name)
    if status is None or not stat.S_ISREG(status.st_mode) or status.st_size != file.size:
        return False
    if bool(status.st_mode & 0o100) != file.executable and directory.fd >= 0:  # chmod through another hard link
        return False
    if status.st_mtime_ns // 1_000_000_000 == file.mtime:
        return True
    try:
        return files.digest(directory, name)[0] == file.digest
    except OSError:
        return False


def read_script(store: Store, manifest: Manifest, file: WheelFile) -> bytes:
    """Give the bytes of a file whose first line the environment decides; raises StoreDamaged if they were changed."""
    *above, name = file.archive.split("/")
    try:
        with contextlib.ExitStack() as stack:
            directory = stack.enter_context(open_tree(store, manifest.wheel))
            for component in above:
                directory = stack.enter_context(files.enter(directory, component))
            data = files.read(directory, name, _LARGEST_SCRIPT)
    except OSError:
        data = None
    if data is None or spell_digest(hashlib.sha256(data).digest()) != file.digest:
        set_aside(store, manifest.wheel)
        raise StoreDamaged(wheel=manifest.filename, path=file.archive)
    return data
