"""The rooms are real: who may import whom, who may touch the disk, name a system, speak, start programs; how long.

Each rule is a function from modules to sentences about what breaks it. The last part breaks every rule on purpose, so
that none of them can fall silent unseen.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from programs import clean_environ, make_venv
from wheels import make_wheel

PROJECT = Path(__file__).parents[1]
SOURCE = PROJECT / "src"

LAYERS = """
typed
errors events
distribution links
columns
manifest
system settings answers needs
environment reach
wheel interpreter installed scripts timeline
store glance
plan network unmet
conflicts sources building
transaction resolution wish
check run wishes inventory examination
supply change aftermath
engine
keywords
library reading diagnosis
lugnut
cli
__main__
"""
"""From the ground up; a room imports from the lines above its own, never from its own line or one below."""

CLI_KNOWS = {"lugnut", "settings", "answers", "errors", "events", "typed", "cli"}
"""The command line is the front door's customer: it knows what a caller of the library knows."""

PROGRAMS = {"lugnut.interpreter.probe", "lugnut.interpreter.compilation"}
"""Files that the target's own interpreter runs: they import nothing of ours, and answer on their stdout."""

FILE_LINES = 300
FUNCTION_LINES = 40
VAGUE = {"utils", "util", "helpers", "common", "core", "base", "misc", "manager"}


class Module(NamedTuple):
    """One file of source."""

    name: str
    path: str
    text: str
    tree: ast.Module

    @property
    def room(self) -> str:
        """The room it belongs to: the first part of its name below lugnut."""
        parts = self.name.split(".")
        return parts[1] if len(parts) > 1 else "lugnut"


Rule = Callable[[list[Module]], Iterator[str]]


def make_module(name: str, text: str, path: str = "") -> Module:
    return Module(name, path or name.replace(".", "/") + ".py", text, ast.parse(text))


def read_modules(directory: Path) -> list[Module]:
    found = []
    for path in sorted(directory.rglob("*.py")):
        parts = path.relative_to(directory).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found.append(make_module(name, path.read_text(encoding="utf-8"), str(path.relative_to(PROJECT))))
    return found


def at(module: Module, node: ast.AST) -> str:
    return f"{module.path}:{getattr(node, 'lineno', 1)}"


def imported(module: Module, among: ast.AST | None = None) -> Iterator[tuple[ast.AST, str]]:
    """Give every import as a dotted name: the module, and each name taken from it."""
    for node in ast.walk(among or module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node, alias.name
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield node, f"{node.module}.{alias.name}"


def ours(module: Module, known: set[str], among: ast.AST | None = None) -> Iterator[tuple[ast.AST, str]]:
    """Give the imports of our own modules, each as the module it leads to."""
    for node, name in imported(module, among):
        if name.split(".")[0] == "lugnut":
            yield node, name if name in known else name.rpartition(".")[0] or name


def dotted(node: ast.AST) -> str:
    """Spell `a.b.c`; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        above = dotted(node.value)
        return f"{above}.{node.attr}" if above else ""
    return ""


def loads(module: Module, wanted: set[str]) -> Iterator[tuple[ast.AST, str]]:
    """Give the imports of any of these modules; what is not imported cannot be used, whatever a variable is called."""
    for node, name in imported(module):
        if name.split(".")[0] in wanted:
            yield node, name


def uses(module: Module) -> Iterator[tuple[ast.AST, str]]:
    """Give every name and dotted name that is used, and every import."""
    yield from imported(module)
    for node in ast.walk(module.tree):
        if isinstance(node, (ast.Name, ast.Attribute)):
            yield node, dotted(node)


# --- imports ----------------------------------------------------------------------------------------------------------


def imports_go_one_way(modules: list[Module]) -> Iterator[str]:
    floor = {room: floor for floor, line in enumerate(LAYERS.strip().splitlines()) for room in line.split()}
    known = {module.name for module in modules}
    for module in modules:
        if module.room not in floor:
            yield f"{module.path}: the room {module.room} has no floor in LAYERS"
            continue
        for node, name in ours(module, known):
            room = make_module(name, "").room
            if room != module.room and floor.get(room, len(floor)) >= floor[module.room]:
                yield f"{at(module, node)}: {module.room} may not import {room}"


def no_two_modules_import_each_other(modules: list[Module]) -> Iterator[str]:
    known = {module.name for module in modules}
    graph = {module.name: {name for _, name in ours(module, known) if name in known} for module in modules}
    while leaves := [name for name, beneath in graph.items() if not beneath & graph.keys()]:
        for name in leaves:
            del graph[name]
    cycle = {name: beneath & graph.keys() for name, beneath in graph.items()}
    if cycle:
        yield f"a cycle goes through {', '.join(sorted(cycle))}"


def the_command_line_is_a_customer(modules: list[Module]) -> Iterator[str]:
    known = {module.name for module in modules}
    for module in modules:
        for node, name in ours(module, known) if module.room == "cli" else ():
            if make_module(name, "").room not in CLI_KNOWS:
                yield f"{at(module, node)}: cli knows {', '.join(sorted(CLI_KNOWS))}, not {name}"


LATE = {
    ("lugnut.system.locks", "lugnut.system.portalocking"): "portalocker costs 5 ms that a run with nothing to do saves",
    ("lugnut.__main__", "lugnut.cli.main"): "SIGINT while it is loaded ends the process without a traceback",
    ("lugnut.cli.words", "lugnut.cli.parser"): "argparse and its 150 flags cost 8 ms, and most command lines are plain",
    ("lugnut.cli.commands", "lugnut.cli.completion"): "so does this, which argparse is needed for",
    ("lugnut.cli.talk", "lugnut.cli.answers"): "what words the answers of one command is for nobody else",
    ("lugnut.cli.talk", "lugnut.cli.descriptions"): "what words the answers of one command is for nobody else",
    ("lugnut.cli.talk", "lugnut.cli.examinations"): "so it is",
    ("lugnut.cli.talk", "lugnut.cli.installation_report"): "few want one",
    ("lugnut.cli.main", "lugnut.cli.parser"): "so they do",
    ("lugnut.run", "lugnut.interpreter.elsewhere"): "patterns that few runs need take 1 ms to compile",
    ("lugnut.run", "lugnut.transaction.recover"): "so does the recovery of the dead",
    ("lugnut.run", "lugnut.transaction.site"): "it is recovery's",
    ("lugnut.interpreter.asking", "lugnut.interpreter.probe"): "what it says is remembered",
    ("lugnut.engine", "lugnut.supply.origins"): "few want a description",
    ("lugnut.engine", "lugnut.check"): "a command of its own",
    ("lugnut.engine", "lugnut.aftermath"): "few runs come after a power cut",
    ("lugnut.engine", "lugnut.change"): "what changes an environment costs 4 ms that a run with nothing to do saves",
    ("lugnut.run", "lugnut.transaction.journal"): "nor does it meet a transaction",
    ("lugnut.engine", "lugnut.store.keeping"): "commands of their own",
    ("lugnut.run", "lugnut.system.workers"): "a run with nothing to do has no workers",
    ("lugnut.supply.local", "lugnut.supply.admission"): "what opens and unpacks wheels costs 8 ms, and most are known",
    ("lugnut.interpreter.asking", "lugnut.system.programs"): "most is known without asking",
    ("lugnut.change", "lugnut.transaction.bytecode"): "few runs compile",
    ("lugnut.run", "lugnut.transaction.entrance"): "nor does it change anything",
    (
        "lugnut.transaction.entrance",
        "lugnut.transaction.fence",
    ): "few environments are shared by hosts",
    ("lugnut.transaction.entrance", "lugnut.reach"): "few environments lie where other hosts see them",
    ("lugnut.transaction.entrance", "lugnut.system.probing"): "so few are asked how they are mounted",
    ("lugnut.keywords", "lugnut.timeline"): "few runs are traced",
    ("lugnut.supply.finding", "lugnut.supply.afar"): "resolvers, downloads and builds cost 20 ms that most runs save",
    ("lugnut.supply.local", "lugnut.supply.outlook"): "so do uv's and pip's settings",
}
"""Imports of our own that stand in a function, and why."""


def no_import_is_hidden(modules: list[Module]) -> Iterator[str]:
    known = {module.name for module in modules}
    for module in modules:
        for node, name in uses(module):
            if name.rpartition(".")[2] == "TYPE_CHECKING":
                yield f"{at(module, node)}: TYPE_CHECKING hides an import"
            if name.rpartition(".")[2] in {"import_module", "__import__"} and module.name != "lugnut":
                yield f"{at(module, node)}: {name} hides an import"
        for function in ast.walk(module.tree):
            if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
                for node, name in ours(module, known, function):
                    if (module.name, name) in LATE:
                        continue
                    yield f"{at(module, node)}: {name} is imported inside a function"


def only_typed_loads_typing(modules: list[Module]) -> Iterator[str]:
    """Typing costs 4 ms at start, and its named tuples 100 µs each."""
    for module in modules:
        for node, name in loads(module, {"typing"}):
            yield f"{at(module, node)}: lugnut.typed has what costs less than {name}"


def programs_stand_alone(modules: list[Module]) -> Iterator[str]:
    for module in modules:
        for node, name in ours(module, set()) if module.name in PROGRAMS else ():
            yield f"{at(module, node)}: another interpreter runs this file, and has no {name}"


# --- who may do what --------------------------------------------------------------------------------------------------

SYSTEMS = {"sys.platform", "os.name", "os.uname"}
SYSTEM_MODULES = {"fcntl", "msvcrt", "ctypes", "_winapi", "winreg", "winerror", "resource", "pwd", "grp", "platform"}
CHANGES = {
    "os.rename", "os.renames", "os.replace", "os.link", "os.symlink", "os.unlink", "os.remove", "os.rmdir",
    "os.removedirs", "os.mkdir", "os.makedirs", "os.mkfifo", "os.mknod", "os.open", "os.write", "os.writev",
    "os.pwrite", "os.truncate", "os.ftruncate", "os.chmod", "os.fchmod", "os.lchmod", "os.chown", "os.fchown",
    "os.lchown", "os.utime", "os.sendfile", "os.copy_file_range", "os.fsync", "os.sync",
}  # fmt: skip
CHANGERS = {"shutil", "tempfile", "pathlib"}
MODES = set("wax+")
STARTS = {"subprocess", "multiprocessing", "concurrent", "asyncio", "pty"}
STARTERS = {f"os.{name}" for name in ("system", "popen", "fork", "forkpty", "startfile", "posix_spawn", "posix_spawnp")}
VOICE = {
    "print", "input", "exit", "quit", "SystemExit", "sys.exit", "os._exit", "os.abort",
    "sys.stdout", "sys.stderr", "sys.stdin", "logging", "warnings.warn",
}  # fmt: skip

EXCEPTIONS = {
    ("lugnut.wheel.source", "os.open"): "a wheel is read by the path its user gave, without waiting (TRAPS 36)",
    ("lugnut.cli.terminal", "os.open"): "the null device, in place of a reader who went away",
    ("lugnut.cli.jsonlines", "open"): "the file of --json-events, which its user names",
    ("lugnut.cli.installation_report", "open"): "the file of --report, which its user names",
    ("lugnut.__main__", "sys.exit"): "the program's end",
    ("lugnut.__main__", "os._exit"): "the same, without taking everything apart first",
    ("lugnut.__main__", "sys.stdout"): "what was said is written out before that",
    ("lugnut.__main__", "sys.stderr"): "so it is",
}
"""What one module may do that its room may not, and why."""


def _excused(module: Module, name: str) -> bool:
    return (module.name, name) in EXCEPTIONS


def only_system_names_a_system(modules: list[Module]) -> Iterator[str]:
    for module in modules:
        if module.room != "system" and module.name not in PROGRAMS:
            for node, name in _names_of_systems(module):
                yield f"{at(module, node)}: only system names an operating system, by {name}"


def only_native_rooms_name_a_system(modules: list[Module]) -> Iterator[str]:
    for module in modules:
        stem = module.name.rpartition(".")[2]
        if module.room == "system" and not stem.startswith(("_posix", "_windows")) and stem not in {"native", "volume"}:
            for node, name in _names_of_systems(module):
                yield f"{at(module, node)}: of system, only _posix and _windows use {name}"


def _names_of_systems(module: Module) -> Iterator[tuple[ast.AST, str]]:
    yield from loads(module, SYSTEM_MODULES)
    yield from ((node, name) for node, name in uses(module) if name in SYSTEMS)


def only_system_changes_the_disk(modules: list[Module]) -> Iterator[str]:
    for module in modules:
        if module.room == "system":
            continue
        for node, name in loads(module, CHANGERS):
            yield f"{at(module, node)}: only system changes the disk, by {name}"
        for node, name in uses(module):
            if name in CHANGES and not _excused(module, name):
                yield f"{at(module, node)}: only system changes the disk, by {name}"
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2] == "open" and _writes(node):
                name = dotted(node.func)
                if not name.startswith("os.") and not _excused(module, name):
                    yield f"{at(module, node)}: only system opens a file for writing"


def _writes(call: ast.Call) -> bool:
    modes = [*call.args[1:2], *(keyword.value for keyword in call.keywords if keyword.arg == "mode")]
    return any(not isinstance(mode, ast.Constant) or bool(MODES & set(str(mode.value))) for mode in modes)


def only_the_command_line_speaks(modules: list[Module]) -> Iterator[str]:
    for module in modules:
        if module.room in {"cli", "system"} or module.name in PROGRAMS:
            continue
        for node, name in uses(module):
            if name in VOICE and not _excused(module, name):
                yield f"{at(module, node)}: only cli speaks and ends the program, not {name}"


def only_workers_end_inside_system(modules: list[Module]) -> Iterator[str]:
    """Workers and keepers leave by os._exit and have nothing to say; the rest of system is as silent as any room."""
    mine = {
        "_posix_machine": {"os._exit"},
        "forked": {"sys.stdout", "sys.stderr"},
        "spawned": {"sys.stdin", "os._exit"},
        "keeper": {"logging", "logging.disable", "logging.CRITICAL", "os._exit"},
    }
    for module in modules:
        for node, name in uses(module) if module.room == "system" else ():
            if name in VOICE - mine.get(module.name.rpartition(".")[2], set()):
                yield f"{at(module, node)}: only cli speaks and ends the program, not {name}"


def only_system_starts_programs(modules: list[Module]) -> Iterator[str]:
    """`workers` starts lugnut again, `programs` every other program."""
    for module in modules:
        if module.room == "system":
            continue
        for node, name in loads(module, STARTS):
            yield f"{at(module, node)}: only system starts programs, by {name}"
        for node, name in uses(module):
            if name in STARTERS or name.startswith(("os.exec", "os.spawn")):
                yield f"{at(module, node)}: only system starts programs, by {name}"


def the_door_to_disk_is_called_by_its_name(modules: list[Module]) -> Iterator[str]:
    """`files.link(...)`, so that one wrapper sees every call; outside system nobody goes round the door."""
    known = {module.name for module in modules}
    for module in modules:
        if module.room == "system":
            continue
        for node, name in ours(module, known):
            if name.startswith("lugnut.system.") and name.count(".") == 2 and isinstance(node, ast.ImportFrom):
                taken = {alias.name for alias in node.names}
                if node.module == name:
                    yield f"{at(module, node)}: write {name.rpartition('.')[2]}.{min(taken)}, do not import it"
                elif not taken <= {"distant", "files", "locks", "probing", "programs", "workers"}:
                    yield f"{at(module, node)}: {name} is system's own"
        yield from _handed_on(module)


def _handed_on(module: Module) -> Iterator[str]:
    called = {id(node.func) for node in ast.walk(module.tree) if isinstance(node, ast.Call)}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "files":
            local = any(isinstance(one, ast.arg) and one.arg == "files" for one in ast.walk(module.tree))
            if node.attr[0].islower() and id(node) not in called and not local:
                yield f"{at(module, node)}: files.{node.attr} is called where it is used, not handed on"


# --- size and words ---------------------------------------------------------------------------------------------------


def files_are_short(modules: list[Module]) -> Iterator[str]:
    for module in modules:
        lines = module.text.count("\n")
        if lines > FILE_LINES:
            yield f"{module.path} has {lines} lines, {FILE_LINES} are enough"


def functions_are_short(modules: list[Module]) -> Iterator[str]:
    for module in modules:
        for node in ast.walk(module.tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_LINES:
                    yield f"{at(module, node)}: {node.name} has {lines} lines, {FUNCTION_LINES} are enough"


def every_module_says_what_it_owns(modules: list[Module]) -> Iterator[str]:
    for module in modules:
        if not ast.get_docstring(module.tree):
            yield f"{module.path} has no docstring"


def names_say_something(modules: list[Module]) -> Iterator[str]:
    for module in modules:
        if VAGUE & set(module.name.strip("_").split(".")):
            yield f"{module.path} is called after nothing"


PRODUCT: list[Rule] = [
    imports_go_one_way,
    no_two_modules_import_each_other,
    the_command_line_is_a_customer,
    no_import_is_hidden,
    programs_stand_alone,
    only_typed_loads_typing,
    only_system_names_a_system,
    only_native_rooms_name_a_system,
    only_system_changes_the_disk,
    only_the_command_line_speaks,
    only_workers_end_inside_system,
    only_system_starts_programs,
    the_door_to_disk_is_called_by_its_name,
]
EVERYWHERE: list[Rule] = [files_are_short, functions_are_short, every_module_says_what_it_owns, names_say_something]


@pytest.mark.parametrize("rule", PRODUCT + EVERYWHERE, ids=lambda rule: rule.__name__)
def test_the_product_keeps_the_rule(rule: Rule) -> None:
    assert list(rule(read_modules(SOURCE))) == []


@pytest.mark.parametrize("rule", EVERYWHERE, ids=lambda rule: rule.__name__)
def test_the_tools_keep_the_rule(rule: Rule) -> None:
    assert list(rule(read_modules(PROJECT / "tools"))) == []


@pytest.mark.parametrize("rule", EVERYWHERE[2:], ids=lambda rule: rule.__name__)
def test_the_tests_keep_the_rule(rule: Rule) -> None:
    assert list(rule(read_modules(PROJECT / "tests"))) == []


def test_no_exception_outlives_its_reason() -> None:
    used = {(module.name, name) for module in read_modules(SOURCE) for _, name in uses(module)}
    assert EXCEPTIONS.keys() - used == set()


# --- each rule broken on purpose --------------------------------------------------------------------------------------

BREACHES: list[tuple[Rule, str, str]] = [
    (imports_go_one_way, "lugnut.plan", "from lugnut.transaction import settle"),
    (imports_go_one_way, "lugnut.events", "from lugnut.errors import LugnutError"),
    (imports_go_one_way, "lugnut.store.keeping", "import lugnut.cli.human"),
    (imports_go_one_way, "lugnut.attic", ""),
    (no_two_modules_import_each_other, "lugnut.system.directory", "from lugnut.system import files"),
    (the_command_line_is_a_customer, "lugnut.cli.talk", "from lugnut.transaction import journal"),
    (no_import_is_hidden, "lugnut.plan", "from typing import TYPE_CHECKING"),
    (no_import_is_hidden, "lugnut.plan", "import typing\nif typing.TYPE_CHECKING:\n    import json"),
    (no_import_is_hidden, "lugnut.plan", "def late():\n    from lugnut.events import Event"),
    (no_import_is_hidden, "lugnut.plan", "import importlib\nimportlib.import_module('lugnut.engine')"),
    (programs_stand_alone, "lugnut.interpreter.probe", "from lugnut.events import Event"),
    (only_typed_loads_typing, "lugnut.engine", "from typing import NamedTuple"),
    (only_system_names_a_system, "lugnut.engine", "import sys\nprefix = '' if sys.platform == 'win32' else '.'"),
    (only_system_names_a_system, "lugnut.engine", "from os import name"),
    (only_system_names_a_system, "lugnut.engine", "import platform"),
    (only_system_names_a_system, "lugnut.engine", "def lock():\n    import fcntl"),
    (only_native_rooms_name_a_system, "lugnut.system.workers", "import os\nposix = os.name == 'posix'"),
    (only_system_changes_the_disk, "lugnut.engine", "import os\nos.rename('a', 'b')"),
    (only_system_changes_the_disk, "lugnut.engine", "from os import unlink"),
    (only_system_changes_the_disk, "lugnut.engine", "def clean():\n    import shutil"),
    (only_system_changes_the_disk, "lugnut.engine", "open('a', 'w')"),
    (only_system_changes_the_disk, "lugnut.engine", "open('a', mode='r+b')"),
    (only_the_command_line_speaks, "lugnut.engine", "print('done')"),
    (only_the_command_line_speaks, "lugnut.engine", "import sys\nsys.exit(1)"),
    (only_the_command_line_speaks, "lugnut.engine", "raise SystemExit"),
    (only_workers_end_inside_system, "lugnut.system.files", "import sys\nsys.stderr.write('!')"),
    (only_system_starts_programs, "lugnut.engine", "def ask():\n    import subprocess"),
    (only_system_starts_programs, "lugnut.engine", "import os\nos.execv('a', ['a'])"),
    (the_door_to_disk_is_called_by_its_name, "lugnut.store.index", "from lugnut.system.files import link"),
    (the_door_to_disk_is_called_by_its_name, "lugnut.store.index", "from lugnut.system import contents"),
    (the_door_to_disk_is_called_by_its_name, "lugnut.store.index", "from lugnut.system import files\nf = files.link"),
    (files_are_short, "lugnut.plan", "#\n" * 301),
    (functions_are_short, "lugnut.plan", "def long():\n" + "    a = 1\n" * 40),
    (every_module_says_what_it_owns, "lugnut.plan", "import os"),
    (names_say_something, "lugnut.system.utils", '"""Odds and ends."""'),
]


@pytest.mark.parametrize(("rule", "name", "text"), BREACHES, ids=lambda one: getattr(one, "__name__", None))
def test_a_breach_is_found(rule: Rule, name: str, text: str) -> None:
    beside = [module for module in read_modules(SOURCE) if module.name != name]
    assert len(list(rule([*beside, make_module(name, text)]))) == 1


def test_every_rule_is_broken_once() -> None:
    assert {rule for rule, _, _ in BREACHES} == set(PRODUCT + EVERYWHERE)


# --- start-up ---------------------------------------------------------------------------------------------------------

SLOW = {
    "argparse", "asyncio", "atexit", "concurrent", "ctypes", "dataclasses", "email", "gettext",
    "importlib.metadata", "importlib.util", "inspect", "installer", "logging", "multiprocessing", "packaging",
    "pathlib", "platform", "portalocker", "psutil", "rich", "shutil", "socket", "sqlite3", "ssl", "subprocess",
    "sysconfig", "tempfile", "threading", "tomllib", "traceback", "typing", "urllib", "zipfile",
}  # fmt: skip
"""What no command may load before it knows that it has something to do (DESIGN 12)."""
PORTALOCKERS = {"pathlib", "typing", "urllib"}
"""What the part of portalocker needs that takes locks."""
CHANGING = {
    "lugnut.aftermath",
    "lugnut.change", "lugnut.check", "lugnut.conflicts", "lugnut.interpreter.bytecode", "lugnut.interpreter.elsewhere",
    "lugnut.interpreter.probe", "lugnut.inventory", "lugnut.scripts", "lugnut.supply.afar", "lugnut.supply.origins",
    "lugnut.system.distant", "lugnut.transaction.entrance", "lugnut.transaction.fence",
    "lugnut.system.portalocking", "lugnut.transaction.recover", "lugnut.transaction.transact", "lugnut.wishes",
}  # fmt: skip
"""Our own that a run with nothing to do has no use for."""
PROGRAM = """
import sys
before = set(sys.modules)
{deed}
print(*sorted(set(sys.modules) - before), file=sys.stderr)
"""


def load(deed: str, directory: Path) -> set[str]:
    """Do a deed in a process of its own, and give the modules it loaded, parents included."""
    environ = {**clean_environ(str(directory)), "PYTHONPATH": str(SOURCE)}
    command = [sys.executable, "-c", PROGRAM.format(deed=deed)]
    done = subprocess.run(command, cwd=directory, env=environ, capture_output=True, text=True, timeout=60, check=True)
    return set(done.stderr.splitlines()[-1].split()) if done.stderr.strip() else set()


def slow(loaded: set[str]) -> set[str]:
    return {name for name in loaded for part in SLOW if name == part or name.startswith(part + ".")}


def run(*words: str) -> str:
    return f"from lugnut.__main__ import main; code = main({list(words)!r}); assert code == 0, code"


def test_importing_lugnut_loads_lugnut_alone(tmp_path: Path) -> None:
    loaded = {name for name in load("import lugnut", tmp_path) if not name.startswith("importlib")}
    assert loaded <= {"lugnut", "warnings"}


def test_the_version_loads_no_engine_and_nothing_slow(tmp_path: Path) -> None:
    loaded = load(run("--version"), tmp_path)
    assert "lugnut.cli.main" in loaded
    assert slow(loaded) == set()
    assert not loaded & {"lugnut.engine", "lugnut.library", "lugnut.reading", "csv", "hashlib", "json", "re"}


@pytest.fixture(name="words")
def install_words(tmp_path: Path) -> list[str]:
    """Give the words that install a wheel into an environment; the wheel is in the store already."""
    entry = "[console_scripts]\nx = x:run\n"
    wheel = make_wheel(tmp_path, "x", "1", {"x.py": ""}, entry_points=entry, requires=["y>1; python_version < '3'"])
    words = ["install", "--no-deps", "--no-index", "--cache-dir", str(tmp_path / "cache"), wheel, "--python"]
    make_venv(str(tmp_path / "other"))
    load(run(*words, str(tmp_path / "other")), tmp_path)
    make_venv(str(tmp_path / "venv"))
    return [*words, str(tmp_path / "venv")]


def test_a_warm_install_loads_nothing_slow_but_what_takes_locks(words: list[str], tmp_path: Path) -> None:
    loaded = load(run(*words), tmp_path)
    assert {"lugnut.change", "lugnut.system.portalocking"} <= loaded
    assert not loaded & {"lugnut.timeline", "lugnut.transaction.fence", "lugnut.system.distant"}
    assert {name.partition(".")[0] for name in slow(loaded)} <= PORTALOCKERS


def test_a_run_with_nothing_to_do_loads_nothing_slow(words: list[str], tmp_path: Path) -> None:
    first = load(run(*words), tmp_path)
    assert {"lugnut.change", "lugnut.wishes", "typing"} <= first  # what is looked for can be seen
    again = load(run(*words), tmp_path)
    assert "lugnut.engine" in again
    assert slow(again) == set()
    assert again & CHANGING == set()
