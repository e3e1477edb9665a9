"""The stress test can fail: a lost update, half a command, a file that came back are found where they are planted."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys

import pytest

import programs
import serial
import trees
import universe
from linear import Act, find_order, judge
from serial import NOTHING, Deed, carry_out
from timelinepage import Timeline, make_document, write_page

if sys.platform == "win32":
    pytest.skip("campaigns run on POSIX", allow_module_level=True)

import history
import stress
from plans import NEMESES, PATIENT, Terms, draw_interval
from verdicts import Before, Judge, Meeting, check_shown_by_somebody, judge_command

WORLD = universe.draw_world("1", universe.Size(2, 3, 2))
A, B, C = WORLD.groups[0]


def install(*keys, **overlay):
    return Deed("install", keys, overlay)


def state(*keys):
    return frozenset((WORLD.universe[key].name, key, 0) for key in keys)


def key(name, version=1):
    return f"{name}-{version}"


def act(deed, began, ended, **more):
    return Act(deed, began, ended, **more)


def words(before, after, *acts):
    return judge(WORLD.universe, before, after, acts).findings


# --- the universe and the plan ----------------------------------------------------------------------------------------


def test_universe_and_plan_are_functions_of_the_seed():
    assert universe.draw_world("7") == universe.draw_world("7")
    assert universe.draw_world("7") != universe.draw_world("8")
    terms = Terms(7, 3, NEMESES)
    first = [draw_interval(universe.draw_world("7"), terms, number) for number in range(30)]
    assert first == [draw_interval(universe.draw_world("7"), terms, number) for number in range(30)]
    assert {one for interval in first for one in interval.nemeses} == set(NEMESES)


def test_more_processes_change_nothing_of_what_the_others_do():
    few, many = (draw_interval(WORLD, Terms(7, count, ("stop",)), 3).clients for count in (2, 5))
    assert few == many[:2]


def test_wheels_show_what_the_serial_oracle_says(tmp_path):
    wheels = universe.make_wheels(WORLD, str(tmp_path))
    programs.make_venv(str(tmp_path / "venv"))
    there = state(key(A), key(B, 2), key(C))
    tree = trees.reference_tree([wheels[one] for _, one, _ in there], str(tmp_path / "venv"))
    shown = serial.show(WORLD.universe, there)
    site = os.path.relpath(trees.site_packages(str(tmp_path / "venv")), str(tmp_path / "venv"))
    for path, text in shown.items():
        scheme, colon, rest = path.partition(":")
        place = {"scripts": f"bin/{rest}", "data": rest}[scheme] if colon else f"{site}/{path}"
        if not text.startswith("#!python"):
            assert tree[place].digest == trees.digest_bytes(text.encode()), path


def test_in_a_disjoint_universe_no_two_distributions_share_a_path():
    owners = {}
    for one in universe.draw_world("1", disjoint=True).universe.values():
        for path in one.files:
            assert owners.setdefault(path, one.name) == one.name


def test_what_a_foreigner_touches_stays_apart():
    terms = Terms(3, 2, ("pip-shared",))
    interval = draw_interval(WORLD, terms, 0)
    assert interval.tainted == set(WORLD.groups[-1])
    for step in (step for client in interval.clients for step in client.steps if step.deed.verb != "check"):
        names = {WORLD.universe[word].name if word in WORLD.universe else word for word in step.deed.what}
        assert names <= interval.tainted or not names & interval.tainted


# --- an order ---------------------------------------------------------------------------------------------------------


def test_two_that_overlap_may_come_in_either_order():
    both = act(install(key(A)), 0, 2), act(install(key(A, 2)), 1, 3)
    assert words(NOTHING, state(key(A)), *both) == []
    assert words(NOTHING, state(key(A, 2)), *both) == []


def test_what_ended_before_another_began_comes_first():
    assert words(NOTHING, state(key(A)), act(install(key(A)), 0, 1), act(install(key(A, 2)), 2, 3)) == [
        f"{A}: no order of its 2 commands leads from nothing to {key(A)}"
    ]


def test_a_lost_update_is_found():
    assert words(state(key(A)), state(key(A)), act(install(key(B)), 0, 1)) == [
        f"{B}: no order of its 1 commands leads from nothing to nothing"
    ]


def test_half_a_command_is_found():
    both = act(install(key(A, 1), key(B, 1)), 0, 2), act(install(key(A, 2), key(B, 2)), 1, 3)
    (told,) = words(NOTHING, state(key(A, 1), key(B, 2)), *both)
    assert "though one does for each name by itself" in told


def test_a_killed_command_happened_whole_or_not_at_all():
    killed = act(install(key(A), key(B)), 0, 2, doubtful=True)
    assert words(NOTHING, NOTHING, killed) == []
    assert words(NOTHING, state(key(A), key(B)), killed) == []
    assert words(NOTHING, state(key(A)), killed) != []


def test_a_sync_is_about_everybody():
    sync = act(Deed("sync", (key(A),)), 0, 2)
    assert words(state(key(B)), state(key(A)), sync) == []
    assert words(state(key(B)), state(key(A), key(B)), sync) != []
    assert words(state(key(B)), state(key(A), key(C)), sync, act(install(key(C)), 1, 3)) == []


def test_what_a_command_saw_must_have_been_there():
    removal = act(Deed("uninstall", (A, B)), 1, 3, seen={B: key(B)})
    coming = act(install(key(A), key(B)), 0, 2, seen={A: None, B: None})
    assert words(NOTHING, NOTHING, removal._replace(seen={A: key(A), B: key(B)}), coming) == []
    assert words(NOTHING, state(key(A)), removal, coming) != []
    assert words(state(key(B)), state(key(B)), act(install(key(B)), 0, 1, seen={B: None})) != []


def test_a_rank_belongs_to_the_state():
    done = act(install(key(A), **{A: 1}), 0, 1)
    assert words(NOTHING, carry_out(WORLD.universe, NOTHING, done.deed), done) == []
    assert words(NOTHING, state(key(A)), done) != []


def test_a_search_that_takes_too_long_is_told_from_one_that_failed(monkeypatch):
    monkeypatch.setattr("linear.BUDGET", 2)
    acts = [act(install(key(A, 1 + n % 2), key(B, 1 + n % 2)), 0, 9) for n in range(6)]
    assert find_order(WORLD.universe, NOTHING, state(key(A, 1), key(B, 2)), acts) is None
    assert judge(WORLD.universe, NOTHING, state(key(A, 1), key(B, 2)), acts) == ([], True)


# --- an environment ---------------------------------------------------------------------------------------------------


def went():
    return [
        history.Entry(1, 0, "client 1", "", 7, "install", (key(A), key(B), key(C)), {}, (), 0, 1, 0),
        history.Entry(2, 0, "client 1", "", 8, "uninstall", (C,), {}, (), 1, 2, 0),
    ]


@pytest.fixture(name="ground")
def make_ground(tmp_path):
    """Install three wheels that share paths by lugnut, one of which goes again; judge it in different ways."""
    wheels = universe.make_wheels(WORLD, str(tmp_path / "wheels"))
    prefix = str(tmp_path / "venv")
    programs.make_venv(prefix)
    before = Before(NOTHING, trees.read_tree(prefix))
    lugnut, where = programs.find_program("lugnut"), ["--python", prefix, "--cache-dir", str(tmp_path / "cache")]
    environ = programs.clean_environ(str(tmp_path))
    for line in (["install", *(wheels[key(name)] for name in (A, B, C))], ["uninstall", C]):
        assert programs.run([lugnut, *line, *where], environ).code == 0
    judge_of = Judge(WORLD, wheels, is_strict=True)
    return prefix, lambda *more: judge_of.judge(prefix, before, Meeting([*went(), *more], [], {7, 8}))


def test_a_whole_environment_is_told_from_one_where_a_file_came_back(ground):
    prefix, judged = ground
    assert judged().findings == []
    place = os.path.join(trees.site_packages(prefix), C.replace("-", "_"))
    os.mkdir(place)
    shutil.copy(__file__, os.path.join(place, "m00.py"))
    assert any("no RECORD names it" in line for line in judged().corrupt)


def test_a_distribution_that_came_back_is_found(ground):
    _, judged = ground
    gone = history.Entry(3, 0, "client 2", "", 9, "uninstall", (A,), {}, (), 3, 4, 0)
    verdict = judged(gone)
    assert verdict.unserial == [f"{A}: no order of its 2 commands leads from nothing to {key(A)}"]


def test_a_loser_that_is_shown_is_found_for_who_promises_and_forgiven_who_does_not(ground):
    prefix, judged = ground
    site = trees.site_packages(prefix)
    mine, other = (serial.show(WORLD.universe, state(key(name))) for name in sorted((A, B)))
    path = next(path for path in mine.keys() & other.keys() if mine[path] != other[path] and ":" not in path)
    with open(os.path.join(site, path), "w", encoding="utf-8") as file:
        file.write(mine[path])  # the earlier name's bytes, where the later name wins
    assert any(path in line for line in judged().corrupt)
    assert not any(path in line for line in check_shown_by_somebody(site))
    with open(os.path.join(site, path), "a", encoding="utf-8") as file:
        file.write("#")
    assert f"{path}: the bytes of nobody who claims it" in check_shown_by_somebody(site)


# --- commands ---------------------------------------------------------------------------------------------------------

PLAIN = history.Entry(5, 0, "client 1", "", 50, "install", (key(A),), {}, ("--lock-timeout", "1"), 10, 12, 0)
FULL = history.Strike("disk", 11, 13)


@pytest.mark.parametrize(
    ("change", "strikes", "wrong"),
    [
        ({}, [], ""),
        ({"code": 1, "said": "error: it rains"}, [], "though nothing was done to it"),
        ({"code": 1, "said": "error: cannot write x: No space left on device"}, [], "though nothing was done to it"),
        ({"code": 1, "said": "error: cannot write x: No space left on device"}, [FULL], ""),
        ({"code": -9, "strikes": ("kill-group",)}, [], ""),
        ({"code": -9}, [], "though nothing was done to it"),
        ({"code": 1, "said": "Traceback", "strikes": ("kill-worker",)}, [], "it said"),
        ({"code": 3, "said": "waited 1 s for the lock x, held by pid 7 `lugnut`"}, [], ""),
        ({"code": 3, "said": "waited 1 s for the lock x, held by pid 999 `lugnut`"}, [], "which is none of ours"),
        ({"code": 3, "said": "waited 1 s for the lock x"}, [], "does not say who"),
        ({"code": 3, "said": "held by pid 7", "flags": ("--lock-timeout", str(PATIENT))}, [], "holds for so long"),
        ({"code": 1, "verb": "check", "said": "Found 1 problem"}, [], ""),
        ({"strikes": ("hung",)}, [], "hung"),
    ],
)
def test_a_command_ends_as_it_may_or_it_is_told(change, strikes, wrong):
    told = judge_command(PLAIN._replace(**change), Meeting([], strikes, {7}))
    assert (wrong in told) if wrong else told == ""


def test_beside_a_foreigner_only_commands_on_its_names_may_fail():
    failed = PLAIN._replace(code=1, said="error: it rains")
    assert judge_command(failed, Meeting([], [], {7}, frozenset({A}))) == ""
    assert "nothing was done" in judge_command(failed, Meeting([], [], {7}, frozenset({B})))


@pytest.mark.parametrize(
    ("code", "said", "outcome"),
    [
        (0, "", "done"),
        (-9, "", "doubtful"),
        (1, "", "undone"),
        (1, "committed, but not finished: x", "done"),
        (1, "committed and finished, but the lock x", "done"),
    ],
)
def test_an_exit_says_whether_it_happened(code, said, outcome):
    assert PLAIN._replace(code=code, said=said).outcome == outcome


# --- the page and the command line ------------------------------------------------------------------------------------


@pytest.fixture(name="kept")
def make_history(tmp_path):
    kept = history.History(str(tmp_path / "history.jsonl"))
    wait = history.Wait("aa.lock", "pid 9", 10.5, 11.9)
    kept.add(PLAIN._replace(waits=(wait,), seen={A: None}))
    kept.strike(history.Strike("kill-group", 11, 11, 5))
    kept.point(0, ["</script> is what is wrong"], state(key(A)))
    kept.close()
    return kept


def test_a_history_is_read_back(kept):
    assert history.read_entries(kept.path) == kept.entries


def test_the_page_holds_all_and_asks_for_nothing(kept, tmp_path):
    timeline = Timeline("lugnut", kept, [history.Hold("aa.lock", 50, 10.6, 12)])
    write_page(str(tmp_path / "page.html"), [timeline])
    text = (tmp_path / "page.html").read_text()
    assert not re.search(r"(src|href)=|@import|url\(", text)
    assert text.count("</script>") == 1
    document = json.loads(re.search(r"const TESTS = (.*);\n", text)[1].replace("<\\/", "</"))
    assert document == json.loads(json.dumps([make_document(timeline)]))
    assert document[0]["holds"] == [[0, 10600, 12000, 0, f"5: install {key(A)}: exit 0"]]
    assert document[0]["strikes"] == [[0, 11000, 11000, 0, ""]]


def test_a_picture_is_drawn(kept, tmp_path):
    pytest.importorskip("matplotlib")
    from timelinepicture import draw

    draw(str(tmp_path / "page.png"), [Timeline("lugnut", kept, [history.Hold("aa.lock", 50, 10.6, 12)])])
    assert (tmp_path / "page.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("flag", "word"),
    [("--processes", "0"), ("--cmd", "add=x"), ("--cmd", "install=lugnut {no}"), ("--cmd", "uninstall=x"),
     ("--installer", "none")],
)  # fmt: skip
def test_bad_words_are_refused(flag, word, capsys):
    with pytest.raises(SystemExit) as ended:
        stress.parse([flag, word])
    assert ended.value.code == 2
    assert "error: " in capsys.readouterr().err


def test_where_things_lie_is_no_part_of_how_it_is_done_again():
    words = ["--seed", "1", "--root", "/x", "--html=/y", "--png", "/z", "--minutes", "2"]
    assert stress.leave_out(words, ("--root", "--html", "--png")) == ["--seed", "1", "--minutes", "2"]


def run_stress(tmp_path, *more):
    program = os.path.join(os.path.dirname(stress.__file__), "stress.py")
    line = [sys.executable, program, "--minutes", "0.05", "--seed", "1", "--commands", "3", "--root", str(tmp_path)]
    ran = subprocess.run([*line, *more], capture_output=True, text=True, timeout=600, check=False)
    return ran.returncode, ran.stdout + ran.stderr


def test_a_short_test_of_lugnut_finds_nothing(tmp_path):
    nemeses = ["--nemesis", "kill-coordinator", "--nemesis", "disk", "--nemesis", "clock"]
    code, said = run_stress(tmp_path, "--processes", "3", *nemeses, "--evidence", str(tmp_path / "evidence"))
    assert code == 0, said
    assert len((tmp_path / "evidence").read_text().splitlines()) == 3


def test_an_installer_that_does_nothing_is_found_and_what_is_wrong_is_kept(tmp_path):
    code, said = run_stress(
        tmp_path, "--processes", "2", "--nemesis", "none", "--cmd", f"install={sys.executable} -c pass {{wheels}}"
    )
    assert code == 1
    assert "leads from nothing to nothing" in said
    kept = re.search(r"are kept in (\S+):", said)[1]
    assert os.path.isdir(os.path.join(kept, "yours", "wrong-0"))
    assert os.path.isfile(os.path.join(kept, "yours", "history.jsonl"))
