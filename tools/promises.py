"""What stays whole when something else goes: owners of shared paths, new code, a store that somebody edited.

Given to `shown.py`: each function plays so many rounds and gives its figures and what was wrong.
"""

from __future__ import annotations

import os
import random
import re

from ground import Ground
from programs import run
from trees import differences, digest_file, walk
from wheels import make_wheel

Figures = tuple[str, list[str]]


def remove_owners(home: str, rounds: int, *, same: bool) -> Figures:
    """Install four owners of twenty paths, with the same bytes or their own, and remove one or two of them."""
    ground, rng = Ground(home), random.Random(f"owners {same}")
    wheels = []
    for name in ("aa", "bb", "cc", "dd"):
        files = {f"shared/d{n % 4}/m{n:02}.py": f"OWNER = {'all' if same else name!r}\n" * (n + 1) for n in range(20)}
        wheels.append(make_wheel(os.path.join(home, "wheels"), name, files={**files, f"{name}/__init__.py": ""}))
    whole, wrong = 0, []
    for number in range(rounds):
        ground.anew()
        chosen = rng.sample(wheels, rng.choice((2, 2, 3, 4)))
        for call in [chosen] if number % 2 else [[wheel] for wheel in chosen]:
            ground.do("install", "--link-mode", ("hardlink", "copy")[number // 2 % 2], *call)
        gone = chosen[0]
        ground.do("uninstall", os.path.basename(gone).partition("-")[0])
        found = ground.wrongs(chosen[1:])
        whole += not found
        wrong += [f"round {number}, {gone} gone: {line}" for line in found[:10]]
    return f"one owner removed, the others whole: {whole} of {rounds}", wrong


def run_new_code(home: str, rounds: int) -> Figures:
    """Import, then upgrade to a source of the same size and zip time, and import again."""
    ground, right, wrong = Ground(home), 0, []
    wheels = [
        make_wheel(os.path.join(home, "wheels"), "pkg", f"{n}.0", {"pkg/__init__.py": f"V = {n}\n"}) for n in (1, 2)
    ]
    look = [ground.python, "-I", "-c", "import pkg; print(pkg.V, pkg.__cached__)"]
    cached = set()
    for number in range(rounds):
        if number % 4 == 0:
            ground.anew()
        ground.do("install", "--link-mode", ("hardlink", "copy")[number // 4 % 2], wheels[number % 2])
        answer, _, cache = run(look, ground.environ).out.strip().partition(" ")
        cached.add(os.path.exists(cache))
        right += answer == str(number % 2 + 1)
        wrong += [] if answer == str(number % 2 + 1) else [f"round {number}: {answer} runs"]
    wrong += [] if cached == {True} else ["no bytecode was left: nothing was shown"]
    return f"the new code runs: {right} of {rounds}", wrong


def damage_store(home: str, rounds: int) -> Figures:
    """Edit, truncate, lengthen, empty or remove a file of the store, with its old time or not, and install from it.

    Right is a whole environment, or a refusal that leaves it as it was and after which the same command makes it whole.
    """
    ground, rng = Ground(home), random.Random("damage")
    files = {f"pkg/m{n:02}.py": f"V = {n}\n" * 20 for n in range(10)}
    files["pkg-1.0.data/scripts/pkg-tool"] = "#!python\nprint(1)\n"
    wheel = make_wheel(os.path.join(home, "wheels"), "pkg", files=files)
    refused, right, wrong = 0, 0, []
    for number in range(rounds):
        ground.anew()
        ground.do("install", wheel)
        ground.anew()
        spoiled, how = spoil(os.path.join(ground.cache, "store"), rng)
        words = ["--link-mode", ("hardlink", "copy")[number % 2], wheel]
        ran, found = ground.lugnut("install", *words), []
        if ran.code:
            refused += 1
            found = differences(ground.empty, ground.tree())
            found += [] if "changed after it was verified" in ran.err else [f"exit {ran.code}: {ran.err}"]
            ground.do("install", *words)
        found += ground.wrongs([wheel])
        right += not found
        wrong += [f"round {number}, {how} {spoiled}: {line}" for line in found[:5]]
    return f"a damaged file of the store was never placed: {right} of {rounds} ({refused} runs refused)", wrong


def spoil(store: str, rng: random.Random) -> tuple[str, str]:
    """Damage one file of the store; gives which and how."""
    standing = re.compile(r"[0-9a-f]{64}/tree/")  # not what earlier rounds spoiled and lugnut has set aside
    trees = [path for path, is_directory in walk(store) if not is_directory and standing.match(path)]
    path = os.path.join(store, rng.choice(trees))
    how = rng.choice(("edited", "truncated", "lengthened", "emptied", "removed"))
    status, before = os.stat(path), digest_file(path)
    with open(path, "rb") as file:
        data = file.read()
    spoiled = {"edited": data[:-2] + b"#\n", "truncated": data[:-5], "lengthened": data + b"#\n", "emptied": b""}
    os.unlink(path)
    if how == "removed":
        return path, how
    with open(path, "wb") as file:
        file.write(spoiled[how])
    os.chmod(path, status.st_mode & 0o777)
    if how != "edited" and rng.random() < 0.5:  # noqa: PLR2004 - a same-size edit under its old time is out of reach
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    if digest_file(path) == before:
        raise RuntimeError(f"{path} was not damaged")
    return path, how
