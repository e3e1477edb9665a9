"""Transactions and their locks: who holds what in which order, what the dead leave, what recovery does with it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from lugnut.columns import File, Files
from lugnut.errors import BrokenTransaction, LockLost, LockTimeout
from lugnut.events import Recovered, WheelPlaced
from lugnut.store.entries import admit, open_store
from lugnut.system import files, locks, workers
from lugnut.system.portalocking import portalocker
from lugnut.transaction.bench import Terms
from lugnut.transaction.hold import Names
from lugnut.transaction.place import Placing
from lugnut.transaction.recover import recover_named
from lugnut.transaction.settle import Settler
from lugnut.transaction.transact import transact
from lugnut.wishes import Wish, Workshop, decide_removal
from oracle import check_environment
from places import Place, cut, hold, make_course, open_site, place, transactions, write_installed
from stepcases import install, sync, uninstall
from stepper import CHECK, PLAIN, differ

__all__ = ["place"]
site_of = contextlib.contextmanager(open_site)


def rivals(place: Place) -> tuple[str, str]:
    low = place.wheel("low", "1", {"s/a.py": "A = 'low'\n", "low.py": ""})
    return low, place.wheel("top", "1", {"s/a.py": "A = 'top'\n", "top.py": ""})


@pytest.fixture
def dead_open(place: Place) -> str:
    """top is installed, and a run that installs low beside it has died before its commit."""
    low, top = rivals(place)
    place.act(install(top))
    cut(place, install(low), "replace", "/committed", before=True)
    (identity,) = transactions(place)
    return identity


@pytest.fixture
def dead_committed(place: Place) -> str:
    """low is installed, and a run that installs top over it has died right after its commit."""
    low, top = rivals(place)
    place.act(install(low))
    cut(place, install(top), "replace", "/committed")
    (identity,) = transactions(place)
    return identity


def at_first_wait(monkeypatch: pytest.MonkeyPatch, deed: Any) -> list[float]:
    """Do something when a lock is waited for; gives the waits."""
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 1:
            deed()
        assert len(waits) < 1000, "it waits for ever"

    monkeypatch.setattr(locks.time, "sleep", sleep)
    return waits


# --- the order of locks -----------------------------------------------------------------------------------------------


class Watch:
    """Sees every flock that is taken and every descriptor that is closed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.held: dict[int, str] = {}
        self.taken: list[str] = []
        self.wrong: list[str] = []
        close = os.close

        def lock(descriptor: int, flags: int) -> None:
            fcntl.flock(descriptor, flags)
            self.take(descriptor, os.readlink(f"/proc/self/fd/{descriptor}"))

        def watched_close(descriptor: int) -> None:
            self.held.pop(descriptor, None)
            close(descriptor)

        monkeypatch.setattr(portalocker, "LOCKER", lock)
        monkeypatch.setattr(os, "close", watched_close)

    def take(self, descriptor: int, path: str) -> None:
        key = self.rank(path)
        if key is None:
            return
        self.wrong += [f"{path} while {other} is held" for other in self.held.values() if self.rank(other) >= key]  # type: ignore[operator]
        self.held[descriptor] = path
        self.taken.append(os.path.basename(path))

    def rank(self, path: str) -> tuple[int, str] | None:
        """Say where in the one order a lock stands; None for the store's."""
        name = os.path.basename(path)
        if "/.lugnut/" not in path:
            return (0, "") if name == ".lock" else None
        if "/transactions/" in path:
            return 4, ""
        if name in {"_sync.lock", "_changes.lock"}:
            return (1, "") if name == "_sync.lock" else (2, "")
        return (5, "") if name.startswith("path-") else (3, name)


def test_locks_are_taken_in_one_order_and_a_stripe_is_a_leaf(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.environment = place.environment._replace(uv_lock=os.path.join(place.env, ".lock"))
    low, top = rivals(place)
    more = place.wheel("aaa", "1", {"s/b/c.py": ""})
    watch = Watch(monkeypatch)
    place.act(install(top))
    place.act(install(low, more))
    place.act(install(overlay={"low": 1}))
    cut(place, uninstall("top", "aaa"), "replace", "/committed")
    place.act(CHECK)
    place.act(sync(low))
    assert watch.wrong == []
    assert watch.held == {}
    assert {"path", "aaa", "top", "lock", "_sync", "_changes", ""} <= {
        name.partition(".")[0].partition("-")[0] for name in watch.taken
    }


def test_names_are_taken_sorted_and_none_is_kept_where_one_is_not_to_be_had(place: Place) -> None:
    with site_of(place) as site:
        files.enter(site.home, "locks", create=True).close()
        with hold(place, "locks/b.lock"):
            with pytest.raises(LockTimeout):
                Names(site.home).take(["b", "a"], locks.Patience(0), "words")  # type: ignore[list-item]
            assert os.path.exists(os.path.join(site.home.path, "locks/a.lock"))
            hold(place, "locks/a.lock").close()


def test_lock_files_outlive_the_runs_that_hold_them(place: Place) -> None:
    low, _ = rivals(place)
    place.act(install(low))
    before = os.stat(os.path.join(place.site, ".lugnut/locks/low.lock")).st_ino
    place.act(uninstall("low"))
    assert os.stat(os.path.join(place.site, ".lugnut/locks/low.lock")).st_ino == before


def test_a_lock_that_somebody_else_took_meanwhile_undoes_the_run(place: Place) -> None:
    low, _ = rivals(place)
    place.act(install(low))
    place.act(uninstall("low"))
    before = place.snapshot()

    def report(event: object) -> None:
        if isinstance(event, WheelPlaced):  # on a file system that does not really lock
            with open(os.path.join(place.site, ".lugnut/locks/low.lock"), "r+b") as file:
                file.write(b"99 ")

    with pytest.raises(LockLost):
        place.act(install(low, report=report))
    assert differ(before, place.snapshot()) == []


def test_what_is_to_be_done_is_decided_from_what_is_installed_once_the_names_are_held(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.act(install(place.wheel("low", "1", {"low.py": "", "one.py": ""})))
    newer = place.wheel("low", "2", {"low.py": "", "two.py": ""})
    held = hold(place, "locks/low.lock")

    def upgrade_meanwhile() -> None:
        held.close()
        place.act(install(newer))

    at_first_wait(monkeypatch, upgrade_meanwhile)
    place.act(uninstall("low", lock_timeout=60))
    assert [name for name in os.listdir(place.site) if name != ".lugnut"] == []


# --- the dead come first ----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("dead_committed")
def test_a_run_that_finds_a_dead_one_on_its_names_releases_its_locks_and_recovers_it(place: Place) -> None:
    def decide() -> Any:
        return decide_removal(place.environment, ["low"], force=False)  # type: ignore[list-item]

    transact(place.environment, ["low", "top"], decide, make_course())  # type: ignore[list-item]
    assert transactions(place) == []
    assert check_environment(place.site) == []


def test_recovery_leaves_a_transaction_whose_names_are_held_alone_and_does_not_wait(
    place: Place, dead_open: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = at_first_wait(monkeypatch, lambda: None)
    with hold(place, "locks/low.lock"):
        report = place.act(CHECK._replace(options={"lock_timeout": 5}))
    assert (report.recovered, waits) == ((), [])
    assert transactions(place) == [dead_open]
    assert [one.outcome for one in place.act(CHECK).recovered] == ["undone"]


def test_a_transaction_whose_own_lock_is_held_is_alive(place: Place, dead_open: str) -> None:
    with hold(place, f"transactions/{dead_open}/lock"):
        assert place.act(CHECK._replace(options={"lock_timeout": 0})).recovered == ()
    assert [one.outcome for one in place.act(CHECK).recovered] == ["undone"]


@pytest.mark.usefixtures("dead_open")
def test_who_waited_for_another_recovery_looks_again_whether_there_is_anything_left(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = hold(place, "locks/low.lock")

    def recover_meanwhile() -> None:
        held.close()
        assert [one.outcome for one in place.act(CHECK).recovered] == ["undone"]

    with site_of(place, 60) as site:
        waits = at_first_wait(monkeypatch, recover_meanwhile)
        assert recover_named(site, ["low"], "words")  # type: ignore[list-item]
    assert len(waits) == 1
    assert check_environment(place.site) == []


def test_who_waited_looks_again_in_which_state_it_is(
    place: Place, dead_open: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = hold(place, "locks/low.lock")
    there = os.path.join(place.site, ".lugnut/transactions", dead_open)

    def commit_and_die() -> None:
        os.rename(f"{there}/open", f"{there}/committed")
        held.close()

    with site_of(place, 60) as site:
        at_first_wait(monkeypatch, commit_and_die)
        recover_named(site, ["low"], "words")  # type: ignore[list-item]
    assert os.path.exists(os.path.join(place.site, "low-1.dist-info/RECORD"))
    assert check_environment(place.site) == []


def test_recovery_waits_for_spawned_writers_after_it_has_told_new_ones_to_stay_away(
    place: Place, dead_open: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = os.path.join(place.site, ".lugnut/transactions", dead_open)
    writer = hold(place, f"transactions/{dead_open}/writer-1")

    def look() -> None:
        assert os.path.exists(f"{there}/aborted")
        assert os.path.exists(os.path.join(place.site, "low.py")), "nothing is withdrawn while somebody still writes"
        writer.close()

    with site_of(place, 60) as site:
        waits = at_first_wait(monkeypatch, look)
        recover_named(site, ["low"], "words")  # type: ignore[list-item]
    assert len(waits) == 1
    assert transactions(place) == []


def test_a_spawned_writer_stays_away_from_a_transaction_that_is_being_undone(place: Place, dead_open: str) -> None:
    store = open_store(place.cache)
    manifest = admit(store, place.wheel("low", "1", {"more.py": ""}, build="again"))
    rendered = Workshop(place.environment, store).render(Wish(manifest, requested=True, direct=None), 0)
    nothing: frozenset[str] = frozenset()
    terms = Terms(place.environment, store, dead_open, nothing, nothing, nothing, "auto", 0, spawned=True)
    there = os.path.join(place.site, ".lugnut/transactions", dead_open)
    os.rename(f"{there}/open", f"{there}/aborted")
    with pytest.raises(workers.Stopped):
        Placing(terms)(rendered, lambda _: None)
    assert not os.path.exists(os.path.join(place.site, "more.py"))


def test_a_spawned_worker_holds_a_lock_of_its_own(place: Place) -> None:
    low, top = rivals(place)
    more = place.wheel("more", "1", {"s/a.py": "A = 'more'\n", "more.py": ""})
    place.act(install(top))
    stripes = [hold(place, f"locks/path-{number:02x}.lock") for number in range(64)]
    free: list[bool] = []

    def cancelled() -> None:  # called while the workers wait for a stripe
        for identity in transactions(place):
            home = os.path.join(place.site, ".lugnut/transactions", identity)
            writers = [name for name in os.listdir(home) if name.startswith("writer-")]
            if not free and all(os.path.exists(os.path.join(place.site, name)) for name in ("low.py", "more.py")):
                with files.open_root(home) as directory:
                    free.extend(locks.try_hold(directory, name) is not None for name in writers)
                while stripes:
                    stripes.pop().close()

    place.act(install(low, more, start_method="spawn", jobs=2, cancelled=cancelled))
    assert free == [False, False]


# --- what cannot be read ----------------------------------------------------------------------------------------------


@pytest.fixture
def soon() -> Iterator[None]:
    """What reads again and again what will never be there has a minute."""

    def give_up(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("damage", ["torn", "wrong", "plan", "committed"])
def test_a_transaction_that_cannot_be_read_is_set_aside_and_reported_and_blocks_nobody(
    place: Place, dead_committed: str, damage: str
) -> None:
    there = os.path.join(place.site, ".lugnut/transactions", dead_committed)
    if damage in {"torn", "wrong"}:
        with open(f"{there}/plan", "r+b") as file:
            data = file.read()
            file.seek(0)
            file.write(data[:-9] if damage == "torn" else data.replace(b"top.py", b"tip.py"))
            file.truncate()
    else:
        os.unlink(f"{there}/{damage}")
    report = place.act(uninstall("low"))
    assert [one.outcome for one in report.recovered] == ["blocked"]
    assert [one.action for one in report.changes] == ["remove"]
    assert transactions(place) == []
    assert os.listdir(os.path.join(place.site, ".lugnut/altered", dead_committed)) == ["transaction"]


@pytest.mark.usefixtures("dead_committed")
def test_a_transaction_that_cannot_be_recovered_blocks_its_own_names_alone(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(source: str, target: str, **options: Any) -> None:
        if source.endswith("staged/top-1.dist-info"):
            raise PermissionError(1, "Operation not permitted", target)
        PLAIN["replace"](source, target, **options)

    monkeypatch.setattr(os, "replace", refuse)
    report = place.act(install(place.wheel("other", "1", {"other.py": ""})))
    assert [(one.outcome, one.names) for one in report.recovered] == [("blocked", ("top",))]
    assert os.path.exists(os.path.join(place.site, "other-1.dist-info"))
    with pytest.raises(BrokenTransaction):
        place.act(install(place.wheel("top", "2", {"top.py": ""})))


def test_a_builder_that_lives_is_not_swept_and_a_dead_one_is(place: Place) -> None:
    low, _ = rivals(place)
    place.act(install(low))
    new = os.path.join(place.site, ".lugnut/transactions/new-1")
    os.makedirs(new)
    with hold(place, "transactions/new-1/lock"):
        place.act(CHECK)
        assert os.path.isdir(new)
    place.act(CHECK)
    assert transactions(place) == []


# --- appearing and going ----------------------------------------------------------------------------------------------


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Log renames within `.lugnut` and what is written to disk, in order."""
    seen: list[str] = []

    def replace(source: str, target: str, **options: Any) -> None:
        PLAIN["replace"](source, target, **options)
        words = [word for word in ("new-", "old-", "/committed", ".dist-info") if word in source + target]
        seen.extend(words[:1])

    monkeypatch.setattr(os, "replace", replace)
    monkeypatch.setattr(files, "sync_volume", lambda opened: seen.append(f"volume of {os.path.basename(opened.path)}"))
    above = lambda path: os.path.basename(os.path.dirname(path))  # noqa: E731
    monkeypatch.setattr(files, "sync", lambda opened: seen.append(f"names in {above(opened.path)}"))
    return seen


def test_a_durable_run_writes_to_disk_in_the_order_of_the_protocol(place: Place, calls: list[str]) -> None:
    low, _ = rivals(place)
    place.act(install(low, durable=True))
    schemes = sorted(set(place.environment.schemes.values()))
    every = [f"volume of {os.path.basename(path)}" for path in schemes if os.path.isdir(path)]
    (plan, *rest) = calls
    assert plan.startswith("volume of new-")
    shown = ["/committed", "names in transactions", ".dist-info"]
    assert rest == ["new-", "names in .lugnut", *every, *shown, *every, "old-"]


def test_a_commit_whose_answer_was_lost_is_a_commit(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def replace(source: str, target: str, **options: Any) -> None:
        PLAIN["replace"](source, target, **options)
        if target.endswith("/committed"):  # a network file system sent it twice: TRAPS 26
            raise FileNotFoundError(2, "No such file or directory", source)

    monkeypatch.setattr(os, "replace", replace)
    low, _ = rivals(place)
    place.act(install(low))
    assert check_environment(place.site) == []


def test_what_was_recovered_is_said_once(place: Place, dead_open: str) -> None:
    assert place.act(CHECK).recovered == (Recovered(dead_open, "undone", ("low",)),)
    assert place.act(CHECK).recovered == ()


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count how often files in columns are taken apart, into the last number."""
    plain = Files.__iter__
    counts = [0]

    def count(files: Files) -> Iterator[File]:
        counts[-1] += 1
        return plain(files)

    monkeypatch.setattr(Files, "__iter__", count)
    return counts


@pytest.mark.parametrize("standing", ["equal", "another's"])
def test_a_wheel_is_taken_apart_as_often_however_much_of_it_stands_already(
    place: Place, often: list[int], standing: str
) -> None:
    """Else an install over the remains of another one, or beside a fork, would grow with the square of its files."""
    for number in (2, 12):
        found = {f"{standing[0]}{number}/{one}/m.py": f"M = {one}\n" for one in range(number)}
        if standing == "equal":
            for path, text in found.items():
                place.write(path, text)
        else:
            write_installed(place, f"other{number}", "1", dict.fromkeys(found, "M = 'other'\n"))
        often.append(0)
        place.act(install(place.wheel(f"mid{number}", "1", found)))
    assert often[1] == often[2]


def test_what_is_removed_is_taken_apart_as_often_however_much_of_it_was_altered(place: Place, often: list[int]) -> None:
    for number in (2, 12):
        place.act(install(place.wheel(f"mid{number}", "1", {f"{number}/m{one}.py": "" for one in range(number)})))
        for one in range(number):
            place.write(f"{number}/m{one}.py", "altered\n")
        often.append(0)
        assert len(place.act(uninstall(f"mid{number}")).set_aside) == number
    assert often[1] == often[2]


def test_undoing_looks_once_for_each_directory_that_was_made(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Settler.remove_empty
    asked: list[str] = []

    def watch(settler: Settler, directory: str) -> None:
        asked.append(directory)
        plain(settler, directory)

    before = place.snapshot()
    cut(
        place,
        install(*(place.wheel(f"w{one}", "1", {f"w{one}/m.py": ""}) for one in range(5))),
        "replace",
        "/committed",
        before=True,
    )
    monkeypatch.setattr(Settler, "remove_empty", watch)
    place.act(CHECK)
    assert differ(before, place.snapshot()) == []
    assert len(asked) <= 2 * 5, "once as it ends empty, and once at the end"
