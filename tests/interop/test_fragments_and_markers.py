"""What a line says behind a place or a name: a subdirectory, hashes of any kind, a marker; by both resolvers."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from projects import make_tree, pack, write_zip
from rooms import Room, one_sentence

KINDS = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")
FALSE = "sys_platform == 'nowhere'"
by_both = pytest.mark.parametrize("resolver", ["uv", "pip"])


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path / "room")


def take(path: str | Path, kind: str) -> str:
    return hashlib.new(kind, Path(path).read_bytes()).hexdigest()


def refused(room: Room, *words: str) -> str:
    """Run lugnut, which has to refuse and change nothing; give its sentence."""
    before = room.tree()
    ran = room.lugnut(*words)
    assert ran.code in {1, 2}, ran.out
    assert room.tree() == before
    return one_sentence(ran.err)


# --- fragments --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("resolver", [(), ("--resolver", "pip")])
@pytest.mark.parametrize("form", ["tiny @ {}#subdirectory=pkg", "{}#subdirectory=pkg&sha256={}"])
def test_a_project_below_an_archive_at_hand_is_built(room: Room, resolver: tuple[str, ...], form: str) -> None:
    tree = make_tree(room.path, "tiny")
    members = {f"mono/pkg/{one.name}": one.read_bytes() for one in tree.iterdir()}
    other = make_tree(room.path, "tiny", "2.0")
    members |= {f"mono/{one.name}": one.read_bytes() for one in other.iterdir()}
    path = write_zip(room.path / "mono.zip", members, 1_600_000_000)
    words = form.format(f"file://{path}", take(path, "sha256"))
    room.do("install", *resolver, words)
    assert room.standing() == ["tiny==1.0"]
    document = json.loads(room.read("tiny-1.0.dist-info/direct_url.json"))
    assert (document["url"], document["subdirectory"]) == (f"file://{path}", "pkg")
    assert document["archive_info"]["hashes"]["sha256"] == take(path, "sha256")
    room.do("uninstall", "tiny")
    assert "pass over the subdirectory" in refused(room, "install", "--resolver", "uv", words)


@by_both
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("what", ["wheel", "sdist"])
def test_a_file_at_hand_is_what_its_url_says_by_any_hash(room: Room, resolver: str, kind: str, what: str) -> None:
    path = room.wheel("tiny") if what == "wheel" else str(pack(make_tree(room.path, "tiny")))
    wrong = "0" * len(take(path, kind))
    words = ("install", "--resolver", resolver, f"tiny @ file://{path}#{kind}=")
    for _ in range(2):  # whether or not it is known and stands
        said = refused(room, *words[:-1], words[-1] + wrong)
        assert wrong in said or "hash" in said.lower()
        room.do(*words[:-1], words[-1] + take(path, kind))
        assert room.standing() == ["tiny==1.0"]


@by_both
@pytest.mark.parametrize("digest", ["", "nonsense"])
def test_what_is_no_hash_is_not_passed_over(room: Room, resolver: str, digest: str) -> None:
    said = refused(room, "install", "--resolver", resolver, f"tiny @ file://{room.wheel('tiny')}#sha512={digest}")
    assert "is no hash" in said


# --- names and markers ------------------------------------------------------------------------------------------------


@by_both
@pytest.mark.parametrize("line", ["lib --hash=sha256:{}", "lib[x] --hash=sha256:{}"])
def test_a_name_alone_may_have_a_hash(room: Room, tmp_path: Path, resolver: str, line: str) -> None:
    path = room.wheel("lib")
    words = ("install", "--resolver", resolver, "--find-links", str(room.wheels), "-r", str(tmp_path / "r.txt"))
    (tmp_path / "r.txt").write_text(f"--no-index\nother @ file://{pack(make_tree(room.path, 'other'))}\n")
    with (tmp_path / "r.txt").open("a") as file:
        file.write(line.format("0" * 64))
    assert "lib==1.0 has sha256" in refused(room, *words)
    (tmp_path / "r.txt").write_text((tmp_path / "r.txt").read_text().replace("0" * 64, take(path, "sha256")))
    room.do(*words)
    assert room.standing() == ["lib==1.0", "other==1.0"]


@by_both
@pytest.mark.parametrize("line", [f"lib==1.0 ; {FALSE}", f"lib;{FALSE}", f"lib @ https://h.invalid/lib.zip ; {FALSE}"])
def test_a_line_for_another_environment_demands_no_hash(room: Room, tmp_path: Path, resolver: str, line: str) -> None:
    app = room.wheel("app", requires=["lib", "more"])
    room.wheel("lib")
    source = pack(make_tree(room.path, "more"))
    words = ("install", "--resolver", resolver, "--find-links", str(room.wheels), "-r", str(tmp_path / "r.txt"))
    pinned = f"app --hash=sha256:{take(app, 'sha256')}\nmore @ file://{source}#sha256={take(source, 'sha256')}\n"
    (tmp_path / "r.txt").write_text(f"{pinned}{line} --hash=sha256:{'0' * 64}\n")
    said = refused(room, *words, "--require-hashes")
    assert (said.startswith("lib"), "has no --hash" in said) == (True, True)
    room.do(*words)
    assert room.standing() == ["app==1.0", "lib==1.0", "more==1.0"]


# --- locks ------------------------------------------------------------------------------------------------------------

LOCK = 'lock-version = "1.0"\ncreated-by = "me"\nextras = ["more", "most"]\npackages = [{}]\n'


@pytest.mark.parametrize("act", ["sync", "install -r"])
def test_an_extra_that_a_lock_lacks_is_refused(room: Room, tmp_path: Path, act: str) -> None:
    path, wheel = tmp_path / "pylock.toml", room.wheel("lib")
    hashes = f'{{ sha256 = "{take(wheel, "sha256")}" }}'
    path.write_text(
        LOCK.format(f'{{ name = "lib", version = "1.0", archive = {{ path = "{wheel}", hashes = {hashes} }} }}')
    )
    said = refused(room, *act.split(), str(path), "--extra", "nosuch")
    assert said == f"{path} has no extra nosuch; it has more and most"
    said = refused(room, *act.split(), str(path), "--group", "nosuch")
    assert said == f"{path} has no dependency group nosuch; it has none"
    room.do(*act.split(), str(path), "--extra", "More")
    assert room.standing() == ["lib==1.0"]


@pytest.mark.parametrize(("kind", "commit", "said"), [("git", "main", "'main'"), ("hg", "a" * 40, "hg")])
def test_a_branch_and_another_repository_than_git_s_are_refused(
    room: Room, tmp_path: Path, kind: str, commit: str, said: str
) -> None:
    path = tmp_path / "pylock.toml"
    vcs = f'{{ type = "{kind}", url = "https://h.invalid/x", commit-id = "{commit}" }}'
    path.write_text(LOCK.format(f'{{ name = "x", vcs = {vcs} }}'))
    sentence = refused(room, "sync", str(path))
    assert sentence.startswith(f"{path} cannot be used as a lock file: ")
    assert said in sentence
