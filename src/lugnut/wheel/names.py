"""Which member names a wheel may have, and which of them cannot stand side by side. Pure.

Nothing here depends on the machine it runs on: a wheel in which another file system would take one name for another (a
drive, a backslash, a trailing dot, names that differ in case or normal form only) is refused on all of them (G1, G8,
TRAPS 30). Names that Windows merely cannot hold (`aux.py`, `a:b`) are real wheels' and are left to it to refuse.
"""

from __future__ import annotations

import re
import stat
import unicodedata
from collections.abc import Iterable, Sequence

from lugnut.wheel.archive import Entry
from lugnut.wheel.source import Limits

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_DRIVE = re.compile(r"[A-Za-z]:")
_LONGEST_COMPONENT = 255
_USUAL_PART = r"[A-Za-z0-9_.+@-]*[A-Za-z0-9_+@-]"
_USUAL_DEPTH = 20
_USUAL = re.compile(rf"(?=.{{,{_LONGEST_COMPONENT}}}\Z)(?:{_USUAL_PART}/){{,{_USUAL_DEPTH - 1}}}{_USUAL_PART}")
"""Names of files that nothing can be wrong with: nearly all, and told by one look."""
_USUAL_MODE = stat.S_IFREG | 0o1777
_SET_IDS = stat.S_ISUID | stat.S_ISGID
_KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
    stat.S_IFSOCK: "a socket",
}


def fold(name: str) -> str:
    """Give what two names have in common that some file system takes for one."""
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def find_wrong_names(entries: Iterable[Entry], limits: Limits) -> list[str]:
    """Say what is wrong with the members' names or kinds, a sentence for each that is."""
    usual = _USUAL.fullmatch if limits.depth >= _USUAL_DEPTH and limits.name > _LONGEST_COMPONENT else _never
    doubtful = [
        entry for entry in entries if entry.mode & ~_USUAL_MODE or entry.marked_directory or usual(entry.name) is None
    ]
    return [wrong for entry in doubtful if (wrong := check_entry(entry, limits)) is not None]


def _never(_name: str) -> None:
    """Take no name for usual."""


def check_entry(entry: Entry, limits: Limits) -> str | None:
    """Say what is wrong with one member's name or kind, or None."""
    wrong = _check_name(entry.name, limits)
    if wrong is not None:
        return f"the member name {entry.name!r} {wrong}"
    kind = stat.S_IFMT(entry.mode)
    if kind in _KINDS:
        return f"{entry.name!r} is {_KINDS[kind]}; a wheel holds regular files only"
    if entry.is_directory:
        return f"{entry.name!r} is a directory with content" if entry.size else None
    if kind not in {0, stat.S_IFREG} or entry.marked_directory:
        return f"{entry.name!r} is marked as something else than the regular file its name makes it"
    if entry.mode & _SET_IDS:
        return f"{entry.name!r} asks for the rights of its owner (setuid or setgid)"
    return None


def _check_name(name: str, limits: Limits) -> str | None:
    if "\\" in name:
        return "has a backslash"
    if _CONTROL.search(name):
        return "has control characters"
    if name.startswith("/") or _DRIVE.match(name):
        return "is absolute"
    return _check_parts(name.removesuffix("/").split("/"), limits)


def _check_parts(parts: list[str], limits: Limits) -> str | None:
    if ".." in parts:
        return "leads outside with '..'"
    if "" in parts or "." in parts:
        return "has an empty or '.' component"
    if any(part[-1] in ". " for part in parts):  # cut off on Windows and by vfat: another's name, or `.lugnut`
        return "has a component that ends in a dot or a space"
    lengths = [len(part.encode()) for part in parts]
    if len(parts) > limits.depth or sum(lengths) + len(parts) > limits.name:
        return "is too long or too deep"
    if max(lengths) > _LONGEST_COMPONENT:
        return f"has a component of more than {_LONGEST_COMPONENT} bytes"
    return None


def find_clashes(names: Sequence[str], directories: Iterable[str] = ()) -> list[str]:
    """Name the files that are there twice, differ in case or normal form only, or are a directory too.

    `names` are files; `directories` end in `/` and may be named often.
    """
    folded = [name.lower() for name in names] if "".join(names).isascii() else list(map(fold, names))
    seen = dict(zip(reversed(folded), reversed(names), strict=True))  # the first of several
    problems = [] if len(seen) == len(folded) else _name_twins(names, folded, seen)
    clashes = _list_parents(folded, directories) & seen.keys()
    return problems + [f"{seen[name]!r} is both a file and a directory" for name in sorted(clashes)]


def _name_twins(names: Sequence[str], folded: list[str], seen: dict[str, str]) -> list[str]:
    """Word what stands a second time; `seen` has the first name of each that folds alike."""
    problems, met = [], set()
    for name, key in zip(names, folded, strict=True):
        first = seen[key]
        if key in met:
            twice = f"{name!r} is there twice", f"{first!r} and {name!r} differ in case or form only"
            problems.append(twice[first != name])
        met.add(key)
    return problems


def _list_parents(folded: Iterable[str], directories: Iterable[str]) -> set[str]:
    fresh = {name.rpartition("/")[0] for name in (*folded, *map(fold, directories))}
    above: set[str] = set()
    while fresh:
        above |= fresh
        fresh = {name.rpartition("/")[0] for name in fresh} - above
    above.discard("")
    return above
