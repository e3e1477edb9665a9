"""Power cuts: with --durable what was committed stays, and without it what is lost is found and said.

    python tools/power.py [--cuts N] [--seed S] [--disk ext4|xfs]... [--case PATTERN]... [--evidence FILE]

An environment and its store lie on a file system in a file (see images.py for what a cut takes). A command is stopped
at one of its file-system calls, chosen by the seed (any call, one around its commit, or none: it ends), all of its
processes at once; then the power goes. In half of the cuts another program's fsync has written the log just before, and
the kernel none, half or most of the files that nobody synced: names are there then, and not all bytes. The machine has
another boot id afterwards. In a fifth of the cuts the power goes again in the middle of the recovery.

*durable*: after exit 0 the new environment must be there, before any command comes; cut before the commit it must be
the old one, in between old or new, whole by the oracle, after `lugnut check`; then the command runs again and must end
in the new one. What was committed for good stays so while `lugnut recover`, which is told nothing, finishes it.
*plain* plays the same cuts without --durable: the next command (the same again, check, or an install, a sync, or an
uninstall of something else) must end in the old or the new environment, whole, or with its own end of either. Or it
says which distributions are damaged: what `lugnut check`, which reads every file, finds of others then is wrong, the
command after it must say them again (*told*), and what it says to do must mend them. *mended*: it said so and installed
them again itself. What was *lost* after exit 0 is counted: plain cuts that lose nothing have cut nothing, and the
campaign fails.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("campaigns run on POSIX")

import argparse
import fnmatch
import os
import random
import subprocess
import time
from collections.abc import Iterator, Sequence

from cuts import Ground, Score, choose, make_cases, strike
from dealing import build
from evidence import Evidence, note, words_of
from images import ALONE, MAKERS, Boot, Image, lacking
from programs import find_program, print_table, scratch, version_of

MODES = ("durable", "plain")
ENOUGH = 10
"""Of so many ended runs without --durable at least one must lose something."""
SHOWN = 10
HEADER = (
    "disk", "mode", "cuts", "exit 0", "before commit", "in recovery", "old", "new", "lost", "told", "mended", "wrong"
)  # fmt: skip


# --- the command line -------------------------------------------------------------------------------------------------


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cuts", type=int, default=50, help="of each disk in each mode")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--disk", action="append", choices=list(MAKERS))
    parser.add_argument("--mode", action="append", choices=MODES)
    parser.add_argument("--case", action="append", metavar="PATTERN", help="install, upgrade, ...")
    parser.add_argument("--self-test", action="store_true", help="leave --durable out: what is lost has to be found")
    parser.add_argument("--part", help=argparse.SUPPRESS)
    parser.add_argument("--evidence", metavar="FILE", help="append there what was shown")
    return parser.parse_args(arguments)


def share_out(cuts: int, cases: Sequence[str]) -> dict[str, int]:
    """Deal cuts out to cases, as evenly as they go."""
    return {case: cuts // len(cases) + (number < cuts % len(cases)) for number, case in enumerate(cases)}


def play(options: argparse.Namespace, disk: str, boot: Boot) -> Iterator[tuple[str, Score]]:
    """Play all cuts on one disk; gives a score for each mode."""
    image = Image(options.part, disk)
    chosen = [one for one in make_cases() if any(fnmatch.fnmatch(one, pattern) for pattern in options.case or ["*"])]
    try:
        for mode in options.mode or MODES:
            score, begun = Score(), time.monotonic()
            for name, count in share_out(options.cuts, chosen).items():
                if count:
                    play_case(options, Ground(image, boot, mode, name, durable=not options.self_test), count, score)
            score.seconds = time.monotonic() - begun
            yield mode, score
    finally:
        image.end()


def play_case(options: argparse.Namespace, ground: Ground, count: int, score: Score) -> None:
    """Play one case's cuts: the same ones in each mode; each is drawn anew, for how many calls there are may differ."""
    for number in range(count):
        rng = random.Random(f"{options.seed} {ground.name} {number}")
        strike(ground, choose(ground.field, ground.commit, rng), score)


def main(arguments: Sequence[str]) -> int:
    """Cut the power, print a line for each disk and mode; 1 where anything was wrong, or nothing was lost."""
    options = parse(arguments)
    disks = {disk: lacking(disk) for disk in options.disk or MAKERS}
    options.disk = [disk for disk, reason in disks.items() if not reason]
    options.mode = ["durable"] if options.self_test else options.mode
    if options.part:
        return play_all(options, arguments[: arguments.index("--part")])
    print("".join(f"{disk}: not tried: {reason}\n" for disk, reason in disks.items() if reason), end="", flush=True)
    if not options.disk:
        return 0
    with scratch("power") as root:
        words = [*ALONE, sys.executable, os.path.abspath(__file__), *arguments, "--part", root]
        return subprocess.run(words, env={**os.environ, "LD_PRELOAD": build(root)}, check=False).returncode


def play_all(options: argparse.Namespace, arguments: Sequence[str]) -> int:
    """Play all disks, in a mount namespace of our own."""
    boot, rows, shown, bad = Boot(options.part), [], [], 0
    again, subject = words_of("tools/power.py", arguments), version_of([find_program("lugnut")])
    for disk in options.disk:
        for mode, score in play(options, disk, boot):
            count, wrong = score.count, score.wrong
            if mode == "plain" and count["exit 0"] >= ENOUGH and not count["lost"]:
                wrong = [*wrong, f"{disk}: cuts that lose nothing are none"]
            print("\n".join(wrong[:SHOWN]), end="\n" * bool(wrong), flush=True)
            rows.append([disk, mode, *(count[key] for key in HEADER[2:-1]), len(wrong)])
            scope = f"{disk}, {mode}"
            shown.append(Evidence("power", subject, scope, "cuts", count["cuts"], len(wrong), score.seconds, again))
            bad += len(wrong)
    print_table(HEADER, rows)
    boot.end()
    if options.self_test:
        print("without --durable cuts are found" if bad else "without --durable nothing was found")
        return not bad
    note(options.evidence, shown)
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
