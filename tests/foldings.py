"""A file system that folds the case of names, as APFS, NTFS and exFAT do, made of the calls of the system."""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest

from places import Place

__all__ = ["folding", "keeping", "lowering", "normalising"]
_NAMED = {"open": 1, "stat": 1, "lstat": 1, "unlink": 1, "rmdir": 1, "mkdir": 1, "link": 2}
"""Calls, and how many names each takes."""
_HANDLES = ("src_dir_fd", "dst_dir_fd")
_LOOK, _LIST, _REPLACE = os.lstat, os.listdir, os.replace


def alike(name: str) -> str:
    """Give what two names have in common that are one here."""
    return name.casefold()


def list_inside(directory: str) -> list[str]:
    """List what may be a directory; nothing of what is none."""
    try:
        return _LIST(directory)
    except OSError:
        return []


def stands(path: str) -> bool:
    """Say whether something stands at a path, spelled as it is."""
    try:
        _LOOK(path)
    except OSError:
        return False
    return True


def respell(path: Any, handle: int | None) -> Any:
    """Spell every component as it stands on disk, where it stands."""
    if not isinstance(path, str):
        return path
    real = "/" if os.path.isabs(path) else f"/proc/self/fd/{handle}" if handle is not None else "."
    spelled = []
    for name in filter(None, path.split("/")):
        there = name
        if not stands(os.path.join(real, name)):
            there = next((one for one in list_inside(real) if alike(one) == alike(name)), name)
        spelled.append(there)
        real = os.path.join(real, there)
    return ("/" if os.path.isabs(path) else "") + "/".join(spelled) if spelled else path


def _wrap(plain: Callable[..., Any], count: int) -> Callable[..., Any]:
    def call(*words: Any, **options: Any) -> Any:
        handles = [options.get("dir_fd")] if count == 1 else [options.get(key) for key in _HANDLES]
        names = [respell(word, handle) for word, handle in zip(words[:count], handles, strict=True)]
        return plain(*names, *words[count:], **options)

    return call


def _wrap_replace(plain: Callable[..., Any]) -> Callable[..., Any]:
    """What is renamed takes the spelling that it is given, though another stood there."""

    def replace(source: str, target: str, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None) -> None:
        standing = respell(target, dst_dir_fd)
        spelled = os.path.join(os.path.dirname(standing), os.path.basename(target))
        plain(respell(source, src_dir_fd), standing, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)
        plain(standing, spelled, src_dir_fd=dst_dir_fd, dst_dir_fd=dst_dir_fd)

    return replace


@pytest.fixture
def folding(place: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """An environment on such a file system; nothing has told lugnut yet that it is one."""
    for name, count in _NAMED.items():
        monkeypatch.setattr(os, name, _wrap(getattr(os, name), count))
    monkeypatch.setattr(os, "replace", _wrap_replace(os.replace))
    return place


@pytest.fixture
def lowering(folding: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """One that lists all names in lower case, as ntfs-3g does with ignore_case."""
    monkeypatch.setattr(os, "listdir", lambda where: [name.lower() for name in _LIST(where)])
    return folding


@pytest.fixture
def keeping(folding: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """One where what is renamed over another name of it keeps the spelling that stood there, as on ext4."""
    monkeypatch.setattr(os, "replace", _wrap(_REPLACE, 2))
    return folding


@pytest.fixture
def normalising(folding: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """One that takes the normal forms of a name for one as well, as APFS does."""
    monkeypatch.setattr(sys.modules[__name__], "alike", lambda name: unicodedata.normalize("NFC", name).casefold())
    return folding
