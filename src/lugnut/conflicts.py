"""Plans beside everybody else's claims: where bytes differ at one path, and where a file meets a directory. Pure.

Precedence (DESIGN 3): overlay rank first, then the normalised name, the later name wins. Nothing else counts, so the
answer is the same whoever asks, in whatever order (G1, G5).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from lugnut.distribution import Name, RelativePath
from lugnut.environment import Environment, key
from lugnut.plan import Action, File


class Claimant(NamedTuple):
    """Somebody whose claims stand beside a plan's: a dist-info, or another run's action."""

    name: Name
    rank: int
    files: tuple[File, ...]


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
    claims: dict[str, list[tuple[int, Name, File]]] = {}
    for action in mine:
        for file in action.files:
            claims.setdefault(key(environment, file.path), []).append((action.rank, action.name, file))
    for other in others:
        for file in other.files:
            entry = claims.get(key(environment, file.path))
            if entry is not None:
                entry.append((other.rank, other.name, file))
    found = []
    for entry in claims.values():
        if len(entry) > 1 and differ([file for _, _, file in entry]):
            ranked = sorted({(rank, name) for rank, name, _ in entry}, reverse=True)
            if len(ranked) > 1:
                found.append(Clash(min(file.path for _, _, file in entry), tuple(ranked)))
    return tuple(sorted(found))


def differ(files: list[File]) -> bool:
    """Say whether any two of these contents differ, by bytes or by the execute bit where both are known."""
    known = {
        (file.digest, file.executable) for file in files if file.digest is not None and file.executable is not None
    }
    return len({file.digest for file in files}) > 1 or len(known) > 1


def find_shapes(environment: Environment, mine: Iterable[Action], others: Iterable[Claimant]) -> tuple[Shape, ...]:
    """Find the paths that are a file of one distribution and a directory of another; sorted."""
    everyone = [Claimant(action.name, action.rank, action.files) for action in mine]
    own = {claimant.name for claimant in everyone}
    files: dict[str, Name] = {}
    folders: dict[str, Name] = {}
    found = set()
    for claimant in [*everyone, *others]:
        above: set[str] = set()
        for file in claimant.files:
            path = key(environment, file.path)
            files.setdefault(path, claimant.name)
            _add_parents(path, above)
        for folder in above:
            folders.setdefault(folder, claimant.name)
    for path in files.keys() & folders.keys():
        if files[path] in own or folders[path] in own:
            found.add(Shape(path, files[path], folders[path]))
    return tuple(sorted(found))


def _add_parents(path: str, above: set[str]) -> None:
    cut = path.rfind("/")
    while cut > 0:
        path = path[:cut]
        if path in above or path.endswith(".."):
            return
        above.add(path)
        cut = path.rfind("/")
