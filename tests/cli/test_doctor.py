"""The doctor's screens and documents, and that it leaves everything as it was, however it ends."""

from __future__ import annotations

import os
import re
import signal
import tempfile
import time
from pathlib import Path

import pytest

import lugnut
from environments import make_interpreter, make_venv
from lugnut.errors import Interrupted
from lugnut.system import locks
from screens import Room

linux = pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs /proc")
ROW = re.compile(r"^(environment|scripts|cache) +(\S.*?)  +(ok|none|warning|not tried|not possible)  +(.*)$")


def rows(screen: str) -> dict[tuple[str, str], str]:
    found = (ROW.match(line) for line in screen.splitlines())
    return {(one[1], one[2]): one[3] for one in found if one}


def snapshot(*places: Path) -> dict[str, tuple[int, int, int, bytes]]:
    """Give inode, mode, time and bytes of every file, and of directories all but the time."""
    found = {}
    for path in sorted(path for place in places for path in (place, *place.rglob("*"))):
        here = path.lstat()
        data = path.read_bytes() if path.is_file() else b""
        found[str(path)] = (here.st_ino, here.st_mode, 0 if path.is_dir() else here.st_mtime_ns, data)
    return found


@pytest.fixture
def used(room: Room) -> Room:
    """A room whose environment and cache have something in them."""
    room.run(f"install {room.wheel('one')}")
    return room


def test_the_screen_of_a_sound_environment(used: Room) -> None:
    screen = used.screen("doctor")
    lines = screen.splitlines()
    assert lines[0] == "All is well in ROOM/env"
    assert lines[1] == "environment: ROOM/env"
    assert lines[lines.index("") + 1].split() == ["Where", "What", "Verdict", "Found"]
    found = rows(screen)
    assert set(found.values()) <= {"ok", "none"}
    assert {("environment", "locks"), ("environment", "the probe itself"), ("environment", "claims")} <= set(found)
    assert "environment  .lugnut            ok       no run is open in it" in lines
    assert "environment  link mode          ok       files are hard links to the cache's" in lines
    assert "scripts      file system        ok       as for the environment: both lie in one mount" in lines
    assert len([line for line in lines if ROW.match(line)]) == len(lines) - lines.index("") - 3


def test_what_stands_stays_as_it_is(used: Room) -> None:
    before = snapshot(used.target, used.path / "cache")
    assert used.run("doctor -v")[0] == 0
    assert snapshot(used.target, used.path / "cache") == before


def test_nothing_is_made_where_nothing_stands_yet(room: Room) -> None:
    assert room.run("doctor")[0] == 0
    assert sorted(path.name for path in room.path.iterdir()) == ["wheels"]


def test_an_environment_of_another_interpreter_leaves_no_trace_in_the_cache(room: Room) -> None:
    program = make_interpreter(room.path)
    before = snapshot(room.path)
    assert room.run(f"doctor -p {program}")[0] == 0
    after = snapshot(room.path)
    assert after.keys() - before.keys() <= {f"{room.path}/starts"}


def test_quiet_shows_trouble_alone_and_twice_nothing(used: Room) -> None:
    assert used.screen("doctor -q") == ""
    assert used.screen("doctor -qq") == ""
    (used.target / ".lugnut" / "transactions" / "dead").mkdir(parents=True)
    assert used.screen("doctor -q").splitlines()[2:] == [
        "environment  .lugnut  warning  1 run is at work, or was killed",
        "                               hint: `lugnut recover` looks after the killed ones",
    ]
    assert used.screen("doctor -qq") == ""


def test_verbose_names_the_mount_options(used: Room) -> None:
    plain, more = (used.run(f"doctor {flag}".strip())[1].splitlines() for flag in ("", "-v"))
    assert len(more) > len(plain)
    assert any(line.strip().startswith(("rw,", "ro,")) for line in more)


def test_the_document_says_what_will_be_used(used: Room) -> None:
    document = used.document("doctor")
    assert (document["safe"], document["ways"], document["claims"]) == (
        True,
        {"environment": "hardlink", "scripts": "hardlink"},
        {"environment": "link", "scripts": "link"},
    )
    assert [place["place"] for place in document["places"]] == ["environment", "scripts", "cache"]
    assert {"place", "subject", "verdict", "text", "remedy"} == set(document["findings"][0])
    assert used.document("doctor --link-mode copy")["ways"]["environment"] == "copy"


@pytest.mark.parametrize("link_mode", ["auto", "hardlink", "clone", "copy"])
@pytest.mark.parametrize("beside", [True, False])
def test_an_install_goes_the_way_that_was_said(room: Room, link_mode: str, *, beside: bool) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as elsewhere:
        cache = str(room.path / "cache") if beside else elsewhere
        flags = f"--link-mode {link_mode} --cache-dir {cache}"
        [way] = set(room.document(f"doctor {flags}")["ways"].values())
        assert room.run(f"install {room.wheel('one')} {flags}")[0] == 0
        assert (os.stat(room.target / "one.py").st_nlink > 1) == (way == "hardlink")
        if beside:
            assert (way == "hardlink") == (link_mode in {"auto", "hardlink"})


def test_the_configuration_decides_the_way_as_it_does_for_an_install(used: Room) -> None:
    used.write("pyproject.toml", '[tool.lugnut]\nlink-mode = "copy"\n')
    assert "files are copies of the cache's (--link-mode copy)" in used.screen("doctor")


def test_a_temporary_cache_is_examined_where_it_would_be(room: Room) -> None:
    document = room.document("doctor --no-cache")
    assert document["safe"]
    assert not os.path.exists(document["places"][-1]["path"])


@linux
def test_what_lugnut_would_refuse_is_exit_1_with_a_remedy(room: Room) -> None:
    screen = room.screen("doctor -q --target /proc/nowhere")
    assert "environment  writing " in screen
    assert "hint: mount it read-write, make room, or give permission" in screen
    assert screen.endswith("[1]\n")
    assert room.document("doctor --target /proc/nowhere")["safe"] is False


def test_a_newer_layout_is_told_of(used: Room) -> None:
    (used.target / ".lugnut" / "format").write_text("99\n")
    screen = used.screen("doctor -q")
    assert re.search(r"\.lugnut +not possible +.*/format has format 99, and this lugnut reads up to 2\n", screen)
    assert screen.endswith("[1]\n")


def test_a_python_that_its_system_manages_is_told_of(room: Room) -> None:
    program = make_interpreter(room.path)
    (room.path / "lib" / "python" / "EXTERNALLY-MANAGED").write_text("[externally-managed]\nError=use apt\n")
    screen = room.screen(f"doctor -p {program} -q")
    assert re.search(r"managed +not possible +the Python at ROOM is managed by its system: use apt\n", screen)
    assert room.run(f"doctor -p {program} --break-system-packages")[0] == 0


def test_a_lock_file_that_is_another_users_is_named(used: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    from lugnut.system import files

    plain = files.open_lock

    def refuse(directory: files.Directory, name: str, *, create: bool) -> int:
        if name == "one.lock":
            raise PermissionError(13, "Permission denied", name)
        return plain(directory, name, create=create)

    monkeypatch.setattr(files, "open_lock", refuse)
    found = lugnut.doctor(target=used.target, cache_dir=used.path / "cache")
    [line] = [one for one in found.findings if one.subject == "lock files"]
    assert (found.safe, line.text) == (
        False,
        f"{used.target.resolve()}/.lugnut/locks/one.lock cannot be opened (Permission denied)",
    )


def test_locks_that_do_not_lock_are_exit_1(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "_lock", lambda *_words, **_options: True)
    found = lugnut.doctor(target=room.target, cache_dir=room.path / "cache")
    bad = {one.subject: one.text for one in found.findings if one.verdict == "impossible"}
    assert (found.safe, bad) == (False, {"locks": "two processes held one lock at the same time"})
    assert sorted(path.name for path in room.path.iterdir()) == ["wheels"]


def test_a_venv_is_examined_where_its_scripts_go(room: Room) -> None:
    venv = make_venv(room.path / "venv")
    document = room.document(f"doctor -p {venv}")
    assert [(one["place"], os.path.relpath(one["path"], venv)) for one in document["places"]][1] == ("scripts", "bin")


@pytest.mark.parametrize("calls", [1, 2, 3, 10])
def test_wherever_it_is_called_off_nothing_is_left(used: Room, calls: int) -> None:
    before = snapshot(used.target, used.path / "cache")
    left = calls

    def cancelled() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise Interrupted(signal="SIGINT", number=2)

    with pytest.raises(Interrupted):
        lugnut.doctor(target=used.target, cache_dir=used.path / "cache", cancelled=cancelled)
    assert snapshot(used.target, used.path / "cache") == before


def stop_in_the_middle(room: Room, number: signal.Signals) -> int:
    """Send a signal once the doctor has begun to try things; it may have ended by then."""
    with room.start("doctor") as process:
        while process.poll() is None and not list(room.target.glob(".lugnut-doctor-*")):
            time.sleep(0.001)
        process.send_signal(number)
        process.communicate(timeout=120)
    return process.returncode


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_nothing(used: Room, number: signal.Signals, code: int) -> None:
    before = snapshot(used.target, used.path / "cache")
    assert stop_in_the_middle(used, number) in {code, 0}
    assert snapshot(used.target, used.path / "cache") == before


def test_what_a_killed_one_leaves_the_next_one_sweeps(used: Room) -> None:
    before = snapshot(used.target, used.path / "cache")
    stop_in_the_middle(used, signal.SIGKILL)
    assert used.run("doctor")[0] == 0
    assert snapshot(used.target, used.path / "cache") == before


def test_it_takes_no_names(room: Room) -> None:
    assert room.screen("doctor x") == (
        "error: `lugnut doctor` takes no names, not 'x'\nhint: lugnut doctor --help\n[2]\n"
    )
