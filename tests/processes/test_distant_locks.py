"""Hosts that flock does not reach: without a lock in Redis they meet, with one they do not, whatever dies or is cut.

Each host is a process that sees no other's flock (tools/farhost.py); the server is a real one, and Redis forgets all
when it is killed. Processes are ordered by what they say.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

import children
from fusemounts import lend_mounts
from halfopen import HalfOpen
from redisserver import RedisServer, find_missing
from rooms import Room

TOOLS = str(Path(__file__).parents[2] / "tools")
PROGRAM = "import sys, farhost; sys.exit(farhost.be_host(*sys.argv[1:]))"


class Hosts:
    """Two hosts, `a` and `b`, an environment that both have, and a server."""

    def __init__(self, path: Path, server: RedisServer) -> None:
        self.room = Room(path)
        self.server = server
        self.environ = {**self.room.environ, "PYTHONPATH": os.pathsep.join([TOOLS, children.HERE])}
        self.old = self.room.wheel("jwt", "1.0", {"jwt/__init__.py": "V = 1\n", "jwt/old.py": ""})
        self.new = self.room.wheel("jwt", "2.0", {"jwt/__init__.py": "V = 2\n", "jwt/new.py": ""})
        self.other = self.room.wheel("six", "1.0", {"six.py": "V = 1\n"})

    def start(
        self, host: str, *words: str, stops: str = "", backend: str | None = None
    ) -> contextlib.AbstractContextManager[children.Child]:
        """Start lugnut on a host; it stops where `stops` says."""
        where = self.server.url if backend is None else backend
        cache = str(self.room.path / f"cache-{host}")
        chosen = ["--lock-backend", where] if where else []
        act = [words[0], "--python", str(self.room.prefix), "--cache-dir", cache, *chosen, *words[1:]]
        return children.child(
            PROGRAM, self.room.path / f"host-{host}", *stops.split(), "--", *act, environ=self.environ
        )

    def run(self, host: str, *words: str, backend: str | None = None) -> tuple[int, str]:
        """Run lugnut on a host to its end; gives its exit code and what it said."""
        with self.start(host, *words, backend=backend) as one:
            code, _, said = one.finish()
        assert "Traceback" not in said, said
        assert "contradicts" not in said, said
        return code, said

    def do(self, host: str, *words: str) -> str:
        code, said = self.run(host, *words)
        assert code == 0, said
        return said

    def standing(self) -> list[str]:
        assert self.room.findings() == []
        return self.room.standing()

    @property
    def home(self) -> Path:
        return self.room.site / ".lugnut"


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Hosts]:
    missing = find_missing()
    if missing:
        pytest.skip(missing)
    with RedisServer(str(tmp_path)) as server:
        yield Hosts(tmp_path, server)


def arrive(one: children.Child, word: str) -> int:
    """Wait until a process stops at a place, and give its pid."""
    line = one.hear()
    assert line.startswith(word), line or one.finish()
    return int(line.split()[1])


def keeper_of(one: children.Child) -> psutil.Process:
    [keeper] = psutil.Process(one.pid).children()
    return keeper


def end(one: children.Child) -> tuple[int, str]:
    """Let a stopped process go on, to its end."""
    one.say()
    code, _, said = one.finish()
    assert "Traceback" not in said, said
    return code, said


# --- two hosts at once ------------------------------------------------------------------------------------------------


def test_without_it_a_host_takes_a_living_run_of_another_for_dead(hosts: Hosts) -> None:
    """The negative control: these hosts really do not see each other."""
    with hosts.start("a", "install", hosts.new, stops="checking", backend="") as one:
        arrive(one, "checking")
        code, said = hosts.run("b", "install", hosts.other, backend="")
        assert (code, "a killed run" in said) == (0, True), said
        code, _ = end(one)
        assert code == 1


def test_without_it_a_committed_run_that_another_host_finished_says_so(hosts: Hosts) -> None:
    with hosts.start("a", "install", hosts.new, stops="committed", backend="") as one:
        arrive(one, "committed")
        assert hosts.run("b", "recover", backend="")[0] == 0
        code, said = end(one)
    assert (code, "took this one for dead" in said) == (1, True), said
    assert hosts.standing() == ["jwt==2.0"]


def test_one_host_waits_for_another_and_says_for_whom(hosts: Hosts) -> None:
    with hosts.start("a", "install", hosts.new, stops="checking") as one:
        arrive(one, "checking")
        with hosts.start("b", "install", hosts.other, "--json-events", "-") as two:
            while '"LockWaiting"' not in (line := two.hear()):
                assert line, two.finish()
            assert f"held by pid {one.pid}" in line
            assert end(one)[0] == 0
            assert two.finish()[0] == 0
    assert hosts.standing() == ["jwt==2.0", "six==1.0"]


def test_a_host_that_does_not_want_to_wait_is_told_who_holds_it(hosts: Hosts) -> None:
    with hosts.start("a", "install", hosts.new, stops="checking") as one:
        arrive(one, "checking")
        code, said = hosts.run("b", "install", hosts.other, "--lock-timeout", "0")
        assert code == 3
        assert said.startswith("error: waited 0 s for the lock lugnut:")
        assert f"held by pid {one.pid}" in said
        assert end(one)[0] == 0
    assert hosts.standing() == ["jwt==2.0"]


def test_recovery_leaves_a_living_run_of_another_host_alone(hosts: Hosts) -> None:
    with hosts.start("a", "install", hosts.new, stops="checking") as one:
        arrive(one, "checking")
        assert "killed run" not in hosts.run("b", "check")[1]
        assert "killed run" not in hosts.run("b", "check", backend="")[1]
        code, said = hosts.run("b", "recover")
        assert (code, "held by" in said) == (3, True), said
        assert end(one)[0] == 0
    assert hosts.standing() == ["jwt==2.0"]


@pytest.fixture
def mounts(tmp_path: Path) -> Iterator[list[str]]:
    with lend_mounts(tmp_path, "one", "two") as places:
        yield places


@pytest.mark.parametrize("locked", [False, True])
def test_two_mounts_that_lock_by_themselves_are_kept_apart(hosts: Hosts, mounts: list[str], locked: bool) -> None:
    chosen = ["--lock-backend", hosts.server.url] if locked else []
    act = ["install", "--no-cache", "--lock-timeout", "0", *chosen, "--target"]
    code = f"sys.argv[1:1] = ['-']\n{PROGRAM.replace('import sys, ', 'import ')}"
    first = ["checking", "--", *act, f"{mounts[0]}/site", hosts.new]
    with children.child(f"import sys\n{code}", *first, environ=hosts.environ) as one:
        arrive(one, "checking")
        second = ["--", *act, f"{mounts[1]}/site", hosts.other]
        with children.child(f"import sys\n{code}", *second, environ=hosts.environ) as two:
            code_two, _, said = two.finish()
        assert (code_two, "killed run" in said) == ((3, False) if locked else (0, True)), said
        assert end(one)[0] == (0 if locked else 1)


# --- who dies ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stop", ["placing", "checking", "committing", "committed"])
def test_a_killed_run_frees_the_lock_and_the_next_host_looks_after_it(hosts: Hosts, stop: str) -> None:
    hosts.do("a", "install", hosts.old)
    with hosts.start("a", "install", hosts.new, stops=stop) as one:
        arrive(one, stop)
        one.kill()
        said = hosts.do("b", "install", hosts.other)
        assert "did not give back" not in said  # its keeper saw to that: nobody writes any more
    committed = stop == "committed"
    assert hosts.standing() == [f"jwt=={'2.0' if committed else '1.0'}", "six==1.0"]


def test_after_a_whole_host_died_the_next_one_waits_a_moment_and_looks_after_it(hosts: Hosts) -> None:
    hosts.do("a", "install", hosts.old)
    with hosts.start("a", "install", hosts.new, stops="committed") as one:
        arrive(one, "committed")
        keeper_of(one).kill()
        one.kill()
        assert "did not give back" in hosts.do("b", "install", hosts.other)
        assert "did not give back" not in hosts.do("b", "uninstall", "six")
    assert hosts.standing() == ["jwt==2.0"]


@pytest.mark.parametrize("words", [["check"], ["install", "--dry-run"]], ids=["check", "dry-run"])
def test_a_command_that_only_reads_does_not_wait_to_learn_whether_another_host_is_dead(
    hosts: Hosts, words: list[str]
) -> None:
    hosts.do("a", "install", hosts.old)
    with hosts.start("a", "install", hosts.new, stops="placing") as one:
        arrive(one, "placing")
        keeper_of(one).kill()
        one.kill()
        fence = (hosts.home / "locks/fence").read_bytes()
        _, said = hosts.run("b", *words, *[hosts.old] * (len(words) - 1), "-v")
        assert ("in case it is still at work" in said, "may still be at work" in said) == (False, True), said
        assert (hosts.home / "locks/fence").read_bytes() == fence
        assert "did not give back" in hosts.do("b", "recover")  # nobody has vouched for it
    assert hosts.standing() == ["jwt==1.0"]


def test_workers_that_outlive_their_coordinator_keep_the_lock(hosts: Hosts) -> None:
    with hosts.start("a", "install", hosts.new, hosts.other, "-j", "2", stops="placing") as one:
        arrive(one, "placing")
        arrive(one, "placing")
        one.kill()
        code, said = hosts.run("b", "install", hosts.old, "--lock-timeout", "0")
        assert (code, "held by" in said) == (3, True), said
        one.say()
        one.say()
        hosts.do("b", "install", hosts.old)
    assert hosts.standing() == ["jwt==1.0"]


def test_an_interrupted_run_gives_the_lock_back_and_one_that_waits_leaves_no_keeper(hosts: Hosts) -> None:
    with hosts.start("a", "install", hosts.new, stops="checking") as one:
        arrive(one, "checking")
        with hosts.start("b", "install", hosts.other, "--json-events", "-") as two:
            while '"LockWaiting"' not in (line := two.hear()):
                assert line, two.finish()
            keeper = keeper_of(two)
            assert two.kill(signal.SIGINT) == 130
            assert not keeper.is_running()
        os.killpg(one.pid, signal.SIGINT)  # as a terminal does
        assert end(one)[0] == 130
    assert "did not give back" not in hosts.do("b", "install", hosts.other)
    assert hosts.standing() == ["six==1.0"]


def test_spawned_workers_and_the_library_go_by_it_too(hosts: Hosts) -> None:
    act = "import sys, lugnut; lugnut.install(sys.argv[2:], python=sys.argv[1], cache_dir={!r}, lock_backend={!r})"
    code = act.format(str(hosts.room.path / "cache-a"), hosts.server.url)
    environ = {**hosts.environ, "LUGNUT_START_METHOD": "spawn"}
    with children.child(code, hosts.room.prefix, hosts.new, hosts.other, environ=environ) as one:
        assert one.finish() == (0, "", "")
    assert (hosts.home / "format").read_text() == "2 redis\n"
    assert hosts.standing() == ["jwt==2.0", "six==1.0"]


# --- what is lost -----------------------------------------------------------------------------------------------------


def test_a_run_that_has_lost_the_lock_is_called_off_while_it_places(hosts: Hosts) -> None:
    """Its workers stand still, and are ended: it does not wait for them to come to a commit that may not be."""
    with hosts.start("a", "install", hosts.new, hosts.other, "-j", "2", stops="placing") as one:
        pids = [arrive(one, "placing"), arrive(one, "placing")]
        hosts.server.kill()
        one.process.wait(children.PATIENCE)  # nobody tells the workers to go on
        code, _, said = one.finish()
    assert (code, "was lost: " in said) == (1, True), said
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert hosts.standing() == []


@pytest.mark.parametrize("stop", ["placing", "checking"])
def test_a_server_killed_before_the_commit_calls_the_run_off(hosts: Hosts, stop: str) -> None:
    hosts.do("a", "install", hosts.old)
    before = hosts.room.tree()
    with hosts.start("a", "install", hosts.new, stops=stop) as one:
        arrive(one, stop)
        hosts.server.kill()
        code, said = end(one)
    assert (code, said.count("\n")) == (1, 2), said
    assert said.startswith("error: the lock lugnut:")
    assert "was lost: " in said
    assert hosts.room.tree() == before
    assert hosts.standing() == ["jwt==1.0"]


def test_a_cut_connection_is_noticed_before_the_commit_though_nobody_else_came(hosts: Hosts) -> None:
    hosts.do("a", "install", hosts.old)
    with hosts.start("a", "install", hosts.new, stops="checking") as one:
        arrive(one, "checking")
        assert hosts.server.cut() == 1
        code, said = end(one)
    assert (code, "was lost: " in said) == (1, True), said
    assert hosts.standing() == ["jwt==1.0"]


def test_a_grant_that_this_host_has_not_heard_of_keeps_it_from_its_commit(hosts: Hosts) -> None:
    with hosts.start("a", "install", hosts.new, stops="checking") as one:
        arrive(one, "checking")
        client = hosts.server.connect()
        [counter] = client.keys("lugnut:*-fence")
        client.incr(counter)
        code, said = end(one)
    assert (code, "it was granted again" in said) == (1, True), said
    assert "did not give back" in hosts.do("b", "recover")
    assert hosts.standing() == []


def test_a_subscription_that_delivers_nothing_is_no_lock(hosts: Hosts) -> None:
    """A half-open link: both ends think that it stands, and commands go through by another connection."""
    link = HalfOpen(hosts.server.url, str(hosts.room.path / "link.sock"))
    with link, hosts.start("a", "install", hosts.new, stops="checking", backend=link.url) as one:
        arrive(one, "checking")
        link.fall_silent()
        code, said = end(one)
    assert (code, "was lost: " in said) == (1, True), said
    assert hosts.standing() == []


def test_a_run_whose_keeper_was_killed_does_not_commit(hosts: Hosts) -> None:
    with hosts.start("a", "install", hosts.new, stops="checking") as one:
        arrive(one, "checking")
        keeper_of(one).kill()
        code, said = end(one)
    assert (code, "the process that kept it has ended" in said) == (1, True), said
    assert hosts.standing() == []


def test_a_stopped_run_keeps_the_lock_for_its_keeper_is_not(hosts: Hosts) -> None:
    with hosts.start("a", "install", hosts.new, stops="checking") as one:
        arrive(one, "checking")
        os.kill(one.pid, signal.SIGSTOP)
        assert hosts.run("b", "install", hosts.other, "--lock-timeout", "2")[0] == 3
        os.kill(one.pid, signal.SIGCONT)
        assert end(one)[0] == 0


@contextlib.contextmanager
def frozen(one: children.Child) -> Iterator[None]:
    """Stop a run and its keeper, as a host that is suspended, and let both go on."""
    pids = [keeper_of(one).pid, one.pid]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("stop", ["placing", "checking", "committing"])
def test_a_frozen_host_loses_the_lock_and_cannot_commit_when_it_wakes(hosts: Hosts, stop: str) -> None:
    """`committing` is after its last look at its lock: there the state's name alone, which others changed, stops it."""
    hosts.do("a", "install", hosts.old)
    with hosts.start("a", "install", hosts.new, stops=stop) as one:
        arrive(one, stop)
        with frozen(one):
            said = hosts.do("b", "install", hosts.other)
            assert "did not give back" in said
        assert end(one)[0] == 1
    hosts.do("b", "recover")
    assert hosts.standing() == ["jwt==1.0", "six==1.0"]


@pytest.mark.parametrize("stop", ["committed", "showing", "settling"])
def test_a_frozen_host_that_had_committed_leaves_the_rest_to_who_has_the_lock(hosts: Hosts, stop: str) -> None:
    hosts.do("a", "install", hosts.old)
    with hosts.start("a", "install", hosts.new, stops=stop) as one:
        arrive(one, stop)
        with frozen(one):
            hosts.do("b", "install", hosts.old)
            after = hosts.room.tree()
        code, said = end(one)
    assert code == 1
    assert "committed, but not finished" in said
    assert "granted to another run" in said
    assert hosts.room.tree() == after
    assert hosts.standing() == ["jwt==1.0"]


def test_after_the_commit_a_lost_server_changes_nothing(hosts: Hosts) -> None:
    hosts.do("a", "install", hosts.old)
    with hosts.start("a", "install", hosts.new, stops="committed") as one:
        arrive(one, "committed")
        hosts.server.kill()
        assert end(one)[0] == 0
    assert hosts.standing() == ["jwt==2.0"]


def test_a_server_that_lost_its_memory_is_told_and_tokens_go_on_rising(hosts: Hosts) -> None:
    for _ in range(3):
        hosts.do("a", "install", "--reinstall", hosts.new)
    first = int((hosts.home / "locks/fence").read_text().split()[1])
    hosts.server.kill()
    hosts.server.start()
    said = hosts.do("b", "install", hosts.other)
    assert "knows less than the environment" in said
    assert int((hosts.home / "locks/fence").read_text().split()[1]) > first


def test_who_gave_up_waiting_for_a_dead_holder_does_not_vouch_for_it(hosts: Hosts) -> None:
    with hosts.start("a", "install", hosts.new, stops="placing") as one:
        arrive(one, "placing")
        with frozen(one):
            slow = hosts.start("b", "install", hosts.other)  # in the midst of its moment's wait it is killed
            with slow as two:
                fence = hosts.home / "locks/fence"
                nonce = fence.read_text().split()[2]
                children.wait_for(lambda: fence.read_text().split()[2] != nonce)
                two.kill()
            assert "did not give back" in hosts.do("b", "install", hosts.other)
        assert end(one)[0] == 1


# --- hosts that go by different locks ---------------------------------------------------------------------------------


def test_a_host_that_was_not_told_is_refused_and_may_end_it(hosts: Hosts) -> None:
    hosts.do("a", "install", hosts.old)
    assert (hosts.home / "format").read_text() == "2 redis\n"
    code, said = hosts.run("b", "install", hosts.new, backend="")
    assert (code, "locked by Redis" in said) == (3, True), said
    assert hosts.run("b", "install", hosts.old, backend="")[0] == 0  # nothing to do
    code, said = hosts.run("b", "install", hosts.new, backend="flock")
    assert (code, "by flock alone from now on" in said) == (0, True), said
    assert (hosts.home / "format").read_text() == "1\n"
    assert not (hosts.home / "locks/fence").exists()
    assert hosts.run("b", "uninstall", "jwt", backend="")[0] == 0


@pytest.mark.parametrize(("first", "then"), [("", None), (None, "flock")])
def test_a_run_under_other_locks_than_those_meanwhile_chosen_does_not_commit(
    hosts: Hosts, first: str | None, then: str | None
) -> None:
    hosts.do("a", "install", hosts.old) if first is None else None
    with hosts.start("a", "install", hosts.new, stops="checking", backend=first) as one:
        arrive(one, "checking")
        assert hosts.run("b", "install", hosts.other, "--lock-timeout", "1", backend=then)[0] == 0
        code, said = end(one)
    assert (code, "another run has changed since by what" in said) == (1, True), said
    hosts.run("b", "recover", backend=then)
    assert "jwt==2.0" not in hosts.standing()


HELD = re.compile(r"/locks/(?:jwt|_changes)\.lock")
"""Locks that a run has which installs jwt: whoever takes all of them meets one first."""


@pytest.mark.parametrize("stop", ["committing", "committed"])
def test_who_changes_to_a_server_lets_those_of_its_own_host_end_first(hosts: Hosts, stop: str) -> None:
    """They had passed their last look at `format`, and who takes the lock next may be where flock does not reach."""
    with hosts.start("a", "install", hosts.new, stops=stop, backend="") as one:
        arrive(one, stop)
        with hosts.start("a", "install", hosts.other, "--json-events", "-") as two:
            while '"LockWaiting"' not in (line := two.hear()):
                assert line, two.finish()
            assert HELD.search(line)
            assert end(one)[0] == 0
            assert two.finish()[0] == 0
    assert hosts.standing() == ["jwt==2.0", "six==1.0"]


def test_a_change_to_a_server_that_was_given_up_is_not_taken_for_done(hosts: Hosts) -> None:
    with hosts.start("a", "install", hosts.new, stops="committing", backend="") as one:
        arrive(one, "committing")
        code, said = hosts.run("a", "install", hosts.other, "--lock-timeout", "0")
        assert (code, bool(HELD.search(said))) == (3, True), said
        code, said = hosts.run("a", "recover", "--lock-timeout", "0")
        assert (code, bool(HELD.search(said))) == (3, True), said
        assert end(one)[0] == 0
    assert hosts.standing() == ["jwt==2.0"]


@pytest.mark.parametrize(("first", "then"), [("", None), (None, "flock")])
def test_who_changes_the_locks_waits_for_another_hosts_run_that_has_committed(
    hosts: Hosts, first: str | None, then: str | None
) -> None:
    hosts.do("a", "install", hosts.old) if first is None else None
    with hosts.start("a", "install", hosts.new, stops="committed", backend=first) as one:
        arrive(one, "committed")
        code, said = hosts.run("b", "install", hosts.other, backend=then)
        assert (code, "runs that went by other locks may be at work" in said) == (0, True), said
        code, said = end(one)
    assert (code, "committed, but not finished" in said) == (1, True), said
    assert hosts.run("b", "recover", backend=then)[0] == 0
    assert hosts.standing() == ["jwt==2.0", "six==1.0"]


LATE = "from lugnut.system import files; files.lists_late = lambda _: True; "


@pytest.mark.parametrize("stop", ["committed", "showing", "settling"])
def test_a_committed_run_under_flock_leaves_the_rest_to_who_goes_by_a_server_by_now(
    hosts: Hosts, stop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts.run("a", "install", hosts.old, backend="")
    monkeypatch.setattr(f"{__name__}.PROGRAM", PROGRAM.replace("sys.exit", f"{LATE}sys.exit"))
    with hosts.start("a", "install", hosts.new, stops=stop, backend="") as one:
        arrive(one, stop)
        hosts.do("b", "install", hosts.old)
        after = hosts.room.tree()
        code, said = end(one)
    assert (code, "another run has changed since by what" in said) == (1, True), said
    assert hosts.room.tree() == after
    assert hosts.standing() == ["jwt==1.0"]


def test_hosts_that_ask_different_servers_are_found_out_before_the_commit(hosts: Hosts) -> None:
    elsewhere = hosts.room.path / "elsewhere"
    elsewhere.mkdir()
    with RedisServer(str(elsewhere)) as wrong, hosts.start("a", "install", hosts.new, stops="checking") as one:
        arrive(one, "checking")
        code, said = hosts.run("b", "install", hosts.other, backend=wrong.url)
        assert (code, "did not give back" in said) == (0, True), said
        code, said = end(one)
        assert (code, "granted to another run" in said) == (1, True), said


# --- a server that is of no use ---------------------------------------------------------------------------------------


def test_nothing_to_do_and_reading_take_no_lock(hosts: Hosts) -> None:
    hosts.do("a", "install", hosts.new)
    hosts.server.kill()
    for words in (["install", hosts.new], ["check"], ["uninstall", "six"], ["install", hosts.other, "--dry-run"]):
        assert hosts.run("b", *words)[0] == 0, words


def test_an_unreachable_server_is_one_sentence_and_nothing_changes(hosts: Hosts) -> None:
    hosts.server.kill()
    before = hosts.room.tree()
    for url in (hosts.server.url, "redis://anne:s3cret@127.0.0.1:1/0"):
        code, said = hosts.run("a", "install", hosts.new, backend=url)
        assert (code, said.count("\n")) == (3, 2), said
        assert "cannot lock this environment: " in said
        assert "s3cret" not in said
        assert hosts.room.tree() == before


@pytest.mark.parametrize("given", ["", "anne:wr0ng@", ":wr0ng@"])
def test_a_wrong_password_is_said_and_never_shown(tmp_path: Path, given: str) -> None:
    missing = find_missing()
    if missing:
        pytest.skip(missing)
    with RedisServer(str(tmp_path), password="r1ght") as server:
        hosts = Hosts(tmp_path, server)
        code, said = hosts.run("a", "install", hosts.new, backend=server.url.replace("unix://", f"unix://{given}"))
        assert (code, "cannot lock this environment" in said) == (3, True), said
        assert "wr0ng" not in said
        code, said = hosts.run("a", "install", hosts.new, backend=server.url.replace("unix://", "unix://:r1ght@"))
        assert code == 0, said


def test_without_the_extra_the_way_to_it_is_said(hosts: Hosts) -> None:
    broken = hosts.room.path / "broken"
    broken.mkdir()
    (broken / "redis.py").write_text("raise ImportError('no redis')\n")
    hosts.environ["PYTHONPATH"] = os.pathsep.join([str(broken), hosts.environ["PYTHONPATH"]])
    code, said = hosts.run("a", "install", hosts.new)
    assert (code, "pip install 'lugnut[redis]'" in said) == (3, True), said
