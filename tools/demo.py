"""The three founding cases, shown: real wheels, one fresh environment, the `lugnut` command, and an outside judge.

`python tools/demo.py [--wheels DIRECTORY]` fetches the wheels with pip (once), installs, shows what lugnut
says about conflicts, decides one by --overlay, removes owners of shared files, and judges every step by the oracle,
which imports nothing of lugnut. Exits 1 when anything is not as promised.
"""

from __future__ import annotations

import argparse
import os
import sys
import textwrap
from collections.abc import Sequence
from typing import NamedTuple

from founding import fetch, make_nvidia_wheels
from oracle import check_environment
from programs import Ran, clean_environ, find_program, make_venv, run, scratch, version_of
from trees import Tree, differences, read_tree, reference_tree, site_packages, without_generated

JWT_IMPORT = (
    "import jwt; print(jwt.decode(jwt.encode({'a': 1}, 'k' * 32, 'HS256'), 'k' * 32, ['HS256']), jwt.__version__)"
)
OVERLAID = "google-search-results"


class Promise(NamedTuple):
    """One thing that was promised, and whether it was kept; `detail` says what was there instead."""

    words: str
    kept: bool
    detail: str = ""


class Stage:
    """The demo's environment, what should be installed in it, and what has been found so far."""

    def __init__(self, home: str) -> None:
        """Make the environment."""
        self.prefix = os.path.join(home, "venv")
        self.python = make_venv(self.prefix)
        self.site = site_packages(self.prefix)
        self.before: Tree = read_tree(self.prefix)
        self.environ = clean_environ(home)
        self.cache = os.path.join(home, "cache")
        self.wheels: dict[str, str] = {}
        self.overlays: dict[str, int] = {}
        self.promises: list[Promise] = []
        self.seconds = 0.0

    def lugnut(self, *words: str, code: int = 0) -> Ran:
        """Run lugnut on the environment, show what a user would see, and expect an exit code."""
        short = [os.path.basename(word) if word.endswith(".whl") else word for word in words]
        shown = [*short[:3], f"... ({len(short)} wheels)"] if len(short) > 8 else short  # noqa: PLR2004 - one line
        print(f"\n  $ lugnut {' '.join(shown)}")
        store = ["--cache-dir", self.cache, "--no-deps"] if words[0] == "install" else []
        where = ["--python", self.python, *store]
        ran = run([find_program("lugnut"), words[0], *where, *words[1:]], self.environ)
        print(textwrap.indent((ran.out + ran.err).rstrip(), "    "), flush=True)
        self.seconds += ran.seconds
        self.promise(f"`lugnut {words[0]}` exits {code}", ran.code == code, f"exit {ran.code}")
        return ran

    def promise(self, words: str, kept: bool, detail: str = "") -> None:
        """Note one promise."""
        self.promises.append(Promise(words, kept, detail))
        print(f"  {'ok ' if kept else 'NOT'} {words}{'' if kept else ': ' + detail}", flush=True)

    def judge(self, words: str) -> None:
        """Compare the environment with the tree that zipfile makes of the wheels, and let the oracle look at it."""
        expected = {**self.before, **reference_tree(self.wheels.values(), self.prefix, self.overlays)}
        found = differences(expected, without_generated(read_tree(self.prefix))) + check_environment(self.site)
        self.promise(words, not found, "; ".join(found[:5]))

    def python_says(self, code: str) -> str:
        """Run a line of Python in the environment, as its user would."""
        ran = run([self.python, "-I", "-B", "-c", code], self.environ)
        return (ran.out + ran.err).strip()


def install_all(stage: Stage, real: dict[str, str], generated: Sequence[str]) -> None:
    """Install all but one in one call: jwt beside PyJWT, and fourteen wheels that share one file."""
    print("\n1. Seventeen wheels in one call. jwt and PyJWT both ship jwt/; fourteen ship nvidia/__init__.py.")
    chosen = {name: path for name, path in real.items() if name != OVERLAID}
    ran = stage.lugnut("install", "--jobs", "4", *chosen.values(), *generated)
    stage.wheels = {**chosen, **{path: path for path in generated}}
    said = ran.out + ran.err
    for path in ("jwt/__init__.py", "nvidia/__init__.py"):
        stage.promise(f"told that {path} is shipped with different bytes", path in said, "no word of it")
    stage.promise("nothing is said of jwt/py.typed, which is the same in both", "jwt/py.typed" not in said)
    stage.judge("every file is that of the later name, and every loser's file is kept")
    answer = stage.python_says(JWT_IMPORT)
    stage.promise("`import jwt` is PyJWT, whole", answer == "{'a': 1} 2.9.0", answer)


def overlay_one(stage: Stage, wheel: str) -> None:
    """Put google-search-results over serpapi, against the order of names."""
    print(f"\n2. serpapi is there; {OVERLAID} ships serpapi/__init__.py too, and is to be on top.")
    before = read_tree(stage.prefix)
    ran = stage.lugnut("install", "--on-conflict", "error", wheel, code=4)
    stage.promise("refused by --on-conflict error with the flag to use", "--overlay" in ran.out + ran.err, "no flag")
    stage.promise("refused with nothing placed", before == read_tree(stage.prefix), "something was placed")
    stage.lugnut("install", "--overlay", OVERLAID, wheel)
    stage.wheels[OVERLAID] = wheel
    stage.overlays[OVERLAID] = 1
    stage.judge(f"serpapi/__init__.py is that of {OVERLAID}, serpapi's own is kept")


def do_nothing(stage: Stage, wheel: str) -> None:
    """Ask again for what is there."""
    print("\n3. The same again is nothing to do, and nothing to warn about.")
    before = read_tree(stage.prefix)
    ran = stage.lugnut("install", wheel)
    changed = differences(before, read_tree(stage.prefix))
    stage.promise("no file was touched", not changed, "; ".join(changed[:5]))
    stage.promise("no warning", "warning" not in (ran.out + ran.err).lower(), "there is one")


def remove_owners(stage: Stage) -> None:
    """Remove one owner of each shared file; the others must be whole."""
    print("\n4. One owner of each shared file goes; the others stay whole.")
    stage.lugnut("uninstall", OVERLAID, "jwt", "nvidia-nvtx-cu12")
    for name in (OVERLAID, "jwt", "nvidia-nvtx-cu12"):
        del stage.wheels[name]
    stage.overlays = {}
    stage.judge("serpapi, PyJWT and thirteen nvidia wheels are whole, nothing is left over")
    answer = stage.python_says(JWT_IMPORT)
    stage.promise("`import jwt` is still PyJWT", answer == "{'a': 1} 2.9.0", answer)
    answer = stage.python_says("import nvidia; print(nvidia.OWNER)")
    stage.promise("`import nvidia` is the next in line, brought back by itself", answer == "nvjitlink", answer)


def remove_rest(stage: Stage) -> None:
    """Remove everything else: the environment is as it was made."""
    print("\n5. All the others go.")
    names = [os.path.basename(path).partition("-")[0] for path in stage.wheels.values()]
    stage.lugnut("uninstall", *names)
    stage.wheels = {}
    stage.judge("the environment is byte for byte as it was made")


def sum_up(stage: Stage) -> int:
    """Say in one screen what happened."""
    broken = [promise for promise in stage.promises if not promise.kept]
    print(f"\n{'=' * 78}\nWhat happened, with {version_of([find_program('lugnut')])}, {stage.seconds:.1f} s in it:\n")
    for promise in stage.promises:
        if not promise.words.startswith("`lugnut") or not promise.kept:
            print(f"  {'ok ' if promise.kept else 'NOT'} {promise.words}")
    for promise in broken:
        print(f"\n{promise.words}:\n    {promise.detail}")
    kept = len(stage.promises) - len(broken)
    print(f"\n{kept} of {len(stage.promises)} as promised{', all of it' if not broken else ''}.\n{'=' * 78}")
    return 1 if broken else 0


def main(arguments: Sequence[str]) -> int:
    """Run the demo."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wheels", help="directory to keep the fetched wheels in")
    options = parser.parse_args(arguments)
    with scratch("demo") as home:
        directory = options.wheels or os.path.join(home, "wheels")
        print("0. Fetching the seven real wheels with pip, making eleven more of the nvidia kind.")
        real = fetch(os.path.join(directory, "real"))
        generated = make_nvidia_wheels(os.path.join(directory, "generated"), beside_real=True)
        for path in [*real.values(), *generated]:
            print(f"     {os.path.basename(path)}")
        stage = Stage(home)
        install_all(stage, real, generated)
        overlay_one(stage, real[OVERLAID])
        do_nothing(stage, real["jwt"])
        remove_owners(stage)
        remove_rest(stage)
        return sum_up(stage)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
