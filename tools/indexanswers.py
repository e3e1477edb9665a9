"""How an index server answers one request: pages, files in whole or in part, faults, and bytes carried as a proxy."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import socket
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from indexpages import DATE, HTML_TYPE, JSON_TYPE, RIGHT, Asked, Fault, File, make_anchor, make_html, make_json

if TYPE_CHECKING:
    from indexserver import IndexServer

PATIENCE = 60
_PIECE = 64 << 10
_NOTHING: Mapping[str, str] = {}


class Server(ThreadingHTTPServer):
    """The server below an index."""

    daemon_threads = True
    request_queue_size = 128
    owner: IndexServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went away."""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server
    timeout = PATIENCE

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
        with socket.create_connection(("127.0.0.1", int(self.path.rpartition(":")[2])), PATIENCE) as farther:
            self.send_response(200)
            self.end_headers()
            back = threading.Thread(target=_carry, args=(farther, self.connection), daemon=True)
            back.start()
            _carry(self.connection, farther)
            back.join(PATIENCE)
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
                page = make_html([f'<a href="/simple/{name}/">{name}</a><br>' for name in names])
                self._send(200, page, {"Content-Type": HTML_TYPE}, fault)
        elif parts[:-1] == ["simple"]:
            self._send_project(parts[1], fault)
        elif parts == ["links"]:
            page = make_html([make_anchor(file, options) for file in owner.files().values()])
            self._send(200, page, {"Content-Type": HTML_TYPE}, fault)
        elif parts[:-1] == ["files"]:
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
            self._send(200, make_json(name, files, options), {"Content-Type": JSON_TYPE}, fault)
        else:
            page = make_html([make_anchor(file, options) for file in files])
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

    def _send(self, status: int, body: bytes, headers: Mapping[str, str] = _NOTHING, fault: Fault = RIGHT) -> None:
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
            fault.held.wait(PATIENCE)
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
