"""Locks: held, told of, never guessed at."""

import errno
import json
import os
import sys
import time

import pytest

from lugnut.errors import CannotWrite, LockTimeout, LockUnusable
from lugnut.system import files, locks


@pytest.fixture
def here(tmp_path):
    with files.open_root(str(tmp_path)) as directory:
        yield directory


@pytest.fixture(autouse=True)
def no_descriptor_leaks():
    before = len(os.listdir("/proc/self/fd"))
    yield
    assert len(os.listdir("/proc/self/fd")) == before


def patience(timeout=0.0, on_wait=lambda *_: None, cancelled=lambda: None):
    return locks.Patience(timeout, on_wait, cancelled)


def test_a_lock_is_held_until_it_is_closed(here):
    with locks.hold(here, "x.lock", patience()):
        assert locks.try_hold(here, "x.lock") is None
    locks.try_hold(here, "x.lock").close()


def test_closing_twice_closes_nothing_else(here):
    held = locks.try_hold(here, "x.lock")
    held.close()
    other = os.open(here.path, os.O_RDONLY)
    held.close()
    os.close(other)


def test_shared_locks_stand_side_by_side_and_keep_an_exclusive_one_out(here):
    with locks.try_hold(here, "x", shared=True), locks.try_hold(here, "x", shared=True):
        assert locks.try_hold(here, "x") is None
    with locks.try_hold(here, "x"):
        assert locks.try_hold(here, "x", shared=True) is None


def test_without_create_a_missing_file_is_told(here):
    with pytest.raises(FileNotFoundError):
        locks.try_hold(here, "x", create=False)
    with pytest.raises(FileNotFoundError):
        locks.hold(here, "x", patience(), create=False)


def test_patience_zero_tries_once_and_names_lock_and_seconds(here):
    tries = []
    with locks.try_hold(here, "x"), pytest.raises(LockTimeout) as caught:
        locks.hold(here, "x", patience(0.0, cancelled=lambda: tries.append(1)))
    assert caught.value.data["path"] == f"{here.path}/x"
    assert caught.value.data["seconds"] == 0
    assert len(tries) == 1


def test_a_wait_is_told_when_it_is_over_and_a_free_lock_is_not(here):
    spans = []
    with locks.hold(here, "x", locks.Patience(0, waits=spans.append)) as held:
        assert spans == []
        locks.hold(here, "x", locks.Patience(30, cancelled=held.close, waits=spans.append)).close()
    [span] = spans
    assert (span.name, span.category, span.args) == (
        "x", "wait", {"path": f"{here.path}/x", "holder": "held by another process"},
    )  # fmt: skip
    assert 0 < span.began < span.ended <= time.perf_counter_ns()


def test_a_wait_in_vain_is_told_too(here):
    spans = []
    with locks.try_hold(here, "x"), pytest.raises(LockTimeout):
        locks.hold(here, "x", locks.Patience(0, waits=spans.append))
    assert [span.name for span in spans] == ["x"]


def test_waiting_is_bounded_and_told_after_a_second_with_the_holder(here):
    told = []
    with locks.try_hold(here, "x") as held:
        held.claim(locks.holder_words())
        began = time.monotonic()
        with pytest.raises(LockTimeout, match=f"held by pid {os.getpid()} "):
            locks.hold(here, "x", patience(1.2, lambda *words: told.append(words)))
        assert 1.2 <= time.monotonic() - began < 5
    ((path, holder, seconds),) = told
    assert (path, f"pid {os.getpid()}" in holder) == (f"{here.path}/x", True)
    assert 1 <= seconds < 1.2


def test_whoever_waits_can_be_called_off(here):
    def cancel():
        raise KeyboardInterrupt

    with locks.try_hold(here, "x"), pytest.raises(KeyboardInterrupt):
        locks.hold(here, "x", patience(300, cancelled=cancel))


@pytest.mark.parametrize("act", [locks.try_hold, lambda *words: locks.hold(*words, patience(300))])
def test_what_cannot_be_locked_is_final(here, tmp_path, act):
    (tmp_path / "directory").mkdir()
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "way").symlink_to("elsewhere")
    for name, reason in (("directory", "directory"), ("fifo", "regular"), ("way", "symbolic"), ("n" * 300, "too long")):
        with pytest.raises(LockUnusable, match=reason):
            act(here, name)
    assert not (tmp_path / "elsewhere").exists()


@pytest.fixture
def nobody(tmp_path, here):  # noqa: ARG001 - it is opened before
    """An ordinary user's eyes: root may write everything."""
    if os.geteuid() != 0:
        yield
        return
    os.chmod(tmp_path, 0o755)
    os.seteuid(65534)
    yield
    os.seteuid(0)


@pytest.mark.usefixtures("nobody")
def test_a_read_only_lock_file_is_final_but_good_to_share(here, tmp_path):
    os.seteuid(0) if os.getuid() == 0 else None
    (tmp_path / "x").write_text("")
    os.chmod(tmp_path / "x", 0o444)
    os.seteuid(65534) if os.getuid() == 0 else None
    with pytest.raises(LockUnusable, match="Permission denied"):
        locks.try_hold(here, "x")
    with locks.try_hold(here, "x", shared=True):
        pass


@pytest.mark.usefixtures("nobody")
def test_a_directory_that_may_not_be_written_is_final(here):
    if os.getuid() != 0:
        os.chmod(here.path, 0o555)
    with pytest.raises(LockUnusable, match="Permission denied"):
        locks.try_hold(here, "new")


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF, errno.EIO])
def test_only_busy_is_worth_another_try(here, number, monkeypatch):
    """The system call itself is made to fail: no file system at hand refuses flock (TRAPS 3)."""
    from lugnut.system.portalocking import portalocker

    def refuse(_descriptor, _flags):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(portalocker, "LOCKER", refuse)
    with pytest.raises(LockUnusable) as caught:
        locks.hold(here, "x", patience(1))
    assert caught.value.data["reason"] == os.strerror(number)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EAGAIN])
def test_busy_has_two_names(here, number, monkeypatch):
    from lugnut.system.portalocking import portalocker

    def refuse(_descriptor, _flags):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(portalocker, "LOCKER", refuse)
    assert locks.try_hold(here, "x") is None


def test_the_generation_rises_with_every_holder_and_shows_a_lost_lock(here, tmp_path):
    with locks.try_hold(here, "x") as held:
        assert held.claim("{}") == 1
        assert held.kept(here)
    with locks.try_hold(here, "x") as held:
        assert held.claim("{}") == 2
        assert (held.generation(here), held.kept(here), held.still_there(here)) == (2, True, True)
        (tmp_path / "x").write_bytes(b"3 {}\n")  # somebody whom the file system let in as well
        assert (held.generation(here), held.kept(here), held.still_there(here)) == (3, False, True)


def test_a_lock_file_that_was_put_in_the_place_of_ours_shows(here, tmp_path):
    with locks.try_hold(here, "x") as held:
        held.claim("{}")
        os.rename(tmp_path / "x", tmp_path / "old")
        assert (held.generation(here), held.kept(here), held.still_there(here)) == (-1, False, False)
        (tmp_path / "x").write_bytes(b"1 {}\n")
        assert (held.kept(here), held.still_there(here)) == (True, False)


def test_a_shorter_holders_words_leave_nothing_of_a_longer_ones(here):
    for words in ("w" * 500, '{"a": 1}'):
        with locks.try_hold(here, "x") as held:
            held.claim(words)
    assert files.read(here, "x").rstrip() == b'2 {"a": 1}'


def test_taking_a_lock_does_not_touch_its_words(here):
    with locks.try_hold(here, "x") as held:
        held.claim("{}")
    before = files.read(here, "x")
    locks.try_hold(here, "x").close()
    assert files.read(here, "x") == before


def test_the_holder_is_named_with_command_host_and_time(here, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/usr/bin/lugnut", "install", "jwt"])
    with locks.try_hold(here, "x") as held:
        held.claim(locks.holder_words())
        expected = f"held by pid {os.getpid()} `lugnut install jwt` on host {os.uname().nodename} for 0 s"
        assert locks.describe_holder(here, "x") == expected


def test_the_time_is_counted_from_what_the_holder_wrote(here):
    """Process 1 has run for long enough."""
    words = json.loads(locks.holder_words(time.time() - 41))
    with locks.try_hold(here, "x") as held:
        held.claim(json.dumps({**words, "pid": 1}))
        assert locks.describe_holder(here, "x").endswith((" for 41 s", " for 42 s"))


def test_a_holder_elsewhere_is_said_to_be_elsewhere(here):
    words = json.loads(locks.holder_words())
    for key, value in (("boot", "another"), ("namespace", "pid:[1]")):
        with locks.try_hold(here, "x") as held:
            held.claim(json.dumps({**words, key: value, "host": "ci-3", "pid": 1, "argv": ["lugnut"], "start": 0}))
            assert "held by pid 1 `lugnut` in another container on host ci-3 for " in locks.describe_holder(here, "x")


def test_a_holder_that_is_gone_is_not_named_as_the_holder(here):
    words = json.loads(locks.holder_words())
    for changes in ({"pid": 2**22 + 1}, {"start": 1.0}):  # no such process; one that had not begun yet
        with locks.try_hold(here, "x") as held:
            held.claim(json.dumps({**words, **changes}))
            assert locks.describe_holder(here, "x").startswith("held by another process, perhaps a worker that pid")


@pytest.mark.parametrize(
    "words", ["", "x", "{}", "[]", "null", '{"pid": "x"}', "\udcff".encode("utf-8", "replace").decode()]
)
def test_words_that_say_nothing_are_no_error(here, words):
    with locks.try_hold(here, "x") as held:
        held.claim(words)
    assert locks.describe_holder(here, "x") == "held by another process"
    assert locks.describe_holder(here, "nothing") == "held by another process"


def test_words_cannot_steer_a_terminal(here):
    words = json.loads(locks.holder_words())
    with locks.try_hold(here, "x") as held:
        held.claim(json.dumps({**words, "argv": ["\x1b[2J", "a\nb", "\udcff"]}))
    assert "`?[2J a?b ?`" in locks.describe_holder(here, "x")


@pytest.mark.parametrize(
    ("word", "kept"),
    [
        ("https://user:secret@host/x", "https://***@host/x"),
        ("git+https://u:se/cret@host/x", "git+https://***@host/x"),
        ("--find-links=http://u:secret@ho@st", "--find-links=http://***@st"),
        ("https://host/x", "https://host/x"),
        ("name@1", "name@1"),
    ],
)
def test_no_password_reaches_a_lock_file(monkeypatch, word, kept):
    monkeypatch.setattr(sys, "argv", ["lugnut", word])
    words = locks.holder_words()
    assert json.loads(words)["argv"] == ["lugnut", kept]
    assert "cret" not in words


def test_the_words_stay_one_line_that_can_be_read_however_long_the_command(here, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["lugnut", *["ü" * 50] * 500])
    with locks.try_hold(here, "x") as held:
        held.claim(locks.holder_words())
    said = locks.describe_holder(here, "x")
    assert said.startswith(f"held by pid {os.getpid()} `lugnut ü")
    assert files.read(here, "x").count(b"\n") == 1


def test_the_boot_has_a_name():
    assert locks.boot_id() == locks.boot_id() != ""


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_where_nothing_more_can_be_written_no_lock_is_to_blame(here, monkeypatch, shared, number):
    def refuse(*_, **__):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(files, "open_lock", refuse)
    with pytest.raises(CannotWrite, match=r"x\.lock"):
        locks.try_hold(here, "x.lock", shared=shared)
