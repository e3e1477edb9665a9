"""Wanted and installed to a plan. Pure: no disk, no clock, no order of arguments.

A plan is what a transaction publishes: for each distribution the files it will have (its claims) and the files it
had.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

from lugnut.columns import File, Files, list_folders
from lugnut.distribution import (
    Digest,
    Name,
    RelativePath,
    Row,
    State,
    WheelFile,
    format_record,
    format_state,
    insert_rows,
)
from lugnut.environment import Environment, place, spell_row
from lugnut.errors import BadWheel
from lugnut.manifest import NO_LIBRARY, Library, Manifest
from lugnut.typed import NamedTuple

FRESH = "fresh"
CHANGE = "change"
REMOVE = "remove"


class Old(NamedTuple):
    """One dist-info that a run hides, with what its RECORD named outside of it."""

    scheme: str
    dist_info: str
    version: str
    files: Sequence[File]
    inside: tuple[str, ...]
    """Names of the files of the dist-info itself, relative to it."""


class Action(NamedTuple):
    """What a run does to one distribution; everything recovery needs is in it."""

    kind: str
    name: Name
    version: str
    rank: int
    scheme: str
    dist_info: str
    files: Files
    """The claims: every file outside the dist-info; empty for a removal."""
    olds: tuple[Old, ...]
    changed: tuple[RelativePath, ...]
    """Of a change: the paths whose new content is staged and settled."""
    reranked: bool
    """The precedence changed too: every path is settled."""


class Plan(NamedTuple):
    """All that a transaction publishes before it touches anything."""

    actions: tuple[Action, ...]
    directories: tuple[str, ...]
    """Directories that did not stand before, or were not empty; an abort removes them when they are empty."""
    adopted: tuple[str, ...]
    """Files found equal and unclaimed: never withdrawn."""
    forced: tuple[str, ...]
    """Unclaimed files with other bytes that the user allowed to be set aside."""

    def names(self) -> tuple[Name, ...]:
        """Give the names the plan acts on, sorted: the locks it needs."""
        return tuple(sorted(action.name for action in self.actions))


class Origin(NamedTuple):
    """Where the bytes of a new file come from: a member of the wheel in the store, or made for this environment."""

    file: File
    archive: str
    mtime: int
    data: bytes | None


class Wanted(NamedTuple):
    """One distribution as it shall be after the run."""

    manifest: Manifest
    requested: bool
    direct_url: str | None
    overlay: int | None
    """None keeps the rank it has."""


class Rendered(NamedTuple):
    """A wheel as it will stand in one environment."""

    wanted: Wanted
    action: Action
    library: Library
    """Files outside the dist-info that have one path in the wheel, in the store and in the environment."""
    made: tuple[Origin, ...]
    """All other files outside the dist-info, sorted by path."""
    info: tuple[Origin, ...] | None
    """Files of the dist-info but RECORD, their paths relative to it; None: those of the wheel (`render_info`)."""

    @property
    def origins(self) -> Iterator[Origin]:
        """Every file outside the dist-info."""
        for file, mtime in zip(self.library.files, self.library.mtimes, strict=True):
            yield Origin(file, file.path, mtime, None)
        yield from self.made


def digest_of(data: bytes) -> Digest:
    """Give the digest of bytes as RECORD spells it."""
    import base64

    return Digest(base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode())


def make_origin(path: str, data: bytes, *, executable: bool = False) -> Origin:
    """Make a file out of bytes made for this environment; its mtime follows its content as a store file's does."""
    raw = hashlib.sha256(data).digest()
    mtime = 315_619_200 + int.from_bytes(raw[-4:], "big") % (1 << 30)
    return Origin(File(RelativePath(path), digest_of(data), len(data), executable), "", mtime, data)


def render(
    environment: Environment,
    wanted: Wanted,
    launchers: Iterable[tuple[RelativePath, bytes]],
    scripts: Mapping[str, bytes],
    rank: int,
) -> Rendered:
    """Lay a wheel out in an environment.

    `launchers` are the entry points' files, `scripts` the rewritten members by their place in the wheel.
    """
    manifest = wanted.manifest
    library = manifest.library if _stays(environment, manifest) else NO_LIBRARY
    origins: dict[str, Origin] = {}
    places: dict[tuple[str, str], str] = {}
    for member in manifest.others if library is manifest.library else manifest.files:
        if not _is_info(manifest, member):
            origin = _make_member(_find_place(environment, manifest, member, places), member, scripts)
            _check_place(manifest, origin.file.path, origins)
            origins[origin.file.path] = origin
    for path, data in launchers:
        origins[path] = make_origin(path, data, executable=True)
    if origins and not origins.keys().isdisjoint(library.files.paths):  # some take others' places: seen one by one
        moved = manifest._replace(library=NO_LIBRARY, others=manifest.files, record="")
        return render(environment, wanted._replace(manifest=moved), launchers, scripts, rank)
    made = tuple(origins[path] for path in sorted(origins))
    parts = [library.files, Files.of(origin.file for origin in made)] if made else [library.files]
    files = Files.join(parts, {*library.folders, *list_folders(origins)})
    action = Action(
        FRESH, manifest.name, manifest.version, rank, manifest.root_scheme, manifest.dist_info, files, (), (),
        reranked=False,
    )  # fmt: skip
    return Rendered(wanted, action, library, made, None)


def _stays(environment: Environment, manifest: Manifest) -> bool:
    """Say whether a wheel's library is to stand where RECORD paths begin, none of its paths spelled otherwise there."""
    return not environment.places[manifest.root_scheme] and all(alias[:2] == ".." for alias, _ in environment.aliases)


def _is_info(manifest: Manifest, member: WheelFile) -> bool:
    return member.scheme == manifest.root_scheme and member.path.startswith(manifest.dist_info + "/")


def _find_place(
    environment: Environment, manifest: Manifest, member: WheelFile, places: dict[tuple[str, str], str]
) -> RelativePath:
    """Spell where a member goes; `places` remembers what stands before the names of one directory's files."""
    above, slash, name = member.path.rpartition("/")
    known = places.get((member.scheme, above))
    if known is not None:
        return RelativePath(known + name)
    path = place(environment, member.scheme, member.path, manifest.spelled)
    if slash:
        places[member.scheme, above] = path[: -len(name)]
    return path


def _make_member(path: RelativePath, member: WheelFile, scripts: Mapping[str, bytes]) -> Origin:
    if member.rewritten:
        return make_origin(path, scripts[member.archive], executable=True)
    return Origin(File(path, member.digest, member.size, member.executable), member.archive, member.mtime, None)


def _check_place(manifest: Manifest, path: str, taken: Mapping[str, Origin]) -> None:
    """Refuse what only shows itself in one environment: two members at one place, or a place no wheel may fill."""
    top = path.partition("/")[0]
    if path in taken:
        problem = f"two of its members come to stand at {path} in this environment"
    elif top == ".lugnut" or (top.endswith(".dist-info") and "/" in path):
        problem = f"one of its members would come to stand at {path}"
    else:
        return
    raise BadWheel(wheel=manifest.filename, summary=problem, problems=[problem])


def render_info(rendered: Rendered) -> tuple[Origin, ...]:
    """Give the files of the dist-info but RECORD, sorted by path; their paths are relative to the dist-info."""
    if rendered.info is not None:
        return rendered.info
    wanted, action = rendered.wanted, rendered.action
    executables = [*rendered.library.executables, *(one.file.path for one in rendered.made if one.file.executable)]
    made = {
        "INSTALLER": b"lugnut\n",
        "lugnut.json": format_state(State(wanted.manifest.wheel, action.rank, tuple(sorted(executables)))).encode(),
    }
    if wanted.requested:
        made["REQUESTED"] = b""
    if wanted.direct_url is not None:
        made["direct_url.json"] = wanted.direct_url.encode()
    cut = len(wanted.manifest.dist_info) + 1
    kept = [
        Origin(
            File(RelativePath(member.path[cut:]), member.digest, member.size, member.executable),
            member.archive, member.mtime, None,
        )
        for member in wanted.manifest.others
        if _is_info(wanted.manifest, member) and member.path[cut:] not in made
    ]  # fmt: skip
    return tuple(
        sorted([*kept, *(make_origin(name, data) for name, data in made.items())], key=lambda origin: origin.file.path)
    )


def make_record(environment: Environment, rendered: Rendered, info: Iterable[Origin]) -> Origin:
    """Write RECORD: a line for every file, its own the last; `info` are the other files of the dist-info."""
    action = rendered.action
    below = f"{action.dist_info}/"
    rows = [Row(below + origin.file.path, origin.file.digest, origin.file.size) for origin in info]
    rows.append(Row(below + "RECORD", None, None))
    prepared = rendered.info is None and rendered.library is rendered.wanted.manifest.library
    claims = (origin.file for origin in rendered.made) if prepared else action.files
    rows += [Row(spell_row(environment, action.scheme, file.path), file.digest, file.size) for file in claims]
    text = insert_rows(rendered.wanted.manifest.record, rows) if prepared else format_record(rows)
    return make_origin("RECORD", text.encode())


def replace_installed(rendered: Rendered, olds: tuple[Old, ...], *, old_rank: int) -> Rendered:
    """Turn a fresh installation into a change of what is installed; which paths are `changed` is found by looking."""
    action = rendered.action._replace(kind=CHANGE, olds=olds, reranked=old_rank != rendered.action.rank)
    return rendered._replace(action=action)


def make_removal(name: Name, olds: tuple[Old, ...], rank: int) -> Action:
    """Plan the removal of one distribution, all its dist-infos."""
    return Action(REMOVE, name, olds[0].version, rank, olds[0].scheme, "", Files(()), olds, (), reranked=False)


def kept_name(path: str, file: File) -> str:
    """Name a set-aside content: a function of the claim alone, so that every claim finds its own (40 hex digits)."""
    text = f"{path}\n{file.digest}\n{int(bool(file.executable))}"
    return hashlib.sha256(text.encode()).hexdigest()[:40]
