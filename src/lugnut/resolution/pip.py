"""Resolves by pip: `pip install --dry-run --report` for the target's interpreter, its report made a lock.

pip has no preferences. Installed versions are given as constraints, and those that stand in the way are let go until
there is an answer: which they are, pip says itself. What pip cannot do is refused by name. `pip lock` gives the same
for this process's interpreter, and is experimental (a contract test compares them).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from lugnut.errors import LugnutError, ResolverFailed, Unresolvable, Unsupported
from lugnut.resolution.choice import Backend
from lugnut.resolution.inputs import Inputs, write
from lugnut.resolution.moments import parse_moment
from lugnut.resolution.pip_errors import explain, name_in_the_way
from lugnut.resolution.projects import read_needs
from lugnut.resolution.question import Question
from lugnut.resolution.remarks import Resolved, read_pip
from lugnut.resolution.report import make_lock
from lugnut.resolution.told import pip_arguments
from lugnut.system import programs

_ROUNDS = 20
_WITH_LAX_HASHES = (26, 2)
"""The first pip with --no-require-hashes: a hash on one line then asks for none on the others, as for uv."""
_WITH_MOMENTS = (26, 0)
"""The first pip with --uploaded-prior-to and --only-final."""
_USUAL = frozenset(("", "if-necessary-or-explicit"))


def resolve(question: Question, inputs: Inputs, backend: Backend) -> Resolved:
    """Give a lock, and what pip remarks on; raises Unresolvable, ResolverFailed, Offline, BuildFailed.

    Hashes of requirements are looked at by pip where it fetches a file, else not: see `hashes`.
    """
    refuse_what_uv_can(question, backend)
    needs = [line for path in question.sources for line in read_needs(_join(question, path), question.resolving.extras)]
    paths = list(inputs.requirement_files)
    if needs:
        paths.append(write(inputs.directory, "project.txt", "\n".join(needs) + "\n"))
    arguments = make_arguments(question, inputs, backend)
    arguments += [f"--requirement={path}" for path in paths]
    preferred = {} if question.require_hashes or inputs.said.hashes else dict(question.preferred)
    for number in range(_ROUNDS):
        kept = preferred if number < _ROUNDS - 1 else {}
        try:
            return _run(question, inputs, backend, [*arguments, *_constrain(kept, inputs, number)])
        except Unresolvable as error:
            in_the_way = name_in_the_way(error.data["detail"], kept)
            if not kept:
                raise
            preferred = {name: version for name, version in kept.items() if name not in in_the_way and in_the_way}
    raise AssertionError("unreachable: the last round has no preferences")


def _constrain(preferred: Mapping[str, str], inputs: Inputs, number: int) -> list[str]:
    if not preferred:
        return []
    lines = [f"{name}=={version}" for name, version in preferred.items()]
    return [f"--constraint={write(inputs.directory, f'installed{number}.txt', chr(10).join(lines) + chr(10))}"]


def _run(question: Question, inputs: Inputs, backend: Backend, arguments: list[str]) -> Resolved:
    route = question.route._replace(trusted_hosts=(*question.route.trusted_hosts, *inputs.said.trusted_hosts))
    told = pip_arguments(inputs.add_offers(question.indexes), route, question.environ)
    report, log = (os.path.join(inputs.directory, name) for name in ("report.json", "log.txt"))
    command = [*backend.command, "--python", question.python, f"--log={log}", "install", "--dry-run"]
    command += ["--ignore-installed", f"--report={report}", *arguments]
    conditions = programs.Conditions(environ=told.environ, directory=question.directory, cancelled=question.cancelled)
    try:
        ran = programs.run(command, b"", conditions)
    except OSError as error:
        reason = f"{backend.command[0]} cannot be started ({error.strerror})"
        hint = "mend it, or use --resolver uv"
        raise ResolverFailed(resolver="pip", reason=reason, hint=hint, detail="") from None
    if ran.code != 0:
        raise _explain(ran, log, question, inputs)
    import json

    try:
        with open(report, encoding="utf-8") as file:
            document = json.load(file)
        return Resolved(make_lock(document), read_pip(_read_words(ran), document))
    except (OSError, ValueError):
        reason = "it wrote no report that can be read"
        raise ResolverFailed(resolver="pip", reason=reason, hint="use --resolver uv", detail="") from None


def _explain(ran: programs.Ran, log: str, question: Question, inputs: Inputs) -> LugnutError:
    """Make the error for how pip ended."""
    try:
        with open(log, encoding="utf-8", errors="replace") as file:
            logged = file.read()
    except OSError:
        logged = ""
    return explain(_read_words(ran), logged, inputs, offline=question.route.offline, tags=question.tags)


def _read_words(ran: programs.Ran) -> str:
    return ran.out.decode("utf-8", "replace") + ran.err.decode("utf-8", "replace")


def make_arguments(question: Question, inputs: Inputs, backend: Backend, now: float | None = None) -> list[str]:
    """Give pip's flags for what the user decides; `now` is seconds since the epoch, None: now."""
    import time

    chosen = question.resolving
    arguments = [] if question.cache_dir is None else [f"--cache-dir={question.cache_dir}"]
    switches = {
        "--no-cache-dir": question.no_cache,
        "--no-deps": chosen.no_deps,
        "--no-build-isolation": chosen.no_build_isolation,
        "--pre": chosen.prerelease == "allow",
        "--only-final=:all:": chosen.prerelease == "disallow",
        "--require-hashes": question.require_hashes,
        "--no-require-hashes": not question.require_hashes
        and not inputs.said.require_hashes
        and backend.version >= _WITH_LAX_HASHES,
    }
    arguments += [flag for flag, on in switches.items() if on]
    return [*arguments, *(f"{flag}={value}" for flag, value in _list_many(question, inputs, now or time.time()))]


def _list_many(question: Question, inputs: Inputs, now: float) -> Iterator[tuple[str, str]]:
    chosen = question.resolving
    many = {
        "--constraint": inputs.constraint_files,
        "--build-constraint": tuple(_join(question, path) for path in chosen.build_constraints),
        "--group": chosen.groups,
        "--no-binary": chosen.no_binary,
        "--only-binary": chosen.only_binary,
        "--config-settings": chosen.config_settings,
        "--uploaded-prior-to": (parse_moment(chosen.exclude_newer, now),) if chosen.exclude_newer else (),
    }
    for flag, values in many.items():
        yield from ((flag, value) for value in values)


def refuse_what_uv_can(question: Question, backend: Backend) -> None:
    """Raise Unsupported for what pip has no way to do."""
    chosen = question.resolving
    lacking = backend.version < _WITH_MOMENTS
    markers = "pip judges markers by the interpreter it resolves for"
    refused = {
        "--overrides with pip": (bool(chosen.overrides), "pip has none"),
        "--resolution with pip": (chosen.resolution not in {"", "highest"}, "pip takes the highest version alone"),
        "--index-strategy with pip": (
            chosen.index_strategy not in {"", "unsafe-best-match"},
            "pip takes the best version of all indexes",
        ),
        "--prerelease with pip": (
            chosen.prerelease not in _USUAL | {"allow", "disallow"},
            f"pip has no {chosen.prerelease}",
        ),
        "--python-version with pip": (bool(chosen.python_version), markers),
        "--platform with pip": (bool(chosen.platform), markers),
        "--exclude-newer with this pip": (lacking and bool(chosen.exclude_newer), "it is older than 26.0"),
        "--prerelease=disallow with this pip": (lacking and chosen.prerelease == "disallow", "it is older than 26.0"),
    }
    for what, (asked, reason) in refused.items():
        if asked:
            raise Unsupported(what=what, reason=reason, hint="use --resolver uv")


def _join(question: Question, path: str) -> str:
    return path if "://" in path else os.path.join(question.directory, path)
