"""What `locks/fence` says and does not say, with a server that grants whatever is asked; and what no lock is had by."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("such a lock is POSIX's", allow_module_level=True)

from lugnut.errors import LockUnusable, LugnutError, Unsupported
from lugnut.events import Event, Note
from lugnut.system import _posix_remote, files
from lugnut.transaction import entrance, fence, guard
from places import Place, cut, open_site, place, transactions
from stepcases import install
from stepper import CHECK

__all__ = ["place"]
site_of = contextlib.contextmanager(open_site)


class Granted:
    """The keeper's end of a lock that nobody else ever asks for."""

    given = "before"

    def look(self) -> None:
        """Never lose it."""

    def ask(self, order: str) -> list[str]:
        """Say yes, and count on from a number."""
        return ["", str(int(order.split()[1]) + 1)] if order.startswith("above") else [""]


@pytest.mark.parametrize("text", [b"", b"\0" * 60, b" \n"], ids=["empty", "zeros", "spaces"])
def test_a_fence_that_a_power_cut_blanked_is_somebodys_who_is_waited_for(
    place: Place, monkeypatch: pytest.MonkeyPatch, text: bytes
) -> None:
    monkeypatch.setattr(guard, "GRACE", 0.0)
    heard: list[Event] = []
    with site_of(place) as site:
        site.report = heard.append
        where = Path(site.home.path, "locks/fence")
        where.parent.mkdir()
        where.write_bytes(text)
        mine = fence.Fence(site, Granted(), "x at redis://h")  # type: ignore[arg-type]
        mine.begin(fence.Grant(7, "nonce", "{}"), passing=False)
        mine.watch()
    said = [event.text for event in heard if isinstance(event, Note)]
    assert "fence is blank" in said[0]
    assert "did not give back" in said[1]
    assert where.read_text().split()[1:3] == ["7", "nonce"]


@pytest.mark.parametrize(
    "refusal",
    [
        Unsupported(what="--lock-backend", reason="not on this system", hint="use flock"),
        LockUnusable(path="x", reason="No locks available"),
    ],
    ids=["unsupported", "unusable"],
)
def test_a_command_that_only_reads_says_why_it_does_not_look_after_the_dead(
    place: Place, monkeypatch: pytest.MonkeyPatch, refusal: LugnutError
) -> None:
    cut(place, install(place.wheel("low", "1", {"low.py": ""})), "link", "low.py")

    def refuse(*_: object, **__: object) -> None:
        raise refusal

    monkeypatch.setattr(entrance, "hold_guard", refuse)
    heard: list[Event] = []
    place.act(CHECK._replace(options={"report": heard.append}))
    assert [event.level for event in heard if isinstance(event, Note) and str(refusal) in event.text] == ["note"]
    assert len(transactions(place)) == 1


def test_the_environments_name_is_looked_for_anew_where_names_lag(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another host may just have made it: a name that is remembered as missing is asked for again (TRAPS 26)."""
    with site_of(place) as site:
        monkeypatch.setattr(_posix_remote, "is_remote", lambda _: True)
        monkeypatch.setattr(_posix_remote, "_late", set())
        seen: list[bool] = []

        def look(home: files.Directory) -> str:
            seen.append(home.late)
            raise BlockingIOError

        monkeypatch.setattr(fence, "_identify", look)
        with pytest.raises(BlockingIOError):
            entrance.hold_guard(site, "redis://h", "{}")
    assert seen == [True]
