"""One scenario in all its steps: killed, failed, met by another run at each of them; its recovery killed as well.

It runs as a program of its own, with one thread, so that it may fork, with tests/ and tools/ on its path:
`python stepdriver.py PLACE SCENARIO HOW [STRIDE]` prints a line of JSON, `{"runs": N, "steps": N, "wrong": [...]}`.
HOW is kill, kill-copied, kill-unlinked, tear, fail, interrupt, recovery, meet or meet-killed.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable

from lugnut.system import locks
from stepcases import SCENARIOS
from stepper import (
    CHECK,
    PLAIN,
    Act,
    At,
    Place,
    Snapshot,
    Steps,
    carry_out,
    copy_tree,
    count,
    die,
    differ,
    end,
    fail,
    interrupt,
    refuse_links,
    run,
    start,
    tear,
)


class Course:
    """One scenario in all its steps: collects what is wrong."""

    def __init__(self, place: Place, act: Act, other: Act | None = None) -> None:
        self.place = place
        self.act = act
        self.other = other
        self.runs = 0
        self.wrong: list[str] = []
        place.reset()
        self.old = place.snapshot()
        done = run(place, act)
        self.steps = count(done)
        self.code = done.code
        self.new = place.snapshot()
        if done.code not in {0, 130}:
            self.wrong.append(f"the act itself ended with {done.code}: {done.said}")
        if done.code == 130:
            self.note("called off", differ(self.old, self.new))

    def note(self, what: str, found: list[str]) -> None:
        if found:
            self.wrong.append(f"{what}: {'; '.join(found)}")

    def settle(self, what: str) -> None:
        """Recover, and see that one of the legal states is there, and that nothing is found wrong with it."""
        self.runs += 1
        recovered = run(self.place, CHECK)
        if recovered.code != 0:
            self.note(what, [f"recovery ended with {recovered.code}: {recovered.said}"])
        self.compare(what, [self.old, self.new])

    def compare(self, what: str, legal: list[Snapshot]) -> None:
        found = self.place.snapshot()
        if found not in legal:
            self.note(what, [" or ".join(str(differ(one, found)[:6]) for one in legal)])

    def kill_each(self, stride: int, at: At = die) -> None:
        """Kill the act before each of its steps."""
        for stop in range(1, self.steps + 1, stride):
            self.place.reset()
            ended = run(self.place, self.act, stop, at)
            if ended.code != -signal.SIGKILL:
                self.note(f"step {stop}", [f"ended with {ended.code}: {ended.said}"])
            self.settle(f"killed at step {stop}")

    def fail_each(self, stride: int) -> None:
        """Have each step refused: the run ends by itself, and what it could not undo recovery does."""
        for stop in range(1, self.steps + 1, stride):
            self.place.reset()
            ended = run(self.place, self.act, stop, fail)
            if ended.code not in {0, 1, 130}:
                self.note(f"step {stop} refused", [f"ended with {ended.code}: {ended.said}"])
            if ended.code == 0:
                self.compare(f"step {stop} refused, exit 0", [self.new])
            self.settle(f"step {stop} refused")

    def interrupt_each(self, stride: int) -> None:
        """Have a KeyboardInterrupt raised right after each step: the caller's own, whom nothing keeps from going on."""
        for stop in range(1, self.steps + 1, stride):
            self.place.reset()
            ended = run(self.place, self.act, stop, interrupt)
            if "KeyboardInterrupt" not in ended.said:
                self.note(f"step {stop} interrupted", [f"ended with {ended.code}: {ended.said}"])
            self.settle(f"interrupted after step {stop}")

    def kill_recoveries(self, stride: int) -> None:
        """Kill the act, and then its recovery before each of the recovery's steps."""
        for stop in range(1 + stride // 2, self.steps + 1, stride):
            self.place.reset()
            run(self.place, self.act, stop)
            dead = os.path.join(self.place.root, "dead")
            shutil.rmtree(dead, ignore_errors=True)
            os.rename(self.place.env, dead)
            second = 0
            while True:
                second += 1
                shutil.rmtree(self.place.env, ignore_errors=True)
                copy_tree(dead, self.place.env)
                if run(self.place, CHECK, second).code != -signal.SIGKILL:
                    break
                self.settle(f"killed at step {stop}, its recovery at {second}")

    def meet_each(self, stride: int, *, killed: bool = False) -> None:
        """Stop the act at each step, let the other run until it ends or waits, then let the act go on, or kill it."""
        assert self.other is not None
        both = self.both(self.act, self.other)
        legal = [both, self.both(self.other)] if killed else [both]
        for stop in range(1, self.steps + 1, stride):
            self.place.reset()
            self.runs += 1
            waited = self.meet(stop, killed=killed)
            what = f"met at step {stop}{', waiting' if waited else ''}{', killed' if killed else ''}"
            recovered = run(self.place, CHECK)
            if recovered.code != 0:
                self.note(what, [f"recovery ended with {recovered.code}: {recovered.said}"])
            self.compare(what, legal)

    def both(self, *acts: Act) -> Snapshot:
        self.place.reset()
        for act in acts:
            ended = run(self.place, act)
            if ended.code != 0:
                self.note("by themselves", [ended.said])
        return self.place.snapshot()

    def meet(self, stop: int, *, killed: bool) -> bool:
        here, there = os.pipe(), os.pipe()  # from the acts, and to the one that has stopped
        outs = [os.path.join(self.place.root, name) for name in ("out-a", "out-b")]

        def pause(*_: object) -> None:
            PLAIN["write"](here[1], b"s")
            if os.read(there[0], 1) == b"k":
                die()

        def first() -> int:
            Steps(self.place.env + "/", stop, pause)
            code = carry_out(self.place, self.act)
            PLAIN["write"](here[1], b"e")
            return code

        def second() -> int:
            sleep = locks.time.sleep

            def wait(seconds: float) -> None:
                PLAIN["write"](here[1], b"w")
                sleep(seconds)

            locks.time.sleep = wait  # a lock that is busy: whoever holds it has to go on first
            code = carry_out(self.place, self.other)  # type: ignore[arg-type]
            PLAIN["write"](here[1], b"e")
            return code

        pids = [start(first, outs[0])]
        assert os.read(here[0], 1) == b"s"
        pids.append(start(second, outs[1]))
        waited = os.read(here[0], 1) == b"w"
        PLAIN["write"](there[1], b"k" if killed else b"g")
        ended = [end(pid, out) for pid, out in zip(pids, outs, strict=True)]
        for descriptor in (*here, *there):
            os.close(descriptor)
        wanted = [-signal.SIGKILL if killed else 0, 0]
        for one, code, who in zip(ended, wanted, ("the first", "the second"), strict=True):
            if one.code != code:
                self.note(f"met at step {stop}", [f"{who} ended with {one.code}: {one.said}"])
        return waited


def main(root: str, scenario: str, how: str, stride: int) -> None:
    os.umask(0o022)
    place = Place(root)
    if how == "kill-copied":
        refuse_links(errno.EXDEV, place.cache)  # the store is on another device
    if how == "kill-unlinked":
        refuse_links(errno.EPERM)
    before, act, other = SCENARIOS[scenario](place)
    for one in before:
        place.act(one)
    place.keep()
    warm(place, act)
    if other is not None:
        warm(place, other)
    course = Course(place, act, other)
    ways: dict[str, Callable[[int], None]] = {
        "kill": course.kill_each,
        "kill-copied": course.kill_each,
        "kill-unlinked": course.kill_each,
        "tear": lambda stride: course.kill_each(stride, tear),
        "fail": course.fail_each,
        "interrupt": course.interrupt_each,
        "recovery": course.kill_recoveries,
        "meet": course.meet_each,
        "meet-killed": lambda stride: course.meet_each(stride, killed=True),
    }
    ways[how](stride)
    sys.stdout.write(json.dumps({"runs": course.runs, "steps": course.steps, "wrong": course.wrong}) + "\n")


def warm(place: Place, act: Act) -> None:
    """Do an act once in this process, so that the store and every import are there before the first fork."""
    place.reset()
    carry_out(place, act)
    carry_out(place, CHECK)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]) if len(sys.argv) > 4 else 1)
