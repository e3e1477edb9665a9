"""What requirements say beside names, files of this run's own, and locks held to hashes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from packaging.pylock import Pylock

from lugnut.errors import BadRequirement, HashMismatch, HashMissing, Unsupported
from lugnut.resolution.hashes import hold_to
from lugnut.resolution.inputs import prepare
from lugnut.resolution.projects import read_needs
from lugnut.resolution.question import Question
from lugnut.resolution.requirement_lines import AskedHash, File, Said, read_files, read_line
from lugnut.settings import Resolving

ONE, TWO = "1" * 64, "2" * 64


def write(directory: Path, **texts: str) -> None:
    for name, text in texts.items():
        (directory / name).write_text(text)


def read(directory: Path, *names: str, **environ: str) -> Said:
    return read_files([File(name, name) for name in names], str(directory), environ)


# --- lines ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("A.b_C==1 --hash=sha256:{}", "a-b-c"),
        ("a[x,y]>=1 ; python_version>'3' --hash sha256:{}", "a"),
        ("a @ https://h.test/x.tar.gz#sha256={}", "a"),
        ("a[x]@https://h.test/x.whl#egg=z&sha256={}", "a"),
        ("./dir/My_Wheel-1.0-py3-none-any.whl --hash=sha256:{}", "my-wheel"),
        ("My_Wheel-1.0-py3-none-any.whl[x] --hash=sha256:{}", "my-wheel"),
        ("https://h.test/p/some-sdist-1.0.tar.gz#sha256={}", "some-sdist"),
        ("-e ./tree-1.0.zip --hash=sha256:{}", "tree"),
        ("A.b --hash=sha256:{}", "a-b"),
        ("a[x] --hash sha256:{}", "a"),
        ("a --config-settings=b=c --hash=sha256:{}", "a"),
        ("a @ https://h.test/x.zip#subdirectory=p&sha256={} ; os_name != 'x'", "a"),
    ],
)
def test_a_hash_is_known_by_the_name_of_its_line(line: str, name: str) -> None:
    assert read_line(line.format(ONE.upper() if "A" in line else ONE), "r:1").hashes == (
        AskedHash(name, "sha256", ONE, "r:1"),
    )


@pytest.mark.parametrize("kind", ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"])
def test_a_fragment_has_hashes_of_every_kind_that_pip_knows(kind: str) -> None:
    for url in (f"file:///x.zip#egg=a&{kind}=AB", f"https://h.test/x.whl#{kind}=ab; os_name == 'x'"):
        assert [(one.algorithm, one.digest) for one in read_line(url).hashes] == [(kind, "ab")]
    both = read_line("a @ file:///x.zip#sha256=aa&md5=bb").hashes
    assert [(one.algorithm, one.digest) for one in both] == [("sha256", "aa"), ("md5", "bb")]


@pytest.mark.parametrize("words", ["a --hash=sha256:xyz", "a @ file:///x.zip#md5=", "a==1 --hash 'sha256'"])
def test_a_hash_that_is_none_is_refused_and_not_passed_over(words: str) -> None:
    with pytest.raises(BadRequirement, match=r"^r:1: .* is no hash") as caught:
        read_line(words, "r:1")
    assert caught.value.hint


@pytest.mark.parametrize(
    ("line", "counts"),
    [
        ("a==1 ; os_name == 'posix'", True),
        ("a==1;os_name=='nt'", False),
        ("a ; os_name == 'nt'", False),
        ("a[x] ; extra == 'x'", False),
        ("a @ https://h.test/a;b.zip ; os_name == 'nt'", False),
        ("a @ https://h.test/a;os_name=='nt'", True),
        ("https://h.test/a.zip ; os_name == 'nt'", False),
        ("./a-1.zip; os_name == 'nt'", False),
        ("./a;b-1.zip", True),
        ("-e ./a-1.zip ; os_name == 'nt'", False),
        ("a==1 ; os_name ~= 'x'", True),
    ],
)
def test_a_line_for_another_environment_says_no_hash(line: str, counts: bool) -> None:
    words = f"{line} --hash=sha256:{ONE}"
    assert bool(read_line(words, "r:1", {"os_name": "posix"}).hashes) is counts
    assert read_line(words, "r:1").hashes  # nothing is known of the environment: every line counts


def test_what_a_backend_passes_over_is_read_through_all_files(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    write(tmp_path, a="-r below/b\n--pre\na==1 \\\n --hash=sha256:" + ONE + " \\\n --hash=sha256:" + TWO)
    write(
        tmp_path / "below", b="-c ../c\n-r https://h.test/r.txt\n--trusted-host h.test # why\n-i https://u:p@h.test/s"
    )
    write(tmp_path, c="--require-hashes\nx @ https://h.test/x.whl\n-c https://h.test/c.txt\n")
    assert read(tmp_path, "a", "https://h.test/q.txt") == Said(
        hashes=(AskedHash("a", "sha256", ONE, "a:3"), AskedHash("a", "sha256", TWO, "a:3")),
        require_hashes=True,
        prereleases=True,
        trusted_hosts=("h.test",),
        urls=("https://u:p@h.test/s",),
        remote=("https://h.test/r.txt", "https://h.test/q.txt"),
    )


@pytest.mark.parametrize(
    ("line", "below"),
    [
        ("a @ file:///x.zip#subdirectory=p", ("file:///x.zip#subdirectory=p",)),
        ("a@file:///x.zip#egg=a&subdirectory=p ; os_name == 'posix'", ("file:///x.zip#egg=a&subdirectory=p",)),
        ("file:///x.zip#subdirectory=p&sha256=00", ("file:///x.zip#subdirectory=p",)),
        ("a @ file:///x.zip#subdirectory=p ; os_name == 'nt'", ()),
        ("-e file:///x#subdirectory=p", ("file:///x#subdirectory=p",)),
        ("a @ https://h.test/x.zip#subdirectory=p", ()),
        ("a @ git+file:///x#subdirectory=p", ()),
        ("a @ file:///x.zip#egg=p", ()),
    ],
)
def test_the_subdirectory_of_what_is_at_hand_is_told(line: str, below: tuple[str, ...]) -> None:
    assert read_line(line, "r:1", {"os_name": "posix"}).below == below


def test_a_file_may_be_included_twice_but_not_by_itself(tmp_path: Path) -> None:
    write(tmp_path, a="-r b\n-r b", b="x", c="# again\n-r d", d="y\n-rc")
    assert read(tmp_path, "a") == Said()
    with pytest.raises(BadRequirement, match=r"^d:2: the file includes itself \(c > d > c\): -rc$"):
        read(tmp_path, "c")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a\n-r none", r"^r:2: .*/none does not exist"),
        ("a==${SECRET}", r"^r:1: \$\{SECRET\} is not set"),
        ("--index_url x", r"^r:1: --index: no option of requirements files"),
        ("a\n\na == ", r"^r:3: no requirement"),
        ("a ; os_name = 'x'", r"^r:1: no requirement"),
        ("a b", r"^r:1: no requirement"),
        ("[x]", r"^r:1: no requirement"),
    ],
)
def test_a_line_that_nobody_can_use_keeps_its_place(tmp_path: Path, text: str, said: str) -> None:
    write(tmp_path, r=text)
    with pytest.raises(BadRequirement, match=said) as caught:
        read(tmp_path, "r")
    assert caught.value.hint


@pytest.mark.parametrize(
    "line",
    [
        "a", "a (>=1)", "a>=1,<2", "a ~= 1.0 ; extra == 'x'", "a===weird", "./a", "../a b", "a/b", "x.whl", "git+https://h.test/a",
        "a @ git+ssh://git@h.test/a@main#subdirectory=b", "https://h.test/a.zip", "C:\\a\\b.whl", "-e .", "-e git+https://h/x",
        "a --config-settings='b=c'", "--no-binary=:all:", "-fhttps://h.test", "--all-releases a",
    ],
)  # fmt: skip
def test_all_of_pip_s_syntax_is_let_through(line: str) -> None:
    assert read_line(line).hashes == ()


# --- files ------------------------------------------------------------------------------------------------------------


def ask(directory: Path, **fields: Any) -> Question:
    return Question(python="python", directory=str(directory), environ={}, **fields)


def test_the_user_s_files_go_as_they_are_and_words_into_a_file(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    write(tmp_path, r="x", c="y")
    (tmp_path / "tree").mkdir()
    (tmp_path / "a b-1-py3-none-any.whl").touch()
    words = ("a[x]>1; os_name=='x'", "./tree[e] ; os_name == 'x'", "a b-1-py3-none-any.whl", "n @ file:///x", "n/@x")
    with pytest.raises(BadRequirement, match="n/@x does not exist"):
        prepare(ask(tmp_path, requirements=words), str(own))
    found = prepare(
        ask(tmp_path, requirements=words[:4], editables=("tree",), requirement_files=("r",), constraint_files=("c",)),
        str(own),
    )
    assert found.requirement_files == (str(tmp_path / "r"), str(own / "command-line.txt"))
    assert found.constraint_files == (str(tmp_path / "c"),)
    assert (own / "command-line.txt").read_text().splitlines() == [
        "a[x]>1; os_name=='x'", f"{tmp_path}/tree[e] ; os_name == 'x'",
        f"file://{tmp_path}/a%20b-1-py3-none-any.whl", "n @ file:///x", "-e tree",
    ]  # fmt: skip
    assert (own / "command-line.txt").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("word", ["", "https://h.test/a.zip\n-r x", "-r x", "a\0"])
def test_a_word_that_would_be_another_line_is_refused(tmp_path: Path, word: str) -> None:
    with pytest.raises(BadRequirement, match=r"^command line: no requirement"):
        prepare(ask(tmp_path, requirements=(word,)), str(tmp_path))


def test_the_hashes_of_files_and_words_are_those_for_the_target(tmp_path: Path) -> None:
    write(tmp_path, r=f"-r s\na ; os_name == 'nt' --hash=sha256:{ONE}\nb --hash=sha256:{ONE}")
    write(tmp_path, s=f"c ; os_name == 'nt' --hash=sha256:{ONE}", c=f"d ; os_name == 'nt' --hash=sha256:{ONE}")
    words = (f"e @ https://h.test/e.zip#sha256={ONE} ; os_name == 'nt'",)
    question = ask(tmp_path, requirements=words, requirement_files=("r",), constraint_files=("c",))
    assert [one.name for one in prepare(question, str(tmp_path)).said.hashes] == ["c", "a", "b", "d", "e"]
    (tmp_path / "command-line.txt").unlink()
    for name, left in (("posix", ["b"]), ("nt", ["c", "a", "b", "d", "e"])):
        found = prepare(question._replace(markers={"os_name": name}), str(tmp_path)).said.hashes
        assert [one.name for one in found] == left
        (tmp_path / "command-line.txt").unlink()


def test_preferences_are_what_is_installed_and_not_to_be_upgraded() -> None:
    installed = {"b": "2", "a-b": "1"}
    assert list(ask(Path("/"), installed=installed).preferred) == ["a-b", "b"]
    assert ask(Path("/"), installed=installed, resolving=Resolving(upgrade_packages=("A_b",))).preferred == {"b": "2"}
    assert ask(Path("/"), installed=installed, upgrade=True).preferred == {}


# --- hashes -----------------------------------------------------------------------------------------------------------


def lock(*packages: dict[str, Any]) -> Pylock:
    return Pylock.from_dict({"lock-version": "1.0", "created-by": "x", "packages": list(packages)})


def wheel(tag: str, digest: str, kind: str = "sha256") -> dict[str, Any]:
    return {"url": f"https://h.test/a-1-{tag}.whl", "hashes": {kind: digest}}


def said(*digests: str, kind: str = "sha256") -> Said:
    return Said(hashes=tuple(AskedHash("a", kind, digest, "r:7") for digest in digests))


PACKAGE = {
    "name": "a",
    "version": "1",
    "wheels": [wheel("py3-none-any", ONE), wheel("py2-none-any", TWO)],
    "sdist": {"url": "https://h.test/a-1.tar.gz", "hashes": {"sha256": "3" * 64}},
}
ARCHIVE = {"name": "a", "archive": {"url": "https://h.test/a-1.tar.gz", "hashes": {"sha256": ONE}}}
TREE = {"name": "a", "directory": {"path": "/a"}}


def test_only_files_with_an_allowed_hash_remain() -> None:
    held = hold_to(lock(PACKAGE), said(TWO, "4" * 64), require=True).packages[0]
    assert ([one.hashes["sha256"] for one in held.wheels], held.sdist) == ([TWO], None)
    held = hold_to(lock(PACKAGE), said("3" * 64), require=False).packages[0]
    assert (held.wheels, held.sdist.hashes["sha256"]) == (None, "3" * 64)
    assert hold_to(lock(PACKAGE, {**TREE, "name": "b"}), Said(), require=False) == lock(PACKAGE, {**TREE, "name": "b"})
    assert hold_to(lock(ARCHIVE), said(ONE), require=True) == lock(ARCHIVE)


@pytest.mark.parametrize("package", [PACKAGE, ARCHIVE])
def test_no_file_with_an_allowed_hash_is_a_mismatch(package: dict[str, Any]) -> None:
    with pytest.raises(HashMismatch) as caught:
        hold_to(lock(package), said("4" * 64), require=False)
    assert (caught.value.data["actual"], caught.value.data["expected"]) == (ONE, "4" * 64)
    assert caught.value.data["origin"] == "r:7"


def test_a_distribution_without_a_hash_where_all_must_have_one() -> None:
    for package in (PACKAGE, ARCHIVE):
        with pytest.raises(HashMissing) as caught:
            hold_to(lock(package), Said(), require=True)
        assert ONE in caught.value.hint
    for asked, require in ((Said(), True), (said(ONE), False)):
        with pytest.raises(Unsupported):
            hold_to(lock(TREE), asked, require=require)


def test_a_hash_of_a_kind_the_lock_lacks_is_written_down_for_who_fetches() -> None:
    held = hold_to(lock(ARCHIVE), said("5" * 128, kind="sha512"), require=True).packages[0]
    assert held.archive.hashes == {"sha256": ONE, "sha512": "5" * 128}
    with pytest.raises(Unsupported, match="several sha512"):
        hold_to(lock(ARCHIVE), said("5" * 128, "6" * 128, kind="sha512"), require=True)


@pytest.mark.parametrize("kind", ["md5", "sha1", "sha224", "sha384", "sha512"])
@pytest.mark.parametrize("spelled", ["path", "url"])
def test_a_file_at_hand_is_compared_by_whatever_kind_is_asked_for(tmp_path: Path, kind: str, spelled: str) -> None:
    place = tmp_path / "a-1-py3-none-any.whl"
    place.write_bytes(b"bytes")
    digests = {name: hashlib.new(name, b"bytes").hexdigest() for name in ("sha256", kind)}
    where = {spelled: str(place) if spelled == "path" else f"file://{place}"}
    package = {"name": "a", "archive": {**where, "hashes": {"sha256": digests["sha256"]}}}
    held = hold_to(lock(package), said("1" * 32, digests[kind], kind=kind), require=True)
    assert held.packages[0].archive.hashes == digests
    with pytest.raises(HashMismatch) as caught:
        hold_to(lock(package), said("1" * 32, kind=kind), require=False)
    assert caught.value.data["expected"] == f"{kind} {'1' * 32}"
    package["archive"]["hashes"] = {"sha256": ONE}
    with pytest.raises(HashMismatch):
        hold_to(lock(package), said(digests[kind], kind=kind), require=False)


def test_a_file_that_cannot_be_read_is_compared_by_who_fetches_it(tmp_path: Path) -> None:
    package = {"name": "a", "archive": {"path": str(tmp_path / "none.whl"), "hashes": {"sha256": ONE}}}
    held = hold_to(lock(package), said("1" * 32, kind="md5"), require=False)
    assert held.packages[0].archive.hashes == {"sha256": ONE, "md5": "1" * 32}


@pytest.mark.parametrize("place", ["https://u:p@h.test/archive/main.zip", "./x/main.zip"])
def test_a_hash_on_a_line_without_a_name_is_for_the_place(place: str) -> None:
    asked = read_line(f"{place} --hash=sha256:{ONE}", "r:7")
    assert (asked.hashes[0].name, "u:p" in asked.hashes[0].place) == ("", False)
    where = {"url": "https://h.test/archive/main.zip"} if "://" in place else {"path": "/here/x/main.zip"}
    for digest in (ONE, TWO):
        package = {"name": "whatever", "archive": {**where, "hashes": {"sha256": digest}}}
        if digest == ONE:
            assert hold_to(lock(package), asked, require=True) == lock(package)
        else:
            with pytest.raises(HashMismatch):
                hold_to(lock(package), asked, require=False)
    with pytest.raises(Unsupported, match="does not say what it is for"):
        hold_to(lock(TREE), asked, require=False)


# --- projects ---------------------------------------------------------------------------------------------------------

PROJECT = """
[project]
name = "My.Project"
dependencies = ["b"]
[project.optional-dependencies]
One = ["c"]
all = ["my-project[one]", "d", "my_project[all]"]
"""


def test_what_a_project_needs(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text(PROJECT)
    assert read_needs(str(path), ()) == ["b"]
    assert read_needs(str(path), ("All",)) == ["b", "d", "c"]
    with pytest.raises(BadRequirement, match="no extra two"):
        read_needs(str(path), ("two",))


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("setup.py", "", Unsupported),
        ("pyproject.toml", "[project]\nname = 'a'\ndynamic = ['dependencies']", Unsupported),
        ("pyproject.toml", "[tool.x]", BadRequirement),
        ("pyproject.toml", "x =", BadRequirement),
        ("none/pyproject.toml", None, BadRequirement),
    ],
)
def test_a_project_that_pip_cannot_be_asked_about(tmp_path: Path, name: str, text: str | None, kind: type) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(kind):
        read_needs(str(tmp_path / name), ())
