"""What the store has of some wheels, at a glance: enough to know what each is, of their files what a run will need.

Apart from `entries`, so that a run that finds nothing to do loads nothing of what opens and unpacks wheels. What is not
plainly there (an entry that a power cut may have torn, a wheel under another name) is left to `admit`.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable

from lugnut.distribution import WheelHash
from lugnut.events import Reporter, WheelAdmitted
from lugnut.manifest import Manifest
from lugnut.store.index import look_up
from lugnut.store.manifests import Head, parse_body, parse_head, parse_stamp
from lugnut.store.place import INDEX, MANIFEST, STAMP, Store, open_part
from lugnut.system import files, locks

_BEGINNING = 4_096
"""Bytes of a manifest that are read first: few wheels have a longer head."""
_SMALL = 4_096
_LARGEST = 1 << 30


def find_admitted(
    store: Store, paths: Iterable[str], emit: Reporter, standing: Collection[str] = ()
) -> dict[str, Manifest]:
    """Give the manifests of the wheels whose hash is known and whose entry stands, as `admit` would.

    They are without files where dist-infos of their names are `standing`: nothing may have to be done about those. What
    it takes is opened once for all of them: to a run that has little to do they are many and nothing else.
    """
    found = {}
    try:
        with files.open_root(store.root) as root, open_part(store, INDEX) as index:
            for path in paths:
                wheel = look_up(store, path, index)
                manifest = None if wheel is None else _read_sound(root, wheel, standing)
                if manifest is not None and manifest.filename == os.path.basename(path):
                    emit(WheelAdmitted(manifest.name, manifest.version, manifest.filename, manifest.size, cached=True))
                    found[path] = manifest
    except OSError:  # somebody is deleting it: whoever is missing is admitted anew
        return found
    return found


def _read_sound(root: files.Directory, wheel: WheelHash, standing: Collection[str]) -> Manifest | None:
    """Read an entry's manifest; None where there is none, or the entry has to be hashed first (TRAPS 19)."""
    head: Head | None = None

    def is_short(beginning: bytes) -> bool:
        nonlocal head
        head = parse_head(beginning, wheel)
        return head is None or head.manifest.dist_info not in standing

    try:
        data = files.read_start(root, f"{wheel}/{MANIFEST}", _BEGINNING, is_short, _LARGEST)
        head = head or parse_head(data, wheel)
        if head is None:
            return None
        if head.boot != locks.boot_id():
            stamp = parse_stamp(files.read_start(root, f"{wheel}/{STAMP}", _SMALL))
            if stamp is None or not (stamp.synced or stamp.boot == locks.boot_id()):
                return None
    except OSError:
        return None
    return head.manifest if head.manifest.dist_info in standing else parse_body(head, data)
