"""Sockets that look up while they wait: whoever calls a download off is heard though no byte comes.

A read that blocks for `Route.timeout` in the kernel would keep Ctrl-C waiting for as long, and a worker whose parent is
dead would hold the file's lock. So what urllib3 reads through waits a tenth of a second at a time, and asks. (A thread
would hear too, but there must be none at a fork.) Classes are made late, since urllib3 is imported late.
"""

from __future__ import annotations

import functools
import io
import time
from collections.abc import Callable

from lugnut.events import never
from lugnut.typed import Any

TICK = 0.1
"""Seconds between two looks."""


class _Listening:
    """What this process's sockets call while they wait: of one download at a time."""

    def __init__(self) -> None:
        self.look: Callable[[], None] = never


_listening = _Listening()


def listen(look: Callable[[], None]) -> None:
    """From now on, call this about ten times a second while waiting for bytes; it raises to give up."""
    _listening.look = look


class _Reader(io.RawIOBase):
    """A socket's bytes."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        _await_bytes(self._sock)
        count: int | None = self._raw.readinto(buffer)
        return count

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


def _await_bytes(sock: Any) -> None:
    from urllib3.util.wait import wait_for_read

    _listening.look()
    if getattr(sock, "pending", int)():  # TLS has some that the system does not know of
        return
    patience = sock.gettimeout()
    until = None if patience is None else time.monotonic() + patience
    while not wait_for_read(sock, TICK):
        _listening.look()
        if until is not None and time.monotonic() >= until:
            raise TimeoutError("timed out")


class _Socket:
    """A connected socket whose readers look up; all else is the socket's own."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock

    def makefile(self, mode: str = "rb", *_: Any, **__: Any) -> Any:
        return io.BufferedReader(_Reader(self._sock)) if mode == "rb" else self._sock.makefile(mode)

    def fileno(self) -> int:
        return int(self._sock.fileno())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


@functools.cache
def pool_classes() -> dict[str, Any]:
    """Give urllib3's pools by scheme, with connections of such sockets."""
    from urllib3 import connection, connectionpool

    class Plain(connection.HTTPConnection):
        def connect(self) -> None:
            super().connect()
            self.sock: Any = _Socket(self.sock)

    class Secure(connection.HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            self.sock: Any = _Socket(self.sock)

    class PlainPool(connectionpool.HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(connectionpool.HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}
