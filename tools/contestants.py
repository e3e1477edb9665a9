"""Who takes part in the rounds of a case, and what they are given to do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from peers import Peer

FLOOR = "floor"


class Ready(NamedTuple):
    """A run made ready: its environment (empty where there is none) and its commands."""

    prefix: str
    commands: Sequence[Sequence[str]]


class Contestant(NamedTuple):
    """Somebody who takes part in every round."""

    name: str
    ready: Callable[[int], Ready]
    """Takes the round's number, makes everything ready, gives the commands."""
    names: Sequence[str] = ()
    """What must be installed afterwards; nothing is looked at where there is no environment."""
    is_ours: bool = False
    """Whether lugnut made the environment, so that the oracle judges it."""


def is_ours(peer: Peer) -> bool:
    """Say whether the oracle judges what an installer leaves."""
    return peer.name == "lugnut"
