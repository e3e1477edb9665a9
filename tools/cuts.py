"""One power cut: a command on a file system that loses power at a chosen call, and the judgement of what is left."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("campaigns run on POSIX")

import os
import random
import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from crashing import NEW, Ended, Field
from images import Boot, Image
from operations import OPERATIONS, Operation, Words
from oracle import check_environment
from points import Armed
from trees import Tree, differences, site_packages

WORDS = ("install", "install-warm", "upgrade", "rebuild", "uninstall", "sync", "conflict", "compile")
AROUND = (-10, 40)
"""Calls before and after the commit's rename that a third of the cuts fall among."""
LONGEST = 150
"""Calls of a recovery that is cut; where it makes fewer it is cut at its end."""
NEXT: dict[str, Words] = {
    "check": ["check"],
    "install": ["install", "{aa1}"],
    "uninstall": ["uninstall", "aa"],
    "nothing": ["uninstall", "qq"],
    "sync": ["sync", "{wanted}"],
}
"""What may come next without --durable, beside the same again: it finds nothing to do, or does something else."""
AGAIN = "the same again"
NAMES = ("aa", "mm", "zz")
"""The distributions there are."""
TOLD = "the machine stopped before"
"""What a command says that has found something torn."""
UNREADABLE = "cannot be recovered"
"""What is said of a transaction whose plan was lost; what it had placed stays, and stands in the way of the next."""


class Cut(NamedTuple):
    """When the power goes."""

    point: tuple[int, int] | None
    """Process and call; none: at the end."""
    written: float | None
    """The log has been written, and of the files' bytes this share; none: neither."""
    again: int
    """At which call of the recovery it goes once more; 0: it does not."""
    then: str
    """Without --durable, the next command: of NEXT, or the same again."""

    def __str__(self) -> str:
        where = "at its end" if self.point is None else f"at {self.point[0]}:{self.point[1]}"
        written = "" if self.written is None else f", log and {self.written:.0%} of files written"
        more = f", recovery cut at {self.again}" if self.again else ""
        return f"{where}{written}{more}, then {self.then}"


def make_cases() -> dict[str, Operation]:
    """Give what is cut off, by name."""
    cases = {name: OPERATIONS[name] for name in WORDS}
    warm = cases["install-warm"]
    cases["alone"] = Operation([["install", "{mm1}"]], ["install", "{aa1}"])
    cases["recover"] = OPERATIONS["recover-committed"]
    cases["install-copied"] = warm._replace(command=[*warm.command, "--link-mode", "copy"])
    return cases


def choose(field: Field, commit: int, rng: random.Random) -> Cut:
    """Choose a cut: at the end, around the commit, or at any call of any process."""
    way = rng.randrange(3)
    point = None
    if way == 1:
        point = (0, max(1, commit + rng.randrange(*AROUND)))
    elif way == 2:  # noqa: PLR2004 - the last of three
        any_one = rng.choice(field.points)
        point = (any_one.process, any_one.call)
    again = rng.randrange(1, LONGEST) if rng.random() < 0.2 else 0  # noqa: PLR2004 - a fifth
    return Cut(point, rng.choice((None, None, 0, 0.5, 0.9)), again, rng.choice((AGAIN, AGAIN, AGAIN, *NEXT)))


def make_durable(case: Operation) -> Operation:
    """Have the command that commits do it for good; whoever recovers what was committed needs no word for that."""
    if case.cut is None:
        return case._replace(command=[*case.command, "--durable"])
    return case._replace(before=[*case.before[:-1], [*case.before[-1], "--durable"]])


class Ground:
    """One case on one disk."""

    def __init__(self, image: Image, boot: Boot, mode: str, name: str, *, durable: bool) -> None:
        """Bring about what is there before, and keep it; in the mode `durable` commands say so, if they are to."""
        self.image, self.boot, self.mode, self.name = image, boot, mode, name
        case = make_cases()[name]
        operation = make_durable(case) if mode == "durable" and durable else case
        self.field = Field(os.path.join(image.place, f"{name}-{mode}"), name, operation)
        renames = (one for one in self.field.points if one.function == "rename")
        self.commit = next((one.call for one in renames if one.path.endswith("/committed")), 0)
        """The call that commits; 0: it is committed before."""
        self.ends = {} if mode == "durable" else {then: self._end(command) for then, command in NEXT.items()}
        """Without --durable, what comes of the next command where the cut one left nothing, and where it did it all."""
        self.field.base.put_back()
        self.field.base.drop()
        image.keep()

    def _end(self, command: Words) -> tuple[Tree, Tree]:
        ends = []
        for before in ((), (self.field.operation.command,)):
            self.field.base.put_back()
            for words in (*before, command):
                ended = self.field.run(words)
                if ended.code:
                    raise RuntimeError(f"{self.name}: {words[0]} ended with {ended.code}: {ended.said[-2000:]}")
            ends.append(self.field.tree())
        return ends[0], ends[1]

    def cut(self, cut: Cut) -> tuple[Ended, bool, str]:
        """Have the command run into a cut; gives how it ended, whether it may have committed, what recovery said."""
        self.image.restore()
        armed = None if cut.point is None else Armed("group", cut.point)
        ended, said = self.field.run(self.field.operation.command, armed), ""
        if cut.point is not None and cut.point[0]:  # a worker, perhaps one that compiles after the commit
            committed = self.field.find_ends() == [NEW]
        else:
            committed = cut.point is None or cut.point[1] > self.commit
        self.lose(cut)
        if cut.again:
            said = self.field.run(["check"], Armed("group", (0, cut.again))).said
            self.lose(cut)
        return ended, committed or ended.code == 0, said

    def lose(self, cut: Cut) -> None:
        """Cut the power, and start the machine."""
        share, rng = cut.written, random.Random(str(cut))
        self.image.cut(None if share is None else lambda: rng.random() < share)
        self.boot.next()

    def whole(self, legal: Sequence[Tree]) -> list[str]:
        """Say how what stands there is none of these, or not whole."""
        tree = self.field.tree()
        nearest = min((differences(one, tree) for one in legal), key=len)[:8]
        return nearest + check_environment(site_packages(self.field.prefix))


class Score:
    """What came of the cuts in one mode on one disk."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.count = Counter[str]()
        self.wrong: list[str] = []
        self.seconds = 0.0


def strike(ground: Ground, cut: Cut, score: Score) -> None:
    """Cut the power once, and judge what comes of it."""
    ended, committed, said = ground.cut(cut)
    field = ground.field
    found = [f"it ended with {ended.code}: {ended.said.strip()[-1000:]}"] if ended.code > 0 else []
    lost = ended.code == 0 and not cut.again and field.tree() != field.new
    score.count.update({"cuts": 1, "exit 0": ended.code == 0, "before commit": not committed, "lost": lost})
    score.count["in recovery"] += bool(cut.again)
    legal = [field.old, field.new] if committed else [field.old]
    legal = legal if ground.commit else [field.new]
    if ground.mode == "durable":
        found += ["exit 0, and it was not there after the cut"] * (lost and ground.commit > 0)
        found += judge_durable(ground, score, [field.new] if ended.code == 0 else legal)
    else:
        found += judge_plain(ground, score, [one is field.new for one in legal], cut.then, said)
    if found:
        score.wrong.append(f"{ground.name}, {ground.mode}, {cut}\n    " + "\n    ".join(found[:12]))


def judge_durable(ground: Ground, score: Score, legal: Sequence[Tree]) -> list[str]:
    """Recover, and find what is not one of these, or not whole."""
    checked = ground.field.run(["check"])
    found = [f"check ended with {checked.code}: {checked.said.strip()[-1000:]}"] if checked.code else []
    found += ground.whole(legal)
    score.count["old" if ground.field.tree() == ground.field.old else "new"] += not found
    return found + again(ground, ground.field.operation.command)


def again(ground: Ground, command: Sequence[str]) -> list[str]:
    """Run a command, which must end in the new environment, whole."""
    ended = ground.field.run(command)
    found = [f"{' '.join(command)}: exit {ended.code}: {ended.said.strip()[-1000:]}"] if ended.code else []
    return found + [f"again: {line}" for line in ground.whole([ground.field.new])]


def judge_plain(ground: Ground, score: Score, done: Sequence[bool], then: str, said: str) -> list[str]:
    """Have the next command come, and find what is wrong and it neither said nor mended; what it said is mendable.

    `done` says whether the cut command may have been carried out: no, yes, or both.
    """
    field = ground.field
    command = NEXT.get(then, field.operation.command)
    ended = field.run(command)
    found = [f"it said: {ended.said.strip()[-1500:]}"] * ("Traceback" in ended.said or "unexpected" in ended.said)
    if ended.code or UNREADABLE in said + ended.said:
        score.count["told"] += 1
        return found + mend(ground, then, ended)
    damaged = find_damaged(field)
    if damaged:
        score.count["told"] += 1
        found += [f"{line}: not said by {then}: {ended.said.strip()}" for line in find_unsaid(damaged, ended)]
        more = field.run(NEXT["nothing"])
        found += [f"{line}: said by {then} and no more: {more.said.strip()}" for line in find_unsaid(damaged, more)]
        return found + mend(ground, then, ended)
    score.count["mended"] += TOLD in ended.said
    left = ground.whole([field.new] if then == AGAIN else [ground.ends[then][one] for one in done])
    score.count["old" if field.tree() == field.old else "new"] += not left
    found += [f"not said ({ended.said.strip()}): {line}" for line in left]
    return found + (again(ground, field.operation.command) if then == "check" else [])


def find_damaged(field: Field) -> list[str]:
    """Give what `lugnut check`, which reads every file, says of each that is not as recorded."""
    lines = field.run(["check"]).said.splitlines()
    return [line for line in lines if line.partition(":")[0] in {"altered", "missing", "shadowed", "record"}]


def find_unsaid(damaged: Sequence[str], ended: Ended) -> list[str]:
    """Give the lines about distributions that a run has not named as damaged."""
    warning = next((line for line in ended.said.splitlines() if TOLD in line), "")
    said = {name for name in NAMES if re.search(rf"--reinstall\b.* {name}\b", warning)}
    return [line for line in damaged if not any(re.search(rf"\b{name} [0-9]", line) for name in said)]


def mend(ground: Ground, then: str, told: Ended) -> list[str]:
    """Do what lugnut says is to be done about what was lost: --reinstall, and --force where it says so."""
    command = ground.field.operation.command
    installs = [one for one in [*ground.field.operation.before, command] if one[0] in {"install", "sync"}]
    for install in installs:
        words = [*install, *([] if "--reinstall" in install else ["--reinstall"])]
        ended = ground.field.run(words)
        if ended.code and "--force" in ended.said:
            ended = ground.field.run([*words, "--force"])
        if ended.code:
            return [f"told ({told.said.strip()}), and {' '.join(words)} does not mend it: {ended.said.strip()[-1000:]}"]
    left = again(ground, command) if then in {AGAIN, "check"} else ground.whole([ground.field.tree()])
    return [f"told, not mended ({told.said.strip()})", *left] if left else []
