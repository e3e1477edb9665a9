"""What a file is as far as it has come: its bytes counted and hashed; and whether that is what was promised. Pure."""

from __future__ import annotations

import hashlib

from lugnut.errors import DownloadFailed, HashMismatch
from lugnut.links import Link, hide_credentials

LARGEST = 16 << 30
"""Bytes of a file whose size nobody said."""


class Tally:
    """Counts and hashes, by sha256 and by every algorithm that the link has a digest of."""

    def __init__(self, link: Link) -> None:
        """Begin; raises DownloadFailed for a hash that is of no kind known here."""
        self.received = 0
        self._hashers = {}
        for name in sorted({"sha256", *(name for name, _ in link.hashes)}):
            if name not in hashlib.algorithms_available or name.startswith("shake_"):
                reason = f"its hash is of the kind {name}, which is not known here"
                hint = "have it named with a sha256"
                raise DownloadFailed(url=hide_credentials(link.url), reason=reason, hint=hint)
            self._hashers[name] = hashlib.new(name, usedforsecurity=False)

    def add(self, data: bytes) -> None:
        """Count and hash what comes next."""
        self.received += len(data)
        for hasher in self._hashers.values():
            hasher.update(data)

    def digests(self) -> dict[str, str]:
        """Give the digests of what has come, by algorithm, in hexadecimal."""
        return {name: hasher.hexdigest() for name, hasher in self._hashers.items()}

    def is_whole(self, link: Link) -> bool:
        """Say whether this is the file, proven by its hashes."""
        return bool(link.hashes) and self.received > 0 and find_mismatch(link, self.digests()) is None


def find_mismatch(link: Link, digests: dict[str, str]) -> str | None:
    """Give the digest asked for that does not hold, as a message puts it; one nobody took does not hold either."""
    for name, expected in link.hashes:
        if digests.get(name) != expected.lower():
            return expected if name == "sha256" else f"{name} {expected}"
    return None


def check(link: Link, tally: Tally) -> dict[str, str]:
    """Give a file's digests; raises DownloadFailed where its size and HashMismatch where its bytes are not right."""
    check_size(link, tally.received)
    digests = tally.digests()
    mismatch = find_mismatch(link, digests)
    if mismatch is not None:
        origin = f"what names {hide_credentials(link.url)}"
        raise HashMismatch(wheel=link.filename, actual=digests["sha256"], expected=mismatch, origin=origin)
    return digests


def check_size(link: Link, size: int) -> None:
    """See that a file has the size that was promised; raises DownloadFailed."""
    if link.size is not None and size != link.size:
        reason = f"it has {size} bytes, and {link.size} are asked for"
        hint = "somebody changed the file or what names it; find out which before you go on"
        raise DownloadFailed(url=hide_credentials(link.url), reason=reason, hint=hint)


def bound(link: Link) -> int:
    """Give the bytes after which no more are taken."""
    return LARGEST if link.size is None else link.size
