"""The campaign on file systems: its table tells the truth, and what it mounts is gone when it ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("campaigns run on POSIX", allow_module_level=True)

import filesystems
from arrangements import on_folding, on_memory, on_overlay
from drills import Tried
from evidence import Evidence
from filesystems import COLUMNS, HEADER, SCOPES, Shown, choose, make_evidence, make_row
from ground import CannotBeShownError
from volumes import Traits, Volume, command, look_at, open_volume

mounting = pytest.mark.skipif(os.geteuid() != 0, reason="mounting takes root")


def test_every_drill_has_a_column() -> None:
    assert {drill.__name__ for scope in SCOPES.values() for drill in scope.drills} == set(COLUMNS)
    assert max(COLUMNS.values()) < HEADER.index("wrong")


def test_scopes_are_chosen_by_pattern_in_their_own_order() -> None:
    assert choose(["xfs*", "ext4"]) == ["ext4", "xfs", "xfs, store on ext4"]
    assert choose(None) == list(SCOPES)


def test_a_row_tells_how_often_each_was_tried_and_why_something_is_refused() -> None:
    tried = {"race": Tried(2, "races", []), "kill": Tried(6, "kills", ["a", "b"])}
    assert make_row(Shown("ext4", "link", tried, 9.6)) == [
        "ext4", "link", 2, "-", "-", 6, "-", "-", "-", 2, "10",
    ]  # fmt: skip
    row = make_row(Shown("tmpfs, full", "", {"fill": Tried(4, "refusals", [])}, 1.0))
    assert row[HEADER.index("refused")] == "4: no space left"


def test_evidence_has_a_line_for_each_drill_that_was_played(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filesystems, "version_of", lambda _: "lugnut 1")
    tried = {"race": Tried(2, "races", []), "kill": Tried(6, "kills", ["a"]), "fail": Tried(0, "", ["broken off"])}
    assert make_evidence([Shown("xfs", "link", tried, 6.0)], ["--seed", "3", "--evidence", "x"]) == [
        Evidence("filesystems", "lugnut 1", "xfs", "races", 2, 0, 2.0, "tools/filesystems.py --seed 3"),
        Evidence("filesystems", "lugnut 1", "xfs", "kills", 6, 1, 2.0, "tools/filesystems.py --seed 3"),
    ]


def test_nothing_chosen_is_a_wrong_word(capsys: pytest.CaptureFixture[str]) -> None:
    assert filesystems.main(["--only", "no such thing"]) == 2
    assert filesystems.main(["--list"]) == 0
    assert "erofs" in capsys.readouterr().out


def test_a_program_that_fails_says_why_the_scope_cannot_be_tried() -> None:
    with pytest.raises(CannotBeShownError, match="there is no such-program here"):
        command("such-program")
    with pytest.raises(CannotBeShownError, match=r"^sh: too bad$"):
        command("sh", "-c", "echo sh: /there: too bad >&2; exit 3", "/there")


def mounts(below: Path) -> list[str]:
    with open("/proc/self/mounts", encoding="utf-8") as file:
        return [line for line in file if str(below) in line]


def build_and_break(volume: Volume) -> None:
    on_memory()(volume)
    raise CannotBeShownError("no second one")


@mounting
def test_whatever_happens_everything_is_unmounted(tmp_path: Path) -> None:
    with open_volume(str(tmp_path), on_memory()) as volume:
        assert look_at(volume.home) == Traits(folds=False, forms=False, coherent=True, modes=True, links=True)
        assert len(mounts(tmp_path)) == 1
    assert mounts(tmp_path) == []
    with pytest.raises(CannotBeShownError), open_volume(str(tmp_path), build_and_break):
        pass
    assert mounts(tmp_path) == []


@mounting
def test_what_stands_sinks_to_the_lower_layer_links_and_all(tmp_path: Path) -> None:
    with open_volume(str(tmp_path), on_overlay(sinking=True)) as volume:
        one, other = (os.path.join(volume.home, name) for name in ("one", "other"))
        Path(one).write_text("1")
        os.link(one, other)
        assert volume.sink is not None
        volume.sink()
        assert os.stat(one).st_ino == os.stat(other).st_ino
        assert os.listdir(os.path.join(tmp_path, "layers", "upper1")) == []
    assert mounts(tmp_path) == []


@mounting
@pytest.mark.parametrize(
    ("option", "traits"),
    [
        ("fold", Traits(folds=True, forms=False, coherent=True, modes=True, links=True)),
        ("nolink", Traits(folds=False, forms=False, coherent=True, modes=True, links=False)),
        ("plain", Traits(folds=False, forms=False, coherent=True, modes=False, links=True)),
    ],
)
def test_our_own_file_system_lacks_what_it_is_told_to_lack(tmp_path: Path, option: str, traits: Traits) -> None:
    build: Callable[[Volume], None] = on_folding(option)
    try:
        with open_volume(str(tmp_path), build) as volume:
            assert look_at(volume.home) == traits
    except CannotBeShownError as error:
        pytest.skip(str(error))
    assert mounts(tmp_path) == []
