"""What a contestant's commands cost, as the starter tells it."""

from __future__ import annotations

import marshal
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import NamedTuple, Self

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "starter.py")


class Cost(NamedTuple):
    """What it took until all commands had ended."""

    wall: float
    """Seconds, to the end of the last."""
    cpu: float
    """Seconds of all of them and their reaped children."""
    memory: float
    """MB (10**6) of the largest single process."""


class FailedError(Exception):
    """A command that had to succeed did not."""


class Starter:
    """The small process that starts everything (see starter.py)."""

    def __init__(self, outputs: str) -> None:
        """Start it; outputs of commands go to files of this directory."""
        os.makedirs(outputs, exist_ok=True)
        self._outputs = outputs
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.used = 0.0
        """CPU seconds of the starter itself, so far."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()

    def run(self, commands: Sequence[Sequence[str]], environ: Mapping[str, str]) -> Cost:
        """Run commands at once to their end; raises FailedError where one does not end well."""
        assert self._process.stdin is not None  # both are pipes
        assert self._process.stdout is not None
        marshal.dump(([list(one) for one in commands], dict(environ), self._outputs), self._process.stdin)
        self._process.stdin.flush()
        ended, self.used = marshal.load(self._process.stdout)
        for number, (code, *_) in enumerate(ended):
            if code != 0:
                with open(f"{self._outputs}/{number}.err", encoding="utf-8", errors="replace") as file:
                    said = file.read()[-2000:]
                raise FailedError(f"{' '.join(commands[number][:4])} ...: exit {code}: {said}")
        return Cost(
            max(seconds for _, seconds, _, _ in ended),
            sum(cpu for _, _, cpu, _ in ended),
            max(memory for _, _, _, memory in ended) * 1024 / 1e6,
        )
