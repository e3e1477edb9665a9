"""What is installed meets what comes from afar: what stays, what a sync may remove, what a lock may not claim."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import lugnut
from indexes import IndexServer, serve
from lugnut import change as changing
from lugnut import engine
from lugnut.distribution import Name, WheelHash
from lugnut.errors import EnvironmentBusy
from lugnut.events import Note, WheelAdmitted
from lugnut.glance import Moved
from lugnut.interpreter.asking import find_environment
from lugnut.interpreter.discovery import Target
from lugnut.resolution.requested import find_requested
from lugnut.store.place import fill_lock, open_locks, open_store
from lugnut.supply import local
from lugnut.system import files, locks
from lugnut.transaction import transact as transacting
from lugnut.transaction.hold import Names
from programs import run
from projects import make_tree
from rooms import Room, one_sentence
from wheels import make_wheel

by_both = pytest.mark.parametrize("resolver", ["uv", "pip"])


@pytest.fixture
def index(tmp_path: Path) -> Iterator[IndexServer]:
    directory = tmp_path / "index"
    make_wheel(directory, "app", "1.0", requires=["lib>=1"])
    make_wheel(directory, "plugin", "1.0", requires=["mine"])
    for version in ("1.0", "2.0"):
        make_wheel(directory, "lib", version)
    with serve(directory) as server:
        yield server


@pytest.fixture
def room(tmp_path: Path, index: IndexServer) -> Room:
    return Room(tmp_path / "room").look_at(index.simple)


def read_direct_url(room: Room, info: str) -> Any:
    return json.loads((room.site / info / "direct_url.json").read_text())


def requested(room: Room) -> list[str]:
    return sorted(path.parent.name.partition("-")[0] for path in room.site.glob("*.dist-info/REQUESTED"))


# --- what somebody installed from a place of their own ----------------------------------------------------------------


@by_both
def test_an_editable_install_that_will_do_stays(room: Room, resolver: str, tmp_path: Path) -> None:
    """Its name on an index is somebody else's."""
    room.do("install", "-e", str(make_tree(tmp_path / "sources", "lib", "1.0")))
    room.do("install", "--resolver", resolver, "app")
    assert room.standing() == ["app==1.0", "lib==1.0"]
    assert read_direct_url(room, "lib-1.0.dist-info")["dir_info"] == {"editable": True}


@by_both
def test_a_wheel_of_one_s_own_stays_though_the_index_has_another(room: Room, resolver: str) -> None:
    room.do("install", room.wheel("lib", "1.5"))
    room.do("install", "--resolver", resolver, "app")
    assert room.standing() == ["app==1.0", "lib==1.5"]
    room.do("install", "--resolver", resolver, "--upgrade", "app", "lib")
    assert room.standing() == ["app==1.0", "lib==2.0"]


@by_both
def test_what_no_index_has_is_found_where_it_is_installed(room: Room, resolver: str, tmp_path: Path) -> None:
    room.do("install", "-e", str(make_tree(tmp_path / "sources", "mine", "3.0")))
    room.do("install", "--resolver", resolver, "plugin")
    assert room.standing() == ["mine==3.0", "plugin==1.0"]


@by_both
def test_what_came_from_a_directory_of_wheels_is_found_too(room: Room, resolver: str) -> None:
    room.wheel("mine", "3.0")
    room.do("install", "--no-index", "-f", str(room.wheels), "mine")
    room.do("install", "--resolver", resolver, "plugin")
    assert room.standing() == ["mine==3.0", "plugin==1.0"]


@by_both
def test_an_upgrade_keeps_what_no_index_has(room: Room, resolver: str, tmp_path: Path) -> None:
    room.do("install", "-e", str(make_tree(tmp_path / "sources", "mine", "3.0")))
    room.do("install", "--resolver", resolver, "plugin", "lib==1.0")
    room.do("install", "--resolver", resolver, "--upgrade", "plugin", "lib")
    assert room.standing() == ["lib==2.0", "mine==3.0", "plugin==1.0"]


@by_both
def test_what_is_needed_is_upgraded_by_its_name(room: Room, resolver: str) -> None:
    room.do("install", "lib==1.0")
    room.do("install", "--resolver", resolver, "app")
    room.do("install", "--resolver", resolver, "app", "--upgrade-package", "lib")
    assert room.standing() == ["app==1.0", "lib==2.0"]


@by_both
def test_what_stands_and_will_not_do_is_replaced(room: Room, resolver: str) -> None:
    room.do("install", room.wheel("lib", "0.5"))
    room.do("install", "--resolver", resolver, "app")
    assert room.standing() == ["app==1.0", "lib==2.0"]


@by_both
def test_an_offer_comes_before_an_index_s_wheel_of_that_version(room: Room, resolver: str, tmp_path: Path) -> None:
    """Else what another distribution needs would be installed."""
    tag = find_environment(Target(str(room.prefix), None, None, False, False, None, {}, "/")).tags[0]
    for better in (tag, "py3-none-any"):
        make_wheel(tmp_path / "index", "lib", "1.5", requires=["plugin"], tag=better)
    room.do("install", room.wheel("lib", "1.5"))
    room.do("install", "--resolver", resolver, "app")
    assert room.standing() == ["app==1.0", "lib==1.5"]


@by_both
def test_what_no_resolver_can_read_is_not_offered(room: Room, resolver: str) -> None:
    room.do("install", room.wheel("lib", "1.0"))
    (room.site / "lib-1.0.dist-info" / "METADATA").write_text("")
    room.do("install", "--resolver", resolver, "app")
    assert room.standing()[0] == "app==1.0"


@by_both
@pytest.mark.parametrize("act", ["install", "sync"])
def test_who_asks_for_a_hash_gets_the_wheel_of_that_hash(room: Room, resolver: str, act: str, tmp_path: Path) -> None:
    """Another of the same version that is installed will not do."""
    room.do("install", room.wheel("lib", "1.0", {"lib.py": "# another\n"}))
    wheel = next((tmp_path / "index").glob("lib-1.0-*"))
    lines = room.path / "r.txt"
    lines.write_text(f"lib==1.0 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n")
    words = ("-r", str(lines)) if act == "install" else (str(lines),)
    said = room.do(act, "--resolver", resolver, "--require-hashes", *words).err
    assert "lib==1.0" in said
    assert not (room.site / "lib-1.0.dist-info" / "direct_url.json").exists()


def test_what_is_built_for_this_machine_is_not_shipped_to_another(room: Room, tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "sources", "mine", "3.0")
    text = (tree / "backend.py").read_text()
    (tree / "backend.py").write_text(text.replace("py3-none-any", "cp311-cp311-linux_x86_64"))
    shipped = tmp_path / "shipped"
    ran = room.lugnut("install", "--target", str(shipped), "--no-index", "--python-platform", "windows", str(tree))
    assert ran.code == 1
    assert "linux_x86_64" in ran.err
    assert not list(shipped.glob("*.dist-info"))


# --- who asked for it -------------------------------------------------------------------------------------------------


@by_both
def test_who_names_a_place_asks_for_what_is_there_and_not_for_what_it_needs(
    room: Room, index: IndexServer, resolver: str, tmp_path: Path
) -> None:
    make_wheel(tmp_path / "index", "near", "1.0")
    make_wheel(tmp_path / "index", "far", "1.0", requires=[f"near @ {index.link('near-1.0-py3-none-any.whl').url}"])
    tree = make_tree(tmp_path / "sources", "mine", "3.0")
    what, needed = {"uv": ("app", "lib"), "pip": ("far", "near")}[resolver]  # uv follows no URL of another's METADATA
    room.do("install", "--resolver", resolver, str(tree), what)
    assert [one.partition("=")[0] for one in room.standing()] == sorted([what, needed, "mine"])
    assert requested(room) == sorted([what, "mine"])


def test_a_place_is_known_with_a_slash_in_its_revision_and_by_a_variable() -> None:
    found = find_requested(["git+https://h/repo@feature/x", "https://h/a@b/c.whl"], [], "/", {})
    assert found.has(Name("any"), ["git+https://h/repo"])
    assert found.has(Name("any"), ["https://h/a@b/c.whl"])
    assert not found.has(Name("any"), ["git+https://h/other"])


@by_both
def test_a_line_for_a_tree_asks_for_it(room: Room, resolver: str, tmp_path: Path) -> None:
    make_tree(tmp_path / "sources", "mine", "3.0")
    lines = room.path / "r.txt"
    room.environ["SOURCES"] = str(tmp_path / "sources")
    lines.write_text("-e ${SOURCES}/mine-3.0\nlib\n")
    room.do("install", "--resolver", resolver, "-r", str(lines))
    assert requested(room) == ["lib", "mine"]


def test_what_was_asked_for_once_stays_so_when_another_needs_a_newer_one(room: Room, tmp_path: Path) -> None:
    make_wheel(tmp_path / "index", "newer", "1.0", requires=["lib>=2"])
    room.do("install", "lib==1.0")
    room.do("install", "newer")
    assert room.standing() == ["lib==2.0", "newer==1.0"]
    assert requested(room) == ["lib", "newer"]


def test_an_equal_wheel_from_another_tree_is_known_by_its_tree(room: Room, tmp_path: Path) -> None:
    one, other = (make_tree(tmp_path / place, "mine", "3.0") for place in ("here", "there"))
    room.environ["SOURCE_DATE_EPOCH"] = "1600000000"
    for tree in (one, other):
        room.do("install", str(tree))
        assert read_direct_url(room, "mine-3.0.dist-info")["url"] == tree.as_uri()


# --- what a sync may take for the whole of it -------------------------------------------------------------------------


@by_both
def test_a_sync_from_a_redirected_stdin_reads_it(room: Room, resolver: str) -> None:
    """The resolver's own stdin is another."""
    lines = room.path / "r.txt"
    lines.write_text("app==1.0\nlib==1.0\n")
    room.do("sync", str(lines))
    for act in ("sync", "install"):
        words = (*room.command(act, "--resolver", resolver, "--reinstall"), *(["-r"] if act == "install" else []))
        ran = run(["sh", "-c", f"{shlex.join(words)} /dev/stdin < {shlex.quote(str(lines))}"], room.environ)
        assert ran.code == 0, ran.err
        assert room.standing() == ["app==1.0", "lib==1.0"]


def test_a_sync_of_nothing_removes_nothing_unless_it_is_meant(room: Room) -> None:
    room.do("install", "app")
    empty = room.path / "r.txt"
    empty.write_text("# nothing\n")
    lock = room.path / "pylock.toml"
    lock.write_text('lock-version = "1.0"\ncreated-by = "x"\npackages = []\n')
    before = room.tree()
    for path in (empty, lock):
        ran = room.lugnut("sync", str(path))
        assert ran.code == 2
        assert "--allow-empty-requirements" in ran.err
    assert room.tree() == before
    room.do("sync", "--allow-empty-requirements", str(empty))
    assert room.standing() == []


def write_lock(room: Room, *packages: tuple[str, str, str]) -> Path:
    """Write a lock of (name, version, a TOML value for `wheels`)."""
    parts = [
        f'[[packages]]\nname = "{name}"\nversion = "{version}"\nwheels = [{wheels}]\n'
        for name, version, wheels in packages
    ]
    path = room.path / "pylock.toml"
    path.write_text("\n".join(['lock-version = "1.0"\ncreated-by = "x"\n', *parts]))
    return path


def locked(path: str, **others: Any) -> str:
    digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    hashes = others.pop("hashes", f'{{ sha256 = "{digest}" }}')
    more = "".join(f", {key} = {value}" for key, value in others.items())
    return f'{{ path = "{path}", name = "{Path(path).name}", hashes = {hashes}{more} }}'


def test_a_sync_looks_again_under_its_locks(room: Room) -> None:
    """Another run takes away what the set has and brings what it has not, after all was found and before the locks."""
    app, lib = room.wheel("app"), room.wheel("lib")
    room.do("sync", str(write_lock(room, ("lib", "1.0", locked(lib)))))
    lock = write_lock(room, ("app", "1.0", locked(app)), ("lib", "1.0", locked(lib)))
    extra = room.wheel("extra")
    seen: list[str] = []

    def meddle(event: object) -> None:
        if isinstance(event, WheelAdmitted) and not seen:
            seen.append(event.wheel)
            room.do("uninstall", "lib")
            room.do("install", "--no-deps", extra)

    lugnut.sync([lock], python=room.prefix, cache_dir=room.cache, report=meddle)
    assert seen
    assert room.standing() == ["app==1.0", "lib==1.0"]
    assert room.findings() == []


def hold_name(room: Room, name: str, *, shared: bool = False) -> locks.Held:
    home = files.open_root(str(room.site / ".lugnut" / "locks"))
    return locks.hold(home, f"{name}.lock", locks.Patience(0), shared=shared)


def await_waiting(sync: subprocess.Popen[str], name: str) -> None:
    """Read a run's events until it waits for a name's lock."""
    assert sync.stdout is not None
    for line in sync.stdout:
        event = json.loads(line)
        if event["event"] == "LockWaiting" and event["path"].endswith(f"/{name}.lock"):
            return
    raise AssertionError(f"it ended without waiting for {name}")


@contextlib.contextmanager
def meanwhile(room: Room) -> Iterator[tuple[locks.Held, subprocess.Popen[str]]]:
    """Have a sync of app and lib, which stands, wait to be alone after all was found; it has to end well."""
    app, lib = room.wheel("app"), room.wheel("lib")
    room.do("sync", str(write_lock(room, ("lib", "1.0", locked(lib)))))
    lock = write_lock(room, ("app", "1.0", locked(app)), ("lib", "1.0", locked(lib)))
    held = hold_name(room, "_sync", shared=True)
    with room.start("sync", str(lock), "--json-events", "-", "--lock-timeout", "60") as sync:
        await_waiting(sync, "_sync")
        yield held, sync
        sync.communicate()
    assert sync.returncode == 0
    assert room.standing() == ["app==1.0", "lib==1.0"]
    assert room.findings() == []


def test_a_sync_decides_under_its_locks_and_takes_one_for_all_it_removes(room: Room) -> None:
    with meanwhile(room) as (held, sync):
        room.do("install", "--no-deps", room.wheel("extra"))
        extra = hold_name(room, "extra")
        held.close()
        await_waiting(sync, "extra")
        extra.close()


def test_a_sync_sees_under_its_locks_that_what_stood_is_gone(room: Room) -> None:
    with meanwhile(room) as (held, _):
        room.do("uninstall", "lib")
        held.close()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """All sets of names whose locks are taken."""
    taken: list[list[str]] = []
    take = Names.take

    def watch(self: Names, names: Any, *words: Any) -> Names:
        taken.append(sorted(names))
        return take(self, names, *words)

    monkeypatch.setattr(Names, "take", watch)
    return taken


def test_a_sync_that_is_alone_begins_anew_only_where_another_installer_brings_more(
    room: Room, monkeypatch: pytest.MonkeyPatch, asked: list[list[str]]
) -> None:
    """What others of ours bring before it is alone is among what it holds then; pip keeps away from nobody."""
    app, find_named = room.wheel("app"), transacting.find_named

    def meddle(*words: Any) -> bool:
        monkeypatch.setattr(transacting, "find_named", find_named)
        room.pip_install(room.wheel("extra"))
        return find_named(*words)

    monkeypatch.setattr(transacting, "find_named", meddle)
    lock = write_lock(room, ("app", "1.0", locked(app)))
    lugnut.sync([lock], python=room.prefix, cache_dir=room.cache)
    assert asked == [["app"], ["app", "extra"]]
    assert room.standing() == ["app==1.0"]


def test_a_sync_that_waited_to_be_alone_holds_what_has_come_meanwhile_at_once(
    room: Room, meddle: Any, asked: list[list[str]]
) -> None:
    extra = room.wheel("extra")
    meddle(lambda: room.do("install", "--no-deps", extra))
    lugnut.sync([write_lock(room, ("app", "1.0", locked(room.wheel("app"))))], python=room.prefix, cache_dir=room.cache)
    assert asked == [["app", "extra"]]
    assert room.standing() == ["app==1.0"]


@pytest.fixture
def meddle(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], list[int]]:
    """Have something done once, between what a run looks at and its locks; counts how often it looks."""
    real_change, real_find, looks = changing.change, engine.find_asked, [0]

    def prepare(deed: Callable[[], object]) -> list[int]:
        def change(*words: Any) -> Any:
            monkeypatch.setattr(changing, "change", real_change)
            deed()
            return real_change(*words)

        def find(*words: Any) -> Any:
            looks[0] += 1
            return real_find(*words)

        monkeypatch.setattr(changing, "change", change)
        monkeypatch.setattr(engine, "find_asked", find)
        return looks

    return prepare


def test_a_wheel_that_is_asked_for_and_stands_is_there_when_its_need_comes(room: Room, meddle: Any) -> None:
    app = room.wheel("app", requires=["lib"])
    room.do("install", "--no-deps", app)
    looks = meddle(lambda: room.do("uninstall", "app"))
    lugnut.install([app], python=room.prefix, cache_dir=room.cache, default_index=room.environ["LUGNUT_INDEX_URL"])
    assert looks == [2]
    assert room.standing() == ["app==1.0", "lib==2.0"]


def test_what_a_group_asks_for_and_stands_is_there_when_the_rest_comes(room: Room, meddle: Any) -> None:
    room.do("install", "--no-deps", room.wheel("app", requires=["lib"]))
    project = room.path / "pyproject.toml"
    project.write_text('[dependency-groups]\ndev = ["app"]\n')
    meddle(lambda: room.do("uninstall", "app"))
    lugnut.install(
        [],
        groups=[f"{project}:dev"],
        python=room.prefix,
        cache_dir=room.cache,
        default_index=room.environ["LUGNUT_INDEX_URL"],
    )
    assert room.standing() == ["app==1.0", "lib==2.0"]


@pytest.mark.parametrize("request_", ["app", "{wheel}"])
def test_what_is_needed_and_stood_is_looked_at_again_under_the_locks(room: Room, meddle: Any, request_: str) -> None:
    """A removal that ended before came first: what needs it brings it again."""
    wheel = room.wheel("app", requires=["lib"])
    room.do("install", "lib==1.0")
    looks = meddle(lambda: room.do("uninstall", "lib"))
    lugnut.install(
        [request_.format(wheel=wheel)],
        python=room.prefix,
        cache_dir=room.cache,
        default_index=room.environ["LUGNUT_INDEX_URL"],
    )
    assert looks == [2]
    assert room.standing() == ["app==1.0", "lib==2.0"]


def test_a_need_that_was_installed_again_meanwhile_is_as_good(room: Room, meddle: Any) -> None:
    """Its lock is not held, for many need the same: who reinstalls it all the time would let nobody decide."""
    room.do("install", "lib==1.0")
    looks = meddle(lambda: room.do("install", "--reinstall", "lib==1.0"))
    lugnut.install(["app"], python=room.prefix, cache_dir=room.cache, default_index=room.environ["LUGNUT_INDEX_URL"])
    assert looks == [1]
    assert room.standing() == ["app==1.0", "lib==1.0"]


def do_before(monkeypatch: pytest.MonkeyPatch, place: Any, name: str, deed: Callable[[], object]) -> None:
    """Have something done once before a function is called."""
    real = getattr(place, name)

    def call(*words: Any) -> Any:
        monkeypatch.setattr(place, name, real)
        deed()
        return real(*words)

    monkeypatch.setattr(place, name, call)


def test_what_stood_at_hand_and_goes_before_its_needs_are_read_is_found_anew(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.do("install", "app")
    do_before(monkeypatch, local, "foresee_unmet", lambda: room.do("uninstall", "app"))
    lugnut.install(
        ["app", room.wheel("extra")], python=room.prefix, cache_dir=room.cache,
        default_index=room.environ["LUGNUT_INDEX_URL"],
    )  # fmt: skip
    assert room.standing() == ["app==1.0", "extra==1.0", "lib==2.0"]


def test_what_never_stood_together_is_not_nothing_to_do(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of two stands as it is looked for, the other one by the time that it is looked at what is left to do."""
    room.do("install", "lib==1.0")
    extra = room.wheel("extra")
    lines = room.path / "r.txt"
    lines.write_text(extra)
    do_before(monkeypatch, engine, "_change", lambda: room.do("sync", str(lines)))
    lugnut.install(
        ["lib", extra], python=room.prefix, cache_dir=room.cache, default_index=room.environ["LUGNUT_INDEX_URL"]
    )
    assert room.standing() == ["extra==1.0", "lib==2.0"]


def test_a_need_that_went_as_the_wheel_came_is_not_nothing_to_do(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    room.do("install", "lib==1.0")
    wheel = room.wheel("app", requires=["lib"])
    lines = room.path / "r.txt"
    lines.write_text(wheel)
    do_before(monkeypatch, engine, "_change", lambda: room.do("sync", str(lines)))
    lugnut.install([wheel], python=room.prefix, cache_dir=room.cache, default_index=room.environ["LUGNUT_INDEX_URL"])
    assert room.standing() == ["app==1.0", "lib==2.0"]


def test_what_no_lock_would_bring_back_is_found_anew_without_one(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of two is touched and stands as before: that is nothing to do, also where nothing can be written."""
    room.do("install", "lib==1.0")
    room.do("install", "--no-deps", room.wheel("extra"))
    shutil.rmtree(room.site / ".lugnut")

    def touch() -> None:
        mark = room.site / "lib-1.0.dist-info" / "mark"
        mark.touch()
        mark.unlink()

    do_before(monkeypatch, engine, "find_open", touch)
    report = lugnut.install(
        ["lib", "extra"], python=room.prefix, cache_dir=room.cache, default_index=room.environ["LUGNUT_INDEX_URL"]
    )
    assert report.changes == ()
    assert not (room.site / ".lugnut").exists()


def test_a_sync_that_finds_nothing_to_do_looks_for_more_once_again(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    app = room.wheel("app")
    lock = write_lock(room, ("app", "1.0", locked(app)))
    do_before(monkeypatch, engine, "_change", lambda: room.do("install", "--no-deps", app, room.wheel("extra")))
    lugnut.sync([lock], python=room.prefix, cache_dir=room.cache)
    assert room.standing() == ["app==1.0"]


def test_what_was_chosen_and_came_meanwhile_is_not_chosen_anew(room: Room, meddle: Any) -> None:
    looks = meddle(lambda: room.do("install", "app"))
    report = lugnut.install(
        ["app"], python=room.prefix, cache_dir=room.cache, default_index=room.environ["LUGNUT_INDEX_URL"]
    )
    assert looks == [1]
    assert report.changes == ()
    assert room.standing() == ["app==1.0", "lib==2.0"]


def test_a_run_that_begins_anew_says_what_it_has_said_no_second_time(room: Room, meddle: Any) -> None:
    app, lib = room.wheel("app"), room.wheel("lib")
    room.do("install", lib)
    lock = write_lock(room, ("app", "1.0", locked(app)), ("lib", "1.0", locked(lib)))
    lock.write_text(lock.read_text().replace("1.0", "1.1", 1))
    looks = meddle(lambda: room.do("uninstall", "lib"))
    said: list[object] = []
    lugnut.install(
        [], requirement_files=[lock], python=room.prefix, cache_dir=room.cache, report=said.append,
        default_index=room.environ["LUGNUT_INDEX_URL"],
    )  # fmt: skip
    assert looks == [2]
    assert len([one for one in said if isinstance(one, Note) and "has lock-version 1.1" in one.text]) == 1


def test_a_run_that_others_never_let_decide_says_so(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    def find(*_: object) -> None:
        raise Moved

    monkeypatch.setattr(engine, "find_asked", find)
    with pytest.raises(EnvironmentBusy):
        lugnut.install(["lib"], python=room.prefix, cache_dir=room.cache)


# --- what a lock may not claim ----------------------------------------------------------------------------------------


def other(algorithm: str) -> str:
    return hashlib.new(algorithm, b"another").hexdigest()


@pytest.mark.parametrize(
    "claim",
    [
        lambda: {"hashes": f'{{ sha512 = "{other("sha512")}" }}'},
        lambda: {"hashes": f'{{ md5 = "{other("md5")}" }}'},
        lambda: {"hashes": f'{{ sha256 = "{other("sha256")}" }}'},
        lambda: {"size": 7},
    ],
    ids=["sha512", "md5", "sha256", "size"],
)
def test_a_file_at_hand_has_to_be_what_the_lock_says(room: Room, claim: Callable[[], dict[str, Any]]) -> None:
    lock = write_lock(room, ("lib", "1.0", locked(room.wheel("lib"), **claim())))
    before = room.tree()
    ran = room.lugnut("sync", str(lock))
    assert ran.code == 1
    one_sentence(ran.err)
    assert room.tree() == before


@pytest.mark.parametrize("claimed", [("other", "2.0"), ("lib", "9.0")])
def test_a_wheel_has_to_be_the_one_that_the_lock_names(room: Room, claimed: tuple[str, str]) -> None:
    room.do("install", room.wheel("lib", "1.0"))
    wheel = room.wheel("lib", "2.0")
    lock = room.path / "pylock.toml"
    digest = hashlib.sha256(Path(wheel).read_bytes()).hexdigest()
    name, version = claimed
    archive = f'archive = {{ path = "{wheel}", hashes = {{ sha256 = "{digest}" }} }}'
    package = f'[[packages]]\nname = "{name}"\nversion = "{version}"\n{archive}\n'
    lock.write_text(f'lock-version = "1.0"\ncreated-by = "x"\n{package}')
    before = room.tree()
    ran = room.lugnut("sync", str(lock))
    assert ran.code == 1
    assert "lib 2.0" in one_sentence(ran.err)
    assert room.tree() == before


def test_a_version_is_the_same_however_it_is_spelled(room: Room) -> None:
    wheel = room.wheel("lib", "2024.01.02")
    lock = write_lock(room, ("lib", "2024.1.2", locked(wheel)))
    room.do("sync", str(lock))
    before = room.tree()
    room.do("sync", str(lock))
    assert room.tree() == before


@pytest.mark.parametrize("beside", [("-e", "{tree}"), ("-c", "{file}"), ("lib",), ("--overrides", "{file}")])
def test_nothing_is_added_to_a_lock_in_silence(room: Room, beside: tuple[str, ...], tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "sources", "mine", "3.0")
    lines = room.path / "c.txt"
    lines.write_text("lib==2.0\n")
    lock = write_lock(room, ("lib", "1.0", locked(room.wheel("lib"))))
    words = [word.format(tree=tree, file=lines) for word in beside]
    ran = room.lugnut("install", "-r", str(lock), *words)
    assert ran.code == 2
    assert "whole by itself" in one_sentence(ran.err)
    assert room.standing() == []


def test_a_tree_in_a_lock_has_no_hash_to_require(room: Room, tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "sources", "mine", "3.0")
    lock = room.path / "pylock.toml"
    package = f'[[packages]]\nname = "mine"\ndirectory = {{ path = "{tree}" }}\n'
    lock.write_text(f'lock-version = "1.0"\ncreated-by = "x"\n{package}')
    ran = room.lugnut("sync", "--require-hashes", str(lock))
    assert ran.code == 2
    assert "mine" in one_sentence(ran.err)
    assert room.standing() == []


def test_a_rehearsal_counts_what_a_sync_would_remove_as_gone(room: Room) -> None:
    room.do("install", "app")
    lines = room.path / "r.txt"
    lines.write_text("app==1.0\n")
    assert "app needs lib" in room.do("sync", "--dry-run", "--reinstall", str(lines)).err


def test_a_rehearsal_counts_what_would_be_installed_as_there(room: Room) -> None:
    said = room.do("install", "--dry-run", "app").err
    assert "lib" in said
    assert "needs" not in said


@pytest.mark.parametrize("by_lock", [False, True])
def test_nobody_waits_for_another_s_unpacking_longer_than_he_said(room: Room, by_lock: bool) -> None:
    wheel = room.wheel("lib")
    digest = WheelHash(hashlib.sha256(Path(wheel).read_bytes()).hexdigest())
    words = ("sync", str(write_lock(room, ("lib", "1.0", locked(wheel))))) if by_lock else ("install", wheel)
    with open_locks(open_store(str(room.cache))) as place, locks.hold(place, fill_lock(digest), locks.Patience(0)):
        ran = room.lugnut(*words, "--lock-timeout", "0.1")
    assert ran.code == 3
    one_sentence(ran.err)
    assert room.standing() == []
