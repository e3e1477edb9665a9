"""Makes wheels for tests and campaigns: pure standard library, the same bytes for the same arguments.

`make_wheel` writes a right wheel; `wheel_members` and `write_archive` are its two halves, for whoever wants to spoil
one in between. Nothing of lugnut is imported, so that what judges lugnut does not share its mistakes.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os
import re
import stat
import zipfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

Timestamp = tuple[int, int, int, int, int, int]
FIRST_MOMENT: Timestamp = (1980, 1, 2, 0, 0, 0)


class Member(NamedTuple):
    """One member of an archive; `mode` holds the file type bits too, as the upper half of the external attributes."""

    name: str
    data: bytes
    mode: int = stat.S_IFREG | 0o644
    method: int = zipfile.ZIP_DEFLATED


def make_wheel(  # noqa: PLR0913 - a builder: everything by name, everything with a default
    directory: str | os.PathLike[str],
    name: str,
    version: str = "1.0",
    files: Mapping[str, str | bytes] | None = None,
    *,
    executables: Collection[str] = (),
    entry_points: str = "",
    requires: Sequence[str] = (),
    tag: str = "py3-none-any",
    purelib: bool = True,
    extra: Mapping[str, str | bytes] | None = None,
    metadata: str = "",
    timestamp: Timestamp = FIRST_MOMENT,
    filename: str | None = None,
    compress: bool = True,
) -> str:
    """Write a wheel and give its path.

    `files` are members by archive path (`pkg/__init__.py`, `{name}-{version}.data/scripts/tool`) or one module of its
    name, `extra` those of the dist-info directory by their name in it, `executables` the archive paths with mode 0755,
    `metadata` more header lines for METADATA, `requires` its Requires-Dist lines.
    """
    members = wheel_members(
        name, version, files, executables=executables, entry_points=entry_points, requires=requires, tag=tag,
        purelib=purelib, extra=extra, metadata=metadata,
    )  # fmt: skip
    os.makedirs(directory, exist_ok=True)
    path = os.path.join(directory, filename or f"{escape(name)}-{version.replace('-', '_')}-{tag}.whl")
    if not compress:
        members = [member._replace(method=zipfile.ZIP_STORED) for member in members]
    write_archive(path, members, timestamp=timestamp)
    return path


def wheel_members(  # noqa: PLR0913 - the same builder without its file
    name: str,
    version: str = "1.0",
    files: Mapping[str, str | bytes] | None = None,
    *,
    executables: Collection[str] = (),
    entry_points: str = "",
    requires: Sequence[str] = (),
    tag: str = "py3-none-any",
    purelib: bool = True,
    extra: Mapping[str, str | bytes] | None = None,
    metadata: str = "",
) -> list[Member]:
    """Give the members of a wheel in archive order: files as given, dist-info, RECORD last and right."""
    stem = f"{escape(name)}-{version.replace('-', '_')}"
    content: dict[str, str | bytes] = {f"{escape(name)}.py": f"VERSION = {version!r}\n"}
    if files is not None:
        content = dict(files)
    content[f"{stem}.dist-info/METADATA"] = format_metadata(name, version, requires, metadata)
    content[f"{stem}.dist-info/WHEEL"] = format_wheel(tag, purelib=purelib)
    if entry_points:
        content[f"{stem}.dist-info/entry_points.txt"] = entry_points
    for inner, data in (extra or {}).items():
        content[f"{stem}.dist-info/{inner}"] = data
    members = [make_member(path, data, executable=path in executables) for path, data in content.items()]
    return with_record(members, f"{stem}.dist-info/RECORD")


def make_member(path: str, data: str | bytes, *, executable: bool = False) -> Member:
    """Give a regular member with mode 0644, or 0755 where it is executable."""
    mode = stat.S_IFREG | (0o755 if executable else 0o644)
    return Member(path, data.encode() if isinstance(data, str) else data, mode)


def format_metadata(name: str, version: str, requires: Sequence[str] = (), more: str = "") -> str:
    """Write METADATA; `more` is further header lines."""
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Dist: {requirement}" for requirement in requires]
    return "\n".join(lines + more.splitlines()) + "\n"


def format_wheel(tag: str, *, purelib: bool = True, version: str = "1.0") -> str:
    """Write WHEEL, with one Tag line for each tag of a compressed tag set."""
    interpreters, abis, platforms = (part.split(".") for part in tag.split("-")[-3:])
    tags = [f"Tag: {one}-{abi}-{where}" for one in interpreters for abi in abis for where in platforms]
    head = [f"Wheel-Version: {version}", "Generator: wheels", f"Root-Is-Purelib: {str(purelib).lower()}"]
    return "\n".join(head + tags) + "\n"


def with_record(members: Iterable[Member], record: str) -> list[Member]:
    """Give the members with a right RECORD of them at the end, under the archive path `record`."""
    listed = list(members)
    rows = [(member.name, f"sha256={digest(member.data)}", str(len(member.data))) for member in listed]
    return [*listed, make_member(record, format_rows([*rows, (record, "", "")]))]


def format_rows(rows: Iterable[tuple[str, str, str]]) -> str:
    """Write RECORD's rows as csv."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def digest(data: bytes) -> str:
    """Give sha256 as RECORD spells it."""
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def escape(name: str) -> str:
    """Spell a name as file names of wheels do; the case stays."""
    return re.sub(r"[-_.]+", "_", name)


def write_archive(
    path: str | os.PathLike[str], members: Iterable[Member], *, timestamp: Timestamp = FIRST_MOMENT
) -> None:
    """Write a zip archive of these members, in this order, with Unix attributes and one time for all of them."""
    with zipfile.ZipFile(path, "w") as archive:
        for member in members:
            info = zipfile.ZipInfo(member.name, timestamp)
            info.create_system = 3
            info.external_attr = member.mode << 16
            info.compress_type = member.method
            archive.writestr(info, member.data)
