"""A room to try a program in: a virtual environment, wheels, a cache, and lugnut, pip and uv from outside."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from oracle import check_environment
from programs import Ran, clean_environ, find_program, make_venv, run
from trees import Tree, read_tree, site_packages, tree_digest
from wheels import make_wheel

__all__ = ["Ran", "Room", "one_sentence"]


class Room:
    """Wheels in `wheels`, an environment in `prefix`, a store in `cache`; each may be put on another file system."""

    def __init__(self, path: Path, *, prefix: Path | None = None, cache: Path | None = None) -> None:
        self.path = path
        self.wheels = path / "wheels"
        self.cache = cache or path / "cache"
        self.prefix = prefix or path / "venv"
        self.wheels.mkdir(parents=True, exist_ok=True)
        self.python = make_venv(str(self.prefix))
        self.site = Path(site_packages(str(self.prefix)))
        self.environ = {
            **clean_environ(str(path)),
            "PIP_ROOT_USER_ACTION": "ignore",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_INPUT": "1",
            "UV_OFFLINE": "1",
            "UV_CACHE_DIR": str(path / "uv-cache"),
        }

    def wheel(self, name: str, version: str = "1.0", files: Mapping[str, str] | None = None, **others: Any) -> str:
        return make_wheel(self.wheels / others.pop("below", "."), name, version, files, **others)

    def look_at(self, index: str) -> Room:
        """Let installs ask an index, which else are told that there is none."""
        for name in ("LUGNUT_NO_INDEX", "UV_OFFLINE"):
            self.environ.pop(name)
        self.environ["LUGNUT_INDEX_URL"] = index
        return self

    def standing(self) -> list[str]:
        """Name what is installed, as NAME==VERSION, sorted."""
        command = [find_program("lugnut"), "list", "--python", str(self.prefix), "--json"]
        listed = json.loads(run(command, self.environ).out)
        return sorted(f"{one['name']}=={one['version']}" for one in listed["installed"])

    # --- programs ---

    def command(self, act: str, *words: str) -> list[str]:
        cache = [] if act in {"list", "check", "recover"} else ["--cache-dir", str(self.cache)]
        return [find_program("lugnut"), act, "--python", str(self.prefix), *cache, *words]

    def lugnut(self, act: str, *words: str) -> Ran:
        """Run lugnut, whatever becomes of it."""
        return run(self.command(act, *words), self.environ)

    def do(self, act: str, *words: str) -> Ran:
        """Run lugnut, which has to manage it."""
        ran = self.lugnut(act, *words)
        assert ran.code == 0, ran.err
        return ran

    def start(self, act: str, *words: str) -> subprocess.Popen[str]:
        return start(self.command(act, *words), self.environ)

    def pip(self, *words: str) -> Ran:
        return must([find_program("pip"), "--python", self.python, *words], self.environ)

    def pip_install(self, *wheels: str) -> Ran:
        return self.pip("install", "--no-deps", "--no-index", *wheels)

    def uv_command(self, act: str, *words: str) -> list[str]:
        return [find_program("uv"), "pip", act, "-p", self.python, *words]

    def uv(self, act: str, *words: str) -> Ran:
        return must(self.uv_command(act, *words), self.environ)

    def uv_install(self, *wheels: str) -> Ran:
        return self.uv("install", "--no-deps", "--no-index", *wheels)

    def ask(self, code: str) -> str:
        """Run a program with the environment's interpreter; `-I` keeps everything else out."""
        return must([self.python, "-I", "-c", code], self.environ).out.strip()

    # --- what is there ---

    def tree(self) -> Tree:
        """Give the environment as names, kinds, modes and bytes; uv's lock file beside it belongs to nobody."""
        return {path: entry for path, entry in read_tree(str(self.prefix)).items() if path != ".lock"}

    def digest(self) -> str:
        return tree_digest(self.tree())

    def findings(self) -> list[str]:
        return check_environment(str(self.site))

    def read(self, path: str) -> str:
        return (self.site / path).read_text()

    def write(self, path: str, text: str) -> Path:
        """Put a file there as a user's editor does: a new file under the old name."""
        place = self.site / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        place.write_text(text)
        return place

    def set_aside(self) -> dict[str, str]:
        """Give what lies in .lugnut/altered, by path below the transaction's directory."""
        home = self.site / ".lugnut" / "altered"
        found = (path for path in home.rglob("*") if path.is_file())
        return {"/".join(path.relative_to(home).parts[1:]): path.read_text() for path in found}

    def anew(self) -> None:
        """Take the environment away and make a new one."""
        shutil.rmtree(self.prefix)
        make_venv(str(self.prefix))


def start(command: list[str], environ: Mapping[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def must(command: list[str], environ: Mapping[str, str]) -> Ran:
    ran = run(command, environ)
    assert ran.code == 0, f"{command}: exit {ran.code}\n{ran.out}{ran.err}"
    return ran


def one_sentence(err: str) -> str:
    """Give the sentence of a failed run, seeing that it is all there is: an error and perhaps a hint, one line each."""
    lines = err.splitlines()
    words = [line.partition(":")[0] for line in lines]
    assert words in (["error"], ["error", "hint"]), err
    assert "Traceback" not in err
    assert "contradicts itself" not in err, err
    return lines[0].removeprefix("error: ")


def document(ran: Ran) -> Any:
    return json.loads(ran.out)


def without_times(err: str) -> str:
    return re.sub(r"\bin [\d.]+(ms|s)\b", "in TIME", err)


def file_digest(path: str | os.PathLike[str]) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


LINUX = sys.platform == "linux"
ROOT = LINUX and os.geteuid() == 0
