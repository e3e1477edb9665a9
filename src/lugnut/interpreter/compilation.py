"""How one source becomes the bytes of a .pyc: called in our process, or run by the target's own interpreter.

Runs alone as `python -I -B compilation.py` with a JSON list of what `make_pyc` takes, the sources in base64, on stdin.
It answers with the list of results, null where a source is not Python; imports nothing of lugnut, so that any Python
from 3.9 on can run it, and touches no file. Source: PEP 552.
"""

from __future__ import annotations

import marshal
import sys
import warnings
from importlib.util import MAGIC_NUMBER, source_hash

BEGIN = "\n--- lugnut ---\n"
"""As in probe.py, which the two share by convention: neither may import the other where they run alone."""

_CHECKED = (0b11).to_bytes(4, "little")
"""A .pyc that names its source's hash, and is to be checked against it (PEP 552)."""


def make_pyc(source: bytes, path: str, mtime: int | None) -> bytes | None:
    """Compile a source; None where it is not Python.

    The result is valid for a source whose modification time is `mtime` (s), or where that is None for one with this
    hash. It is what a Python without -O reads, whatever ours was started with.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # their author's business, at the time of writing them
        try:
            code = compile(source, path, "exec", dont_inherit=True, optimize=0)
        except (SyntaxError, ValueError, RecursionError, MemoryError):  # MemoryError: nested too deeply
            return None
    if mtime is None:
        head = _CHECKED + source_hash(source)
    else:
        head = b"".join((word & 0xFFFFFFFF).to_bytes(4, "little") for word in (0, mtime, len(source)))
    return MAGIC_NUMBER + head + marshal.dumps(code)


def _answer(jobs: list[tuple[str, str, int | None]]) -> list[str | None]:
    import base64

    made = [make_pyc(base64.b64decode(source), path, mtime) for source, path, mtime in jobs]
    return [None if data is None else base64.b64encode(data).decode() for data in made]


if __name__ == "__main__":
    import json

    sys.stdout.write(BEGIN + json.dumps(_answer(json.load(sys.stdin))) + "\n")
