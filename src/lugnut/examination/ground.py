"""Where an environment and the cache lie: the directories, opened, and in each one of our own to try things in."""

from __future__ import annotations

import contextlib

from lugnut.answers import Located
from lugnut.environment import Environment
from lugnut.system import files, probing
from lugnut.transaction import home as homes
from lugnut.typed import NamedTuple

ENVIRONMENT, CACHE = "environment", "cache"
_ALWAYS = ("purelib", "scripts")
"""The schemes that most wheels have files in; the others are told of where they lie in another mount."""


class Ground(NamedTuple):
    """One place, opened."""

    place: str
    path: str
    directory: files.Directory
    """The place itself, or the nearest directory above it that stands."""
    mount: probing.Mount
    room: probing.Room
    scratch: files.Directory | None
    """A directory of our own in it; None where none can be made, for a `reason`."""
    reason: str = ""

    @property
    def full(self) -> bool:
        """Whether there is room for nothing, so that no trial would say anything else."""
        return self.room.size == 0 or self.room.files == 0

    def located(self) -> Located:
        """Give what the answer says of it."""
        kind, point, source, options, _ = self.mount
        room = self.room
        return Located(
            self.place, self.path, self.directory.path, kind, source, point, options, room.size, room.files
        )  # fmt: skip

    def shares_mount(self, other: Ground) -> bool:
        """Say whether two places lie in one mount of one file system, so that what holds of one holds of both."""
        return self.mount == other.mount and files.same_volume(self.directory, other.directory)


def open_grounds(stack: contextlib.ExitStack, environment: Environment, store: str) -> list[Ground]:
    """Open an environment's places and the store's; all is closed and our own directories removed with the stack."""
    first = _open(stack, ENVIRONMENT, environment.purelib)
    grounds = [first]
    for scheme, path in environment.schemes.items():
        if path not in {ground.path for ground in grounds}:
            ground = _look(stack, scheme, path)
            if scheme in _ALWAYS or not any(ground.shares_mount(other) for other in grounds):
                grounds.append(_lend(stack, ground))
    return [*grounds, _open(stack, CACHE, store)]


def _open(stack: contextlib.ExitStack, place: str, path: str) -> Ground:
    return _lend(stack, _look(stack, place, path))


def _look(stack: contextlib.ExitStack, place: str, path: str) -> Ground:
    directory = stack.enter_context(files.open_root(homes.find_standing(path)))
    return Ground(place, path, directory, probing.find_mount(directory), probing.find_room(directory), None)


def _lend(stack: contextlib.ExitStack, ground: Ground) -> Ground:
    try:
        scratch = stack.enter_context(probing.lend_scratch(ground.directory))
    except OSError as error:
        return ground._replace(reason=probing.explain(error))
    return ground._replace(scratch=scratch)
