"""`python -m lugnut`, and the console script's entry.

The rest is imported only when it runs, so that importing this file changes nothing of its process but a path that is
not to be imported from, and so that whoever interrupts the import has the process die of it as any program does.
"""

import os
import sys


def _starts_foreign(name: str, place: str, script: str) -> bool:
    """Say whether sys.path starts with a directory that is not ours to import from.

    TRAPS 39: `python -m` puts the working directory first, and starting a script puts the script's directory first: a
    json.py there would be run in place of the standard library's. Under -P and -I Python does neither.
    """
    if sys.flags.safe_path:
        return False
    if name == "__main__":
        return place in {"", _working_directory()}
    launched = os.path.basename(script).lower() in {"lugnut", "lugnut.exe"}
    return launched and place == os.path.dirname(os.path.realpath(script))


def _working_directory() -> str:
    try:
        return os.getcwd()
    except OSError:  # it was removed under us
        return ""


if sys.path and _starts_foreign(__name__, sys.path[0], sys.argv[0]):
    del sys.path[0]

import signal  # noqa: E402 - only now is the path our own
from collections.abc import Sequence  # noqa: E402

_INTERRUPTED = 128 + signal.SIGINT


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; gives its exit code."""
    quiet = _die_of_interrupts()
    try:
        try:
            from lugnut.cli.main import main as run
        finally:
            if quiet:
                signal.signal(signal.SIGINT, signal.default_int_handler)
        return run(argv)
    except KeyboardInterrupt:  # before or after what the command line answers itself
        return _INTERRUPTED


def _die_of_interrupts() -> bool:
    """Leave SIGINT to the system, and give whether that is a change: where Python answers it, in the main thread.

    One that is ignored (nohup, a shell's background job) stays so, and another handler is somebody else's.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return False
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    except ValueError:  # not the main thread: signals are not ours
        return False
    return True


def start() -> int:
    """Run the command of sys.argv as a process of its own, whose end this is: the console script's entry.

    An interpreter that ends takes all it made apart, one object after the other, for 7 ms after a small install. Where
    nobody has anything left to do by then, the process ends at once. Gives the exit code where it does not.
    """
    code = _INTERRUPTED
    try:
        code = main()
        if not _is_waited_for():
            _leave(code)
    except KeyboardInterrupt:  # what the command did it has said
        pass
    return code


def _leave(code: int) -> None:
    """End the process at once; it returns where that cannot be."""
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except (OSError, ValueError):  # Python has its own way to fail by that
        return
    os._exit(code)


def _is_waited_for() -> bool:
    """Whether somebody may want to be called before the process ends: who registers that, debugs or measures us."""
    watched = sys.gettrace() is not None or sys.getprofile() is not None
    return watched or bool(sys.flags.inspect) or not {"atexit", "threading"}.isdisjoint(sys.modules)


if __name__ == "__main__":
    sys.exit(start())
