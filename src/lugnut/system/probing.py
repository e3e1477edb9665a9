"""What a file system can do, tried in a directory of our own: links, renames, names, times, modes. The doctor's door.

Each trial goes through the calls that the engine itself makes, so that what is found is what a run will meet. Nothing
is judged here: a field that says why not is empty where it works.
"""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from collections.abc import Callable

from lugnut.system import files, programs
from lugnut.system.mounts import Mount, Room
from lugnut.system.native import native
from lugnut.system.proving import Locking, prove
from lugnut.system.scratch import lend_scratch, sweep
from lugnut.system.volume import PROGRAM, find_mount, find_room, has_hole, may_map
from lugnut.typed import NamedTuple

__all__ = [
    "LINKS", "LONGEST", "Locking", "Mount", "Probed", "Room", "explain", "find_mount", "find_room", "has_hole",
    "lend_scratch", "probe", "prove", "sweep",
]  # fmt: skip

LINKS = 200
"""Names of one file that are tried: EFS has room for 177 (TRAPS 24), and every environment is one more."""
LONGEST = 255
"""Bytes of the longest name that is tried (TRAPS 30)."""
TIMES = (946_684_799, 1_700_000_001)
"""Odd seconds: some file systems keep even ones alone."""
COMPOSED, DECOMPOSED = "caf\u00e9", "cafe\u0301"
"""One name in two normal forms."""
RENAMES = 200
"""Renames beside a reader: where there is a gap he falls into it every twentieth time or more often."""
SECONDS = 10.0
_OVERWRITTEN = "what stood there was replaced"


class Probed(NamedTuple):
    """What came of the trials in one directory; reasons are the system's words, empty where it works."""

    exclusive: str
    """Making a file where one stands fails."""
    replaces: str
    """A file is renamed over another, a directory to another name."""
    gapless: bool
    """Who opens a file while another one takes its name finds one of the two."""
    links: str
    """A file gets another name, and a name that is taken is refused."""
    names: int
    """How many names one file had, at most LINKS."""
    clones: str
    """Two files share their blocks."""
    moves: str
    """A file is renamed to a free name, and to no other (renameat2's NOREPLACE)."""
    folds_case: bool
    folds_form: bool
    """Names that differ in Unicode's normal form are one name."""
    long_name: str
    keeps_times: bool
    """To the second, as the store's stamps need it."""
    keeps_modes: bool
    """The execute bit is as it was set, on or off."""
    maps: str
    """A file can be mapped to be run, as extension modules are."""
    runs: str
    """A file can be started."""
    token: str
    """A token can be made and removed, which has listings looked up anew (TRAPS 26)."""
    lists_late: bool


def probe(scratch: files.Directory, cancelled: Callable[[], None]) -> Probed:
    """Try everything in a directory that is ours alone and empty but for our lock."""
    with files.enter(scratch, "probe", create=True) as place:
        files.write(place, "one", b"1")
        links, names = _link(place)
        cancelled()
        return Probed(
            exclusive=_word(lambda: _refuses(lambda: files.write(place, "one", b"2"))),
            replaces=_word(lambda: _replace(place)),
            gapless=_is_gapless(place, cancelled),
            links=links,
            names=names,
            clones=_word(lambda: files.copy(place, "one", place, "clone", clone=True)),
            moves=_word(lambda: _move(place)),
            folds_case=_folds(place, "Case", "cASE"),
            folds_form=_folds(place, COMPOSED, DECOMPOSED),
            long_name=_word(lambda: files.write(place, "n" * LONGEST, b"")),
            keeps_times=all(_keeps_time(place, mtime) for mtime in TIMES),
            keeps_modes=_keeps_modes(place),
            maps=_word(lambda: may_map(place, "one")),
            runs=_word(lambda: _run(place, cancelled)),
            token=_word(lambda: files.refresh(place)),
            lists_late=files.lists_late(place),
        )


def explain(error: Exception) -> str:
    """Give why something failed, without the name of our own directory that it failed in."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _word(act: Callable[[], object]) -> str:
    try:
        act()
    except OSError as error:
        return explain(error)
    return ""


def _refuses(act: Callable[[], object]) -> None:
    """See that an act is refused since something stands there."""
    try:
        act()
    except FileExistsError:
        return
    raise OSError(errno.EIO, _OVERWRITTEN)


def _replace(place: files.Directory) -> None:
    files.write(place, "old", b"old")
    files.write(place, "new", b"new")
    files.rename(place, "new", place, "old")
    if files.read(place, "old") != b"new" or files.look(place, "new") is not None:
        raise OSError(errno.EIO, "the name does not lead to the file that was renamed to it")
    files.mkdir(place, "before")
    files.rename(place, "before", place, "after")


def _is_gapless(place: files.Directory, cancelled: Callable[[], None]) -> bool:
    """Have a file replaced again and again while a thread opens it; nobody else knows that it is there."""
    files.write(place, "read", b"1")
    over, gap = threading.Event(), threading.Event()

    def read() -> None:
        while not over.is_set():
            try:
                files.read(place, "read")
            except OSError as error:
                if error.errno in {errno.ENOENT, errno.ESTALE}:
                    gap.set()
                    return

    reader = threading.Thread(target=read)
    with contextlib.suppress(RuntimeError):  # no room for a thread: then nothing was noticed
        reader.start()
    try:
        for number in range(RENAMES):
            if gap.is_set():
                break
            cancelled()
            files.write(place, f"next-{number}", b"1")
            with contextlib.suppress(OSError):  # Windows replaces nothing that somebody reads
                files.rename(place, f"next-{number}", place, "read")
    finally:
        over.set()
        if reader.ident is not None:
            reader.join()
    return not gap.is_set()


def _link(place: files.Directory) -> tuple[str, int]:
    """Give one file more names, and try one that is taken; gives why not, and how many it had."""
    with files.enter(place, "links", create=True) as links:
        files.write(links, "0", b"")
        files.write(links, "taken", b"")
        reason = _word(lambda: _refuses(lambda: files.link(links, "0", links, "taken")))
        for number in range(1, LINKS):
            try:
                files.link(links, "0", links, str(number))
            except OSError as error:
                return reason or (explain(error) if number == 1 else ""), number
        return reason, LINKS


def _move(place: files.Directory) -> None:
    files.write(place, "from", b"from")
    _refuses(lambda: native.rename_exclusive(place, "from", place, "one"))
    native.rename_exclusive(place, "from", place, "to")


def _folds(place: files.Directory, name: str, other: str) -> bool:
    """Say whether two names are one; a name that cannot be had folds with nothing."""
    try:
        files.write(place, name, b"")
        return files.look(place, other) is not None
    except (OSError, UnicodeEncodeError):
        return False


def _keeps_time(place: files.Directory, mtime: int) -> bool:
    name = f"time-{mtime}"
    files.write(place, name, b"", mtime=mtime)
    found = files.look(place, name)
    return found is not None and found.st_mtime_ns == mtime * 1_000_000_000


def _keeps_modes(place: files.Directory) -> bool:
    """Write a file of either kind; where there are no execute bits at all none is missed."""
    for name, mode in (("plain", 0o644), ("program", 0o755)):
        files.write(place, name, PROGRAM or b"", mode=mode)
        found = files.look(place, name)
        if found is None or (PROGRAM is not None and bool(found.st_mode & 0o100) != bool(mode & 0o100)):
            return False
    return True


def _run(place: files.Directory, cancelled: Callable[[], None]) -> None:
    if PROGRAM is not None and files.look(place, "program") is not None:
        with contextlib.suppress(programs.TooLong, FileNotFoundError):  # a system without its shell
            programs.run([os.path.join(place.path, "program")], b"", programs.Conditions(SECONDS, cancelled=cancelled))
