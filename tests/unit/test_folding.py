"""Where names that differ in case are one: one file, one claim to be shown on it, and nothing lost on the way."""

from __future__ import annotations

import contextlib
import errno
import os
from typing import Any

import pytest

import foldings
from foldings import folding, keeping, lowering, normalising
from lugnut.errors import CannotWrite, FileInTheWay
from lugnut.system import files, locks
from lugnut.transaction import journal
from lugnut.transaction.errand import Errand
from lugnut.transaction.site import stripe_name
from lugnut.transaction.spelling import respell
from places import Act, Place, cut, hold, open_site, place, transactions
from stepcases import install, uninstall

__all__ = ["folding", "keeping", "lowering", "normalising", "place"]


def rivals(place: Place, version: str = "1") -> tuple[str, str]:
    """Two distributions with one path, spelled in two ways."""
    low = place.wheel("low", version, {"Shared/x.py": f"X = 'low {version}'\n", "low.py": ""})
    return low, place.wheel("top", version, {"shared/X.py": f"X = 'top {version}, longer'\n", "top.py": ""})


def told(place: Place) -> Place:
    """Have lugnut know of its file system, as it does where something stands."""
    place.environment = place.environment._replace(folds_case=True)
    return place


def findings(place: Place) -> list[str]:
    return [str(one) for one in told(place).act(Act("check", ())).findings]


def shown(place: Place) -> dict[str, str]:
    """Names as they stand in the directory that both have, and their bytes."""
    (directory,) = (name for name in os.listdir(place.site) if name.casefold() == "shared")
    inside = os.path.join(place.site, directory)
    found = {}
    for name in os.listdir(inside):
        with open(os.path.join(inside, name), encoding="utf-8") as file:
            found[name] = file.read()
    return found


@pytest.mark.parametrize("order", [(0, 1), (1, 0), None])
def test_of_two_spellings_of_one_path_the_highest_claim_is_shown(folding: Place, order: tuple[int, int] | None) -> None:
    wheels = rivals(folding)
    for call in [wheels] if order is None else [(wheels[number],) for number in order]:
        folding.act(install(*call))
    assert list(shown(folding).values()) == ["X = 'top 1, longer'\n"]
    assert findings(folding) == []


def test_the_other_ones_bytes_come_back_under_the_name_that_it_gives_them(folding: Place) -> None:
    folding.act(install(*rivals(folding)))
    told(folding).act(uninstall("top"))
    assert shown(folding) == {"x.py": "X = 'low 1'\n"}
    assert findings(folding) == []


def test_two_spellings_that_change_at_once_are_settled_once(folding: Place) -> None:
    folding.act(install(*rivals(folding)))
    told(folding).act(install(*rivals(folding, "2")))
    assert list(shown(folding).values()) == ["X = 'top 2, longer'\n"]
    assert findings(folding) == []
    folding.act(uninstall("top"))
    assert shown(folding) == {"x.py": "X = 'low 2'\n"}


def test_an_upgrade_may_spell_its_own_path_otherwise(folding: Place) -> None:
    folding.act(install(folding.wheel("pkg", "1", {"Shared/Mod.py": "M = 1\n"})))
    told(folding).act(install(folding.wheel("pkg", "2", {"shared/MOD.py": "M = 'two'\n"})))
    assert shown(folding) == {"MOD.py": "M = 'two'\n"}
    assert findings(folding) == []


def test_a_users_file_is_met_however_it_is_spelled(folding: Place) -> None:
    folding.write("shared/X.py", "mine\n")
    low, _ = rivals(folding)
    with pytest.raises(FileInTheWay):
        told(folding).act(install(low))
    folding.act(install(low, force=True))
    assert findings(folding) == []


def test_a_dist_info_that_is_spelled_otherwise_is_replaced_and_not_hidden(folding: Place) -> None:
    folding.act(install(folding.wheel("Pkg", "1", {"pkg.py": "P = 1\n"})))
    again = folding.wheel("pkg", "1", {"pkg.py": "P = 'again'\n"}, build="again")
    told(folding).act(install(again))
    (info,) = (name for name in os.listdir(folding.site) if name.endswith(".dist-info"))
    assert {"METADATA", "RECORD", "WHEEL"} <= set(os.listdir(os.path.join(folding.site, info)))
    assert findings(folding) == []
    folding.act(uninstall("pkg"))
    assert os.listdir(folding.site) == [".lugnut"]


def test_nothing_is_altered_where_names_are_listed_in_lower_case(lowering: Place) -> None:
    lowering.act(install(lowering.wheel("Pkg", "1", {"Pkg/Mod.py": "P = 1\n"}, extra={"LICENSE": "mine\n"})))
    assert findings(lowering) == []
    told(lowering).act(uninstall("pkg"))
    assert os.listdir(lowering.site) == [".lugnut"]
    assert "altered" not in os.listdir(os.path.join(lowering.site, ".lugnut"))


def test_bytecode_goes_with_its_source_however_it_is_listed(lowering: Place) -> None:
    wheels = [lowering.wheel("pkg", version, {"Shared/Mod.py": f"P = {version}\n"}) for version in "12"]
    lowering.act(install(wheels[0]))
    lowering.write("Shared/__pycache__/Mod.cpython-311.pyc", "stale")
    told(lowering).act(install(wheels[1]))
    assert not os.path.exists(os.path.join(lowering.site, "Shared", "__pycache__"))


def test_normal_forms_are_two_names_where_case_alone_is_folded(folding: Place) -> None:
    paths = {"low": "e\u0301/n.py", "top": "\u00e9/n.py"}
    made = [folding.wheel(name, "1", {path: f"N = {name!r}\n"}) for name, path in paths.items()]
    folding.act(install(*made))
    told(folding).act(uninstall("top"))
    assert [os.path.exists(os.path.join(folding.site, path)) for path in paths.values()] == [True, False]
    folding.act(uninstall("low"))
    assert os.listdir(folding.site) == [".lugnut"]


def test_what_another_run_revokes_bars_no_way_however_it_is_spelled(folding: Place) -> None:
    low, top = rivals(folding)
    folding.act(install(low))
    told(folding)
    cut(folding, uninstall("low"), "replace", "/committed")
    (identity,) = transactions(folding)
    with contextlib.contextmanager(open_site)(folding) as site:
        (revoked,) = site.ledger.read_revoked("shared", ["X.PY"])["X.PY"]
    assert (revoked.path, identity in transactions(folding)) == ("Shared/x.py", True)
    folding.act(install(top))
    assert findings(folding) == []


def folds_forms(place: Place) -> bool:
    """Say what a run that begins now takes normal forms for."""
    with contextlib.contextmanager(open_site)(place) as site:
        return site.environment.folds_forms


def refuse_to_make(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def create(directory: files.Directory, name: str) -> int:
        raise OSError(number, os.strerror(number), f"{directory.path}/{name}")

    monkeypatch.setattr(files, "create", create)


def test_whoever_clears_up_meanwhile_all_hear_the_same_of_normal_forms(
    normalising: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = files.look

    def look(directory: files.Directory, name: str) -> Any:
        if not name.isascii():  # another command sweeps between the making of a name and the look at its other form
            with files.open_root(os.path.join(normalising.site, ".lugnut")) as home:
                journal.sweep(home)
        return plain(directory, name)

    monkeypatch.setattr(files, "look", look)
    assert [folds_forms(normalising) for _ in range(2)] == [True, True]


def test_what_was_learnt_of_normal_forms_stays_when_no_more_can_be_written(
    folding: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = folds_forms(folding)
    refuse_to_make(monkeypatch, errno.ENOSPC)
    assert (before, folds_forms(folding)) == (False, False)


def test_normal_forms_are_not_guessed_where_no_name_can_be_made(
    folding: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_to_make(monkeypatch, errno.ENOSPC)
    with pytest.raises(CannotWrite, match="No space"):
        folds_forms(folding)
    refuse_to_make(monkeypatch, errno.EROFS)  # who changes nothing may believe anything
    assert folds_forms(folding)


@pytest.mark.parametrize("name", ["record", "Record", "notes/RECORD"])
def test_where_names_are_told_apart_another_record_is_a_users_own(place: Place, name: str) -> None:
    place.act(install(place.wheel("pkg", "1", {"pkg.py": ""})))
    place.write(f"pkg-1.dist-info/{name}", "mine\n")
    (aside,) = place.act(uninstall("pkg")).set_aside
    with open(aside.to, encoding="utf-8") as file:
        assert (aside.path, file.read()) == (f"pkg-1.dist-info/{name}", "mine\n")


# --- the spelling that is listed: importers go by it ------------------------------------------------------------------


def listed(place: Place, below: str = "") -> list[str]:
    """Name the files of the environment as they are listed."""
    found = []
    for name in sorted(os.listdir(os.path.join(place.site, below))):
        path = f"{below}/{name}" if below else name
        if os.path.isdir(os.path.join(place.site, path)):
            found += [] if path == ".lugnut" or path.endswith(".dist-info") else listed(place, path)
        else:
            found.append(path)
    return found


def test_an_upgrade_is_listed_as_the_new_version_spells_it(folding: Place) -> None:
    folding.act(
        install(folding.wheel("pkg", "1", {"SimPy/A.py": "A = 1\n", "SimPy/Sub/b.py": "", "Foo.py": "F = 1\n"}))
    )
    told(folding).act(
        install(folding.wheel("pkg", "2", {"simpy/a.py": "A = 1\n", "simpy/sub/b.py": "", "foo.py": "F = 2\n"}))
    )
    assert listed(folding) == ["foo.py", "simpy/a.py", "simpy/sub/b.py"]
    assert findings(folding) == []


@pytest.mark.parametrize("order", [(0, 1), (1, 0), None])
@pytest.mark.parametrize("text", ["same\n", None])
def test_what_two_share_is_listed_as_the_highest_spells_it(
    folding: Place, order: tuple[int, int] | None, text: str | None
) -> None:
    low = folding.wheel("low", "1", {"simpy/a.py": text or "low\n", "simpy/low.py": ""})
    top = folding.wheel("top", "1", {"SimPy/A.py": text or "top\n", "SimPy/top.py": ""})
    for call in [(low, top)] if order is None else [((low, top)[number],) for number in order]:
        told(folding).act(install(*call))
    assert listed(folding) == ["SimPy/A.py", "SimPy/low.py", "SimPy/top.py"]
    folding.act(uninstall("top"))
    assert listed(folding) == ["simpy/a.py", "simpy/low.py"]
    assert findings(folding) == []


def test_a_users_equal_file_is_listed_as_the_wheel_spells_it(folding: Place) -> None:
    folding.write("Shared/X.py", "same\n")
    told(folding).act(install(folding.wheel("pkg", "1", {"shared/x.py": "same\n"})))
    assert listed(folding) == ["shared/x.py"]
    assert "kept" not in os.listdir(os.path.join(folding.site, ".lugnut"))


def test_spellings_that_cannot_both_be_are_said(folding: Place) -> None:
    low, top = (folding.wheel(name, "1", {f"{path}/{name}.py": ""}) for name, path in (("low", "x"), ("top", "X")))
    told(folding).act(install(top))
    (left,) = folding.act(install(low)).left_alone
    assert (left.path, left.reason) == ("X", "top spells it so, and low x; imports find one spelling only")


def test_a_spelling_that_the_file_system_keeps_is_said(keeping: Place) -> None:
    keeping.act(install(keeping.wheel("pkg", "1", {"pkg/mod.py": "P = 1\n"})))
    left = told(keeping).act(install(keeping.wheel("pkg", "2", {"Pkg/Mod.py": "P = 2\n"}))).left_alone
    assert [(one.path, one.reason.partition(",")[0]) for one in left] == [
        ("Pkg", "it is listed as pkg"), ("Pkg/Mod.py", "it is listed as mod.py"),
    ]  # fmt: skip
    assert listed(keeping) == ["pkg/mod.py"]


def test_a_run_that_ends_right_after_its_commit_is_spelled_by_the_next(folding: Place) -> None:
    folding.act(install(folding.wheel("pkg", "1", {"SimPy/A.py": "A = 1\n"})))
    told(folding)
    cut(folding, install(folding.wheel("pkg", "2", {"simpy/a.py": "A = 1\n"})), "replace", "/committed")
    assert listed(folding) == ["SimPy/A.py"]
    assert findings(folding) == []
    assert listed(folding) == ["simpy/a.py"]


def test_of_two_files_whose_keys_alone_are_one_no_other_is_renamed(
    folding: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foldings, "alike", str.lower)
    for name in ("STRA\u00dfE.py", "strasse.py"):
        folding.write(f"pkg/{name}", name)
    with files.open_root(os.path.join(folding.site, "pkg")) as opened:
        assert respell(opened, "Strasse.py", str.casefold) is None
    assert listed(folding) == ["pkg/STRA\u00dfE.py", "pkg/Strasse.py"]


def test_a_schemes_own_directory_keeps_its_spelling(folding: Place) -> None:
    scripts = folding.environment.schemes["scripts"]
    shouted = os.path.join(os.path.dirname(scripts), os.path.basename(scripts).upper())
    os.makedirs(shouted)
    told(folding).act(install(folding.wheel("pkg", "1", {"pkg.py": "", "pkg-1.data/scripts/tool": "#!/bin/sh\n"})))
    assert os.listdir(shouted) == ["tool"]
    assert os.path.basename(shouted) in os.listdir(os.path.dirname(scripts))


def open_run(place: Place, wheel: str) -> locks.Held:
    """Have a run stand open, all placed and nothing committed; it lives as long as its lock is held."""
    cut(place, install(wheel), "replace", "/committed", before=True)
    (identity,) = transactions(place)
    return hold(place, f"transactions/{identity}/lock")


def test_a_run_that_is_open_spells_nothing(folding: Place) -> None:
    low = [folding.wheel("low", version, {"Shared/x.py": "same\n", f"low{version}.py": ""}) for version in "12"]
    told(folding).act(install(low[0]))
    with open_run(folding, folding.wheel("top", "1", {"SHARED/X.py": "same\n"})):
        folding.act(install(folding.wheel("low", "2", {"shared/x.py": "same\n"})))
        assert listed(folding) == ["shared/x.py"]
        folding.act(uninstall("low"))
        assert listed(folding) == ["shared/x.py"]


def test_bytes_that_stay_are_not_listed_otherwise(folding: Place) -> None:
    folding.act(install(*rivals(folding)))
    os.unlink(os.path.join(folding.site, "shared", "X.py"))
    folding.write("shared/x.py", "mine, and longer than theirs\n")
    told(folding).act(install(rivals(folding, "2")[1]))
    assert shown(folding) == {"x.py": "mine, and longer than theirs\n"}


def test_a_directory_is_spelled_by_another_when_ranks_change(folding: Place) -> None:
    low, top = (folding.wheel(name, "1", {f"{path}/{name}.py": ""}) for name, path in (("low", "x"), ("top", "X")))
    told(folding).act(install(low, overlay={"low": 1}))
    folding.act(install(top))
    assert listed(folding) == ["x/low.py", "x/top.py"]
    folding.act(install(overlay={"low": 0}))
    assert listed(folding) == ["X/low.py", "X/top.py"]


def test_a_directory_is_spelled_under_the_stripe_of_the_one_above(
    folding: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    folding.act(install(folding.wheel("pkg", "1", {"Sub/a.py": ""})))
    plain, held = files.rename, []

    def rename(*words: Any) -> None:
        if words[3] == "sub":
            with files.open_root(os.path.join(folding.site, ".lugnut", "locks")) as place:
                held.append(locks.try_hold(place, stripe_name(folding.environment, "")) is None)
        plain(*words)

    monkeypatch.setattr(files, "rename", rename)
    told(folding).act(install(folding.wheel("pkg", "2", {"sub/a.py": ""})))
    assert held == [True]


def test_what_is_listed_is_asked_anew_under_each_stripe(folding: Place) -> None:
    folding.act(install(folding.wheel("pkg", "1", {"Foo.py": ""})))
    cut(told(folding), uninstall("pkg"), "replace", "/committed")
    (identity,) = transactions(folding)
    lock = hold(folding, f"transactions/{identity}/lock")
    with lock, contextlib.contextmanager(open_site)(folding) as site, files.open_root(folding.site) as opened:
        errand = Errand(site, journal.Transaction(site.home, identity, site.ledger.plan(identity), lock))
        for _ in range(2):
            errand.arrive(set())
            errand.spell(opened, "Foo.py")
            assert listed(folding) == ["Foo.py"]
            files.rename(opened, "Foo.py", opened, "FOO.py")  # as another run does between two stripes
