"""The directory `.lugnut` itself: opened or made, its format, and which transactions stand in it.

Apart from `journal`, so that a run that finds nothing to do loads nothing of what plans and transactions are made of.
"""

from __future__ import annotations

import errno
import os

from lugnut.environment import Environment
from lugnut.errors import CannotWrite, NewerFormat
from lugnut.system import files

FORMAT = 1
TRANSACTIONS = "transactions"
REMAINING = frozenset({"format", "locks", "kept", "altered"})
"""What stays in `.lugnut` after a run."""
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


def _check_format(home: files.Directory, *, create: bool) -> None:
    """Raise NewerFormat; what a power cut left blank says nothing, and is written again (TRAPS 19)."""
    try:
        text = files.read(home, "format").strip(files.BLANK)
    except FileNotFoundError:
        if create:
            _write_format(home, blank=False)
        return
    if not text:
        if create:
            _write_format(home, blank=True)
    elif text != str(FORMAT).encode():
        found = text.decode("ascii", "replace")[:20]
        raise NewerFormat(path=os.path.join(home.path, "format"), found=found, known=FORMAT)


def _write_format(home: files.Directory, *, blank: bool) -> None:
    words = f"{FORMAT}\n".encode()
    for _ in range(_TRIES):
        try:
            if blank:
                files.replace(home, "format", words)
            else:
                files.write_whole(home, "format", words)
        except FileExistsError:
            return
        except FileNotFoundError:  # its temporary name was swept away as a dead run's
            continue
        else:
            return
    raise CannotWrite(path=os.path.join(home.path, "format"), reason=os.strerror(errno.ENOENT))


def list_ids(home: files.Directory | None) -> list[str]:
    """List the transactions that have appeared, sorted; none where there is no `.lugnut`."""
    if home is None:
        return []
    try:
        with files.enter(home, TRANSACTIONS) as directory:
            return [name for name in files.list_names(directory) if not name.startswith(("new-", "old-", "."))]
    except FileNotFoundError:
        return []


def is_tidy(home: files.Directory) -> bool:
    """Say whether nothing is there but what remains after a run (DESIGN 3)."""
    return REMAINING.issuperset(files.list_names(home))
