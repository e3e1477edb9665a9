"""The campaigns of tools/ can fail: each finds what it looks for where it is planted."""

import os

import pytest

import killing
import kills
import programs
import races
import replacing
import together
import trees
from wheels import make_wheel


def test_a_reader_finds_torn_and_missing_reads_on_a_deliberate_unlink_and_rewrite(tmp_path):
    seen = replacing.watch(str(tmp_path), replacing.rewrite_in_place)
    assert seen.torn > 0
    assert seen.missing > 0


def test_a_reader_finds_nothing_where_whole_files_are_renamed_over(tmp_path):
    seen = replacing.watch(str(tmp_path), replacing.rename_over)
    assert seen == (seen.reads, 0, 0)


@pytest.fixture
def race(tmp_path):
    wheels = [make_wheel(str(tmp_path), name, files={"s/x.py": name, "s/y.py": name * 2}) for name in ("aa", "bb")]
    return races.Race("two", wheels, "s/x.py", "hardlink")


@pytest.fixture
def prefix(tmp_path):
    programs.make_venv(str(tmp_path / "venv"))
    return str(tmp_path / "venv")


def shown(race, prefix, **owners):
    reference = trees.reference_tree(race.wheels, prefix)
    site = os.path.relpath(trees.site_packages(prefix), prefix)
    for path, content in owners.items():
        reference[f"{site}/s/{path}.py"] = trees.Entry("file", 0o644, trees.digest_bytes(content))
    return reference


@pytest.mark.parametrize("name", [b"aa", b"bb"])
def test_either_order_of_two_installs_is_a_right_tree_of_a_race(race, prefix, name):
    assert races.judge(race, prefix, shown(race, prefix, x=name, y=name * 2)) == ([], False)


def test_a_tree_of_both_is_mixed(race, prefix):
    assert races.judge(race, prefix, shown(race, prefix, x=b"aa", y=b"bbbb")) == (["mixed"], True)


@pytest.mark.parametrize("content", [b"", b"aabb", b"a"])
def test_a_tree_with_bytes_of_nobody_is_wrong(race, prefix, content):
    (wrong,), mixed = races.judge(race, prefix, shown(race, prefix, x=content, y=b"bbbb"))
    assert (wrong.endswith("no distribution has these bytes"), mixed) == (True, False)


def killed(state, *, found=True, kind="group"):
    there = ["t1/open"] if found else []
    return kills.Result(killing.Killed(kind, True, there, False), state, True, [])


def test_a_campaign_of_kills_fails_on_one_corrupt_environment():
    _, failed = kills.summarise("install", [killed("old")] * 30 + [killed("new")] * 29 + [killed("corrupt")])
    assert failed == ["install: 1 corrupt"]


def test_a_campaign_of_kills_fails_where_too_few_met_a_transaction():
    results = [killed("old", found=number < 34) for number in range(40)] + [killed("new", found=False)] * 10
    _, failed = kills.summarise("install", results)
    assert failed == ["install: a transaction in 34 of 50 only"]


def test_a_campaign_of_kills_fails_where_one_outcome_never_occurs():
    _, failed = kills.summarise("install", [killed("old")] * 50)
    assert failed == ["install: never new"]


def test_a_gate_lets_all_callers_go_and_reports_each(tmp_path):
    commands = [["/bin/sh", "-c", f"echo {number}; exit {number}"] for number in range(5)]
    ran = together.run_together(commands, {"PATH": os.environ["PATH"]}, str(tmp_path))
    assert [(one.code, one.out) for one in ran] == [(number, f"{number}\n") for number in range(5)]


@pytest.mark.parametrize(
    ("words", "code", "text", "is_failure"),
    [
        ("install", 0, "", False),
        ("install", 1, "x is not installed", True),
        ("uninstall", 1, "x is not installed in .venv", False),
        ("uninstall", 1, "x cannot be removed", True),
    ],
)
def test_only_finding_nothing_to_remove_is_forgiven(words, code, text, is_failure):
    assert bool(together.failed([words], programs.Ran(code, 0, 0, "", text))) == is_failure


@pytest.fixture
def _adopting():
    killing.adopt_orphans()
    yield
    killing.adopt_orphans(adopting=False)


@pytest.mark.usefixtures("_adopting")
def test_a_killed_run_leaves_no_process_behind(tmp_path):
    command = ["/bin/sh", "-c", "sleep 60 & sleep 60 & echo ready; wait"]
    (tmp_path / "site" / ".lugnut" / "transactions" / "t1").mkdir(parents=True)
    (tmp_path / "site" / ".lugnut" / "transactions" / "t1" / "open").touch()
    with open(tmp_path / "out", "w+") as output:
        process = killing.start(command, dict(os.environ), output)
        assert killing.wait_for(process, lambda: len(killing.workers_of(process.pid)) == 2)
        found = killing.kill(process, "group", str(tmp_path / "site"))
    assert found == ("group", True, ["t1/open"], False)
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
