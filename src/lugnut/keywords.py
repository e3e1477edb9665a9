"""Keywords of a caller to the engine's values: which environment is meant, and how a run goes about it.

A keyword that does not exist, or whose value is of another kind than it should be, is a TypeError; a value that cannot
mean anything a UsageError.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence

from lugnut.distribution import Name
from lugnut.errors import CannotRead, UsageError
from lugnut.events import Reporter, ignore, never
from lugnut.interpreter.discovery import Target
from lugnut.settings import BACKEND_HINT, Resolving, Settings, Watch, fault_backend
from lugnut.store.place import find_cache
from lugnut.typed import Any, TypedDict

ALLOWED = {
    "on_conflict": ("warn", "error", "ignore"),
    "link_mode": ("auto", "hardlink", "clone", "copy"),
    "start_method": ("", "fork", "spawn"),
    "resolver": ("auto", "uv", "pip"),
}
"""The words that a choice may be, for choices that are words."""

RIVALS = (("target", "prefix"), ("python", "system"))
"""Of each pair a run can be given one."""


class Place(TypedDict, total=False):
    """Which environment is meant; without any of these it is found as uv finds it."""

    python: str | os.PathLike[str]
    """An interpreter, or the directory of an environment."""
    target: str | os.PathLike[str]
    prefix: str | os.PathLike[str]
    system: bool
    break_system_packages: bool
    cache_dir: str | os.PathLike[str]
    no_cache: bool


class Network(TypedDict, total=False):
    """Where to look and how, as the flags of these names; what is left out, uv's and pip's settings say."""

    default_index: str
    index_url: str
    """pip's name for the same."""
    extra_index_url: Sequence[str]
    index: Sequence[str]
    """URL or NAME=URL."""
    no_index: bool
    trusted_host: Sequence[str]
    proxy: str
    cert: str | os.PathLike[str]
    client_cert: str | os.PathLike[str]
    keyring_provider: str
    timeout: float
    retries: int
    offline: bool
    downloads: int


class Resolver(TypedDict, total=False):
    """What to resolve and build, and how; `lugnut.settings.Resolving` says what each field means."""

    resolver: str
    no_deps: bool
    upgrade_packages: Sequence[str]
    prerelease: str
    resolution: str
    exclude_newer: str
    overrides: Sequence[str | os.PathLike[str]]
    build_constraints: Sequence[str | os.PathLike[str]]
    groups: Sequence[str]
    extras: Sequence[str]
    no_binary: Sequence[str]
    only_binary: Sequence[str]
    no_build_isolation: bool
    config_settings: Sequence[str]
    index_strategy: str
    python_version: str
    platform: str


class Choices(Place, Network, Resolver, total=False):
    """Everything else a run can be told; `lugnut.settings.Settings` says what each field means and its default."""

    jobs: int
    lock_timeout: float
    lock_backend: str
    """`redis://`, `rediss://` or `unix://`, as redis-py spells it; or `flock`."""
    on_conflict: str
    overlay: Mapping[str, int] | Sequence[str]
    """Ranks by name, or the names whose rank is to be 1."""
    link_mode: str
    compile_bytecode: bool
    durable: bool
    reinstall: bool
    upgrade: bool
    force: bool
    dry_run: bool
    require_hashes: bool
    describe: bool
    find_links: Sequence[str | os.PathLike[str]]
    constraint_files: Sequence[str | os.PathLike[str]]
    start_method: str
    requirement_files: Sequence[str | os.PathLike[str]]
    editables: Sequence[str | os.PathLike[str]]
    output: str | os.PathLike[str]
    exact: bool
    allow_empty: bool
    report: Reporter
    """Hears every event as it happens; what it raises ends the run."""
    cancelled: Callable[[], None]
    """Called at safe points; raises `lugnut.errors.Interrupted` to have the run undone."""
    trace: str | os.PathLike[str]
    """A file for the timeline of an install, a sync or an uninstall, in Chrome's trace event format."""


@contextlib.contextmanager
def in_words() -> Iterator[None]:
    """Say in a sentence what the system refuses outside a transaction, which has its own words."""
    try:
        yield
    except OSError as error:
        raise CannotRead(path=error.filename or "the environment", reason=error.strerror or str(error)) from error


def make_target(choices: Mapping[str, Any], *, reading: bool = False) -> Target:
    """Make the engine's target out of keywords, with this process's variables and working directory.

    Raises TypeError for a keyword that does not exist: `Unpack` is heeded by type checkers alone.
    """
    unknown = sorted(set(choices) - Choices.__optional_keys__)
    if unknown:
        raise TypeError(f"unexpected keyword argument {unknown[0]!r}")
    _check_place(choices)
    remembered = None if choices.get("no_cache", False) else find_cache(_text(choices.get("cache_dir")))
    return Target(
        python=_text(choices.get("python")),
        target=_text(choices.get("target")),
        prefix=_text(choices.get("prefix")),
        system=choices.get("system", False),
        break_system_packages=choices.get("break_system_packages", False),
        cache_dir=remembered,
        environ=os.environ,
        directory=os.getcwd(),
        reading=reading,
    )


def _check_place(choices: Mapping[str, Any]) -> None:
    """Refuse two places at once, and a place without a name: it would be the working directory."""
    for one, other in RIVALS:
        if choices.get(one) and choices.get(other):
            raise UsageError(message=f"{one} and {other} are two different places", hint="give one of them")
    for field in ("python", "target", "prefix"):
        if choices.get(field) is not None and not _text(choices[field]):
            raise UsageError(message=f"{field} is empty", hint="leave it out, or name a place")


def make_settings(choices: Mapping[str, Any]) -> Settings:
    """Make the engine's settings out of keywords.

    A value that is none of those allowed is a UsageError, one of another kind than the field's a TypeError.
    """
    for field, words in ALLOWED.items():
        if field in choices and choices[field] not in words:
            named = ", ".join(filter(None, words))
            raise UsageError(message=f"{field} cannot be {choices[field]!r}", hint=f"it is one of {named}")
    chosen: dict[str, Any] = {field: choices[field] for field in Settings._fields if field in choices}
    for field, value in chosen.items():
        _check_kind(field, value)
    _check_backend(chosen.get("lock_backend", ""))
    chosen["cache_dir"] = _text(choices.get("cache_dir"))
    for field in ("find_links", "constraint_files", "editables"):
        chosen[field] = read_texts(choices.get(field, ()))
    if "output" in choices:
        chosen["output"] = _text(choices["output"])
    chosen["network"] = {field: choices[field] for field in Network.__optional_keys__ if field in choices}
    chosen["resolving"] = _make_resolving(choices)
    chosen["overlay"] = _make_ranks(choices.get("overlay", {}))
    return Settings(**chosen)


def _make_resolving(choices: Mapping[str, Any]) -> Resolving:
    chosen: dict[str, Any] = {field: choices[field] for field in Resolving._fields if field in choices}
    for field, value in chosen.items():
        default = Resolving._field_defaults[field]
        if isinstance(default, tuple):
            chosen[field] = read_texts(value)
        elif not isinstance(value, type(default)):
            raise TypeError(f"{field} must be {type(default).__name__}, not {value!r}")
    return Resolving(**chosen)


def _check_kind(field: str, value: Any) -> None:
    default = Settings._field_defaults[field]
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise TypeError(f"{field} must be True or False, not {value!r}")
    elif isinstance(default, (int, float)):
        if isinstance(value, bool) or not isinstance(value, (int, type(default))):
            raise TypeError(f"{field} must be a number, not {value!r}")
        if not 0 <= value < float("inf"):
            raise UsageError(message=f"{field} cannot be {value!r}", hint="it is a number from 0 up")


def _check_backend(text: Any) -> None:
    if not isinstance(text, str):
        raise TypeError(f"lock_backend must be text, not {type(text).__name__}")
    fault = fault_backend(text)
    if fault:
        raise UsageError(message=f"lock_backend {fault}", hint=BACKEND_HINT)


def _make_ranks(overlay: Mapping[str, int] | Sequence[str]) -> dict[Name, int]:
    ranks = overlay if isinstance(overlay, Mapping) else dict.fromkeys(read_texts(overlay), 1)
    for name, rank in ranks.items():
        if not isinstance(rank, int) or isinstance(rank, bool):
            raise TypeError(f"the overlay rank of {name} must be a whole number, not {rank!r}")
        if rank < 0:
            raise UsageError(message=f"the overlay rank of {name} cannot be {rank}", hint="it is a number from 0 up")
    return {read_name("overlay", name): rank for name, rank in ranks.items()}


def make_watch(choices: Mapping[str, Any]) -> Watch:
    """Make the engine's watch out of keywords."""
    return Watch(choices.get("report", ignore), choices.get("cancelled", never))


@contextlib.contextmanager
def lend_watch(choices: Mapping[str, Any]) -> Iterator[Watch]:
    """Make the watch for a run that may be traced; the timeline is written when the block ends, however it does."""
    trace, watch = _text(choices.get("trace")), make_watch(choices)
    if trace is None:
        yield watch
        return
    from lugnut.timeline import keep_timeline

    with keep_timeline(trace, watch.report) as timing:
        yield watch._replace(timing=timing)


def read_names(field: str, names: Sequence[str]) -> frozenset[Name]:
    """Read the distribution names of a keyword."""
    return frozenset(read_name(field, name) for name in read_texts(names))


def read_name(field: str, name: str) -> Name:
    """Read one distribution name of a keyword; raises UsageError where it is none."""
    from packaging.utils import InvalidName, canonicalize_name

    try:
        return Name(canonicalize_name(name, validate=True))
    except InvalidName:
        raise UsageError(message=f"{name!r} is not a distribution's name", hint=f"{field} takes names alone") from None


def cached_in(cache_dir: str | os.PathLike[str] | None) -> Settings:
    """Make settings that name a cache and nothing else."""
    return Settings(cache_dir=_text(cache_dir))


def _text(path: str | os.PathLike[str] | None) -> str | None:
    return None if path is None else _spell(path)


def read_texts(paths: Sequence[str | os.PathLike[str]]) -> tuple[str, ...]:
    """Read a list of paths or words; raises TypeError for what is no list, and for bytes."""
    if isinstance(paths, str):  # a lone string would be taken for its letters
        raise TypeError(f"a list of strings is wanted, not the string {paths!r}")
    return tuple(_spell(path) for path in paths)


def _spell(path: str | os.PathLike[str]) -> str:
    text = os.fspath(path)
    if not isinstance(text, str):
        raise TypeError(f"text is wanted, not the bytes {text!r}")
    if "\0" in text:
        raise UsageError(message=f"{text!r} has a null byte in it", hint="no path and no name has one")
    return text
