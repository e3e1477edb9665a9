"""A MooseFS of one master and one chunk server, started by hand from files of its own; nothing of /etc is read.

A host that is gone without a word keeps its session, and so its locks, for SESSION_SUSTAIN_TIME: a day unless said, a
minute at the least. The master notices that it is gone after ten seconds; from then on an administrator may remove the
session (`mfscli -CRS`), which is what `forget` does.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Sequence

from machines import Machine, await_that, missing

if sys.platform == "win32":
    raise ImportError("campaigns run on POSIX")

EMPTY = "/var/lib/mfs/metadata.mfs.empty"
NOTICED = 10.0
"""Seconds without a word until the master takes a client for disconnected."""
SUSTAIN = 60
"""Seconds, the least the master takes: so long it keeps the session of a client that is gone."""
SHARED = "rw,alldirs,admin,maproot=0:0"


class MooseFS:
    """The file system, its servers on one machine; started when it is made."""

    title = "moosefs"
    client = "mfsmount"
    freshest: Sequence[str] = ("mfsattrcacheto=0", "mfsdirentrycacheto=0", "mfsentrycacheto=0", "mfsnegentrycacheto=0")
    usual: Sequence[str] = ()
    refused = ""
    packages = "moosefs-master moosefs-chunkserver moosefs-client moosefs-cli"

    @staticmethod
    def lacks() -> str:
        """Say what it takes that is not here; empty where all is."""
        if lost := missing("mfsmaster", "mfschunkserver", "mfsmount", "mfscli"):
            return lost
        return "" if os.path.exists(EMPTY) else f"there is no {EMPTY}"

    def __init__(self, server: Machine, home: str) -> None:
        """Start master and chunk server with their files below `home`."""
        self._server = server
        for part in ("master", "chunks", "disk"):
            os.makedirs(os.path.join(home, part))
        shutil.copy(EMPTY, os.path.join(home, "master", "metadata.mfs"))
        _write(home, "exports", [f"* / {SHARED}", "* . rw"])
        _write(home, "hdd", [os.path.join(home, "disk")])
        own = ["WORKING_USER = root", "WORKING_GROUP = root", "NICE_LEVEL = 0"]
        master = [
            *own, f"DATA_PATH = {home}/master", f"EXPORTS_FILENAME = {home}/exports.cfg",
            f"TOPOLOGY_FILENAME = {home}/none.cfg", f"SESSION_SUSTAIN_TIME = {SUSTAIN}", "CHUNKS_LOOP_MIN_TIME = 60",
            "CHUNKS_SOFT_DEL_LIMIT = 1000", "CHUNKS_HARD_DEL_LIMIT = 2000",
        ]  # fmt: skip
        chunks = [
            *own, f"DATA_PATH = {home}/chunks", f"HDD_CONF_FILENAME = {home}/hdd.cfg",
            f"MASTER_HOST = {server.address}", "HDD_LEAVE_SPACE_DEFAULT = 16MiB", "MASTER_RECONNECTION_DELAY = 1",
        ]  # fmt: skip
        self._begun = time.monotonic()
        server.must("mfsmaster", "-c", _write(home, "master", master), "start")
        server.must("mfschunkserver", "-c", _write(home, "chunks", chunks), "start")
        await_that(lambda: " 9422 " in f"{server.run(self._ask('-SCS')).out} ".replace("\t", " "), "a chunk server")

    def _ask(self, *words: str) -> list[str]:
        return ["mfscli", "-H", self._server.address, *words]

    def mount(self, machine: Machine, place: str, options: Sequence[str] = ()) -> None:
        """Mount it on a machine; `options` are mfsmount's."""
        os.makedirs(place, exist_ok=True)
        said = [word for option in options for word in ("-o", option)]
        machine.must("mfsmount", "-H", self._server.address, *said, place)
        machine.must("mfssettrashtime", "0", place)

    def sessions(self, machine: Machine) -> list[str]:
        """Give the sessions that the master has of a machine, disconnected ones too."""
        rows = [line.split("\t") for line in self._server.must(*self._ask("-SMS")).splitlines()]
        return [row[1].strip() for row in rows if len(row) > 2 and row[2].strip() == machine.address]  # noqa: PLR2004

    def forget(self, machine: Machine, sessions: Sequence[str], *, by_hand: bool = True) -> None:
        """Wait until these sessions of a machine that is gone are removed, and their locks with them."""
        commands = [f"-CRS/{session}" for session in sessions] if by_hand else []

        def is_forgotten() -> bool:
            for command in commands:
                self._server.run(self._ask(command))
            return not set(sessions) & set(self.sessions(machine))

        await_that(is_forgotten, "the session removed", 6 * SUSTAIN)


class CachedMooseFS(MooseFS):
    """The same where the hosts remember for long what they have seen of names and attributes."""

    title = "moosefs-cached"
    refused = "a client may take for there what another one has removed or changed"
    usual = ("mfsattrcacheto=5", "mfsentrycacheto=5", "mfsdirentrycacheto=5", "mfsnegentrycacheto=5")


def _write(home: str, name: str, lines: Sequence[str]) -> str:
    path = os.path.join(home, f"{name}.cfg")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join([*lines, ""]))
    return path
