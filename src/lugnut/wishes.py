"""What is wished for, beside what is installed now, to a decision: which actions, and how they read in a report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from lugnut.distribution import STATE_FILE, Manifest, Name, State, WheelHash, format_state
from lugnut.environment import Environment
from lugnut.errors import NoRecord
from lugnut.events import Changed
from lugnut.installed import Found, Installed, find_installed, read_installed
from lugnut.plan import (
    CHANGE,
    Action,
    Old,
    Origin,
    Rendered,
    Wanted,
    make_origin,
    make_removal,
    render,
    replace_installed,
)  # fmt: skip
from lugnut.scripts import make_launchers, rewrite_shebang
from lugnut.settings import Settings
from lugnut.sources.direct_urls import Direct, format_direct_url
from lugnut.store.entries import Store, read_script
from lugnut.system import files
from lugnut.transaction.claims import claimed_files
from lugnut.transaction.transact import Decision
from lugnut.typed import NamedTuple


class Wish(NamedTuple):
    """One verified wheel that shall be installed."""

    manifest: Manifest
    requested: bool
    direct: Direct | None
    """Where it came from, where direct_url.json is owed."""
    extras: tuple[str, ...] = ()
    """What was asked for as `name[extra]`: their requirements are looked at too."""
    origin: Direct | None = None
    """Where its bytes came from, whether or not direct_url.json is owed."""
    yanked: bool = False
    """Withdrawn from its index, and taken nevertheless (PEP 592)."""


class Open(NamedTuple):
    """One distribution about which something is to be done: its wish, or None for another rank alone."""

    wish: Wish | None
    found: tuple[Installed, ...]
    rank: int


class Moved(Exception):
    """What was looked at without a lock is not so any more: whoever decided by it looks again."""


Standing = Mapping[Name, Sequence[tuple[Found, int, int]]]
"""What is installed, by name: each entry with the inode and the time of change of its directory, which tell it from
another of the same name and version."""


def note_standing(environment: Environment) -> Standing:
    """Note what is installed; read are the listing and one status an entry."""
    noted: dict[Name, list[tuple[Found, int, int]]] = {}
    for found in find_installed(environment):
        with files.open_root(environment.schemes[found.scheme]) as root:
            status = files.look(root, found.directory)
        if status is not None:
            noted.setdefault(found.name, []).append((found, status.st_ino, status.st_ctime_ns))
    return noted


def check_standing(environment: Environment, names: Iterable[Name], before: Standing) -> None:
    """See that some names stand as they did; raises Moved."""
    now = note_standing(environment)
    if any(now.get(name) != before.get(name) for name in names):
        raise Moved


class Workshop:
    """Renders wheels for one environment, each once: a rendering is a function of wheel, flags and rank."""

    def __init__(self, environment: Environment, store: Store) -> None:
        self._environment = environment
        self._store = store
        self._known: dict[tuple[Name, int, bool], Rendered] = {}

    def render(self, wish: Wish, rank: int) -> Rendered:
        """Lay a wheel out."""
        key = (wish.manifest.name, rank, wish.requested)
        if key not in self._known:
            self._known[key] = _render(self._environment, self._store, wish, rank)
        return self._known[key]


def decide_install(
    environment: Environment, workshop: Workshop, wishes: Sequence[Wish], settings: Settings
) -> Decision:
    """Decide what is to be done so that every wish holds and every rank asked for is had; reads what is installed."""
    rendered: list[Rendered] = []
    changes: list[Changed] = []
    for wish, found, rank in find_open(environment, wishes, settings):
        if wish is None:
            one = _rerank(environment, found, rank)
        else:
            kept = wish._replace(requested=wish.requested or any(one.requested for one in found))
            one = workshop.render(kept, rank)
            if found:
                one = replace_installed(one, _make_olds(found, force=settings.force), old_rank=_rank(found))
        rendered.append(one)
        changes.append(_describe(one, found))
    return Decision(tuple(rendered), (), tuple(changes), frozenset(wish.manifest.name for wish in wishes))


def decide_set(
    environment: Environment, workshop: Workshop, wishes: Sequence[Wish], unwanted: Sequence[Name], settings: Settings
) -> Decision:
    """Decide that every wish holds and that of `unwanted` nothing is left, as one change."""
    wanted = decide_install(environment, workshop, wishes, settings)
    gone = decide_removal(environment, unwanted, force=settings.force)
    return wanted._replace(removals=gone.removals, changes=(*wanted.changes, *gone.changes))


def find_open(environment: Environment, wishes: Sequence[Wish], settings: Settings) -> list[Open]:
    """Find what is left to do; reads what is installed, and of the store nothing."""
    names = {wish.manifest.name for wish in wishes}
    installed = read_installed(environment, names | set(settings.overlay))
    left = []
    for wish in wishes:
        found = installed.get(wish.manifest.name, [])
        rank = settings.overlay.get(wish.manifest.name, _rank(found))
        if settings.reinstall or not _holds(wish, found, rank):
            left.append(Open(wish, tuple(found), rank))
    for name in sorted(set(settings.overlay) - names):
        found = installed.get(name, [])
        if found and _rank(found) != settings.overlay[name] and found[0].rows is not None:
            left.append(Open(None, tuple(found), settings.overlay[name]))
    return left


def _rank(found: Sequence[Installed]) -> int:
    return max((one.state.overlay for one in found if one.state is not None), default=0)


def _holds(wish: Wish, found: Sequence[Installed], rank: int) -> bool:
    """Say whether a wish is fulfilled: wheel hash, requested flag and rank (DESIGN 3), and one dist-info."""
    if len(found) != 1 or found[0].state is None or found[0].rows is None:
        return False
    one = found[0]
    state = one.state
    return (
        state is not None
        and state.wheel == wish.manifest.wheel
        and state.overlay == rank
        and (one.requested or not wish.requested)
        and (wish.direct is None or bool(wish.direct.sha256) or _came_from(one, wish.direct))
    )


def _came_from(one: Installed, direct: Direct) -> bool:
    """Say whether direct_url.json tells of the same tree or commit: equal wheels can be built of two of them."""
    return one.direct_url is not None and one.direct_url == format_direct_url(direct)


def _render(environment: Environment, store: Store, wish: Wish, rank: int) -> Rendered:
    manifest = wish.manifest
    scripts = {
        file.archive: rewrite_shebang(environment, read_script(store, manifest, file))
        for file in manifest.files
        if file.rewritten
    }
    launchers = make_launchers(environment, manifest.entry_points) if manifest.entry_points else []
    direct_url = format_direct_url(wish.direct) if wish.direct is not None else None
    wanted = Wanted(manifest, wish.requested, direct_url, rank)
    return render(environment, wanted, launchers, scripts, rank)


def _describe(rendered: Rendered, found: Sequence[Installed]) -> Changed:
    manifest = rendered.wanted.manifest
    if not found:
        return Changed("install", manifest.spelled, None, manifest.version)
    old = found[0].version
    return Changed("reinstall" if old == manifest.version else "upgrade", manifest.spelled, old, manifest.version)


def _make_olds(found: Iterable[Installed], *, force: bool) -> tuple[Old, ...]:
    """Describe the dist-infos to be hidden; one without RECORD is refused, unless its files may stay where they are."""
    return tuple(_make_old(one, force=force) for one in found)


def _make_old(one: Installed, *, force: bool) -> Old:
    if one.legacy or (one.rows is None and not force):
        raise NoRecord(name=one.spelled, version=one.version, path=one.dist_info)
    inside = one.dist_info + "/"
    names = tuple(row.path[len(inside) :] for row in one.rows or () if row.path.startswith(inside))
    known = names if one.rows is not None else ("METADATA", "WHEEL", "INSTALLER", "REQUESTED", "direct_url.json")
    return Old(one.scheme, one.dist_info, one.version, claimed_files(one), known)


def decide_removal(environment: Environment, names: Sequence[Name], *, force: bool) -> Decision:
    """Decide the removal of what is installed of some names."""
    installed = read_installed(environment, names)
    removals = tuple(
        make_removal(name, _make_olds(found, force=force), _rank(found)) for name, found in installed.items()
    )
    changes = tuple(Changed("remove", found[0].spelled, found[0].version, None) for found in installed.values())
    return Decision((), removals, changes, frozenset(names))


# --- a new rank for what is installed ---------------------------------------------------------------------------------


def _rerank(environment: Environment, found: Sequence[Installed], rank: int) -> Rendered:
    """Give an installed distribution another rank: the same files, another lugnut.json and RECORD."""
    one = found[0]
    claimed = claimed_files(one)
    state = one.state._replace(overlay=rank) if one.state is not None else State(WheelHash(""), rank, None)
    info = _read_info(environment, one, format_state(state).encode())
    action = Action(
        CHANGE, one.name, one.version, rank, one.scheme, one.dist_info, claimed, _make_olds(found, force=False), (),
        reranked=True,
    )  # fmt: skip
    return Rendered(Wanted(_remember(one), one.requested, one.direct_url, rank), action, (), tuple(info))


def _read_info(environment: Environment, one: Installed, state: bytes) -> list[Origin]:
    names = {row.path[len(one.dist_info) + 1 :] for row in one.rows or () if row.path.startswith(one.dist_info + "/")}
    origins = [make_origin(STATE_FILE, state)]
    with files.open_root(environment.schemes[one.scheme]) as root:
        origins += [
            make_origin(name, files.read(root, f"{one.dist_info}/{name}"))
            for name in sorted(names - {"RECORD", STATE_FILE})
            if files.look(root, f"{one.dist_info}/{name}") is not None
        ]
    return sorted(origins, key=lambda origin: origin.file.path)


def _remember(one: Installed) -> Manifest:
    wheel = one.state.wheel if one.state is not None else WheelHash("")
    return Manifest(
        wheel, f"{one.spelled} {one.version}", one.name, one.spelled, one.version, one.dist_info,
        one.scheme == "purelib", (), "", (), (), (), (), "", (),
    )  # fmt: skip
