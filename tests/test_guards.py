"""GUARDS.md tells the truth about names: every place and every test in its table exists."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
SOURCE = TESTS.parent / "src" / "lugnut"
TABLE = TESTS / "GUARDS.md"


def read_rows() -> list[tuple[str, list[str], str]]:
    """Give guard, places and test of each row."""
    rows = []
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| ") and cells[0] != "guard":
            guard, places, test = cells
            rows.append((guard, [place.strip("`") for place in places.split(", ")], test.strip("`")))
    return rows


def defined(tree: ast.AST, above: str = "") -> Iterator[str]:
    """Give the functions and classes of a module, methods as Class.method."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield above + node.name
            yield from defined(node, f"{above}{node.name}.")


ROWS = read_rows()


def test_the_table_is_read() -> None:
    assert len(ROWS) > 80
    assert len({guard for guard, _, _ in ROWS}) > 80


@pytest.mark.parametrize(("places", "test"), [row[1:] for row in ROWS], ids=[row[0][:40] for row in ROWS])
def test_the_places_and_the_test_of_a_guard_exist(places: list[str], test: str) -> None:
    path, _, name = test.partition("::")
    assert name.partition("[")[0] in set(defined(ast.parse((TESTS / path).read_text(encoding="utf-8"))))
    for place in places:
        file, _, function = place.partition(":")
        assert function in set(defined(ast.parse((SOURCE / file).read_text(encoding="utf-8")))), place
