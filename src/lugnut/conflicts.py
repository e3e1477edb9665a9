"""Plans beside everybody else's claims: where bytes differ at one path, and where a file meets a directory. Pure.

Precedence (DESIGN 3): overlay rank first, then the normalised name, the later name wins. Nothing else counts, so the
answer is the same whoever asks, in whatever order (G1, G5).
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from lugnut.columns import File, Files
from lugnut.distribution import Name, RelativePath
from lugnut.environment import Environment, key
from lugnut.plan import Action
from lugnut.typed import NamedTuple


class Claimant(NamedTuple):
    """Somebody whose claims stand beside a plan's: a dist-info, or another run's action."""

    name: Name
    rank: int
    files: Files


class Clash(NamedTuple):
    """Different bytes at one path: the claimants by precedence, the winner first."""

    path: RelativePath
    claimants: tuple[tuple[int, Name], ...]


class Shape(NamedTuple):
    """A file of one distribution where another has a directory."""

    path: str
    file_owner: Name
    directory_owner: Name


def find_clashes(
    environment: Environment, mine: Iterable[Action | Claimant], others: Iterable[Claimant]
) -> tuple[Clash, ...]:
    """Find the paths of `mine` that more than one distribution ships with different content; sorted by path."""
    own = list(mine)
    beside = list(others)
    claims: dict[str, list[tuple[int, Name, File]]] = {path: [] for path in _find_common(environment, own, beside)}
    if not claims:
        return ()
    for claimant in [*own, *beside]:
        if claims.keys().isdisjoint(_spell(environment, claimant.files.paths)):
            continue
        for file in claimant.files:
            entry = claims.get(key(environment, file.path))
            if entry is not None:
                entry.append((claimant.rank, claimant.name, file))
    found = []
    for entry in claims.values():
        if differ([file for _, _, file in entry]):
            ranked = sorted({(rank, name) for rank, name, _ in entry}, reverse=True)
            if len(ranked) > 1:
                found.append(Clash(min(file.path for _, _, file in entry), tuple(ranked)))
    return tuple(sorted(found))


def _find_common(environment: Environment, mine: Iterable[Action | Claimant], others: Iterable[Claimant]) -> set[str]:
    """Find the paths of `mine` that two claimants name: most installs have none, and all else looks at these alone."""
    own = [_spell(environment, claimant.files.paths) for claimant in mine]
    named = set().union(*own)
    common: set[str] = set()
    if len(named) < sum(map(len, own)):
        counted = Counter(itertools.chain.from_iterable(map(frozenset, own)))
        common.update(path for path, count in counted.items() if count > 1)
    for other in others:
        common |= named.intersection(_spell(environment, other.files.paths))
    return common


def _spell(environment: Environment, paths: Collection[str]) -> Collection[str]:
    """Give the keys of paths: themselves where the file system tells all names apart."""
    return [key(environment, path) for path in paths] if environment.folds_case else paths


def differ(files: list[File]) -> bool:
    """Say whether any two of these contents differ, by bytes or by the execute bit where both are known."""
    known = {
        (file.digest, file.executable) for file in files if file.digest is not None and file.executable is not None
    }
    return len({file.digest for file in files}) > 1 or len(known) > 1


def find_shapes(environment: Environment, mine: Sequence[Action], others: Iterable[Claimant]) -> tuple[Shape, ...]:
    """Find the paths that are a file of one distribution and a directory of another; sorted."""
    everyone = [*(Claimant(action.name, action.rank, action.files) for action in mine), *others]
    own = {action.name for action in mine}
    files = set().union(*(_spell(environment, claimant.files.paths) for claimant in everyone))
    folders = set().union(*(_spell(environment, claimant.files.folders) for claimant in everyone))
    met = sorted(files & folders)
    found = [_name_owners(environment, path, everyone) for path in met]
    return tuple(shape for shape in found if shape.file_owner in own or shape.directory_owner in own)


def _name_owners(environment: Environment, path: str, everyone: Iterable[Claimant]) -> Shape:
    """Name the first who has a file there, and the first who has a directory there."""
    file_owner = directory_owner = None
    for claimant in everyone:
        for file in claimant.files.paths:
            spelled = key(environment, file)
            if spelled == path:
                file_owner = file_owner or claimant.name
            elif spelled.startswith(path + "/"):
                directory_owner = directory_owner or claimant.name
    assert file_owner is not None  # noqa: S101 - both are among them
    assert directory_owner is not None  # noqa: S101
    return Shape(path, file_owner, directory_owner)
