"""A dry run says what would be done and does nothing, whoever else is at work."""

from __future__ import annotations

from pathlib import Path

import lugnut
from lugnut import library
from lugnut.distribution import Name
from lugnut.events import Changed
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
