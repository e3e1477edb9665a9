"""Answers what is asked for out of indexes, URLs and sources: by a resolver's lock, or by one that is at hand."""

from __future__ import annotations

import os
from collections.abc import Sequence

from lugnut.building.recipe import Recipe
from lugnut.errors import BadLock, Unsupported
from lugnut.events import Note
from lugnut.glance import Moved
from lugnut.installed import read_installed
from lugnut.resolution import lockfile
from lugnut.resolution.credentials import restore
from lugnut.resolution.offers import is_offer
from lugnut.resolution.resolving import Answer, find_uv
from lugnut.resolution.told import pip_arguments, uv_arguments
from lugnut.run import Run
from lugnut.sources.direct_urls import Direct
from lugnut.sources.locked import Chosen, Supply, make_direct, select
from lugnut.sources.pins import Asked
from lugnut.sources.wheelhouse import check_fits
from lugnut.store.entries import Store
from lugnut.supply.local import Found
from lugnut.supply.obtaining import obtain_all
from lugnut.supply.outlook import Outlook, look_around
from lugnut.supply.questions import question
from lugnut.supply.standing import same_version, stands, will_do
from lugnut.wish import Wish

_RELAX = "ask for another version, or name another --python"


def find_afar(run: Run, store: Store, asked: Asked) -> Found:
    """Resolve, fetch, build and verify."""
    outlook = look_around(run)
    with run.timing.span("resolve"):
        said = question(run, asked, outlook)
    chosen = Chosen("the resolver's answer", run.target.directory, hint=_RELAX)
    found = _take(run, store, (said, chosen), outlook)
    wishes = [wish._replace(yanked=wish.manifest.name in said.remarks.yanked) for wish in found.wishes]
    if run.settings.resolving.groups or asked.projects or any("://" in path for path in asked.requirement_files):
        return found._replace(wishes=wishes, asked=found.names)  # of these not all is told to be asked for
    return found._replace(wishes=wishes)


def find_locked(run: Run, store: Store, spelled: str) -> Found:
    """Take what a lock at hand has for this environment; no resolver, and no network for what the store has."""
    path = os.path.join(run.target.directory, spelled)
    lock = lockfile.read(path, spelled)
    if lock.lock_version.minor:
        said = f"{spelled} has lock-version {lock.lock_version}, and lugnut knows 1.0: what is new in it is passed over"
        run.report(Note("warning", said))
    resolving = run.settings.resolving
    chosen = Chosen(
        spelled, os.path.dirname(path), resolving.extras, resolving.groups or None, resolving.no_binary,
        resolving.only_binary,
    )  # fmt: skip
    return _take(run, store, (Answer(lock), chosen), look_around(run), by_hash=True)


def lock_afar(run: Run, asked: Asked, path: str) -> None:
    """Resolve what is asked for, whatever is installed, and write a lock."""
    lockfile.write(path, question(run, asked, look_around(run), fresh=True).lock)


def _take(run: Run, store: Store, given: tuple[Answer, Chosen], outlook: Outlook, *, by_hash: bool = False) -> Found:
    """Obtain what does not stand yet; `by_hash`: what was installed from another wheel of its version does not."""
    said, chosen = given
    requested = said.requested
    supplies = [_renew(supply, outlook) for supply in select(said.lock, run.environment, chosen)]
    if run.settings.require_hashes:
        _require_hashes(supplies, chosen)
    names = frozenset(supply.name for supply in supplies)
    standing = {} if run.settings.reinstall else read_installed(run.environment, names - run.settings.anew)

    def will_stay(supply: Supply) -> bool:
        strict = by_hash or said.require_hashes or supply.name in said.hashed
        return (stands if strict else will_do)(supply, standing.get(supply.name, []))

    missing = [supply for supply in supplies if not will_stay(supply)]
    if any(one.link is not None and is_offer(one.link.url, said.offers) for one in missing):
        raise Moved  # it was installed when the resolver was asked
    obtained = obtain_all(run, store, missing, outlook.route, _make_recipe(run, outlook)) if missing else []
    wishes = [
        Wish(
            one.manifest,
            requested.has(supply.name, _list_places(supply)),
            make_direct(supply, one.sha256),
            tuple(requested.names.get(supply.name, ())),
            Direct(supply.link.url, one.sha256) if supply.link is not None else None,
        )
        for supply, one in zip(missing, obtained, strict=True)
    ]
    for supply, wish in zip(missing, wishes, strict=True):
        _compare(supply, wish, chosen)
        check_fits(run.environment, wish.manifest.filename)  # what was built may be for this very machine alone
    asked = {supply.name for supply in supplies if by_hash or requested.has(supply.name, _list_places(supply))}
    return Found(names, wishes, frozenset(asked))


def _require_hashes(supplies: Sequence[Supply], chosen: Chosen) -> None:
    """Refuse what has no hash to be compared with: a tree, and a commit, whose files it does not tell (as pip)."""
    bare = next((one.name for one in supplies if one.link is None), None)
    if bare is not None:
        what, reason = "--require-hashes with a source tree or repository", f"{bare} of {chosen.path} is one"
        raise Unsupported(what=what, reason=reason, hint="build a wheel of it, or leave --require-hashes out")


def _list_places(supply: Supply) -> list[str]:
    """Give the place that a distribution was named by, if it was."""
    if not supply.direct:
        return []
    repository = f"git+{supply.repository[1]}" if supply.repository is not None else ""
    return [supply.tree, supply.link.url if supply.link is not None else "", repository]


def _compare(supply: Supply, wish: Wish, chosen: Chosen) -> None:
    """See that a file is what the lock says it is; raises BadLock."""
    manifest = wish.manifest
    if manifest.name != supply.name or (supply.version and not same_version(manifest.version, supply.version)):
        said = f"{supply.name} {supply.version}".rstrip()
        reason = f"what it has for {said} is {manifest.name} {manifest.version}"
        raise BadLock(path=chosen.path, reason=reason, hint=chosen.hint)


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
        environ=dict(target.environ),  # it crosses to workers
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
