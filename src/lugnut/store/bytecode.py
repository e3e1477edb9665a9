"""A wheel's bytecode beside its tree: compiled once for an interpreter, and linked into every environment of it.

    <entry>/bytecode/<key>/listing          its files as columns, behind a checksum, as in a manifest
    <entry>/bytecode/<key>/tree/<directory>/__pycache__/<stem>.<cache tag>.pyc

The sources are the entry's own, each hashed before it is compiled. A .pyc names its source's mtime and size, which in
an environment are those of the store, and like any file of the store it has a time that its content decides. A key
names the very version of the interpreter, and how its bytecode is checked (PEP 552). Published by one rename, under the
lock of whoever fills the entry, so that of many callers one compiles.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence

from lugnut.distribution import RelativePath, WheelFile, content_mtime, spell_digest
from lugnut.environment import Environment
from lugnut.interpreter.bytecode import CACHE, Source, compile_sources, split_sources
from lugnut.manifest import Library, Manifest, make_library
from lugnut.store.manifests import format_listing, parse_listing
from lugnut.store.place import TEMPORARY, TREE, Store, fill_lock, open_locks, open_part
from lugnut.system import files, locks

BYTECODE, LISTING = "bytecode", "listing"
_LARGEST = 1 << 30


def obtain_bytecode(
    store: Store, manifest: Manifest, environment: Environment, patience: locks.Patience
) -> Library | None:
    """Give what bytecode the store has for a wheel's library, compiled now if need be.

    None where the store cannot keep any: it may not be written, or the wheel is no longer in it. Raises what
    `locks.hold` and `patience.cancelled` raise.
    """
    key = name_key(environment)
    found = _read(store, manifest, key)
    if found is not None or not any(path.endswith(".py") for path in manifest.library.files.paths):
        return found
    with (
        contextlib.suppress(OSError),
        open_locks(store) as place,
        locks.hold(place, fill_lock(manifest.wheel), patience),
    ):
        found = _read(store, manifest, key)  # somebody else may have compiled it while this one waited
        if found is None:
            _fill(store, manifest, environment, patience.cancelled)
            found = _read(store, manifest, key)
    return found


def name_key(environment: Environment) -> str:
    """Name the interpreter that bytecode is for, and how it is checked; a directory's name."""
    checked = "-checked" if os.environ.get("SOURCE_DATE_EPOCH") else ""  # as py_compile has it
    return f"{environment.cache_tag}-{environment.markers['implementation_version']}{checked}"


def open_bytecode(store: Store, manifest: Manifest, environment: Environment) -> files.Directory:
    """Open the directory that holds a wheel's bytecode."""
    with open_part(store, manifest.wheel) as entry:
        return files.enter_path(entry, f"{BYTECODE}/{name_key(environment)}/{TREE}")


def _read(store: Store, manifest: Manifest, key: str) -> Library | None:
    try:
        with open_part(store, manifest.wheel) as entry, files.enter_path(entry, f"{BYTECODE}/{key}") as place:
            return parse_listing(files.read(place, LISTING, _LARGEST))
    except OSError:
        return None


def _fill(store: Store, manifest: Manifest, environment: Environment, cancelled: Callable[[], None]) -> None:
    """Compile a wheel's library and publish the result; the caller holds its lock."""
    key = name_key(environment)
    with open_part(store, manifest.wheel) as entry, open_part(store, TEMPORARY) as temporary:
        files.remove_tree(temporary, manifest.wheel)
        try:
            with files.enter(temporary, manifest.wheel, create=True) as made:
                with files.enter(entry, TREE) as tree, files.enter(made, TREE, create=True) as target:
                    written = list(_compile(manifest, environment, tree, target, cancelled))
                files.write(made, LISTING, format_listing(make_library(written)))
            with files.enter(entry, BYTECODE, create=True) as place:
                files.remove_tree(place, key)  # one that stands here was found unreadable
                files.rename(temporary, manifest.wheel, place, key)
        except BaseException:
            with contextlib.suppress(OSError):
                files.remove_tree(temporary, manifest.wheel)
            raise


def _compile(
    manifest: Manifest,
    environment: Environment,
    tree: files.Directory,
    target: files.Directory,
    cancelled: Callable[[], None],
) -> Iterator[WheelFile]:
    for batch in split_sources(_read_sources(manifest, tree)):
        cancelled()
        made = compile_sources(environment, batch)
        for directory, placed in _group(batch, made):
            with files.enter_path(target, f"{directory}/{CACHE}".lstrip("/"), create=True) as cache:
                for name, data in placed:
                    yield _write(
                        cache, f"{directory}/{CACHE}/".lstrip("/"), f"{name[:-3]}.{environment.cache_tag}.pyc", data
                    )


def _read_sources(manifest: Manifest, tree: files.Directory) -> Iterator[Source]:
    """Read the sources of a library that are what was verified; others are left to be found damaged by who links."""
    library = manifest.library
    digests, _, _ = library.files.columns()
    checked = bool(os.environ.get("SOURCE_DATE_EPOCH"))
    for path, digest, mtime in zip(library.files.paths, digests, library.mtimes, strict=True):
        if path.endswith(".py"):
            text = files.read(tree, path, _LARGEST)
            if spell_digest(hashlib.sha256(text).digest()) == digest:
                yield Source(path, path, text, None if checked else mtime)


def _group(batch: Sequence[Source], made: Iterable[bytes | None]) -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """Give by directory the names of sources that are Python, with their bytecode."""
    grouped: dict[str, list[tuple[str, bytes]]] = {}
    for source, data in zip(batch, made, strict=True):
        if data is not None:
            directory, _, name = source.row.rpartition("/")
            grouped.setdefault(directory, []).append((name, data))
    yield from grouped.items()


def _write(cache: files.Directory, below: str, name: str, data: bytes) -> WheelFile:
    digest = hashlib.sha256(data).digest()
    mtime = content_mtime(digest)
    files.write(cache, name, data, mtime=mtime)
    path = RelativePath(below + name)
    return WheelFile("purelib", path, path, spell_digest(digest), len(data), False, mtime, rewritten=False)
