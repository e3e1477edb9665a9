"""Site-packages to what is installed there: dist-infos, whoever wrote them, and legacy egg-infos. Reads only.

Sources: PEP 376 and the *Recording installed projects* specification. purelib and platlib are both read. A dist-info
that is empty or has no readable RECORD is an installed distribution whose files are not known (TRAPS 17), never none.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Collection

from lugnut.distribution import STATE_FILE, Name, Row, State, normalise_name, parse_dist_info, parse_record, parse_state
from lugnut.environment import Environment, canonical, folding, spell_top
from lugnut.system import files
from lugnut.typed import NamedTuple

SCHEMES = ("purelib", "platlib")
LEGACY = (".egg-info", ".egg-link")
ATTEMPTS = 100
"""How often a listing that others change under the reader is read again before what vanished is left out."""


class Found(NamedTuple):
    """One entry of site-packages that stands for a distribution, as its directory's name tells; nothing read yet."""

    name: Name
    spelled: str
    version: str
    scheme: str
    directory: str
    """The entry's name: a dist-info, an egg-info or an egg-link."""

    @property
    def legacy(self) -> bool:
        """Whether setuptools' old format describes it: read, but never changed by us."""
        return self.directory.endswith(LEGACY)


class Installed(NamedTuple):
    """One installed distribution as its metadata directory describes it."""

    name: Name
    spelled: str
    """The name and the version as METADATA spells them; as the directory does where there is no METADATA."""
    version: str
    scheme: str
    """purelib or platlib: where the dist-info is."""
    dist_info: str
    """The directory's name."""
    rows: tuple[Row, ...] | None
    """RECORD in its order, every path canonical; None where there is no readable RECORD."""
    installer: str
    requested: bool
    state: State | None
    """What lugnut.json remembers; None for a distribution that another installer wrote."""
    direct_url: str | None
    """The text of direct_url.json."""
    legacy: bool
    """An egg-info: read-only, its files are not known."""


class Requires(NamedTuple):
    """What a distribution asks for: specifier, requirements and extras as METADATA spells them."""

    python: str
    requires: tuple[str, ...]
    extras: tuple[str, ...]


def find_installed(environment: Environment) -> list[Found]:
    """List what stands for distributions, by name and directory, from one listing of each directory (TRAPS 18)."""
    found: list[Found] = []
    for scheme in SCHEMES:
        if scheme == "platlib" and environment.schemes["platlib"] == environment.purelib:
            continue
        try:
            with files.open_root(environment.schemes[scheme]) as root:
                names = [name for name in files.list_names(root) if name.endswith((".dist-info", *LEGACY))]
                found += [entry for name in names if (entry := _parse_entry(scheme, name)) is not None]
        except (FileNotFoundError, NotADirectoryError):
            continue
    return sorted(found)


def list_entries(environment: Environment) -> set[str]:
    """Name what stands where distributions are described, whatever it is."""
    found: set[str] = set()
    for scheme in SCHEMES:
        with contextlib.suppress(OSError), files.open_root(environment.schemes[scheme]) as root:
            found |= {*files.list_names(root)}
    return found


def read_installed(environment: Environment, names: Collection[Name] | None = None) -> dict[Name, list[Installed]]:
    """Read what is installed, sorted by name; `names` reads only those.

    A distribution that vanishes between the listing and the reading makes the listing be read again: an upgrade
    in another process hides one dist-info as it shows the next, and neither may be missed.
    """
    for _ in range(ATTEMPTS):
        found = [entry for entry in find_installed(environment) if names is None or entry.name in names]
        read = [_read_if_there(environment, entry) for entry in found]
        if None not in read:
            break
    installed: dict[Name, list[Installed]] = {}
    for distribution in read:
        if distribution is not None:
            installed.setdefault(distribution.name, []).append(distribution)
    return installed


def read_distribution(environment: Environment, scheme: str, dist_info: str) -> Installed:
    """Read one dist-info; raises FileNotFoundError where there is none of that name."""
    entry = _parse_entry(scheme, dist_info)
    if entry is None:
        raise FileNotFoundError(f"{dist_info} is not the name of a dist-info")
    return _read(environment, entry)


def read_requires(environment: Environment, installed: Installed) -> Requires:
    """Read what an installed distribution asks for; nothing where it has no readable METADATA."""
    text = _read_metadata(environment, installed.scheme, installed.dist_info)
    head = text[: text.index("\n\n") + 1] if "\n\n" in text else text
    if "\nRequires-" not in head and "\nProvides-Extra" not in head:  # importing email costs more than all the rest
        return Requires("", (), ())
    from packaging.metadata import parse_email  # TRAPS 33: never Metadata(validate=True)

    raw, _ = parse_email(head)
    return Requires(
        raw.get("requires_python", ""), tuple(raw.get("requires_dist", ())), tuple(raw.get("provides_extra", ()))
    )


def read_metadata(environment: Environment, installed: Installed) -> str:
    """Read the text of an installed distribution's METADATA or PKG-INFO; empty where it cannot be read."""
    return _read_metadata(environment, installed.scheme, installed.dist_info)


def read_entry_points(environment: Environment, installed: Installed) -> str:
    """Read the text of an installed distribution's entry_points.txt; empty where there is none."""
    path = os.path.join(environment.schemes[installed.scheme], installed.dist_info)
    try:
        with files.open_root(path) as directory:
            return read_text(directory, "entry_points.txt") or ""
    except OSError as error:
        files.pass_on(error)
        return ""


@functools.lru_cache(4096)  # a run that settles lists the same names for every stripe
def _parse_entry(scheme: str, directory: str) -> Found | None:
    parsed = parse_dist_info(directory)
    if parsed is None and directory.endswith(".dist-info"):
        parsed = (directory[: -len(".dist-info")], "")
    if parsed is None and directory.endswith(LEGACY):
        parsed = _parse_legacy(directory.rpartition(".")[0])
    if parsed is None or not parsed[0][:1].isalnum():  # pip renames to `~…` while it uninstalls
        return None
    return Found(normalise_name(parsed[0]), parsed[0], parsed[1], scheme, directory)


def _parse_legacy(stem: str) -> tuple[str, str]:
    """Split `name-version-py3.11` or `name`."""
    name, _, rest = stem.partition("-")
    return name, rest.partition("-py")[0]


def _read_if_there(environment: Environment, entry: Found) -> Installed | None:
    with contextlib.suppress(FileNotFoundError):
        return _read(environment, entry)
    return None


def _read(environment: Environment, entry: Found) -> Installed:
    with files.open_root(environment.schemes[entry.scheme]) as root:
        if entry.legacy:
            return _read_legacy(environment, root, entry)
        try:
            with files.enter(root, entry.directory) as directory:
                read = _read_dist_info(environment, entry, directory)
        except FileNotFoundError:
            raise
        except OSError as error:  # a file or a symlink of that name: installed, to who reads names, and opaque to us
            files.pass_on(error)
            return _describe(entry, entry.spelled, entry.version)
        if read.rows is None and files.look(root, entry.directory) is None:
            raise FileNotFoundError(entry.directory)  # hidden, and gone, as it was read
        return read


def _read_dist_info(environment: Environment, entry: Found, directory: files.Directory) -> Installed:
    fold = folding(environment)  # it may list `record`
    present = frozenset(map(fold, files.list_names(directory)))

    def text(name: str) -> str | None:
        return read_text(directory, name) if fold(name) in present else None

    spelled, version = _read_identity(text("METADATA") or "", entry)
    state, rows = text(STATE_FILE), _read_rows(environment, entry.scheme, text("RECORD"))
    return _describe(entry, spelled, version)._replace(
        dist_info=spell_top(environment, entry.directory, [row.path for row in rows or ()]),
        rows=rows,
        installer=(text("INSTALLER") or "").strip(),
        requested=fold("REQUESTED") in present,
        state=None if state is None else parse_state(state),
        direct_url=text("direct_url.json"),
    )


def _read_legacy(environment: Environment, root: files.Directory, entry: Found) -> Installed:
    if files.look(root, entry.directory) is None:
        raise FileNotFoundError(entry.directory)
    spelled, version = _read_identity(_read_metadata(environment, entry.scheme, entry.directory), entry)
    return _describe(entry, spelled, version)


def _describe(entry: Found, spelled: str, version: str) -> Installed:
    return Installed(
        entry.name, spelled, version, entry.scheme, entry.directory, None, "", False, None, None, entry.legacy
    )


def _read_identity(metadata: str, entry: Found) -> tuple[str, str]:
    """Give name and version as METADATA spells them; a METADATA of another name is not believed."""
    spelled, version = entry.spelled, entry.version
    end = metadata.find("\n\n")
    for line in (metadata if end < 0 else metadata[:end]).splitlines():
        if not line:
            break
        if line.startswith("Name:"):
            spelled = line[5:].strip()
        elif line.startswith("Version:"):
            version = line[8:].strip()
    if normalise_name(spelled) != entry.name:
        return entry.spelled, entry.version
    return spelled, version


def _read_rows(environment: Environment, scheme: str, record: str | None) -> tuple[Row, ...] | None:
    if record is None:
        return None
    try:
        rows = parse_record(record)
    except ValueError:
        return None
    base = environment.places[scheme]
    spell = _spell_below(environment, base) if base else _spell_here(environment)
    return tuple([row if (path := spell(row.path)) is row.path else Row(path, row.digest, row.size) for row in rows])


def _spell_here(environment: Environment) -> Callable[[str], str]:
    return lambda path: canonical(environment, _resolve_absolute(path))


def _spell_below(environment: Environment, base: str) -> Callable[[str], str]:
    """Spell rows of a RECORD that stands in platlib: they are relative to it, ours to purelib."""

    def spell(path: str) -> str:
        path = _resolve_absolute(path)
        return canonical(environment, path if os.path.isabs(path) else base + path)

    return spell


def _resolve_absolute(path: str) -> str:
    """Resolve the directories of an absolute row: it may spell the environment through a symlink."""
    if path[:1] != "/" and path[1:2] != ":":
        return path
    directory, name = os.path.split(path)
    return os.path.join(os.path.realpath(directory), name)


def _read_metadata(environment: Environment, scheme: str, directory: str) -> str:
    """Read METADATA (PKG-INFO of an egg-info), through symlinks: some installers link it, and it is only read."""
    path = os.path.join(environment.schemes[scheme], directory)
    if not directory.endswith(".egg-info"):
        path = os.path.join(path, "METADATA")
    elif os.path.isdir(path):
        path = os.path.join(path, "PKG-INFO")
    path = os.path.realpath(path)
    try:
        with files.open_root(os.path.dirname(path)) as root:
            return read_text(root, os.path.basename(path), errors="replace") or ""
    except OSError as error:
        files.pass_on(error)
        return ""


def read_text(directory: files.Directory, name: str, errors: str = "strict") -> str | None:
    """Read a file as text; None where it is none, whatever stands there (TRAPS 36). OSError where it cannot be read."""
    try:
        return files.read(directory, name).decode("utf-8", errors)
    except (UnicodeDecodeError, OSError) as error:
        if isinstance(error, OSError):
            files.pass_on(error)
    return None
