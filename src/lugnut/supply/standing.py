"""Whether what is installed is what a lock asks for, so that nothing has to be fetched, built or changed for it."""

from __future__ import annotations

from collections.abc import Sequence

from lugnut.installed import Installed
from lugnut.sources.direct_urls import format_direct_url, same_origin
from lugnut.sources.locked import Supply, make_direct


def stands(supply: Supply, found: Sequence[Installed]) -> bool:
    """Say whether one distribution stands as a lock asks for it.

    By version, and by the wheel it was installed from where both are known. What was named directly stands if it came
    from the same archive or commit; a source tree may have changed since, and never counts.
    """
    if len(found) != 1 or found[0].rows is None or found[0].legacy:
        return False
    one = found[0]
    if supply.direct:
        return _came_from(supply, one)
    if one.direct_url is not None or one.version != supply.version:
        return False
    return one.state is None or not supply.is_wheel or one.state.wheel in supply.wheels


def _came_from(supply: Supply, one: Installed) -> bool:
    """Compare origins; an archive's hash must be known beforehand."""
    if supply.tree or one.direct_url is None:
        return False
    sha256 = (supply.link.sha256 if supply.link is not None else None) or ""
    direct = make_direct(supply, sha256)
    return direct is not None and same_origin(one.direct_url, format_direct_url(direct))
