"""direct_url.json: where a distribution that was named by a path or URL came from. Pure. Source: PEP 610, PEP 660."""

from __future__ import annotations

import os

from lugnut.typed import Any, NamedTuple


class Direct(NamedTuple):
    """Where one distribution came from that was named directly."""

    place: str
    """A URL, or an absolute path."""
    sha256: str = ""
    """Of the archive at that place; empty for a tree."""
    subdirectory: str = ""
    editable: bool = False
    commit: tuple[str, str, str] | None = None
    """A version control system, the commit, and the revision that was asked for, perhaps empty."""


def format_direct_url(direct: Direct) -> str:
    """Write direct_url.json."""
    import json

    return json.dumps(make_document(direct), sort_keys=True)


def make_document(direct: Direct) -> dict[str, Any]:
    """Give the document of direct_url.json; one of an archive has its hash in the older form too."""
    place = direct.place
    document: dict[str, Any] = {"url": to_url(place) if os.path.isabs(place) else strip_user(place)}
    if direct.commit is not None:
        kind, commit, revision = direct.commit
        asked = {"requested_revision": revision} if revision else {}
        document["vcs_info"] = {"commit_id": commit, **asked, "vcs": kind}
    elif direct.sha256:
        document["archive_info"] = {"hash": f"sha256={direct.sha256}", "hashes": {"sha256": direct.sha256}}
    else:
        document["dir_info"] = {"editable": True} if direct.editable else {}
    if direct.subdirectory:
        document["subdirectory"] = direct.subdirectory
    return document


def same_origin(one: str, other: str) -> bool:
    """Whether two direct_url.json name the same archive by its hash, or the same commit of the same repository."""
    import json

    try:
        first, second = json.loads(one), json.loads(other)
    except ValueError:
        return False
    return first is not None and _identify(first) is not None and _identify(first) == _identify(second)


def _identify(document: Any) -> tuple[str, ...] | None:
    """Give what does not change without the content changing; None for what has no such name."""
    if not isinstance(document, dict):
        return None
    words = (str(document.get("url", "")), str(document.get("subdirectory", "")))
    vcs, archive = document.get("vcs_info"), document.get("archive_info")
    if isinstance(vcs, dict) and vcs.get("commit_id"):
        return (*words, str(vcs.get("vcs")), str(vcs["commit_id"]))
    if isinstance(archive, dict):
        hashes = archive.get("hashes")
        legacy = str(archive.get("hash") or "").removeprefix("sha256=")
        sha256 = str(hashes.get("sha256") or "") if isinstance(hashes, dict) else legacy
        return (*words, sha256) if sha256 else None
    return None


def to_url(path: str) -> str:
    """Write an absolute path as a file:// URL."""
    place = path.replace(os.sep, "/")
    place = place if place.startswith("/") else "/" + place
    letters = place.translate(_PLAIN)
    if letters.isascii() and (letters.isalnum() or not letters):  # urllib.parse costs 3 ms at start
        return "file://" + place
    from urllib.parse import quote_from_bytes

    # By bytes: a path need not be text in any encoding, and under an ASCII locale even an umlaut is not.
    return "file://" + quote_from_bytes(os.fsencode(place), safe="/:")


_PLAIN = str.maketrans("", "", "/:_.-~")
"""Drops what is no letter and no digit and stands in a URL as it is (RFC 3986)."""


def strip_user(url: str) -> str:
    """Leave out user name and password, but for `git@` of a secure shell's URL and variables (PEP 610)."""
    from urllib.parse import urlsplit, urlunsplit

    if "@" not in url:
        return url
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    keeps = parts.scheme.endswith("ssh") and user == "git"
    return url if not at or keeps else urlunsplit(parts._replace(netloc=host))
