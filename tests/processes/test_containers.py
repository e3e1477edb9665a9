"""Containers share an environment: what the campaign looks for is found, and a few real rounds go well."""

from __future__ import annotations

import itertools
import os
import random
import subprocess
import sys
from collections.abc import Iterator

import pytest

if sys.platform == "win32":
    pytest.skip("campaigns run on POSIX", allow_module_level=True)

import boxes
import boxplays
import containers
import killing

HELD = "waited 1 s for the lock x, held by pid {} `lugnut install` {} for 1 s"


@pytest.mark.parametrize(
    ("said", "count"),
    [
        (HELD.format(1, "in another container on host box-0"), 0),
        (HELD.format(7, "in another container on host box-0"), 1),
        (HELD.format(1, "in another container on host box-1"), 1),
        (HELD.format(1, "on host box-0"), 1),
        ("held by another process, perhaps a worker that pid 1 `sleep` left behind", 2),
        ("held by another process", 1),
    ],
)
def test_words_that_name_somebody_else_are_found(said: str, count: int) -> None:
    assert len(boxplays.judge_words(said, [(1, "box-0")], named=True)) == count


def test_of_several_any_may_be_the_one_who_is_waited_for() -> None:
    said = HELD.format(1, "in another container on host box-2")
    assert boxplays.judge_words(said, [(1, "box-0"), (1, "box-2")]) == []
    assert len(boxplays.judge_words(said, [(1, "box-0"), (1, "box-1")])) == 1
    assert boxplays.judge_words("installed x", [(1, "box-0")]) == []


def test_all_kinds_of_containers_come_before_one_comes_again() -> None:
    kinds = list(itertools.islice(containers.make_kinds("unshare", random.Random(1)), 16))
    assert len({*kinds[:8]}) == len({*kinds[8:]}) == 8
    assert kinds[:8] != kinds[8:]


def test_a_caller_may_have_a_store_of_its_own() -> None:
    made = [boxes.Box(0), boxes.Box(1)]
    wrap = boxplays.Kind("unshare", own_users=False, own_stores=True, two_mounts=False).wrap(made)
    assert wrap(1, ["lugnut", "install", "--cache-dir", "/c"])[-4:] == ["lugnut", "install", "--cache-dir", "/c-1"]
    assert wrap(1, ["lugnut", "check"])[-2:] == ["lugnut", "check"]


@pytest.fixture(params=boxes.ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    if reason := boxes.lacking(request.param):
        pytest.skip(reason)
    return str(request.param)


WHO = "import os; print(os.getpid(), os.getuid(), os.getgid(), os.uname().nodename, os.umask(0))"


def test_a_container_has_processes_a_user_and_a_host_of_its_own(engine: str) -> None:
    command = boxes.Box(3, engine, own_user=True).wrap([sys.executable, "-c", WHO])
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.split() == ["1", str(boxes.FIRST_USER + 3), str(boxes.GROUP), "box-3", "2"]


def test_a_process_with_a_chosen_pid_is_there() -> None:
    if reason := boxes.lacking("unshare"):
        pytest.skip(reason)
    command = boxes.Box(0, twin=4711).wrap(["ls", "-d", "/proc/4711"])
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "/proc/4711\n"


@pytest.fixture
def _own_surroundings() -> Iterator[None]:
    """Take back what a campaign makes of the process that it runs in."""
    umask = os.umask(0o022)
    os.umask(umask)
    yield
    os.umask(umask)
    killing.adopt_orphans(adopting=False)


@pytest.mark.usefixtures("_own_surroundings")
@pytest.mark.parametrize("scenario", ["upgrade", "wait"])
def test_a_round_of_two_containers_goes_well(engine: str, scenario: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--rounds", "1", "--containers", "2", "--engine", engine, "--scenario", scenario]
    assert containers.main(words) == 0
    assert f"| {engine}" in capsys.readouterr().out


@pytest.mark.usefixtures("_own_surroundings")
def test_a_killed_container_is_recovered_from_the_others(engine: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--rounds", "1", "--containers", "3", "--engine", engine, "--scenario", "kill", "--seed", "2"]
    assert containers.main(words) == 0
    assert "| kill " in capsys.readouterr().out


@pytest.mark.usefixtures("_own_surroundings")
def test_containers_that_share_no_locks_are_found(capsys: pytest.CaptureFixture[str]) -> None:
    if reason := boxes.lacking("unshare"):
        pytest.skip(reason)
    assert containers.main(["--self-test", "--rounds", "1"]) == 0
    assert "wrong in 1 of 1 rounds" in capsys.readouterr().out
