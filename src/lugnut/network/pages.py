"""Pages of links, as --find-links names them, and what they lead to. Source: PEP 503 (anchors and their fragments)."""

from __future__ import annotations

import re
from collections.abc import Callable

from lugnut.errors import DownloadFailed, Offline
from lugnut.events import Reporter, ignore, never
from lugnut.links import Link, Route, hide_credentials
from lugnut.network.addresses import is_file_name, name_of, parse_url, put_login, to_path
from lugnut.network.asking import ask, persist
from lugnut.network.refusals import judge_error, refuse
from lugnut.settings import Watch
from lugnut.store.downloads import read_pieces
from lugnut.typed import Any, NamedTuple
from lugnut.wheel.source import ArchiveError

LARGEST_PAGE = 256 << 20
"""Bytes; pages that name every build of a large project have tens of megabytes."""
_CHUNK = 1 << 18
_KINDS = (".whl", ".tar.gz", ".zip", ".tgz", ".tar.bz2", ".tar.xz")
_HASH = re.compile(r"(?:^|&)(md5|sha1|sha224|sha256|sha384|sha512)=([0-9a-fA-F]+)(?=&|$)")


class Page(NamedTuple):
    """A page as it came."""

    url: str
    """Where it came from after redirects, which its links are relative to; may hold credentials."""
    data: bytes


def fetch_page(url: str, route: Route, emit: Reporter = ignore, cancelled: Callable[[], None] = never) -> Page:
    """Read a page whole; raises Offline and DownloadFailed."""
    address = parse_url(url)
    if address.scheme == "file":
        return Page(url, _read_here(url, to_path(address)))
    if route.offline:
        raise Offline(url=hide_credentials(url))
    return persist(lambda: _receive(url, route, Watch(emit, cancelled)), url, route, cancelled)


def _receive(url: str, route: Route, watch: Watch) -> Page:
    from urllib3.exceptions import HTTPError

    with ask(url, {"Accept": "text/html, */*;q=0.1"}, route, watch) as answer:
        pieces: list[bytes] = []
        size = 0
        try:
            while piece := answer.response.read1(_CHUNK, decode_content=False):
                pieces.append(piece)
                size = _bounded(url, size + len(piece))
        except (HTTPError, OSError) as error:
            raise judge_error(url, error) from None
    return Page(answer.url, b"".join(pieces))


def _read_here(url: str, path: str) -> bytes:
    pieces: list[bytes] = []
    size = 0
    try:
        for piece in read_pieces(path):
            pieces.append(piece)
            size = _bounded(url, size + len(piece))
    except (ArchiveError, OSError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or str(error)
        hint = "see whether it still stands, and may be read"
        raise DownloadFailed(url=hide_credentials(url), reason=reason, hint=hint) from None
    return b"".join(pieces)


def _bounded(url: str, size: int) -> int:
    if size > LARGEST_PAGE:
        raise refuse(url, f"the page has more than {LARGEST_PAGE} bytes", "name a page of links")
    return size


def find_links(page_url: str, html: bytes) -> list[Link]:
    """Give what a page leads to that may be a wheel or a source, in its order, each once.

    Links to the page's own host get the credentials that `page_url` has.
    """
    from urllib.parse import urljoin, urlsplit

    base, anchors = _read_anchors(html.decode("utf-8", "replace"))
    found: dict[str, Link] = {}
    for anchor in anchors:
        try:
            url = urljoin(urljoin(page_url, base), anchor.strip())
            link = _make_link(page_url, url, urlsplit(url).fragment)
        except (DownloadFailed, ValueError):  # a page may hold anything
            continue
        if link is not None:
            found.setdefault(link.url, link)
    return list(found.values())


def _make_link(page_url: str, url: str, fragment: str) -> Link | None:
    address, page = parse_url(url), parse_url(page_url)
    filename = name_of(address.url)
    if not filename.endswith(_KINDS) or not is_file_name(filename) or address.scheme == "file" != page.scheme:
        return None
    login = address.login or (page.login if page.origin == address.origin else None)
    hashes = tuple(sorted({(name, digest.lower()) for name, digest in _HASH.findall(fragment)}))
    return Link(put_login(address, login) if login is not None else address.url, filename, hashes)


def _read_anchors(text: str) -> tuple[str, list[str]]:
    """Give a page's base URL, if it names one, and where its anchors lead."""
    from html.parser import HTMLParser

    class Reader(HTMLParser):
        def __init__(self) -> None:
            super().__init__(convert_charrefs=True)
            self.base = ""
            self.anchors: list[str] = []

        def handle_starttag(self, tag: str, attrs: list[tuple[str, Any]]) -> None:
            target = dict(attrs).get("href")
            if target and tag == "a":
                self.anchors.append(target)
            elif target and tag == "base":
                self.base = self.base or target

    reader = Reader()
    reader.feed(text)
    reader.close()
    return reader.base, reader.anchors
