"""Locks on disk: read with every error placed, written alike for alike, without passwords, for a project that moves."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from packaging.pylock import Pylock

from lugnut.errors import BadLock, CannotWrite, UsageError
from lugnut.resolution import lockfile
from lugnut.resolution.alteration import make_absolute, tidy

HASHES = {"sha256": "a" * 64}
HEAD = {"lock-version": "1.0", "created-by": "somebody"}


def make(*packages: dict[str, Any], **head: Any) -> Pylock:
    return Pylock.from_dict({**HEAD, **head, "packages": list(packages)})


def wheel(project: str, place: str, **more: Any) -> dict[str, Any]:
    key = "url" if "://" in place else "path"
    return {"name": project, "version": "1", "wheels": [{key: place, "hashes": HASHES, **more}]}


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "project" / "pylock.dev.toml"
    path.parent.mkdir()
    lock = make(
        wheel("b", "https://u:p@h.test/b-1-py3-none-any.whl", size=7),
        wheel("a", f"{tmp_path}/links/a-1-py3-none-any.whl"),
        {"name": "c", "directory": {"path": f"{tmp_path}/project/c", "editable": True}},
        {"name": "d", "vcs": {"type": "git", "url": "https://tok@h.test/d", "commit-id": "c0ffee"}},
        {"name": "e", "archive": {"url": "https://u:p@h.test/e.zip", "hashes": HASHES}, "index": "https://u:p@h.test"},
    )
    lockfile.write(str(path), lock)
    text = path.read_text()
    assert "u:p" not in text
    assert "tok@" not in text
    assert text.index('name = "a"') < text.index('name = "b"')
    assert text.startswith('lock-version = "1.0"\ncreated-by = "lugnut"\n')
    again = lockfile.read(str(path))
    assert [package.name for package in again.packages] == ["a", "b", "c", "d", "e"]
    assert again.packages[0].wheels[0].path == "../links/a-1-py3-none-any.whl"
    assert again.packages[2].directory.path == "c"
    assert make_absolute(again, str(path.parent)).packages[0].wheels == lock.packages[1].wheels
    lockfile.write(str(path), make_absolute(again, str(path.parent)))
    assert path.read_text() == text
    assert os.listdir(path.parent) == ["pylock.dev.toml"]


def test_one_spelling_for_both_backends_answers() -> None:
    twice = wheel("a", "file:///x%20y/a-1-py3-none-any.whl")
    twice["wheels"] *= 2
    named = wheel("b", "https://h.test/b-1-py3-none-any.whl", name="b-1-py3-none-any.whl")
    other = wheel("c", "https://h.test/download", name="c-1-py3-none-any.whl")
    found = tidy(make(twice, named, other)).packages
    assert [one.path for one in found[0].wheels] == ["/x y/a-1-py3-none-any.whl"]
    assert (found[1].wheels[0].name, found[2].wheels[0].name) == (None, "c-1-py3-none-any.whl")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = ", "it is not TOML: "),
        ("", "lock-version: missing required value"),
        (
            tomli_w.dumps({**HEAD, "lock-version": "2.0", "packages": []}),
            "its lock-version is 2.0, and lugnut knows 1.0",
        ),
        (tomli_w.dumps({**HEAD, "lock-version": 1, "packages": []}), "lock-version: unexpected type int"),
        (tomli_w.dumps({**HEAD, "packages": [{"name": "A"}]}), "packages[0].name: "),
        (tomli_w.dumps({**HEAD, "packages": [{"name": "a"}]}), "packages[0]: exactly one of"),
        (
            tomli_w.dumps({**HEAD, "packages": [wheel("a", "https://h.test/a-1-py3-none-any.whl") | {"version": "x"}]}),
            "packages[0].version: ",
        ),
        (
            tomli_w.dumps({**HEAD, "packages": [{"name": "a", "wheels": [{"url": "https://h.test/a", "hashes": {}}]}]}),
            "packages[0].wheels[0].hashes: ",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "pylock.toml"
    path.write_text(text)
    with pytest.raises(BadLock) as caught:
        lockfile.read(str(path), "pylock.toml")
    assert str(caught.value).startswith(f"pylock.toml cannot be used as a lock file: {said}")
    assert caught.value.hint
    assert "\n" not in str(caught.value)


def test_a_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "pylock.bad.toml").write_bytes(b"\xff")
    os.mkfifo(tmp_path / "pylock.fifo.toml")
    for name, said in (
        ("toml", "it does not exist"),
        ("bad.toml", "it is not UTF-8"),
        ("fifo.toml", "it is no regular"),
    ):
        with pytest.raises(BadLock, match=said):
            lockfile.read(str(tmp_path / f"pylock.{name}"))


@pytest.mark.parametrize("name", ["lock.toml", "pylock.a.b.toml", "pylock..toml", "pylock.toml.bak"])
def test_another_name_is_refused(tmp_path: Path, name: str) -> None:
    assert not lockfile.is_lock(name)
    with pytest.raises(UsageError, match="a lock is called"):
        lockfile.write(str(tmp_path / name), make())
    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_cannot_be_written(tmp_path: Path) -> None:
    assert lockfile.is_lock("x/pylock.toml")
    with pytest.raises(CannotWrite):
        lockfile.write(str(tmp_path / "none" / "pylock.toml"), make())


def test_a_file_without_a_hash_is_not_locked(tmp_path: Path) -> None:
    (package,) = make(wheel("a", "https://h.test/a-1-py3-none-any.whl")).packages
    object.__setattr__(package.wheels[0], "hashes", {})
    lock = make()
    object.__setattr__(lock, "packages", [package])
    with pytest.raises(BadLock, match="no hash for a"):
        lockfile.write(str(tmp_path / "pylock.toml"), lock)
    assert list(tmp_path.iterdir()) == []
