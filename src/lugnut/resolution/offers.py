"""What is installed, offered to a resolver beside what indexes have.

A backend knows nothing of the environment. What somebody installed from a tree, a commit or a file of their own may be
on no index, or be another's there of the same name and version; so it is put before the backend as a wheel of its
METADATA alone, in a directory of links. An answer that names one means that it stays: nobody installs it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from lugnut.distribution import Name, normalise_name
from lugnut.sources.direct_urls import to_url
from lugnut.system import files
from lugnut.typed import NamedTuple

_PLACE = "installed"
_BUILD = 999_999_999
_WHEEL = "Wheel-Version: 1.0\nGenerator: lugnut\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


class Offer(NamedTuple):
    """One installed distribution."""

    name: Name
    version: str
    metadata: str
    """Its METADATA."""


def write_offers(directory: str, offers: Iterable[Offer], tag: str) -> str:
    """Write a wheel for each into a place of their own below a directory; gives the place.

    `tag` is the target's best, and the build number higher than any: of equal versions these are preferred.
    """
    with files.open_root(directory) as above, files.enter(above, _PLACE, create=True) as place:
        for offer in offers:
            stem = f"{offer.name.replace('-', '_')}-{offer.version.replace('-', '_')}"
            files.write(place, f"{stem}-{_BUILD}-{tag}.whl", _pack(f"{stem}.dist-info", offer.metadata))
    return os.path.join(directory, _PLACE)


def _pack(info: str, metadata: str) -> bytes:
    """Pack a wheel that has a dist-info and nothing else."""
    import io
    import zipfile

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(f"{info}/METADATA", metadata)
        archive.writestr(f"{info}/WHEEL", _WHEEL)
        archive.writestr(f"{info}/RECORD", f"{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    return packed.getvalue()


def is_readable(offer: Offer) -> bool:
    """Say whether a backend can read what is offered: it would refuse the name for good over METADATA that is none."""
    from packaging.metadata import parse_email
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    raw, _ = parse_email(offer.metadata)
    try:
        SpecifierSet(raw.get("requires_python", ""))
        for text in raw.get("requires_dist", ()):
            Requirement(text)
    except (InvalidRequirement, InvalidSpecifier):
        return False
    return normalise_name(raw.get("name", "")) == offer.name and raw.get("version", "") == offer.version


def is_offer(url: str, place: str) -> bool:
    """Say whether a link leads to one of them."""
    return bool(place) and url.startswith(to_url(place) + "/")
