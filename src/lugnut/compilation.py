"""How one source becomes the bytes of a .pyc: called in our process, or run by the target's own interpreter.

Runs alone as `python -I -B compilation.py` with paths on stdin, each ended by a NUL but the last, and answers with
those it could not compile; imports nothing of lugnut, so that any Python from 3.9 on can run it. Source: PEP 552.
"""

from __future__ import annotations

import marshal
import sys
import warnings
from importlib.util import MAGIC_NUMBER

BEGIN = "\n--- lugnut ---\n"
"""As in probe.py, which the two share by convention: neither may import the other where they run alone."""


def make_pyc(source: bytes, path: str, mtime: int) -> bytes:
    """Compile a source whose modification time is `mtime` (s); SyntaxError or ValueError where it is not Python."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # their author's business, at the time of writing them
        code = compile(source, path, "exec", dont_inherit=True)
    words = (0, mtime & 0xFFFFFFFF, len(source) & 0xFFFFFFFF)
    return MAGIC_NUMBER + b"".join(word.to_bytes(4, "little") for word in words) + marshal.dumps(code)


def _compile_files(paths: list[str]) -> list[str]:
    """Compile files into their `__pycache__`; py_compile publishes each by rename and refuses symlinks."""
    import py_compile

    failed = []
    for path in paths:
        try:
            py_compile.compile(path, doraise=True, invalidation_mode=py_compile.PycInvalidationMode.TIMESTAMP)
        except (py_compile.PyCompileError, RecursionError, ValueError):
            failed.append(path)
        except OSError:
            continue
    return failed


if __name__ == "__main__":
    import json

    given = sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
    sys.stdout.write(BEGIN + json.dumps(_compile_files(given.split("\0"))) + "\n")
