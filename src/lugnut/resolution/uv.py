"""Resolves by uv: `uv pip compile` writes the lock.

It is written into a file, because there uv also finds what it is to prefer: a lock that names the installed versions
(its relative paths begin at that file). Source: `uv help pip compile`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from lugnut.errors import ResolverFailed
from lugnut.interpreter.elsewhere import parse_platform, spell_version
from lugnut.resolution.choice import Backend
from lugnut.resolution.inputs import Inputs, write
from lugnut.resolution.moments import parse_moment
from lugnut.resolution.question import Question
from lugnut.resolution.remarks import Resolved, read_uv
from lugnut.resolution.told import uv_arguments
from lugnut.resolution.uv_answer import read_answer
from lugnut.resolution.uv_errors import explain
from lugnut.system import programs

LOCK = "pylock.toml"


def resolve(question: Question, inputs: Inputs, backend: Backend) -> Resolved:
    """Give a lock, and what uv remarks on; raises Unresolvable, ResolverFailed, Offline, BuildFailed.

    Hashes of requirements are not yet looked at: see `hashes`.
    """
    hosts = (*question.route.trusted_hosts, *inputs.said.trusted_hosts)
    told = uv_arguments(
        inputs.add_offers(question.indexes), question.route._replace(trusted_hosts=hosts), question.environ
    )
    path = os.path.join(inputs.directory, LOCK)
    if question.preferred:
        write(inputs.directory, LOCK, format_preferences(question.preferred))
    command = [*backend.command, "pip", "compile", *told.arguments]
    command += [*make_arguments(question, inputs), "--output-file", path, *inputs.requirement_files]
    environ = {**told.environ, **_tell_deployment(question)}
    conditions = programs.Conditions(environ=environ, directory=question.directory, cancelled=question.cancelled)
    try:
        ran = programs.run([*command, *_join(question, question.sources)], b"", conditions)
    except OSError as error:
        reason = f"{backend.command[0]} cannot be started ({error.strerror})"
        hint = "mend it, or use --resolver pip"
        raise ResolverFailed(resolver="uv", reason=reason, hint=hint, detail="") from None
    said = ran.err.decode("utf-8", "replace")
    if ran.code != 0:
        raise explain(said, inputs, question.directory)
    return Resolved(read_answer(path, backend.version), read_uv(said))


def _tell_deployment(question: Question) -> dict[str, str]:
    """Give the variable by which uv learns how old a macOS may be."""
    chosen = question.resolving.platform
    oldest = parse_platform(chosen, question.environ).deployment_target if chosen else ""
    return {"MACOSX_DEPLOYMENT_TARGET": oldest} if oldest else {}


def make_arguments(question: Question, inputs: Inputs, now: float | None = None) -> list[str]:
    """Give uv's flags for what the user decides; `now` is seconds since the epoch, None: now."""
    import time

    chosen = question.resolving
    prerelease = chosen.prerelease or ("allow" if inputs.said.prereleases else "")
    arguments = ["--python", question.python, "--no-header", "--no-annotate"]
    arguments += [] if question.cache_dir is None else ["--cache-dir", question.cache_dir]
    switches = {"--no-cache": question.no_cache, "--no-deps": chosen.no_deps, "--upgrade": question.upgrade}
    switches["--no-build-isolation"] = chosen.no_build_isolation
    arguments += [flag for flag, on in switches.items() if on]
    single = {
        "--prerelease": prerelease,
        "--resolution": chosen.resolution,
        "--index-strategy": chosen.index_strategy or ("unsafe-best-match" if question.indexes.merged else ""),
        "--python-version": spell_version(chosen.python_version) if chosen.python_version else "",
        "--python-platform": parse_platform(chosen.platform, question.environ).name if chosen.platform else "",
        "--exclude-newer": parse_moment(chosen.exclude_newer, now or time.time()) if chosen.exclude_newer else "",
    }
    arguments += [f"{flag}={value}" for flag, value in single.items() if value]
    return [*arguments, *(f"{flag}={value}" for flag, value in _list_many(question, inputs))]


def _list_many(question: Question, inputs: Inputs) -> Iterator[tuple[str, str]]:
    chosen = question.resolving
    many = {
        "--constraints": inputs.constraint_files,
        "--overrides": _join(question, chosen.overrides),
        "--build-constraints": _join(question, chosen.build_constraints),
        "--group": chosen.groups,
        "--extra": chosen.extras,
        "--no-binary": chosen.no_binary,
        "--only-binary": chosen.only_binary,
        "--config-setting": chosen.config_settings,
        "--upgrade-package": chosen.upgrade_packages,
    }
    for flag, values in many.items():
        yield from ((flag, value) for value in values)


def _join(question: Question, paths: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(path if "://" in path else os.path.join(question.directory, path) for path in paths)


def format_preferences(preferred: Mapping[str, str]) -> str:
    """Write a lock that says which versions are to be kept where they can be; uv asks it for nothing else."""
    import tomli_w

    packages = [{"name": name, "version": version} for name, version in preferred.items()]
    return tomli_w.dumps({"lock-version": "1.0", "created-by": "lugnut", "packages": packages})
