"""Which Python is meant: flags before variables before directories, as uv looks."""

import os
import sys

import pytest

from environments import make_target, write
from lugnut.errors import EnvironmentNotFound
from lugnut.interpreter.discovery import find_candidates, find_python, read_configuration, venv_of


def make_python(root, path="bin/python3"):
    program = write(root, path, "#!/bin/sh\n")
    os.chmod(program, 0o755)
    return program


def make_fake_venv(root):
    write(root, "pyvenv.cfg", "home = /nowhere\n")
    return make_python(root)


def test_a_python_may_be_named_by_its_executable_or_by_its_directory(tmp_path):
    program = make_python(tmp_path / "env")
    assert find_python(make_target(tmp_path, python="env/bin/python3")) == program
    assert find_python(make_target(tmp_path, python=tmp_path / "env")) == program


def test_the_named_python_is_not_resolved_through_its_symlink(tmp_path):
    os.makedirs(tmp_path / "env/bin")
    os.symlink(make_python(tmp_path / "base"), tmp_path / "env/bin/python")
    assert find_python(make_target(tmp_path, python="env/bin/python")) == str(tmp_path / "env/bin/python")


def first(directory, python, environ):
    return next(find_candidates(make_target(directory, python=python, environ=environ)))


@pytest.mark.parametrize("spelled", ["3.99", "python3.99", "cp399", "cpython3.99", "cpython@3.99"])
def test_a_version_or_a_name_is_looked_for_on_path(tmp_path, spelled):
    program = make_python(tmp_path / "somewhere", "python3.99")
    assert first(tmp_path, spelled, {"PATH": f"{tmp_path}/nowhere:{tmp_path}/somewhere"}) == program


def test_a_version_means_the_environment_that_has_it_before_path(tmp_path):
    on_path = make_python(tmp_path / "somewhere", "python3.99")
    here, active = make_fake_venv(tmp_path / ".venv"), make_fake_venv(tmp_path / "active")
    write(tmp_path / ".venv", "pyvenv.cfg", "version = 3.99.1\n")
    write(tmp_path / "active", "pyvenv.cfg", "version_info = 3.9.9\n")
    environ = {"PATH": f"{tmp_path}/somewhere"}
    for spelled in ("3.99", "3", "3.99.1", ">=3.99", ">3.9,<4"):
        assert first(tmp_path, spelled, environ) == here
    environ["VIRTUAL_ENV"] = str(tmp_path / "active")
    assert first(tmp_path, "3.99", environ) == here  # as for uv: the active one has another
    assert first(tmp_path, "3.9", environ) == active
    environ["VIRTUAL_ENV"] = str(tmp_path / "gone")
    write(tmp_path / ".venv", "pyvenv.cfg", "version = 3.9.1\n")
    assert first(tmp_path, "3.99", environ) == on_path


@pytest.mark.parametrize("spelled", ["3.99t", "3.99.0a1"])
def test_a_kind_of_python_is_looked_for_by_its_name(tmp_path, spelled):
    program = make_python(tmp_path / "somewhere", f"python{spelled}")
    assert first(tmp_path, spelled, {"PATH": str(tmp_path / "somewhere")}) == program


def test_every_python_on_path_may_have_the_version_asked_for(tmp_path):
    names = ("python3.99", "python3", "python")
    programs = [make_python(tmp_path / "somewhere", name) for name in names]
    environ = {"PATH": str(tmp_path / "somewhere")}
    assert list(find_candidates(make_target(tmp_path, python="3.99", environ=environ))) == programs
    assert list(find_candidates(make_target(tmp_path, python=">=3.99", environ=environ))) == programs[1:]


@pytest.mark.parametrize("spelled", [">=three", "3.98", ">=3.8"])
def test_a_version_that_nobody_has_is_named(tmp_path, spelled):
    with pytest.raises(EnvironmentNotFound, match=r"three|3\.98|3\.8"):
        first(tmp_path, spelled, {"PATH": str(tmp_path)})


@pytest.mark.parametrize("spelled", ["./missing", "python9"])
def test_a_python_that_is_not_there_is_not_replaced_by_another(tmp_path, spelled):
    make_fake_venv(tmp_path / ".venv")
    with pytest.raises(EnvironmentNotFound, match=r"missing|python9"):
        find_python(make_target(tmp_path, python=spelled))


def test_a_directory_without_an_interpreter_is_named(tmp_path):
    os.mkdir(tmp_path / "empty")
    with pytest.raises(EnvironmentNotFound, match="empty has no interpreter"):
        find_python(make_target(tmp_path, python="empty"))


def test_virtual_env_comes_before_conda_and_conda_before_a_venv_here(tmp_path):
    active, conda = make_fake_venv(tmp_path / "active"), make_python(tmp_path / "conda")
    here = make_fake_venv(tmp_path / ".venv")
    environ = {"PATH": "", "CONDA_PREFIX": str(tmp_path / "conda")}
    both = {**environ, "VIRTUAL_ENV": str(tmp_path / "active")}
    assert find_python(make_target(tmp_path, environ=both)) == active
    assert find_python(make_target(tmp_path, environ=environ)) == conda
    assert find_python(make_target(tmp_path)) == here


def test_an_empty_virtual_env_counts_as_none(tmp_path):
    here = make_fake_venv(tmp_path / ".venv")
    assert find_python(make_target(tmp_path, environ={"VIRTUAL_ENV": "", "CONDA_PREFIX": ""})) == here


def test_a_broken_virtual_env_is_an_error_and_not_passed_over(tmp_path):
    make_fake_venv(tmp_path / ".venv")
    with pytest.raises(EnvironmentNotFound, match="VIRTUAL_ENV names"):
        find_python(make_target(tmp_path, environ={"VIRTUAL_ENV": str(tmp_path / "gone")}))


@pytest.mark.parametrize(
    ("more", "is_base"),
    [
        ({"CONDA_DEFAULT_ENV": "base"}, True),
        ({"CONDA_DEFAULT_ENV": "conda"}, False),
        ({}, False),
        ({"_CONDA_ROOT": "{prefix}", "CONDA_DEFAULT_ENV": "conda"}, True),
    ],
)
def test_condas_base_environment_is_a_system_python(tmp_path, more, is_base):
    conda, here = make_python(tmp_path / "conda"), make_fake_venv(tmp_path / ".venv")
    prefix = str(tmp_path / "conda")
    environ = {"CONDA_PREFIX": prefix, **{name: value.format(prefix=prefix) for name, value in more.items()}}
    assert find_python(make_target(tmp_path, environ=environ)) == (here if is_base else conda)


def test_a_venv_above_is_found_and_so_is_the_venv_one_stands_in(tmp_path):
    here = make_fake_venv(tmp_path / ".venv")
    os.makedirs(tmp_path / "a/b")
    assert find_python(make_target(tmp_path / "a/b")) == here
    os.makedirs(tmp_path / ".venv/lib/x")
    assert find_python(make_target(tmp_path / ".venv/lib/x")) == here


def test_a_venv_directory_that_is_none_is_an_error(tmp_path):
    os.mkdir(tmp_path / ".venv")
    with pytest.raises(EnvironmentNotFound, match="no virtual environment"):
        find_python(make_target(tmp_path))


def test_without_any_environment_nothing_on_path_is_taken(tmp_path):
    make_python(tmp_path / "bin", "python3")
    with pytest.raises(EnvironmentNotFound, match=r"no \.venv here or above"):
        find_python(make_target(tmp_path, environ={"PATH": str(tmp_path / "bin")}))


def test_system_is_the_first_python_on_path_that_is_no_virtual_environments(tmp_path):
    make_fake_venv(tmp_path / "venv")
    system = make_python(tmp_path / "usr")
    environ = {"PATH": f"{tmp_path}/venv/bin:{tmp_path}/usr/bin", "VIRTUAL_ENV": str(tmp_path / "venv")}
    assert find_python(make_target(tmp_path, system=True, environ=environ)) == system


def test_system_without_a_python_on_path_is_an_error(tmp_path):
    with pytest.raises(EnvironmentNotFound, match="no system Python"):
        find_python(make_target(tmp_path, system=True))


@pytest.mark.parametrize("kind", ["target", "prefix"])
def test_a_target_or_prefix_takes_the_environment_then_path_then_our_own(tmp_path, kind):
    os.mkdir(tmp_path / "w")
    program = make_python(tmp_path / "usr")
    assert find_python(make_target(tmp_path / "w", **{kind: "there"})) == sys.executable
    environ = {"PATH": str(tmp_path / "usr/bin")}
    assert find_python(make_target(tmp_path / "w", environ=environ, **{kind: "there"})) == program
    here = make_fake_venv(tmp_path / "w/.venv")
    assert find_python(make_target(tmp_path / "w", environ=environ, **{kind: "there"})) == here


def test_pyvenv_cfg_is_read_by_lines_and_not_as_an_ini_file(tmp_path):
    write(tmp_path, "pyvenv.cfg", "home = /a = b\nVersion=3.11.7\nnonsense\n\n[x]\n")
    assert read_configuration(str(tmp_path)) == {"home": "/a = b", "version": "3.11.7"}
    assert read_configuration(str(tmp_path / "none")) is None


def test_an_executable_belongs_to_the_venv_above_its_directory(tmp_path):
    program = make_fake_venv(tmp_path / "v")
    assert venv_of(program) == str(tmp_path / "v")
    assert venv_of(make_python(tmp_path / "s")) is None
