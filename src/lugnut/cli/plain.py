"""What the user typed, and command lines that are plain: read off the table of flags.

All else (flags run together, values glued on, what only is accepted, what is refused and every mistake) is `parser`'s,
with argparse underneath, which takes 8 ms to import and to be told of 150 flags.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from lugnut.cli.flags import COUNT, LIST, SWITCH, Flag, flags_of
from lugnut.typed import Any, NamedTuple

HELP = "help"
VERSION = "version"


class Words(NamedTuple):
    """What the user typed: `given` holds bool for switches, int for counts, text and lists of text for the rest."""

    command: str
    """A key of COMMANDS, or `help` or `version`."""
    operands: tuple[str, ...] = ()
    given: dict[str, Any] = {}  # noqa: RUF012 - never changed


def read_plainly(command: str, rest: Sequence[str]) -> Words | None:
    """Read what is one of the command's own flags, each with its value in the next word; None where anything is not."""
    table = {name: (flag, True) for flag in flags_of(command) for name in flag.names}
    table |= {name: (flag, False) for flag in flags_of(command) for name in flag.negations}
    operands: list[str] = []
    given: dict[str, Any] = {}
    left = iter(rest)
    for word in left:
        if not word.startswith("-"):
            operands.append(word)
            continue
        name, _, value = word.partition("=") if word.startswith("--") else (word, "", "")
        flag, on = table.get(name, (None, False))
        if flag is None or not _note(flag, given, on if name == word else value, left):
            return None
    return Words(command, tuple(operands), given)


def _note(flag: Flag, given: dict[str, Any], said: bool | str, left: Iterator[str]) -> bool:
    """Note a flag that was met, with the value that it brings or the next word; False where that is not plain."""
    if flag.kind in {SWITCH, COUNT}:
        given[flag.field] = said if flag.kind == SWITCH else given.get(flag.field, 0) + 1
        return isinstance(said, bool)
    value = said if isinstance(said, str) else next(left, "-")
    if not value or value.startswith("-"):
        return False
    if flag.kind == LIST:
        given.setdefault(flag.field, []).append(value)
    else:
        given[flag.field] = value
    return True


def closest(word: str, known: Iterable[str]) -> str:
    """Ask whether the nearest known word was meant; empty where none is near."""
    import difflib

    found = difflib.get_close_matches(word, known, 1)
    return f"did you mean {found[0]}?" if found else ""
