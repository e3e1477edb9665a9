"""Under the locks and before anything is published: what stands where the plan wants to put something.

Fresh wheels: directories that stand already are listed once, and only names met there are looked at; of what does not
stand at the top nothing below is looked for.
"""

from __future__ import annotations

from collections.abc import Iterable

from lugnut.columns import File
from lugnut.environment import folding
from lugnut.plan import CHANGE, FRESH, Action, Plan
from lugnut.system import files
from lugnut.transaction import content, journal
from lugnut.transaction.changes import check_way, find_changed
from lugnut.transaction.look import Look, find_unclaimed, reach, read_claims
from lugnut.transaction.place import in_the_way
from lugnut.transaction.site import Site
from lugnut.transaction.tree import split


def survey(site: Site, actions: Iterable[Action], *, force: bool) -> Plan:
    """Complete a plan by looking; raises FileInTheWay and OutsideEnvironment with nothing changed."""
    ours = sorted(actions, key=lambda action: action.name)
    fold, others = folding(site.environment), _made_by_others(site)
    look = Look(site, force, [], [], {}, {})
    done = []
    made: set[str] = set()
    for action in ours:
        if action.kind == FRESH:
            _survey_fresh(look, action, sorted(_find_standing(look, action, made)))
        elif action.kind == CHANGE:
            for directory in {split(path)[0] for path in action.files.paths}:
                _note_parents(look, action, directory)
            action = action._replace(changed=find_changed(look, action))  # noqa: PLW2901
        if action.olds:
            check_way(site, action)
        done.append(action)
    others |= _made_by_others(site)  # before and after the look: whoever made a directory had published it by then
    made |= {directory for directory, stands in look.standing.items() if not stands or fold(directory) in others}
    if any(action.kind == FRESH for action in ours):
        made |= _filled(look)
    return Plan(tuple(done), tuple(sorted(made)), tuple(sorted(set(look.adopted))), tuple(sorted(set(look.forced))))


def _made_by_others(site: Site) -> set[str]:
    """Directories that open runs are making, as keys: whoever empties them last removes them."""
    made: set[str] = set()
    for identity in journal.list_ids(site.home):
        try:
            made.update(map(folding(site.environment), site.ledger.plan(identity).directories))
        except (journal.Vanished, ValueError):
            continue
    return made


def _filled(look: Look) -> set[str]:
    """Give the standing directories that hold something.

    Found empty at an abort, they are what another run's removal left: it could not remove them for what this run had
    put there. One that is empty already is somebody's, and stays.
    """
    site = look.site
    roots = {place.rstrip("/") for place in site.environment.places.values()}
    filled = set()
    for directory in sorted(directory for directory, stands in look.standing.items() if stands):
        opened = site.tree.directory(directory) if directory not in roots else None
        if opened is not None and files.list_names(opened):
            filled.add(directory)
    return filled


def _find_standing(look: Look, action: Action, made: set[str]) -> set[str]:
    """Find the directories of a fresh wheel that stand; adds to `made` those that lie where nothing stands."""
    standing = {split(path)[0] for path in action.files.paths if path[:2] == ".."}
    standing = {"", *(directory for directory in standing if _note_parents(look, action, directory))}
    folders = action.files.folders
    tops = {directory.partition("/")[0] for directory in folders}
    gone = {top for top in tops if not _note_parents(look, action, top)}
    left = {directory for directory in folders if directory.partition("/")[0] not in gone}
    made |= folders - left
    return standing.union([directory for directory in left if _note_parents(look, action, directory)])


def _note_parents(look: Look, action: Action, directory: str) -> bool:
    """Find out, each once and from the top, which directories stand; below one that does not none does."""
    known = look.standing.get(directory)
    if known is not None:
        return known
    if not directory or directory.endswith(".."):
        return True
    above = split(directory)[0]
    stands = _note_parents(look, action, above) and reach(look.site, action, directory) is not None
    look.standing[directory] = stands
    return stands


def _survey_fresh(look: Look, action: Action, standing: list[str]) -> None:
    """Judge what a fresh wheel meets in directories that stand; its files are taken apart once, and only if it does."""
    fold, keys = folding(look.site.environment), frozenset[str](action.files.unordered)
    if look.site.environment.folds_case:
        keys = frozenset(map(fold, action.files.paths))
    met = [keys & _list_paths(look, action, directory) for directory in standing]
    if not any(met):
        return
    taken = frozenset().union(*met)
    wanted: dict[str, dict[str, File]] = {directory: {} for directory in standing}
    for file in action.files:
        if fold(file.path) in taken:
            directory, name = split(file.path)
            wanted[directory][name] = file
    for directory, here in wanted.items():
        if here:
            _judge_met(look, action, directory, here)


def _list_paths(look: Look, action: Action, directory: str) -> frozenset[str]:
    """List a directory that stands, once, as keys; of what is met there only the directory itself is asked again."""
    known = look.names.get(directory)
    if known is None:
        opened = reach(look.site, action, directory)
        below = f"{directory}/" if directory else ""
        fold = folding(look.site.environment)
        known = frozenset(() if opened is None else (fold(below + name) for name in files.list_names(opened)))
        look.names[directory] = known
    return known


def _judge_met(look: Look, action: Action, directory: str, met: dict[str, File]) -> None:
    claims = read_claims(look.site, directory, list(met))
    mine = action.name
    unclaimed = [name for name in met if all(one.name == mine or not one.committed for one in claims[name])]
    for name, here in find_unclaimed(look.site, directory, unclaimed, action.name).items():
        file = met[name]
        if content.matches(here, file):
            look.adopted.append(file.path)
        elif look.force and not here.directory:
            look.forced.append(file.path)
        else:
            what = "a directory" if here.directory else "a file that no installed distribution names"
            raise in_the_way(file.path, action.name, what, forcible=not here.directory)
