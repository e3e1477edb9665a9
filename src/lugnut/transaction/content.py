"""Contents as files: what stands at a path, whether it is what a claim says, and how one is put there.

A content is put at a path by a link where nothing stands, and by a rename over what stands there: never written in
place, never unlinked first (TRAPS 14 to 16). Where links fail (TRAPS 24, 25) a copy is made beside the target, under a
name that carries the transaction's id, and takes the last step alike.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterable

from lugnut.columns import File
from lugnut.distribution import Digest, time_of
from lugnut.system import files
from lugnut.typed import NamedTuple

_SLACK = 2
"""Seconds that a file system may round a time by (FAT)."""


class Shown(NamedTuple):
    """What stands at a path: a regular file's content, or `digest` None for anything else."""

    digest: Digest | None
    executable: bool
    directory: bool


class Unread(Exception):
    """Nothing but the bytes tell what stands there, and they were not to be read."""


class Reader:
    """Tells contents, hashing a file once as long as its inode, size and time stay the same."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int, int, int], Digest] = {}

    def show(
        self, directory: files.Directory, name: str, likely: Iterable[File] = (), *, read: bool = True
    ) -> Shown | None:
        """Say what stands at a name; None where nothing does. Without `read` it raises Unread instead of hashing.

        What has the size of a `likely` content, and the very second that only this content's own hash leads to, is that
        content and is not read: whoever edits a file gives it another time (DESIGN 4, as for the store's own files).
        """
        status = files.look(directory, name)
        if status is None:
            return None
        if not stat.S_ISREG(status.st_mode):
            return Shown(None, executable=False, directory=stat.S_ISDIR(status.st_mode))
        key = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
        known = self._known.get(key) or _recognise(status, likely)
        if known is None:
            if not read:
                raise Unread
            try:
                known, status = files.digest(directory, name)
            except FileNotFoundError:
                return None
            self._known[status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns] = known
        return Shown(known, executable=bool(status.st_mode & 0o100), directory=False)


def _recognise(status: os.stat_result, likely: Iterable[File]) -> Digest | None:
    seconds, rest = divmod(status.st_mtime_ns, 1_000_000_000)
    if not rest:
        for file in likely:
            if file.size == status.st_size and file.digest is not None and time_of(file.digest) == seconds:
                return file.digest
    return None


def matches(shown: Shown, file: File) -> bool:
    """Say whether what stands there is what a claim says; an execute bit nobody recorded may be either."""
    if file.digest is None or shown.digest != file.digest:
        return False
    return file.executable is None or file.executable == shown.executable


def find_timely(status: os.stat_result, claims: Iterable[File]) -> list[File]:
    """Find the contents whose own second a file has, as none has by chance: it is one of them, or was until a cut."""
    if not stat.S_ISREG(status.st_mode):
        return []
    return [file for file in claims if file.digest is not None and has_time(status, time_of(file.digest))]


def has_time(status: os.stat_result, seconds: int | None) -> bool:
    """Say whether a file has a time, or that time as its file system rounds it."""
    return seconds is not None and 0 <= seconds - status.st_mtime < _SLACK


class Placer:
    """Puts contents at paths on behalf of one transaction, by the link mode chosen."""

    def __init__(self, transaction: str, link_mode: str) -> None:
        self._word = transaction
        self._links = link_mode in {"auto", "hardlink"}
        self._clones = link_mode != "copy"
        self._apart: tuple[files.Directory, files.Directory] | None = None
        """Where the last link led from and to, that failed since they are on two volumes (TRAPS 24)."""

    @property
    def clones(self) -> bool:
        """Whether copies share their blocks with what they are made of, as far as it is known by now."""
        return self._clones

    def create(
        self,
        source_dir: files.Directory,
        source: str,
        target_dir: files.Directory,
        target: str,
        *,
        guarded: bool = False,
    ) -> None:
        """Put the content of `source` where nothing stands; FileExistsError where something does.

        `guarded` says that the stripe is held, so that where there is no exclusive step a look will do; without it
        FileExistsError sends the caller there.
        """
        if self._links and (self._apart is None or self._apart != (source_dir, target_dir)):
            try:
                files.link(source_dir, source, target_dir, target)
            except OSError as error:
                if not files.cannot_link(error):
                    raise
                if error.errno == errno.EXDEV:
                    self._apart = source_dir, target_dir
            else:
                return
        temporary = self.copy_beside(source_dir, source, target_dir)
        try:
            self._claim(target_dir, temporary, target, guarded=guarded)
        finally:
            with contextlib.suppress(FileNotFoundError):
                files.unlink(target_dir, temporary)

    def write(self, directory: files.Directory, target: str, data: bytes, *, mode: int, mtime: int) -> None:
        """Put bytes that were made for this environment where nothing stands; FileExistsError where something does."""
        temporary = files.temporary_name(self._word)
        files.write(directory, temporary, data, mode=mode, mtime=mtime)
        try:
            self._claim(directory, temporary, target, guarded=False)
        finally:
            with contextlib.suppress(FileNotFoundError):
                files.unlink(directory, temporary)

    def _claim(self, directory: files.Directory, temporary: str, target: str, *, guarded: bool) -> None:
        try:
            files.publish(directory, temporary, directory, target)
        except OSError as error:
            if not files.cannot_link(error):
                raise
            if not guarded or files.look(directory, target) is not None:
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target) from None
            files.rename(directory, temporary, directory, target)

    def copy_beside(self, source_dir: files.Directory, source: str, target_dir: files.Directory) -> str:
        """Copy a content under a temporary name beside its target, and give the name."""
        temporary = files.temporary_name(self._word)
        if self._clones:
            with contextlib.suppress(OSError):
                files.copy(source_dir, source, target_dir, temporary, clone=True)
                return temporary
            self._clones = False
        files.copy(source_dir, source, target_dir, temporary, clone=False)
        return temporary


def move_over(word: str, source_dir: files.Directory, source: str, target_dir: files.Directory, target: str) -> None:
    """Put a content where another stands, in one step; `source` may be gone afterwards."""
    try:
        files.rename(source_dir, source, target_dir, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        temporary = files.temporary_name(word)
        files.copy(source_dir, source, target_dir, temporary, clone=False)
        files.rename(target_dir, temporary, target_dir, target)


def set_beside(
    lend_place: Callable[[], files.Directory],
    source_dir: files.Directory,
    source: str,
    target_dir: files.Directory,
    target: str,
) -> None:
    """Give a visible content a second name among the kept or altered; what is there already is the same content.

    Where that takes a copy it is made in the transaction's own place, `lend_place`: what a kill leaves goes with it.
    """
    try:
        files.link(source_dir, source, target_dir, target)
    except FileExistsError:
        return
    except OSError as error:
        if not files.cannot_link(error):
            raise
        temporary = files.temporary_name()
        with lend_place() as place:
            files.copy(source_dir, source, place, temporary, clone=False)
            files.rename(place, temporary, target_dir, target)
