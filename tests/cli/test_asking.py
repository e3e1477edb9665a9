"""What can be asked for, as a user types it: names, files, constraints, extras; and how a slip is answered."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess

import pytest

from screens import Room

ONE = "Installed 1 distribution in TIME\n + {}\n"


def digest(room: Room, wheel: str) -> str:
    return hashlib.sha256(room.path.joinpath(wheel).read_bytes()).hexdigest()


# --- files ------------------------------------------------------------------------------------------------------------


def test_requirements_come_from_stdin(room: Room) -> None:
    room.wheel("one")
    assert room.screen("install -f wheels -r -", "one==1.0\n") == ONE.format("one==1.0")
    assert room.screen("install -r -", "-f wheels\nnone==1\n").startswith(
        "error: no wheel for none==1 (stdin:2): none of that name is at hand\n"
    )


def test_constraints_hold_for_what_is_named_and_ask_for_nothing(room: Room) -> None:
    room.wheel("one"), room.wheel("two", "1.0"), room.wheel("two", "2.0")
    room.write("c.txt", "two<2\nnever==9\n")
    assert room.screen("install -f wheels two -c c.txt") == ONE.format("two==1.0")
    room.write("r.txt", "-f wheels\n-c c.txt\none\n")
    assert room.screen("install -r r.txt") == ONE.format("one==1.0")
    assert room.screen("install -f wheels two>=2", LUGNUT_CONSTRAINT="c.txt").endswith("[1]\n")


def test_a_file_says_everything_that_pip_lets_it_say_about_wheels(room: Room) -> None:
    one, two = room.wheel("one"), room.wheel("two", "2.0")
    room.wheel("three", "3.0")
    room.write(
        "sub/more.txt",
        "\ufeff# a comment\r\n\r\n--find-links ../wheels\r\n--only-binary :all:\r\n"
        f"two==2.0 \\\r\n  --hash=sha256:{'0' * 64} \\\r\n  --hash=sha256:{digest(room, two)}  # either\r\n"
        "three[fast]>=${LEAST} ; python_version >= '3'\r\nnever ; sys_platform == 'none'\r\n",
    )
    room.write("r.txt", f"-r sub/more.txt\n./{one}\n")
    screen = room.screen("install -r r.txt", LEAST="2")
    assert screen == (
        "Installed 3 distributions in TIME\n + one==1.0\n + three==3.0\n + two==2.0\n"
        "1 requirement not met: three has no extra fast\n"
    )


def test_a_hash_that_is_not_the_wheels_is_refused_by_file_and_line(room: Room) -> None:
    room.wheel("one")
    room.write("r.txt", f"-f wheels\none --hash=sha256:{'0' * 64}\n")
    screen = room.screen("install -r r.txt")
    assert f"but {'0' * 64} is asked for by r.txt:2\n" in screen
    assert screen.endswith("[1]\n")
    assert room.tree() == {}


def test_required_hashes_are_told_ready_to_paste(room: Room) -> None:
    one = room.wheel("one")
    room.write("r.txt", "--require-hashes\n-f wheels\none\n")
    assert room.screen("install -r r.txt") == (
        "error: one has no --hash, and --require-hashes asks for one (r.txt:3)\n"
        f"hint: add --hash=sha256:{digest(room, one)} to its line of a requirements file\n[1]\n"
    )


def test_a_file_that_includes_itself_is_told_with_the_way_round(room: Room) -> None:
    room.write("r.txt", "-r s.txt\n")
    room.write("s.txt", "-r r.txt\n")
    assert room.screen("install -r r.txt").startswith(
        "error: s.txt:1: the file includes itself (r.txt > s.txt > r.txt): -r r.txt\n"
    )


def test_a_file_that_asks_for_nothing_is_told(room: Room) -> None:
    room.write("r.txt", "# nothing\n-f .\n")
    warning = "warning: nothing is asked for by r.txt\n"
    assert room.screen("install -r r.txt") == warning + "Nothing to do, all of it is installed in TIME\n"
    assert room.screen("install -r /dev/null").startswith("warning: nothing is asked for by /dev/null\n")


# --- which wheel ------------------------------------------------------------------------------------------------------


def test_a_wheel_for_another_python_is_passed_over_or_refused(room: Room) -> None:
    room.wheel("one", "1.0")
    newer = room.wheel("one", "2.0", metadata="Requires-Python: >=3.99")
    assert room.screen("install -f wheels one") == ONE.format("one==1.0")
    assert room.screen("install -f wheels -U one") == "Nothing to do, all of it is installed in TIME\n"
    by_name, by_path = room.screen("install -f wheels one==2.0"), room.screen(f"install {newer}")
    assert by_name.startswith("error: no wheel for one==2.0: one-2.0-py3-none-any.whl needs Python >=3.99, and the ")
    assert by_path.startswith("error: one-2.0-py3-none-any.whl needs Python >=3.99, and the environment has ")
    for screen in (by_name, by_path):
        assert screen.endswith("hint: name another --python, or find another version\n[1]\n")


def test_unmet_requirements_of_extras_are_named_too(room: Room) -> None:
    app = room.wheel("app", requires=("lib", 'fast>=2; extra == "speed"'), metadata="Provides-Extra: speed")
    room.write("r.txt", f"./{app}[speed,Sped]\n")
    assert room.screen("sync r.txt").endswith(
        "3 requirements not met: app has no extra Sped, app needs fast>=2 (not installed), "
        "app needs lib (not installed)\n"
    )
    room.run("uninstall app")
    room.write("r.txt", f"./{app}\n")
    assert room.screen("sync r.txt").endswith("1 requirement not met: app needs lib (not installed)\n")


def test_changes_are_sorted_as_names_are(room: Room) -> None:
    wheels = " ".join(room.wheel(name) for name in ("Zebra", "apple", "Mango"))
    screen = room.screen(f"install {wheels}")
    assert screen.splitlines()[1:] == [" + apple==1.0", " + Mango==1.0", " + Zebra==1.0"]


@pytest.mark.skipif(os.name != "posix", reason="names are bytes")
def test_a_path_that_is_no_text_is_installed_and_shown(room: Room) -> None:
    place = os.fsencode(room.path) + b"/x\xff y"
    os.mkdir(place)
    os.rename(room.path / room.wheel("one"), place + b"/one-1.0-py3-none-any.whl")
    room.path.joinpath("r.txt").write_bytes(b"-f x\xff\n")
    assert "r.txt is not UTF-8 text" in room.screen("install -r r.txt")
    command = [*room.command("install"), place + b"/one-1.0-py3-none-any.whl"]
    done = subprocess.run(command, cwd=room.path, env=room.environ(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    [url] = room.target.glob("one-1.0.dist-info/direct_url.json")
    assert json.loads(url.read_text())["url"].endswith("/x%FF%20y/one-1.0-py3-none-any.whl")


# --- slips ------------------------------------------------------------------------------------------------------------


def test_an_overlay_of_nobody_is_told(room: Room) -> None:
    one = room.wheel("one")
    room.run(f"install {one}")
    assert room.screen("install --overlay onne").startswith("error: onne is not installed in ROOM/env\n")
    room.run("uninstall one")
    warning = "warning: --overlay onne has no effect: onne is not installed\n"
    assert room.screen(f"install {one}", LUGNUT_OVERLAY="onne") == warning + ONE.format("one==1.0")
    assert room.screen("install --overlay one") == "Installed 1 distribution in TIME\n ~ one==1.0\n"


def test_an_overlay_in_the_configuration_is_for_whoever_comes(room: Room) -> None:
    room.write("pyproject.toml", '[tool.lugnut]\noverlay = ["later"]\n')
    assert room.screen(f"install {room.wheel('one')}") == ONE.format("one==1.0")


WRONG = [
    "nothing.whl",
    "nothing-1.0-py3-none-any.whl",
    "directory-1.0-py3-none-any.whl",
    "empty-1.0-py3-none-any.whl",
    "pipe-1.0-py3-none-any.whl",
    "odd.whl",
    "file.tar.gz",
    ".",
    "/dev/zero",
    "https://me:secret@host/one-1.0-py3-none-any.whl",
    "git+https://me:secret@host/one",
    "one@https://me:secret@host/one-1.0-py3-none-any.whl",
    "one==",
    "one<1,>2",
    "on\u00e9",
    "-r nothing.txt",
    "-r .",
    "-r https://me:secret@host/r.txt",
    "-c nothing.txt one",
    "-f nothing one",
    "-f https://me:secret@host/ one",
    "-f odd.whl one",
    "-t odd.whl one",
    "-t odd.whl/below one",
    "-p nothing one",
    "-p ./nothing one",
    "-p odd.whl one",
    "-p wheels one",
    "-p /bin/false one",
    "--cache-dir odd.whl -f wheels one",
    "--json-events nothing/file -f wheels one",
]


@pytest.mark.parametrize("typed", WRONG)
@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_every_slip_is_one_sentence_and_a_hint_in_any_locale(room: Room, typed: str, locale: str) -> None:
    room.wheel("one")
    room.write("odd.whl", "odd")
    room.write("empty-1.0-py3-none-any.whl", "")
    room.path.joinpath("directory-1.0-py3-none-any.whl").mkdir()
    os.mkfifo(room.path / "pipe-1.0-py3-none-any.whl")
    plain = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"} if locale == "C" else {}
    code, out, err = room.run(f"install {typed}", LC_ALL=locale, **plain)
    lines = err.splitlines()
    assert code in {1, 2}
    assert out == ""
    assert [line.split()[0] for line in lines] == ["error:", "hint:"], err
    assert not {"Traceback", "contradicts", "secret", "[Errno"} & set(err.replace(":", " ").split())
    assert room.tree() == {}


def test_what_cannot_be_read_is_told_and_not_called_our_bug(room: Room) -> None:
    if os.geteuid() == 0:
        pytest.skip("root reads everything")
    room.run(f"install {room.wheel('one')}")
    room.target.chmod(0)
    try:
        screen = room.screen("list")
    finally:
        room.target.chmod(0o755)
    assert screen.startswith("error: cannot read ROOM/env: Permission denied\n")


def test_help_about_a_command_that_there_is_not_is_a_usage_error(room: Room) -> None:
    assert room.screen("help instal -t x").startswith(
        "error: there is no command 'instal'\nhint: did you mean install?"
    )
