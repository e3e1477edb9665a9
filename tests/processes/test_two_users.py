"""Two users of one group share an environment whose directories are theirs both (mode 2775, umask 022; TRAPS 13)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from wheels import make_wheel

ANNE, BERT, GROUP = 54321, 54322, 54399
AS_USER = f"""
import contextlib, io, os, sys
from lugnut.cli.main import main
os.umask(0o022)
with contextlib.redirect_stderr(io.StringIO()):  # another user may not be let into this Python: import everything now
    for words in (["install", "--reinstall", sys.argv[2]], ["check"], ["uninstall", "six"], ["uninstall", "six"]):
        main([*words, "--target", sys.argv[3], "--no-cache"])
os.setgroups([{GROUP}])
os.setgid(int(sys.argv[1]))
os.setuid(int(sys.argv[1]))
sys.exit(main(sys.argv[4:]))
"""


class Shared:
    """A --target that two users may write to."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.site = root / "site"
        self.warm = self.wheel("0.1", {"six.py": "V = 0\n"})
        self.site.mkdir()
        os.chown(self.site, ANNE, GROUP)
        self.site.chmod(0o2775)

    def wheel(self, version: str, files: dict[str, str]) -> str:
        path = make_wheel(str(self.root), "six", version, {name: text.encode() for name, text in files.items()})
        os.chmod(path, 0o644)
        return path

    def run(self, user: int, *words: str) -> subprocess.CompletedProcess[str]:
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.root), "PYTHONDONTWRITEBYTECODE": "1"}
        path = [str(Path(__file__).parents[2] / "src"), *(place for place in sys.path if place)]
        environ["PYTHONPATH"] = os.pathsep.join(path)
        cache = str(self.root / f"cache-{user}")
        warm = [str(user), self.warm, str(self.root / "warm")]
        command = [sys.executable, "-c", AS_USER, *warm, *words, "--target", str(self.site), "--cache-dir", cache]
        return subprocess.run(command, env=environ, capture_output=True, text=True, check=False, cwd="/")

    def tree(self) -> dict[str, bytes]:
        found = {}
        for place, _, names in os.walk(self.site):
            for name in names:
                path = os.path.join(place, name)
                if f"{os.sep}.lugnut" not in path and name != ".lock":
                    found[os.path.relpath(path, self.site)] = Path(path).read_bytes()
        return found


@pytest.fixture
def shared() -> Iterator[Shared]:
    if sys.platform == "win32" or os.getuid() != 0:
        pytest.skip("only root can be two other users")
    root = Path(tempfile.mkdtemp())
    root.chmod(0o1777)
    try:
        yield Shared(root)
    finally:
        shutil.rmtree(root)


def test_the_other_user_reinstalls_upgrades_and_removes(shared: Shared) -> None:
    one, two = shared.wheel("1.0", {"six.py": "V = 1\n"}), shared.wheel("2.0", {"six.py": "V = 2\n"})
    for user, *words in (
        (ANNE, "install", one),
        (BERT, "install", "--reinstall", one),
        (ANNE, "install", two),
        (BERT, "uninstall", "six"),
    ):
        ran = shared.run(user, *words)
        assert ran.returncode == 0, ran.stderr
    assert shared.tree() == {}


def test_what_the_other_user_may_not_change_is_refused_before_the_commit(shared: Shared) -> None:
    one, two = shared.wheel("1.0", {"six/a.py": "V = 1\n"}), shared.wheel("2.0", {"six/a.py": "V = 2\n"})
    assert shared.run(ANNE, "install", one).returncode == 0
    os.chmod(shared.site / "six-1.0.dist-info", 0o755)  # as pip makes it under this umask
    before = shared.tree()
    for words in (["install", two], ["install", "--reinstall", one], ["uninstall", "six"]):
        ran = shared.run(BERT, *words)
        assert ran.returncode == 1, ran.stderr
        assert "six" in ran.stderr
        assert "Traceback" not in ran.stderr
        assert "committed" not in ran.stderr
        assert shared.tree() == before
    assert shared.run(ANNE, "check").returncode == 0
    assert shared.run(ANNE, "install", two).returncode == 0
