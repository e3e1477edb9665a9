"""Power cuts are cuts: what was not synced is lost, and the campaign finds it where --durable did not keep it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("campaigns run on POSIX", allow_module_level=True)

import images
import power


@pytest.mark.parametrize("kind", list(images.MAKERS))
def test_what_was_not_synced_is_lost_in_a_cut(tmp_path: Path, kind: str) -> None:
    if reason := images.lacking(kind):
        pytest.skip(f"{kind}: {reason}")
    image = images.Image(str(tmp_path), kind)
    try:
        place = Path(image.place)
        (place / "kept").write_text("kept")
        image.keep()
        (place / "lost").write_text("lost")
        image.cut(None)
        assert sorted(path.name for path in place.iterdir() if path.is_file()) == ["kept"]
        (place / "name").write_text("no bytes")
        image.cut(lambda: False)
        assert ((place / "name").read_text(), (place / "kept").read_text()) == ("", "kept")
        (place / "name").write_text("written")
        image.cut(lambda: True)
        assert (place / "name").read_text() == "written"
        image.restore()
        assert not (place / "name").exists()
    finally:
        image.end()


def test_cuts_are_shared_out_evenly() -> None:
    assert power.share_out(7, ["a", "b", "c"]) == {"a": 3, "b": 2, "c": 2}


def test_without_durable_the_campaign_fails(capfd: pytest.CaptureFixture[str]) -> None:
    if reason := images.lacking("ext4"):
        pytest.skip(reason)
    assert power.main(["--self-test", "--cuts", "8", "--disk", "ext4", "--case", "install-warm"]) == 0
    assert "exit 0, and it was not there after the cut" in capfd.readouterr().out


def test_a_few_cuts_are_survived(capfd: pytest.CaptureFixture[str]) -> None:
    if reason := images.lacking("ext4"):
        pytest.skip(reason)
    assert power.main(["--cuts", "3", "--disk", "ext4", "--seed", "3", "--mode", "durable"]) == 0
    assert "| 0     |" in capfd.readouterr().out
