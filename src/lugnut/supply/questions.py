"""Puts what is asked for to a resolver: with what is installed, where to look, and what it remarks on passed on."""

from __future__ import annotations

import contextlib

from lugnut.distribution import normalise_name
from lugnut.errors import Unresolvable
from lugnut.events import Note
from lugnut.installed import find_installed, read_installed, read_metadata
from lugnut.resolution.offers import Offer, is_readable
from lugnut.resolution.question import Question
from lugnut.resolution.resolving import Answer, answer
from lugnut.run import Run
from lugnut.sources.pins import Asked
from lugnut.supply.outlook import Outlook


def question(run: Run, asked: Asked, outlook: Outlook, *, fresh: bool = False) -> Answer:
    """Ask a resolver, and pass on what it remarks on; `fresh` leaves what is installed out of account.

    Where it finds nothing it is asked once more with all that is installed: some of it may be nowhere else.
    """
    said = _answer(run, _put(run, asked, outlook, fresh=fresh))
    _pass_on(run, said)
    return said


def _answer(run: Run, put: Question) -> Answer:
    try:
        return answer(put)
    except Unresolvable:
        if run.settings.reinstall or not put.installed:
            raise
        again = put._replace(offers=make_offers(run, everything=True), offers_all=True)
        if again.offered != put.offered:
            with contextlib.suppress(Unresolvable):
                return answer(again)
        raise


def _put(run: Run, asked: Asked, outlook: Outlook, *, fresh: bool) -> Question:
    """Put what is asked for as a question to a resolver."""
    settings, target = run.settings, run.target
    installed: dict[str, str] = {} if fresh else {one.name: one.version for one in find_installed(run.environment)}
    return Question(
        python=run.environment.python,
        directory=target.directory,
        environ=target.environ,
        markers=run.environment.markers,
        requirements=asked.requests,
        editables=settings.editables,
        requirement_files=asked.requirement_files,
        constraint_files=asked.constraint_files,
        sources=asked.projects,
        resolving=settings.resolving,
        require_hashes=asked.require_hashes,
        indexes=outlook.indexes,
        route=outlook.route,
        upgrade=settings.upgrade,
        installed=installed,
        no_cache=settings.no_cache,
        offers=() if fresh or settings.reinstall else make_offers(run),
        tags=tuple(run.environment.tags),
        cancelled=run.cancelled,
    )


def make_offers(run: Run, *, everything: bool = False) -> tuple[Offer, ...]:
    """Describe what was installed from a tree, a commit or a file: no index need have it, or it has another's.

    Not what a power cut has torn: to say of that that it stays would not do.
    """
    found = read_installed(run.environment)
    whole = [ones for name, ones in found.items() if name not in run.settings.anew]
    sound = [ones[0] for ones in whole if len(ones) == 1 and ones[0].rows is not None and not ones[0].legacy]
    offers = [
        Offer(one.name, one.version, read_metadata(run.environment, one))
        for one in sound
        if everything or one.direct_url is not None
    ]
    return tuple(offer for offer in offers if is_readable(offer))


def _pass_on(run: Run, said: Answer) -> None:
    """Warn of what the resolver remarks on."""
    versions = {normalise_name(package.name): str(package.version or "") for package in said.lock.packages}
    withdrawn = [said.remarks.tell(name, versions[name]) for name in sorted(said.remarks.yanked) if name in versions]
    for text in (*withdrawn, *said.remarks.extras):
        run.report(Note("warning", text))
