"""Completion scripts: bash takes them, and completes what the parsers know."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from lugnut.cli.completion import make_script
from lugnut.cli.configuration import make_invocation
from lugnut.cli.flags import COMMANDS, FLAGS, OPERANDS
from lugnut.cli.words import parse_words
from lugnut.errors import Unsupported

BASH = shutil.which("bash")
needs_bash = pytest.mark.skipif(BASH is None, reason="there is no bash here")
COMPLETE = """
. "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
command=$(complete -p lugnut); command=${command#*-F }; command=${command%% *}
"$command" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bash") / "lugnut.bash"
    path.write_text(make_script("bash").text + "\n")
    return path


def complete(script: Path, *words: str) -> list[str]:
    done = subprocess.run(
        [str(BASH), "--norc", "-c", COMPLETE, "bash", str(script), *words],
        cwd=script.parent, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


@needs_bash
def test_bash_can_read_it(script: Path) -> None:
    subprocess.run([str(BASH), "-n", str(script)], check=True, timeout=60)


@needs_bash
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["un"], ["uninstall"]),
        (["install", "--overl"], ["--overlay"]),
        (["install", "--on-conflict", ""], ["warn", "error", "ignore"]),
        (["install", "--on-conflict", "e"], ["error"]),
        (["install", "./lug"], ["./lugnut.bash"]),
        (["list", "--format", "f"], ["freeze"]),
        (["tree", "--inv"], ["--invert"]),
        (["cache", ""], list(OPERANDS["cache"])),
        (["completion", "f"], ["fish"]),
    ],
)
def test_bash_completes(script: Path, words: list[str], expected: list[str]) -> None:
    assert complete(script, "lugnut", *words) == expected


@needs_bash
def test_bash_completes_every_command_and_every_flag(script: Path) -> None:
    assert set(COMMANDS) <= set(complete(script, "lugnut", ""))
    for command in COMMANDS:
        flags = {name for flag in FLAGS if command in flag.commands for name in flag.names if name.startswith("--")}
        offered = set(complete(script, "lugnut", command, "--"))
        assert offered == flags | {"--help", "--version"}


@pytest.mark.parametrize("shell", OPERANDS["completion"])
def test_every_shell_has_a_script_that_names_every_command(shell: str) -> None:
    text = make_script(shell).text
    assert all(re.search(rf"\b{command}\b", text) for command in COMMANDS)
    assert "--user" not in text  # what is refused is not offered


def test_a_shell_that_shtab_cannot_do_is_refused() -> None:
    with pytest.raises(Unsupported, match="completion for ksh"):
        make_script("ksh")


def test_no_configuration_breaks_a_shells_start(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.lugnut]\nnonsense = 1\n")
    assert make_invocation(parse_words(["completion", "bash"]), {}, str(tmp_path)).choices == {}
