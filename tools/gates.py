"""What stands in front of the system's calls in a player: before each it may be stopped, and goes on when it is told.

A gate counts the calls on everything below the environment, those that change something and those that look; given what
other runs touch, only those that one of them could notice. A lock that is busy is not waited for, nor are workers: the
player says that it waits and is asked again after somebody else has moved. A worker that the player forks has a gate of
its own from its first moment, and says so when it ends.

A listing is two calls, its beginning and its end: where others move in between it gives what was there all the time, as
a system may that reads entry by entry.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("campaigns run on POSIX")

import json
import os
import signal
import stat
import struct
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from footprints import CHANGED, IDENTITY, LISTED, LOOKED, MOVED, WRITTEN, Shared, Touch, spell
from lugnut.system.native import machine
from stepper import PLAIN

STOPPED, WAITING, ENDED = b"s", b"w", b"e"
ON, DIE = -1, -2
"""Orders beside a number of calls: go on until the end, be killed."""
WORD = struct.Struct("=i")
SAID = struct.Struct("=ciiiii")
"""What has become of a player: one of the three, calls made that count, all calls made, exit code, workers, its pid."""
ENDLESS = 20_000
"""Calls after which a player is held to spin: the longest deed of the universes makes less than a tenth of it."""
TICK = 0.02
"""Seconds by which a player's clock goes on whenever it looks at it: no real time is in what it does."""
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_ONE = {
    "stat": LOOKED, "access": LOOKED, "readlink": LOOKED, "listdir": LISTED, "scandir": LISTED, "write": WRITTEN,
    "pwrite": WRITTEN, "fchmod": WRITTEN, "utime": WRITTEN, "unlink": CHANGED, "rmdir": CHANGED, "mkdir": CHANGED,
}  # fmt: skip
"""Calls on one place, and what they do there."""
_TWO = ("link", "replace")
_STAT = os.stat


class Channel(NamedTuple):
    """A player's ends of two pipes: orders that it reads, and what it says."""

    orders: int
    told: int


class Gate:
    """Stands in front of the system's calls on everything below `root`."""

    def __init__(self, root: str, channels: Sequence[Channel], shared: Shared | None, touched: str) -> None:
        """Stand there from now on; the channels but the first are for the workers that the player forks.

        Without `shared` every call counts. What is touched and not known yet is written down in `touched`.
        """
        self.root = root + "/"
        self.channel, *self.workers = channels
        self.shared = shared
        self.touched = touched
        self.seen: set[Touch] = set()
        self.noted = set[Touch]() if shared is None else set(shared.known)
        self.own: set[str] = set()
        self.calls = self.all = self.born = self.left = 0
        self.clock = 1000.0
        self.paths: dict[int, str] = {}
        self.spelled: dict[str, str] = {}
        self._plain = {name: getattr(os, name) for name in ("open", "close", "fork", "_exit", "readlink")}
        self._wait_readable = machine.wait_readable
        for name in (*_ONE, *_TWO, "open"):
            setattr(os, name, self._wrap(name, getattr(os, name)))
        vars(os).update(close=self._close, fork=self._fork)
        vars(time).update(sleep=self._wait, monotonic=self._tell_time)
        vars(machine)["wait_readable"] = self._await

    # --- what the deed calls ---

    def _wrap(self, name: str, plain: Callable[..., Any]) -> Callable[..., Any]:
        locate = self._locate_two if name in _TWO else self._locate

        def call(*words: Any, **options: Any) -> Any:
            places = locate(words, options)
            self._pass(name, places, words)
            found = plain(*words, **options)
            if name == "open":
                self.paths[found] = places[0]
            elif name == "listdir" and self._pass(name, places, words):
                then = set(plain(*words, **options))
                found = [one for one in found if one in then]
            return found

        return call

    def _locate(self, words: Sequence[Any], options: Mapping[str, Any]) -> list[str]:
        return [self._find(words[0], options.get("dir_fd"))]

    def _locate_two(self, words: Sequence[Any], options: Mapping[str, Any]) -> list[str]:
        return [self._find(words[0], options.get("src_dir_fd")), self._find(words[1], options.get("dst_dir_fd"))]

    def _find(self, word: Any, handle: int | None) -> str:
        """Give the path that a call is about: by its handle, or as it names it."""
        if isinstance(word, int):
            return self._read_path(word)
        if handle is None:
            return os.path.abspath(os.fsdecode(word))
        above = self._read_path(handle)
        return above if word == "." else f"{above}/{word}"

    def _read_path(self, descriptor: int) -> str:
        known = self.paths.get(descriptor)
        return str(self._plain["readlink"](f"/proc/self/fd/{descriptor}")) if known is None else known

    def _close(self, descriptor: int) -> None:
        self.paths.pop(descriptor, None)
        self._plain["close"](descriptor)

    def _pass(self, name: str, places: Sequence[str], words: Sequence[Any]) -> bool:
        """Let a call pass, when its time has come; True where that took another order."""
        if not (places[0].startswith(self.root) or places[-1].startswith(self.root)):
            return False
        if self.all >= ENDLESS:
            raise RuntimeError(f"it made {ENDLESS} calls and has not ended")
        touches = self._judge(name, places, words)
        self.seen.update(touches)
        if self.shared is not None and not any(map(self.shared.__contains__, touches)):
            self.all += 1
            return False
        stopped = self.left == 0
        if stopped:
            self._say(STOPPED)
            self.left = self._take_order()
        self.all += 1
        self.calls += 1
        if self.left > 0:
            self.left -= 1
        return stopped

    def _judge(self, name: str, places: Sequence[str], words: Sequence[Any]) -> list[Touch]:
        """Say what a call is about to do where: one that is about to fail only looks."""
        kinds: tuple[str, ...]
        if name == "mkdir":
            self._own(places[0])
        if name == "open":
            kinds = (self._judge_open(places[0], words[1]),)
        elif name == "replace":
            kinds = (MOVED, MOVED) if stat.S_ISDIR(self._stands(places[0])) else (CHANGED, CHANGED)
        elif name in {"link", "mkdir"}:
            kinds = (LOOKED, CHANGED)[-len(places) :] if not self._stands(places[-1]) else (LOOKED,) * len(places)
        else:
            kinds = (_ONE[name],)
        touches = [(kind, self._spell(place)) for kind, place in zip(kinds, places, strict=True)]
        return [*touches, (LISTED, touches[0][1])] if name == "rmdir" else touches

    def _own(self, place: str) -> None:
        """Know a transaction that this process is about to make."""
        made = IDENTITY.findall(place)
        if made and not self.own.issuperset(made):
            self.own.update(made)
            self.spelled.clear()

    def _spell(self, place: str) -> str:
        """Spell a path below the root; one that is not there is empty, and meets nobody."""
        known = self.spelled.get(place)
        if known is None:
            below = place[len(self.root) :] if place.startswith(self.root) else ""
            known = self.spelled[place] = spell(below, self.own)
        return known

    def _judge_open(self, path: str, flags: int) -> str:
        if not flags & _WRITES:
            return LOOKED
        if self._stands(path):
            return WRITTEN
        return CHANGED if flags & os.O_CREAT else LOOKED

    @staticmethod
    def _stands(path: str) -> int:
        """Give the mode of what stands there; 0 where nothing does."""
        try:
            return _STAT(path, follow_symlinks=False).st_mode
        except OSError:
            return 0

    def _wait(self, seconds: float) -> None:
        del seconds
        self._say(WAITING)
        self.left = self._take_order()

    def _await(self, descriptors: list[int], seconds: float) -> list[int]:
        while not (found := self._wait_readable(descriptors, 0)) and seconds > 0:
            self._wait(seconds)
        return found

    def _tell_time(self) -> float:
        self.clock += TICK
        return self.clock

    # --- workers ---

    def _fork(self) -> int:
        pid = self._plain["fork"]()
        if pid:
            self.born += 1
            return int(pid)
        self.channel = self.workers[self.born]
        self.calls = self.all = self.left = 0
        signal.alarm(0)
        vars(os)["_exit"] = self._end_worker
        self._say(STOPPED)
        self.left = self._take_order()
        return 0

    def _end_worker(self, code: int) -> None:
        self.finish(code)
        self._plain["_exit"](code)

    # --- what the scheduler hears and says ---

    def begin(self) -> None:
        """Wait for the first order of a deed."""
        self.left = self._take_order()
        self.calls = self.all = self.born = 0
        self.own.clear()
        self.spelled.clear()
        self.clock = 1000.0

    def finish(self, code: int) -> None:
        """Say that the deed is done, or a worker's part of it."""
        self._note()
        self._say(ENDED, code)

    def _note(self) -> None:
        if new := self.seen - self.noted:
            descriptor = self._plain["open"](self.touched, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            PLAIN["write"](descriptor, json.dumps(sorted(new)).encode() + b"\n")
            self._plain["close"](descriptor)
            self.noted |= new

    def _say(self, what: bytes, code: int = 0) -> None:
        PLAIN["write"](self.channel.told, SAID.pack(what, self.calls, self.all, code, self.born, os.getpid()))

    def _take_order(self) -> int:
        data = os.read(self.channel.orders, WORD.size)
        order = WORD.unpack(data)[0] if data else DIE  # nobody gives orders any more
        if order == DIE:
            self._note()
            os.kill(os.getpid(), signal.SIGKILL)
            signal.pause()
        return int(order)
