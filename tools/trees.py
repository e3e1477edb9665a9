"""Trees: what stands under a root, what should stand there according to the wheels, and how the two differ.

A *tree* is `{path relative to a root: Entry}`, leaving out `.lugnut` and `__pycache__`. Digests are spelled as RECORD
spells them. A *reference tree* is made from wheels by zipfile, following DESIGN section 3: at a path that several
distributions ship, the highest overlay rank is shown, then the later normalised name. Nothing here imports lugnut.
"""

from __future__ import annotations

import base64
import configparser
import hashlib
import os
import posixpath
import re
import stat
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

SKIPPED = frozenset({".lugnut", "__pycache__"})
GENERATED = frozenset({"INSTALLER", "RECORD", "REQUESTED", "direct_url.json", "lugnut.json", "uv_cache.json"})
"""Files of a dist-info that the installer writes: `check_environment` judges them by RECORD."""


class Entry(NamedTuple):
    """What stands at a path; `digest` is the target of a symlink, empty for a directory, and `*` for any bytes."""

    kind: str
    mode: int
    digest: str


Tree = dict[str, Entry]


def encode(raw: bytes) -> str:
    """Spell a raw sha256 as RECORD does."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def digest_bytes(data: bytes) -> str:
    """Hash bytes as RECORD does."""
    return encode(hashlib.sha256(data).digest())


def digest_file(path: str) -> str:
    """Hash a file as RECORD does."""
    with open(path, "rb") as file:
        return encode(hashlib.file_digest(file, "sha256").digest())


def normalise(name: str) -> str:
    """Give the normalised name of a distribution."""
    return re.sub(r"[-_.]+", "-", name).lower()


def site_packages(prefix: str) -> str:
    """Find the site-packages of a virtual environment."""
    lib = os.path.join(prefix, "lib")
    for name in sorted(os.listdir(lib)):
        site = os.path.join(lib, name, "site-packages")
        if os.path.isdir(site):
            return site
    raise FileNotFoundError(f"no site-packages in {prefix}")


def look(path: str) -> Entry:
    """Describe what stands at a path, never through a symlink."""
    status = os.lstat(path)
    mode = stat.S_IMODE(status.st_mode)
    if stat.S_ISLNK(status.st_mode):
        return Entry("symlink", 0, os.readlink(path))
    if stat.S_ISDIR(status.st_mode):
        return Entry("directory", mode, "")
    if stat.S_ISREG(status.st_mode):
        return Entry("file", mode, digest_file(path))
    return Entry("other", mode, "")


def walk(root: str, below: str = "", skipped: frozenset[str] = SKIPPED) -> Iterator[tuple[str, bool]]:
    """Give every path under a root, relative and sorted within its directory, and whether it is a directory."""
    with os.scandir(os.path.join(root, below)) as found:
        children = sorted((item.name, item.is_dir(follow_symlinks=False)) for item in found)
    for name, is_directory in children:
        if name in skipped:
            continue
        path = f"{below}/{name}" if below else name
        yield path, is_directory
        if is_directory:
            yield from walk(root, path, skipped)


def read_tree(root: str) -> Tree:
    """Read names, kinds, modes and bytes under a root."""
    return {path: look(os.path.join(root, path)) for path, _ in walk(root)}


def tree_digest(tree: Mapping[str, Entry]) -> str:
    """Give one short word for a whole tree: equal trees, equal words."""
    text = "\n".join(f"{path}\0{entry.kind}\0{entry.mode:o}\0{entry.digest}" for path, entry in sorted(tree.items()))
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:16]


def differences(expected: Mapping[str, Entry], actual: Mapping[str, Entry]) -> list[str]:
    """Say in one line each how a tree differs from what it should be."""
    found = []
    for path in sorted(expected.keys() | actual.keys()):
        wanted, there = expected.get(path), actual.get(path)
        if wanted is None or there is None:
            found.append(f"{path}: {'unexpected' if wanted is None else 'missing'}")
        elif wanted.kind != there.kind:
            found.append(f"{path}: a {there.kind}, should be a {wanted.kind}")
        elif wanted.mode != there.mode:
            found.append(f"{path}: mode {there.mode:o}, should be {wanted.mode:o}")
        elif wanted.digest not in {"*", there.digest}:
            found.append(f"{path}: wrong bytes")
    return found


def without_generated(tree: Mapping[str, Entry]) -> Tree:
    """Leave out what the installer writes into a dist-info, and the lock that uv has in an environment's prefix."""
    return {path: entry for path, entry in tree.items() if not _is_generated(path)}


def _is_generated(path: str) -> bool:
    directory, name = posixpath.split(path)
    return (directory.endswith(".dist-info") and name in GENERATED) or path == ".lock"


# --- reference trees --------------------------------------------------------------------------------------------------


def reference_tree(wheels: Iterable[str], prefix: str, overlays: Mapping[str, int] | None = None) -> Tree:
    """Make what these wheels should show in a virtual environment, relative to its prefix, without generated files.

    The order of the wheels means nothing (G1). Only directories that a wheel's file needs are in it.
    """
    ranks = {normalise(name): rank for name, rank in (overlays or {}).items()}
    shown: dict[str, tuple[tuple[int, str], Entry]] = {}
    for wheel in wheels:
        name = wheel_name(wheel)
        precedence = (ranks.get(name, 0), name)
        for path, entry in read_wheel_tree(wheel, prefix).items():
            if path not in shown or shown[path][0] < precedence:
                shown[path] = (precedence, entry)
    return with_directories({path: entry for path, (_, entry) in shown.items()}, os.stat(prefix).st_mode & stat.S_ISGID)


def wheel_name(wheel: str) -> str:
    """Give the normalised name that a wheel's file name says."""
    return normalise(os.path.basename(wheel).partition("-")[0])


def read_wheel_tree(wheel: str, prefix: str) -> Tree:
    """Give what one wheel alone would show, relative to the prefix, without directories and generated files."""
    tree: Tree = {}
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            path = _destination(member.filename, prefix)
            if member.is_dir() or _is_generated(member.filename):
                continue
            tree[path] = _describe(archive, member)
            if member.filename.endswith(".dist-info/entry_points.txt"):
                text = archive.read(member).decode()
                tree.update({f"bin/{name}": Entry("file", 0o755, "*") for name in _launchers(text)})
    return tree


def _describe(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Entry:
    data = archive.read(member)
    is_script = ".data/scripts/" in member.filename
    executable = is_script or bool(member.external_attr >> 16 & 0o111)
    digest = "*" if is_script and data.startswith(b"#!python") else digest_bytes(data)
    return Entry("file", 0o755 if executable else 0o644, digest)


def _destination(archive: str, prefix: str) -> str:
    site = os.path.relpath(site_packages(prefix), prefix).replace(os.sep, "/")
    top, _, rest = archive.partition("/")
    if not top.endswith(".data"):
        return f"{site}/{archive}"
    scheme, _, path = rest.partition("/")
    python = posixpath.basename(posixpath.dirname(site))
    places = {"scripts": "bin/", "data": "", "headers": f"include/site/{python}/{top.partition('-')[0]}/"}
    return places.get(scheme, f"{site}/") + path


def _launchers(text: str) -> list[str]:
    parser = configparser.RawConfigParser(delimiters=("=",), strict=False)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(text)
    return [name for part in ("console_scripts", "gui_scripts") if part in parser for name in parser[part]]


def with_directories(tree: Mapping[str, Entry], inherited: int = 0) -> Tree:
    """Add the directories that lead to the files of a tree; `inherited` is setgid, where that above them is."""
    umask = os.umask(0o022)
    os.umask(umask)
    whole = dict(tree)
    for path in tree:
        while path := posixpath.dirname(path):
            whole[path] = Entry("directory", 0o777 & ~umask | inherited, "")
    return whole
