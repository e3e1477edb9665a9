"""One look at an environment before anything is published: what it has found, what stands where, and whose it is."""

from __future__ import annotations

from lugnut.distribution import Name
from lugnut.errors import FileInTheWay
from lugnut.plan import Action
from lugnut.system import files
from lugnut.transaction import content, journal
from lugnut.transaction.claims import Claim
from lugnut.transaction.site import Site
from lugnut.typed import NamedTuple


class Look(NamedTuple):
    """One look at an environment: what may be, and what has been found."""

    site: Site
    force: bool
    """What nobody claims may be set aside."""
    adopted: list[str]
    forced: list[str]
    standing: dict[str, bool]
    """Of each directory looked for, whether it stands; what lies below one that does not may be left out."""
    names: dict[str, frozenset[str]]
    """What stands in a directory, as RECORD spells it."""


def reach(site: Site, action: Action, directory: str) -> files.Directory | None:
    """Open a directory; None where it is missing, or where a file that this very action removes is in its place."""
    try:
        return site.tree.directory(directory, name=action.name)
    except FileInTheWay as error:
        if any(error.data["path"] == file.path for old in action.olds for file in old.files):
            return None
        raise


def read_claims(site: Site, directory: str, names: list[str]) -> dict[str, list[Claim]]:
    """Read claims without a stripe, until nobody changes them on the way."""
    while True:
        try:
            return site.ledger.read(directory, names)
        except journal.Vanished:
            continue


def find_unclaimed(site: Site, directory: str, names: list[str], mine: Name) -> dict[str, content.Shown]:
    """Find what stands there and is nobody's but `mine`, under the stripe: what another run is removing bars no way.

    What open runs claim and have found there is a user's all the same.
    """
    if not names:
        return {}
    held = site.hold_stripe(directory)
    try:
        while True:
            try:
                return _look_for_unclaimed(site, directory, names, mine)
            except journal.Vanished:
                continue
    finally:
        held.close()


def _look_for_unclaimed(site: Site, directory: str, names: list[str], mine: Name) -> dict[str, content.Shown]:
    site.tree.close()  # the directory may have been removed and made again
    opened = site.tree.directory(directory)
    shown = (
        {} if opened is None else {name: here for name in names if (here := site.reader.show(opened, name)) is not None}
    )
    claims = site.ledger.read(directory, list(shown))
    revoked = site.ledger.read_revoked(directory, list(shown))
    shared = any(not claim.committed for found in claims.values() for claim in found)
    users = site.ledger.read_adopted() if shared else site.ledger.read_adopted([])
    below = f"{directory}/" if directory else ""
    return {
        name: here
        for name, here in shown.items()
        if all(
            claim.name == mine or (not claim.committed and users.has(below + name, here.digest))
            for claim in claims[name]
        )
        and not any(content.matches(here, file) for file in revoked[name])
    }
