"""Every exception lugnut raises on purpose: keyword data, one sentence, a hint and an exit code each.

Exit codes: 1 failed, 2 usage, 3 a lock that could not be had, 4 conflict, 130 and 143 signals.
A class states its sentence and its hint as templates over its keyword data, so that one test can walk all of them.
"""

from __future__ import annotations

from typing import Any, ClassVar


class LugnutError(Exception):
    """What a caller may catch: `str()` is the sentence, `hint` says what to do, `exit_code` is the process's."""

    exit_code: ClassVar[int] = 1
    sentence: ClassVar[str] = "{message}"
    remedy: ClassVar[str] = ""
    example: ClassVar[dict[str, Any]] = {"message": "it failed"}

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
    example: ClassVar[dict[str, Any]] = {
        "message": "--jobs must be a number from 1 up, not 'x'",
        "hint": "lugnut install --help",
    }


class EnvironmentNotFound(LugnutError):
    """No target was named and none was found."""

    exit_code = 2
    sentence = "no environment found: {where}"
    remedy = "make one with `python -m venv .venv`, or name a target with --python, --target, --prefix or --system"
    example: ClassVar[dict[str, Any]] = {
        "where": "neither VIRTUAL_ENV nor CONDA_PREFIX is set and there is no .venv here"
    }


class ExternallyManaged(LugnutError):
    """The target's Python belongs to somebody else (PEP 668)."""

    exit_code = 2
    sentence = "the Python at {prefix} is managed by its system: {message}"
    remedy = "use a virtual environment, --target or --prefix; --break-system-packages overrides at your own risk"
    example: ClassVar[dict[str, Any]] = {"prefix": "/usr", "message": "use apt"}


class InterpreterBroken(LugnutError):
    """The target's interpreter did not tell what it is."""

    sentence = "the interpreter {python} could not be asked: {reason}"
    remedy = "name a CPython 3.9 or later with --python"
    example: ClassVar[dict[str, Any]] = {"python": "/x/bin/python", "reason": "it does not exist"}


# --- wheels and sources -----------------------------------------------------------------------------------------------


class BadWheel(LugnutError):
    """A wheel that is not plainly one, with every problem found (`problems`: list of sentences)."""

    sentence = "{wheel} is not a valid wheel: {summary}"
    remedy = "download or build it again; nothing was installed"
    example: ClassVar[dict[str, Any]] = {
        "wheel": "x-1-py3-none-any.whl",
        "summary": "no RECORD",
        "problems": ["no RECORD"],
    }


class WheelNotFound(LugnutError):
    """No file, or no wheel of that name and version among those at hand."""

    sentence = "no wheel for {requirement}: {reason}"
    remedy = "{hint}"
    example: ClassVar[dict[str, Any]] = {
        "requirement": "flask==3.0",
        "reason": "not in wheels/",
        "hint": "add a directory with --find-links",
    }


class IncompatibleWheel(LugnutError):
    """A wheel named by path that the target cannot use."""

    sentence = "{wheel} does not fit this environment: {reason}"
    remedy = "its tags are {tags}; the closest tags of the environment are {supported}"
    example: ClassVar[dict[str, Any]] = {
        "wheel": "x-1-cp39-cp39-win32.whl",
        "reason": "no tag in common",
        "tags": "cp39",
        "supported": "cp311",
    }


class HashMismatch(LugnutError):
    """A wheel whose digest is not the one asked for."""

    sentence = "{wheel} has sha256 {actual}, but {expected} is asked for by {origin}"
    remedy = "somebody changed the wheel or the requirement; find out which before you go on"
    example: ClassVar[dict[str, Any]] = {"wheel": "x.whl", "actual": "aa", "expected": "bb", "origin": "r.txt:3"}


class HashMissing(LugnutError):
    """A requirement without a hash under --require-hashes."""

    sentence = "{requirement} has no --hash, and --require-hashes asks for one ({origin})"
    remedy = "add --hash=sha256:{actual} to its line"
    example: ClassVar[dict[str, Any]] = {"requirement": "x==1", "origin": "r.txt:3", "actual": "aa"}


class BadRequirement(LugnutError):
    """A line of a requirements file that cannot be used, with its file and line."""

    sentence = "{origin}: {reason}: {line}"
    remedy = "{hint}"
    example: ClassVar[dict[str, Any]] = {
        "origin": "r.txt:3",
        "reason": "not a requirement",
        "line": "???",
        "hint": "see PEP 508",
    }


class SameDistributionTwice(LugnutError):
    """One call asks for two different wheels of one distribution."""

    sentence = "{name} is asked for twice with different wheels: {first} and {second}"
    remedy = "name one of them"
    example: ClassVar[dict[str, Any]] = {"name": "x", "first": "x-1.whl", "second": "x-2.whl"}


class Unsupported(LugnutError):
    """Something pip or uv can do and lugnut, knowingly, does not."""

    exit_code = 2
    sentence = "{what} is not supported: {reason}"
    remedy = "{hint}"
    example: ClassVar[dict[str, Any]] = {
        "what": "--link-mode symlink",
        "reason": "cleaning the cache would break it",
        "hint": "use hardlink",
    }


# --- store ------------------------------------------------------------------------------------------------------------


class StoreDamaged(LugnutError):
    """A store entry whose files are not what they were when they were verified."""

    sentence = "the store's copy of {wheel} was changed after it was verified: {path}"
    remedy = "run the command again with the wheel at hand; the damaged entry has been set aside"
    example: ClassVar[dict[str, Any]] = {"wheel": "x-1", "path": "x/__init__.py"}


# --- locks and workers ------------------------------------------------------------------------------------------------


class LockTimeout(LugnutError):
    """A lock that another process did not give up in time (G6: never without it)."""

    exit_code = 3
    sentence = "waited {seconds} s for the lock {path}, {holder}"
    remedy = "wait for the other run, or raise --lock-timeout"
    example: ClassVar[dict[str, Any]] = {"seconds": 300, "path": "locks/jwt.lock", "holder": "held by pid 4711 on ci-3"}


class LockUnusable(LugnutError):
    """A lock file that cannot be opened or locked at all; final, never retried (TRAPS 2, 3)."""

    exit_code = 3
    sentence = "{path} cannot be locked: {reason}"
    remedy = "lugnut never installs without its locks; use a file system that supports flock, and files you may write"
    example: ClassVar[dict[str, Any]] = {"path": "locks/jwt.lock", "reason": "No locks available"}


class LockLost(LugnutError):
    """A lock that somebody else took while this run held it; the run was undone."""

    sentence = "the lock {path} was taken by another run while this one held it"
    remedy = "the file system does not keep locks; nothing was changed, run the command again elsewhere"
    example: ClassVar[dict[str, Any]] = {"path": "locks/jwt.lock"}


class WorkerDied(LugnutError):
    """A worker process that ended without an answer."""

    sentence = "the worker for {label} died ({cause}); the run was undone"
    remedy = "run it again; if the kernel killed it for memory, use --jobs 1"
    example: ClassVar[dict[str, Any]] = {"label": "torch-2.0-py3-none-any.whl", "cause": "signal 9"}


class Interrupted(LugnutError):
    """SIGINT or SIGTERM arrived before the commit; the run was undone."""

    exit_code = 130
    sentence = "interrupted by {signal}; nothing was changed"
    example: ClassVar[dict[str, Any]] = {"signal": "SIGINT", "number": 2}

    def __init__(self, **data: Any) -> None:
        super().__init__(**data)
        self.exit_code = 128 + int(data.get("number", 2))  # type: ignore[misc]


# --- the environment and its transactions -----------------------------------------------------------------------------


class ConflictRefused(LugnutError):
    """Different bytes at one path under --on-conflict error (`conflicts`: list of sentences)."""

    exit_code = 4
    sentence = "refused, nothing was changed: {summary}"
    remedy = "decide with --overlay NAME, or allow it with --on-conflict warn"
    example: ClassVar[dict[str, Any]] = {"summary": "jwt/__init__.py is shipped by jwt and pyjwt", "conflicts": []}


class ShapeConflict(LugnutError):
    """A file where another distribution claims a directory."""

    exit_code = 4
    sentence = "{path} is a file of {file_owner} and a directory of {directory_owner}; nothing was changed"
    remedy = "the two cannot be installed together"
    example: ClassVar[dict[str, Any]] = {"path": "a", "file_owner": "x", "directory_owner": "y"}


class FileInTheWay(LugnutError):
    """Something no installed distribution names stands at a path the run needs."""

    sentence = "{path} is in the way of {name}: {what}; nothing was changed"
    remedy = "{hint}"
    example: ClassVar[dict[str, Any]] = {
        "path": "jwt/__init__.py",
        "name": "jwt",
        "what": "a file that no installed distribution names",
        "hint": "move it away, or use --force to set it aside in .lugnut/altered",
    }


class OutsideEnvironment(LugnutError):
    """A path that would leave the environment (G8)."""

    sentence = "{path} of {name} would leave the environment: {reason}"
    remedy = "nothing was changed there; replace the symlink by a directory, or do not install {name}"
    example: ClassVar[dict[str, Any]] = {"path": "foo/x.py", "name": "foo", "reason": "foo is a symlink"}


class CannotWrite(LugnutError):
    """The operating system refused a change (full, read-only, immutable, not permitted)."""

    sentence = "cannot write {path}: {reason}; nothing was changed"
    remedy = "make room or give permission, then run it again"
    example: ClassVar[dict[str, Any]] = {"path": "x.py", "reason": "No space left on device"}


class CommittedNotClosed(LugnutError):
    """The commit stands, what follows it could not be done now."""

    sentence = "committed, but not finished: {path}: {reason}"
    remedy = "the next lugnut command finishes it"
    example: ClassVar[dict[str, Any]] = {"path": "x.py", "reason": "No space left on device"}


class NotInstalled(LugnutError):
    """A name to act on that the environment does not have."""

    sentence = "{name} is not installed in {environment}"
    remedy = "lugnut list shows what is"
    example: ClassVar[dict[str, Any]] = {"name": "flask", "environment": "/x/.venv"}


class NoRecord(LugnutError):
    """An installed distribution that does not say which files are its own."""

    sentence = "{name} {version} has no readable RECORD in {path}, so its files are not known"
    remedy = "remove it with the tool that installed it, or use --force to replace its metadata and leave its files"
    example: ClassVar[dict[str, Any]] = {"name": "x", "version": "1", "path": "x-1.dist-info"}


class BrokenTransaction(LugnutError):
    """A dead transaction on a wanted name that could not be recovered."""

    sentence = "an earlier run left {path}, and it cannot be finished: {reason}"
    remedy = "make {path} writable, then run `lugnut recover`"
    example: ClassVar[dict[str, Any]] = {"path": ".lugnut/transactions/x", "reason": "Read-only file system"}


class NewerFormat(LugnutError):
    """Something on disk was written by a newer lugnut."""

    sentence = "{path} has format {found}, and this lugnut reads up to {known}"
    remedy = "use the newer lugnut for this environment or cache"
    example: ClassVar[dict[str, Any]] = {"path": ".lugnut/format", "found": 2, "known": 1}


class InternalError(LugnutError):
    """lugnut contradicts itself: our bug, not the user's."""

    sentence = "lugnut contradicts itself: {message}"
    remedy = "please report this with the command and -v output"
    example: ClassVar[dict[str, Any]] = {"message": "two states in one transaction"}
