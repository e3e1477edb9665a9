"""One build, from a source to a wheel in a directory: unpack, make the environment, ask the backend, judge its answer.

SOURCE_DATE_EPOCH is set for every source whose age is known, so that two builds of one sdist give one hash (TRAPS 38).
A source directory is built where it stands, as pip and uv do, and may be written to by its backend.
Sources: PEP 517, PEP 660, PEP 427 (file names), reproducible-builds.org (SOURCE_DATE_EPOCH).
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

from lugnut.building import archives, complaints, isolation
from lugnut.building.backend import Backend, Kind
from lugnut.building.lacking import find_lacking
from lugnut.building.recipe import CannotBuild, Recipe, Source
from lugnut.building.repositories import check_out_below
from lugnut.building.telling import Telling
from lugnut.errors import BuildFailed, CannotWrite
from lugnut.events import Building, Reporter
from lugnut.system import files
from lugnut.typed import NamedTuple

EPOCH = "SOURCE_DATE_EPOCH"
BUILT = "built"
_TREE, _ENVIRONMENT = "source", "environment"


class Order(NamedTuple):
    """One build as it is to be done."""

    source: Source
    recipe: Recipe
    workspace: str
    """An empty directory of this build's own, absolute."""
    kind: Kind = "wheel"


def build_wheel(source: Source, directory: str, recipe: Recipe, emit: Reporter, cancelled: Callable[[], None]) -> str:
    """Build a wheel into a directory that stands and give its path; raises BuildFailed, and what `cancelled` raises."""
    return _build(source, directory, recipe, (emit, cancelled), "wheel")


def build_editable(
    source: Source, directory: str, recipe: Recipe, emit: Reporter, cancelled: Callable[[], None]
) -> str:
    """Build the wheel of an editable install (PEP 660), that leads to the source directory; as `build_wheel`."""
    return _build(source, directory, recipe, (emit, cancelled), "editable")


def _build(
    source: Source, directory: str, recipe: Recipe, watch: tuple[Reporter, Callable[[], None]], kind: Kind
) -> str:
    refuse(source, recipe)
    with files.lend_directory() as workspace:
        return _hand_over(carry_out(Order(source, recipe, workspace, kind), *watch), os.path.abspath(directory))


def _hand_over(wheel: str, directory: str) -> str:
    """Move a finished wheel to where it is wanted: whole, or not at all."""
    above, name = os.path.split(wheel)
    try:
        with files.open_root(above) as own, files.open_root(directory) as place:
            try:
                files.rename(own, name, place, name)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                temporary = files.temporary_name()
                files.copy(own, name, place, temporary, clone=False)
                files.rename(place, temporary, place, name)
    except OSError as error:
        raise CannotWrite(path=os.path.join(directory, name), reason=error.strerror or str(error)) from None
    return os.path.join(directory, name)


def refuse(source: Source, recipe: Recipe) -> None:
    """Raise BuildFailed where building is not allowed, before anything is run or fetched."""
    if not recipe.allowed:
        raise BuildFailed(
            source=source.describe(),
            reason="building is not allowed",
            hint="leave out --no-build and --only-binary, or find a wheel",
            detail="",
        )


def carry_out(order: Order, emit: Reporter, cancelled: Callable[[], None]) -> str:
    """Build one wheel, whatever it takes; gives its path, in the directory `built` of the workspace."""
    refuse(order.source, order.recipe)
    expected = expect_of(order.source)
    emit(Building(expected.name if expected else order.source.guess_name(), order.source.describe()))
    telling = Telling(cancelled, order.workspace)
    try:
        tree, epoch = _lay_out(order, cancelled)
        return _make(order, tree, epoch, telling)
    except CannotBuild as error:
        raise BuildFailed(
            source=order.source.describe(),
            reason=error.reason,
            hint=error.hint or complaints.USUAL_HINT,
            detail=telling.log,
        ) from None


def _lay_out(order: Order, cancelled: Callable[[], None]) -> tuple[str, int | None]:
    """Give the project's directory, unpacked or checked out where it has to be, and when the source was made."""
    source = order.source
    tree, epoch = source.path, source.epoch
    if not source.path:
        tree, epoch = check_out_below(order.workspace, source, order.recipe, cancelled)
    elif not os.path.isdir(source.path):
        place = os.path.join(order.workspace, _TREE)
        _make_directory(order.workspace, _TREE)
        unpacked = archives.unpack(source.path, place, cancelled)
        tree, epoch = os.path.join(place, unpacked.top), epoch if epoch is not None else unpacked.epoch
    project = os.path.join(tree, *filter(None, source.subdirectory.split("/")))
    if ".." in source.subdirectory.split("/") or not os.path.isdir(project):
        raise CannotBuild(f"it has no directory {source.subdirectory or tree}", "look for a slip in its subdirectory")
    return project, epoch


def _make_directory(above: str, name: str) -> None:
    try:
        with files.open_root(above) as directory:
            files.mkdir(directory, name)
    except OSError as error:
        raise CannotWrite(path=f"{above}/{name}", reason=error.strerror or str(error)) from None


def _make(order: Order, tree: str, epoch: int | None, telling: Telling) -> str:
    """Have the wheel made by the backend, all that it requires at hand."""
    recipe, kind = order.recipe, order.kind
    python = recipe.python
    if recipe.isolated:
        python = isolation.make_environment(os.path.join(order.workspace, _ENVIRONMENT), recipe, telling)
    environ = isolation.for_backend(recipe.environ, python, isolated=recipe.isolated)
    if epoch is not None:
        environ = {EPOCH: str(min(max(epoch, archives.EARLIEST), archives.LATEST)), **environ}
    backend = Backend(tree, python, environ, telling)
    required = backend.requirements
    if recipe.isolated:
        isolation.install(python, required, recipe, telling)
        more = backend.find_more(kind, recipe.config_settings)
        if not more <= required:  # all at once, so that what contradicts each other is found
            isolation.install(python, required | more, recipe, telling)
    else:
        _expect(required, python, environ, telling)
        _expect(backend.find_more(kind, recipe.config_settings), python, environ, telling)
    _make_directory(order.workspace, BUILT)  # never the directory wanted: a backend may leave anything beside a wheel
    built = os.path.join(order.workspace, BUILT)
    return _judge(order.source, built, backend.build(kind, built, recipe.config_settings))


def _expect(requirements: set[str], python: str, environ: dict[str, str], telling: Telling) -> None:
    """Refuse to build in a Python that lacks something."""
    lacking = find_lacking(requirements, python, environ, telling)
    if lacking:
        raise CannotBuild(
            f"{python} lacks {', '.join(lacking)}, and the build is not isolated",
            "install what is missing there, or leave --no-build-isolation out",
        )


# --- the answer -------------------------------------------------------------------------------------------------------


def _judge(source: Source, directory: str, filename: str) -> str:
    """See that the backend made a wheel, and of what it was asked for."""
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename

    path = os.path.join(directory, filename)
    if os.path.basename(filename) != filename or not os.path.isfile(path) or os.path.islink(path):
        raise CannotBuild(f"its backend says it made {filename}, which is not there", "ask whoever made the backend")
    try:
        name, version, _, _ = parse_wheel_filename(filename)
    except InvalidWheelFilename:
        raise CannotBuild(f"its backend made {filename}, which is no wheel's name", "ask whoever made it") from None
    wanted = expect_of(source)
    if wanted is not None and not wanted.fits(name, str(version)):
        raise CannotBuild(
            f"it is said to be {' '.join(filter(None, wanted))}, and what was built of it is {name} {version}",
            "ask whoever made it: its file name or its metadata is wrong",
        )
    return path


class Expected(NamedTuple):
    """What a source is said to be; an empty version is not said."""

    name: str
    version: str

    def fits(self, name: str, version: str) -> bool:
        """Say whether a wheel is of that name and version; a local label that the build has added does not count."""
        from packaging.utils import canonicalize_name
        from packaging.version import InvalidVersion, Version

        if canonicalize_name(self.name) != canonicalize_name(name):
            return False
        try:
            wanted, built = Version(self.version or version), Version(version)
        except InvalidVersion:
            return False
        return wanted in {built, Version(built.public)}


def expect_of(source: Source) -> Expected | None:
    """Give what a source is said to be, by whoever asks for it or by its file name (PEP 625); None: nobody knows."""
    from packaging.utils import InvalidSdistFilename, parse_sdist_filename

    if source.name:
        return Expected(source.name, source.version)
    if not source.path or os.path.isdir(source.path):
        return None
    try:
        name, version = parse_sdist_filename(os.path.basename(source.path))
    except InvalidSdistFilename:
        return None
    return Expected(name, str(version))
