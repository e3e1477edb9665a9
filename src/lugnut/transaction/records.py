"""What dist-infos claim, each RECORD read once as long as it is the same file, and taken apart only if it has to be.

Most that a run asks is of a few top-level names, and most distributions have nothing there: of their RECORD no more is
read than how its paths begin. One that spells paths in a way that hides this (quoted, from above, through an alias, or
where the file system folds names) is taken apart at once.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable

from lugnut.columns import File, Files
from lugnut.distribution import Name
from lugnut.environment import Environment, canonical
from lugnut.installed import Found, Installed, read_distribution
from lugnut.system import files
from lugnut.transaction import journal
from lugnut.transaction.tree import split
from lugnut.typed import NamedTuple

Index = dict[str, dict[str, File]]
"""Files by directory and name."""
_LARGEST = 1 << 30


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
    """Give the beginning of a path that a file and whatever may be in its way have in common.

    The first component; of what lies outside of purelib the first two: `../../../bin/x`, `../../../share/jupyter`.
    """
    if path[:2] != "..":
        return path.partition("/")[0]
    inside = path.lstrip("./")
    return path[: len(path) - len(inside)] + "/".join(inside.split("/", 2)[:2])


def list_tops(claimed: Files) -> frozenset[str]:
    """Give the tops of all these files."""
    tops = {folder for folder in claimed.folders if "/" not in folder}
    tops.update(find_top(path) for path in claimed.paths if path[:2] == ".." or "/" not in path)
    return frozenset(tops)


class Record:
    """One dist-info as it stood at one moment; `identity` tells whether it still does."""

    def __init__(self, environment: Environment, found: Found, root: files.Directory) -> None:
        self._environment = environment
        self._found = found
        self._source: Source | None = None
        self._tops: frozenset[str] | None = None
        self.identity = identify(root, found)
        try:
            data = files.read(root, f"{found.directory}/RECORD", _LARGEST)
        except OSError:  # none, or no file: nobody knows what it owns
            return
        if identify(root, found) != self.identity:
            raise journal.Vanished
        self._tops = _read_tops(environment, found, data)

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
    if environment.folds_case or environment.places[found.scheme] or b'"' in data or b"\\" in data:
        return None
    try:
        rows = data.decode().split("\n")
    except UnicodeDecodeError:
        return None
    above = [row for row in rows if row[:1] in {".", "/"}]
    if sum(row.count("/../") for row in above) != data.count(b"/../"):
        return None
    paths = [row.rpartition(",")[0].rpartition(",")[0] for row in above]
    if any(path[:1] == "/" or "/" not in path.lstrip("./") for path in paths):
        return None
    tops = {row.partition("/")[0].partition(",")[0] for row in rows if row[:1] not in {".", "/"}}
    spelled = {directory: canonical(environment, directory) for directory in {split(path)[0] for path in paths}}
    return frozenset(tops.union(find_top("/".join((spelled[split(path)[0]], split(path)[1]))) for path in paths))


def identify(root: files.Directory, found: Found) -> tuple[int, ...]:
    """Tell a dist-info from another one of its name: RECORD is only ever replaced by rename. Raises Vanished."""
    record = files.look(root, f"{found.directory}/RECORD")
    if record is None:
        entry = files.look(root, found.directory)
        if entry is None:
            raise journal.Vanished
        return (entry.st_ino, entry.st_mtime_ns, entry.st_ctime_ns)
    return (record.st_dev, record.st_ino, record.st_size, record.st_mtime_ns, record.st_ctime_ns)


def _make_source(environment: Environment, installed: Installed) -> Source:
    rank = installed.state.overlay if installed.state is not None else 0
    if installed.rows is None:
        return Source(installed.name, rank, {}, Files(()), _find_opaque_tops(environment, installed), opaque=True)
    found = claimed_files(installed)
    return Source(installed.name, rank, index_files(found), found, (), opaque=False)


def _find_opaque_tops(environment: Environment, installed: Installed) -> tuple[str, ...] | None:
    """Find what a dist-info without RECORD may own: pip in mid-install has METADATA, a killed uv has none."""
    below = environment.places[installed.scheme]
    with files.open_root(environment.schemes[installed.scheme]) as root:
        try:
            text = files.read(root, f"{installed.dist_info}/top_level.txt").decode("utf-8", "replace")
            return tuple(below + line.strip() for line in text.splitlines() if line.strip())
        except OSError:
            status = files.look(root, f"{installed.dist_info}/METADATA")
    if status is not None and stat.S_ISREG(status.st_mode):
        return None
    spellings = {installed.spelled, installed.name.replace("-", "_"), installed.spelled.replace("-", "_")}
    return tuple(below + spelling for spelling in sorted(spellings))


def index_files(found: Iterable[File]) -> Index:
    """Index files by directory and name."""
    index: Index = {}
    for file in found:
        directory, name = split(file.path)
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
