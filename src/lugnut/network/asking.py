"""One question to the network: redirects followed, credentials given to whom they are for, tries repeated.

Sources: RFC 9110 (redirection, Retry-After), RFC 7617 (Basic).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping

from lugnut.links import Route
from lugnut.network.addresses import Address, Login, is_trusted, parse_url, put_login
from lugnut.network.connections import send
from lugnut.network.credentials import ask_keyring, find_login
from lugnut.network.refusals import Passing, judge_status, refuse
from lugnut.network.sockets import TICK
from lugnut.settings import Watch
from lugnut.typed import Any, NamedTuple, TypeVar

T = TypeVar("T")
BACKOFF = 0.25
"""Seconds before the second try, twice that before the third, and so on."""
LONGEST_PAUSE = 60.0
_REDIRECTS = {301, 302, 303, 307, 308}
_HOPS = 10
_WELCOME = {200, 206, 304, 416}
_UNAUTHORIZED = 401
_DRAIN = 1 << 16


class Answer(NamedTuple):
    """A response, its body unread, and the URL that gave it in the end, with the credentials it needs."""

    response: Any
    url: str


class _Question(NamedTuple):
    """What is asked, wherever it leads."""

    url: str
    """As it was given: for messages."""
    headers: Mapping[str, str]
    route: Route
    watch: Watch


def persist(attempt: Callable[[], T], url: str, route: Route, cancelled: Callable[[], None]) -> T:
    """Try until it works, at most `route.retries` times more, with growing pauses; raises DownloadFailed."""
    tries = 0
    while True:
        try:
            return attempt()
        except Passing as failure:
            tries += 1
            if tries > route.retries:
                often = f" ({tries} tries)" if tries > 1 else ""
                raise refuse(url, failure.reason + often, failure.hint) from None
            pause(find_pause(tries, failure.after), cancelled)


def find_pause(tries: int, after: float | None) -> float:
    """Give the seconds to wait before the next try: what the server asks for, or twice as long each time.

    Half of that is left to chance, so that many who failed together do not come back together.
    """
    if after is not None:
        return min(after, LONGEST_PAUSE)
    import random

    return float(min(BACKOFF * 2 ** (tries - 1), LONGEST_PAUSE) * random.uniform(0.5, 1.0))  # noqa: S311


def pause(seconds: float, cancelled: Callable[[], None]) -> None:
    """Wait, and look up ten times a second."""
    until = time.monotonic() + seconds
    while True:
        cancelled()
        left = until - time.monotonic()
        if left <= 0:
            return
        time.sleep(min(left, TICK))


@contextlib.contextmanager
def ask(url: str, headers: Mapping[str, str], route: Route, watch: Watch) -> Iterator[Answer]:
    """Give the answer to a question, its body unread; raises Passing and DownloadFailed for what is none."""
    from urllib3.exceptions import HTTPError

    question = _Question(url, {"Accept-Encoding": "identity", "User-Agent": "lugnut", **headers}, route, watch)
    answer = _follow(question)
    try:
        _welcome(url, answer.response)
        yield answer
    except BaseException:
        answer.response.close()
        raise
    with contextlib.suppress(HTTPError, OSError):
        _let_go(answer.response)


def _welcome(url: str, response: Any) -> None:
    if response.status not in _WELCOME:
        raise judge_status(url, response.status, _read_retry_after(response))


def _follow(question: _Question) -> Answer:
    address = parse_url(question.url)
    for hop in range(_HOPS + 1):
        response, login = _authorise(address, question, first=hop == 0)
        if response.status not in _REDIRECTS or not response.headers.get("Location"):
            return Answer(response, put_login(address, login) if login is not None else address.url)
        target = response.headers["Location"]
        _let_go(response)
        address = _lead(address, target, question)
    raise refuse(question.url, f"it leads from one place to another, more than {_HOPS} times", "correct the URL")


def _lead(address: Address, target: str, question: _Question) -> Address:
    """Give where a redirect leads, with the credentials of the URL if that is the same host (never to another)."""
    from urllib.parse import urljoin

    following = parse_url(urljoin(address.url, target))
    if following.scheme == "file":
        raise refuse(question.url, "its server leads to a file of this machine", "correct the URL")
    if (
        address.scheme == "https"
        and following.scheme == "http"
        and not is_trusted(following, question.route.trusted_hosts)
    ):
        hint = f"trust the host with --trusted-host {following.host}, if you do"
        raise refuse(question.url, f"its server leads from https to http, at {following.host}", hint)
    if following.login is None and following.origin == address.origin:
        return following._replace(login=address.login)
    return following


def _authorise(address: Address, question: _Question, *, first: bool) -> tuple[Any, Login | None]:
    """Ask with the credentials that are known, and where these will not do with what keyring has."""
    login = find_login(address, question.watch, first=first)
    response = _send(address, login, question)
    told = address.login is not None and bool(address.login.password)
    if response.status != _UNAUTHORIZED or question.route.keyring != "subprocess" or told:
        return response, login
    found = ask_keyring(address, login.user if login is not None else "", question.watch)
    if found is None:
        return response, login
    _let_go(response)
    return _send(address, found, question), found


def _send(address: Address, login: Login | None, question: _Question) -> Any:
    headers = {**question.headers, **_authorization(login)}
    return send(address, headers, question.route, question.watch.cancelled, question.url)


def _authorization(login: Login | None) -> dict[str, str]:
    """Write the header of a user (RFC 7617), as UTF-8."""
    if login is None:
        return {}
    import base64

    words = f"{login.user}:{login.password}".encode("utf-8", "surrogatepass")
    return {"Authorization": f"Basic {base64.b64encode(words).decode('ascii')}"}


def _read_retry_after(response: Any) -> float | None:
    from urllib3 import Retry
    from urllib3.exceptions import InvalidHeader

    said = response.headers.get("Retry-After")
    try:
        return None if said is None else float(Retry().parse_retry_after(said))
    except (InvalidHeader, ValueError, OverflowError):
        return None


def _let_go(response: Any) -> None:
    """Give a connection back for the next question, if what is left of its answer is short."""
    from urllib3.exceptions import HTTPError

    with contextlib.suppress(HTTPError, OSError):
        if not response.closed:
            response.read(_DRAIN, decode_content=False)
        if response.length_remaining:
            response.close()
    response.release_conn()
