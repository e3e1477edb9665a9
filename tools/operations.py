"""What is brought about in an environment and stopped on its way: a universe of three wheels, the operations on it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from wheels import make_wheel

Words = Sequence[str]


class Operation(NamedTuple):
    """The commands that come before, and the one that is stopped; braces in words stand for paths of the universe."""

    before: Sequence[Words]
    command: Words
    cut: int | None = None
    """The last command before is killed so many calls of its coordinator after the commit; negative is before."""
    cold: bool = False
    """The store is empty."""


def make_universe(directory: str) -> dict[str, str]:
    """Make three wheels of at most four files that share a path, later versions of two, and a file to sync to."""
    shipped = {
        "aa1": ("aa", "1", {"s/x.py": "X = 'aa'\n", "aa/m.py": "M = 1\n", "aa/n.py": "N = 1\n"}),
        "mm1": ("mm", "1", {"s/x.py": "X = 'mm'\n", "mm.py": "M = 1\n", "mm-1.data/scripts/mm": "#!python\n"}),
        "zz1": ("zz", "1", {"s/x.py": "X = 'zz'\n", "zz/m.py": "M = 1\n", "zz/gone.py": "G = 1\n"}),
        "mm1b": ("mm", "1", {"s/x.py": "X = 'mm b'\n", "mm.py": "M = 1\n", "mm/more.py": "M = 1\n"}),
        "mm2": ("mm", "2", {"s/x.py": "X = 'mm 2'\n", "mm/__init__.py": "M = 2\n"}),
        "zz2": ("zz", "2", {"s/x.py": "X = 'zz 2'\n", "zz/m.py": "M = 2\n", "zz/new.py": "N = 1\n"}),
    }
    made = {key: make_wheel(os.path.join(directory, key), *words) for key, words in shipped.items()}
    with open(os.path.join(directory, "wanted.txt"), "w", encoding="utf-8") as file:
        file.write(f"{made['aa1']}\n{made['zz2']}\n")
    return {**made, "wanted": file.name}


_ALL = ["install", "{aa1}", "{mm1}", "{zz1}"]
_UPGRADE = ["install", "{mm2}", "{zz2}"]
OPERATIONS = {
    "install": Operation([], _ALL, cold=True),
    "install-warm": Operation([], _ALL),
    "upgrade": Operation([_ALL], _UPGRADE),
    "rebuild": Operation([_ALL], ["install", "{mm1b}"]),
    "uninstall": Operation([_ALL], ["uninstall", "mm", "zz"]),
    "sync": Operation([_ALL], ["sync", "{wanted}"]),
    "conflict": Operation([["install", "{zz1}"]], ["install", "--overlay", "aa", "{aa1}"]),
    "compile": Operation([[*_ALL, "--compile-bytecode"]], [*_UPGRADE, "--compile-bytecode"]),
    "durable": Operation([_ALL], [*_UPGRADE, "--durable"]),
    "recover-open": Operation([_ALL, _UPGRADE], ["recover"], cut=0),
    "recover-committed": Operation([_ALL, _UPGRADE], ["recover"], cut=20),
}
"""Every operation by name."""
