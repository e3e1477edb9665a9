"""What another host does to a run on a file system that both share: names made anew, and locks that are lost."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

if sys.platform == "win32":
    pytest.skip("handles of directories are POSIX's", allow_module_level=True)

from children import wait_for
from lugnut.check import find_all
from lugnut.errors import CannotWrite, EnvironmentLockLost, LockLost, LockLostLate
from lugnut.events import Committed, WheelPlaced
from lugnut.system import _posix_remote, files, locks, workers
from lugnut.transaction import journal
from lugnut.transaction import place as placing
from lugnut.transaction.commit import finish
from lugnut.transaction.hold import Names
from lugnut.transaction.lost import withdraw
from lugnut.transaction.settle import Settler
from oracle import check_environment
from places import Cut, Place, apart, cut, hold, open_site, place, transactions
from stepcases import install, uninstall
from stepper import CHECK, differ

__all__ = ["place"]
site_of = contextlib.contextmanager(open_site)
ENOUGH = 20
"""Rounds after which one that should have left is thought never to leave."""


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file system is one that other hosts change."""
    monkeypatch.setattr(_posix_remote, "is_remote", lambda _: True)
    monkeypatch.setattr(_posix_remote, "_late", set())


@pytest.mark.usefixtures("late")
def test_where_names_lag_each_is_asked_for_anew_and_nothing_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "f").write_bytes(b"x")
    asked: list[str] = []
    plain = os.link

    def watch(source: str, name: str, **options: Any) -> None:
        asked.append(name)
        plain(source, name, **options)

    with files.open_root(str(tmp_path)) as root:
        assert files.lists_late(root)
    with files.open_root(str(tmp_path)) as root:
        monkeypatch.setattr(os, "link", watch)
        with files.enter(root, "d") as inner:
            assert inner.late
            assert files.read(inner, "f") == b"x"
        assert files.look(root, "d/none") is None
    assert asked == ["d", "f", "d", "d/none"]
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == ["d", "d/f"]


def test_elsewhere_nothing_is_asked_for_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "link", None)
    (tmp_path / "d").mkdir()
    with files.open_root(str(tmp_path)) as root, files.enter(root, "d") as inner:
        assert not inner.late


def test_a_lock_file_that_another_host_makes_as_we_make_it_is_the_one_that_is_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = os.open

    def race(path: str, flags: int, *words: Any, **options: Any) -> int:
        if path == "x.lock" and flags & os.O_CREAT and not (tmp_path / path).exists():
            (tmp_path / path).write_bytes(b"theirs")
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)  # FUSE says so without O_EXCL too
        return plain(path, flags, *words, **options)

    tmp_path.chmod(0o755)
    monkeypatch.setattr(os, "open", race)
    with files.open_root(str(tmp_path)) as root:
        os.close(files.open_lock(root, "x.lock", create=True))
    assert (tmp_path / "x.lock").read_bytes() == b"theirs"


def test_a_directory_that_is_stale_was_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stale(*_words: Any, **_options: Any) -> int:
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    with files.open_root(str(tmp_path)) as root:
        monkeypatch.setattr(os, "mkdir", stale)
        monkeypatch.setattr(os, "open", stale)
        with pytest.raises(FileNotFoundError):
            files.mkdir(root, "d")
        with pytest.raises(FileNotFoundError):
            files.write(root, "f", b"")


def take_over(place: Place, name: str) -> None:
    """Do what another host does that holds the lock of a name now and has undone and closed the transaction on it."""
    home = os.path.join(place.site, ".lugnut")
    with open(os.path.join(home, f"locks/{name}.lock"), "r+b") as file:
        file.write(b"99 ")
    for identity in transactions(place):
        closed = os.path.join(place.root, identity)
        os.rename(os.path.join(home, "transactions", identity), closed)
        shutil.rmtree(closed, ignore_errors=True)  # what other workers write meanwhile


def test_who_has_to_be_alone_and_lost_that_finds_that_another_change_came_since(place: Place) -> None:
    patience = locks.Patience(0)
    with site_of(place) as site:
        alone, other = Names(site.home), Names(site.home)
        with contextlib.closing(alone), contextlib.closing(other):
            alone.enter(patience, "sync", alone=True)
            for lost in alone._alone:
                fcntl.flock(lost._descriptor, fcntl.LOCK_UN)
            alone.check()  # it cannot know yet
            other.enter(patience, "install", alone=False)
            with pytest.raises(LockLost, match=r"_changes\.lock"):
                alone.check()


def test_what_was_placed_after_another_host_undid_a_run_is_withdrawn_and_said(place: Place) -> None:
    place.act(install(place.wheel("other", "1", {"other.py": ""})))
    before = place.snapshot()
    low = place.wheel("low", "1", {"low.py": "", "s/a.py": "A = 1\n"})

    def report(event: object) -> None:
        if isinstance(event, WheelPlaced):  # all of it stands there
            take_over(place, "low")

    with pytest.raises(LockLost):
        place.act(install(low, report=report))
    assert differ(before, place.snapshot()) == []
    assert transactions(place) == []


@pytest.mark.parametrize("failing", [False, True])
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_users_file_and_directories_that_a_worker_met_are_known_though_its_notes_are_gone(
    place: Place, monkeypatch: pytest.MonkeyPatch, jobs: int, *, failing: bool
) -> None:
    place.act(install(place.wheel("other", "1", {"other.py": ""})))
    os.mkdir(os.path.join(place.site, "s"))
    low = place.wheel("low", "1", {"low.py": "", "s/t/a.py": "A = 1\n"})
    mid = place.wheel("mid", "1", {"mid.py": ""})
    link, stage = placing._Hand._link_library, placing._Hand._stage_info

    def meet(self: placing._Hand, directory: str, start: int, end: int) -> list[int]:
        if (self._action.name, directory) == ("low", ""):
            place.write("low.py", "")  # a user's own, written after the survey
            os.rmdir(os.path.join(place.site, "s"))  # another's, that goes
        return link(self, directory, start, end)

    def be_stopped(self: placing._Hand) -> None:
        if failing and self._action.name == "low":
            take_over(place, "low")
        stage(self)

    def report(event: object) -> None:
        if isinstance(event, WheelPlaced) and event.name == "low":
            take_over(place, "low")

    monkeypatch.setattr(placing._Hand, "_link_library", meet)
    monkeypatch.setattr(placing._Hand, "_stage_info", be_stopped)

    def run() -> None:
        with pytest.raises(LockLost):
            place.act(install(low, mid, report=report, jobs=jobs))

    apart(run)
    assert sorted(set(os.listdir(place.site)) - {".lugnut"}) == ["low.py", "other-1.dist-info", "other.py"]
    assert transactions(place) == []


def test_what_a_worker_met_is_known_though_another_one_finds_first_that_the_run_is_lost(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One is called off where it stands then; what it had noted went with the transaction, and is told all the same."""
    place.act(install(place.wheel("other", "1", {"other.py": ""})))
    os.mkdir(os.path.join(place.site, "s"))
    low = place.wheel("low", "1", {"low.py": ""})
    mid = place.wheel("mid", "1", {"mid.py": "", "s/t/a.py": "A = 1\n"})
    link, met = placing._Hand._link_library, os.path.join(place.root, "met")

    def meet(self: placing._Hand, directory: str, start: int, end: int) -> list[int]:
        if (self._action.name, directory) == ("mid", ""):
            place.write("mid.py", "")  # a user's own, written after the survey
            os.rmdir(os.path.join(place.site, "s"))  # another's, that goes
        return link(self, directory, start, end)

    def be_stopped(self: placing._Hand) -> None:
        if self._action.name == "mid":
            os.mkdir(met)
            while True:  # until it is called off
                workers.look_now()
        wait_for(lambda: os.path.exists(met))
        take_over(place, "low")
        raise journal.Vanished

    monkeypatch.setattr(placing._Hand, "_link_library", meet)
    monkeypatch.setattr(placing._Hand, "_stage_info", be_stopped)

    def run() -> None:
        with pytest.raises(LockLost):
            place.act(install(low, mid, jobs=2))

    apart(run)
    assert sorted(set(os.listdir(place.site)) - {".lugnut"}) == ["mid.py", "other-1.dist-info", "other.py"]
    assert transactions(place) == []


def test_a_run_that_fails_because_its_locks_were_lost_says_that(place: Place) -> None:
    low = place.wheel("low", "1", {"low.py": ""})

    def report(event: object) -> None:
        if isinstance(event, WheelPlaced):
            take_over(place, "low")
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), "transactions/0/staged")

    with pytest.raises(LockLost):
        place.act(install(low, report=report))


@pytest.fixture
def lose_locks(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Have a run's host cut off, so that all the locks it has taken until then are free."""
    held: list[Names | locks.Held] = []
    take, publish = Names.take, journal.publish

    def watch_names(self: Names, *words: Any) -> Names:
        held.append(take(self, *words))
        return self

    def watch_transactions(*words: Any, **options: Any) -> journal.Transaction:
        transaction = publish(*words, **options)
        held.append(transaction.lock)
        return transaction

    def lose() -> None:
        while held:
            held.pop().close()

    monkeypatch.setattr(Names, "take", watch_names)
    monkeypatch.setattr(journal, "publish", watch_transactions)
    return lose


def test_what_cannot_be_withdrawn_while_another_host_holds_the_names_goes_with_the_next_command(
    place: Place, lose_locks: Callable[[], None]
) -> None:
    place.act(install(place.wheel("other", "1", {"other.py": ""})))
    before = place.snapshot()
    low = place.wheel("low", "1", {"low.py": "", "s/a.py": "A = 1\n"})
    theirs: list[locks.Held] = []

    def report(event: object) -> None:
        if isinstance(event, WheelPlaced):
            take_over(place, "low")
            lose_locks()
            theirs.append(hold(place, "locks/low.lock"))

    with pytest.raises(LockLost):
        place.act(install(low, report=report, lock_timeout=0))
    (identity,) = transactions(place)
    assert os.path.exists(os.path.join(place.site, ".lugnut/transactions", identity, "aborted"))
    theirs.pop().close()
    place.act(install(place.wheel("low", "2", {"low.py": "X = 2\n"})))
    place.act(uninstall("low"))
    assert differ(before, place.snapshot()) == []


@pytest.mark.parametrize("granted", ["nobody", "another"])
def test_who_has_lost_the_environments_lock_takes_no_name_from_its_holder(place: Place, granted: str) -> None:
    place.act(install(place.wheel("other", "1", {"other.py": ""})))
    before = place.snapshot()
    cut(place, install(place.wheel("low", "1", {"low.py": ""})), "link", "low.py")
    (identity,) = transactions(place)

    def guard() -> None:
        if granted == "another":
            raise EnvironmentLockLost(path="x", reason="it was granted to another run meanwhile")

    with site_of(place) as site:
        zombie = journal.Transaction(
            site.home, identity, journal.read_plan(site.home, identity), hold(place, f"transactions/{identity}/lock")
        )
        zombie.lock.close()
        take_over(place, "low")
        site.guard = guard
        with contextlib.suppress(EnvironmentLockLost):
            withdraw(site, zombie)
    with open(os.path.join(place.site, ".lugnut/locks/low.lock"), "rb") as file:
        assert file.read(3).strip() == (b"99" if granted == "another" else b"100")
    assert len(transactions(place)) == (granted == "another")
    place.act(CHECK)
    assert differ(before, place.snapshot()) == []


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_worker_that_comes_back_after_its_run_was_undone_leaves_the_stripe(
    place: Place, monkeypatch: pytest.MonkeyPatch, lose_locks: Callable[[], None], version: str
) -> None:
    low = place.wheel("low", "1", {"s/a.py": "A = 1\n", "low.py": ""})
    theirs = place.wheel("low", version, {"s/a.py": f"A = {version}\n", "low.py": ""})
    link, meet, rounds, acted = placing._Hand._link_library, placing._Hand._meet_once, list[str](), list[str]()

    def be_stopped(self: placing._Hand, directory: str, start: int, end: int) -> list[int]:
        if not acted:
            acted.append(directory)
            lose_locks()
            place.act(install(theirs))  # another host undoes this run first
        return link(self, directory, start, end)

    def count(self: placing._Hand, directory: str, *words: Any) -> None:
        rounds.append(directory)
        if len(rounds) > ENOUGH:
            raise Cut
        meet(self, directory, *words)

    monkeypatch.setattr(placing._Hand, "_link_library", be_stopped)
    monkeypatch.setattr(placing._Hand, "_meet_once", count)
    with pytest.raises(LockLost):
        place.act(install(low))
    assert len(rounds) == 1
    assert check_environment(place.site) == []
    assert transactions(place) == []
    assert Path(place.site, "s/a.py").read_text() == f"A = {version}\n"


def test_a_worker_that_is_called_off_leaves_the_stripe(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.act(install(place.wheel("top", "1", {"a.py": "A = 1\n"})))
    rounds = list[str]()

    def be_late(_self: placing._Hand, directory: str, *_words: Any) -> None:
        rounds.append(directory)
        if len(rounds) > ENOUGH:
            raise Cut
        raise FileExistsError

    def cancelled() -> None:
        if rounds:
            raise KeyboardInterrupt

    monkeypatch.setattr(placing._Hand, "_meet_once", be_late)
    with pytest.raises(KeyboardInterrupt):
        place.act(install(place.wheel("low", "1", {"a.py": "A = 2\n"}), cancelled=cancelled))
    assert len(rounds) == 1


def test_who_comes_back_as_it_settles_after_its_transaction_was_closed_leaves_the_stripe(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    low = place.wheel("low", "1", {"low.py": ""})
    cut(place, install(low), "replace", "/committed")
    (identity,) = transactions(place)
    rounds = list[Settler]()

    def be_stopped(self: Settler, *_words: Any, **_options: Any) -> None:
        rounds.append(self)
        if len(rounds) > ENOUGH:
            raise Cut
        take_over(place, "low")
        raise journal.Vanished  # as where a copy was to be made in the transaction's own place

    with site_of(place) as site:
        plan = journal.read_plan(site.home, identity)
        lock = hold(place, f"transactions/{identity}/lock")
        settler = Settler(site, journal.Transaction(site.home, identity, plan, lock))
        lock.close()
        monkeypatch.setattr(Settler, "_settle_once", be_stopped)
        with pytest.raises(journal.Vanished):
            settler.settle(["low.py"])
    assert len(rounds) == 1


@pytest.mark.usefixtures("late")
def test_locks_lost_after_the_commit_are_said(place: Place) -> None:
    low = place.wheel("low", "1", {"low.py": ""})

    def report(event: object) -> None:
        if isinstance(event, Committed):
            with open(os.path.join(place.site, ".lugnut/locks/low.lock"), "r+b") as file:
                file.write(b"99 ")

    with pytest.raises(LockLostLate):
        place.act(install(low, report=report))
    assert check_environment(place.site) == []
    assert transactions(place) == []


@pytest.mark.usefixtures("late")
def test_what_another_host_has_just_kept_is_asked_for_anew_by_check(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    low, top = (place.wheel(name, "1", {"s/a.py": f"A = {name!r}\n"}) for name in ("low", "top"))
    place.act(install(low, top))
    monkeypatch.setattr(_posix_remote, "_late", set())  # as in a process that has done nothing else
    asked: list[str] = []
    plain = os.link

    def watch(source: str, name: str, **options: Any) -> None:
        asked.append(name)
        plain(source, name, **options)

    monkeypatch.setattr(os, "link", watch)
    before = place.snapshot()
    assert find_all(place.environment) == ()
    assert "kept/low" in asked
    assert {"s", "s/a.py"} <= set(asked) or {"s", "a.py"} <= set(asked)
    monkeypatch.undo()
    assert differ(before, place.snapshot()) == []


def refuse_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no lock file's words be read any more."""
    plain = files.read

    def read(directory: files.Directory, name: str, *words: Any) -> bytes:
        if name.endswith(".lock"):
            raise OSError(errno.EIO, os.strerror(errno.EIO), name)
        return plain(directory, name, *words)

    monkeypatch.setattr(files, "read", read)


@pytest.mark.usefixtures("late")
def test_locks_that_cannot_be_read_after_the_commit_are_not_said_to_be_lost(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def report(event: object) -> None:
        if isinstance(event, Committed):
            refuse_words(monkeypatch)

    place.act(install(place.wheel("low", "1", {"low.py": ""}), report=report))
    assert check_environment(place.site) == []


def test_a_run_that_fails_where_its_locks_cannot_be_read_says_what_failed(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def report(event: object) -> None:
        if isinstance(event, WheelPlaced):
            refuse_words(monkeypatch)
            raise OSError(errno.EIO, os.strerror(errno.EIO), "low.py")

    with pytest.raises(CannotWrite, match=r"low\.py"):
        place.act(install(place.wheel("low", "1", {"low.py": ""}), report=report))


def test_a_run_that_is_called_off_for_the_environments_lock_says_that(place: Place) -> None:
    def report(event: object) -> None:
        if isinstance(event, WheelPlaced):
            take_over(place, "low")
            raise EnvironmentLockLost(path="x", reason="it was granted to another run meanwhile")

    with pytest.raises(EnvironmentLockLost):
        place.act(install(place.wheel("low", "1", {"low.py": ""}), report=report))


def test_who_comes_back_after_its_removal_was_finished_hides_nothing_installed_since(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    low = place.wheel("low", "1", {"low.py": ""})
    place.act(install(low))
    cut(place, uninstall("low"), "replace", "/committed")
    (identity,) = transactions(place)
    plain, met = files.enter_path, list[str]()

    def be_stopped(parent: files.Directory, path: str, **options: Any) -> files.Directory:
        if path.startswith(f"transactions/{identity}") and not met:
            met.append(path)
            place.act(CHECK)  # another host finishes it
            place.act(install(low))
        return plain(parent, path, **options)

    with site_of(place) as site:
        plan = journal.read_plan(site.home, identity)
        zombie = journal.Transaction(site.home, identity, plan, hold(place, f"transactions/{identity}/lock"))
        zombie.lock.close()  # its host is cut off
        monkeypatch.setattr(files, "enter_path", be_stopped)
        with pytest.raises(journal.Vanished):
            finish(site, zombie)
    assert met
    assert check_environment(place.site) == []
    assert os.path.exists(os.path.join(place.site, "low.py"))
