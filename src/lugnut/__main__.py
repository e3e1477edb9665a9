"""`python -m lugnut`, and the console script's entry."""

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

from lugnut.cli.main import main  # noqa: E402 - only now is the path our own

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
