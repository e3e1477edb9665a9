"""A log to the line that says why: compilers, tracebacks, pip and uv; and what is cut out of it."""

from __future__ import annotations

import pytest

from lugnut.building.complaints import USUAL_HINT, clean, find_hint, find_reason, find_refusal

RAISED = """
running build_ext
Traceback (most recent call last):
  File "/x/_in_process.py", line 389, in <module>
    main()
  File "setup.py", line 4, in <module>
    raise RuntimeError("no config")
RuntimeError: no config at https://me:secret@host/x
"""
COMPILED = """
gcc -c foo.c -o foo.o
foo.c:1:10: fatal error: Python.h: No such file or directory
    1 | #include <Python.h>
compilation terminated.
error: command '/usr/bin/gcc' failed with exit code 1
"""
RUST = """
error[E0433]: failed to resolve: use of undeclared crate
Traceback (most recent call last):
  File "x.py", line 1, in <module>
subprocess.CalledProcessError: Command '['cargo', 'rustc']' returned non-zero exit status 101.
"""
TWICE = """
conftest.c:3:1: error: unknown type
Traceback (most recent call last):
  File "a.py", line 1
KeyError: 'first'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "b.py", line 1
tiny.errors.ConfigError: second
   more of it
"""


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        (RAISED, "RuntimeError: no config at https://****@host/x"),
        (COMPILED, "foo.c:1:10: fatal error: Python.h: No such file or directory"),
        (RUST, "error[E0433]: failed to resolve: use of undeclared crate"),
        (TWICE, "tiny.errors.ConfigError: second"),
        ("just words\n\n", "just words"),
        ("", "it ended without a word"),
        ("Traceback (most recent call last):\n  File 'x'\nSystemExit: 3\n", "SystemExit: 3"),
        ("x" * 1000, "x" * 299 + "…"),
    ],
)
def test_the_line_that_says_most(log: str, reason: str) -> None:
    assert find_reason(clean(log)) == reason


PIP = """
ERROR: Could not find a version that satisfies the requirement nope>=2 (from versions: none)
ERROR: No matching distribution found for nope>=2
"""
CONFLICT = """
ERROR: Cannot install tiny==1.0 and tiny==2.0 because these package versions have conflicting dependencies.
ERROR: ResolutionImpossible: for help visit https://pip.example/topics
"""
UV = """
Using Python 3.11.7 environment at: environment
error: No solution found when resolving dependencies
  cause: Because you require tiny==1.0 and
         tiny==2.0, we can conclude that your requirements are unsatisfiable.

hint: more of it
"""
OLDER_UV = """
  x No solution found when resolving dependencies:
  ╰─▶ Because nope was not found in the provided package locations, we
      can conclude that it is unsatisfiable.

      hint: more
"""


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        (PIP, "No matching distribution found for nope>=2"),
        (
            CONFLICT,
            "Cannot install tiny==1.0 and tiny==2.0 because these package versions have conflicting dependencies",
        ),
        (
            UV,
            "Because you require tiny==1.0 and tiny==2.0, we can conclude that your requirements are unsatisfiable",
        ),
        (
            OLDER_UV,
            "Because nope was not found in the provided package locations, we can conclude that it is unsatisfiable",
        ),
        ("error: Failed to fetch: `x`\n  Caused by: dns error", "dns error"),
        ("ERROR: Could not install: Permission denied", "Could not install: Permission denied"),
        ("No module named venv\n", "No module named venv"),
    ],
)
def test_what_an_installer_could_not_do(log: str, reason: str) -> None:
    assert find_refusal(log) == reason


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("foo.c:1: fatal error: Python.h: No such file", "headers of this Python"),
        ("fatal error: zlib.h: No such file or directory", "a library's headers"),
        ("FileNotFoundError: [Errno 2] No such file or directory: 'cmake'", "a compiler"),
        ("No matching distribution found for x", "build-system.requires"),
        ("Because x was not found, your requirements are unsatisfiable", "build-system.requires"),
        ("Because you require x==1 and x==2 they are unsatisfiable", "contradict each other"),
        ("ModuleNotFoundError: No module named 'numpy'", "--no-build-isolation"),
        ("KeyError: 'x'", USUAL_HINT),
    ],
)
def test_what_helps(reason: str, words: str) -> None:
    assert words in find_hint(reason)


def test_a_log_cannot_steer_a_terminal_and_tells_no_password() -> None:
    log = "\x1b[31mred\x1b[0m\r\n50%\r100%\x07\x1b]0;title\x07 https://u:p@h/x\ttab"
    assert clean(log) == "red\n50%\n100% https://****@h/x\ttab"
