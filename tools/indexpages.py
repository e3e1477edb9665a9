"""What an index server answers with: pages of PEP 503 and PEP 691, and what it knows of each file.

`Fault` is what goes wrong with one answer, `Options` say what kind of an index it is.
"""

from __future__ import annotations

import contextlib
import email.message
import email.parser
import hashlib
import html
import json
import re
import ssl
import tarfile
import threading
import zipfile
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

JSON_TYPE = "application/vnd.pypi.simple.v1+json"
HTML_TYPE = "text/html; charset=utf-8"
UPLOADED = "2020-01-01T00:00:00Z"
DATE = "Wed, 01 Jan 2020 00:00:00 GMT"


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


def make_anchor(file: File, options: Options) -> str:
    """Write one file as a page of PEP 503 has it."""
    fragment = f"#sha256={file.sha256}" if options.hashes else ""
    attributes = f' data-requires-python="{html.escape(file.requires_python)}"' if file.requires_python else ""
    if file.filename in options.yanked:
        attributes += f' data-yanked="{html.escape(options.yanked[file.filename])}"'
    if options.kind == "json" and file.metadata and file.filename.endswith(".whl"):
        attributes += f' data-core-metadata="sha256={hashlib.sha256(file.metadata).hexdigest()}"'
    return f'<a href="/files/{quote(file.filename)}{fragment}"{attributes}>{html.escape(file.filename)}</a><br>'


def make_html(anchors: list[str]) -> bytes:
    """Write a page of PEP 503."""
    head = '<!DOCTYPE html><html><head><meta name="pypi:repository-version" content="1.0"></head><body>'
    return "\n".join([head, *anchors, "</body></html>"]).encode()


def make_json(name: str, files: list[File], options: Options) -> bytes:
    """Write a project's page of PEP 691."""
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
