"""Read-only findings: where an environment is not what is recorded of it, and which requirements are not met."""

from __future__ import annotations

from collections.abc import Iterable

from lugnut.columns import File
from lugnut.distribution import Name, Row
from lugnut.environment import Environment, folding
from lugnut.errors import LugnutError
from lugnut.installed import Installed, read_installed
from lugnut.plan import kept_name
from lugnut.settings import Finding
from lugnut.system import files
from lugnut.transaction import content, journal
from lugnut.transaction.records import claimed_files
from lugnut.transaction.tree import Tree, split
from lugnut.unmet import find_requirements


def find_all(environment: Environment) -> tuple[Finding, ...]:
    """Find everything that is not as recorded, sorted; changes nothing."""
    home = journal.open_home(environment, create=False)
    if home is not None:
        files.lists_late(home)  # what another host has just kept or shown is asked for anew then (TRAPS 26)
    try:
        installed = read_installed(environment)
        found = [*_find_duplicates(installed), *find_requirements(environment, installed)]
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
        self._fold = folding(environment)
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
                        self._claims.setdefault(self._fold(file.path), []).append((rank, one.name, file))
            found = [finding for ones in self._installed.values() for one in ones for finding in self._look_at(one)]
            return found + self._find_kept()
        finally:
            self._tree.close()

    def _look_at(self, one: Installed) -> Iterable[Finding]:
        if one.rows is None:
            yield Finding("record", one.name, one.dist_info, f"{one.spelled} {one.version} has no readable RECORD")
            return
        if not any(row.path.endswith(f"{one.dist_info}/RECORD") for row in one.rows):  # a power cut's (TRAPS 19)
            text = "has a RECORD that does not name itself, so it is not whole"
            yield Finding("record", one.name, one.dist_info, f"{one.spelled} {one.version} {text}")
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
            for other in self._claims.get(self._fold(row.path), [])
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
