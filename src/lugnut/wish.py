"""What is wished for, and what of it does not hold yet. Reads what is installed, and of the store nothing."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Collection, Mapping, Sequence

from lugnut.distribution import Name
from lugnut.environment import Environment
from lugnut.glance import Glance, glance
from lugnut.installed import Found, Installed, find_installed, read_installed
from lugnut.manifest import Manifest
from lugnut.settings import Settings
from lugnut.sources.direct_urls import Direct, format_direct_url
from lugnut.system import files
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


def name_wheels(wishes: Sequence[Wish]) -> list[tuple[Manifest, tuple[str, ...]]]:
    """Give the wheels of some wishes, each with the extras that were asked for."""
    return [(wish.manifest, wish.extras) for wish in wishes]


class Open(NamedTuple):
    """One distribution about which something is to be done: its wish, or None for another rank alone."""

    wish: Wish | None
    found: tuple[Installed, ...]
    rank: int


class Beyond(NamedTuple):
    """What a sync meets beyond what it is asked for."""

    unwanted: Sequence[Name]
    """Installed, and to be removed."""
    coming: frozenset[Name]
    """Of transactions that are committed and not shown yet. What they bring is installed, though no listing has it
    (PROTOCOL: a run): who holds these names has waited for it."""

    def names(self) -> frozenset[Name]:
        """Give all names."""
        return self.coming.union(self.unwanted)


NOTHING_BEYOND = Beyond((), frozenset())


class Aim(NamedTuple):
    """What a command is after, found without a lock."""

    wishes: list[Wish]
    find_beyond: Callable[[], Beyond]
    """What is beyond it now."""
    beyond: Beyond
    held: frozenset[Name]
    """What has to be held besides, since it was decided by it."""
    look: Callable[[], Beyond]
    """`find_beyond` under the locks. Raises Moved where what it was decided by is so no more."""
    holds: Callable[[], bool]
    """Whether all of it has stood as it stands since it was looked for, so that there was a moment with nothing to do.
    For who takes no lock; raises Moved where one would be no use."""
    alone: bool = False
    """Whether no other change may be beside it, since it is about all that is installed."""


Standing = Mapping[Name, Sequence[tuple[Found, int, int]]]
"""What is installed, by name: each entry with the inode and the time of change of its directory, which tell it from
another of the same name and version. Where a file system gives it another inode, it is looked at once more."""


def note_standing(environment: Environment, names: Collection[Name] | None = None) -> Standing:
    """Note what is installed, or what of some names is; read are the listing and one status an entry."""
    noted: dict[Name, list[tuple[Found, int, int]]] = {}
    if names is not None and not names:
        return noted
    for scheme, entries in itertools.groupby(find_installed(environment), lambda entry: entry.scheme):
        with contextlib.suppress(FileNotFoundError), files.open_root(environment.schemes[scheme]) as root:
            for found in entries:
                status = files.look(root, found.directory) if names is None or found.name in names else None
                if status is not None:
                    noted.setdefault(found.name, []).append((found, status.st_ino, status.st_ctime_ns))
    return noted


def find_moved(
    environment: Environment, names: Collection[Name], before: Standing, needed: Collection[Name] = ()
) -> set[Name]:
    """Find the names that do not stand as they did; of what is `needed` no more than its versions count."""
    now = note_standing(environment, {*names, *needed})
    moved = {name for name in names if now.get(name) != before.get(name)}
    return moved | {name for name in needed if _list_entries(now, name) != _list_entries(before, name)}


def _list_entries(standing: Standing, name: Name) -> list[Found]:
    return [found for found, _, _ in standing.get(name, ())]


def find_open(environment: Environment, wishes: Sequence[Wish], settings: Settings) -> list[Open]:
    """Find what is left to do; reads what is installed, and of the store nothing.

    What stands already is only glanced at: that is all there is to a run that finds nothing to do.
    """
    names = {wish.manifest.name for wish in wishes}
    told = {wish.manifest.name for wish in wishes if wish.direct is not None and not wish.direct.sha256}
    glances = {} if settings.reinstall else glance(environment, names - settings.anew, told)
    left_open = [wish for wish in wishes if not _holds(wish, glances.get(wish.manifest.name, []), settings.overlay)]
    installed = read_installed(environment, {*(wish.manifest.name for wish in left_open), *settings.overlay})
    left = []
    for wish in left_open:
        found = installed.get(wish.manifest.name, [])
        left.append(Open(wish, tuple(found), settings.overlay.get(wish.manifest.name, rank_of(found))))
    for name in sorted(set(settings.overlay) - names):
        found = installed.get(name, [])
        if found and rank_of(found) != settings.overlay[name] and found[0].rows is not None:
            left.append(Open(None, tuple(found), settings.overlay[name]))
    return left


def rank_of(found: Sequence[Installed]) -> int:
    """Give the overlay rank that what is installed of a name has."""
    return max((one.state.overlay for one in found if one.state is not None), default=0)


def _holds(wish: Wish, found: Sequence[Glance], overlay: Mapping[Name, int]) -> bool:
    """Say whether a wish is fulfilled: wheel hash, requested flag and rank (DESIGN 3), and one dist-info."""
    if len(found) != 1 or found[0].state is None or not found[0].recorded:
        return False
    one, state = found[0], found[0].state
    return (
        state.wheel == wish.manifest.wheel
        and state.overlay == overlay.get(wish.manifest.name, state.overlay)
        and (one.requested or not wish.requested)
        and (wish.direct is None or bool(wish.direct.sha256) or one.direct_url == format_direct_url(wish.direct))
    )
