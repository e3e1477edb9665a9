"""Lock files: opened, and made where they are missing. Callers use `locks`, which takes what is opened here."""

from __future__ import annotations

import os

from lugnut.system.contents import create, open_regular, publish, temporary_name, withdraw
from lugnut.system.directory import Directory
from lugnut.system.native import native

_SHARED = 0o022
_MODE = 0o644
_TRIES = 20
_WORD = "lock"
UNFINISHED = f".lugnut-{_WORD}-"
"""What the name of one that is being made begins with; a killed run may leave it, and it may be removed at any time."""


def open_lock(directory: Directory, name: str, *, create: bool) -> int:
    """Open a lock file for reading and writing, never through a symlink, never truncating it (TRAPS 3).

    A new one gets its directory's group and, where the directory has it, its permission to write (TRAPS 13).
    """
    try:
        return open_regular(directory, name, os.O_RDWR)
    except FileNotFoundError:
        if not create:
            raise
    if native.status(directory).st_mode & _SHARED == 0:
        return open_regular(directory, name, os.O_RDWR | os.O_CREAT, _MODE)
    if not native.appear(directory, name, mode=_MODE):
        _make_shared(directory, name)
    return open_regular(directory, name, os.O_RDWR)


def open_lock_to_share(directory: Directory, name: str) -> int:
    """Open a lock file that may only be read, as in a read-only store; good enough for a shared lock."""
    return open_regular(directory, name)


def _make_shared(directory: Directory, name: str) -> None:
    """Let a file appear with the right mode from its first moment, so that no other user finds it closed."""
    for _ in range(_TRIES):
        temporary = temporary_name(_WORD)
        descriptor = create(directory, temporary)
        try:
            native.share_mode(directory, descriptor, mode=_MODE)
            publish(directory, temporary, directory, name)
        except FileExistsError:
            withdraw(directory, temporary)
        except FileNotFoundError:  # swept by who took it for a killed run's
            continue
        except OSError:  # neither hard links nor renameat2: a moment with the wrong mode is the best there is
            withdraw(directory, temporary)
            plain = native.open_file(directory, name, os.O_RDWR | os.O_CREAT)
            native.share_mode(directory, plain, mode=_MODE)
            os.close(plain)
        finally:
            os.close(descriptor)
        return
