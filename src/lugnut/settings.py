"""What a caller decides about a run, and what the run says when it is done: the values of the front door."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping

from lugnut import events
from lugnut.distribution import Name
from lugnut.typed import Any, NamedTuple

BACKENDS = ("redis", "rediss", "unix")
"""The schemes of the servers that can lock an environment, as redis-py spells them."""
BACKEND_HINT = "write redis://HOST:6379/0, rediss://..., unix:///PATH, or flock"


def fault_backend(text: str) -> str:
    """Say what is wrong with the value of `lock_backend`, never quoting it: it may hold a password. Empty: nothing."""
    if text in {"", "flock"}:
        return ""
    scheme, mark, rest = text.partition("://")
    if not mark or scheme not in BACKENDS:
        return f"must be flock or a URL that begins with {'://, '.join(BACKENDS)}://"
    if not text.isprintable() or " " in text or not rest.partition("?")[0].strip("/"):
        return "names no server"
    from urllib.parse import parse_qsl, urlsplit

    parts = urlsplit(text)
    with contextlib.suppress(ValueError):
        if parts.port is not None or parts.hostname or scheme == "unix":
            known = all(name == "db" or name.startswith("ssl_") for name, _ in parse_qsl(parts.query, True))
            return "" if known else "takes no options but db and those that begin with ssl_"
        return "names no server"
    return "has a port that is no number"


class Resolving(NamedTuple):
    """What a caller decides about the resolver and about builds; names, words and meaning are those of uv's flags."""

    resolver: str = "auto"
    """auto (uv where it is at hand), uv or pip."""
    no_deps: bool = False
    upgrade_packages: tuple[str, ...] = ()
    """What --upgrade would do for all, for these names."""
    prerelease: str = ""
    """disallow, allow, if-necessary, explicit or if-necessary-or-explicit; empty: the resolver's own way."""
    resolution: str = ""
    """highest, lowest or lowest-direct; empty: highest."""
    exclude_newer: str = ""
    """A date, a point in time (RFC 3339) or a duration: nothing that was uploaded later is considered."""
    overrides: tuple[str, ...] = ()
    """Requirements files."""
    build_constraints: tuple[str, ...] = ()
    """Requirements files."""
    groups: tuple[str, ...] = ()
    """NAME or PATH:NAME of a dependency group (PEP 735)."""
    extras: tuple[str, ...] = ()
    """Extras of a project whose pyproject.toml is asked for."""
    no_binary: tuple[str, ...] = ()
    """Names, or `:all:`."""
    only_binary: tuple[str, ...] = ()
    """Names, or `:all:`: nothing is built of these."""
    no_build_isolation: bool = False
    config_settings: tuple[str, ...] = ()
    """KEY=VALUE, for every build."""
    index_strategy: str = ""
    """first-index, unsafe-first-match or unsafe-best-match; empty: the resolver's own way."""
    python_version: str = ""
    """Another version than the environment's Python has; for --target."""
    platform: str = ""
    """Another platform, as uv's --python-platform or a wheel's tag names it; for --target."""


class Settings(NamedTuple):
    """Every choice of a run except what to install and where; the defaults are the command line's."""

    cache_dir: str | None = None
    """None: `$XDG_CACHE_HOME/lugnut` or the platform's place for caches."""
    no_cache: bool = False
    """Use a store of this run's own, removed at its end."""
    jobs: int = 0
    """Worker processes; 0: as many as there are usable processors."""
    lock_timeout: float = 300.0
    """Seconds to wait for a lock; 0 tries once."""
    lock_backend: str = ""
    """Where flock does not reach all hosts: a Redis server's URL; `flock` ends that; empty: as the environment says."""
    on_conflict: str = "warn"
    """warn, error or ignore."""
    overlay: Mapping[Name, int] = {}
    """Overlay ranks by name; 0 undoes an earlier one."""
    link_mode: str = "auto"
    """auto, hardlink, clone or copy."""
    compile_bytecode: bool = False
    durable: bool = False
    reinstall: bool = False
    anew: frozenset[Name] = frozenset()
    """What `reinstall` does of all, of these alone, if they are asked for: a power cut has torn them."""
    upgrade: bool = False
    force: bool = False
    """Set aside what no distribution names where it is in the way."""
    dry_run: bool = False
    require_hashes: bool = False
    find_links: tuple[str, ...] = ()
    constraint_files: tuple[str, ...] = ()
    """Requirements files whose lines hold for what is asked for, and ask for nothing."""
    start_method: str = ""
    """fork or spawn; empty: the platform's."""
    describe: bool = False
    """Say where each wheel came from and what its METADATA says: the report's `installed_from` and `markers`."""
    network: Mapping[str, Any] = {}
    """Where to look and how, as flags and LUGNUT_* say it; what uv's and pip's settings say is added to it."""
    editables: tuple[str, ...] = ()
    """Source trees to be installed in place (PEP 660)."""
    output: str = "pylock.toml"
    """Where `lock` writes."""
    exact: bool = False
    """A sync spares nothing."""
    allow_empty: bool = False
    """A sync of nothing removes everything."""
    resolving: Resolving = Resolving()


class Watch(NamedTuple):
    """Who follows a run while it goes on."""

    report: events.Reporter = events.ignore
    """Hears every event as it happens; what it raises ends the run."""
    cancelled: Callable[[], None] = events.never
    """Called at safe points before the commit; raises `lugnut.errors.Interrupted` to have the run undone."""
    timing: events.Timing = events.UNTIMED
    """Told what the run does when, if its time is kept."""


class Installation(NamedTuple):
    """One line of `lugnut list`."""

    name: str
    version: str
    installer: str
    overlay: int
    location: str
    editable: str = ""
    """The directory of the project that it is an editable install of; empty where it is none."""


class Finding(NamedTuple):
    """One thing `lugnut check` found.

    `kind` is missing, altered, shadowed, outside, kept, duplicate, record, requirement, python or transaction.
    """

    kind: str
    name: str
    path: str
    text: str


class InstalledFrom(NamedTuple):
    """Where one distribution of an install came from."""

    name: str
    version: str
    download_info: Mapping[str, Any]
    """A document as direct_url.json has it (PEP 610), whether or not that file is owed."""
    requested: bool
    """Named by the user, not needed by another alone."""
    is_direct: bool
    """Named by a path or URL, not found by its name."""
    is_yanked: bool = False
    """Withdrawn from its index, and taken nevertheless (PEP 592)."""
    extras: tuple[str, ...] = ()
    """Those the user asked for."""
    metadata: Mapping[str, Any] = {}
    """Core metadata as JSON (PEP 566)."""


class Report(NamedTuple):
    """What a run did, or under dry_run would do; every sequence is sorted, so the same inputs give the same report."""

    environment: str
    changes: tuple[events.Changed, ...] = ()
    conflicts: tuple[events.Conflict, ...] = ()
    recovered: tuple[events.Recovered, ...] = ()
    set_aside: tuple[events.SetAside, ...] = ()
    left_alone: tuple[events.LeftAlone, ...] = ()
    unmet: tuple[str, ...] = ()
    """Requirements of what is installed that nothing installed meets, as `name needs requirement`."""
    findings: tuple[Finding, ...] = ()
    installed: tuple[Installation, ...] = ()
    counted: events.Counted = events.Counted(0, 0, 0)
    dry_run: bool = False
    locked: str = ""
    """The lock that was written."""
    seconds: float = 0.0
    installed_from: tuple[InstalledFrom, ...] = ()
    """Of each distribution that an install brought; under `describe` alone."""
    markers: Mapping[str, str] = {}
    """The environment's PEP 508 markers; under `describe` alone."""

    def to_json(self) -> dict[str, Any]:
        """Give the report as the JSON document that `--json` prints."""
        document: dict[str, Any] = {}
        for field, value in self._asdict().items():
            if isinstance(value, tuple) and hasattr(value, "_asdict"):
                document[field] = value._asdict()
            elif isinstance(value, tuple):
                document[field] = [item._asdict() if hasattr(item, "_asdict") else item for item in value]
            else:
                document[field] = value
        return document
