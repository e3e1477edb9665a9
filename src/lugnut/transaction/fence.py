"""One lock of the whole environment, in Redis, for hosts that flock does not reach; and the fence that it needs.

A lock that a server grants can be lost while its holder goes on (TRAPS 9), so the environment itself is made to tell:
`locks/fence` names the run that the lock was granted to last, and every later one writes itself there before it does
anything. PROTOCOL.md, "Where flock does not reach", is what this module carries out, with what it cannot.
"""

from __future__ import annotations

import contextlib
import os
import time

from lugnut.errors import CannotWrite, EnvironmentLockLost, NewerFormat
from lugnut.events import Note
from lugnut.system import distant, files
from lugnut.transaction import home as homes
from lugnut.transaction.guard import Guard
from lugnut.transaction.hold import LOCKS
from lugnut.transaction.site import Site
from lugnut.typed import NamedTuple

FENCE, IDENTITY = "fence", "identity"
VERSION = "1"
GRACE = 12.0
"""Seconds in which a holder that lost the lock and lives has noticed (6 at most) and its workers have stopped (5).

Nothing is decided by them: they make what a holder still does in its last moments rarer, not impossible.
"""
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

    def begin(self, token: int, nonce: str, words: str) -> None:
        """Write this run into the environment; wait where the one before it did not give the lock back."""
        self._site.refresh()
        before = self._read()
        if before.nonce == _SOMEBODY:
            path = f"{self._site.home.path}/{LOCKS}/{FENCE}"
            text = "is blank, as a power cut leaves it: to whom the lock was granted last is not known"
            self._site.report(Note("warning", f"{path} {text}"))
        if token <= before.token:
            token = int(self._distant.ask(f"above {before.token}")[1])
            self._warn_of_memory()
        self._mine = Grant(token, nonce, words)
        with files.enter(self._site.home, LOCKS) as place:
            files.replace(place, FENCE, f"{VERSION} {token} {nonce} {words}\n".encode())
        if homes.read_backend(self._site.home) != homes.REDIS:
            homes.write_backend(self._site.home, homes.REDIS)
        if before.nonce not in {"", self._distant.given}:
            self._wait()
        self.check()
        self._distant.ask("begun")

    def _warn_of_memory(self) -> None:
        text = "knows less than the environment: it was started without its data, or is not its other hosts' server"
        self._site.report(Note("warning", f"{self._place} {text}"))

    def _wait(self) -> None:
        """Wait `GRACE` seconds: the one before may live, cut off, and has to find out."""
        text = f"the last run did not give back {self._place}; in case it is still at work, waiting {GRACE:.0f} s"
        self._site.report(Note("info", text))
        until = time.monotonic() + GRACE
        while (left := until - time.monotonic()) > 0:
            self._site.patience.cancelled()
            self.look()
            time.sleep(min(_PAUSE, left))

    def _read(self) -> Grant:
        """Read who holds the lock, as the environment knows it."""
        with files.enter(self._site.home, LOCKS) as place:
            if self._site.lists_late():
                files.refresh(place)
            try:
                text = files.read(place, FENCE).strip(files.BLANK).decode("utf-8", "replace")
            except FileNotFoundError:
                return Grant(0, "")
        if not text:
            return Grant(0, _SOMEBODY)
        version, token, nonce, words = [*text.split(" ", 3), "", "", "", ""][:4]
        if version != VERSION or not token.isdigit():
            raise NewerFormat(path=f"{self._site.home.path}/{LOCKS}/{FENCE}", found=version[:20], known=VERSION)
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


def hold_fence(site: Site, url: str, words: str) -> Fence:
    """Take the lock of the whole environment; raises LockTimeout, BackendUnusable."""
    nonce = os.urandom(16).hex()
    question = distant.Question(url, f"lugnut:{_identify(site.home)}", nonce, words)
    held, token = distant.hold(question, site.patience)
    fence = Fence(site, held, question.place)
    try:
        fence.begin(token, nonce, words)
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
