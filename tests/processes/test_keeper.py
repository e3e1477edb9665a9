"""A keeper and its server: what is taken over from it, and for how long it is waited for before it has said a word."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from lugnut.errors import BackendUnusable, EnvironmentLockLost, LockTimeout
from lugnut.system import distant, locks
from redisserver import RedisServer, find_missing


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    missing = find_missing()
    if missing:
        pytest.skip(missing)
    with RedisServer(str(tmp_path)) as started:
        yield started


def ask_for(url: str, words: str = "") -> distant.Question:
    return distant.Question(url, "lugnut:x", os.urandom(8).hex(), words or locks.holder_words())


def test_a_token_is_not_raised_where_the_lock_was_granted_again_meanwhile(server: RedisServer) -> None:
    """A server that lost its memory counts from 1; whoever was granted it since must not be counted as this grant."""
    held, token = distant.hold(ask_for(server.url), locks.Patience(0))
    with held:
        client = server.connect()
        client.incr("lugnut:x-fence")
        with pytest.raises(EnvironmentLockLost, match="it was granted again"):
            held.ask(f"above {token + 9}")
        assert client.get("lugnut:x-fence") == str(token + 1)  # the other grant is left alone


def test_a_token_is_raised_above_what_the_environment_says(server: RedisServer) -> None:
    held, token = distant.hold(ask_for(server.url), locks.Patience(0))
    with held:
        assert held.ask(f"above {token + 9}") == ["is", token + 10]
        assert held.ask("check") == ["is", token + 10]


@contextlib.contextmanager
def trickling() -> Iterator[str]:
    """Give the URL of a server that takes every connection, and sends one byte now and then, of an answer that never
    ends: no read of it times out."""
    over = threading.Event()

    def trickle(near: socket.socket) -> None:
        with contextlib.suppress(OSError), near:
            while not over.wait(0.2):
                near.sendall(b"+")

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=trickle, args=(listener.accept()[0],), daemon=True).start()

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        threading.Thread(target=accept, daemon=True).start()
        try:
            yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"
        finally:
            over.set()
            listener.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("timeout", [0, 1, 3600])
def test_a_server_that_never_answers_is_not_waited_for_as_a_lock_is(
    monkeypatch: pytest.MonkeyPatch, timeout: float
) -> None:
    monkeypatch.setattr(distant, "_PROMPT", 0.5)
    monkeypatch.setattr(distant, "_ATTEMPT", 1.0)
    with trickling() as url, pytest.raises(BackendUnusable, match="nothing was heard of the lock for"):
        distant.hold(ask_for(url), locks.Patience(timeout))


def test_who_does_not_answer_is_waited_for_no_longer_than_the_caller_says(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first attempt would last until the stopped one may be cut off: longer than a test may."""
    held, _ = distant.hold(ask_for(server.url), locks.Patience(0))
    [keeper] = [one for one in psutil.Process().children() if "keeper" in " ".join(one.cmdline())]
    keeper.send_signal(signal.SIGSTOP)
    try:
        monkeypatch.setattr(distant, "SILENCE", 3600.0)
        monkeypatch.setattr(distant, "_ATTEMPT", 3600.0)
        with pytest.raises(LockTimeout, match=f"held by pid {os.getpid()}"):
            distant.hold(ask_for(server.url), locks.Patience(1))
    finally:
        keeper.send_signal(signal.SIGCONT)
        held.close()
