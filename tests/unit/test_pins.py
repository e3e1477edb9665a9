"""All that is asked for to one wheel a name, and the hashes it must have."""

import json
import os
from urllib.parse import unquote

import pytest

from environments import make_environment, write
from lugnut.errors import (
    BadRequirement,
    HashMismatch,
    HashMissing,
    IncompatibleWheel,
    SameDistributionTwice,
    UsageError,
    WheelNotFound,
    WrongPython,
)
from lugnut.sources import pins
from lugnut.sources.direct_urls import Direct, format_direct_url
from lugnut.sources.pins import Asked, Reach, check_hash, find_unfit, read_asked

SHA, OTHER, THIRD = "ab" * 32, "cd" * 32, "ef" * 32


@pytest.fixture
def environment(tmp_path):
    return make_environment(tmp_path / "env")


def ask(tmp_path, *requests, files=(), links=("wheels",), require_hashes=False, constraints=()):
    os.makedirs(tmp_path / "wheels", exist_ok=True)
    return Asked(requests, files, links, require_hashes, str(tmp_path), constraints)


def gather(environment, asked, **more):
    return pins.gather(environment, read_asked(asked), **more)


def fill(tmp_path, *wheels):
    for wheel in wheels:
        write(tmp_path / "wheels", wheel)


def test_names_come_from_the_wheelhouse_and_paths_as_they_are(environment, tmp_path):
    fill(tmp_path, "b-1-py3-none-any.whl", "b-2-py3-none-any.whl")
    a = write(tmp_path, "a-1-py3-none-any.whl")
    picks = gather(environment, ask(tmp_path, "b==1", "./a-1-py3-none-any.whl"))
    assert [(pick.name, pick.path, pick.direct, pick.requested) for pick in picks] == [
        ("a", a, True, True),
        ("b", str(tmp_path / "wheels/b-1-py3-none-any.whl"), False, True),
    ]
    assert picks[0].origin == "command line"


def test_picks_do_not_depend_on_the_order_of_arguments(environment, tmp_path):
    fill(tmp_path, *(f"{name}-{version}-py3-none-any.whl" for name in "abc" for version in "123"))
    requests = ["c", "a<3", "b", "a>1", "a[x]"]
    assert gather(environment, ask(tmp_path, *requests)) == gather(environment, ask(tmp_path, *requests[::-1]))


def test_a_requirement_for_another_environment_is_skipped(environment, tmp_path):
    fill(tmp_path, "a-1-py3-none-any.whl")
    lines = [
        "a; python_version >= '3.11'",
        "gone==9; sys_platform == 'win32'",
        "./no-1-py3-none-any.whl ; os_name == 'x'",
    ]
    write(tmp_path, "r.txt", "\n".join(lines))
    assert [pick.name for pick in gather(environment, ask(tmp_path, files=("r.txt",)))] == ["a"]


def test_a_file_brings_its_own_find_links(environment, tmp_path):
    write(tmp_path, "there/a-1-py3-none-any.whl")
    write(tmp_path, "r.txt", "--no-index\n-f there\na\n")
    (pick,) = gather(environment, ask(tmp_path, files=("r.txt",), links=()))
    assert (pick.path, pick.origin) == (str(tmp_path / "there/a-1-py3-none-any.whl"), "r.txt:3")


def test_one_name_asked_for_often_must_meet_every_line(environment, tmp_path):
    fill(tmp_path, *(f"a-{version}-py3-none-any.whl" for version in (1, 2, 3)))
    (pick,) = gather(environment, ask(tmp_path, "a>1", "A<3", "a[x]"))
    assert pick.path.endswith("a-2-py3-none-any.whl")
    assert pick.extras == ("x",)
    with pytest.raises(WheelNotFound):
        gather(environment, ask(tmp_path, "a>1", "a<2"))


def test_two_wheels_of_one_name_are_refused_in_any_order(environment, tmp_path):
    fill(tmp_path, "a-1-py3-none-any.whl", "a-2-py3-none-any.whl")
    paths = ["wheels/a-1-py3-none-any.whl", "wheels/a-2-py3-none-any.whl"]
    said = set()
    for order in (paths, paths[::-1]):
        with pytest.raises(SameDistributionTwice) as caught:
            gather(environment, ask(tmp_path, *order))
        said.add(str(caught.value))
    assert len(said) == 1


def test_one_wheel_named_twice_is_one(environment, tmp_path):
    fill(tmp_path, "a-1-py3-none-any.whl")
    os.symlink("wheels", tmp_path / "link")
    paths = [
        "wheels/a-1-py3-none-any.whl",
        "link/a-1-py3-none-any.whl",
        f"file://{tmp_path}/wheels/a-1-py3-none-any.whl",
    ]
    assert len(gather(environment, ask(tmp_path, *paths))) == 1


def test_a_wheel_and_a_name_agree_or_are_refused(environment, tmp_path):
    fill(tmp_path, "a-2b1-py3-none-any.whl", "a-3-py3-none-any.whl")
    (pick,) = gather(environment, ask(tmp_path, "a>=1", "wheels/a-2b1-py3-none-any.whl"))
    assert pick.path.endswith("a-2b1-py3-none-any.whl")
    with pytest.raises(SameDistributionTwice, match="a==3"):
        gather(environment, ask(tmp_path, "a==3", "wheels/a-2b1-py3-none-any.whl"))


def test_a_wheel_that_is_not_there_or_no_file_is_not_found(environment, tmp_path):
    with pytest.raises(WheelNotFound, match="there is no such file"):
        gather(environment, ask(tmp_path, "./a-1-py3-none-any.whl"))
    os.mkfifo(tmp_path / "a-1-py3-none-any.whl")
    with pytest.raises(WheelNotFound, match="no regular file"):
        gather(environment, ask(tmp_path, "./a-1-py3-none-any.whl"))


def test_a_wheel_named_by_path_must_fit(environment, tmp_path):
    fill(tmp_path, "a-1-cp39-cp39-win32.whl")
    with pytest.raises(IncompatibleWheel):
        gather(environment, ask(tmp_path, "wheels/a-1-cp39-cp39-win32.whl"))


def test_find_links_must_be_a_directory(environment, tmp_path):
    with pytest.raises(UsageError, match="--find-links nowhere"):
        gather(environment, ask(tmp_path, "a", links=("nowhere",)))


def test_find_links_may_be_a_file_url_and_no_other(environment, tmp_path):
    fill(tmp_path, "a-1-py3-none-any.whl")
    assert len(gather(environment, ask(tmp_path, "a", links=(f"file://{tmp_path}/wheels",)))) == 1
    with pytest.raises(BadRequirement, match=r"https://\*\*\*\*@host/"):
        gather(environment, ask(tmp_path, "a", links=("https://me:secret@host/",)))


def test_a_removal_reads_names_without_looking_for_wheels(tmp_path):
    write(tmp_path, "r.txt", "b==1\n./gone-1-py3-none-any.whl\n")
    listed = read_asked(ask(tmp_path, "A", files=("r.txt",)))
    assert [request.name for request in listed.requests] == ["a", "b", "gone"]


def test_a_constraint_holds_for_what_is_asked_for_and_asks_for_nothing(environment, tmp_path):
    fill(tmp_path, *(f"{name}-{version}-py3-none-any.whl" for name in "ab" for version in "123"))
    write(tmp_path, "c.txt", "a<3\nb==1\na>1; sys_platform == 'none'\n")
    (pick,) = gather(environment, ask(tmp_path, "a", constraints=("c.txt",)))
    assert (os.path.basename(pick.path), pick.origin) == ("a-2-py3-none-any.whl", "command line, c.txt:1")
    write(tmp_path, "c.txt", "a>9\n")
    with pytest.raises(WheelNotFound, match=r"a>9 \(command line, c.txt:1\): at hand are 1, 2, 3"):
        gather(environment, ask(tmp_path, "a", constraints=("c.txt",)))


def test_a_constraint_may_name_the_wheel(environment, tmp_path):
    fill(tmp_path, "a-1-py3-none-any.whl", "a-2-py3-none-any.whl")
    write(tmp_path, "c.txt", f"a @ file://{tmp_path}/wheels/a-1-py3-none-any.whl\n")
    (pick,) = gather(environment, ask(tmp_path, "a", constraints=("c.txt",)))
    assert (os.path.basename(pick.path), pick.direct) == ("a-1-py3-none-any.whl", True)


def test_the_error_names_the_line_that_asks(environment, tmp_path):
    write(tmp_path, "r.txt", "\na==9\n")
    with pytest.raises(WheelNotFound, match=r"no wheel for a==9 \(r.txt:2\): "):
        gather(environment, ask(tmp_path, files=("r.txt",)))


# --- how far is looked ------------------------------------------------------------------------------------------------


def reaching(tmp_path, names, **more):
    """Look in `there`, and note which names were looked for."""

    def look(wanted):
        names.append(sorted(wanted))
        return Reach((str(tmp_path / "there"),), **more)

    return look


def test_names_alone_are_looked_for_and_where_the_reach_says(environment, tmp_path):
    write(tmp_path, "there/a-1-py3-none-any.whl")
    b = write(tmp_path, "b-1-py3-none-any.whl")
    names = []
    look = reaching(tmp_path, names)
    picks = gather(environment, ask(tmp_path, "a", "c", b), satisfied=lambda request: request.name == "c", look=look)
    assert [os.path.relpath(pick.path, tmp_path) for pick in picks] == [
        "there/a-1-py3-none-any.whl",
        "b-1-py3-none-any.whl",
    ]
    assert names == [["a"]]
    assert len(gather(environment, ask(tmp_path, b), look=look)) == len(names) == 1


@pytest.mark.parametrize(("text", "found"), [("a==1", True), ("a", False), ("a==2", False)])
def test_where_there_is_more_only_an_exact_version_at_hand_is_taken(environment, tmp_path, text, found):
    write(tmp_path, "there/a-1-py3-none-any.whl")
    picks = gather(environment, ask(tmp_path, text), look=reaching(tmp_path, [], closed=False))
    assert (picks is not None) is found


def test_what_somebody_else_chooses_or_has_to_build_is_left_to_the_resolver(environment, tmp_path):
    write(tmp_path, "there/a-1-py3-none-any.whl")
    write(tmp_path, "there/b-1.tar.gz")
    assert gather(environment, ask(tmp_path, "a"), look=lambda _: None) is None
    builds = reaching(tmp_path, [], builds=lambda name: name == "b")
    assert gather(environment, ask(tmp_path, "a", "b"), look=builds) is None
    with pytest.raises(WheelNotFound, match="none of that name"):
        gather(environment, ask(tmp_path, "a", "b"), look=reaching(tmp_path, []))


# --- Requires-Python --------------------------------------------------------------------------------------------------


def test_a_wheel_for_another_python_gives_way_to_the_next_best(environment, tmp_path):
    fill(tmp_path, "a-1-py3-none-any.whl", "a-2-py3-none-any.whl")
    (best,) = gather(environment, ask(tmp_path, "a"))
    reason = find_unfit(environment, best, ">=3.99")
    assert reason == "needs Python >=3.99, and the environment has 3.11.7"
    unfit = {best.path: reason}
    (second,) = gather(environment, ask(tmp_path, "a"), unfit=unfit)
    assert second.path.endswith("a-1-py3-none-any.whl")
    with pytest.raises(WheelNotFound, match=f"no wheel for a>1: a-2-py3-none-any.whl {reason}"):
        gather(environment, ask(tmp_path, "a>1"), unfit=unfit)


def test_a_wheel_named_by_path_for_another_python_is_refused(environment, tmp_path):
    fill(tmp_path, "a-1-py3-none-any.whl")
    (pick,) = gather(environment, ask(tmp_path, "wheels/a-1-py3-none-any.whl"))
    assert find_unfit(environment, pick, ">=3.11") == ""
    with pytest.raises(WrongPython, match=r"needs Python <3, and the environment has 3\.11\.7"):
        find_unfit(environment, pick, "<3")


# --- hashes -----------------------------------------------------------------------------------------------------------


def pick_one(environment, tmp_path, text, **more):
    fill(tmp_path, "a-1-py3-none-any.whl")
    write(tmp_path, "r.txt", text)
    (pick,) = gather(environment, ask(tmp_path, files=("r.txt",), **more))
    return pick


def test_any_of_a_lines_hashes_will_do_and_no_other(environment, tmp_path):
    pick = pick_one(environment, tmp_path, f"a --hash=sha256:{SHA} --hash=sha256:{OTHER}\n")
    check_hash(pick, SHA)
    check_hash(pick, OTHER)
    with pytest.raises(HashMismatch) as caught:
        check_hash(pick, THIRD)
    assert str(caught.value) == f"a-1-py3-none-any.whl has sha256 {THIRD}, but {SHA} or {OTHER} is asked for by r.txt:1"


def test_hashes_of_two_lines_must_both_hold(environment, tmp_path):
    text = f"a --hash=sha256:{SHA} --hash=sha256:{OTHER}\na --hash=sha256:{OTHER}\na\n"
    assert pick_one(environment, tmp_path, text).hashes == (OTHER,)
    with pytest.raises(BadRequirement, match="contradicts"):
        pick_one(environment, tmp_path, f"a --hash=sha256:{SHA}\na --hash=sha256:{OTHER}\n")


def test_without_a_hash_anything_goes_unless_hashes_are_required(environment, tmp_path):
    check_hash(pick_one(environment, tmp_path, "a\n"), SHA)
    for pick in (
        pick_one(environment, tmp_path, "a\n", require_hashes=True),
        pick_one(environment, tmp_path, "--require-hashes\na\n"),
    ):
        with pytest.raises(HashMissing) as caught:
            check_hash(pick, SHA)
        assert f"--hash=sha256:{SHA}" in caught.value.hint
        assert pick.origin in str(caught.value)


def test_a_required_hash_that_is_right_passes(environment, tmp_path):
    check_hash(pick_one(environment, tmp_path, f"--require-hashes\na --hash=sha256:{SHA}\n"), SHA)


def test_a_direct_url_says_where_a_wheel_came_from():
    document = json.loads(format_direct_url(Direct("/a b/x#1-py3-none-any.whl", SHA)))
    assert unquote(document["url"]) == "file:///a b/x#1-py3-none-any.whl"
    assert "#" not in document["url"]
    assert document["archive_info"] == {"hash": f"sha256={SHA}", "hashes": {"sha256": SHA}}


def test_a_path_that_is_no_text_has_a_direct_url_all_the_same():
    document = json.loads(format_direct_url(Direct("/a\udcff/x-1-py3-none-any.whl", SHA)))
    assert document["url"] == "file:///a%FF/x-1-py3-none-any.whl"
