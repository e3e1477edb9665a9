"""Two acts brought together at one chosen moment: each runs in a forked child that stops where it is told to.

It runs as a program of its own, with one thread, so that it may fork, with tests/ and tools/ on its path:
`python meetings.py PLACE MEETING` prints a line of JSON, a list of what is wrong.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from lugnut.errors import Interrupted
from lugnut.events import Committed, WheelPlaced
from lugnut.system import locks
from lugnut.transaction import claims, journal
from oracle import check_environment
from stepcases import install, sync, uninstall
from stepper import CHECK, PLAIN, Act, Place, Steps, carry_out, count, end, run, start

ENDED, PAUSED, WAITING = b"e", b"p", b"w"


class Actor:
    """An act in a child of its own, which stops at `pause` and says when it waits for a lock and when it has ended."""

    def __init__(self, place: Place, act: Act, prepare: Callable[[Actor], None] = lambda _: None) -> None:
        self._here, self._there = os.pipe(), os.pipe()
        self._out = os.path.join(place.root, f"out-{len(os.listdir(place.root))}")
        self._waited = False

        def work() -> int:
            locks.time.sleep = self._wait  # type: ignore[attr-defined]
            prepare(self)
            code = carry_out(place, act)
            PLAIN["write"](self._here[1], ENDED)
            return code

        self._pid = start(work, self._out)

    def _wait(self, seconds: float) -> None:
        if not self._waited:
            self._waited = True
            PLAIN["write"](self._here[1], WAITING)
        SLEEP(seconds)

    def pause(self) -> None:
        """In the child: stop here until told to go on."""
        PLAIN["write"](self._here[1], PAUSED)
        os.read(self._there[0], 1)

    def hear(self) -> bytes:
        """Wait for what the child says next."""
        return os.read(self._here[0], 1)

    def go(self) -> None:
        PLAIN["write"](self._there[1], b"g")

    def kill(self) -> None:
        os.kill(self._pid, signal.SIGKILL)
        self.end()

    def end(self) -> int:
        code = end(self._pid, self._out).code
        for descriptor in (*self._here, *self._there):
            os.close(descriptor)
        return code


SLEEP = locks.time.sleep  # type: ignore[attr-defined]


def when_placed(actor: list[Actor], *, then: Callable[[], None] = lambda: None) -> Callable[[object], None]:
    """Report to pause at when a wheel is in place and its run still open."""

    def report(event: object) -> None:
        if isinstance(event, WheelPlaced):
            actor[0].pause()
            then()

    return report


def call_off() -> None:
    raise Interrupted(signal="SIGINT", number=2)


def pause_after_listing(place: Place) -> Callable[[Actor], None]:
    """Pause after the first listing of site-packages that follows the commit: it is the one of a settle's claims."""

    def prepare(actor: Actor) -> None:
        list_names, seen = os.listdir, [False]

        def replace(source: str, target: str, **options: Any) -> None:
            PLAIN["replace"](source, target, **options)
            seen[0] = seen[0] or target.endswith("/committed")

        def listdir(descriptor: int) -> list[str]:
            names = list_names(descriptor)
            if seen[0] and os.readlink(f"/proc/self/fd/{descriptor}") == place.site:
                seen[0] = False
                actor.pause()
            return names

        os.replace, os.listdir = replace, listdir  # type: ignore[assignment]

    return prepare


def read(place: Place, path: str) -> str:
    try:
        with open(os.path.join(place.site, path), encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return "absent"


def judge(place: Place, path: str, wanted: str, *codes: int) -> list[str]:
    """Say what is wrong in the end."""
    shown = read(place, path)
    wrong = [] if shown == wanted else [f"{path} is {shown!r}"]
    return [*wrong, *check_environment(place.site), *[f"ended with {code}" for code in codes if code != 0]]


# --- the meetings -----------------------------------------------------------------------------------------------------


def commit_beside_an_older_settle(place: Place) -> list[str]:
    """M1: a settle that read the state before a commit is about to set the committed run's content aside."""
    low = place.wheel("low", "1", {"s/a.py": "low\n"})
    top = place.wheel("top", "1", {"s/a.py": "top\n"})

    def pause_at_keeping(actor: Actor) -> None:
        def link(*words: Any, **options: Any) -> None:
            if os.readlink(f"/proc/self/fd/{options['dst_dir_fd']}").endswith("/kept/top"):
                actor.pause()
            PLAIN["link"](*words, **options)

        os.link = link  # type: ignore[assignment]

    itself: list[Actor] = []
    above = Actor(place, install(top, report=when_placed(itself)), itself.append)
    assert above.hear() == PAUSED
    below = Actor(place, install(low), pause_at_keeping)
    assert below.hear() == PAUSED
    above.go()
    met = above.hear()  # it waits for the other's stripe
    below.go()
    return judge(place, "s/a.py", "top\n", below.end(), above.end()) + ([] if met == WAITING else ["it did not wait"])


def link_beside_a_settle_that_looked(place: Place) -> list[str]:
    """M2: a file is linked between a settle's look and its reading of the claims."""
    low = place.wheel("low", "1", {"s/a.py": "A = 1\n"})
    place.act(install(place.wheel("top", "1", {"s/a.py": "A = 1\n"})))
    os.unlink(os.path.join(place.site, "s/a.py"))
    leaving = Actor(place, uninstall("top"), pause_after_listing(place))
    assert leaving.hear() == PAUSED
    coming = Actor(place, install(low))
    coming.hear()
    leaving.go()
    return judge(place, "s/a.py", "A = 1\n", leaving.end(), coming.end())


def dist_info_that_moves_while_claims_are_read(place: Place) -> list[str]:
    """ENOENT on the way means again: another installer gives a dist-info another name after it was listed."""
    same = {"s/a.py": "A = 1\n"}
    place.act(install(place.wheel("low", "1", same), place.wheel("top", "1", same)))
    leaving = Actor(place, uninstall("top"), pause_after_listing(place))
    assert leaving.hear() == PAUSED
    os.rename(os.path.join(place.site, "low-1.dist-info"), os.path.join(place.site, "low-2.dist-info"))
    leaving.go()
    code = leaving.end()
    return [f"s/a.py is {read(place, 's/a.py')}"] * (read(place, "s/a.py") != "A = 1\n") + [f"{code}"] * (code != 0)


def removal_beside_an_open_run(place: Place) -> list[str]:
    """An open run ranks below all: what a removal leaves is shown by who is installed, whatever name is coming."""
    low, top, third = (place.wheel(name, "1", {"s/a.py": f"{name}\n"}) for name in ("low", "top", "zz"))
    place.act(install(low, top))
    itself: list[Actor] = []
    coming = Actor(place, install(third, report=when_placed(itself, then=call_off)), itself.append)
    assert coming.hear() == PAUSED
    place.act(uninstall("top"))
    shown = read(place, "s/a.py")
    coming.go()
    wrong = [] if shown == "low\n" else [f"an open run is shown: {shown!r}"]
    return wrong + judge(place, "s/a.py", "low\n", coming.end() - 130)


def two_that_adopt_one_file(place: Place) -> list[str]:
    """A user's file with equal bytes is met by two runs, and both are called off: it stays."""
    place.write("s/a.py", "mine\n")
    one = place.wheel("one", "1", {"s/a.py": "mine\n"})
    two = place.wheel("two", "1", {"s/a.py": "mine\n"})
    actors = []
    for wheel in (one, two):
        itself: list[Actor] = []
        actors.append(Actor(place, install(wheel, report=when_placed(itself, then=call_off)), itself.append))
        assert actors[-1].hear() == PAUSED
    codes = []
    for actor in actors:
        actor.go()
        codes.append(actor.end())
    wrong = [] if codes == [130, 130] else [f"they ended with {codes}"]
    return wrong + [f"s/a.py is {read(place, 's/a.py')!r}"] * (read(place, "s/a.py") != "mine\n")


def users_file_that_a_killed_run_never_came_to(place: Place) -> list[str]:
    """Two runs bring what a user has; who found it is called off, the other one was killed on its way there."""
    one = bring_what_a_user_has_just_made(place)
    one.go()
    code = one.end()
    place.act(CHECK)
    return [f"it ended with {code}"] * (code != 130) + judge_users(place)


def users_file_of_a_run_that_has_not_come_back_to_it(place: Place) -> list[str]:
    """The same, and the killed one is undone while the other one, called off, has yet to come to the file again."""
    one = bring_what_a_user_has_just_made(place, pause_when_aborted)
    one.go()
    assert one.hear() == PAUSED
    place.act(CHECK)
    wrong = judge_users(place)
    one.go()
    code = one.end()
    return wrong + [f"it ended with {code}"] * (code != 130) + judge_users(place)


def users_file_of_a_run_that_ends_as_another_looks(place: Place) -> list[str]:
    """One finds a user's file; another one has read its claim when it is called off, and then asks what it found."""
    one = bring_what_a_user_has(place)
    itself: list[Actor] = []

    def prepare(actor: Actor) -> None:
        itself.append(actor)
        plain = claims.Ledger.read_revoked

        def read(*words: Any) -> Any:
            if len(os.listdir(os.path.join(place.site, ".lugnut", "transactions"))) > 1:  # it has published by now
                actor.pause()
            return plain(*words)

        claims.Ledger.read_revoked = read  # type: ignore[method-assign]

    two = Actor(
        place,
        install(place.wheel("two", "1", {"s/a.py": "mine\n"}), report=when_placed(itself, then=call_off)),
        prepare,
    )
    assert two.hear() == PAUSED
    one.go()
    assert one.hear() == WAITING
    two.go()
    assert two.hear() == PAUSED
    code = one.end()
    two.go()
    codes = [code, two.end()]
    return [f"they ended with {codes}"] * (codes != [130, 130]) + judge_users(place)


def users_file_that_two_undone_runs_have_yet_to_come_to(place: Place) -> list[str]:
    """Both are aborted, the one that found it and the killed one: a third run that brings other bytes is refused."""
    one = bring_what_a_user_has_just_made(place, pause_when_aborted)
    one.go()
    assert one.hear() == PAUSED
    undoing = Actor(place, CHECK, pause_when_aborted)
    assert undoing.hear() == PAUSED
    refused = Actor(place, install(place.wheel("three", "1", {"s/a.py": "theirs\n"}))).end()
    wrong = [f"it ended with {refused}"] * (refused in {0, 130}) + judge_users(place)
    for actor in (undoing, one):
        actor.go()
        actor.end()
    return wrong + judge_users(place)


def users_file_of_a_run_that_is_being_undone_already(place: Place) -> list[str]:
    """The one that found it goes, while the killed one is aborted and yet to come to the file."""
    one = bring_what_a_user_has_just_made(place)
    undoing = Actor(place, CHECK, pause_when_aborted)
    assert undoing.hear() == PAUSED
    one.go()
    codes = [one.end()]
    undoing.go()
    codes += [undoing.end()]
    return [f"they ended with {codes}"] * (codes != [130, 0]) + judge_users(place)


def users_file_that_was_found_before_another_run_was_published(place: Place) -> list[str]:
    """A second run has looked while the first one claimed the file, and is published when that is gone."""
    one = bring_what_a_user_has(place)

    two = Actor(
        place, install(place.wheel("two", "1", {"s/a.py": "mine\n"})), lambda actor: pause_before(actor, published=True)
    )
    assert two.hear() == PAUSED
    one.go()
    code = one.end()
    two.go()
    assert two.hear() == PAUSED
    two.kill()
    place.act(CHECK)
    return [f"it ended with {code}"] * (code != 130) + judge_users(place)


def other_bytes_where_an_open_run_found_a_users(place: Place) -> list[str]:
    """Whatever becomes of the run that found it, a third one that brings other bytes is refused."""
    one = bring_what_a_user_has(place)
    refused = Actor(place, install(place.wheel("three", "1", {"s/a.py": "theirs\n"}))).end()
    wrong = [f"it ended with {refused}"] * (refused in {0, 130}) + judge_users(place)
    one.go()
    code = one.end()
    return wrong + [f"the first one ended with {code}"] * (code != 130) + judge_users(place)


def upgrade_to_other_bytes_where_an_open_run_found_a_users(place: Place) -> list[str]:
    """A change that comes to a path that a user has is refused, though an open run brings the same as the user has."""
    place.act(install(place.wheel("three", "1", {"t.py": ""})))
    place.keep()
    place.reset()
    one = bring_what_a_user_has(place)
    refused = Actor(place, install(place.wheel("three", "2", {"s/a.py": "theirs\n"}))).end()
    wrong = [f"it ended with {refused}"] * (refused in {0, 130}) + judge_users(place)
    one.go()
    code = one.end()
    return wrong + [f"the first one ended with {code}"] * (code != 130) + judge_users(place)


def forced_bytes_where_an_open_run_found_a_users(place: Place) -> list[str]:
    """With --force what a user had is set aside, though an open run that found it claims it."""
    one = bring_what_a_user_has(place)
    act = install(place.wheel("three", "1", {"s/a.py": "theirs\n"}))
    act.options["force"] = True
    code = Actor(place, act).end()
    one.go()
    codes = [code, one.end()]
    wrong = [f"they ended with {codes}"] * (codes != [0, 130])
    wrong += ["s/a.py is not what was forced"] * (read(place, "s/a.py") != "theirs\n")
    altered = os.path.join(place.site, ".lugnut", "altered")
    return wrong + ["nothing was set aside"] * (not os.path.isdir(altered))


def pause_when_aborted(actor: Actor) -> None:
    """Have a run stop as soon as it, or one that it undoes, is aborted."""

    def replace(source: str, target: str, **options: Any) -> None:
        PLAIN["replace"](source, target, **options)
        if target.endswith("aborted"):
            actor.pause()

    os.replace = replace


def users_file_that_is_made_where_two_runs_are_to_clash(place: Place) -> list[str]:
    """A claim on other bytes does not make what stands there another run's: who finds his own bytes found a user's."""
    actors = []
    for name, text in (("dd", "theirs\n"), ("aa", "mine\n")):
        itself: list[Actor] = []

        def prepare(actor: Actor, itself: list[Actor] = itself) -> None:
            itself.append(actor)
            pause_before(actor, published=False)

        act = install(place.wheel(name, "1", {"s/a.py": text}), report=when_placed(itself, then=call_off))
        actors.append(Actor(place, act, prepare))
        assert actors[-1].hear() == PAUSED
    place.write("s/a.py", "mine\n")
    for actor in actors:
        actor.go()
        assert actor.hear() == PAUSED
    codes = []
    for actor in reversed(actors):
        actor.go()
        codes.append(actor.end())
    return [f"they ended with {codes}"] * (codes != [130, 130]) + judge_users(place)


def pause_before(actor: Actor, *, published: bool) -> None:
    """Have a run stop right before it comes to s/a.py; with `published` once before that, before it is published."""

    def replace(source: str, target: str, **options: Any) -> None:
        if published and os.path.basename(source).startswith("new-"):
            actor.pause()
        PLAIN["replace"](source, target, **options)

    def link(source: str, target: str, **options: Any) -> None:
        if target == "a.py":
            actor.pause()
        PLAIN["link"](source, target, **options)

    os.replace, os.link = replace, link


def bring_what_a_user_has_just_made(place: Place, prepare: Callable[[Actor], None] = lambda _: None) -> Actor:
    """Two runs that have looked when a user makes s/a.py; the first one finds it, the second one is killed before.

    The second one, published after that, knew nothing of it. The first one is called off once it is told to go on.
    """
    itself: list[Actor] = []

    def prepare_one(actor: Actor) -> None:
        itself.append(actor)
        pause_before(actor, published=False)
        prepare(actor)

    wheel = place.wheel("one", "1", {"s/a.py": "mine\n"})
    one = Actor(place, install(wheel, report=when_placed(itself, then=call_off)), prepare_one)
    wheel = place.wheel("two", "1", {"s/a.py": "mine\n"})
    two = Actor(place, install(wheel), lambda actor: pause_before(actor, published=True))
    assert [one.hear(), two.hear()] == [PAUSED, PAUSED]
    place.write("s/a.py", "mine\n")
    one.go()
    assert one.hear() == PAUSED
    two.go()
    assert two.hear() == PAUSED
    two.kill()
    return one


def bring_what_a_user_has(place: Place, prepare: Callable[[Actor], None] = lambda _: None) -> Actor:
    """A run that found the user's s/a.py, and is called off once it is told to go on."""
    place.write("s/a.py", "mine\n")
    itself: list[Actor] = []

    def prepare_all(actor: Actor) -> None:
        itself.append(actor)
        prepare(actor)

    wheel = place.wheel("one", "1", {"s/a.py": "mine\n"})
    actor = Actor(place, install(wheel, report=when_placed(itself, then=call_off)), prepare_all)
    assert actor.hear() == PAUSED
    return actor


def judge_users(place: Place) -> list[str]:
    return [f"s/a.py is {read(place, 's/a.py')!r}"] * (read(place, "s/a.py") != "mine\n")


def directory_that_an_open_run_keeps_from_going(place: Place) -> list[str]:
    """What a removal leaves because an open run has a file in it goes when that run is called off."""
    going = removal_before_its_directory(place)
    coming = called_off_in_the_directory(place)
    going.go()
    codes = [going.end()]
    coming.go()
    return judge_directory(place, [coming.end(), *codes])


def directory_that_is_left_to_a_run_that_is_going(place: Place) -> list[str]:
    """The same, and that run is on its way back already: it had read what it has made."""
    going = removal_before_its_directory(place)

    def prepare(actor: Actor) -> None:
        def unlink(path: str, **options: Any) -> None:
            if path == "b.py":
                actor.pause()
            PLAIN["unlink"](path, **options)

        os.unlink = unlink

    coming = called_off_in_the_directory(place, prepare)
    coming.go()
    assert coming.hear() == PAUSED
    going.go()
    codes = [going.end()]
    coming.go()
    return judge_directory(place, [coming.end(), *codes])


def directory_that_empties_as_it_is_left(place: Place) -> list[str]:
    """The same, but that run is gone before the removal can leave it anything."""
    going = removal_before_its_directory(place, after=True)
    coming = called_off_in_the_directory(place)
    going.go()
    assert going.hear() == PAUSED
    coming.go()
    codes = [coming.end()]
    going.go()
    return judge_directory(place, [*codes, going.end()])


def directories_that_an_open_run_keeps_from_going(place: Place) -> list[str]:
    """What lies above such a directory goes with it: the removal would have taken it, and that run had not made it."""
    os.mkdir(os.path.join(place.site, "s"))
    coming = called_off_in_the_directory(place, directory="s/sub")
    place.act(install(place.wheel("one", "1", {"s/sub/a.py": "A\n"})))
    place.act(uninstall("one"))
    coming.go()
    return judge_directory(place, [coming.end(), 0])


def directory_that_cannot_be_left(place: Place) -> list[str]:
    """A transaction that may not be written to is no reason to fail: at worst an empty directory stays."""

    def refuse(*_words: object, **_options: object) -> None:
        raise PermissionError(13, "Permission denied")

    def prepare(_actor: Actor) -> None:
        journal.leave = refuse

    going = removal_before_its_directory(place, prepare=prepare)
    coming = called_off_in_the_directory(place)
    going.go()
    codes = [going.end()]
    coming.go()
    codes = [coming.end(), *codes]
    return [f"they ended with {codes}"] * (codes != [130, 0])


def removal_before_its_directory(
    place: Place, prepare: Callable[[Actor], None] = lambda _: None, *, after: bool = False
) -> Actor:
    """A removal of all that is in a directory, before it removes that; `after` it has failed to, once more."""
    place.act(install(place.wheel("one", "1", {"s/a.py": "A\n"})))
    place.keep()
    place.reset()
    came: list[str] = []

    def prepare_all(actor: Actor) -> None:
        find_users = claims.Ledger.find_users

        def find(ledger: claims.Ledger, directory: str) -> set[str]:
            if after and directory == "s":
                actor.pause()
            return find_users(ledger, directory)

        def rmdir(path: str, **options: Any) -> None:
            came.append(path)
            if came.count("s") == 1 and path == "s":
                actor.pause()
            PLAIN["rmdir"](path, **options)

        os.rmdir = rmdir
        claims.Ledger.find_users = find  # type: ignore[method-assign]
        prepare(actor)

    actor = Actor(place, uninstall("one"), prepare_all)
    assert actor.hear() == PAUSED
    return actor


def called_off_in_the_directory(
    place: Place, prepare: Callable[[Actor], None] = lambda _: None, *, directory: str = "s"
) -> Actor:
    """A run that has a file in that directory, and is called off once it is told to go on."""
    itself: list[Actor] = []

    def prepare_all(actor: Actor) -> None:
        itself.append(actor)
        prepare(actor)

    wheel = place.wheel("two", "1", {f"{directory}/b.py": "B\n"})
    actor = Actor(place, install(wheel, report=when_placed(itself, then=call_off)), prepare_all)
    assert actor.hear() == PAUSED
    return actor


def judge_directory(place: Place, codes: list[int]) -> list[str]:
    wrong = [f"they ended with {codes}"] * (codes != [130, 0])
    return wrong + ["s is still there"] * os.path.exists(os.path.join(place.site, "s"))


def removal_of_what_an_open_run_has_met(place: Place) -> list[str]:
    """Equal bytes, of one that goes as another meets them: they are nobody's once that one is called off."""
    place.act(install(place.wheel("one", "1", {"s/a.py": "same\n"})))
    place.keep()
    place.reset()
    itself: list[Actor] = []

    def prepare(actor: Actor) -> None:
        itself.append(actor)

        def link(source: str, target: str, **options: Any) -> None:
            try:
                PLAIN["link"](source, target, **options)
            except FileExistsError:
                if target == "a.py":
                    actor.pause()
                raise

        os.link = link

    two = place.wheel("two", "1", {"s/a.py": "same\n"})
    actor = Actor(place, install(two, report=when_placed(itself, then=call_off)), prepare)
    assert actor.hear() == PAUSED
    place.act(uninstall("one"))
    actor.go()
    assert actor.hear() == PAUSED
    actor.go()
    code = actor.end()
    wrong = [] if code == 130 else [f"it ended with {code}"]
    return wrong + [f"s/a.py is {read(place, 's/a.py')!r}"] * (read(place, "s/a.py") != "absent")


def two_that_refuse_each_other(place: Place) -> list[str]:
    """Judged after the claims are published: stopped at whatever step, one of two that clash sees the other."""
    low = install(place.wheel("low", "1", {"s/a.py": "low\n"}), on_conflict="error")
    top = install(place.wheel("top", "1", {"s/a.py": "top\n"}), on_conflict="error")
    place.act(low)
    place.act(uninstall("low"))
    place.act(top)
    place.act(uninstall("top"))
    place.keep()
    place.reset()
    wrong = []
    for stop in range(1, count(run(place, low)) + 1):
        place.reset()
        first = Actor(place, low, lambda actor, stop=stop: _stop_at(place, actor, stop))  # type: ignore[misc]
        assert first.hear() == PAUSED
        second = Actor(place, top)
        second.hear()
        first.go()
        codes = [first.end(), second.end()]
        if codes == [0, 0] or not {0, 4}.issuperset(codes):
            wrong.append(f"at step {stop} they ended with {codes}")
        wrong += [f"at step {stop}: {finding}" for finding in check_environment(place.site)]
    return wrong


def removal_of_what_is_coming(place: Place) -> list[str]:
    """G3: a removal of two names, of which only one stands yet, meets a run that brings both: it takes both."""
    place.act(install(place.wheel("two", "1", {"two.py": "1\n"})))
    both = place.wheel("one", "2", {"one.py": "2\n"}), place.wheel("two", "2", {"two.py": "2\n"})
    itself: list[Actor] = []
    coming = Actor(place, install(*both, report=when_placed(itself)), itself.append)
    assert coming.hear() == PAUSED
    return _remove_beside(place, coming, "one", "two")


def removal_of_what_is_not_shown_yet(place: Place) -> list[str]:
    """G3: what is committed is installed, though a listing does not show it yet."""
    return _remove_beside(place, _commit_one(place), "one")


def sync_beside_what_is_never_shown(place: Place) -> list[str]:
    """A sync is about all that is installed, and so is what a run has committed that is killed as it is waited for."""
    coming = _commit_one(place)
    alone = Actor(place, sync(place.wheel("two", "1", {"two.py": "2\n"})))
    met = alone.hear()
    coming.kill()
    codes = alone.end(), run(place, CHECK).code
    wrong = [] if met == WAITING and codes == (0, 0) else [f"it ended with {codes}, and waited: {met!r}"]
    return wrong + _expect(_find_left(place), "two-1.dist-info is left")


def two_syncs_that_find_nothing(place: Place) -> list[str]:
    """Each sync is about all that is installed: they come one after the other, though they share no name."""
    coming = _start_paused(place, sync(place.wheel("one", "1", {"one.py": "1\n"})))
    left = _let_leave(place, coming, sync(place.wheel("two", "1", {"two.py": "2\n"})), 1)
    return _expect(left, "two-1.dist-info is left")


def sync_beside_a_run_of_another_name(place: Place) -> list[str]:
    """A sync comes after whoever is at work, whatever names that is about."""
    coming = _start_paused(place, install(place.wheel("one", "1", {"one.py": "1\n"})))
    leaving = sync(place.wheel("two", "1", {"two.py": "2\n"}))
    return _expect(_let_leave(place, coming, leaving, 1), "two-1.dist-info is left")


def run_of_another_name_beside_a_sync(place: Place) -> list[str]:
    """Nobody comes and goes while a sync is at work: it has looked already, so he would count as later."""
    coming = _start_paused(place, sync(place.wheel("one", "1", {"one.py": "1\n"})))
    other = install(place.wheel("two", "1", {"two.py": "2\n"}))
    return _expect(_let_leave(place, coming, other, 1), "one-1.dist-info is left", "two-1.dist-info is left")


def run_behind_a_sync_that_waits(place: Place) -> list[str]:
    """Who comes later does not keep a sync waiting that waits for who came earlier."""
    coming = _start_paused(place, install(place.wheel("one", "1", {"one.py": "1\n"})))
    alone = Actor(place, sync(place.wheel("two", "1", {"two.py": "2\n"})))
    waits = [alone.hear() == WAITING]
    later = Actor(place, install(place.wheel("three", "1", {"three.py": "3\n"})))
    waits.append(later.hear() == WAITING)
    coming.go()
    codes = [actor.end() for actor in (coming, alone, later)]
    wrong = [] if waits == [True, True] and codes == [0, 0, 0] else [f"they waited: {waits}, and ended with {codes}"]
    return wrong + _expect(_find_left(place), "three-1.dist-info is left", "two-1.dist-info is left")


def sync_beside_what_stands_and_is_asked_for(place: Place) -> list[str]:
    """A run holds what it was asked for by name though it stands: it has to stand when the rest comes."""
    place.act(install(place.wheel("old", "1", {"old.py": "0\n"})))
    new = place.wheel("new", "1", {"new.py": "1\n"})
    act = Act("install", (new, "old"), {"no_index": True, "find_links": (place.wheels,)})
    leaving = sync(place.wheel("two", "1", {"two.py": "2\n"}))
    return _expect(_let_leave(place, _start_paused(place, act), leaving, 1), "two-1.dist-info is left")


def name_that_comes_as_it_is_chosen(place: Place) -> list[str]:
    """What is chosen by name is chosen by what stands: another version that came meanwhile will do, and stays."""
    first = place.wheel("one", "1", {"one.py": "1\n"})
    place.wheel("one", "2", {"one.py": "2\n"})
    choosing = Act("install", ("one",), {"no_index": True, "find_links": (place.wheels,)})
    return _expect(_let_leave(place, _start_paused(place, install(first)), choosing, 1), "one-1.dist-info is left")


def _start_paused(place: Place, act: Act) -> Actor:
    """Start a run that pauses when it has placed its one wheel, and is open still."""
    itself: list[Actor] = []

    def report(event: object) -> None:
        if isinstance(event, WheelPlaced):
            itself[0].pause()

    coming = Actor(place, act._replace(options={**act.options, "report": report}), itself.append)
    assert coming.hear() == PAUSED
    return coming


def _expect(left: list[str], *expected: str) -> list[str]:
    """Take what has to be left from what is left; what is missing is wrong."""
    missing = [f"it is missing: {one}" for one in expected if one not in left]
    return [one for one in left if one not in expected] + missing


def _commit_one(place: Place) -> Actor:
    """Have a run that installs one pause when it has committed and shown nothing."""
    itself: list[Actor] = []

    def report(event: object) -> None:
        if isinstance(event, Committed):
            itself[0].pause()

    coming = Actor(place, install(place.wheel("one", "1", {"one.py": "1\n"}), report=report), itself.append)
    assert coming.hear() == PAUSED
    return coming


def _remove_beside(place: Place, coming: Actor, *names: str) -> list[str]:
    return _let_leave(place, coming, uninstall(*names), len(names))


def _let_leave(place: Place, coming: Actor, leave: Act, pauses: int) -> list[str]:
    """Have a run wait for another that is coming, and pauses so often; find what is wrong, and left, in the end."""
    leaving = Actor(place, leave)
    met = leaving.hear()
    for _ in range(pauses):
        coming.go()
    codes = coming.end(), leaving.end()
    return [*_find_left(place), *[f"ended with {code}" for code in codes if code]] + (
        [] if met == WAITING else ["it did not wait"]
    )


def _find_left(place: Place) -> list[str]:
    """Name what is installed in the end, and what is wrong with it."""
    left = [f"{name} is left" for name in sorted(os.listdir(place.site)) if name.endswith(".dist-info")]
    return [*left, *check_environment(place.site)]


def _stop_at(place: Place, actor: Actor, stop: int) -> None:
    Steps(place.env + "/", stop, lambda *_: actor.pause())


MEETINGS = {
    one.__name__: one
    for one in (
        commit_beside_an_older_settle,
        link_beside_a_settle_that_looked,
        dist_info_that_moves_while_claims_are_read,
        removal_beside_an_open_run,
        removal_of_what_an_open_run_has_met,
        two_that_adopt_one_file,
        users_file_that_a_killed_run_never_came_to,
        users_file_of_a_run_that_has_not_come_back_to_it,
        users_file_of_a_run_that_ends_as_another_looks,
        users_file_that_two_undone_runs_have_yet_to_come_to,
        users_file_of_a_run_that_is_being_undone_already,
        users_file_that_was_found_before_another_run_was_published,
        users_file_that_is_made_where_two_runs_are_to_clash,
        other_bytes_where_an_open_run_found_a_users,
        upgrade_to_other_bytes_where_an_open_run_found_a_users,
        forced_bytes_where_an_open_run_found_a_users,
        directories_that_an_open_run_keeps_from_going,
        directory_that_cannot_be_left,
        directory_that_an_open_run_keeps_from_going,
        directory_that_is_left_to_a_run_that_is_going,
        directory_that_empties_as_it_is_left,
        two_that_refuse_each_other,
        removal_of_what_is_coming,
        removal_of_what_is_not_shown_yet,
        sync_beside_what_is_never_shown,
        two_syncs_that_find_nothing,
        sync_beside_a_run_of_another_name,
        run_of_another_name_beside_a_sync,
        run_behind_a_sync_that_waits,
        sync_beside_what_stands_and_is_asked_for,
        name_that_comes_as_it_is_chosen,
    )
}

if __name__ == "__main__":
    os.umask(0o022)
    sys.stdout.write(json.dumps(MEETINGS[sys.argv[2]](Place(sys.argv[1]))) + "\n")
