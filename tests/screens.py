"""A directory to work in and the real command in it: what a user does, and what the screen shows."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wheels import make_wheel


class Room:
    """A directory to work in: wheels/, an environment, a cache, and the command that uses them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.target = path / "env"
        self.wheels = path / "wheels"
        self.wheels.mkdir()

    def environ(self, **more: str) -> dict[str, str]:
        foreign = ("LUGNUT_", "UV_", "PIP_", "VIRTUAL_ENV", "CONDA_PREFIX", "FORCE_COLOR")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        cache = str(self.path / "cache")
        return {**clean, "LUGNUT_CACHE_DIR": cache, "LUGNUT_NO_INDEX": "1", "NO_COLOR": "1", **more}

    def command(self, typed: str) -> list[str]:
        """Give the command line; a command that names no place of its own acts on the room's."""
        words = typed.split()
        placed = (
            words[0] in {"cache", "completion"}
            or "--path" in words
            or not {"-p", "-t", "--target", "--prefix", "--system"}.isdisjoint(words)
        )
        return [sys.executable, "-P", "-m", "lugnut", *words, *([] if placed else ["--target", str(self.target)])]

    def start(self, typed: str, stdout: int = subprocess.PIPE, **environ: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(typed),
            cwd=self.path,
            env=self.environ(**environ),
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, typed: str, said: str = "", **environ: str) -> tuple[int, str, str]:
        """Run the command with `said` on stdin; give its exit code, stdout and stderr."""
        with self.start(typed, **environ) as process:
            out, err = process.communicate(said, timeout=120)
        return process.returncode, out, err

    def screen(self, typed: str, said: str = "", **environ: str) -> str:
        """Give what the command shows, stderr first, and its exit code if it is not 0."""
        code, out, err = self.run(typed, said, **environ)
        text = re.sub(r"\bin [\d.]+(ms|s)\b", "in TIME", err + out).replace(str(self.path), "ROOM")
        return text + (f"[{code}]\n" if code else "")

    def document(self, typed: str) -> Any:
        return json.loads(self.run(typed + " --json")[1])

    def wheel(self, name: str, version: str = "1.0", files: Mapping[str, str] | None = None, **others: Any) -> str:
        return os.path.relpath(make_wheel(self.wheels, name, version, files, **others), self.path)

    def write(self, name: str, text: str) -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def tree(self) -> dict[str, bytes]:
        """Give every file outside .lugnut with its bytes; uv's lock is held there and never unlinked."""
        found = (path for path in sorted(self.target.rglob("*")) if path.is_file())
        return {
            str(path.relative_to(self.target)): path.read_bytes()
            for path in found
            if ".lugnut" not in path.parts and path.name != ".lock"
        }
