"""The text of direct_url.json to what it says of an installed distribution: a project's directory, a requirement.

Source: PEP 610 and PEP 660; what is no such document says nothing.
"""

from __future__ import annotations

import json

from lugnut.errors import BadRequirement
from lugnut.sources.requests import parse_file_url
from lugnut.typed import Any


def find_project(direct_url: str | None) -> str:
    """Give the directory of an editable install's project; its URL where that is no directory here; else nothing."""
    read = _read(direct_url)
    if read is None or read.dir_info is None or not read.dir_info.editable:
        return ""
    try:
        return parse_file_url(read.url, "direct_url.json", read.url)
    except BadRequirement:
        return str(read.url)


def format_reference(name: str, direct_url: str | None) -> str:
    """Write the line of a requirements file that installs the very same again; empty where no URL is known.

    An editable install gives `-e URL`; everything else PEP 508's `name @ URL`, with the commit or hash it was.
    """
    read = _read(direct_url)
    if read is None:
        return ""
    url, fragments = str(read.url), []
    if read.dir_info is not None and read.dir_info.editable:
        return f"-e {url}"
    if read.vcs_info is not None:
        url = f"{read.vcs_info.vcs}+{url}@{read.vcs_info.commit_id}"
    elif read.archive_info is not None and read.archive_info.hashes:
        fragments = ["=".join(next(iter(read.archive_info.hashes.items())))]
    if read.subdirectory:
        fragments.append(f"subdirectory={read.subdirectory}")
    return f"{name} @ {url}" + (f"#{'&'.join(fragments)}" if fragments else "")


def _read(text: str | None) -> Any:
    """Read the document; None where there is none, or nothing that holds by the specification."""
    if text is None:
        return None
    from packaging.direct_url import DirectUrl, DirectUrlValidationError

    try:
        document = json.loads(text)
        return DirectUrl.from_dict(document) if isinstance(document, dict) else None
    except (ValueError, RecursionError, DirectUrlValidationError):
        return None
