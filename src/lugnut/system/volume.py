"""Chooses what the operating system tells of file systems, as `native` does for all else: few runs ask for it."""

import sys

if sys.platform == "win32":
    from lugnut.system._windows_volume import PROGRAM, find_mount, find_room, has_hole, may_map
else:
    from lugnut.system._posix_volume import PROGRAM, find_mount, find_room, has_hole, may_map

__all__ = ["PROGRAM", "find_mount", "find_room", "has_hole", "may_map"]
