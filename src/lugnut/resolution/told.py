"""What a backend is told of indexes and route, and nothing else: arguments, variables, its own settings switched off.

Both are told the same. Arguments can be read by everybody who may list processes, so whatever may hold a password
goes by variables. Variables of the user's that mean something to uv or pip are taken out, or a second list of indexes
would come in through the back door; caches stay where the user has put them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping

from lugnut.links import Index, Indexes, Route
from lugnut.resolution.credentials import separate, strip
from lugnut.resolution.layers import to_url
from lugnut.typed import NamedTuple

_KEPT = frozenset(("UV_CACHE_DIR", "UV_NO_CACHE", "UV_LINK_MODE", "PIP_CACHE_DIR", "PIP_NO_CACHE_DIR"))
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
_NOWHERE = "http://127.0.0.1:9"
"""A proxy that never answers: pip has no --offline, so that nothing it does may leave the machine (port discard)."""


class Told(NamedTuple):
    """How a backend is called beside what is asked of it."""

    arguments: tuple[str, ...]
    environ: Mapping[str, str]
    """Whole: what the program's environment is."""


def uv_arguments(indexes: Indexes, route: Route, environ: Mapping[str, str]) -> Told:
    """Tell uv; each index has a name, by which a variable gives its user and password."""
    named = _name((*indexes.extra, *([indexes.default] if indexes.default else [])))
    arguments = ["--no-config", "--no-progress", "--color=never", "--no-python-downloads"]
    variables: dict[str, str] = {}
    for name, index in named.items():
        flag = "--default-index" if index == indexes.default else "--index"
        bare = separate(index.url)
        arguments.append(f"{flag}={name}={bare.url}")
        stem = f"UV_INDEX_{re.sub('[^A-Za-z0-9]', '_', name).upper()}"
        variables |= {f"{stem}_USERNAME": bare.user} if bare.user else {}
        variables |= {f"{stem}_PASSWORD": bare.password} if bare.password else {}
    if indexes.find_links:
        variables["UV_FIND_LINKS"] = ",".join(_spell(link).replace(",", "%2C") for link in indexes.find_links)
    arguments += ["--no-index"] if indexes.no_index else []
    arguments += ["--offline"] if route.offline else []
    arguments += [f"--allow-insecure-host={host}" for host in route.trusted_hosts]
    arguments += ["--keyring-provider=subprocess"] if route.keyring == "subprocess" else []
    variables |= {"UV_HTTP_TIMEOUT": str(max(1, round(route.timeout))), "UV_HTTP_RETRIES": str(route.retries)}
    variables |= _tell_proxy(route.proxy)
    variables |= _tell_certificates(route)
    return Told(tuple(arguments), _scrub(environ) | variables)


def pip_arguments(indexes: Indexes, route: Route, environ: Mapping[str, str]) -> Told:
    """Tell pip, by variables alone; offline nothing but this machine is left to look at."""
    seen = _leave_local(indexes) if route.offline else indexes
    variables = {
        "PIP_CONFIG_FILE": os.devnull,  # not --isolated: it reads the system's and the environment's files
        "PIP_NO_INPUT": "1",
        "PIP_NO_COLOR": "1",
        "PIP_PROGRESS_BAR": "off",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
        "PIP_DEFAULT_TIMEOUT": str(max(1, round(route.timeout))),
        "PIP_RETRIES": "0" if route.offline else str(route.retries),
        "PIP_KEYRING_PROVIDER": route.keyring,
        "PIP_INDEX_URL": seen.default.url if seen.default else "",
        "PIP_EXTRA_INDEX_URL": " ".join(index.url for index in seen.extra),
        "PIP_FIND_LINKS": " ".join(_spell(link) for link in seen.find_links),
        "PIP_NO_INDEX": "1" if seen.no_index else "",
        "PIP_TRUSTED_HOST": " ".join(route.trusted_hosts),
        "PIP_CERT": route.certificates or "",
        "PIP_CLIENT_CERT": route.client_certificate or "",
    }
    scrubbed = _scrub(environ) | _tell_proxy(route.proxy) | _tell_certificates(route)
    if route.offline:
        scrubbed = {name: value for name, value in scrubbed.items() if name.upper() not in {*_PROXIES, "NO_PROXY"}}
        scrubbed |= dict.fromkeys(_PROXIES, _NOWHERE)
    return Told((), scrubbed | {name: value for name, value in variables.items() if value})


def _scrub(environ: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in environ.items()
        if name in _KEPT or not name.upper().startswith(("UV_", "PIP_", "LUGNUT_"))
    }


def _name(indexes: Iterable[Index]) -> dict[str, Index]:
    """Give every index a name of its own, the user's where it has one."""
    named: dict[str, Index] = {}
    listed = list(indexes)
    for index in listed:
        number = 1
        name = index.name
        while not name or name in named or (not index.name and any(name == other.name for other in listed)):
            name = f"lugnut-{number}"
            number += 1
        named[name] = index
    return named


def _leave_local(indexes: Indexes) -> Indexes:
    """Leave what a program can reach without the network."""
    asked = [index for index in (indexes.default, *indexes.extra) if index is not None]
    local = [index for index in asked if index.url.startswith("file:")]
    links = tuple(link for link in indexes.find_links if "://" not in link or link.startswith("file:"))
    return Indexes(local[0] if local else None, tuple(local[1:]), links, no_index=not local)


def _spell(link: str) -> str:
    """Spell a directory as a URL: a list that is cut at spaces or commas has no place for them."""
    return link if "://" in link else to_url(link)


def _tell_proxy(proxy: str | None) -> dict[str, str]:
    """Both spellings: programs that know both do not agree which comes first."""
    if not proxy:
        return {}
    url = proxy if "://" in proxy else f"http://{proxy}"
    return {name: url for upper in _PROXIES for name in (upper, upper.lower())}


def _tell_certificates(route: Route) -> dict[str, str]:
    """Name certificates; where none are named, those of the system, as lugnut's own downloads use them."""
    found = {"SSL_CLIENT_CERT": route.client_certificate} if route.client_certificate else {}
    if route.certificates is None:
        return found | {"UV_SYSTEM_CERTS": "true", "UV_NATIVE_TLS": "true"}  # the second is what uv called it before
    return found | {"SSL_CERT_DIR" if os.path.isdir(route.certificates) else "SSL_CERT_FILE": route.certificates}


def show(indexes: Indexes) -> tuple[str, ...]:
    """Name what is looked at, without secrets; for messages."""
    asked = [index for index in (indexes.default, *indexes.extra) if index is not None]
    return tuple(strip(place) for place in (*(index.url for index in asked), *indexes.find_links))
