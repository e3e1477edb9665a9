"""Environments put back and read whole: copies by hard links, and everything in them but the locks and the format."""

from __future__ import annotations

import os
import shutil
import stat

Snapshot = dict[str, tuple[str, int, bytes]]
"""By path what stands there: its kind, its mode, its bytes."""
LINK = os.link
"""The system's own, whatever a scenario makes of it."""


def copy_tree(source: str, target: str) -> None:
    """Copy a tree by hard links, so that what was one file stays one; what is written in place is copied."""
    os.mkdir(target)
    shutil.copymode(source, target)
    with os.scandir(source) as entries:
        for entry in sorted(entries, key=lambda one: one.name):
            to = os.path.join(target, entry.name)
            if entry.is_dir(follow_symlinks=False):
                copy_tree(entry.path, to)
            elif entry.name.endswith(".lock"):
                shutil.copy2(entry.path, to)
            else:
                LINK(entry.path, to, follow_symlinks=False)


def read_all(root: str, below: str, found: Snapshot) -> None:
    """Read a tree into a snapshot."""
    for name in sorted(os.listdir(os.path.join(root, below))):
        path = f"{below}{name}"
        full = os.path.join(root, path)
        status = os.lstat(full)
        if path.endswith((".lugnut/locks", ".lugnut/format")) or "/.lugnut/unsynced-" in f"/{path}":
            continue
        spelled = path
        if "/altered/" in path:  # below it stands the transaction's name, another one every time
            head, _, tail = path.partition("/altered/")
            spelled = "/".join([head, "altered", "*", *tail.split("/")[1:]])
        if stat.S_ISDIR(status.st_mode):
            if not name.startswith(".lugnut"):
                found[spelled] = ("directory", stat.S_IMODE(status.st_mode), b"")
            read_all(root, f"{path}/", found)
            if name == "transactions" or (name in {"kept", "altered"} and not os.listdir(full)):
                found[spelled] = ("left", 0, b"")
        elif stat.S_ISLNK(status.st_mode):
            found[spelled] = ("symlink", 0, os.readlink(full).encode())
        else:
            with open(full, "rb") as file:
                found[spelled] = ("file", stat.S_IMODE(status.st_mode), file.read())


def differ(one: Snapshot, other: Snapshot) -> list[str]:
    """Say in which paths two snapshots differ."""
    return [
        f"{'-' if path not in other else '+' if path not in one else '~'}{path}"
        for path in sorted(one.keys() | other.keys())
        if one.get(path) != other.get(path)
    ]
