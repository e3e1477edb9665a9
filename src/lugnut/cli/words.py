"""argv to words: which command, which operands, which flags, as raw text.

Flags and operands may be mixed freely, and every flag may also stand before the command, as with uv. Values are read in
`configuration`, where a flag, a variable and a key of pyproject.toml are read alike.
"""

from __future__ import annotations

from collections.abc import Sequence

from lugnut.cli.flags import COMMANDS, FLAGS, LIST, VALUE
from lugnut.cli.plain import HELP, VERSION, Words, read_plainly

__all__ = ["HELP", "VERSION", "Words", "parse_words"]


def parse_words(argv: Sequence[str]) -> Words:
    """Read the command line; raises UsageError for what cannot mean anything, Unsupported for what is refused."""
    flags, literal = _split(argv)
    command, rest = _take_command(flags)
    if rest in (["--version"], ["-V"]) and not command:
        return Words(VERSION)
    words = read_plainly(command, rest) if command in COMMANDS else None
    if words is None:
        from lugnut.cli.parser import parse_carefully

        words = parse_carefully(command, rest)
    return words._replace(operands=(*words.operands, *literal)) if words.command in COMMANDS else words


def _split(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Cut argv at `--`: what follows is operands, whatever it looks like."""
    words = list(argv)
    if "--" not in words:
        return words, []
    border = words.index("--")
    return words[:border], words[border + 1 :]


_VALUED = frozenset(name for flag in FLAGS if flag.kind in {VALUE, LIST} for name in flag.names)


def _take_command(words: list[str]) -> tuple[str, list[str]]:
    """Find the first word that is neither a flag nor a flag's value; give it, and all the others."""
    position = 0
    while position < len(words):
        word = words[position]
        if not word.startswith("-"):
            return word, words[:position] + words[position + 1 :]
        position += 2 if word in _VALUED else 1
    return "", words
