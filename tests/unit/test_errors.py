"""Every class of error, found by walking: what it says, what to do about it, its exit code; and that it is raised."""

from __future__ import annotations

import ast
import json
import pickle
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import lugnut
from failures import FAILURES, example, find_kinds
from lugnut.errors import BadWheel, Interrupted, LugnutError

ROOT = Path(lugnut.__path__[0])
ALARMING = ("Traceback", "Errno", "Exception", "Error:", "None", "{", "}")
EXIT_CODES = {0, 1, 2, 3, 4, 130, 143}

kinds = pytest.mark.parametrize("kind", find_kinds(), ids=lambda kind: kind.__name__)


def test_the_table_has_every_class_and_no_other() -> None:
    for module in pkgutil.walk_packages(lugnut.__path__, "lugnut."):
        foreign = module.name.startswith("lugnut.system.portalocking.")  # portalocker's own
        if not foreign and not module.name.rpartition(".")[2].startswith(("_windows", "__main__")):
            import_module(module.name)
    assert set(FAILURES) == set(find_kinds())


@kinds
def test_an_error_is_one_plain_sentence_that_names_its_thing(kind: type[LugnutError]) -> None:
    error = example(kind)
    assert str(error) == FAILURES[kind].sentence
    assert "\n" not in str(error)
    assert not [word for word in ALARMING if word in str(error) + error.hint]
    assert not str(error).endswith(".")


@kinds
def test_an_error_says_what_to_do(kind: type[LugnutError]) -> None:
    error = example(kind)
    assert error.hint == FAILURES[kind].hint
    assert "\n" not in error.hint
    assert bool(error.hint) == (kind is not Interrupted)


@kinds
def test_an_error_has_an_exit_code_of_the_manual(kind: type[LugnutError]) -> None:
    assert example(kind).exit_code == FAILURES[kind].code
    assert FAILURES[kind].code in EXIT_CODES - {0}


@pytest.mark.parametrize(("signal", "number", "code"), [("SIGINT", 2, 130), ("SIGTERM", 15, 143)])
def test_a_signal_gives_the_shell_s_exit_code(signal: str, number: int, code: int) -> None:
    error = Interrupted(signal=signal, number=number)
    assert (error.exit_code, pickle.loads(pickle.dumps(error)).exit_code) == (code, code)


@kinds
def test_an_error_crosses_to_another_process_whole(kind: type[LugnutError]) -> None:
    error = example(kind)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert (str(again), again.hint, again.data, again.exit_code) == (
        str(error),
        error.hint,
        error.data,
        error.exit_code,
    )


@kinds
def test_an_error_as_json_holds_all_that_is_known(kind: type[LugnutError]) -> None:
    error = example(kind)
    document = json.loads(json.dumps(error.to_json()))
    assert document == {
        "error": kind.__name__,
        "message": FAILURES[kind].sentence,
        "hint": FAILURES[kind].hint,
        "exit_code": FAILURES[kind].code,
        "data": FAILURES[kind].data,
    }


def test_what_json_has_no_word_for_becomes_text() -> None:
    document = BadWheel(wheel=Path("x.whl"), summary="s", problems=["s"]).to_json()
    assert document["data"]["wheel"] == "x.whl"


def test_templates_read_data_only_once() -> None:
    """A file may be called `{path}`: what comes in as data is never taken for a template."""
    error = BadWheel(wheel="{problems}.whl", summary="no RECORD", problems=[])
    assert str(error) == "{problems}.whl is not a valid wheel: no RECORD"


# --- where they are raised --------------------------------------------------------------------------------------------


def find_calls() -> Iterator[tuple[str, str, set[str]]]:
    """Find where errors are made in the product: place, class, and the keywords given."""
    names = {kind.__name__ for kind in find_kinds()}
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
                place = f"{path.relative_to(ROOT)}:{node.lineno}"
                yield place, node.func.id, {keyword.arg or "**" for keyword in node.keywords}


@kinds
def test_an_error_is_raised_somewhere(kind: type[LugnutError]) -> None:
    assert any(name == kind.__name__ for _, name, _ in find_calls())


def test_whoever_raises_an_error_gives_it_the_data_its_words_need() -> None:
    wanted = {kind.__name__: set(failure.data) for kind, failure in FAILURES.items()}
    wrong = [(place, name, given ^ wanted[name]) for place, name, given in find_calls() if given != wanted[name]]
    assert wrong == []
