"""What is wished for, beside what is installed now, to a decision: which actions, and how they read in a report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lugnut.distribution import STATE_FILE, Name, State, WheelHash, format_state
from lugnut.environment import Environment
from lugnut.errors import NoRecord
from lugnut.events import Changed
from lugnut.installed import Installed, read_installed
from lugnut.manifest import NO_LIBRARY, Manifest
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
from lugnut.sources.direct_urls import format_direct_url
from lugnut.store.place import Store
from lugnut.store.using import read_script, read_whole
from lugnut.system import files
from lugnut.transaction.records import claimed_files
from lugnut.transaction.transact import Decision
from lugnut.wish import Wish, find_open, rank_of


class Workshop:
    """Renders wheels for one environment, each once: a rendering is a function of wheel, flags and rank."""

    def __init__(self, environment: Environment, store: Store) -> None:
        self._environment = environment
        self._store = store
        self.manifests: dict[Name, Manifest] = {}
        self._known: dict[tuple[Name, int, bool], Rendered] = {}

    def render(self, wish: Wish, rank: int) -> Rendered:
        """Lay a wheel out."""
        key = (wish.manifest.name, rank, wish.requested)
        if key not in self._known:
            manifest = self.manifests[wish.manifest.name] = read_whole(self._store, wish.manifest)
            wish = wish._replace(manifest=manifest)
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
                one = replace_installed(one, _make_olds(found, force=settings.force), old_rank=rank_of(found))
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


def _render(environment: Environment, store: Store, wish: Wish, rank: int) -> Rendered:
    manifest = wish.manifest
    scripts = {
        file.archive: rewrite_shebang(environment, read_script(store, manifest, file))
        for file in manifest.others
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
    blank = [one for found in installed.values() for one in found if one.rows == ()]
    if blank and not force:  # what a power cut left of a RECORD names nothing that could be removed (TRAPS 19)
        raise NoRecord(name=blank[0].spelled, version=blank[0].version, path=blank[0].dist_info)
    removals = tuple(
        make_removal(name, _make_olds(found, force=force), rank_of(found)) for name, found in installed.items()
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
    return Rendered(Wanted(_remember(one), one.requested, one.direct_url, rank), action, NO_LIBRARY, (), tuple(info))


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
        one.scheme == "purelib", (), "", (), (), (), 0, NO_LIBRARY, (), "",
    )  # fmt: skip
