"""Scenarios to be stopped at each step: what stands before, the act that is stopped, and the one that meets it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from lugnut.errors import Interrupted
from stepper import Act, Place

Case = tuple[list[Act], Act, Act | None]
"""The acts before, the act that is stopped, and another one that meets it."""
Scenario = Callable[[Place], Case]


def install(*wheels: str, **options: Any) -> Act:
    return Act("install", wheels, options)


def uninstall(*names: str, **options: Any) -> Act:
    return Act("uninstall", names, options)


def sync(wheel: str) -> Act:
    """Have this wheel and no more, by a requirements file beside it."""
    wanted = f"{wheel}.txt"
    with open(wanted, "w", encoding="utf-8") as file:
        file.write(f"{wheel}\n")
    return Act("sync", (wanted,), {"no_deps": True, "no_index": True})


def _rivals(place: Place) -> tuple[str, str]:
    """Two wheels that share three paths, of which one has equal bytes, and have one each; low loses to top."""
    low = place.wheel(
        "low", "1", {"shared/a.py": "A = 'low'\n", "shared/eq.py": "", "shared/b.py": "B = 1\n", "low.py": ""}
    )
    top = place.wheel(
        "top", "1", {"shared/a.py": "A = 'top'\n", "shared/eq.py": "", "shared/b.py": "B = 22\n", "top.py": ""}
    )
    return low, top


def fresh(place: Place) -> Case:
    low, top = _rivals(place)
    more = place.wheel(
        "tool",
        "1",
        {"tool/m.py": "M = 1\n", "tool-1.data/scripts/run": "#!python\n", "tool-1.data/data/share/d/x": "x"},
        entry_points="[console_scripts]\nhammer = tool.m:M\n",
    )
    return [], install(low, top, more), None


def fresh_beside(place: Place) -> Case:
    low, top = _rivals(place)
    return [], install(low), install(top)


def fresh_above(place: Place) -> Case:
    low, top = _rivals(place)
    return [], install(top), install(low)


def _versions(place: Place) -> tuple[str, str, str, str]:
    """A distribution in two versions between one that loses to it and one that wins over it."""
    old = {
        "p/same.py": "S = 0\n",
        "p/changed.py": "C = 1\n",
        "p/gone.py": "",
        "p/deep/gone.py": "",
        "m/x.py": "X = 1\n",
        "m/y.py": "Y = 1\n",
        "m/z.py": "Z = 1\n",
        "m/w.py": "W = 1\n",
    }
    new = {
        "p/same.py": "S = 0\n",
        "p/changed.py": "C = 2\n",
        "p/added.py": "D = 1\n",
        "p/new/added.py": "",
        "m/x.py": "X = 2\n",
        "m/y.py": "Y = 2\n",
        "m/v.py": "V = 1\n",
        "m/w.py": "W = 1\n",
    }
    above = place.wheel("zz", "1", {"m/x.py": "X = 'zz'\n", "m/v.py": "V = 'zz'\n", "m/u.py": "U = 'zz'\n"})
    below = place.wheel(
        "aa",
        "1",
        {
            "m/y.py": "Y = 'aa'\n",
            "m/z.py": "Z = 'aa'\n",
            "m/w.py": "W = 'aa'\n",
            "m/u.py": "U = 'aa'\n",
            "p/gone.py": "G = 'aa'\n",
        },
    )
    return place.wheel("mid", "1", old), place.wheel("mid", "2", new), above, below


def upgrade(place: Place) -> Case:
    one, two, above, below = _versions(place)
    return [install(one, above, below)], install(two), uninstall("zz")


def upgrade_beside(place: Place) -> Case:
    one, two, above, below = _versions(place)
    return [install(one, above, below)], uninstall("zz"), install(two)


def upgrade_below(place: Place) -> Case:
    one, two, above, below = _versions(place)
    return [install(one, above, below)], install(two), uninstall("aa")


def uninstall_winner(place: Place) -> Case:
    low, top = _rivals(place)
    return [install(low, top)], uninstall("top"), None


def uninstall_both(place: Place) -> Case:
    low, top = _rivals(place)
    return [install(low, top)], uninstall("top"), uninstall("low")


def uninstall_both_low(place: Place) -> Case:
    low, top = _rivals(place)
    return [install(low, top)], uninstall("low"), uninstall("top")


def install_over_leaving(place: Place) -> Case:
    low, top = _rivals(place)
    return [install(low)], install(top), uninstall("low")


def install_under_leaving(place: Place) -> Case:
    low, top = _rivals(place)
    return [install(top)], install(low), uninstall("top")


def install_below_leaving(place: Place) -> Case:
    """Files to be linked, and directories to be made, in some that the other empties and removes."""
    top = place.wheel("top", "1", {"c/t.py": "T = 1\n", "d/t.py": "T = 1\n"})
    low = place.wheel("low", "1", {"c/x.py": "X = 1\n", "d/e/x.py": "X = 1\n", "d/f/y.py": "Y = 1\n"})
    return [install(top)], install(low), uninstall("top")


def restore_meets(place: Place) -> Case:
    """A loser's content comes back to paths where nothing stands, and a third distribution comes to stand there."""
    low, top = _rivals(place)
    third = place.wheel("zz", "1", {"shared/a.py": "A = 'zz'\n", "shared/b.py": "B = 'zz'\n"})
    place.act(install(low, top))
    for path in ("shared/a.py", "shared/b.py"):
        os.unlink(os.path.join(place.site, path))
    return [], uninstall("top"), install(third)


def leave_over_install(place: Place) -> Case:
    low, top = _rivals(place)
    return [install(top)], uninstall("top"), install(low)


def leave_under_install(place: Place) -> Case:
    low, top = _rivals(place)
    return [install(low)], uninstall("low"), install(top)


def reinstall(place: Place) -> Case:
    """The same wheel over a copy in which a file is altered and one is missing."""
    low, top = _rivals(place)
    place.act(install(low, top))
    place.write("top.py", "altered by hand\n")
    os.unlink(os.path.join(place.site, "shared/b.py"))
    return [], install(top, reinstall=True), None


def rebuild(place: Place) -> Case:
    """Another build of the same version: one dist-info name, other files in it and outside."""
    low, _ = _rivals(place)
    again = place.wheel(
        "top",
        "1",
        {"shared/a.py": "A = 'again'\n", "shared/eq.py": "", "other.py": ""},
        build="again",
        extra={"sboms/x": "1", "NOTICE": "n"},
    )
    first = place.wheel(
        "top",
        "1",
        {"shared/a.py": "A = 'first'\n", "shared/eq.py": "", "top.py": ""},
        build="first",
        extra={"licenses/LICENSE": "l", "NOTICE": "o"},
    )
    return [install(low, first)], install(again), None


def shape(place: Place) -> Case:
    """A module becomes a package and a package a module."""
    one = place.wheel("sh", "1", {"a.py": "", "b/__init__.py": "", "b/c.py": "", "keep.py": "", "x/__init__.py": ""})
    two = place.wheel(
        "sh", "2", {"a.py/__init__.py": "", "b": "now a file", "keep.py": "", "x/__init__.py": "", "x/y/z.py": ""}
    )
    place.act(install(one))
    for path in (
        "__pycache__/a.cpython-311.pyc",
        "b/__pycache__/c.cpython-311.pyc",
        "x/__pycache__/__init__.cpython-311.pyc",
    ):
        place.write(path, "bytecode")
    return [], install(two), None


def rank(place: Place) -> Case:
    """An installed distribution gets another overlay rank."""
    low, top = _rivals(place)
    return [install(low, top)], install(overlay={"low": 1}), None


def rank_meets(place: Place) -> Case:
    low, top = _rivals(place)
    return [install(low, top)], install(overlay={"low": 1}), uninstall("top")


def rank_met(place: Place) -> Case:
    low, top = _rivals(place)
    return [install(low, top)], uninstall("top"), install(overlay={"low": 1})


def adopt_and_force(place: Place) -> Case:
    """Files that no distribution names: an equal one is adopted, another set aside under --force."""
    low, _ = _rivals(place)
    place.write("shared/b.py", "B = 1\n")
    place.write("low.py", "somebody's\n")
    return [], install(low, force=True), None


def withdrawn(place: Place) -> Case:
    """An install and an upgrade called off at the commit, so that everything is undone."""
    one, two, above, below = _versions(place)
    low, top = _rivals(place)

    def cancelled() -> None:
        if any(
            os.path.isdir(os.path.join(place.site, ".lugnut/transactions", name, "staged", "mid-2.dist-info"))
            for name in listed()
        ):
            raise Interrupted(signal="SIGINT", number=2)

    def listed() -> list[str]:
        try:
            return os.listdir(os.path.join(place.site, ".lugnut/transactions"))
        except FileNotFoundError:
            return []

    place.act(install(one, above, below, top))
    place.write("shared/eq.py", "")
    return [], install(two, low, cancelled=cancelled), None


SCENARIOS: dict[str, Scenario] = {
    one.__name__: one
    for one in (
        fresh, fresh_beside, fresh_above, upgrade, upgrade_beside, upgrade_below, uninstall_winner, uninstall_both,
        uninstall_both_low, install_over_leaving, install_under_leaving, install_below_leaving, restore_meets,
        leave_over_install, leave_under_install,
        reinstall, rebuild, shape, rank, rank_meets, rank_met, adopt_and_force, withdrawn,
    )
}  # fmt: skip
