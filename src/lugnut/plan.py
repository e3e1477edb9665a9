"""Wanted and installed to a plan. Pure: no disk, no clock, no order of arguments.

A plan is what a transaction publishes: for each distribution the files it will have (its claims) and the files it
had.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from lugnut.distribution import Digest, Manifest, Name, RelativePath, Row, State, WheelHash, format_record, format_state
from lugnut.environment import Environment, place, spell_row
from lugnut.errors import BadWheel
from lugnut.typed import Any, NamedTuple

FRESH = "fresh"
CHANGE = "change"
REMOVE = "remove"


class File(NamedTuple):
    """One file a distribution claims: a place and a content (bytes and execute bit)."""

    path: RelativePath
    digest: Digest | None
    """None: a row without a sha256; the claim is opaque."""
    size: int | None
    executable: bool | None
    """None where nobody recorded it."""


class Old(NamedTuple):
    """One dist-info that a run hides, with what its RECORD named outside of it."""

    scheme: str
    dist_info: str
    version: str
    files: tuple[File, ...]
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
    files: tuple[File, ...]
    """The claims: every file outside the dist-info, sorted by path; empty for a removal."""
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
    origins: tuple[Origin, ...]
    """Files outside the dist-info, sorted by path."""
    info: tuple[Origin, ...]
    """Files of the dist-info but RECORD (`make_record`), sorted by path; their paths are relative to the dist-info."""


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
    origins: dict[str, Origin] = {}
    info: list[Origin] = []
    prefix = manifest.dist_info + "/"
    for member in manifest.files:
        if member.scheme == manifest.root_scheme and member.path.startswith(prefix):
            file = File(RelativePath(member.path[len(prefix) :]), member.digest, member.size, member.executable)
            info.append(Origin(file, member.archive, member.mtime, None))
            continue
        path = place(environment, member.scheme, member.path, manifest.spelled)
        _check_place(manifest, path, origins)
        if member.rewritten:
            origins[path] = make_origin(path, scripts[member.archive], executable=True)
        else:
            origins[path] = Origin(
                File(path, member.digest, member.size, member.executable), member.archive, member.mtime, None
            )
    for path, data in launchers:
        origins[path] = make_origin(path, data, executable=True)
    ordered = tuple(origins[path] for path in sorted(origins))
    action = Action(
        FRESH, manifest.name, manifest.version, rank, manifest.root_scheme, manifest.dist_info,
        tuple(origin.file for origin in ordered), (), (), reranked=False,
    )  # fmt: skip
    return Rendered(wanted, action, ordered, _render_info(wanted, action, info))


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


def _render_info(wanted: Wanted, action: Action, members: list[Origin]) -> tuple[Origin, ...]:
    executables = tuple(file.path for file in action.files if file.executable)
    made = {
        "INSTALLER": b"lugnut\n",
        "lugnut.json": format_state(State(wanted.manifest.wheel, action.rank, executables)).encode(),
    }
    if wanted.requested:
        made["REQUESTED"] = b""
    if wanted.direct_url is not None:
        made["direct_url.json"] = wanted.direct_url.encode()
    kept = [origin for origin in members if origin.file.path not in made]
    return tuple(
        sorted([*kept, *(make_origin(name, data) for name, data in made.items())], key=lambda origin: origin.file.path)
    )


def make_record(environment: Environment, rendered: Rendered) -> Origin:
    """Write RECORD: a line for every file, its own the last."""
    action = rendered.action
    below = f"{action.dist_info}/"
    rows = [Row(spell_row(environment, action.scheme, file.path), file.digest, file.size) for file in action.files]
    rows += [Row(below + origin.file.path, origin.file.digest, origin.file.size) for origin in rendered.info]
    rows.append(Row(below + "RECORD", None, None))
    return make_origin("RECORD", format_record(rows).encode())


def replace_installed(rendered: Rendered, olds: tuple[Old, ...], *, old_rank: int) -> Rendered:
    """Turn a fresh installation into a change of what is installed; which paths are `changed` is found by looking."""
    action = rendered.action._replace(kind=CHANGE, olds=olds, reranked=old_rank != rendered.action.rank)
    return rendered._replace(action=action)


def make_removal(name: Name, olds: tuple[Old, ...], rank: int) -> Action:
    """Plan the removal of one distribution, all its dist-infos."""
    return Action(REMOVE, name, olds[0].version, rank, olds[0].scheme, "", (), olds, (), reranked=False)


# --- as text: the plan on disk ----------------------------------------------------------------------------------------

PLAN_FORMAT = 1


def format_plan(plan: Plan) -> bytes:
    """Write a plan: a line `lugnut plan 1 <sha256>`, then marshal (version 4: the same for every CPython)."""
    import marshal

    body = marshal.dumps(_plain(plan), 4)
    return f"lugnut plan {PLAN_FORMAT} {hashlib.sha256(body).hexdigest()}\n".encode() + body


def parse_plan(data: bytes) -> Plan:
    """Read a plan; raises ValueError where it is torn or not one this lugnut knows."""
    import marshal

    head, _, body = data.partition(b"\n")
    words = head.decode("ascii", "replace").split()
    if words[:2] != ["lugnut", "plan"] or len(words) != 4:  # noqa: PLR2004 - the four words of the head
        raise ValueError("it is not a plan")
    if words[2] != str(PLAN_FORMAT):
        raise ValueError(f"it has format {words[2]}, this lugnut reads {PLAN_FORMAT}")
    if words[3] != hashlib.sha256(body).hexdigest():
        raise ValueError("its checksum is wrong")
    actions, directories, adopted, forced = marshal.loads(body)  # noqa: S302 - behind its checksum
    return Plan(tuple(_read_action(action) for action in actions), directories, adopted, forced)


def _plain(plan: Plan) -> tuple[Any, ...]:
    """Give a plan as plain tuples: marshal takes no subclasses of them."""
    actions = tuple(
        tuple(action._replace(files=tuple(map(tuple, action.files)), olds=tuple(map(_plain_old, action.olds))))  # type: ignore[arg-type]
        for action in plan.actions
    )
    return (actions, *(tuple(part) for part in plan[1:]))


def _plain_old(old: Old) -> tuple[Any, ...]:
    return tuple(old._replace(files=tuple(map(tuple, old.files))))  # type: ignore[arg-type]


def _read_action(values: tuple[Any, ...]) -> Action:
    action = Action(*values)
    olds = tuple(_read_old(old) for old in action.olds)
    return action._replace(files=tuple(File(*file) for file in action.files), olds=olds)


def _read_old(values: tuple[Any, ...]) -> Old:
    old = Old(*values)
    return old._replace(files=tuple(File(*file) for file in old.files))


def kept_name(path: str, file: File) -> str:
    """Name a set-aside content: a function of the claim alone, so that every claim finds its own (40 hex digits)."""
    text = f"{path}\n{file.digest}\n{int(bool(file.executable))}"
    return hashlib.sha256(text.encode()).hexdigest()[:40]


def wheel_of(rendered: Rendered) -> WheelHash:
    """Give the hash of the wheel a rendered distribution comes from."""
    return rendered.wanted.manifest.wheel
