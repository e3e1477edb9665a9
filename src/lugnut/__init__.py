"""lugnut fastens wheels to a Python environment: in parallel, as one transaction, right whoever else is at it.

    import lugnut
    report = lugnut.install(["jwt-1.3.1-py3-none-any.whl"], python=".venv")

The names here are looked up when they are first used (PEP 562), so that `import lugnut` loads nothing else; their
types stand in `__init__.pyi`. Not even `__future__` is imported: under `python -m lugnut` this file runs while the
working directory is still first on sys.path (TRAPS 39).
"""

import sys

__version__ = "0.1.0"

_LIBRARY = (
    "cache_directory",
    "check_environment",
    "clean_cache",
    "install",
    "lock",
    "prune_cache",
    "recover",
    "sync",
    "uninstall",
)
_READING = ("freeze", "list_installed", "show", "tree")
_NAMES = {
    **dict.fromkeys(_LIBRARY, "lugnut.library"),
    **dict.fromkeys(_READING, "lugnut.reading"),
    "doctor": "lugnut.diagnosis",
    "LugnutError": "lugnut.errors",
    "Report": "lugnut.settings",
}

__all__ = ["LugnutError", "Report", "__version__", *sorted((*_LIBRARY, *_READING, "doctor"))]  # noqa: PLE0604 - a tuple of strings


def __getattr__(name: str) -> object:
    """Load the room that holds a name of the front door, once."""
    if name not in _NAMES:
        raise AttributeError(f"module 'lugnut' has no attribute {name!r}")
    __import__(_NAMES[name])  # importlib's import_module does so, and imports warnings first
    value: object = getattr(sys.modules[_NAMES[name]], name)
    setattr(sys.modules[__name__], name, value)
    return value


def __dir__() -> list[str]:
    """Name what the front door offers, loaded or not."""
    return sorted({*globals(), *__all__})
