"""SIGINT while the program is still being loaded: it dies of it without a word, as any program does."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import lugnut
from programs import find_program

if sys.platform == "win32":
    pytest.skip("a process cannot send itself SIGINT alone", allow_module_level=True)

SITECUSTOMIZE = """
import gc, os, signal, sys

def interrupt(*_):
    os.kill(os.getpid(), signal.SIGINT)

class Interrupter:
    def find_spec(self, name, path=None, target=None):
        if name == os.environ["INTERRUPTED_AT"]:
            interrupt()

if os.environ["INTERRUPTED_AT"] == "gc.set_threshold":
    gc.set_threshold = interrupt
sys.meta_path.insert(0, Interrupter())
"""
"""Interrupts its own process where a module is looked for, or where the command line begins."""
LAUNCHER = "import sys; from lugnut.__main__ import start; sys.exit(start())"
STARTS = {
    "-m": [sys.executable, "-m", "lugnut"],
    "-c": [sys.executable, "-c", LAUNCHER],
    "script": [find_program("lugnut")],
}


def start(
    command: list[str], directory: Path, interrupted_at: str, answer: signal.Handlers = signal.SIG_DFL
) -> subprocess.CompletedProcess[str]:
    """Run a command that interrupts itself, with SIGINT answered as given when it is started."""
    (directory / "site").mkdir()
    (directory / "site" / "sitecustomize.py").write_text(SITECUSTOMIZE)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LUGNUT_")}
    return subprocess.run(
        command,
        cwd=directory,
        env={**clean, "PYTHONPATH": str(directory / "site"), "INTERRUPTED_AT": interrupted_at},
        preexec_fn=functools.partial(signal.signal, signal.SIGINT, answer),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("how", STARTS)
@pytest.mark.parametrize("module", ["lugnut.cli", "lugnut.cli.main", "lugnut.cli.words", "lugnut.errors"])
def test_a_program_that_is_still_being_loaded_dies_of_the_signal(tmp_path: Path, how: str, module: str) -> None:
    done = start([*STARTS[how], "--version"], tmp_path, module)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


@pytest.mark.parametrize("how", STARTS)
def test_one_that_is_told_to_ignore_the_signal_goes_on(tmp_path: Path, how: str) -> None:
    done = start([*STARTS[how], "--version"], tmp_path, "lugnut.cli.main", signal.SIG_IGN)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"lugnut {lugnut.__version__}\n", "")


@pytest.mark.parametrize("moment", ["gc.set_threshold", "lugnut.reading"])
def test_one_that_is_loaded_ends_by_itself(tmp_path: Path, moment: str) -> None:
    done = start([*STARTS["-m"], "list", "--target", "here"], tmp_path, moment)
    assert (done.returncode, done.stdout, done.stderr) == (128 + signal.SIGINT, "", "")


@pytest.mark.parametrize("answer", ["signal.default_int_handler", "signal.SIG_DFL", "signal.SIG_IGN", "print"])
def test_whoever_calls_it_answers_the_signal_as_before(tmp_path: Path, answer: str) -> None:
    code = (
        f"import signal; signal.signal(signal.SIGINT, {answer}); import lugnut, lugnut.__main__ as entry\n"
        f"assert signal.getsignal(signal.SIGINT) == {answer}; entry.main(['--version'])\n"
        f"assert signal.getsignal(signal.SIGINT) == {answer}"
    )
    done = start([sys.executable, "-c", code], tmp_path, "")
    assert (done.returncode, done.stderr) == (0, "")


def test_it_may_be_called_in_another_thread(tmp_path: Path) -> None:
    code = (
        "import threading; from lugnut.__main__ import main\n"
        "thread = threading.Thread(target=main, args=(['--version'],)); thread.start(); thread.join()"
    )
    done = start([sys.executable, "-c", code], tmp_path, "")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"lugnut {lugnut.__version__}\n", "")


def test_a_library_leaves_signals_alone(tmp_path: Path) -> None:
    code = (
        "import signal; signal.signal = None\n"
        "import lugnut, lugnut.__main__; lugnut.LugnutError, lugnut.Report, lugnut.install"
    )
    done = start([sys.executable, "-c", code], tmp_path, "")
    assert (done.returncode, done.stderr) == (0, "")
