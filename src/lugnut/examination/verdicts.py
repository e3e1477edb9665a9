"""Pure: what was found in a place to lines of the doctor's table, each with a verdict and, where need be, a remedy."""

from __future__ import annotations

from collections.abc import Iterator

from lugnut.answers import ABSENT, IMPOSSIBLE, OK, UNTRIED, WARNING, Examined
from lugnut.examination.trials import CLONE, COPY, HARDLINK, LINK, RENAME, STRIPE, Placed
from lugnut.reach import find_lag, find_weakness, judge
from lugnut.system import probing

TIGHT_BYTES, TIGHT_FILES = 100 << 20, 1000
"""Below this much room an install of no great size may fail; it would then be undone."""
_ELSEWHERE = "use another file system"
_LOCKLESS = "lugnut never installs without its locks: use a file system that has them"
_WAYS = {
    HARDLINK: "files are hard links to the cache's",
    CLONE: "files are copies that share the cache's blocks (reflinks)",
    COPY: "files are copies of the cache's",
}
_CLAIMS = {
    LINK: "a free name is taken by an exclusive link",
    RENAME: "a free name is taken by renameat2 (NOREPLACE)",
    STRIPE: "a free name is taken under its directory's lock, since there is no exclusive step",
}


def judge_mount(place: str, mount: probing.Mount) -> Iterator[Examined]:
    """Say what file system it is and how far locks reach, by its mount alone."""
    judged = judge(mount)
    yield Examined(place, "reach of locks", judged.verdict, judged.text, judged.remedy)
    weak = find_weakness(mount)
    if weak:
        text = f"the mount has {weak}: --durable cannot survive a power cut here"
        yield Examined(place, "durability", WARNING, text, f"mount it without {weak}")


def judge_room(place: str, room: probing.Room) -> Examined:
    """Judge what is free."""
    if room.size == 0 or room.files == 0:
        text = "no byte is free" if room.size == 0 else "no inode is free"
        return Examined(place, "room", IMPOSSIBLE, text, "make room")
    said = f"{room.size / (1 << 30):.1f} GiB free" + ("" if room.files is None else f", {room.files} inodes")
    if room.size < TIGHT_BYTES or (room.files is not None and room.files < TIGHT_FILES):
        said = f"{room.size / (1 << 20):.1f} MiB free" + ("" if room.files is None else f", {room.files} inodes")
        return Examined(place, "room", WARNING, said, "make room; a run that finds none is undone")
    return Examined(place, "room", OK, said)


def judge_locks(place: str, found: probing.Locking) -> Iterator[Examined]:
    """Judge the locks that were tried between two processes, and the trial itself."""
    if found.untried:
        yield untried(place, "locks", found.untried)
        return
    if found.excludes:
        yield Examined(place, "locks", IMPOSSIBLE, found.excludes, _LOCKLESS)
    else:
        text = "of two processes one has a lock, whoever comes first"
        yield Examined(place, "locks", OK, text)
        yield _judge_shared(place, found.shares)
        if found.dies:
            yield Examined(
                place, "a dead run's lock", WARNING, found.dies, "a killed run is recovered only when it is free"
            )
        else:
            yield Examined(place, "a dead run's lock", OK, "is free as soon as its process was killed")
        yield _word(
            place, "a lock's words", found.remembers, "the next holder reads what the last one wrote", _LOCKLESS
        )
    yield _judge_probe(place, found)


def _judge_probe(place: str, found: probing.Locking) -> Examined:
    """Say whether the probe sees what it looks for: shown broken locks, it has to notice them."""
    if found.blind and found.blind == found.excludes:
        return untried(place, "the probe itself", "there are no locks to break")
    seen = "can see a broken lock: yes, it noticed one that does nothing and one of another file"
    seen += "" if found.excludes else ", and one that outlived its holder"
    return _word(place, "the probe itself", found.blind, seen, "please report this with -v output")


def _judge_shared(place: str, reason: str) -> Examined:
    verdict = OK if not reason else IMPOSSIBLE if place == "cache" else WARNING
    text = reason or "several processes share one, and none has it alone meanwhile"
    return Examined(place, "shared locks", verdict, text, _ELSEWHERE if reason else "")


def _word(place: str, subject: str, reason: str, good: str, remedy: str) -> Examined:
    """Give a line of what must be so."""
    return Examined(place, subject, IMPOSSIBLE, reason, remedy) if reason else Examined(place, subject, OK, good)


def judge_steps(place: str, found: probing.Probed) -> Iterator[Examined]:
    """Judge the steps that the protocol is made of."""
    yield _word(place, "new files", found.exclusive, "one that stands is not replaced", _ELSEWHERE)
    yield _judge_renames(place, found)
    yield _judge_links(place, found)
    yield _judge_extra(place, "reflinks", found.clones, "two files can share their blocks")
    yield _judge_extra(place, "RENAME_NOREPLACE", found.moves, "a rename spares what stands")


def _judge_renames(place: str, found: probing.Probed) -> Examined:
    if found.replaces or found.gapless:
        good = "replace a file in one step; directories too are renamed"
        return _word(place, "renames", found.replaces, good, _ELSEWHERE)
    text = "replace a file, but who opens it at that moment may find none"
    return Examined(place, "renames", WARNING, text, "nothing is lost; if that matters, use another file system")


def _judge_links(place: str, found: probing.Probed) -> Examined:
    if found.links and found.names > 1:
        return Examined(place, "hard links", IMPOSSIBLE, found.links, _ELSEWHERE)
    if found.links:
        text = f"none ({found.links}): files are copied"
        return Examined(place, "hard links", WARNING, text, "none is needed; links take less room and time")
    if found.names < probing.LINKS:
        text = f"a file has at most {found.names} names: in more environments it is copied"
        return Examined(place, "hard links", WARNING, text, "none is needed; copies take room")
    return Examined(place, "hard links", OK, f"a file had {found.names} names")


def _judge_extra(place: str, subject: str, reason: str, good: str) -> Examined:
    return Examined(place, subject, ABSENT, reason) if reason else Examined(place, subject, OK, good)


def judge_names(place: str, found: probing.Probed, *, believed: bool) -> Iterator[Examined]:
    """Judge names, in the light of what a run believes of their case."""
    if found.folds_case != believed:
        text = f"names that differ in case are {'one' if found.folds_case else 'two'}, and a run would take them for "
        text += "two" if found.folds_case else "one"
        yield Examined(place, "case of names", IMPOSSIBLE, text, "please report this with -v output")
    elif found.folds_case:
        text = "names that differ in case are one: two distributions that have both share a path"
        yield Examined(place, "case of names", OK, text)
    else:
        yield Examined(place, "case of names", OK, "names that differ in case are two")
    if found.folds_form and not believed:
        text = "names in two Unicode normal forms are one, and a run would take them for two"
        yield Examined(place, "forms of names", WARNING, text, "it matters to wheels that have both, which none should")
    else:
        text = "names in two Unicode normal forms are " + ("one" if found.folds_form else "two")
        yield Examined(place, "forms of names", OK, text)
    yield _judge_long(place, found.long_name)


def _judge_long(place: str, reason: str) -> Examined:
    if reason:
        text = f"one of {probing.LONGEST} bytes is refused ({reason})"
        return Examined(place, "long names", WARNING, text, "wheels that have such are refused, and nothing is changed")
    return Examined(place, "long names", OK, f"one of {probing.LONGEST} bytes is taken")


def judge_bits(place: str, found: probing.Probed) -> Iterator[Examined]:
    """Judge times, modes, and whether what is installed can be run."""
    if found.keeps_times:
        yield Examined(place, "file times", OK, "are kept to the second")
    else:
        text = "are not kept to the second: every file is read again where a look would do"
        yield Examined(place, "file times", WARNING, text, "it costs time alone")
    modes = "" if found.keeps_modes else "are not kept: no file would stand as its wheel has it"
    yield _word(place, "execute bits", modes, "are kept", "mount it so that it keeps permissions, or go elsewhere")


def judge_runs(place: str, found: probing.Probed) -> Iterator[Examined]:
    """Judge whether what is installed can be run."""
    remedy = "mount it without noexec"
    if found.maps:
        text = f"cannot be loaded ({found.maps}); installing works"
        yield Examined(place, "extension modules", WARNING, text, remedy)
    else:
        yield Examined(place, "extension modules", OK, "can be loaded")
    if found.runs:
        yield Examined(place, "scripts", WARNING, f"cannot be started ({found.runs}); installing works", remedy)
    else:
        yield Examined(place, "scripts", OK, "can be started")


def judge_listings(place: str, found: probing.Probed, mount: probing.Mount) -> Examined:
    """Judge how old a listing may be, and whether a token helps (TRAPS 26)."""
    if not found.lists_late:
        return Examined(place, "listings", OK, "are never late")
    if found.token:
        return Examined(
            place, "listings", IMPOSSIBLE, f"may be late, and no token can be made ({found.token})", _ELSEWHERE
        )
    return Examined(place, "listings", OK, f"may be {find_lag(mount)}: a token is made after each lock is taken")


def judge_placed(place: str, placed: Placed, link_mode: str) -> Iterator[Examined]:
    """Say how files come to a place, as the placing code itself did it just now."""
    if placed.reason:
        yield Examined(place, "link mode", IMPOSSIBLE, placed.reason, _ELSEWHERE)
        return
    asked = f" (--link-mode {link_mode})" if link_mode != "auto" else ""
    verdict = OK if placed.way == HARDLINK or link_mode in {placed.way, "copy"} else WARNING
    remedy = "" if verdict == OK else "links take less room and time: --cache-dir names a cache in the same mount"
    text = f"{_WAYS[placed.way]}{asked}" + (f": no hard links ({placed.why})" if placed.why else "")
    yield Examined(place, "link mode", verdict, text, remedy)
    yield Examined(place, "claims", OK, _CLAIMS[placed.claim])


def untried(place: str, subject: str, reason: str) -> Examined:
    """Say honestly that something was not tried, and why."""
    return Examined(place, subject, UNTRIED, f"not tried here: {reason}")
