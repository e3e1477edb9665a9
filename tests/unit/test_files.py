"""The door to disk: whole or not at all, never through a symlink, whoever else is at it."""

import base64
import contextlib
import errno
import hashlib
import os
import stat
import sys

import pytest

import children
from lugnut.system import files, lockfiles
from lugnut.system.native import native


@pytest.fixture
def here(tmp_path):
    with files.open_root(str(tmp_path)) as directory:
        yield directory


def mode_of(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def count_descriptors():
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture(autouse=True)
def no_descriptor_leaks():
    before = count_descriptors()
    yield
    assert count_descriptors() == before


def test_a_directory_closes_once_however_often_it_is_told(tmp_path):
    directory = files.open_root(str(tmp_path))
    directory.close()
    directory.close()
    assert directory.fd == -1


def test_a_closed_directory_is_not_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x").write_text("x")
    directory = files.open_root(str(tmp_path))
    directory.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        files.unlink(directory, "x")


def test_enter_creates_under_the_umask_and_is_content_with_what_stands(here, tmp_path):
    for _ in range(2):
        files.enter(here, "a", create=True).close()
    assert mode_of(tmp_path / "a") == 0o777 & ~umask()


def umask():
    value = os.umask(0)
    os.umask(value)
    return value


def test_enter_refuses_a_symlink(here, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "way").symlink_to("real")
    with pytest.raises(OSError, match="way") as caught:
        files.enter(here, "way", create=True)
    assert caught.value.errno in {errno.ENOTDIR, errno.ELOOP}


def test_enter_refuses_a_file(here, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError):
        files.enter(here, "file", create=True)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/etc", "../x"])
def test_enter_takes_one_component_alone(here, tmp_path, name):
    (tmp_path / "a" / "b").mkdir(parents=True)
    with pytest.raises(OSError, match="not the name of one directory"):
        files.enter(here, name)


def test_enter_says_when_the_parent_itself_was_removed(here):
    with files.enter(here, "a", create=True) as gone:
        files.rmdir(here, "a")
        with pytest.raises(FileNotFoundError):
            files.enter(gone, "b", create=True)


def test_enter_wins_against_whoever_makes_and_removes_the_same(here, tmp_path):
    code = """
import os, sys, contextlib
print("go", flush=True)
while not os.path.exists(sys.argv[2]):
    for act in (os.rmdir, os.mkdir, os.rmdir):
        with contextlib.suppress(OSError):
            act(sys.argv[1])
"""
    with children.child(code, tmp_path / "a", tmp_path / "stop") as remover:
        assert remover.hear() == "go"
        for _ in range(2000):
            files.enter(here, "a", create=True).close()
        (tmp_path / "stop").write_text("")
        assert remover.finish() == (0, "", "")


def test_enter_is_content_with_a_directory_that_another_made_a_moment_before(here, tmp_path, monkeypatch):
    make = os.mkdir

    def be_late(*words, **more):
        make(*words, **more)
        make(*words, **more)

    monkeypatch.setattr(os, "mkdir", be_late)
    files.enter(here, "a", create=True).close()
    assert (tmp_path / "a").is_dir()


def test_a_path_below_is_entered_component_by_component(here, tmp_path):
    with files.enter_path(here, "a/b/c", create=True) as inner:
        files.write(inner, "x", b"1")
    assert (tmp_path / "a/b/c/x").read_bytes() == b"1"
    (tmp_path / "a/way").symlink_to("b")
    with pytest.raises(OSError, match="way"):
        files.enter_path(here, "a/way/c")


def test_a_shared_directory_gets_its_parents_group_and_mode(here, tmp_path):
    os.chmod(tmp_path, 0o2775)
    files.enter(here, "ours", create=True, shared=True).close()
    assert mode_of(tmp_path / "ours") == 0o2775


def test_link_claims_a_name_once(here, tmp_path):
    files.write(here, "a", b"1")
    files.link(here, "a", here, "b")
    assert os.path.samefile(tmp_path / "a", tmp_path / "b")
    with pytest.raises(FileExistsError):
        files.link(here, "a", here, "b")


def test_link_never_looks_behind_a_symlink(here, tmp_path):
    (tmp_path / "secret").write_text("s")
    (tmp_path / "way").symlink_to("secret")
    files.link(here, "way", here, "b")
    assert os.path.islink(tmp_path / "b")


def test_rename_replaces_a_file(here, tmp_path):
    files.write(here, "a", b"new")
    files.write(here, "b", b"old")
    files.rename(here, "a", here, "b")
    assert [entry.name for entry in tmp_path.iterdir()] == ["b"]
    assert files.read(here, "b") == b"new"


def test_publish_moves_to_a_free_name_alone(here):
    files.write(here, "a", b"1")
    files.publish(here, "a", here, "b")
    assert files.list_names(here) == ["b"]
    files.write(here, "a", b"2")
    with pytest.raises(FileExistsError):
        files.publish(here, "a", here, "b")
    assert (files.read(here, "a"), files.read(here, "b")) == (b"2", b"1")


def test_publish_does_without_hard_links(here):
    """A directory has none: what is left is renameat2, as on a file system without them."""
    files.mkdir(here, "a")
    files.publish(here, "a", here, "b")
    assert files.list_names(here) == ["b"]
    files.mkdir(here, "a")
    with pytest.raises(FileExistsError):
        files.publish(here, "a", here, "b")


def test_look_says_none_where_nothing_stands_and_does_not_follow(here, tmp_path):
    (tmp_path / "way").symlink_to("nowhere")
    assert files.look(here, "nothing") is None
    assert stat.S_ISLNK(files.look(here, "way").st_mode)


def test_names_come_sorted(here):
    for name in "bcaBd":
        files.write(here, name, b"")
    assert files.list_names(here) == ["B", "a", "b", "c", "d"]


def test_two_processes_list_an_inherited_directory_at_once_and_each_sees_all_of_it(tmp_path):
    """They share one open directory and so its reading position, unless each reads through its own."""
    code = """
import os, sys
from lugnut.system import files
directory = files.open_root(sys.argv[1])
reading, writing = os.pipe()
pids = []
for _ in range(2):
    pid = os.fork()
    if pid == 0:
        os.close(writing)
        os.read(reading, 1)
        os._exit(not all(len(files.list_names(directory)) == 3000 for _ in range(100)))
    pids.append(pid)
os.close(writing)
print([os.waitpid(pid, 0)[1] for pid in pids])
"""
    for number in range(3000):
        (tmp_path / f"{number:060}").touch()
    assert children.run(code, tmp_path) == "[0, 0]\n"


def test_read_gives_all_and_refuses_more_than_the_limit(here):
    files.write(here, "a", b"12345")
    assert files.read(here, "a", 5) == b"12345"
    with pytest.raises(OSError, match="larger than 4 bytes"):
        files.read(here, "a", 4)


def test_only_regular_files_are_read_and_a_fifo_does_not_hang(here, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "directory").mkdir()
    for name in ("fifo", "directory"):
        for act in (files.read, files.digest):
            with pytest.raises(OSError, match="not a regular file"):
                act(here, name)
    (tmp_path / "way").symlink_to("/dev/zero")
    with pytest.raises(OSError, match="symbolic"):
        files.read(here, "way")


@pytest.mark.parametrize("mask", [0o000, 0o077])
@pytest.mark.parametrize("mode", [0o644, 0o755])
def test_a_written_file_has_its_mode_and_time_under_every_umask(here, tmp_path, mask, mode):
    before = os.umask(mask)
    try:
        files.write(here, "a", b"1", mode=mode, mtime=400_000_000)
    finally:
        os.umask(before)
    found = os.stat(tmp_path / "a")
    assert (stat.S_IMODE(found.st_mode), found.st_mtime_ns) == (mode, 400_000_000 * 10**9)


def test_write_never_writes_into_what_stands(here, tmp_path):
    (tmp_path / "a").write_text("theirs")
    (tmp_path / "way").symlink_to("new")
    for name in ("a", "way"):
        with pytest.raises(FileExistsError):
            files.write(here, name, b"ours")
    assert (tmp_path / "a").read_text() == "theirs"
    assert not (tmp_path / "new").exists()


def test_what_cannot_be_written_to_its_end_leaves_nothing(here):
    def pieces():
        yield b"some"
        raise ValueError("damaged")

    with pytest.raises(ValueError, match="damaged"):
        files.write_pieces(here, "a", pieces())
    assert files.list_names(here) == []


def test_a_full_disk_leaves_nothing(tmp_path):
    """RLIMIT_FSIZE makes write() write part and then fail, as a full disk does (TRAPS 28)."""
    code = """
import os, resource, signal, sys
from lugnut.system import files
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
here = files.open_root(sys.argv[1])
for act in (files.write, files.replace, files.write_whole):
    try:
        act(here, "a", b"x" * 5000)
    except OSError as error:
        print(error.strerror, files.list_names(here))
"""
    assert children.run(code, tmp_path) == "File too large []\n" * 3


def test_every_byte_is_written_though_the_system_takes_part():
    """What a signal interrupts, a pipe or a full disk take in part (TRAPS 28)."""
    data = os.urandom(3_000_000)
    code = "import sys, hashlib; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())"
    with children.child(code) as reader:
        files.write_all(reader.process.stdin.fileno(), data)
        reader.process.stdin.close()
        assert reader.hear() == hashlib.sha256(data).hexdigest()


def test_replace_leaves_other_names_of_the_old_file_alone(here, tmp_path):
    files.write(here, "store", b"old")
    files.link(here, "store", here, "shown")
    files.replace(here, "shown", b"new", mode=0o755)
    assert (files.read(here, "store"), files.read(here, "shown")) == (b"old", b"new")
    assert mode_of(tmp_path / "shown") == 0o755
    assert files.list_names(here) == ["shown", "store"]


def test_replace_that_fails_leaves_no_litter(here):
    files.mkdir(here, "directory")
    with pytest.raises(IsADirectoryError):
        files.replace(here, "directory", b"1")
    assert files.list_names(here) == ["directory"]


def test_write_whole_creates_or_fails_and_leaves_no_litter(here):
    files.write_whole(here, "a", b"1")
    with pytest.raises(FileExistsError):
        files.write_whole(here, "a", b"2")
    assert (files.list_names(here), files.read(here, "a")) == (["a"], b"1")


def test_append_adds(here):
    for word in (b"a\n", b"b\n"):
        files.append(here, "log", word)
    assert files.read(here, "log") == b"a\nb\n"


def test_a_file_that_changes_while_it_is_hashed_is_hashed_again(here, tmp_path, monkeypatch):
    path = tmp_path / "x"
    path.write_bytes(bytes(3 << 20))
    read = os.read

    def read_and_change(descriptor, length):
        data = read(descriptor, length)
        if path.read_bytes()[:1] != b"x":
            with open(path, "r+b") as stream:
                stream.write(b"x")
            os.utime(path, (1, 1))
        return data

    monkeypatch.setattr(os, "read", read_and_change)
    digest, status = files.digest(here, "x")
    right = hashlib.sha256(path.read_bytes()).digest()
    assert digest == base64.urlsafe_b64encode(right).rstrip(b"=").decode()
    assert status.st_mtime == 1


def test_digest_is_spelled_as_record_spells_it(here):
    data = os.urandom(3_000_000)
    files.write(here, "a", data)
    digest, found = files.digest(here, "a")
    assert digest == base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    assert (found.st_size, found.st_ino) == (len(data), files.look(here, "a").st_ino)


def test_a_copy_has_content_mode_and_time_and_an_inode_of_its_own(here):
    files.write(here, "a", b"x" * 3_000_000, mode=0o755, mtime=500_000_000)
    files.copy(here, "a", here, "b", clone=False)
    one, two = files.look(here, "a"), files.look(here, "b")
    assert one.st_ino != two.st_ino
    assert (two.st_mode, two.st_mtime_ns) == (one.st_mode, one.st_mtime_ns)
    assert files.read(here, "b") == files.read(here, "a")
    with pytest.raises(FileExistsError):
        files.copy(here, "a", here, "b", clone=False)


def test_a_reflink_is_whole_or_leaves_nothing(here):
    files.write(here, "a", b"1")
    try:
        files.copy(here, "a", here, "b", clone=True)
    except OSError:
        assert files.list_names(here) == ["a"]  # TRAPS 27
    else:
        assert files.read(here, "b") == b"1"


def test_a_tree_is_removed_but_nothing_behind_its_symlinks(here, tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").write_text("k")
    (tmp_path / "tree" / "inner").mkdir(parents=True)
    (tmp_path / "tree" / "inner" / "way").symlink_to(tmp_path / "kept")
    (tmp_path / "tree" / "file").write_text("x")
    files.remove_tree(here, "tree")
    assert files.list_names(here) == ["kept"]
    assert (tmp_path / "kept" / "file").read_text() == "k"


def test_removing_takes_files_and_symlinks_and_what_is_not_there(here, tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "way").symlink_to("file")
    for name in ("way", "file", "nothing"):
        files.remove_tree(here, name)
    assert files.list_names(here) == []


def test_a_tree_that_cannot_be_removed_says_so():
    with pytest.raises(OSError, match=r"Permission|permitted|Read-only|busy"), files.open_root("/proc") as proc:
        files.remove_tree(proc, "version")


def test_several_processes_remove_one_tree_and_none_fails(here, tmp_path):
    code = """
import sys
from lugnut.system import files
here = files.open_root(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
files.remove_tree(here, "tree")
"""
    for outer in range(30):
        (tmp_path / "tree" / str(outer)).mkdir(parents=True)
        for inner in range(30):
            (tmp_path / "tree" / str(outer) / str(inner)).touch()
    removers = [children.Child(code, tmp_path) for _ in range(3)]
    assert [one.hear() for one in removers] == ["ready"] * 3
    for one in removers:
        one.say()
    assert [one.finish() for one in removers] == [(0, "", "")] * 3
    assert files.list_names(here) == []


def test_syncing_reaches_directory_file_and_volume(here):
    files.write(here, "a", b"1")
    files.sync(here)
    files.sync_file(here, "a")
    files.sync_volume(here)


def test_one_volume_is_told_from_another(here):
    with files.open_root("/proc") as proc:
        assert files.same_volume(here, here)
        assert not files.same_volume(here, proc)


def test_case_is_not_folded_here_and_asking_leaves_nothing(here):
    assert not files.folds_case(here)
    assert files.list_names(here) == []


def test_normal_forms_are_not_folded_here_and_what_tells_it_stays(here):
    assert not files.folds_forms(here)
    assert files.list_names(here) == ["_caf\u00e9"]


def test_two_normal_forms_that_are_listed_are_two_names(here):
    files.write(here, "_cafe\u0301", b"")  # of an environment that was copied from where they are one
    assert not files.folds_forms(here)


def test_what_tells_normal_forms_has_one_name_whatever_the_locale(tmp_path):
    code = "import sys; from lugnut.system import files; print(files.folds_forms(files.open_root(sys.argv[1])))"
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    with children.child(code, tmp_path, environ=plain) as asked:
        assert asked.finish() == (0, "False\n", "")
    assert os.listdir(os.fsencode(tmp_path)) == ["_caf\u00e9".encode()]


def test_case_is_asked_of_names_that_stand_without_writing(here, tmp_path):
    files.write(here, "name", b"")
    before = os.stat(tmp_path).st_mtime_ns
    assert not files.folds_case(here)
    assert os.stat(tmp_path).st_mtime_ns == before


def test_directories_are_made_with_their_parents(tmp_path):
    with files.make_directories(str(tmp_path / "a" / "b")) as made:
        assert made.path == str(tmp_path / "a" / "b")


def test_a_lock_file_is_made_with_what_its_directory_gives(here, tmp_path):
    for name, mode, wanted in (("a", 0o755, 0o644), ("b", 0o775, 0o664), ("c", 0o777, 0o666)):
        os.chmod(tmp_path, mode)
        os.close(files.open_lock(here, name, create=True))
        assert mode_of(tmp_path / name) == wanted & ~(umask() if mode == 0o755 else 0)
    assert files.list_names(here) == ["a", "b", "c"]


def test_a_lock_file_gets_its_directorys_group(here, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root may give groups away")
    os.chown(tmp_path, -1, 12345)
    os.chmod(tmp_path, 0o775)
    os.close(files.open_lock(here, "a", create=True))
    assert os.stat(tmp_path / "a").st_gid == 12345


def in_a_child(act):
    """Do something in a fork of this process, which `act` may end where it likes."""
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            act()
        os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_who_is_killed_as_he_makes_a_lock_others_share_leaves_nothing(here, tmp_path, monkeypatch):
    os.chmod(tmp_path, 0o775)
    try:
        os.close(os.open(tmp_path, os.O_TMPFILE | os.O_RDWR))
    except (AttributeError, OSError) as error:
        pytest.skip(f"no file without a name here: {error}")
    monkeypatch.setattr(os, "link", lambda *_words, **_options: os._exit(9))
    assert in_a_child(lambda: files.open_lock(here, "a", create=True)) == 9
    assert files.list_names(here) == []


def test_a_lock_whose_unfinished_name_is_swept_is_made_again(here, tmp_path, monkeypatch):
    """Where a file cannot appear at once: it has its mode from its first moment all the same."""
    os.chmod(tmp_path, 0o775)
    publish, swept = lockfiles.publish, []

    def sweep_first(source_dir, source, target_dir, target):
        assert source.startswith(files.UNFINISHED)
        if not swept:
            swept.append(source)
            os.unlink(tmp_path / source)
        publish(source_dir, source, target_dir, target)

    monkeypatch.setattr(native, "appear", lambda *_words, **_options: False)
    monkeypatch.setattr(lockfiles, "publish", sweep_first)
    monkeypatch.setattr(native, "share_mode", watch_modes(native.share_mode, tmp_path))
    os.close(files.open_lock(here, "a", create=True))
    assert swept
    assert mode_of(tmp_path / "a") == 0o664
    assert files.list_names(here) == ["a"]


def watch_modes(share_mode, place):
    def watch(directory, descriptor, *, mode):
        assert not os.path.exists(place / "a"), "it is there before it has its mode"
        share_mode(directory, descriptor, mode=mode)

    return watch


def test_starting_costs_no_import_that_only_some_runs_need():
    heavy = ["portalocker", "psutil", "ctypes", "subprocess", "pickle", "threading", "queue", "hashlib"]
    code = (
        f"import sys; from lugnut.system import files, locks, workers; print([m for m in {heavy} if m in sys.modules])"
    )
    assert children.run(code) == "[]\n"


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o277])
def test_a_batch_of_files_has_modes_and_times_as_asked_under_every_umask(here, umask):
    batch = files.Batch()
    before = os.umask(umask)
    try:
        for name, mode in (("a", 0o644), ("b", 0o755), ("c", 0o644)):
            batch.write(here, name, (b"1", b"", b"2"), mode=mode, mtime=1_000_000)
    finally:
        os.umask(before)
    found = {name: os.stat(os.path.join(here.path, name)) for name in "abc"}
    assert [stat.S_IMODE(found[name].st_mode) for name in "abc"] == [0o644, 0o755, 0o644]
    assert {status.st_mtime_ns for status in found.values()} == {1_000_000 * 10**9}
    assert {status.st_size for status in found.values()} == {2}


def test_a_batch_leaves_nothing_of_a_file_whose_content_failed_and_replaces_none(here):
    def broken():
        yield b"1"
        raise RuntimeError("broken")

    batch = files.Batch()
    with pytest.raises(RuntimeError, match="broken"):
        batch.write(here, "a", broken(), mode=0o644, mtime=0)
    batch.write(here, "a", (b"1",), mode=0o644, mtime=0)
    with pytest.raises(FileExistsError):
        batch.write(here, "a", (b"2",), mode=0o644, mtime=0)
    assert files.list_names(here) == ["a"]
    assert files.read(here, "a") == b"1"


def test_a_directory_is_made_or_the_one_that_stands_there_taken(here):
    for _ in range(2):
        files.make_directory(here, "d").close()
    files.write(here, "f", b"")
    files.symlink(here, "s", "d")
    for name in ("f", "s"):
        with pytest.raises(OSError, match=name):
            files.make_directory(here, name)
    with pytest.raises(OSError, match="one directory"):
        files.make_directory(here, "../x")


def test_what_may_be_replaced_is_known_without_ctypes_too(here, tmp_path, monkeypatch):
    """A Python built without libffi has none; one that is linked statically cannot look into itself."""
    names = [f"f{number}" for number in range(100)]
    for name in names:
        (tmp_path / name).write_bytes(b"")
    from lugnut.system import _posix

    _posix._ask_attributes.cache_clear()
    monkeypatch.setitem(sys.modules, "ctypes", None)
    try:
        assert files.movable(here, *names)
    finally:
        _posix._ask_attributes.cache_clear()


def test_more_than_was_asked_for_is_not_read_of_a_file_that_is_too_large(here, tmp_path):
    (tmp_path / "f").write_bytes(b"0123456789")
    assert files.read_start(here, "f", 4, limit=8) == b"0123"
    assert files.read_start(here, "f", 4, lambda _: True, limit=10) == b"0123456789"
    with pytest.raises(OSError, match="larger than 9 bytes") as raised:
        files.read_start(here, "f", 4, lambda _: True, limit=9)
    assert raised.value.errno == errno.EFBIG
