"""What a path shows, what is kept for it and what goes: the rules of settle, each seen by its result."""

from __future__ import annotations

import errno
import os
import platform
import sys
from typing import Any, cast

import pytest

from lugnut.errors import CommittedNotClosed, LugnutError, ShapeConflict
from lugnut.events import Committed, Note, SetAside
from lugnut.system import files, locks
from oracle import check_environment
from places import Act, Place, apart, cut, hold, place, transactions, write_installed
from stepcases import install, uninstall
from stepper import PLAIN, differ

__all__ = ["place"]


def findings(place: Place) -> list[str]:
    """Ask lugnut's own check and the oracle that knows nothing of lugnut."""
    return [str(one) for one in place.act(Act("check", ())).findings] + check_environment(place.site)


def read(place: Place, path: str) -> str:
    with open(os.path.join(place.site, path), encoding="utf-8") as file:
        return file.read()


def rivals(place: Place) -> tuple[str, str]:
    low = place.wheel("low", "1", {"s/a.py": "A = 'low'\n", "low.py": ""})
    return low, place.wheel("top", "1", {"s/a.py": "A = 'top'\n", "top.py": ""})


def kept(place: Place, name: str) -> list[str]:
    directory = os.path.join(place.site, ".lugnut", "kept", name)
    return [os.path.join(directory, entry) for entry in os.listdir(directory)]


# --- what is kept -----------------------------------------------------------------------------------------------------


def test_a_loser_whose_execute_bit_alone_changes_keeps_one_content(place: Place) -> None:
    _, top = rivals(place)
    plain = place.wheel("low", "1", {"s/a.py": "A = 'low'\n"})
    executable = place.wheel("low", "2", {"s/a.py": "A = 'low'\n"}, executables=["s/a.py"])
    place.act(install(plain, top))
    place.act(install(executable))
    assert findings(place) == []


def test_a_loser_that_takes_the_winners_execute_bit_keeps_nothing(place: Place) -> None:
    top = place.wheel("top", "1", {"s/a.py": "A = 1\n"})
    executable = place.wheel("low", "1", {"s/a.py": "A = 1\n"}, executables=["s/a.py"])
    plain = place.wheel("low", "2", {"s/a.py": "A = 1\n"})
    place.act(install(executable, top))
    assert len(kept(place, "low")) == 1
    place.act(install(plain))
    assert findings(place) == []


def test_a_damaged_kept_content_is_not_shown_and_a_reinstall_mends_it(place: Place) -> None:
    low, top = rivals(place)
    place.act(install(low, top))
    (content,) = kept(place, "low")
    os.unlink(content)
    with open(content, "w", encoding="utf-8") as file:
        file.write("damaged")
    place.act(install(low, reinstall=True))
    assert findings(place) == []
    place.act(uninstall("top"))
    assert read(place, "s/a.py") == "A = 'low'\n"


def test_a_torn_file_is_mended_by_whoever_finishes_a_reinstall(place: Place) -> None:
    """Its size and time are those of its content, as a power cut may leave it: they are not taken for it."""
    wheel = place.wheel("mid", "1", {"m.py": "M = 1\n"})
    place.act(install(wheel, link_mode="copy"))
    path = os.path.join(place.site, "m.py")
    before = os.stat(path)
    with open(path, "r+", encoding="utf-8") as file:
        file.write("\0" * 6)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    cut(place, install(wheel, reinstall=True, link_mode="copy"), "replace", "/committed")
    place.act(Act("check", ()))
    assert read(place, "m.py") == "M = 1\n"
    assert findings(place) == []


def test_a_damaged_kept_content_never_comes_back(place: Place) -> None:
    low, top = rivals(place)
    place.act(install(low, top))
    (content,) = kept(place, "low")
    os.unlink(content)
    with open(content, "w", encoding="utf-8") as file:
        file.write("damaged")
    report = place.act(uninstall("top"))
    assert read(place, "s/a.py") == "A = 'top'\n", "absent would be worse, and these bytes are whole"
    assert [one.path for one in report.left_alone] == ["s/a.py"]


def test_two_dist_infos_of_one_name_are_healed_whosever_bytes_are_shown(place: Place) -> None:
    for first, second in (("1", "2"), ("2", "1")):
        write_installed(place, "mid", first, {"m.py": f"M = {first}\n"})
        write_installed(place, "mid", second, {"m.py": f"M = {second}\n"})
        report = place.act(install(place.wheel("mid", "3", {"m.py": "M = 3\n"})))
        assert report.set_aside == ()
        assert findings(place) == []
        place.act(uninstall("mid"))


def test_an_edited_file_that_two_distributions_name_survives_an_upgrade_of_one(place: Place) -> None:
    low, top = rivals(place)
    place.act(install(low, top))
    place.write("s/a.py", "edited\n")
    report = place.act(install(place.wheel("top", "2", {"s/a.py": "A = 'newer'\n", "top.py": ""})))
    assert read(place, "s/a.py") == "edited\n"
    assert [one.path for one in report.left_alone] == ["s/a.py"]


# --- those who do not say what they own -------------------------------------------------------------------------------


def vague(place: Place, name: str, *tops: str) -> None:
    """A dist-info without RECORD, as an installer leaves it in the middle, and some systems for ever."""
    place.write(f"{name}-1.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
    if tops:
        place.write(f"{name}-1.dist-info/top_level.txt", "".join(f"{top}\n" for top in tops))


@pytest.mark.parametrize("name", ["aaa", "zzz"])
def test_a_dist_info_without_record_keeps_nobodys_own_files_as_they_are(place: Place, name: str) -> None:
    vague(place, name)
    before = place.snapshot()
    place.act(install(place.wheel("mid", "1", {"m/a.py": "A = 1\n", "m/gone.py": ""})))
    place.act(install(place.wheel("mid", "2", {"m/a.py": "A = 2\n"})))
    assert read(place, "m/a.py") == "A = 2\n"
    assert not os.path.exists(os.path.join(place.site, "m/gone.py"))
    place.act(uninstall("mid"))
    assert differ(before, place.snapshot()) == []


def test_a_dist_info_without_record_protects_what_nobody_names(place: Place) -> None:
    vague(place, "zzz")
    place.write("m/a.py", "perhaps of zzz\n")
    place.act(install(place.wheel("mid", "1", {"m/a.py": "A = 1\n"}), force=True))
    assert read(place, "m/a.py") == "perhaps of zzz\n"
    place.act(uninstall("mid"))
    assert read(place, "m/a.py") == "perhaps of zzz\n"


@pytest.mark.parametrize(
    "record",
    ["no row\n", "other/a.py,,many\n", "other/a.py,,\n", None],
    ids=["row", "size", "sound", "symlink"],
)
def test_a_dist_info_whose_record_is_none_protects_what_nobody_names(place: Place, record: str | None) -> None:
    """Though what can be read of it says nothing of the path."""
    vague(place, "zzz")
    info = os.path.join(place.site, "zzz-1.dist-info")
    place.write("zzz-1.dist-info/RECORD", record or "other/a.py,,\n")
    if record is None:  # behind a symlink
        os.rename(info, os.path.join(place.root, "elsewhere"))
        os.symlink(os.path.join(place.root, "elsewhere"), info)
    place.write("m/a.py", "perhaps of zzz\n")
    place.act(install(place.wheel("mid", "1", {"m/a.py": "A = 1\n"}), force=True))
    expected = "A = 1\n" if record == "other/a.py,,\n" else "perhaps of zzz\n"
    assert read(place, "m/a.py") == expected


@pytest.mark.parametrize("row", ["../site/six.py", "../../lib/site/six.py", "./six.py", "s/../six.py"])
def test_a_row_counts_however_it_spells_its_path(place: Place, row: str) -> None:
    write_installed(place, "six", "1", {row: "SIX = 1\n"})
    report = place.act(install(place.wheel("zzz", "1", {"six.py": "SIX = 2\n"})))
    assert [(one.path, one.winner, one.losers) for one in report.conflicts] == [("six.py", "zzz", ("six",))]
    place.act(uninstall("zzz"))
    assert read(place, "six.py") == "SIX = 1\n"


def test_a_dist_info_without_record_protects_its_packages_in_platlib(place: Place) -> None:
    place.environment = _apart(place)
    below = os.path.relpath(place.environment.schemes["platlib"], place.site)
    place.write(f"{below}/zzz-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: zzz\nVersion: 1\n")
    place.write(f"{below}/zzz-1.dist-info/top_level.txt", "z\n")
    place.write(f"{below}/z/a.py", "perhaps of zzz\n")
    place.act(install(place.wheel("mid", "1", {"z/a.py": "A = 1\n"}, purelib=False), force=True))
    assert read(place, f"{below}/z/a.py") == "perhaps of zzz\n"


def _apart(place: Place) -> Any:
    from environments import make_environment

    environment = make_environment(place.env, platlib="lib64/site")
    os.makedirs(environment.schemes["platlib"])
    return environment


def test_a_row_without_a_hash_protects_what_stands_there(place: Place) -> None:
    write_installed(place, "other", "1", {"s/a.py": "A = 'top'\n"}, hashed=False)
    _, top = rivals(place)
    place.act(install(top))
    place.act(uninstall("top"))
    assert read(place, "s/a.py") == "A = 'top'\n"


def test_equal_bytes_are_not_withdrawn_beside_a_dist_info_without_record(place: Place) -> None:
    vague(place, "zzz")
    place.write("s/a.py", "A = 'low'\n")
    low, _ = rivals(place)
    before = place.snapshot()
    cut(place, install(low), "replace", "/committed", before=True)
    place.act(Act("check", ()))
    assert differ(before, place.snapshot()) == []


# --- directories ------------------------------------------------------------------------------------------------------


def test_a_schemes_own_directory_stays_though_it_ends_empty(place: Place) -> None:
    os.mkdir(os.path.join(place.env, "bin"))
    before = place.snapshot()
    place.act(install(place.wheel("tool", "1", {"tool.py": ""}, entry_points="[console_scripts]\nt = tool:t\n")))
    place.act(uninstall("tool"))
    assert differ(before, place.snapshot()) == []


def test_an_empty_directory_that_stood_before_survives_an_abort(place: Place) -> None:
    os.makedirs(os.path.join(place.site, "s"))
    low, _ = rivals(place)
    before = place.snapshot()
    cut(place, install(low), "replace", "/committed", before=True)
    place.act(Act("check", ()))
    assert differ(before, place.snapshot()) == []


@pytest.mark.parametrize("installed", ["file", "directory", "none"])
def test_a_file_where_another_has_a_directory_is_refused_whatever_the_flags(place: Place, installed: str) -> None:
    wheels = {"file": place.wheel("one", "1", {"x/a": ""}), "directory": place.wheel("two", "1", {"x/a/b.py": ""})}
    if installed in wheels:
        place.act(install(wheels.pop(installed)))
    before = place.snapshot()
    with pytest.raises(ShapeConflict if installed == "none" else LugnutError):
        place.act(install(*wheels.values(), on_conflict="ignore", force=True))
    assert differ(before, place.snapshot()) == []
    assert transactions(place) == []


def test_a_file_where_another_has_a_directory_is_refused_outside_of_purelib_too(place: Place) -> None:
    place.act(install(place.wheel("one", "1", {"one-1.data/data/share/one/a": ""})))
    with pytest.raises(ShapeConflict):
        place.act(install(place.wheel("two", "1", {"two-1.data/data/share": ""}), dry_run=True))


# --- other file systems -----------------------------------------------------------------------------------------------


def test_without_hard_links_everything_works_by_copies(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    low, top = rivals(place)
    newer = place.wheel("low", "2", {"s/a.py": "A = 'newer'\n"}, extra={"licenses/LICENSE": "L"})
    monkeypatch.setattr(os, "link", refuse)
    place.act(install(low, top))
    assert findings(place) == []
    place.act(install(newer))
    place.act(uninstall("top"))
    assert read(place, "s/a.py") == "A = 'newer'\n"
    assert findings(place) == []


def test_a_volume_of_its_own_for_scripts_takes_no_links_from_the_rest(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(source: str, target: str, **options: Any) -> None:
        ends = [os.readlink(f"/proc/self/fd/{options[side]}") for side in ("src_dir_fd", "dst_dir_fd")]
        if len({end.endswith("/env/bin") for end in ends}) > 1:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        PLAIN["link"](source, target, **options)

    monkeypatch.setattr(os, "link", link)
    one = {"one-1.data/scripts/run": "1\n", "one.py": "ONE = 1\n"}
    place.act(install(place.wheel("one", "1", one), place.wheel("two", "1", {"two.py": "TWO = 2\n"})))
    assert place.act(Act("check", ())).findings == ()
    for path in ("one.py", "two.py"):
        assert os.stat(os.path.join(place.site, path)).st_nlink == 2, path


def test_without_an_exclusive_step_the_stripe_decides(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    from lugnut.system.native import native

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    low, top = rivals(place)
    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(native, "rename_exclusive", refuse)
    place.write(".lugnut/format", "1\n")
    place.act(install(low, top))
    assert findings(place) == []


@pytest.fixture
def lower(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dist-infos lie in an overlay's lower layer: they cannot be renamed (TRAPS 24)."""

    def replace(source: str, target: str, **options: Any) -> None:
        if source.endswith(".dist-info"):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        PLAIN["replace"](source, target, **options)

    monkeypatch.setattr(os, "replace", replace)


@pytest.mark.usefixtures("lower")
def test_a_dist_info_that_cannot_be_renamed_goes_file_by_file_metadata_first_record_last(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.act(install(place.wheel("mid", "1", {"m.py": ""}, extra={"licenses/deep/LICENSE": "L"})))
    place.write("mid-1.dist-info/notes", "mine\n")
    gone: list[str] = []

    def unlink(path: str, **options: Any) -> None:
        where = os.readlink(f"/proc/self/fd/{options['dir_fd']}") if "dir_fd" in options else ""
        if ".dist-info" in where + path and "transactions" not in where:
            gone.append(path)
        PLAIN["unlink"](path, **options)

    monkeypatch.setattr(os, "unlink", unlink)
    report = place.act(uninstall("mid"))
    assert (gone[0], gone[-1]) == ("METADATA", "RECORD")
    assert [one.path for one in report.set_aside] == ["mid-1.dist-info/notes"]
    assert [name for name in os.listdir(place.site) if name != ".lugnut"] == []
    assert place.act(Act("check", ())).findings == ()


@pytest.mark.usefixtures("lower")
def test_a_file_behind_a_symlink_in_a_dist_info_is_not_removed(place: Place) -> None:
    place.act(install(place.wheel("mid", "1", {"m.py": ""}, extra={"licenses/LICENSE": "L"})))
    inside = os.path.join(place.site, "mid-1.dist-info", "licenses")
    outside = os.path.join(place.root, "outside")
    os.rename(inside, outside)
    os.symlink(outside, inside)
    place.act(uninstall("mid"))
    assert os.listdir(outside) == ["LICENSE"]


# --- the order of steps -----------------------------------------------------------------------------------------------


def targets(monkeypatch: pytest.MonkeyPatch, *calls: str) -> list[str]:
    """Log where links and renames lead, in their order."""
    seen: list[str] = []

    def wrap(name: str) -> Any:
        def step(*words: Any, **options: Any) -> Any:
            where = os.readlink(f"/proc/self/fd/{options['dst_dir_fd']}")
            seen.append(os.path.join(where, words[1]))
            return PLAIN[name](*words, **options)

        return step

    for name in calls:
        monkeypatch.setattr(os, name, wrap(name))
    return seen


def test_a_dist_info_of_the_same_name_is_replaced_file_by_file_record_last(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = place.wheel("mid", "1", {"m.py": "M = 1\n"}, build="a")
    place.act(install(first))
    second = place.wheel("mid", "1", {"m.py": "M = 2\n"}, build="b")
    seen = targets(monkeypatch, "replace")
    unlink = os.unlink
    gone: list[str] = []
    monkeypatch.setattr(os, "unlink", lambda path, **options: (gone.append(path), unlink(path, **options)))
    place.act(install(second))
    shown = [path for path in seen if os.path.dirname(path).endswith("site/mid-1.dist-info")]
    assert len(shown) > 4
    assert shown[-1].endswith("/RECORD")
    assert not any(path.endswith("site/mid-1.dist-info") for path in seen), "it is never away as a whole"
    before_close = gone[: gone.index("committed")]
    assert not {os.path.basename(path) for path in shown} & set(before_close), "nor without any of its files"


def test_modules_are_shown_before_pth_files_and_those_before_scripts(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make(version: str) -> str:
        files = {
            "a.pth": f"# {version}\n",
            "z.py": f"Z = {version}\n",
            f"mid-{version}.data/scripts/run": f"{version}\n",
        }
        return place.wheel("mid", version, files)

    place.act(install(make("1")))
    seen = targets(monkeypatch, "replace")
    place.act(install(make("2")))
    ours = [os.path.basename(path) for path in seen if path.endswith(("/a.pth", "/z.py", "/run"))]
    assert ours == ["z.py", "a.pth", "run"]


def test_bytecode_goes_before_its_source_is_another(place: Place) -> None:
    place.act(install(place.wheel("mid", "1", {"m.py": "M = 1\n"})))
    place.write("__pycache__/m.cpython-311.pyc", "of M = 1")
    cut(place, install(place.wheel("mid", "2", {"m.py": "M = 2\n"})), "replace", "m.py")
    place.act(Act("check", ()))
    assert read(place, "m.py") == "M = 2\n"
    assert not os.path.exists(os.path.join(place.site, "__pycache__"))


def test_bytecode_goes_before_its_source_does(place: Place) -> None:
    place.act(install(place.wheel("mid", "1", {"m.py": "M = 1\n", "n.py": ""})))
    place.write("__pycache__/m.cpython-311.pyc", "of M = 1")
    place.write("__pycache__/m.m.cpython-311.opt-1.pyc", "of another source")
    cut(place, uninstall("mid"), "unlink", "m.py")
    place.act(Act("check", ()))
    assert not os.path.exists(os.path.join(place.site, "m.py"))
    assert os.listdir(os.path.join(place.site, "__pycache__")) == ["m.m.cpython-311.opt-1.pyc"]


def test_a_directory_that_was_made_again_is_settled_as_it_is_now(place: Place) -> None:
    place.act(install(place.wheel("mid", "1", {"s/a.py": "A = 1\n"})))
    shown, old = os.path.join(place.site, "s"), os.path.join(place.site, "old")

    def make_again(event: object) -> None:
        if isinstance(event, Committed):
            os.rename(shown, old)
            os.mkdir(shown)
            os.rename(os.path.join(old, "a.py"), os.path.join(shown, "a.py"))

    place.act(uninstall("mid", report=make_again))
    assert not os.path.exists(shown)
    assert os.listdir(old) == []


def assert_no_stripe_is_held(place: Place) -> None:
    for name in os.listdir(os.path.join(place.site, ".lugnut", "locks")):
        if name.startswith("path-"):
            hold(place, f"locks/{name}").close()


def test_what_has_to_be_hashed_is_hashed_while_no_stripe_is_held(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    write_installed(place, "other", "1", {"s/a.py": "A = 1\n", "b.py": "B = 1\n"})
    place.write("b.py", "B = 2\n")
    digest, hashed = files.digest, list[str]()

    def watch(directory: files.Directory, name: str) -> Any:
        assert_no_stripe_is_held(place)
        hashed.append(name)
        return digest(directory, name)

    monkeypatch.setattr(files, "digest", watch)
    place.act(uninstall("other"))
    assert sorted(hashed) == ["a.py", "b.py"]
    assert not os.path.exists(os.path.join(place.site, "s"))


def _compiles_here(environment: Any) -> Any:
    own = {"implementation_name": sys.implementation.name, "implementation_version": platform.python_version()}
    tag = cast("str", sys.implementation.cache_tag)
    return environment._replace(markers={**environment.markers, **own}, cache_tag=tag)


def test_compiled_is_what_stands_and_nothing_beside_it(place: Place) -> None:
    apart = place.environment = _compiles_here(_apart(place))
    place.act(install(place.wheel("mid", "1", {"m/a.py": "A = 1\n"}, purelib=False), compile_bytecode=True))
    assert os.listdir(os.path.join(apart.schemes["platlib"], "m", "__pycache__"))
    assert os.listdir(place.site) == [".lugnut"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="it needs fork")
def test_a_worker_that_dies_compiling_fails_no_run_that_has_committed(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mkdir(path: str, *words: Any, **options: Any) -> None:
        PLAIN["mkdir"](path, *words, **options)
        if path.endswith("__pycache__") and os.getpid() not in parents:
            os.kill(os.getpid(), 9)

    parents = {os.getpid()}
    heard: list[Any] = []

    def run() -> None:
        parents.add(os.getpid())
        report = place.act(install(*wheels, compile_bytecode=True, jobs=2, report=heard.append))
        assert [change.name for change in report.changes] == ["one", "two"]
        assert [one.text for one in heard if isinstance(one, Note)] == [
            "the changes stand, but not all bytecode was compiled (a worker died: signal 9); Python does it on import"
        ]

    place.environment = _compiles_here(place.environment)
    wheels = [place.wheel(name, "1", {f"{name}/a.py": "A = 1\n"}) for name in ("one", "two")]
    place.act(install(*wheels, compile_bytecode=True))
    place.act(uninstall("one", "two"))  # the store has their bytecode from now on
    monkeypatch.setattr(os, "mkdir", mkdir)
    apart(run)
    assert findings(place) == []


def test_an_interpreter_that_breaks_as_it_compiles_fails_no_run_that_has_committed(place: Place) -> None:
    here = _compiles_here(place.environment)
    other = {**here.markers, "implementation_version": "0"}
    place.environment = here._replace(python=os.path.join(place.site, "gone"), markers=other)
    heard: list[Any] = []
    wheels = [place.wheel(name, "1", {f"{name}/a.py": "A = 1\n"}) for name in ("one", "two")]
    report = place.act(install(*wheels, compile_bytecode=True, report=heard.append))
    assert [change.name for change in report.changes] == ["one", "two"]
    reason = f"{place.site}/gone: No such file or directory"
    assert [one.text for one in heard if isinstance(one, Note)] == [
        f"the changes stand, but not all bytecode was compiled ({reason}); Python does it on import"
    ]
    assert findings(place) == []


def test_where_the_store_takes_no_locks_any_more_bytecode_is_compiled_in_place(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where it is mounted read-only, the wheels in it."""

    def refuse(path: Any, flags: int, *words: Any, **options: Any) -> int:
        if committed and len(path) == 64 + len(".lock"):  # of whoever fills the entry of a wheel
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return cast("int", PLAIN["open"](path, flags, *words, **options))

    committed: list[Any] = []
    notes: list[Any] = []

    def report(event: Any) -> None:
        committed.extend([event] if isinstance(event, Committed) else [])
        notes.extend([event] if isinstance(event, Note) else [])

    place.environment = _compiles_here(place.environment)
    monkeypatch.setattr(os, "open", refuse)
    place.act(install(place.wheel("one", "1", {"one/a.py": "A = 1\n"}), compile_bytecode=True, report=report))
    assert len(os.listdir(os.path.join(place.site, "one", "__pycache__"))) == 1
    assert notes == []
    assert findings(place) == []


def test_spawned_workers_place_bytecode_too(place: Place) -> None:
    place.environment = _compiles_here(place.environment)
    wheels = [place.wheel(name, "1", {f"{name}/a.py": "A = 1\n"}) for name in ("one", "two")]
    heard: list[Any] = []
    place.act(install(*wheels, compile_bytecode=True, start_method="spawn", jobs=2, report=heard.append))
    assert not [one for one in heard if isinstance(one, Note)]
    assert len(_list_caches(place)) == 2
    assert transactions(place) == []


def _list_caches(place: Place) -> list[str]:
    return [name for above, _, names in os.walk(place.env) if above.endswith("__pycache__") for name in names]


@pytest.mark.parametrize(("call", "end", "mode"), [("mkdir", "__pycache__", "auto"), ("replace", ".pyc", "copy")])
def test_what_a_run_killed_as_it_places_bytecode_leaves_goes_as_it_is_finished(
    place: Place, call: str, end: str, mode: str
) -> None:
    """An empty directory, and a temporary name; a recovery that is killed leaves them to the next."""
    place.environment = _compiles_here(place.environment)
    act = install(place.wheel("one", "1", {"one/a.py": "A = 1\n"}), compile_bytecode=True, link_mode=mode)
    place.act(act)
    place.act(uninstall("one"))  # the store has its bytecode from now on
    cut(place, act, call, end, before=call == "replace")
    assert len(transactions(place)) == 1
    assert len(_list_caches(place)) == (call == "replace")
    cut(place, Act("check", ()), "rmdir", "__pycache__", before=True)
    assert findings(place) == []
    assert transactions(place) == []
    assert not os.path.exists(os.path.join(place.site, "one", "__pycache__"))


def test_a_temporary_name_of_bytecode_that_another_run_takes_along_is_gone_already(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes with its source, which whoever settles a shared path may replace meanwhile."""

    def unlink(path: str, *words: Any, **options: Any) -> None:
        if path.endswith(".pyc") and ".lugnut-" in path:
            PLAIN["unlink"](path, *words, **options)
        PLAIN["unlink"](path, *words, **options)

    place.environment = _compiles_here(place.environment)
    wheel = place.wheel("one", "1", {"one/a.py": "A = 1\n"})
    cut(place, install(wheel, compile_bytecode=True, link_mode="copy"), "replace", ".pyc", before=True)
    monkeypatch.setattr(os, "unlink", unlink)
    assert findings(place) == []
    assert transactions(place) == []


def _break(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """Have a .pyc not get its name so many times, and its temporary name not go."""
    left = {"replace": times, "unlink": times}

    def replace(source: str, *words: Any, **options: Any) -> None:
        if source.endswith(".pyc") and left["replace"] > 0:
            left["replace"] -= 1
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        PLAIN["replace"](source, *words, **options)

    def unlink(path: str, *words: Any, **options: Any) -> None:
        if path.endswith(".pyc") and ".lugnut-" in path and left["unlink"] > 0:
            left["unlink"] -= 1
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        PLAIN["unlink"](path, *words, **options)

    monkeypatch.setattr(os, "replace", replace)
    monkeypatch.setattr(os, "unlink", unlink)


@pytest.mark.parametrize("other", [False, True])
def test_a_temporary_name_of_bytecode_that_does_not_go_at_once_goes_before_the_close(
    place: Place, monkeypatch: pytest.MonkeyPatch, other: bool
) -> None:
    """Whether what was copied from the store, and is compiled then, or what the store has no part in."""
    place.environment = _compiles_here(place.environment)
    if other:
        place.environment = _apart(place)._replace(markers=place.environment.markers)
    _break(monkeypatch, 1)
    wheel = place.wheel("one", "1", {"one/a.py": "A = 1\n"}, purelib=not other)
    place.act(install(wheel, compile_bytecode=True, link_mode="copy"))
    assert transactions(place) == []
    assert _list_caches(place) == ([] if other else [f"a.{sys.implementation.cache_tag}.pyc"])
    assert findings(place) == []


def test_a_temporary_name_of_bytecode_that_does_not_go_keeps_the_transaction_open(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.environment = _compiles_here(place.environment)
    with monkeypatch.context() as patch:
        _break(patch, 99)
        with pytest.raises(CommittedNotClosed):
            place.act(
                install(place.wheel("one", "1", {"one/a.py": "A = 1\n"}), compile_bytecode=True, link_mode="copy")
            )
        assert len(transactions(place)) == 1
    assert findings(place) == []
    assert transactions(place) == []
    assert _list_caches(place) == []


def test_sources_of_equal_size_never_share_a_time(place: Place) -> None:
    times = set()
    for version in ("1", "2"):
        place.act(install(place.wheel("mid", version, {"m.py": f"M = {version}\n"})))
        times.add(int(os.stat(os.path.join(place.site, "m.py")).st_mtime))
    assert len(times) == 2, "bytecode kept elsewhere would be taken for the other's"


# --- called off -------------------------------------------------------------------------------------------------------


def test_what_called_a_run_off_does_not_call_off_undoing_it(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    from lugnut.errors import Interrupted

    low, top = rivals(place)
    place.act(install(top))
    before = place.snapshot()
    holders: list[locks.Held] = []

    def cancelled() -> None:
        (identity,) = [name for name in transactions(place) if not name.startswith("new-")] or [""]
        if holders or os.path.isdir(
            os.path.join(place.site, f".lugnut/transactions/{identity}/staged/low-1.dist-info")
        ):
            if not holders:  # all stripes are taken just now, by others, until somebody waits
                holders.extend(hold(place, f"locks/path-{number:02x}.lock") for number in range(64))
            raise Interrupted(signal="SIGINT", number=2)

    def sleep(_: float) -> None:
        for held in holders:
            held.close()

    monkeypatch.setattr(locks.time, "sleep", sleep)
    with pytest.raises(Interrupted):
        place.act(install(low, cancelled=cancelled))
    assert transactions(place) == []
    assert differ(before, place.snapshot()) == []


def test_what_comes_in_the_moment_of_the_commit_does_not_undo_it(place: Place) -> None:
    low, top = rivals(place)
    place.act(install(low))

    def strike(source: str, target: str, **options: Any) -> None:
        PLAIN["replace"](source, target, **options)
        if target.endswith("/committed"):
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "replace", strike)
        with pytest.raises(KeyboardInterrupt):
            place.act(install(top))
    assert findings(place) == []
    assert read(place, "s/a.py") == "A = 'top'\n"


def test_an_altered_file_is_set_aside_once_though_the_run_is_killed_after_it(place: Place) -> None:
    place.act(install(place.wheel("mid", "1", {"m.py": "M = 1\n"})))
    place.write("m.py", "edited\n")
    cut(place, install(place.wheel("mid", "2", {"m.py": "M = 2\n"})), "link", "m.py")
    report = place.act(Act("check", ()))
    assert [type(one) for one in report.set_aside] == [SetAside]
    assert read(place, "m.py") == "M = 2\n"


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.EACCES, errno.EMFILE], ids=errno.errorcode.get)
@pytest.mark.parametrize("file", ["RECORD", "lugnut.json"])
def test_what_cannot_be_read_at_the_moment_is_not_taken_for_what_says_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch, file: str, number: int
) -> None:
    """Whichever reading of the other's dist-info fails: the run fails, or it ends as if none had."""
    low, top = rivals(place)
    place.act(install(top, overlay={"top": 1}))
    place.keep()
    plain, count, ends = os.open, 0, set()

    def refuse(path: str, *words: Any, **options: Any) -> int:
        nonlocal count
        if path == file and os.readlink(f"/proc/self/fd/{options['dir_fd']}").endswith("top-1.dist-info"):
            count -= 1
            if count == 0:
                raise OSError(number, os.strerror(number), path)
        return plain(path, *words, **options)

    monkeypatch.setattr(os, "open", refuse)
    for failing in range(1, 20):
        place.reset()
        count = failing
        try:
            place.act(install(low, overlay={"low": 2}))
        except LugnutError as error:
            assert os.strerror(number) in str(error)  # noqa: PT017 - it is one way to end
        passed, count = count > 0, 0
        place.act(Act("check", ()))
        assert findings(place) == []
        ends.add(read(place, "s/a.py"))
        if passed:
            break
    else:
        pytest.fail("it is read again and again")
    assert failing > 1
    assert ends <= {"A = 'low'\n", "A = 'top'\n"}
