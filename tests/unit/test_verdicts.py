"""What was found to lines of the doctor's table: each kind of trouble has its verdict and its remedy."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from lugnut.answers import ABSENT, IMPOSSIBLE, OK, UNTRIED, WARNING, Examined
from lugnut.errors import LugnutError
from lugnut.examination import trials, verdicts
from lugnut.examination.trials import Placed
from lugnut.system import files, mounts, probing
from lugnut.system.native import native

GOOD = probing.Probed("", "", True, "", probing.LINKS, "", "", False, False, "", True, True, "", "", "", False)
SOUND = probing.Locking()


def lines_of(found: probing.Probed, *, believed: bool = False) -> list[Examined]:
    mount = mounts.Mount("nfs4", "/", "s:/", ("rw",))
    return [
        *verdicts.judge_steps("environment", found),
        *verdicts.judge_names("environment", found, believed=believed),
        *verdicts.judge_bits("environment", found),
        *verdicts.judge_runs("environment", found),
        verdicts.judge_listings("environment", found, mount),
    ]


def test_where_all_is_well_every_line_is_ok_and_needs_no_remedy() -> None:
    lines = lines_of(GOOD)
    assert len(lines) == 13
    assert {(line.verdict, line.remedy) for line in lines} == {(OK, "")}


@pytest.mark.parametrize(
    ("change", "subject", "verdict"),
    [
        ({"exclusive": "replaced"}, "new files", IMPOSSIBLE),
        ({"replaces": "no"}, "renames", IMPOSSIBLE),
        ({"gapless": False}, "renames", WARNING),
        ({"replaces": "no", "gapless": False}, "renames", IMPOSSIBLE),
        ({"links": "Operation not permitted", "names": 1}, "hard links", WARNING),
        ({"links": "what stood there was replaced", "names": 200}, "hard links", IMPOSSIBLE),
        ({"names": 177}, "hard links", WARNING),
        ({"clones": "Operation not supported"}, "reflinks", ABSENT),
        ({"moves": "Invalid argument"}, "RENAME_NOREPLACE", ABSENT),
        ({"folds_case": True}, "case of names", IMPOSSIBLE),
        ({"folds_form": True}, "forms of names", WARNING),
        ({"long_name": "File name too long"}, "long names", WARNING),
        ({"keeps_times": False}, "file times", WARNING),
        ({"keeps_modes": False}, "execute bits", IMPOSSIBLE),
        ({"maps": "Operation not permitted"}, "extension modules", WARNING),
        ({"runs": "Permission denied"}, "scripts", WARNING),
        ({"lists_late": True}, "listings", OK),
        ({"lists_late": True, "token": "Permission denied"}, "listings", IMPOSSIBLE),
    ],
)
def test_each_trouble_has_its_line(change: dict[str, Any], subject: str, verdict: str) -> None:
    lines = {line.subject: line for line in lines_of(GOOD._replace(**change))}
    assert lines[subject].verdict == verdict
    assert bool(lines[subject].remedy) == (verdict in {WARNING, IMPOSSIBLE})
    assert {line.verdict for line in lines.values() if line.subject != subject} == {OK}


def test_names_are_judged_by_what_a_run_believes_of_them() -> None:
    folding = GOOD._replace(folds_case=True, folds_form=True)
    assert {line.verdict for line in lines_of(folding, believed=True)} == {OK}
    [line] = [line for line in lines_of(GOOD, believed=True) if line.verdict != OK]
    assert line.text == "names that differ in case are two, and a run would take them for one"


@pytest.mark.parametrize(
    ("change", "subject", "verdict"),
    [
        ({"excludes": "two at once"}, "locks", IMPOSSIBLE),
        ({"shares": "no"}, "shared locks", WARNING),
        ({"dies": "still held"}, "a dead run's lock", WARNING),
        ({"remembers": "stale"}, "a lock's words", IMPOSSIBLE),
        ({"blind": "not noticed"}, "the probe itself", IMPOSSIBLE),
        ({"excludes": "no locks", "blind": "no locks"}, "the probe itself", UNTRIED),
    ],
)
def test_each_trouble_with_locks_has_its_line(change: dict[str, Any], subject: str, verdict: str) -> None:
    lines = {line.subject: line for line in verdicts.judge_locks("environment", SOUND._replace(**change))}
    assert lines[subject].verdict == verdict
    assert bool(lines[subject].remedy) == (verdict in {WARNING, IMPOSSIBLE})


def test_locks_that_were_not_tried_are_said_not_to_be() -> None:
    [line] = verdicts.judge_locks("environment", SOUND._replace(untried="no process"))
    assert (line.verdict, line.text) == (UNTRIED, "not tried here: no process")


def test_the_store_cannot_do_without_shared_locks() -> None:
    lines = verdicts.judge_locks("cache", SOUND._replace(shares="no"))
    assert [line.subject for line in lines if line.verdict == IMPOSSIBLE] == ["shared locks"]


def test_the_probe_says_that_it_can_see_a_broken_lock() -> None:
    said = [line.text for line in verdicts.judge_locks("cache", SOUND) if line.subject == "the probe itself"]
    assert said[0].startswith("can see a broken lock: yes")


@pytest.mark.parametrize(
    ("room", "verdict"),
    [((1 << 40, None), OK), ((1 << 20, 10**6), WARNING), ((1 << 40, 10), WARNING), ((0, 10), IMPOSSIBLE),
     ((1 << 40, 0), IMPOSSIBLE)],
)  # fmt: skip
def test_room_is_judged(room: tuple[int, int | None], verdict: str) -> None:
    assert verdicts.judge_room("cache", probing.Room(*room)).verdict == verdict


@pytest.mark.parametrize(
    ("placed", "link_mode", "verdict"),
    [
        (Placed(trials.HARDLINK, trials.LINK), "auto", OK),
        (Placed(trials.COPY, trials.LINK, "Invalid cross-device link"), "auto", WARNING),
        (Placed(trials.CLONE, trials.STRIPE, "no"), "hardlink", WARNING),
        (Placed(trials.CLONE, trials.RENAME), "clone", OK),
        (Placed(trials.COPY, trials.LINK), "clone", WARNING),
        (Placed(trials.COPY, trials.LINK), "copy", OK),
    ],
)
def test_the_way_files_come_is_judged_by_what_was_asked_for(placed: Placed, link_mode: str, verdict: str) -> None:
    way, claim = verdicts.judge_placed("environment", placed, link_mode)
    assert (way.verdict, claim.verdict) == (verdict, OK)
    assert placed.why in way.text


def test_where_nothing_can_be_placed_it_is_said() -> None:
    [line] = verdicts.judge_placed("environment", Placed("", "", reason="Input/output error"), "auto")
    assert (line.verdict, line.text) == (IMPOSSIBLE, "Input/output error")


# --- the code that places files, and the store's look at them ---------------------------------------------------------


@pytest.fixture(name="ground")
def make_ground(tmp_path: Path) -> Any:
    for name in ("tree", "target"):
        (tmp_path / name).mkdir()
    with files.open_root(str(tmp_path / "tree")) as tree, files.open_root(str(tmp_path / "target")) as target:
        yield tree, target


def refuse(number: int) -> Any:
    def fail(*_words: object, **_options: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


def test_the_placing_code_says_which_way_it_takes(ground: tuple[files.Directory, files.Directory]) -> None:
    assert trials.place(*ground, "auto") == Placed(trials.HARDLINK, trials.LINK)


@pytest.mark.parametrize(
    ("refused", "link_mode", "expected"),
    [
        ((), "copy", Placed(trials.COPY, trials.LINK)),
        (("link",), "auto", Placed(trials.COPY, trials.RENAME, "Operation not permitted")),
        (("link", "rename_exclusive"), "auto", Placed(trials.COPY, trials.STRIPE, "Operation not permitted")),
    ],
)
def test_the_placing_code_goes_as_it_must(
    ground: tuple[files.Directory, files.Directory],
    monkeypatch: pytest.MonkeyPatch,
    refused: tuple[str, ...],
    link_mode: str,
    expected: Placed,
) -> None:
    monkeypatch.setattr(native, "clone", refuse(errno.EOPNOTSUPP))
    for name in refused:
        monkeypatch.setattr(native, name, refuse(errno.EPERM))
        if hasattr(files, name):
            monkeypatch.setattr(files, name, refuse(errno.EPERM))
    assert trials.place(*ground, link_mode) == expected


def test_what_shares_blocks_is_told_from_a_copy(
    ground: tuple[files.Directory, files.Directory], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(native, "clone", lambda source, target: os.sendfile(target, source, 0, 100))
    monkeypatch.setattr(files, "link", refuse(errno.EXDEV))
    monkeypatch.setattr(native, "link", refuse(errno.EXDEV))
    assert trials.place(*ground, "auto") == Placed(trials.CLONE, trials.RENAME, "Invalid cross-device link")


def test_what_nobody_foresaw_is_said(
    ground: tuple[files.Directory, files.Directory], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "link", refuse(errno.EIO))
    assert trials.place(*ground, "auto") == Placed("", "", reason="Input/output error")
    assert probing.explain(LugnutError(message="it is so")) == "it is so"


def test_a_store_that_would_not_know_its_own_files_is_told_of(
    ground: tuple[files.Directory, files.Directory], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert trials.keep(ground[0]) == ""
    plain = native.finish

    def finish(descriptor: int, directory: files.Directory, name: str, **given: int | None) -> None:
        os.fchmod(descriptor, 0o777)  # as on vfat
        plain(descriptor, directory, name, mode=None, mtime=given["mtime"])

    monkeypatch.setattr(native, "finish", finish)
    assert trials.keep(ground[1]).startswith("a file that was just unpacked does not look as it should")
