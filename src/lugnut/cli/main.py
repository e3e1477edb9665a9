"""From argv to an exit code: read the words, run one act, tell how it came out. Never a traceback unasked."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Mapping, Sequence

import lugnut
from lugnut.cli.commands import ACTS, Act, check_operands
from lugnut.cli.configuration import Invocation, Presentation, make_invocation
from lugnut.cli.interrupts import Interrupts
from lugnut.cli.talk import Talk
from lugnut.cli.words import HELP, VERSION, Words, parse_words
from lugnut.errors import LugnutError, UsageError

COLLECTED_EVERY = 100_000
"""After how many more objects the cyclic collector looks: a run is short, makes few cycles and many tuples."""
SOFT = frozenset(("install", "sync", "lock", "uninstall", "check", "recover", "doctor"))
"""The commands that a signal has undone; the others die of it."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; gives its exit code. The console script and `python -m lugnut` both end here."""
    gc.set_threshold(COLLECTED_EVERY)
    arguments = list(sys.argv[1:] if argv is None else argv)
    talk = Talk(_guess_presentation(arguments, os.environ), os.environ)
    try:
        words = parse_words(arguments)
        if words.command in {HELP, VERSION}:
            return _inform(talk, words)
        invocation = make_invocation(words, os.environ, _working_directory())
        check_operands(invocation)
        talk = Talk(invocation.presentation, os.environ)
        talk.open_events()
    except LugnutError as error:
        return talk.fail(error)
    except KeyboardInterrupt:
        return 130
    return run(invocation, ACTS[invocation.command], talk)


def run(invocation: Invocation, act: Act, talk: Talk) -> int:
    """Run an act under the signal handlers and tell how it came out."""
    with Interrupts(soft=invocation.command in SOFT) as interrupts:
        try:
            outcome = act(invocation, talk.hear, interrupts.cancelled)
        except LugnutError as error:
            code = talk.fail(error)
        except KeyboardInterrupt:  # a command that a signal may simply end
            code = 130
        except Exception as error:  # noqa: BLE001 - whatever it is, the user gets a sentence
            code = talk.fail_unexpectedly(error)
        else:
            # A signal that came too late to undo anything does not make a done run a failed one.
            return talk.finish(invocation.command, outcome)
    return 128 + interrupts.number if interrupts.number else code


def _inform(talk: Talk, words: Words) -> int:
    """Answer --help and --version."""
    if words.command == VERSION:
        talk.out.line(f"lugnut {lugnut.__version__}")
    else:
        from lugnut.cli.parser import format_help

        talk.out.line(format_help(*words.operands).rstrip())
    return 0


def _guess_presentation(arguments: Sequence[str], environ: Mapping[str, str]) -> Presentation:
    """Guess how a command line wants to be answered that may turn out not to be one."""
    flags = arguments[: arguments.index("--")] if "--" in arguments else arguments
    spelled = " ".join(flags).replace("--color=", "--color ")
    color = next((when for when in ("always", "never") if f"--color {when}" in spelled), "auto")
    json = "--json" in flags or environ.get("LUGNUT_JSON", "").lower() in {"1", "true"}
    return Presentation(json=json, color=color)


def _working_directory() -> str:
    try:
        return os.getcwd()
    except OSError as error:
        raise UsageError(
            message=f"the working directory is gone: {error.strerror}", hint="cd to one that exists"
        ) from None
