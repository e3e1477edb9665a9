"""Bytecode for what a run has just shown: linked from the store, under the locks that the sources were placed under.

The transaction closes after it, so that who finishes a killed run tidies what was left of it. No claim names a .pyc,
so none is settled: it belongs to its source's owner and goes when that does (`spot`). It stands for a source of its
very mtime and size, which no other content has (TRAPS 21), so one that comes late does no harm.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping

from lugnut.distribution import Name
from lugnut.environment import Environment
from lugnut.errors import (
    CannotWrite,
    FileInTheWay,
    LockTimeout,
    LockUnusable,
    LugnutError,
    OutsideEnvironment,
    WorkerDied,
)
from lugnut.events import Note, Reporter, never
from lugnut.interpreter.bytecode import CACHE, Marking, compile_bytecode, write_pyc
from lugnut.manifest import Library, Manifest
from lugnut.plan import REMOVE
from lugnut.store.bytecode import obtain_bytecode, open_bytecode
from lugnut.store.place import Store
from lugnut.system import files, locks, workers
from lugnut.transaction import journal
from lugnut.transaction.transact import Course
from lugnut.transaction.tree import Tree, split
from lugnut.typed import NamedTuple

_LARGEST = 1 << 30


class Shown(NamedTuple):
    """One distribution whose sources stand: every path it claims, and the wheel it came from."""

    manifest: Manifest | None
    """None: of what was installed before, and only its rank is new."""
    paths: tuple[str, ...]


class Done(NamedTuple):
    """What became of one distribution's bytecode."""

    links: int
    clean: bool
    """Whether no temporary name and no empty cache can have been left."""


class Compiling(NamedTuple):
    """What workers do with each distribution that was shown; `lock_timeout` is in seconds."""

    environment: Environment
    store: Store
    lock_timeout: float
    links: bool
    """Whether files of the environment may be other names of the store's."""
    transaction: str
    spawned: bool = False
    timed: bool = False

    def show(self, job: Shown, emit: Reporter) -> Done:
        """Link a distribution's bytecode into place, and compile what the store has none of.

        The store has none of a library that stands elsewhere than in the wheel, as one in a platlib of its own.
        """
        with self._hold_writer() if self.spawned else contextlib.nullcontext():
            return self._show(job, emit)

    @contextlib.contextmanager
    def _hold_writer(self) -> Iterator[None]:
        """Hold a lock of this spawned writer, which inherited none (TRAPS 7).

        Its coordinator is looked for after that: if it lives, no recovery has begun, and whichever does waits.
        """
        home = journal.open_home(self.environment, create=False)
        assert home is not None  # noqa: S101 - the transaction is in it
        with home, files.enter_path(home, f"{journal.TRANSACTIONS}/{self.transaction}") as own:
            held = locks.try_hold(own, f"writer-{os.getpid()}")
            if held is None:
                raise workers.Stopped
            with held:
                workers.look_now()
                yield

    def _show(self, job: Shown, emit: Reporter) -> Done:
        linked: set[str] = set()
        troubles: list[OSError] = []
        marking = Marking(self.transaction, troubles.append)
        if job.manifest is not None and job.manifest.library.files.unordered.issubset(job.paths):
            patience = locks.Patience(self.lock_timeout, cancelled=workers.stopped, waits=emit if self.timed else None)
            # InterpreterBroken is no such trouble of the store: it would be asked the same again
            with contextlib.suppress(CannotWrite, LockTimeout, LockUnusable, OSError):
                library = obtain_bytecode(self.store, job.manifest, self.environment, patience)
                if library is not None:
                    linked.update(self._link(job.manifest, library, marking))
        compile_bytecode(self.environment, [path for path in job.paths if path not in linked], marking)
        return Done(len(linked), not troubles)

    def _link(self, manifest: Manifest, library: Library, marking: Marking) -> Iterator[str]:
        """Link what the store has; gives each source that has its bytecode now."""
        start = 0
        sources = _describe(manifest.library)
        wanted = list(_describe(library).items())
        with Tree(self.environment) as tree, open_bytecode(self.store, manifest, self.environment) as store:
            for directory, count in library.spans:
                workers.stopped()
                try:
                    if tree.directory(split(directory)[0]) is not None:  # else somebody took the sources away
                        place = _Place(store, tree.make(directory, manifest.name), self.links, self.transaction)
                        yield from _fill(place, tree, directory, dict(wanted[start : start + count]), sources)
                except OSError as error:
                    marking.trouble(error)
                except (FileInTheWay, OutsideEnvironment):
                    pass
                start += count


_Told = dict[str, tuple[int | None, int]]
"""By path what one stat has to say of a file: size, and seconds of its mtime."""


def _describe(library: Library) -> _Told:
    sizes = library.files.columns()[1]
    return dict(zip(library.files.paths, zip(sizes, library.mtimes, strict=True), strict=True))


def _fill(place: _Place, tree: Tree, directory: str, wanted: _Told, sources: _Told) -> Iterator[str]:
    """Link one directory's bytecode where the sources are those of the store; others' bytes have other bytecode."""
    below = directory.removesuffix(CACHE)
    above = tree.make(below.rstrip("/"), "")
    for path, told in wanted.items():
        name = path.rpartition("/")[2]
        source = name.rsplit(".", 2)[0] + ".py"  # less the interpreter's tag (PEP 3147)
        if _is(above, source, sources[below + source]) and _is(place.store, path, told):
            place.put(path, name, told)
            yield below + source


class _Place(NamedTuple):
    """One `__pycache__` that is being filled."""

    store: files.Directory
    cache: files.Directory
    links: bool
    transaction: str

    def put(self, path: str, name: str, told: tuple[int | None, int]) -> None:
        """Put one .pyc in place: as a cache's file it may be missing for a moment, so another one is unlinked first."""
        if files.look(self.cache, name) is not None:
            if _is(self.cache, name, told):
                return
            with contextlib.suppress(FileNotFoundError):
                files.unlink(self.cache, name)
        if self.links:
            try:
                files.link(self.store, path, self.cache, name)
            except FileExistsError:  # somebody imported it meanwhile
                return
            except OSError:  # another volume, no hard links, too many of them: TRAPS 24, 25
                pass
            else:
                return
        write_pyc(self.cache, name, files.read(self.store, path, _LARGEST), self.transaction)


def _is(directory: files.Directory, name: str, told: tuple[int | None, int]) -> bool:
    status = files.look(directory, name)
    return status is not None and (status.st_size, int(status.st_mtime)) == told


def _label(job: Shown) -> str:
    return "" if job.manifest is None else job.manifest.filename


def show_bytecode(
    environment: Environment, transaction: journal.Transaction, manifests: Mapping[Name, Manifest], course: Course
) -> bool:
    """Have workers link or compile the bytecode of all that a plan has shown; `manifests` are the wheels' by name.

    False where something may be left of it to be swept. The plan is carried out by then: what cannot be done here is a
    warning and no failure, which would be taken to say that nothing was changed (G3). Python compiles what it finds
    none of.
    """
    course.timing.phase("compile")
    actions = [action for action in transaction.plan.actions if action.kind != REMOVE]
    shown = [Shown(manifests.get(action.name), action.files.paths) for action in actions]
    shown.sort(key=lambda one: (-len(one.paths), one.paths))
    links = course.link_mode in {"auto", "hardlink"}
    compiling = Compiling(
        environment, course.store or Store(""), course.patience.timeout, links, transaction.id,
        course.start_method == "spawn", course.timing.on,
    )  # fmt: skip
    pool = workers.Pool(course.jobs, _label, course.report, never, course.start_method, course.timing, "compile")
    try:
        return all(done.clean for done in workers.run(compiling.show, shown, plan=pool))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is no failure of what is committed
        words = f"the changes stand, but not all bytecode was compiled ({_word(error)}); Python does it on import"
        course.report(Note("warning", words))
        return False


def _word(error: Exception) -> str:
    """Give the reason alone: the sentences of errors say what became of the run, as if it had not committed."""
    if isinstance(error, WorkerDied):
        return f"a worker died: {error.data['cause']}"
    if isinstance(error, LugnutError) and "reason" in error.data:
        where = error.data.get("path") or error.data.get("python") or ""
        return f"{where}: {error.data['reason']}".removeprefix(": ")
    return str(error) if isinstance(error, (LugnutError, OSError)) else f"{type(error).__name__}: {error}".rstrip(": ")
