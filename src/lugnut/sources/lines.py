"""A requirements file's text to logical lines: read, joined, comments cut, variables replaced; all of it as pip does.

Source: pip's *Requirements File Format*. A file may be `-` (stdin, as for uv) and may be a pipe that the shell opened
for us, but no other: a FIFO would hang us (TRAPS 36).
"""

from __future__ import annotations

import codecs
import contextlib
import contextvars
import os
from collections.abc import Iterator, Mapping

from lugnut.errors import BadRequirement
from lugnut.sources.requests import COMMAND_LINE, refuse

STANDARD_INPUT = "-"
_COMMENT = r"(^|\s+)#.*$"
_VARIABLE = r"\$\{([A-Z0-9_]+)\}"
_HARMLESS = ("/dev/fd/", "/dev/stdin", "/proc/self/fd/", "/dev/null")
"""What the shell opened for us ends where the shell says."""
_MARKS = (  # what editors and shells of Windows write first; the longer ones first, since they begin like the shorter
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


_MEMORY: contextvars.ContextVar[dict[str, bytes] | None] = contextvars.ContextVar("_MEMORY", default=None)


@contextlib.contextmanager
def remembering() -> Iterator[None]:
    """Remember, for as long as the block lasts, what can be read once only: first we read it, then a resolver."""
    token = _MEMORY.set({})
    try:
        yield
    finally:
        _MEMORY.reset(token)


def reads_once(path: str) -> bool:
    """Say whether a name is one of the shell's: what it leads to is this process's, and may be read up."""
    return path == STANDARD_INPUT or path.startswith(_HARMLESS)


def read_lines(path: str, asked_by: str) -> Iterator[tuple[int, str]]:
    """Give each logical line that says something, with the number of its first line. Raises BadRequirement."""
    import re

    for number, line in _join(_read_text(path, asked_by)):
        words = re.sub(_COMMENT, "", line).strip()
        if words:
            yield number, words


def replace_variables(words: str, origin: str, environ: Mapping[str, str]) -> str:
    """Put in the values of `${NAME}`; one that is not set is refused, since pip would look for that very text."""
    import re

    def value(found: re.Match[str]) -> str:
        if not environ.get(found[1]):
            raise refuse(origin, words, f"{found[0]} is not set", f"set {found[1]}, or write the value")
        return environ[found[1]]

    return re.sub(_VARIABLE, value, words) if "${" in words else words


def _read_text(path: str, origin: str) -> str:
    standard = path == STANDARD_INPUT
    if not standard and not os.path.isfile(path) and not path.startswith(_HARMLESS):
        what = "is no regular file" if os.path.exists(path) else "does not exist"
        raise _refuse_file(path, origin, f"{path} {what}")
    memory = _MEMORY.get()
    try:
        if memory is None or not reads_once(path):
            return _decode(_read(path), path, origin)
        if path not in memory:
            memory[path] = _read(path)
        return _decode(memory[path], path, origin)
    except OSError as error:
        raise _refuse_file(path, origin, error.strerror or str(error)) from None


def _read(path: str) -> bytes:
    standard = path == STANDARD_INPUT
    with open(0 if standard else path, "rb", closefd=not standard) as file:
        return file.read()


def _refuse_file(path: str, origin: str, reason: str) -> BadRequirement:
    hint = "look for a slip in the path" if origin == COMMAND_LINE else "-r and -c in a file are relative to that file"
    return refuse(origin, f"-r {path}", reason, hint)


def _decode(data: bytes, path: str, origin: str) -> str:
    encoding = next((encoding for mark, encoding in _MARKS if data.startswith(mark)), "utf-8-sig")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        raise refuse(origin, f"-r {path}", f"{path} is not UTF-8 text", "save it as UTF-8") from None
    if "\0" in text:
        raise refuse(origin, f"-r {path}", f"{path} has a null byte in it", "save it as UTF-8")
    return text


def _join(text: str) -> Iterator[tuple[int, str]]:
    """Join lines that end in a backslash, as pip does: a comment ends the line it belongs to."""
    import re

    first, held = 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        comment = re.search(_COMMENT, line)
        first = first if held else number
        if line.endswith("\\") and not comment:
            held += line[:-1]
            continue
        yield first, held + (" " + line if comment else line)
        held = ""
    if held:
        yield first, held
