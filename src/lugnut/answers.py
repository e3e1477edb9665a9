"""What commands answer that change nothing: distributions described, a tree of requirements, pins, an examination."""

from __future__ import annotations

from collections.abc import Mapping

from lugnut.typed import Any, NamedTuple

OK, ABSENT, WARNING, UNTRIED, IMPOSSIBLE = "ok", "absent", "warning", "untried", "impossible"
"""Verdicts of `lugnut doctor`: as it should be; not there, and nothing depends on it; a drawback; it could not be
tried; lugnut would refuse, or would not be safe."""


class Shadow(NamedTuple):
    """One path where two distributions have different bytes, and the other one's name."""

    path: str
    name: str


class Description(NamedTuple):
    """One distribution as `lugnut show` describes it; what METADATA does not say is empty."""

    name: str
    """As METADATA spells it, and so are the names in `requires` and `required_by`."""
    version: str
    summary: str
    home_page: str
    author: str
    author_email: str
    license: str
    """The text of License; empty where there is a License-Expression."""
    license_expression: str
    location: str
    editable: str
    """The directory of the project that it is an editable install of; empty where it is none."""
    requires: tuple[str, ...]
    """Names of what it needs in this environment, without any of its extras; sorted."""
    required_by: tuple[str, ...]
    """Names of what needs it; sorted."""
    overlay: int
    shadowed: tuple[Shadow, ...]
    """Its paths that show another distribution's bytes, and whose; sorted."""
    shadows: tuple[Shadow, ...]
    """The paths at which its bytes are shown in place of another's, and whose; sorted."""
    metadata_version: str
    installer: str
    classifiers: tuple[str, ...]
    entry_points: tuple[str, ...]
    """The lines of entry_points.txt."""
    project_urls: tuple[str, ...]
    """`label, URL`, in METADATA's order."""
    files: tuple[str, ...] | None
    """The paths in RECORD, sorted; None where they were not asked for or there is no readable RECORD."""


class Shown(NamedTuple):
    """The answer of `lugnut show`."""

    environment: str
    distributions: tuple[Description, ...] = ()
    """In the order they were asked for."""
    missing: tuple[str, ...] = ()
    """Names that are not installed, sorted."""

    def to_json(self) -> dict[str, Any]:
        """Give the answer as the JSON document that `--json` prints."""
        found = []
        for one in self.distributions:
            shadows = {field: [shadow._asdict() for shadow in getattr(one, field)] for field in ("shadowed", "shadows")}
            found.append({**one._asdict(), **shadows})
        return {"environment": self.environment, "distributions": found, "missing": list(self.missing)}


class Branch(NamedTuple):
    """One line of a dependency tree, and what hangs from it."""

    name: str
    """Normalised."""
    version: str
    required: str
    """The specifiers under which the line above needs it (inverted: under which it needs the line above); `*` for any
    version, empty for a root."""
    repeated: bool
    """It was shown with its branches before, or is on the way from the root to here: they are left out."""
    branches: tuple[Branch, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Give the branch as a JSON document."""
        return {**self._asdict(), "branches": [branch.to_json() for branch in self.branches]}


class DependencyTree(NamedTuple):
    """The answer of `lugnut tree`."""

    environment: str
    roots: tuple[Branch, ...] = ()
    missing: tuple[str, ...] = ()
    """Of the names asked for, those that are not installed; sorted."""
    inverted: bool = False
    deduped: bool = True
    """Whether what was shown before is left out; else only what would go round in a circle is."""

    def to_json(self) -> dict[str, Any]:
        """Give the answer as the JSON document that `--json` prints."""
        roots = [root.to_json() for root in self.roots]
        return {**self._asdict(), "roots": roots, "missing": list(self.missing)}


class Frozen(NamedTuple):
    """The answer of `lugnut freeze`."""

    environment: str
    requirements: tuple[str, ...] = ()
    """Lines of a requirements file, sorted by name."""

    def to_json(self) -> dict[str, Any]:
        """Give the answer as the JSON document that `--json` prints."""
        return {"environment": self.environment, "requirements": list(self.requirements)}


class Located(NamedTuple):
    """Where a part of an environment, or the cache, lies."""

    place: str
    """environment (site-packages, with `.lugnut` in it), platlib, scripts, headers, data or cache."""
    path: str
    standing: str
    """The directory that was examined: `path`, or the nearest one above it that stands."""
    kind: str
    """The type of its file system, as the system names it; empty where it does not tell."""
    source: str
    point: str
    """Where it is mounted."""
    options: tuple[str, ...]
    free_bytes: int
    free_files: int | None
    """None where that is not limited, or not told."""


class Examined(NamedTuple):
    """One line of `lugnut doctor`."""

    place: str
    subject: str
    verdict: str
    text: str
    remedy: str = ""


class Diagnosis(NamedTuple):
    """The answer of `lugnut doctor`."""

    environment: str
    places: tuple[Located, ...] = ()
    findings: tuple[Examined, ...] = ()
    """In the order in which they are to be read."""
    ways: Mapping[str, str] = {}
    """How files come from the cache to each place: hardlink, clone or copy; only where it was tried."""
    claims: Mapping[str, str] = {}
    """By what a place takes a name that is free: link, renameat2, or stripe (a look under its lock)."""

    @property
    def safe(self) -> bool:
        """Whether nothing was found for which lugnut would refuse, or would not be safe."""
        return all(finding.verdict != IMPOSSIBLE for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """Give the answer as the JSON document that `--json` prints."""
        parts = {field: [one._asdict() for one in getattr(self, field)] for field in ("places", "findings")}
        return {**self._asdict(), **parts, "ways": dict(self.ways), "claims": dict(self.claims), "safe": self.safe}
