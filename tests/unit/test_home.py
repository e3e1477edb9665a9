"""What `format` says, and what is believed where it says nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from lugnut.transaction import home as homes
from places import Place, place

__all__ = ["place"]


def standing(place: Place, text: bytes | None, *, fenced: bool) -> Path:
    """Have an environment whose `.lugnut` has that in `format`, or no such file, and a fence or none."""
    home = Path(place.site, ".lugnut")
    (home / "locks").mkdir(parents=True)
    if text is not None:
        (home / "format").write_bytes(text)
    if fenced:
        (home / "locks/fence").write_text("1 7 nonce {}\n")
    return home


@pytest.mark.parametrize("text", [b"", b"\0" * 8, None], ids=["empty", "zeros", "none"])
@pytest.mark.parametrize("fenced", [True, False], ids=["redis", "flock"])
def test_what_a_power_cut_left_blank_says_what_the_fence_says(
    place: Place, text: bytes | None, *, fenced: bool
) -> None:
    """Read as flock, an environment of several hosts would be entered by one that was told of no server."""
    where = standing(place, text, fenced=fenced)
    opened = homes.open_home(place.environment, create=False)
    assert opened is not None
    with opened as home:
        assert homes.read_backend(home) == (homes.REDIS if fenced else homes.FLOCK)
    opened = homes.open_home(place.environment, create=True)
    assert opened is not None
    opened.close()
    assert (where / "format").read_bytes() == (b"2 redis\n" if fenced else b"1\n")


def test_who_goes_back_to_flock_removes_the_fence(place: Place) -> None:
    """Else it would say, as soon as `format` is blank, what is no longer so."""
    where = standing(place, b"2 redis\n", fenced=True)
    opened = homes.open_home(place.environment, create=False)
    assert opened is not None
    with opened as home:
        homes.write_backend(home, homes.FLOCK)
    assert (where / "format").read_bytes() == b"1\n"
    assert not (where / "locks/fence").exists()


def test_the_fence_is_gone_before_anybody_goes_by_flock(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run under Redis shows what it committed while the fence is its own: else they would meet."""
    where = standing(place, b"2 redis\n", fenced=True)
    plain = homes.files.replace

    def replace(home: homes.files.Directory, name: str, data: bytes) -> None:
        assert not (where / "locks/fence").exists()
        plain(home, name, data)
        (where / "locks/fence").write_text("1 8 another {}\n")  # it was granted meanwhile

    opened = homes.open_home(place.environment, create=False)
    assert opened is not None
    with opened as home:
        monkeypatch.setattr(homes.files, "replace", replace)
        homes.write_backend(home, homes.FLOCK)
    assert (where / "format").read_bytes() == b"1\n"
    assert not (where / "locks/fence").exists()
