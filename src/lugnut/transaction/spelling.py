"""How what is shown is spelled where the file system folds names: as the highest claim on it has it (G1).

Importers compare the names that are listed letter by letter, so what is found by any spelling is imported by one. A
rename from one spelling to another is one step, in which nothing is absent (G2). Some file systems, such as ext4, take
it for a rename to itself and keep the old one: no one step is to be had there, so that is said.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable

from lugnut.columns import list_folders
from lugnut.environment import folding
from lugnut.errors import FileInTheWay, OutsideEnvironment
from lugnut.events import LeftAlone
from lugnut.system import files
from lugnut.transaction.claims import Spelled
from lugnut.transaction.journal import Transaction, Vanished
from lugnut.transaction.site import Site
from lugnut.transaction.tree import group


def respell(opened: files.Directory, name: str, fold: Callable[[str], str]) -> str | None:
    """Have what is found by a name listed by it; give the name that it is listed by where that cannot be had."""
    standing = _find(opened, name, fold)
    if standing is None:
        return None
    try:
        files.rename(opened, standing, opened, name)
    except OSError as error:  # gone by now, or Windows: somebody has something in it open
        if files.is_passing(error):
            raise
    return _find(opened, name, fold)


def _find(opened: files.Directory, name: str, fold: Callable[[str], str]) -> str | None:
    """Give the name by which is listed what is found by another; None where it is listed as it is found.

    Of several files whose keys alone are one it is the one of that inode; FUSE may give each spelling its own.
    """
    found, names = files.look(opened, name), files.list_names(opened)
    if found is None or name in names:
        return None
    others = [one for one in names if fold(one) == fold(name)]
    if len(others) > 1:
        others = [one for one in others if getattr(files.look(opened, one), "st_ino", None) == found.st_ino]
    return others[0] if others else None


def word_kept(standing: str) -> str:
    """Say that a spelling could not be had."""
    return f"it is listed as {standing}, which this file system keeps; imports go by that"


# --- directories ------------------------------------------------------------------------------------------------------


def spell_directories(site: Site, transaction: Transaction) -> None:
    """Have each directory of a committed transaction listed as the highest claim in it spells it.

    Under the stripe of the one above, as paths are settled: who commits last has read everybody's claims.
    """
    for above, names in group(sorted(_find_doubtful(site, transaction))).items():
        with site.hold_stripe(above):
            site.tree.close()
            opened = _open(site, above)
            if opened is not None:
                _spell(site, opened, [f"{above}/{name}" if above else name for name in names])


def _find_doubtful(site: Site, transaction: Transaction) -> set[str]:
    """Give the directories that may have to be spelled otherwise: those not listed as they are to be, or given up."""
    fold, actions = folding(site.environment), transaction.plan.actions
    brought = set[str]().union(*(action.files.folders for action in actions))
    kept = set(map(fold, set[str]().union(*(action.files.folders for action in actions if not action.reranked))))
    had = list_folders(file.path for action in actions for old in action.olds for file in old.files)
    doubtful = {path for path in had if fold(path) not in kept}
    for above, names in group(sorted(brought)).items():
        opened = _open(site, above)
        listed = frozenset(() if opened is None else files.list_names(opened))
        doubtful |= {f"{above}/{name}" if above else name for name in names if name not in listed}
    return {path for path in doubtful if not any(f"{root}/".startswith(f"{path}/") for root in site.roots())}


def _open(site: Site, directory: str) -> files.Directory | None:
    with contextlib.suppress(OutsideEnvironment, FileInTheWay):
        return site.tree.directory(directory)
    return None


def _spell(site: Site, opened: files.Directory, paths: Iterable[str]) -> None:
    fold = folding(site.environment)
    for claims in _read(site, frozenset(map(fold, paths))).values():
        if not claims:
            continue
        best = max(claims)
        name = best.path.rpartition("/")[2]
        standing = respell(opened, name, fold)
        if standing is not None:
            site.report(LeftAlone(best.path, word_kept(standing)))
        for other in sorted(claims):
            if other.path.rpartition("/")[2] != name:
                reason = f"{best.name} spells it so, and {other.name} {other.path}; imports find one spelling only"
                site.report(LeftAlone(best.path, reason))


def _read(site: Site, wanted: frozenset[str]) -> dict[str, set[Spelled]]:
    while True:
        try:
            return site.ledger.read_spelled(wanted)
        except (Vanished, FileNotFoundError):  # somebody was faster: read again
            continue
