"""Two runs that meet with clashing wheels: at least one sees the other, whatever their timing (DESIGN 3)."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rooms import Room
from together import run_together
from trees import differences, reference_tree, without_generated

ROUNDS = int(os.environ.get("LUGNUT_TEST_ROUNDS", "10"))


def make_rivals(room: Room) -> tuple[str, str]:
    """Two wheels with paths of their own and five they share, of which one has equal bytes."""
    wheels = []
    for name in ("jwt", "pyjwt"):
        files = {f"jwt/m{number}.py": f"whose = {name!r}\n" * (number + 1) for number in range(4)}
        files |= {"jwt/__init__.py": "", f"{name}_own/__init__.py": "", f"{name}_own/x.py": f"N = {name!r}\n"}
        wheels.append(room.wheel(name, "1.0", files))
    return wheels[0], wheels[1]


def meet(room: Room, wheels: tuple[str, str], mode: str, number: int) -> list[tuple[int, str, dict[str, object]]]:
    """Let two runs go at once; gives the exit code, stderr and report of each."""
    commands = [room.command("install", "--json", "--on-conflict", mode, wheel) for wheel in wheels]
    turn = -1 if number % 2 else 1  # whoever is started first has a small lead: take turns
    ran = run_together(commands[::turn], room.environ, str(room.path))[::turn]
    return [(one.code, one.err, json.loads(one.out)) for one in ran]


def expected(room: Room, empty: dict, wheels: list[str]) -> list[str]:
    return differences(
        {**without_generated(empty), **reference_tree(wheels, str(room.prefix))}, without_generated(room.tree())
    )


def test_with_error_the_two_never_both_succeed_and_the_refused_one_placed_nothing(tmp_path: Path) -> None:
    room = Room(tmp_path)
    wheels = make_rivals(room)
    empty = room.tree()
    for wheel in wheels:  # into the store, so that what they race for is the environment
        room.do("install", wheel)
        room.do("uninstall", "jwt" if wheel is wheels[0] else "pyjwt")
    assert room.tree() == empty
    outcomes: Counter[str] = Counter()
    for number in range(ROUNDS):
        ran = meet(room, wheels, "error", number)
        codes = [code for code, _, _ in ran]
        assert sorted(codes) in ([0, 4], [4, 4]), ran
        winners = [wheel for wheel, code in zip(wheels, codes, strict=True) if code == 0]
        assert expected(room, empty, winners) == []
        assert room.findings() == []
        for code, err, report in ran:
            if code == 4:
                assert "refused, nothing was changed: jwt/m0.py and 3 more paths" in err
                assert report["error"] == "ConflictRefused"
        outcomes[" ".join(str(code) for code in codes)] += 1
        if winners:
            room.do("uninstall", os.path.basename(winners[0]).partition("-")[0])
        assert room.tree() == empty
    print(f"--on-conflict error, {ROUNDS} rounds, exit codes: {dict(outcomes)}")


def test_with_warn_both_succeed_and_at_least_one_warns(tmp_path: Path) -> None:
    room = Room(tmp_path)
    wheels = make_rivals(room)
    empty = room.tree()
    room.do("install", *wheels)
    whole = room.digest()
    room.do("uninstall", "jwt", "pyjwt")
    warned: Counter[int] = Counter()
    texts = set()
    for number in range(ROUNDS):
        ran = meet(room, wheels, "warn", number)
        assert [code for code, _, _ in ran] == [0, 0], ran
        told = [err for _, err, report in ran if report["conflicts"]]
        assert told
        texts |= {line for err in told for line in err.splitlines() if line.startswith("warning")}
        warned[len(told)] += 1
        assert expected(room, empty, list(wheels)) == []
        assert room.findings() == []
        assert room.digest() == whole
        room.do("uninstall", "jwt", "pyjwt")
        assert room.tree() == empty
    assert len(texts) == 1, texts
    print(f"--on-conflict warn, {ROUNDS} rounds, runs that warned: {dict(warned)}")


@pytest.mark.parametrize("installed", [0, 1], ids=["loser", "winner"])
def test_with_error_a_clash_with_what_is_installed_is_refused_before_anything_is_placed(
    tmp_path: Path, installed: int
) -> None:
    room = Room(tmp_path)
    wheels = make_rivals(room)
    room.do("install", wheels[installed])
    before = room.tree()
    ran = room.lugnut("install", "--on-conflict", "error", wheels[1 - installed])
    assert ran.code == 4
    assert room.tree() == before
    assert room.findings() == []


def test_with_error_equal_bytes_are_no_conflict_and_an_overlay_decides_one(tmp_path: Path) -> None:
    room = Room(tmp_path)
    first = room.wheel("first", "1.0", {"shared/__init__.py": "", "first.py": ""})
    second = room.wheel("second", "1.0", {"shared/__init__.py": "", "second.py": ""})
    room.do("install", "--on-conflict", "error", first, second)
    jwt, pyjwt = make_rivals(room)
    assert room.lugnut("install", "--on-conflict", "error", jwt, pyjwt).code == 4
    room.do("install", "--on-conflict", "error", "--overlay", "jwt", jwt, pyjwt)
    assert "jwt'" in room.read("jwt/m0.py")
    assert room.findings() == []


# --- one of them kept in the middle -----------------------------------------------------------------------------------


@contextmanager
def stripes_held(room: Room) -> Iterator[None]:
    """Hold all stripes: whoever meets a file in its place gets no further until the block ends."""
    place = room.site / ".lugnut" / "locks"
    opened = [os.open(place / f"path-{number:02x}.lock", os.O_RDWR | os.O_CREAT, 0o644) for number in range(64)]
    try:
        for descriptor in opened:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        for descriptor in opened:
            os.close(descriptor)


def until(seen: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not seen():
        assert time.monotonic() < end, "it never came that far"
        time.sleep(0.002)


def open_transactions(room: Room) -> int:
    return len(list((room.site / ".lugnut" / "transactions").glob("*/open")))


@pytest.mark.parametrize("held", [0, 1], ids=["jwt", "pyjwt"])
def test_a_run_in_the_middle_counts_as_much_as_what_is_installed(tmp_path: Path, held: int) -> None:
    room = Room(tmp_path)
    wheels = make_rivals(room)
    first, second = wheels[held], wheels[1 - held]
    room.do("install", room.wheel("before", "1.0", {"jwt/__init__.py": ""}))
    empty = room.tree()
    with stripes_held(room):  # it meets jwt/__init__.py, which has its bytes already
        command = room.command("install", "--on-conflict", "error", first)
        kept = subprocess.Popen(command, env=room.environ, stderr=subprocess.PIPE, text=True, start_new_session=True)
        until(lambda: open_transactions(room) == 1 and (room.site / "jwt/m3.py").exists())
        os.killpg(kept.pid, signal.SIGSTOP)
    try:
        middle = room.tree()
        refused = room.lugnut("install", "--on-conflict", "error", second)
        assert refused.code == 4
        assert "jwt/m0.py and 3 more paths" in refused.err
        assert room.tree() == middle
        told = json.loads(room.do("install", "--json", second).out)["conflicts"]
        assert [one["path"] for one in told] == [f"jwt/m{number}.py" for number in range(4)]
    finally:
        os.killpg(kept.pid, signal.SIGCONT)
    _, err = kept.communicate(timeout=60)
    assert (kept.returncode, "warning" in err) == (0, False), err
    assert expected(room, empty, list(wheels)) == []
    assert room.findings() == []
