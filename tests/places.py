"""Environments acted on in the test's own process, which needs no interpreter and no fork; a run can be cut short."""

from __future__ import annotations

import base64
import hashlib
import os
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from lugnut import run as running
from lugnut.events import Event, Reporter, never
from lugnut.system import files, locks
from lugnut.transaction import journal
from lugnut.transaction.site import Site
from lugnut.transaction.transact import Course
from stepper import PLAIN, Act, Place

__all__ = [
    "Act", "Cut", "Place", "cut", "hold", "make_course", "open_site", "place", "transactions", "write_installed",
]  # fmt: skip


class Cut(BaseException):
    """The process that acts is thought to have ended here."""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setattr(running, "find_environment", running.find_environment)  # put back at the end
    return Place(str(tmp_path / "place"))


def cut(place: Place, act: Act, call: str, end: str, *, before: bool = False) -> None:
    """Do an act until a call of the system whose target ends like that; from then on nothing it does has an effect."""
    over, plain = False, {name: getattr(os, name) for name in PLAIN}

    def wrap(name: str) -> Callable[..., Any]:
        def step(*words: Any, **options: Any) -> Any:
            nonlocal over
            here = name == call and str(words[1 if name in {"link", "replace"} else 0]).endswith(end)
            over = over or (here and before)
            if over:
                raise Cut
            done = plain[name](*words, **options)
            over = here
            if over:
                raise Cut
            return done

        return step

    with pytest.MonkeyPatch.context() as patch:
        for name in PLAIN:
            patch.setattr(os, name, wrap(name))
        with pytest.raises(Cut):
            place.act(act)


def transactions(place: Place) -> list[str]:
    home = os.path.join(place.site, ".lugnut", "transactions")
    return sorted(os.listdir(home)) if os.path.isdir(home) else []


def write_installed(place: Place, name: str, version: str, found: Mapping[str, str], *, hashed: bool = True) -> None:
    """Install by hand, as another installer does."""
    rows = []
    for path, text in found.items():
        place.write(path, text)
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        rows.append(f"{path},sha256={digest},{len(text)}" if hashed else f"{path},,")
    info = f"{name}-{version}.dist-info"
    place.write(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    rows += [f"{info}/METADATA,,", f"{info}/RECORD,,"]
    place.write(f"{info}/RECORD", "\n".join(rows) + "\n")


def make_course(timeout: float = 0, report: Reporter | None = None, cancelled: Callable[[], None] = never) -> Course:
    heard: list[Event] = []
    patience = locks.Patience(timeout, cancelled=cancelled)
    return Course(
        None, patience, cancelled, report or heard.append, "warn", "auto", 1, "fork", durable=False, force=False
    )


def apart(act: Callable[[], None]) -> None:
    """Do it in a process of one thread, as forked workers need it: that of pytest-xdist has another."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            act()
            code = 0
        except BaseException:  # noqa: BLE001 - whatever it is, it is shown
            traceback.print_exc()
        finally:
            os._exit(code)
    assert os.waitpid(pid, 0)[1] == 0


def open_site(place: Place, timeout: float = 0) -> Iterator[Site]:
    """Give the environment as one process works on it; use it with contextlib.contextmanager."""
    home = journal.open_home(place.environment, create=True)
    assert home is not None
    with home:
        site = Site(place.environment, home, locks.Patience(timeout), lambda _: None)
        try:
            yield site
        finally:
            site.close()


def hold(place: Place, path: str) -> locks.Held:
    """Hold a lock in `.lugnut`, as another process does."""
    above, _, name = path.rpartition("/")
    with files.open_root(os.path.join(place.site, ".lugnut", above)) as directory:
        held = locks.try_hold(directory, name)
    assert held is not None
    return held
