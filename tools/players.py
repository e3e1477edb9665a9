"""Runs of the engine that wait for each other call by call: who makes the next one is said by a schedule.

A *player* is a forked child that does one deed with the product's own code. Every call of the system that it makes on
the environment is counted, those that change something and those that look; before one it stops where it was told to,
and only goes on when it is told to. A lock that is busy is not waited for: the player says so and is asked again after
somebody else has moved. So of all players one moves at a time, and a schedule decides everything: it is a list of
*legs*, each a player and how many calls it makes before the next leg begins; `None` is until it ends or waits. After
the last leg each goes on as far as it comes, the one that moved last first.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("campaigns run on POSIX")

import contextlib
import os
import signal
import struct
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from stepper import PLAIN, Act, Ended, Place, carry_out, end, start

STOPPED, WAITING, ENDED = b"s", b"w", b"e"
ON, DIE = -1, -2
"""Orders beside a number of calls: go on until the end, be killed."""
ENDLESS = 20_000
"""Calls after which a player is held to spin: the longest deed of the universes makes less than a tenth of it."""
LOOKS = ("stat", "listdir", "access", "scandir", "readlink")
ROUNDS = 20
"""So often all that live may say, one after the other, that they wait, until that is a deadlock."""
_WORD = struct.Struct("=i")
_SAID = struct.Struct("=ci")


class Leg(NamedTuple):
    """One player's turn; `calls` None is until it ends or waits; it may be killed when that is over."""

    player: int
    calls: int | None = None
    killed: bool = False

    def __str__(self) -> str:
        return f"{'abcdefgh'[self.player]}{'' if self.calls is None else self.calls}{'!' if self.killed else ''}"


class Played(NamedTuple):
    """How a schedule went."""

    legs: list[int]
    """Calls made in each leg."""
    ends: list[Ended]
    """By player; 99 and more are bugs, negative is a signal."""
    killed: list[int]
    stuck: bool
    """All that lived waited for each other."""


def parse_legs(text: str) -> list[Leg]:
    """Read legs as they are printed: `a12 b a40!`."""
    legs = []
    for word in text.split():
        number = word[1:].rstrip("!")
        legs.append(Leg("abcdefgh".index(word[0]), int(number) if number else None, word.endswith("!")))
    return legs


# --- in the child -----------------------------------------------------------------------------------------------------


class Gate:
    """Stands in front of the system's calls on everything below `root`."""

    def __init__(self, root: str, orders: int, told: int) -> None:
        """Begin with the first order, which is waited for."""
        self.root = root
        self.orders = orders
        self.told = told
        self.calls = 0
        self.left = self._take_order()
        for name in (*PLAIN, *LOOKS):
            setattr(os, name, self._wrap(getattr(os, name)))
        vars(time)["sleep"] = self._wait  # a lock that is busy is asked for again after a sleep

    def _wrap(self, plain: Callable[..., Any]) -> Callable[..., Any]:
        def call(*words: Any, **options: Any) -> Any:
            if self._is_within(words, options):
                self._pass()
            return plain(*words, **options)

        return call

    def _is_within(self, words: Sequence[Any], options: Mapping[str, Any]) -> bool:
        """Say whether a call is about something below the root: by its handles, or by a path that it names."""
        handles = [options[key] for key in ("dir_fd", "src_dir_fd", "dst_dir_fd") if options.get(key) is not None]
        if words and isinstance(words[0], int):
            handles.append(words[0])
        if not handles:
            return bool(words) and os.path.abspath(os.fsdecode(words[0])).startswith(self.root)
        return any((_READLINK(f"/proc/self/fd/{handle}") + "/").startswith(self.root) for handle in handles)

    def _pass(self) -> None:
        if self.calls >= ENDLESS:
            raise RuntimeError(f"it made {ENDLESS} calls and has not ended")
        if self.left == 0:
            self._say(STOPPED)
            self.left = self._take_order()
        self.calls += 1
        if self.left > 0:
            self.left -= 1

    def _wait(self, seconds: float) -> None:
        del seconds
        self._say(WAITING)
        self.left = self._take_order()

    def _say(self, what: bytes) -> None:
        PLAIN["write"](self.told, _SAID.pack(what, self.calls))

    def _take_order(self) -> int:
        data = os.read(self.orders, _WORD.size)
        order = _WORD.unpack(data)[0] if data else DIE  # nobody gives orders any more
        if order == DIE:
            os.kill(os.getpid(), signal.SIGKILL)
            signal.pause()
        return int(order)

    def finish(self) -> None:
        """Say that the deed is done."""
        self._say(ENDED)


_READLINK = os.readlink


# --- in the parent ----------------------------------------------------------------------------------------------------


class Player:
    """One forked child, from outside."""

    def __init__(self, place: Place, act: Act, number: int) -> None:
        """Start it; it does nothing before it is told to."""
        orders, told = os.pipe(), os.pipe()
        self.out = os.path.join(place.root, f"out-{number}")
        self.calls = 0
        self.state = STOPPED

        def work() -> int:
            os.close(orders[1])
            gate = Gate(place.env + "/", orders[0], told[1])
            code = carry_out(place, act)
            gate.finish()
            return code

        self.pid = start(work, self.out)
        os.close(orders[0])
        os.close(told[1])
        self._orders, self._told = orders[1], told[0]

    def move(self, order: int) -> int:
        """Give an order and wait for what comes of it; gives how many calls were made."""
        before = self.calls
        PLAIN["write"](self._orders, _WORD.pack(order))
        said = os.read(self._told, _SAID.size)
        self.state, self.calls = _SAID.unpack(said) if said else (ENDED, before)
        return self.calls - before

    def kill(self) -> None:
        """Have it killed where it stands."""
        PLAIN["write"](self._orders, _WORD.pack(DIE))
        self.state = ENDED

    def end(self) -> Ended:
        """Wait until it is gone."""
        for descriptor in (self._orders, self._told):
            os.close(descriptor)
        return end(self.pid, self.out)


def play(place: Place, acts: Sequence[Act], legs: Sequence[Leg]) -> Played:
    """Play one schedule to its end."""
    players = [Player(place, act, number) for number, act in enumerate(acts)]
    lengths, killed, last = [], [], 0
    for leg in legs:
        player = players[leg.player]
        made, last = 0, leg.player
        if player.state != ENDED:
            made = player.move(ON if leg.calls is None else leg.calls)
        if leg.killed and player.state != ENDED:
            player.kill()
            killed.append(leg.player)
            with contextlib.suppress(ChildProcessError):
                os.waitid(os.P_PID, player.pid, os.WEXITED | os.WNOWAIT)  # its locks are free from here on
        lengths.append(made)
    stuck = not _go_on(players, last)
    if stuck:
        for player in players:
            if player.state != ENDED:
                player.kill()
    return Played(lengths, [player.end() for player in players], killed, stuck)


def _go_on(players: Sequence[Player], first: int) -> bool:
    """Let all go on as far as they come; False where those that are left wait for each other."""
    order = [*players[first:], *players[:first]]
    rounds = 0
    while left := [player for player in order if player.state != ENDED]:
        for player in left:
            player.move(ON)
        moved = any(player.state != WAITING for player in left)
        rounds = 0 if moved else rounds + 1
        if rounds > ROUNDS:
            return False
    return True
