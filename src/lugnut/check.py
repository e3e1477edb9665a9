"""Read-only findings: where an environment is not what is recorded of it, and which requirements are not met."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from lugnut.distribution import Manifest, Name, Row, normalise_name
from lugnut.environment import Environment
from lugnut.errors import LugnutError
from lugnut.installed import Installed, find_installed, read_installed, read_requires
from lugnut.needs import asks_for_extras, is_plainly_met
from lugnut.plan import File, kept_name
from lugnut.settings import Finding
from lugnut.system import files
from lugnut.transaction import content, journal
from lugnut.transaction.claims import claimed_files
from lugnut.transaction.tree import Tree, split
from lugnut.typed import Any


def find_all(environment: Environment) -> tuple[Finding, ...]:
    """Find everything that is not as recorded, sorted; changes nothing."""
    installed = read_installed(environment)
    found = [*_find_duplicates(installed), *_find_requirements(environment, installed)]
    home = journal.open_home(environment, create=False)
    try:
        found += _Eyes(environment, home, installed).find()
        found += [
            Finding(
                "transaction",
                "",
                identity,
                f"the transaction {identity} is open: another run is at work, or could not be recovered",
            )
            for identity in journal.list_ids(home)
        ]
    finally:
        if home is not None:
            home.close()
    return tuple(sorted(found))


def _find_duplicates(installed: dict[Name, list[Installed]]) -> Iterable[Finding]:
    for name, ones in installed.items():
        if len(ones) > 1:
            infos = ", ".join(one.dist_info for one in ones)
            yield Finding("duplicate", name, ones[0].dist_info, f"{name} is installed more than once: {infos}")


class _Eyes:
    """Looks at every file that is claimed."""

    def __init__(
        self, environment: Environment, home: files.Directory | None, installed: dict[Name, list[Installed]]
    ) -> None:
        self._environment = environment
        self._home = home
        self._installed = installed
        self._tree = Tree(environment)
        self._reader = content.Reader()
        self._claims: dict[str, list[tuple[int, Name, File]]] = {}
        self._expected: dict[str, set[str]] = {}

    def find(self) -> list[Finding]:
        """Give the findings about files."""
        try:
            for ones in self._installed.values():
                for one in ones:
                    rank = one.state.overlay if one.state is not None else 0
                    for file in claimed_files(one):
                        self._claims.setdefault(file.path, []).append((rank, one.name, file))
            found = [finding for ones in self._installed.values() for one in ones for finding in self._look_at(one)]
            return found + self._find_kept()
        finally:
            self._tree.close()

    def _look_at(self, one: Installed) -> Iterable[Finding]:
        if one.rows is None:
            yield Finding("record", one.name, one.dist_info, f"{one.spelled} {one.version} has no readable RECORD")
            return
        claimed: dict[str, File] = {file.path: file for file in claimed_files(one)}
        for row in one.rows:
            if row.digest is not None:
                finding = self._judge(one, row, claimed.get(row.path))
                if finding is not None:
                    yield finding

    def _judge(self, one: Installed, row: Row, file: File | None) -> Finding | None:
        directory, name = split(row.path)
        wanted = file or File(row.path, row.digest, row.size, None)  # type: ignore[arg-type]
        try:
            opened = self._tree.directory(directory)
        except LugnutError as error:
            return Finding("outside", one.name, row.path, str(error))
        shown = None if opened is None else self._reader.show(opened, name)
        if shown is not None and content.matches(shown, wanted):
            return None
        higher = [
            other
            for other in self._claims.get(row.path, [])
            if other[1] != one.name and shown is not None and content.matches(shown, other[2])
        ]
        if higher and self._is_kept(one, row.path, wanted):
            return None
        kind = "missing" if shown is None else "altered"
        text = "is missing" if shown is None else "has other bytes than recorded"
        if higher:
            kind, text = "shadowed", f"shows the bytes of {higher[0][1]}, and those of {one.name} are not kept"
        return Finding(kind, one.name, row.path, f"{row.path} of {one.spelled} {one.version} {text}")

    def _is_kept(self, one: Installed, path: str, file: File) -> bool:
        self._expected.setdefault(one.name, set()).add(kept_name(path, file))
        if self._home is None:
            return False
        shown = self._reader.show(self._home, f"kept/{one.name}/{kept_name(path, file)}")
        return shown is not None and content.matches(shown, file)

    def _find_kept(self) -> list[Finding]:
        """Find kept content that nobody claims any more."""
        found = []
        if self._home is not None and files.look(self._home, "kept") is not None:
            with files.enter(self._home, "kept") as kept:
                for name in files.list_names(kept):
                    with files.enter(kept, name) as mine:
                        strays = set(files.list_names(mine)) - self._expected.get(name, set())
                    found += [
                        Finding("kept", name, f".lugnut/kept/{name}/{stray}", "content is kept that nobody claims")
                        for stray in strays
                    ]
        return found


# --- requirements -----------------------------------------------------------------------------------------------------


def _find_requirements(environment: Environment, installed: dict[Name, list[Installed]]) -> Iterable[Finding]:
    versions = {name: ones[0].version for name, ones in installed.items()}
    for name, ones in installed.items():
        requires = read_requires(environment, ones[0])
        if requires.python and not _allows(requires.python, environment.markers["python_full_version"]):
            yield Finding("python", name, "", f"{name} needs Python {requires.python}")
        for text in _unmet(environment, requires.requires, versions):
            yield Finding("requirement", name, "", f"{name} needs {text}")


def find_unmet(
    environment: Environment,
    wheels: Sequence[tuple[Manifest, Sequence[str]]],
    *,
    planned: bool = False,
    gone: Collection[Name] = (),
) -> tuple[str, ...]:
    """Give the requirements of some wheels and their extras that nothing installed meets, as `name needs requirement`.

    Sorted; an extra that a distribution does not have is among them. `planned`: the wheels are yet to be installed, and
    what is `gone` is yet to be removed.
    """
    if not any(manifest.requires or extras for manifest, extras in wheels):
        return ()
    versions = {found.name: found.version for found in find_installed(environment)}
    versions |= {manifest.name: manifest.version for manifest, _ in wheels} if planned else {}
    versions = {name: version for name, version in versions.items() if name not in gone}
    found = set()
    for manifest, extras in wheels:
        known = {normalise_name(extra) for extra in manifest.extras}
        found |= {f"{manifest.name} has no extra {extra}" for extra in extras if normalise_name(extra) not in known}
        unmet = _unmet(environment, manifest.requires, versions, extras)
        found |= {f"{manifest.name} needs {text}" for text in unmet}
    return tuple(sorted(found))


def foresee_unmet(
    environment: Environment,
    wheels: Sequence[tuple[Manifest, Sequence[str]]],
    kept: Sequence[tuple[Name, Sequence[str]]],
) -> bool:
    """Whether something would be unmet once these wheels are installed, each with its extras.

    `kept` are names that are installed, as they shall stay, with extras. What asks for another's extras counts as
    unmet: only a resolver follows it.
    """
    if not any(manifest.requires or extras for manifest, extras in wheels) and not kept:
        return False
    versions = {found.name: found.version for found in find_installed(environment)}
    versions |= {manifest.name: manifest.version for manifest, _ in wheels}
    asked = [(manifest.requires, extras) for manifest, extras in wheels]
    standing = read_installed(environment, [name for name, _ in kept])
    asked += [(read_requires(environment, standing[name][0]).requires, extras) for name, extras in kept]
    return any(_unmet(environment, requires, versions, extras, strict=True) for requires, extras in asked)


def find_needed(environment: Environment, names: Collection[Name]) -> set[Name]:
    """Give some installed names and all that they need, directly or not, among what is installed.

    What is needed with extras is looked at again with each that another asks for.
    """
    there = {one.name for one in find_installed(environment)}
    found: dict[Name, set[str]] = {name: set() for name in names}
    left = set(names)
    while left:
        standing = read_installed(environment, sorted(left))
        left = set()
        for name, ones in standing.items():
            requires = read_requires(environment, ones[0]).requires
            for needed, extras in _name_requirements(environment, requires, sorted(found[name])):
                if needed in there and (needed not in found or not extras <= found[needed]):
                    found.setdefault(needed, set()).update(extras)
                    left.add(needed)
    return set(found)


def _name_requirements(
    environment: Environment, requires: Iterable[str], extras: Sequence[str]
) -> Iterable[tuple[Name, set[str]]]:
    """Give what a distribution with these extras needs, each with the extras it is needed with."""
    contexts = [{**environment.markers, "extra": extra} for extra in ("", *extras)]
    for text in requires:
        requirement = _read_requirement(text)
        if requirement is not None and _applies(requirement.marker, contexts):
            yield normalise_name(requirement.name), set(requirement.extras)


def _unmet(
    environment: Environment,
    requires: Iterable[str],
    versions: dict[Name, str],
    extras: Sequence[str] = (),
    *,
    strict: bool = False,
) -> list[str]:
    contexts = [{**environment.markers, "extra": extra} for extra in ("", *extras)]
    unmet = []
    for text in requires:
        if not extras and "extra" in text.partition(";")[2]:
            continue  # most of a big distribution's, and reading them takes long
        if is_plainly_met(text, versions, contexts) and not (strict and asks_for_extras(text)):
            continue
        requirement = _read_requirement(text)
        if requirement is None or not _applies(requirement.marker, contexts):
            continue
        version = versions.get(normalise_name(requirement.name))
        if version is None:
            unmet.append(f"{requirement.name}{requirement.specifier} (not installed)")
        elif (strict and requirement.extras) or not _allows(str(requirement.specifier), version):
            unmet.append(f"{requirement.name}{requirement.specifier} ({version} is installed)")
    return unmet


def _read_requirement(text: str) -> Any | None:
    """Read a requirement; None where it is none."""
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        return Requirement(text)
    except InvalidRequirement:
        return None


def _applies(marker: Any, contexts: Sequence[Mapping[str, str]]) -> bool:
    """Whether a marker holds in one of some contexts."""
    return marker is None or any(marker.evaluate(context) for context in contexts)


def _allows(specifier: str, version: str) -> bool:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import InvalidVersion

    try:
        return SpecifierSet(specifier).contains(version, prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return True
