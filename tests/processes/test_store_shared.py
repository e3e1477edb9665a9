"""Many processes share one store: each wheel is unpacked once, whoever is killed, and nothing in use is taken away."""

import contextlib
import os
import signal
import subprocess
import sys

import pytest

from lugnut.errors import LockTimeout
from lugnut.store import entries as store
from lugnut.store.place import usual_patience
from wheels import make_wheel

ACTOR = os.path.join(os.path.dirname(__file__), "store_actor.py")


class Actor:
    def __init__(self, act, cache, wheel):
        self.process = subprocess.Popen(
            [sys.executable, ACTOR, act, cache, wheel], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def hear(self):
        return self.process.stdout.readline().split()

    def tell(self):
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def end(self):
        with contextlib.suppress(BrokenPipeError):
            self.process.communicate()
        return self.process.returncode


@pytest.fixture
def cache(tmp_path):
    return str(tmp_path / "cache")


@pytest.fixture
def start(cache):
    actors = []

    def begin(act, wheel):
        actors.append(Actor(act, cache, wheel))
        return actors[-1]

    yield begin
    for actor in actors:
        actor.process.kill()
        actor.end()


@pytest.fixture
def wheel(tmp_path):
    files = {f"pkg{number % 7}/m{number}.py": f"A = {number}\n" * number for number in range(200)}
    return make_wheel(tmp_path / "wheels", "x", files=files)


def entries(cache):
    return [name for name in os.listdir(os.path.join(cache, "store")) if len(name) == 64]


def leftovers(cache):
    return os.listdir(os.path.join(cache, "store", "temporary"))


def stop_midway(start, wheel):
    """Start a process and leave it in the middle of unpacking."""
    actor = start("admit_slowly", wheel)
    assert actor.hear() == ["ready"]
    actor.tell()
    assert actor.hear() == ["unpacking"]
    return actor


def test_eight_processes_that_want_one_wheel_unpack_it_once(start, cache, wheel):
    actors = [start("admit", wheel) for _ in range(8)]
    assert [actor.hear() for actor in actors] == [["ready"]] * 8
    for actor in actors:
        actor.tell()
    answers = [actor.hear() for actor in actors]
    assert [actor.end() for actor in actors] == [0] * 8
    assert sorted(answers) == [["found", "202"]] * 7 + [["unpacked", "202"]]
    assert len(entries(cache)) == 1
    assert leftovers(cache) == []


def test_who_waits_for_a_writer_takes_what_it_wrote(start, wheel):
    writer = stop_midway(start, wheel)
    waiting = start("admit", wheel)
    assert waiting.hear() == ["ready"]
    waiting.tell()
    writer.tell()
    assert writer.hear() == ["done"]
    assert waiting.hear() == ["found", "202"]


def test_who_waits_for_a_writer_waits_no_longer_than_it_wants_to(start, cache, wheel):
    stop_midway(start, wheel)
    with pytest.raises(LockTimeout, match="held by"):
        store.admit(store.open_store(cache), wheel, patience=usual_patience()._replace(timeout=0.0))


def test_a_killed_writer_has_published_nothing_and_the_next_one_starts_afresh(start, cache, wheel):
    writer = stop_midway(start, wheel)
    assert len(leftovers(cache)) == 1
    writer.kill()
    assert entries(cache) == []
    assert len(leftovers(cache)) == 1
    manifest = store.admit(store.open_store(cache), wheel)
    assert entries(cache) == [manifest.wheel]
    assert leftovers(cache) == []


def test_who_waited_for_a_killed_writer_takes_over(start, cache, wheel):
    writer = stop_midway(start, wheel)
    waiting = start("admit", wheel)
    assert waiting.hear() == ["ready"]
    waiting.tell()
    writer.kill()
    assert waiting.hear() == ["unpacked", "202"]
    assert leftovers(cache) == []


def test_prune_sweeps_a_dead_writers_leftovers_and_not_a_living_ones(start, cache, wheel, tmp_path):
    place = store.open_store(cache)
    dead = stop_midway(start, make_wheel(tmp_path, "dead", files={"a/x.py": "", "b/x.py": ""}))
    living = stop_midway(start, wheel)
    store.prune(place)
    assert len(leftovers(cache)) == 2
    dead.kill()
    assert store.prune(place) >= 0
    assert len(leftovers(cache)) == 1
    living.tell()
    assert living.hear() == ["done"]
    assert len(entries(cache)) == 1


def test_an_entry_that_another_process_holds_is_neither_pruned_nor_cleaned(start, cache, wheel):
    place = store.open_store(cache)
    holder = start("hold", wheel)
    word, digest = holder.hear()
    assert word == "holding"
    assert (store.prune(place), store.clean(place)) == (0, 0)
    assert entries(cache) == [digest]
    holder.tell()
    assert holder.hear() == ["released"]
    assert store.prune(place) > 0
    assert entries(cache) == []


def test_a_killed_holder_holds_nothing(start, cache, wheel):
    holder = start("hold", wheel)
    assert holder.hear()[0] == "holding"
    holder.kill()
    assert store.prune(store.open_store(cache)) > 0
    assert entries(cache) == []


def test_whatever_is_held_is_whole_while_another_process_cleans_all_the_time(start, cache, tmp_path):
    wheel = make_wheel(
        tmp_path, "x", files={f"pkg{number % 3}/m{number}.py": "A = 1\n" * number for number in range(20)}
    )
    users = [start("use", wheel) for _ in range(2)]
    cleaner = start("clean", wheel)
    for actor in (*users, cleaner):
        assert actor.hear() == ["ready"]
    for actor in (*users, cleaner):
        actor.tell()
    answers = [user.hear() for user in users]
    cleaner.tell()
    word, cleaned = cleaner.hear()
    assert [user.end() for user in users] == [0, 0]
    assert (word, int(cleaned) > 0) == ("cleaned", True), "they never met"
    assert [answer[2] for answer in answers] == ["0", "0"], answers
    store.prune(store.open_store(cache))
    assert leftovers(cache) == []
