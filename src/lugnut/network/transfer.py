"""Brings one file in: by pieces, hashed as they come, taken up again where it broke off, and checked at the end.

What an earlier try or a killed run left is asked for no more (Range), unless the server says that the file is another
one now (If-Range) or does not know ranges. Where nobody knows a hash and the server gave no validator, there is nothing
by which the halves could be known to fit, so it starts over. A file that was put together, or whose length nobody said,
and that has a wrong hash, is fetched again whole, once. Sources: RFC 9110, sections 13.1.5, 14 and 15.3.7.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

from lugnut.errors import DownloadFailed, HashMismatch
from lugnut.events import Downloading
from lugnut.links import Link, Route
from lugnut.network.addresses import parse_url
from lugnut.network.asking import ask, persist
from lugnut.network.refusals import Passing, judge_error, refuse
from lugnut.network.tally import Tally, bound, check, check_size
from lugnut.settings import Watch
from lugnut.store.downloads import Part, Said, make_key
from lugnut.typed import Any

_CHUNK = 1 << 18
_BETWEEN = 0.1
"""Seconds between two words about how far it is."""
_LONGEST_VALIDATOR = 200
_WHOLE, _PARTIAL, _UNSATISFIABLE = 200, 206, 416


def download(part: Part, link: Link, route: Route, watch: Watch) -> dict[str, str]:
    """Have all of a file in its part, checked, and give its digests by algorithm; the caller holds its lock.

    Raises DownloadFailed, HashMismatch and CannotWrite; then nothing is left of a file that turned out wrong.
    """
    transfer = _Transfer(part, link, route, watch)
    transfer.take_up()
    try:
        return transfer.run()
    except (HashMismatch, DownloadFailed):
        if not transfer.doubtful:
            raise
    transfer.start_over()
    return transfer.run()


class _Transfer:
    """One file's way. `doubtful`: what is wrong with it may be ours or the connection's fault."""

    def __init__(self, part: Part, link: Link, route: Route, watch: Watch) -> None:
        self._part = part
        self._link = link
        self._route = route
        self._watch = watch
        self._place = make_key(None, parse_url(link.url).url)
        self._tally = Tally(link)
        self._told = float("-inf")
        self._whole = False
        self.doubtful = False

    def take_up(self) -> None:
        """Hash what an earlier run left."""
        for piece in self._part.pieces():
            self._tally.add(piece)
            self._watch.cancelled()
        if self._tally.received != self._part.size:
            self.start_over()
        self._whole = self._tally.is_whole(self._link)

    def start_over(self) -> None:
        """Forget all that has come."""
        self._part.discard()
        self._tally = Tally(self._link)
        self._whole = self.doubtful = False

    def run(self) -> dict[str, str]:
        """Receive what is missing, and check all of it."""
        if not self._whole:
            persist(self._receive, self._link.url, self._route, self._watch.cancelled)
        self._watch.report(Downloading(self._link.filename, self._tally.received, self._tally.received))
        try:
            return check(self._link, self._tally)
        except (HashMismatch, DownloadFailed):
            self._part.discard()
            raise

    def _receive(self) -> None:
        """Ask once for what is missing; raises Passing where another try may bring the rest."""
        with ask(self._link.url, self._make_headers(), self._route, self._watch) as answer:
            total = self._settle(answer.response)
            self._check_total(total)
            for piece in _read(answer.response, self._link.url):
                self._take(piece, total)
        if total is not None and self._tally.received < total:
            raise Passing(f"the connection ended after {self._tally.received} of {total} bytes")
        self.doubtful = self.doubtful or total is None

    def _make_headers(self) -> dict[str, str]:
        said = self._part.said()
        validator = said.validator if said is not None and said.place == self._place else ""
        if not self._tally.received or not (self._link.hashes or validator):
            return {}
        condition = {"If-Range": validator} if validator else {}
        return {"Range": f"bytes={self._tally.received}-", **condition}

    def _settle(self, response: Any) -> int | None:
        """Go on with what has come, or start over, as the answer says; gives the size of the whole file, if known."""
        if response.status == _PARTIAL:
            found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", response.headers.get("Content-Range", "").strip())
            if found is not None and int(found[1]) == self._tally.received:
                self.doubtful = True
                return int(found[2]) + 1 if found[3] == "*" else int(found[3])
        if response.status != _WHOLE:
            self.start_over()
            raise Passing(f"the server answered {response.status} and not what it was asked", after=0.0)
        self.start_over()
        self._part.begin(Said(self._place, _find_validator(response)))
        return _find_length(response)

    def _check_total(self, total: int | None) -> None:
        """See that as much is coming as should."""
        if total is not None:
            check_size(self._link, total)
        if total is not None and total > bound(self._link):
            raise refuse(self._link.url, f"it has {total} bytes, more than lugnut takes", "download it by hand")

    def _take(self, piece: bytes, total: int | None) -> None:
        self._watch.cancelled()
        limit = bound(self._link) if total is None else total
        if self._tally.received + len(piece) > limit:
            self._part.discard()
            raise refuse(self._link.url, f"more came than the {limit} bytes it should have", "tell its owner")
        self._part.write(piece)
        self._tally.add(piece)
        now = time.monotonic()
        if now >= self._told + _BETWEEN:
            self._told = now
            self._watch.report(Downloading(self._link.filename, self._tally.received, total))


def _read(response: Any, url: str) -> Iterator[bytes]:
    """Give a body's bytes as they come, encoded as they are: an archive that is sent with `gzip` is one."""
    from urllib3.exceptions import HTTPError

    while True:
        try:
            piece = response.read1(_CHUNK, decode_content=False)
        except (HTTPError, OSError) as error:
            raise judge_error(url, error) from None
        if not piece:
            return
        yield piece


def _find_length(response: Any) -> int | None:
    said = response.headers.get("Content-Length", "")
    return int(said) if said.isascii() and said.isdigit() and "Transfer-Encoding" not in response.headers else None


def _find_validator(response: Any) -> str:
    """Give what If-Range may name: a strong ETag, else the date."""
    tag: str = response.headers.get("ETag", "")
    chosen: str = tag if tag.startswith('"') else response.headers.get("Last-Modified", "")
    return chosen if len(chosen) <= _LONGEST_VALIDATOR and chosen.isascii() and chosen.isprintable() else ""
