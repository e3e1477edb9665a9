"""Be lugnut on one of several hosts that share a file system on which flock reaches nobody but one's own host.

    farhost.py DIRECTORY|- [STOP...] -- WORDS OF LUGNUT

Within the host locks work as ever, forked workers inherit them too. They are taken on files in DIRECTORY, one for each
file that would be locked, by its device and inode: nobody who has another DIRECTORY sees them. With - they are taken
where they belong, on a file system that does it by itself. At each STOP the process
that comes there says so on stdout, with its pid, and waits for a line: `placing` before a wheel's files, `checking`
before the locks are looked at for the last time, `committing` after that, `committed` before anything is shown,
`showing` before each dist-info that is, `settling` before each stripe that the run itself takes.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("campaigns run on POSIX")

import fcntl
import os
from collections.abc import Callable
from typing import Any

from lugnut.cli.main import main
from lugnut.events import UNTIMED
from lugnut.system import distant, locks
from lugnut.transaction import commit, guard, journal, place, site, transact

GRACE, SILENCE, CHECK = 0.5, 1.5, 1.0
"""Seconds, much shorter than the product's; what is shown does not hang on them."""


def keep_locks_here(directory: str) -> None:
    """Let every flock be taken on this host's own stand-in for the file."""
    os.makedirs(directory, exist_ok=True)
    stand_ins: dict[int, int] = {}
    close = locks.Held.close

    def lock(descriptor: int, path: str, *, shared: bool) -> bool:  # noqa: ARG001 - as the product's
        found = os.fstat(descriptor)
        name = f"{directory}/{found.st_dev}-{found.st_ino}"
        stand_in = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(stand_in, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(stand_in)
            return False
        stand_ins[descriptor] = stand_in
        return True

    def close_both(held: Any) -> None:
        stand_in = stand_ins.pop(held._descriptor, -1)  # noqa: SLF001 - another file is locked in its place
        close(held)
        if stand_in >= 0:
            os.close(stand_in)

    for owner, method, new in ((locks, "_lock", lock), (locks.Held, "close", close_both)):
        setattr(owner, method, new)


def stop(word: str) -> None:
    """Say where this process is, and wait until it is told to go on."""
    os.write(1, f"{word} {os.getpid()}\n".encode())
    os.read(0, 1)


def stop_before(owner: Any, name: str, word: str, when: Callable[..., bool] = lambda *_: True) -> None:
    """Let a method's callers stop first."""
    method = getattr(owner, name)

    def stopping(*arguments: Any, **others: Any) -> Any:
        if when(*arguments):
            stop(word)
        return method(*arguments, **others)

    setattr(owner, name, stopping)


def stop_at(word: str) -> None:
    """Prepare one stop."""
    if word == "placing":
        stop_before(place.Placing, "__call__", word)
    elif word == "checking":
        stop_before(type(UNTIMED), "phase", word, lambda _, name: name == "commit")
    elif word == "committing":
        stop_before(journal.Transaction, "change", word, lambda _one, _old, new: new == journal.COMMITTED)
    elif word == "committed":
        stop_before(transact, "finish", word)
    elif word == "showing":
        stop_before(commit, "_show", word)
    elif word == "settling":
        stop_before(site.Site, "hold_stripe", word)
    else:
        raise SystemExit(f"no such stop: {word}")


def be_host(directory: str, *words: str) -> int:
    """Run lugnut as this host's."""
    if directory != "-":
        keep_locks_here(directory)
    guard.GRACE, distant.SILENCE, distant.CHECK = GRACE, SILENCE, CHECK
    split = words.index("--")
    for word in words[:split]:
        stop_at(word)
    return main(list(words[split + 1 :]))


if __name__ == "__main__":
    sys.exit(be_host(*sys.argv[1:]))
