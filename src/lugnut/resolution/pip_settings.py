"""What pip's variables and configuration files say of indexes and route, as a `Layer`.

Source: pip's *Configuration*: a variable before `[install]` before `[global]`; of the files the later one overrides
the earlier, key by key and list by list. Other commands' sections are not for an installer. `config` has no
interpolation, so a `%` is a `%`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lugnut.errors import UsageError
from lugnut.resolution import locations
from lugnut.resolution.layers import (
    Layer,
    find_first,
    read_index,
    read_keyring,
    read_number,
    read_place,
    read_switch,
    read_words,
)
from lugnut.typed import Any

_SECTIONS = ("global", "install")
_IGNORED = frozenset(("version", "help"))


def read_pip(environ: Mapping[str, str], directory: str, prefix: str, read_file: Callable[[str], str | None]) -> Layer:
    """Read what pip would, for the environment at `prefix`; raises UsageError."""
    sections: dict[str, dict[str, tuple[Any, str]]] = {name: {} for name in _SECTIONS}
    for path in locations.find_pip_files(environ, prefix):
        text = read_file(path)
        for name, key, value in [] if text is None else _parse(path, text):
            if name in sections:
                sections[name][key] = (value, f"{key} in {path}")
    table = {**sections["global"], **sections["install"]}
    for name, value in environ.items():
        key = _normalise(name[4:])
        if name.startswith("PIP_") and value and key not in _IGNORED:
            table[key] = (value, name)
    bundle = find_first(environ, "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
    if bundle is not None:
        table.setdefault("cert", (bundle[1], bundle[0]))
    return _make_layer(table, directory)


def _normalise(name: str) -> str:
    return name.lower().replace("_", "-").removeprefix("--")


def _parse(path: str, text: str) -> list[tuple[str, str, str]]:
    """Read one file as (section, key, value)."""
    import configparser

    parser = configparser.RawConfigParser()
    try:
        parser.read_string(text)
    except configparser.Error as error:
        number = getattr(error, "lineno", None) or next((line for line, _ in getattr(error, "errors", ())), None)
        where = f"{path}:{number}" if number else path
        message = f"{where}: pip's configuration cannot be read"
        raise UsageError(message=message, hint="mend the file; `pip config debug` reads it too") from None
    return [(name, _normalise(key), value) for name in parser.sections() for key, value in parser.items(name)]


def _make_layer(table: Mapping[str, tuple[Any, str]], directory: str) -> Layer:
    def read(how: Callable[[Any, str], Any], *keys: str) -> Any:
        found = next((table[key] for key in keys if key in table), None)
        return None if found is None or found[0] == "" else how(*found)

    def listed(how: Callable[[str, str], Any], key: str) -> Any:
        return read(lambda value, _: tuple(how(text, directory) for text in read_words(value)), key)

    def as_it_is(value: Any, _: str) -> str:
        return str(value)

    return Layer(
        default=read(lambda value, _: read_index(value, directory), "index-url", "pypi-url"),
        extra=listed(read_index, "extra-index-url"),
        merged=True,
        find_links=listed(read_place, "find-links"),
        no_index=read(read_switch, "no-index"),
        trusted_hosts=listed(as_it_is, "trusted-host"),
        proxy=read(as_it_is, "proxy"),
        certificates=read(as_it_is, "cert"),
        client_certificate=read(as_it_is, "client-cert"),
        keyring=read(read_keyring, "keyring-provider"),
        timeout=read(read_number, "timeout", "default-timeout"),
        retries=read(lambda value, where: int(read_number(value, where)), "retries"),
    )
