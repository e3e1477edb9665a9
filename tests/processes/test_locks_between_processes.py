"""Locks between real processes: excluded, inherited, freed by death alone."""

import os
import signal

import pytest

import children
from lugnut.errors import LockTimeout
from lugnut.system import files, locks

HOLD = """
import sys
from lugnut.system import files, locks
here = files.open_root(sys.argv[1])
held = locks.hold(here, "x.lock", locks.Patience(30, lambda *words: print("waits", flush=True), lambda: None))
held.claim(locks.holder_words())
print("held", flush=True)
sys.stdin.readline()
"""
INHERIT = """
import os, sys
from lugnut.system import files, locks
def say(line):  # in one write: two processes share the pipe
    os.write(1, line.encode() + b"\\n")
here = files.open_root(sys.argv[1])
held = locks.try_hold(here, "x.lock")
held.claim(locks.holder_words())
if os.fork() == 0:
    say(f"worker {os.getpid()}")
    held.close() if sys.argv[2] == "closes" else None
    say("ready")
    if sys.argv[2] == "closes":
        os._exit(0)
    sys.stdin.readline()
    os._exit(0)
os.wait() if sys.argv[2] == "closes" else None
say("parent")
sys.stdin.readline()
"""
COUNT = """
import sys
from lugnut.system import files, locks
here = files.open_root(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
for _ in range(int(sys.argv[2])):
    with locks.hold(here, "x.lock", locks.Patience(60, lambda *words: None, lambda: None)) as held:
        number = int(files.read(here, "number"))
        files.replace(here, "number", b"%d" % (number + 1))
        held.claim("{}")
"""


MANY = """
import resource, sys
from lugnut.system import files, locks
soft, hard = map(int, sys.argv[2:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
here = files.open_root(sys.argv[1])
held = [locks.try_hold(here, f"{number}.lock") for number in range(400)]
opened = [open(f"{sys.argv[1]}/{number}.lock") for number in range(10)]
print(len(held), resource.getrlimit(resource.RLIMIT_NOFILE)[0] <= hard)
"""


@pytest.fixture
def here(tmp_path):
    with files.open_root(str(tmp_path)) as directory:
        yield directory


def once():
    return locks.Patience(0, lambda *_: None, lambda: None)


def eventually():
    return locks.Patience(30, lambda *_: None, lambda: None)


def test_two_processes_keep_each_other_out(here, tmp_path):
    with children.child(HOLD, tmp_path) as holder:
        assert holder.hear() == "held"
        assert locks.try_hold(here, "x.lock") is None
        with pytest.raises(LockTimeout, match=f"held by pid {holder.pid} `-c {tmp_path}` on host "):
            locks.hold(here, "x.lock", once())
        holder.say()
        assert holder.finish() == (0, "", "")
    locks.try_hold(here, "x.lock").close()


def test_many_processes_count_together_without_losing_one(here, tmp_path):
    files.write(here, "number", b"0")
    counters = [children.Child(COUNT, tmp_path, 25) for _ in range(4)]
    assert [one.hear() for one in counters] == ["ready"] * 4
    for one in counters:
        one.say()
    assert [one.finish() for one in counters] == [(0, "", "")] * 4
    assert files.read(here, "number") == b"100"
    with locks.try_hold(here, "x.lock") as held:
        assert held.claim("{}") == 101


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_holders_lock_is_free_and_its_words_are_no_obstacle(here, tmp_path, number):
    with children.child(HOLD, tmp_path) as holder:
        assert holder.hear() == "held"
        holder.kill(number)
        with locks.try_hold(here, "x.lock") as held:
            assert held.claim("{}") == 2


def test_a_waiter_hears_who_holds_and_gets_the_lock_when_it_is_given_back(here, tmp_path):
    held = locks.try_hold(here, "x.lock")
    with children.child(HOLD, tmp_path) as waiter:
        assert waiter.hear() == "waits"
        held.close()
        assert waiter.hear() == "held"


def test_an_inherited_lock_stays_held_after_the_parent_is_killed_until_the_child_is_gone(here, tmp_path):
    with children.child(INHERIT, tmp_path, "stays") as parent:
        said = [parent.hear() for _ in range(3)]
        worker = next(int(line.split()[1]) for line in said if line.startswith("worker"))
        parent.kill()
        assert locks.try_hold(here, "x.lock") is None
        assert "perhaps a worker that pid" in locks.describe_holder(here, "x.lock")
        os.kill(worker, signal.SIGKILL)
        locks.hold(here, "x.lock", eventually()).close()


def test_a_child_that_closes_its_copy_does_not_free_the_parents_lock(here, tmp_path):
    with children.child(INHERIT, tmp_path, "closes") as parent:
        assert {parent.hear().split()[0] for _ in range(3)} == {"worker", "ready", "parent"}
        assert locks.try_hold(here, "x.lock") is None
        parent.say()
        assert parent.finish()[0] == 0
    locks.try_hold(here, "x.lock").close()


def test_a_lock_is_not_inherited_by_a_program_that_is_started(here):
    held = locks.try_hold(here, "x.lock")
    with children.child("import sys; print('up', flush=True); sys.stdin.readline()") as other:
        assert other.hear() == "up"
        held.close()
        locks.try_hold(here, "x.lock").close()


def test_shared_holders_in_several_processes_keep_an_exclusive_one_out_until_the_last(here, tmp_path):
    code = HOLD.replace("lambda: None)", "lambda: None), shared=True").replace("held.claim(locks.holder_words())", "")
    with children.child(code, tmp_path) as one, children.child(code, tmp_path) as two:
        assert (one.hear(), two.hear()) == ("held", "held")
        one.kill()
        assert locks.try_hold(here, "x.lock") is None
        two.kill()
        locks.try_hold(here, "x.lock").close()


def test_a_lock_file_that_was_removed_while_somebody_waited_is_not_locked_in_its_grave(tmp_path):
    """`lugnut recover --forget` may remove the file between a waiter's opening it and its locking it."""
    code = """
import os, sys
from lugnut.system import files, locks
here = files.open_root(sys.argv[1])
first = locks._lock
def late(*words, **more):
    if not os.path.exists(f"{sys.argv[1]}/gone"):
        os.unlink(f"{sys.argv[1]}/x.lock")
        files.write(here, "gone", b"")
    return first(*words, **more)
locks._lock = late
held = locks.try_hold(here, "x.lock")
print(held.still_there(here))
"""
    assert children.run(code, tmp_path) == "True\n"


def test_a_run_may_hold_more_locks_than_the_usual_limit_of_open_files(tmp_path):
    """macOS begins with 256, Linux with 1024, and a run holds two for each distribution."""
    assert children.run(MANY, tmp_path, 256, 600) == "400 True\n"


def test_the_limit_of_open_files_that_cannot_be_raised_is_said(tmp_path):
    with children.child(MANY, tmp_path, 256, 256) as one:
        code, _, complaint = one.finish()
    assert code == 1
    assert "LockUnusable" in complaint
    assert "Too many open files" in complaint
