"""What `show`, `tree` and `freeze` answer, as lines for stdout: pip's fields, uv's drawing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lugnut.answers import Branch, DependencyTree, Description, Frozen, Shadow, Shown
from lugnut.cli.terminal import BOLD, Paint

REPEATED = "(*) Package tree already displayed"
CIRCULAR = "(*) Package tree is a cycle and cannot be shown"
"""uv's words."""


def format_shown(shown: Shown, paint: Paint, *, files: bool, detailed: bool = False) -> list[str]:
    """Give `Field: value` lines as `pip show` does, `---` between distributions; what is lugnut's own comes after."""
    lines: list[str] = []
    for one in shown.distributions:
        lines += ["---"] * bool(lines)
        lines += _describe(one, paint)
        lines += _describe_more(one, paint) if detailed else ()
        lines += _format_files(one, paint) if files else ()
    return lines


def _describe(one: Description, paint: Paint) -> Iterator[str]:
    license_field = "License-Expression" if one.license_expression else "License"
    yield _field(paint, "Name", one.name)
    yield _field(paint, "Version", one.version)
    yield _field(paint, "Summary", one.summary)
    yield _field(paint, "Home-page", one.home_page)
    yield _field(paint, "Author", one.author)
    yield _field(paint, "Author-email", one.author_email)
    yield _field(paint, license_field, one.license_expression or one.license)
    yield _field(paint, "Location", one.location)
    if one.editable:
        yield _field(paint, "Editable project location", one.editable)
    yield _field(paint, "Requires", ", ".join(one.requires))
    yield _field(paint, "Required-by", ", ".join(one.required_by))
    if one.overlay:
        yield _field(paint, "Overlay", str(one.overlay))
    if one.shadowed:
        yield from _block(paint, "Shadowed", _word_shadows(one.shadowed, "by"))
    if one.shadows:
        yield from _block(paint, "Shadows", _word_shadows(one.shadows, "of"))


def _describe_more(one: Description, paint: Paint) -> Iterator[str]:
    yield _field(paint, "Metadata-Version", one.metadata_version)
    yield _field(paint, "Installer", one.installer)
    yield from _block(paint, "Classifiers", one.classifiers)
    yield from _block(paint, "Entry-points", (line.strip() for line in one.entry_points))
    yield from _block(paint, "Project-URLs", one.project_urls)


def _format_files(one: Description, paint: Paint) -> Iterator[str]:
    yield from _block(paint, "Files", one.files or ())
    if one.files is None:
        yield "there is no readable RECORD"


def _word_shadows(shadows: Iterable[Shadow], word: str) -> Iterator[str]:
    return (f"{shadow.path} {word} {shadow.name}" for shadow in shadows)


def _field(paint: Paint, title: str, value: str) -> str:
    return f"{paint(f'{title}:', BOLD)} {paint(value)}".rstrip()


def _block(paint: Paint, title: str, lines: Iterable[str]) -> Iterator[str]:
    yield paint(f"{title}:", BOLD)
    yield from (f"  {paint(line)}".rstrip() for line in lines)


def format_frozen(frozen: Frozen, paint: Paint) -> list[str]:
    """Give the lines of the requirements file."""
    return [paint(line) for line in frozen.requirements]


def format_tree(tree: DependencyTree, paint: Paint, *, specifiers: bool = False) -> list[str]:
    """Draw the tree as uv does; a line at the end says what `(*)` means where one was drawn."""
    lines: list[str] = []
    for root in tree.roots:
        lines.append(paint(_word(root)))
        lines += (paint(line) for line in _draw(root, "", specifiers, inverted=tree.inverted))
    if any(line.endswith("(*)") for line in lines):
        lines.append(REPEATED if tree.deduped else CIRCULAR)
    return lines


def _draw(above: Branch, margin: str, specifiers: bool, *, inverted: bool) -> Iterator[str]:
    for branch in above.branches:
        last = branch is above.branches[-1]
        needed = f" [requires: {above.name} {branch.required}]" if inverted else f" [required: {branch.required}]"
        yield margin + ("└── " if last else "├── ") + _word(branch, needed if specifiers else "")
        yield from _draw(branch, margin + ("    " if last else "│   "), specifiers, inverted=inverted)


def _word(branch: Branch, needed: str = "") -> str:
    return f"{branch.name} v{branch.version}{needed}" + " (*)" * branch.repeated
