"""An environment's lock that reaches further than flock: in Redis, held by a process of its own (`keeper`).

The run's side: start the keeper, wait for the lock as for any other, hear of its loss, ask whether it is still held.
No thread and no socket is in this process, so it forks as before; spawned and forked workers hold the pipe that keeps
the keeper at it (`lifeline.inherited`).
"""

from __future__ import annotations

import contextlib
import json
import os
import time

from lugnut.errors import BackendUnusable, EnvironmentLockLost, LockTimeout, Unsupported
from lugnut.events import Span
from lugnut.links import hide_credentials
from lugnut.system import files, lifeline, locks
from lugnut.system.native import machine
from lugnut.system.spawned import command
from lugnut.typed import Any, NamedTuple

SILENCE = 10.0
"""Seconds without an answer after which whoever waits may have a holder's connection cut."""
CHECK = 2.0
"""Seconds between a holder's looks at its own lock, that it gives each, and each word to the server: a loss is known in
three times that by who lives, before anybody may have the connection cut."""
_TICK = 0.05
_PROGRAM = "from lugnut.system.keeper import serve; serve()"
_PATIENCE = 15.0
"""Seconds for a keeper's answer, or its end."""
_PROMPT = 7.0
"""Seconds that its first word is given in any case: it has to start, and gives the server five to be reached and two
for each answer."""
_ATTEMPT, _BRIEF = 25.0, 2.0
"""Seconds for the first attempt, which waits for whoever is silent, perhaps twice; and where somebody is known to have
the lock, and the caller does not want to wait that long."""


class Question(NamedTuple):
    """Which lock is meant."""

    url: str
    channel: str
    nonce: str
    """Names this holder among all, before and after it."""
    words: str
    """Who it is, as `locks.holder_words` says it."""

    @property
    def place(self) -> str:
        """Name the lock without what is secret of it."""
        return f"{self.channel} at {show(self.url)}"


def show(url: str) -> str:
    """Spell a server's URL without user, password and options."""
    return hide_credentials(url).partition("?")[0]


class _Wait(NamedTuple):
    """What is known of a lock that is not held yet."""

    heard: bool = False
    """Whether the keeper has said anything, so that the server answers."""
    tried: bool = False
    """Whether an attempt has failed."""
    holder: str = ""
    """Who has it, or had it last, in words."""

    def hear(self, said: list[Any]) -> _Wait:
        """Take up what the keeper says: whom it asks, or for whom it waits."""
        if not said:
            return self
        holder = _word_holder(said[1]) if said[1] or said[0] == "waits" else ""
        return _Wait(heard=True, tried=said[0] == "waits", holder=holder)

    def longest(self, timeout: float) -> float:
        """Give the seconds to wait: what the caller says, but for one attempt to be made, which has its own bounds.

        A server of which nothing is heard is no lock that somebody has: more than its bounds it is never waited for.
        """
        if self.tried:
            return timeout
        if self.holder and timeout > 0:
            return max(timeout, _BRIEF)
        return _ATTEMPT if self.heard else min(max(timeout, _PROMPT), _ATTEMPT)


class Distant(files.Closing):
    """The lock as its run sees it; held until `close()`, or until this process and its workers are all gone."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self._unread = b""
        self._process = _start()
        self._life: int = self._process.stdin.fileno()
        lifeline.inherited.add(self._life)
        self._held = False
        self.given = ""
        """The nonce of the last holder that gave the lock back, as the server remembers it."""
        self._tell(question._asdict() | {"silence": SILENCE, "check": CHECK})

    def _tell(self, order: str | dict[str, Any]) -> None:
        line = order if isinstance(order, str) else json.dumps(order)
        try:
            files.write_all(self._life, line.encode() + b"\n")
        except OSError:  # it has ended; what it said last tells why
            return

    def hear(self, seconds: float) -> list[Any]:
        """Give what the keeper says next, empty where it says nothing in time.

        Raises EnvironmentLockLost where it lost the lock or is dead, BackendUnusable where it cannot have it.
        """
        while b"\n" not in self._unread:
            if not machine.wait_readable([self._process.stdout.fileno()], seconds):
                return []
            data = os.read(self._process.stdout.fileno(), 1 << 16)
            if not data:
                raise self._lost("the process that kept it has ended")
            self._unread += data
        line, _, self._unread = self._unread.partition(b"\n")
        said: list[Any] = json.loads(line)
        if said[0] == "missing":
            hint = "pip install 'lugnut[redis]' into the Python that runs lugnut"
            raise BackendUnusable(server=show(self._question.url), reason="redis is not installed here", hint=hint)
        if said[0] in {"lost", "failed"}:
            raise self._lost(self._discreet(said[1]))
        return said

    def _lost(self, reason: str) -> EnvironmentLockLost:
        return EnvironmentLockLost(path=self._question.place, reason=reason)

    def _discreet(self, reason: str) -> str:
        """Keep a library's words from telling what the URL keeps secret."""
        return hide_credentials(reason.replace(self._question.url, show(self._question.url))).rstrip(".")

    def take(self, patience: locks.Patience) -> int:
        """Wait until the lock is held and give its token; raises LockTimeout, BackendUnusable."""
        began, clock, next_word, wait = time.monotonic(), time.perf_counter_ns(), locks.FIRST_WORD, _Wait()
        while True:
            said = self._hear_first()
            if said and said[0] == "held":
                self._note_wait(patience, clock, wait.holder)
                self._held, self.given = True, said[2]
                return int(said[1])
            wait = wait.hear(said)
            waited = time.monotonic() - began
            if wait.holder or waited >= locks.FIRST_WORD:  # else it is no wait, but a program that starts
                patience.cancelled()
            if waited >= wait.longest(patience.timeout):
                raise self._give_up(wait, patience.timeout)
            if wait.holder and waited >= next_word:
                patience.on_wait(self._question.place, wait.holder, waited)
                next_word = waited + locks.NEXT_WORD

    def _hear_first(self) -> list[Any]:
        try:
            return self.hear(_TICK)
        except EnvironmentLockLost as error:  # it was never had
            raise self._unusable(error.data["reason"]) from None

    def _give_up(self, wait: _Wait, timeout: float) -> LockTimeout | BackendUnusable:
        if not wait.holder:
            return self._unusable(f"nothing was heard of the lock for {wait.longest(timeout):g} s")
        seconds = int(timeout) if timeout == int(timeout) else timeout
        return LockTimeout(seconds=seconds, path=self._question.place, holder=wait.holder)

    def _unusable(self, reason: str) -> BackendUnusable:
        hint = "see that the server runs and that the URL leads to it; or have the environment use flock alone"
        return BackendUnusable(server=show(self._question.url), reason=reason, hint=hint)

    def _note_wait(self, patience: locks.Patience, began: int, holder: str) -> None:
        if holder and patience.waits is not None:
            args = {"path": self._question.place, "holder": holder}
            patience.waits(Span(self._question.channel, "wait", began, time.perf_counter_ns(), args))

    def look(self) -> None:
        """Raise EnvironmentLockLost if the keeper has said so, or is dead; costs one look at a pipe."""
        self.hear(0)

    def ask(self, order: str) -> list[Any]:
        """Give the keeper's answer to an order; raises EnvironmentLockLost, also where none comes."""
        self._tell(order)
        said = self.hear(_PATIENCE)
        if not said:
            raise self._lost(f"its keeper did not answer for {_PATIENCE:.0f} s")
        return said

    def close(self) -> None:
        """Give the lock back and wait until that is done; a keeper that cannot is ended, which frees it too."""
        if self._life < 0:
            return
        self._tell("give")
        lifeline.inherited.discard(self._life)
        self._life = -1
        with machine.signals_held():
            self._process.stdin.close()
            if not self._held:  # it may be in the middle of asking for it
                self._process.kill()
            _end(self._process)
            self._process.stdout.close()


def _word_holder(words: str) -> str:
    with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return locks.word_holder(json.loads(words))
    return "held by another run"


def _start() -> Any:
    """Start a keeper, apart from the terminal's signals: it decides by its pipe alone when its work is over."""
    from subprocess import DEVNULL, PIPE, Popen

    if not machine.PASSES_DESCRIPTORS:
        raise Unsupported(
            what="--lock-backend", reason="workers cannot hold such a lock on this system", hint="use flock"
        )
    with machine.signals_held():
        program = command(_PROGRAM)
        session = machine.HAS_SESSIONS
        return Popen(program, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, bufsize=0, start_new_session=session)


def _end(process: Any) -> None:
    from subprocess import TimeoutExpired

    try:
        process.wait(_PATIENCE)
    except TimeoutExpired:
        process.kill()
        process.wait()


def hold(question: Question, patience: locks.Patience) -> tuple[Distant, int]:
    """Take the lock, waiting as `patience` says; gives it, and its token, which is greater than all before it.

    Raises LockTimeout, or BackendUnusable where waiting is no use.
    """
    distant = Distant(question)
    try:
        return distant, distant.take(patience)
    except BaseException:
        distant.close()
        raise
