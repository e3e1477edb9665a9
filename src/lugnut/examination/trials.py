"""How files would come into an environment: tried by the code that brings them, in directories of our own.

There is no second opinion here on which way is taken: the very `Placer` and the store's own look at a file are set to
work, and what they did is looked at.
"""

from __future__ import annotations

import hashlib
import os

from lugnut.distribution import WheelFile, content_mtime, spell_digest
from lugnut.errors import LugnutError
from lugnut.store.using import intact
from lugnut.system import files, probing
from lugnut.transaction import content
from lugnut.typed import NamedTuple

HARDLINK, CLONE, COPY = "hardlink", "clone", "copy"
LINK, RENAME, STRIPE = "link", "renameat2", "stripe"
_SOURCE = b"one = 1\n"
_MTIME = content_mtime(hashlib.sha256(_SOURCE).digest())
_WORD = "doctor"


class Placed(NamedTuple):
    """What became of a file of the store and of one made for an environment; empty where `reason` says why not."""

    way: str
    """HARDLINK, CLONE or COPY."""
    claim: str
    """How a free name is taken where no link from the store does it: LINK, RENAME, or STRIPE."""
    why: str = ""
    """Why a hard link was not to be had, where one was asked for."""
    reason: str = ""


def unpack(tree: files.Directory, name: str, *, executable: bool) -> WheelFile:
    """Write a file of a wheel as the store does, and give what the store says of it."""
    digest = spell_digest(hashlib.sha256(_SOURCE).digest())
    file = WheelFile("", name, name, digest, len(_SOURCE), executable, _MTIME, rewritten=False)
    files.Batch().write(tree, name, (_SOURCE,), mode=0o755 if executable else 0o644, mtime=file.mtime)
    return file


def keep(tree: files.Directory) -> str:
    """Say why the store would not know again what it has unpacked; empty where it would."""
    for name, executable in (("kept", False), ("started", True)):
        file = unpack(tree, name, executable=executable)
        if not intact(tree, name, file):
            return "a file that was just unpacked does not look as it should: its size, time or execute bit"
        if intact(tree, name, file._replace(size=file.size + 1)):
            return "a file that was changed looks as if it were not"
    return ""


def place(tree: files.Directory, target: files.Directory, link_mode: str) -> Placed:
    """Bring a file from the store's directory into an environment's as a run with this link mode does."""
    placer = content.Placer(_WORD, link_mode)
    try:
        unpack(tree, "placed", executable=False)
        try:
            placer.create(tree, "placed", target, "placed")
        except FileExistsError:  # nothing stands there: no exclusive step is to be had, and the stripe decides
            placer.create(tree, "placed", target, "placed", guarded=True)
        source, found = files.look(tree, "placed"), files.look(target, "placed")
        linked = source is not None and found is not None and os.path.samestat(source, found)
        if linked:
            return Placed(HARDLINK, _claim(placer, target))
        why = _find_why(tree, target) if link_mode in {"auto", HARDLINK} else ""
        return Placed(CLONE if placer.clones else COPY, _claim(placer, target), why)
    except (LugnutError, OSError) as error:
        return Placed("", "", reason=probing.explain(error))


def _find_why(tree: files.Directory, target: files.Directory) -> str:
    """Give the system's word on a link that the placing code could not make either."""
    try:
        files.link(tree, "placed", target, "linked")
    except OSError as error:
        return probing.explain(error)
    return ""


def _claim(placer: content.Placer, target: files.Directory) -> str:
    """Have a file that is made for an environment take a free name, and look by which step it did."""
    try:
        placer.write(target, "made", _SOURCE, mode=0o644, mtime=_MTIME)
    except FileExistsError:
        return STRIPE
    try:
        files.link(target, "made", target, "again")
    except OSError:  # so that it was not by a link
        return RENAME
    return LINK
