"""What an interpreter says of itself, and remembering it in the cache.

Remembered under the identity of all that it depends on: the executable, the kernel, the C library, packaging. Computing
our own facts costs more than a small install. Nothing that lies in the environment is remembered.
"""

from __future__ import annotations

import hashlib
import marshal
import os
import sys
from collections.abc import Callable, Mapping

from lugnut.interpreter.discovery import venv_of
from lugnut.system import files
from lugnut.typed import Any, NamedTuple

FORMAT = 2
"""Of the remembered facts; raise it when probe.py says something else."""

REMEMBERED = "interpreters"
_CHECKSUM = 32


class Facts(NamedTuple):
    """What one interpreter says of itself (`probe.describe`); paths absolute, as it spells them."""

    prefix: str
    base_prefix: str
    executable: str
    stdlib: str
    schemes: dict[str, str]
    below: dict[str, str]
    """Each scheme's directory relative to a prefix."""
    markers: dict[str, str]
    tags: tuple[str, ...]
    cache_tag: str
    launcher: str

    @property
    def virtual(self) -> bool:
        """Whether it is a virtual environment's."""
        return self.prefix != self.base_prefix


def make_facts(document: Mapping[str, Any]) -> Facts:
    """Read the answer of `probe.describe`; KeyError or TypeError where it is none."""
    return Facts(**{**document, "tags": tuple(document["tags"])})


def remember(cache_dir: str | None, executable: str, learn: Callable[[], Mapping[str, Any]]) -> Facts:
    """Give the remembered facts of an executable, or learn them and remember."""
    name = hashlib.sha256(_identify(executable).encode("utf-8", "surrogateescape")).hexdigest()[:32]
    remembered = None if cache_dir is None else _read_remembered(cache_dir, name)
    if remembered is not None:
        return remembered
    facts = make_facts(learn())
    # A shim asks another interpreter each time, by what stands in the working directory: not to be remembered.
    if cache_dir is not None and os.path.realpath(facts.executable) == os.path.realpath(executable):
        _write_remembered(cache_dir, name, facts._asdict())
    return facts


def _identify(executable: str) -> str:
    """Say all that the facts depend on: the executable, its pyvenv.cfg, the kernel, the C library, packaging, us."""
    real = os.path.realpath(executable)
    watched = [real, find_packaging()]
    venv = venv_of(executable)
    if venv is not None:
        watched.append(os.path.join(venv, "pyvenv.cfg"))
    uname, confstr = getattr(os, "uname", tuple), getattr(os, "confstr", str)
    machine = [
        *uname(),
        confstr("CS_GNU_LIBC_VERSION") if "CS_GNU_LIBC_VERSION" in getattr(os, "confstr_names", ()) else "",
    ]
    layout = os.environ.get("DEB_PYTHON_INSTALL_LAYOUT", "")  # Debian's sysconfig answers by it
    words = [str(FORMAT), os.path.abspath(executable), *map(_stamp, watched), *machine, layout]
    return "\n".join(words)


def find_packaging() -> str | None:
    """Give the file that `import packaging` runs, without running it; importlib's own way to ask imports warnings."""
    for finder in sys.meta_path:
        spec = finder.find_spec("packaging", None)
        if spec is not None:
            return spec.origin
    return None


def _stamp(path: str | None) -> str:
    try:
        status = os.stat(path or "")
    except OSError:
        return f"{path} absent"
    return f"{path} {status.st_dev} {status.st_ino} {status.st_size} {status.st_mtime_ns}"


def _read_remembered(cache_dir: str, name: str) -> Facts | None:
    try:
        with files.open_root(os.path.join(cache_dir, REMEMBERED)) as directory:
            data = files.read(directory, name)
        if hashlib.sha256(data[_CHECKSUM:]).digest() != data[:_CHECKSUM]:
            return None
        return make_facts(marshal.loads(data[_CHECKSUM:]))  # noqa: S302 - behind its checksum
    except (OSError, ValueError, EOFError, KeyError, TypeError):  # absent, torn, or another format: learn anew
        return None


def _write_remembered(cache_dir: str, name: str, document: dict[str, Any]) -> None:
    """Write facts down as well as it goes: a sha256, and marshal behind it, which reads faster than JSON.

    Without a cache only time is lost.
    """
    data = marshal.dumps(document, 4)
    try:
        with files.make_directories(os.path.join(os.path.abspath(cache_dir), REMEMBERED)) as directory:
            files.replace(directory, name, hashlib.sha256(data).digest() + data)
    except OSError:
        return
