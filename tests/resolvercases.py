"""Builds questions for real resolvers: a target without pip, wheels, source trees, silent surroundings."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from lugnut.links import Indexes
from lugnut.resolution.question import Question
from lugnut.resolution.resolving import resolve
from lugnut.settings import Resolving
from programs import clean_environ, make_venv
from wheels import make_wheel

BACKENDS = ("uv", "pip")
USUAL = Resolving()
BACKEND = """
import os, sys
sys.path.insert(0, {tools!r})
from wheels import format_metadata, make_wheel

NAME, VERSION, REQUIRES, MORE = {name!r}, "0.1", {requires!r}, "Provides-Extra: more"

def prepare_metadata_for_build_wheel(directory, config_settings=None):
    place = f"{{NAME}}-{{VERSION}}.dist-info"
    os.makedirs(os.path.join(directory, place))
    with open(os.path.join(directory, place, "METADATA"), "w") as file:
        file.write(format_metadata(NAME, VERSION, REQUIRES, MORE))
    return place

prepare_metadata_for_build_editable = prepare_metadata_for_build_wheel

def build_wheel(directory, config_settings=None, metadata_directory=None):
    return os.path.basename(make_wheel(directory, NAME, VERSION, requires=REQUIRES, metadata=MORE))

build_editable = build_wheel
"""
TOOLS = str(Path(__file__).parents[1] / "tools")


def make_environ(home: Path) -> dict[str, str]:
    """Surroundings in which neither tool finds a word of configuration of the machine's or the user's."""
    places = {"XDG_CONFIG_HOME": str(home / "config"), "XDG_CONFIG_DIRS": str(home / "nowhere")}
    return {
        **clean_environ(str(home)), **places, "UV_CACHE_DIR": str(home / "uv"), "PIP_CACHE_DIR": str(home / "pip"),
        "PATH": os.pathsep.join((os.path.dirname(sys.executable), os.environ.get("PATH", ""))),
    }  # fmt: skip


class Bench:
    """One directory to ask from: `links` has wheels, `target` is the environment."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.links = path / "links"
        self.links.mkdir()
        self.python = make_venv(str(path / "target"))
        self.environ = make_environ(path)
        self.here = path / "work"
        self.here.mkdir()

    def wheel(self, name: str, version: str = "1.0", *, beside: str = "links", **options: Any) -> str:
        return make_wheel(self.path / beside, name, version, **options)

    def write(self, path: str, text: str) -> str:
        full = self.here / path
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_text(text)
        return path

    def tree(self, name: str, requires: list[str], dependencies: str = "") -> str:
        """Make a source tree below `here` that builds without fetching anything; gives its path as `./NAME`."""
        system = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        self.write(f"{name}/pyproject.toml", system + dependencies)
        self.write(f"{name}/backend.py", BACKEND.format(tools=TOOLS, name=name, requires=requires))
        return f"./{name}"

    def ask(self, backend: str, *requirements: str, resolving: Resolving = USUAL, **options: Any) -> Any:
        """Ask one backend; gives a Pylock."""
        chosen = {"indexes": Indexes(find_links=(str(self.links),), no_index=True), **options}
        return resolve(
            Question(
                python=self.python, directory=str(self.here), environ=self.environ, requirements=requirements,
                resolving=resolving._replace(resolver=backend), **chosen,
            )
        )  # fmt: skip


def versions(lock: Any) -> dict[str, str | None]:
    """Give what a lock has, by name; None for what a build would have to tell."""
    return {package.name: None if package.version is None else str(package.version) for package in lock.packages}
