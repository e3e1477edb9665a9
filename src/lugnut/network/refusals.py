"""What goes wrong on the network, in words: what another try may mend, and what is final.

Sources: RFC 9110 (status codes), RFC 6585 (429).
"""

from __future__ import annotations

from lugnut.errors import DownloadFailed
from lugnut.links import hide_credentials

_LATER = "try it again later"
_WHERE = "look for a slip in the URL; it may have been removed, then lock again"
_WHO = "put the credentials into the URL or ~/.netrc, or use --keyring-provider subprocess and a user name in the URL"
_REACH = "see whether the network and the proxy are as they should be; --offline uses what is in the cache"
_TRUST = "name the certificate authority by SSL_CERT_FILE, or trust the host with --trusted-host"
_UNKNOWN = "see what the server says of it"
_PASSING = {408, 425, 429}
_HINTS = {401: _WHO, 403: _WHO, 404: _WHERE, 407: _REACH, 410: _WHERE}
_SERVER, _NEVER = 500, 501


class Passing(Exception):
    """A failure that another try may mend; `after` is the seconds the server asks to wait, if it does."""

    def __init__(self, reason: str, hint: str = _LATER, after: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint
        self.after = after


def refuse(url: str, reason: str, hint: str) -> DownloadFailed:
    """Make the final error of a URL, credentials left out of all it says."""
    return DownloadFailed(url=hide_credentials(url), reason=hide_credentials(reason), hint=hint)


def judge_status(url: str, status: int, after: float | None) -> Passing | DownloadFailed:
    """Word an answer that is not the file."""
    from http import HTTPStatus

    try:
        words = f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        words = f"status {status}"
    if status in _PASSING or (status >= _SERVER and status != _NEVER):
        return Passing(words, after=after)
    return refuse(url, words, _HINTS.get(status, _UNKNOWN))


def judge_error(url: str, error: Exception) -> Passing | DownloadFailed:
    """Word what urllib3 raises."""
    from http.client import IncompleteRead
    from ssl import SSLCertVerificationError

    from urllib3 import exceptions

    cause = _find_cause(error)
    if isinstance(cause, SSLCertVerificationError):
        return refuse(url, f"its certificate is not trusted: {cause.verify_message.rstrip('.')}", _TRUST)
    if isinstance(cause, IncompleteRead):
        return Passing("the connection ended before the file did")
    final: list[tuple[type[Exception], str, str]] = [
        (exceptions.SSLError, f"no secure connection could be made{_because(cause)}", _REACH),
        (exceptions.LocationValueError, "its URL cannot be read", _WHERE),
        (exceptions.InvalidHeader, "its server's answer cannot be read", _UNKNOWN),
    ]
    passing: list[tuple[type[Exception], str, str]] = [
        (exceptions.ProxyError, f"the proxy did not let us through{_because(cause)}", _REACH),
        (exceptions.NameResolutionError, f"its host is not known{_because(cause)}", _REACH),
        (exceptions.NewConnectionError, f"no connection could be made{_because(cause)}", _REACH),
        (exceptions.TimeoutError, "nothing came for too long", _REACH),
        (exceptions.HTTPError, f"the connection broke{_because(cause)}", _LATER),
        (OSError, f"the connection broke{_because(cause)}", _LATER),
    ]
    for kind, reason, hint in final:
        if isinstance(error, kind):
            return refuse(url, reason, hint)
    return next(Passing(reason, hint) for kind, reason, hint in passing if isinstance(error, kind))


def _because(cause: BaseException) -> str:
    """Give what the system says of it, without its number."""
    said = cause.strerror if isinstance(cause, OSError) and cause.strerror else ""
    return f": {said}" if said and "\n" not in said else ""


def _find_cause(error: BaseException) -> BaseException:
    """Find the innermost exception that others were made of."""
    seen = {id(error)}
    while True:
        inner = next((one for one in error.args if isinstance(one, BaseException)), None)
        inner = inner or error.__cause__ or error.__context__
        if inner is None or id(inner) in seen:
            return error
        seen.add(id(inner))
        error = inner
