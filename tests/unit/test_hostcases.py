"""The judge of two hosts: what is an end without words, and how rounds add up."""

from __future__ import annotations

import sys

import pytest

if sys.platform == "win32":
    pytest.skip("campaigns run on POSIX", allow_module_level=True)

from hostcases import Outcome, word
from hosts import Told
from programs import Ran


@pytest.mark.parametrize(
    ("code", "said", "wordless"),
    [
        (0, "", False),
        (1, "error: the lock x was taken by another run", False),
        (1, "", True),
        (1, "error: lugnut contradicts itself: Vanished", True),
        (1, "Traceback (most recent call last):", True),
    ],
)
def test_an_error_needs_words_for_the_user(code: int, said: str, *, wordless: bool) -> None:
    assert bool(word(Ran(code, 0.0, 0.0, "", said), "ann")) is wordless


def test_rounds_add_up() -> None:
    told = Told().plus([Outcome([], met=True), Outcome(["x", "y"], said=True)], 1.0).plus([Outcome([])], 2.0)
    assert told == Told(rounds=3, met=1, said=1, wrong=1, seconds=3.0)
