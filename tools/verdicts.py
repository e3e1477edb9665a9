"""What may be demanded of an environment at a quiescent point of a stress test, and of the commands that led to it.

*strict* (lugnut, and who wants to be held to its promise): the environment is whole to oracle.py; what is installed can
have come about by the commands one after another (linear.py); what is shown everywhere is what the wheels installed,
the ranks and the names say (trees.py); no command failed but for what was done to it; who waited in vain was told for
whom. *measured* (uv, pip): a path shows the bytes of somebody who claims it and nothing is missing, doubled or left
over; the same search for an order. Beside a foreign installer on names of its own, all of *strict* holds; on shared
names it holds for what shares no name and no path with these, and no command may end in a traceback.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Sequence
from typing import NamedTuple

import linear
from history import Entry, Strike
from oracle import check_environment, check_names, check_unclaimed, merge_claims, read_installed
from plans import IMPATIENT, KILLS
from serial import State
from trees import Entry as TreeEntry
from trees import Tree, differences, look, normalise, read_tree, reference_tree, site_packages, without_generated
from universe import World

BUGS = ("Traceback", "contradicts itself", "unexpected")
NO_ROOM = ("No space left", "cannot write", "cannot be finished", "cannot be locked", "cannot read")
OURS = re.compile(r'File "[^"]*/lugnut/[^"]*\.py"')
TOLD = re.compile(r"(?:held by|perhaps a worker that) pid (\d+)")
LOCK_TIMEOUT = 3
"""The exit code of a command that did not get a lock."""
MOST = 12
"""Findings that are kept of one kind."""


class Seen(NamedTuple):
    """What stands in an environment."""

    state: State
    findings: list[str]
    corrupt: bool
    """The environment by itself is not whole."""


class Verdict(NamedTuple):
    """What is wrong at one quiescent point, by kind."""

    corrupt: list[str]
    unserial: list[str]
    commands: list[str]
    state: State
    undecided: bool = False

    @property
    def findings(self) -> list[str]:
        """Give all of it."""
        return self.corrupt + self.unserial + self.commands


class Before(NamedTuple):
    """How an environment was, and what every tree of it has."""

    state: State
    empty: Tree
    """A tree with nothing installed."""


class Meeting(NamedTuple):
    """What happened between two quiescent points."""

    entries: Sequence[Entry]
    strikes: Sequence[Strike]
    pids: Collection[int]
    """Of every command so far."""
    tainted: frozenset[str] = frozenset()
    """Names that foreign installers acted on beside the one under test."""


class Judge(NamedTuple):
    """Judges environments of one universe."""

    world: World
    wheels: dict[str, str]
    is_strict: bool

    def judge(self, prefix: str, before: Before, meeting: Meeting) -> Verdict:
        """Judge an environment that nobody changes just now."""
        site = site_packages(prefix)
        state, corrupt = self.read_state(site)
        spared = meeting.tainted | self._broken_foreigners(meeting.entries)
        corrupt += check_environment(site) if self.is_strict else check_shown_by_somebody(site)
        if self.is_strict:
            corrupt += self.compare(prefix, before.empty, state)
        corrupt = [line for line in corrupt if not self._is_about(line, spared)]
        universe = self.world.universe  # a plan's command acts on spared names alone or on none
        happened = [one for one in meeting.entries if one.outcome != "undone"]
        acts = [one.act() for one in happened if not linear.names_of(universe, one.deed, frozenset()) & spared]
        found = linear.judge(universe, _without(before.state, spared), _without(state, spared), acts)
        commands = judge_commands(meeting) if self.is_strict else []
        return Verdict(corrupt[:MOST], found.findings[:MOST], commands[:MOST], state, found.undecided)

    def read_state(self, site: str) -> tuple[State, list[str]]:
        """Read what is installed, by the names of the dist-infos and the ranks in them."""
        state, found = set(), []
        for info in sorted(one for one in os.listdir(site) if one.endswith(".dist-info")):
            spelled, _, version = info.removesuffix(".dist-info").rpartition("-")
            key = f"{normalise(spelled)}-{version}"
            if key not in self.world.universe:
                found.append(f"{info}: no wheel has that")
                continue
            rank = 0
            if self.is_strict:
                try:
                    with open(os.path.join(site, info, "lugnut.json"), encoding="utf-8") as file:
                        rank = int(json.load(file)["overlay"])
                except FileNotFoundError:  # a foreign installer's
                    rank = 0
            state.add((normalise(spelled), key, rank))
        return frozenset(state), found

    def compare(self, prefix: str, empty: Tree, state: State) -> list[str]:
        """Find where a tree is not what is installed says (G1)."""
        wheels, ranks = [self.wheels[key] for _, key, _ in state], {name: rank for name, _, rank in state}
        expected: dict[str, TreeEntry] = {**empty, **reference_tree(wheels, prefix, ranks)}
        return differences(expected, without_generated(read_tree(prefix)))

    def _broken_foreigners(self, entries: Sequence[Entry]) -> frozenset[str]:
        """Give the own names of foreign installers whose commands failed: what they leave is theirs."""
        failed = {entry.installer for entry in entries if entry.installer and entry.code}
        return frozenset(name for foreign in failed for name in self.world.own.get(foreign, ()))

    def _is_about(self, line: str, names: frozenset[str]) -> bool:
        """Say whether a finding is about one of these names, or a path that a group of theirs shares."""
        spaces = {f"ns{n}" for n, group in enumerate(self.world.groups) if names & set(group)}
        words = {word for name in names for word in (name, name.replace("-", "_"))} | spaces
        return any(word in line for word in words)


def _without(state: State, names: frozenset[str]) -> State:
    return frozenset(one for one in state if one[0] not in names)


def check_shown_by_somebody(site: str) -> list[str]:
    """Find what no installer may leave, whichever of two claimants it shows."""
    site = os.path.realpath(site)
    installed = read_installed(site)
    claims = merge_claims(installed)
    found = [line for one in installed for line in one.findings] + check_names(installed)
    for path, claimed in claims.items():
        digests = {claim.digest for claim in claimed if claim.digest is not None}
        if not digests:
            continue
        try:
            entry = look(os.path.join(site, path))
        except OSError:
            found.append(f"{path}: missing, {claimed[0].name} claims it")
            continue
        if entry.digest not in digests:
            found.append(f"{path}: the bytes of nobody who claims it")
    return sorted(found + [line for line in check_unclaimed(site, claims) if "an empty directory" not in line])


# --- commands ---------------------------------------------------------------------------------------------------------


def judge_commands(meeting: Meeting) -> list[str]:
    """Find commands of the installer under test that did not end as they may."""
    judged = [(entry, judge_command(entry, meeting)) for entry in meeting.entries if not entry.installer]
    return [f"command {one.number} ({one.verb} of {one.client}): {wrong}" for one, wrong in judged if wrong]


def judge_command(entry: Entry, meeting: Meeting) -> str:
    """Say what is wrong with how a command ended; nothing where it ended as it may."""
    if "hung" in entry.strikes:
        return "it hung"
    if any(word in entry.said for word in BUGS) and not died_before_it_began(entry):
        return f"exit {entry.code}, it said: {entry.said[-1500:]}"
    if entry.code == LOCK_TIMEOUT and "cannot be locked" not in entry.said:
        return judge_timeout(entry, meeting)
    if entry.code == 0 or is_excused(entry, meeting):
        return ""
    return f"exit {entry.code}, though nothing was done to it: {entry.said[-1500:]}"


def died_before_it_began(entry: Entry) -> bool:
    """Say whether SIGINT met Python itself before it had run anything of the installer: its traceback is Python's."""
    return "interrupt" in entry.strikes and "KeyboardInterrupt" in entry.said and not OURS.search(entry.said)


def judge_timeout(entry: Entry, meeting: Meeting) -> str:
    """Say what is wrong where a lock was not had: it was waited for long enough, or nobody was named (G6)."""
    if entry.patience > IMPATIENT:
        return f"it waited {entry.patience} s for a lock that nobody holds for so long: {entry.said[-1500:]}"
    told = TOLD.search(entry.said)
    if told is not None and int(told[1]) not in meeting.pids:
        return f"it names pid {told[1]}, which is none of ours: {entry.said[-1500:]}"
    if told is None and "held by another process" not in entry.said:
        return f"it does not say who holds the lock: {entry.said[-1500:]}"
    return ""


def is_excused(entry: Entry, meeting: Meeting) -> bool:
    """Say whether a failure is what was done to the command, or what a check is to find beside others at work."""
    if entry.verb == "check" and entry.code == 1:
        return True
    if any(strike in (*KILLS, "interrupt") for strike in entry.strikes):
        return True
    full = any(
        one.nemesis == "disk" and one.began <= entry.ended and entry.began <= one.ended for one in meeting.strikes
    )
    return (full and any(word in entry.said for word in NO_ROOM)) or bool(entry.names & meeting.tainted and entry.said)
