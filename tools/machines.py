"""Machines on this machine: hosts with a network, a name, mounts and processes of their own, joined by a bridge.

Each is a set of namespaces that a first process keeps alive: its standard input is a pipe of ours, so that whatever
becomes of us (Ctrl-C, SIGKILL) it reads the pipe's end and goes, and processes, mounts and links go with it. Nothing is
written to /run/netns or /etc. What stands on the root file system is seen by all of them at the same path.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from killing import workers_of
from programs import Ran, find_program, run

if sys.platform == "win32":
    raise ImportError("campaigns run on POSIX")

NAMESPACES = ("--net", "--uts", "--mount", "--ipc")
NETWORK = "10.77.0"
BRIDGE = "hosts"
PATIENCE = 30.0
POLL = 0.05


class CannotStartError(Exception):
    """The machine, or the user, lacks what it takes; says what."""


def missing(*programs: str) -> str:
    """Say what of it is not to be had here; empty where all is."""
    if os.geteuid() != 0:
        return "namespaces and mounts take root"
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "there is no /dev/fuse"
    lost = [name for name in ("unshare", "nsenter", "ip", *programs) if shutil.which(name) is None]
    return f"there is no {', '.join(lost)} on PATH" if lost else ""


def await_that(happened: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    """Wait until something is so; raises CannotStartError with what it was."""
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            raise CannotStartError(f"{what}: not within {seconds:.0f} s")
        time.sleep(POLL)


class Machine:
    """One host: switched on at once, off by `off()`; another `on()` is the next start of it."""

    def __init__(self, name: str, number: int, switch: Machine | None = None) -> None:
        """Switch it on; the first one is the `switch` of the others, with a bridge."""
        self.name = name
        self.address = f"{NETWORK}.{number}"
        self.switch = switch
        self._port = f"port{number}"
        self.on()

    def on(self) -> None:
        """Start it: namespaces, name, network."""
        command = [find_program("unshare"), "--fork", "--pid", *NAMESPACES, "--mount-proc", "--kill-child=KILL"]
        # the shell waits for whoever loses its parent in there, as a first process has to
        self._keeper = subprocess.Popen(
            [*command, "--", "/bin/sh", "-c", "echo; cat; true"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._keeper.stdout is not None
        if not self._keeper.stdout.readline():
            raise CannotStartError("unshare gives no namespaces here")
        self.pid = workers_of(self._keeper.pid)[0]
        self.must("hostname", self.name)
        self.must("ip", "link", "set", "lo", "up")
        if self.switch is None:
            self._carry(BRIDGE, "ip", "link", "add", BRIDGE, "type", "bridge")
        else:
            self._plug_in(self.switch)

    def _carry(self, device: str, *words: str) -> None:
        """Make a network device and give it the machine's address."""
        self.must(*words)
        self.must("ip", "address", "add", f"{self.address}/24", "dev", device)
        self.must("ip", "link", "set", device, "up")

    def _plug_in(self, switch: Machine) -> None:
        switch.run(["ip", "link", "delete", self._port])  # of its last start, which the kernel takes its time to clear
        peer = ("peer", "name", self._port, "netns", str(switch.pid))
        subprocess.run(["ip", "link", "add", "eth0", "netns", str(self.pid), "type", "veth", *peer], check=True)
        self._carry("eth0", "ip", "link", "set", "eth0", "mtu", "1500")
        switch.must("ip", "link", "set", self._port, "master", BRIDGE)
        self.heal()

    def cut(self) -> None:
        """Cut its link: nothing comes, nothing goes, nobody is told."""
        assert self.switch is not None
        self.switch.must("ip", "link", "set", self._port, "down")

    def heal(self) -> None:
        """Join the link again."""
        assert self.switch is not None
        self.switch.must("ip", "link", "set", self._port, "up")

    def off(self) -> None:
        """Take its power away: the link first, so that nobody hears of it, then all that runs."""
        if self.switch is not None:
            with contextlib.suppress(CannotStartError):
                self.cut()
        self._keeper.kill()
        self._keeper.communicate()

    def inside(self, command: Sequence[str]) -> list[str]:
        """Give the command that runs another one in there."""
        return [find_program("nsenter"), "--target", str(self.pid), "--pid", *NAMESPACES, "--", *command]

    def run(self, command: Sequence[str], environ: Mapping[str, str] | None = None) -> Ran:
        """Run a program in there to its end."""
        return run(self.inside(command), environ)

    def must(self, *command: str) -> str:
        """Run a program in there that has to manage it; gives what it says."""
        ran = self.run(command)
        if ran.code != 0:
            said = (ran.err or ran.out).strip()[-500:]
            raise CannotStartError(f"{' '.join(command)}: exit {ran.code}: {said}")
        return ran.out

    def path(self, path: str) -> str:
        """Give the path by which we see what is mounted in there."""
        return f"/proc/{self.pid}/root{path}"

    def find(self, program: str) -> list[int]:
        """Give the processes in there, by their numbers out here, that run a program."""
        found = []
        for line in self.run(["ps", "-e", "-o", "pid=,comm="]).out.splitlines():
            pid, _, name = line.strip().partition(" ")
            found += [int(pid)] if name.strip() == program else []
        return found

    def kill(self, program: str) -> int:
        """SIGKILL every process of a program in there; gives how many there were."""
        pids = self.find(program)
        if pids:
            self.run(["kill", "-9", *map(str, pids)])
        return len(pids)


@contextlib.contextmanager
def joined(names: Sequence[str]) -> Iterator[tuple[Machine, list[Machine]]]:
    """Give a server and hosts of these names, joined; all of it is gone at the end."""
    server = Machine("server", 1)
    hosts: list[Machine] = []
    try:
        for number, name in enumerate(names, 11):
            hosts.append(Machine(name, number, server))
        yield server, hosts
    finally:
        for machine in [*hosts, server]:
            machine.off()
