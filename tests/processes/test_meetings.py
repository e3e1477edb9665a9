"""Two processes brought together at the one moment that a guard of the protocol is for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it needs fork and /proc/self/fd")


def meet(tmp_path: Path, meeting: str) -> None:
    path = os.pathsep.join([str(TESTS), str(TESTS.parent / "tools"), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-P", str(TESTS / "meetings.py"), str(tmp_path / "place"), meeting]
    ran = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=600, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout.splitlines()[-1]) == []


def test_a_commit_waits_for_the_settles_that_read_the_state_before_it(tmp_path: Path) -> None:
    meet(tmp_path, "commit_beside_an_older_settle")


def test_what_is_linked_after_a_settle_has_looked_stays(tmp_path: Path) -> None:
    meet(tmp_path, "link_beside_a_settle_that_looked")


def test_a_dist_info_that_is_gone_when_it_is_read_makes_the_claims_be_read_again(tmp_path: Path) -> None:
    meet(tmp_path, "dist_info_that_moves_while_claims_are_read")


def test_what_a_removal_leaves_is_not_shown_by_a_run_that_is_still_open(tmp_path: Path) -> None:
    meet(tmp_path, "removal_beside_an_open_run")


def test_a_users_file_that_two_runs_adopted_survives_them_both(tmp_path: Path) -> None:
    meet(tmp_path, "two_that_adopt_one_file")


def test_a_users_file_that_a_killed_run_never_came_to_stays(tmp_path: Path) -> None:
    meet(tmp_path, "users_file_that_a_killed_run_never_came_to")


def test_a_users_file_stays_while_who_found_it_has_not_come_back_to_it(tmp_path: Path) -> None:
    meet(tmp_path, "users_file_of_a_run_that_has_not_come_back_to_it")


def test_a_users_file_stays_where_who_found_it_ends_as_another_looks(tmp_path: Path) -> None:
    meet(tmp_path, "users_file_of_a_run_that_ends_as_another_looks")


def test_a_users_file_is_nobodys_to_replace_where_two_undone_runs_have_yet_to_come_to_it(tmp_path: Path) -> None:
    meet(tmp_path, "users_file_that_two_undone_runs_have_yet_to_come_to")


def test_a_users_file_stays_where_who_found_it_goes_while_another_one_is_being_undone(tmp_path: Path) -> None:
    meet(tmp_path, "users_file_of_a_run_that_is_being_undone_already")


def test_a_users_file_stays_where_it_was_found_before_another_run_was_published(tmp_path: Path) -> None:
    meet(tmp_path, "users_file_that_was_found_before_another_run_was_published")


def test_a_users_file_stays_where_it_is_made_as_two_runs_are_to_clash(tmp_path: Path) -> None:
    meet(tmp_path, "users_file_that_is_made_where_two_runs_are_to_clash")


def test_a_users_file_that_an_open_run_found_bars_other_bytes(tmp_path: Path) -> None:
    meet(tmp_path, "other_bytes_where_an_open_run_found_a_users")


def test_a_users_file_that_an_open_run_found_bars_an_upgrade(tmp_path: Path) -> None:
    meet(tmp_path, "upgrade_to_other_bytes_where_an_open_run_found_a_users")


def test_a_users_file_that_an_open_run_found_is_set_aside_by_force(tmp_path: Path) -> None:
    meet(tmp_path, "forced_bytes_where_an_open_run_found_a_users")


def test_what_lies_above_a_directory_that_an_open_run_keeps_from_going_goes_too(tmp_path: Path) -> None:
    meet(tmp_path, "directories_that_an_open_run_keeps_from_going")


def test_a_directory_that_cannot_be_left_to_an_open_run_makes_nobody_fail(tmp_path: Path) -> None:
    meet(tmp_path, "directory_that_cannot_be_left")


def test_a_directory_that_an_open_run_keeps_from_going_goes_with_it(tmp_path: Path) -> None:
    meet(tmp_path, "directory_that_an_open_run_keeps_from_going")


def test_a_directory_that_is_left_to_a_run_that_is_going_goes_with_it(tmp_path: Path) -> None:
    meet(tmp_path, "directory_that_is_left_to_a_run_that_is_going")


def test_a_directory_that_empties_as_it_is_left_goes(tmp_path: Path) -> None:
    meet(tmp_path, "directory_that_empties_as_it_is_left")


def test_what_goes_as_an_open_run_meets_it_is_not_taken_for_a_users(tmp_path: Path) -> None:
    meet(tmp_path, "removal_of_what_an_open_run_has_met")


def test_of_two_runs_that_clash_never_both_fail_to_see_the_other(tmp_path: Path) -> None:
    meet(tmp_path, "two_that_refuse_each_other")


def test_a_removal_of_two_names_takes_what_is_coming_of_both(tmp_path: Path) -> None:
    meet(tmp_path, "removal_of_what_is_coming")


def test_a_removal_waits_for_what_is_committed_and_not_shown_yet(tmp_path: Path) -> None:
    meet(tmp_path, "removal_of_what_is_not_shown_yet")


def test_a_sync_sees_what_a_run_has_committed_that_was_killed_as_it_waited_for_it(tmp_path: Path) -> None:
    meet(tmp_path, "sync_beside_what_is_never_shown")


def test_syncs_come_one_after_the_other_though_they_share_no_name(tmp_path: Path) -> None:
    meet(tmp_path, "two_syncs_that_find_nothing")


def test_a_sync_waits_for_whoever_is_at_work_whatever_names_that_is_about(tmp_path: Path) -> None:
    meet(tmp_path, "sync_beside_a_run_of_another_name")


def test_nobody_comes_and_goes_while_a_sync_is_at_work(tmp_path: Path) -> None:
    meet(tmp_path, "run_of_another_name_beside_a_sync")


def test_who_comes_later_does_not_keep_a_sync_waiting(tmp_path: Path) -> None:
    meet(tmp_path, "run_behind_a_sync_that_waits")


def test_what_is_asked_for_by_name_and_stands_is_held(tmp_path: Path) -> None:
    meet(tmp_path, "sync_beside_what_stands_and_is_asked_for")


def test_what_is_chosen_by_name_is_chosen_anew_where_that_name_has_come_meanwhile(tmp_path: Path) -> None:
    meet(tmp_path, "name_that_comes_as_it_is_chosen")
