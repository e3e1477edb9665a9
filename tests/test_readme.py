"""README.md does what it says: its example runs, its commands can be typed, its table of exit codes is the errors'."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from failures import FAILURES
from lugnut.cli.commands import check_operands
from lugnut.cli.configuration import CONFIGURABLE, make_invocation
from lugnut.cli.flags import FLAGS
from lugnut.cli.words import parse_words
from programs import clean_environ, make_venv
from wheels import make_wheel

PROJECT = Path(__file__).parents[1]
TEXT = (PROJECT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    (?:\$ )?lugnut (.*?)(?: +#.*)?$", TEXT, re.MULTILINE)


def block(language: str) -> str:
    [found] = re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    return found


def test_the_first_thing_said_is_the_two_commands() -> None:
    lines = TEXT.splitlines()
    assert [line.split("#")[0].strip() for line in lines[2:4]] == ["make demo", "make test"]


def test_the_example_runs(tmp_path: Path) -> None:
    make_venv(str(tmp_path / ".venv"))
    make_wheel(tmp_path / "dist", "example")
    done = subprocess.run(
        [sys.executable, "-c", block("python")],
        cwd=tmp_path,
        env=clean_environ(str(tmp_path)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    absent = tmp_path.resolve() / "dist" / "absent-1.0-py3-none-any.whl"
    assert done.stdout.splitlines() == [
        "install example 1.0",
        f"no wheel for {absent}: there is no such file (look for a slip in the path)",
        "1",
    ]


def test_there_are_commands_to_try() -> None:
    assert {command.split()[0] for command in COMMANDS} == {
        "install", "sync", "lock", "uninstall", "list", "freeze", "show", "tree", "check", "doctor", "recover", "cache",
        "completion",
    }  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_can_be_typed(command: str, tmp_path: Path) -> None:
    check_operands(make_invocation(parse_words(shlex.split(command)), {}, str(tmp_path)))


def test_the_configuration_is_accepted_whole(tmp_path: Path) -> None:
    text = block("toml")
    (tmp_path / "pyproject.toml").write_text(text)
    choices = make_invocation(parse_words(["install", "x"]), {}, str(tmp_path)).choices
    assert set(tomllib.loads(text)["tool"]["lugnut"]) == set(CONFIGURABLE)
    assert choices == {
        "overlay": {"google-search-results": 1},
        "on_conflict": "error",
        "link_mode": "hardlink",
        "jobs": 4,
        "lock_backend": "redis://locks.example:6379/0",
    }


def test_every_flag_that_is_named_exists() -> None:
    known = {name for flag in FLAGS for name in (*flag.names, *flag.negations)}
    proof = re.search(r"^## Proof\n.*?(?=^## )", TEXT, re.MULTILINE | re.DOTALL)
    assert proof is not None
    flag = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
    assert set(flag.findall(TEXT.replace(proof[0], ""))) - known - {"--hash", "--help"} == set()
    of_campaigns = "".join(path.read_text(encoding="utf-8") for path in sorted((PROJECT / "tools").glob("*.py")))
    assert {name for name in flag.findall(proof[0]) if f'"{name}"' not in of_campaigns} - known == set()


def test_the_exit_codes_are_those_of_the_errors() -> None:
    rows = re.findall(r"^\| ([\d, ]+) \|", TEXT, re.MULTILINE)
    listed = {int(code) for row in rows for code in row.split(",")}
    assert listed == {0, 143, *(failure.code for failure in FAILURES.values())}


def test_every_link_leads_somewhere() -> None:
    places = [place for place in re.findall(r"\]\(([^)#]+)\)", TEXT) if "://" not in place]
    assert [place for place in places if not (PROJECT / place).exists()] == []
