"""What is installed, told to people: the graph of requirements and its tree, METADATA, direct_url.json, shadows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import lugnut
from lugnut.answers import Branch, DependencyTree, Shadow
from lugnut.cli.descriptions import format_shown, format_tree
from lugnut.cli.terminal import Paint
from lugnut.events import Changed
from lugnut.inventory.graph import Graph, make_graph, parse_requires
from lugnut.inventory.metadata import find_home_page, one_line, parse_metadata
from lugnut.inventory.references import find_project, format_reference
from lugnut.inventory.tree import Shape, grow
from lugnut.store.entries import admit
from lugnut.store.place import open_store
from lugnut.supply.origins import tell_origins
from lugnut.wishes import Wish
from wheels import make_wheel

MARKERS = {"python_version": "3.11", "python_full_version": "3.11.7", "sys_platform": "linux"}


def graph(installed: Mapping[str, str]) -> Graph:
    """Make a graph of `name version` to requirements, separated by ` | `."""
    versions = dict(key.split() for key in installed)
    parsed = {key.split()[0]: parse_requires(filter(None, text.split(" | "))) for key, text in installed.items()}
    return make_graph(versions, parsed, MARKERS)  # type: ignore[arg-type]


def draw(installed: Mapping[str, str], *, specifiers: bool = False, **shape: Any) -> str:
    for field in ("packages", "prune"):
        shape[field] = frozenset(shape.get(field, ()))
    wished = Shape(**shape)
    tree = DependencyTree("", grow(graph(installed), wished), (), wished.invert, wished.dedupe)
    return "\n".join(format_tree(tree, Paint(), specifiers=specifiers))


# --- who needs whom ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("requires", "expected"),
    [
        ("base", "*"),
        ("base>=0.1 | base<9", ">=0.1, <9"),
        ("base<9 | base>=0.1", ">=0.1, <9"),
        ("base | base>=0.1,>=0.1", ">=0.1"),
        ("base~=1.0 | base==1.* | base!=3,<4,>0.5", ">0.5, ==1.*, ~=1.0, !=3, <4"),
        ("base===1.0 | base(>=1)", "===1.0, >=1"),
        ("base===one | base>=0.5", None),
        ("base @ https://host.invalid/base.whl", "https://host.invalid/base.whl"),
        ("base>=1; sys_platform=='linux' | base>=7; sys_platform=='win32'", ">=1"),
        ("base>5", None),
        ("base; sys_platform=='win32'", None),
        ("base; extra=='x'", None),
        ("not a requirement | base", "*"),
        ("absent", None),
    ],
)
def test_a_need_is_what_holds_here_and_is_met_its_specifiers_sorted_by_version(
    requires: str, expected: str | None
) -> None:
    needs = graph({"a 1": requires, "base 1.0": ""}).needs
    if requires.startswith("base===one"):  # only the part that is met counts
        expected = ">=0.5"
    assert needs["a"] == ({} if expected is None else {"base": expected})  # type: ignore[index, comparison-overlap]


def test_a_prerelease_meets_what_it_is_installed_for() -> None:
    assert graph({"a 1": "b>=1", "b 2.0rc1": ""}).needs["a"] == {"b": ">=1"}  # type: ignore[index, comparison-overlap]


def test_extras_count_where_somebody_installed_asks_for_them_and_so_do_extras_of_extras() -> None:
    installed = {
        "app 1": "lib[Fast_Lane]",
        "lib 1": "speed; extra=='fast-lane' | slow; extra=='slow' | lib[more]; extra=='fast-lane'"
        " | deep; extra=='more'",
        "speed 1": "",
        "slow 1": "",
        "deep 1": "",
    }
    assert list(graph(installed).needs["lib"]) == ["deep", "speed"]  # type: ignore[index]
    assert list(graph({**installed, "app 1": "lib"}).needs["lib"]) == []  # type: ignore[index]


def test_a_version_of_before_pep_440_does_for_any_and_for_itself() -> None:
    requires = "b>=1 | b===1.x | b | c"
    assert graph({"a 1": requires, "b 1.x": "", "c 1": ""}).needs["a"] == {"b": "===1.x", "c": "*"}  # type: ignore[index, comparison-overlap]
    assert graph({"a 1": requires, "b 2.x": "", "c 1": ""}).needs["a"] == {"b": "*", "c": "*"}  # type: ignore[index, comparison-overlap]


def test_what_no_standard_knows_is_told_as_far_as_it_can_be_read(tmp_path: Path) -> None:
    """An egg-info that is a file, of a version no standard has, and a dist-info without RECORD."""
    (tmp_path / "old-2004d.x_y-py3.11.egg-info").write_text("Name: old\nVersion: 2004d.x_y\nSummary: From before\n")
    (tmp_path / "bare-1.0.dist-info").mkdir()
    (tmp_path / "bare-1.0.dist-info" / "METADATA").write_text("Name: bare\nVersion: 01.0\nRequires-Dist: old\n")
    frozen = lugnut.freeze(target=tmp_path, paths=[tmp_path, tmp_path / "absent", tmp_path])
    assert frozen.requirements == ("bare==1.0", "old===2004d.x_y")
    shown = lugnut.show(["old", "bare"], target=tmp_path, files=True)
    assert [(one.summary, one.required_by, one.entry_points) for one in shown.distributions] == [
        ("From before", ("bare",), ()),
        ("", (), ()),
    ]
    lines = format_shown(shown, Paint(), files=True)
    assert lines.count("there is no readable RECORD") == 2
    [root] = lugnut.tree(target=tmp_path).roots
    assert (root.name, root.version, root.branches[0].version) == ("bare", "1.0", "2004d.x_y")


# --- where wheels came from -------------------------------------------------------------------------------------------


def test_the_origin_is_told_though_the_store_was_emptied_meanwhile(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "cache"))
    manifest = admit(store, make_wheel(tmp_path, "X_y", "1.0"))
    change = Changed("install", "X_y", None, "1.0")
    [told] = tell_origins(store, [Wish(manifest, requested=False, direct=None)], [change])
    assert told.metadata == {"metadata_version": "2.1", "name": "X_y", "version": "1.0"}
    assert (told.requested, told.is_direct, told.download_info["archive_info"]["hashes"]) == (
        False,
        False,
        {"sha256": manifest.wheel},
    )
    lugnut.clean_cache(tmp_path / "cache")
    [told] = tell_origins(store, [Wish(manifest, requested=False, direct=None)], [change])
    assert told.metadata == {"name": "X_y", "version": "1.0"}


# --- the tree ---------------------------------------------------------------------------------------------------------

DIAMOND = {"app 1.0": "left>=1 | right", "left 1.5": "base", "right 2.0": "left | base!=3", "base 1.0": ""}


def test_repeated_branches_are_left_out_and_said_to_be() -> None:
    assert draw(DIAMOND) == (
        "app v1.0\n├── left v1.5\n│   └── base v1.0\n└── right v2.0\n    ├── base v1.0\n    └── left v1.5 (*)\n"
        "(*) Package tree already displayed"
    )
    assert draw(DIAMOND, dedupe=False) == (
        "app v1.0\n├── left v1.5\n│   └── base v1.0\n└── right v2.0\n    ├── base v1.0\n    └── left v1.5\n"
        "        └── base v1.0"
    )


def test_specifiers_are_said_either_way_up() -> None:
    assert draw(DIAMOND, specifiers=True, depth=1) == (
        "app v1.0\n├── left v1.5 [required: >=1]\n└── right v2.0 [required: *]"
    )
    assert draw(DIAMOND, specifiers=True, depth=1, invert=True) == (
        "base v1.0\n├── left v1.5 [requires: base *]\n└── right v2.0 [requires: base !=3]"
    )


def test_packages_prune_and_depth() -> None:
    assert draw(DIAMOND, packages=["left"]) == "left v1.5\n└── base v1.0"
    assert draw(DIAMOND, packages=["left", "base"]) == "left v1.5\n└── base v1.0"
    assert draw(DIAMOND, prune=["left"]) == "app v1.0\n└── right v2.0\n    └── base v1.0"
    assert draw(DIAMOND, depth=0) == "app v1.0"
    assert draw(DIAMOND, packages=["left"], invert=True, depth=1) == "left v1.5\n├── app v1.0\n└── right v2.0"
    assert draw(DIAMOND, packages=["absent"]) == ""


def test_a_cycle_hangs_from_one_of_it_the_one_that_was_named() -> None:
    circle = {"a 1": "b", "b 1": "c", "c 1": "a | tail", "tail 1": ""}
    assert [branch.name for branch in grow(graph(circle), Shape())] == ["a"]
    assert [branch.name for branch in grow(graph(circle), Shape(packages=frozenset({"b"})))] == ["b"]  # type: ignore[arg-type]
    assert draw(circle, dedupe=False) == (
        "a v1\n└── b v1\n    └── c v1\n        ├── a v1 (*)\n        └── tail v1\n"
        "(*) Package tree is a cycle and cannot be shown"
    )
    assert draw({**circle, "z 1": "c"}).startswith("z v1\n└── c v1\n")


def test_two_cycles_one_above_the_other_have_one_root() -> None:
    installed = {"a 1": "b", "b 1": "a", "y 1": "z | a", "z 1": "y"}
    assert [branch.name for branch in grow(graph(installed), Shape())] == ["y"]


def test_what_needs_itself_is_a_root_all_the_same() -> None:
    assert draw({"a 1": "a[x] | b", "b 1": ""}).splitlines()[:2] == ["a v1", "├── a v1 (*)"]


def test_a_branch_is_a_json_document() -> None:
    [root] = grow(graph({"a 1": "b>=1", "b 1": ""}), Shape())
    assert json.loads(json.dumps(root.to_json()))["branches"] == [
        {"name": "b", "version": "1", "required": ">=1", "repeated": False, "branches": []}
    ]
    assert root == Branch("a", "1", "", False, (Branch("b", "1", ">=1", False),))  # type: ignore[arg-type]


# --- METADATA ---------------------------------------------------------------------------------------------------------

METADATA = """\
Metadata-Version: 2.1
Name: x
Version: 1.0
Summary: one
Summary: two
License: Apache License
        Version 2.0
Keywords: a,b
Classifier: C1
Classifier: C2
Project-URL: Home Page, https://host.invalid
Project-URL: Docs, https://docs.invalid
Nonsense: y

The text.
"""


def test_metadata_is_read_field_by_field_whatever_is_wrong_with_one() -> None:
    document = parse_metadata(METADATA)
    assert (document["name"], document["summary"], document["keywords"]) == ("x", "one", ["a", "b"])
    assert document["classifier"] == ["C1", "C2"]
    assert document["project_url"] == ["Home Page, https://host.invalid", "Docs, https://docs.invalid"]
    assert document["description"] == "The text.\n"
    assert "nonsense" not in document
    assert one_line(document, "license") == "Apache License ..."
    assert find_home_page(document) == "https://host.invalid"
    assert find_home_page({**document, "home_page": "https://home.invalid"}) == "https://home.invalid"
    assert (parse_metadata(""), parse_metadata("Name: \ud800\n")) == ({}, {})
    parts = "Name: x\nContent-Type: multipart/mixed; boundary=y\n\n--y\n\nhello\n--y--\n"
    assert parse_metadata(parts) == {"name": "x"}
    assert parse_metadata("Project-URL: a, b\nProject-URL: a, c\n") == {"project_url": ["a, b", "a, c"]}


# --- direct_url.json --------------------------------------------------------------------------------------------------

TREE = {"url": "file:///work/my%20project", "dir_info": {"editable": True}}
CASES = [
    (TREE, "/work/my project", "-e file:///work/my%20project"),
    ({**TREE, "url": "file://host.invalid/x"}, "file://host.invalid/x", "-e file://host.invalid/x"),
    ({**TREE, "dir_info": {}}, "", "x @ file:///work/my%20project"),
    (
        {"url": "https://host.invalid/x.whl", "archive_info": {"hash": "sha256=ab", "hashes": {"sha256": "ab"}}},
        "",
        "x @ https://host.invalid/x.whl#sha256=ab",
    ),
    (
        {"url": "https://host.invalid/x.git", "vcs_info": {"vcs": "git", "commit_id": "ab"}, "subdirectory": "s"},
        "",
        "x @ git+https://host.invalid/x.git@ab#subdirectory=s",
    ),
    ({"url": "https://host.invalid/x.whl"}, "", ""),
    ([], "", ""),
]


@pytest.mark.parametrize(("document", "project", "reference"), CASES)
def test_direct_url_says_where_it_came_from(document: object, project: str, reference: str) -> None:
    text = json.dumps(document)
    assert (find_project(text), format_reference("x", text)) == (project, reference)


@pytest.mark.parametrize(
    "text", [None, "", "{", "[" * 100_000, '{"url": 1, "dir_info": {}}', '{"dir_info": {"editable": true}}']
)
def test_what_is_no_direct_url_says_nothing(text: str | None) -> None:
    assert (find_project(text), format_reference("x", text)) == ("", "")


# --- who shadows whom -------------------------------------------------------------------------------------------------


def test_shadows_are_told_of_both_and_equal_bytes_are_none(tmp_path: Path) -> None:
    choices: dict[str, Any] = {"target": tmp_path / "target", "cache_dir": tmp_path / "cache"}
    contents = {"jwt": "1\n", "pyjwt": "22\n", "twin": "22\n"}
    wheels = [
        make_wheel(tmp_path, name, "1.0", {"jwt/__init__.py": text, "jwt/same.py": "", f"jwt/{name}.py": ""})
        for name, text in contents.items()
    ]
    lugnut.install(wheels, **choices)
    shown = lugnut.show(["pyjwt", "JWT", "twin", "absent"], **choices)
    assert shown.missing == ("absent",)
    assert [(one.name, one.shadowed, one.shadows, one.overlay) for one in shown.distributions] == [
        ("pyjwt", (), (), 0),
        ("jwt", (Shadow("jwt/__init__.py", "twin"),), (), 0),
        ("twin", (), (Shadow("jwt/__init__.py", "jwt"),), 0),
    ]
    lugnut.install([], overlay=["jwt"], **choices)
    [jwt] = lugnut.show(["jwt"], **choices).distributions
    assert (jwt.shadowed, jwt.overlay) == ((), 1)
    assert jwt.shadows == (Shadow("jwt/__init__.py", "pyjwt"), Shadow("jwt/__init__.py", "twin"))
