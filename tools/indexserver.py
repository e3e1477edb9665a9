"""A package index on loopback, built of a directory of wheels and sdists; it counts requests and does wrong to order.

Two kinds: `html` is what many company mirrors are (PEP 503 pages only, with or without hashes), `json` has everything
(PEP 691 pages, 658 metadata beside each wheel, 700 sizes, upload times and versions). It answers from threads of the
process that opens it, so uv, pip and lugnut can be run against it as programs; lugnut inside this very process spawns
its workers then. It is an HTTP proxy too: what is asked of it with a whole URL it answers as if it were that host.

    with IndexServer(directory, kind="json") as index:
        index.simple                                        the URL for --index-url
        index.links                                         the URL of one flat page, for --find-links
        index.spoil("x-1.0-py3-none-any.whl", Fault(status=503), Fault(cut=1000))   one for each request, in order
        index.count("x-1.0-py3-none-any.whl")               how often the file was asked for
        index.asked                                         every request, in order
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections.abc import Iterator
from typing import Any, Self
from urllib.parse import quote

from indexanswers import PATIENCE, Handler, Server
from indexpages import RIGHT, Asked, Fault, File, Options, parse_metadata, project_of, read_metadata


class IndexServer:
    """The index; it serves while its `with` block lasts."""

    def __init__(self, directory: str | os.PathLike[str], *, host: str = "127.0.0.1", **options: Any) -> None:
        self.directory = os.fspath(directory)
        self.options = Options(**options)
        self.asked: list[Asked] = []
        self._faults: dict[str, list[Fault]] = {}
        self._known: dict[tuple[str, int, int], File] = {}
        self._guard = threading.Lock()
        self._held: list[threading.Event] = []
        self._server = Server((host, 0), Handler)
        self._server.owner = self
        if self.options.tls is not None:
            self._server.socket = self.options.tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for event in self._held:
            event.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(PATIENCE)

    # --- where things are ---

    @property
    def host(self) -> str:
        """HOST:PORT."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """Where it stands, without a slash at the end."""
        return f"{'https' if self.options.tls else 'http'}://{self.host}"

    @property
    def simple(self) -> str:
        """The URL for --index-url."""
        return f"{self.url}/simple/"

    @property
    def links(self) -> str:
        """The URL for --find-links."""
        return f"{self.url}/links/"

    def file_url(self, filename: str) -> str:
        """Give the URL of one file."""
        return f"{self.url}/files/{quote(filename)}"

    def with_user(self, url: str, user: str, password: str) -> str:
        """Write credentials into a URL."""
        return url.replace("://", f"://{quote(user, safe='')}:{quote(password, safe='')}@", 1)

    # --- what goes wrong, what was asked ---

    def spoil(self, what: str, *faults: Fault) -> None:
        """Let the next answers for a file, or for a path that begins with `/`, go wrong: one fault for each."""
        path = what if what.startswith("/") else f"/files/{what}"
        with self._guard:
            self._faults[path] = list(faults)
            self._held += [fault.held for fault in faults if fault.held is not None]

    def count(self, what: str, method: str = "GET") -> int:
        """Say how often a file, or a path that begins with `/`, was asked for."""
        path = what if what.startswith("/") else f"/files/{what}"
        with self._guard:
            return sum(asked.path == path and asked.method == method for asked in self.asked)

    def requests(self, what: str) -> list[Asked]:
        """Give the requests for a file, or for a path that begins with `/`, in order."""
        path = what if what.startswith("/") else f"/files/{what}"
        with self._guard:
            return [asked for asked in self.asked if asked.path == path]

    def take_fault(self, asked: Asked) -> Fault:
        """Note a request, and give what is to go wrong with it."""
        with self._guard:
            self.asked.append(asked)
            faults = self._faults.get(asked.path, [])
            if not faults:
                return RIGHT
            return faults[0] if faults[0].always else faults.pop(0)

    # --- what it has ---

    def files(self) -> dict[str, File]:
        """Read the directory, as it is now."""
        found = {}
        for name in sorted(os.listdir(self.directory)):
            if name.endswith((".whl", ".tar.gz", ".zip")):
                found[name] = self._read(os.path.join(self.directory, name))
        return found

    def _read(self, path: str) -> File:
        status = os.stat(path)
        key = (path, status.st_size, status.st_mtime_ns)
        if key not in self._known:
            with open(path, "rb") as stream:
                digest = hashlib.sha256(stream.read()).hexdigest()
            metadata = read_metadata(path)
            said = parse_metadata(metadata)
            self._known[key] = File(
                os.path.basename(path), path, status.st_size, digest, said.get("Requires-Python", ""),
                said.get("Version", "0"), metadata,
            )  # fmt: skip
        return self._known[key]

    def projects(self) -> dict[str, list[File]]:
        """Give the files by normalised name."""
        found: dict[str, list[File]] = {}
        for filename, file in self.files().items():
            found.setdefault(project_of(filename), []).append(file)
        return found


@contextlib.contextmanager
def serve(directory: str | os.PathLike[str], **options: Any) -> Iterator[IndexServer]:
    """Serve a directory for as long as the block lasts."""
    with IndexServer(directory, **options) as index:
        yield index
