"""A worker's job: one wheel's files into place (a fresh one) or staged (a change), and its dist-info staged.

An open run only adds: where a path is taken by other bytes it keeps its own content aside and goes on. All that can
fail is meant to fail here, before the commit.
"""

from __future__ import annotations

import os

from lugnut.distribution import Digest, WheelFile
from lugnut.environment import Environment
from lugnut.errors import CannotWrite, FileInTheWay, StoreDamaged
from lugnut.events import Reporter, WheelPlaced
from lugnut.plan import FRESH, Origin, Rendered, kept_name, make_record
from lugnut.store.entries import Store, intact, open_tree, set_aside
from lugnut.system import files, locks, workers
from lugnut.transaction import content, journal
from lugnut.transaction.site import Site
from lugnut.transaction.tree import Tree, split
from lugnut.typed import NamedTuple


class Job(NamedTuple):
    """One distribution to place; it crosses to a worker process."""

    environment: Environment
    store: Store
    rendered: Rendered
    transaction: str
    adopted: frozenset[str]
    forced: frozenset[str]
    directories: frozenset[str]
    link_mode: str
    lock_timeout: float
    spawned: bool


class Placed(NamedTuple):
    """What a worker met on the way."""

    files: int
    exists: int
    settles: int


def label(job: Job) -> str:
    """Name a job in a message: its wheel."""
    return job.rendered.wanted.manifest.filename


def place(job: Job, emit: Reporter) -> Placed:
    """Do a job; raises FileInTheWay, OutsideEnvironment, StoreDamaged or CannotWrite."""
    hand = _Hand(job, emit)
    try:
        hand.work()
    except OSError as error:
        raise CannotWrite(path=hand.where or str(error.filename), reason=error.strerror or str(error)) from None
    finally:
        hand.close()
    return Placed(len(job.rendered.origins), hand.site.exists, hand.site.settles)


class _Hand:
    """The worker at one job."""

    def __init__(self, job: Job, emit: Reporter) -> None:
        self._job = job
        self._action = job.rendered.action
        self._emit = emit
        home = journal.open_home(job.environment, create=False)
        assert home is not None  # noqa: S101 - the transaction is in it
        self._home = home
        patience = locks.Patience(job.lock_timeout, cancelled=workers.stopped)
        self.site = Site(job.environment, home, patience, emit)
        self._writer = self._hold_writer() if job.spawned else None
        self._tree = Tree(job.environment, self._note_directory, job.directories)
        self._opened: files.Directory | None = None
        self._placer = content.Placer(job.transaction, job.link_mode)
        self._base = f"{journal.TRANSACTIONS}/{job.transaction}"
        self._staging: files.Directory | None = None
        self.where = ""

    def _hold_writer(self) -> locks.Held:
        """Hold a lock of this spawned writer: it inherited none, and recovery must wait for it (TRAPS 7)."""
        with files.enter_path(self._home, f"{journal.TRANSACTIONS}/{self._job.transaction}") as directory:
            held = locks.try_hold(directory, f"writer-{os.getpid()}")
        if held is None or journal.read_state(self._home, self._job.transaction) != journal.OPEN:
            raise workers.Stopped
        return held

    def _note_directory(self, relative: str) -> None:
        if relative not in self._job.directories:
            with files.enter_path(self._home, self._base) as directory:
                files.append(directory, "made", relative.encode() + b"\n")

    def close(self) -> None:
        """Give everything back."""
        for handle in (self._tree, self.site, self._opened, self._staging, self._home, self._writer):
            if handle is not None:
                handle.close()

    def work(self) -> None:
        """Place or stage every file, then stage the dist-info."""
        if self._action.kind == FRESH:
            self._place_fresh()
        else:
            self._stage_changed()
        self._stage_info()
        self._emit(WheelPlaced(self._action.name, self._action.version, len(self._job.rendered.origins)))

    # --- sources ---

    @property
    def _source(self) -> files.Directory:
        """The wheel's tree in the store; a new rank alone needs none, and the wheel may be long gone from there."""
        if self._opened is None:
            self._opened = open_tree(self._job.store, self._job.rendered.wanted.manifest.wheel)
        return self._opened

    def _find_source(self, origin: Origin) -> tuple[files.Directory, str]:
        """Give a directory and a name whose content is the file's, verified (G7)."""
        if origin.data is not None:
            return self._stage_data(origin)
        self._verify(origin)
        return self._source, origin.archive

    def _verify(self, origin: Origin) -> None:
        """See by one stat that a store file is what was verified: size, time and mode; else it is hashed or refused."""
        status = files.look(self._source, origin.archive)
        file = origin.file
        if (
            status is None
            or status.st_size != file.size
            or int(status.st_mtime) != origin.mtime
            or status.st_mode & 0o170100 != (0o100100 if file.executable else 0o100000)
        ) and not intact(self._source, origin.archive, _as_member(origin)):
            self._refuse_source(origin)

    def _refuse_source(self, origin: Origin) -> None:
        set_aside(self._job.store, self._job.rendered.wanted.manifest.wheel)
        raise StoreDamaged(wheel=label(self._job), path=origin.archive)

    def _stage(self) -> files.Directory:
        if self._staging is None:
            self._staging = files.enter_path(
                self._home, f"{self._base}/{journal.CONTENT}/{self._action.name}", create=True
            )
        return self._staging

    def _stage_data(self, origin: Origin) -> tuple[files.Directory, str]:
        name = kept_name(origin.file.path, origin.file)
        if files.look(self._stage(), name) is None:
            mode = 0o755 if origin.file.executable else 0o644
            files.write(self._stage(), name, origin.data or b"", mode=mode, mtime=origin.mtime)
        return self._stage(), name

    # --- fresh: straight into place ---

    def _place_fresh(self) -> None:
        grouped: dict[str, list[Origin]] = {}
        for origin in self._job.rendered.origins:
            grouped.setdefault(split(origin.file.path)[0], []).append(origin)
        for directory, origins in grouped.items():
            workers.stopped()
            met = self._link_all(directory, origins)
            if met:
                self.site.exists += len(met)
                self._meet(directory, met)

    def _link_all(self, directory: str, origins: list[Origin]) -> list[Origin]:
        """Link files of one directory without a lock; give those whose place is taken."""
        met = []
        opened = self._enter(directory)
        cut = len(directory) + 1 if directory else 0
        for origin in origins:
            self.where = origin.file.path
            source_dir, source = self._find_source(origin)
            try:
                self._placer.create(source_dir, source, opened, origin.file.path[cut:])
            except FileExistsError:
                met.append(origin)
            except FileNotFoundError:  # TRAPS 20: which of the two is gone? Under the stripe it is made again
                if files.look(source_dir, source) is None:
                    self._refuse_source(origin)
                met.append(origin)
        return met

    def _enter(self, directory: str) -> files.Directory:
        return self._tree.make(directory, self._action.name)

    def _meet(self, directory: str, met: list[Origin]) -> None:
        """Deal with places that are taken, under the stripe: whoever took them has published his claim by now."""
        names = [split(origin.file.path)[1] for origin in met]
        for name in names:
            self.site.reader.show(self._enter(directory), name)  # hash outside the stripe
        held = self.site.hold_stripe(directory)
        try:
            while True:
                try:
                    self._meet_once(directory, met, names)
                except (journal.Vanished, FileExistsError, FileNotFoundError):
                    continue
                return
        finally:
            held.close()

    def _meet_once(self, directory: str, met: list[Origin], names: list[str]) -> None:
        self._tree.close()
        opened = self._enter(directory)
        shown = {name: self.site.reader.show(opened, name) for name in names}  # M2
        claims = self.site.ledger.read(directory, names)
        revoked = self.site.ledger.read_revoked(directory, names)
        for origin, name in zip(met, names, strict=True):
            self.where = origin.file.path
            here = shown[name]
            others = [claim for claim in claims[name] if claim.name != self._action.name]
            going = here is not None and any(content.matches(here, file) for file in revoked[name])
            if here is not None and content.matches(here, origin.file):
                self._note_adopted(origin.file.path, claimed=going or any(claim.named for claim in others))
            else:
                self._answer(origin, opened, here, claimed=going or bool(others))

    def _answer(self, origin: Origin, opened: files.Directory, shown: content.Shown | None, *, claimed: bool) -> None:
        """Deal with a place; `claimed`: what stands there is, or was until a moment ago, another distribution's."""
        path = origin.file.path
        if shown is None:
            source_dir, source = self._find_source(origin)
            self._placer.create(source_dir, source, opened, split(path)[1], guarded=True)
        elif shown.directory or not (claimed or path in self._job.forced):
            what = "a directory" if shown.directory else "a file that no installed distribution names"
            raise in_the_way(path, self._action.name, what, forcible=not shown.directory)
        elif not files.movable(opened, split(path)[1]):  # what may have to be replaced after the commit is asked now
            raise in_the_way(path, self._action.name, "a file that may not be replaced or removed", forcible=False)
        else:
            self._keep_aside(origin)

    def _note_adopted(self, path: str, *, claimed: bool) -> None:
        """Note what stood there before, equal: unclaimed, or claimed by an open run that found it there as well."""
        if path in self._job.adopted or (claimed and path not in self.site.ledger.read_adopted()):
            return
        with files.enter_path(self._home, self._base) as directory:
            files.append(directory, "adopted", path.encode() + b"\n")

    def _keep_aside(self, origin: Origin) -> None:
        """Keep our own content: made whole in the transaction, so that a kill leaves no part of it among the kept."""
        name = kept_name(origin.file.path, origin.file)
        if origin.data is not None or files.look(self._stage(), name) is None:
            source_dir, source = self._find_source(origin)
            if origin.data is None:
                self._placer.create(source_dir, source, self._stage(), name, guarded=True)
        with files.enter_path(self._home, f"kept/{self._action.name}", create=True) as kept:
            files.rename(self._stage(), name, kept, name)

    # --- change: staged ---

    def _stage_changed(self) -> None:
        changed = set(self._action.changed)
        for origin in self._job.rendered.origins:
            if origin.file.path in changed:
                workers.stopped()
                self.where = origin.file.path
                source_dir, source = self._find_source(origin)
                if origin.data is None:
                    name = kept_name(origin.file.path, origin.file)
                    self._placer.create(source_dir, source, self._stage(), name, guarded=True)

    def _stage_info(self) -> None:
        place = f"{self._base}/staged/{self._action.dist_info}"
        grouped: dict[str, list[Origin]] = {}
        for origin in (*self._job.rendered.info, make_record(self._job.environment, self._job.rendered)):
            grouped.setdefault(split(origin.file.path)[0], []).append(origin)
        for directory, origins in grouped.items():
            with files.enter_path(self._home, f"{place}/{directory}".rstrip("/"), create=True) as staged:
                for origin in origins:
                    self.where = f"{self._action.dist_info}/{origin.file.path}"
                    self._stage_one(origin, staged)

    def _stage_one(self, origin: Origin, staged: files.Directory) -> None:
        name = split(origin.file.path)[1]
        if origin.data is not None:
            files.write(staged, name, origin.data, mtime=origin.mtime)
            return
        source_dir, source = self._find_source(origin)
        self._placer.create(source_dir, source, staged, name, guarded=True)


def _as_member(origin: Origin) -> WheelFile:
    file = origin.file
    digest = file.digest or Digest("")
    return WheelFile(
        "", file.path, origin.archive, digest, file.size or 0, bool(file.executable), origin.mtime, rewritten=False
    )


def in_the_way(path: str, name: str, what: str, *, forcible: bool) -> FileInTheWay:
    """Word an obstacle that nobody claims."""
    hint = "move it away, or use --force to set it aside in .lugnut/altered" if forcible else "move it away"
    return FileInTheWay(path=path, name=name, what=what, hint=hint)
