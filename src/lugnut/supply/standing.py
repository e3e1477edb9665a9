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
    if one.direct_url is not None or not same_version(one.version, supply.version):
        return False
    return one.state is None or not supply.is_wheel or one.state.wheel in supply.wheels


def will_do(supply: Supply, found: Sequence[Installed]) -> bool:
    """Say whether what is installed will do for who asked by name: its version is the one that was resolved.

    As for pip and uv, wherever it came from: what somebody installed from a tree or a file of their own stays.
    """
    if supply.direct or len(found) != 1 or found[0].rows is None or found[0].legacy:
        return stands(supply, found)
    return same_version(found[0].version, supply.version)


def same_version(one: str, other: str) -> bool:
    """Compare versions as PEP 440 does; what is none by its letters."""
    if one == other:
        return True
    from packaging.version import InvalidVersion, Version

    try:
        return Version(one) == Version(other)
    except InvalidVersion:
        return False


def _came_from(supply: Supply, one: Installed) -> bool:
    """Compare origins; an archive's hash must be known beforehand."""
    if supply.tree or one.direct_url is None:
        return False
    sha256 = (supply.link.sha256 if supply.link is not None else None) or ""
    direct = make_direct(supply, sha256)
    return direct is not None and same_origin(one.direct_url, format_direct_url(direct))
