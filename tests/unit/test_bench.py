"""tools/bench.py: its arithmetic, its templates, its gate, and one round of every mode."""

import itertools
import json
import os
import sys
import zipfile

import pytest

import bench
import crowds
import floor
import growth
import idle
import outcomes
import peers
import pictures
import workloads
from benchmodes import MODES
from measuring import Cost, FailedError, Starter
from oracle import check_environment
from rounds import Round
from targets import TARGETS, Target
from wheels import make_wheel

# --- templates --------------------------------------------------------------------------------------------------------

FIELDS = {"python": "/env/bin/python", "prefix": "/env", "cache": "/a cache", "link_mode": "copy"}


def test_a_template_is_filled_in_word_by_word():
    words = peers.expand("x -c={cache} --to {prefix}/lib {wheels} {names}", FIELDS, {"wheels": ["a b.whl", "c.whl"]})
    assert words == ["x", "-c=/a cache", "--to", "/env/lib", "a b.whl", "c.whl"]


@pytest.mark.parametrize("text", ["x={pythn}", "x=a {", "x=a --{wheels}", "=a", "uv=a {python}", "unknown"])
def test_a_peer_that_cannot_be_run_is_refused(text):
    with pytest.raises(ValueError, match=r"\w"):
        peers.parse_peer(text)


def test_a_peer_is_built_in_or_has_a_template():
    assert peers.parse_peer("pip") is peers.BUILT_IN["pip"]
    mine = peers.parse_peer("mine=mine add --to {prefix} {wheels}")
    assert (mine.name, mine.program, mine.compile, mine.uninstall) == ("mine", "mine", "", "")


@pytest.mark.parametrize("peer", peers.BUILT_IN.values(), ids=lambda peer: peer.name)
@pytest.mark.parametrize("act", ["install", "compile", "uninstall"])
def test_the_templates_built_in_have_known_fields(peer, act):
    words = peers.expand(getattr(peer, act), FIELDS, {"wheels": ["w"], "names": ["n"]})
    assert "/env/bin/python" in words
    assert words[-1] == ("n" if act == "uninstall" else "w")


# --- the gate ---------------------------------------------------------------------------------------------------------


def test_what_waits_for_the_disk_is_not_busy():
    assert idle.count_busy("cpu  100 10 50 9999 777 3 4 5 60 0\n") == 172


def test_only_the_kernels_own_threads_are_set_apart():
    assert idle.count_thread("7 (kworker) 0:1) S 2 0 0 0 -1 0 0 0 0 0 30 12 0 0") == 42
    assert idle.count_thread("7 (python) S 1 0 0 0 -1 0 0 0 0 0 30 12 0 0") == 0


@pytest.mark.parametrize(
    ("busy", "kernel", "ours", "expected"),
    [(2.0, 0.0, 2.0, 0.0), (2.0, 0.5, 1.5, 0.0), (3.04, 0.0, 2.0, 0.5), (1.9, 0.0, 2.0, 0.0), (0.03, 0.0, 0.0, 0.0)],
)
def test_others_are_what_neither_we_nor_the_kernel_did(busy, kernel, ours, expected):
    spent = [idle.Spent(1.5, busy / 2, kernel / 2), idle.Spent(0.5, busy / 2, kernel / 2)]
    assert idle.others(spent, ours) == pytest.approx(expected)


def test_a_busy_machine_is_not_waited_for_for_ever():
    assert idle.wait_until_idle(0.0, 0.0) is False
    assert idle.wait_until_idle(99.0, 0.0) is True


# --- what a run costs -------------------------------------------------------------------------------------------------

HUNGRY = "import os; [os.waitpid(pid, 0) for pid in [os.fork()] if pid or [len(b'x' * {mb} * 10**6), os._exit(0)]]"


def test_memory_is_that_of_the_largest_process_and_not_of_whoever_starts_it(tmp_path):
    ballast = bytearray(os.urandom(1 << 20)) * 150
    with Starter(str(tmp_path)) as starter:
        small, large = (
            starter.run([[sys.executable, "-I", "-S", "-c", HUNGRY.format(mb=mb)]], dict(os.environ)).memory
            for mb in (0, 100)
        )
    assert len(ballast) > 100e6
    assert small < 40
    assert 100 < large < 140


def test_of_many_the_last_counts_and_their_work_is_added(tmp_path):
    work = "import time\nend = time.process_time() + {0}\nwhile time.process_time() < end: pass"
    commands = [[sys.executable, "-I", "-S", "-c", work.format(seconds)] for seconds in (0.05, 0.2)]
    with Starter(str(tmp_path)) as starter:
        cost = starter.run(commands, {})
    assert cost.cpu >= 0.25
    assert cost.wall >= 0.2


def test_a_failed_command_is_told_with_its_words(tmp_path):
    with Starter(str(tmp_path)) as starter, pytest.raises(FailedError, match="exit 3: why"):
        starter.run([["/bin/sh", "-c", "echo why >&2; exit 3"]], {})


# --- outcomes ---------------------------------------------------------------------------------------------------------


def played(*ran, kept=True, workload="W4", mode="warm", wheels=10, files=100):
    """Make rounds out of {contestant: (wall, CPU, memory)}."""
    return [
        Round(workload, mode, wheels, files, number, kept, 0.0, 0.1, {name: Cost(*one) for name, one in costs.items()})
        for number, costs in enumerate(ran)
    ]


def test_a_ratio_is_taken_within_a_round_and_discarded_rounds_do_not_count():
    rounds = played(
        {"lugnut": (1, 1, 30), "uv": (2, 4, 40)}, {"lugnut": (6, 1, 30), "uv": (2, 2, 40)}, {"lugnut": (1, 1, 1)},
        {"lugnut": (3, 2, 30), "uv": (3, 1, 40)},
    )  # fmt: skip
    [case] = outcomes.group([*rounds, *played({"lugnut": (99, 1, 1), "uv": (1, 1, 1)}, kept=False)])
    assert outcomes.ratios(case, "lugnut", "uv", outcomes.wall) == (1.0, 0.5, 3.0)
    assert outcomes.ratios(case, "lugnut", "uv", outcomes.cpu) == (0.5, 0.25, 2.0)
    assert outcomes.ratios(case, "lugnut", "pip", outcomes.wall) is None


def test_a_row_says_what_was_measured_and_what_was_to_be():
    rounds = played(*[{"lugnut": (0.8, 0.9, 61), "uv": (1, 1, 40), "floor": (0.5, 1.0, 3)}] * 2)
    [case] = outcomes.group([*rounds, *played({}, kept=False)])
    row = dict(zip(outcomes.HEADER, outcomes.make_row(case), strict=True))
    assert (row["rounds (discarded)"], row["wall: lugnut / uv"], row["floor: wall, CPU"]) == (
        "2 (1)", "0.80", "1.60, 0.90",
    )  # fmt: skip
    assert row["memory MB: lugnut, uv"] == "61, 40"
    assert row["target"] == ("≤ 0.85: met (0.80); CPU ≤ 1.00 of floor: met (0.90); memory ≤ uv's + 20 MB: not met (21)")


def test_a_row_of_nothing_claims_nothing():
    [case] = outcomes.group(played({}, kept=False))
    assert outcomes.make_row(case)[2:5] == ["0 (1)", "", ""]
    assert outcomes.make_row(case)[-1].count("not measured") == 3
    assert outcomes.make_beside(case) == []


def test_who_has_no_column_has_a_line():
    [case] = outcomes.group(played({"lugnut": (1, 1, 30), "uv": (2, 4, 40), "pip": (4, 2, 50)}))
    assert outcomes.make_beside(case) == [["W4", "warm", "pip", "4.00", "0.25", "0.50", "50"]]


def test_the_targets_are_of_cases_that_there_are():
    for target in TARGETS:
        assert target.workload in bench.LOADS
        assert target.mode in MODES
    assert str(Target("W2", "bare", "cpu", 1.1, "checked", "bare")) == "checked: CPU ≤ 1.10 of bare"


def test_results_are_read_back_as_they_were_and_nothing_else_is(tmp_path):
    path = str(tmp_path / "results.jsonl")
    rounds = played({"lugnut": (1.5, 1, 30)}, {})
    for one in rounds:
        outcomes.append_round(path, one)
    assert outcomes.read_rounds(path) == rounds
    with open(path, "a") as file:
        file.write(json.dumps({"workload": "W1"}) + "\n")
    with pytest.raises(ValueError, match="line 3"):
        outcomes.read_rounds(path)


# --- growth -----------------------------------------------------------------------------------------------------------


def test_a_line_is_found_through_points_on_it():
    assert growth.fit([(10, 0.7), (100, 2.5), (1000, 20.5)]) == pytest.approx((0.5, 0.02))


@pytest.mark.parametrize(("power", "expected"), [(1, 1.0), (2, 10.0)])
def test_a_bend_says_how_far_from_linear(power, expected):
    assert growth.bend([(x, 3 + x**power) for x in (1000, 10, 100)]) == pytest.approx(expected)


def test_growth_has_a_line_for_each_series_that_is_whole():
    rounds = [
        one
        for load, wheels in (("N10", 10), ("N100", 100), ("N1000", 1000), ("F1k", 10))
        for one in played({"lugnut": (0.1 + wheels / 1000, 1, 1)}, workload=load, wheels=wheels)
    ]
    [row] = growth.make_rows(outcomes.group(rounds))
    assert row[:2] == ["wheel", "lugnut"]
    assert row[3:] == ["1.00 ms a wheel", "0.100 s", "1.00", "linear (bend ≤ 1.25): met"]


def test_pictures_are_drawn_of_what_there_is(tmp_path):
    pytest.importorskip("matplotlib")
    small, large = {"lugnut": (0.5, 1, 1), "uv": (1, 1, 1), "pip": (30, 1, 1)}, {"lugnut": (4, 1, 1), "uv": (1, 1, 1)}
    cases = outcomes.group([*played(small, small), *played(large, mode="cold")])
    assert pictures.draw(cases, str(tmp_path)) == [str(tmp_path / "speed.png")]
    assert pictures.draw([], str(tmp_path)) == []
    grown = [one for load in ("N10", "N100", "N1000") for one in played(small, workload=load, wheels=int(load[1:]))]
    [path] = pictures.draw(outcomes.group(grown), str(tmp_path))
    with open(path, "rb") as file:
        assert file.read(8) == b"\x89PNG\r\n\x1a\n"


# --- workloads --------------------------------------------------------------------------------------------------------


def test_parts_are_disjoint_whole_and_alike():
    sizes = {f"w{number}": number * 10 for number in range(40)}
    parts = crowds.share_out(list(sizes), sizes, 8)
    assert sorted(wheel for part in parts for wheel in part) == sorted(sizes)
    weights = [sum(sizes[wheel] for wheel in part) for part in parts]
    assert max(weights) - min(weights) <= 100
    assert crowds.share_out(["a"], {"a": 1}, 8) == [["a"]]


@pytest.mark.parametrize("shared", [False, True])
def test_made_files_are_code_of_realistic_size_that_compresses_and_differs(tmp_path, shared):
    recipe = workloads.Recipe(1, 120, shared)
    files = dict(workloads.write_files("bench_0000", recipe))
    assert len(files) == len(set(files.values())) == 120
    assert any(path.endswith("__init__.py") for path in files) is not shared
    sizes = sorted(map(len, files.values()))
    assert 450 < sizes[1] < sizes[-1] < 4300
    for path, text in files.items():
        compile(text, path, "exec")
    wheel = make_wheel(tmp_path, "bench_0000", "1.0", files)
    assert os.path.getsize(wheel) < sum(sizes) * 0.7
    assert files == dict(workloads.write_files("bench_0000", recipe))


def test_what_was_made_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(workloads, "GRAIN", 0)
    first = workloads.make_kept(str(tmp_path), workloads.Recipe(2, 3))
    monkeypatch.setattr(workloads, "make_wheel", None)
    assert workloads.make_kept(str(tmp_path), workloads.Recipe(2, 3)) == first


def test_a_directory_that_is_given_is_believed_and_one_that_is_kept_has_to_be_whole(tmp_path, monkeypatch):
    make_wheel(tmp_path / "given" / "w3", "packaging", "26.4")
    make_wheel(tmp_path / "given" / "w3", "torch", "2.0")
    make_wheel(tmp_path / "kept" / "w3", "packaging", "26.4")
    monkeypatch.setattr(workloads.sys, "executable", "/bin/false")
    places = workloads.Places(str(tmp_path / "kept"), str(tmp_path / "given"))
    assert workloads.find_workload("W3", places).names == ["packaging", "torch"]
    with pytest.raises(workloads.NotAtHandError, match="W3's wheels cannot be fetched here") as caught:
        workloads.find_workload("W3", places._replace(given=None))
    assert "\n" not in str(caught.value)


def test_a_later_version_is_a_right_wheel(tmp_path, monkeypatch):
    monkeypatch.setattr(workloads, "GRAIN", 0)
    modules = {f"x/m{number}.py": f"N = {number}\n" for number in range(20)}
    wheel = make_wheel(tmp_path, "x", "1.0", {**modules, "x-1.0.data/scripts/run": "#!python\n"})
    later = workloads.bump(wheel, str(tmp_path / "later"))
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(later) as new:
        same = [name for name in modules if old.read(name) == new.read(name)]
        assert 0 < len(same) < 20
        assert b"\nVersion: 1.0.post1\n" in new.read("x-1.0.post1.dist-info/METADATA")
        assert "x-1.0.post1.data/scripts/run" in new.namelist()


def test_the_cold_floor_writes_every_member(tmp_path):
    wheels = [
        make_wheel(tmp_path, "aa", files={f"aa/m{number}.py": f"N = {number}\n" * number for number in range(9)}),
        make_wheel(tmp_path, "bb", files={"bb/large.py": "# large\n" * 200_000}, compress=False),
    ]
    assert floor.main(str(tmp_path / "out"), wheels) == 0
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                assert (tmp_path / "out" / name).read_bytes() == archive.read(name)


# --- whole ------------------------------------------------------------------------------------------------------------


def test_cases_are_chosen_by_patterns():
    assert bench.choose(["W1 *arm", "W? warm"])[:2] == [("W1", "warm"), ("W0", "warm")]
    assert set(bench.choose(bench.GROWTH)) == {(load, "warm") for _, loads in growth.SERIES for load in loads}
    assert len(bench.choose(bench.USUAL)) == len(bench.USUAL)
    assert bench.choose(bench.OF_GIVEN, ["W"]) == [("W", "warm"), ("W", "cold"), ("W", "noop")]
    with pytest.raises(ValueError, match="no case is called 'W9 warm'"):
        bench.choose(["W9 warm"])


@pytest.fixture
def two_wheels(tmp_path):
    for name in ("aa", "bb"):
        files = {
            f"{name}/__init__.py": "",
            f"{name}/sub/m.py": f"NAME = {name!r}\n",
            f"{name}-1.0.data/data/share/{name}": "",
        }
        script = f"{name}-1.0.data/scripts/{name}-run"
        points = f"[console_scripts]\n{name}-main = {name}.sub.m:main\n"
        files[script] = "#!python\nprint()\n"
        make_wheel(tmp_path / "wheels", name, files=files, entry_points=points, executables=[script])
    return str(tmp_path / "wheels")


def test_every_mode_is_played_once_and_the_table_is_made_of_the_file_again(two_wheels, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(workloads, "GRAIN", 0)
    monkeypatch.setenv("LUGNUT_TOOLS_TMP", str(tmp_path))
    results = str(tmp_path / "results.jsonl")
    words = ["--rounds", "1", "--cold-rounds", "1", "--idle", "99", "--append", results]
    assert bench.main(["--wheels", two_wheels, "--case=W *", *words]) == 0
    said = capsys.readouterr().out
    rounds = outcomes.read_rounds(results)
    assert {one.mode for one in rounds} == set(MODES)
    assert all(one.kept and {"lugnut", "uv"} & one.ran.keys() for one in rounds)
    assert bench.main(["--report", results]) == 0
    assert capsys.readouterr().out == said.partition("\n")[2]


def test_an_environment_that_is_wrong_ends_the_campaign(two_wheels, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(workloads, "GRAIN", 0)
    monkeypatch.setenv("LUGNUT_TOOLS_TMP", str(tmp_path))
    monkeypatch.setattr("arena.check_environment", lambda site: [*check_environment(site), "a planted finding"])
    words = ["--wheels", two_wheels, "--case", "W warm", "--rounds", "1", "--idle", "99"]
    assert bench.main(words) == 1
    assert "lugnut left a wrong environment:\na planted finding" in capsys.readouterr().err


def test_a_machine_that_is_never_idle_is_no_measure(two_wheels, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("LUGNUT_TOOLS_TMP", str(tmp_path))
    moments = itertools.count()
    monkeypatch.setattr(idle, "look", lambda: idle.Look(*[float(next(moments))] * 2, 0.0))
    words = ["--wheels", two_wheels, "--case", "W version", "--rounds", "1", "--idle", "1", "--patience", "0"]
    assert bench.main(words) == 0
    said = capsys.readouterr()
    assert said.out.endswith("15 rounds, 15 thrown away because others worked on the machine\n")
    assert said.err.count("not played, the machine was never idle") == 15
