"""Files on their way into the store: each under a key and its lock, taken up again where a killed run left it.

    <cache>/store/downloads/<key>.part/<filename>   as much of a file as has come
    <cache>/store/downloads/<key>.said              what its server said of it, so that the rest can be asked for
    <cache>/store/downloads/<key>.found             what it turned out to be, for those that waited and knew no hash
    <cache>/store/downloads/<sha256>/<filename>     a source, whole and checked; it stays until the cache is cleaned

The key is the file's sha256, or that of its URL where nobody knows the file's. `locks/<key>.fetch` is held to fetch,
`locks/<sha256>.use` shared to use a source; what nobody holds may be swept. Nothing here holds credentials (G9).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping

from lugnut.distribution import WheelHash
from lugnut.errors import CannotWrite, LockTimeout
from lugnut.store.place import Store, in_words, is_hash, open_locks, open_part, use_lock
from lugnut.system import files, locks
from lugnut.typed import Any, NamedTuple
from lugnut.wheel.source import ArchiveError, Source

DOWNLOADS = "downloads"
_STEP = 1 << 20
_SMALL = 100_000


class Said(NamedTuple):
    """What a server said of a file that is on its way."""

    place: str
    """sha256 of the URL that said it."""
    validator: str
    """Its ETag or Last-Modified, as If-Range takes them (RFC 9110, 13.1.5); empty where there is none."""


def make_key(sha256: str | None, url: str) -> WheelHash:
    """Give the key of a file; `url` is without credentials."""
    return WheelHash(sha256 or hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest())


def hold_download(store: Store, key: WheelHash, filename: str, patience: locks.Patience) -> locks.Held:
    """Become the one that fetches a file; as `locks.hold`, but it waits on while the one that does makes headway."""
    name = f"{key}.fetch"
    with open_locks(store) as place:
        came = _count_bytes(store, key, filename)
        while True:
            try:
                held = locks.hold(place, name, patience)
            except LockTimeout:
                before, came = came, _count_bytes(store, key, filename)
                if patience.timeout <= 0 or came <= before:
                    raise
            else:
                with contextlib.suppress(OSError):  # a full store: the words are for messages alone
                    held.claim(locks.holder_words())
                return held


def _count_bytes(store: Store, key: WheelHash, filename: str) -> int:
    with contextlib.suppress(OSError), files.open_root(os.path.join(store.root, DOWNLOADS, f"{key}.part")) as place:
        found = files.look(place, filename)
        return found.st_size if found is not None else 0
    return 0


class Part(files.Closing):
    """One file on its way; the caller holds its key's lock. `size` is the bytes that are there."""

    def __init__(self, store: Store, key: WheelHash, filename: str) -> None:
        """Take it up, with what an earlier run left; raises CannotWrite."""
        self._store = store
        self._key = key
        self._filename = filename
        with in_words(store), contextlib.ExitStack() as stack:
            self._home = stack.enter_context(open_part(store, DOWNLOADS))
            self._inside = files.enter(self._home, f"{key}.part", create=True)
            stack.pop_all()
        found = files.look(self._inside, filename)
        self.size = found.st_size if found is not None and stat.S_ISREG(found.st_mode) else 0

    @property
    def path(self) -> str:
        """Where it lies."""
        return os.path.join(self._store.root, DOWNLOADS, f"{self._key}.part", self._filename)

    def said(self) -> Said | None:
        """Give what its server said of it, if the bytes that are there came from one that said something."""
        data = _read_json(self._home, f"{self._key}.said")
        try:
            return Said(str(data["place"]), str(data["validator"]))
        except (KeyError, TypeError):
            return None

    def pieces(self) -> Iterator[bytes]:
        """Give the bytes that are there; none where they cannot be read."""
        if self.size:
            with contextlib.suppress(ArchiveError, OSError):
                yield from read_pieces(self.path)

    def begin(self, said: Said) -> None:
        """Start over, by what a server says now; raises CannotWrite."""
        with in_words(self._store):
            files.remove_tree(self._inside, self._filename)
            self._record("said", said._asdict())
        self.size = 0

    def write(self, data: bytes) -> None:
        """Add bytes; raises CannotWrite, and then nothing of the file is left to fill the disk."""
        try:
            with in_words(self._store):
                files.append(self._inside, self._filename, data)
        except CannotWrite:
            self.discard()
            raise
        self.size += len(data)

    def publish(self, sha256: WheelHash) -> str:
        """Put it, whole and checked, where sources stay, and give its path; the caller holds its hash's use lock."""
        with in_words(self._store), files.enter(self._home, sha256, create=True) as target:
            try:
                files.publish(self._inside, self._filename, target, self._filename)
            except FileExistsError:
                if digest_of(os.path.join(target.path, self._filename)) != sha256:
                    files.rename(self._inside, self._filename, target, self._filename)
        self.discard()
        return _source_path(self._store, sha256, self._filename)

    def note(self, found: Mapping[str, str]) -> None:
        """Record what it turned out to be: its digests by algorithm, for those that wait for it."""
        document = {"hashes": dict(found), "token": os.urandom(8).hex()}
        with contextlib.suppress(OSError):  # a full store: they fetch it again
            self._record("found", document)

    def _record(self, what: str, document: dict[str, Any]) -> None:
        """Put a document beside the part in one step, by a name that is swept if this process is killed meanwhile."""
        with contextlib.suppress(FileNotFoundError):
            files.unlink(self._home, f"{self._key}.new")
        files.write(self._home, f"{self._key}.new", json.dumps(document).encode())
        files.rename(self._home, f"{self._key}.new", self._home, f"{self._key}.{what}")

    def discard(self) -> None:
        """Take away what has come."""
        self.size = 0
        with contextlib.suppress(OSError):
            files.remove_tree(self._home, f"{self._key}.said")
            files.remove_tree(self._inside, self._filename)

    def close(self) -> None:
        """Give the directories back, and take away what is empty."""
        if not self.size:
            self.discard()
        self._inside.close()
        with contextlib.suppress(OSError):
            files.rmdir(self._home, f"{self._key}.part")
        self._home.close()


def read_found(store: Store, key: WheelHash) -> dict[str, Any]:
    """Give what the file of a key last turned out to be: `hashes`, and a `token` that each download makes anew."""
    with contextlib.suppress(OSError), files.open_root(os.path.join(store.root, DOWNLOADS)) as home:
        found = _read_json(home, f"{key}.found")
        if isinstance(found, dict) and isinstance(found.get("hashes"), dict):
            return found
    return {}


def _read_json(place: files.Directory, name: str) -> Any:
    try:
        return json.loads(files.read(place, name, _SMALL))
    except (OSError, ValueError):
        return None


def hold_source(store: Store, sha256: WheelHash, patience: locks.Patience) -> locks.Held:
    """Keep a source from being swept until the lock is closed, whether or not it is there yet."""
    with open_locks(store) as place:
        return locks.hold(place, use_lock(sha256), patience, shared=True)


def find_source(store: Store, sha256: WheelHash, filename: str) -> str | None:
    """Give the path of a source that is there and is what it was; the caller holds its use lock."""
    path = _source_path(store, sha256, filename)
    return path if digest_of(path) == sha256 else None


def _source_path(store: Store, sha256: WheelHash, filename: str) -> str:
    return os.path.join(store.root, DOWNLOADS, sha256, filename)


def digest_of(path: str) -> str | None:
    """Give the sha256 of a file; None where it cannot be read."""
    hasher = hashlib.sha256()
    try:
        for piece in read_pieces(path):
            hasher.update(piece)
    except (ArchiveError, OSError):
        return None
    return hasher.hexdigest()


def read_pieces(path: str) -> Iterator[bytes]:
    """Read a regular file piece by piece; raises ArchiveError and OSError."""
    with Source(path) as source:
        for position in range(0, source.size, _STEP):
            yield source.read_at(position, min(_STEP, source.size - position))


def sweep_downloads(store: Store) -> int:
    """Delete what nobody fetches or uses; gives the bytes that became free. Raises CannotWrite."""
    home = os.path.join(store.root, DOWNLOADS)
    freed = 0
    if not os.path.isdir(home):
        return 0
    with in_words(store), files.open_root(home) as place:
        for name in files.list_names(place):
            key = WheelHash(name.partition(".")[0])
            with contextlib.ExitStack() as stack:
                if is_hash(key) and _alone(store, key, stack):
                    freed += _measure(place, name)
                    files.remove_tree(place, name)
    return freed


def _alone(store: Store, key: WheelHash, stack: contextlib.ExitStack) -> bool:
    with open_locks(store) as place:
        for name in (f"{key}.fetch", use_lock(key)):
            held = locks.try_hold(place, name)
            if held is None:
                return False
            stack.callback(held.close)
    return True


def _measure(place: files.Directory, name: str) -> int:
    found = files.look(place, name)
    if found is None or not stat.S_ISDIR(found.st_mode):
        return found.st_size if found is not None else 0
    with files.enter(place, name) as inside:
        statuses = [files.look(inside, inner) for inner in files.list_names(inside)]
    return sum(status.st_size for status in statuses if status is not None)
