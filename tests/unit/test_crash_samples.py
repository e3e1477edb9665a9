"""tools/crash.py: what is drawn follows from the seed, and what was done is told."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("campaigns run on POSIX", allow_module_level=True)

import peerdeaths
import samples
from ledger import Ledger, gather, scope_of, subject_of
from points import BYTES, LOOK, Point, can_fail

CASES = [samples.draw("s", number, 20) for number in range(300)]


def test_a_case_follows_from_its_seed_and_number() -> None:
    assert [samples.draw("s", number, 20) for number in range(300)] == CASES
    assert samples.draw("t", 0, 20) != CASES[0]


def test_every_kind_is_drawn_cold_and_warm_from_nothing_and_from_much() -> None:
    assert {case.kind for case in CASES} == set(samples.KINDS)
    assert {case.operation.cold for case in CASES} == {False, True}
    assert min(len(case.before.builds) for case in CASES) == 0
    assert max(len(case.before.builds) for case in CASES) > 10


@pytest.mark.parametrize("kind", samples.KINDS)
def test_what_stands_there_afterwards_is_what_the_command_says(kind: str) -> None:
    for case in CASES:
        if case.kind != kind:
            continue
        words, before, after = case.operation.command, case.before.builds, case.after.builds
        named = {word.strip("{}") for word in words if word.startswith("{")}
        if kind == "uninstall":
            assert {samples.name_of(one) for one in set(before) - set(after)} == set(words[1:])
        elif kind != "sync":
            assert named == {f"{after[int(key[1:])]}{key[1:]}" for key in named}
            assert all(after[one] == build for one, build in before.items() if f"{after[one]}{one}" not in named)
        assert set(case.after.ranks) <= set(after), "a rank ends with its distribution"
        assert (before == after) == (kind == "reinstall") or kind in {"install", "sync", "overlay", "compile"}


def test_points_are_half_kills_and_errors_that_the_call_may_give() -> None:
    points = [Point(0, call, "read", LOOK | BYTES, "p") for call in range(1, 40)]
    drawn = samples.draw_points(points, random.Random("1"))
    assert len(drawn) == samples.POINTS
    assert {how for _, (how, _) in drawn} == {"kill", "group", "once", "always"}
    assert all(can_fail(point.kind, error) for point, (_, error) in drawn if error)


# --- what is told -----------------------------------------------------------------------------------------------------


def test_cases_of_a_kind_are_one_line_and_peers_are_their_own_subject(tmp_path: Path) -> None:
    rows = [
        {"what": "20 wheels, sync", "how": "case 1 of seed 1", "error": "", "points": 3, "wrong": ["x"]},
        {"what": "20 wheels, sync", "how": "case 2 of seed 1", "error": "", "points": 4, "old": 4, "wrong": []},
        {"what": "uv: upgrade", "how": "group", "error": "", "points": 5, "whole": 5, "wrong": []},
    ]
    first, second = gather(rows)
    assert (first["what"], first["how"], first["points"], first["old"], first["wrong"]) == (
        "20 wheels, sync", "drawn", 7, 4, 1,
    )  # fmt: skip
    assert second["whole"] == 5
    assert [scope_of(row) for row in rows[1:]] == ["20 wheels, sync", "upgrade, killed and said again"]
    assert [subject_of(row) for row in rows[1:]] == ["lugnut", "uv"]
    ledger = Ledger(str(tmp_path / "done"))
    for row in rows:
        ledger.add(row)
    again = Ledger(str(tmp_path / "done"))
    assert again.rows == rows
    assert again.has("uv: upgrade", "group", "")
    assert not again.has("uv: upgrade", "kill", "")


def test_litter_is_told_from_what_is_broken() -> None:
    assert peerdeaths.classify([], 1) == "whole"
    assert peerdeaths.classify(["a/.tmpX: unexpected", "a/.tmpX: no RECORD names it"], 0) == "litter"
    assert peerdeaths.classify(["bin/mm: missing, ~m claims it", "~m: unexpected"], 0) == "litter"
    assert peerdeaths.classify(["a/x.py: missing, a claims it"], 0) == "corrupt, exit 0"
    assert peerdeaths.classify(["a/x.py: missing", "a/y: unexpected"], 2) == "corrupt, error"
