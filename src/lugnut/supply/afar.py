"""Answers what is asked for out of indexes, URLs and sources: by a resolver's lock, or by one that is at hand."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from lugnut.building.recipe import Recipe
from lugnut.distribution import Name, normalise_name
from lugnut.events import Note
from lugnut.installed import find_installed, read_installed
from lugnut.resolution import lockfile
from lugnut.resolution.credentials import restore
from lugnut.resolution.question import Question
from lugnut.resolution.resolving import Answer, answer, find_uv
from lugnut.resolution.told import pip_arguments, uv_arguments
from lugnut.run import Run
from lugnut.sources.direct_urls import Direct
from lugnut.sources.locked import Chosen, Supply, make_direct, select
from lugnut.sources.pins import Asked
from lugnut.store.entries import Store
from lugnut.supply.local import Found
from lugnut.supply.obtaining import obtain_all
from lugnut.supply.outlook import Outlook, look_around
from lugnut.supply.standing import stands
from lugnut.wishes import Wish

_RELAX = "ask for another version, or name another --python"


def find_afar(run: Run, store: Store, asked: Asked, *, fresh: bool = False) -> Found:
    """Resolve, fetch, build and verify; `fresh` leaves what is installed out of account."""
    outlook = look_around(run)
    said = answer(ask(run, asked, outlook, fresh=fresh))
    _pass_on(run, said)
    chosen = Chosen("the resolver's answer", run.target.directory, hint=_RELAX)
    found = _take(run, store, (said.lock, chosen, said.requested), outlook)
    wishes = [wish._replace(yanked=wish.manifest.name in said.remarks.yanked) for wish in found.wishes]
    return found._replace(wishes=wishes)


def find_locked(run: Run, store: Store, spelled: str) -> Found:
    """Take what a lock at hand has for this environment; no resolver, and no network for what the store has."""
    path = os.path.join(run.target.directory, spelled)
    lock = lockfile.read(path, spelled)
    resolving = run.settings.resolving
    chosen = Chosen(
        spelled, os.path.dirname(path), resolving.extras, resolving.groups or None, resolving.no_binary,
        resolving.only_binary,
    )  # fmt: skip
    return _take(run, store, (lock, chosen, {}), look_around(run))


def lock_afar(run: Run, asked: Asked, path: str) -> None:
    """Resolve what is asked for, whatever is installed, and write a lock."""
    said = answer(ask(run, asked, look_around(run), fresh=True))
    _pass_on(run, said)
    lockfile.write(path, said.lock)


def _pass_on(run: Run, said: Answer) -> None:
    """Warn of what the resolver remarks on."""
    versions = {normalise_name(package.name): str(package.version or "") for package in said.lock.packages}
    withdrawn = [said.remarks.tell(name, versions[name]) for name in sorted(said.remarks.yanked) if name in versions]
    for text in (*withdrawn, *said.remarks.extras):
        run.report(Note("warning", text))


def ask(run: Run, asked: Asked, outlook: Outlook, *, fresh: bool) -> Question:
    """Put what is asked for as a question to a resolver."""
    settings, target = run.settings, run.target
    installed: dict[str, str] = {} if fresh else {one.name: one.version for one in find_installed(run.environment)}
    return Question(
        python=run.environment.python,
        directory=target.directory,
        environ=target.environ,
        requirements=asked.requests,
        editables=settings.editables,
        requirement_files=asked.requirement_files,
        constraint_files=asked.constraint_files,
        sources=asked.projects,
        resolving=settings.resolving,
        require_hashes=asked.require_hashes,
        indexes=outlook.indexes,
        route=outlook.route,
        upgrade=settings.upgrade,
        installed=installed,
        no_cache=settings.no_cache,
        cancelled=run.cancelled,
    )


def _take(run: Run, store: Store, given: tuple[Any, Chosen, Mapping[Name, Sequence[str]]], outlook: Outlook) -> Found:
    lock, chosen, requested = given
    supplies = [_renew(supply, outlook) for supply in select(lock, run.environment, chosen)]
    names = frozenset(supply.name for supply in supplies)
    standing = {} if run.settings.reinstall else read_installed(run.environment, names)
    missing = [supply for supply in supplies if not stands(supply, standing.get(supply.name, []))]
    obtained = obtain_all(run, store, missing, outlook.route, _make_recipe(run, outlook)) if missing else []
    wishes = [
        Wish(
            one.manifest,
            supply.name in requested or (supply.direct and bool(requested)),
            make_direct(supply, one.sha256),
            tuple(requested.get(supply.name, ())),
            Direct(supply.link.url, one.sha256) if supply.link is not None else None,
        )
        for supply, one in zip(missing, obtained, strict=True)
    ]
    return Found(names, wishes)


def _renew(supply: Supply, outlook: Outlook) -> Supply:
    """Put the user and password of its index back into a link."""
    if supply.link is None:
        return supply
    return supply._replace(link=supply.link._replace(url=restore(supply.link.url, outlook.indexes)))


def _make_recipe(run: Run, outlook: Outlook) -> Recipe:
    """Say how wheels are built for this environment."""
    resolving, target = run.settings.resolving, run.target
    uv = find_uv(resolving.resolver, target.environ)
    for_uv = uv_arguments(outlook.indexes, outlook.route, target.environ)
    for_pip = pip_arguments(outlook.indexes, outlook.route, target.environ)
    return Recipe(
        python=run.environment.python,
        uv_arguments=(*for_uv.arguments, *(["--no-cache"] if run.settings.no_cache else [])),
        pip_arguments=(*for_pip.arguments, *(["--no-cache-dir"] if run.settings.no_cache else [])),
        config_settings=_read_config_settings(resolving.config_settings),
        isolated=not resolving.no_build_isolation,
        build_constraints=tuple(os.path.join(target.directory, path) for path in resolving.build_constraints),
        environ=target.environ,
        installer_environ=for_pip.environ if uv is None else for_uv.environ,
        uv=uv,
        offline=outlook.route.offline,
    )


def _read_config_settings(texts: Sequence[str]) -> dict[str, str | list[str]]:
    """Read KEY=VALUE; a key that is given again makes a list, as for pip and uv."""
    found: dict[str, str | list[str]] = {}
    for text in texts:
        key, _, value = text.partition("=")
        before = found.get(key)
        found[key] = value if before is None else [*([before] if isinstance(before, str) else before), value]
    return found
