"""Chooses the operating system's room once, so that no other module of this one asks which it runs on."""

import sys

if sys.platform == "win32":
    from lugnut.system import _windows as native
else:
    from lugnut.system import _posix as native

__all__ = ["native"]
