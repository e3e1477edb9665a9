"""Chooses the operating system's rooms once, so that no other module of this one asks which it runs on.

`native` is what it has for files, `machine` what it has for processes and the machine itself.
"""

import sys

if sys.platform == "win32":
    from lugnut.system import _windows as native
    from lugnut.system import _windows_machine as machine
else:
    from lugnut.system import _posix as native
    from lugnut.system import _posix_machine as machine

__all__ = ["machine", "native"]
