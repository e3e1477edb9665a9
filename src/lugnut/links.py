"""Where a file of a distribution is to be had and what it must hash to, and how the network may be reached. Pure.

Sources: PEP 751 (`url`, `path`, `size`, `hashes` of a wheel, sdist or archive), PEP 503 and 691 (index URLs).
"""

from __future__ import annotations

from lugnut.typed import NamedTuple

_USER = r"(?<=://)[^/@\s]*:[^/\s]*@|(?<=://)[^/@\s]+@"


class Link(NamedTuple):
    """One file to be fetched."""

    url: str
    """https, http or file; may hold credentials: print it through `hide_credentials` only."""
    filename: str
    hashes: tuple[tuple[str, str], ...] = ()
    """Algorithm (as hashlib names it) and digest in lower-case hexadecimal, sorted; every one of them must hold."""
    size: int | None = None
    """Bytes, where somebody said so."""

    @property
    def sha256(self) -> str | None:
        """The digest that the store knows files by, if it is known beforehand."""
        return dict(self.hashes).get("sha256")


class Index(NamedTuple):
    """One index that a resolver asks."""

    url: str
    name: str = ""
    """As in uv's `--index NAME=URL`; it names the variables that hold its credentials."""


class Indexes(NamedTuple):
    """Where distributions are looked for, gathered from flags, variables and configuration; in order of precedence."""

    default: Index | None = None
    """None: the resolver's own."""
    extra: tuple[Index, ...] = ()
    find_links: tuple[str, ...] = ()
    """Absolute directories, or URLs of pages."""
    no_index: bool = False
    merged: bool = False
    """The best version of any index is taken, as by pip, whose settings name them; else the resolver's own way."""


class Route(NamedTuple):
    """How the network may be reached; the same for a resolver, a build and a download."""

    offline: bool = False
    timeout: float = 30.0
    """Seconds without a byte."""
    retries: int = 5
    proxy: str | None = None
    """None: what the environment's variables say."""
    certificates: str | None = None
    """A file or directory of certificate authorities; None: the system's."""
    client_certificate: str | None = None
    trusted_hosts: tuple[str, ...] = ()
    """HOST or HOST:PORT whose certificate is not verified, and that may be http."""
    keyring: str = "disabled"
    """disabled or subprocess."""
    downloads: int = 8
    """How many at once."""


def hide_credentials(text: str) -> str:
    """Cut user names and passwords out of every URL in a text, even where they hold signs they should not."""
    import re

    return re.sub(_USER, "****@", text)
