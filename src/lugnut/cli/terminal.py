"""Where talk goes: two streams that may be a terminal, a pipe or closed, each with its own answer about colour.

Writing never raises: a reader who went away (`| head -1`) must not disturb a transaction. What could not be written is
remembered in `broken` and told by the exit code.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Mapping

from lugnut.typed import TextIO

BOLD, DIM, RED, GREEN, YELLOW, CYAN = "1", "2", "31", "32", "33", "36"


class Paint:
    """Wraps text in colours, or not; text from outside loses its control characters either way."""

    def __init__(self, *, on: bool = False) -> None:
        self.on = on

    def __call__(self, text: str, *codes: str) -> str:
        """Give the text, safe to show, in the colours if they are on."""
        shown = printable(text)
        return f"\033[{';'.join(codes)}m{shown}\033[0m" if self.on and codes and shown else shown


def printable(text: str) -> str:
    """Escape what a terminal would act on: a wheel's file name may hold anything."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def wants_color(choice: str, environ: Mapping[str, str], stream: TextIO) -> bool:
    """Decide on colour: the flag, then NO_COLOR, then FORCE_COLOR, then whether a terminal reads."""
    if choice != "auto":
        return choice == "always"
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return environ["FORCE_COLOR"] != "0"
    return is_terminal(stream) and environ.get("TERM") != "dumb"


def is_terminal(stream: TextIO) -> bool:
    """Say whether somebody watches."""
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


class Outlet:
    """One stream and its paint."""

    def __init__(self, stream: TextIO | None, paint: Paint) -> None:
        self.stream = stream
        self.paint = paint
        self.broken: OSError | None = None

    def line(self, text: str) -> None:
        """Write one finished line, at once."""
        if self.stream is None or self.broken is not None:
            return
        try:
            self.stream.write(text.encode(errors="backslashreplace").decode() + "\n")
            self.stream.flush()
        except UnicodeEncodeError:  # an ASCII locale
            self._line_in_ascii(text)
        except OSError as error:
            self._give_up(self.stream, error)
        except ValueError:  # closed
            self.stream = None

    def _line_in_ascii(self, text: str) -> None:
        self.line(text.encode("ascii", errors="backslashreplace").decode())

    def _give_up(self, stream: TextIO, error: OSError) -> None:
        """Stop writing, and keep Python from trying again when it closes the stream at exit."""
        self.broken = error
        null = os.open(os.devnull, os.O_WRONLY)
        with contextlib.suppress(OSError, ValueError):  # a stream without a descriptor has nothing to lose
            os.dup2(null, stream.fileno())
        os.close(null)

    @property
    def lost(self) -> OSError | None:
        """What kept a line from being written, unless the reader simply went away."""
        return self.broken if self.broken is not None and self.broken.errno != errno.EPIPE else None
