"""What uv's variables and files say of indexes and route, as a `Layer`.

Sources: uv's *Environment variables* and *Settings*. Inside the family uv's own rules hold: variables before the
project's file before the user's before the system's, lists put together in this order, `[pip]` before the rest of its
file. An `explicit` index is for those that uv's sources name, so it is left out.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping

from lugnut.errors import UsageError
from lugnut.links import Index
from lugnut.resolution import locations
from lugnut.resolution.layers import (
    Layer,
    chain,
    find_first,
    read_index,
    read_keyring,
    read_number,
    read_place,
    read_switch,
    read_words,
)
from lugnut.typed import Any

ReadFile = Callable[[str], str | None]
"""Path to text; None where there is no such file."""


def read_uv(environ: Mapping[str, str], directory: str, read_file: ReadFile) -> Layer:
    """Read what uv would, from a working directory; raises UsageError."""
    files = (read_table(path, table) for path, table in _find_tables(environ, directory, read_file))
    return chain([_read_variables(environ, directory), *files])


def add_credentials(index: Index, environ: Mapping[str, str]) -> Index:
    """Put UV_INDEX_<NAME>_USERNAME and _PASSWORD into the URL of an index of that name."""
    stem = f"UV_INDEX_{re.sub('[^A-Za-z0-9]', '_', index.name).upper()}"
    user, password = environ.get(f"{stem}_USERNAME", ""), environ.get(f"{stem}_PASSWORD", "")
    if not index.name or not (user or password):
        return index
    from urllib.parse import quote, urlsplit, urlunsplit

    parts = urlsplit(index.url)
    if "@" in parts.netloc:
        return index
    words = quote(user, safe="") + (":" + quote(password, safe="") if password else "")
    return index._replace(url=urlunsplit(parts._replace(netloc=f"{words}@{parts.netloc}")))


def _read_variables(environ: Mapping[str, str], directory: str) -> Layer:
    table: dict[str, Any] = {}
    for key, names in _VARIABLES.items():
        found = find_first(environ, *names)
        if found is not None:
            table[key] = found[1]
    for key, separators in (("extra-index-url", r"\s+"), ("find-links", ","), ("allow-insecure-host", r"[\s,]+")):
        if key in table:
            table[key] = read_words(table[key], separators)
    layer = _make_layer(table, directory, lambda key: find_first(environ, *_VARIABLES[key])[0])  # type: ignore[index]
    listed = [read_index(text, directory) for text in read_words(environ.get("UV_INDEX", ""))]
    return layer._replace(extra=(*listed, *(layer.extra or ())) or None)


_VARIABLES = {
    "index-url": ("UV_DEFAULT_INDEX", "UV_INDEX_URL"),
    "extra-index-url": ("UV_EXTRA_INDEX_URL",),
    "find-links": ("UV_FIND_LINKS",),
    "allow-insecure-host": ("UV_INSECURE_HOST",),
    "keyring-provider": ("UV_KEYRING_PROVIDER",),
    "offline": ("UV_OFFLINE",),
    "concurrent-downloads": ("UV_CONCURRENT_DOWNLOADS",),
    "timeout": ("UV_HTTP_TIMEOUT", "UV_REQUEST_TIMEOUT", "HTTP_TIMEOUT"),
    "retries": ("UV_HTTP_RETRIES",),
    "certificates": ("SSL_CERT_FILE",),
    "client-certificate": ("SSL_CLIENT_CERT",),
}


def _find_tables(
    environ: Mapping[str, str], directory: str, read_file: ReadFile
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Give the files that count, the nearest first, as path and table."""
    named = environ.get("UV_CONFIG_FILE", "")
    if read_switch(environ.get("UV_NO_CONFIG", ""), "UV_NO_CONFIG"):
        return
    if named:
        path = os.path.join(directory, named)
        table = _parse(path, read_file)
        if table is None:
            raise UsageError(message=f"UV_CONFIG_FILE names {path}, which does not exist", hint="mend the path")
        yield path, table
        return
    yield from _find_project(directory, read_file)
    others = locations.find_uv_files(environ)
    for path in (others[0], *_first_of(others[1:], read_file)):
        table = _parse(path, read_file)
        if table is not None:
            yield path, table


def _find_project(directory: str, read_file: ReadFile) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for place in locations.find_projects(directory):
        path = os.path.join(place, "uv.toml")
        table = _parse(path, read_file)
        if table is None:
            path = os.path.join(place, "pyproject.toml")
            tools = (_parse(path, read_file) or {}).get("tool", {})
            table = tools.get("uv") if isinstance(tools, dict) else None
        if isinstance(table, dict):
            yield path, table
            return


def _first_of(paths: list[str], read_file: ReadFile) -> list[str]:
    return [path for path in paths if read_file(path) is not None][:1]


def _parse(path: str, read_file: ReadFile) -> Mapping[str, Any] | None:
    text = read_file(path)
    if text is None:
        return None
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = f"{path} is not TOML: {str(error)[:1].lower()}{str(error)[1:]}"
        raise UsageError(message=message, hint="mend the file, or set UV_NO_CONFIG=1") from None


def read_table(path: str, table: Mapping[str, Any]) -> Layer:
    """Read uv.toml or [tool.uv]; relative paths begin at the file."""
    directory = os.path.dirname(path)
    beneath = table.get("pip", {})
    whole = {**table, **(beneath if isinstance(beneath, dict) else {})}
    try:
        layer = _make_layer(whole, directory, lambda key: f"{key} in {path}")
        entries = [entry for entry in table.get("index", []) if not entry.get("explicit")]
        return _add_entries(layer, entries, directory)
    except (TypeError, AttributeError, KeyError):
        message = f"{path} says of indexes what uv does not know"
        raise UsageError(message=message, hint="see the settings reference of uv, or set UV_NO_CONFIG=1") from None


def _add_entries(layer: Layer, entries: list[Mapping[str, Any]], directory: str) -> Layer:
    """Add the [[index]] entries: the one that is default, pages of links, and the others before extra-index-url."""
    found = [(entry, read_index(entry["url"], directory, entry.get("name", ""))) for entry in entries]
    flat = [index.url for entry, index in found if entry.get("format") == "flat"]
    simple = [(entry, index) for entry, index in found if entry.get("format") != "flat"]
    extra = [index for entry, index in simple if not entry.get("default")]
    return layer._replace(
        default=next((index for entry, index in simple if entry.get("default")), layer.default),
        extra=(*extra, *(layer.extra or ())) or None,
        find_links=(*flat, *(layer.find_links or ())) or None,
    )


def _make_layer(table: Mapping[str, Any], directory: str, spell: Callable[[str], str]) -> Layer:
    """Make a layer of uv's keys; `spell` says where a key stands."""

    def read(key: str, how: Callable[[Any, str], Any]) -> Any:
        return None if table.get(key) is None else how(table[key], spell(key))

    def listed(key: str, how: Callable[[str, str], Any]) -> Any:
        return tuple(how(text, directory) for text in read_words(table[key])) if key in table else None

    index = table.get("index-url")
    proxy = find_first(table, "https-proxy", "http-proxy")
    return Layer(
        default=None if index is None else read_index(index, directory),
        extra=listed("extra-index-url", read_index),
        find_links=listed("find-links", read_place),
        no_index=read("no-index", read_switch),
        trusted_hosts=listed("allow-insecure-host", lambda host, _: host),
        proxy=None if proxy is None else str(proxy[1]),
        certificates=table.get("certificates"),
        client_certificate=table.get("client-certificate"),
        keyring=read("keyring-provider", read_keyring),
        timeout=read("timeout", read_number),
        retries=read("retries", lambda value, where: int(read_number(value, where))),
        offline=read("offline", read_switch),
        downloads=read("concurrent-downloads", lambda value, where: int(read_number(value, where)) or 1),
    )
