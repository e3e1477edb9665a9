"""A second process that takes locks when it is told to, or only says that it did: what shows whether a lock locks.

Two descriptors of one process do not show it (TRAPS 4), and a probe that cannot fail shows nothing: so a witness can
also pretend to hold a lock, or lock another file than the one named, as broken file systems do.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable

from lugnut.errors import LockUnusable, LugnutError
from lugnut.system import files, locks, spawned
from lugnut.system.native import machine
from lugnut.typed import Any, NamedTuple

HOLD, SHARE, PRETEND, ELSEWHERE, LEAVE = "hold", "share", "pretend", "elsewhere", "leave"
"""What it can be told: to take a lock, to take it shared, to say so only, to lock another file, to give all back."""
BROKEN = (PRETEND, ELSEWHERE)
PATIENCE = 30.0
"""Seconds that it has to answer: a lock that is asked for without waiting takes microseconds, a start some tenths."""
_TICK = 0.002
_PROGRAM = "from lugnut.system.witness import serve; serve()"


class Answer(NamedTuple):
    """What a witness says: whether it holds the lock, the generation it wrote into it, or why it cannot be locked."""

    held: bool
    generation: int = 0
    reason: str = ""


class Silent(Exception):
    """The witness ended, or did not answer in time; the words say which."""


class Unstarted(Exception):
    """No second process is to be had, for a reason that has nothing to do with locks."""


class Witness(files.Closing):
    """The second process, as the first one sees it; it ends with the block, or with this process."""

    def __init__(self, cancelled: Callable[[], None]) -> None:
        self._cancelled = cancelled
        with machine.signals_held():  # it inherits that, and lets signals in when it knows what to do with them
            try:
                self._process: Any = spawned.start(_PROGRAM)
            except (OSError, LugnutError) as error:
                raise Unstarted(f"no second process could be started ({error})") from None

    def ask(self, act: str, directory: files.Directory, name: str) -> Answer:
        """Have it act on the lock `name` in a directory; raises Silent."""
        words = json.dumps({"act": act, "directory": directory.path, "name": name})
        try:
            self._process.stdin.write(words.encode("ascii") + b"\n")
        except OSError:
            raise Silent("the second process ended") from None
        return Answer(**json.loads(self._hear()))

    def _hear(self) -> bytes:
        line, until = b"", time.monotonic() + PATIENCE
        descriptor: int = self._process.stdout.fileno()
        while not line.endswith(b"\n"):
            while not machine.speaks(descriptor):
                self._cancelled()
                if time.monotonic() > until:
                    raise Silent(f"the second process did not answer within {PATIENCE:.0f} s")
                time.sleep(_TICK)
            heard = os.read(descriptor, 1 << 16)
            if not heard:
                raise Silent("the second process ended")
            line += heard
        return line

    def kill(self) -> None:
        """Kill it, without a word to it (SIGKILL), and wait for its end."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """End it, however it is."""
        with machine.signals_held():
            self.kill()
            for stream in (self._process.stdin, self._process.stdout):
                with contextlib.suppress(OSError):  # what it did not read any more
                    stream.close()


def serve() -> None:
    """Be a witness: do what each line says until there are no more."""
    told, answers = spawned.take_pipes()
    machine.be_worker()
    held: list[locks.Held] = []
    with open(told, encoding="ascii") as lines:
        for line in lines:
            answer = _act(held, **json.loads(line))
            os.write(answers, json.dumps(answer._asdict()).encode("ascii") + b"\n")


def _act(held: list[locks.Held], *, act: str, directory: str, name: str) -> Answer:
    if act == LEAVE:
        while held:
            held.pop().close()
        return Answer(held=False)
    if act == PRETEND:
        return Answer(held=True)
    try:
        with files.open_root(directory) as place:
            taken = locks.try_hold(place, f"{name}.other" if act == ELSEWHERE else name, shared=act == SHARE)
            if taken is None:
                return Answer(held=False)
            held.append(taken)
            return Answer(held=True, generation=0 if act == SHARE else taken.claim(locks.holder_words()))
    except LockUnusable as error:
        return Answer(held=False, reason=str(error.data["reason"]))
    except (LugnutError, OSError) as error:
        return Answer(held=False, reason=str(error))
