"""Power cuts: with --durable what was committed stays, and without it what is lost is found and said.

    python tools/power.py [--cuts N] [--seed S] [--disk ext4|xfs]... [--case PATTERN]... [--evidence FILE]

An environment and its store lie on a file system in a file (see images.py for what a cut takes). A command is stopped
at one of its file-system calls, chosen by the seed (any call, one around its commit, or none: it ends), all of its
processes at once; then the power goes. In half of the cuts another program's fsync has written the log just before:
then names are there, and only bytes that somebody synced. The machine has another boot id afterwards. In a fifth of the
cuts the power goes again in the middle of the recovery.

*durable*: after exit 0 the new environment must be there, before any command comes; cut before the commit it must be
the old one, in between old or new, whole by the oracle, after `lugnut check`; then the command runs again and must end
in the new one. *plain* plays the same cuts without --durable: `lugnut check` must end in the old or the new environment,
whole, or say what is wrong with it, and what it says to do must then mend it. What was lost after exit 0 is counted:
a campaign whose plain cuts lose nothing has cut nothing, and fails.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("campaigns run on POSIX")

import argparse
import fnmatch
import os
import random
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from crash import build, judge_tree
from crashing import OPERATIONS, Armed, Ended, Field, Operation
from evidence import Evidence, note, words_of
from images import ALONE, MAKERS, Boot, Image, lacking
from oracle import check_environment
from programs import find_program, print_table, scratch, version_of
from trees import Tree, site_packages

MODES = ("durable", "plain")
WORDS = ("install", "install-warm", "upgrade", "rebuild", "uninstall", "sync", "conflict", "compile")
AROUND = (-10, 40)
"""Calls before and after the commit's rename that a third of the cuts fall among."""
LONGEST = 150
"""Calls of a recovery that is cut; where it makes fewer it is cut at its end."""
SHOWN = 10
HEADER = ("disk", "mode", "cuts", "exit 0", "before commit", "in recovery", "old", "new", "lost", "told", "wrong")


class Cut(NamedTuple):
    """When the power goes."""

    point: tuple[int, int] | None
    """Process and call; none: at the end."""
    logged: bool
    again: int
    """At which call of the recovery it goes once more; 0: it does not."""

    def __str__(self) -> str:
        where = "at its end" if self.point is None else f"at {self.point[0]}:{self.point[1]}"
        return f"{where}{', log written' * self.logged}" + (f", recovery cut at {self.again}" if self.again else "")


def make_cases() -> dict[str, Operation]:
    """Give what is cut off, by name."""
    cases = {name: OPERATIONS[name] for name in WORDS}
    warm = cases["install-warm"]
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
    return Cut(point, rng.random() < 0.5, again)  # noqa: PLR2004 - a half


class Ground:
    """One case on one disk."""

    def __init__(self, image: Image, boot: Boot, name: str, operation: Operation) -> None:
        """Bring about what is there before, and keep it."""
        self.image, self.boot = image, boot
        self.field = Field(os.path.join(image.place, name), name, operation)
        self.commit = next(
            one.call for one in self.field.points if one.function == "rename" and one.path.endswith("/committed")
        )
        self.field.restore()
        shutil.rmtree(self.field.base)
        image.keep()

    def cut(self, cut: Cut) -> tuple[Ended, bool]:
        """Have the command run into a cut; gives how it ended, and whether it may have committed."""
        self.image.restore()
        armed = None if cut.point is None else Armed("group", cut.point)
        ended = self.field.run(self.field.operation.command, armed)
        self.lose(logged=cut.logged)
        if cut.again:
            self.field.run(["check"], Armed("group", (0, cut.again)))
            self.lose(logged=cut.logged)
        return ended, cut.point is None or ended.code == 0 or (cut.point[0] == 0 and cut.point[1] > self.commit)

    def lose(self, *, logged: bool) -> None:
        """Cut the power, and start the machine."""
        self.image.cut(logged=logged)
        self.boot.next()

    def whole(self, legal: Sequence[Tree]) -> list[str]:
        """Say how what stands there is none of these, or not whole."""
        return judge_tree(self.field.tree(), legal) + check_environment(site_packages(self.field.prefix))


class Score:
    """What came of the cuts in one mode on one disk."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.count = Counter[str]()
        self.wrong: list[str] = []
        self.seconds = 0.0


def strike(ground: Ground, mode: str, cut: Cut, score: Score) -> None:
    """Cut the power once, and judge what comes of it."""
    ended, committed = ground.cut(cut)
    field = ground.field
    found = [f"it ended with {ended.code}: {ended.said.strip()[-1000:]}"] if ended.code > 0 else []
    lost = ended.code == 0 and not cut.again and field.tree() != field.new
    score.count.update({"cuts": 1, "exit 0": ended.code == 0, "before commit": not committed, "lost": lost})
    score.count["in recovery"] += bool(cut.again)
    found += (judge_durable if mode == "durable" else judge_plain)(ground, score, ended, committed=committed)
    if lost and mode == "durable":
        found.append("exit 0, and it was not there after the cut")
    if found:
        score.wrong.append(f"{field.name}, {mode}, {cut}\n    " + "\n    ".join(found[:12]))


def judge_durable(ground: Ground, score: Score, ended: Ended, *, committed: bool) -> list[str]:
    """Recover, and find what is neither old nor new, not whole, or not what was promised."""
    field = ground.field
    legal = [field.new] if ended.code == 0 else [field.old, field.new] if committed else [field.old]
    checked = field.run(["check"])
    found = [f"check ended with {checked.code}: {checked.said.strip()[-1000:]}"] if checked.code else []
    found += ground.whole(legal)
    score.count["old" if field.tree() == field.old else "new"] += not found
    return found + again(ground)


def again(ground: Ground, *more: str) -> list[str]:
    """Run the command again, which must end in the new environment."""
    act, *words = ground.field.operation.command
    ended = ground.field.run([act, *more, *words])
    found = [f"the command again ended with {ended.code}: {ended.said.strip()[-1000:]}"] if ended.code else []
    return found + [f"again: {line}" for line in ground.whole([ground.field.new])]


def judge_plain(ground: Ground, score: Score, ended: Ended, *, committed: bool) -> list[str]:
    """Recover, and find what is wrong and was not said; mend what was said."""
    field = ground.field
    checked = field.run(["check"])
    found = [f"check said: {checked.said.strip()[-1500:]}"] if "Traceback" in checked.said else []
    legal = [field.old, field.new] if committed else [field.old]
    left = ground.whole(legal)
    if checked.code == 0:
        found += left
        score.count["old" if field.tree() == field.old else "new"] += not found
        return found + again(ground)
    score.count["told"] += 1
    if not left:
        found.append(f"it is whole, but check ended with {checked.code}: {checked.said.strip()[-1000:]}")
    print(field.name, checked.said, *left, sep="\n")
    return found


# --- the command line -------------------------------------------------------------------------------------------------


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cuts", type=int, default=50, help="of each disk in each mode")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--disk", action="append", choices=list(MAKERS))
    parser.add_argument("--mode", action="append", choices=MODES)
    parser.add_argument("--case", action="append", metavar="PATTERN", help="install, upgrade, ...")
    parser.add_argument("--part", help=argparse.SUPPRESS)
    parser.add_argument("--evidence", metavar="FILE", help="append there what was shown")
    return parser.parse_args(arguments)


def share_out(cuts: int, cases: Sequence[str]) -> dict[str, int]:
    """Deal cuts out to cases, as evenly as they go."""
    return {case: cuts // len(cases) + (number < cuts % len(cases)) for number, case in enumerate(cases)}


def play(options: argparse.Namespace, disk: str, root: str, boot: Boot) -> Iterator[tuple[str, Score]]:
    """Play all cuts on one disk; gives a score for each mode."""
    image = Image(root, disk)
    cases = {
        name: case
        for name, case in make_cases().items()
        if any(fnmatch.fnmatch(name, pattern) for pattern in options.case or ["*"])
    }
    try:
        for mode in options.mode or MODES:
            score, begun = Score(), time.monotonic()
            for name, count in share_out(options.cuts, list(cases)).items():
                if not count:
                    continue
                case = cases[name]
                command = [*case.command, "--durable"] if mode == "durable" else case.command
                ground = Ground(image, boot, f"{name}-{mode}", case._replace(command=command))
                rng = random.Random(f"{options.seed} {name}")
                for _ in range(count):
                    strike(ground, mode, choose(ground.field, ground.commit, rng), score)
            score.seconds = time.monotonic() - begun
            yield mode, score
    finally:
        image.end()


def main(arguments: Sequence[str]) -> int:
    """Cut the power, print a line for each disk and mode; 1 where anything was wrong, or nothing was lost."""
    options = parse(arguments)
    disks = options.disk or list(MAKERS)
    for disk in filter(lacking, disks):
        print(f"{disk}: not tried: {lacking(disk)}")
    options.disk = [disk for disk in disks if not lacking(disk)]
    if options.part:
        return play_all(options, words_of("tools/power.py", arguments))
    if not options.disk:
        return 0
    with scratch("power") as root:
        words = [*ALONE, sys.executable, os.path.abspath(__file__), *arguments, "--part", root]
        return subprocess.run(words, env={**os.environ, "LD_PRELOAD": build(root)}, check=False).returncode


def play_all(options: argparse.Namespace, words: str) -> int:
    """Play all disks, in a mount namespace of our own."""
    boot, rows, shown, bad = Boot(options.part), [], [], 0
    subject = version_of([find_program("lugnut")])
    for disk in options.disk:
        for mode, score in play(options, disk, options.part, boot):
            print("\n".join(score.wrong[:SHOWN]), end="\n" * bool(score.wrong), flush=True)
            rows.append([disk, mode, *(score.count[key] for key in HEADER[2:-1]), len(score.wrong)])
            shown.append(
                Evidence("power", subject, f"{disk}, {mode}", "cuts", score.count["cuts"], len(score.wrong), score.seconds, words)
            )
            bad += len(score.wrong)
    print_table(HEADER, rows)
    note(options.evidence, shown)
    boot.end()
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
