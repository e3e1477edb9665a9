"""Each defect of a wheel is refused and named, and a wheel without it is accepted."""

import os
import subprocess
import sys
import zlib

import pytest

import engines
from hostile import rawzip
from hostile.bad_wheels import FILENAME, RECIPES, members, recording, tweaked, wheel
from lugnut.errors import BadWheel
from lugnut.wheel.reading import read_wheel
from lugnut.wheel.source import Limits
from wheels import make_wheel


@pytest.fixture(autouse=True, params=list(engines.ENGINES))
def engine(request, monkeypatch):
    engines.choose(monkeypatch, request.param)


def write(directory, made):
    data, filename = made if isinstance(made, tuple) else (made, FILENAME)
    path = directory / filename
    path.write_bytes(data)
    return str(path)


def read_all(path, limits=None):
    with read_wheel(path) if limits is None else read_wheel(path, limits=limits) as archive:
        found = {}
        for file, content in archive.members():
            found[file.archive] = content if isinstance(content, bytes) else b"".join(content)
        return archive.manifest, found


def problems_of(path, **more):
    with pytest.raises(BadWheel) as caught:
        read_all(path, **more)
    return caught.value.data["problems"]


@pytest.mark.parametrize(
    ("words", "recipe"), [(words, make) for _, words, make in RECIPES], ids=[r[0] for r in RECIPES]
)
def test_a_wheel_with_the_defect_is_refused_and_the_defect_named(tmp_path, words, recipe):
    problems = problems_of(write(tmp_path, recipe(True)))
    assert any(words in problem for problem in problems), problems


@pytest.mark.parametrize("recipe", [make for _, _, make in RECIPES], ids=[r[0] for r in RECIPES])
def test_a_wheel_without_the_defect_is_accepted(tmp_path, recipe):
    manifest, found = read_all(write(tmp_path, recipe(False)))
    assert {file.archive for file in manifest.files} == found.keys()


def test_the_names_of_the_recipes_are_unique():
    names = [name for name, _, _ in RECIPES]
    assert len(names) == len(set(names))


def test_all_problems_of_a_wheel_are_in_one_error(tmp_path):
    files = {"x.py": "X = 1\n", "../evil": "", "Y": "", "y": "", "x-1.0.data/nowhere/f": ""}
    raws = rawzip.from_members(
        members(files, entry_points="[gui_scripts]\na/b = x:f\n", tag="py2-none-any"),
        x_py={"data": b"X = 2\n"},
        Y={"mode": 0o120777},
    )
    problems = problems_of(write(tmp_path, rawzip.write(raws)))
    expected = (
        "leads outside",
        "differ in case",
        "none of the schemes",
        "a/b",
        "tags in WHEEL",
        "hash",
        "symbolic link",
    )
    assert [word for word in expected if not any(word in problem for problem in problems)] == []
    assert len(problems) == len(expected)


def test_every_wrong_hash_is_told(tmp_path):
    files = {f"m{number}.py": "good\n" for number in range(9)}
    raws = rawzip.from_members(members(files), m3_py={"data": b"evil\n"}, m5_py={"data": b"evil\n"})
    problems = problems_of(write(tmp_path, rawzip.write(raws)))
    assert problems == [f"'m{number}.py' does not have the hash that RECORD states" for number in (3, 5)]


def test_the_summary_names_three_problems_and_counts_the_rest(tmp_path):
    path = write(tmp_path, recording(lambda rows: rows.__setitem__(slice(None), [("y.py", rows[0][1], "")])))
    with pytest.raises(BadWheel, match=r"is not a valid wheel: .*; and 1 more$") as caught:
        read_all(path)
    assert len(caught.value.data["problems"]) == 4


def test_a_wrong_hash_of_a_streamed_member_is_told_after_its_pieces(tmp_path):
    path = write(tmp_path, rawzip.write(rawzip.from_members(members(), x_py={"data": b"X = 2\n"})))
    with read_wheel(path, limits=Limits(whole=1)) as archive:
        given = []
        with pytest.raises(BadWheel, match="hash"):
            given.extend((file.archive, b"".join(content)) for file, content in archive.members())
    assert given[-1] == ("x.py", b"X = 2\n")


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (Limits(member=5), "more than 5"),
        (Limits(total=20), "out of all proportion"),
        (Limits(modest=20, ratio=0), "out of all proportion"),
        (Limits(members=3), "4 members"),
        (Limits(text=10), "more than 10"),
        (Limits(depth=1), "too deep"),
    ],
)
def test_a_wheel_beyond_the_limits_is_refused(tmp_path, limits, words):
    problems = problems_of(write(tmp_path, wheel()), limits=limits)
    assert any(words in problem for problem in problems), problems


HANGING = """
import resource, sys
from lugnut.errors import BadWheel
from lugnut.wheel.reading import read_wheel
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[2]), resource.getrlimit(resource.RLIMIT_AS)[1]))
try:
    list(read_wheel(sys.argv[1]).members())
except BadWheel as error:
    print(error)
"""


def refuse_in_a_process(path, memory=-1):
    """In another process, so that a hang is a failure."""
    done = subprocess.run(
        [sys.executable, "-c", HANGING, str(path), str(memory)],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
        env=os.environ,
    )
    return done.stdout


def test_a_member_that_inflates_beyond_what_it_states_takes_no_memory(tmp_path):
    """Half a gigabyte of zeros in half a megabyte, that says to be a thousand bytes."""
    deflater = zlib.compressobj(wbits=-15)
    packed = b"".join(deflater.compress(bytes(1 << 20)) for _ in range(512)) + deflater.flush()
    said = {"size": 1000}
    path = write(tmp_path, tweaked("x_py", packed=packed, local=said, central=said))
    assert "states" in refuse_in_a_process(path, memory=300 << 20)


def test_a_named_pipe_is_refused_without_hanging(tmp_path):
    os.mkfifo(tmp_path / FILENAME)
    assert "named pipe" in refuse_in_a_process(tmp_path / FILENAME)


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/tty", "/dev/random"])
def test_a_device_is_refused_without_reading_it(tmp_path, device):
    (tmp_path / FILENAME).symlink_to(device)
    assert "character device" in refuse_in_a_process(tmp_path / FILENAME)


def test_a_directory_and_a_missing_file_are_refused(tmp_path):
    (tmp_path / FILENAME).mkdir()
    assert problems_of(str(tmp_path / FILENAME)) == ["it is a directory, not a regular file"]
    assert problems_of(str(tmp_path / "y-1-py3-none-any.whl")) == ["it cannot be read: No such file or directory"]


def test_a_path_with_a_nul_is_refused():
    assert "null" in problems_of("x\0.whl")[0]


def test_a_wheel_that_changes_while_it_is_read_is_refused(tmp_path):
    path = make_wheel(tmp_path, "x")
    with read_wheel(path) as archive:
        members = archive.members()
        next(members)
        os.utime(path, (1, 1))
        with pytest.raises(BadWheel, match="changed while it was read"):
            list(members)
