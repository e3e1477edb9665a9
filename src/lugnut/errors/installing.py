"""Errors of the store, of locks and workers, and of the environment and its transactions."""

from __future__ import annotations

from lugnut.errors.kind import LugnutError
from lugnut.typed import Any

# --- store ------------------------------------------------------------------------------------------------------------


class StoreDamaged(LugnutError):
    """A store entry whose files are not what they were when they were verified."""

    sentence = "the store's copy of {wheel} was changed after it was verified: {path}"
    remedy = "run the command again with the wheel at hand; the damaged entry has been set aside"


# --- locks and workers ------------------------------------------------------------------------------------------------


class LockTimeout(LugnutError):
    """A lock that another process did not give up in time (G6: never without it)."""

    exit_code = 3
    sentence = "waited {seconds} s for the lock {path}, {holder}"
    remedy = "wait for the other run, or raise --lock-timeout"


class EnvironmentBusy(LugnutError):
    """Others changed, time after time, what this run had decided by."""

    exit_code = 3
    sentence = "{looks} times others changed what is installed in {path} between a look at it and its locks"
    remedy = "try again when fewer runs change it at once"


class LockUnusable(LugnutError):
    """A lock file that cannot be opened or locked at all; final, never retried (TRAPS 2, 3)."""

    exit_code = 3
    sentence = "{path} cannot be locked: {reason}"
    remedy = "lugnut never installs without its locks; use a file system that supports flock, and files you may write"


class LockLost(LugnutError):
    """A lock that somebody else took while this run held it; the run was undone, or the other one finished it."""

    sentence = "the lock {path} was taken by another run while this one held it"
    remedy = (
        "this host was cut off, or the file system keeps no locks; what was placed is withdrawn, now or by the next "
        "lugnut command, unless the other run finished it; run it again"
    )


class LockLostLate(LugnutError):
    """A lock that somebody else took while this run held it, seen only after all was done."""

    sentence = "committed and finished, but the lock {path} was taken by another run meanwhile"
    remedy = "this host was cut off, or the file system keeps no locks; run lugnut check to see whether all is whole"


class EnvironmentLockLost(LugnutError):
    """The lock of a whole environment that this run held, or had a right to, is not its own any more."""

    sentence = "the lock {path} was lost: {reason}; the run was called off"
    remedy = "what it had placed is withdrawn, now or by the next lugnut command; then run it again"


class BackendUnusable(LugnutError):
    """A server for locks that cannot be used at all; final, never retried (G6)."""

    exit_code = 3
    sentence = "{server} cannot lock this environment: {reason}; nothing was changed"
    remedy = "{hint}"


class BackendNeeded(LugnutError):
    """An environment that its hosts lock by a server, and a run that was not told by which."""

    exit_code = 3
    sentence = (
        "{path} says that this environment is locked by Redis, and no --lock-backend was given; nothing was changed"
    )
    remedy = "give --lock-backend URL as on its other hosts (or LUGNUT_LOCK_BACKEND); --lock-backend flock ends that"


class HostsNotApart(LugnutError):
    """A file system on which runs of several hosts would not be kept apart, as its mount says (G6)."""

    exit_code = 3
    sentence = "{path} lies on {kind}: {reason}; nothing was changed"
    remedy = "{hint}"


class WorkerDied(LugnutError):
    """A worker process that ended without an answer."""

    sentence = "the worker for {label} died ({cause}); the run was undone"
    remedy = "run it again; if the kernel killed it for memory, use --jobs 1"


class Interrupted(LugnutError):
    """SIGINT or SIGTERM arrived before the commit; the run was undone."""

    exit_code = 130
    sentence = "interrupted by {signal}; nothing was changed"

    def __init__(self, **data: Any) -> None:
        super().__init__(**data)
        self.exit_code = 128 + int(data.get("number", 2))


# --- the environment and its transactions -----------------------------------------------------------------------------


class ConflictRefused(LugnutError):
    """Different bytes at one path under --on-conflict error (`conflicts`: list of sentences)."""

    exit_code = 4
    sentence = "refused, nothing was changed: {summary}"
    remedy = "decide with --overlay NAME, or allow it with --on-conflict warn"


class ShapeConflict(LugnutError):
    """A file where another distribution claims a directory."""

    exit_code = 4
    sentence = "{path} is a file of {file_owner} and a directory of {directory_owner}; nothing was changed"
    remedy = "the two cannot be installed together"


class FileInTheWay(LugnutError):
    """Something no installed distribution names stands at a path the run needs."""

    sentence = "{path} is in the way of {name}: {what}; nothing was changed"
    remedy = "{hint}"


class OutsideEnvironment(LugnutError):
    """A path that would leave the environment (G8)."""

    sentence = "{path} of {name} would leave the environment: {reason}"
    remedy = "nothing was changed there; replace the symlink by a directory, or do not install {name}"


class CannotWrite(LugnutError):
    """The operating system refused a change (full, read-only, immutable, not permitted)."""

    sentence = "cannot write {path}: {reason}; nothing was changed"
    remedy = "make room or give permission, then run it again"


class ModesNotKept(LugnutError):
    """A file system on which files are all executable, or none: what a wheel says of each would not hold."""

    sentence = "the file system of {path} keeps no execute bits; nothing was changed"
    remedy = "mount it so that it keeps permissions, or use a directory on another file system"


class CannotRead(LugnutError):
    """The operating system refused a look at something."""

    sentence = "cannot read {path}: {reason}"
    remedy = "give permission, or see whether it still stands, then run it again"


class CommittedNotClosed(LugnutError):
    """The commit stands, what follows it could not be done now."""

    sentence = "committed, but not finished: {path}: {reason}"
    remedy = "the next lugnut command finishes it"


class NotInstalled(LugnutError):
    """A name to act on that the environment does not have."""

    sentence = "{name} is not installed in {environment}"
    remedy = "lugnut list shows what is"


class NoRecord(LugnutError):
    """An installed distribution that does not say which files are its own."""

    sentence = "{name} {version} has no readable RECORD in {path}, so its files are not known"
    remedy = "remove it with the tool that installed it, or use --force to replace its metadata and leave its files"


class BrokenTransaction(LugnutError):
    """A dead transaction on a wanted name that could not be recovered."""

    sentence = "an earlier run left {path}, and it cannot be finished: {reason}"
    remedy = "make {path} writable, then run `lugnut recover`"


class NewerFormat(LugnutError):
    """Something on disk was written by a newer lugnut."""

    sentence = "{path} has format {found}, and this lugnut reads up to {known}"
    remedy = "use the newer lugnut for this environment or cache"


class InternalError(LugnutError):
    """lugnut contradicts itself: our bug, not the user's."""

    sentence = "lugnut contradicts itself: {message}"
    remedy = "please report this with the command and -v output"
