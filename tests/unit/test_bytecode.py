"""Sources to .pyc files that the environment's interpreter takes, and nothing else touched."""

import errno
import importlib.util
import os
import subprocess
import sys

import pytest

from environments import make_environment, make_target, make_venv, write
from lugnut.interpreter import bytecode
from lugnut.interpreter.asking import find_environment
from lugnut.interpreter.bytecode import compile_bytecode, is_ours
from lugnut.system import files

TAG = sys.implementation.cache_tag


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    directory = tmp_path_factory.mktemp("bytecode")
    return find_environment(make_target(directory, python=make_venv(directory / "v")))


@pytest.fixture(params=["here", "there"])
def compiling(request, environment, tmp_path):
    """The same environment, compiled for in this process and by its own interpreter."""
    environment = find_environment(make_target(tmp_path, python=environment.prefix, target="site"))
    os.makedirs(environment.purelib)
    if request.param == "here":
        return environment
    return environment._replace(markers={**environment.markers, "implementation_version": "0"})


def cached(path):
    above, name = os.path.split(path)
    return os.path.join(above, "__pycache__", f"{name[:-3]}.{TAG}.pyc")


def test_a_source_is_compiled_into_its_cache_and_taken_from_there(compiling):
    source = write(compiling.purelib, "pkg/mod.py", "import sys\nprint('ran', __file__)\n")
    os.utime(source, (400_000_000, 400_000_000))
    assert compile_bytecode(compiling, ["pkg/mod.py", "pkg/data.txt"]) == []
    assert os.listdir(os.path.join(compiling.purelib, "pkg", "__pycache__")) == [f"mod.{TAG}.pyc"]
    with open(source, "r+") as file:
        file.write("import sys\nprint('RAN', __file__)\n")  # equal size
    os.utime(source, (400_000_000, 400_000_000))
    ran = subprocess.run(
        [compiling.python, "-c", "import pkg.mod"], cwd=compiling.purelib, capture_output=True, text=True, check=True
    )
    assert ran.stdout == f"ran {source}\n"


def test_what_is_compiled_here_is_what_py_compile_writes(environment, tmp_path):
    import py_compile

    source = write(environment.purelib, "same.py", "def f(x):\n    return [x] * 2\n")
    assert compile_bytecode(environment, ["same.py"]) == []
    expected = tmp_path / "expected.pyc"
    py_compile.compile(source, str(expected), invalidation_mode=py_compile.PycInvalidationMode.TIMESTAMP)
    with open(cached(source), "rb") as file:
        data = file.read()
    assert data[:16] == expected.read_bytes()[:16]
    assert data[:4] == importlib.util.MAGIC_NUMBER
    assert os.stat(cached(source)).st_mode & 0o777 == 0o644


def test_it_is_as_an_unoptimised_python_would_write_it_however_we_are_started(compiling):
    """Ours may run under -O, and the name of the file says that its reader does not."""
    write(compiling.purelib, "asserting.py", '"Words."\nassert __doc__, "kept"\nassert 1 == 2, "kept too"\n')
    code = f"""
import sys
sys.path[:0] = {sys.path!r}
from lugnut.environment import Environment
from lugnut.interpreter.bytecode import compile_bytecode
sys.exit(bool(compile_bytecode(Environment(**{compiling._asdict()!r}), ["asserting.py"])))
"""
    subprocess.run([sys.executable, "-OO", "-c", code], check=True)
    ran = subprocess.run(
        [compiling.python, "-c", "import asserting"], cwd=compiling.purelib, capture_output=True, text=True, check=False
    )
    assert ran.stderr.endswith("AssertionError: kept too\n"), ran.stderr


@pytest.mark.parametrize("epoch", ["", "1700000000"])
def test_source_date_epoch_asks_for_the_hash_of_the_source_instead_of_its_time(compiling, tmp_path, monkeypatch, epoch):
    """As py_compile and so pip have it (PEP 552): an image builder sets every time to the epoch."""
    import py_compile

    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    source = write(compiling.purelib, "same.py", "def f(x):\n    return [x] * 2\n")
    assert compile_bytecode(compiling, ["same.py"]) == []
    expected = tmp_path / "expected.pyc"
    py_compile.compile(source, str(expected))
    with open(cached(source), "rb") as file:
        data = file.read()
    assert data[:16] == expected.read_bytes()[:16]
    assert data[4:8] == (b"\3\0\0\0" if epoch else bytes(4))


def test_what_is_compiled_while_its_source_goes_does_not_stay(compiling, monkeypatch):
    """Another process removes the source, and what bytecode it finds, before ours gets its name."""
    source = write(compiling.purelib, "pkg/going.py", "x = 1\n")
    rename = files.rename

    def rename_late(*names):
        os.unlink(source)
        rename(*names)

    monkeypatch.setattr("lugnut.system.files.rename", rename_late)
    assert compile_bytecode(compiling, ["pkg/going.py"]) == []
    assert os.listdir(os.path.dirname(source)) == []


def test_what_cannot_be_written_leaves_no_empty_directory(compiling, monkeypatch):
    def write(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    source = os.path.join(compiling.purelib, "full", "a.py")
    os.makedirs(os.path.dirname(source))
    with open(source, "w") as file:
        file.write("A = 1\n")
    monkeypatch.setattr(files, "write", write)
    assert compile_bytecode(compiling, ["full/a.py"]) == []
    assert os.listdir(os.path.dirname(source)) == ["a.py"]


def test_sources_that_are_no_python_are_named_and_the_others_compiled(compiling):
    for name, text in [("a.py", "print 1\n"), ("b.py", "x = 1\n"), ("c.py", "\0"), ("d.py", b"\xff")]:
        write(compiling.purelib, name, text)
    assert compile_bytecode(compiling, ["d.py", "c.py", "b.py", "a.py"]) == ["a.py", "c.py", "d.py"]
    assert os.listdir(os.path.join(compiling.purelib, "__pycache__")) == [f"b.{TAG}.pyc"]


def test_nothing_is_written_through_a_symlink(compiling, tmp_path):
    outside = tmp_path / "outside"
    write(outside, "mod.py", "x = 1\n")
    os.symlink(outside, os.path.join(compiling.purelib, "linked"))
    write(compiling.purelib, "pkg/mod.py", "x = 1\n")
    os.symlink(outside, os.path.join(compiling.purelib, "pkg", "__pycache__"))
    assert compile_bytecode(compiling, ["linked/mod.py", "pkg/mod.py"]) == []
    assert os.listdir(outside) == ["mod.py"]


def test_missing_and_irregular_sources_are_passed_over(compiling):
    os.mkfifo(os.path.join(compiling.purelib, "pipe.py"))
    write(compiling.purelib, "target.py", "x = 1\n")
    assert compile_bytecode(compiling, ["gone.py", "no/where.py", "pipe.py", "target.py"]) == []
    assert os.listdir(os.path.join(compiling.purelib, "__pycache__")) == [f"target.{TAG}.pyc"]


def test_a_source_outside_purelib_is_found_by_its_row(environment):
    source = write(environment.prefix, "share/x.py", "x = 1\n")
    assert compile_bytecode(environment, ["../../../share/x.py"]) == []
    assert os.path.exists(cached(source))


def test_a_row_that_leaves_the_environment_is_not_compiled(environment, tmp_path):
    row = os.path.relpath(write(tmp_path, "x.py", "x = 1\n"), environment.purelib)
    assert compile_bytecode(environment, [row]) == []
    assert os.listdir(tmp_path) == ["x.py"]


def test_warnings_of_a_source_are_not_ours_to_tell(environment, recwarn):
    write(environment.purelib, "warns.py", "x = '\\d' is 1\n")
    assert compile_bytecode(environment, ["warns.py"]) == []
    assert not recwarn.list


def test_our_own_version_needs_no_other_interpreter(environment, tmp_path):
    assert is_ours(environment)
    assert not is_ours(environment._replace(cache_tag="cpython-38"))
    other = make_environment(tmp_path, markers={"implementation_name": "pypy", "implementation_version": "7.3.1"})
    assert not is_ours(other)


def test_the_two_scripts_agree_on_where_an_answer_begins():
    from lugnut.interpreter import probe

    assert bytecode.compilation.BEGIN == probe.BEGIN


def test_many_sources_are_compiled_in_batches(compiling, monkeypatch):
    monkeypatch.setattr(bytecode, "BATCH", 10)
    rows = [write(compiling.purelib, f"p{number}/x.py", "value = 1\n") and f"p{number}/x.py" for number in range(5)]
    assert compile_bytecode(compiling, rows) == []
    assert all(os.path.exists(cached(os.path.join(compiling.purelib, row))) for row in rows)
