"""Bad input, from the command line to the exit code: one sentence that names what is wrong and what to do about it.

Each thing that can be wrong is asked of install, sync and lock, and of both resolvers where one of them is asked at
all. A refusal leaves the environment, its `.lugnut` and a lock that stood there as they were, byte for byte, and
nothing in the cache that a later run could take for whole; once what was wrong is over, the same words do their work.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.tags import sys_tags

from fetches import small_disk
from indexes import Fault, IndexServer, serve
from programs import find_program, run
from projects import make_tree, pack
from rooms import Ran, Room, one_sentence
from trees import Tree, look, walk
from wheels import make_wheel

FOREIGN = "foreign-2.0-py3-none-win_amd64.whl"
LIB = "lib-2.0-py3-none-any.whl"
NOBODYS = "0" * 64
NEVER = 'sys_platform == "never"'
OLD = "# a lock that stood here before\n"

by_both = pytest.mark.parametrize("resolver", ["uv", "pip"])
by_all = pytest.mark.parametrize("act", ["install", "sync", "lock"])
by_reader = pytest.mark.parametrize("act", ["install", "sync"])
by_solver = pytest.mark.parametrize("act", ["install", "lock"])


class Refusal(NamedTuple):
    """What a run that failed said."""

    sentence: str
    hint: str


class Counter:
    """Where requirements and locks are handed in: a room with an index, and `beside` installed."""

    def __init__(self, path: Path, index: IndexServer) -> None:
        self.index = index
        self.room = Room(path / "room")
        for name in ("LUGNUT_NO_INDEX", "UV_OFFLINE"):
            self.room.environ.pop(name)
        self.room.environ["LUGNUT_INDEX_URL"] = index.simple
        self.room.do("install", *self.at_hand(), "beside==1.0")
        self.lock = path / "pylock.toml"

    def words(self, act: str, text: str, *flags: str) -> list[str]:
        """Hand in a requirements file."""
        asked = self.write("asked.txt", text)
        target = [asked] if act == "sync" else ["-r", asked]
        return [act, *target, *flags, *(["-o", str(self.lock)] if act == "lock" else [])]

    def lock_words(self, act: str, document: str) -> list[str]:
        """Hand in a lock."""
        path = self.write("pylock.given.toml", document)
        return [act, path] if act == "sync" else [act, "-r", path]

    def at_hand(self) -> tuple[str, ...]:
        """Flags that leave no resolver and no index anything to do."""
        return ("--no-index", "--find-links", self.index.directory)

    def write(self, name: str, text: str) -> str:
        path = self.room.path / name
        path.write_text(text)
        return str(path)

    def make_lock(self, *words: str) -> str:
        """Give the text of a right lock."""
        path = self.room.path / "pylock.made.toml"
        self.room.do("lock", *words, "-o", str(path))
        return path.read_text()

    def digest(self, filename: str) -> str:
        return hashlib.sha256(Path(self.index.directory, filename).read_bytes()).hexdigest()

    def everything(self) -> Tree:
        """Give the environment and all that is lugnut's own in it, but for the lock that uv keeps in a prefix."""
        root = str(self.room.prefix)
        paths = (path for path, _ in walk(root, skipped=frozenset()))
        return {path: look(os.path.join(root, path)) for path in paths if path != ".lock"}

    def standing(self) -> list[str]:
        ran = run([find_program("lugnut"), "list", "--python", str(self.room.prefix), "--json"], self.room.environ)
        return sorted(f"{one['name']}=={one['version']}" for one in json.loads(ran.out)["installed"])

    def refused(self, words: list[str], *, parts: bool = False) -> Refusal:
        """Run what cannot be done, and see that it left nothing; `parts`: but for downloads that can be taken up."""
        self.lock.write_text(OLD)
        before = self.everything()
        ran = self.room.lugnut(*words)
        assert (ran.code, ran.out) == (1, ""), ran.err
        assert self.everything() == before
        assert self.lock.read_text() == OLD
        assert find_half(self.room.cache, parts=parts) == []
        return read_refusal(ran)

    def installs(self, words: list[str], *names: str) -> None:
        """The same words, once nothing is in their way, do their work."""
        self.room.do(*words)
        assert set(names) <= set(self.standing())
        assert self.room.findings() == []
        assert find_half(self.room.cache) == []


def read_refusal(ran: Ran) -> Refusal:
    """Give sentence and hint: both have to be there, and nothing else but that a build began."""
    lines = [line for line in ran.err.splitlines() if not line.startswith("building ")]
    sentence = one_sentence("\n".join(lines))
    assert len(lines) == 2, ran.err
    assert len(sentence) < 600
    return Refusal(sentence, lines[1].removeprefix("hint: "))


def find_half(cache: Path, *, parts: bool = False) -> list[str]:
    """Give what lies in a cache and is not whole."""
    kinds = ["temporary/**/*", "aside/**/*", "downloads/*.new", *([] if parts else ["downloads/*.part"])]
    found = [path for home in ("store", "built") for kind in kinds for path in (cache / home).glob(kind)]
    entries = [path for path in (cache / "store").glob("*") if len(path.name) == len(NOBODYS)]
    found += [path for path in entries if not {"manifest", "stamp", "tree"} <= set(os.listdir(path))]
    return sorted(str(path.relative_to(cache)) for path in found)


def has_all(text: str, *words: str) -> bool:
    return [word for word in words if word not in text] == []


def names_tags(said: Refusal) -> bool:
    """Whether a refusal tells the tags of the wheels there are, and those of this platform that come closest."""
    told = f"{said.sentence} {said.hint}"
    ours = {tag.platform for tag in sys_tags()} - {"any"}
    return "win_amd64" in told and any(platform in told for platform in ours)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[IndexServer]:
    directory = tmp_path / "index"
    make_wheel(directory, "beside")
    make_wheel(directory, "app", requires=["lib>=1"])
    make_wheel(directory, "lib", "1.0"), make_wheel(directory, "lib", "2.0")
    make_wheel(directory, "left", requires=["lib<2"]), make_wheel(directory, "right", requires=["lib>=2"])
    make_wheel(directory, "foreign", "1.0", tag="py3-none-win32")
    make_wheel(directory, "foreign", "2.0", tag="py3-none-win_amd64")
    make_wheel(directory, "torn", "1.0"), make_wheel(directory, "torn", "1.1")
    make_wheel(directory, "big", files={"big.py": random.Random(1).randbytes(600_000)}, compress=False)
    make_wheel(directory, "wide", files={"wide.py": b"#" * 2_000_000})
    pack(make_tree(tmp_path / "sources", "tiny")).rename(directory / "tiny-1.0.tar.gz")
    yanked = {"torn-1.0-py3-none-any.whl": "", "torn-1.1-py3-none-any.whl": "it eats data"}
    with serve(directory, yanked=yanked) as server:
        yield server


@pytest.fixture
def counter(tmp_path: Path, index: IndexServer) -> Counter:
    return Counter(tmp_path, index)


# --- hashes -----------------------------------------------------------------------------------------------------------


@by_both
@by_all
def test_a_wrong_hash_is_told_with_the_right_one_and_its_line(counter: Counter, act: str, resolver: str) -> None:
    text, right = f"# pinned\nlib==2.0 --hash=sha256:{NOBODYS}\n", counter.digest(LIB)
    said = counter.refused(counter.words(act, text, "--require-hashes", "--resolver", resolver))
    assert has_all(said.sentence, "lib==2.0", right, NOBODYS, "asked.txt:2")
    counter.room.do(*counter.words(act, text.replace(NOBODYS, right), "--require-hashes", "--resolver", resolver))


@by_both
def test_a_wrong_hash_is_refused_where_none_is_required(counter: Counter, resolver: str) -> None:
    words = counter.words("install", f"lib==2.0 --hash=sha256:{NOBODYS}\n", "--resolver", resolver)
    assert has_all(counter.refused(words).sentence, "lib==2.0", NOBODYS, "asked.txt:1")


@by_both
@by_all
def test_a_missing_hash_is_given_to_be_pasted(counter: Counter, act: str, resolver: str) -> None:
    flags = ("--require-hashes", "--resolver", resolver)
    said = counter.refused(counter.words(act, "lib==2.0\n", *flags))
    pasted = f"--hash=sha256:{counter.digest(LIB)}"
    assert said.sentence.startswith("lib==2.0 has no --hash")
    assert pasted in said.hint
    counter.room.do(*counter.words(act, f"lib==2.0 {pasted}\n", *flags))


@by_both
@by_solver
def test_a_dependency_without_a_hash_is_named(counter: Counter, act: str, resolver: str) -> None:
    text = f"app==1.0 --hash=sha256:{counter.digest('app-1.0-py3-none-any.whl')}\n"
    said = counter.refused(counter.words(act, text, "--require-hashes", "--resolver", resolver))
    assert said.sentence.startswith("lib")
    assert "has no --hash" in said.sentence
    assert "--hash=sha256:" in said.hint


@by_reader
@pytest.mark.parametrize(("line", "word"), [("lib==2.0", "no --hash"), (f"lib==2.0 --hash=sha256:{NOBODYS}", NOBODYS)])
def test_hashes_are_held_to_without_a_resolver(counter: Counter, act: str, line: str, word: str) -> None:
    said = counter.refused(counter.words(act, f"{line}\n", "--require-hashes", *counter.at_hand()))
    assert has_all(said.sentence, "lib", word, "asked.txt:1")


@by_reader
def test_a_wrong_hash_in_a_lock_is_refused(counter: Counter, act: str) -> None:
    text, right = counter.make_lock("app"), counter.digest(LIB)
    said = counter.refused(counter.lock_words(act, text.replace(right, NOBODYS)), parts=True)
    assert has_all(said.sentence, LIB, right, NOBODYS)
    counter.installs(counter.lock_words(act, text), "app==1.0", "lib==2.0")


# --- names ------------------------------------------------------------------------------------------------------------


@by_both
@by_all
def test_an_unknown_name_is_named(counter: Counter, act: str, resolver: str) -> None:
    words = counter.words(act, "lib\nno-such-thing\n", "--resolver", resolver)
    assert "no-such-thing" in counter.refused(words).sentence
    make_wheel(counter.index.directory, "no-such-thing")
    counter.room.do(*words)


@by_reader
def test_an_unknown_name_is_named_without_an_index(counter: Counter, act: str) -> None:
    said = counter.refused(counter.words(act, "lib==2.0\nno-such-thing\n", *counter.at_hand()))
    assert has_all(said.sentence, "no-such-thing", "asked.txt:2")


# --- platforms --------------------------------------------------------------------------------------------------------


@by_both
@by_all
def test_what_has_no_wheel_for_this_platform_is_told_with_the_closest_tags(
    counter: Counter, act: str, resolver: str
) -> None:
    said = counter.refused(counter.words(act, "foreign==2.0\n", "--resolver", resolver))
    assert "foreign" in said.sentence
    assert names_tags(said), said


@by_both
def test_a_wheel_for_another_platform_is_refused_by_url(counter: Counter, resolver: str) -> None:
    said = counter.refused(["install", counter.index.file_url(FOREIGN), "--resolver", resolver])
    assert FOREIGN in said.sentence


@by_reader
@pytest.mark.parametrize("way", ["path", "links"])
def test_a_wheel_for_another_platform_at_hand_is_told_with_the_closest_tags(
    counter: Counter, act: str, way: str
) -> None:
    line = "foreign==2.0" if way == "links" else os.path.join(counter.index.directory, FOREIGN)
    said = counter.refused(counter.words(act, f"{line}\n", *counter.at_hand()))
    assert "foreign" in said.sentence
    assert names_tags(said), said


FOREIGN_LOCK = """lock-version = "1.0"
created-by = "somebody"
[[packages]]
name = "foreign"
version = "2.0"
"""


@by_reader
@pytest.mark.parametrize("source", ["wheels = [{}]", "archive = {}"], ids=["wheel", "archive"])
def test_a_lock_for_another_platform_is_told_with_the_closest_tags(counter: Counter, act: str, source: str) -> None:
    file = f'{{ url = "{counter.index.file_url(FOREIGN)}", hashes = {{ sha256 = "{counter.digest(FOREIGN)}" }} }}'
    said = counter.refused(counter.lock_words(act, FOREIGN_LOCK + source.replace("{}", file)))
    assert "foreign" in said.sentence
    assert names_tags(said), said


# --- yanked -----------------------------------------------------------------------------------------------------------


@by_both
@by_all
def test_what_was_yanked_is_said_to_be(counter: Counter, act: str, resolver: str) -> None:
    said = counter.refused(counter.words(act, "torn>=1\n", "--resolver", resolver))
    assert has_all(said.sentence, "torn", "yanked"), said
    assert "conclude" not in said.sentence


@by_both
def test_a_pin_takes_what_was_yanked_with_a_warning(counter: Counter, resolver: str) -> None:
    said = counter.room.do("install", "torn==1.1", "--resolver", resolver).err
    assert counter.standing() == ["beside==1.0", "torn==1.1"]
    assert [line for line in said.splitlines() if line.startswith("warning: ") and has_all(line, "torn", "yanked")]


# --- sets -------------------------------------------------------------------------------------------------------------


@by_both
@pytest.mark.parametrize(
    ("act", "text"), [("install", "left\nright\n"), ("lock", "left\nright\n"), ("sync", "lib<2\nlib>=2\n")]
)
def test_a_set_that_cannot_be_met_is_told_by_the_backends_reason(
    counter: Counter, act: str, text: str, resolver: str
) -> None:
    said = counter.refused(counter.words(act, text, "--resolver", resolver))
    assert has_all(said.sentence, "lib<2", "lib>=2"), said
    assert said.hint.endswith(f"-v shows all that {resolver} said")


@by_both
@by_solver
def test_all_that_the_backend_said_is_kept_for_v(counter: Counter, act: str, resolver: str) -> None:
    before = counter.everything()
    ran = counter.room.lugnut(*counter.words(act, "left\nright\n", "--resolver", resolver), "-v", "--json")
    detail = json.loads(ran.out)["data"]["detail"].splitlines()
    assert len(detail) > 1
    assert [line for line in detail if line.strip() not in ran.err] == []
    assert ran.code == 1
    assert counter.everything() == before


# --- lines and files --------------------------------------------------------------------------------------------------


@by_all
@pytest.mark.parametrize(
    "line", ["app === = 1", "lib; python == 'x'", "--frobnicate", "-r nothing.txt", "lib==${NONE}"]
)
def test_a_line_that_is_none_is_told_with_its_file_and_line(counter: Counter, act: str, line: str) -> None:
    counter.write("below.txt", f"# the second line\n{line}\n")
    said = counter.refused(counter.words(act, "lib\n-r below.txt\n"))
    assert "below.txt:2: " in said.sentence
    assert line.rpartition(" ")[2] in said.sentence
    assert counter.index.asked == []


@by_all
@pytest.mark.parametrize("flag", ["-r", "-c"])
def test_files_that_include_each_other_are_named_in_their_order(counter: Counter, act: str, flag: str) -> None:
    counter.write("below.txt", f"# and back\n{flag} asked.txt\n")
    said = counter.refused(counter.words(act, f"lib\n{flag} below.txt\n"))
    assert has_all(said.sentence, "below.txt:2: the file includes itself", "asked.txt > ")
    assert said.sentence.endswith(f": {flag} asked.txt")
    assert counter.index.asked == []


@by_all
def test_a_file_that_includes_itself_is_named(counter: Counter, act: str) -> None:
    said = counter.refused(counter.words(act, "lib\n-r asked.txt\n"))
    assert "asked.txt:2: the file includes itself" in said.sentence


# --- locks ------------------------------------------------------------------------------------------------------------


@by_reader
@pytest.mark.parametrize(
    ("head", "word"),
    [('lock-version = "2.0"', "2.0"), ("lock-version = 1", "str"), ('lock-version = "one"', "one"), ("", "missing")],
)
def test_a_lock_of_another_version_is_refused(counter: Counter, act: str, head: str, word: str) -> None:
    said = counter.refused(counter.lock_words(act, f'{head}\ncreated-by = "somebody"\npackages = []\n'))
    assert has_all(said.sentence, "pylock.given.toml cannot be used as a lock file", "lock-version", word)
    assert "lock" in said.hint


@by_reader
def test_a_lock_of_a_newer_minor_version_is_read_with_a_warning(counter: Counter, act: str) -> None:
    text = counter.make_lock("app").replace('lock-version = "1.0"', 'lock-version = "1.7"')
    said = counter.room.do(*counter.lock_words(act, text)).err.splitlines()
    assert [line.partition(":")[0] for line in said if "1.7" in line] == ["warning"]
    assert "app==1.0" in counter.standing()


@by_reader
def test_a_lock_for_other_environments_is_refused(counter: Counter, act: str) -> None:
    lock = f"environments = ['{NEVER}']\n{counter.make_lock('app')}"
    said = counter.refused(counter.lock_words(act, lock))
    assert has_all(said.sentence, "pylock.given.toml", "environment")
    assert "lock it again" in said.hint


# --- markers ----------------------------------------------------------------------------------------------------------


@by_both
@pytest.mark.parametrize("way", ["file", "words"])
def test_what_no_marker_asks_for_is_nothing_to_do(counter: Counter, resolver: str, way: str) -> None:
    text = f"lib; {NEVER}\nno-such-thing==1; {NEVER}\n"
    words = ["install", *text.splitlines()] if way == "words" else counter.words("install", text)
    before = counter.everything()
    said = counter.room.do(*words, "--resolver", resolver).err
    assert said.startswith("Nothing to do")
    assert len(said.splitlines()) == 1
    assert counter.everything() == before
    assert counter.index.asked == []


@by_both
def test_a_lock_of_what_no_marker_asks_for_is_empty(counter: Counter, resolver: str) -> None:
    before = counter.everything()
    counter.room.do(*counter.words("lock", f"lib; {NEVER}\n", "--resolver", resolver))
    assert "packages = []" in counter.lock.read_text()
    assert counter.everything() == before


@by_both
def test_sync_leaves_out_what_no_marker_asks_for(counter: Counter, resolver: str) -> None:
    before = counter.everything()
    counter.room.do(*counter.words("sync", f"beside\nlib; {NEVER}\n", "--resolver", resolver))
    assert counter.everything() == before


def test_a_lock_whose_markers_are_all_false_installs_nothing(counter: Counter) -> None:
    text = counter.make_lock("app").replace("[[packages]]\n", f"[[packages]]\nmarker = '{NEVER}'\n")
    before = counter.everything()
    assert counter.room.do(*counter.lock_words("install", text)).err.startswith("Nothing to do")
    assert counter.everything() == before


# --- downloads --------------------------------------------------------------------------------------------------------

CUT = [Fault(cut=10, always=True), Fault(cut=10, length=False, always=True)]
by_cut = pytest.mark.parametrize("fault", CUT, ids=["told", "untold"])


@by_cut
@by_both
def test_a_truncated_download_is_named_and_comes_whole_the_next_time(
    counter: Counter, resolver: str, fault: Fault
) -> None:
    counter.index.spoil(LIB, fault)
    words = ["install", "app", "--retries", "1", "--resolver", resolver]
    assert LIB in counter.refused(words, parts=True).sentence
    counter.index.spoil(LIB)
    counter.installs(words, "app==1.0", "lib==2.0")


@by_cut
@by_reader
def test_a_truncated_download_of_a_lock_is_named_and_comes_whole_the_next_time(
    counter: Counter, act: str, fault: Fault
) -> None:
    words = [*counter.lock_words(act, counter.make_lock("app")), "--retries", "1"]
    counter.index.spoil(LIB, fault)
    assert LIB in counter.refused(words, parts=True).sentence
    counter.index.spoil(LIB)
    counter.installs(words, "app==1.0", "lib==2.0")


@by_both
@by_all
def test_what_a_resolver_cannot_download_is_named(counter: Counter, act: str, resolver: str) -> None:
    """An index of HTML alone: resolvers fetch a wheel to learn what it needs, unless nothing of that is asked for."""
    counter.index.options = counter.index.options._replace(kind="html")
    counter.index.spoil(LIB, CUT[0])
    words = counter.words(act, "lib\n", "--retries", "0", "--resolver", resolver)
    assert "lib-2.0" in counter.refused(words, parts=True).sentence
    counter.index.spoil(LIB)
    counter.room.do(*words)


# --- a full disk ------------------------------------------------------------------------------------------------------

Enlarge = Callable[[], object]


@pytest.fixture
def enlarge(counter: Counter, tmp_path: Path) -> Iterator[Enlarge]:
    """The cache is on a disk of 300 KB; gives what makes it larger."""
    with small_disk(tmp_path / "small", "300k") as place:
        counter.room.cache = place / "cache"
        yield lambda: subprocess.run(["mount", "-o", "remount,size=64m", place], check=True)


@pytest.mark.parametrize("name", ["big", "wide"], ids=["fetched", "unpacked"])
@pytest.mark.parametrize("by", ["uv", "pip", "lock"])
def test_a_disk_that_is_full_while_a_wheel_comes_changes_nothing(
    counter: Counter, enlarge: Enlarge, name: str, by: str
) -> None:
    install = ["install", name, "--resolver", by]
    words = counter.lock_words("sync", counter.make_lock(name)) if by == "lock" else install
    said = counter.refused(words)
    assert said.sentence.startswith(f"cannot write {counter.room.cache}")
    assert "No space left on device" in said.sentence
    assert "make room" in said.hint
    enlarge()
    counter.installs(words, f"{name}==1.0")


@by_both
@pytest.mark.parametrize("left", [0, 8, 24], ids=lambda left: f"{left}k")
def test_a_disk_that_is_full_while_a_source_comes_or_is_built_changes_nothing(
    counter: Counter, enlarge: Enlarge, resolver: str, left: int
) -> None:
    counter.room.do("install", "lib", "--resolver", resolver)  # the store is laid out
    disk = os.statvfs(counter.room.cache)
    counter.room.cache.with_name("hog").write_bytes(bytes(disk.f_bavail * disk.f_frsize - left * 1024))
    words = ["install", "tiny", "--resolver", resolver]
    said = counter.refused(words)
    assert said.sentence.startswith(f"cannot write {counter.room.cache}")
    assert "No space left on device" in said.sentence
    assert "make room" in said.hint
    enlarge()
    counter.installs(words, "tiny==1.0")


@by_both
def test_a_lock_that_has_no_room_leaves_the_one_that_stood_there(
    counter: Counter, tmp_path: Path, resolver: str
) -> None:
    with small_disk(tmp_path / "full", "8k") as place:
        counter.lock = place / "pylock.toml"
        hog = place / "hog"
        hog.write_bytes(bytes(4096))
        words = counter.words("lock", "app\n", "--resolver", resolver)
        said = counter.refused(words)
        assert said.sentence.startswith(f"cannot write {counter.lock}: No space left on device")
        assert sorted(os.listdir(place)) == ["hog", "pylock.toml"]
        hog.unlink()
        counter.room.do(*words)
        assert 'name = "app"' in counter.lock.read_text()
