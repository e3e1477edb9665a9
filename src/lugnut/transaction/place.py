"""A worker's job: one wheel's files into place (a fresh one) or staged (a change), and its dist-info staged.

An open run only adds: where a path is taken by other bytes it keeps its own content aside and goes on. All that can
fail is meant to fail here, before the commit.
"""

from __future__ import annotations

import contextlib
import stat

from lugnut.errors import CannotWrite, FileInTheWay, LugnutError
from lugnut.events import Reporter
from lugnut.plan import FRESH, Origin, Rendered, kept_name, make_record, render_info
from lugnut.system import files, workers
from lugnut.transaction import content, journal
from lugnut.transaction.bench import Bench, Terms
from lugnut.transaction.stock import TELLING, Stock
from lugnut.transaction.tree import split
from lugnut.typed import NamedTuple

_SIZE, _MTIME = stat.ST_SIZE, stat.ST_MTIME
"""Places in what `look` gives: the whole seconds of a time are had in no other way without a float."""


class Placed(NamedTuple):
    """What a worker met on the way."""

    files: int
    exists: int
    settles: int


def label(rendered: Rendered) -> str:
    """Name a job in a message: its wheel."""
    return rendered.wanted.manifest.filename


class Placing(files.Closing):
    """What workers do with each distribution of one transaction, one at a time.

    A worker opens what all of its jobs need at the first one, after it was forked or spawned, and keeps it to its end.
    """

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._bench: Bench | None = None

    def __call__(self, rendered: Rendered, emit: Reporter) -> Placed:
        """Do a job; raises FileInTheWay, OutsideEnvironment, StoreDamaged or CannotWrite."""
        if self._bench is None:
            self._bench = Bench(self._terms, emit)
        bench = self._bench
        before = bench.site.exists, bench.site.settles
        with Stock(bench.store, bench.lend_stage, rendered) as stock:
            hand = _Hand(bench, rendered, stock)
            try:
                hand.work()
            except (OSError, LugnutError, journal.Vanished) as error:
                raise hand.explain(error) from None
        exists, settles = bench.site.exists - before[0], bench.site.settles - before[1]
        return Placed(len(rendered.action.files), exists, settles)

    def close(self) -> None:
        """Give back what was opened in this process."""
        if self._bench is not None:
            self._bench.close()
            self._bench = None

    def __reduce__(self) -> tuple[type[Placing], tuple[Terms]]:
        return Placing, (self._terms,)


class _Hand:
    """The worker at one job."""

    def __init__(self, bench: Bench, rendered: Rendered, stock: Stock) -> None:
        self._bench = bench
        self._rendered = rendered
        self._action = rendered.action
        self._stock = stock
        self.site = bench.site
        self.where = ""

    def work(self) -> None:
        """Place or stage every file, then stage the dist-info."""
        if self._action.kind == FRESH:
            self._place_fresh()
        else:
            self._stage_changed()
        self._stage_info()

    def explain(self, error: Exception) -> Exception:
        """Give the error to raise: where this run was taken for dead meanwhile, that is what lies behind any."""
        with contextlib.suppress(OSError):
            if not self._bench.is_open():
                return journal.Vanished()
        if isinstance(error, OSError):
            return CannotWrite(path=self.where or str(error.filename), reason=error.strerror or str(error))
        return error

    # --- fresh: straight into place ---

    def _place_fresh(self) -> None:
        grouped: dict[str, list[Origin]] = {}
        for origin in self._rendered.made:
            grouped.setdefault(split(origin.file.path)[0], []).append(origin)
        for directory, origins in grouped.items():
            workers.stopped()
            self._deal(directory, self._link_made(directory, origins))
        start = 0
        for directory, count in self._rendered.library.spans:
            workers.stopped()
            met = self._link_library(directory, start, start + count)
            if met:
                self._deal(directory, [self._stock.origin(number) for number in met])
            start += count

    def _deal(self, directory: str, met: list[Origin]) -> None:
        if met:
            self.site.exists += len(met)
            self._meet(directory, met)

    def _link_library(self, directory: str, start: int, end: int) -> list[int]:
        """Link the wheel's own files of one directory without a lock; give those whose place is taken.

        This is where an install spends its time: a look and a link each, and as little as can be around them.
        """
        met = []
        opened = self._enter(directory)
        tree, create, cut = self._stock.tree, self._bench.placer.create, len(directory) + bool(directory)
        for number, (path, size, mtime, mode) in enumerate(self._stock.library[start:end], start):
            self.where = path
            status = files.look(tree, path)
            if status is None or status[_SIZE] != size or status[_MTIME] != mtime or status.st_mode & TELLING != mode:
                self._stock.hash_library(number)
            try:
                create(tree, path, opened, path[cut:])
            except FileExistsError:
                met.append(number)
            except FileNotFoundError:  # TRAPS 20: which of the two is gone? Under the stripe it is made again
                if files.look(tree, path) is None:
                    self._stock.refuse(path)
                met.append(number)
        return met

    def _link_made(self, directory: str, origins: list[Origin]) -> list[Origin]:
        """Link files that are made for this environment, or come from elsewhere in the wheel; as `_link_library`."""
        met = []
        opened = self._enter(directory)
        for origin in origins:
            self.where = origin.file.path
            try:
                self._create(origin, opened, split(origin.file.path)[1])
            except FileExistsError:
                met.append(origin)
            except FileNotFoundError:
                if origin.data is None and files.look(self._stock.tree, origin.archive) is None:
                    self._stock.refuse(origin.archive)
                met.append(origin)
        return met

    def _create(self, origin: Origin, opened: files.Directory, name: str) -> None:
        if origin.data is None:
            self._bench.placer.create(*self._stock.find(origin), opened, name)
        else:
            mode = 0o755 if origin.file.executable else 0o644
            self._bench.placer.write(opened, name, origin.data, mode=mode, mtime=origin.mtime)

    def _enter(self, directory: str) -> files.Directory:
        return self._bench.tree.make(directory, self._action.name)

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
                    self._bench.see_open()
                    continue
                return
        finally:
            held.close()

    def _meet_once(self, directory: str, met: list[Origin], names: list[str]) -> None:
        self._bench.tree.close()
        opened = self._enter(directory)
        shown = {name: self.site.reader.show(opened, name) for name in names}  # M2
        claims = self.site.ledger.read(directory, names)
        revoked = self.site.ledger.read_revoked(directory, names)
        listed = files.list_names(opened) if self.site.environment.folds_case else names
        self.site.refresh_kept([self._action.name])
        adopted = self.site.ledger.read_adopted()  # of this directory nobody notes any more while the stripe is held
        for origin, name in zip(met, names, strict=True):
            self.where = origin.file.path
            here = shown[name]
            others = [claim for claim in claims[name] if claim.name != self._action.name]
            going = here is not None and any(content.matches(here, file) for file in revoked[name])
            users = here is not None and adopted.has(origin.file.path, here.digest)
            if here is not None and content.matches(here, origin.file):
                named = [claim for claim in others if claim.named]
                brought = any(claim.committed or content.matches(here, claim.file) for claim in named)
                others_own = going or brought or self._is_left(origin)
                if users or not others_own:
                    self._note_adopted(origin.file.path)
                if name not in listed:  # spelled otherwise: settled, and so respelled, after the commit
                    self._keep_aside(origin)
            else:
                owned = any(claim.committed for claim in others) if users else bool(others)
                self._answer(origin, opened, here, claimed=going or owned)

    def _answer(self, origin: Origin, opened: files.Directory, shown: content.Shown | None, *, claimed: bool) -> None:
        """Deal with a place; `claimed`: what stands there is, or was until a moment ago, another distribution's."""
        path = origin.file.path
        if shown is None:
            source_dir, source = self._stock.find(origin)
            self._bench.placer.create(source_dir, source, opened, split(path)[1], guarded=True)
        elif shown.directory or not (claimed or path in self._bench.terms.forced):
            what = "a directory" if shown.directory else "a file that no installed distribution names"
            raise in_the_way(path, self._action.name, what, forcible=not shown.directory)
        elif not files.movable(opened, split(path)[1]):  # what may have to be replaced after the commit is asked now
            raise in_the_way(path, self._action.name, "a file that may not be replaced or removed", forcible=False)
        else:
            self._keep_aside(origin)

    def _is_left(self, origin: Origin) -> bool:
        """Say whether what stands there was another's, who kept it for this run when it went."""
        kept = f"kept/{self._action.name}/{kept_name(origin.file.path, origin.file)}"
        return files.look(self._bench.home, kept) is not None

    def _note_adopted(self, path: str) -> None:
        """Note what stood there before, equal: unclaimed, or claimed by an open run that found it there as well."""
        if path not in self._bench.terms.adopted:
            self._bench.note("adopted", path)

    def _keep_aside(self, origin: Origin) -> None:
        """Keep our own content: made whole in the transaction, so that a kill leaves no part of it among the kept."""
        name = kept_name(origin.file.path, origin.file)
        if origin.data is not None or files.look(self._stock.stage, name) is None:
            source_dir, source = self._stock.find(origin)
            if origin.data is None:
                self._bench.placer.create(source_dir, source, self._stock.stage, name, guarded=True)
        with files.enter_path(self._bench.home, f"kept/{self._action.name}", create=True) as kept:
            files.rename(self._stock.stage, name, kept, name)

    # --- change: staged ---

    def _stage_changed(self) -> None:
        changed = set(self._action.changed)
        for origin in self._rendered.origins:
            if origin.file.path in changed:
                workers.stopped()
                self.where = origin.file.path
                source_dir, source = self._stock.find(origin)
                if origin.data is None:
                    name = kept_name(origin.file.path, origin.file)
                    self._bench.placer.create(source_dir, source, self._stock.stage, name, guarded=True)

    def _stage_info(self) -> None:
        info = render_info(self._rendered)
        grouped: dict[str, list[Origin]] = {}
        for origin in (*info, make_record(self._bench.terms.environment, self._rendered, info)):
            grouped.setdefault(split(origin.file.path)[0], []).append(origin)
        for directory, origins in grouped.items():
            place = f"{self._action.dist_info}/{directory}".rstrip("/")
            with files.enter_path(self._bench.staged, place, create=True) as staged:
                for origin in origins:
                    self.where = f"{self._action.dist_info}/{origin.file.path}"
                    self._stage_one(origin, staged)

    def _stage_one(self, origin: Origin, staged: files.Directory) -> None:
        if origin.data is not None:
            self._bench.stage(origin, staged, split(origin.file.path)[1])
            return
        source_dir, source = self._stock.find(origin)
        self._bench.placer.create(source_dir, source, staged, split(origin.file.path)[1], guarded=True)


def in_the_way(path: str, name: str, what: str, *, forcible: bool) -> FileInTheWay:
    """Word an obstacle that nobody claims."""
    hint = "move it away, or use --force to set it aside in .lugnut/altered" if forcible else "move it away"
    return FileInTheWay(path=path, name=name, what=what, hint=hint)
