"""How a host is reached: through which proxy, trusting whom; and the connections that each process keeps open.

Sources: the variables are those of curl, requests, pip and uv; NO_PROXY is read as the standard library reads it.
"""

from __future__ import annotations

import functools
import os
import warnings
from collections.abc import Callable, Mapping

from lugnut.errors import UsageError
from lugnut.links import Route, hide_credentials
from lugnut.network.addresses import Address, is_trusted
from lugnut.network.refusals import judge_error, refuse
from lugnut.network.sockets import listen, pool_classes
from lugnut.typed import Any, NamedTuple

_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_OPENSSL = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_CONNECTING = 10.0
"""Seconds for a connection to be made, where `Route.timeout` is longer: nobody is heard in between."""


class _Way(NamedTuple):
    """What connections that can be used for one another have in common."""

    process: int
    """Its id: a forked child has its parent's sockets, and must not speak on them."""
    proxy: str
    certificates: str
    variables: tuple[str, ...]
    """What OpenSSL's variables say."""
    client_certificate: str
    verified: bool
    secure: bool
    """Spoken by TLS."""


def send(address: Address, headers: Mapping[str, str], route: Route, look: Callable[[], None], shown: str) -> Any:
    """Ask for a URL once, no redirects followed, and give urllib3's response, its body unread.

    `look` is called about ten times a second while waiting, and raises to give up. `shown` is the URL for messages.
    Raises Passing or DownloadFailed, and UsageError where the route itself cannot be used.
    """
    import urllib3

    way = _find_way(address, route)
    if way.proxy and not way.proxy.startswith(("http://", "https://")):
        raise refuse(shown, "its proxy is neither an http nor an https one", "name another with --proxy")
    listen(look)
    look()
    timeout = urllib3.Timeout(connect=min(route.timeout, _CONNECTING), read=route.timeout)
    try:
        with warnings.catch_warnings():
            if not way.verified:  # the user said so
                warnings.simplefilter("ignore", urllib3.exceptions.InsecureRequestWarning)
            return _connect(way).request(
                "GET", address.url, headers=dict(headers), timeout=timeout, retries=False, redirect=False,
                preload_content=False,
            )  # fmt: skip
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise judge_error(shown, error) from None


def prepare(address: Address, route: Route) -> None:
    """Import and make what asking there takes, which is slow, before it is needed in several forked workers."""
    import urllib3  # noqa: F401

    pool_classes()
    way = _find_way(address, route)
    if way.secure or way.proxy:
        _make_context(way._replace(process=0))


def _find_way(address: Address, route: Route) -> _Way:
    return _Way(
        os.getpid(), find_proxy(address, route), _find_certificates(route),
        tuple(os.environ.get(name, "") for name in _OPENSSL), route.client_certificate or "",
        not is_trusted(address, route.trusted_hosts), address.scheme == "https",
    )  # fmt: skip


def find_proxy(address: Address, route: Route) -> str:
    """Give the URL of the proxy for an address; empty where it is reached directly."""
    from urllib.request import getproxies_environment
    from urllib.request import proxy_bypass_environment as bypass  # type: ignore[attr-defined] # not in typeshed

    proxies = getproxies_environment()  # both cases, lower first, and no HTTP_PROXY in a CGI script
    proxy = route.proxy
    if proxy is None:
        if bypass(f"{address.host}:{address.port}", proxies):
            return ""
        proxy = proxies.get(address.scheme) or proxies.get("all") or ""
    return proxy if not proxy or "://" in proxy else f"http://{proxy}"


def _find_certificates(route: Route) -> str:
    """Give the file or directory of certificate authorities; empty: the system's, or what OpenSSL's variables say."""
    if route.certificates:
        return route.certificates
    if any(os.environ.get(name) for name in _OPENSSL):
        return ""
    return next((os.environ[name] for name in _BUNDLES if os.environ.get(name)), "")


@functools.lru_cache(maxsize=16)
def _connect(way: _Way) -> Any:
    """Make a manager of connections, which keeps them open from one file to the next."""
    import urllib3

    context = _make_context(way._replace(process=0)) if way.secure or way.proxy else None
    if not way.proxy:
        manager = urllib3.PoolManager(ssl_context=context)
    else:
        manager = urllib3.ProxyManager(
            _strip(way.proxy), proxy_headers=_proxy_headers(way.proxy), ssl_context=context,
            proxy_ssl_context=_make_context(way._replace(process=0, verified=True)),
        )  # fmt: skip
    manager.pool_classes_by_scheme = pool_classes()
    return manager


def _strip(proxy: str) -> str:
    scheme, _, rest = proxy.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def _proxy_headers(proxy: str) -> dict[str, str]:
    from urllib.parse import unquote

    import urllib3

    user, at, _ = proxy.partition("://")[2].rpartition("@")
    return dict(urllib3.make_headers(proxy_basic_auth=unquote(user))) if at else {}


@functools.lru_cache(maxsize=16)
def _make_context(way: _Way) -> Any:
    """Make what decides whose certificates are trusted; raises UsageError where a file that is named is no good."""
    import ssl

    if way.certificates:
        context = _try(way.certificates, _trust)
    elif any(way.variables):
        context = ssl.create_default_context()
    else:
        context = _make_system_context()
    if way.client_certificate:
        _try(way.client_certificate, context.load_cert_chain)
    if not way.verified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _make_system_context() -> Any:
    """Trust whom the system trusts; OpenSSL's own list is that only on Linux."""
    import ssl

    try:
        import truststore
    except ImportError:
        return ssl.create_default_context()
    return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _trust(path: str) -> Any:
    import ssl

    above = os.path.isdir(path)
    return ssl.create_default_context(cafile=None if above else path, capath=path if above else None)


def _try(path: str, load: Callable[[str], Any]) -> Any:
    try:
        return load(path)
    except OSError as error:  # SSLError too
        reason = error.strerror or str(error)
        message = f"the certificates in {hide_credentials(path)} cannot be used: {reason}"
        raise UsageError(message=message, hint="name a file or directory in PEM format") from None
