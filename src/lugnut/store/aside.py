"""Takes an entry out of its place: whole, by one rename, whoever uses it."""

from __future__ import annotations

import errno
import os

from lugnut.distribution import WheelHash
from lugnut.store.place import ASIDE, MANIFEST, Store, in_words, open_part
from lugnut.system import files

_RANDOM = 8


def set_aside(store: Store, wheel: WheelHash) -> None:
    """Take a damaged entry out of its place at once, though others may hold it; `prune` deletes it later.

    Whoever holds the entry's tree open goes on with it, and checks each file before linking it. Fill the place again
    with `admit`, not while holding locks of an environment.
    """
    with in_words(store), open_part(store, ASIDE) as aside, files.open_root(store.root) as root:
        take_out(root, wheel, aside, f"{wheel}.{os.urandom(_RANDOM).hex()}")


def take_out(root: files.Directory, wheel: WheelHash, place: files.Directory, name: str) -> bool:
    """Move an entry away whole, by one rename; False where there is none."""
    try:
        files.rename(root, wheel, place, name)
    except FileNotFoundError:
        return False
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        with files.enter(root, wheel) as entry:  # a lower layer's directory on overlay cannot be renamed (TRAPS 24):
            files.unlink(entry, MANIFEST)  # without its manifest it is no entry
        files.remove_tree(root, wheel)
    return True
