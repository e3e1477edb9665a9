"""What one Python says about itself, as one JSON document: asked of the target's own interpreter, or of ours.

Runs alone as `python -I -B probe.py DIRECTORY`, where DIRECTORY is our copy of packaging, so that every interpreter
answers by the same rules; imports nothing of lugnut. What it prints before the answer (a `.pth` file may print) is
cut off at `BEGIN`. Sources: sysconfig's installation schemes, PEP 405, PEP 425, PEP 508, PEP 668.
"""

from __future__ import annotations

import os
import sys
import sysconfig

BEGIN = "\n--- lugnut ---\n"
OLDEST = (3, 9)
"""The oldest Python that packaging still runs on."""

LAUNCHERS = {"win32": "win-ia32", "win-amd64": "win-amd64", "win-arm64": "win-arm64", "win-arm32": "win-arm"}
"""Launcher kinds of pypa/installer by sysconfig's platform; every other platform is posix."""


def describe() -> dict[str, object]:
    """Describe the running interpreter; all of it can be written as JSON."""
    from packaging.markers import default_environment
    from packaging.tags import sys_tags

    return {
        "prefix": os.path.abspath(sys.prefix),
        "base_prefix": os.path.abspath(sys.base_prefix),
        "executable": sys.executable,
        "stdlib": sysconfig.get_path("stdlib"),
        "schemes": _name_schemes(sysconfig.get_paths(_preferred_scheme()), sys.prefix if _virtual() else ""),
        "below": _below_prefix(),
        "markers": dict(default_environment()),
        "tags": [str(tag) for tag in sys_tags()],
        "cache_tag": sys.implementation.cache_tag or "",
        "launcher": LAUNCHERS.get(sysconfig.get_platform(), "posix"),
    }


def _virtual() -> bool:
    return sys.prefix != sys.base_prefix


def _preferred_scheme() -> str:
    """Give the scheme that pip and uv install by: the distributor's for its prefix, `venv` in a virtual environment."""
    if hasattr(sysconfig, "get_preferred_scheme"):  # 3.10
        return sysconfig.get_preferred_scheme("prefix")
    known = sysconfig.get_scheme_names()
    return next(name for name in (os.name + "_prefix", os.name, "posix_prefix") if name in known)


def _name_schemes(paths: dict[str, str], venv: str) -> dict[str, str]:
    """Pick the schemes wheels know; headers in a virtual environment go where pip has always put them."""
    headers = (
        os.path.join(venv, "include", "site", "python{}.{}".format(*sys.version_info)) if venv else paths["include"]
    )
    kept = {scheme: paths[scheme] for scheme in ("purelib", "platlib", "scripts", "data")}
    return {**kept, "headers": headers}


def _below_prefix() -> dict[str, str]:
    """Give each scheme's directory relative to any prefix: a virtual environment's, or `--prefix`."""
    known = sysconfig.get_scheme_names()
    scheme = next(name for name in ("venv", os.name + "_prefix", os.name, "posix_prefix") if name in known)
    root = os.path.join(os.path.abspath(os.sep), "prefix")
    names = ("base", "platbase", "installed_base", "installed_platbase")
    paths = _name_schemes(sysconfig.get_paths(scheme, vars=dict.fromkeys(names, root)), root)
    return {name: os.path.relpath(path, root) for name, path in paths.items()}


def _use_packaging(directory: str) -> None:
    """Import packaging from its own directory, without what else lies beside it."""
    import importlib.util

    for name in [name for name in sys.modules if name.partition(".")[0] == "packaging"]:
        del sys.modules[name]
    start = os.path.join(directory, "__init__.py")
    spec = importlib.util.spec_from_file_location("packaging", start, submodule_search_locations=[directory])
    if spec is None or spec.loader is None:
        raise ImportError(start)
    module = importlib.util.module_from_spec(spec)
    sys.modules["packaging"] = module
    spec.loader.exec_module(module)


def _answer(directory: str) -> dict[str, object]:
    if sys.version_info < OLDEST:
        return {"error": "it is Python {}.{}.{}, which is too old".format(*sys.version_info)}
    _use_packaging(directory)
    return describe()


if __name__ == "__main__":
    import json

    sys.stdout.write(BEGIN + json.dumps(_answer(sys.argv[1])) + "\n")
