"""The promise on every file system that this machine can mount, and a table.

    python tools/filesystems.py [--only PATTERN]... [--drill PATTERN]... [--rounds N] [--seed S] [--evidence FILE]
    python tools/filesystems.py --list

Each *scope* is one arrangement: a file system made in an image, in memory, by layers or by a FUSE program; environments
and store on one or on two of them. There lugnut goes through drills made of the other campaigns, short: the founding
races, random installs, upgrades and removals held against zipfile's trees under three umasks, eight processes at once,
SIGKILL at random moments, calls of the C library killed and failed, names that differ in case or normal form. Where a
file system cannot give what lugnut needs (no modes, no room, read-only) it has to be refused with the reason, and
nothing may have changed.

The table says how files come into place (link, reflink, copy), how often each was tried and how often it was wrong;
what cannot be mounted here has its reason. It takes root; without it, what a user namespace may mount is tried. All of
it happens in a mount namespace of its own, and everything is unmounted at the end.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("campaigns run on POSIX")

import argparse
import fnmatch
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from typing import NamedTuple

from arrangements import (
    Build,
    apart,
    ext4_of,
    on_folding,
    on_fuse,
    on_loop,
    on_memory,
    on_overlay,
    on_sftp,
    packed,
    read_only,
    scripts_elsewhere,
    store_bound,
    store_in_subvolume,
    through_two_paths,
    tmpfs_of,
    xfs_of,
)
from drills import Drill, Duty, Tried, fail, fill, find_mode, kill, live, meet, race
from evidence import Evidence, note, words_of
from ground import CannotBeShownError
from limits import look_only, refuse, spell
from programs import find_program, print_table, scratch, version_of
from volumes import look_at, open_volume

ALL: tuple[Drill, ...] = (race, live, meet, kill, fail, spell)
FEW: tuple[Drill, ...] = (race, live, meet, spell)
SERVED: tuple[Drill, ...] = (race, live, meet, fail, spell)
"""Where a program serves the file system: who waits for it cannot be stopped between two slices, as `kill` does."""
HEADER = ("file system", "placed by", "races", "steps", "at once", "kills", "faults", "names", "refused", "wrong", "s")
COLUMNS = {
    "race": 2, "live": 3, "meet": 4, "kill": 5, "fail": 6, "spell": 7, "fill": 8, "refuse": 8, "look_only": 8,
}  # fmt: skip
NOT = "cannot be tried here: "
INSIDE = "LUGNUT_FILESYSTEMS_INSIDE"


class Scope(NamedTuple):
    """One arrangement, and what is tried there."""

    build: Build
    drills: tuple[Drill, ...] = ALL
    because: str = ""
    """Why lugnut refuses it."""


SCOPES = {
    "ext4": Scope(on_loop("ext4")),
    "xfs": Scope(on_loop("xfs")),
    "btrfs": Scope(on_loop("btrfs")),
    "tmpfs": Scope(on_memory()),
    "tmpfs, noexec": Scope(on_memory("noexec"), FEW),
    "ext2, without a journal": Scope(on_loop("ext2"), FEW),
    "overlay, all in the upper layer": Scope(on_overlay(sinking=False)),
    "overlay, made in the lower layer": Scope(on_overlay(sinking=True), (race, live, meet, kill)),
    "bind mount, one venv by two paths": Scope(through_two_paths, (live, meet, kill)),
    "bind mount, store on the same xfs": Scope(store_bound),
    "btrfs, store in another subvolume": Scope(store_in_subvolume),
    "xfs, store on ext4": Scope(apart(xfs_of, ext4_of)),
    "ext4, store on tmpfs": Scope(apart(ext4_of, tmpfs_of)),
    "ext4, bin/ on tmpfs": Scope(scripts_elsewhere, (live,)),
    "ntfs-3g": Scope(on_fuse("ntfs", "ntfs-3g", options="permissions"), SERVED),
    "FUSE that folds case, with hard links": Scope(on_folding("fold"), SERVED),
    "FUSE that folds case, without": Scope(on_folding("fold", "nolink"), FEW),
    "FUSE without hard links": Scope(on_folding("nolink"), SERVED),
    "sshfs without hard links": Scope(on_sftp, FEW),
    "ntfs-3g, ignore_case": Scope(on_fuse("ntfs", "lowntfs-3g", options="ignore_case,permissions"), FEW),
    "ext4, casefold": Scope(on_loop("ext4", "-O", "casefold"), FEW),
    "exfat by FUSE": Scope(on_fuse("exfat", "mount.exfat-fuse", attached=True), (refuse,), "keeps no execute bits"),
    "ntfs-3g without permissions": Scope(on_fuse("ntfs", "ntfs-3g"), (refuse,), "keeps no execute bits"),
    "FUSE without modes": Scope(on_folding("plain"), (refuse,), "keeps no execute bits"),
    "vfat": Scope(on_loop("vfat"), (refuse,), "keeps no execute bits"),
    "f2fs": Scope(on_loop("f2fs"), FEW),
    "ext4, full": Scope(on_loop("ext4", "-m", "0", megabytes=24), (fill,), "no space left"),
    "tmpfs, full": Scope(on_memory("size=8m"), (fill,), "no space left"),
    "btrfs, full": Scope(on_loop("btrfs", "--mixed", megabytes=64), (fill,), "no space left"),
    "ext4, read-only": Scope(read_only, (look_only,), "read-only"),
    "squashfs": Scope(packed("squashfs", "mksquashfs"), (look_only,), "read-only"),
    "erofs": Scope(packed("erofs", "mkfs.erofs"), (look_only,), "read-only"),
}


class Shown(NamedTuple):
    """What one scope came to."""

    name: str
    mode: str
    tried: dict[str, Tried]
    seconds: float
    reason: str = ""
    """Why it could not be tried."""

    @property
    def wrong(self) -> list[str]:
        """Everything that was wrong."""
        return [f"{self.name}: {drill}: {line}" for drill, one in self.tried.items() for line in one.wrong]


def play(name: str, options: argparse.Namespace, wheels: str) -> Shown:
    """Mount, go through all drills, unmount."""
    scope, begun = SCOPES[name], time.monotonic()
    tried: dict[str, Tried] = {}
    mode = ""
    with scratch("filesystems") as root:
        try:
            with open_volume(root, scope.build) as volume:
                check_coherence(volume.home)
                duty = Duty(volume, wheels, options.rounds, options.seed)
                mode = "" if scope.because else find_mode(duty)
                for drill in choose_drills(scope, options.drill):
                    print(f"{name}: {drill.__name__}", file=sys.stderr, flush=True)
                    tried[drill.__name__] = attempt(drill, duty)
        except CannotBeShownError as error:
            return Shown(name, mode, tried, time.monotonic() - begun, str(error))
        except (RuntimeError, OSError) as error:
            tried["install"] = Tried(0, "", [f"broken off: {type(error).__name__}: {error}"])
    return Shown(name, mode, tried, time.monotonic() - begun)


def check_coherence(home: str) -> None:
    """Leave out what does not keep to itself; raises CannotBeShownError."""
    if not look_at(home).coherent:
        raise CannotBeShownError("of a name that it folds, two spellings show two files for a while")


def attempt(drill: Drill, duty: Duty) -> Tried:
    """Play a drill; what breaks it off is wrong."""
    try:
        return drill(duty)
    except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
        return Tried(0, "", [f"broken off: {type(error).__name__}: {error}"])


def make_row(shown: Shown) -> list[object]:
    """Make a scope's line of the table."""
    row: list[object] = [shown.name, shown.mode, *["-"] * 7, len(shown.wrong), f"{shown.seconds:.0f}"]
    for drill, one in shown.tried.items():
        if drill in COLUMNS:
            row[COLUMNS[drill]] = one.number
    because = SCOPES[shown.name].because
    if because:
        row[COLUMNS["refuse"]] = f"{row[COLUMNS['refuse']]}: {because}"
    return row


def make_evidence(shown: Sequence[Shown], arguments: Sequence[str]) -> list[Evidence]:
    """Make the lines to be kept: one for each scope and drill."""
    subject, again = version_of([find_program("lugnut")]), words_of("tools/filesystems.py", arguments)
    return [
        Evidence("filesystems", subject, one.name, tried.unit, tried.number, len(tried.wrong), share, again)
        for one in shown
        for tried in one.tried.values()
        for share in [one.seconds / max(1, len(one.tried))]
        if tried.number
    ]


# --- surroundings -----------------------------------------------------------------------------------------------------


def go_inside() -> None:
    """Become root of a mount namespace of our own; does not come back where that worked."""
    if INSIDE in os.environ:
        return
    program = shutil.which("unshare")
    words = ["--mount", "--propagation", "private"]
    if os.geteuid() != 0:
        words = ["--user", "--map-root-user", *words]
    if program is None or subprocess.run([program, *words, "true"], capture_output=True, check=False).returncode:
        if os.geteuid() != 0:
            sys.exit("mounting takes root, and user namespaces are not to be had here")
        return
    os.environ[INSIDE] = "1"
    os.execv(program, [program, *words, sys.executable, *sys.argv])


def end(number: int, frame: object) -> None:
    """Leave by an exception, so that everything is unmounted."""
    del frame
    raise SystemExit(128 + number)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", metavar="PATTERN", help="xfs, 'overlay*', ... (see --list)")
    parser.add_argument("--drill", action="append", metavar="PATTERN", help="live, spell, ... (see --list)")
    parser.add_argument("--rounds", type=int, default=3, help="how long each drill is")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--evidence", metavar="FILE", help="append what was shown")
    parser.add_argument("--list", action="store_true", help="say what there is to try, and try nothing")
    return parser.parse_args(arguments)


def choose(patterns: Sequence[str] | None) -> list[str]:
    """Choose scopes by name."""
    return [name for name in SCOPES if any(fnmatch.fnmatch(name, one) for one in patterns or ["*"])]


def choose_drills(scope: Scope, patterns: Sequence[str] | None) -> list[Drill]:
    """Choose drills of a scope by name; where lugnut is to refuse it, all."""
    wanted = ["*"] if scope.because else patterns or ["*"]
    return [drill for drill in scope.drills if any(fnmatch.fnmatch(drill.__name__, one) for one in wanted)]


def main(arguments: Sequence[str]) -> int:
    """Try all scopes and print their table; 1 where anything was wrong, 2 where nothing is meant."""
    options = parse(arguments)
    names = choose(options.only)
    if options.list or not names:
        print("\n".join(f"{name:38} {', '.join(one.__name__ for one in SCOPES[name].drills)}" for name in SCOPES))
        return 0 if options.list else 2
    go_inside()
    signal.signal(signal.SIGTERM, end)
    shown: list[Shown] = []
    with scratch("filesystems-wheels") as wheels:
        for name in names:
            one = play(name, options, wheels)
            shown.append(one)
            print("".join(f"{line}\n" for line in one.wrong[:20]), end="", flush=True)
    print_table(HEADER, [make_row(one) for one in shown if not one.reason])
    print("".join(f"{one.name}: {NOT}{one.reason}\n" for one in shown if one.reason), end="")
    print("".join(f"{one.name}: {tried.note}\n" for one in shown for tried in one.tried.values() if tried.note), end="")
    wrong = sum(len(one.wrong) for one in shown)
    tried = sum(not one.reason for one in shown)
    print(f"{tried} of {len(shown)} tried, {wrong} wrong")
    note(options.evidence, make_evidence(shown, arguments))
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
