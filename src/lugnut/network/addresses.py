"""URLs taken apart: what may be said aloud, whose credentials they hold, and where two of them lead to one place. Pure.

Sources: RFC 3986, and PEP 503 for `#sha256=...`.
"""

from __future__ import annotations

from lugnut.errors import DownloadFailed
from lugnut.links import hide_credentials
from lugnut.typed import NamedTuple

_PORTS = {"http": 80, "https": 443, "file": 0}


class Login(NamedTuple):
    """A user and password, as they are, not as URLs spell them."""

    user: str
    password: str


class Address(NamedTuple):
    """A URL that can be asked for."""

    url: str
    """Without credentials and fragment."""
    scheme: str
    """http, https or file."""
    host: str
    """Lower case, IPv6 without its brackets."""
    port: int
    login: Login | None
    """What the URL itself holds; the password may be empty."""

    @property
    def origin(self) -> tuple[str, int]:
        """Host and port: whom credentials are for."""
        return self.host, self.port


def parse_url(url: str) -> Address:
    """Take a URL apart; raises DownloadFailed."""
    from urllib.parse import unquote, urlsplit, urlunsplit

    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError as error:
        raise make_refusal(url, f"its URL cannot be read ({error})") from None
    if parts.scheme not in _PORTS or (not host and parts.scheme != "file"):
        raise make_refusal(url, "it is no http, https or file URL")
    if any(sign <= " " or sign == "\x7f" for sign in url):
        raise make_refusal(url, "its URL has blanks or control characters")
    user, at, place = parts.netloc.rpartition("@")
    name, _, password = user.partition(":")
    bare = urlunsplit((parts.scheme, place, parts.path, parts.query, ""))
    login = Login(unquote(name), unquote(password)) if at else None
    return Address(bare, parts.scheme, host, port or _PORTS[parts.scheme], login)


def make_refusal(url: str, reason: str) -> DownloadFailed:
    """Make the error of a URL that will never do."""
    return DownloadFailed(url=hide_credentials(url), reason=reason, hint="correct the URL, or where it comes from")


def put_login(address: Address, login: Login) -> str:
    """Write credentials into a URL."""
    from urllib.parse import quote, urlsplit, urlunsplit

    parts = urlsplit(address.url)
    user = quote(login.user, safe="") + (":" + quote(login.password, safe="") if login.password else "")
    return urlunsplit(parts._replace(netloc=f"{user}@{parts.netloc}"))


def is_trusted(address: Address, trusted_hosts: tuple[str, ...]) -> bool:
    """Say whether one of HOST or HOST:PORT names the place."""
    host = f"[{address.host}]" if ":" in address.host else address.host
    names = {address.host, host, f"{host}:{address.port}"}
    return any(trusted.lower() in names for trusted in trusted_hosts)


def to_path(address: Address) -> str:
    """Give the path of a file URL; raises DownloadFailed where it is on another machine."""
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    if address.host not in {"", "localhost", "127.0.0.1"}:
        raise make_refusal(address.url, f"it is a file of the machine {address.host}")
    return url2pathname(urlsplit(address.url).path)


def name_of(url: str) -> str:
    """Give the file name at the end of a URL's path."""
    from urllib.parse import unquote, urlsplit

    return unquote(urlsplit(url).path.rpartition("/")[2])


def is_file_name(name: str) -> bool:
    """Say whether a name is that of one file, on every system: no path, no drive, nothing that steers a terminal."""
    return name not in {"", ".", ".."} and name.isprintable() and not any(sign in name for sign in "/\\:")
