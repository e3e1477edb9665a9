"""Where a file system folds names, and where it cannot give what lugnut needs: then it is refused, and nothing changes.

Each drill is one of `drills`: it plays on a volume and gives what it tried and what was wrong.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("campaigns run on POSIX")

import os
from collections.abc import Sequence
from typing import NamedTuple

from drills import Duty, Tried, room
from ground import Ground
from obstacles import refusal
from programs import Ran, clean_environ, find_program, run
from trees import differences, read_tree
from volumes import look_at
from wheels import make_wheel

NFC, NFD = "caf\u00e9", "cafe\u0301"


class Pair(NamedTuple):
    """Two spellings that may be one name: of the distribution that loses, and of the one that wins."""

    low: str
    top: str
    folded: bool


def spell(duty: Duty) -> Tried:
    """Install two distributions whose paths differ only in case, or in normal form; then remove either of them."""
    traits = look_at(duty.volume.home)
    pairs = [Pair("Case/x.py", "case/X.py", traits.folds), Pair(f"{NFD}/n.py", f"{NFC}/n.py", traits.forms)]
    wrong, count = [], 0
    with room(duty, "names") as (home, store):
        for number, pair in enumerate(pairs):
            made = [
                make_wheel(os.path.join(duty.wheels, f"names{number}"), name, files={path: f"X = {name!r}\n"})
                for name, path in (("low", pair.low), ("top", pair.top))
            ]
            for order in (made, made[::-1], [" ".join(made)]):
                count += 1
                place = os.path.join(home, f"{number}-{count}")
                os.mkdir(place)
                wrong += [f"{pair.low} and {pair.top}: {line}" for line in _spell_once(place, store, pair, order)]
    return Tried(count, "orders", wrong)


def _spell_once(home: str, store: str, pair: Pair, calls: Sequence[str]) -> list[str]:
    """Install by these calls, remove the winner, and look on the way."""
    ground = Ground(home, cache=store)
    found = []
    for call in calls:
        found += _judge_run(ground.lugnut("install", *call.split()))
    found += _look(ground, {pair.low: "top" if pair.folded else "low", pair.top: "top"})
    found += _judge_run(ground.lugnut("uninstall", "top"))
    found += _look(ground, {pair.low: "low"} if pair.folded else {pair.low: "low", pair.top: None})
    found += _judge_run(ground.lugnut("uninstall", "low"))
    return found + differences(ground.empty, ground.tree())


def _judge_run(ran: Ran) -> list[str]:
    return [] if ran.code == 0 else [f"exit {ran.code}: {(ran.err or ran.out).strip()[-300:]}"]


def _look(ground: Ground, wanted: dict[str, str | None]) -> list[str]:
    """Look whose bytes each spelling shows, and what lugnut's own check says."""
    found = []
    for path, owner in wanted.items():
        try:
            with open(os.path.join(ground.site, path), encoding="utf-8") as file:
                text = file.read()
        except FileNotFoundError:
            text = ""
        if text != (f"X = {owner!r}\n" if owner else ""):
            found.append(f"{path} shows {text!r}, not {owner}'s bytes")
    ran = ground.lugnut("check")
    return found + ([f"check: {ran.out[-300:]}"] if ran.code else [])


# --- what is refused --------------------------------------------------------------------------------------------------


def refuse(duty: Duty) -> Tried:
    """Install where files keep no modes, environment or store: a sentence that says so, and nothing there."""
    wheel = make_wheel(
        os.path.join(duty.wheels, "refused"), "tool", files={"tool.py": "", "tool.sh": ""}, executables=["tool.sh"]
    )
    environ, wrong = clean_environ(duty.volume.root), []
    plain = duty.volume.place("plain")
    with room(duty, "refused") as (home, store):
        for target, cache in ((home, plain), (os.path.join(plain, "t"), store)):
            before = _names(target)
            words = ["--target", target, "--cache-dir", cache, wheel]
            ran = run([find_program("lugnut"), "install", "--no-deps", *words], environ)
            wrong += refusal(ran) + ([] if "keeps no execute bits" in ran.err else [f"it does not say why: {ran.err}"])
            wrong += [f"not as it was: {line}" for line in sorted(_names(target) ^ before)]
    return Tried(2, "refusals", wrong)


def _names(target: str) -> set[str]:
    """Name what stands in an environment, but for uv's lock."""
    return set(read_tree(target)) - {".lock"} if os.path.isdir(target) else set()


def look_only(duty: Duty) -> Tried:
    """Make an environment, and its volume read-only: what finds nothing to do works, all else is refused."""
    wheels = [make_wheel(os.path.join(duty.wheels, "frozen"), "pkg", version) for version in ("1.0", "2.0")]
    place = os.path.join(duty.volume.home, "frozen")
    os.mkdir(place)
    ground = Ground(place, cache=duty.volume.store)
    ground.do("install", wheels[0])
    assert duty.volume.freeze is not None
    duty.volume.freeze()
    before, wrong = ground.tree(), []
    for act, what in (("install", [wheels[0]]), ("check", []), ("list", [])):
        wrong += [f"{act}: {line}" for line in _judge_run(ground.lugnut(act, *what))]
    for act, what in (("install", [wheels[1]]), ("uninstall", ["pkg"]), ("install", ["--reinstall", wheels[0]])):
        ran = ground.lugnut(act, *what)
        wrong += [f"{act}: {line}" for line in refusal(ran)]
        wrong += [] if "ead-only" in ran.err else [f"{act} does not say why: {ran.err}"]
    return Tried(6, "commands", wrong + differences(before, ground.tree()) + ground.wrongs([wheels[0]]))
