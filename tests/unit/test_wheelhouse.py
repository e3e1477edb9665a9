"""The best wheel of a directory: what fits, then what is asked, then the highest."""

import os

import pytest

from environments import make_environment, write
from lugnut.errors import IncompatibleWheel, UsageError, WheelNotFound
from lugnut.sources.wheelhouse import allows_python, check_fits, choose, find_closest, read_wheelhouse


@pytest.fixture
def environment(tmp_path):
    return make_environment(tmp_path)


def chosen(environment, tmp_path, names, specifier="", name="x", **more):
    for wheel in names:
        write(tmp_path / "wheels", wheel)
    path = choose(environment, name, specifier, read_wheelhouse([str(tmp_path / "wheels")], **more))
    return None if path is None else os.path.basename(path)


def any_wheels(*versions):
    return [f"x-{version}-py3-none-any.whl" for version in versions]


@pytest.mark.parametrize(
    ("specifier", "expected"),
    [
        ("", "10.0"),
        ("==2.0", "2.0"),
        ("==2", "2.0"),
        ("<10", "9.0"),
        ("~=2.0", "2.1"),
        ("!=10.0", "9.0"),
        ("==2.*", "2.1"),
    ],
)
def test_the_highest_version_that_is_allowed_is_chosen(environment, tmp_path, specifier, expected):
    wheels = any_wheels("2.0", "2.1", "9.0", "10.0")
    assert chosen(environment, tmp_path, wheels, specifier) == f"x-{expected}-py3-none-any.whl"


@pytest.mark.parametrize(
    ("versions", "specifier", "expected"),
    [
        (("1.0", "2.0b1"), "", "1.0"),
        (("2.0b1", "2.0.dev3"), "", "2.0b1"),
        (("1.0", "2.0b1"), ">=2.0b1", "2.0b1"),
        (("1.0", "2.0b1"), "==2.0b1", "2.0b1"),
        (("1.0", "2.0b1"), ">1.0", "2.0b1"),
    ],
)
def test_a_pre_release_is_chosen_where_it_is_asked_for_or_alone(environment, tmp_path, versions, specifier, expected):
    assert chosen(environment, tmp_path, any_wheels(*versions), specifier) == f"x-{expected}-py3-none-any.whl"


def test_a_final_version_that_does_not_fit_does_not_hide_a_pre_release_that_does(environment, tmp_path):
    wheels = ["x-1.0-cp39-cp39-win32.whl", "x-1.1b1-py3-none-any.whl"]
    assert chosen(environment, tmp_path, wheels) == "x-1.1b1-py3-none-any.whl"


def test_the_best_tag_wins_then_the_highest_build(environment, tmp_path):
    plain = "x-1.0-py3-none-any.whl"
    native = "x-1.0-cp311-cp311-linux_x86_64.whl"
    assert chosen(environment, tmp_path, [plain, "x-1.0-9-py3-none-any.whl", native]) == native
    builds = ["x-1.0-2-cp311-cp311-linux_x86_64.whl", "x-1.0-10-cp311-cp311-linux_x86_64.whl"]
    assert chosen(environment, tmp_path, builds) == builds[1]


def test_of_a_compressed_tag_set_the_best_counts(environment, tmp_path):
    both = "x-1.0-py2.py3-none-any.whl"
    stable = "x-1.0-cp38.cp311-abi3-linux_x86_64.whl"
    assert chosen(environment, tmp_path, [both, stable]) == stable


def test_the_order_of_directories_does_not_matter(environment, tmp_path):
    places = [str(tmp_path / place) for place in ("b", "a")]
    for place in places:
        write(place, "x-1-py3-none-any.whl")
    found = {choose(environment, "x", "", read_wheelhouse(order)) for order in (places, places[::-1])}
    assert len(found) == 1


def test_a_name_is_found_however_it_is_spelled(environment, tmp_path):
    assert chosen(environment, tmp_path, ["My_Dist.X-1-py3-none-any.whl"], name="my-dist-x").startswith("My_Dist")


def test_what_is_no_wheel_is_passed_over(environment, tmp_path):
    os.makedirs(tmp_path / "wheels/x-9-py3-none-any.whl")
    os.mkfifo(tmp_path / "wheels/x-8-py3-none-any.whl")
    wheels = ["x-1-py3-none-any.whl", "x-7.whl", "x-nonsense-py3-none-any.whl", "x-9.tar.gz"]
    assert chosen(environment, tmp_path, wheels) == wheels[0]


@pytest.mark.parametrize(
    ("versions", "archives", "specifier", "expected"),
    [
        ((), ["x-1.0.tar.gz"], "", None),
        ((), ["x-1.0.zip"], "==1", None),
        ((), ["x-1.0b1.tgz"], "", None),
        (("1.0",), ["x-1.1.tar.gz"], "", None),
        (("1.0",), ["X-1.1.tar.gz"], ">1", None),
        (("2.0b1",), ["x-1.0.tar.gz"], "", None),
        (("1.0",), ["x-1.1b1.tar.gz"], ">=1.1b1", None),
        (("1.0",), ["x-1.1b1.tar.gz"], "", "1.0"),
        (("1.0",), ["x-1.1.tar.gz"], "<1.1", "1.0"),
        (("1.0",), ["x-1.tar.gz", "x-0.9.tar.gz"], "", "1.0"),
        (("1.0",), ["x-y-2.tar.gz", "x-new.tar.gz", "x.tar.gz", "x-2.rpm", "y-2.zip"], "", "1.0"),
    ],
)
def test_of_a_newer_source_than_the_wheels_nothing_can_be_chosen(
    environment, tmp_path, versions, archives, specifier, expected
):
    files = [*any_wheels(*versions), *archives]
    found = chosen(environment, tmp_path, files, specifier, builds=lambda name: name == "x")
    assert found == (expected and f"x-{expected}-py3-none-any.whl")


def test_a_source_counts_where_no_wheel_fits_and_for_no_name_that_nothing_is_built_of(environment, tmp_path):
    files = ["x-1.0-cp39-cp39-win32.whl", "x-1.0.tar.gz", "My_Dist.X-2.tar.gz"]
    assert chosen(environment, tmp_path, files, builds=lambda _: True) is None
    assert chosen(environment, tmp_path, files, name="my-dist-x", builds=lambda _: True) is None
    with pytest.raises(WheelNotFound, match="does not fit"):
        chosen(environment, tmp_path, files, builds=lambda name: name != "x")


def test_a_wheel_that_was_found_unfit_hides_no_source(environment, tmp_path):
    write(tmp_path, "x-1.0.tar.gz")
    unfit = {write(tmp_path, "x-2.0-py3-none-any.whl"): "needs another Python"}
    assert choose(environment, "x", "", read_wheelhouse([str(tmp_path)], lambda _: True), unfit) is None


@pytest.mark.parametrize(
    ("wheels", "specifier", "words"),
    [
        ([], "", "none of that name"),
        (any_wheels("1.0", "10.0", "2.0"), "==3", "at hand are 1.0, 2.0, 10.0"),
        (
            ["x-3-cp39-cp39-linux_x86_64.whl"],
            "==3",
            "x-3-cp39-cp39-linux_x86_64.whl does not fit: it is for the Python cp39",
        ),
    ],
)
def test_where_nothing_can_be_chosen_the_error_says_what_there_is(environment, tmp_path, wheels, specifier, words):
    write(tmp_path / "wheels", "other-1-py3-none-any.whl")
    with pytest.raises(WheelNotFound) as caught:
        chosen(environment, tmp_path, wheels, specifier)
    assert words in str(caught.value)
    assert f"no wheel for x{specifier}" in str(caught.value)
    assert caught.value.hint


def test_a_directory_that_is_gone_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="gone"):
        read_wheelhouse([str(tmp_path / "gone")])


@pytest.mark.parametrize(
    "wheel", ["x-1-py3-none-any.whl", "x-1-py2.py3-none-any.whl", "x-1-1-CP311-abi3-linux_x86_64.whl", "nonsense.whl"]
)
def test_a_wheel_that_fits_or_is_none_passes(environment, wheel):
    check_fits(environment, f"/w/{wheel}")


@pytest.mark.parametrize(
    ("tags", "reason", "closest"),
    [
        ("cp39-cp39-linux_x86_64", "for the Python cp39", "cp311-cp311-linux_x86_64"),
        ("cp311-cp311t-linux_x86_64", "for the ABI cp311t", "cp311-cp311-linux_x86_64"),
        ("cp311-cp311-win32.win_amd64", "for the platform win32 or win_amd64", "cp311-cp311-linux_x86_64"),
        ("py3-abi3-any", "no tag in common", "py3-none-any"),
    ],
)
def test_a_wheel_that_does_not_fit_is_told_why_and_what_would(environment, tags, reason, closest):
    with pytest.raises(IncompatibleWheel) as caught:
        check_fits(environment, f"/w/x-1-{tags}.whl")
    assert reason in str(caught.value)
    assert closest in caught.value.hint


def test_the_closest_tags_share_most_parts_and_are_few(environment):
    assert find_closest(environment.tags, ["cp311-none-any"])[0] == "py3-none-any"
    assert len(find_closest(environment.tags, ["x-y-z"])) == 3


@pytest.mark.parametrize(
    ("requires", "version", "allowed"),
    [
        ("", "3.11.7", True),
        (">=3.9", "3.11.7", True),
        (">= 3.11.7", "3.11.7", True),
        (">=3.11.8", "3.11.7", False),
        (">=3.12", "3.11.7", False),
        (">=3", "3.11.7", True),
        (">=3.12.0", "3.12", True),
        (">=3.15", "3.15.0a1", True),
        (">=3.9,<3.12", "3.11.7", True),
        (">=3.9,<3.11", "3.11.7", False),
        ("!=3.11.*", "3.11.7", False),
        ("==3.11.*", "3.11.7", True),
        ("~=3.8", "3.11.7", True),
        ("three", "3.11.7", True),
    ],
)
def test_requires_python_is_judged_by_the_release(requires, version, allowed):
    assert allows_python(requires, version) is allowed
