"""What inflates, by name, for tests that must pass with each: zlib, which is always there, and the extra `fast`."""

import pytest

from lugnut.wheel import inflation

ENGINES = {"plain": inflation.load_plain, "fast": inflation.load_fast}


def choose(monkeypatch, name):
    """Have everything inflated by one engine; the test is skipped where that is not installed."""
    try:
        chosen = ENGINES[name]()
    except ImportError:
        pytest.skip("without the extra `fast`")
    monkeypatch.setattr(inflation, "find_engine", lambda: chosen)
