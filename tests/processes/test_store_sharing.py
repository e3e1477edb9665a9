"""A wheel that several workers unpack together is published whole or not at all, whoever is killed in the middle."""

import os
import signal

import pytest

import children
from lugnut.errors import LockTimeout
from lugnut.store import entries as store
from lugnut.store.place import usual_patience
from wheels import make_wheel

INSTALL = """
import os, sys
import lugnut
from lugnut.errors import LugnutError
from lugnut.store import sharing
from lugnut.system import files, workers
from lugnut.wheel import source
cache, method, slow, *wheels = sys.argv[1:]
sharing._HUGE = 0
source._AT_ONCE = source._WINDOW = 1_000  # as a wheel of real size is read: through one descriptor that all share
plain = sharing.fill_share

def fill_slowly(share, emit):
    '''Write a file and stop at the next border between directories, until the test says more.'''
    stops = []
    def look():
        stops.append(1)
        if len(stops) == 2:
            os.write(1, f"filling {os.getpid()}\\n".encode())
            os.read(0, 1)
        workers.stopped()
    share.filling.fill(look, share.part)
    return []

if slow == "slowly":
    sharing.fill_share = fill_slowly
try:
    report = lugnut.install(wheels, target=cache + ".target", cache_dir=cache, jobs=2, start_method=method)
    print("installed", *sorted(change.name for change in report.changes), flush=True)
except LugnutError as error:
    print(type(error).__name__, error, flush=True)
"""


@pytest.fixture
def cache(tmp_path):
    return str(tmp_path / "cache")


FILES = {f"pkg{number % 9}/sub/m{number}.py": f"A = {number}\n" * number for number in range(300)}


@pytest.fixture
def wheel(tmp_path):
    return make_wheel(tmp_path / "wheels", "x", files=FILES)


def entries(cache):
    return [name for name in os.listdir(os.path.join(cache, "store")) if len(name) == 64]


def leftovers(cache):
    return os.listdir(os.path.join(cache, "store", "temporary"))


def contents(root):
    found = {}
    for directory, _, names in os.walk(root):
        for name in names:
            path = os.path.join(directory, name)
            with open(path, "rb") as stream:
                status = os.stat(path)
                found[os.path.relpath(path, root)] = (stream.read(), status.st_mode, status.st_mtime_ns)
    return found


def judge(cache, wheel, tmp_path):
    """The entry is what one worker alone would have made, and nothing else lies about."""
    alone = store.open_store(str(tmp_path / "alone"))
    expected = store.admit(alone, wheel)
    assert store.read_manifest(store.open_store(cache), expected.wheel) == expected
    trees = [os.path.join(place, "store", expected.wheel, "tree") for place in (cache, str(tmp_path / "alone"))]
    assert contents(trees[0]) == contents(trees[1])
    assert entries(cache) == [expected.wheel]
    assert leftovers(cache) == []


def finish(cache, wheel):
    return children.run(INSTALL, cache, "fork", "at once", wheel)


def stop_midway(cache, wheel):
    """Start a run whose two workers stand in the middle of their shares; give it and them."""
    one = children.child(INSTALL, cache, "fork", "slowly", wheel)
    started = one.__enter__()
    pids = [int(started.hear().removeprefix("filling ")) for _ in range(2)]
    assert len(set(pids)) == 2
    assert started.pid not in pids
    return one, started, pids


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_what_workers_unpack_together_is_what_one_makes_alone(cache, wheel, tmp_path, method):
    assert children.run(INSTALL, cache, method, "at once", wheel) == "installed x\n"
    judge(cache, wheel, tmp_path)


def test_beside_others_the_largest_is_shared(cache, wheel, tmp_path):
    others = [make_wheel(tmp_path / "wheels", name, files={f"{name}/m.py": ""}) for name in ("y", "z")]
    assert children.run(INSTALL, cache, "fork", "at once", *others, wheel) == "installed x y z\n"
    assert len(entries(cache)) == 3
    assert leftovers(cache) == []


def test_a_run_that_is_killed_whole_in_the_middle_leaves_only_what_the_next_sweeps(cache, wheel, tmp_path):
    one, started, _ = stop_midway(cache, wheel)
    os.killpg(started.pid, signal.SIGKILL)
    one.__exit__(None, None, None)
    assert entries(cache) == []
    assert len(leftovers(cache)) == 1
    assert finish(cache, wheel) == "installed x\n"
    judge(cache, wheel, tmp_path)


def test_workers_of_a_dead_parent_keep_the_lock_until_they_have_stopped(cache, wheel, tmp_path):
    one, started, _ = stop_midway(cache, wheel)
    started.kill()
    with pytest.raises(LockTimeout):
        store.admit(store.open_store(cache), wheel, patience=usual_patience()._replace(timeout=0.0))
    assert entries(cache) == []
    for _ in range(2):
        started.say()
    assert finish(cache, wheel) == "installed x\n"  # it waits for the lock
    one.__exit__(None, None, None)
    judge(cache, wheel, tmp_path)


def test_a_worker_that_is_killed_ends_the_run_which_leaves_nothing(cache, wheel, tmp_path):
    one, started, pids = stop_midway(cache, wheel)
    os.kill(pids[0], signal.SIGKILL)
    started.say()
    lines = iter(started.hear, "")
    said = next(line for line in lines if not line.startswith("filling"))  # the other may have begun its next share
    assert said.startswith("WorkerDied")
    assert os.path.basename(wheel) in said
    one.__exit__(None, None, None)
    assert entries(cache) == []
    assert leftovers(cache) == []
    assert finish(cache, wheel) == "installed x\n"
    judge(cache, wheel, tmp_path)


def test_what_is_wrong_in_any_share_is_told_in_one_error_and_nothing_is_published(cache, wheel):
    with open(wheel, "rb") as stream:
        data = stream.read()
    for number in (3, 151, 299):
        right = f"pkg{number % 9}/sub/m{number}.py".encode()
        place = data.index(right) + len(right) + 3  # in its deflated data: the local header comes first
        data = data[:place] + bytes([data[place] ^ 0x40]) + data[place + 1 :]
    with open(wheel, "wb") as stream:
        stream.write(data)
    said = finish(cache, wheel)
    assert said.startswith("BadWheel")
    assert all(f"m{number}.py" in said for number in (3, 151, 299))
    assert entries(cache) == []
    assert leftovers(cache) == []
