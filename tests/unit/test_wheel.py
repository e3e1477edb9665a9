"""A wheel becomes a manifest that says exactly what is in it."""

import base64
import hashlib
import os
import struct
import zipfile

import pytest

from hostile import rawzip
from lugnut.distribution import EntryPoint, Name, content_mtime, parse_record
from lugnut.errors import BadWheel
from lugnut.wheel.metadata import parse_title, same_name
from lugnut.wheel.reading import read_wheel, rename_manifest
from lugnut.wheel.source import Limits
from wheels import digest, format_rows, make_member, make_wheel, wheel_members, write_archive


def read_manifest(path):
    with read_wheel(path) as archive:
        return archive.manifest


def read_members(path, **more):
    with read_wheel(path, **more) as archive:
        return {
            file.archive: content if isinstance(content, bytes) else b"".join(content)
            for file, content in archive.members()
        }


def write_raw(directory, raws, name="x-1.0-py3-none-any.whl"):
    (directory / name).write_bytes(rawzip.write(raws))
    return str(directory / name)


def test_the_manifest_names_the_distribution_as_metadata_and_file_name_do(tmp_path):
    path = make_wheel(
        tmp_path,
        "Foo.Bar",
        "1.0",
        requires=["a>1 ; python_version>'3'"],
        metadata="Provides-Extra: e\nRequires-Python: >=3.9",
    )
    manifest = read_manifest(path)
    assert (manifest.name, manifest.spelled, manifest.version) == ("foo-bar", "Foo.Bar", "1.0")
    assert manifest.filename == "Foo_Bar-1.0-py3-none-any.whl"
    assert manifest.dist_info == "Foo_Bar-1.0.dist-info"
    assert manifest.requires == ("a>1 ; python_version>'3'",)
    assert (manifest.requires_python, manifest.extras) == (">=3.9", ("e",))


def test_the_wheel_hash_is_the_sha256_of_the_file(tmp_path):
    path = make_wheel(tmp_path, "x")
    with open(path, "rb") as stream:
        assert hashlib.sha256(stream.read()).hexdigest() == read_manifest(path).wheel


def test_files_are_sorted_by_scheme_and_path_and_carry_digest_size_and_time(tmp_path):
    path = make_wheel(
        tmp_path, "x", files={"z.py": "Z", "a/b.py": "B", "x-1.0.data/scripts/t": "T", "x-1.0.data/data/d": ""}
    )
    files = read_manifest(path).files
    assert [(file.scheme, file.path) for file in files] == [
        ("data", "d"),
        ("purelib", "a/b.py"),
        ("purelib", "x-1.0.dist-info/METADATA"),
        ("purelib", "x-1.0.dist-info/WHEEL"),
        ("purelib", "z.py"),
        ("scripts", "t"),
    ]
    last = files[4]
    assert (last.digest, last.size, last.archive) == (digest(b"Z"), 1, "z.py")
    assert last.mtime == content_mtime(hashlib.sha256(b"Z").digest())


def test_the_record_lines_are_those_of_the_library(tmp_path):
    files = {
        "b.py": "B",
        "a,b.py": "A",
        "x-1.0.data/purelib/c.py": "C",
        "x-1.0.data/scripts/s": "S",
        "x-1.0.data/platlib/p": "",
    }
    rows = parse_record(read_manifest(make_wheel(tmp_path, "x", files=files)).record)
    assert rows == [("a,b.py", digest(b"A"), 1), ("b.py", digest(b"B"), 1)]


def test_the_root_scheme_is_platlib_where_the_wheel_says_so(tmp_path):
    manifest = read_manifest(make_wheel(tmp_path, "x", purelib=False))
    assert manifest.root_scheme == "platlib"
    assert {file.scheme for file in manifest.files} == {"platlib"}


def test_all_five_schemes_are_known(tmp_path):
    schemes = ["data", "headers", "platlib", "purelib", "scripts"]
    files = {f"x-1.0.data/{scheme}/f_{scheme}": "" for scheme in schemes}
    found = {
        file.scheme: file.path
        for file in read_manifest(make_wheel(tmp_path, "x", files=files)).files
        if "f_" in file.path
    }
    assert found == {scheme: f"f_{scheme}" for scheme in schemes}


def test_a_data_directory_spelled_unlike_the_file_name_belongs_to_the_wheel(tmp_path):
    path = make_wheel(tmp_path, "foo.bar", files={"Foo.Bar-1.0.0.data/scripts/tool": "#!python\n"})
    assert [(file.scheme, file.path) for file in read_manifest(path).files][-1] == ("scripts", "tool")


def test_any_x_bit_makes_a_file_executable_and_a_script_always_is(tmp_path):
    raws = rawzip.from_members(
        wheel_members("x", files={"a": "", "b": "", "c": "", "x-1.0.data/scripts/s": ""}),
        a={"mode": 0o100641},
        b={"mode": 0o010},
        c={"mode": 0o100666},
    )
    executable = {file.path: file.executable for file in read_manifest(write_raw(tmp_path, raws)).files}
    assert (executable["a"], executable["b"], executable["c"], executable["s"]) == (True, True, False, True)


@pytest.mark.parametrize(
    ("text", "rewritten"),
    [
        ("#!python\nx", True),
        ("#!pythonw\r\n", True),
        ("#!python", True),
        ("#!/usr/bin/python\n", False),
        ("", False),
        ("\x7fELF", False),
    ],
)
def test_a_script_whose_first_line_asks_for_python_is_marked(tmp_path, text, rewritten):
    path = make_wheel(tmp_path, "x", files={"x-1.0.data/scripts/s": text, "s.py": "#!python\n"})
    assert {file.path: file.rewritten for file in read_manifest(path).files if file.path in {"s", "s.py"}} == {
        "s": rewritten,
        "s.py": False,
    }


def test_entry_points_lose_their_extras_and_keep_their_kind(tmp_path):
    text = "[console_scripts]\nb = x.y:f.g [e1,e2]\n\n; no\n# no\n[gui_scripts]\r\na=x:f\r\n[other]\nz = not a point\n"
    points = read_manifest(make_wheel(tmp_path, "x", entry_points=text)).entry_points
    assert points == (EntryPoint("a", "x", "f", "gui"), EntryPoint("b", "x.y", "f.g", "console"))


def test_a_script_that_was_made_from_an_entry_point_gives_way_to_it(tmp_path):
    scripts = {f"x-1.0.data/scripts/{name}": "old" for name in ("tool", "tool.exe", "tool-script.py", "tools")}
    manifest = read_manifest(make_wheel(tmp_path, "x", files=scripts, entry_points="[console_scripts]\ntool = x:f\n"))
    assert [file.path for file in manifest.files if file.scheme == "scripts"] == ["tools"]


def test_what_the_installer_writes_itself_is_not_among_the_files(tmp_path):
    path = make_wheel(tmp_path, "x", extra={"INSTALLER": "pip\n", "REQUESTED": "", "licenses/INSTALLER": "kept"})
    names = [file.path for file in read_manifest(path).files if "INSTALLER" in file.path or "REQUESTED" in file.path]
    assert names == ["x-1.0.dist-info/licenses/INSTALLER"]


def test_signatures_need_no_row_and_are_not_installed(tmp_path):
    members = [
        *wheel_members("x"),
        make_member("x-1.0.dist-info/RECORD.jws", "{}"),
        make_member("x-1.0.dist-info/RECORD.p7s", ""),
    ]
    path = str(tmp_path / "x-1.0-py3-none-any.whl")
    write_archive(path, members)
    assert [file.path for file in read_manifest(path).files] == [
        "x-1.0.dist-info/METADATA",
        "x-1.0.dist-info/WHEEL",
        "x.py",
    ]


@pytest.mark.parametrize("algorithm", ["sha384", "sha512", "SHA256"])
def test_a_stronger_hash_is_verified_and_ours_computed(tmp_path, algorithm):
    members = wheel_members("x", files={"x.py": "X"})[:-1]
    value = base64.urlsafe_b64encode(hashlib.new(algorithm, b"X").digest()).decode()
    rows = [(member.name, "sha256=" + digest(member.data), "") for member in members[1:]] + [
        ("x.py", f"{algorithm}={value}", "1")
    ]
    path = str(tmp_path / "x-1.0-py3-none-any.whl")
    write_archive(path, [*members, make_member("x-1.0.dist-info/RECORD", format_rows(rows))])
    assert read_manifest(path).files[-1].digest == digest(b"X")
    assert read_members(path)["x.py"] == b"X"


def test_empty_directories_of_the_archive_are_passed_over(tmp_path):
    members = wheel_members("x")
    directory = make_member("pkg/", b"")._replace(mode=0o042755, method=zipfile.ZIP_STORED)
    path = str(tmp_path / "x-1.0-py3-none-any.whl")
    write_archive(path, [directory, *members])
    assert "pkg/" not in {file.archive for file in read_manifest(path).files}


def test_data_descriptors_of_every_form_are_read(tmp_path):
    for form in ("I", "Q"):
        raws = [raw._replace(descriptor=form) for raw in rawzip.from_members(wheel_members("x"))]
        assert read_members(write_raw(tmp_path, raws))["x.py"] == b"VERSION = '1.0'\n"


def test_zip64_is_read_in_members_and_in_the_end_record(tmp_path):
    raws = rawzip.from_members(wheel_members("x"))
    data = raws[0].data
    local = {"size": 0xFFFFFFFF, "extra": struct.pack("<HHQQ", 1, 16, len(data), 0)}
    central = {"size": 0xFFFFFFFF, "offset": 0xFFFFFFFF, "extra": struct.pack("<HHQQ", 1, 16, len(data), 0)}
    raws[0] = raws[0]._replace(local=local, central=central)
    path = tmp_path / "x-1.0-py3-none-any.whl"
    path.write_bytes(rawzip.write(raws, wide=True))
    assert read_members(str(path))["x.py"] == data


def test_a_large_member_comes_in_pieces_with_the_same_bytes(tmp_path):
    content = os.urandom(3_000_000) + bytes(3_000_000)
    for compress in (True, False):
        path = make_wheel(tmp_path, "x", files={"x.bin": content, "empty": ""}, compress=compress)
        with read_wheel(path, limits=Limits(whole=1_000_000)) as archive:
            kinds = {file.archive: isinstance(content, bytes) for file, content in archive.members()}
        assert (kinds["x.bin"], kinds["empty"]) == (False, True)
        assert read_members(path, limits=Limits(whole=1_000_000))["x.bin"] == content
        assert read_members(path)["x.bin"] == content


def test_a_file_larger_than_memory_allows_is_read_where_it_is_needed(tmp_path, monkeypatch):
    path = make_wheel(tmp_path, "x", files={"x.bin": os.urandom(9_000)})
    at_once = read_members(path)
    manifest = read_manifest(path)
    monkeypatch.setattr("lugnut.wheel.source._AT_ONCE", 100)
    assert read_members(path) == at_once
    assert read_manifest(path) == manifest


def test_members_come_sorted_by_archive_path(tmp_path):
    with read_wheel(make_wheel(tmp_path, "x", files={"b/x": "", "a/z": "", "b-c": "", "a/b/c": ""})) as archive:
        names = [file.archive for file, _ in archive.members()]
    assert names == sorted(names)


def test_a_manifest_under_another_file_name_must_still_agree_with_it(tmp_path):
    manifest = read_manifest(make_wheel(tmp_path, "x"))
    assert rename_manifest(manifest, "x-1.0-1build-py3-none-any.whl").filename == "x-1.0-1build-py3-none-any.whl"
    for wrong in ("y-1.0-py3-none-any.whl", "x-1.1-py3-none-any.whl", "x-1.0-py2-none-any.whl", "x.whl"):
        with pytest.raises(BadWheel):
            rename_manifest(manifest, wrong)


def test_metadata_that_is_not_utf8_beside_name_and_version_is_tolerated(tmp_path):
    members = wheel_members("x")[:-1]
    members[1] = members[1]._replace(data=members[1].data + "Author: Jörg\n".encode("latin-1") + b"\nDescr\xffption\n")
    record = [(member.name, "sha256=" + digest(member.data), "") for member in members]
    path = str(tmp_path / "x-1.0-py3-none-any.whl")
    write_archive(path, [*members, make_member("x-1.0.dist-info/RECORD", format_rows(record))])
    assert read_manifest(path).version == "1.0"


def test_a_nested_dist_info_is_an_ordinary_directory(tmp_path):
    files = {"pkg/_vendor/y-1.dist-info/RECORD": "", "pkg/.lugnut/z": ""}
    assert set(files) <= {file.path for file in read_manifest(make_wheel(tmp_path, "x", files=files)).files}


@pytest.mark.parametrize("name", ["na\u00efve", "\u0663", "-foo", "foo-", "_foo", "foo_"])
def test_a_name_that_is_none_is_refused_though_the_file_has_it_too(name):
    """packaging takes it from a file name; metadata may not say it (Core metadata, Name)."""
    title = parse_title("foo-1.0-py3-none-any.whl", [])
    assert not same_name(title._replace(name=Name(name)), name)


def test_a_name_in_other_letters_that_lower_to_the_same_is_another_name():
    title = parse_title("k-1.0-py3-none-any.whl", [])
    assert same_name(title, "K")
    assert not same_name(title, "\N{KELVIN SIGN}")


@pytest.mark.parametrize("name", ["aux.py", "con/nul.txt", "pkg/COM1", "pkg/a:b", "pkg/what?.txt", "share/man/A::B.3"])
def test_names_that_windows_alone_cannot_hold_are_accepted(tmp_path, name):
    """They install everywhere else, and there the system refuses them: no file is taken for another."""
    with read_wheel(make_wheel(tmp_path, "x", files={name: "content"})) as archive:
        assert name in {file.archive for file, _ in archive.members()}
