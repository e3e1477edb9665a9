"""One lock of the whole environment, in Redis, for hosts that flock does not reach; and the fence that it needs.

A lock that a server grants can be lost while its holder goes on (TRAPS 9), so the environment itself is made to tell:
`locks/fence` names the run that the lock was granted to last, and every later one writes itself there before it does
anything. PROTOCOL.md, "Where flock does not reach", is what this module carries out, with what it cannot.
"""

from __future__ import annotations

import contextlib
import os
import time

from lugnut.errors import CannotWrite, EnvironmentLockLost, LockTimeout, NewerFormat
from lugnut.events import Note
from lugnut.system import distant, files, locks
from lugnut.transaction import home as homes
from lugnut.transaction.guard import GRACE, Guard
from lugnut.transaction.hold import LOCKS
from lugnut.transaction.site import Site
from lugnut.typed import NamedTuple

IDENTITY = "identity"
VERSION = "1"
_NAME = homes.FENCE.removeprefix(f"{LOCKS}/")
_PAUSE = 0.05
_SOMEBODY = "?"
"""The nonce of who cannot be told: a power cut may have blanked the file. He may live, and is waited for."""
_BLANK = 2.0
"""Seconds that who makes the environment's name has to write it."""


class Grant(NamedTuple):
    """What `locks/fence` says: to whom the lock was granted last."""

    token: int
    """Greater than those of all grants before it."""
    nonce: str
    """Tells two holders apart whatever else is equal: two servers count alike."""
    words: str = ""


class Fence(Guard):
    """The lock as its run holds it."""

    alone = True

    def __init__(self, site: Site, held: distant.Distant, place: str) -> None:
        super().__init__(site)
        self._distant = held
        self._place = place
        self._mine = Grant(0, "")

    def begin(self, mine: Grant, *, passing: bool) -> None:
        """Write this run into the environment; wait where others may still be at work there.

        That is so where the one before it did not give the lock back, and where runs began under flock alone.
        """
        self._site.refresh()
        changes = homes.read_backend(self._site.home) != homes.REDIS
        before = self._read()
        vouched = before.nonce == self._distant.given if before.nonce else changes
        if passing and (changes or not vouched):
            holder = "which the last run did not give back, so that it may still be at work"
            raise LockTimeout(seconds=0, path=self._place, holder=holder)
        self._write(self._rise(mine, before))
        if changes or not vouched:
            self._pass_locks()
        if not vouched:
            text = f"the last run did not give back {self._place}; in case it is still at work"
            self._wait(f"{text}, waiting {GRACE:.0f} s")
        elif changes:
            self.let_others_end()
        self.check()
        self._distant.ask("begun")

    def _rise(self, mine: Grant, before: Grant) -> Grant:
        """Have the token be greater than the last one, and say what is odd about that."""
        if before.nonce == _SOMEBODY:
            path = f"{self._site.home.path}/{homes.FENCE}"
            text = "is blank, as a power cut leaves it: to whom the lock was granted last is not known"
            self._site.report(Note("warning", f"{path} {text}"))
        if mine.token > before.token:
            return mine
        mine = mine._replace(token=int(self._distant.ask(f"above {before.token}")[1]))
        text = "knows less than the environment: it was started without its data, or is not its other hosts' server"
        self._site.report(Note("warning", f"{self._place} {text}"))
        return mine

    def _write(self, mine: Grant) -> None:
        """Write it down, and then that the environment is locked so."""
        self._mine = mine
        with files.enter(self._site.home, LOCKS) as place:
            files.replace(place, _NAME, f"{VERSION} {mine.token} {mine.nonce} {mine.words}\n".encode())
        if homes.read_format(self._site.home) != homes.REDIS:
            homes.write_backend(self._site.home, homes.REDIS)

    def _pass_locks(self) -> None:
        """Wait for every lock that is held within reach of flock, once: the next host may be where it does not reach.

        Who takes one from now on finds out by what the environment is locked before he commits.
        """

        def look() -> None:
            self.look()
            patience.cancelled()

        patience = self._site.patience
        with files.enter(self._site.home, LOCKS) as place:
            for name in files.list_names(place):
                if name.endswith(".lock"):
                    locks.hold(place, name, patience._replace(cancelled=look), create=False).close()

    def _read(self) -> Grant:
        """Read who holds the lock, as the environment knows it."""
        with files.enter(self._site.home, LOCKS) as place:
            if self._site.lists_late():
                files.refresh(place)
            try:
                text = files.read(place, _NAME).strip(files.BLANK).decode("utf-8", "replace")
            except FileNotFoundError:
                return Grant(0, "")
        if not text:
            return Grant(0, _SOMEBODY)
        version, token, nonce, words = [*text.split(" ", 3), "", "", "", ""][:4]
        if version != VERSION or not token.isdigit():
            raise NewerFormat(path=f"{self._site.home.path}/{homes.FENCE}", found=version[:20], known=VERSION)
        return Grant(int(token), nonce, words)

    def look(self) -> None:
        """Raise EnvironmentLockLost if the lock is known to be lost."""
        self._distant.look()

    def watch(self) -> None:
        """Raise EnvironmentLockLost if another run has written itself into the environment.

        Asked before each step of showing or undoing, which goes on while the server is away: nobody else may begin
        before it has written itself there and waited, for this run has not given the lock back.
        """
        last = self._read()
        if last[:2] != self._mine[:2]:
            raise EnvironmentLockLost(path=self._place, reason="it was granted to another run meanwhile")

    def check(self) -> None:
        """See that the lock is held, by the server, and that nobody was granted it since, by the environment."""
        self._distant.ask("check")
        self._check_backend(homes.REDIS)
        self.watch()

    def close(self) -> None:
        """Give the lock back."""
        self._distant.close()


def hold_fence(site: Site, url: str, words: str, *, passing: bool = False) -> Fence:
    """Take the lock of the whole environment; raises LockTimeout, BackendUnusable."""
    nonce = os.urandom(16).hex()
    question = distant.Question(url, f"lugnut:{_identify(site.home)}", nonce, words)
    held, token = distant.hold(question, site.patience)
    fence = Fence(site, held, question.place)
    try:
        fence.begin(Grant(token, nonce, words), passing=passing)
    except BaseException as error:
        fence.close()
        if isinstance(error, OSError):
            raise CannotWrite(path=site.home.path, reason=error.strerror or str(error)) from None
        raise
    site.guard = fence.watch
    return fence


def _identify(home: files.Directory) -> str:
    """Give the environment's own name, the same wherever a host has it mounted; whoever comes first makes it.

    Where there are neither links nor an exclusive rename it can be seen before it is written; and a power cut may have
    blanked it. No name is made up for it then: two names are two locks (G6).
    """
    where = f"{home.path}/{LOCKS}/{IDENTITY}"
    try:
        with files.enter(home, LOCKS, create=True, shared=True) as place:
            if files.look(place, IDENTITY) is None:
                _write_identity(place)
            until = time.monotonic() + _BLANK
            while not (name := files.read(place, IDENTITY).strip(files.BLANK)) and time.monotonic() < until:
                time.sleep(_PAUSE)
    except OSError as error:
        raise CannotWrite(path=where, reason=error.strerror or str(error)) from None
    if not name:
        raise CannotWrite(path=where, reason="it is blank; remove it while no run is at work on any host")
    return name.decode("ascii", "replace")


def _write_identity(place: files.Directory) -> None:
    text = os.urandom(16).hex().encode() + b"\n"
    with contextlib.suppress(FileExistsError):  # somebody else's, who was faster, is ours too
        try:
            files.write_whole(place, IDENTITY, text)
        except OSError as error:
            if not files.cannot_link(error):
                raise
            files.write(place, IDENTITY, text)
