"""Where the wheels of an install came from and what they say of themselves, for the installation report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lugnut.distribution import normalise_name
from lugnut.events import Changed
from lugnut.inventory.metadata import parse_metadata
from lugnut.manifest import Manifest
from lugnut.settings import InstalledFrom
from lugnut.sources.direct_urls import Direct, make_document
from lugnut.store.entries import Store, open_tree
from lugnut.system import files
from lugnut.typed import Any
from lugnut.wish import Wish


def tell_origins(store: Store, wishes: Iterable[Wish], changes: Sequence[Changed]) -> tuple[InstalledFrom, ...]:
    """Tell of each distribution that changes by a wheel; sorted by name. What is there already is not told of."""
    changed = {normalise_name(change.name) for change in changes if change.new is not None}
    return tuple(
        _tell(store, wish)
        for wish in sorted(wishes, key=lambda wish: wish.manifest.name)
        if wish.manifest.name in changed
    )


def _tell(store: Store, wish: Wish) -> InstalledFrom:
    manifest = wish.manifest
    origin = wish.origin or wish.direct or Direct("", manifest.wheel)
    return InstalledFrom(
        manifest.spelled, manifest.version, make_document(origin), wish.requested, wish.direct is not None,
        wish.yanked, tuple(sorted(wish.extras)), _read_metadata(store, manifest),
    )  # fmt: skip


def _read_metadata(store: Store, manifest: Manifest) -> dict[str, Any]:
    """Read METADATA out of the store; what the manifest says where the entry was pruned meanwhile."""
    try:
        with open_tree(store, manifest.wheel) as tree, files.enter(tree, manifest.dist_info) as info:
            return parse_metadata(files.read(info, "METADATA").decode("utf-8", "replace"))
    except OSError:
        return {"name": manifest.spelled, "version": manifest.version}
