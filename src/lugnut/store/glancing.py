"""What the store has of some wheels, at a glance: enough to know what each is, nothing of their files.

Apart from `entries`, so that a run that finds nothing to do loads nothing of what opens and unpacks wheels. What is not
plainly there (an entry that a power cut may have torn, a wheel under another name) is left to `admit`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from lugnut.distribution import WheelHash
from lugnut.events import Reporter, WheelAdmitted
from lugnut.manifest import Manifest
from lugnut.store.index import look_up
from lugnut.store.manifests import parse_head, parse_stamp
from lugnut.store.place import INDEX, LARGEST_MANIFEST, MANIFEST, STAMP, Store, open_part
from lugnut.system import files, locks

_BEGINNING = 4_096
"""Bytes of a manifest that are read first: few wheels have a longer head."""
_SMALL = 4_096


def find_admitted(store: Store, paths: Iterable[str], emit: Reporter) -> dict[str, Manifest]:
    """Give the manifests, without files, of the wheels whose hash is known and whose entry stands.

    What it takes is opened once for all of them: to a run that has little to do they are many and nothing else.
    """
    found = {}
    try:
        with files.open_root(store.root) as root, open_part(store, INDEX) as index:
            for path in paths:
                wheel = look_up(store, path, index)
                manifest = None if wheel is None else _read_sound(root, wheel)
                if manifest is not None and manifest.filename == os.path.basename(path):
                    emit(WheelAdmitted(manifest.name, manifest.version, manifest.filename, manifest.size, cached=True))
                    found[path] = manifest
    except OSError:  # somebody is deleting it: whoever is missing is admitted anew
        return found
    return found


def _read_sound(root: files.Directory, wheel: WheelHash) -> Manifest | None:
    """Read an entry's manifest, without files; None where there is none, or it has to be hashed first (TRAPS 19)."""
    try:
        beginning = files.read_start(root, f"{wheel}/{MANIFEST}", _BEGINNING)
        found = parse_head(beginning, wheel)
        if found is None and len(beginning) == _BEGINNING:
            found = parse_head(files.read(root, f"{wheel}/{MANIFEST}", LARGEST_MANIFEST), wheel)
        if found is None:
            return None
        manifest, written = found
        if written == locks.boot_id():
            return manifest
        stamp = parse_stamp(files.read_start(root, f"{wheel}/{STAMP}", _SMALL))
    except OSError:
        return None
    return manifest if stamp is not None and (stamp.synced or stamp.boot == locks.boot_id()) else None
