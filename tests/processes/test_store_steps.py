"""The store killed, or refused, at every step of filling, sweeping and setting aside: it heals and keeps nothing."""

import json
import os
import sys

import pytest

import children
from wheels import make_wheel

KILLED = """
import json, os, shutil, sys
from lugnut.errors import CannotWrite
from lugnut.store import entries as store
from lugnut.store import index
from lugnut.store.place import usual_patience
from lugnut.system import files
from stepper import Steps, die, fail, tear
act, how, directory, wheel = sys.argv[1:]
index._RACY = -(10**10)  # the index is written too, though the wheel is new

def prepare():
    shutil.rmtree(directory, ignore_errors=True)
    place = store.open_store(directory)
    if act != "admit":
        store.admit(place, wheel)
    if act == "heal":
        path = os.path.join(place.root, next(name for name in os.listdir(place.root) if len(name) == 64))
        with open(os.path.join(path, "manifest"), "r+b") as stream:
            stream.write(b"torn")
    return place

def do(place):
    if act in {"admit", "heal"}:
        store.admit(place, wheel)
    elif act == "set_aside":
        store.set_aside(place, store.hash_wheel(place, wheel))
    else:
        getattr(store, act)(place)

def judge(place):
    # Whatever stands there is whole, can be admitted again, and goes without leaving anything.
    manifest = store.admit(place, wheel)
    assert manifest == expected, manifest
    held = store.hold_entry(place, manifest.wheel, usual_patience())
    for file in manifest.files:
        above, _, name = file.archive.rpartition("/")
        with files.open_root(os.path.join(place.root, manifest.wheel, "tree", above)) as tree:
            assert store.intact(tree, name, file) and files.digest(tree, name)[0] == file.digest, file
    held.close()
    store.clean(place)
    left = sorted(os.path.relpath(os.path.join(above, name), place.root)
                  for above, _, names in os.walk(place.root) for name in names)
    assert left == ["format", f"locks/{manifest.wheel}.lock", f"locks/{manifest.wheel}.use"], left
    assert sorted(os.listdir(place.root)) == ["aside", "format", "index", "locks", "temporary"]

def attempt(stop):
    place = prepare()
    pid = os.fork()
    if pid == 0:
        steps = Steps(os.path.realpath(directory), stop, {"die": die, "tear": tear, "fail": fail}[how])
        code = 0
        try:
            do(place)
        except CannotWrite:
            code = 3
        except BaseException as error:
            print(stop, type(error).__name__, error, file=sys.stderr, flush=True)
            code = 4
        os._exit(code if steps.taken >= stop else 9)
    ended = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    judge(place)
    return ended

expected = store.admit(prepare() if act == "admit" else store.open_store(directory), wheel)
ended = []
while not ended or ended[-1] != 9:
    ended.append(attempt(len(ended) + 1))
print(json.dumps(ended[:-1]))
"""


def run(act, how, tmp_path, wheel):
    path = os.pathsep.join(filter(None, sys.path))
    return json.loads(children.run(KILLED, act, how, tmp_path / "cache", wheel, environ={"PYTHONPATH": path}))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    files = {
        "pkg/__init__.py": "A = 1\n",
        "pkg/sub/m.py": "M = 1\n",
        "top.py": "",
        "x-1.0.data/scripts/t": "#!python\n",
    }
    return make_wheel(tmp_path_factory.mktemp("wheels"), "x", files=files)


@pytest.mark.parametrize(("act", "least"), [("admit", 20), ("heal", 20), ("prune", 5), ("clean", 5), ("set_aside", 1)])
@pytest.mark.parametrize("how", ["die", "tear"])
def test_killed_at_any_step_the_store_is_whole_and_the_next_one_goes_on(tmp_path, wheel, act, least, how):
    ended = run(act, how, tmp_path, wheel)
    assert set(ended) == {-9}
    assert len(ended) >= least


@pytest.mark.parametrize("act", ["admit", "heal", "prune", "clean", "set_aside"])
def test_refused_at_any_step_it_is_said_in_a_sentence_and_nothing_is_left(tmp_path, wheel, act):
    """The file system has no room at one moment: CannotWrite, or it was not needed (words, the index)."""
    ended = run(act, "fail", tmp_path, wheel)
    assert set(ended) <= {0, 3}
