"""The value of an environment, made without asking any interpreter: what the engine's runs in one process act on."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from lugnut import environment


def make_environment(
    root: str | os.PathLike[str],
    *,
    purelib: str = "lib/site",
    platlib: str | None = None,
    aliases: Sequence[tuple[str, str]] = (),
    folds_case: bool = False,
    **fields: Any,
) -> environment.Environment:
    """Make an environment below a directory, with its purelib, bin, include and data."""
    root = os.path.realpath(root)
    below = {
        "purelib": purelib, "platlib": platlib or purelib, "headers": "include", "scripts": "bin", "data": ""
    }  # fmt: skip
    schemes = {scheme: os.path.normpath(os.path.join(root, path)) for scheme, path in below.items()}
    values: dict[str, Any] = {
        "kind": "venv",
        "prefix": root,
        "python": os.path.join(root, "bin", "python"),
        "schemes": schemes,
        "places": environment.spell_places(schemes),
        "aliases": aliases,
        "folds_case": folds_case,
        "markers": {
            "python_version": "3.11",
            "python_full_version": "3.11.7",
            "sys_platform": "linux",
            "os_name": "posix",
        },
        "tags": ("cp311-cp311-linux_x86_64", "cp311-abi3-linux_x86_64", "py3-none-linux_x86_64", "py3-none-any"),
        "cache_tag": "cpython-311",
        "launcher": "posix",
        "uv_lock": None,
    }
    return environment.Environment(**{**values, **fields})
