"""Site-packages to what is installed: whoever wrote it, however little it says."""

import os
import shutil

import pytest

from environments import make_environment, write
from lugnut.distribution import Row, State
from lugnut.installed import find_installed, read_distribution, read_installed, read_requires
from lugnut.system import files

STATE = '{"format": 1, "wheel": "%s", "overlay": 1, "executables": ["../../bin/x"]}' % ("ab" * 32)


def install(environment, directory="jwt-1.3.1.dist-info", scheme="purelib", **files):
    root = environment.schemes[scheme]
    os.makedirs(os.path.join(root, directory), exist_ok=True)
    for name, text in files.items():
        write(root, f"{directory}/{name.replace('__', '.')}", text)


@pytest.fixture
def environment(tmp_path):
    return make_environment(tmp_path)


def the(environment, name):
    (installed,) = read_installed(environment)[name]
    return installed


def test_a_dist_info_is_read_whole(environment):
    install(
        environment,
        METADATA="Metadata-Version: 2.1\nName: JWT\nVersion: 1.3.1\n\nName: other\n",
        RECORD="jwt/__init__.py,sha256=abc,3\n../../bin/x,,\n",
        INSTALLER="lugnut\n",
        REQUESTED="",
        lugnut__json=STATE,
        direct_url__json="{}",
    )
    found = the(environment, "jwt")
    assert (found.name, found.spelled, found.version, found.dist_info) == ("jwt", "JWT", "1.3.1", "jwt-1.3.1.dist-info")
    assert found.rows == (Row("jwt/__init__.py", "abc", 3), Row("../../bin/x", None, None))
    assert (found.installer, found.requested, found.direct_url, found.legacy) == ("lugnut", True, "{}", False)
    assert found.state == State("ab" * 32, 1, ("../../bin/x",))


def test_an_empty_dist_info_is_installed_and_its_files_are_not_known(environment):
    install(environment, "foo_bar-1.0.dist-info")
    found = the(environment, "foo-bar")
    assert (found.spelled, found.version, found.rows, found.state) == ("foo_bar", "1.0", None, None)


@pytest.mark.parametrize("record", ["jwt.py\n", b"\xff\xfe,,\n", "jwt.py,sha256=x,many\n"])
def test_a_record_that_cannot_be_read_is_none(environment, record):
    install(environment, RECORD=record)
    assert the(environment, "jwt").rows is None


def test_an_empty_record_is_read_as_one_without_rows(environment):
    install(environment, RECORD="")
    assert the(environment, "jwt").rows == ()


def test_a_record_that_is_a_pipe_hangs_nobody(environment):
    install(environment)
    os.mkfifo(os.path.join(environment.purelib, "jwt-1.3.1.dist-info", "RECORD"))
    assert the(environment, "jwt").rows is None


def test_a_record_that_is_a_symlink_is_not_followed(environment, tmp_path):
    install(environment)
    write(tmp_path, "other", "jwt.py,,\n")
    os.symlink(tmp_path / "other", os.path.join(environment.purelib, "jwt-1.3.1.dist-info", "RECORD"))
    assert the(environment, "jwt").rows is None


@pytest.mark.parametrize("make", [lambda path: os.symlink(".", path), lambda path: open(path, "w").close()])
def test_a_dist_info_that_is_no_directory_is_installed_and_opaque(environment, make):
    os.makedirs(environment.purelib)
    make(os.path.join(environment.purelib, "jwt-1.3.1.dist-info"))
    assert the(environment, "jwt").rows is None


def test_rows_are_spelled_one_way(tmp_path):
    environment = make_environment(tmp_path, aliases=(("../../lib64/", "../"),))
    rows = ["./a.py", "../../lib64/site/b.py", f"{environment.purelib}/c.py", "../../bin/../bin/d", "p//e.py"]
    install(environment, RECORD="".join(f"{row},,\n" for row in rows))
    assert [row.path for row in the(environment, "jwt").rows] == ["a.py", "b.py", "c.py", "../../bin/d", "p/e.py"]


def test_an_absolute_row_through_a_link_to_the_environment_is_one_of_its_own(tmp_path):
    environment = make_environment(tmp_path / "real")
    install(environment)
    os.symlink(tmp_path / "real", tmp_path / "link")
    install(environment, RECORD=f"{tmp_path}/link/lib/site/a.py,,\n")
    assert [row.path for row in the(environment, "jwt").rows] == ["a.py"]


def test_rows_of_a_record_in_platlib_are_relative_to_it(tmp_path):
    environment = make_environment(tmp_path, platlib="lib64/site")
    install(environment, scheme="platlib", RECORD="a.so,,\n../../bin/x,,\n../../lib/site/b.py,,\n")
    found = the(environment, "jwt")
    assert found.scheme == "platlib"
    assert [row.path for row in found.rows] == ["../../lib64/site/a.so", "../../bin/x", "b.py"]


def test_purelib_and_platlib_are_both_read_and_one_directory_once(tmp_path):
    apart, one = make_environment(tmp_path / "a", platlib="lib64/site"), make_environment(tmp_path / "b")
    for scheme in ("purelib", "platlib"):
        install(apart, scheme=scheme)
    install(one)
    assert [found.scheme for found in read_installed(apart)["jwt"]] == ["platlib", "purelib"]
    assert [found.scheme for found in read_installed(one)["jwt"]] == ["purelib"]


def test_two_dist_infos_of_one_name_are_both_given(environment):
    install(environment, "jwt-1.0.dist-info")
    install(environment, "JWT-2.0.dist-info")
    assert [found.version for found in read_installed(environment)["jwt"]] == ["2.0", "1.0"]


def test_names_are_sorted_and_only_those_wanted_are_read(environment):
    for name in ("zope.x", "Alpha", "m_m"):
        install(environment, f"{name}-1.dist-info")
    assert list(read_installed(environment)) == ["alpha", "m-m", "zope-x"]
    assert list(read_installed(environment, {"m-m"})) == ["m-m"]


def test_an_environment_that_is_not_there_has_nothing(environment):
    assert read_installed(environment) == {}


def test_a_metadata_of_another_name_is_not_believed(environment):
    install(environment, METADATA="Name: other\nVersion: 9\n\n")
    assert (the(environment, "jwt").spelled, the(environment, "jwt").version) == ("jwt", "1.3.1")


def test_a_broken_state_makes_it_a_strangers(environment):
    install(environment, lugnut__json="{", INSTALLER="uv")
    assert (the(environment, "jwt").state, the(environment, "jwt").installer) == (None, "uv")


@pytest.mark.parametrize("directory", ["~wt-1.0.dist-info", ".jwt-1.0.dist-info", "-1.0.dist-info", "jwt", "jwt.py"])
def test_what_nobody_counts_as_installed_is_not(environment, directory):
    install(environment, directory)
    assert find_installed(environment) == []


def test_a_dist_info_without_a_version_takes_metadatas(environment):
    install(environment, "jwt.dist-info", METADATA="Name: jwt\nVersion: 7\n")
    assert the(environment, "jwt").version == "7"


@pytest.mark.parametrize(
    ("entry", "version"),
    [
        ("foo_x-1.2-py3.11.egg-info", "1.2"),
        ("foo_x-1.2.egg-info", "1.2"),
        ("foo_x.egg-info", "9"),
        ("foo-x.egg-link", ""),
    ],
)
def test_an_egg_info_is_legacy_and_its_files_are_not_known(environment, entry, version):
    if entry.endswith("link"):
        write(environment.purelib, entry, "/src\n")
        entry = entry.replace("-x", "")
    else:
        version = "9"
        install(environment, entry, **{"PKG-INFO": "Name: foo-x\nVersion: 9\n"})
    (found,) = next(iter(read_installed(environment).values()))
    assert (found.legacy, found.rows, found.version) == (
        True,
        None,
        version if not entry.endswith("link") else found.version,
    )


def test_an_egg_info_may_be_a_file(environment):
    write(environment.purelib, "foo-1.2.egg-info", "Name: Foo\nVersion: 1.2\n")
    assert (the(environment, "foo").spelled, the(environment, "foo").version, the(environment, "foo").legacy) == (
        "Foo",
        "1.2",
        True,
    )


def test_one_distribution_is_read_by_its_directory(environment):
    install(environment, RECORD="a,,\n")
    assert read_distribution(environment, "purelib", "jwt-1.3.1.dist-info") == the(environment, "jwt")


@pytest.mark.parametrize("directory", ["gone-1.dist-info", "nonsense"])
def test_one_that_is_gone_is_a_file_not_found(environment, directory):
    os.makedirs(environment.purelib)
    with pytest.raises(FileNotFoundError):
        read_distribution(environment, "purelib", directory)


def test_requirements_are_read_by_packaging(environment):
    head = "Metadata-Version: 2.1\nName: jwt\nVersion: 1\nRequires-Python: >=3.8\n"
    text = head + "Requires-Dist: a>1; extra == 'x'\nRequires-Dist: b\nProvides-Extra: x\n\nRequires-Dist: not this\n"
    install(environment, METADATA=text)
    requires = read_requires(environment, the(environment, "jwt"))
    assert requires == (">=3.8", ("a>1; extra == 'x'", "b"), ("x",))


@pytest.mark.parametrize("text", ["Name: jwt\n\nRequires-Dist: no\n", "", None])
def test_a_distribution_may_ask_for_nothing(environment, text):
    install(environment, **({} if text is None else {"METADATA": text}))
    assert read_requires(environment, the(environment, "jwt")) == ("", (), ())


def test_requirements_are_read_through_a_linked_metadata(environment, tmp_path):
    install(environment)
    write(tmp_path, "cache/METADATA", "Name: jwt\nRequires-Dist: a\n")
    os.symlink(tmp_path / "cache/METADATA", os.path.join(environment.purelib, "jwt-1.3.1.dist-info", "METADATA"))
    assert read_requires(environment, the(environment, "jwt")).requires == ("a",)


def test_an_upgrade_under_the_reader_is_read_again(environment, monkeypatch):
    install(environment, "jwt-1.0.dist-info", RECORD="a,,\n")
    enter, seen = files.enter, []

    def enter_after_an_upgrade(parent, name, **options):
        if not seen:
            os.rename(f"{environment.purelib}/jwt-1.0.dist-info", f"{environment.purelib}/jwt-2.0.dist-info")
        seen.append(name)
        return enter(parent, name, **options)

    monkeypatch.setattr(files, "enter", enter_after_an_upgrade)
    assert the(environment, "jwt").version == "2.0"
    assert seen == ["jwt-1.0.dist-info", "jwt-2.0.dist-info"]


def test_one_that_is_hidden_and_gone_as_it_is_read_is_read_again(environment, monkeypatch):
    install(environment, "jwt-1.0.dist-info", RECORD="a,,\n")
    list_names, seen = files.list_names, []

    def list_after_an_upgrade(directory):
        if directory.path.endswith(".dist-info") and not seen:
            shutil.rmtree(directory.path)
            install(environment, "jwt-2.0.dist-info", RECORD="a,,\n")
            seen.append(directory.path)
        return list_names(directory)

    monkeypatch.setattr(files, "list_names", list_after_an_upgrade)
    assert the(environment, "jwt").version == "2.0"
    assert seen
