"""Hold a lock file; say who holds it. portalocker over flock (POSIX) and msvcrt (Windows).

A lock belongs to an open file description: forked children inherit it, and it is free when the last of them has closed
it or died (TRAPS 7). So it is released by `close()` alone, never by LOCK_UN, and no pid, age or heart-beat decides
anything (design, section 5). A lock that cannot be had is an error that names the holder, never a reason to go on
without it (G6, TRAPS 2). Lock files are never unlinked while anybody may want them (TRAPS 1) and never written before
they are held; one that did vanish under us (`lugnut recover --forget`) is noticed and taken again.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import sys
import time
from collections.abc import Callable

from lugnut.errors import CannotWrite, LockTimeout, LockUnusable
from lugnut.events import Span, ignore, never
from lugnut.system import files
from lugnut.system.native import machine, native
from lugnut.typed import Any, NamedTuple

LOCKS_LIKE_UV = native.LOCKS_LIKE_UV
"""Our locks and those of uv, which takes flock too, are seen by each other."""
POLL, LONGEST_POLL = 0.01, 0.05
"""Seconds between two tries, of which who has waited long needs fewer: portalocker's own quarter of a second wakes
200 ms late (TRAPS 3)."""
FIRST_WORD, NEXT_WORD = 1.0, 10.0
"""Seconds until a waiter first hears who holds the lock, and between two times."""
_WORDS = 1000
"""Bytes of a lock file's words: always the same, so that one write replaces a longer holder's whole."""
_LONGEST, _COMMAND = 900, 160
_TRIES = 100
_MANY = 100
"""With so many open files there may soon be too many: a run holds two locks for each distribution it acts on."""
_READ_ONLY = {errno.EACCES, errno.EPERM, errno.EROFS}
_NO_ROOM = {errno.EROFS, errno.ENOSPC, errno.EDQUOT}


def _tell_nobody(path: str, holder: str, seconds: float) -> None:
    """Wait without a word."""


class Patience(NamedTuple):
    """How long a caller waits, whom it tells, and what may call it off."""

    timeout: float
    """Seconds; 0 tries once."""
    on_wait: Callable[[str, str, float], None] = _tell_nobody
    """Told the lock's path, its holder in words and the seconds waited, after 1 s and then every 10 s."""
    cancelled: Callable[[], None] = never
    """Called before every further try; raises to give up."""
    waits: Callable[[Span], None] | None = None
    """Told of each wait once it is over, if time is kept."""


class Held(files.Closing):
    """A lock that is held until `close()`, or until this process and every child it forked meanwhile are gone."""

    def __init__(self, directory: files.Directory, name: str, descriptor: int) -> None:
        self.path = f"{directory.path}/{name}"
        self._name = name
        self._descriptor = descriptor
        self._generation = 0

    def close(self) -> None:
        """Give the lock back, as far as this process is concerned; a second close does nothing.

        Never LOCK_UN: in a forked child that would free the parent's lock too (TRAPS 7).
        """
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            os.close(descriptor)

    def still_there(self, directory: files.Directory) -> bool:
        """Say whether the name still leads to the file that is locked."""
        found, mine = files.look(directory, self._name), os.fstat(self._descriptor)
        return found is not None and (found.st_ino, found.st_dev) == (mine.st_ino, mine.st_dev)

    def claim(self, words: str) -> int:
        """Raise the file's generation and write who holds it, in one write; gives the generation.

        OSError where the file cannot be written (full, EIO): the lock is held all the same.
        """
        self._generation = _parse_generation(native.read_words(self._descriptor, self.path)) + 1
        text = f"{self._generation} {words}".encode()[: _WORDS - 1].ljust(_WORDS - 1) + b"\n"
        native.write_words(self._descriptor, self.path, text)
        return self._generation

    def kept(self, directory: files.Directory, *, unread: bool = False) -> bool:
        """Say whether the generation is the claimed one, `unread` where none is read; else it was taken (TRAPS 9)."""
        return unread if (found := self.generation(directory)) < 0 else found == self._generation

    def generation(self, directory: files.Directory) -> int:
        """Read the generation again through the name, not through what is open; -1 where there is none to read."""
        try:
            return _parse_generation(files.read(directory, native.words_name(self._name)))
        except OSError:
            return -1


def prepare() -> None:
    """Import what locking takes, which is slow, before it is needed in several forked workers."""
    from lugnut.system import portalocking  # noqa: F401


def hold(
    directory: files.Directory, name: str, patience: Patience, *, shared: bool = False, create: bool = True
) -> Held:
    """Take a lock, waiting as long as `patience` says; raises LockTimeout, or LockUnusable where waiting is no use."""
    if patience.waits is not None:
        again = functools.partial(hold, directory, name, shared=shared, create=create)
        return _tell_wait(directory, name, patience, again)
    began = time.monotonic()
    next_word = FIRST_WORD
    while True:
        held = try_hold(directory, name, shared=shared, create=create)
        if held is not None:
            return held
        patience.cancelled()
        waited = time.monotonic() - began
        if waited >= patience.timeout:
            seconds = int(patience.timeout) if patience.timeout == int(patience.timeout) else patience.timeout
            raise LockTimeout(seconds=seconds, path=f"{directory.path}/{name}", holder=describe_holder(directory, name))
        if waited >= next_word:
            patience.on_wait(f"{directory.path}/{name}", describe_holder(directory, name), waited)
            next_word = waited + NEXT_WORD
        time.sleep(min(max(POLL, min(waited / 10, LONGEST_POLL)), patience.timeout - waited))


def _tell_wait(directory: files.Directory, name: str, patience: Patience, take: Callable[[Patience], Held]) -> Held:
    """Take a lock, and tell from when until when it was not free, and who held it at first."""
    tell, waits = patience.waits or ignore, list[Span]()

    def look() -> None:
        if not waits:
            began, args = time.perf_counter_ns(), {"path": f"{directory.path}/{name}"}
            waits.append(Span(name, "wait", began, began, {**args, "holder": describe_holder(directory, name)}))
        patience.cancelled()

    try:
        return take(patience._replace(cancelled=look, waits=None))
    finally:
        for wait in waits:
            tell(wait._replace(ended=time.perf_counter_ns()))


def try_hold(directory: files.Directory, name: str, *, shared: bool = False, create: bool = True) -> Held | None:
    """Take a lock if it is free; None where somebody holds it.

    Raises FileNotFoundError where the directory is gone, or the file is not there and `create` is False; CannotWrite on
    a full or read-only file system; LockUnusable where it cannot be locked at all: only busy is worth another try
    (TRAPS 3).
    """
    path = f"{directory.path}/{name}"
    for _ in range(_TRIES):
        held = Held(directory, name, _open(directory, name, shared=shared, create=create))
        if held._descriptor >= _MANY:  # noqa: SLF001 - this room's own
            _allow_more_files()
        taken = False
        try:
            if not _lock(held._descriptor, path, shared=shared):  # noqa: SLF001 - this room's own
                return None
            taken = held.still_there(directory)
        finally:
            if not taken:
                held.close()
        if taken:
            return held
    raise LockUnusable(path=path, reason="the file is replaced all the time")


@functools.cache
def _allow_more_files() -> None:
    machine.allow_more_files()


def _open(directory: files.Directory, name: str, *, shared: bool, create: bool) -> int:
    try:
        try:
            return files.open_lock(directory, name, create=create)
        except OSError as error:
            if not shared or error.errno not in _READ_ONLY:
                raise
            with contextlib.suppress(FileNotFoundError):  # none is there, and none can be made: that is what is said
                return files.open_lock_to_share(directory, name)
            raise
    except FileNotFoundError:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno in _NO_ROOM:  # the file system takes nothing, of which locks are only the first
            raise CannotWrite(path=f"{directory.path}/{name}", reason=reason) from None
        raise LockUnusable(path=f"{directory.path}/{name}", reason=reason) from None


def _lock(descriptor: int, path: str, *, shared: bool) -> bool:
    """Lock a descriptor without waiting; False where it is busy, which is all that another try can change."""
    from lugnut.system import portalocking

    try:
        portalocking.lock(descriptor, portalocking.SHARED if shared else portalocking.EXCLUSIVE)
    except portalocking.AlreadyLocked:
        return False
    except portalocking.LockException as error:
        cause = error.args[0] if error.args else None
        reason = cause.strerror if isinstance(cause, OSError) else error.strerror
        raise LockUnusable(path=path, reason=reason or str(error)) from None
    except ImportError as error:  # shared locks on Windows take pywin32
        raise LockUnusable(path=path, reason=str(error)) from None
    return True


# --- who holds it: for messages alone (TRAPS 8) -----------------------------------------------------------------------


@functools.cache
def boot_id() -> str:
    """Name this start of the machine; another name means that what was not synced may be lost (TRAPS 19)."""
    return machine.boot_id() or _name_boot_time()


def _name_boot_time() -> str:
    import psutil

    return f"since {round(psutil.boot_time())}"


def holder_words(start: float | None = None) -> str:
    """Say who this process is, as one line of JSON of at most 900 bytes; `start` is seconds since the epoch."""
    import json

    document = {
        "pid": os.getpid(),
        "start": round(start or time.time(), 3),
        "host": machine.host_name()[:100],
        "boot": boot_id()[:100],
        "namespace": machine.pid_namespace()[:100],
        "argv": [os.path.basename(sys.argv[0]) if sys.argv else "python"],
    }
    words = json.dumps(document)
    for word in sys.argv[1:]:  # as many as there is room for
        document["argv"] = [*document["argv"], _hide_credentials(word)]  # type: ignore[misc]
        longer = json.dumps(document)
        if len(longer) > _LONGEST:
            break
        words = longer
    return words


def _hide_credentials(word: str) -> str:
    """Cut what may be a user's name and password out of a URL, even where they hold signs they should not."""
    scheme, mark, rest = word.partition("://")
    return f"{scheme}://***@{rest.rpartition('@')[2]}" if mark and "@" in rest else word


def describe_holder(directory: files.Directory, name: str) -> str:
    """Word who holds a lock, as far as that is known; whoever it is, the words decide nothing."""
    import json

    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError):
        text = files.read(directory, native.words_name(name)).decode("utf-8", "replace")
        return word_holder(json.loads(text.partition("\n")[0].partition(" ")[2]))
    return "held by another process"


def word_holder(said: dict[str, Any]) -> str:
    """Word what `holder_words` said, read as JSON; KeyError, TypeError and ValueError where it is none of ours."""
    command = " ".join(said["argv"])
    if len(command) > _COMMAND:
        command = command[: _COMMAND - 1] + "…"
    holder = f"pid {int(said['pid'])} `{command}`"
    elsewhere = said["boot"] != boot_id() or said["namespace"] != machine.pid_namespace()
    if not elsewhere and not _lives(int(said["pid"]), float(said["start"])):
        words = f"held by another process, perhaps a worker that {holder} left behind, or a run beside it"
    else:
        seconds = max(0, round(time.time() - float(said["start"])))
        place = f"in another container on host {said['host']}" if elsewhere else f"on host {said['host']}"
        words = f"held by {holder} {place} for {seconds} s"
    return "".join(sign if sign.isprintable() else "?" for sign in words)  # a file's words must not steer a terminal


def _lives(pid: int, start: float) -> bool:
    """Say whether the process that wrote the words still runs, not another one with its number."""
    import psutil

    try:
        return bool(psutil.Process(pid).create_time() <= start + 2)
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return True


def _parse_generation(data: bytes) -> int:
    word = data[:24].partition(b" ")[0]
    return int(word) if word.isdigit() else 0
