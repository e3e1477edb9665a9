"""Which backend answers, by programs that stand in for uv; and a backend that goes wrong or is called off."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from lugnut.errors import Interrupted, ResolverFailed, Unsupported, UsageError
from lugnut.resolution import choice
from lugnut.resolution.choice import choose
from lugnut.resolution.question import Question
from lugnut.resolution.requirement_lines import Said
from lugnut.resolution.resolving import find_backend, resolve
from lugnut.settings import Resolving


def make_uv(directory: Path, script: str) -> dict[str, str]:
    """A program called uv, alone on PATH with what the system has."""
    directory.mkdir(exist_ok=True)
    program = directory / "uv"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return {"PATH": f"{directory}:/usr/bin:/bin"}


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Lugnut installed where no uv is beside it."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    monkeypatch.setitem(sys.modules, "uv", None)
    return tmp_path


def test_auto_takes_a_uv_that_answers(alone: Path) -> None:
    environ = make_uv(alone / "path", "echo 'uv 0.99.1 (abc 2026-01-01)'")
    assert choose("auto", environ) == ("uv", (str(alone / "path" / "uv"),), (0, 99, 1))
    assert choose("uv", environ).name == "uv"
    assert choose("pip", environ).name == "pip"


def test_the_uv_beside_lugnut_is_taken_where_path_has_none_or_an_old_one(alone: Path) -> None:
    make_uv(alone / "bin", "echo uv 0.50.0")
    assert choose("auto", {"PATH": str(alone)}).command == (str(alone / "bin" / "uv"),)
    old = make_uv(alone / "path", "echo uv 0.6.17")
    assert choose("uv", old).command == (str(alone / "bin" / "uv"),)


def test_the_distribution_uv_knows_its_program(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Uv:
        @staticmethod
        def find_uv_bin() -> str:
            return str(alone / "elsewhere" / "uv")

    make_uv(alone / "elsewhere", "echo uv 0.50.0")
    monkeypatch.setitem(sys.modules, "uv", Uv)
    assert choose("auto", {"PATH": str(alone)}).command == (str(alone / "elsewhere" / "uv"),)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (None, "there is no uv on PATH, nor beside lugnut"),
        ("echo uv 0.6.17", "is 0.6.17, and 0.7 or later is needed"),
        ("echo some other program", "does not say its version, and 0.7 or later is needed"),
        ("exit 3", "does not say its version"),
    ],
)
def test_without_a_good_uv_auto_is_pip_and_uv_is_an_error(alone: Path, script: str | None, said: str) -> None:
    environ = {"PATH": str(alone)} if script is None else make_uv(alone / "path", script)
    backend = choose("auto", environ)
    assert (backend.name, backend.command) == ("pip", (sys.executable, "-P", "-m", "pip"))
    assert backend.version >= (25, 3)
    with pytest.raises(ResolverFailed, match=said) as caught:
        choose("uv", environ)
    assert "--resolver pip" in caught.value.hint


def test_a_resolver_nobody_knows() -> None:
    with pytest.raises(UsageError, match="--resolver"):
        choose("conda", {})


def test_no_pip_beside_lugnut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(ResolverFailed, match="no pip beside lugnut"):
        choice.find_pip()


def test_files_that_lie_elsewhere_are_for_pip() -> None:
    remote = Said(remote=("https://h.test/r.txt",))
    question = Question(python="", directory="/", environ=dict(os.environ))
    assert find_backend(question, remote).name == "pip"
    with pytest.raises(Unsupported, match="hashes unchecked"):
        find_backend(question._replace(resolving=Resolving(resolver="uv")), remote)


def ask(directory: Path, script: str, **fields: object) -> Question:
    environ = make_uv(directory / "path", f'case "$1" in --version) echo uv 0.50.0; exit;; esac\n{script}')
    question = Question(python="/py", directory=str(directory), environ=environ, requirements=("a",))
    return question._replace(resolving=Resolving(resolver="uv"), **fields)


FIND_OUTPUT = 'while [ "$1" != --output-file ]; do shift; done\n'


@pytest.mark.parametrize("answer", ["no lock", "lock-version = '1.0'", "packages = 3"])
def test_an_answer_that_is_no_lock(tmp_path: Path, answer: str) -> None:
    with pytest.raises(ResolverFailed, match=r"uv 0\.50\.0 did not write a lock") as caught:
        resolve(ask(tmp_path, f'{FIND_OUTPUT}echo "{answer}" >"$2"'))
    assert "--resolver pip" in caught.value.hint


def test_no_answer_at_all(tmp_path: Path) -> None:
    with pytest.raises(ResolverFailed, match="did not write a lock"):
        resolve(ask(tmp_path, "exit 0"))


def test_calling_off_ends_the_backend_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "temporary").mkdir()
    begun = tmp_path / "begun"

    def cancelled() -> None:
        if begun.exists():
            raise Interrupted(signal="SIGINT", number=2)

    question = ask(tmp_path, f"echo $$ >'{begun}.tmp'; mv '{begun}.tmp' '{begun}'; exec sleep 600", cancelled=cancelled)
    with pytest.raises(Interrupted):
        resolve(question)
    with pytest.raises(ProcessLookupError):
        os.kill(int(begun.read_text()), 0)
    assert list((tmp_path / "temporary").iterdir()) == []
