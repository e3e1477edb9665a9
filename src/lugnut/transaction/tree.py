"""The environment's directories as handles, reached component by component and never through a symlink (G8).

A path that would leave the environment, by its spelling or by a symlink on the way, is an error here and nowhere else.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable

from lugnut.environment import Environment
from lugnut.errors import FileInTheWay, OutsideEnvironment
from lugnut.system import files

_MOST_OPEN = 200
_BARRED = {errno.ENOTDIR, errno.ELOOP, errno.EMLINK}
"""What the system says of a file or a symlink where a directory has to be; FreeBSD says EMLINK of a symlink."""
_TRIES = 100
"""How often a directory that others remove as it is entered is made again."""


class Tree(files.Closing):
    """Directories of one environment by their RECORD spelling (`""` is purelib, `../../../bin`)."""

    def __init__(
        self,
        environment: Environment,
        on_create: Callable[[str], None] | None = None,
        expected: frozenset[str] = frozenset(),
    ) -> None:
        self._environment = environment
        self._on_create = on_create
        """Told the RECORD spelling of a directory before it is made, so that an abort knows it."""
        self._expected = expected
        """Directories that most likely do not stand yet: making them is tried before entering them."""
        self._roots = sorted(set(environment.schemes.values()), key=len)
        self._open: dict[str, files.Directory] = {}

    def close(self) -> None:
        """Close every handle."""
        for handle in self._open.values():
            handle.close()
        self._open.clear()

    def forget(self, relative: str) -> None:
        """Close the handle of a directory that was removed: who makes it again makes another one."""
        known = self._open.pop(relative, None)
        if known is not None:
            known.close()

    def directory(self, relative: str, *, create: bool = False, name: str = "") -> files.Directory | None:
        """Open a directory; None where it does not stand. The handle lives until the next calls need its place.

        Raises OutsideEnvironment where the way leaves the environment, FileInTheWay where a file bars it; `name` is
        the distribution the message is about.
        """
        known = self._open.get(relative)
        if known is not None:
            return known
        if relative[:2] != ".." and relative:
            above, _, base = relative.rpartition("/")
            parent = self.directory(above, create=create, name=name)
            opened = None if parent is None else self._enter(parent, base, relative, create=create, name=name)
        else:
            opened = self._walk_to_root(relative, create=create, name=name)
        if opened is not None:
            self._remember(relative, opened)
        return opened

    def make(self, relative: str, name: str) -> files.Directory:
        """Open a directory, made where it is missing, though others remove it or one above as we enter (TRAPS 20)."""
        if relative in self._expected and relative not in self._open:
            with contextlib.suppress(OSError):  # it stands, or nothing above it does: the way below knows what to do
                return self._make_expected(relative, name)
        for _ in range(_TRIES):
            with contextlib.suppress(FileNotFoundError):
                opened = self.directory(relative, create=True, name=name)
                if opened is not None:
                    return opened
            self.close()
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), relative)

    def _make_expected(self, relative: str, name: str) -> files.Directory:
        """Make and open a directory that is not there yet, as most of an install's are not."""
        above, _, base = relative.rpartition("/")
        parent = self._open.get(above) or self.make(above, name)
        files.mkdir(parent, base)
        opened = files.enter(parent, base)
        self._remember(relative, opened)
        return opened

    def _walk_to_root(self, relative: str, *, create: bool, name: str) -> files.Directory | None:
        """Open a directory outside purelib, from the scheme directory that holds it and all of its parents there."""
        path = os.path.normpath(os.path.join(self._environment.purelib, relative))
        root = next((root for root in self._roots if path == root or path.startswith(root + os.sep)), None)
        if root is None:
            raise OutsideEnvironment(
                path=relative, name=name or "a distribution", reason="no scheme directory holds it"
            )
        if path == root or not relative:
            return self._open_root(path, create=create)
        above = os.path.relpath(os.path.dirname(path), self._environment.purelib).replace(os.sep, "/")
        parent = self.directory("" if above == "." else above, create=create, name=name)
        return (
            None if parent is None else self._enter(parent, os.path.basename(path), relative, create=create, name=name)
        )

    def _open_root(self, path: str, *, create: bool) -> files.Directory | None:
        try:
            return files.open_root(path)
        except FileNotFoundError:
            return files.make_directories(path) if create else None

    def _enter(
        self, parent: files.Directory, base: str, relative: str, *, create: bool, name: str
    ) -> files.Directory | None:
        if not (create and relative in self._expected):
            try:
                return files.enter(parent, base)
            except FileNotFoundError:
                if not create:
                    return None
            except OSError as error:
                raise self._word_obstacle(error, parent, base, relative, name) from None
        if self._on_create is not None:
            self._on_create(relative)
        with contextlib.suppress(FileExistsError):
            files.mkdir(parent, base)
        try:
            return files.enter(parent, base, create=True)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise self._word_obstacle(error, parent, base, relative, name) from None

    def _word_obstacle(self, error: OSError, parent: files.Directory, base: str, relative: str, name: str) -> Exception:
        if error.errno not in _BARRED:
            return error
        status = files.look(parent, base)
        if status is not None and stat.S_ISLNK(status.st_mode):
            return OutsideEnvironment(path=relative, name=name or "a distribution", reason=f"{relative} is a symlink")
        return FileInTheWay(
            path=relative, name=name or "a distribution", what="a file where a directory has to be", hint="move it away"
        )

    def _remember(self, path: str, opened: files.Directory) -> None:
        while len(self._open) >= _MOST_OPEN:
            oldest = next(iter(self._open))
            self._open.pop(oldest).close()
        self._open[path] = opened


def split(path: str) -> tuple[str, str]:
    """Split a RECORD path into its directory's spelling and its name."""
    directory, _, name = path.rpartition("/")
    return directory, name


def group(paths: list[str] | tuple[str, ...]) -> dict[str, list[str]]:
    """Group RECORD paths by directory, in the order given."""
    grouped: dict[str, list[str]] = {}
    for path in paths:
        directory, name = split(path)
        grouped.setdefault(directory, []).append(name)
    return grouped
