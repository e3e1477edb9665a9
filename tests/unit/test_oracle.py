"""The oracle finds every kind of corruption that is planted, and nothing in a whole environment."""

import json
import os
import shutil
import subprocess
import sys
import zipfile

import pytest

import founding
import oracle
import programs
import trees
from wheels import make_wheel


def plant(prefix, wheels):
    """Install as DESIGN section 3 says, one wheel after the other, by zipfile alone."""
    site = trees.site_packages(prefix)
    for wheel in sorted(wheels, key=trees.wheel_name):  # the later name lies on top
        with zipfile.ZipFile(wheel) as archive:
            for member in archive.infolist():
                put(site, member.filename, archive.read(member), executable=bool(member.external_attr >> 16 & 0o111))
            (record,) = (name for name in archive.namelist() if name.endswith(".dist-info/RECORD"))
            state = json.dumps({"format": 1, "wheel": "0" * 64, "overlay": 0, "executables": executables(archive)})
        dist_info = os.path.dirname(record)
        put(site, f"{dist_info}/lugnut.json", state.encode())
        add_row(site, record, f"{dist_info}/lugnut.json,sha256={trees.digest_bytes(state.encode())},{len(state)}\n")


def add_row(site, record, row, *, is_sorted=True):
    rows = [*get(os.path.join(site, record)).decode().splitlines(keepends=True), row]
    put(site, record, "".join(sorted(rows) if is_sorted else rows).encode())


def put(site, path, data, *, executable=False):
    target = os.path.join(site, path)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target, "wb") as file:
        file.write(data)
    os.chmod(target, 0o755 if executable else 0o644)


def get(path):
    with open(path, "rb") as file:
        return file.read()


def keep(site, name, path, data, *, executable=False):
    kept = oracle.kept_name(path, trees.digest_bytes(data), executable=executable)
    put(site, f".lugnut/kept/{name}/{kept}", data)
    return os.path.join(site, f".lugnut/kept/{name}/{kept}")


def executables(archive):
    return [member.filename for member in archive.infolist() if member.external_attr >> 16 & 0o111]


@pytest.fixture
def wheels(tmp_path):
    directory = str(tmp_path)
    return [
        make_wheel(directory, "aa", files={"shared/x.py": "A = 1\n", "shared/same.py": "S\n", "aa/__init__.py": ""}),
        make_wheel(
            directory,
            "bb",
            files={"shared/x.py": "B = 22\n", "shared/same.py": "S\n", "bb/run": "#!/bin/sh\n"},
            executables={"bb/run"},
        ),
    ]


@pytest.fixture
def prefix(tmp_path, wheels):
    prefix = str(tmp_path / "venv")
    programs.make_venv(prefix)
    before = trees.read_tree(prefix)
    plant(prefix, wheels)
    keep(trees.site_packages(prefix), "aa", "shared/x.py", b"A = 1\n")
    expected = {**before, **trees.reference_tree(wheels, prefix)}
    assert trees.differences(expected, trees.without_generated(trees.read_tree(prefix))) == []
    return prefix


@pytest.fixture
def site(prefix):
    site = trees.site_packages(prefix)
    assert oracle.check_environment(site) == []
    return site


def findings(site):
    return "\n".join(oracle.check_environment(site))


@pytest.mark.parametrize(
    ("path", "data", "finding"),
    [
        ("shared/x.py", b"B = 23\n", "shared/x.py: not the bytes of bb"),
        ("shared/x.py", b"A = 1\n", "shared/x.py: not the bytes of bb"),
        ("shared/x.py", b"", "shared/x.py: not the bytes of bb"),
        ("shared/new.py", b"", "shared/new.py: no RECORD names it"),
        ("aa-1.0.dist-info/extra", b"", "aa-1.0.dist-info/extra: no RECORD names it"),
        (".lugnut-tmp-1-2", b"", ".lugnut-tmp-1-2: no RECORD names it"),
        ("../../../bin/tool", b"", "../../../bin/tool: no RECORD names it"),
        ("../../../share/man/tool.1", b"", "../../../share/man/tool.1: no RECORD names it"),
        ("shared/__pycache__/gone.cpython-311.pyc", b"", "bytecode without its source"),
        ("shared/__pycache__/x.lugnut-00ff.pyc", b"", "x.lugnut-00ff.pyc: a temporary name"),
        (".lugnut/transactions/t1/open", b"", ".lugnut/transactions/t1: a run left its transaction"),
        (".lugnut/closing-t1/plan", b"", ".lugnut/closing-t1: a run left it"),
        (".lugnut/locks/.tmp-1", b"", ".lugnut/locks/.tmp-1: not a lock"),
        (".lugnut/kept/aa/00ff", b"", ".lugnut/kept/aa/00ff: kept, but nobody needs it"),
        ("aa-2.0.dist-info/METADATA", b"", "aa: more than one dist-info: aa-1.0.dist-info, aa-2.0.dist-info"),
        ("cc-2.0.dist-info/METADATA", b"", "cc-2.0.dist-info: no RECORD"),
    ],
)
def test_a_file_that_should_not_be_so_is_found(site, path, data, finding):
    put(site, path, data)
    assert finding in findings(site)


@pytest.mark.parametrize("path", ["shared/x.py", "shared/same.py", "aa/__init__.py", "bb-1.0.dist-info/WHEEL"])
def test_a_missing_file_is_found(site, path):
    os.unlink(os.path.join(site, path))
    assert f"{path}: missing" in findings(site)


def test_a_distribution_cannot_lose_what_it_keeps(site):
    shutil.rmtree(os.path.join(site, ".lugnut", "kept"))
    assert findings(site) == "shared/x.py: the content of aa is neither shown nor kept"


def test_kept_content_with_other_bytes_is_found(site):
    path = keep(site, "aa", "shared/x.py", b"A = 1\n")
    with open(path, "wb") as file:
        file.write(b"A = 2\n")
    assert "not the bytes aa claims at shared/x.py" in findings(site)


def test_kept_content_that_is_shown_is_found(site):
    keep(site, "aa", "shared/same.py", b"S\n")
    assert "kept, but nobody needs it" in findings(site)


@pytest.mark.parametrize(
    ("path", "mode"),
    [("bb/run", 0o644), ("shared/x.py", 0o755), ("shared/x.py", 0o600), ("aa-1.0.dist-info/RECORD", 0o600)],
)
def test_a_wrong_mode_is_found(site, path, mode):
    os.chmod(os.path.join(site, path), mode)
    assert f"{path}: mode {mode:o}" in findings(site)


def test_a_symlink_in_place_of_a_file_is_found(site):
    os.replace(os.path.join(site, "shared/x.py"), os.path.join(site, "bb/x.py"))
    os.symlink("../bb/x.py", os.path.join(site, "shared/x.py"))
    assert "shared/x.py: a symlink, bb claims a file" in findings(site)


def test_an_empty_directory_is_found(site):
    os.mkdir(os.path.join(site, "left"))
    assert findings(site) == "left: an empty directory"


def test_an_empty_dist_info_is_found(site):
    os.mkdir(os.path.join(site, "cc-1.0.dist-info"))
    assert "cc-1.0.dist-info: no METADATA" in findings(site)


@pytest.mark.parametrize(
    ("row", "finding"),
    [
        ("../../../../outside,,\n", "outside the environment"),
        ("aa/../aa/__init__.py,,\n", "RECORD names aa/__init__.py twice"),
        ("aa//__init__.py,,\n", "RECORD spells aa//__init__.py in a roundabout way"),
        ("zz.py,,\n", "RECORD gives no hash and size of zz.py"),
        ("zz.py,md5=00,0\n", "RECORD gives no hash and size of zz.py"),
        ("aa-1.0.dist-info/RECORD,sha256=00,2\n", "RECORD names aa-1.0.dist-info/RECORD twice"),
    ],
)
def test_a_row_that_is_not_exact_is_found(site, row, finding):
    add_row(site, "aa-1.0.dist-info/RECORD", row)
    assert finding in findings(site)


def test_a_record_that_is_not_sorted_is_found(site):
    rows = get(os.path.join(site, "aa-1.0.dist-info/RECORD")).decode().splitlines(keepends=True)
    put(site, "aa-1.0.dist-info/RECORD", "".join(rows[::-1]).encode())
    assert findings(site) == "aa-1.0.dist-info: RECORD is not sorted"


def test_a_record_that_leaves_itself_out_is_found(site):
    rows = get(os.path.join(site, "aa-1.0.dist-info/RECORD")).decode().splitlines(keepends=True)
    put(site, "aa-1.0.dist-info/RECORD", "".join(row for row in rows if "/RECORD," not in row).encode())
    assert "RECORD does not name itself" in findings(site)


def test_what_another_tool_installed_need_not_be_exact(site):
    add_row(site, "aa-1.0.dist-info/RECORD", "shared/zz.py,,\n", is_sorted=False)
    put(site, "shared/zz.py", b"")
    assert "no hash and size" in findings(site)
    os.unlink(os.path.join(site, "aa-1.0.dist-info/lugnut.json"))
    rows = get(os.path.join(site, "aa-1.0.dist-info/RECORD")).decode().splitlines(keepends=True)
    put(site, "aa-1.0.dist-info/RECORD", "".join(row for row in rows if "lugnut.json" not in row).encode())
    assert findings(site) == ""


def test_an_overlay_decides_over_the_name(site, prefix, wheels):
    plant(prefix, [wheels[0]])  # aa on top of bb now
    assert "not the bytes of bb" in findings(site)
    raise_overlay(site, "aa-1.0.dist-info")
    shutil.rmtree(os.path.join(site, ".lugnut"))
    keep(site, "bb", "shared/x.py", b"B = 22\n")
    assert findings(site) == ""
    expected = trees.reference_tree(wheels, prefix, {"aa": 1})
    assert expected[os.path.relpath(os.path.join(site, "shared/x.py"), prefix)].digest == trees.digest_bytes(b"A = 1\n")


def raise_overlay(site, dist_info):
    path, record = (os.path.join(site, dist_info, name) for name in ("lugnut.json", "RECORD"))
    old = get(path)
    new = old.replace(b'"overlay": 0', b'"overlay": 1')
    put(site, f"{dist_info}/lugnut.json", new)
    rows = get(record).replace(trees.digest_bytes(old).encode(), trees.digest_bytes(new).encode())
    put(site, f"{dist_info}/RECORD", rows)


@pytest.mark.parametrize(
    ("spoil", "difference"),
    [
        (os.unlink, "missing"),
        (lambda path: put("", path, b"#"), "wrong bytes"),
        (lambda path: os.chmod(path, 0o600), "mode 600, should be 644"),
        (lambda path: (os.unlink(path), os.mkdir(path)), "a directory, should be a file"),
        (lambda path: put("", path + "2", b""), "unexpected"),
    ],
)
def test_a_tree_that_differs_from_its_reference_says_how(prefix, site, spoil, difference):
    before = trees.read_tree(prefix)
    spoil(os.path.join(site, "shared/x.py"))
    (found,) = trees.differences(before, trees.read_tree(prefix))
    assert found.endswith(difference)
    assert trees.tree_digest(before) != trees.tree_digest(trees.read_tree(prefix))


def test_a_reference_knows_scripts_data_and_launchers(tmp_path):
    prefix = str(tmp_path / "venv")
    programs.make_venv(prefix)
    wheel = make_wheel(
        str(tmp_path),
        "tool",
        files={
            "tool-1.0.data/scripts/plain": "#!/bin/sh\n",
            "tool-1.0.data/scripts/rewritten": "#!python\n",
            "tool-1.0.data/data/share/tool.txt": "text\n",
            "tool-1.0.data/purelib/tool/inner.py": "",
        },
        entry_points="[console_scripts]\ntool = tool:main\n[gui_scripts]\ntoolw = tool:main\n",
    )
    tree = trees.reference_tree([wheel], prefix)
    site = os.path.relpath(trees.site_packages(prefix), prefix)
    assert tree["bin/plain"] == trees.Entry("file", 0o755, trees.digest_bytes(b"#!/bin/sh\n"))
    assert tree["bin/rewritten"] == tree["bin/tool"] == tree["bin/toolw"] == trees.Entry("file", 0o755, "*")
    assert tree["share/tool.txt"].mode == 0o644
    assert tree[f"{site}/tool/inner.py"].digest == trees.digest_bytes(b"")


def test_the_program_exits_by_what_it_found(site):
    command = [sys.executable, oracle.__file__, site]
    assert subprocess.run(command, check=False, capture_output=True, text=True).stdout == "whole\n"
    put(site, "left.py", b"")
    ran = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (1, f"{site}: left.py: no RECORD names it\n")


def test_campaign_wheels_share_paths_with_other_bytes(tmp_path):
    first, second = founding.make_campaign_wheels(str(tmp_path), 5, "1.0")[::4]
    prefix = str(tmp_path / "venv")
    programs.make_venv(prefix)
    one, other = trees.read_wheel_tree(first, prefix), trees.read_wheel_tree(second, prefix)
    shared = {os.path.basename(path): one[path] == other[path] for path in one.keys() & other.keys()}
    assert shared == {"__init__.py": False, "owner.py": False, "same.py": True}
