"""The program as a process: how it starts, what it imports, what becomes of its streams."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import lugnut

LAUNCHER = "import sys; from lugnut.__main__ import start; sys.exit(start())"
HIJACKERS = ("json", "argparse", "signal", "errno", "typing", "csv", "packaging", "__future__")


def start(argv: Sequence[str], directory: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LUGNUT_")}
    return subprocess.run(
        [sys.executable, *argv],
        cwd=directory,
        env={**clean, **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_python_m_lugnut_imports_nothing_from_the_working_directory(tmp_path: Path) -> None:
    for name in HIJACKERS:
        (tmp_path / f"{name}.py").write_text(f"print('ran {name} of the working directory')\n")
    done = start(["-m", "lugnut", "install", "--user"], tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: --user is not supported")


def test_a_console_script_imports_nothing_from_its_own_directory(tmp_path: Path) -> None:
    for name in HIJACKERS[:-1]:
        (tmp_path / f"{name}.py").write_text(f"print('ran {name} beside the script')\n")
    script = tmp_path / "lugnut"
    script.write_text(LAUNCHER)
    done = start([str(script), "--version"], tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"lugnut {lugnut.__version__}\n", "")


def test_the_version_is_that_of_the_project() -> None:
    text = Path(__file__).parents[2].joinpath("pyproject.toml").read_text()
    assert re.search(r'^version = "(.*)"$', text, re.MULTILINE)[1] == lugnut.__version__  # type: ignore[index]


@pytest.mark.parametrize("argv", [["--help"], ["install", "--help"], ["--version"], ["install", "--user"]])
def test_words_alone_load_neither_the_engine_nor_anything_slow(argv: list[str], tmp_path: Path) -> None:
    code = f"import sys; from lugnut.__main__ import main; main({argv!r}); print(*sys.modules, file=sys.stderr)"
    loaded = set(start(["-c", code], tmp_path).stderr.split())
    assert "lugnut.cli.main" in loaded
    slow = {"rich", "importlib.metadata", "packaging", "portalocker", "psutil", "asyncio", "dataclasses", "pathlib"}
    assert not loaded & (slow | {"lugnut.engine", "lugnut.library", "subprocess", "tomllib", "traceback"})


def test_importing_lugnut_loads_nothing_else(tmp_path: Path) -> None:
    code = "import sys; before = set(sys.modules); import lugnut; print(*sorted(set(sys.modules) - before))"
    loaded = {name for name in start(["-c", code], tmp_path).stdout.split() if not name.startswith("importlib")}
    assert loaded <= {"lugnut", "warnings"}


def test_a_reader_who_went_away_is_no_error(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        done = subprocess.run(
            [sys.executable, "-c", LAUNCHER, "--help"],
            cwd=tmp_path,
            stdout=pipe,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_closed_stream_is_no_error(stream: str, tmp_path: Path) -> None:
    number = {"stdout": 1, "stderr": 2}[stream]
    program = "[sys.executable, '-m', 'lugnut', 'install', '--user', '--json']"
    code = f"import os, sys; os.close({number}); os.execv(sys.executable, {program})"
    done = start(["-c", code], tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_an_ascii_locale_gets_escapes(tmp_path: Path) -> None:
    environ = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = start(["-c", LAUNCHER, "instäl"], tmp_path, **environ)
    assert done.returncode == 2
    assert r"there is no command 'inst\xe4l'" in done.stderr


def test_a_working_directory_that_is_gone_is_told(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    code = f"import os; os.rmdir({str(gone)!r}); {LAUNCHER}"
    done = start(["-c", code, "list"], gone)
    assert done.returncode == 2
    assert done.stderr.startswith("error: the working directory is gone")


@pytest.mark.parametrize(
    ("environ", "coloured"), [({}, False), ({"FORCE_COLOR": "1"}, True), ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False)]
)
def test_usage_errors_are_coloured_like_the_rest(environ: dict[str, str], coloured: bool, tmp_path: Path) -> None:
    clean = {"NO_COLOR": "", "FORCE_COLOR": "", **environ}
    assert ("\033[" in start(["-c", LAUNCHER, "instal"], tmp_path, **clean).stderr) is coloured
    assert "\033[" in start(["-c", LAUNCHER, "instal", "--color", "always"], tmp_path, **clean).stderr


ENDING = "import atexit; atexit.register(print, 'the end')"


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("", ""),
        (ENDING, "the end\n"),
        ("sys.setprofile(lambda *_: None)", ""),
        ("import threading; threading.Thread(target=lambda: print('the end')).start()", "the end\n"),
    ],
)
def test_the_process_ends_at_once_unless_somebody_has_something_left_to_do(
    first: str, last: str, tmp_path: Path
) -> None:
    leftover = (
        "class Leftover:\n    def __del__(self, write=os.write): write(1, b'taken apart\\n')\nleftover = Leftover()"
    )
    code = f"import os, sys\n{first}\n{leftover}\nfrom lugnut.__main__ import start\nsys.exit(start())"
    done = start(["-c", code, "--version"], tmp_path)
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert f"lugnut {lugnut.__version__}" in lines
    assert ("taken apart" in lines) == bool(first)
    assert not last or last.strip() in lines


def test_an_exit_code_survives_the_short_end(tmp_path: Path) -> None:
    done = start(["-m", "lugnut", "install", "--user"], tmp_path)
    assert (done.returncode, done.stderr.count("error:")) == (2, 1)
