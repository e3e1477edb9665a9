"""The campaigns of orders and of points of death, small: what plays, what counts, and that a wrong end is seen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import mutants
from footprints import CHANGED, LISTED, LOOKED, MOVED, WRITTEN, Shared, Touch, find_missed, spell, turn
from serial import NOTHING, Deed, Shipped, carry_out, find_ends, show

TOOLS = Path(__file__).parent.parent.parent / "tools"
UNIVERSE = {
    "a1": Shipped("a", "1", {"x": "a1", "a": ""}),
    "b1": Shipped("b", "1", {"x": "b1"}),
    "a2": Shipped("a", "2", {"x": "a2"}),
}
INSTALL_A, INSTALL_B, REMOVE_A = Deed("install", ("a1",)), Deed("install", ("b1",)), Deed("uninstall", ("a",))

linux = pytest.mark.skipif(sys.platform != "linux", reason="it needs fork, /proc/self/fd and a preload")


def run_tool(program: str, *words: str) -> tuple[int, str, str]:
    path = os.pathsep.join(filter(None, [str(TOOLS.parent / "src"), os.environ.get("PYTHONPATH", "")]))
    ran = subprocess.run(
        [sys.executable, str(TOOLS / program), "--jobs", "1", *words],
        env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    return ran.returncode, ran.stdout, ran.stderr


# --- the serial oracle ------------------------------------------------------------------------------------------------


def test_the_later_name_is_shown_and_a_rank_goes_before_it() -> None:
    both = carry_out(UNIVERSE, carry_out(UNIVERSE, NOTHING, INSTALL_B), INSTALL_A)
    assert show(UNIVERSE, both) == {"x": "b1", "a": ""}
    ranked = carry_out(UNIVERSE, both, Deed("install", (), {"a": 1}))
    assert show(UNIVERSE, ranked) == {"x": "a1", "a": ""}
    upgraded = carry_out(UNIVERSE, ranked, Deed("install", ("a2",)))
    assert show(UNIVERSE, upgraded) == {"x": "a2"}, "a rank outlives an upgrade"
    assert show(UNIVERSE, carry_out(UNIVERSE, upgraded, REMOVE_A)) == {"x": "b1"}


def test_what_is_nobodys_is_shown_where_nobody_claims() -> None:
    assert show(UNIVERSE, NOTHING, {"x": "mine", "y": "mine"}) == {"x": "mine", "y": "mine"}
    assert show(UNIVERSE, carry_out(UNIVERSE, NOTHING, INSTALL_B), {"x": "mine"}) == {"x": "b1"}


def test_deeds_of_one_name_end_as_one_of_their_orders_does() -> None:
    assert find_ends(UNIVERSE, NOTHING, [INSTALL_A, REMOVE_A]) == {NOTHING, frozenset({("a", "a1", 0)})}
    assert len(find_ends(UNIVERSE, NOTHING, [INSTALL_A, INSTALL_B])) == 1


def test_what_had_ended_before_another_deed_began_came_first() -> None:
    assert find_ends(UNIVERSE, NOTHING, [INSTALL_A, REMOVE_A], apart=[(0, 1)]) == {NOTHING}
    assert find_ends(UNIVERSE, NOTHING, [INSTALL_A, REMOVE_A], [1], [(0, 1)]) == {NOTHING, frozenset({("a", "a1", 0)})}


def test_a_killed_deed_was_done_or_not() -> None:
    ends = find_ends(UNIVERSE, NOTHING, [INSTALL_A, INSTALL_B], [0])
    assert ends == {frozenset({("b", "b1", 0)}), frozenset({("a", "a1", 0), ("b", "b1", 0)})}


# --- which calls others could notice ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mine", "others", "shared"),
    [
        ((LOOKED, "s/x.py"), (LOOKED, "s/x.py"), False),
        ((LOOKED, "s/x.py"), (CHANGED, "s/x.py"), True),
        ((CHANGED, "s/x.py"), (CHANGED, "s/y.py"), False),
        ((CHANGED, "s/x.py"), (LISTED, "s"), True),
        ((WRITTEN, "s/x.py"), (LISTED, "s"), False),
        ((LISTED, "s"), (CHANGED, "s/x.py"), True),
        ((LOOKED, "a/RECORD"), (MOVED, "a"), True),
        ((MOVED, "a"), (LOOKED, "a/RECORD"), True),
        ((CHANGED, "a"), (LOOKED, "a/RECORD"), False),
        ((LOOKED, "transactions/+/plan"), (MOVED, "transactions/+"), False),
        ((LOOKED, "transactions/*/plan"), (MOVED, "transactions/+"), True),
    ],
)
def test_a_call_is_shared_where_one_changes_what_the_other_touches(mine: Touch, others: Touch, shared: bool) -> None:
    assert (mine in Shared(turn([others]))) == shared


def test_what_is_called_something_new_each_time_is_spelled_alike() -> None:
    one, two = "18ec2bfde825ea55-640fd6e7", "18ec2c05319fc78b-bf4d1553"
    assert spell(f"t/{one}/plan", {one}) == "t/+/plan"
    assert spell(f"t/new-{two}/plan", {one}) == "t/new-*/plan"
    assert spell(f"s/.lugnut-{one}-00ff.tmp", {one}) == "s/(temporary)"


def test_a_call_is_missed_where_more_is_seen_of_another_than_was_known() -> None:
    mine: set[Touch] = {(LOOKED, "s/x.py"), (LOOKED, "s/y.py")}
    assert find_missed([mine, set()], [mine, {(CHANGED, "s/x.py")}]) == [(LOOKED, "s/x.py")]
    assert find_missed([mine, set()], [mine, {(CHANGED, "s/z.py")}]) == []
    assert find_missed([mine, {(CHANGED, "s/x.py")}], [mine, {(CHANGED, "s/x.py")}]) == []


# --- schedules --------------------------------------------------------------------------------------------------------


def run_script(tmp_path: Path, script: str, *words: str) -> Any:
    """Run a script over an arena in a process of one thread; gives what it printed as JSON."""
    head = (
        "import json, os, sys; sys.path[:0] = sys.argv[1:3]; root, *words = sys.argv[3:]\n"
        "import orders; from footprints import find_missed\n"
        "from ordercases import CASES; from orders import Arena; from troupes import parse_legs\n"
        "os.umask(0o022)\n"
    )
    places = [str(TOOLS), str(TOOLS.parent / "src"), str(tmp_path / "place")]
    command = [sys.executable, "-c", f"{head}{script}\narena.close()\n", *places, *words]
    return json.loads(subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout)


@linux
def test_a_schedule_reads_as_it_is_printed() -> None:
    from troupes import Leg, parse_legs

    legs = [Leg(0, 12), Leg(1), Leg(0, 40, killed=True)]
    assert " ".join(map(str, legs)) == "a12 b a40!"
    assert parse_legs("a12 b a40!") == legs


@linux
def test_schedules_are_played_and_nothing_is_wrong() -> None:
    code, out, err = run_tool(
        "schedules.py", "--case", "loser-comes*", "--preemptions", "1", "--deaths", "--every", "60"
    )
    assert code == 0, err
    assert " 0 wrong" in out


@linux
@pytest.mark.parametrize(
    ("case", "legs", "made"),
    [
        ("both-go", "a50 b60 a70 b", [50, 60, 70]),
        ("workers-come-winner-goes", "a c5 d5 b20 c7! a", [0, 5, 5, 20, 7]),
    ],
)
def test_a_schedule_makes_the_same_calls_every_time(tmp_path: Path, case: str, legs: str, made: list[int]) -> None:
    first, *others = run_script(
        tmp_path,
        "arena = Arena(CASES[words[0]], root)\n"
        "print(json.dumps([arena.play(parse_legs(words[1]))[0].legs for _ in range(3)]))",
        case, legs,
    )  # fmt: skip
    assert [calls for calls, wanted in zip(first, made, strict=False) if wanted] == [
        wanted for wanted in made if wanted
    ]
    assert others == [first, first]


@linux
def test_what_was_not_known_of_another_is_seen_and_then_nothing_is_missed(tmp_path: Path) -> None:
    before, after = run_script(
        tmp_path,
        "orders.MEETINGS = 1\n"
        "arena = Arena(CASES['both-go'], root)\n"
        "arena.reduce(deaths=False)\n"
        "def look():\n"
        "    for legs in ('a70! b', 'b70! a'):\n"
        "        arena.play(parse_legs(legs))\n"
        "    seen = arena.read_seen()\n"
        "    return find_missed(arena.known, seen), seen\n"
        "first, seen = look()\n"
        "arena.reduce(seen, deaths=False)\n"
        "print(json.dumps([first, look()[0]]))",
    )
    assert before
    assert after == []


@linux
def test_what_is_found_is_replayed_by_all_calls(tmp_path: Path) -> None:
    (made, every), (again, same) = run_script(
        tmp_path,
        "def tell(played): return [played.course, played.every]\n"
        "arena = Arena(CASES['workers-come-winner-goes'], root)\n"
        "arena.reduce(deaths=False)\n"
        "first = tell(arena.play(parse_legs('a c5 d5 b20 c7! a'))[0])\n"
        "arena.close()\n"
        "arena = Arena(CASES['workers-come-winner-goes'], root + '-again')\n"
        "print(json.dumps([first, tell(arena.play(parse_legs(first[1]))[0])]))",
    )
    assert made != every
    assert again == same == every


@linux
@pytest.mark.parametrize("guard", ["M5", "kept aside is shown"])
def test_a_guard_taken_out_is_noticed(guard: str) -> None:
    code, out, err = run_tool("mutants.py", "--only", guard)
    assert code == 0, out + err
    assert "1 of 1 caught" in out


def test_every_mutant_applies() -> None:
    times = {
        (mutant.guard, change["file"]): Path(mutants.SOURCE, change["file"])
        .read_text(encoding="utf-8")
        .count(change["old"])
        for mutant in mutants.read_mutants(str(TOOLS / "mutants.toml"), ["*"])
        for change in ({"file": mutant.file, "old": mutant.old}, *mutant.also)
    }
    assert {place: count for place, count in times.items() if count != 1} == {}


@linux
def test_a_mutant_that_does_not_apply_fails_the_run(tmp_path: Path) -> None:
    listed = tmp_path / "mutants.toml"
    listed.write_text(
        '[[mutant]]\nguard = "g"\nfile = "change.py"\nold = "no such text"\nnew = ""\ncampaign = "schedules.py"\n'
    )
    code, out, _ = run_tool("mutants.py", "--list", str(listed))
    assert code == 1
    assert "0 of 1 caught" in out


@linux
def test_a_campaign_that_breaks_has_caught_nothing(tmp_path: Path) -> None:
    listed = tmp_path / "mutants.toml"
    listed.write_text(
        '[[mutant]]\nguard = "g"\nfile = "change.py"\nold = "from __future__ import annotations"\n'
        'new = "raise RuntimeError"\ncampaign = "schedules.py --case both-go --preemptions 0"\n'
    )
    code, out, _ = run_tool("mutants.py", "--list", str(listed))
    assert code == 1
    assert "0 of 1 caught" in out


# --- points of death --------------------------------------------------------------------------------------------------


@linux
def test_points_of_death_are_counted_struck_and_judged() -> None:
    code, out, err = run_tool("crash.py", "--what", "upgrade", "--how", "kill", "--how", "once E*", "--every", "200")
    assert code == 0, err
    assert " 0 wrong" in out
    assert int(out.splitlines()[-1].split()[0]) > 10


@linux
def test_the_calls_of_workers_are_met_whatever_was_forked_before() -> None:
    code, out, err = run_tool("crash.py", "--what", "install", "--how", "kill", "--point", "1:5")
    assert code == 0, err
    assert out.splitlines()[-1].startswith("1 points, 0 wrong")


@linux
def test_cases_are_drawn_and_struck() -> None:
    code, out, err = run_tool("crash.py", "--sample", "20", "--seed", "8", "--wheels", "6")
    assert code == 0, err
    assert "| 6 wheels, " in out
    assert int(out.splitlines()[-1].split()[0]) > 10


@linux
def test_other_installers_die_beside_lugnut() -> None:
    code, out, err = run_tool("crash.py", "--installer", "uv", "--what", "uninstall", "--every", "20")
    assert code == 0, err
    assert "| uv: uninstall |" in out
    assert int(out.splitlines()[-1].split()[0]) > 0, "the preload reaches it"


@linux
def test_recoveries_are_killed_from_every_state_that_a_kill_leaves() -> None:
    code, out, err = run_tool("crash.py", "--what", "recovery-of-conflict", "--how", "group", "--every", "150")
    assert code == 0, err
    row = dict(zip(*([cell.strip() for cell in line.split("|")] for line in out.splitlines()[:3:2]), strict=True))
    assert int(row["states"]) > 20
    assert int(row["points"]) > 20


@linux
def test_what_a_campaign_has_done_is_left_out_and_given_evidence_of_once(tmp_path: Path) -> None:
    done, shown = tmp_path / "done", tmp_path / "shown"
    words = ("--what", "conflict", "--how", "kill", "--every", "200", "--append", str(done), "--evidence", str(shown))
    assert run_tool("crash.py", *words)[0] == 0
    once = done.read_text()
    code, out, _ = run_tool("crash.py", *words)
    assert code == 0
    assert "conflict" in out
    assert done.read_text() == once
    assert len(shown.read_text().splitlines()) == 1
