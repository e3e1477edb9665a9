"""Containers: made of namespaces with unshare, or by podman; a command in one, and what is missing for it here.

Each has processes, mounts, a host's name and a network of its own, and may have a user of its own in the group that
the shared directories belong to. The command is its first process, as it is where a container image runs a program: in
all of them lugnut is pid 1. Root is needed.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("campaigns run on POSIX")

import os
import shutil
import stat
import subprocess
from typing import NamedTuple

FIRST_USER, GROUP = 54321, 54399
ENGINES = ("unshare", "podman")
UNSHARE = shutil.which("unshare") or "unshare"
NAMESPACES = (
    "--fork",
    "--pid",
    "--kill-child",
    "--mount",
    "--propagation",
    "private",
    "--mount-proc",
    "--uts",
    "--net",
)
INSIDE = """
echo "$1" > /proc/sys/kernel/hostname
if [ "$2" != 0 ]; then
    echo $(($2 - 1)) > /proc/sys/kernel/ns_last_pid
    sleep 600 & [ $! = "$2" ] || exit 125
fi
shift 2
umask 002
while [ "$1" != -- ]; do
    case "$1" in
    =*) mount -t tmpfs -o mode=777 own "${1#=}" ;;
    *) [ ! -e "$1" ] || mount --bind "$1" "$1" ;;
    esac
    shift
done
shift
exec "$@"
"""
"""Host's name, a pid that somebody else shall have (0: none), volumes, what is hidden (`=path`), `--`, the command."""
ONE_CGROUP = 'umount -R /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup; exec "$@"'
"""Before podman where the machine has both kinds of cgroups, which crun refuses."""


class Box(NamedTuple):
    """One container."""

    number: int
    engine: str = ENGINES[0]
    own_user: bool = False
    """Runs as a user of its own; else as root."""
    volumes: tuple[str, ...] = ()
    """Paths that are mounts of their own in it; links between two of them are refused (TRAPS 24)."""
    hidden: str = ""
    """A directory in whose place it sees an empty one of its own; unshare's containers alone."""
    twin: int = 0
    """A pid that in this container is somebody else's; 0: none."""
    pidfile: str = ""
    """Where the pid is written that its first process has outside; podman's containers alone."""

    @property
    def host(self) -> str:
        """The name of the host that processes in it see."""
        return f"box-{self.number}"

    def wrap(self, command: list[str]) -> list[str]:
        """Give the command that runs one in here."""
        if self.engine == "podman":
            return [*_podman(), *self._options(), "--rootfs", "/:O", *command]
        words = [UNSHARE, *NAMESPACES, "sh", "-c", INSIDE, "sh", self.host, str(self.twin), *self.volumes]
        words += [f"={self.hidden}", "--"] if self.hidden else ["--"]
        if self.own_user:
            words += [
                "setpriv",
                f"--reuid={FIRST_USER + self.number}",
                f"--regid={GROUP}",
                "--clear-groups",
                *_reading(),
            ]
        return [*words, *command]

    def _options(self) -> list[str]:
        words = ["--hostname", self.host, "--umask", "0002"]
        words += ["--user", f"{FIRST_USER + self.number}:{GROUP}"] if self.own_user else []
        words += ["--pidfile", self.pidfile] if self.pidfile else []
        for path in self.volumes:
            words += ["--volume", f"{path}:{path}"]
        return words


def share(directory: str) -> None:
    """Give a directory, and by setgid all that will be made in it, to the group of the containers' users."""
    os.chown(directory, 0, GROUP)
    os.chmod(directory, 0o2775)


def _reading() -> list[str]:
    """Let another user read this interpreter where it lies in a home that only its owner may enter; not write."""
    path = os.path.realpath(sys.executable)
    above = [path := os.path.dirname(path) for _ in range(path.count(os.sep))]
    if all(os.stat(one).st_mode & stat.S_IXOTH for one in above):
        return []
    return ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]


def _podman() -> list[str]:
    words = [shutil.which("podman") or "podman", "run", "--rm", "--env-host", "--network=none", "--cgroups=disabled"]
    words += ["--ulimit=nofile=1024:1024", "--ulimit=nproc=4096:4096"] + ["--cap-add=DAC_READ_SEARCH"] * bool(
        _reading()
    )
    if os.path.ismount("/sys/fs/cgroup/memory"):
        return [UNSHARE, "--mount", "--propagation", "private", "sh", "-c", ONE_CGROUP, "sh", *words]
    return words


def lacking(engine: str) -> str:
    """Say what is missing here for containers; empty where one could be made."""
    if os.geteuid() != 0:
        return "only root can make containers here"
    for program in (engine, "setpriv"):
        if shutil.which(program) is None:
            return f"there is no {program}"
    ran = subprocess.run(
        Box(0, engine, own_user=True).wrap([sys.executable, "-c", ""]), capture_output=True, text=True, check=False
    )
    return f"{engine}: {ran.stderr.strip()}" if ran.returncode else ""
