"""What stands at a path, as os.path asks; but only what is not there is absent.

os.path takes every trouble for absence. A disk that fails for a moment would then choose: another environment above
this one, another name for its interpreter in every launcher (G1), or a system that is not managed after all.
"""

from __future__ import annotations

import errno
import os
import stat

_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.EINVAL})
"""What the system says where no such name can be reached; Windows says EINVAL of what can be none."""


def look(path: str) -> os.stat_result | None:
    """Give what stands at a path, through symlinks; None where nothing does. Raises OSError in any trouble."""
    try:
        return os.stat(path)
    except ValueError:  # a NUL in it
        return None
    except OSError as error:
        if error.errno in _ABSENT:
            return None
        raise


def exists(path: str) -> bool:
    """Say whether something stands there, through symlinks; OSError in any trouble."""
    return look(path) is not None


def is_file(path: str) -> bool:
    """Say whether a regular file stands there, through symlinks; OSError in any trouble."""
    status = look(path)
    return status is not None and stat.S_ISREG(status.st_mode)


def is_directory(path: str) -> bool:
    """Say whether a directory stands there, through symlinks; OSError in any trouble."""
    status = look(path)
    return status is not None and stat.S_ISDIR(status.st_mode)


def resolve(path: str) -> str:
    """Spell a path without symlinks, whether or not it exists yet; OSError in any trouble, where realpath guesses."""
    try:
        return os.path.realpath(path, strict=True)
    except OSError as error:
        if error.errno not in _ABSENT:
            raise
    above, name = os.path.split(path)
    if os.path.islink(path) or name in {"", os.curdir, os.pardir}:
        return os.path.realpath(path)
    return os.path.join(resolve(above), name)
