"""Under the locks and before anything is published: what stands where the plan wants to put something.

Fresh wheels: directories that stand already are listed once, and only names met there are looked at. Changes: a path
whose bytes stay is left alone if what stands there, or is kept, is what it should be; missing or altered is changed.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable

from lugnut.distribution import Name, RelativePath
from lugnut.errors import FileInTheWay, OutsideEnvironment
from lugnut.plan import CHANGE, FRESH, Action, File, Old, Plan, kept_name
from lugnut.system import files
from lugnut.transaction import content, journal
from lugnut.transaction.claims import Claim
from lugnut.transaction.place import in_the_way
from lugnut.transaction.site import Site
from lugnut.transaction.tree import split
from lugnut.typed import NamedTuple


class _Look(NamedTuple):
    """One look at an environment: what may be, and what has been found."""

    site: Site
    force: bool
    """What nobody claims may be set aside."""
    adopted: list[str]
    forced: list[str]


def survey(site: Site, actions: Iterable[Action], *, force: bool) -> Plan:
    """Complete a plan by looking; raises FileInTheWay and OutsideEnvironment with nothing changed."""
    ours = sorted(actions, key=lambda action: action.name)
    others = _made_by_others(site)
    look = _Look(site, force, [], [])
    standing: dict[str, bool] = {}
    done = []
    for action in ours:
        grouped = _group(action)
        standing_ones = {directory for directory in grouped if _note_parents(site, action, directory, standing)}
        if action.kind == FRESH:
            for directory in sorted(standing_ones):
                _survey_fresh(look, action, directory, grouped[directory])
        elif action.kind == CHANGE:
            action = action._replace(changed=_find_changed(look, action))  # noqa: PLW2901
        _check_way(site, action)
        done.append(action)
    others |= _made_by_others(site)  # before and after the look: whoever made a directory had published it by then
    made = {directory for directory, stands in standing.items() if not stands or directory in others}
    if any(action.kind == FRESH for action in ours):
        made |= _filled(site, standing)
    return Plan(tuple(done), tuple(sorted(made)), tuple(sorted(set(look.adopted))), tuple(sorted(set(look.forced))))


def _made_by_others(site: Site) -> set[str]:
    """Directories that open runs are making: whoever empties them last removes them."""
    made: set[str] = set()
    for identity in journal.list_ids(site.home):
        try:
            made.update(site.ledger.plan(identity).directories)
        except (journal.Vanished, ValueError):
            continue
    return made


def _filled(site: Site, standing: dict[str, bool]) -> set[str]:
    """Give the standing directories that hold something.

    Found empty at an abort, they are what another run's removal left: it could not remove them for what this run had
    put there. One that is empty already is somebody's, and stays.
    """
    roots = {place.rstrip("/") for place in site.environment.places.values()}
    filled = set()
    for directory in sorted(directory for directory, stands in standing.items() if stands and directory not in roots):
        opened = site.tree.directory(directory)
        if opened is not None and files.list_names(opened):
            filled.add(directory)
    return filled


def reach(site: Site, action: Action, directory: str) -> files.Directory | None:
    """Open a directory; None where it is missing, or where a file that this very action removes is in its place."""
    try:
        return site.tree.directory(directory, name=action.name)
    except FileInTheWay as error:
        if any(error.data["path"] == file.path for old in action.olds for file in old.files):
            return None
        raise


def _note_parents(site: Site, action: Action, directory: str, standing: dict[str, bool]) -> bool:
    """Find out, each once and from the top, which directories stand; below one that does not none does."""
    known = standing.get(directory)
    if known is not None:
        return known
    if not directory or directory.endswith(".."):
        return True
    above = split(directory)[0]
    stands = _note_parents(site, action, above, standing) and reach(site, action, directory) is not None
    standing[directory] = stands
    return stands


def _group(action: Action) -> dict[str, dict[str, File]]:
    grouped: dict[str, dict[str, File]] = {}
    for file in action.files:
        directory, _, name = file.path.rpartition("/")
        grouped.setdefault(directory, {})[name] = file
    return grouped


def _survey_fresh(look: _Look, action: Action, directory: str, wanted: dict[str, File]) -> None:
    opened = reach(look.site, action, directory)
    met = [] if opened is None else [name for name in files.list_names(opened) if name in wanted]
    if met:
        _judge_met(look, action, directory, {name: wanted[name] for name in met})


def _judge_met(look: _Look, action: Action, directory: str, met: dict[str, File]) -> None:
    claims = read_claims(look.site, directory, list(met))
    unclaimed = [name for name in met if all(claim.name == action.name for claim in claims[name])]
    for name, here in find_unclaimed(look.site, directory, unclaimed, action.name).items():
        file = met[name]
        if content.matches(here, file):
            look.adopted.append(file.path)
        elif look.force and not here.directory:
            look.forced.append(file.path)
        else:
            what = "a directory" if here.directory else "a file that no installed distribution names"
            raise in_the_way(file.path, action.name, what, forcible=not here.directory)


def read_claims(site: Site, directory: str, names: list[str]) -> dict[str, list[Claim]]:
    """Read claims without a stripe, until nobody changes them on the way."""
    while True:
        try:
            return site.ledger.read(directory, names)
        except journal.Vanished:
            continue


def find_unclaimed(site: Site, directory: str, names: list[str], mine: Name) -> dict[str, content.Shown]:
    """Find what stands there and is nobody's but `mine`, under the stripe: what another run is removing bars no way."""
    if not names:
        return {}
    held = site.hold_stripe(directory)
    try:
        while True:
            try:
                return _look_for_unclaimed(site, directory, names, mine)
            except journal.Vanished:
                continue
    finally:
        held.close()


def _look_for_unclaimed(site: Site, directory: str, names: list[str], mine: Name) -> dict[str, content.Shown]:
    site.tree.close()  # the directory may have been removed and made again
    opened = site.tree.directory(directory)
    shown = (
        {} if opened is None else {name: here for name in names if (here := site.reader.show(opened, name)) is not None}
    )
    claims = site.ledger.read(directory, list(shown))
    revoked = site.ledger.read_revoked(directory, list(shown))
    return {
        name: here
        for name, here in shown.items()
        if all(claim.name == mine for claim in claims[name])
        and not any(content.matches(here, file) for file in revoked[name])
    }


def _find_changed(look: _Look, action: Action) -> tuple[RelativePath, ...]:
    """Find the paths of a change that have to be staged and settled."""
    before = {file.path: file for old in action.olds for file in old.files}
    changed = []
    for file in action.files:
        old = before.get(file.path)
        if old is None:
            _judge_new(look, action, file)
            changed.append(file.path)
        elif action.reranked or old.digest != file.digest or not _stands(look.site, action, file):
            changed.append(file.path)
    return tuple(changed)


def _check_way(site: Site, action: Action) -> None:
    """Refuse, before anything is published, what could not be replaced or removed after the commit."""
    for old in action.olds:
        _check_info(site, action, old)
    after = {file.path for file in action.files}
    for path in sorted({file.path for old in action.olds for file in old.files} - after | set(action.changed)):
        directory, name = split(path)
        try:
            opened = reach(site, action, directory)
        except (OutsideEnvironment, FileInTheWay):
            if path in after:
                raise
            continue  # TRAPS 22: what lies behind a symlink is left alone
        if opened is None:
            continue
        here = files.look(opened, name)
        if path in after and here is not None and stat.S_ISDIR(here.st_mode) and not _judged(action, path):
            raise in_the_way(path, action.name, "a directory", forcible=False)
        if here is not None and not files.movable(opened, name):
            raise in_the_way(path, action.name, "a file that may not be replaced or removed", forcible=False)


def _check_info(site: Site, action: Action, old: Old) -> None:
    """Refuse a dist-info that this user could neither hide nor change (a directory moves only if it may be written)."""
    with files.open_root(site.environment.schemes[old.scheme]) as root:
        if files.look(root, old.dist_info) is None:
            return
        with files.enter(root, old.dist_info) as shown:
            if files.movable(root, old.dist_info) and files.movable(shown, "RECORD"):
                return
    raise FileInTheWay(
        path=old.dist_info,
        name=action.name,
        what="a directory that may not be changed",
        hint="ask its owner to remove it or to give permission to write",
    )


def _judged(action: Action, path: str) -> bool:
    """Say whether a path is new to its distribution: then what stands there has been looked into."""
    return all(path != file.path for old in action.olds for file in old.files)


def _judge_new(look: _Look, action: Action, file: File) -> None:
    """Refuse a new path of a change where something unclaimed stands."""
    site = look.site
    directory, name = split(file.path)
    opened = reach(site, action, directory)
    here = None if opened is None else site.reader.show(opened, name)
    if here is None or content.matches(here, file):
        return
    if here.directory:
        before: set[str] = {old.path for one in action.olds for old in one.files}
        if not _only_ours(site, file.path, before):
            raise in_the_way(file.path, action.name, "a directory", forcible=False)
        return
    if name not in find_unclaimed(site, directory, [name], action.name):
        return
    if not look.force:
        raise in_the_way(file.path, action.name, "a file that no installed distribution names", forcible=True)
    look.forced.append(file.path)


def _only_ours(site: Site, directory: str, before: set[str]) -> bool:
    """Say whether a directory holds nothing but files this action removes, and their bytecode."""
    opened = site.tree.directory(directory)
    for name in [] if opened is None else files.list_names(opened):
        path = f"{directory}/{name}"
        here = site.reader.show(opened, name) if opened is not None else None
        if here is not None and here.directory:
            if not (_only_bytecode(site, path, before) if name == "__pycache__" else _only_ours(site, path, before)):
                return False
        elif path not in before:
            return False
    return True


def _only_bytecode(site: Site, directory: str, before: set[str]) -> bool:
    """Say whether all bytecode in a directory is of sources that this action removes, and so goes with them."""
    opened = site.tree.directory(directory)
    sources = directory.removesuffix("__pycache__")
    return all(
        f"{directory}/{name}" in before or f"{sources}{name.partition('.')[0]}.py" in before
        for name in ([] if opened is None else files.list_names(opened))
    )


def _stands(site: Site, action: Action, file: File) -> bool:
    """Say whether a path shows, or keeps for its distribution, what it should."""
    directory, name = split(file.path)
    opened = reach(site, action, directory)
    if opened is None:
        return False
    here = site.reader.show(opened, name)
    if here is not None and content.matches(here, file):
        return True
    kept = site.reader.show(site.home, f"kept/{action.name}/{kept_name(file.path, file)}")
    return kept is not None and content.matches(kept, file)
