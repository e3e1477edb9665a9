"""What a power cut left of what was committed without --durable: found by the next command, said, and mended if asked.

`transaction/PROTOCOL.md` (after a power cut) has the steps. Once in each boot of the machine; no lock is taken.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Sequence

from lugnut.columns import File
from lugnut.distribution import STATE_FILE, Name, RelativePath, content_mtime
from lugnut.environment import Environment, folding
from lugnut.errors import LugnutError
from lugnut.events import Note, Recovered
from lugnut.installed import Installed, read_installed
from lugnut.plan import kept_name
from lugnut.run import Run
from lugnut.system import files, probing
from lugnut.transaction import home as homes
from lugnut.transaction.commit import sync_volumes
from lugnut.transaction.content import find_timely, has_time
from lugnut.transaction.journal import ALTERED, UNREADABLE
from lugnut.transaction.records import claimed_files
from lugnut.transaction.tree import Tree, split
from lugnut.typed import NamedTuple

_SHOWN = 3
"""How many damaged files are named."""


class Damage(NamedTuple):
    """A file that is not what is recorded of it."""

    name: Name
    path: str


def examine(run: Run, stale: Sequence[str]) -> None:
    """See whether what was installed in other boots reached the disk; `stale` are their marks.

    What is damaged is said, and placed anew where the run is asked for it. Where all is well the marks are removed.
    """
    home = homes.open_home(run.environment, create=False)
    if home is None:
        return
    with home:
        before = _tell_moment(home)
        try:
            _say_set_aside(run, home)
            found = find_damage(run.environment, home)
        except OSError as error:
            run.report(Note("note", f"what a power cut may have left is not looked at: {error}"))
            return
        if found:
            run.settings = run.settings._replace(anew=frozenset(one.name for one in found))
            run.report(Note("warning", _word(found)))
        elif before is not None and before == _tell_moment(home):
            _forget(run.environment, home, stale, before)


def _say_set_aside(run: Run, home: files.Directory) -> None:
    """Say of transactions whose plan a cut has torn what who set them aside may have had no time to say."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), files.enter(home, ALTERED) as altered:
        for identity in sorted(set(files.list_names(altered)) - run.recovered()):
            if files.look(altered, f"{identity}/{UNREADABLE}") is not None:
                reason = f"its plan could not be read; it lies in .lugnut/{ALTERED}, and what it had placed stays"
                run.report(Recovered(identity, "blocked", (), reason))


def _forget(environment: Environment, home: files.Directory, stale: Sequence[str], before: int) -> None:
    """Remove marks, once what they are about is on disk for sure: a container may have a boot of its own.

    systemd-nspawn and LXC give each start of one another id, while the machine goes on and has not written all yet.
    """
    try:
        sync_volumes(environment)
    except OSError:
        return
    if before == _tell_moment(home):
        homes.remove_marks(home, stale)


def _tell_moment(home: files.Directory) -> int | None:
    """Tell this moment from one with another run at work before it; None while one is at work, or was killed."""
    status = files.look(home, ".")
    return None if homes.list_ids(home) or status is None else status.st_mtime_ns


def _word(found: Sequence[Damage]) -> str:
    names = " ".join(sorted({one.name for one in found}))
    paths = ", ".join(one.path for one in found[:_SHOWN]) + ", ..." * (len(found) > _SHOWN)
    files_are = "1 file is" if len(found) == 1 else f"{len(found)} files are"
    return (
        f"the machine stopped before all that was installed had reached the disk, and {files_are} damaged ({paths}); "
        f"what is asked for of that is installed again, and `lugnut install --reinstall {names}` does it for all"
    )


def find_damage(environment: Environment, home: files.Directory) -> list[Damage]:
    """Find what a power cut has damaged of what lugnut installed, sorted; changes nothing.

    What people do as well as a power cut counts only beside what no one else does.
    """
    with _Eyes(environment, home) as eyes:
        found = list(eyes.find())
        return sorted({*found, *eyes.find(doubting=True)}) if found else []


class _Eyes(files.Closing):
    """Looks at every file that lugnut's own distributions claim: its size, its time and its room on the disk.

    Every file that lugnut places has the second that its own hash leads to (DESIGN 4), which none has by chance. One
    that has it, and the size, and no holes, is taken for sound; one that has it and not the rest is read. What has
    another time somebody has edited, and it is his. Only in doubt, where there was a cut, what is missing is damaged,
    and of other times what is empty, or has a second of that kind and bytes that nobody claims: whose RECORD is lost.
    """

    def __init__(self, environment: Environment, home: files.Directory) -> None:
        self._environment = environment
        self._home = home
        self._fold = folding(environment)
        self._tree = Tree(environment)
        installed = [one for ones in read_installed(environment).values() for one in ones]
        self._ours = [one for one in installed if self._is_ours(one)]
        self._claims: dict[str, list[File]] = {}
        for one in installed:
            for file in claimed_files(one):
                self._claims.setdefault(self._fold(file.path), []).append(file)

    def close(self) -> None:
        """Close every handle."""
        self._tree.close()

    def _is_ours(self, one: Installed) -> bool:
        """Say whether lugnut installed it, though a power cut may have left no more of its lugnut.json than a name."""
        if one.state is not None or one.legacy or one.installer not in {"", "lugnut"}:
            return one.state is not None
        with files.open_root(self._environment.schemes[one.scheme]) as root:
            return files.look(root, f"{one.dist_info}/{STATE_FILE}") is not None

    def find(self, *, doubting: bool = False) -> Iterator[Damage]:
        """Give what a power cut has damaged for sure; `doubting`, what it may have damaged besides."""
        self._doubting = doubting
        for one in self._ours:
            if self._is_record_torn(one):
                yield Damage(one.name, f"{one.dist_info}/RECORD")
            claimed = {file.path: file for file in claimed_files(one)}
            for row in one.rows or ():
                if row.digest is not None:
                    path = RelativePath(row.path)
                    if self._is_damaged(one, claimed.get(path) or File(path, row.digest, row.size, None)):
                        yield Damage(one.name, row.path)

    def _is_record_torn(self, one: Installed) -> bool:
        """Say so of a RECORD that is blank, or has the second of another content and does not end as one does."""
        try:
            with (
                files.open_root(self._environment.schemes[one.scheme]) as root,
                files.enter(root, one.dist_info) as info,
            ):
                data, status = files.read_identified(info, "RECORD")
        except OSError as error:
            files.pass_on(error)
            return False
        if not data.strip(files.BLANK):
            return True
        if has_time(status, content_mtime(hashlib.sha256(data).digest())) or not _is_early(status):
            return False
        named = any(row.path == f"{one.dist_info}/RECORD" for row in one.rows or ())
        return not (named and data.endswith(b"\n"))  # a whole one, to which who packed an image has given its time

    def _is_damaged(self, one: Installed, wanted: File) -> bool:
        """Say whether a file is damaged, or what is kept of it where another one's is shown."""
        directory, name = split(wanted.path)
        try:
            opened = self._tree.directory(directory)
        except LugnutError:
            return False  # what lies behind a symlink is nobody's here (TRAPS 22)
        status = None if opened is None else files.look(opened, name)
        if opened is None or status is None:
            return self._doubting or self._is_kept_torn(one, wanted)
        claims = [wanted, *self._claims.get(self._fold(wanted.path), ())]
        timely = find_timely(status, claims)
        shown = _find_sound(opened, name, status, timely) or _find_read(opened, name, timely)
        if shown is not None:
            return shown.digest != wanted.digest and self._is_kept_damaged(one, wanted)
        if timely or self._is_kept_torn(one, wanted):
            return True
        return self._doubting and self._is_doubtful(opened, name, status, claims)

    def _is_kept_damaged(self, one: Installed, wanted: File) -> bool:
        missing = self._doubting and files.look(self._home, _find_kept(one, wanted)) is None
        return missing or self._is_kept_torn(one, wanted)

    def _is_kept_torn(self, one: Installed, wanted: File) -> bool:
        """Say so of what is kept and has other bytes: where a commit was cut, what it could not show any more too."""
        name = _find_kept(one, wanted)
        status = files.look(self._home, name)
        if status is None or _find_sound(self._home, name, status, find_timely(status, [wanted])) is not None:
            return False
        return _find_read(self._home, name, [wanted]) is None

    def _is_doubtful(
        self, directory: files.Directory, name: str, status: os.stat_result, claims: Sequence[File]
    ) -> bool:
        """Say so of a file that has none of its claims' seconds, where there was a cut."""
        if not stat.S_ISREG(status.st_mode) or not (status.st_size == 0 or _is_early(status)):
            return False
        return _find_read(directory, name, claims) is None


def _find_kept(one: Installed, wanted: File) -> str:
    """Give where a content is kept, relative to `.lugnut`."""
    return f"kept/{one.name}/{kept_name(wanted.path, wanted)}"


def _is_early(status: os.stat_result) -> bool:
    """Say whether a time is one that some content's hash leads to: years before what is written now has it."""
    return content_mtime(bytes(32)) <= status.st_mtime <= content_mtime(b"\0" * 28 + b"\x3f\xff\xff\xff")


def _find_sound(directory: files.Directory, name: str, status: os.stat_result, timely: Iterable[File]) -> File | None:
    """Find the content, of those that have its time, that a file has by its size and its room, where that is told."""
    room: int = getattr(status, "st_blocks", status.st_size)
    if room * 512 < status.st_size:
        return None
    found = next((file for file in timely if file.size in {None, status.st_size}), None)
    return None if found is not None and probing.has_hole(directory, name, status.st_size) else found


def _find_read(directory: files.Directory, name: str, claims: Sequence[File]) -> File | None:
    """Find the content that a file has by its bytes: one that is packed needs less room than it has bytes."""
    if not claims:
        return None
    try:
        digest, _ = files.digest(directory, name)
    except OSError as error:
        files.pass_on(error)
        return None
    return next((file for file in claims if file.digest == digest), None)
