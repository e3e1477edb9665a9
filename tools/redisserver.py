"""A Redis server of one's own: started on a socket in a directory, killed and started again, its connections cut.

Debian's redis-server (apt-get install redis-server), without persistence: what it knew is gone with it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from typing import Any, Self

if sys.platform == "win32":
    raise ImportError("campaigns run on POSIX")

PATIENCE = 30.0


def find_missing() -> str:
    """Say what is missing for a server to be had here; empty: nothing."""
    if shutil.which("redis-server") is None:
        return "there is no redis-server on PATH (apt-get install redis-server)"
    try:
        import redis  # noqa: F401
    except ImportError:
        return "there is no redis in this Python (pip install 'lugnut[redis]')"
    return ""


class RedisServer:
    """One server on a Unix socket in `directory`; use it in a `with`."""

    def __init__(self, directory: str, password: str = "") -> None:
        self._socket = os.path.join(directory, "redis.sock")
        self._password = password
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def url(self) -> str:
        """Where it is to be found, without a password."""
        return f"unix://{self._socket}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        asked = ["--requirepass", self._password] if self._password else []
        command = [
            "redis-server",
            "--port",
            "0",
            "--unixsocket",
            self._socket,
            "--save",
            "",
            "--appendonly",
            "no",
            *asked,
        ]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=os.path.dirname(self._socket))
        until = time.monotonic() + PATIENCE
        while not self._answers():
            if time.monotonic() > until or self._process.poll() is not None:
                raise RuntimeError(f"redis-server does not answer on {self._socket}")
            time.sleep(0.01)

    def _answers(self) -> bool:
        import redis

        try:
            return bool(self.connect().ping())
        except redis.exceptions.RedisError:
            return False

    def connect(self) -> Any:
        """Give a client of redis-py's."""
        import redis

        return redis.Redis.from_url(self.url, password=self._password or None, decode_responses=True)

    def kill(self) -> None:
        """End it as a power cut would; a second time does nothing."""
        if self._process is not None:
            process, self._process = self._process, None
            process.kill()
            process.wait()
            if os.path.exists(self._socket):
                os.unlink(self._socket)

    def cut(self) -> int:
        """Cut every connection that holds, or waits for, a lock; gives how many."""
        return int(self.connect().client_kill_filter(_type="pubsub"))
