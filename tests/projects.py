"""Makes sources that wheels are built of: trees with a backend of their own, of a few lines, and sdists of them.

The backend (PEP 517 and 660) reads its orders from config settings and variables: TINY_COUNT names a file that gets a
line for every build, TINY_GATE a FIFO that a build waits at, TINY_PID a file that learns who waits there.
"""

from __future__ import annotations

import io
import os
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from lugnut.building.recipe import Recipe
from programs import clean_environ, find_program

LONG_AGO = 1_600_000_000
"""The time of every file in an sdist, unless said otherwise."""
BACKEND = '''
import base64, hashlib, os, sys, time, zipfile

NAME, VERSION, MORE = {name!r}, {version!r}, {more!r}


def get_requires_for_build_wheel(config_settings=None):
    return MORE


def _mark():
    if "TINY_COUNT" in os.environ:
        with open(os.environ["TINY_COUNT"], "a") as file:
            file.write("built\\n")
    if "TINY_PID" in os.environ:
        with open(os.environ["TINY_PID"] + ".new", "w") as file:
            file.write(str(os.getpid()))
        os.rename(os.environ["TINY_PID"] + ".new", os.environ["TINY_PID"])
    if "TINY_GATE" in os.environ:
        with open(os.environ["TINY_GATE"]) as file:
            file.read()


def _write(directory, files):
    """Members get the time of SOURCE_DATE_EPOCH, or else of now."""
    info = f"{{NAME}}-{{VERSION}}.dist-info"
    files = {{
        **files,
        f"{{info}}/METADATA": f"Metadata-Version: 2.1\\nName: {{NAME}}\\nVersion: {{VERSION}}\\n",
        f"{{info}}/WHEEL": "Wheel-Version: 1.0\\nGenerator: tiny\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }}
    rows = [f"{{info}}/RECORD,,"]
    moment = time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", time.time())))[:6]
    filename = f"{{NAME}}-{{VERSION}}-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(directory, filename), "w") as archive:
        for path, text in sorted(files.items()):
            data = text.encode()
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            rows.insert(0, f"{{path}},sha256={{digest}},{{len(data)}}")
            archive.writestr(zipfile.ZipInfo(path, moment), data)
        archive.writestr(zipfile.ZipInfo(f"{{info}}/RECORD", moment), "\\n".join(rows) + "\\n")
    return filename


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    _mark()
    setting = (config_settings or {{}}).get("say", "")
    print("building", NAME)
    return _write(wheel_directory, {{f"{{NAME}}.py": f"SETTING = {{setting!r}}\\n"}})
'''
EDITABLE = """

def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    return _write(wheel_directory, {f"{NAME}.pth": os.getcwd() + "\\n"})
"""


def make_tree(
    directory: Path, name: str = "tiny", version: str = "1.0", *, requires: tuple[str, ...] = (), **others: str
) -> Path:
    """Write a project with a backend of its own below `directory`; gives its place.

    `code` is put at the backend's end, `more` (words) is what the backend itself asks for.
    """
    tree = directory / f"{name}-{version}"
    tree.mkdir(parents=True)
    listed = ", ".join(f'"{one}"' for one in requires)
    lines = [f"requires = [{listed}]", 'build-backend = "backend"', 'backend-path = ["."]']
    (tree / "pyproject.toml").write_text("\n".join(["[build-system]", *lines, ""]))
    text = BACKEND.format(name=name, version=version, more=others.get("more", "").split())
    (tree / "backend.py").write_text(text + others.get("code", EDITABLE))
    return tree


def pack(tree: Path, *, ending: str = ".tar.gz", mtime: int = LONG_AGO, filename: str = "") -> Path:
    """Pack a tree into an archive beside it; gives its path."""
    path = tree.with_name(filename or tree.name + ending)
    members = {one.relative_to(tree.parent).as_posix(): one.read_bytes() for one in tree.rglob("*") if one.is_file()}
    return write_zip(path, members, mtime) if ending == ".zip" else write_tar(path, members, mtime)


def write_tar(path: Path, members: Mapping[str, bytes | tarfile.TarInfo], mtime: int = LONG_AGO) -> Path:
    """Write a tar of any compression; a TarInfo is a member of whatever kind it says."""
    kind = path.suffix.lstrip(".").replace("tgz", "gz").replace("tar", "")
    with tarfile.open(path, f"w:{kind}") as archive:  # type: ignore[call-overload]
        for name, content in sorted(members.items()):
            info = content if isinstance(content, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.mtime = info.mtime or mtime
            data = b"" if isinstance(content, tarfile.TarInfo) else content
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def write_zip(path: Path, members: Mapping[str, bytes], mtime: int = LONG_AGO) -> Path:
    import time

    with zipfile.ZipFile(path, "w") as archive:
        for name, data in sorted(members.items()):
            archive.writestr(zipfile.ZipInfo(name, time.gmtime(mtime)[:6]), data)
    return path


def make_recipe(home: Path, wheels: Path | None = None, *, uv: bool = False, **others: object) -> Recipe:
    """Give a recipe for the Python that runs the tests; build requirements come from a directory of wheels alone."""
    index = ("--no-index",) if wheels is None else ("--no-index", "--find-links", str(wheels))
    environ = {**clean_environ(str(home)), "UV_CACHE_DIR": str(home / "uv-cache"), "PYTHONDONTWRITEBYTECODE": "1"}
    recipe = Recipe(
        python=sys.executable,
        uv_arguments=index,
        pip_arguments=index,
        environ={**environ, "PATH": os.environ["PATH"]},
        uv=find_program("uv") if uv else None,
    )
    return recipe._replace(**others)  # type: ignore[arg-type]
