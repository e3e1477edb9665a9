"""What is installed beside what a lock asks for: by version and wheel, and by origin for what was named directly."""

from __future__ import annotations

import json

import pytest

from lugnut.distribution import Name, State, WheelHash
from lugnut.installed import Installed
from lugnut.links import Link
from lugnut.sources.direct_urls import Direct, format_direct_url, same_origin
from lugnut.sources.locked import Supply
from lugnut.supply.standing import stands

A, B, C = "a" * 64, "b" * 64, "c" * 64
WHEEL = Supply(
    Name("x"), "1", Link("https://host/x-1-py3-none-any.whl", "x-1-py3-none-any.whl"), wheels=frozenset((A, B))
)
SDIST = WHEEL._replace(link=Link("https://host/x-1.tar.gz", "x-1.tar.gz"))
ZIP = Direct("https://host/x-1.zip", A)
ARCHIVE = Supply(Name("x"), "1", Link("https://host/x-1.zip", "x-1.zip", (("sha256", A),)), direct=True)
C0 = Direct("https://host/x", commit=("git", "c0", ""))
COMMIT = Supply(Name("x"), "", repository=("git", "https://host/x", "c0", "main"), direct=True)
TREE = Supply(Name("x"), "", tree="/x", direct=True)


def installed(wheel: str | None, version: str = "1", direct: Direct | None = None) -> Installed:
    state = None if wheel is None else State(WheelHash(wheel), 0, None)
    url = None if direct is None else format_direct_url(direct)
    return Installed(Name("x"), "x", version, "purelib", "x-1.dist-info", (), "lugnut", True, state, url, False)


@pytest.mark.parametrize(
    ("supply", "one", "expected"),
    [
        (WHEEL, installed(A), True),
        (WHEEL, installed(B), True),  # another wheel of the same version that the lock has
        (WHEEL, installed(C), False),
        (WHEEL, installed(None), True),  # another installer's: its wheel is not known
        (WHEEL, installed(A, "2"), False),
        (WHEEL, installed(A, direct=Direct("/x.whl", A)), False),  # the lock says it comes from an index
        (SDIST, installed(C), True),  # built: by which wheel nobody can say beforehand
        (SDIST, installed(C, "2"), False),
        (ARCHIVE, installed(C, direct=ZIP), True),
        (ARCHIVE, installed(C, direct=Direct("https://host/x-1.zip", B)), False),
        (ARCHIVE, installed(C, direct=Direct("https://other/x-1.zip", A)), False),
        (ARCHIVE, installed(A), False),
        (
            ARCHIVE._replace(link=Link("https://host/x-1.zip", "x-1.zip")),
            installed(C, direct=ZIP),
            False,
        ),
        (COMMIT, installed(C, direct=C0), True),
        (COMMIT, installed(C, direct=Direct("https://host/x", commit=("git", "c1", "main"))), False),
        (
            COMMIT._replace(subdirectory="s"),
            installed(C, direct=C0),
            False,
        ),
        (TREE, installed(C, direct=Direct("/x")), False),  # it may have changed since
        (TREE._replace(editable=True), installed(C, direct=Direct("/x", editable=True)), False),
    ],
)
def test_what_stands_needs_nothing(supply: Supply, one: Installed, expected: bool) -> None:
    assert stands(supply, [one]) is expected


def test_none_or_two_or_one_of_unknown_files_is_not_what_was_asked_for() -> None:
    assert not stands(WHEEL, [])
    assert not stands(WHEEL, [installed(A), installed(A)])
    assert not stands(WHEEL, [installed(A)._replace(rows=None)])
    assert not stands(WHEEL, [installed(A)._replace(legacy=True)])


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"url": "u"}', '{"url": "u", "archive_info": {}}'])
def test_an_origin_that_cannot_be_read_is_no_origin(text: str) -> None:
    assert not same_origin(text, text)


def test_the_older_spelling_of_a_hash_is_understood() -> None:
    old = json.dumps({"url": "https://host/x-1.zip", "archive_info": {"hash": f"sha256={A}"}})
    assert same_origin(old, format_direct_url(Direct("https://host/x-1.zip", A)))
