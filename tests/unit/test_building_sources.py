"""What a source is said to be, how it is called, and what counts as a wheel of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lugnut.building.recipe import Source
from lugnut.building.wheels import Expected, expect_of


@pytest.mark.parametrize(
    ("expected", "name", "version", "fits"),
    [
        (Expected("Tiny.One", "1.0"), "tiny-one", "1", True),
        (Expected("tiny", "1.0"), "tiny", "1.1", False),
        (Expected("tiny", "1.0"), "other", "1.0", False),
        (Expected("tiny", ""), "tiny", "1.1", True),
        (Expected("tiny", "1.0"), "tiny", "1.0+cu118", True),  # a build may add where it was made
        (Expected("tiny", "1.0+cpu"), "tiny", "1.0+cu118", False),
        (Expected("tiny", "1.0+cpu"), "tiny", "1.0", False),
        (Expected("tiny", "one"), "tiny", "1.0", False),
    ],
)
def test_which_wheel_fits_what_was_asked_for(expected: Expected, name: str, version: str, fits: bool) -> None:
    assert expected.fits(name, version) == fits


def test_who_asks_is_believed_before_the_file_name() -> None:
    assert expect_of(Source("/x/tiny-1.0.tar.gz")) == ("tiny", "1.0")
    assert expect_of(Source("/x/Tiny_One-1.0.zip")) == ("tiny-one", "1.0")
    assert expect_of(Source("/x/other-2.0.tar.gz", name="tiny", version="1.0")) == ("tiny", "1.0")
    assert expect_of(Source("/x/main.zip")) is None
    assert expect_of(Source("", repository="https://h/tiny-1.0.tar.gz", digest="1" * 40)) is None


def test_a_directory_may_be_called_like_an_archive(tmp_path: Path) -> None:
    (tmp_path / "tiny-1.0.tar.gz").mkdir()
    assert expect_of(Source(str(tmp_path / "tiny-1.0.tar.gz"))) is None


def test_a_source_is_called_what_the_user_calls_it_without_a_password() -> None:
    assert Source("/x/tiny-1.0.tar.gz").describe() == "/x/tiny-1.0.tar.gz"
    assert Source("/x/y", label="https://u:p@h/tiny").describe() == "https://****@h/tiny"
    assert Source("", repository="https://u:p@h/tiny.git", digest="abc").describe() == "https://****@h/tiny.git@abc"
    assert Source("", repository="https://u:p@h/tiny.git").guess_name() == "tiny"
    assert Source("/x/tiny/").guess_name() == "tiny"
