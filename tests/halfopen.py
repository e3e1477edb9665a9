"""A link to a Redis server that can fall silent in one direction, as networks do: nothing is closed, nothing comes."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Self


class HalfOpen:
    """Hands on every connection to `url` that is made to its own socket at `path`; use it in a `with`."""

    def __init__(self, url: str, path: str) -> None:
        self._server = url.removeprefix("unix://")
        self.url = f"unix://{path}"
        self._silent = threading.Event()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen()
        self._open: list[socket.socket] = [self._listener]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for one in self._open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def fall_silent(self) -> None:
        """From now on, drop what the server sends to whoever has subscribed to a lock's own channel."""
        self._silent.set()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect(self._server)
                self._open += [near, far]
                locking = threading.Event()
                for source, target in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=(source, target, near, locking), daemon=True).start()

    def _carry(
        self, source: socket.socket, target: socket.socket, near: socket.socket, locking: threading.Event
    ) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if source is near and b"SETNAME" in data and b"-lock-" in data:  # the lock's own connection
                    locking.set()
                if source is near or not (locking.is_set() and self._silent.is_set()):
                    target.sendall(data)
            target.shutdown(socket.SHUT_WR)
