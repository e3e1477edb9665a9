"""Several players, of whom one moves at a time: who makes the next call is said by a schedule.

A schedule decides everything: it is a list of *legs*, each a player and how many calls it makes before the next leg
begins; `None` is until it ends or waits. After the last leg each goes on as far as it comes, the one that moved last
first.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("campaigns run on POSIX")

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from footprints import Shared
from gates import ENDED, ON, WAITING
from players import Player
from stepper import Act, Ended, Place

ROUNDS = 20
"""So often all that live may say, one after the other, that they wait, until that is a deadlock."""
LETTERS = "abcdefghijklmnopqrstuvwxyz"
"""Players as they are printed: the deeds' first, then the workers of the first deed, of the second ..."""


class Leg(NamedTuple):
    """One player's turn; `calls` None is until it ends or waits; it may be killed when that is over."""

    player: int
    calls: int | None = None
    killed: bool = False

    def __str__(self) -> str:
        return f"{LETTERS[self.player]}{'' if self.calls is None else self.calls}{'!' if self.killed else ''}"


class Played(NamedTuple):
    """How a schedule went."""

    legs: list[int]
    """Calls made in each leg."""
    ends: list[Ended]
    """By deed; 99 and more are bugs, negative is a signal."""
    killed: list[int]
    """Deeds of which a process was killed: done or not, but for one whose exit code says that it was not."""
    stuck: bool
    """All that lived waited for each other."""
    course: str
    """What came of it: every leg that was made in the end, as legs are printed."""
    every: str
    """The same by all calls, those that nobody could notice too: whatever is known of that, it is the same."""
    seen: list[str]
    """What was wrong at some moment on the way."""
    apart: list[tuple[int, int]]
    """Deeds of which the first one had ended before the other one began."""


def parse_legs(text: str) -> list[Leg]:
    """Read legs as they are printed: `a12 b a40!`."""
    legs = []
    for word in text.split():
        number = word[1:].rstrip("!")
        legs.append(Leg(LETTERS.index(word[0]), int(number) if number else None, word.endswith("!")))
    return legs


class Troupe:
    """Everybody who does a deed of a case, for one schedule after the other."""

    def __init__(
        self,
        place: Place,
        acts: Sequence[Act],
        shared: Sequence[Shared] | None = None,
        look: Callable[[Sequence[int]], Iterable[str]] = lambda _: (),
    ) -> None:
        """Give each act a player, which stops only before its `shared` calls where they are known.

        `look` is told the deeds' processes whenever a player has stopped, and says what is wrong at that moment.
        """
        self.players = [
            Player(place, act, number, None if shared is None else shared[number]) for number, act in enumerate(acts)
        ]
        self.look = look

    def play(self, legs: Sequence[Leg]) -> Played:
        """Play one schedule to its end."""
        stage = _Stage(self.players, self.look)
        for leg in legs:
            stage.move(leg)
        stuck = not stage.go_on(legs[-1].player if legs else 0)
        ends = [player.end() for player in self.players]
        killed = [stage.owners[number] for number in stage.killed]
        return Played(
            stage.lengths[: len(legs)], ends, killed, stuck, tell(stage.made), tell(stage.every), sorted(stage.seen),
            stage.list_apart(),
        )  # fmt: skip

    def run(self) -> Ended:
        """Have the only player do its deed alone."""
        return self.play([]).ends[0]

    def close(self) -> None:
        """End all processes."""
        for player in self.players:
            player.close()


class _Stage:
    """One schedule as it is played."""

    def __init__(self, players: Sequence[Player], look: Callable[[Sequence[int]], Iterable[str]]) -> None:
        lines = [player.ready() for player in players]
        self.players = players
        self.look = look
        self.lines = [line for ready in lines for line in ready[:1]] + [line for ready in lines for line in ready[1:]]
        workers = [number for number, ready in enumerate(lines) for _ in ready[1:]]
        self.owners = [*range(len(players)), *workers]
        """By line, whose it is."""
        self.pids = [player.pid for player in players]
        self.lengths: list[int] = []
        self.killed: list[int] = []
        self.made: list[Leg] = []
        self.every: list[Leg] = []
        self.seen: set[str] = set()
        self.began: dict[int, int] = {}
        self.ended: dict[int, int] = {}
        """By deed, in which leg; one that was killed has not ended."""

    def move(self, leg: Leg) -> None:
        """Have one player make its leg."""
        line, player = self.lines[leg.player], self.players[self.owners[leg.player]]
        before = line.all
        made = player.move(line, ON if leg.calls is None else leg.calls)
        killed = leg.killed and line.moves
        if killed:
            line.kill()
            self.killed.append(leg.player)
        self.lengths.append(made)
        if made or killed:
            self.made.append(Leg(leg.player, made, killed))
            self.seen.update(self.look(self.pids))
        if line.all > before:
            self.began.setdefault(self.owners[leg.player], len(self.lengths))
        if line is player.lines[0] and line.state == ENDED and not killed:
            self.ended.setdefault(leg.player, len(self.lengths))
        if line.all > before or killed:
            self.every.append(Leg(leg.player, line.all - before, killed))

    def list_apart(self) -> list[tuple[int, int]]:
        """Give the deeds of which one had ended before the other one began."""
        return [(one, other) for one in self.ended for other in self.began if self.ended[one] < self.began[other]]

    def go_on(self, first: int) -> bool:
        """Let all go on as far as they come; False where those that are left wait for each other."""
        order = [*range(first, len(self.lines)), *range(first)]
        rounds = 0
        while left := [number for number in order if self.lines[number].moves]:
            for number in left:
                self.move(Leg(number))
            moved = any(self.lines[number].state != WAITING for number in left)
            rounds = 0 if moved else rounds + 1
            if rounds > ROUNDS:
                return False
        return True


def tell(made: Iterable[Leg]) -> str:
    """Print legs that were made, those of one player in one."""
    legs: list[Leg] = []
    for leg in made:
        if legs and legs[-1].player == leg.player and not legs[-1].killed:
            leg = Leg(leg.player, (legs.pop().calls or 0) + (leg.calls or 0), leg.killed)  # noqa: PLW2901
        legs.append(leg)
    return " ".join(map(str, legs))
