"""What the command after a power cut finds of what was not synced: files torn by hand, another boot by its name."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest

from indexes import serve
from lugnut import aftermath
from lugnut.distribution import Name
from lugnut.keywords import make_target
from lugnut.run import Run
from lugnut.settings import Settings, Watch
from lugnut.supply.questions import make_offers
from lugnut.system import files, locks
from lugnut.transaction import home as homes
from lugnut.transaction import site as sites
from places import Act, Place, cut, open_site, place, transactions  # noqa: F401 - a fixture
from programs import run
from rooms import Room

TOLD = "the machine stopped before all that was installed had reached the disk"
OTHER = "unsynced-another-boot"
BIG = "".join(f"LINE_{number} = {number}\n" for number in range(900))
"""More than one block."""
Tear = Callable[[bytes], bytes]


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def wheels(room: Room) -> tuple[str, str]:
    """Two distributions that share a path, of which the later one's bytes are shown."""
    low = room.wheel("low", "1.0", {"low/__init__.py": BIG, "low/more.py": "M = 1\n", "shared/x.py": "X = 'low'\n"})
    top = room.wheel("top", "1.0", {"top/__init__.py": BIG, "shared/x.py": "X = 'top'\n"})
    return low, top


def restart(room: Room) -> None:
    """Start the machine anew: all marks are of another boot."""
    for mark in marks(room):
        os.rename(room.site / ".lugnut" / mark, room.site / ".lugnut" / OTHER)


def marks(room: Room) -> list[str]:
    return sorted(name for name in os.listdir(room.site / ".lugnut") if name.startswith("unsynced-"))


def this_boot() -> str:
    return f"unsynced-{locks.boot_id()}"


def tear(path: Path, left: Tear = lambda _: b"") -> None:
    """Leave of a file's bytes what a power cut might; its name and its times were in the journal."""
    status, data = path.stat(), left(path.read_bytes())
    path.unlink()  # not the store's
    with path.open("wb") as file:
        file.write(data.rstrip(b"\0"))
        file.truncate(len(data))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def install_torn(room: Room, *paths: str, left: Tear = lambda _: b"") -> tuple[str, str]:
    low, top = wheels(room)
    room.do("install", low, top)
    for path in paths:
        tear(room.site / path, left)
    restart(room)
    return low, top


# --- marks ------------------------------------------------------------------------------------------------------------


def test_what_is_not_synced_is_marked_with_its_boot_and_what_is_synced_is_not(room: Room) -> None:
    low, top = wheels(room)
    room.do("install", "--durable", low)
    assert marks(room) == []
    room.do("install", "--dry-run", top)
    assert marks(room) == []
    room.do("install", top)
    assert marks(room) == [this_boot()]
    room.do("install", "--durable", "--reinstall", top)
    room.do("uninstall", "top")
    assert (marks(room), room.findings()) == ([this_boot()], [])
    assert (room.site / ".lugnut" / this_boot()).read_bytes() == b""


def test_the_mark_comes_before_anything_is_published(place: Place) -> None:  # noqa: F811
    wheel = place.wheel("one", "1", {"one.py": ""})
    cut(place, Act("install", (wheel,)), "mkdir", "transactions", before=True)
    assert this_boot() in os.listdir(os.path.join(place.site, ".lugnut"))


def test_who_recovers_marks_too(place: Place) -> None:  # noqa: F811
    wheel = place.wheel("one", "1", {"one.py": ""})
    cut(place, Act("install", (wheel,)), "replace", "/committed")
    mark = os.path.join(place.site, ".lugnut", this_boot())
    os.unlink(mark)
    place.act(Act("recover", ()))
    assert os.path.exists(mark)
    assert os.path.exists(os.path.join(place.site, "one.py"))


def test_where_the_mark_finds_no_room_the_dead_are_recovered(
    place: Place,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wheel = place.wheel("one", "1", {"one.py": ""})
    cut(place, Act("install", (wheel,)), "replace", "/committed")

    def refuse(_: files.Directory) -> bool:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(sites, "mark_unsynced", refuse)
    place.act(Act("recover", ()))
    assert os.path.exists(os.path.join(place.site, "one-1.dist-info", "RECORD"))


def test_what_other_hosts_share_is_not_marked(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr(files, "lists_late", lambda _: True)
    place.act(Act("install", (place.wheel("one", "1", {"one.py": ""}),)))
    assert this_boot() not in os.listdir(os.path.join(place.site, ".lugnut"))


def test_between_two_volumes_the_mark_is_on_disk_first(
    place: Place,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    synced: list[str] = []
    monkeypatch.setattr(files, "sync", lambda directory: synced.append(directory.path))
    with contextlib.contextmanager(open_site)(place) as site:
        for volume in (site.environment.purelib, site.environment.schemes["scripts"]):
            os.makedirs(volume, exist_ok=True)
        site.mark_unsynced()
        assert synced == []
        homes.remove_marks(site.home, [this_boot()])
        monkeypatch.setattr(files, "same_volume", lambda one, _: one.path == site.environment.purelib)
        site.mark_unsynced()
        site.mark_unsynced()
        homes.remove_marks(site.home, [this_boot()])
        monkeypatch.setattr(files, "open_root", refuse_scripts(files.open_root, site.environment.schemes["scripts"]))
        monkeypatch.setattr(files, "same_volume", lambda _one, _other: True)
        site.mark_unsynced()
    assert [os.path.basename(path) for path in synced] == [".lugnut"] * 2


def refuse_scripts(open_root: Callable[[str], files.Directory], scripts: str) -> Callable[[str], files.Directory]:
    """A scheme's directory that may be used and not be read may lie anywhere."""

    def refuse(path: str) -> files.Directory:
        if path == scripts:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return open_root(path)

    return refuse


# --- a run that was cut before its commit -----------------------------------------------------------------------------


def test_what_an_open_run_placed_and_a_cut_tore_is_withdrawn(place: Place) -> None:  # noqa: F811
    """Its plan may be on disk, its files not; what somebody has put in the place of one meanwhile stays."""
    wheel = place.wheel("one", "1", {"one/a.py": "A = 1\n", "one/b.py": "B = 1\n", "one/c.py": "C = 1\n"})
    cut(place, Act("install", (wheel,)), "replace", "/committed", before=True)
    site = Path(place.site)
    for name in ("a.py", "b.py"):
        tear(site / "one" / name, lambda data: data[: len(data) // 2] if name == "a.py" else b"")  # noqa: B023
    (site / "one/c.py").unlink()
    (site / "one/c.py").write_text("")
    place.act(Act("recover", ()))
    assert [path.name for path in (site / "one").iterdir()] == ["c.py"]


# --- all is well ------------------------------------------------------------------------------------------------------


def test_what_reached_the_disk_is_examined_once(room: Room) -> None:
    low, top = install_torn(room)
    ran = room.do("install", low)
    assert (marks(room), "warning" in ran.err) == ([], False)
    room.do("install", "--reinstall", top)
    restart(room)
    room.do("uninstall", "nothing")
    assert marks(room) == []


def test_the_mark_of_this_boot_stays(room: Room) -> None:
    low, _ = install_torn(room)
    room.do("install", "--reinstall", low)
    room.do("install", low)
    assert marks(room) == [this_boot()]


@pytest.mark.parametrize(
    "words",
    [["install", "{low}"], ["sync", "{set}"], ["uninstall", "nothing"], ["recover"], ["install", "--dry-run", "{top}"]],
)
def test_every_command_that_looks_after_the_dead_examines(room: Room, words: Sequence[str]) -> None:
    low, top = install_torn(room, "top/__init__.py")
    (room.path / "set.txt").write_text(f"{low}\n")
    ran = room.do(*(word.format(low=low, top=top, set=room.path / "set.txt") for word in words))
    assert TOLD in ran.err
    assert "`lugnut install --reinstall top`" in ran.err
    assert OTHER in marks(room)


def test_check_says_it_once_and_by_itself(room: Room) -> None:
    install_torn(room, "top/__init__.py")
    ran = room.lugnut("check")
    assert (ran.code, TOLD in ran.err, ran.out.count("top/__init__.py")) == (1, False, 1)


def test_what_people_do_is_not_a_power_cut_s(room: Room) -> None:
    """They edit, empty, remove and rename files, change modes, and pack images with times of their own."""
    low, _ = install_torn(room)
    room.write("low/__init__.py", BIG + "EDITED = 1\n")
    room.write("low/more.py", "")
    (room.site / "top/__init__.py").unlink()
    (room.site / "low-1.0.dist-info" / "METADATA").chmod(0o755)
    for path in (room.site / "top-1.0.dist-info").iterdir():
        os.utime(path, (946_684_800, 946_684_800))
    (room.site / "shared/x.py").unlink()
    (room.site / "shared/x.py").symlink_to("elsewhere")
    ran = room.do("install", low)
    assert ("warning" in ran.err, marks(room)) == (False, [])


def test_a_file_that_needs_less_room_than_it_has_bytes_is_read(room: Room) -> None:
    wheel = room.wheel("zeros", "1.0", {"zeros.py": "#" + "\0" * 8192})
    room.do("install", wheel)
    tear(room.site / "zeros.py", lambda data: data)
    restart(room)
    assert os.stat(room.site / "zeros.py").st_blocks * 512 < 8193
    assert (TOLD in room.do("install", wheel).err, marks(room)) == (False, [])


def test_a_mark_is_not_what_a_killed_run_left(room: Room) -> None:
    """So a run that finds nothing to do loads nothing of what recovers."""
    low, _ = wheels(room)
    room.do("install", low)
    assert marks(room) == [this_boot()]
    code = f"""if True:
        import sys
        from lugnut.cli.main import main
        main({room.command("install", low)[1:]!r})
        print(*sorted(name for name in sys.modules if name.startswith("lugnut.")))
    """
    ran = run([sys.executable, "-c", code], room.environ)
    assert "Nothing to do" in ran.err
    assert {"lugnut.transaction.recover", "lugnut.aftermath"}.isdisjoint(ran.out.split())
    assert "lugnut.transaction.home" in ran.out.split()


def test_others_distributions_are_theirs(room: Room) -> None:
    low, top = wheels(room)
    room.do("install", low)
    room.pip_install(top)
    for path in (room.site / "top").rglob("*.py"):
        tear(path)
    tear(room.site / "top-1.0.dist-info" / "RECORD")
    room.write("bare-1.0.dist-info/RECORD", "")
    restart(room)
    assert TOLD not in room.do("install", low).err
    assert marks(room) == []


# --- something is torn ------------------------------------------------------------------------------------------------

LEFT = pytest.mark.parametrize(
    "left",
    [lambda _: b"", lambda data: bytes(len(data)), lambda data: data[:4096], lambda data: data[:4096] + bytes(4096)],
    ids=["none", "holes", "the first block", "the first block and a hole"],
)


@LEFT
def test_what_is_asked_for_is_installed_again(room: Room, left: Tear) -> None:
    low, _ = install_torn(room, "low/__init__.py", left=left)
    ran = room.do("install", low)
    assert (ran.err.count(TOLD), ran.err.count("~ low==1.0")) == (1, 1)
    assert (room.findings(), room.read("low/__init__.py")) == ([], BIG)
    ran = room.do("install", low)
    assert ("warning" in ran.err, marks(room)) == (False, [this_boot()])


def test_zeros_for_which_there_is_room_are_seen_by_their_size(room: Room) -> None:
    low, _ = install_torn(room)
    path = room.site / "low/__init__.py"
    time = path.stat().st_mtime
    path.unlink()
    path.write_bytes(bytes(8192))
    os.utime(path, (time, time))
    assert "~ low==1.0" in room.do("install", low).err
    assert room.findings() == []


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="only some systems give room ahead of what is written")
def test_room_in_which_nothing_was_written_is_no_content(room: Room) -> None:
    """ext4 gives a file its room and its size before its bytes are there."""
    low, _ = install_torn(room)
    path = room.site / "low/__init__.py"
    status = path.stat()
    path.unlink()
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, status.st_size)
        if os.lseek(file.fileno(), 0, os.SEEK_HOLE) == status.st_size:
            pytest.skip("this file system does not tell what was never written")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_blocks * 512 >= status.st_size
    assert "~ low==1.0" in room.do("install", low).err
    assert room.findings() == []


@LEFT
def test_what_is_not_asked_for_is_said_until_it_is_mended(room: Room, left: Tear) -> None:
    low, top = install_torn(room, "top/__init__.py", left=left)
    for words in (["install", low], ["uninstall", "nothing"], ["install", low]):
        ran = room.do(*words)
        assert ran.err.count(TOLD) == 1
        assert "1 file is damaged (top/__init__.py)" in ran.err
        assert OTHER in marks(room)
    room.do("install", "--reinstall", top)
    assert TOLD not in room.do("install", low).err
    assert (room.findings(), marks(room)) == ([], [this_boot()])


def test_a_sync_installs_again_what_it_keeps(room: Room) -> None:
    low, _ = install_torn(room, "low/more.py", "top/__init__.py")
    (room.path / "set.txt").write_text(f"{low}\n")
    ran = room.do("sync", str(room.path / "set.txt"))
    assert ("~ low==1.0" in ran.err, "- top==1.0" in ran.err) == (True, True)
    assert room.findings() == []


def test_what_is_kept_of_a_loser_is_examined_too(room: Room) -> None:
    low, top = wheels(room)
    room.do("install", low, top)
    (kept,) = (room.site / ".lugnut" / "kept" / "low").iterdir()
    tear(kept)
    restart(room)
    assert "--reinstall low`" in room.do("install", top).err
    room.do("install", low)
    room.do("uninstall", "top")
    assert (room.read("shared/x.py"), room.findings()) == ("X = 'low'\n", [])


@pytest.mark.parametrize("name", ["lugnut.json", "METADATA", "INSTALLER", "WHEEL"])
def test_a_torn_dist_info_is_found_and_mended(room: Room, name: str) -> None:
    low, _ = install_torn(room, f"low-1.0.dist-info/{name}")
    ran = room.do("install", low)
    assert (TOLD in ran.err, "~ low==1.0" in ran.err, room.findings()) == (True, True, [])


@pytest.mark.parametrize("left", [lambda _: b"", lambda data: bytes(len(data)), lambda data: data[:100]])
def test_a_torn_record_is_said_and_the_remedy_works(room: Room, left: Tear) -> None:
    low, top = install_torn(room, "low-1.0.dist-info/RECORD", left=left)
    assert "low-1.0.dist-info/RECORD" in room.do("install", top).err
    ran = room.lugnut("install", "--reinstall", low)
    if ran.code:  # nobody names what stands there
        assert "--force" in ran.err
        room.do("install", "--reinstall", "--force", low)
    assert room.findings() == []


def test_a_distribution_of_which_only_names_are_left_is_said(room: Room) -> None:
    _, top = install_torn(room)
    for path in (room.site / "low-1.0.dist-info").iterdir():
        tear(path)
    assert "--reinstall low`" in room.do("install", top).err


def test_beside_something_torn_what_is_missing_or_empty_counts(room: Room) -> None:
    low, _ = install_torn(room, "top/__init__.py")
    room.write("low/__init__.py", "")
    (room.site / "low/more.py").unlink()
    ran = room.do("install", low)
    assert "3 files are damaged" in ran.err
    assert "--reinstall low top`" in ran.err
    assert (room.read("low/__init__.py"), room.read("low/more.py")) == (BIG, "M = 1\n")


def test_where_the_winner_s_record_is_torn_the_loser_s_file_is_not_what_it_should_be(room: Room) -> None:
    """What is shown is lugnut's, by its time, and nobody's any more."""
    low, top = install_torn(room, "top-1.0.dist-info/RECORD")
    assert "--reinstall low top`" in room.do("uninstall", "nothing").err
    assert "shared/x.py" in room.do("install", low).err
    room.do("install", top)
    assert (room.findings(), room.read("shared/x.py")) == ([], "X = 'top'\n")


def test_times_of_who_packed_an_image_are_no_damage_beside_something_torn(room: Room) -> None:
    low, _ = install_torn(room, "top/__init__.py")
    for path in (*(room.site / "low").iterdir(), *(room.site / "low-1.0.dist-info").iterdir()):
        if path.is_file():
            os.utime(path, (946_684_800, 946_684_800))
    assert "1 file is damaged (top/__init__.py)" in room.do("install", low).err


def test_torn_files_that_will_do_by_their_version_are_installed_again(room: Room) -> None:
    """By name, from what lies at hand."""
    install_torn(room, "low/__init__.py")
    assert "~ low==1.0" in room.do("install", "--no-index", "-f", str(room.wheels), "low").err
    assert room.findings() == []


def test_torn_files_of_what_a_resolver_names_are_installed_again(room: Room) -> None:
    wheels(room)
    with serve(room.wheels) as server:
        room.look_at(server.simple)
        room.do("install", "low")
        tear(room.site / "low/__init__.py")
        restart(room)
        assert "~ low==1.0" in room.do("install", "--resolver", "pip", "low").err
    assert (room.findings(), room.standing()) == ([], ["low==1.0"])


def test_what_is_torn_is_not_offered_to_a_resolver(room: Room) -> None:
    install_torn(room)
    target, torn = make_target({"python": str(room.prefix)}), Settings(anew=frozenset([Name("low")]))
    offers = make_offers(Run(target, Settings(), Watch()), everything=True)
    assert [one.name for one in offers] == ["low", "top"]
    assert [one.name for one in make_offers(Run(target, torn, Watch()), everything=True)] == ["top"]


# --- others, and who may not write ------------------------------------------------------------------------------------


def examine(room: Room) -> list[str]:
    """Examine as a command does, in this process; gives what was said."""
    said: list[str] = []
    watch = Watch(report=lambda event: said.append(str(event)))
    aftermath.examine(Run(make_target({"python": str(room.prefix)}), Settings(), watch), [OTHER])
    return said


def test_while_somebody_is_at_work_the_mark_stays(room: Room) -> None:
    low, _ = install_torn(room)
    live = room.site / ".lugnut" / "transactions" / "live"
    live.mkdir(parents=True)
    (live / "lock").touch()
    with files.open_root(str(live)) as directory:
        held = locks.try_hold(directory, "lock")
        assert held is not None
        with held:
            room.do("install", low)
    assert OTHER in marks(room)


def test_what_somebody_did_meanwhile_leaves_the_mark(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    install_torn(room)
    find = aftermath.find_damage

    def find_beside(*words: object) -> Iterable[object]:
        found = find(*words)  # type: ignore[arg-type]
        room.do("uninstall", "low")
        os.rename(room.site / ".lugnut" / this_boot(), room.site / ".lugnut" / OTHER)  # that run has examined, too
        return found

    monkeypatch.setattr(aftermath, "find_damage", find_beside)
    assert examine(room) == []
    assert marks(room) == [OTHER]
    monkeypatch.undo()
    assert examine(room) == []
    assert marks(room) == []


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.ENOENT])
def test_who_may_not_write_leaves_the_mark_and_goes_on(
    room: Room, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    install_torn(room)

    def refuse(directory: files.Directory, name: str) -> None:
        raise OSError(number, os.strerror(number), f"{directory.path}/{name}")

    monkeypatch.setattr(files, "unlink", refuse)
    assert examine(room) == []
    assert marks(room) == [OTHER]


def test_what_cannot_be_read_is_said_and_hinders_nothing(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    install_torn(room)

    def refuse(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(aftermath, "find_damage", refuse)
    (said,) = examine(room)
    assert "is not looked at" in said
    assert marks(room) == [OTHER]


def test_a_file_that_an_upgrade_could_not_bring_any_more_is_said(place: Place) -> None:  # noqa: F811
    """Committed, then cut: what was staged is torn, and its path stays absent, or as it was."""
    old = place.wheel("one", "1", {"one/a.py": "A = 1\n", "one/b.py": "B = 1\n"})
    new = place.wheel("one", "2", {"one/a.py": "A = 22\n", "one/b.py": "B = 1\n", "one/c.py": "C = 22\n"})
    place.act(Act("install", (old,)))
    cut(place, Act("install", (new,)), "replace", "/committed")
    (transaction,) = transactions(place)
    staged = Path(place.site, ".lugnut/transactions", transaction, "staged/content/one")
    for path in staged.iterdir():
        tear(path)
    os.rename(os.path.join(place.site, ".lugnut", this_boot()), os.path.join(place.site, ".lugnut", OTHER))
    place.act(Act("recover", ()))
    with contextlib.contextmanager(open_site)(place) as site:
        found = aftermath.find_damage(site.environment, site.home)
    assert [one.path for one in found] == ["one/a.py", "one/c.py"]


def test_marks_go_once_all_is_on_disk(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container that is started anew has another boot, and its machine goes on: what that wrote may yet be lost."""
    install_torn(room)
    seen: list[list[str]] = []

    def sync(_: files.Directory) -> None:
        seen.append(marks(room))
        if len(seen) == 1:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(files, "sync_volume", sync)
    assert examine(room) == []
    assert (seen, marks(room)) == ([[OTHER]], [OTHER])
    assert examine(room) == []
    assert (seen[1:] == [[OTHER]] * len(seen[1:]), len(seen) > 1, marks(room)) == (True, True, [])


def test_a_transaction_that_was_set_aside_and_not_told_of_is_told_of(room: Room) -> None:
    """Its plan was lost; a second cut came between the setting aside and the words."""
    low, _ = wheels(room)
    room.do("install", low)
    lost = room.site / ".lugnut" / "altered" / "18ec-lost" / "transaction"
    lost.mkdir(parents=True)
    (room.site / ".lugnut" / "altered" / "18ec-edited").mkdir()
    restart(room)
    said = room.do("uninstall", "nothing").err
    assert "cannot be recovered (its plan could not be read" in said
    assert "18ec-lost" in said
    assert "18ec-edited" not in said
    assert marks(room) == []


def test_what_was_set_aside_and_cannot_be_looked_at_ends_no_command(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The marks stay, and the next command looks again."""
    low, _ = wheels(room)
    room.do("install", low)
    (room.site / ".lugnut" / "altered").mkdir()
    restart(room)
    plain = files.enter

    def refuse(parent: files.Directory, name: str, **options: bool) -> files.Directory:
        if name == "altered":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), name)
        return plain(parent, name, **options)

    monkeypatch.setattr(files, "enter", refuse)
    heard: list[object] = []
    run = Run(make_target({"python": str(room.python)}), Settings(), Watch(report=heard.append))
    aftermath.examine(run, [OTHER])
    assert "is not looked at" in str(heard)
    assert marks(room) == [OTHER]
