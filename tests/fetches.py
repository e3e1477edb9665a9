"""A store, an index and a route to fetch by: what the tests of the network room have in common."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from indexes import IndexServer
from lugnut.events import Downloading, Event, Note
from lugnut.links import Link, Route
from lugnut.manifest import Manifest
from lugnut.network.fetching import Fetched, fetch_file, fetch_wheel
from lugnut.store.entries import Store, open_store
from lugnut.store.place import usual_patience
from wheels import make_wheel

SECRET = "s3cret-pass"
SIZE = 300_000
VARIABLES = (
    "NETRC", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
    *(f"{kind}_proxy" for kind in ("http", "https", "all", "no")),
    *(f"{kind}_PROXY" for kind in ("HTTP", "HTTPS", "ALL", "NO")),
)  # fmt: skip


class Fetches:
    """One test's: a wheel of about SIZE bytes on an index, and an empty store."""

    def __init__(self, path: Path, **options: Any) -> None:
        self.path = path
        self.wheels = path / "wheels"
        content = random.Random(1).randbytes(SIZE)
        self.wheel = make_wheel(self.wheels, "x", files={"x.py": content}, compress=False)
        self.name = os.path.basename(self.wheel)
        self.bytes = Path(self.wheel).read_bytes()
        self.half = len(self.bytes) // 2
        self.index = IndexServer(self.wheels, **options)
        self.store: Store = open_store(str(path / "cache"))
        self.events: list[Event] = []
        self.route = Route(retries=3)
        self.patience = usual_patience()

    def link(self, **others: Any) -> Link:
        return self.index.link(self.name, **others)

    def fetch(self, link: Link | None = None, **route: Any) -> Manifest:
        """Fetch the wheel, seeing that it is what it should be."""
        way = self.route._replace(**route)
        manifest = fetch_wheel(self.store, link or self.link(), way, self.events.append, self.patience)
        assert manifest.wheel == self.link().sha256
        return manifest

    def lend(self, link: Link | None = None, **route: Any) -> contextlib.AbstractContextManager[Fetched]:
        way = self.route._replace(**route)
        return fetch_file(self.store, link or self.link(), way, self.events.append, self.patience)

    def ranges(self) -> list[str]:
        """What was asked for of the wheel: each request's Range, `all` where it had none."""
        return [asked.headers.get("range", "all") for asked in self.index.requests(self.name)]

    def conditions(self) -> list[str]:
        return [asked.headers.get("if-range", "") for asked in self.index.requests(self.name)]

    def users(self, what: str = "") -> list[str]:
        return [asked.headers.get("authorization", "") for asked in self.index.requests(what or self.name)]

    def part(self) -> str:
        """Where the wheel lies while it is on its way."""
        return os.path.join(self.store.root, "downloads", f"{self.link().sha256}.part", self.name)

    def downloads(self) -> list[str]:
        """What lies among the downloads, but for words on what files turned out to be."""
        home = os.path.join(self.store.root, "downloads")
        found = os.listdir(home) if os.path.isdir(home) else []
        return sorted(name for name in found if not name.endswith(".found"))

    def entries(self) -> list[str]:
        return [name for name in os.listdir(self.store.root) if len(name) == 64]

    def nothing_is_left(self) -> bool:
        return self.downloads() == [] == os.listdir(os.path.join(self.store.root, "temporary")) + self.entries()

    def received(self) -> list[tuple[int, int | None]]:
        return [(event.received, event.size) for event in self.events if isinstance(event, Downloading)]

    def notes(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Note)]

    def is_told(self, secret: str) -> bool:
        """Say whether a secret stands in any file or name below the cache, or in any event."""
        for directory, names, inside in os.walk(self.path / "cache"):
            for name in (*names, *inside):
                path = Path(directory, name)
                if secret in str(path) or (path.is_file() and secret.encode() in path.read_bytes()):
                    return True
        return any(secret in str(event) for event in self.events)


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the surroundings counts, and nobody waits between two tries."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("lugnut.network.asking.BACKOFF", 0.0)


@pytest.fixture
def afar(tmp_path: Path) -> Iterator[Fetches]:
    fetches = Fetches(tmp_path)
    with fetches.index:
        yield fetches


class Off(Exception):
    """The run is called off."""


@contextlib.contextmanager
def small_disk(place: Path, size: str) -> Iterator[Path]:
    """Mount a disk of that size; the test is skipped where that cannot be done."""
    place.mkdir()
    try:
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        pytest.skip("there is no mount")
    if done.returncode != 0:
        pytest.skip(f"cannot mount: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def make_certificates(directory: Path) -> None:
    """Make `ca.pem`, and `server.pem` and `client.pem` that it signed, each with its key; for loopback."""

    def openssl(*words: str) -> None:
        done = subprocess.run(["openssl", *words], cwd=directory, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    directory.mkdir(parents=True, exist_ok=True)
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    use = ("-addext", "keyUsage=critical,keyCertSign,cRLSign", "-addext", "basicConstraints=critical,CA:TRUE")
    # fmt: off
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "30", "-subj", "/CN=test authority",
            "-config", _config(directory), *use)
    for name in ("server", "client"):
        openssl("req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}",
                "-config", _config(directory))
        (directory / "extensions").write_text(
            "subjectAltName=IP:127.0.0.1,DNS:localhost\nauthorityKeyIdentifier=keyid\nbasicConstraints=CA:FALSE\n")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                "-days", "30", "-extfile", "extensions", "-out", f"{name}.crt")
        both = (directory / f"{name}.crt").read_text() + (directory / f"{name}.key").read_text()
        (directory / f"{name}.pem").write_text(both)
    # fmt: on


def _config(directory: Path) -> str:
    path = directory / "openssl.cnf"
    path.write_text("[req]\ndistinguished_name=dn\n[dn]\n")
    return str(path)


def script(path: Path, text: str) -> None:
    """Write a Python program that PATH can find."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!{sys.executable}\n{text}")
    path.chmod(0o755)
