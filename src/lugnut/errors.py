"""Every exception lugnut raises on purpose: keyword data, one sentence, a hint and an exit code each.

Exit codes: 1 failed, 2 usage, 3 a lock that could not be had, 4 conflict, 130 and 143 signals.
A class states its sentence and its hint as templates over its keyword data, so that one test can walk all of them.
"""

from __future__ import annotations

from typing import Any, ClassVar


class LugnutError(Exception):
    """What a caller may catch: `str()` is the sentence, `hint` says what to do, `exit_code` is the process's."""

    exit_code: int = 1
    sentence: ClassVar[str] = "{message}"
    remedy: ClassVar[str] = ""

    def __init__(self, **data: Any) -> None:
        self.data: dict[str, Any] = data
        super().__init__(self.sentence.format(**data))

    @property
    def hint(self) -> str:
        """What the user can do about it, or an empty string."""
        return self.remedy.format(**self.data)

    def to_json(self) -> dict[str, Any]:
        """Give the error as a JSON document: class, sentence, hint, exit code and data."""
        return {
            "error": type(self).__name__,
            "message": str(self),
            "hint": self.hint,
            "exit_code": self.exit_code,
            "data": {
                key: value if isinstance(value, (str, int, list)) else str(value) for key, value in self.data.items()
            },
        }

    def __reduce__(self) -> tuple[Any, ...]:  # TRAPS 41: keyword-only data does not survive pickling by itself
        return _rebuild, (type(self), self.data)


def _rebuild(kind: type[LugnutError], data: dict[str, Any]) -> LugnutError:
    return kind(**data)


# --- usage (exit 2) ---------------------------------------------------------------------------------------------------


class UsageError(LugnutError):
    """The command line, a variable or the configuration cannot mean anything."""

    exit_code = 2
    sentence = "{message}"
    remedy = "{hint}"


class EnvironmentNotFound(LugnutError):
    """No target was named and none was found."""

    exit_code = 2
    sentence = "no environment found: {where}"
    remedy = "make one with `python -m venv .venv`, or name a target with --python, --target, --prefix or --system"


class ExternallyManaged(LugnutError):
    """The target's Python belongs to somebody else (PEP 668)."""

    exit_code = 2
    sentence = "the Python at {prefix} is managed by its system: {message}"
    remedy = "use a virtual environment, --target or --prefix; --break-system-packages overrides at your own risk"


class InterpreterBroken(LugnutError):
    """The target's interpreter did not tell what it is."""

    sentence = "the interpreter {python} could not be asked: {reason}"
    remedy = "name a CPython 3.9 or later with --python"


# --- wheels and sources -----------------------------------------------------------------------------------------------


class BadWheel(LugnutError):
    """A wheel that is not plainly one, with every problem found (`problems`: list of sentences)."""

    sentence = "{wheel} is not a valid wheel: {summary}"
    remedy = "download or build it again; nothing was installed"


class WheelNotFound(LugnutError):
    """No file, or no wheel of that name and version among those at hand."""

    sentence = "no wheel for {requirement}: {reason}"
    remedy = "{hint}"


class IncompatibleWheel(LugnutError):
    """A wheel named by path that the target cannot use."""

    sentence = "{wheel} does not fit this environment: {reason}"
    remedy = "its tags are {tags}; the closest tags of the environment are {supported}"


class WrongPython(LugnutError):
    """A wheel named by path whose Requires-Python the target's interpreter does not meet."""

    sentence = "{wheel} needs Python {requires}, and the environment has {version}"
    remedy = "name another --python, or find another version"


class HashMismatch(LugnutError):
    """A wheel whose digest is not the one asked for."""

    sentence = "{wheel} has sha256 {actual}, but {expected} is asked for by {origin}"
    remedy = "somebody changed the wheel or the requirement; find out which before you go on"


class HashMissing(LugnutError):
    """A requirement without a hash under --require-hashes."""

    sentence = "{requirement} has no --hash, and --require-hashes asks for one ({origin})"
    remedy = "add --hash=sha256:{actual} to its line of a requirements file"


class BadRequirement(LugnutError):
    """A line of a requirements file that cannot be used, with its file and line."""

    sentence = "{origin}: {reason}: {line}"
    remedy = "{hint}"


class SameDistributionTwice(LugnutError):
    """One call asks for two different wheels of one distribution."""

    sentence = "{name} is asked for twice with different wheels: {first} and {second}"
    remedy = "name one of them"


class Unsupported(LugnutError):
    """Something pip or uv can do and lugnut, knowingly, does not."""

    exit_code = 2
    sentence = "{what} is not supported: {reason}"
    remedy = "{hint}"


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


class LockUnusable(LugnutError):
    """A lock file that cannot be opened or locked at all; final, never retried (TRAPS 2, 3)."""

    exit_code = 3
    sentence = "{path} cannot be locked: {reason}"
    remedy = "lugnut never installs without its locks; use a file system that supports flock, and files you may write"


class LockLost(LugnutError):
    """A lock that somebody else took while this run held it; the run was undone."""

    sentence = "the lock {path} was taken by another run while this one held it"
    remedy = "the file system does not keep locks; nothing was changed, run the command again elsewhere"


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
