"""Errors of what is asked for, and of where it is to come from."""

from __future__ import annotations

from lugnut.errors.kind import LugnutError

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
    passed_on = False
    """Whether the line is good, and only more than what lies at hand can answer."""


class SameDistributionTwice(LugnutError):
    """One call asks for two different wheels of one distribution."""

    sentence = "{name} is asked for twice with different wheels: {first} and {second}"
    remedy = "name one of them"


class Unsupported(LugnutError):
    """Something pip or uv can do and lugnut, knowingly, does not."""

    exit_code = 2
    sentence = "{what} is not supported: {reason}"
    remedy = "{hint}"


# --- resolution, network, building ------------------------------------------------------------------------------------


class Unresolvable(LugnutError):
    """No set of versions meets what is asked for (`detail`: all that the resolver said)."""

    sentence = "no set of versions meets what is asked for: {reason}"
    remedy = "relax a requirement; -v shows all that {resolver} said"


class ResolverFailed(LugnutError):
    """The resolver could not do its work (`detail`: all that it said)."""

    sentence = "{resolver} could not resolve what is asked for: {reason}"
    remedy = "{hint}"


class BadLock(LugnutError):
    """A lock file that is none, or of a newer version, or that does not cover this environment (PEP 751)."""

    sentence = "{path} cannot be used as a lock file: {reason}"
    remedy = "{hint}"


class DownloadFailed(LugnutError):
    """A file that could not be had, after every retry."""

    sentence = "{url} could not be downloaded: {reason}"
    remedy = "{hint}"


class Offline(LugnutError):
    """Something that is not at hand is needed, and --offline forbids to fetch it."""

    sentence = "{url} is not in the cache, and --offline forbids to fetch it"
    remedy = "leave --offline out, or run once with the network"


class BuildFailed(LugnutError):
    """A source of which no wheel could be built (`detail`: all that the build said)."""

    sentence = "no wheel could be built of {source}: {reason}"
    remedy = "{hint}"
