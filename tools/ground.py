"""Ground to try lugnut on: a fresh environment, again and again, a store, and what stands there afterwards."""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence

from oracle import check_environment
from programs import Ran, clean_environ, find_program, make_venv, run
from trees import Tree, differences, read_tree, reference_tree, site_packages, tree_digest, without_generated


class CannotBeShownError(Exception):
    """The machine, or the user, lacks what it takes to show something."""


class Ground:
    """A virtual environment and a store below one directory, and lugnut from outside."""

    def __init__(self, home: str, *, prefix: str | None = None, cache: str | None = None) -> None:
        """Make the environment; `prefix` and `cache` may lie elsewhere."""
        self.home = home
        self.prefix = prefix or os.path.join(home, "venv")
        self.cache = cache or os.path.join(home, "cache")
        self.environ = clean_environ(home)
        self.worn = itertools.count()
        self.references: dict[tuple[str, ...], Tree] = {}
        self.make()

    def make(self) -> None:
        """Make the environment."""
        self.python = make_venv(self.prefix)
        self.site = site_packages(self.prefix)
        self.empty = self.tree()

    def anew(self) -> None:
        """Put the environment away and make a new one; nothing is deleted before the end (TRAPS 29)."""
        os.rename(self.prefix, f"{self.prefix}-{next(self.worn)}")
        self.make()

    def command(self, act: str, *words: str) -> list[str]:
        """Give the command line of lugnut on this environment."""
        store = ["--cache-dir", self.cache, "--no-deps"] if act == "install" else []
        return [find_program("lugnut"), act, "--python", self.python, *store, *words]

    def lugnut(self, act: str, *words: str) -> Ran:
        """Run lugnut, whatever becomes of it."""
        return run(self.command(act, *words), self.environ)

    def do(self, act: str, *words: str) -> Ran:
        """Run lugnut, which has to manage it."""
        ran = self.lugnut(act, *words)
        if ran.code != 0:
            raise RuntimeError(f"lugnut {act} {' '.join(words)}: exit {ran.code}: {(ran.err or ran.out)[-2000:]}")
        return ran

    def tree(self) -> Tree:
        """Give names, kinds, modes and bytes, but for the lock that uv keeps in an environment's prefix."""
        return {path: entry for path, entry in read_tree(self.prefix).items() if path != ".lock"}

    def digest(self) -> str:
        """Give one word for names, modes and bytes, RECORD's too."""
        return tree_digest(self.tree())

    def wrongs(self, wheels: Sequence[str]) -> list[str]:
        """Say how the environment differs from the one these wheels make, and what else is wrong with it."""
        key = tuple(sorted(wheels))
        if key not in self.references:
            self.references[key] = reference_tree(wheels, self.prefix)
        expected = {**self.empty, **self.references[key]}
        return differences(expected, without_generated(self.tree())) + check_environment(self.site)


def warnings(ran: Ran) -> str:
    """Give what a run warned of."""
    return "\n".join(line for line in ran.err.splitlines() if line.startswith("warning"))
