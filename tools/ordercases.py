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
    "aa2": Shipped("aa", "2", {"s/x.py": "X = 'aa'\n", "s/z.py": "Z = 'aa'\n"}),
    "bb1": Shipped("bb", "1", {"s/z.py": "Z = 'bb'\n"}),
    "mm1-other": Shipped("mm", "1", {"s/x.py": "X = 'mm'\n", "s/y.py": "Y = 2\n"}),
    "yy1": Shipped("yy", "1", {"s/x.py": "X = 'mm 2'\n"}),
    "gg1": Shipped("gg", "1", {"s/g": "G = 1\n"}),
    "gg2": Shipped("gg", "2", {"s/g/h/x.py": "G = 2\n"}),
}
"""Most bytes at s/x.py differ, most at s/y.py are the same; dd and ee share a directory alone, gg has another shape."""


class OrderCase(NamedTuple):
    """Deeds that meet in an environment; `before` was carried out there, `strays` lie there and are nobody's."""

    name: str
    before: Sequence[Deed]
    deeds: Sequence[Deed]
    strays: Mapping[str, str] = {}
    called_off: frozenset[int] = frozenset()
    """Which deeds are called off at the last moment before their commit."""
    jobs: int = 1
    """Workers of each deed, where it has so many wheels."""
    lost: Sequence[str] = ()
    """Paths in site-packages that somebody has removed since `before`."""
    edited: Mapping[str, str] = {}
    """What somebody has written since then."""
    instead: Mapping[str, str] = {}
    """What some paths show in the end because of that, whatever is claimed; tools/oracle.py is not asked about them."""
    standing: Sequence[str] = ()
    """Directories that stood there before, empty: nobody who is called off takes them away."""


def install(*keys: str, **overlay: int) -> Deed:
    """Say that wheels of the universe are to be installed, or ranks to be changed."""
    return Deed("install", keys, overlay)


def uninstall(*names: str) -> Deed:
    """Say that names are to be removed."""
    return Deed("uninstall", names)


def sync(*keys: str) -> Deed:
    """Say that these wheels are to be installed, and nothing else."""
    return Deed("sync", keys)


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
        OrderCase(
            "rank-is-lowered-third-comes", [install("aa1", "mm1"), install(aa=1)], [install(aa=0), install("zz1")]
        ),
        OrderCase("equal-comes-winner-goes", [install("mm2", "zz1")], [install("yy1"), uninstall("zz")]),
        OrderCase("directory-empties", [install("dd1")], [uninstall("dd"), install("ee1")]),
        OrderCase("equal-bytes-come-and-go", [install("ff1")], [uninstall("ff"), install("mm1")]),
        OrderCase("stray-is-adopted", [], [install("ff1"), install("mm1")], {"s/y.py": "Y = 1\n"}),
        OrderCase("upgrade-as-before-winner-goes", [install("aa1", "zz1")], [install("aa2"), uninstall("zz")]),
        OrderCase("upgrade-adds-lesser-comes", [install("mm1", "yy1")], [install("mm2"), install("bb1")]),
        OrderCase("loser-goes-winner-comes", [install("aa1", "mm1")], [uninstall("aa"), install("zz1")]),
        OrderCase("equal-goes-upgrade-comes", [install("mm1", "yy1")], [install("mm2"), uninstall("yy")]),
        OrderCase(
            "equal-goes-upgrade-called-off",
            [install("mm1", "yy1")],
            [install("mm2"), uninstall("yy")],
            called_off=frozenset({0}),
        ),
        OrderCase("equal-goes-fresh-comes", [install("aa1")], [uninstall("aa"), install("ff1")]),
        OrderCase("another-build-winner-goes", [install("mm1", "zz1")], [install("mm1-other"), uninstall("zz")]),
        OrderCase("rank-changes-beside-others", [install("aa1", "mm1", "ff1")], [install(aa=1), uninstall("ff")]),
        OrderCase("called-off-rival-comes", [], [install("zz1"), install("mm1")], called_off=frozenset({0})),
        OrderCase(
            "called-off-winner-goes", [install("mm1")], [install("aa1"), uninstall("mm")], called_off=frozenset({0})
        ),
        OrderCase("both-called-off", [], [install("ff1"), install("mm1")], {"s/y.py": "Y = 1\n"}, frozenset({0, 1})),
        OrderCase(
            "directory-goes-called-off", [install("zz1")], [install("bb1"), uninstall("zz")], called_off=frozenset({0})
        ),
        OrderCase(
            "kept-was-lost-winner-goes",
            [install("aa1", "mm1")],
            [uninstall("mm"), install("bb1")],
            lost=[".lugnut/kept/aa"],
            instead={"s/x.py": "X = 'mm'\n"},
        ),
        OrderCase(
            "shown-was-edited-winner-comes",
            [install("aa1")],
            [install("mm1"), install("bb1")],
            edited={"s/x.py": "mine\n"},
            instead={"s/x.py": "mine\n"},
        ),
        OrderCase("shape-changes", [install("gg1", "mm1")], [install("gg2"), uninstall("mm")]),
        OrderCase("shape-changes-back", [install("gg2", "mm1")], [install("gg1"), uninstall("mm")]),
        OrderCase(
            "directory-stood-called-off",
            [],
            [install("dd1"), install("ff1")],
            called_off=frozenset({0}),
            standing=["d"],
        ),
        OrderCase("workers-come-winner-goes", [install("mm1")], [install("aa1", "dd1"), uninstall("mm")], jobs=2),
        OrderCase("workers-meet-workers", [], [install("aa1", "dd1"), install("mm1", "ee1")], jobs=2),
        OrderCase("directory-made-again", [install("zz1")], [install("aa1"), uninstall("zz"), install("mm1")]),
        OrderCase(
            "three-at-one-path", [install("aa1", "mm1", "zz1")], [uninstall("zz"), uninstall("mm"), install("mm2")]
        ),
        OrderCase(
            "upgrade-two-around", [install("aa1", "mm1", "zz1")], [install("mm2"), uninstall("zz"), uninstall("aa")]
        ),
        OrderCase("sync-meets-what-comes", [install("ff1")], [sync("bb1"), install("mm1", "ff1")]),
        OrderCase("sync-meets-what-goes", [install("ff1", "mm1")], [sync("ff1", "bb1"), uninstall("ff", "mm")]),
        OrderCase("syncs-find-nothing", [], [sync("aa1"), sync("mm1")]),
        OrderCase("sync-meets-sync", [install("ff1")], [sync("aa1", "ff1"), sync("mm1")]),
        OrderCase("sync-meets-two", [install("ff1")], [sync("bb1"), install("dd1"), install("ff1")]),
    )
}
