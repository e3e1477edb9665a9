"""A package index on loopback, built of a directory of wheels and sdists; it counts requests and does wrong to order.

Two kinds: `html` is what many company mirrors are (PEP 503 pages only, with or without hashes), `json` has everything
(PEP 691 pages, 658 metadata beside each wheel, 700 sizes, upload times and versions). It answers from threads of the
process that opens it, so uv, pip and lugnut can be run against it as programs; lugnut inside this very process spawns
its workers then. It is an HTTP proxy too: what is asked of it with a whole URL it answers as if it were that host.

    with IndexServer(directory, kind="json") as index:
        index.simple                                        the URL for --index-url
        index.links                                         the URL of one flat page, for --find-links
        index.link("x-1.0-py3-none-any.whl")                a lugnut.links.Link of one file
        index.spoil("x-1.0-py3-none-any.whl", Fault(status=503), Fault(cut=1000))   one for each request, in order
        index.count("x-1.0-py3-none-any.whl")               how often the file was asked for
        index.asked                                         every request, in order
"""

from __future__ import annotations

import base64
import contextlib
import email.message
import email.parser
import hashlib
import html
import json
import os
import re
import socket
import ssl
import tarfile
import threading
import zipfile
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self
from urllib.parse import quote, unquote, urlsplit

from lugnut.links import Link

JSON_TYPE = "application/vnd.pypi.simple.v1+json"
HTML_TYPE = "text/html; charset=utf-8"
UPLOADED = "2020-01-01T00:00:00Z"
DATE = "Wed, 01 Jan 2020 00:00:00 GMT"
_PIECE = 64 << 10
_PATIENCE = 60


class Fault(NamedTuple):
    """What goes wrong with one answer; without any of it the answer is right."""

    status: int = 0
    """Answer with this code and no file."""
    retry_after: str = ""
    """Seconds or a date, sent with `status`."""
    cut: int | None = None
    """Close the connection after so many bytes of the body, though all of it was promised."""
    garbled: bool = False
    """Other bytes, as many as there should be."""
    held: threading.Event | None = None
    """After `cut` bytes, or half of them, wait for this event, then send the rest."""
    redirect: str = ""
    """Lead to this URL."""
    ranges: bool = True
    """False: a Range is ignored and everything sent."""
    shift: int = 0
    """Send a Range from so many bytes farther on than was asked."""
    length: bool = True
    """False: no Content-Length; the end of the connection is the end of the body."""
    tag: str | None = None
    """Another ETag than the file's, in quotes; `weak`: a weak one."""
    encoding: str = ""
    """Claim this Content-Encoding, of bytes as they are."""
    auth: tuple[str, str] | None = None
    """Ask for this user and password (Basic)."""
    always: bool = False
    """Of every request from now on, not of one."""


RIGHT = Fault()


class Options(NamedTuple):
    """What a server is like throughout."""

    kind: str = "json"
    """html or json."""
    hashes: bool = True
    """Whether pages name hashes."""
    validators: str = "etag"
    """etag, date, or empty: what an answer says of the file's version."""
    auth: tuple[str, str] | None = None
    """User and password for everything (Basic)."""
    yanked: Mapping[str, str] = {}
    """Reason by file name (PEP 592); it may be empty."""
    uploaded: Mapping[str, str] = {}
    """Upload time by file name (PEP 700); UPLOADED for the rest."""
    tls: ssl.SSLContext | None = None


class Asked(NamedTuple):
    """One request."""

    method: str
    path: str
    headers: Mapping[str, str]
    """By lower-case name."""
    proxied: str
    """The whole URL, where it was asked as of a proxy."""
    client: int
    """The port at the other end: the same for requests on one connection."""


class File(NamedTuple):
    """One file of the index."""

    filename: str
    path: str
    size: int
    sha256: str
    requires_python: str
    version: str
    metadata: bytes


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    owner: IndexServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went away."""


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
        self._server = _Server((host, 0), _Handler)
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
        self._thread.join(_PATIENCE)

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
        """The URL of one file."""
        return f"{self.url}/files/{quote(filename)}"

    def with_user(self, url: str, user: str, password: str) -> str:
        """Write credentials into a URL."""
        return url.replace("://", f"://{quote(user, safe='')}:{quote(password, safe='')}@", 1)

    def link(self, filename: str, /, **others: Any) -> Link:
        """Give what a resolver would say of a file; `others` replace parts of it."""
        file = self.files()[filename]
        link = Link(self.file_url(filename), filename, (("sha256", file.sha256),), file.size)
        return link._replace(**others)

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


def project_of(filename: str) -> str:
    """Give the normalised name of the distribution that a file name is of."""
    stem = re.sub(r"\.(whl|tar\.gz|zip)$", "", filename)
    name = stem.split("-")[0] if filename.endswith(".whl") else stem.rpartition("-")[0]
    return re.sub(r"[-_.]+", "-", name).lower()


def read_metadata(path: str) -> bytes:
    """Give METADATA of a wheel or PKG-INFO of an sdist; empty where it has none."""
    with contextlib.suppress(zipfile.BadZipFile, tarfile.TarError, OSError):
        if path.endswith((".whl", ".zip")):
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    if name.endswith((".dist-info/METADATA", "/PKG-INFO")) and name.count("/") == 1:
                        return archive.read(name)
        else:
            with tarfile.open(path) as archive:
                for member in archive:
                    if member.name.endswith("/PKG-INFO") and member.name.count("/") == 1:
                        stream = archive.extractfile(member)
                        return stream.read() if stream is not None else b""
    return b""


def parse_metadata(data: bytes) -> email.message.Message:
    """Read the header of METADATA."""
    return email.parser.BytesHeaderParser().parsebytes(data)


# --- pages ------------------------------------------------------------------------------------------------------------


def _anchor(file: File, options: Options) -> str:
    fragment = f"#sha256={file.sha256}" if options.hashes else ""
    attributes = f' data-requires-python="{html.escape(file.requires_python)}"' if file.requires_python else ""
    if file.filename in options.yanked:
        attributes += f' data-yanked="{html.escape(options.yanked[file.filename])}"'
    if options.kind == "json" and file.metadata and file.filename.endswith(".whl"):
        attributes += f' data-core-metadata="sha256={hashlib.sha256(file.metadata).hexdigest()}"'
    return f'<a href="/files/{quote(file.filename)}{fragment}"{attributes}>{html.escape(file.filename)}</a><br>'


def _html_page(anchors: list[str]) -> bytes:
    head = '<!DOCTYPE html><html><head><meta name="pypi:repository-version" content="1.0"></head><body>'
    return "\n".join([head, *anchors, "</body></html>"]).encode()


def _json_page(name: str, files: list[File], options: Options) -> bytes:
    document = {
        "meta": {"api-version": "1.1"},
        "name": name,
        "versions": sorted({file.version for file in files}),
        "files": [_json_file(file, options) for file in files],
    }
    return json.dumps(document).encode()


def _json_file(file: File, options: Options) -> dict[str, Any]:
    said: dict[str, Any] = {
        "filename": file.filename,
        "url": f"/files/{quote(file.filename)}",
        "hashes": {"sha256": file.sha256} if options.hashes else {},
        "size": file.size,
        "upload-time": options.uploaded.get(file.filename, UPLOADED),
        "yanked": options.yanked.get(file.filename, False) or file.filename in options.yanked,
    }
    if file.requires_python:
        said["requires-python"] = file.requires_python
    if file.metadata and file.filename.endswith(".whl"):
        said["core-metadata"] = {"sha256": hashlib.sha256(file.metadata).hexdigest()}
    return said


# --- answers ----------------------------------------------------------------------------------------------------------


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server
    timeout = _PATIENCE

    def log_message(self, *_: object) -> None:
        """Keep silent."""

    def do_GET(self) -> None:
        """Answer."""
        owner = self.server.owner
        proxied = self.path if "://" in self.path else ""
        path = urlsplit(self.path).path
        headers = {name.lower(): value for name, value in self.headers.items()}
        fault = owner.take_fault(Asked(self.command, unquote(path), headers, proxied, self.client_address[1]))
        auth = fault.auth or owner.options.auth
        if auth is not None and headers.get("authorization", "") != basic(*auth):
            self._send(401, b"who are you?", {"WWW-Authenticate": 'Basic realm="index"'})
        elif fault.status:
            self._send(fault.status, b"no", {"Retry-After": fault.retry_after} if fault.retry_after else {})
        elif fault.redirect:
            self._send(302, b"", {"Location": fault.redirect})
        else:
            self._answer(unquote(path), fault)

    do_HEAD = do_GET  # noqa: N815

    def do_CONNECT(self) -> None:
        """Carry bytes to and fro, for https through this proxy; whatever host is named, it leads to loopback."""
        owner = self.server.owner
        headers = {name.lower(): value for name, value in self.headers.items()}
        owner.take_fault(Asked("CONNECT", self.path, headers, self.path, self.client_address[1]))
        with socket.create_connection(("127.0.0.1", int(self.path.rpartition(":")[2])), _PATIENCE) as farther:
            self.send_response(200)
            self.end_headers()
            back = threading.Thread(target=_carry, args=(farther, self.connection), daemon=True)
            back.start()
            _carry(self.connection, farther)
            back.join(_PATIENCE)
        self.close_connection = True

    def _answer(self, path: str, fault: Fault) -> None:
        owner, options = self.server.owner, self.server.owner.options
        parts = path.strip("/").split("/")
        if parts == ["simple"]:
            names = sorted(owner.projects())
            if self._wants_json():
                document = {"meta": {"api-version": "1.1"}, "projects": [{"name": name} for name in names]}
                self._send(200, json.dumps(document).encode(), {"Content-Type": JSON_TYPE}, fault)
            else:
                page = _html_page([f'<a href="/simple/{name}/">{name}</a><br>' for name in names])
                self._send(200, page, {"Content-Type": HTML_TYPE}, fault)
        elif parts[0] == "simple" and len(parts) == 2:
            self._send_project(parts[1], fault)
        elif parts == ["links"]:
            page = _html_page([_anchor(file, options) for file in owner.files().values()])
            self._send(200, page, {"Content-Type": HTML_TYPE}, fault)
        elif parts[0] == "files" and len(parts) == 2:
            self._send_file(parts[1], fault)
        else:
            self._send(404, b"nothing here")

    def _wants_json(self) -> bool:
        accept = self.headers.get("Accept", "*/*")
        return self.server.owner.options.kind == "json" and (JSON_TYPE in accept or accept.strip() == "*/*")

    def _send_project(self, name: str, fault: Fault) -> None:
        owner, options = self.server.owner, self.server.owner.options
        files = owner.projects().get(re.sub(r"[-_.]+", "-", name).lower())
        if files is None:
            self._send(404, b"no such project")
        elif self._wants_json():
            self._send(200, _json_page(name, files, options), {"Content-Type": JSON_TYPE}, fault)
        else:
            page = _html_page([_anchor(file, options) for file in files])
            self._send(200, page, {"Content-Type": HTML_TYPE}, fault)

    def _send_file(self, filename: str, fault: Fault) -> None:
        files = self.server.owner.files()
        wheel = filename.removesuffix(".metadata")
        if filename in files:
            with open(files[filename].path, "rb") as stream:
                self._send_range(stream.read(), files[filename], fault)
        elif wheel in files and wheel.endswith(".whl") and self.server.owner.options.kind == "json":
            self._send(200, files[wheel].metadata, {"Content-Type": "application/octet-stream"}, fault)
        else:
            self._send(404, b"no such file")

    def _send_range(self, data: bytes, file: File, fault: Fault) -> None:
        """Send a file or the part of it that is asked for (RFC 9110, 14)."""
        headers = {"Content-Type": "application/octet-stream"}
        validators = self.server.owner.options.validators
        tag = f'"{file.sha256[:16] if fault.tag is None else fault.tag}"' if fault.tag != "weak" else 'W/"weak"'
        if validators == "etag":
            headers["ETag"] = tag
        elif validators == "date":
            headers["Last-Modified"] = DATE
        if fault.garbled:
            data = bytes(255 - byte for byte in data)
        if not fault.ranges:
            self._send(200, data, headers, fault)
            return
        headers["Accept-Ranges"] = "bytes"
        asked = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        same = self.headers.get("If-Range", tag) in {tag, DATE if validators == "date" else tag}
        if asked is None or not same or asked[0] == "bytes=-":
            self._send(200, data, headers, fault)
            return
        first = int(asked[1]) if asked[1] else max(0, len(data) - int(asked[2]))
        first += fault.shift
        last = min(int(asked[2]), len(data) - 1) if asked[1] and asked[2] else len(data) - 1
        if first >= len(data):
            self._send(416, b"", {"Content-Range": f"bytes */{len(data)}"})
        else:
            headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
            self._send(206, data[first : last + 1], headers, fault)

    def _send(self, status: int, body: bytes, headers: Mapping[str, str] = {}, fault: Fault = RIGHT) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if fault.encoding:
            self.send_header("Content-Encoding", fault.encoding)
        if fault.length:
            self.send_header("Content-Length", str(len(body)))
        else:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command == "HEAD":
            return
        stop = fault.cut if fault.cut is not None else len(body) // 2 if fault.held is not None else len(body)
        self._write(body[:stop])
        if fault.held is not None:
            fault.held.wait(_PATIENCE)
            self._write(body[stop:])
        elif stop < len(body):
            self.close_connection = True

    def _write(self, data: bytes) -> None:
        try:
            for start in range(0, len(data), _PIECE):
                self.wfile.write(data[start : start + _PIECE])
            self.wfile.flush()
        except OSError:  # the client went away
            self.close_connection = True


def _carry(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(_PIECE):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def basic(user: str, password: str) -> str:
    """Write the Authorization header of a user (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@contextlib.contextmanager
def serve(directory: str | os.PathLike[str], **options: Any) -> Iterator[IndexServer]:
    """Serve a directory for as long as the block lasts."""
    with IndexServer(directory, **options) as index:
        yield index
