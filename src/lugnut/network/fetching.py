"""Has one file of a link at hand: out of the store, off this machine, or from afar, fetched once for all who want it.

A wheel goes into the store at once and its download away; a source stays among the downloads, held while it is used.
Who knows no hash fetches again each time, since a URL's file may change, but takes what another fetched meanwhile.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from lugnut.distribution import WheelHash
from lugnut.errors import BadWheel, CannotWrite, DownloadFailed, Offline
from lugnut.events import Reporter
from lugnut.links import Link, Route, hide_credentials
from lugnut.manifest import Manifest
from lugnut.network import connections
from lugnut.network.addresses import is_file_name, make_refusal, parse_url, to_path
from lugnut.network.tally import Tally, check, find_mismatch
from lugnut.network.transfer import download
from lugnut.settings import Watch
from lugnut.store.downloads import (
    Part,
    find_source,
    hold_download,
    hold_source,
    make_key,
    read_found,
    read_pieces,
)
from lugnut.store.entries import Store, admit, find_entry
from lugnut.system import locks
from lugnut.typed import Any, NamedTuple
from lugnut.wheel.source import ArchiveError


class Fetched(NamedTuple):
    """A file that is at hand and checked."""

    path: str
    """Absolute; nobody may write to it."""
    sha256: WheelHash


def prepare(links: Sequence[Link], route: Route) -> None:
    """Make ready what fetching takes, once, before workers are forked that would each do it."""
    addresses = [parse_url(link.url) for link in links]
    for scheme in ("http", "https"):
        first = next((address for address in addresses if address.scheme == scheme), None)
        if first is not None:
            connections.prepare(first, route)


def fetch_wheel(store: Store, link: Link, route: Route, emit: Reporter, patience: locks.Patience) -> Manifest:
    """See that the store has a link's wheel, fetching it if need be, and give its manifest.

    Of many processes that want one, one fetches and the others wait for it, as `patience` says; `patience.cancelled`
    is called between pieces, and about ten times a second while nothing comes. Raises Offline, DownloadFailed,
    HashMismatch, BadWheel, CannotWrite, LockTimeout, LockUnusable and UsageError.
    """
    if link.sha256 is not None:
        manifest = find_entry(store, WheelHash(link.sha256), link.filename, emit)
        if manifest is not None:
            return manifest
    path = _find_here(link)
    if path is not None:
        checked = _check_here(path, link, patience)
        manifest = admit(store, path, emit, patience=patience)
        if manifest.wheel != checked:
            reason, hint = "it changed while it was read", "see who writes to it, and run it again"
            raise DownloadFailed(url=hide_credentials(link.url), reason=reason, hint=hint)
        return manifest
    with _working(store, link, route, patience) as work:
        manifest = find_entry(store, work.sha256, link.filename, emit) if work.sha256 else None
        if manifest is not None:
            return manifest
        work.refuse_offline()
        with Part(store, work.key, link.filename) as part:
            digests = download(part, link, route, Watch(emit, patience.cancelled))
            try:
                manifest = admit(store, part.path, emit, patience=patience)
            except (BadWheel, CannotWrite):
                part.discard()
                raise
            part.note(digests)
            part.discard()
            return manifest


@contextlib.contextmanager
def fetch_file(store: Store, link: Link, route: Route, emit: Reporter, patience: locks.Patience) -> Iterator[Fetched]:
    """Give an sdist or another archive for as long as the block lasts, fetching it if need be; as `fetch_wheel`.

    It stays among the store's downloads, so that the next one finds it, until the cache is pruned or cleaned; nobody
    takes it away inside the block.
    """
    path = _find_here(link)
    if path is not None:
        yield Fetched(path, _check_here(path, link, patience))
        return
    with contextlib.ExitStack() as stack:
        yield _find_source(store, link, link.sha256, patience, stack) or _fetch(
            store, link, route, Watch(emit, patience.cancelled), (patience, stack)
        )


def _fetch(
    store: Store, link: Link, route: Route, watch: Watch, bounds: tuple[locks.Patience, contextlib.ExitStack]
) -> Fetched:
    patience, stack = bounds
    with _working(store, link, route, patience) as work:
        found = _find_source(store, link, work.sha256, patience, stack)
        if found is not None:
            return found
        work.refuse_offline()
        with Part(store, work.key, link.filename) as part:
            digests = download(part, link, route, watch)
            sha256 = WheelHash(digests["sha256"])
            stack.enter_context(hold_source(store, sha256, patience))
            path = part.publish(sha256)
            part.note(digests)
    return Fetched(path, sha256)


def _find_source(
    store: Store, link: Link, sha256: str | None, patience: locks.Patience, stack: contextlib.ExitStack
) -> Fetched | None:
    """Give a source that is there already, held until the stack ends."""
    if not sha256:
        return None
    held = hold_source(store, WheelHash(sha256), patience)
    path = find_source(store, WheelHash(sha256), link.filename)
    if path is None:
        held.close()
        return None
    stack.enter_context(held)
    return Fetched(path, WheelHash(sha256))


class _Work(NamedTuple):
    """A file whose lock is held."""

    key: WheelHash
    sha256: WheelHash | None
    """What it is, where that is known: beforehand, by who fetched it while this one waited, or offline by the last."""
    offline: bool
    url: str

    def refuse_offline(self) -> None:
        """Raise Offline if the network may not be asked."""
        if self.offline:
            raise Offline(url=hide_credentials(self.url))


@contextlib.contextmanager
def _working(store: Store, link: Link, route: Route, patience: locks.Patience) -> Iterator[_Work]:
    if not is_file_name(link.filename):
        raise make_refusal(link.url, f"{link.filename!r} is not the name of a file")
    key = make_key(link.sha256, parse_url(link.url).url)
    before = read_found(store, key)
    if route.offline:  # nothing is fetched, so there is nobody to wait for
        yield _Work(key, _choose(link, before), True, link.url)
        return
    with hold_download(store, key, link.filename, patience):
        after = read_found(store, key)
        meanwhile = after if after.get("token") != before.get("token") else {}
        yield _Work(key, _choose(link, meanwhile), False, link.url)


def _choose(link: Link, found: dict[str, Any]) -> WheelHash | None:
    if link.sha256 is not None:
        return WheelHash(link.sha256)
    hashes = found.get("hashes", {})
    return WheelHash(hashes["sha256"]) if "sha256" in hashes and find_mismatch(link, hashes) is None else None


# --- files of this machine --------------------------------------------------------------------------------------------


def _find_here(link: Link) -> str | None:
    """Give the path of a file URL; None for what is on the network."""
    address = parse_url(link.url)
    return to_path(address) if address.scheme == "file" else None


def _check_here(path: str, link: Link, patience: locks.Patience) -> WheelHash:
    """See that a file is what it should be; raises DownloadFailed and HashMismatch."""
    tally = Tally(link)
    try:
        for piece in read_pieces(path):
            tally.add(piece)
            patience.cancelled()
    except (ArchiveError, OSError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or str(error)
        hint = "see whether it still stands, and may be read"
        raise DownloadFailed(url=hide_credentials(link.url), reason=reason, hint=hint) from None
    return WheelHash(check(link, tally)["sha256"])
