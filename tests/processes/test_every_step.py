"""Whatever step an act is stopped at, one of the two legal environments is there afterwards (G1, G3, G4).

The steps and their number are found by counting, so they follow the code. `LUGNUT_TEST_STEPS=all` takes every step in
every way (some minutes); else kills and meetings take every step and the rest a sample, which is printed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent
ALL = os.environ.get("LUGNUT_TEST_STEPS") == "all"
ALONE = [
    "fresh",
    "upgrade",
    "uninstall_winner",
    "reinstall",
    "rebuild",
    "shape",
    "rank",
    "adopt_and_force",
    "withdrawn",
]
TOGETHER = [
    "fresh_beside", "fresh_above", "upgrade", "upgrade_beside", "upgrade_below", "uninstall_both", "uninstall_both_low",
    "install_over_leaving", "install_under_leaving", "install_below_leaving", "restore_meets", "leave_over_install",
    "leave_under_install", "rank_meets", "rank_met",
]  # fmt: skip

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it needs fork and /proc/self/fd")


def drive(tmp_path: Path, scenario: str, how: str, stride: int) -> None:
    """Take a scenario through its steps; every finding is one line of the failure."""
    stride = 1 if ALL else stride
    path = os.pathsep.join([str(TESTS), str(TESTS.parent / "tools"), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-P", str(TESTS / "stepdriver.py"), str(tmp_path / "place"), scenario, how, str(stride)]
    ran = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=1800, check=False
    )
    assert ran.returncode == 0, ran.stderr
    said = json.loads(ran.stdout.splitlines()[-1])
    print(f"{scenario}, {how}: {said['runs']} runs over {said['steps']} steps, every {stride}.")
    assert said["runs"] > 0
    assert not said["wrong"], "\n".join(said["wrong"])


@pytest.mark.parametrize("scenario", ALONE)
def test_killed_at_any_step_the_next_command_finishes_or_undoes_it(tmp_path: Path, scenario: str) -> None:
    drive(tmp_path, scenario, "kill", 1)


@pytest.mark.parametrize("scenario", ALONE)
def test_killed_in_the_middle_of_a_write_it_is_finished_or_undone(tmp_path: Path, scenario: str) -> None:
    drive(tmp_path, scenario, "tear", 11)


@pytest.mark.parametrize("how", ["kill-copied", "kill-unlinked"])
@pytest.mark.parametrize("scenario", ["install_under_leaving", "rebuild"])
def test_killed_where_links_fail_no_part_of_a_copy_stays(tmp_path: Path, scenario: str, how: str) -> None:
    drive(tmp_path, scenario, how, 3)


@pytest.mark.parametrize("scenario", ALONE)
def test_interrupted_after_any_step_the_next_command_finishes_or_undoes_it(tmp_path: Path, scenario: str) -> None:
    drive(tmp_path, scenario, "interrupt", 3)


@pytest.mark.parametrize("scenario", ALONE)
def test_a_step_that_is_refused_leaves_nothing_that_the_next_command_does_not_mend(
    tmp_path: Path, scenario: str
) -> None:
    drive(tmp_path, scenario, "fail", 5)


@pytest.mark.parametrize("scenario", ALONE)
def test_a_recovery_killed_at_any_step_of_its_own_is_finished_by_the_next(tmp_path: Path, scenario: str) -> None:
    drive(tmp_path, scenario, "recovery", 47)


@pytest.mark.parametrize("scenario", TOGETHER)
def test_two_runs_end_in_the_same_tree_wherever_one_meets_the_other(tmp_path: Path, scenario: str) -> None:
    drive(tmp_path, scenario, "meet", 1)


@pytest.mark.parametrize("scenario", TOGETHER)
def test_a_run_killed_in_front_of_another_leaves_the_others_result(tmp_path: Path, scenario: str) -> None:
    drive(tmp_path, scenario, "meet-killed", 6)
