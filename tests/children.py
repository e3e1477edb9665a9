"""Starts real processes for tests, talks to them line by line, and never leaves one behind."""

import contextlib
import os
import select
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PATIENCE = 30


class Child:
    """A Python process that runs a piece of code; `say` and `hear` order the two."""

    def __init__(self, code, *arguments, **options):
        path = os.pathsep.join(filter(None, [HERE, os.environ.get("PYTHONPATH")]))
        environ = {**os.environ, "PYTHONPATH": path, **options.pop("environ", {})}
        command = [sys.executable, "-c", code, *map(str, arguments)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ,
            start_new_session=True, **options,
        )  # fmt: skip
        self.pid = self.process.pid

    def hear(self):
        """The next line it prints, without its end; empty at the end of its output."""
        line = b""
        while not line.endswith(b"\n"):
            assert select.select([self.process.stdout], [], [], PATIENCE)[0], "the child says nothing"
            byte = os.read(self.process.stdout.fileno(), 1)
            if not byte:
                break
            line += byte
        return line.decode().rstrip("\n")

    def say(self, line=""):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def kill(self, number=signal.SIGKILL):
        """Kill this one process, not those it started, and wait for its end."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def finish(self):
        """Wait for its end and give its exit code, the rest of its output, and what it complained of."""
        output, complaint = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, output.decode(), complaint.decode()


@contextlib.contextmanager
def child(code, *arguments, **options):
    """Run a child for as long as the block lasts; what is left of its whole session is killed at the end."""
    one = Child(code, *arguments, **options)
    try:
        yield one
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(one.pid, signal.SIGKILL)
        one.process.wait(PATIENCE)
        for stream in (one.process.stdin, one.process.stdout, one.process.stderr):
            with contextlib.suppress(OSError):
                stream.close()


def wait_for(condition):
    """Look until something is there, at most half a minute; what is waited for was set going before."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        select.select([], [], [], 0.005)


def run(code, *arguments, **options):
    """Run a child to its end and give its output; it must not fail."""
    with child(code, *arguments, **options) as one:
        code, output, complaint = one.finish()
        assert (code, complaint) == (0, ""), complaint
        return output
