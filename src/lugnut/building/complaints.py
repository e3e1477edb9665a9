"""What went wrong, from all that an installer or a backend printed: the one line that says most, and what helps.

Pure. The last line of a traceback, unless it only says that a program failed: then the compiler's first error. Of pip
and uv the lines that name what cannot be had.
"""

from __future__ import annotations

import re

from lugnut.links import hide_credentials

USUAL_HINT = "-v shows all that the build said"
_LONGEST = 300
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07\x1b]*(\x07|\x1b\\)")
_RAISED = re.compile(r"^(?:[A-Za-z_]\w*\.)*([A-Z]\w*|error)(?:: .*)?$")
_VAGUE = re.compile(
    r"CalledProcessError|CompileError|DistutilsExecError|command .* failed|exit (code|status)|SystemExit|"
    r"build stopped|^make(\[\d+\])?: \*\*\*|subprocess-exited|FailedProcess|CMake Error at|RuntimeError: Build failed",
)
_COMPILER = re.compile(
    r"^\S.*?(:\d+(:\d+)?|\(\d+\)) ?: (fatal )?error\b|^error(\[E\d+\])?: (?!command)|: undefined refer|^CMake Error"
)
_CAUSE = re.compile(r"╰─▶|^\s*(?:cause|Caused by): ", re.MULTILINE)
"""How uv says why, by its age and by what went wrong."""
_PIP = (
    re.compile(r"No matching distribution found for .*"),
    re.compile(r"Cannot install .* because .*"),
    re.compile(r"THESE PACKAGES DO NOT MATCH THE HASHES.*"),
    re.compile(r"Failed to build '?.*"),
)
_HINTS = {
    r"No matching distribution|was not found|no versions? of|there is no version": (
        "look for a slip in its build-system.requires, and whether the index has it"
    ),
    r"conflict|unsatisfiable|incompatible": "its build requirements contradict each other, or a --build-constraint",
    r"Python\.h|pyconfig\.h": "install the headers of this Python: they come in a package like python3-dev",
    r"No such file or directory: '?(cc|gcc|g\+\+|c\+\+|clang|cl|cmake|cargo|rustc|gfortran|ninja)\b|"
    r"Visual C\+\+|ompiler .*not found|nable to find .*compiler|can't find Rust compiler": (
        "it needs a compiler: install one, or find a wheel for this Python"
    ),
    r"fatal error: .*: No such file|cannot find -l": "it needs a library's headers: install them, or find a wheel",
    r"No module named": "its build-system.requires lacks something; install that and use --no-build-isolation",
    r"No space left": "make room, then run it again",
}
"""What helps, by the reason that it helps against; the first that fits counts."""


def clean(log: str) -> str:
    """Take colours, signs that steer a terminal and credentials out of what a program printed."""
    text = _COLOURS.sub("", log).replace("\r\n", "\n").replace("\r", "\n")
    return hide_credentials("".join(sign for sign in text if sign.isprintable() or sign in "\n\t"))


def find_reason(log: str) -> str:
    """Give the line of a build's log that says most, on one line and not too long."""
    lines = [line.strip() for line in log.split("\n") if line.strip()]
    if not lines:
        return "it ended without a word"
    said = _find_raised(lines) or lines[-1]
    if _VAGUE.search(said):
        said = next((line for line in lines if _COMPILER.search(line)), said)
    return _shorten(said)


def _find_raised(lines: list[str]) -> str:
    """Give the exception that the last traceback ends in."""
    begins = [number for number, line in enumerate(lines) if line.startswith("Traceback (")]
    after = lines[begins[-1] :] if begins else []
    raised = [line for line in after if _RAISED.match(line)]
    return raised[-1] if raised else ""


def find_refusal(log: str) -> str:
    """Give what pip or uv said of requirements it could not install: uv's whole sentence, pip's line."""
    causes = _CAUSE.split(log)
    if len(causes) > 1:
        said = causes[-1].partition("\n\n")[0].partition("\n  hint:")[0]
        return _shorten(re.sub(r"^\s*│", " ", said, flags=re.MULTILINE))
    for pattern in _PIP:
        found = pattern.search(log)
        if found:
            return _shorten(found[0])
    errors = [line.partition(":")[2].strip() for line in log.split("\n") if line.lower().startswith("error:")]
    return _shorten(errors[-1]) if errors else find_reason(log)


def find_hint(reason: str) -> str:
    """Say what helps against a reason; that the whole log can be seen, where nothing better is known."""
    return next((hint for pattern, hint in _HINTS.items() if re.search(pattern, reason)), USUAL_HINT)


def _shorten(text: str) -> str:
    text = re.sub(r"\s+", " ", text).strip().rstrip(".")
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
