"""Workers and their parent under signals: the parent decides, orphans stop, nobody is left behind."""

import os
import signal

import pytest

import children
from lugnut.system import files, locks

METHODS = ("fork", "spawn")
LINGER = """
import os, signal, sys
from pooljobs import *
class Called(Exception): pass
flag = []
def look():
    if flag: raise Called
def main():
    method, place = sys.argv[1:3]
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: flag.append(number))
    if len(sys.argv) > 3:
        from lugnut.system import files, locks
        here = files.open_root(place)
        held = locks.try_hold(here, "x.lock")
    try:
        run([f"linger {place}/a", f"linger {place}/b", "square 1"], method=method, cancelled=look)
    except Called:
        print("called off", flag, children(), flush=True)
    except Exception as error:
        print(type(error).__name__, error.data, children(), flush=True)
if __name__ == "__main__":
    main()
"""


def wait_for_workers(place):
    children.wait_for(lambda: {"a.begun", "b.begun"} <= set(os.listdir(place)))
    return [int((place / f"{name}.begun").read_text()) for name in "ab"]


def gone(pid):
    """Say whether a process has ended; one that is only waiting to be reaped by init has."""
    try:
        with open(f"/proc/{pid}/stat") as stream:
            return stream.read().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.fixture(params=METHODS)
def method(request):
    return request.param


def test_when_the_parent_is_killed_its_workers_stop_at_a_border(method, tmp_path):
    with children.child(LINGER, method, tmp_path) as parent:
        pids = wait_for_workers(tmp_path)
        parent.kill()
        children.wait_for(lambda: all(gone(pid) for pid in pids))
    assert {"a.stopped", "b.stopped"} <= set(os.listdir(tmp_path))


def test_a_killed_parents_lock_is_held_until_its_last_forked_worker_is_gone(tmp_path):
    with children.child(LINGER, "fork", tmp_path, "lock") as parent, files.open_root(str(tmp_path)) as here:
        pids = wait_for_workers(tmp_path)
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        parent.kill()
        assert locks.try_hold(here, "x.lock") is None
        os.kill(pids[0], signal.SIGCONT)
        children.wait_for(lambda: gone(pids[0]))
        assert locks.try_hold(here, "x.lock") is None
        os.kill(pids[1], signal.SIGCONT)
        locks.hold(here, "x.lock", locks.Patience(30, lambda *_: None, lambda: None)).close()
        assert (tmp_path / "b.stopped").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_whole_group_is_the_parents_to_judge(method, tmp_path, number):
    with children.child(LINGER, method, tmp_path) as parent:
        pids = wait_for_workers(tmp_path)
        os.killpg(parent.pid, number)
        assert parent.finish() == (0, f"called off [{int(number)}] []\n", "")
        assert all(gone(pid) for pid in pids)
    assert {"a.stopped", "b.stopped"} <= set(os.listdir(tmp_path))  # they were not killed, they were told


def test_a_terminal_that_goes_away_does_not_take_the_workers_with_it(method, tmp_path):
    with children.child(LINGER, method, tmp_path) as parent:
        pids = wait_for_workers(tmp_path)
        os.killpg(parent.pid, signal.SIGHUP)
        assert parent.finish()[0] == -signal.SIGHUP
        children.wait_for(lambda: all(gone(pid) for pid in pids))
    assert {"a.stopped", "b.stopped"} <= set(os.listdir(tmp_path))


@pytest.mark.parametrize("victim", [0, 1])
def test_a_worker_killed_by_hand_is_named_and_the_other_stops(method, tmp_path, victim):
    with children.child(LINGER, method, tmp_path) as parent:
        pids = wait_for_workers(tmp_path)
        os.kill(pids[victim], signal.SIGKILL)
        label = f"<linger {tmp_path}/{'ab'[victim]}>"
        expected = f"WorkerDied {{'label': '{label}', 'cause': 'signal 9'}} []\n"
        assert parent.finish() == (0, expected, "")
        assert all(gone(pid) for pid in pids)
    assert (tmp_path / f"{'ba'[victim]}.stopped").exists()


def test_the_whole_group_killed_leaves_nobody(method, tmp_path):
    with children.child(LINGER, method, tmp_path) as parent:
        pids = wait_for_workers(tmp_path)
        os.killpg(parent.pid, signal.SIGKILL)
        children.wait_for(lambda: all(gone(pid) for pid in pids))


def test_an_interrupt_that_becomes_an_exception_leaves_no_worker(method, tmp_path):
    """A library user's Python turns SIGINT into KeyboardInterrupt, wherever the parent is just then."""
    code = LINGER.replace("lambda number, frame: flag.append(number)", "signal.default_int_handler")
    code = code.replace("except Called:", "except KeyboardInterrupt:")
    with children.child(code, method, tmp_path) as parent:
        pids = wait_for_workers(tmp_path)
        os.kill(parent.pid, signal.SIGINT)
        assert parent.finish() == (0, "called off [] []\n", "")
        assert all(gone(pid) for pid in pids)


def test_interrupts_at_any_moment_leave_no_worker_and_no_descriptor(method):
    """Interrupted again and again, wherever it is: starting, listening, ending."""
    code = """
import os, signal, sys
from pooljobs import *
def main():
    method, rounds = sys.argv[1], int(sys.argv[2])
    run(["square 1"] * 4, method=method)
    before, met = descriptors(), 0
    for number in range(rounds):
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.0002 + (number % 97) * (0.0001 if method == "fork" else 0.002))
            run([f"square {n}" for n in range(20)], method=method)
            signal.setitimer(signal.ITIMER_REAL, 0)
        except KeyboardInterrupt:
            met += 1
        assert children() == [], children()
    assert descriptors() == before, (before, descriptors())
    print(met > 0)
if __name__ == "__main__":
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    main()
"""
    with children.child(code, method, 200 if method == "fork" else 20) as one:
        assert one.finish() == (0, "True\n", "")


def test_an_interrupt_while_spawned_workers_end_is_no_wait_without_end() -> None:
    """Whoever hears of a worker's end and is interrupted before acting on it must not wait for that word again."""
    code = """
import signal, time
from pooljobs import *
def main():
    def go():
        run([f"square {n}" for n in range(8)], method="spawn")
    took = []
    for _ in range(5):
        began = time.perf_counter()
        go()
        took.append(time.perf_counter() - began)
    met = 0
    for number in range(120):
        try:
            signal.setitimer(signal.ITIMER_REAL, max(0.001, min(took) - 0.012 + number % 40 * 0.0005))
            go()
            signal.setitimer(signal.ITIMER_REAL, 0)
        except KeyboardInterrupt:
            met += 1
        assert children() == [], children()
    print(met > 0)
if __name__ == "__main__":
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    main()
"""
    with children.child(code) as one:
        assert one.finish()[:2] == (0, "True\n")
