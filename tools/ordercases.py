"""What is brought together in every order: small universes, two or three deeds at once, at most three paths a wheel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from serial import Deed, Shipped

UNIVERSE = {
    "aa1": Shipped("aa", "1", {"s/x.py": "X = 'aa'\n", "s/y.py": "Y = 1\n", "aa.py": ""}),
    "mm1": Shipped("mm", "1", {"s/x.py": "X = 'mm'\n", "s/y.py": "Y = 1\n"}),
    "zz1": Shipped("zz", "1", {"s/x.py": "X = 'zz'\n", "s/z.py": "Z = 1\n"}),
    "mm2": Shipped("mm", "2", {"s/x.py": "X = 'mm 2'\n", "s/z.py": "Z = 'mm'\n"}),
    "dd1": Shipped("dd", "1", {"d/t.py": "T = 1\n"}),
    "ee1": Shipped("ee", "1", {"d/e/x.py": "E = 1\n", "d/u.py": "U = 1\n"}),
    "ff1": Shipped("ff", "1", {"s/y.py": "Y = 1\n"}),
}
"""s/x.py differs in all, s/y.py is the same in all; dd and ee share a directory alone."""


class OrderCase(NamedTuple):
    """Deeds that meet in an environment; `before` was carried out there, `strays` lie there and are nobody's."""

    name: str
    before: Sequence[Deed]
    deeds: Sequence[Deed]
    strays: Mapping[str, str] = {}
    jobs: int = 1
    """Workers of each deed, where it has so many wheels."""


def install(*keys: str, **overlay: int) -> Deed:
    """Say that wheels of the universe are to be installed, or ranks to be changed."""
    return Deed("install", keys, overlay)


def uninstall(*names: str) -> Deed:
    """Say that names are to be removed."""
    return Deed("uninstall", names)


CASES = {
    case.name: case
    for case in (
        OrderCase("two-come", [], [install("aa1"), install("mm1")]),
        OrderCase("three-come", [], [install("aa1"), install("mm1"), install("zz1")]),
        OrderCase("winner-comes-loser-goes", [install("aa1")], [install("mm1"), uninstall("aa")]),
        OrderCase("loser-comes-winner-goes", [install("mm1")], [install("aa1"), uninstall("mm")]),
        OrderCase("both-go", [install("aa1", "mm1")], [uninstall("aa"), uninstall("mm")]),
        OrderCase("winner-goes-third-comes", [install("aa1", "mm1")], [uninstall("mm"), install("zz1")]),
        OrderCase("upgrade-winner-goes", [install("mm1", "zz1")], [install("mm2"), uninstall("zz")]),
        OrderCase("upgrade-loser-goes", [install("aa1", "mm1")], [install("mm2"), uninstall("aa")]),
        OrderCase("upgrade-rival-comes", [install("mm1")], [install("mm2"), install("zz1")]),
        OrderCase("one-name-two-versions", [], [install("mm1"), install("mm2")]),
        OrderCase("upgrade-goes", [install("mm1", "aa1")], [install("mm2"), uninstall("mm")]),
        OrderCase("rank-changes-winner-goes", [install("aa1", "mm1")], [install(aa=1), uninstall("mm")]),
        OrderCase("rank-changes-third-comes", [install("aa1", "mm1")], [install(aa=1), install("zz1")]),
        OrderCase("directory-empties", [install("dd1")], [uninstall("dd"), install("ee1")]),
        OrderCase("equal-bytes-come-and-go", [install("ff1")], [uninstall("ff"), install("mm1")]),
        OrderCase("stray-is-adopted", [], [install("ff1"), install("mm1")], {"s/y.py": "Y = 1\n"}),
        OrderCase(
            "three-at-one-path", [install("aa1", "mm1", "zz1")], [uninstall("zz"), uninstall("mm"), install("mm2")]
        ),
        OrderCase(
            "upgrade-two-around", [install("aa1", "mm1", "zz1")], [install("mm2"), uninstall("zz"), uninstall("aa")]
        ),
    )
}
