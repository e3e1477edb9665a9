"""Keeps what is built: `<cache>/built/<key>/` holds one wheel, for every process that builds the same the same way.

    <cache>/built/<key>/       manifest and the wheel; appears whole by one rename, never changes
    <cache>/built/locks/       <key>.lock held to build, <key>.use held shared while the wheel is used,
                               <hash>.tree held to build a source directory
    <cache>/built/temporary/   workspaces, as <key>.<random>

The key covers the source's digest, the interpreter, config settings and build constraints. Only what cannot change is
kept, and only where its build is isolated: else its wheel depends on what the environment has by chance. One process
builds under the lock and the others wait and find it. A workspace has a name of its own: what a killed run's backend
goes on writing is nobody else's; whoever next holds its lock sweeps it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator

from lugnut.building.recipe import Recipe, Source
from lugnut.building.wheels import BUILT, EPOCH, Order, carry_out, refuse
from lugnut.distribution import WheelHash
from lugnut.errors import BuildFailed
from lugnut.events import Reporter
from lugnut.interpreter.asking import read_facts
from lugnut.store.aside import set_aside
from lugnut.store.place import (
    MANIFEST,
    TEMPORARY,
    Store,
    fill_lock,
    in_words,
    open_built,
    open_locks,
    open_part,
    use_lock,
)
from lugnut.system import files, locks
from lugnut.typed import NamedTuple

FORMAT = 1
_SMALL = 10_000
_RANDOM = 6


@contextlib.contextmanager
def build_cached(
    cache_dir: str, source: Source, recipe: Recipe, emit: Reporter, patience: locks.Patience
) -> Iterator[str]:
    """Give the path of a wheel of a source, built now or before; it stands at least as long as the block lasts.

    Raises BuildFailed, DownloadFailed, LockTimeout and CannotWrite.
    """
    store = open_built(cache_dir)
    if not source.digest or not recipe.isolated:
        refuse(source, recipe)
        with files.lend_directory() as workspace:
            with take_turn(cache_dir, source, patience):
                wheel = carry_out(Order(source, recipe, workspace), emit, patience.cancelled)
            yield wheel
        return
    key = make_key(source, recipe, cache_dir)
    with contextlib.ExitStack() as stack:
        with open_locks(store) as place:
            stack.enter_context(locks.hold(place, use_lock(key), patience, shared=True))
        yield find_built(store, key) or _fill(_Slot(store, key), source, recipe, emit, patience)


def make_key(source: Source, recipe: Recipe, cache_dir: str | None) -> WheelHash:
    """Name all that a wheel depends on; raises BuildFailed where build constraints cannot be read."""
    facts = read_facts(recipe.python, cache_dir)
    words = {
        "format": FORMAT,
        "source": [source.digest, source.subdirectory, source.epoch],
        "python": [facts.cache_tag, facts.tags[0]],
        "settings": sorted(recipe.config_settings.items()),
        "constraints": sorted(_read_constraints(file, source) for file in recipe.build_constraints),
        "epoch": recipe.environ.get(EPOCH, ""),
    }
    return WheelHash(hashlib.sha256(json.dumps(words).encode("utf-8", "surrogateescape")).hexdigest())


def _read_constraints(file: str, source: Source) -> str:
    try:
        with open(file, "rb") as stream:
            return stream.read().decode("utf-8", "surrogateescape")
    except OSError as error:
        raise BuildFailed(
            source=source.describe(),
            reason=f"its build constraints {file} cannot be read: {error.strerror or error}",
            hint="look for a slip in --build-constraint",
            detail="",
        ) from None


def find_built(store: Store, key: WheelHash) -> str | None:
    """Give the path of the wheel that is kept under a key, if there is one and it is what was built."""
    try:
        with files.open_root(os.path.join(store.root, key)) as entry:
            said = json.loads(files.read(entry, MANIFEST, _SMALL))
            found, _ = files.digest(entry, said["wheel"])
            return os.path.join(entry.path, said["wheel"]) if found == said["digest"] else None
    except (OSError, ValueError, KeyError, TypeError):  # none, or one that a power cut left: TRAPS 19
        return None


class _Slot(NamedTuple):
    """Where one wheel is to be kept."""

    store: Store
    key: WheelHash


def _fill(slot: _Slot, source: Source, recipe: Recipe, emit: Reporter, patience: locks.Patience) -> str:
    """Build a wheel and publish it, unless another process does so first; gives its path."""
    store, key = slot
    refuse(source, recipe)
    with open_locks(store) as place, locks.hold(place, fill_lock(key), patience) as held:
        with contextlib.suppress(OSError):  # the words are for messages
            held.claim(locks.holder_words())
        found = find_built(store, key)
        if found is not None:
            return found
        name = f"{key}.{os.urandom(_RANDOM).hex()}"
        with in_words(store), open_part(store, TEMPORARY) as temporary:
            _sweep(temporary, key)
            files.mkdir(temporary, name)
            try:
                with files.enter(temporary, name) as workspace:
                    order = Order(source, recipe, workspace.path)
                    wheel = os.path.basename(carry_out(order, emit, patience.cancelled))
                    _publish(slot, workspace, wheel)
            finally:
                with contextlib.suppress(OSError):  # of what the backend left running: whoever comes next sweeps it
                    files.remove_tree(temporary, name)
    return os.path.join(store.root, key, wheel)


def _sweep(temporary: files.Directory, key: WheelHash) -> None:
    """Remove the workspaces of the dead; the caller holds their lock."""
    for name in files.list_names(temporary):
        if name.partition(".")[0] == key:
            with contextlib.suppress(OSError):  # a killed run's backend may still write there
                files.remove_tree(temporary, name)


def _publish(slot: _Slot, workspace: files.Directory, wheel: str) -> None:
    store, key = slot
    with files.enter(workspace, BUILT) as built:
        for name in files.list_names(built):
            if name != wheel:  # whatever else the backend has left there
                files.remove_tree(built, name)
        digest, _ = files.digest(built, wheel)
        files.write(built, MANIFEST, json.dumps({"format": FORMAT, "wheel": wheel, "digest": digest}).encode())
    set_aside(store, key)  # an entry that stands here was found damaged
    with files.open_root(store.root) as root:
        files.rename(workspace, BUILT, root, key)


@contextlib.contextmanager
def take_turn(cache_dir: str, source: Source, patience: locks.Patience) -> Iterator[None]:
    """Let one process at a time build a source directory where it stands: backends leave their work in it.

    What is no directory needs no turn. Raises LockTimeout.
    """
    if not source.path or not os.path.isdir(source.path):
        yield
        return
    name = hashlib.sha256(os.fsencode(os.path.realpath(source.path))).hexdigest()
    with open_locks(open_built(cache_dir)) as place, locks.hold(place, f"{name}.tree", patience) as held:
        with contextlib.suppress(OSError):
            held.claim(locks.holder_words())
        yield
