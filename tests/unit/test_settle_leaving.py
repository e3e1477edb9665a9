"""What a distribution leaves as it goes: its bytecode's rows, its directories, the names of unfinished copies."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from typing import Any

import pytest

from lugnut.errors import CommittedNotClosed, LugnutError
from lugnut.system import files, locks
from lugnut.transaction.site import stripe_name
from oracle import check_environment
from places import Act, Place, cut, hold, open_site, place, transactions, write_installed
from stepcases import install, uninstall
from stepper import CHECK, differ
from trees import digest_bytes

__all__ = ["place"]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc/self/fd")


def find_twin(place: Place) -> str:
    """Name a package whose `__pycache__` has its own stripe: one in 64 has."""

    def stripe(directory: str) -> str:
        return stripe_name(place.environment, directory)

    return next(name for name in (f"p{n}" for n in range(1000)) if stripe(name) == stripe(f"{name}/__pycache__"))


def compile_as_pip_does(place: Place, package: str, rows: str) -> None:
    """Leave bytecode that RECORD names."""
    cache = f"{package}/__pycache__"
    os.makedirs(os.path.join(place.site, cache))
    said = ""
    for name in ("a", "b"):
        path, data = f"{cache}/{name}.cpython-311.pyc", f"bytecode of {name}"
        place.write(path, data if rows != "altered" else "another's")
        said += f"{path},,\n" if rows == "hashless" else f"{path},sha256={digest_bytes(data.encode())},{len(data)}\n"
    record = os.path.join(place.site, "q-1.dist-info", "RECORD")
    with open(record, encoding="utf-8") as file:
        before = file.read()
    place.write("q-1.dist-info/RECORD", before + said)


@pytest.mark.parametrize("stray", [False, True], ids=["alone", "beside-a-stray"])
@pytest.mark.parametrize("rows", ["hashed", "hashless", "altered"])
def test_bytecode_that_record_names_goes_with_its_source(place: Place, rows: str, *, stray: bool) -> None:
    """Under one stripe both are looked at before the first of them goes, and takes the other along."""
    package = find_twin(place)
    place.act(install(place.wheel("q", "1", {f"{package}/a.py": "A = 1\n", f"{package}/b.py": "B = 1\n"})))
    compile_as_pip_does(place, package, rows)
    if stray:
        place.write(f"{package}/mine.txt", "mine\n")
    place.act(uninstall("q"))
    assert transactions(place) == []
    assert os.path.exists(os.path.join(place.site, package)) == stray
    assert not os.path.exists(os.path.join(place.site, package, "__pycache__"))


def test_bytecode_that_another_run_takes_along_is_gone_already(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has another stripe than its source, whose owner takes it along under that one (TRAPS 21)."""
    place.act(install(place.wheel("q", "1", {"pkg/A.py": "A = 1\n", "pkg/B.py": "B = 1\n"})))
    compile_as_pip_does(place, "pkg", "hashed")  # what sorts after the sources' names is settled first
    unlink, gone = files.unlink, []

    def find_gone(directory: files.Directory, name: str) -> None:
        if name.endswith(".pyc") and directory.path.endswith("__pycache__") and not gone:
            gone.append(name)
            unlink(directory, name)
        unlink(directory, name)

    monkeypatch.setattr(files, "unlink", find_gone)
    place.act(uninstall("q"))
    assert gone
    assert transactions(place) == []
    assert not os.path.exists(os.path.join(place.site, "pkg"))


def test_a_directory_whose_name_ends_with_dots_goes(place: Place) -> None:
    write_installed(place, "q", "1", {"foo../bar/a.py": "A = 1\n"})  # a wheel may have none of these
    place.act(uninstall("q"))
    assert not os.path.exists(os.path.join(place.site, "foo.."))


def test_a_recovery_sweeps_where_a_killed_one_had_settled_before(place: Place) -> None:
    """The copy of a path that is shown by now has nothing kept to tell where it was made."""
    low, top = (place.wheel(name, "1", {"s/a.py": f"A = '{name}'\n", f"{name}/m.py": ""}) for name in ("low", "top"))
    place.act(install(low))
    cut(place, install(top), "replace", "/committed")
    (identity,) = transactions(place)
    for directory in ("s", "top"):
        place.write(f"{directory}/.lugnut-{identity}-copy.tmp", "half a co")
    place.act(Act("check", ()))
    assert transactions(place) == []
    assert check_environment(place.site) == []
    assert not any(".lugnut-" in name for _, _, names in os.walk(os.path.join(place.site, "top")) for name in names)


def test_where_listings_lag_a_directory_goes_under_its_stripe(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who holds that has a token in it for a moment, of which it must not be said that the directory is in use."""
    place.act(install(place.wheel("q", "1", {"pkg/a.py": "A = 1\n"})))
    rmdir, held = files.rmdir, []

    def watch(directory: files.Directory, name: str) -> None:
        if name == "pkg":
            with files.open_root(os.path.join(place.site, ".lugnut", "locks")) as above:
                held.append(locks.try_hold(above, stripe_name(place.environment, "pkg")) is None)
        rmdir(directory, name)

    monkeypatch.setattr(files, "rmdir", watch)
    monkeypatch.setattr(files, "lists_late", lambda _: True)
    place.act(uninstall("q"))
    assert held == [True]


def test_where_listings_lag_a_directory_may_go_as_it_is_refreshed(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.act(install(place.wheel("q", "1", {"pkg/a.py": "A = 1\n"})))
    monkeypatch.setattr(files, "lists_late", lambda _: True)
    write = files.write

    def find_gone(directory: files.Directory, *words: Any, **options: Any) -> None:
        if directory.path.endswith("/pkg"):
            os.unlink(os.path.join(place.site, "pkg/a.py"))
            os.rmdir(os.path.join(place.site, "pkg"))
        write(directory, *words, **options)

    monkeypatch.setattr(files, "write", find_gone)
    with contextlib.contextmanager(open_site)(place) as site:
        site.hold_stripe("pkg").close()
    assert not os.path.exists(os.path.join(place.site, "pkg"))


@pytest.mark.parametrize("call", ["open", "listdir", "unlink", "rmdir"])
def test_a_source_stays_where_its_bytecode_cannot_be_taken_away_at_the_moment(
    place: Place, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """Whoever finishes it finds both; bytecode without its source would stay for good."""
    place.act(install(place.wheel("q", "1", {"pkg/a.py": "A = 1\n", "pkg/b.py": "B = 1\n"})))
    for name in ("a", "b"):
        place.write(f"pkg/__pycache__/{name}.cpython-311.pyc", "bytecode")
    plain, failed = getattr(os, call), []

    def refuse(path: Any, *words: Any, **options: Any) -> Any:
        handle = path if isinstance(path, int) else options.get("dir_fd")
        where = "" if handle is None else os.readlink(f"/proc/self/fd/{handle}")
        if not failed and "__pycache__" in f"{where}/{path}":
            failed.append(path)
            raise OSError(errno.EIO, os.strerror(errno.EIO), path)
        return plain(path, *words, **options)

    monkeypatch.setattr(os, call, refuse)
    with pytest.raises(LugnutError, match="Input/output error"):
        place.act(uninstall("q"))
    place.act(Act("check", ()))
    assert failed
    assert not os.path.exists(os.path.join(place.site, "pkg"))


@pytest.mark.parametrize("code", [errno.EIO, errno.EMFILE, errno.EACCES])
@pytest.mark.parametrize("call", ["open", "rmdir"])
def test_a_directory_that_cannot_go_in_trouble_goes_by_the_next_command(
    place: Place, monkeypatch: pytest.MonkeyPatch, call: str, code: int
) -> None:
    """That a disk fails for a moment is no reason to leave an empty directory for good, and to say nothing of it."""
    place.act(install(place.wheel("q", "1", {"pkg/a.py": "A = 1\n"})))
    plain, failed = getattr(os, call), []

    def refuse(path: Any, *words: Any, **options: Any) -> Any:
        if not failed and not os.listdir(os.path.join(place.site, "pkg")):  # all that is left is the directory itself
            failed.append(path)
            raise OSError(code, os.strerror(code), path)
        return plain(path, *words, **options)

    with monkeypatch.context() as patch:
        patch.setattr(os, call, refuse)
        with contextlib.suppress(LugnutError):
            place.act(uninstall("q"))
    assert failed
    place.act(Act("check", ()))
    assert not os.path.exists(os.path.join(place.site, "pkg"))


def test_what_cannot_be_kept_for_an_open_run_is_left_to_the_next_command(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk: to take the file away would leave a hole where that run has met it, to leave it unmarked a user's.

    So neither is done, and it is said: once there is room the next command goes on, and nothing stays of either run.
    """
    place.act(install(place.wheel("other", "1", {"other.py": ""})))
    before = place.snapshot()
    place.act(install(place.wheel("gone", "1", {"s.py": "S = 1\n"})))
    cut(place, install(place.wheel("late", "1", {"a.py": "", "s.py": "S = 1\n"})), "link", "a.py")
    (identity,) = transactions(place)
    theirs = hold(place, f"transactions/{identity}/lock")
    plain = os.mkdir

    def fill(path: str, *words: Any, **options: Any) -> None:
        if path in {"kept", "late"}:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
        plain(path, *words, **options)

    with monkeypatch.context() as full:
        full.setattr(os, "mkdir", fill)
        with pytest.raises(CommittedNotClosed, match="No space left"):
            place.act(uninstall("gone"))
    assert len(transactions(place)) == 2
    place.act(CHECK)
    assert transactions(place) == [identity]
    assert os.listdir(os.path.join(place.site, ".lugnut/kept")) == ["late"]
    theirs.close()
    place.act(CHECK)
    assert differ(before, place.snapshot()) == []


def test_what_a_run_killed_as_it_made_a_lock_leaves_goes_by_the_next_recovery(place: Place) -> None:
    place.act(install(place.wheel("q", "1", {"pkg/a.py": "A = 1\n"})))
    place.write(f".lugnut/locks/{files.UNFINISHED}0.tmp", "")
    os.mkdir(os.path.join(place.site, ".lugnut/transactions"))
    place.act(Act("check", ()))
    assert not [name for name in os.listdir(os.path.join(place.site, ".lugnut/locks")) if name.startswith(".")]
