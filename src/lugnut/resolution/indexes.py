"""Where both backends look and how they reach it: `Indexes` and `Route`, gathered from four families of settings.

In this order, and for each setting the first that has it: flags and LUGNUT_* (given), uv's variables and files, pip's
variables and files; lists are taken whole from one family. Both backends get the very same values (`told`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from lugnut.errors import UsageError
from lugnut.links import Index, Indexes, Route
from lugnut.resolution.layers import (
    Layer,
    find_first,
    pick,
    read_index,
    read_keyring,
    read_number,
    read_place,
    read_switch,
    read_words,
)
from lugnut.resolution.pip_settings import read_pip
from lugnut.resolution.uv_settings import add_credentials, read_uv
from lugnut.typed import Any


def read_text(path: str) -> str | None:
    """Read a file of configuration; None where there is none. Raises UsageError where it cannot be read."""
    if not os.path.isfile(path):  # a FIFO would hang us (TRAPS 36)
        return None
    try:
        with open(path, encoding="utf-8-sig") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        reason = error.strerror or "it cannot be read"
        raise UsageError(message=f"{path}: {reason}", hint="give yourself leave to read it") from None
    except UnicodeDecodeError:
        raise UsageError(message=f"{path} is not UTF-8 text", hint="save it as UTF-8") from None


def gather(
    given: Mapping[str, Any],
    environ: Mapping[str, str],
    directory: str,
    prefix: str = "",
    read_file: Callable[[str], str | None] = read_text,
) -> tuple[Indexes, Route]:
    """Gather what every family says; `given` are raw values of flags and LUGNUT_*, by the flags' names in snake case.

    Keys: index_url or default_index, extra_index_url, index (NAME=URL or URL), find_links, no_index, trusted_host,
    proxy, cert, client_cert, keyring_provider, timeout, retries, offline, downloads; values are texts or lists of them.
    `directory` is the working directory, `prefix` the target environment's; relative paths come back absolute.
    Raises UsageError.
    """
    layers = [read_given(given, directory), read_uv(environ, directory, read_file)]
    chosen = pick([*layers, read_pip(environ, directory, prefix, read_file)])
    return _make_indexes(chosen, environ), _make_route(chosen, directory)


def read_given(given: Mapping[str, Any], directory: str) -> Layer:
    """Read flags and LUGNUT_*; raises UsageError."""

    def read(key: str, how: Callable[[Any, str], Any]) -> Any:
        return None if given.get(key) is None else how(given[key], f"--{key.replace('_', '-')}")

    def listed(key: str, how: Callable[[str, str], Any]) -> Any:
        return None if not given.get(key) else tuple(how(text, directory) for text in read_words(given[key]))

    default = find_first(given, "default_index", "index_url")
    named, others = listed("index", read_index), listed("extra_index_url", read_index)
    return Layer(
        default=None if default is None else read_index(str(default[1]), directory),
        extra=(*(named or ()), *(others or ())) or None,
        find_links=listed("find_links", read_place),
        no_index=read("no_index", read_switch),
        trusted_hosts=listed("trusted_host", lambda host, _: host),
        proxy=given.get("proxy"),
        certificates=given.get("cert"),
        client_certificate=given.get("client_cert"),
        keyring=read("keyring_provider", read_keyring),
        timeout=read("timeout", read_number),
        retries=read("retries", lambda value, where: int(read_number(value, where))),
        offline=read("offline", read_switch),
        downloads=read("downloads", lambda value, where: int(read_number(value, where)) or 1),
    )


def _make_indexes(chosen: Layer, environ: Mapping[str, str]) -> Indexes:
    if chosen.no_index:
        return Indexes(find_links=chosen.find_links or (), no_index=True)
    default = None if chosen.default is None else add_credentials(chosen.default, environ)
    extra: dict[str, Index] = {}
    for index in chosen.extra or ():
        if default is None or index.url != default.url:
            extra.setdefault(index.url, add_credentials(index, environ))
    links = tuple(dict.fromkeys(chosen.find_links or ()))
    return Indexes(default, tuple(extra.values()), links, merged=bool(chosen.merged and extra))


def _make_route(chosen: Layer, directory: str) -> Route:
    files = {
        "certificates": chosen.certificates,
        "client_certificate": chosen.client_certificate,
    }
    fields: dict[str, Any] = {
        **{
            name: None if not path else os.path.join(directory, os.path.expanduser(path))
            for name, path in files.items()
        },
        **{name: getattr(chosen, name) for name in ("offline", "timeout", "retries", "proxy")},
        **{name: getattr(chosen, name) for name in ("trusted_hosts", "keyring", "downloads")},
    }
    return Route(**{name: value for name, value in fields.items() if value is not None})
