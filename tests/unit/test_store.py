"""The store holds each wheel once, whole, and tells when its files were changed."""

import os
import shutil
import stat
from pathlib import Path

import pytest

from lugnut.errors import BadWheel, CannotWrite, NewerFormat, StoreDamaged
from lugnut.events import WheelAdmitted
from lugnut.manifest import NO_LIBRARY, Manifest
from lugnut.store import entries as store
from lugnut.store.index import remember
from lugnut.store.manifests import (
    Stamp,
    format_manifest,
    format_stamp,
    parse_body,
    parse_head,
    parse_manifest,
    parse_stamp,
)
from lugnut.store.place import usual_patience
from lugnut.store.turns import find_missing
from lugnut.system import files
from lugnut.wheel.reading import open_source, read_wheel
from wheels import make_wheel

FILES = {
    "pkg/__init__.py": "A = 1\n",
    "pkg/sub/m.py": "M = 1\n",
    "pkg-x/y": "",
    "x-1.0.data/scripts/t": "#!python\nprint()\n",
}
PATIENCE = usual_patience()


@pytest.fixture
def place(tmp_path):
    return store.open_store(str(tmp_path / "cache"))


@pytest.fixture
def wheel(tmp_path):
    return make_wheel(tmp_path / "wheels", "x", files=FILES, executables=["pkg/sub/m.py"])


def tree_of(place, manifest):
    return os.path.join(place.root, manifest.wheel, "tree")


def edit(path, text):
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(text)


@pytest.fixture
def aged(monkeypatch):
    """Let the index trust files that were written this moment."""
    monkeypatch.setattr("lugnut.store.index._RACY", -(10**10))


def test_an_admitted_wheel_stands_in_the_store_file_by_file(place, wheel):
    manifest = store.admit(place, wheel)
    with read_wheel(wheel) as archive:
        expected = {file.archive: content for file, content in archive.members()}
        assert manifest == archive.manifest
    found = {}
    for directory, _, names in os.walk(tree_of(place, manifest)):
        for name in names:
            with open(os.path.join(directory, name), "rb") as stream:
                found[os.path.relpath(stream.name, tree_of(place, manifest))] = stream.read()
    assert expected == found


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_modes_do_not_depend_on_the_umask_and_times_come_from_the_content(place, wheel, umask):
    before = os.umask(umask)
    try:
        manifest = store.admit(place, wheel)
    finally:
        os.umask(before)
    for file in manifest.files:
        status = os.stat(os.path.join(tree_of(place, manifest), file.archive))
        assert stat.S_IMODE(status.st_mode) == (0o755 if file.executable else 0o644)
        assert status.st_mtime_ns == file.mtime * 10**9


def test_a_second_admission_unpacks_nothing(place, wheel):
    events = []
    first = store.admit(place, wheel, events.append)
    inode = os.stat(tree_of(place, first)).st_ino
    assert store.admit(place, wheel, events.append) == first
    assert os.stat(tree_of(place, first)).st_ino == inode
    size = sum(file.size for file in first.files)
    assert events == [WheelAdmitted("x", "1.0", os.path.basename(wheel), size, cached) for cached in (False, True)]


@pytest.mark.usefixtures("aged")
def test_a_wheel_is_missing_until_its_entry_stands_though_its_hash_is_known(place, wheel):
    store.hash_wheel(place, wheel)
    assert find_missing(place, [wheel]) == [wheel]
    store.admit(place, wheel)
    assert find_missing(place, [wheel]) == []


def test_from_the_first_missing_wheel_on_the_others_are_left_to_workers(place, wheel, tmp_path):
    other = make_wheel(tmp_path, "other")
    store.admit(place, wheel)
    assert find_missing(place, [wheel, other]) == [other]
    assert find_missing(place, [other, wheel]) == [other, wheel]  # unless the index knows it: it is too young here


def test_the_manifest_comes_back_as_it_was(place, wheel):
    manifest = store.admit(place, wheel)
    again = store.read_manifest(place, manifest.wheel)
    assert again == manifest
    assert isinstance(again, Manifest)
    assert [type(file).__name__ for file in again.files[:1]] == ["WheelFile"]


def test_a_torn_or_foreign_manifest_reads_as_none(wheel):
    with read_wheel(wheel) as archive:
        manifest = archive.manifest
    data = format_manifest(manifest)
    assert parse_manifest(data, manifest.wheel) == manifest
    assert parse_manifest(data, "0" * 64) is None
    for torn in (
        b"",
        data[:-1],
        data[:30],
        data + b"x",
        data.replace(b"pkg", b"pgk", 1),
        data.replace(b" 3\n", b" 4\n", 1),
    ):
        assert parse_manifest(torn, manifest.wheel) is None


def test_the_head_of_a_manifest_is_all_but_its_files_and_reads_without_them(wheel):
    with read_wheel(wheel) as archive:
        manifest = archive.manifest
    data = format_manifest(manifest, "boot")
    head = parse_head(data, manifest.wheel)
    assert head.boot == "boot"
    assert head.manifest == manifest._replace(library=NO_LIBRARY, others=(), record="")
    assert (head.manifest.whole, manifest.whole) == (False, True)
    assert parse_body(head, data) == manifest
    end = next(end for end in range(len(data)) if parse_head(data[:end], manifest.wheel) is not None)
    assert end < len(data) / 2
    for torn in (data[:end].replace(b"x-1.0", b"x-1.1", 1), data[: end - 1], data[: end - 1] + b"x" + data[end:]):
        assert parse_head(torn, manifest.wheel) is None
    assert parse_head(data, "0" * 64) is None


def test_a_manifest_whose_files_are_torn_is_made_anew_when_they_are_needed(place, wheel):
    manifest = store.admit(place, wheel)
    path = Path(place.root, manifest.wheel, "manifest")
    data = path.read_bytes()
    path.write_bytes(data[:-1] + b"x")
    head = parse_head(path.read_bytes(), manifest.wheel).manifest
    with pytest.raises(StoreDamaged):
        store.read_whole(place, head)
    assert not path.exists()
    assert store.admit(place, wheel) == manifest
    assert store.read_whole(place, head) == manifest


def test_an_entry_that_cannot_be_read_now_is_not_set_aside_for_it(place, wheel):
    """Whoever finds nothing there may look in the very moment in which another run fills it anew."""
    manifest = store.admit(place, wheel)
    head = manifest._replace(library=NO_LIBRARY, others=(), record="")
    os.rename(tree_of(place, manifest) + "/../manifest", tree_of(place, manifest) + "/../elsewhere")
    with pytest.raises(StoreDamaged):
        store.read_whole(place, head)
    assert os.path.isdir(tree_of(place, manifest))


@pytest.mark.parametrize("stamp", [Stamp("abc-1", True), Stamp("abc-1", False), Stamp("", False)])
def test_a_stamp_comes_back_as_it_was(stamp):
    assert parse_stamp(format_stamp(stamp)) == stamp
    assert parse_stamp(format_stamp(stamp)[:-1]) is None
    assert parse_stamp(b"") is None


def test_a_bad_wheel_leaves_nothing_in_the_store(place, tmp_path):
    path = make_wheel(tmp_path, "x", files={f"m{number}.py": f"A = {number}\n" for number in range(20)}, compress=False)
    with open(path, "r+b") as stream:
        content = stream.read().replace(b"A = 19\n", b"A = 91\n")
        stream.seek(0)
        stream.write(content)
    with pytest.raises(BadWheel, match=r"'m19.py' does not have the hash"):
        store.admit(place, path)
    assert sorted(os.listdir(place.root)) == ["aside", "format", "index", "locks", "temporary"]
    assert os.listdir(os.path.join(place.root, "temporary")) == []


def test_the_same_bytes_under_another_file_name_must_agree_with_it(place, wheel):
    manifest = store.admit(place, wheel)
    other = os.path.join(os.path.dirname(wheel), "x-1.0-7-py3-none-any.whl")
    os.link(wheel, other)
    assert store.admit(place, other) == manifest._replace(filename="x-1.0-7-py3-none-any.whl")
    wrong = os.path.join(os.path.dirname(wheel), "y-1.0-py3-none-any.whl")
    os.link(wheel, wrong)
    with pytest.raises(BadWheel, match="by content"):
        store.admit(place, wrong)


@pytest.mark.parametrize("first", ["any", "win32"])
def test_the_same_bytes_under_the_names_of_two_platforms_are_admitted_in_any_order(place, tmp_path, first):
    """Some wheels are given to a platform by renaming the file alone."""
    path = make_wheel(tmp_path / "any", "x", files=FILES)
    other = str(tmp_path / "x-1.0-py3-none-win32.whl")
    os.link(path, other)
    for one in (path, other) if first == "any" else (other, path):
        with read_wheel(one) as archive:
            assert store.admit(place, one) == archive.manifest
    assert [name for name in os.listdir(place.root) if len(name) == 64] == [archive.manifest.wheel]


@pytest.mark.usefixtures("aged")
def test_a_wheel_whose_hash_is_known_is_not_read_again(place, wheel):
    right = store.hash_wheel(place, wheel)
    (name,) = os.listdir(os.path.join(place.root, "index"))
    path = os.path.join(place.root, "index", name)
    with open(path, encoding="ascii") as stream:
        words = stream.read()
    edit(path, words.replace(right, "f" * 64))
    assert store.hash_wheel(place, wheel) == "f" * 64
    assert store.admit(place, wheel).wheel == right, "an index that names no entry is not believed"


@pytest.mark.usefixtures("aged")
def test_a_known_hash_is_forgotten_when_the_file_changes(place, wheel):
    first = store.hash_wheel(place, wheel)
    assert os.listdir(os.path.join(place.root, "index"))
    other = make_wheel(
        os.path.dirname(wheel), "x", files=FILES | {"pkg/__init__.py": "A = 2\n"}, executables=["pkg/sub/m.py"]
    )
    assert other == wheel
    assert store.hash_wheel(place, wheel) != first


def test_a_file_changed_just_before_is_not_remembered(place, wheel):
    store.hash_wheel(place, wheel)
    assert os.listdir(os.path.join(place.root, "index")) == []


def test_a_file_changed_just_before_it_was_opened_is_not_remembered_however_long_hashing_takes(
    place, wheel, monkeypatch
):
    with open_source(wheel) as source:
        monkeypatch.setattr("time.time_ns", lambda: source.identity.ctime + 10**10)
        remember(place, wheel, source.identity, source.opened, source.hash())
    assert os.listdir(os.path.join(place.root, "index")) == []


@pytest.mark.usefixtures("aged")
def test_a_damaged_index_costs_one_hash(place, wheel):
    right = store.hash_wheel(place, wheel)
    (name,) = os.listdir(os.path.join(place.root, "index"))
    for text in ("", "nonsense", "1 2 3 4 5 " + "0" * 64):
        edit(os.path.join(place.root, "index", name), text)
        assert store.hash_wheel(place, wheel) == right


def look_into(place, manifest, archive):
    file = next(file for file in manifest.files if file.archive == archive)
    directory = files.open_root(os.path.join(tree_of(place, manifest), os.path.dirname(archive)))
    with directory:
        return store.intact(directory, os.path.basename(archive), file)


def test_an_untouched_file_is_intact(place, wheel):
    manifest = store.admit(place, wheel)
    assert all(look_into(place, manifest, file.archive) for file in manifest.files)


def test_an_edited_truncated_missing_or_replaced_file_is_not_intact(place, wheel):
    manifest = store.admit(place, wheel)
    path = os.path.join(tree_of(place, manifest), "pkg/__init__.py")
    edit(path, "A = 2\n")
    assert not look_into(place, manifest, "pkg/__init__.py")
    edit(path, "")
    assert not look_into(place, manifest, "pkg/__init__.py")
    os.unlink(path)
    assert not look_into(place, manifest, "pkg/__init__.py")
    os.symlink("sub/m.py", path)
    assert not look_into(place, manifest, "pkg/__init__.py")


def keep_time(path, change):
    """Change what stands at a path and put its time back, as whoever wants to deceive would."""
    status = os.stat(path)
    change()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns), follow_symlinks=False)


def test_a_truncated_file_with_its_old_time_is_not_intact(place, wheel):
    manifest = store.admit(place, wheel)
    path = os.path.join(tree_of(place, manifest), "pkg/__init__.py")
    keep_time(path, lambda: edit(path, "A"))
    assert not look_into(place, manifest, "pkg/__init__.py")


def test_a_symlink_with_a_files_size_mode_and_time_is_not_intact(place, wheel):
    manifest = store.admit(place, wheel)
    path = os.path.join(tree_of(place, manifest), "pkg/sub/m.py")

    def change():
        os.unlink(path)
        os.symlink("target", path)

    keep_time(path, change)
    assert os.lstat(path).st_size == next(file.size for file in manifest.files if file.archive == "pkg/sub/m.py")
    assert not look_into(place, manifest, "pkg/sub/m.py")


def test_many_hold_one_entry(place, wheel):
    manifest = store.admit(place, wheel)
    held = [store.hold_entry(place, manifest.wheel, PATIENCE._replace(timeout=0.0)) for _ in range(3)]
    for one in held:
        one.close()


def test_a_file_with_another_time_and_the_same_bytes_is_intact(place, wheel):
    manifest = store.admit(place, wheel)
    os.utime(os.path.join(tree_of(place, manifest), "pkg/__init__.py"), (5, 5))
    assert look_into(place, manifest, "pkg/__init__.py")


def test_a_file_with_another_execute_bit_is_not_intact(place, wheel):
    manifest = store.admit(place, wheel)
    os.chmod(os.path.join(tree_of(place, manifest), "pkg/__init__.py"), 0o755)
    os.chmod(os.path.join(tree_of(place, manifest), "pkg/sub/m.py"), 0o644)
    assert not look_into(place, manifest, "pkg/__init__.py")
    assert not look_into(place, manifest, "pkg/sub/m.py")


def test_a_script_is_read_and_a_changed_one_is_refused_and_set_aside(place, wheel):
    manifest = store.admit(place, wheel)
    file = next(file for file in manifest.files if file.rewritten)
    assert store.read_script(place, manifest, file) == b"#!python\nprint()\n"
    edit(os.path.join(tree_of(place, manifest), file.archive), "#!python\nevil()\n")
    with pytest.raises(StoreDamaged, match="scripts/t"):
        store.read_script(place, manifest, file)
    assert store.read_manifest(place, manifest.wheel) is None
    assert store.read_script(place, store.admit(place, wheel), file) == b"#!python\nprint()\n"


def test_an_entry_set_aside_is_unpacked_again_and_swept_by_prune(place, wheel):
    manifest = store.admit(place, wheel)
    store.set_aside(place, manifest.wheel)
    store.set_aside(place, manifest.wheel)
    assert store.read_manifest(place, manifest.wheel) is None
    assert store.admit(place, wheel) == manifest
    assert len(os.listdir(os.path.join(place.root, "aside"))) == 1
    store.prune(place, keep=[manifest.wheel])
    assert os.listdir(os.path.join(place.root, "aside")) == []
    assert store.read_manifest(place, manifest.wheel) == manifest


def test_an_entry_without_a_readable_manifest_is_replaced(place, wheel):
    manifest = store.admit(place, wheel)
    for text in ("", "torn"):
        edit(os.path.join(place.root, manifest.wheel, "manifest"), text)
        assert store.admit(place, wheel) == manifest
        assert store.read_manifest(place, manifest.wheel) == manifest


def restamp(place, manifest, stamp):
    with open(os.path.join(place.root, manifest.wheel, "stamp"), "wb") as stream:
        stream.write(format_stamp(stamp))


def read_stamp(place, manifest):
    with open(os.path.join(place.root, manifest.wheel, "stamp"), "rb") as stream:
        return parse_stamp(stream.read())


def test_after_another_start_of_the_machine_an_unsynced_entry_is_hashed_once(place, wheel):
    manifest = store.admit(place, wheel)
    restamp(place, manifest, Stamp("another-boot", False))
    assert store.admit(place, wheel) == manifest
    assert read_stamp(place, manifest).synced
    assert os.listdir(os.path.join(place.root, "aside")) == []


def test_what_a_power_cut_left_torn_is_unpacked_again(place, wheel):
    manifest = store.admit(place, wheel)
    path = os.path.join(tree_of(place, manifest), "pkg/__init__.py")
    status = os.stat(path)
    edit(path, "\0" * status.st_size)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert store.admit(place, wheel) == manifest
    with open(path, "rb") as stream:
        assert stream.read() == bytes(status.st_size), "the same start of the machine: trusted by its time"
    restamp(place, manifest, Stamp("another-boot", False))
    assert store.admit(place, wheel) == manifest
    with open(path, "rb") as stream:
        assert stream.read() == b"A = 1\n"


def test_a_synced_entry_is_trusted_after_another_start(place, wheel):
    manifest = store.admit(place, wheel)
    store.mark_synced(place, manifest.wheel)
    assert read_stamp(place, manifest).synced
    inode = os.stat(os.path.join(place.root, manifest.wheel, "stamp")).st_ino
    restamp(place, manifest, Stamp("another-boot", True))
    store.admit(place, wheel)
    assert read_stamp(place, manifest) == Stamp("another-boot", True)
    assert os.stat(os.path.join(place.root, manifest.wheel, "stamp")).st_ino == inode


def test_prune_removes_what_no_environment_links_to(place, wheel, tmp_path):
    used = store.admit(place, wheel)
    unused = store.admit(place, make_wheel(tmp_path, "y"))
    kept = store.admit(place, make_wheel(tmp_path, "z"))
    os.link(os.path.join(tree_of(place, used), "pkg/sub/m.py"), tmp_path / "installed.py")
    freed = store.prune(place, keep=[kept.wheel])
    assert freed > sum(file.size for file in unused.files)
    assert store.read_manifest(place, unused.wheel) is None
    assert store.read_manifest(place, used.wheel) == used
    assert store.read_manifest(place, kept.wheel) == kept
    assert store.prune(place, keep=[kept.wheel]) == 0


def test_clean_removes_every_entry_but_those_that_are_held(place, wheel, tmp_path):
    held_one = store.admit(place, wheel)
    other = store.admit(place, make_wheel(tmp_path, "y"))
    held = store.hold_entry(place, held_one.wheel, PATIENCE)
    store.clean(place)
    assert store.read_manifest(place, held_one.wheel) == held_one
    assert store.read_manifest(place, other.wheel) is None
    held.close()
    assert store.clean(place) > 0
    assert store.read_manifest(place, held_one.wheel) is None
    assert store.hold_entry(place, held_one.wheel, PATIENCE) is None
    assert store.admit(place, wheel) == held_one


@pytest.mark.usefixtures("aged")
def test_clean_forgets_what_the_index_knew(place, wheel):
    store.admit(place, wheel)
    assert os.listdir(os.path.join(place.root, "index"))
    store.clean(place)
    assert os.listdir(os.path.join(place.root, "index")) == []


def test_the_leftovers_of_a_dead_writer_are_swept(place, wheel):
    manifest = store.admit(place, wheel)
    store.clean(place)
    leftover = os.path.join(place.root, "temporary", manifest.wheel)
    os.makedirs(os.path.join(leftover, "tree", "pkg"))
    edit(os.path.join(leftover, "tree", "pkg", "__init__.py"), "torn")
    assert store.admit(place, wheel) == manifest
    assert all(look_into(place, manifest, file.archive) for file in manifest.files)
    assert os.listdir(os.path.join(place.root, "temporary")) == []
    os.makedirs(leftover)
    store.prune(place, keep=[manifest.wheel])
    assert os.listdir(os.path.join(place.root, "temporary")) == []


def test_an_interrupted_admission_leaves_nothing(place, wheel):
    def cancelled():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.admit(place, wheel, patience=PATIENCE._replace(cancelled=cancelled))
    assert os.listdir(os.path.join(place.root, "temporary")) == []
    assert [name for name in os.listdir(place.root) if len(name) == 64] == []


def test_a_store_of_a_newer_format_is_refused(place):
    edit(os.path.join(place.root, "format"), "2\n")
    with pytest.raises(NewerFormat, match="has format 2"):
        store.open_store(os.path.dirname(place.root))
    edit(os.path.join(place.root, "format"), "words")
    with pytest.raises(NewerFormat, match="has format words"):
        store.open_store(os.path.dirname(place.root))


def test_a_cache_that_cannot_be_made_is_said_in_a_sentence(tmp_path):
    edit(tmp_path / "cache", "a file")
    with pytest.raises(CannotWrite, match="cache/store"):
        store.open_store(str(tmp_path / "cache"))


def test_a_store_that_vanishes_after_it_was_opened_is_made_again(place, wheel, tmp_path):
    manifest = store.admit(place, wheel)
    for part in ("locks", "temporary", "index", "aside", manifest.wheel):
        shutil.rmtree(os.path.join(place.root, part))
        assert store.admit(place, wheel) == manifest
        store.prune(place, [manifest.wheel])
        store.hold_entry(place, manifest.wheel, PATIENCE).close()
    shutil.rmtree(tmp_path / "cache")
    assert store.hold_entry(place, manifest.wheel, PATIENCE) is None
    assert store.admit(place, wheel) == manifest
    assert store.admit(store.open_store(str(tmp_path / "cache")), wheel) == manifest


def test_a_store_in_which_nothing_can_be_made_is_said_in_a_sentence(place, wheel, tmp_path):
    manifest = store.admit(place, wheel)
    shutil.rmtree(tmp_path / "cache")
    edit(tmp_path / "cache", "a file")
    for act in (
        lambda: store.admit(place, wheel),
        lambda: store.hold_entry(place, manifest.wheel, PATIENCE),
        lambda: store.prune(place),
        lambda: store.clean(place),
        lambda: store.set_aside(place, manifest.wheel),
    ):
        with pytest.raises(CannotWrite, match="cache/store"):
            act()


def test_an_entry_that_was_never_used_can_be_used_from_a_read_only_store(place, wheel):
    """An image built with a filled cache: no lock file can be made any more."""
    manifest = store.admit(place, wheel)
    assert f"{manifest.wheel}.use" in os.listdir(os.path.join(place.root, "locks"))


def test_a_wheel_with_many_directories_and_long_names_is_unpacked(place, tmp_path):
    names = {f"a/{'n' * 255}/{number}/{'é' * 120}.py": str(number) for number in range(300)}
    manifest = store.admit(place, make_wheel(tmp_path, "x", files=names))
    assert all(look_into(place, manifest, file.archive) for file in manifest.files)
