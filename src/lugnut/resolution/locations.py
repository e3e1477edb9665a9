"""Where uv and pip keep their configuration. Pure: paths by name, whether or not anything stands there.

Sources: uv's *Configuration files*, pip's *Configuration* and what its `config debug` prints. macOS is served by the
same list as other POSIX systems: the directories that only it has are looked into wherever they stand.
"""

from __future__ import annotations

import ntpath
import os
import posixpath
from collections.abc import Iterator, Mapping

WINDOWS = os.sep == "\\"


def find_uv_files(environ: Mapping[str, str], *, windows: bool = WINDOWS) -> list[str]:
    """Give uv's files of the user and of the system, the user's first."""
    if windows:
        roaming = environ.get("APPDATA") or ntpath.join(_home(environ, windows=True), "AppData", "Roaming")
        return [ntpath.join(roaming, "uv", "uv.toml"), ntpath.join(_shared(environ), "uv", "uv.toml")]
    shared = [*_split(environ.get("XDG_CONFIG_DIRS") or "/etc/xdg"), "/etc"]
    return [posixpath.join(place, "uv", "uv.toml") for place in (_settings_home(environ), *shared)]


def find_pip_files(environ: Mapping[str, str], prefix: str, *, windows: bool = WINDOWS) -> list[str]:
    """Give pip's files in the order in which they override each other: the last one wins.

    `prefix` is the target environment's. PIP_CONFIG_FILE replaces the user's, and the null device all of them.
    """
    join = ntpath.join if windows else posixpath.join
    named = environ.get("PIP_CONFIG_FILE", "")
    if named in {os.devnull, "nul" if windows else "/dev/null"}:
        return []
    basename = "pip.ini" if windows else "pip.conf"
    home = _home(environ, windows=windows)
    if windows:
        roaming = environ.get("APPDATA") or join(home, "AppData", "Roaming")
        everyone, user = [join(_shared(environ), "pip")], [join(home, "pip"), join(roaming, "pip")]
    else:
        everyone = [join(place, "pip") for place in _split(environ.get("XDG_CONFIG_DIRS") or "/etc/xdg")]
        everyone = ["/Library/Application Support/pip", *everyone, "/etc"]
        user = [join(home, ".pip"), join(_settings_home(environ), "pip")]
        user.append(join(home, "Library", "Application Support", "pip"))
    places = [*everyone, *([] if named else user), *([prefix] if prefix else [])]
    return [*(join(place, basename) for place in places), *([named] if named else [])]


def find_projects(directory: str) -> Iterator[str]:
    """Give a directory and those above it."""
    while True:
        yield directory
        above = os.path.dirname(directory)
        if above == directory:
            return
        directory = above


def _home(environ: Mapping[str, str], *, windows: bool) -> str:
    return environ.get("USERPROFILE" if windows else "HOME") or os.path.expanduser("~")


def _settings_home(environ: Mapping[str, str]) -> str:
    return environ.get("XDG_CONFIG_HOME") or posixpath.join(_home(environ, windows=False), ".config")


def _shared(environ: Mapping[str, str]) -> str:
    drive = environ.get("SYSTEMDRIVE", "C:")
    return environ.get("PROGRAMDATA") or f"{drive}\\ProgramData"


def _split(text: str) -> list[str]:
    return [place for place in text.split(":") if place]
