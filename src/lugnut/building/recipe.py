"""What is built and how: values only.

Sources: PEP 517 (config settings, isolation), PEP 625 (an sdist's file name), PEP 751 (subdirectory).
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from lugnut.links import hide_credentials
from lugnut.typed import NamedTuple


class Source(NamedTuple):
    """Something a wheel can be built of: an archive, a directory, or a commit of a repository."""

    path: str
    """Absolute: an archive, or a directory, which is built where it stands. Empty: a commit, yet to be checked out."""
    name: str = ""
    """The distribution it is said to be; empty: its file name says so, if it is that of an sdist."""
    version: str = ""
    """The version it is said to be; the same."""
    label: str = ""
    """What the user calls it; empty: its path or URL."""
    subdirectory: str = ""
    """Where in it the project is, with `/`; empty: at its top."""
    digest: str = ""
    """What it can be known again by: an archive's sha256, or a commit's whole id. Empty: it may change."""
    repository: str = ""
    """The URL that git fetches the commit from; may hold credentials."""
    epoch: int | None = None
    """When it was made, in seconds since 1970, where somebody knows; an archive and a commit tell it themselves."""

    def describe(self) -> str:
        """Word it for people."""
        where = self.label or self.path or f"{self.repository}@{self.digest}"
        return hide_credentials(where)

    def guess_name(self) -> str:
        """Give what may be its name by its path, for people to follow what is going on."""
        return os.path.basename((self.path or self.repository).rstrip("/").removesuffix(".git"))


class Recipe(NamedTuple):
    """How wheels are built for one environment."""

    python: str
    """The interpreter they are for: absolute path."""
    uv_arguments: tuple[str, ...] = ()
    """What `uv pip install` is told of indexes and of the network, all of it: its own configuration does not count."""
    pip_arguments: tuple[str, ...] = ()
    """The same for `pip install`."""
    config_settings: Mapping[str, str | list[str]] = {}
    """As PEP 517 hands them to the backend."""
    isolated: bool = True
    """In an environment of its own; else in the interpreter's, as it is."""
    build_constraints: tuple[str, ...] = ()
    """Requirements files, absolute, whose lines hold for build requirements."""
    environ: Mapping[str, str] = {}
    """The variables that programs are started with, backends above all."""
    installer_environ: Mapping[str, str] | None = None
    """Those for uv or pip, whole, with what they are told that no command line may show; None: `environ`, without what
    the two take for settings of theirs."""
    uv: str | None = None
    """Where uv is; None: pip installs the build requirements."""
    offline: bool = False
    allowed: bool = True
    """False: nothing is built (--no-build, --only-binary)."""


class CannotBuild(Exception):
    """Why a build cannot be done or did not succeed, before anybody has said of what."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        """A clause that fits after a colon."""
        self.hint = hint
