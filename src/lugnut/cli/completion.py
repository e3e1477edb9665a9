"""Completion scripts, by shtab, out of the parsers that read the command line."""

from __future__ import annotations

import argparse

from lugnut.cli.flags import COMMANDS, LIST, OPERANDS, VALUE, WORDS, flags_of
from lugnut.cli.outcome import Script
from lugnut.cli.parser import make_parser
from lugnut.errors import Unsupported
from lugnut.typed import Any

WANTS = {"DIR": "directory", "FILE": "file", "PATH": "file"}
"""What a value is completed to, by its metavar."""


def make_script(shell: str) -> Script:
    """Write the script for one of the shells in OPERANDS; raises Unsupported where the shtab at hand cannot."""
    import shtab

    if shell not in shtab.SUPPORTED_SHELLS:
        raise Unsupported(
            what=f"completion for {shell}", reason="the shtab installed cannot write it", hint="upgrade shtab"
        )
    return Script(shtab.complete(_make_whole(shtab.CHOICE_FUNCTIONS), shell).rstrip("\n"))


def _make_whole(kinds: dict[str, Any]) -> argparse.ArgumentParser:
    """Make one parser of all commands: each command's own, and operands that say what they are completed to."""
    whole = argparse.ArgumentParser(prog="lugnut", add_help=False)
    whole.add_argument("-h", "--help", action="store_true", help="show the commands")
    whole.add_argument("-V", "--version", action="store_true", help="show lugnut's version")
    commands = whole.add_subparsers(dest="command")
    for command, (_, purpose) in COMMANDS.items():
        parser = commands.add_parser(command, parents=[make_parser(command)], add_help=False, help=purpose)
        fields = {flag.field: flag for flag in flags_of(command) if flag.kind in {VALUE, LIST}}
        for action in parser._get_optional_actions():  # noqa: SLF001 - argparse shows them nowhere else
            if action.dest in fields and action.option_strings:
                _say_kind(action, kinds, action.dest, fields[action.dest].metavar)
        if command in OPERANDS:
            parser.add_argument("operand", choices=OPERANDS[command], help=purpose)
        elif command == "install":
            operand: Any = parser.add_argument("operand", nargs="*", help=purpose)
            operand.complete = kinds["file"]
    return whole


def _say_kind(action: Any, kinds: dict[str, Any], field: str, metavar: str) -> None:
    if field in WORDS:
        action.choices = WORDS[field]
    elif metavar in WANTS:
        action.complete = kinds[WANTS[metavar]]
