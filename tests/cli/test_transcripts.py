"""The screen as the test: the real command on real environments, word for word; only times and places are masked."""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal

import pytest

from screens import Room

WAITING = "waiting for "


@pytest.fixture
def jwts(room: Room) -> tuple[str, str]:
    """The first founding case: two distributions with other bytes at one path."""
    return (
        room.wheel("jwt", "1.3.1", {"jwt/__init__.py": "whose = 'jwt'\n", "jwt/jwk.py": ""}),
        room.wheel("pyjwt", "2.9.0", {"jwt/__init__.py": "whose = 'pyjwt'\n", "jwt/api.py": ""}),
    )


SHADOWED = (
    "warning: 1 path of jwt is shadowed by pyjwt, whose file stays (different bytes): jwt/__init__.py; "
    "pyjwt wins by name; to put jwt on top: --overlay jwt\n"
)
BOTH = "Installed 2 distributions in TIME\n + jwt==1.3.1\n + pyjwt==2.9.0\n"


def test_install_list_uninstall(room: Room) -> None:
    one, two = room.wheel("one"), room.wheel("two", "2.0")
    assert room.screen(f"install {two} {one}") == "Installed 2 distributions in TIME\n + one==1.0\n + two==2.0\n"
    assert room.screen(f"install {one}") == "Nothing to do, all of it is installed in TIME\n"
    assert room.screen("list") == "Distribution  Version\n------------  -------\none           1.0\ntwo           2.0\n"
    assert room.screen("list --format freeze") == "one==1.0\ntwo==2.0\n"
    assert room.screen("uninstall -y one") == "Uninstalled 1 distribution in TIME\n - one==1.0\n"
    assert room.screen("list --format freeze") == "two==2.0\n"


def test_names_come_from_a_directory_of_wheels_and_a_file_of_pins(room: Room) -> None:
    room.wheel("one"), room.wheel("two", "1.0"), room.wheel("two", "2.0")
    room.path.joinpath("r.txt").write_text(
        "--find-links wheels\none==1.0  # pinned\ntwo==1.0 ; python_version >= '3'\n"
    )
    assert room.screen("install -r r.txt") == "Installed 2 distributions in TIME\n + one==1.0\n + two==1.0\n"
    assert room.screen("install -f wheels two") == "Nothing to do, all of it is installed in TIME\n"
    assert room.screen("install -f wheels -U two") == "Installed 1 distribution in TIME\n - two==1.0\n + two==2.0\n"
    assert room.screen("uninstall -r r.txt") == "Uninstalled 2 distributions in TIME\n - one==1.0\n - two==2.0\n"


def test_reinstall_says_so(room: Room) -> None:
    one = room.wheel("one")
    room.run(f"install {one}")
    assert room.screen(f"install --force-reinstall {one}") == "Installed 1 distribution in TIME\n ~ one==1.0\n"


def test_a_dry_run_says_would_and_makes_nothing(room: Room) -> None:
    one = room.wheel("one")
    assert room.screen(f"install --dry-run {one}") == "Would install 1 distribution in TIME\n + one==1.0\n"
    assert not room.target.exists()


def test_a_clash_is_told_in_one_text_whatever_the_order(room: Room, jwts: tuple[str, str]) -> None:
    jwt, pyjwt = jwts
    assert room.screen(f"install {jwt} {pyjwt}") == SHADOWED + BOTH
    assert room.screen(f"install {jwt} {pyjwt}") == "Nothing to do, all of it is installed in TIME\n"
    room.run("uninstall jwt pyjwt")
    assert room.screen(f"install {pyjwt} {jwt} --jobs 1") == SHADOWED + BOTH
    room.run("uninstall jwt")
    assert room.screen(f"install {jwt}") == SHADOWED + "Installed 1 distribution in TIME\n + jwt==1.3.1\n"


def test_a_requested_loser_is_told_first_with_the_line_to_paste(room: Room) -> None:
    first = room.wheel("serpapi", "0.1.5", {"serpapi/__init__.py": "a = 1\n"})
    second = room.wheel("google-search-results", "2.4.2", {"serpapi/__init__.py": "b = 2\n"})
    room.run(f"install {first}")
    line = room.screen(f"install {second}").splitlines()[0]
    assert line.startswith(
        "warning: 1 path of google-search-results is shadowed by serpapi, whose file stays (different bytes)"
    )
    assert line.endswith("--overlay google-search-results")
    assert room.tree()["serpapi/__init__.py"] == b"a = 1\n"
    room.run(f"install {second} --overlay google-search-results")
    assert room.tree()["serpapi/__init__.py"] == b"b = 2\n"


def test_what_an_overlay_decided_is_a_note(room: Room, jwts: tuple[str, str]) -> None:
    room.path.joinpath("pyproject.toml").write_text('[tool.lugnut]\noverlay = ["jwt"]\n')
    command = f"install {jwts[0]} {jwts[1]}"
    assert room.screen(command) == BOTH
    assert room.tree()["jwt/__init__.py"] == b"whose = 'jwt'\n"
    room.run("uninstall jwt pyjwt")
    note = (
        "1 path of pyjwt is shadowed by jwt, whose file stays (different bytes): jwt/__init__.py; jwt wins by overlay\n"
    )
    assert note in room.screen(f"{command} -v")


def test_on_conflict_error_refuses_and_ignore_is_silent(room: Room, jwts: tuple[str, str]) -> None:
    command = f"install {jwts[0]} {jwts[1]} --on-conflict"
    screen = room.screen(f"{command} error")
    assert screen.startswith("error: refused, nothing was changed: ")
    assert screen.endswith("hint: decide with --overlay NAME, or allow it with --on-conflict warn\n[4]\n")
    assert room.tree() == {}
    assert room.screen(f"{command} ignore") == BOTH


def test_removing_the_winner_brings_the_loser_back(room: Room, jwts: tuple[str, str]) -> None:
    room.run(f"install {jwts[0]} {jwts[1]}")
    assert room.screen("uninstall pyjwt") == "Uninstalled 1 distribution in TIME\n - pyjwt==2.9.0\n"
    assert room.tree()["jwt/__init__.py"] == b"whose = 'jwt'\n"


def test_what_is_unmet_is_resolved_or_refused_unless_no_deps(room: Room) -> None:
    app = room.wheel("app", requires=("lib>=2", "other"))
    screen = room.screen(f"install {app}")
    assert screen.startswith("error: no set of versions meets what is asked for: ")
    assert screen.endswith("[1]\n")
    assert room.tree() == {}
    assert room.screen(f"install --no-deps {app}") == "Installed 1 distribution in TIME\n + app==1.0\n"


def test_what_is_unmet_after_a_sync_is_told_in_one_line(room: Room) -> None:
    room.write("r.txt", room.wheel("app", requires=("lib>=2", "other")))
    screen = room.screen("sync r.txt")
    assert re.fullmatch(r"Installed .*\n \+ app==1\.0\n2 requirements not met: .*lib.*, .*other.*\n", screen)


def test_check_finds_what_was_changed(room: Room) -> None:
    room.run(f"install {room.wheel('one', files={'one.py': 'x = 1'})}")
    assert room.screen("check") == "All is well in ROOM/env in TIME\n"
    os.unlink(room.target / "one.py")
    screen = room.screen("check")
    assert screen.startswith("Found 1 problem in ROOM/env in TIME\n")
    assert screen.endswith("[1]\n")
    assert "one.py" in screen
    [finding] = room.document("check")["findings"]
    assert (finding["name"], finding["path"]) == ("one", "one.py")


def test_recover_has_nothing_to_do_where_nobody_died(room: Room) -> None:
    room.run(f"install {room.wheel('one')}")
    assert room.screen("recover") == "Nothing to recover in TIME\n"


def test_recover_forget_leaves_a_plain_directory(room: Room) -> None:
    room.run(f"install {room.wheel('one')}")
    before = room.tree()
    assert (room.target / ".lugnut").exists()
    code, _, _ = room.run("recover --forget")
    assert (code, room.tree()) == (0, before)
    assert not (room.target / ".lugnut").exists()


def test_the_cache_can_be_shown_tidied_and_emptied(room: Room) -> None:
    room.run(f"install {room.wheel('one')}")
    assert room.screen("cache dir") == "ROOM/cache\n"
    assert room.screen("cache prune").startswith("Freed ")
    freed = room.run("cache clean --json")[1]
    assert json.loads(freed)["freed"] > 0


def test_json_is_the_report(room: Room, jwts: tuple[str, str]) -> None:
    document = room.document(f"install {jwts[0]} {jwts[1]} -qq")
    assert [(change["action"], change["name"], change["new"]) for change in document["changes"]] == [
        ("install", "jwt", "1.3.1"),
        ("install", "pyjwt", "2.9.0"),
    ]
    [conflict] = document["conflicts"]
    assert (conflict["path"], conflict["winner"], conflict["losers"]) == ("jwt/__init__.py", "pyjwt", ["jwt"])
    assert [item["name"] for item in room.document("list")["installed"]] == ["jwt", "pyjwt"]


def test_json_events_are_lines(room: Room) -> None:
    code, out, _ = room.run(f"install {room.wheel('one')} --json-events -")
    kinds = [json.loads(line)["event"] for line in out.splitlines()]
    assert code == 0
    assert {"WheelAdmitted", "WheelPlaced", "Committed"} <= set(kinds)
    assert kinds[-1] == "Report"


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("install nowhere.whl", "error: "),
        ("install -f wheels nothing==1", "error: no wheel for nothing==1: "),
        ("install -r none.txt", "error: "),
    ],
)
def test_what_is_not_there_is_one_sentence_and_a_hint(room: Room, typed: str, first: str) -> None:
    room.run(f"install {room.wheel('one')}")
    lines = room.screen(typed).splitlines()
    assert lines[0].startswith(first)
    assert lines[1].startswith("hint: ")
    assert lines[2:] in (["[1]"], ["[2]"])


def test_what_is_not_installed_is_skipped_and_the_rest_removed(room: Room) -> None:
    room.run(f"install {room.wheel('one')}")
    lines = room.screen("uninstall nothing one").splitlines()
    assert lines[0].startswith("warning: skipped nothing: it is not installed in ")
    assert lines[-1].strip() == "- one==1.0"
    lines = room.screen("uninstall nothing").splitlines()
    assert lines[0].startswith("warning: skipped nothing: ")
    assert lines[1].startswith("Nothing to do, none of it is installed")


def test_a_bad_wheel_names_every_problem(room: Room) -> None:
    room.wheels.joinpath("bad-1-py3-none-any.whl").write_bytes(b"not a zip")
    lines = room.screen("install wheels/bad-1-py3-none-any.whl").splitlines()
    assert re.match("error: .*bad-1-py3-none-any.whl is not a valid wheel: ", lines[0])
    assert lines[-1] == "[1]"


# --- locks and signals ------------------------------------------------------------------------------------------------


class Held:
    """A lock of the environment, held by this test."""

    def __init__(self, room: Room, name: str) -> None:
        self._file = open(room.target / ".lugnut" / "locks" / f"{name}.lock", "a+")  # noqa: SIM115
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self._file.close()


def test_a_lock_that_is_not_to_be_had_is_exit_3_and_names_the_holder(room: Room) -> None:
    one, other = room.wheel("one"), room.wheel("one", "2.0")
    room.run(f"install {one}")
    before = room.tree()
    with Held(room, "one"):
        lines = room.screen(f"install {other} --lock-timeout 0").splitlines()
    assert re.match(r"error: waited [\d.]+ s for the lock .*one\.lock, .*held by", lines[0])
    assert lines[1:] == ["hint: wait for the other run, or raise --lock-timeout", "[3]"]
    assert room.tree() == before


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_waiting_changes_nothing(room: Room, number: signal.Signals, code: int) -> None:
    one, other = room.wheel("one"), room.wheel("one", "2.0")
    room.run(f"install {one}")
    before = room.tree()
    with Held(room, "one"), room.start(f"install {other}") as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith(WAITING)
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert err.splitlines()[-1] == f"error: interrupted by {number.name}; nothing was changed"
    assert room.tree() == before
