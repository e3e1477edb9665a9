"""A dry run says what would be done and does nothing, whoever else is at work."""

from __future__ import annotations

from pathlib import Path

import pytest

import lugnut
from lugnut import library
from lugnut.distribution import Name
from lugnut.errors import ConflictRefused
from lugnut.events import Changed, Conflict
from lugnut.interpreter.asking import find_environment
from lugnut.plan import Old, Plan, make_removal
from lugnut.transaction import journal
from trees import read_tree
from wheels import make_wheel


def test_a_dry_run_changes_nothing_while_another_run_changes_the_same_distribution(tmp_path: Path) -> None:
    target, cache = str(tmp_path / "target"), str(tmp_path / "cache")
    lugnut.install([make_wheel(tmp_path, "x")], target=target, cache_dir=cache)
    before = read_tree(target)
    home = journal.open_home(find_environment(library.make_target({"target": target})), create=False)
    assert home is not None
    leaving = make_removal(Name("x"), (Old("purelib", "x-1.0.dist-info", "1.0", (), ()),), 0)
    with home, journal.publish(home, Plan((leaving,), (), (), ()), "{}", durable=False).lock:
        report = lugnut.install(
            [make_wheel(tmp_path, "x", "2.0")], target=target, cache_dir=cache, dry_run=True, lock_timeout=0
        )
    assert report.changes == (Changed("upgrade", "x", "1.0", "2.0"),)
    assert read_tree(target) == before


CLASH = [
    ("jwt", {"jwt/__init__.py": "1\n", "jwt/same.py": ""}),
    ("pyjwt", {"jwt/__init__.py": "22\n", "jwt/same.py": ""}),
]


def test_a_dry_run_tells_of_clashes_of_what_it_would_install_where_nothing_is_yet(tmp_path: Path) -> None:
    target = tmp_path / "target"
    wheels = [make_wheel(tmp_path, name, "1.0", files) for name, files in CLASH]
    choices = {"target": target, "cache_dir": tmp_path / "cache"}
    told = lugnut.install(wheels, dry_run=True, **choices)
    assert not target.exists()
    assert told.conflicts == (Conflict("jwt/__init__.py", "pyjwt", ("jwt",), False, "jwt"),)
    with pytest.raises(ConflictRefused):
        lugnut.install(wheels, dry_run=True, on_conflict="error", **choices)
    done = lugnut.install(wheels, **choices)
    assert (done.changes, done.conflicts) == (told.changes, told.conflicts)


def test_a_dry_run_tells_of_clashes_with_what_another_installer_has_put_there(tmp_path: Path) -> None:
    target = tmp_path / "target"
    (first, files), (second, others) = CLASH
    choices = {"target": target, "cache_dir": tmp_path / "cache"}
    lugnut.install([make_wheel(tmp_path, first, "1.0", files)], **choices)
    lugnut.recover(target=target, forget=True)
    before = read_tree(str(target))
    wheel = make_wheel(tmp_path, second, "1.0", others)
    told = lugnut.install([wheel], dry_run=True, overlay=["jwt"], **choices)
    assert [(one.path, one.winner, one.decided) for one in told.conflicts] == [("jwt/__init__.py", "jwt", True)]
    told = lugnut.install([wheel], dry_run=True, **choices)
    assert [(one.path, one.winner, one.decided) for one in told.conflicts] == [("jwt/__init__.py", "pyjwt", False)]
    assert read_tree(str(target)) == before
