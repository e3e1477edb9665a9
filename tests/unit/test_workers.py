"""The pool: every job done and told of, every worker reaped, nothing left open, whatever the jobs do.

A process of pytest-xdist has threads and must not fork, so each test runs the pool in a process of its own.
"""

import os
import threading

import pytest

import children
import pooljobs
from lugnut.errors import InternalError, UsageError
from lugnut.system import workers

METHODS = ("fork", "spawn")
SURROUND = """
import os, sys
from pooljobs import *
def main():
    method = sys.argv[1]
    before = descriptors()
{body}
    assert descriptors() == before, (before, descriptors())
    assert children() == [], children()
if __name__ == "__main__":
    main()
"""


def run(body, *arguments):
    lines = "\n".join(f"    {line}" for line in body.strip("\n").splitlines())
    return children.run(SURROUND.format(body=lines), *arguments)


@pytest.fixture(params=METHODS)
def method(request):
    return request.param


def test_results_come_in_the_jobs_order_and_events_reach_the_parent(method):
    body = """
told, kept = [], []
jobs = [f"square {number}" for number in range(100)]
plan = make_plan(4, method, told.append)
assert workers.run(act, jobs, plan=plan, on_result=lambda *one: kept.append(one)) == [n * n for n in range(100)]
assert sorted(int(event.text) for event in told) == list(range(100))
assert sorted(kept) == [(n, n * n) for n in range(100)]
"""
    run(body, method)


def test_jobs_are_spread_over_other_processes(method):
    run("pids = run(['pid'] * 50, method=method); assert os.getpid() not in pids; assert len(set(pids)) <= 2", method)


def test_one_job_or_one_worker_is_done_in_this_process(method):
    run("assert run(['pid'] * 3, size=1, method=method) == [os.getpid()] * 3", method)
    run("assert run(['pid'], size=8, method=method) == [os.getpid()]", method)
    run("assert run([], size=8, method=method) == []", method)


def test_more_jobs_than_a_pipe_holds_are_done():
    body = """
jobs = ["square 3"] * 40_000
assert run(jobs, size=2) == [9] * 40_000
"""
    run(body, "fork")


def test_messages_larger_than_a_pipe_arrive_whole(method):
    body = """
told = []
assert run(["big 3000000"] * 4, method=method, report=told.append) == [b"r" * 3_000_000] * 4
assert [len(event.text) for event in told] == [3_000_000] * 4
"""
    run(body, method)


@pytest.mark.parametrize(
    ("kind", "caught"),
    [
        ("bad-wheel", "BadWheel x.whl is not a valid wheel: no RECORD"),
        ("value", "ValueError plain"),
        ("os", "FileNotFoundError [Errno 2] No such file: 'x'"),
        ("stubborn", "InternalError lugnut contradicts itself: Traceback"),
        ("exit", "InternalError lugnut contradicts itself: Traceback"),
    ],
)
def test_a_jobs_exception_is_raised_in_the_parent(method, kind, caught):
    body = """
try:
    run(["square 1", f"raise {sys.argv[2]}", "square 2"], method=method)
except BaseException as error:
    print(type(error).__name__, str(error).splitlines()[0])
"""
    assert run(body, method, kind).startswith(caught)


def test_an_exception_that_is_not_ours_says_where_it_was_raised(method):
    body = """
try:
    run(["raise value"] * 2, method=method)
except ValueError as error:
    assert "in do_raise" in error.__notes__[0]
"""
    run(body, method)


def test_a_result_that_does_not_pickle_is_told_as_such(method):
    body = """
try:
    run(["unpicklable"] * 2, method=method)
except Exception as error:
    assert "pickle" in str(error), error
else:
    raise AssertionError
"""
    run(body, method)


@pytest.mark.parametrize(("deed", "cause"), [("die 9", "signal 9"), ("die 11", "signal 11"), ("exit 7", "exit code 7")])
def test_a_worker_that_ends_without_an_answer_is_named_with_its_job(method, deed, cause):
    body = """
try:
    run(["square 1", sys.argv[2], "square 2", "square 3"], method=method)
except errors.WorkerDied as error:
    print(error.data)
"""
    expected = f"{{'label': '<{deed}>', 'cause': '{cause}'}}\n"
    assert run("from lugnut import errors\n" + body, method, deed) == expected


def test_each_job_is_timed_by_its_worker_and_its_waits_are_in_the_workers_lane(method):
    body = """
import time
began = time.perf_counter_ns()
told = run_timed(["wait x"] * 6, method=method)
jobs = [(lane, span) for lane, span in told if span.category == "test"]
assert {span.name for _, span in jobs} == {"<wait x>"} and len(jobs) == 6
assert all(began <= span.began <= span.ended <= time.perf_counter_ns() for _, span in jobs)
assert {lane for lane, _ in told} <= {1, 2}
assert sorted(lane for lane, span in told if span.category == "wait") == sorted(lane for lane, _ in jobs)
for lane in (1, 2):
    spans = sorted((span.began, span.ended) for where, span in jobs if where == lane)
    assert all(one[1] <= other[0] for one, other in zip(spans, spans[1:]))
"""
    run(body, method)


@pytest.mark.parametrize("deed", ["die 9", "raise value"])
def test_a_job_that_does_not_end_well_is_timed_until_that_is_known(method, deed):
    body = """
[(lane, span)] = run_timed([sys.argv[2], sys.argv[2]], method=method)[-1:]
print(lane in {1, 2}, span.name, span.args, span.began < span.ended)
told = run_timed([sys.argv[2]] * 2, size=1) if "raise" in sys.argv[2] else []
assert [(lane, span.name) for lane, span in told] in ([], [(0, "<raise value>")])
"""
    said = run(body, method, deed).splitlines()
    assert f"True <{deed}> {{'unfinished': True}} True" in said


def test_work_in_this_process_is_timed_in_its_lane():
    body = """
told = run_timed(["square 1", "square 2"], size=1)
assert [(lane, span.name, span.args) for lane, span in told] == [(0, "<square 1>", {}), (0, "<square 2>", {})]
"""
    run(body, "fork")


def test_when_one_job_fails_the_others_are_stopped_at_a_border(method, tmp_path):
    body = """
class Enough(Exception): pass
def stop():
    if os.path.exists(f"{sys.argv[2]}/a.begun") and os.path.exists(f"{sys.argv[2]}/b.begun"):
        raise Enough
try:
    run([f"linger {sys.argv[2]}/a", f"linger {sys.argv[2]}/b", "square 1"], method=method, cancelled=stop)
except Enough:
    print(sorted(name for name in os.listdir(sys.argv[2]) if name.endswith("stopped")))
"""
    assert run(body, method, tmp_path) == "['a.stopped', 'b.stopped']\n"


def test_work_in_this_process_is_called_off_at_the_same_borders(tmp_path):
    body = """
class Enough(Exception): pass
def stop():
    if os.path.exists(f"{sys.argv[2]}/a.begun"):
        raise Enough
try:
    run([f"linger {sys.argv[2]}/a"], cancelled=stop)
except Enough:
    print("called off")
"""
    assert run(body, "fork", tmp_path) == "called off\n"


def test_a_worker_that_comes_to_no_border_is_killed_in_the_end(method):
    body = """
from lugnut.system import forked, spawned
forked.GRACE = spawned.GRACE = 0.1
try:
    run(["sleep", "raise value"], method=method)
except ValueError:
    print("raised")
"""
    assert run(body, method) == "raised\n"


def test_workers_hold_what_tells_a_keeper_that_they_live(method):
    body = """
from lugnut.system import lifeline
other, life = os.pipe()
lifeline.inherited.add(life)
print(run([f"holds {life} {os.fstat(life).st_ino}"] * 2, method=method))
os.close(other)
os.close(life)
"""
    assert run(body, method) == "[True, True]\n"


def test_of_several_failures_the_first_jobs_is_told():
    """Both have failed before the parent hears of either: the second is said first."""
    body = """
from lugnut.system.workers import _Course
class Crew:
    heard = [[(1, ("failed", 5, ValueError("fifth")))]]
    def start(self, count): return count
    def give(self, worker): pass
    def working(self): return True
    def code(self, worker): return 0
    def listen(self, seconds): return self.heard.pop()
    def dismiss(self): return [(0, ("failed", 2, ValueError("second"))), (0, None)]
try:
    _Course(["x"] * 9, make_plan(), None).run(act, Crew())
except ValueError as error:
    print(error)
"""
    assert run(body, "fork") == "second\n"


def test_what_others_told_is_heard_though_one_has_failed():
    """They may have told it before the parent heard of the failure, which it heard first."""
    body = """
from lugnut.system.workers import _Course
class Crew:
    heard = [[(1, ("failed", 5, ValueError("fifth")))]]
    last = [(0, ("event", 2, Note("note", "told"))), (0, None)]
    def start(self, count): return count
    def give(self, worker): pass
    def working(self): return True
    def code(self, worker): return 0
    def listen(self, seconds): return self.heard.pop()
    def dismiss(self):
        said, self.last = self.last, []
        return said
try:
    _Course(["x"] * 9, make_plan(report=lambda event: print(event.text)), None).run(act, Crew())
except ValueError as error:
    print(error)
"""
    assert run(body, "fork") == "told\nfifth\n"


def test_what_the_callers_own_functions_raise_ends_every_worker(method):
    body = """
def fail(*_): raise LookupError("mine")
for plan in ({"report": fail}, {"cancelled": fail}):
    try:
        run([f"square {n}" for n in range(9)], method=method, **plan)
    except LookupError:
        print("raised")
try:
    workers.run(act, ["square 1"] * 9, plan=make_plan(method=method), on_result=fail)
except LookupError:
    print("raised")
"""
    assert run(body, method) == "raised\n" * 3


def test_what_the_parent_has_not_flushed_is_written_once_and_by_the_parent(method):
    body = """
print("unflushed", end=" ")
assert run(["print loud"] * 2, method=method) == ["loud"] * 2
print("end")
"""
    with children.child(SURROUND.format(body="\n".join(f"    {x}" for x in body.strip().splitlines())), method) as one:
        code, output, complaint = one.finish()
    assert (code, output, complaint.split()) == (0, "unflushed end\n", ["loud", "loud"])


def test_the_parents_exit_functions_and_handlers_do_not_run_in_a_worker():
    body = """
import atexit, signal
atexit.register(print, "exit")
signal.signal(signal.SIGUSR1, lambda *_: print("handler", flush=True))
try:
    run(["die 10", "square 1"])
except Exception as error:
    print(error.data["cause"])
"""
    assert run(body, "fork") == "signal 10\nexit\n"


def test_a_worker_has_no_workers_of_its_own(method):
    run("assert run(['pool 1'] * 2, method=method) == [True, True]", method)


def test_a_parent_that_ignores_its_children_still_hears_of_every_death():
    body = """
import signal
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
assert run(["square 2"] * 5) == [4] * 5
try:
    run(["die 9", "square 1"])
except Exception as error:
    print(error.data)
"""
    assert run(body, "fork") == "{'label': '<die 9>', 'cause': 'it ended without a word'}\n"


def test_a_hundred_pools_leave_nothing_behind(method):
    run("for _ in range(100 if method == 'fork' else 5): run(['square 1'] * 3, method=method)", method)


def test_when_no_process_is_to_be_had_this_one_does_the_work():
    body = """
import pickle, resource
resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
os.setuid(65534)
assert run(["pid"] * 3) == [os.getpid()] * 3
"""
    if os.geteuid() != 0:
        pytest.skip("needs root to become a user without processes")
    code = SURROUND.format(body="\n".join(f"    {x}" for x in body.strip().splitlines()))
    code = code.replace("assert descriptors() == before, (before, descriptors())", "pass")
    code = code.replace("assert children() == [], children()", "pass")
    children.run(code, "fork")


NO_THREADS = """
import threading
really, started = threading.Thread.start, []
def start(thread):
    if len(started) >= int(sys.argv[2]):
        raise RuntimeError("can't start new thread")
    started.append(thread)
    really(thread)
threading.Thread.start = start
pids = run(["pid"] * 3)
assert (set(pids) == {os.getpid()}) == (sys.argv[2] == "0"), pids
"""


@pytest.mark.parametrize("allowed", [0, 1])
def test_when_no_thread_is_to_be_had_for_a_spawned_worker_others_do_its_work(allowed):
    """A limit of processes counts threads too; the system's refusal is all that is put in its place."""
    run(NO_THREADS.replace('["pid"] * 3', '["pid"] * 3, method=method'), "spawn", allowed)


def test_when_no_pipe_is_to_be_had_this_process_does_the_work(method):
    body = """
import pickle, queue, resource, subprocess, threading
assert run(["pid"] * 2, method=method) != [os.getpid()] * 2  # all that is imported late has been
kept = [os.dup(0) for _ in range(40)]
before = descriptors()
limit = max(kept) + 1
for free in range(5):
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    pids = run(["pid"] * 3, method=method)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1000, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    assert len(pids) == 3
    assert free > 1 or pids == [os.getpid()] * 3
    assert descriptors() == before, (before, descriptors())
    os.close(kept.pop(0))
    before = descriptors()
for descriptor in kept:
    os.close(descriptor)
before = descriptors()
"""
    run(body, method)


def test_a_process_with_threads_does_not_fork(monkeypatch):
    monkeypatch.delenv("LUGNUT_START_METHOD", raising=False)
    release = threading.Event()
    thread = threading.Thread(target=release.wait)
    thread.start()
    try:
        assert workers.default_start_method() == "spawn"
        with pytest.raises(InternalError, match="several threads"):
            workers.run(pooljobs.act, ["pid", "pid"], plan=pooljobs.make_plan())
    finally:
        release.set()
        thread.join()


def test_the_start_method_is_fork_on_linux_unless_said_otherwise(monkeypatch):
    assert run("print(workers.default_start_method())", "fork") == "fork\n"
    for chosen in METHODS:
        monkeypatch.setenv("LUGNUT_START_METHOD", chosen)
        assert workers.default_start_method() == chosen
    monkeypatch.setenv("LUGNUT_START_METHOD", "threads")
    with pytest.raises(UsageError, match="threads"):
        workers.default_start_method()


def test_outside_of_a_run_nothing_is_stopped():
    assert workers.stopped() is None
    assert 1 <= workers.default_count() <= (os.cpu_count() or 1)


def test_a_spawned_worker_does_not_import_from_the_working_directory(tmp_path):
    """TRAPS 39."""
    (tmp_path / "pickle.py").write_text("raise SystemExit('imported from the working directory')")
    with children.child(SURROUND.format(body="    print(run(['square 3'] * 2, method=method))"), "spawn") as one:
        assert one.finish()[:2] == (0, "[9, 9]\n")
    code = "import pickle\n" + SURROUND.format(
        body="    os.chdir(sys.argv[2]); print(run(['square 3'] * 2, method=method))"
    )
    assert children.run(code, "spawn", tmp_path) == "[9, 9]\n"
