"""The campaigns of tools/ can fail: each finds what it looks for where it is planted."""

import os
import sys

import pytest

import fights
import killing
import kills
import obstacles
import programs
import promises
import races
import replacing
import sameness
import shown as showing
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
        ("uninstall", 0, "skipped x: it is not installed in .venv", False),
        ("uninstall", 1, "x cannot be removed", True),
    ],
)
def test_no_exit_code_but_zero_is_forgiven(words, code, text, is_failure):
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
        found = killing.kill(killing.Steps(process, str(tmp_path / "site")), "group")
    assert found == ("group", True, ["t1/open"], False)
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


PHASES = """
import os, shutil, sys, time
def work():
    end = time.process_time() + 0.03
    while time.process_time() < end:
        pass
site, place = sys.argv[1], sys.argv[1] + "/.lugnut/transactions/"
work()
os.makedirs(place + "new-t1")
open(place + "new-t1/open", "w").close()
os.rename(place + "new-t1", place + "t1")
worker = os.fork()
work()
if worker == 0:
    os._exit(0)
os.waitpid(worker, 0)
os.rename(place + "t1/open", place + "t1/committed")
work()
shutil.rmtree(place + "t1")
work()
"""


@pytest.mark.usefixtures("_adopting")
def test_a_run_in_slices_stands_still_between_them_and_is_seen_in_every_phase(tmp_path):
    site, environ = str(tmp_path / "site"), dict(os.environ)
    with open(tmp_path / "out", "w+") as output:
        process = killing.start([sys.executable, "-c", PHASES, site], environ, output)
        steps = killing.Steps(process, site)
        killing.reach(steps, killing.Moment("open", 1, 0.0, worker=True))
        assert (steps.phase, len(steps.workers)) == ("open", 1)
        assert {killing.state_of(pid) for pid in (process.pid, *steps.workers)} == {"T"}
        killing.reach(steps, killing.Moment("committed", 1))
        assert killing.kill(steps, "coordinator") == ("coordinator", True, ["t1/committed"], False)
        site += "2"
        process = killing.start([sys.executable, "-c", PHASES, site], environ, output)
        seen = killing.observe(process, site)
        killing.reap(process)
    assert process.returncode == 0
    assert [phase for phase in ("start", "open", "worker", "committed", "closed") if not seen[phase]] == []


@pytest.mark.parametrize("touched", [False, True])
def test_an_open_run_that_touched_something_is_found(tmp_path, touched):
    prefix, home = str(tmp_path / "venv"), str(tmp_path)
    programs.make_venv(prefix)
    site, old = trees.site_packages(prefix), trees.read_tree(prefix)
    os.makedirs(os.path.join(site, ".lugnut/transactions/t1"))
    for path in (".lugnut/transactions/t1/open", "new.py"):
        with open(os.path.join(site, path), "w"):
            pass
    if touched:
        os.chmod(os.path.join(prefix, "pyvenv.cfg"), 0o600)
    fight = fights.Fight("install", prefix, "", [], programs.clean_environ(home), old, old, {})
    result = kills.judge(fight, killing.Killed("group", True, ["t1/open"], False))
    assert (result.frozen, result.placed, result.state) == (True, 1, "corrupt")
    assert ("touched: pyvenv.cfg: mode 600, should be 644" in result.findings) == touched
    assert any("new.py" in line for line in result.findings)


# --- an installer that is not as good ---------------------------------------------------------------------------------


@pytest.fixture
def worse(tmp_path, monkeypatch):
    """Put a program in lugnut's place that runs it, and then a line of shell; $site is the environment's."""

    def make(line, act="install"):
        real, program = programs.find_program("lugnut"), tmp_path / "worse"
        program.write_text(
            f'#!/bin/sh\n{real} "$@"; code=$?\nroot="${{3%/bin/python}}"; site=$(echo "$root"/lib/*/site-packages)\n'
            f'if [ "$1" = {act} ]; then {line}; fi\nexit $code\n'
        )
        program.chmod(0o755)
        for module in ("ground", "together", "fights"):
            monkeypatch.setattr(f"{module}.find_program", lambda _: str(program))
        return str(tmp_path)

    return make


@pytest.mark.parametrize(
    ("line", "finding"),
    [
        ("echo >> $site/s/x.py", "wrong bytes"),
        ("printf aa > $site/s/x.py", "2 mixed"),
        ("rm $site/s/x.py", "missing"),
        ("chmod 600 $site/s/x.py", "mode 600"),
        ("echo $$ > $site/s/z.py", "2 trees"),
        ("echo warning: $$ >&2", "2 texts for 1 sets of names"),
        ("rm -r $site/.lugnut/kept", "neither shown nor kept"),
    ],
)
def test_a_tree_or_a_text_that_depends_is_found(worse, tmp_path, line, finding):
    wheels = [make_wheel(str(tmp_path), name, files={"s/x.py": name, "s/y.py": name * 2}) for name in ("aa", "bb")]
    home = worse(line)
    figures, wrong = sameness.install_all_ways(home, 2, wheels)
    assert finding in "\n".join(wrong)
    assert ("0 mixed" in figures) == ("mixed" not in finding)


@pytest.mark.parametrize("line", ["touch $site/left.py", "code=0", "code=3", "echo more >&2", "rm -rf $site/other"])
def test_a_refusal_that_is_none_is_found(worse, line):
    home = worse(f'case "$*" in *pkg-1.0*beside*|*beside*) ;; *) [ $code = 0 ] || {{ {line}; }};; esac')
    assert obstacles.play(home, 1, obstacles.directory_for_file)[0].endswith("0 of 1")


@pytest.mark.parametrize(
    "line", ["rm $site/shared/d0/m00.py", "touch $site/shared/d0/m00.py; echo >> $site/shared/d0/m00.py"]
)
@pytest.mark.parametrize("same", [True, False])
def test_an_owner_that_is_not_whole_is_found(worse, line, same):
    assert promises.remove_owners(worse(line, "uninstall"), 1, same=same)[0].endswith("0 of 1")


def test_old_code_that_runs_is_found(worse):
    figures, wrong = promises.run_new_code(worse("echo 'V = 1' > $site/pkg/__init__.py"), 2)
    assert (figures[-6:], wrong) == ("1 of 2", ["round 1: 1 runs"])


def test_a_damaged_file_that_is_placed_is_found(worse):
    assert "0 of 1" in promises.damage_store(worse("echo >> $site/pkg/m03.py"), 1)[0]


@pytest.mark.parametrize(("line", "count"), [(":", 0), ("touch $site/left.py", 1), ("rm $site/campaign_0?/m000.py", 1)])
def test_a_corrupt_environment_is_found_where_many_meet(worse, tmp_path, line, count):
    home = worse(line)
    versions = together.make_scenarios(os.path.join(home, "wheels"))[2]
    (played,) = together.campaign(versions, 2, 1, str(tmp_path), None)
    assert bool(played.findings) == bool(count)


def test_where_callers_never_met_nothing_was_shown(capsys):
    assert together.main(["--rounds", "1", "--callers", "1", "--scenario", "versions"]) == 1
    assert capsys.readouterr().out.endswith("'waits']\n")


def test_an_unkilled_run_that_leaves_the_wrong_environment_is_no_measure(worse):
    home = worse("echo >> $site/campaign_group0/owner.py")
    with pytest.raises(RuntimeError, match=r"owner\.py: wrong bytes"):
        fights.prepare("install", home)


@pytest.mark.parametrize("name", ["texts", "owners", "rivals", "code", "store", "directory", "file"])
def test_every_line_is_shown_in_a_few_rounds(name, capsys):
    assert showing.main([name, "--rounds", "2"]) == 0
    assert capsys.readouterr().out.endswith("1 of 1 as promised\n")
