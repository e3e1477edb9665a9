"""A GlusterFS of one brick, its daemon started by hand with a directory of its own; nothing of /etc or /var is written.

The brick drops a client's locks when its connection ends. One that is gone without a word ends when TCP gives up
(`server.tcp-user-timeout`, 42 s unless said); the client gives its server up after `network.ping-timeout`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from machines import Machine, await_that, missing

if sys.platform == "win32":
    raise ImportError("campaigns run on POSIX")


PLACES = ("/var/log/glusterfs", "/var/lib/glusterd", "/run")
VOLUME = "shared"
PATIENCE = {
    "network.ping-timeout": "5",
    "server.tcp-user-timeout": "5",
    "client.tcp-user-timeout": "5",
    "server.keepalive-time": "2",
    "server.keepalive-interval": "1",
    "server.keepalive-count": "2",
}
"""Options of the volume by which both sides give each other up within seconds."""
FRESH = {"performance.stat-prefetch": "off", "performance.quick-read": "off"}
"""Options of the volume by which clients do not answer out of what they have read before: lugnut asks for these."""


class GlusterFS:
    """The file system as lugnut takes it, its server on one machine; started when it is made."""

    title = "glusterfs"
    usual: Sequence[str] = ()
    refused = ""
    volume: Mapping[str, str] = {**PATIENCE, **FRESH}
    client = "glusterfs"
    packages = "glusterfs-server"
    freshest: Sequence[str] = ("attribute-timeout=0", "entry-timeout=0")

    @staticmethod
    def lacks() -> str:
        """Say what it takes that is not here; empty where all is."""
        return missing("glusterd", "gluster", "glusterfs")

    def __init__(self, server: Machine, home: str) -> None:
        """Start the daemon, and a volume of one brick below `home`."""
        self._server = server
        brick = os.path.join(home, "brick")
        os.makedirs(brick)
        _cover(server)
        server.must("glusterd")
        await_that(lambda: server.run(["gluster", "--mode=script", "volume", "info"]).code == 0, "glusterd")
        self._volume("create", f"{server.address}:{brick}", "force")
        self._volume("set", *(word for option in self.volume.items() for word in option))
        self._volume("start")

    def _volume(self, act: str, *words: str) -> str:
        return self._server.must("gluster", "--mode=script", "volume", act, VOLUME, *words)

    def mount(self, machine: Machine, place: str, options: Sequence[str] = ()) -> None:
        """Mount it on a machine; `options` are those of the glusterfs program."""
        if machine is not self._server:
            _cover(machine)
        os.makedirs(place, exist_ok=True)
        said = [f"--{option}" for option in options]
        machine.must("glusterfs", f"--volfile-server={self._server.address}", f"--volfile-id={VOLUME}", *said, place)

    def sessions(self, machine: Machine) -> list[str]:
        """Give the connections that the brick has from a machine."""
        told = self._server.must("gluster", "--mode=script", "volume", "status", VOLUME, "clients")
        words = [line.split()[0] for line in told.splitlines() if line.strip()]
        return [word for word in words if word.startswith(f"{machine.address}:")]

    def forget(self, machine: Machine, sessions: Sequence[str], *, by_hand: bool = True) -> None:  # noqa: ARG002
        """Wait until the brick has given up these connections of a machine that is gone, and their locks with them."""
        await_that(lambda: not set(sessions) & set(self.sessions(machine)), "the connections given up", 60)


class DefaultGlusterFS(GlusterFS):
    """The same with a volume's options as they are unless said: its clients answer out of what they have read."""

    title = "glusterfs-default"
    refused = "a client may take for there what another one has removed or changed"
    volume = PATIENCE


def _cover(machine: Machine) -> None:
    """Let what it writes to /var and /run be the machine's own."""
    for place in PLACES:
        if os.path.isdir(place) and machine.run(["mountpoint", "-q", place]).code:
            machine.must("mount", "-t", "tmpfs", "tmpfs", place)
