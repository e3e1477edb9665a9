"""Hold a lock file; say who holds it. portalocker over flock (POSIX) and msvcrt (Windows).

A lock belongs to an open file description: forked children inherit it, and it is free when the last of them has closed
it or died (TRAPS 7). So it is released by `close()` alone, never by LOCK_UN, and no pid, age or heart-beat decides
anything (DESIGN, locks). Lock files are never unlinked (TRAPS 1) and never written before they are held.
"""

from __future__ import annotations

import errno
import json
import os
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

from lugnut.errors import LockTimeout, LockUnusable
from lugnut.system import files

if sys.platform == "win32":
    from lugnut.system import _windows as _system
else:
    from lugnut.system import _posix as _system

POLL = 0.01
"""Seconds between two tries: portalocker's own quarter of a second wakes 200 ms late (TRAPS 3)."""
_BUSY = {errno.EACCES, errno.EAGAIN}
_WORDS = 480
"""Bytes of a lock file's words, so that a shorter holder overwrites a longer one whole."""
_URL_WORDS = 3
boot_id = _system.boot_id


class Patience(NamedTuple):
    """How long a caller waits, whom it tells, and what may call it off."""

    timeout: float
    """Seconds; 0 tries once."""
    on_wait: Callable[[str, str, float], None]
    """Told the lock's path, its holder in words and the seconds waited, after 1 s and then every 10 s."""
    cancelled: Callable[[], None]
    """Called at every try; raises to give up."""


class Held:
    """A lock that is held until `close()`, or until this process and every child it forked meanwhile are gone."""

    def __init__(self, directory: files.Directory, name: str, descriptor: int) -> None:
        self.path = os.path.join(directory.path, name)
        self._name = name
        self._descriptor = descriptor
        self._generation = 0

    def close(self) -> None:
        """Release the lock; a second close does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def still_there(self, directory: files.Directory) -> bool:
        """Say whether the name still leads to the file that is locked."""
        status = files.look(directory, self._name)
        mine = os.fstat(self._descriptor)
        return status is not None and (status.st_dev, status.st_ino) == (mine.st_dev, mine.st_ino)

    def claim(self, words: str) -> int:
        """Raise the file's generation and write who holds it, in one write; gives the generation."""
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        self._generation = _parse_generation(os.read(self._descriptor, 32)) + 1
        text = f"{self._generation} {words}".encode()[:_WORDS].ljust(_WORDS) + b"\n"
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        files.write_all(self._descriptor, text)
        return self._generation

    def kept(self, directory: files.Directory) -> bool:
        """Read the generation again through the name: False means that somebody else took the lock (TRAPS 9)."""
        try:
            return _parse_generation(files.read(directory, self._name)) == self._generation
        except OSError:
            return False


def hold(
    directory: files.Directory, name: str, patience: Patience, *, shared: bool = False, create: bool = True
) -> Held:
    """Take a lock, waiting as long as `patience` says; raises LockTimeout, or LockUnusable where waiting is no use."""
    started = time.monotonic()
    said = started - 9.0
    while True:
        held = try_hold(directory, name, shared=shared, create=create)
        if held is not None:
            return held
        patience.cancelled()
        now = time.monotonic()
        if now - started >= patience.timeout:
            raise LockTimeout(
                seconds=round(now - started), path=os.path.join(directory.path, name), holder=describe_holder(directory, name)
            )
        if now - said >= 10.0:  # noqa: PLR2004 - seconds between two lines, the first after one
            patience.on_wait(os.path.join(directory.path, name), describe_holder(directory, name), now - started)
            said = now
        time.sleep(min(POLL, max(0.0, patience.timeout - (now - started))))


def try_hold(directory: files.Directory, name: str, *, shared: bool = False, create: bool = True) -> Held | None:
    """Take a lock if it is free; None where somebody holds it.

    Raises FileNotFoundError where `create` is False and there is no such file, LockUnusable where it cannot be locked.
    """
    try:
        descriptor = files.open_lock(directory, name, create=create)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise LockUnusable(path=os.path.join(directory.path, name), reason=error.strerror or str(error)) from None
    try:
        busy = not _lock(descriptor, shared=shared)
    except OSError as error:
        os.close(descriptor)
        raise LockUnusable(path=os.path.join(directory.path, name), reason=error.strerror or str(error)) from None
    if busy:
        os.close(descriptor)
        return None
    return Held(directory, name, descriptor)


def _lock(descriptor: int, *, shared: bool) -> bool:
    """Lock a descriptor without waiting: False is busy, any other failure an OSError (TRAPS 3)."""
    import portalocker

    kind = portalocker.LockFlags.SHARED if shared else portalocker.LockFlags.EXCLUSIVE
    try:
        portalocker.lock(descriptor, kind | portalocker.LockFlags.NON_BLOCKING)
    except portalocker.exceptions.AlreadyLocked:
        return False
    except portalocker.exceptions.LockException as error:
        cause = error.args[0] if error.args and isinstance(error.args[0], OSError) else None
        if cause is not None and cause.errno in _BUSY:
            return False
        number = cause.errno if cause is not None and cause.errno is not None else errno.ENOLCK
        raise OSError(number, os.strerror(number)) from None
    return True


def _parse_generation(data: bytes) -> int:
    word = data.split(b" ", 1)[0].strip()
    return int(word) if word.isdigit() else 0


def holder_words(start: float | None = None) -> str:
    """Say who this process is, as one line of JSON: for messages only (TRAPS 8)."""
    words = " ".join(_hide_credentials(word) for word in [os.path.basename(sys.argv[0]), *sys.argv[1:]])
    document = {
        "pid": os.getpid(), "start": start or time.time(), "host": _host(), "boot": boot_id(),
        "namespace": _system.pid_namespace(), "argv": words[:120],
    }  # fmt: skip
    return json.dumps(document)


def _host() -> str:
    import platform

    return platform.node()


def _hide_credentials(word: str) -> str:
    scheme, mark, rest = word.partition("://")
    return f"{scheme}{mark}{rest.rpartition('@')[2]}" if mark and "@" in rest else word


def describe_holder(directory: files.Directory, name: str) -> str:
    """Word who holds a lock, as far as that is known."""
    try:
        _, _, words = files.read(directory, name).decode("utf-8", "replace").partition(" ")
        data = json.loads(words)
        return _word_holder(data)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return "held by another process"


def _word_holder(data: dict[str, object]) -> str:
    since = max(0, round(time.time() - float(str(data["start"]))))
    elsewhere = data.get("boot") != boot_id() or data.get("namespace") != _system.pid_namespace()
    if not elsewhere and not _lives(int(str(data["pid"]))):
        return "held by another process"
    place = " in another container" if elsewhere else ""
    return f"held by pid {data['pid']} `{data['argv']}` on host {data['host']}{place} for {since} s"


def _lives(pid: int) -> bool:
    """Ask psutil, so that a message does not name a process that is gone; nothing else is decided by it."""
    import psutil

    return bool(psutil.pid_exists(pid))
