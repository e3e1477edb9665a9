"""What another host has kept, where this one remembers that it was not there (TRAPS 26)."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from typing import Any

import pytest

if sys.platform == "win32":
    pytest.skip("handles of directories are POSIX's", allow_module_level=True)

from lagging import Lagging
from lugnut.distribution import Name
from lugnut.errors import LugnutError
from lugnut.events import WheelPlaced
from lugnut.plan import Plan
from lugnut.system import _posix_remote, files
from lugnut.transaction import journal
from lugnut.transaction import place as placing
from lugnut.transaction.recover import recover_named
from lugnut.transaction.site import pass_stripes
from oracle import check_environment
from places import Cut, Place, apart, cut, open_site, place, transactions
from stepcases import install, uninstall

__all__ = ["place"]


@pytest.fixture
def lagging(monkeypatch: pytest.MonkeyPatch) -> Lagging:
    monkeypatch.setattr(_posix_remote, "is_remote", lambda _: True)
    monkeypatch.setattr(_posix_remote, "_late", set())
    return Lagging(monkeypatch)


def make_rivals(place: Place) -> tuple[str, str]:
    """Two that share a path with different bytes and one with equal bytes, where the second one wins."""
    shared = {"s/eq.py": "E = 1\n"}
    low = place.wheel("low", "1", {"s/a.py": "A = 'low'\n", **shared})
    return low, place.wheel("top", "1", {"s/a.py": "A = 'top'\n", **shared})


def find_nothing_kept(place: Place) -> None:
    """Look, as an earlier command of this host did: it remembers from now on that nothing is kept."""
    with files.open_root(place.site) as root:
        assert files.look(root, ".lugnut/kept") is None


def read(place: Place, path: str) -> str:
    with open(os.path.join(place.site, path), encoding="utf-8") as file:
        return file.read()


def test_the_host_remembers_what_it_did_not_find_until_it_changes_something(place: Place, lagging: Lagging) -> None:
    with files.open_root(place.site) as root:
        assert (files.look(root, "x"), files.list_names(root)) == (None, [])
        with lagging.elsewhere():
            files.write(root, "x", b"")
        assert (files.look(root, "x"), files.list_names(root)) == (None, [])
        files.refresh(root)
        assert (files.look(root, "x") is not None, files.list_names(root)) == (True, ["x"])


def test_what_another_host_has_just_kept_is_shown_when_the_winner_goes(place: Place, lagging: Lagging) -> None:
    low, top = make_rivals(place)
    place.act(install(low, *(place.wheel(name, "1", {"o.py": name}) for name in ("other", "others"))))
    with files.open_root(os.path.join(place.site, ".lugnut/kept")) as kept:
        assert files.look(kept, "low") is None
    with lagging.elsewhere():
        place.act(install(top))
    place.act(uninstall("top"))
    assert read(place, "s/a.py") == "A = 'low'\n"
    assert check_environment(place.site) == []


def test_what_another_host_has_just_installed_is_seen_by_the_first_look(place: Place, lagging: Lagging) -> None:
    low, top = make_rivals(place)
    place.act(install(low))
    with files.open_root(place.site) as root:
        assert len(files.list_names(root)) == 3
    with lagging.elsewhere():
        place.act(install(top))
    assert [change.name for change in place.act(uninstall("top")).changes] == ["top"]
    assert check_environment(place.site) == []


@pytest.mark.parametrize("listed", [False, True])
def test_what_a_dead_host_had_kept_for_after_its_commit_is_shown_by_who_finishes_it(
    place: Place, lagging: Lagging, *, listed: bool
) -> None:
    low, top = make_rivals(place)
    place.act(install(low))
    if listed:  # what is remembered is a listing of the very directory
        os.makedirs(os.path.join(place.site, ".lugnut/kept/top"))
        with files.open_root(os.path.join(place.site, ".lugnut/kept/top")) as kept:
            assert files.list_names(kept) == []
    else:
        find_nothing_kept(place)
    with lagging.elsewhere():
        cut(place, install(top), "replace", "/committed")
    with contextlib.contextmanager(open_site)(place) as site:
        recover_named(site, [Name("top")], "{}")
    assert transactions(place) == []
    assert read(place, "s/a.py") == "A = 'top'\n"
    assert check_environment(place.site) == []


def test_what_another_host_leaves_to_an_open_run_as_it_goes_is_withdrawn_with_that(
    place: Place, lagging: Lagging, monkeypatch: pytest.MonkeyPatch
) -> None:
    low, top = make_rivals(place)
    place.act(install(low))
    meet, met = placing._Hand._meet, []

    def remove_low(self: placing._Hand, *words: Any) -> None:
        if not met:
            met.append(self)
            find_nothing_kept(place)
            with lagging.elsewhere():
                place.act(uninstall("low"))
        meet(self, *words)

    def report(event: object) -> None:
        if isinstance(event, WheelPlaced):
            raise OSError(errno.EIO, os.strerror(errno.EIO), "x")

    monkeypatch.setattr(placing._Hand, "_meet", remove_low)

    def run() -> None:
        with pytest.raises(LugnutError):
            place.act(install(top, report=report))

    apart(run)
    assert os.listdir(place.site) == [".lugnut"]


def test_nobody_remembers_that_nothing_was_noted_in_a_transaction(place: Place, lagging: Lagging) -> None:
    with contextlib.contextmanager(open_site)(place) as site:
        assert site.lists_late()
        transaction = journal.publish(site.home, Plan((), (), (), ()), "{}", durable=False)
        with transaction.lock, transaction.lend_place() as own:
            for noted in ("made", "adopted"):
                assert transaction.notes(noted) == set()
                with lagging.elsewhere():
                    files.append(own, noted, b"x\n")
                assert transaction.notes(noted) == {"x"}


def test_a_stripe_that_another_host_has_made_meanwhile_is_waited_for(place: Place, lagging: Lagging) -> None:
    def be_called_off() -> None:
        raise Cut

    with contextlib.contextmanager(open_site)(place) as site:
        pass_stripes(site)  # none is there, which this host remembers
        with lagging.elsewhere():
            held = site.hold_stripe("s")
        site.patience = site.patience._replace(cancelled=be_called_off)
        with held, pytest.raises(Cut):
            pass_stripes(site)


def test_a_directory_that_another_host_has_made_again_is_not_remembered_as_gone(place: Place, lagging: Lagging) -> None:
    other, top = (place.wheel(name, "1", {path: ""}) for name, path in (("other", "n/o.py"), ("top", "n/m/s/t.py")))
    place.act(install(other))
    with files.open_root(os.path.join(place.site, "n")) as root:
        assert files.look(root, "m") is None
    with lagging.elsewhere():
        place.act(install(top))
    place.act(uninstall("top"))
    assert os.listdir(os.path.join(place.site, "n")) == ["o.py"]
