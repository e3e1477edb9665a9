"""Reads a wheel: one zip archive in, a Manifest and its files' content out, or one BadWheel with all that is wrong.

Everything but the content of the members is checked before a manifest is given. The content is checked against RECORD
while it is read: a caller may write it as it comes, but not show it before `members()` has ended (G7, TRAPS 31).

Source: the *Binary distribution format* specification (PEP 427, PEP 491).
"""

from __future__ import annotations

import bisect
import hashlib
import itertools
import operator
import os
import re
from collections.abc import Iterator

from lugnut.distribution import Digest, Row, WheelFile, content_mtime, format_row, spell_digest
from lugnut.errors import BadWheel
from lugnut.manifest import Manifest, make_library
from lugnut.system import files
from lugnut.wheel.archive import Entry
from lugnut.wheel.contents import Contents, check_contents, check_pieces, read_contents
from lugnut.wheel.inflation import head, inflate, stream
from lugnut.wheel.metadata import parse_title
from lugnut.wheel.record import Promise
from lugnut.wheel.source import ArchiveError, Limits, Source

LIMITS = Limits()
_ALL = slice(None)
_FILE_COST = 1 << 16
"""How many bytes take as long as making a file does."""
_QUOTED = re.compile(r"[\",\n\r]")
_archive_path = operator.attrgetter("archive")
_TOLD = 3
_PLACEHOLDER = b"#!python"
_WRAPPERS = ("", ".exe", "-script.py", "-script.pyw", ".pya")
"""What setuptools once called the launchers that it packed into wheels beside the entry points they are made from."""

Content = bytes | Iterator[bytes]


def read_wheel(path: str, *, limits: Limits = LIMITS) -> Archive:
    """Open a wheel and check it; raises BadWheel. Close the archive, or use it as a context manager."""
    source = open_source(path)
    try:
        return Archive(source, os.path.basename(path), limits)
    except BaseException:
        source.close()
        raise


def open_source(path: str) -> Source:
    """Open a wheel's file without looking into it; raises BadWheel where that cannot be done."""
    filename = os.path.basename(path)
    try:
        return Source(path)
    except ArchiveError as error:
        raise make_error(filename, [str(error)]) from None
    except (OSError, ValueError) as error:
        raise make_error(filename, [f"it cannot be read: {getattr(error, 'strerror', None) or error}"]) from None


def make_error(filename: str, problems: list[str]) -> BadWheel:
    """Make the one error for all that is wrong with a wheel."""
    summary = "; ".join(problems[:_TOLD])
    if len(problems) > _TOLD:
        summary += f"; and {len(problems) - _TOLD} more"
    return BadWheel(wheel=filename, summary=summary, problems=problems)


def rename_manifest(manifest: Manifest, filename: str) -> Manifest:
    """Give the manifest of the same bytes under another file name; raises BadWheel where that does not agree."""
    if filename == manifest.filename:
        return manifest
    problems: list[str] = []
    title = parse_title(filename, problems)
    known = parse_title(manifest.filename, [])
    if title is not None and known is not None and title[1:] != known[1:]:
        problems.append(f"it is {manifest.filename} by content, which its file name does not say")
    if problems:
        raise make_error(filename, problems)
    return manifest._replace(filename=filename)


class Archive(files.Closing):
    """An open wheel all of whose claims but its hashes were found true; `manifest` says what is in it."""

    manifest: Manifest

    def __init__(self, source: Source, filename: str, limits: Limits = LIMITS) -> None:
        """Check it; raises BadWheel, and leaves the source to the caller. Later it is closed with the archive."""
        self._source = source
        self._limits = limits
        self._filename = filename
        problems: list[str] = []
        try:
            contents = read_contents(source, filename, limits, problems)
            if contents is not None:
                self._contents = contents
                listed = _list_files(source, contents, problems)
                self.manifest = _make_manifest(source, contents, listed)
                self._files = sorted(listed, key=_archive_path)
        except ArchiveError as error:  # the file became shorter under our hands
            problems.append(str(error))
        if problems:
            raise make_error(filename, problems)

    def members(self, part: slice = _ALL) -> Iterator[tuple[WheelFile, Content]]:
        """Give each file with its content, sorted by archive path: bytes, or pieces where it is large.

        Ends with BadWheel that names every member whose content is not what RECORD promises: a whole content that is
        wrong is not given, but pieces are, since that cannot be known before their end. Read them before going on.
        `part` is one of `split`; what is not installed is checked with the last.
        """
        problems: list[str] = []
        entries, promises, at_once = self._contents.entries, self._contents.promises, self._limits.whole
        for file in self._files[part]:
            entry, promise = entries[file.archive], promises[file.archive]
            if entry.size > at_once:
                pieces = check_pieces(stream(self._source, entry), entry, promise, problems)
                yield file, pieces
                for _ in pieces:  # whoever did not read them to the end
                    pass
            else:
                content = self._read(entry, promise, problems)
                if content is not None:
                    yield file, content
        if part.stop is None:
            self._check_others(problems)
        if not self._source.unchanged():
            problems.append("it was changed while it was read")
        if problems:
            raise make_error(self._filename, problems)

    def split(self, count: int) -> list[slice]:
        """Cut the files, as `members` orders them, into at most so many parts that take about as long each."""
        costs = list(itertools.accumulate(file.size + _FILE_COST for file in self._files))
        total = costs[-1] if costs else 0
        cuts = {bisect.bisect_left(costs, total * number / count) for number in range(1, count)} - {0, len(costs)}
        borders = [0, *sorted(cuts), None]
        return [slice(*pair) for pair in itertools.pairwise(borders)]

    def weigh(self, part: slice) -> int:
        """Say how many bytes a part of the files comes to."""
        return sum(file.size for file in self._files[part])

    def _read(self, entry: Entry, promise: Promise, problems: list[str]) -> bytes | None:
        try:
            content = inflate(self._source, entry)
        except ArchiveError as error:
            problems.append(str(error))
            return None
        if promise.is_kept_by(content):
            return content
        problems.append(f"{entry.name!r} does not have the hash that RECORD states")
        return None

    def _check_others(self, problems: list[str]) -> None:
        """Check the members that are not installed: a wheel is right as a whole or not at all."""
        installed = {file.archive for file in self._files}
        others = {name: promise for name, promise in self._contents.promises.items() if name not in installed}
        check_contents(self._source, self._contents.entries, others, problems)

    def close(self) -> None:
        """Close the file; again is harmless."""
        self._source.close()


def _list_files(source: Source, contents: Contents, problems: list[str]) -> list[WheelFile]:
    """Describe every file that is installed, sorted by scheme and path."""
    made = {point.name + suffix for point in contents.entry_points for suffix in _WRAPPERS}
    entries, promises, make = contents.entries, contents.promises, tuple.__new__
    listed = []
    for archive, (scheme, path) in contents.layout.placed.items():
        if scheme != "scripts" and promises[archive][0] == "sha256":  # nearly all, and so without a call for each
            _, digest, _, spelled = promises[archive]
            entry = entries[archive]
            fields = scheme, path, archive, spelled, entry[3], entry[6] & 0o111 != 0, content_mtime(digest), False
            listed.append(make(WheelFile, fields))
        elif scheme != "scripts" or path not in made:
            listed.append(_make_file(source, contents, archive, problems))
    listed.sort()
    return listed


def _make_manifest(source: Source, contents: Contents, files: list[WheelFile]) -> Manifest:
    metadata, layout = contents.metadata, contents.layout
    root = "purelib" if contents.purelib else "platlib"
    inside = layout.dist_info + "/"
    plain = [file[0] == root and file[1] == file[2] and not file[1].startswith(inside) for file in files]
    outside = list(itertools.compress(files, plain))
    return Manifest(
        wheel=source.hash(),
        filename=contents.title.filename,
        name=contents.title.name,
        spelled=metadata.name,
        version=metadata.version,
        dist_info=layout.dist_info,
        purelib=contents.purelib,
        tags=contents.title.tags,
        requires_python=metadata.requires_python,
        requires=metadata.requires,
        extras=metadata.extras,
        entry_points=contents.entry_points,
        size=sum([file[4] for file in files]),
        library=make_library(outside),
        others=tuple(itertools.compress(files, map(operator.not_, plain))),
        record=_format_rows(outside),
    )


def _format_rows(files: list[WheelFile]) -> str:
    """Write RECORD's lines; only a path that csv quotes takes a call of its own."""
    rows = [f"{path},sha256={digest},{size}\n" for _, path, _, digest, size, *_ in files]
    if _QUOTED.search("".join([file[1] for file in files])) is None:
        return "".join(rows)
    return "".join(format_row(Row(file.path, file.digest, file.size)) for file in files)


def _make_file(source: Source, contents: Contents, archive: str, problems: list[str]) -> WheelFile:
    scheme, path = contents.layout.placed[archive]
    entry, promise = contents.entries[archive], contents.promises[archive]
    if promise.algorithm == "sha256":
        digest, spelled = promise.digest, Digest(promise.spelled)
    else:
        digest = _find_sha256(source, entry, promise, problems)
        spelled = spell_digest(digest)
    script = scheme == "scripts"
    executable = script or bool(entry.mode & 0o111)
    rewritten = script and head(source, entry, len(_PLACEHOLDER)) == _PLACEHOLDER
    return WheelFile(scheme, path, archive, spelled, entry.size, executable, content_mtime(digest), rewritten)


def _find_sha256(source: Source, entry: Entry, promise: Promise, problems: list[str]) -> bytes:
    """Compute the sha256 of content that RECORD promises by another kind of hash, and that keeps that promise."""
    state = hashlib.sha256()
    for piece in check_pieces(stream(source, entry), entry, promise, problems):
        state.update(piece)
    return state.digest()
