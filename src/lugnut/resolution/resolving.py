"""The one way from a question to a lock: read the files, choose a backend, let it answer, hold it to the hashes.

A backend's answer is never used as it is: hashes that requirements ask for are compared here, whoever resolved, and
URLs get back the users and passwords that the user's own files spell out.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping

from lugnut.errors import BadRequirement, LugnutError, Unsupported, UsageError
from lugnut.links import Indexes
from lugnut.resolution import pip, uv
from lugnut.resolution.alteration import alter, change_sources, tidy
from lugnut.resolution.choice import Backend, choose, find_pip
from lugnut.resolution.credentials import restore
from lugnut.resolution.hashes import hold_to
from lugnut.resolution.inputs import Inputs, prepare
from lugnut.resolution.projects import read_needs
from lugnut.resolution.question import Question
from lugnut.resolution.remarks import Remarks, Resolved
from lugnut.resolution.requested import Requested, find_requested
from lugnut.resolution.requirement_lines import Said
from lugnut.system import files
from lugnut.typed import Any, NamedTuple


class Answer(NamedTuple):
    """A lock, and what in it was asked for."""

    lock: Any
    """A `packaging.pylock.Pylock`; its paths are absolute."""
    requested: Requested = Requested()
    """What of it was asked for; all else is needed by that."""
    remarks: Remarks = Remarks()
    offers: str = ""
    """Where what is installed was offered: a link there means that it stays."""
    hashed: frozenset[str] = frozenset()
    """Names that a hash was asked for."""
    require_hashes: bool = False


def resolve(question: Question) -> Any:
    """Give the lock of an answer."""
    return answer(question).lock


def find_uv(resolver: str, environ: Mapping[str, str]) -> str | None:
    """Give the path of the uv that would resolve; None where pip would. Raises ResolverFailed and UsageError."""
    backend = choose(resolver, environ)
    return backend.command[0] if backend.name == "uv" else None


def answer(question: Question) -> Answer:
    """Give a `packaging.pylock.Pylock` of all that is asked for and what it needs; its paths are absolute.

    Its URLs may hold credentials that the user's own files spell out; those of indexes are put back by
    `credentials.restore`. Raises Unresolvable, ResolverFailed, Offline, BuildFailed, BadRequirement, HashMismatch,
    HashMissing, Unsupported and UsageError.
    """
    if question.resolving.extras and not question.sources:
        raise UsageError(message="--extra is for a project", hint="name its pyproject.toml, or write NAME[EXTRA]")
    with files.lend_directory() as directory:
        inputs = prepare(question, directory)
        lock, remarks = _ask(question, inputs, find_backend(question, inputs.said))
        require = question.require_hashes or inputs.said.require_hashes
        requested = find_requested(
            (*question.requirements, *question.editables, *_list_needs(question)), inputs.requirement_files,
            question.directory, question.environ,
        )  # fmt: skip
        held = restore_urls(hold_to(tidy(lock), inputs.said, require=require), inputs)
        hashed = frozenset(one.name for one in inputs.said.hashes)
        return Answer(held, requested, remarks, inputs.offers, hashed, require)


def _list_needs(question: Question) -> list[str]:
    """Name what projects need whose own files are asked for; one that leaves it to a build tells nothing here."""
    needs: list[str] = []
    for path in question.sources:
        with contextlib.suppress(LugnutError):
            needs += read_needs(os.path.join(question.directory, path), question.resolving.extras)
    return needs


def _ask(question: Question, inputs: Inputs, backend: Backend) -> Resolved:
    """Ask uv or pip; where the choice is ours, pip too, for lines of its syntax that uv cannot read."""
    if backend.name == "pip":
        return pip.resolve(question, inputs, backend)
    try:
        return uv.resolve(question, inputs, backend)
    except BadRequirement:
        if question.resolving.resolver != "auto":
            raise
        return pip.resolve(question, inputs, find_pip())


def find_backend(question: Question, said: Said) -> Backend:
    """Choose a backend; uv is not asked about what it would pass over.

    That is the hashes of a requirements file that lies elsewhere, and the subdirectory of an archive at hand.
    """
    wanted = question.resolving.resolver
    if said.remote and wanted == "uv":
        reason = "uv's lock would leave its hashes unchecked"
        raise Unsupported(what=f"-r {said.remote[0]} with uv", reason=reason, hint="download it, or use --resolver pip")
    if said.below and wanted == "uv":
        what, reason = f"{said.below[0]} with uv", "uv would pass over the subdirectory of what is on this machine"
        raise Unsupported(what=what, reason=reason, hint="unpack it and name the directory, or use --resolver pip")
    if (said.remote or said.below) and wanted == "auto":
        return find_pip()
    return choose(wanted, question.environ, question.cancelled)


def restore_urls(lock: Any, inputs: Inputs) -> Any:
    """Put the users and passwords of URLs in requirements files back into the URLs of what they lead to."""
    if not inputs.said.urls:
        return lock
    known = Indexes(find_links=tuple(url.removeprefix("git+") for url in inputs.said.urls))

    def renew(source: Any) -> Any:
        url = getattr(source, "url", None)
        return alter(source, url=restore(url, known)) if url else source

    return change_sources(lock, renew)
