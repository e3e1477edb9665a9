"""A command's flags as argparse has them: for what is not plain, for the help, and for completion.

The command's parser knows flags only: operands are what it leaves over.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

from lugnut.cli.flags import COMMANDS, COUNT, FLAGS, LIST, SWITCH, Flag, flags_of
from lugnut.cli.plain import HELP, VERSION, Words, closest
from lugnut.cli.refusals import ACCEPTED, REFUSED, Refused
from lugnut.cli.refusals import COMMANDS as FOREIGN
from lugnut.cli.supply_flags import SUPPLY_FLAGS
from lugnut.errors import Unsupported, UsageError
from lugnut.typed import Any, NoReturn

SYNOPSIS = """\
usage: lugnut COMMAND [FLAGS] [WHAT]...

Fasten wheels to a Python environment: in parallel, as one transaction, right whoever else is at it."""
GROUPS = ("What", "Where", "Resolver", "Builds", "Network", "Conflicts", "How", "Output")
EPILOG = """\
Every flag can be given by a variable (--find-links: LUGNUT_FIND_LINKS), and every switch can be taken back (--no-...).
[tool.lugnut] in pyproject.toml knows overlay, on-conflict, link-mode and jobs. Flags come first, then variables.
"""


class _Parser(argparse.ArgumentParser):
    """argparse that raises our UsageError in place of printing and exiting."""

    def error(self, message: str) -> NoReturn:
        flag, _, problem = message.removeprefix("argument ").partition(": ")
        name = flag.rpartition("/")[2]
        if problem == "expected one argument":
            message = f"{name} needs a value"
        elif problem.startswith("ignored explicit argument"):
            message = f"{name} takes no value"
        raise UsageError(message=message, hint=f"{self.prog} --help")


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """A formatter of fixed width: argparse makes one for every flag it is told, and each would ask the terminal."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=80)


class _Refusal(argparse.Action):
    """Remembers the refused flags that were met; --help still wins over them."""

    def __call__(
        self, _parser: object, namespace: argparse.Namespace, _values: object, spelled: str | None = None
    ) -> None:
        namespace.refused = [*getattr(namespace, "refused", ()), (spelled, self.const)]


class _Ignored(argparse.Action):
    """Takes a flag and its value, and leaves no trace of them."""

    def __call__(self, _parser: object, _namespace: object, _values: object, _spelled: str | None = None) -> None:
        """Do nothing."""


class _IgnoredSwitch(_Ignored):
    """The same for a flag that takes no value."""

    def __init__(self, option_strings: Sequence[str], dest: str, **others: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, **others)


def parse_carefully(command: str, rest: Sequence[str]) -> Words:
    """Read the words beside a command; raises UsageError or Unsupported where `parse_words` says so."""
    if not command or command == HELP:
        return _parse_bare(command, rest)
    _check_command(command)
    namespace, extras = make_parser(command).parse_known_args(rest)
    given = dict(vars(namespace))
    if given.pop("help", False):
        return Words(HELP, (command,))
    if given.pop("version", False):
        return Words(VERSION)
    _answer_refused(given.pop("refused", ()))
    _answer_unknown(command, extras)
    return Words(command, tuple(extras), given)


def _parse_bare(command: str, rest: Sequence[str]) -> Words:
    """Answer a command line without a command, or with the command `help`."""
    if command or "-h" in rest or "--help" in rest:
        named = [word for word in rest if not word.startswith("-")][:1]
        for word in named:
            _check_command(word)
        return Words(HELP, tuple(named))
    if "-V" in rest or "--version" in rest:
        return Words(VERSION)
    raise UsageError(message="no command was given", hint="lugnut --help lists them")


def _check_command(word: str) -> None:
    if word in COMMANDS:
        return
    if word in FOREIGN:
        raise Unsupported(what=f"`lugnut {word}`", reason="lugnut has no such command", hint=FOREIGN[word])
    raise UsageError(
        message=f"there is no command {word!r}", hint=closest(word, COMMANDS) or "lugnut --help lists them"
    )


def make_parser(command: str) -> argparse.ArgumentParser:
    """Make the parser of one command's flags: those it acts on, those it only accepts, those it refuses."""
    operands, purpose = COMMANDS[command]
    parser = _Parser(
        prog=f"lugnut {command}",
        usage=f"lugnut {command} [FLAGS] {operands}".rstrip(),
        description=f"{purpose[0].upper()}{purpose[1:]}.",
        epilog=EPILOG,
        formatter_class=_Formatter,
        allow_abbrev=False,
        add_help=False,
        argument_default=argparse.SUPPRESS,
    )
    groups = {title: parser.add_argument_group(title) for title in GROUPS}
    taken: set[str] = set()
    for flag in flags_of(command):
        _add_flag(parser, groups[flag.group].add_argument, flag)
        taken.update(flag.names, flag.negations)
    groups["Output"].add_argument("-h", "--help", action="store_true", help="show this text")
    groups["Output"].add_argument("-V", "--version", action="store_true", help="show lugnut's version")
    parser.add_argument("--no-color", dest="color", action="store_const", const="never", help=argparse.SUPPRESS)
    _add_answers(parser, command, taken)
    return parser


def _add_flag(parser: argparse.ArgumentParser, add: Callable[..., object], flag: Flag) -> None:
    if flag.kind == SWITCH:
        add(*flag.names, dest=flag.field, action="store_true", help=flag.help)
        if flag.negations:  # without a name it would be an operand that nobody typed
            parser.add_argument(*flag.negations, dest=flag.field, action="store_false", help=argparse.SUPPRESS)
    elif flag.kind == COUNT:
        add(*flag.names, dest=flag.field, action="count", help=flag.help)
    else:
        action = "append" if flag.kind == LIST else "store"
        add(*flag.names, dest=flag.field, action=action, metavar=flag.metavar, help=flag.help)


def _add_answers(parser: argparse.ArgumentParser, command: str, taken: set[str]) -> None:
    """Add the flags of refusals.py that this command has no use of its own for."""
    for accepted in ACCEPTED:
        names = [name for name in accepted.names if name not in taken]
        action = _Ignored if accepted.values else _IgnoredSwitch
        if names and command in accepted.commands:
            parser.add_argument(*names, dest="ignored", action=action, help=argparse.SUPPRESS)
            taken.update(names)
    for flag in SUPPLY_FLAGS:  # of commands that neither resolve nor build nor fetch: they ask for nothing there
        names = [name for name in (*flag.names, *flag.negations) if name not in taken]
        if names and flag.group != "What" and command not in flag.commands:
            action = _IgnoredSwitch if flag.kind == SWITCH else _Ignored
            parser.add_argument(*names, dest="ignored", action=action, help=argparse.SUPPRESS)
            taken.update(names)
    for refused in REFUSED:
        names = [name for name in refused.names if name not in taken]
        if names and command in refused.commands:
            parser.add_argument(*names, action=_Refusal, const=refused, nargs="?", help=argparse.SUPPRESS)
            taken.update(names)


def _answer_refused(met: Sequence[tuple[str, Refused]]) -> None:
    for spelled, refused in met:
        raise Unsupported(what=spelled, reason=refused.reason, hint=refused.hint)


def _answer_unknown(command: str, extras: Sequence[str]) -> None:
    for word in extras:
        if word.startswith("-") and word != "-":
            name = word.partition("=")[0]
            raise UsageError(message=f"`lugnut {command}` has no flag {name}", hint=_place_flag(command, name))


def _place_flag(command: str, name: str) -> str:
    """Say whose flag it is, or which one was meant."""
    for flag in FLAGS:
        if name in (*flag.names, *flag.negations):
            return f"it is a flag of lugnut {flag.commands[0]}"
    known = [spelled for flag in flags_of(command) for spelled in (*flag.names, *flag.negations)]
    return closest(name, known) or f"lugnut {command} --help lists them"


def format_help(command: str = "") -> str:
    """Write the help of one command, or of lugnut as a whole."""
    if command:
        parser = make_parser(command)
        parser.formatter_class = argparse.RawDescriptionHelpFormatter  # as wide as the terminal
        return parser.format_help()
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {purpose}" for name, (_, purpose) in COMMANDS.items()]
    return "\n".join(
        (SYNOPSIS, "", "Commands:", *lines, "", "`lugnut COMMAND --help` lists a command's flags.", EPILOG)
    )
