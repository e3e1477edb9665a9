"""One failure of every class of error: its data, and what the user is told. A class without a row fails test_errors."""

from __future__ import annotations

from typing import Any, NamedTuple

from lugnut import errors


class Failure(NamedTuple):
    """One error as it is raised: its keyword data, its exit code, its sentence and its hint, as they are printed."""

    data: dict[str, Any]
    code: int
    sentence: str
    hint: str


FAILURES: dict[type[errors.LugnutError], Failure] = {
    errors.UsageError: Failure(
        {"message": "--jobs must be a number from 1 up, not 'x'", "hint": "lugnut install --help"},
        2,
        "--jobs must be a number from 1 up, not 'x'",
        "lugnut install --help",
    ),
    errors.EnvironmentNotFound: Failure(
        {"where": "neither VIRTUAL_ENV nor CONDA_PREFIX is set, and there is no .venv here or above"},
        2,
        "no environment found: neither VIRTUAL_ENV nor CONDA_PREFIX is set, and there is no .venv here or above",
        "make one with `python -m venv .venv`, or name a target with --python, --target, --prefix or --system",
    ),
    errors.ExternallyManaged: Failure(
        {"prefix": "/usr", "message": "use apt"},
        2,
        "the Python at /usr is managed by its system: use apt",
        "use a virtual environment, --target or --prefix; --break-system-packages overrides at your own risk",
    ),
    errors.InterpreterBroken: Failure(
        {"python": "/x/bin/python", "reason": "it does not exist"},
        1,
        "the interpreter /x/bin/python could not be asked: it does not exist",
        "name a CPython 3.9 or later with --python",
    ),
    errors.BadWheel: Failure(
        {"wheel": "x-1-py3-none-any.whl", "summary": "no RECORD", "problems": ["no RECORD"]},
        1,
        "x-1-py3-none-any.whl is not a valid wheel: no RECORD",
        "download or build it again; nothing was installed",
    ),
    errors.WheelNotFound: Failure(
        {"requirement": "flask==3.0", "reason": "not in wheels/", "hint": "add a directory with --find-links"},
        1,
        "no wheel for flask==3.0: not in wheels/",
        "add a directory with --find-links",
    ),
    errors.Unresolvable: Failure(
        {"reason": "a needs b>2 and you ask for b==1", "resolver": "uv", "detail": "..."},
        1,
        "no set of versions meets what is asked for: a needs b>2 and you ask for b==1",
        "relax a requirement; -v shows all that uv said",
    ),
    errors.ResolverFailed: Failure(
        {"resolver": "pip", "reason": "exit code 2", "hint": "run it with -v", "detail": "..."},
        1,
        "pip could not resolve what is asked for: exit code 2",
        "run it with -v",
    ),
    errors.BadLock: Failure(
        {
            "path": "pylock.toml",
            "reason": "it has lock-version 2.0, and we read 1.x",
            "hint": "lock it again",
        },
        1,
        "pylock.toml cannot be used as a lock file: it has lock-version 2.0, and we read 1.x",
        "lock it again",
    ),
    errors.DownloadFailed: Failure(
        {"url": "https://index.example/x.whl", "reason": "404 Not Found", "hint": "look for a slip in the URL"},
        1,
        "https://index.example/x.whl could not be downloaded: 404 Not Found",
        "look for a slip in the URL",
    ),
    errors.Offline: Failure(
        {"url": "https://index.example/x.whl"},
        1,
        "https://index.example/x.whl is not in the cache, and --offline forbids to fetch it",
        "leave --offline out, or run once with the network",
    ),
    errors.BuildFailed: Failure(
        {"source": "x-1.tar.gz", "reason": "its backend failed", "hint": "-v shows what it said", "detail": "..."},
        1,
        "no wheel could be built of x-1.tar.gz: its backend failed",
        "-v shows what it said",
    ),
    errors.IncompatibleWheel: Failure(
        {"wheel": "x-1-cp39-cp39-win32.whl", "reason": "no tag in common", "tags": "cp39", "supported": "cp311"},
        1,
        "x-1-cp39-cp39-win32.whl does not fit this environment: no tag in common",
        "its tags are cp39; the closest tags of the environment are cp311",
    ),
    errors.WrongPython: Failure(
        {"wheel": "x-1-py3-none-any.whl", "requires": ">=3.15", "version": "3.11.7"},
        1,
        "x-1-py3-none-any.whl needs Python >=3.15, and the environment has 3.11.7",
        "name another --python, or find another version",
    ),
    errors.HashMismatch: Failure(
        {"wheel": "x.whl", "actual": "aa", "expected": "bb", "origin": "r.txt:3"},
        1,
        "x.whl has sha256 aa, but bb is asked for by r.txt:3",
        "somebody changed the wheel or the requirement; find out which before you go on",
    ),
    errors.HashMissing: Failure(
        {"requirement": "x==1", "origin": "r.txt:3", "actual": "aa"},
        1,
        "x==1 has no --hash, and --require-hashes asks for one (r.txt:3)",
        "add --hash=sha256:aa to its line of a requirements file",
    ),
    errors.BadRequirement: Failure(
        {"origin": "r.txt:3", "reason": "not a requirement", "line": "???", "hint": "see PEP 508"},
        1,
        "r.txt:3: not a requirement: ???",
        "see PEP 508",
    ),
    errors.SameDistributionTwice: Failure(
        {"name": "x", "first": "x-1.whl", "second": "x-2.whl"},
        1,
        "x is asked for twice with different wheels: x-1.whl and x-2.whl",
        "name one of them",
    ),
    errors.Unsupported: Failure(
        {"what": "--link-mode symlink", "reason": "cleaning the cache would break it", "hint": "use hardlink"},
        2,
        "--link-mode symlink is not supported: cleaning the cache would break it",
        "use hardlink",
    ),
    errors.StoreDamaged: Failure(
        {"wheel": "x-1.whl", "path": "x/__init__.py"},
        1,
        "the store's copy of x-1.whl was changed after it was verified: x/__init__.py",
        "run the command again with the wheel at hand; the damaged entry has been set aside",
    ),
    errors.LockTimeout: Failure(
        {
            "seconds": 300,
            "path": "locks/jwt.lock",
            "holder": "held by pid 4711 `lugnut install x.whl` on host a for 9 s",
        },
        3,
        "waited 300 s for the lock locks/jwt.lock, held by pid 4711 `lugnut install x.whl` on host a for 9 s",
        "wait for the other run, or raise --lock-timeout",
    ),
    errors.LockUnusable: Failure(
        {"path": "locks/jwt.lock", "reason": "No locks available"},
        3,
        "locks/jwt.lock cannot be locked: No locks available",
        "lugnut never installs without its locks; use a file system that supports flock, and files you may write",
    ),
    errors.LockLost: Failure(
        {"path": "locks/jwt.lock"},
        1,
        "the lock locks/jwt.lock was taken by another run while this one held it",
        "this host was cut off, or the file system keeps no locks; what was placed is withdrawn, now or by the next "
        "lugnut command, unless the other run finished it; run it again",
    ),
    errors.LockLostLate: Failure(
        {"path": "locks/jwt.lock"},
        1,
        "committed and finished, but the lock locks/jwt.lock was taken by another run meanwhile",
        "this host was cut off, or the file system keeps no locks; run lugnut check to see whether all is whole",
    ),
    errors.EnvironmentBusy: Failure(
        {"looks": 100, "path": "/srv/venv"},
        3,
        "100 times others changed what is installed in /srv/venv between a look at it and its locks",
        "try again when fewer runs change it at once",
    ),
    errors.EnvironmentLockLost: Failure(
        {"path": "lugnut:4f2a at redis://h:6379/0", "reason": "Connection closed by server"},
        1,
        "the lock lugnut:4f2a at redis://h:6379/0 was lost: Connection closed by server; the run was called off",
        "what it had placed is withdrawn, now or by the next lugnut command; then run it again",
    ),
    errors.BackendUnusable: Failure(
        {"server": "redis://h:6379/0", "reason": "Connection refused", "hint": "see that the server runs"},
        3,
        "redis://h:6379/0 cannot lock this environment: Connection refused; nothing was changed",
        "see that the server runs",
    ),
    errors.BackendNeeded: Failure(
        {"path": ".lugnut/format"},
        3,
        ".lugnut/format says that this environment is locked by Redis, and no --lock-backend was given; "
        "nothing was changed",
        "give --lock-backend URL as on its other hosts (or LUGNUT_LOCK_BACKEND); --lock-backend flock ends that",
    ),
    errors.HostsNotApart: Failure(
        {
            "path": "/env/lib/site-packages",
            "kind": "nfs",
            "reason": "locks stay on this machine (nolock), so that runs on two machines would not keep each other out",
            "hint": "mount it without nolock",
        },
        3,
        "/env/lib/site-packages lies on nfs: locks stay on this machine (nolock), so that runs on two machines would "
        "not keep each other out; nothing was changed",
        "mount it without nolock",
    ),
    errors.WorkerDied: Failure(
        {"label": "torch-2.0-py3-none-any.whl", "cause": "signal 9"},
        1,
        "the worker for torch-2.0-py3-none-any.whl died (signal 9); the run was undone",
        "run it again; if the kernel killed it for memory, use --jobs 1",
    ),
    errors.Interrupted: Failure(
        {"signal": "SIGINT", "number": 2},
        130,
        "interrupted by SIGINT; nothing was changed",
        "",  # whoever pressed the key knows
    ),
    errors.ConflictRefused: Failure(
        {
            "summary": "jwt/__init__.py would differ between jwt and pyjwt",
            "conflicts": ["jwt/__init__.py: pyjwt over jwt"],
        },
        4,
        "refused, nothing was changed: jwt/__init__.py would differ between jwt and pyjwt",
        "decide with --overlay NAME, or allow it with --on-conflict warn",
    ),
    errors.ShapeConflict: Failure(
        {"path": "a", "file_owner": "x", "directory_owner": "y"},
        4,
        "a is a file of x and a directory of y; nothing was changed",
        "the two cannot be installed together",
    ),
    errors.FileInTheWay: Failure(
        {
            "path": "jwt/__init__.py",
            "name": "jwt",
            "what": "a file that no installed distribution names",
            "hint": "move it away, or use --force to set it aside in .lugnut/altered",
        },
        1,
        "jwt/__init__.py is in the way of jwt: a file that no installed distribution names; nothing was changed",
        "move it away, or use --force to set it aside in .lugnut/altered",
    ),
    errors.OutsideEnvironment: Failure(
        {"path": "foo/x.py", "name": "foo", "reason": "foo is a symlink"},
        1,
        "foo/x.py of foo would leave the environment: foo is a symlink",
        "nothing was changed there; replace the symlink by a directory, or do not install foo",
    ),
    errors.CannotWrite: Failure(
        {"path": "x.py", "reason": "No space left on device"},
        1,
        "cannot write x.py: No space left on device; nothing was changed",
        "make room or give permission, then run it again",
    ),
    errors.ModesNotKept: Failure(
        {"path": "/env/lib/.lugnut"},
        1,
        "the file system of /env/lib/.lugnut keeps no execute bits; nothing was changed",
        "mount it so that it keeps permissions, or use a directory on another file system",
    ),
    errors.CannotRead: Failure(
        {"path": "/env/lib/x.py", "reason": "Permission denied"},
        1,
        "cannot read /env/lib/x.py: Permission denied",
        "give permission, or see whether it still stands, then run it again",
    ),
    errors.CommittedNotClosed: Failure(
        {"path": "x.py", "reason": "No space left on device"},
        1,
        "committed, but not finished: x.py: No space left on device",
        "the next lugnut command finishes it",
    ),
    errors.NotInstalled: Failure(
        {"name": "flask", "environment": "/x/.venv"},
        1,
        "flask is not installed in /x/.venv",
        "lugnut list shows what is",
    ),
    errors.NoRecord: Failure(
        {"name": "x", "version": "1", "path": "x-1.dist-info"},
        1,
        "x 1 has no readable RECORD in x-1.dist-info, so its files are not known",
        "remove it with the tool that installed it, or use --force to replace its metadata and leave its files",
    ),
    errors.BrokenTransaction: Failure(
        {"path": ".lugnut/transactions/x", "reason": "Read-only file system"},
        1,
        "an earlier run left .lugnut/transactions/x, and it cannot be finished: Read-only file system",
        "make .lugnut/transactions/x writable, then run `lugnut recover`",
    ),
    errors.NewerFormat: Failure(
        {"path": ".lugnut/format", "found": 2, "known": 1},
        1,
        ".lugnut/format has format 2, and this lugnut reads up to 1",
        "use the newer lugnut for this environment or cache",
    ),
    errors.InternalError: Failure(
        {"message": "two states in one transaction"},
        1,
        "lugnut contradicts itself: two states in one transaction",
        "please report this with the command and -v output",
    ),
}


def find_kinds(above: type[errors.LugnutError] = errors.LugnutError) -> list[type[errors.LugnutError]]:
    """Walk the subclasses, however deep, sorted by name."""
    found = {kind for one in above.__subclasses__() for kind in [one, *find_kinds(one)]}
    return sorted(found, key=lambda kind: kind.__name__)


def example(kind: type[errors.LugnutError]) -> errors.LugnutError:
    """Make the failure that the table has of a class."""
    return kind(**FAILURES[kind].data)
