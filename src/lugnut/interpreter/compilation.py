"""How one source becomes the bytes of a .pyc: called in our process, or run by the target's own interpreter.

Runs alone as `python -I -B compilation.py` with a JSON list of [source in base64, path, mtime] on stdin, and answers
with the list of results, null where a source is not Python; imports nothing of lugnut, so that any Python from 3.9 on
can run it, and touches no file. Source: PEP 552.
"""

from __future__ import annotations

import marshal
import sys
import warnings
from importlib.util import MAGIC_NUMBER
from typing import Any

BEGIN = "\n--- lugnut ---\n"
"""As in probe.py, which the two share by convention: neither may import the other where they run alone."""


def make_pyc(source: bytes, path: str, mtime: int) -> bytes | None:
    """Compile a source whose modification time is `mtime` (s); None where it is not Python."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # their author's business, at the time of writing them
        try:
            code = compile(source, path, "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError):  # MemoryError: nested too deeply
            return None
    words = (0, mtime & 0xFFFFFFFF, len(source) & 0xFFFFFFFF)
    return MAGIC_NUMBER + b"".join(word.to_bytes(4, "little") for word in words) + marshal.dumps(code)


def _answer(jobs: list[Any]) -> list[Any]:
    import base64

    made = [make_pyc(base64.b64decode(source), path, mtime) for source, path, mtime in jobs]
    return [None if data is None else base64.b64encode(data).decode() for data in made]


if __name__ == "__main__":
    import json

    sys.stdout.write(BEGIN + json.dumps(_answer(json.load(sys.stdin))) + "\n")
