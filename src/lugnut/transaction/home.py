"""The directory `.lugnut` itself: opened or made, its format, and which transactions stand in it.

Apart from `journal`, so that a run that finds nothing to do loads nothing of what plans and transactions are made of.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterable, Iterator

from lugnut.environment import Environment
from lugnut.errors import CannotWrite, NewerFormat
from lugnut.system import files, locks

FLOCK, REDIS = "flock", "redis"
"""What keeps hosts apart: flock reaches all of them, or a lock of the whole environment in Redis is held beside it."""
_FORMATS = {b"1": FLOCK, b"2 redis": REDIS}
"""What `format` says: the second is refused by every lugnut that does not know it, and so takes no part by mistake."""
FENCE = "locks/fence"
"""Stands where the environment is locked by Redis (`fence`); nowhere else, for who goes back to flock removes it."""
_PATIENCE = locks.Patience(30.0)
FORMAT = 2
TRANSACTIONS = "transactions"
REMAINING = frozenset({"format", "locks", "kept", "altered"})
"""What stays in `.lugnut` after a run, beside a mark."""
_MARK = "unsynced-"
"""What the name of a mark begins with; the rest is the boot in which something was committed without being synced."""
_NO_NAMES = {errno.EACCES, errno.EPERM, errno.EROFS, errno.EINVAL, errno.EILSEQ}
"""Who may write nothing changes nothing, whatever he believes; where no name can be made there is none to be folded."""
_TRIES = 100


def open_home(environment: Environment, *, create: bool) -> files.Directory | None:
    """Open `.lugnut`; None where it does not stand and is not to be made. Raises NewerFormat."""
    try:
        root = files.make_directories(environment.purelib) if create else files.open_root(environment.purelib)
    except FileNotFoundError:
        if create:
            raise
        return None
    with root:
        try:
            home = files.enter(root, ".lugnut", create=create, shared=create)
        except FileNotFoundError:
            if create:
                raise
            return None
    try:
        _check_format(home, create=create)
    except BaseException:
        home.close()
        raise
    return home


def read_backend(home: files.Directory) -> str:
    """Say by what this environment is locked: FLOCK or REDIS. Raises NewerFormat.

    Where a power cut has left `format` blank, or taken it away, a fence says REDIS; else FLOCK, as where all is new.
    """
    return read_format(home) or (FLOCK if files.look(home, FENCE) is None else REDIS)


def read_format(home: files.Directory) -> str | None:
    """Say what `format` says itself; None where it says nothing. Raises NewerFormat."""
    try:
        text = files.read(home, "format").strip(files.BLANK)
    except FileNotFoundError:
        return None
    if not text:
        return None
    if text not in _FORMATS:
        found = text.decode("ascii", "replace")[:20]
        raise NewerFormat(path=os.path.join(home.path, "format"), found=found, known=FORMAT)
    return _FORMATS[text]


def write_backend(home: files.Directory, backend: str) -> None:
    """Have this environment locked by that from now on; runs that began otherwise find out before they commit.

    Back to flock the fence goes before `format` lets anybody in, for runs under Redis go on showing while it stands;
    and again after it, where one was granted the lock in between.
    """
    with _hold_format(home):
        _drop_fence(home, backend)
        files.replace(home, "format", _word(backend))
        files.sync_volume(home)  # a power cut must not leave it blank, which says the same as no fence
        _drop_fence(home, backend)


def _drop_fence(home: files.Directory, backend: str) -> None:
    if backend == FLOCK:
        with contextlib.suppress(FileNotFoundError):
            files.unlink(home, FENCE)


def _word(backend: str) -> bytes:
    return next(text for text, known in _FORMATS.items() if known == backend) + b"\n"


def _check_format(home: files.Directory, *, create: bool) -> None:
    """Raise NewerFormat; what a power cut left blank says nothing, and is written again (TRAPS 19)."""
    if read_format(home) is None and create:
        _write_format(home, over=files.look(home, "format") is not None)


def _write_format(home: files.Directory, *, over: bool = False) -> None:
    for _ in range(_TRIES):
        try:
            if over:
                _write_over(home)
            else:
                _write_once(home)
        except FileNotFoundError:  # its temporary name was swept away as a dead run's
            continue
        else:
            return
    raise CannotWrite(path=os.path.join(home.path, "format"), reason=os.strerror(errno.ENOENT))


def _write_once(home: files.Directory) -> None:
    """Write `format` unless it stands; never over what another run has made of it meanwhile."""
    first = _word(read_backend(home))
    with contextlib.suppress(FileExistsError):
        try:
            files.write_whole(home, "format", first)
        except OSError as error:
            if not files.cannot_link(error):
                raise
            files.write(home, "format", first)  # neither links nor an exclusive rename are to be had (TRAPS 25)


def _write_over(home: files.Directory) -> None:
    """Write `format` where it is blank, alone: another run may have said since by what this environment is locked."""
    with _hold_format(home):
        if read_format(home) is None:
            files.replace(home, "format", _word(read_backend(home)))


@contextlib.contextmanager
def _hold_format(home: files.Directory) -> Iterator[None]:
    """Hold what everybody holds who writes `format` over; no distribution has a name that begins so."""
    with files.enter(home, "locks", create=True, shared=True) as place, locks.hold(place, "_format.lock", _PATIENCE):
        yield


def learn_folding(environment: Environment, home: files.Directory) -> Environment:
    """Learn how names are folded here: by one that stands in every home, and, if they are, by one made to stay there.

    Raises CannotWrite where that one is to be made and cannot be: a guess might be another than the next run's.
    """
    if files.look(home, "FORMAT") is None:
        return environment
    return environment._replace(folds_case=True, folds_forms=_learn_forms(home))


def _learn_forms(home: files.Directory) -> bool:
    try:
        with files.enter(home, "locks", create=True, shared=True) as place:
            return files.folds_forms(place)
    except OSError as error:
        if error.errno not in _NO_NAMES:
            raise CannotWrite(path=home.path, reason=error.strerror or str(error)) from None
        return True


def refresh_roots(environment: Environment) -> None:
    """Have what is listed next of site-packages and of transactions be what stands there (TRAPS 26)."""
    for directory in sorted({environment.schemes[name] for name in ("purelib", "platlib")}):
        with contextlib.suppress(FileNotFoundError), files.open_root(directory) as root:
            files.refresh(root)
    with (
        contextlib.suppress(FileNotFoundError),
        files.open_root(environment.purelib) as root,
        files.enter_path(root, f".lugnut/{TRANSACTIONS}") as transactions,
    ):
        files.refresh(transactions)


def see_anew(environment: Environment) -> None:
    """See, before a first look that takes no lock, what other hosts have done until now, where that is seen late.

    Who may not write there looks at what there is to be seen.
    """
    with contextlib.suppress(OSError), files.open_root(environment.purelib) as root:
        if files.lists_late(root):
            refresh_roots(environment)


def find_standing(path: str) -> str:
    """Give a directory, its symlinks resolved, or the nearest one above it that stands."""
    standing = os.path.realpath(path)
    while not os.path.isdir(standing) and os.path.dirname(standing) != standing:
        standing = os.path.dirname(standing)
    return standing


def list_ids(home: files.Directory | None) -> list[str]:
    """List the transactions that have appeared, sorted; none where there is no `.lugnut`."""
    if home is None:
        return []
    try:
        with files.enter(home, TRANSACTIONS) as directory:
            return [name for name in files.list_names(directory) if not name.startswith(("new-", "old-", "."))]
    except FileNotFoundError:
        return []


def is_tidy(names: Iterable[str]) -> bool:
    """Say whether nothing is among the names in `.lugnut` but what remains after a run (DESIGN 3)."""
    return all(name in REMAINING or name.startswith(_MARK) for name in names)


# --- marks: in which boot something was committed and not synced ------------------------------------------------------


def mark_unsynced(home: files.Directory) -> bool:
    """Note, before anything is shown, that what this boot shows may not reach the disk; False where that is noted.

    The boot is the file's name, and the file is empty: a power cut tears contents, and no names (TRAPS 19).
    """
    try:
        os.close(files.create(home, _name_mark()))
    except FileExistsError:
        return False
    return True


def _name_mark() -> str:
    return _MARK + "".join(sign if sign.isalnum() else "-" for sign in locks.boot_id().lower())


def find_stale(names: Iterable[str]) -> list[str]:
    """Give the marks of other boots, of the names in `.lugnut`; most environments have a mark of this one, or none."""
    marks = [name for name in names if name.startswith(_MARK)]
    return [name for name in marks if name != _name_mark()] if marks else []


def remove_marks(home: files.Directory, marks: Iterable[str]) -> None:
    """Remove marks; who is faster did the same, and where they cannot be removed the next command looks again."""
    for mark in marks:
        with contextlib.suppress(OSError):
            files.unlink(home, mark)
