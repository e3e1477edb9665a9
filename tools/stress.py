"""N clients, M minutes: random commands on one environment, whatever befalls them, and whether they kept their word.

    python tools/stress.py [--processes N] [--minutes M] [--seed S] [--nemesis NAME]... [--installer lugnut|uv|pip]...
    python tools/stress.py --cmd 'install=mine add {wheels}' --cmd 'uninstall=mine drop {names}' [--name mine]

Each client runs install, upgrade, uninstall, sync and check as command lines, on wheels made here that share paths with
others (`--disjoint`: directories only). Nemeses act in turn and together: kill-group, kill-coordinator, kill-worker,
stop (for longer than others wait), interrupt, disk (a small file system that fills; takes root), clock (a preload;
takes cc), and uv and pip as clients beside, on names of their own (uv-own, pip-own) or on the same ones (uv-shared,
pip-shared); all, if none is named, and `--nemesis none`. Every few commands all pause, and the environment is judged
(see verdicts.py): by what it should be, and by whether some order of the commands explains it.

What each client does and which nemesis acts when is a function of `--seed`; who meets whom is not. lugnut and what
`--cmd` names are held to the whole promise, and 1 is returned where it was not kept: environment, history and seed are
kept then and named. uv and pip are measured. `--html` and `--png` draw who did and held what when.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("campaigns run on POSIX")

import argparse
import os
import shutil
import tempfile
from collections.abc import Sequence

from evidence import Evidence, note, words_of
from killing import adopt_orphans
from liveview import make_view
from nemeses import enter_own_mounts
from peers import BUILT_IN, FIELDS, Peer, expand, find_version
from plans import MIXED, NEMESES, Terms
from programs import find_program, print_table
from stressing import Contest, Ring, Score
from timelinepage import Timeline, write_page
from timelinepicture import draw
from universe import draw_world

VERBS = ("install", "uninstall", "sync", "check")
COUNTED = (
    "commands", "per s", "killed", "stopped", "undone", "timed out", "points", "corrupt", "no order", "undecided",
    "failed", "tracebacks",
)  # fmt: skip


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=8, metavar="N")
    parser.add_argument("--minutes", type=float, default=1.0, metavar="M", help="for each installer")
    parser.add_argument("--seed", type=int, default=1, metavar="S")
    parser.add_argument("--commands", type=int, default=10, help="of a client from one quiescent point to the next")
    parser.add_argument("--installer", action="append", choices=sorted(BUILT_IN), help="lugnut, if none is named")
    parser.add_argument("--cmd", action="append", default=[], metavar="VERB=TEMPLATE", help=f"{', '.join(VERBS)}")
    parser.add_argument("--name", default="yours", help="what --cmd's installer is called")
    parser.add_argument("--nemesis", action="append", choices=[*NEMESES, "none"], metavar="NAME")
    parser.add_argument("--disjoint", action="store_true", help="no two wheels share a path")
    parser.add_argument("--html", metavar="FILE")
    parser.add_argument("--png", metavar="FILE")
    parser.add_argument("--evidence", metavar="FILE")
    parser.add_argument("--root", metavar="DIR", help="where everything is done, and what is wrong is kept")
    options = parser.parse_args(arguments)
    if options.processes < 1 or options.minutes <= 0 or options.commands < 1:
        parser.error("--processes, --minutes and --commands are greater than zero")
    try:
        options.peers = list_peers(options)
    except (ValueError, FileNotFoundError) as error:
        parser.error(str(error))
    return options


def list_peers(options: argparse.Namespace) -> list[Peer]:
    """Give the installers that take part; raises ValueError, and FileNotFoundError where a program is not there."""
    chosen = options.installer or ([] if options.cmd else ["lugnut"])
    peers = [BUILT_IN[name] for name in chosen]
    templates = {}
    for text in options.cmd:
        verb, _, template = text.partition("=")
        if verb not in VERBS or not template:
            raise ValueError(f"--cmd {text!r}: it is VERB=TEMPLATE, with one of {', '.join(VERBS)}")
        expand(template, dict.fromkeys(FIELDS, ""), {})
        templates[verb] = template
    if templates:
        if options.name in BUILT_IN or "install" not in templates:
            raise ValueError("--cmd: an install= is needed, and a --name that is not a built-in one")
        peers.append(Peer(options.name, **templates))
    for peer in peers:
        find_program(peer.program)
    return peers


def fight_all(options: argparse.Namespace, root: str) -> list[tuple[Peer, Score]]:
    """Have one installer after the other stand the same test."""
    wanted = tuple(options.nemesis or NEMESES)
    terms = Terms(options.seed, options.processes, () if "none" in wanted else wanted, options.commands)
    world, scores = draw_world(str(options.seed), disjoint=options.disjoint), []
    for peer in options.peers:
        place, strict = os.path.join(root, peer.name), peer.name not in {"uv", "pip"}
        contest = Contest(peer, terms, world, options.minutes * 60, strict, place)
        os.makedirs(place)
        with make_view(peer.name, contest.seconds) as view:
            ring = Ring(contest, view.tell)
            view.follow(ring)
            scores.append((peer, ring.fight(view.look)))
    return scores


def make_rows(scores: Sequence[tuple[Peer, Score]]) -> list[list[object]]:
    """Make the table of installers."""
    rows: list[list[object]] = []
    for peer, score in scores:
        figures = {**score.counted, "per s": f"{score.counted['commands'] / score.seconds:.1f}"}
        waits = [wait.ended - wait.began for entry in score.history.entries for wait in entry.waits]
        longest = f"{max(waits, default=0):.1f} s"
        rows.append([find_version(peer), *(figures.get(key, 0) for key in COUNTED), longest])
    return rows


def make_nemesis_rows(scores: Sequence[tuple[Peer, Score]], nemeses: Sequence[str]) -> list[list[object]]:
    """Make the table of nemeses: how often each struck, or why it did not."""
    rows: list[list[object]] = []
    for nemesis in nemeses:
        row: list[object] = [nemesis]
        for _, score in scores:
            foreign, _, which = nemesis.partition("-")
            theirs = [entry for entry in score.history.entries if entry.installer == foreign]
            clients = sum(("own-" in entry.what[0]) == (which == "own") for entry in theirs)
            took_part = f"{clients} commands" if nemesis in MIXED else score.counted[nemesis]
            row.append(f"not tried: {score.refusals[nemesis]}" if nemesis in score.refusals else took_part)
        rows.append(row)
    return rows


def keep_evidence(options: argparse.Namespace, scores: Sequence[tuple[Peer, Score]], arguments: Sequence[str]) -> None:
    """Append what was shown."""
    again = words_of("tools/stress.py", leave_out(arguments, ("--root", "--html", "--png")))
    scope = f"{options.processes} processes, {'disjoint' if options.disjoint else 'overlapping'} wheels"
    note(
        options.evidence,
        [
            Evidence(
                "stress", find_version(peer), scope, unit, score.counted[key], wrong, score.seconds, again
            )
            for peer, score in scores
            for unit, key, wrong in (
                ("commands", "commands", score.counted["failed"]),
                ("quiescent points", "points", score.counted["wrong points"]),
                ("kills", "killed", 0),
            )
        ],
    )  # fmt: skip


def leave_out(arguments: Sequence[str], flags: Sequence[str]) -> list[str]:
    """Give the words without these flags, which say where, and their values."""
    return [
        word
        for number, word in enumerate(arguments)
        if word.partition("=")[0] not in flags and (number == 0 or arguments[number - 1] not in flags)
    ]


def main(arguments: Sequence[str]) -> int:
    """Have installers stand the test, print the tables, draw."""
    options = parse(arguments)
    if not options.nemesis or "disk" in options.nemesis:
        enter_own_mounts([os.path.abspath(__file__), *arguments])
    adopt_orphans()
    base = options.root or os.environ.get("LUGNUT_TOOLS_TMP")
    if base:
        os.makedirs(base, exist_ok=True)
    root = os.path.realpath(tempfile.mkdtemp(prefix="lugnut-stress-", dir=base))
    scores = fight_all(options, root)
    for path, write in ((options.html, write_page), (options.png, draw)):
        if path:
            write(path, [Timeline(peer.name, score.history, score.watch.holds) for peer, score in scores])
    print_table(("installer", *COUNTED, "longest wait"), make_rows(scores))
    wanted = options.nemesis or NEMESES
    if "none" not in wanted:
        print_table(("nemesis", *(peer.name for peer, _ in scores)), make_nemesis_rows(scores, wanted))
    keep_evidence(options, scores, arguments)
    wrong = [line for peer, score in scores if peer.name not in {"uv", "pip"} for line in score.wrong]
    if not wrong:
        shutil.rmtree(root, ignore_errors=True)
        return 0
    print(f"{len(wrong)} findings, seed {options.seed}; environments, wheels and history are kept in {root}:")
    print("\n".join(wrong[:40]))
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
