"""What dist-infos claim, each RECORD read once as long as it is the same file, and taken apart only if it has to be.

Most that a run asks is of a few top-level names, and most distributions have nothing there: of their RECORD no more is
read than how its paths begin. One that spells paths in a way that hides this (quoted, from above, through an alias, or
where the file system folds names) is taken apart at once.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable

from lugnut.columns import File, Files
from lugnut.distribution import Name, is_plain_record
from lugnut.environment import Environment, canonical, key
from lugnut.installed import Found, Installed, read_distribution
from lugnut.system import files
from lugnut.transaction import journal
from lugnut.transaction.tree import split
from lugnut.typed import NamedTuple

Index = dict[str, dict[str, File]]
"""Files by directory and name, folded where the file system folds them (`environment.key`)."""


class Source(NamedTuple):
    """One dist-info's claims."""

    name: Name
    rank: int
    by_directory: Index
    files: Files
    tops: tuple[str, ...] | None
    """Of a dist-info without RECORD: what it may own at the top level, by path; None for anything."""
    opaque: bool


def find_top(path: str) -> str:
    """Give the beginning of a canonical path that a file and whatever may be in its way have in common.

    The first component; of what lies outside of purelib the first two: `../../../bin/x`, `../../../share/jupyter`.
    """
    if path[:3] != "../":
        return path.partition("/")[0]
    parts = path.split("/")
    return "/".join(parts[: parts.count("..") + 2])


def list_tops(claimed: Files) -> frozenset[str]:
    """Give the tops of all these files."""
    tops = {folder for folder in claimed.folders if "/" not in folder}
    tops.update(find_top(path) for path in claimed.paths if path[:3] == "../" or "/" not in path)
    return frozenset(tops)


class Record:
    """One dist-info as it stood at one moment; `identity` tells whether it still does."""

    def __init__(self, environment: Environment, found: Found, root: files.Directory) -> None:
        self._environment = environment
        self._found = found
        self._place = f"{found.directory}/RECORD"
        self._source: Source | None = None
        self._tops: frozenset[str] | None = None
        self.identity = identify(root, found)
        if found.legacy:
            return
        try:
            with files.enter(root, found.directory) as directory:
                data = files.read(directory, "RECORD")
        except OSError as error:  # none, or no file, or behind a symlink: nobody knows what it owns
            files.pass_on(error)
            return
        if identify(root, found) != self.identity:
            raise journal.Vanished
        self._tops = _read_tops(environment, found, data)

    def stands(self, root: files.Directory) -> bool:
        """Say whether the dist-info is still what it was: asked of each for every stripe. May raise Vanished."""
        record = files.look(root, self._place)
        return self.identity == (identify(root, self._found) if record is None else _tell(record))

    def touches(self, tops: frozenset[str]) -> bool:
        """Say whether any of its paths may begin so: False is certain."""
        return self._tops is None or not self._tops.isdisjoint(tops)

    def source(self) -> Source:
        """Take it apart, once; raises Vanished where it is no longer what it was."""
        if self._source is None:
            try:
                installed = read_distribution(self._environment, self._found.scheme, self._found.directory)
            except FileNotFoundError:
                raise journal.Vanished from None
            with files.open_root(self._environment.schemes[self._found.scheme]) as root:
                if identify(root, self._found) != self.identity:
                    raise journal.Vanished
            self._source = _make_source(self._environment, installed)
        return self._source


def _read_tops(environment: Environment, found: Found, data: bytes) -> frozenset[str] | None:
    """Tell how the paths of a RECORD begin; None where that cannot be told without taking it apart."""
    inside = all(alias[:3] == "../" for alias, _ in environment.aliases)
    rows = _glance(data) if inside and not (environment.folds_case or environment.places[found.scheme]) else None
    if rows is None:
        return None
    tops = {start.partition(",")[0] for start in {row.partition("/")[0] for row in rows}}
    above = [row.partition(",")[0] for row in rows if row[:1] in {".", "/"}]
    spelled = _spell_tops(environment, above)
    climbs = sum(path.count("/../") for path in above) != data.count(b"/../")
    if spelled is None or climbs or any(top[1:2] == ":" for top in tops):
        return None
    return frozenset(tops | spelled)


def _glance(data: bytes) -> list[str] | None:
    """Give the rows of a RECORD each of which plainly is one."""
    lines = data.replace(b"\r\n", b"\n") if b"\r" in data else data
    if b"\\" in lines or not is_plain_record(lines):
        return None
    try:
        return lines.decode().removesuffix("\n").split("\n")
    except UnicodeDecodeError:
        return None


def _spell_tops(environment: Environment, paths: Iterable[str]) -> set[str] | None:
    """Tell how paths begin that may lead out of purelib and back; None where another's file may lie in their way."""
    tops = set()
    spelled: dict[str, str] = {}
    for path in paths:
        directory, name = split(path)
        if path[:1] == "/" or name in {"", ".", ".."}:
            return None
        if directory not in spelled:
            beside = canonical(environment, f"{directory}/_" if directory else "_")
            spelled[directory] = split(beside)[0]
        top = find_top(f"{spelled[directory]}/{name}" if spelled[directory] else name)
        above = split(top)[0]
        if above[-2:] == "..":
            return None
        tops |= {top, above} if above else {top}  # `../../../share`, which a file of another may be
    return tops


def identify(root: files.Directory, found: Found) -> tuple[int, ...]:
    """Tell a dist-info from another one of its name: RECORD is only ever replaced by rename. Raises Vanished."""
    record = files.look(root, f"{found.directory}/RECORD")
    if record is None:
        entry = files.look(root, found.directory)
        if entry is None:
            raise journal.Vanished
        return (entry.st_ino, entry.st_mtime_ns, entry.st_ctime_ns)
    return _tell(record)


def _tell(record: os.stat_result) -> tuple[int, ...]:
    return (record.st_dev, record.st_ino, record.st_size, record.st_mtime_ns, record.st_ctime_ns)


def _make_source(environment: Environment, installed: Installed) -> Source:
    rank = installed.state.overlay if installed.state is not None else 0
    if installed.rows is None:
        return Source(installed.name, rank, {}, Files(()), _find_opaque_tops(environment, installed), opaque=True)
    found = claimed_files(installed)
    return Source(installed.name, rank, index_files(environment, found), found, (), opaque=False)


def _find_opaque_tops(environment: Environment, installed: Installed) -> tuple[str, ...] | None:
    """Find what a dist-info without RECORD may own: pip in mid-install has METADATA, a killed uv has none."""
    below = environment.places[installed.scheme]
    with files.open_root(environment.schemes[installed.scheme]) as root:
        try:
            text = files.read(root, f"{installed.dist_info}/top_level.txt").decode("utf-8", "replace")
            return tuple(below + line.strip() for line in text.splitlines() if line.strip())
        except OSError as error:
            files.pass_on(error)
            status = files.look(root, f"{installed.dist_info}/METADATA")
    if status is not None and stat.S_ISREG(status.st_mode):
        return None
    spellings = {installed.spelled, installed.name.replace("-", "_"), installed.spelled.replace("-", "_")}
    return tuple(below + spelling for spelling in sorted(spellings))


def index_files(environment: Environment, found: Iterable[File]) -> Index:
    """Index files by directory and name, as keys."""
    index: Index = {}
    for file in found:
        directory, name = split(key(environment, file.path) if environment.folds_case else file.path)
        index.setdefault(directory, {})[name] = file
    return index


def claimed_files(installed: Installed) -> Files:
    """Give what a dist-info's RECORD claims outside of itself, sorted by path."""
    recorded = None if installed.state is None else installed.state.executables
    executables = None if recorded is None else frozenset(recorded)
    inside = installed.dist_info + "/"
    found = []
    for row in installed.rows or ():
        if not row.path.startswith(inside):
            executable = None if executables is None else row.path in executables
            found.append(File(row.path, row.digest, row.size, executable))  # type: ignore[arg-type]
    return Files.of(sorted(found, key=lambda file: file.path))
