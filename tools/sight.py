"""What one machine sees of an environment, as a line of JSON: its tree, and what the oracle finds wrong with it.

    python tools/sight.py PREFIX

Run on a host, whose mounts only it sees; `read` makes values of it again.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import NamedTuple

from oracle import check_environment
from trees import Entry, Tree, read_tree, site_packages


class Sight(NamedTuple):
    """The tree below a prefix, and the oracle's findings."""

    tree: Tree
    findings: list[str]


def look(prefix: str) -> Sight:
    """Look at an environment."""
    return Sight(read_tree(prefix), check_environment(site_packages(prefix)))


def read(text: str) -> Sight:
    """Read what the program printed."""
    tree, findings = json.loads(text)
    return Sight({path: Entry(*entry) for path, entry in tree.items()}, findings)


def main(arguments: Sequence[str]) -> int:
    """Print what is seen."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print(__doc__)
        return 2
    print(json.dumps(look(arguments[0])))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
