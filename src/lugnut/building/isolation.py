"""The environment that a backend runs in: made for one build, filled by uv or pip, and the variables that go with it.

What pip and uv are told is in the recipe, whole: their own variables and configuration files are kept from them here,
since one like PIP_TARGET would send the build requirements elsewhere, and one like PIP_INDEX_URL would have the two ask
different indexes. The backend itself hears every variable. Source: PEP 517 (build environment), PEP 405.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Mapping

from lugnut.building import complaints
from lugnut.building.recipe import CannotBuild, Recipe
from lugnut.building.telling import Telling
from lugnut.interpreter.discovery import IN_PREFIX

_NOT_THEIRS = ("__PYVENV_LAUNCHER__", "PYTHONHOME", "PYTHONPATH")
"""Variables that would bring another Python's modules into an environment of its own."""
_KEPT = (
    "UV_CACHE_DIR", "UV_NO_CACHE", "UV_LINK_MODE", "UV_CONCURRENT_", "UV_KEYRING_PROVIDER", "UV_HTTP_",
    "UV_REQUEST_TIMEOUT", "UV_NATIVE_TLS", "UV_SYSTEM_CERTS", "PIP_CACHE_DIR", "PIP_NO_CACHE_DIR",
)  # fmt: skip


def make_environment(directory: str, recipe: Recipe, telling: Telling) -> str:
    """Make an empty environment for the recipe's Python in a directory that does not stand; gives its interpreter."""
    if recipe.uv is not None:
        command = [
            recipe.uv, "venv", "--quiet", "--no-project", "--no-config", "--no-python-downloads",
            *(["--no-cache"] if "--no-cache" in recipe.uv_arguments else []), "--python", recipe.python, directory,
        ]  # fmt: skip
    else:
        command = [recipe.python, "-I", "-m", "venv", "--without-pip", directory]
    ran = telling.run(command, for_installer(recipe))
    found = _interpreter_in(directory)
    if ran.code != 0 or found is None:
        said = complaints.find_refusal(telling.cut(ran.out))
        hint = "install the part of Python that has venv, or uv" if "venv" in said else complaints.find_hint(said)
        raise CannotBuild(f"{recipe.python} could not make an environment for it: {said}", hint)
    return found


def _interpreter_in(prefix: str) -> str | None:
    candidates = (os.path.join(prefix, *parts) for parts in IN_PREFIX)
    return next((path for path in candidates if os.path.isfile(path)), None)


def install(python: str, requirements: Collection[str], recipe: Recipe, telling: Telling) -> None:
    """Install build requirements into an environment made here."""
    if not requirements:
        return
    command = _uv_command(recipe.uv, python, recipe) if recipe.uv is not None else _pip_command(python, recipe)
    ran = telling.run([*command, "--", *sorted(requirements)], for_installer(recipe))
    if ran.code != 0:
        said = complaints.find_refusal(telling.cut(ran.out))
        hint = "leave --offline out, or run once with the network" if recipe.offline else complaints.find_hint(said)
        raise CannotBuild(f"its build requirements cannot be installed: {said}", hint)


def _uv_command(uv: str, python: str, recipe: Recipe) -> list[str]:
    constraints = [word for file in recipe.build_constraints for word in ("-c", file, "-b", file)]
    usual = ["--no-config", "--no-progress", *(["--offline"] if recipe.offline else [])]
    said = [word for word in usual if word not in recipe.uv_arguments]  # uv takes no switch twice
    return [uv, "pip", "install", "--python", python, *constraints, *said, *recipe.uv_arguments]


def _pip_command(python: str, recipe: Recipe) -> list[str]:
    constraints = [word for file in recipe.build_constraints for word in ("-c", file, "--build-constraint", file)]
    # pip has no --offline: whoever makes its variables sees to that, and else it looks at no index at all
    offline = ["--no-index"] if recipe.offline and recipe.installer_environ is None else []
    return [
        sys.executable, "-P", "-m", "pip", "--python", python, "--no-input", "--disable-pip-version-check",  # TRAPS 39
        "install", "--no-warn-script-location", "--progress-bar", "off",
        *constraints, *offline, *recipe.pip_arguments,
    ]  # fmt: skip


def for_installer(recipe: Recipe) -> dict[str, str]:
    """Give the variables for pip and uv: those made for them, or nothing of settings but caches and credentials."""
    whole = recipe.installer_environ
    given = recipe.environ if whole is None else whole
    kept = {name: value for name, value in given.items() if name not in _NOT_THEIRS}
    if whole is not None:
        return kept
    kept = {name: value for name, value in kept.items() if _may_say(name)}
    return {**kept, "PIP_CONFIG_FILE": os.devnull, "PIP_ROOT_USER_ACTION": "ignore"}


def _may_say(name: str) -> bool:
    if name.startswith("UV_INDEX_"):
        return name.endswith(("_USERNAME", "_PASSWORD"))
    return not name.startswith(("PIP_", "UV_", "VIRTUAL_ENV")) or name.startswith(_KEPT)


def for_backend(environ: Mapping[str, str], python: str, *, isolated: bool) -> dict[str, str]:
    """Give the variables for a backend: the scripts beside its interpreter come first on PATH."""
    scripts = os.path.dirname(python)
    path = os.pathsep.join(filter(None, [scripts, environ.get("PATH", os.defpath)]))
    if not isolated:
        return {**{name: value for name, value in environ.items() if name != "__PYVENV_LAUNCHER__"}, "PATH": path}
    kept = {name: value for name, value in environ.items() if name not in _NOT_THEIRS}
    return {**kept, "PATH": path, "VIRTUAL_ENV": os.path.dirname(scripts), "PYTHONNOUSERSITE": "1"}
