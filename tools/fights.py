"""What is to be killed: an environment, a run of lugnut on it, and the two trees that may be there afterwards.

One environment holds four distributions that share paths with twenty others; a run installs, upgrades, removes or
reinstalls the twenty (*reinstall* is another build of each under the same dist-info name).
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections.abc import Callable, Sequence
from typing import NamedTuple

from founding import make_campaign_wheels
from killing import FINE, Killed, Moment, Steps, kill, observe, reach, reap, start
from oracle import check_environment
from programs import clean_environ, find_program, make_venv, run
from trees import Tree, differences, read_tree, reference_tree, site_packages, without_generated

WHATS = ("install", "upgrade", "uninstall", "reinstall")
BASE = (0, 7, 14, 23)
COUNT = 24


class Fight(NamedTuple):
    """One kind of run, ready to be killed again and again: what was before, the command, what comes of it."""

    what: str
    prefix: str
    snapshot: str
    command: list[str]
    environ: dict[str, str]
    old: Tree
    new: Tree
    life: dict[str, int]
    """How many slices a run spends in each phase; corrected where a run turns out to be shorter."""
    sink: Callable[[], None] | None = None
    """Done once the old environment is back in its place: on an overlay, moves it to the lower layer."""
    then: Sequence[str] = ()
    """The next command; none: `lugnut check`."""


def lugnut(environ: dict[str, str], *words: str) -> None:
    """Run lugnut where it must succeed."""
    ran = run([find_program("lugnut"), *words], environ)
    if ran.code != 0:
        raise RuntimeError(f"lugnut {words[0]}: exit {ran.code}: {(ran.err or ran.out).strip()[-2000:]}")


def split(wheels: Sequence[str]) -> tuple[list[str], list[str]]:
    """Part the wheels into those that stay and those that are acted on."""
    return [wheels[n] for n in BASE], [wheel for n, wheel in enumerate(wheels) if n not in BASE]


def prepare(what: str, home: str) -> Fight:
    """Make the environment, the command, and an unkilled run of it."""
    prefix, wheels = os.path.join(home, "venv"), os.path.join(home, "wheels")
    environ, where = clean_environ(home), ["--python", make_venv(prefix)]
    store = ["--cache-dir", os.path.join(home, "cache"), "--jobs", "4"]
    first = make_campaign_wheels(os.path.join(wheels, "1"), COUNT, "1.0")
    other = make_campaign_wheels(os.path.join(wheels, "2"), COUNT, "2.0")
    built = make_campaign_wheels(os.path.join(wheels, "again"), COUNT, "1.0", build="again")
    base, acted = split(first)
    empty = read_tree(prefix)
    before = base if what == "install" else first
    lugnut(environ, "install", *where, *store, *before)
    old = judged(prefix, empty, before)
    after = {
        "install": first,
        "upgrade": base + split(other)[1],
        "uninstall": base,
        "reinstall": base + split(built)[1],
    }
    words = {
        "install": ["install", *where, *store, *acted],
        "upgrade": ["install", *where, *store, *split(other)[1]],
        "uninstall": ["uninstall", *where, *[os.path.basename(wheel).partition("-")[0] for wheel in acted]],
        "reinstall": ["install", "--reinstall", *where, *store, *split(built)[1]],
    }
    snapshot = os.path.join(home, "snapshot")
    shutil.copytree(prefix, snapshot, symlinks=True)
    fight = Fight(what, prefix, snapshot, [find_program("lugnut"), *words[what]], environ, old, {}, {})
    unkilled(fight)  # fills the store
    for _ in range(2):
        restore(fight)
        shorten(fight, unkilled(fight))
    return fight._replace(new=judged(prefix, empty, after[what]))


def judged(prefix: str, empty: Tree, wheels: Sequence[str]) -> Tree:
    """Give the whole tree after checking it against the wheels'."""
    tree = read_tree(prefix)
    found = differences({**empty, **reference_tree(wheels, prefix)}, without_generated(tree))
    found += check_environment(site_packages(prefix))
    if found:
        raise RuntimeError("\n".join(["unkilled runs leave the wrong environment:", *found[:20]]))
    return tree


def unkilled(fight: Fight) -> dict[str, int]:
    """Let a run end by itself and see how long its phases are."""
    with tempfile.TemporaryFile("w+") as output:
        process = start(fight.command, fight.environ, output)
        seen = observe(process, site_packages(fight.prefix))
        reap(process)
        if process.returncode != 0:
            output.seek(0)
            raise RuntimeError(f"the unkilled {fight.what} failed: {output.read()[-2000:]}")
        return seen


def shorten(fight: Fight, seen: dict[str, int]) -> None:
    """Keep the least that was seen of each phase: moments beyond it would find the run gone."""
    for phase, count in seen.items():
        fight.life[phase] = min(count, fight.life.get(phase, count))


def restore(fight: Fight) -> None:
    """Bring the old environment back to its place."""
    shutil.rmtree(fight.prefix)
    shutil.copytree(fight.snapshot, fight.prefix, symlinks=True)
    if fight.sink is not None:
        fight.sink()


def choose_moment(fight: Fight, kind: str, rng: random.Random) -> Moment:
    """Choose when to kill: mostly in the transaction's life, as much before its commit as after, sometimes anywhere."""
    way = rng.randrange(9)
    if kind == "worker":
        return Moment("open", rng.randrange(fight.life["worker"] + 1), rng.uniform(0, FINE), worker=True)
    phase = "start" if way == 0 else "open" if way <= 4 else "committed"  # noqa: PLR2004 - ninths
    slices = sum(fight.life.values()) if phase == "start" else fight.life[phase]
    return Moment(phase, rng.randrange(slices + 1), rng.uniform(0, FINE))


def kill_once(fight: Fight, kind: str, moment: Moment) -> Killed:
    """Run it, let it come to the moment, kill."""
    with tempfile.TemporaryFile("w+") as output:
        steps = Steps(start(fight.command, fight.environ, output), site_packages(fight.prefix))
        passed = reach(steps, moment)
        if moment.phase == "committed" and steps.phase not in {"open", "committed"}:
            shorten(fight, {moment.phase: max(0, passed - 1)})
        return kill(steps, kind)
