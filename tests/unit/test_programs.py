"""Other programs: what they are given, what they answer, and how they end when the run is called off."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil
import pytest

from lugnut.system import programs
from lugnut.system.programs import Conditions, TooLong

FOREVER = "import time; time.sleep(1000)"
FAMILY = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
with open(sys.argv[1] + ".new", "w") as file:
    file.write(str(child.pid))
import os; os.rename(sys.argv[1] + ".new", sys.argv[1])
time.sleep(1000)
"""


class Off(Exception):
    """The run is called off."""


def python(text: str, *arguments: str) -> list[str]:
    return [sys.executable, "-I", "-c", text, *arguments]


def test_a_program_gets_its_input_and_gives_its_output_and_its_exit_code() -> None:
    text = "import sys; sys.stdout.write(sys.stdin.read().upper()); sys.stderr.write('!'); sys.exit(3)"
    assert programs.run(python(text), b"words" * 100_000) == (3, b"WORDS" * 100_000, b"!")


def test_a_program_that_reads_nothing_of_much_is_no_error() -> None:
    assert programs.run(python("pass"), b"words" * 1_000_000).code == 0


def test_a_program_gets_the_directory_and_the_variables_named(tmp_path: Path) -> None:
    ran = programs.run(
        python("import os; print(os.getcwd(), sorted(os.environ))"),
        conditions=Conditions(environ={}, directory=str(tmp_path)),
    )
    assert ran.out.decode().startswith(f"{tmp_path.resolve()} ")
    assert b"HOME" not in ran.out


def test_a_program_that_does_not_end_in_time_is_ended() -> None:
    with pytest.raises(TooLong):
        programs.run(python(FOREVER), conditions=Conditions(patience=0.0))


def test_a_run_that_is_called_off_ends_the_program_and_all_that_it_started(tmp_path: Path) -> None:
    told = tmp_path / "child"

    def cancelled() -> None:
        if told.exists():
            raise Off

    with pytest.raises(Off):
        programs.run(python(FAMILY, str(told)), conditions=Conditions(cancelled=cancelled))
    child = int(told.read_text())
    psutil.wait_procs([psutil.Process(child)] if psutil.pid_exists(child) else [], timeout=60)
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE


def test_what_is_no_program_is_the_system_s_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        programs.run([str(tmp_path / "nothing")])
    assert programs.find("nothing-of-that-name") is None
    found = programs.find("python3")
    assert found is None or Path(found).is_absolute()
