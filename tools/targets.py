"""What lugnut's speed is measured against: one line for each figure that was promised. Measured, never asserted."""

from __future__ import annotations

from typing import NamedTuple


class Target(NamedTuple):
    """A figure of one case, and its bound: a ratio of two contestants' walls or CPU, or MB more than another's."""

    workload: str
    mode: str
    what: str
    """wall, cpu or memory."""
    bound: float
    over: str = "lugnut"
    under: str = "uv"

    @property
    def digits(self) -> int:
        """How exactly the figure is written."""
        return 0 if self.what == "memory" else 2

    def __str__(self) -> str:
        if self.what == "memory":
            return f"memory ≤ {self.under}'s + {self.bound:.0f} MB"
        figure = {"wall": "", "cpu": "CPU "}[self.what]
        of = "" if (self.over, self.under) == ("lugnut", "uv") else f" of {self.under}"
        over = "" if self.over == "lugnut" else f"{self.over}: "
        return f"{over}{figure}≤ {self.bound:.2f}{of}"


TARGETS = (
    Target("W2", "warm", "wall", 0.80),
    Target("W4", "warm", "wall", 0.85),
    Target("W1", "warm", "wall", 2.0),
    Target("W4", "warm", "cpu", 1.0, under="floor"),
    Target("W1", "cold", "wall", 0.6),
    Target("W2", "cold", "wall", 0.5),
    Target("W4", "cold", "wall", 0.4),
    Target("W3", "cold", "wall", 0.6),
    Target("W2", "compile", "wall", 0.10),
    Target("W2", "first-compile", "wall", 1.0),
    Target("W2", "noop", "wall", 1.5),
    Target("W2", "upgrade", "wall", 0.8),
    Target("W2", "uninstall", "wall", 1.0),
    Target("W2", "callers-same", "wall", 1.3, under="one caller"),
    Target("W2", "callers-same", "wall", 1.0),
    Target("W2", "callers-different", "wall", 0.8),
    Target("W2", "callers-different-cold", "wall", 0.8),
    Target("W2", "bare", "wall", 0.80, over="bare"),
    Target("W4", "bare", "wall", 0.85, over="bare"),
    Target("W2", "bare", "cpu", 1.05, under="bare, store checked"),
    Target("W2", "bare", "cpu", 1.10, over="bare, store checked", under="bare"),
    Target("W4", "bare", "cpu", 1.05, under="bare, store checked"),
    Target("W4", "bare", "cpu", 1.10, over="bare, store checked", under="bare"),
    *(Target(load, mode, "memory", 20) for load in ("W1", "W2", "W3", "W4") for mode in ("warm", "cold")),
)
