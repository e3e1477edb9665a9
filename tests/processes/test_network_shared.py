"""Many processes want one file from afar: it comes once, whoever is killed on the way."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator

import pytest

from children import Child, child
from fetches import Fetches, afar, alone
from indexes import Fault
from lugnut.links import Link
from lugnut.store.keeping import prune
from wheels import make_wheel

__all__ = ["afar", "alone"]

FETCH = """
import ast, os, sys
from lugnut.events import Downloading, WheelAdmitted
from lugnut.links import Link, Route
from lugnut.network import transfer
from lugnut.network.fetching import fetch_file, fetch_wheel
from lugnut.store.entries import open_store
from lugnut.system import locks
transfer._BETWEEN = 0.0  # tell of every piece, once it is written
act, cache, link = sys.argv[1], sys.argv[2], Link(*ast.literal_eval(sys.argv[3]))

def tell(event):
    if isinstance(event, Downloading):
        print("received", event.received, flush=True)
    if isinstance(event, WheelAdmitted):
        print("found" if event.cached else "unpacked", flush=True)

def wait(path, holder, seconds):
    print("waiting", flush=True)

store, patience = open_store(cache), locks.Patience(60.0, wait)
print("ready", flush=True)
sys.stdin.readline()
if act == "wheel":
    print("wheel", fetch_wheel(store, link, Route(), tell, patience).wheel, flush=True)
else:
    with fetch_file(store, link, Route(), tell, patience) as fetched:
        print("lent", os.path.getsize(fetched.path), flush=True)
        sys.stdin.readline()
"""


@pytest.fixture
def start(afar: Fetches) -> Iterator[object]:
    with contextlib.ExitStack() as stack:

        def begin(act: str = "wheel", link: Link | None = None) -> Child:
            one = stack.enter_context(child(FETCH, act, afar.path / "cache", repr(tuple(link or afar.link()))))
            assert one.hear() == "ready"
            return one

        yield begin


def hear_until(one: Child, *words: str) -> str:
    """Read on to the first line that begins with one of these words; fail at the end of its output."""
    while True:
        line = one.hear()
        assert line, one.finish()
        if line.startswith(words):
            return line


def test_eight_processes_that_want_one_wheel_fetch_it_once(afar, start):
    actors = [start() for _ in range(8)]
    for actor in actors:
        actor.say()
    assert sorted(hear_until(actor, "found", "unpacked") for actor in actors) == ["found"] * 7 + ["unpacked"]
    assert [hear_until(actor, "wheel") for actor in actors] == [f"wheel {afar.link().sha256}"] * 8
    assert [actor.finish()[0] for actor in actors] == [0] * 8
    assert afar.index.count(afar.name) == 1
    assert (afar.entries(), afar.downloads()) == ([afar.link().sha256], [])


def test_even_if_nobody_knows_its_hash_those_who_waited_take_what_came(afar, start):
    arrived = threading.Event()
    afar.index.spoil(afar.name, Fault(held=arrived))
    link = afar.link(hashes=(), size=None)
    first, *others = [start(link=link) for _ in range(4)]
    first.say()
    hear_until(first, "received")
    for actor in others:
        actor.say()
        hear_until(actor, "waiting")
    arrived.set()
    assert hear_until(first, "found", "unpacked") == "unpacked"
    assert [hear_until(actor, "found", "unpacked") for actor in others] == ["found"] * 3
    assert afar.index.count(afar.name) == 1


def test_four_processes_that_want_one_source_fetch_it_once_and_use_it_together(afar, start):
    actors = [start("source") for _ in range(4)]
    for actor in actors:
        actor.say()
    assert [hear_until(actor, "lent") for actor in actors] == [f"lent {len(afar.bytes)}"] * 4
    assert afar.index.count(afar.name) == 1
    assert prune(afar.store) == 0
    for actor in actors:
        actor.say()
        assert actor.finish()[0] == 0
    assert prune(afar.store) >= len(afar.bytes)
    assert afar.downloads() == []


def test_who_waits_for_a_killed_fetcher_takes_over_where_it_was(afar, start):
    afar.index.spoil(afar.name, Fault(held=threading.Event()))
    fetcher, heir = start(), start()
    fetcher.say()
    while hear_until(fetcher, "received") != f"received {afar.half}":
        continue
    heir.say()
    hear_until(heir, "waiting")
    assert prune(afar.store) == 0  # not from under whoever fetches
    fetcher.kill()
    assert hear_until(heir, "unpacked", "found") == "unpacked"
    assert heir.finish()[0] == 0
    assert afar.ranges() == ["all", f"bytes={afar.half}-"]
    assert (afar.entries(), afar.downloads()) == ([afar.link().sha256], [])


def test_a_killed_fetcher_s_part_is_taken_up_by_a_later_run_or_swept(afar, start):
    for act in ("swept", "taken up"):
        afar.index.spoil(afar.name, Fault(held=threading.Event()))
        fetcher = start()
        fetcher.say()
        while hear_until(fetcher, "received") != f"received {afar.half}":
            continue
        fetcher.kill()
        assert os.path.getsize(afar.part()) == afar.half
        if act == "swept":
            assert prune(afar.store) >= afar.half
            assert afar.nothing_is_left()
    afar.fetch()
    assert afar.ranges() == ["all", "all", f"bytes={afar.half}-"]


POOL = """
import ast, sys
from lugnut.events import ignore, never
from lugnut.links import Link, Route
from lugnut.network.fetching import fetch_wheel
from lugnut.store.entries import open_store
from lugnut.store.place import usual_patience
from lugnut.system import workers

def fetch(job, emit):
    store, link = job
    return fetch_wheel(store, link, Route(), emit, usual_patience()._replace(cancelled=workers.stopped)).name

def main():
    store = open_store(sys.argv[2])
    links = [Link(*one) for one in ast.literal_eval(sys.argv[3])]
    first = fetch((store, links[0]), ignore)  # by a connection that forked workers inherit
    jobs = [(store, link) for link in links[1:]]
    print(first, *workers.run(fetch, jobs, plan=workers.Pool(4, str, ignore, never, sys.argv[1])))
"""


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_each_have_connections_of_their_own(afar, method, tmp_path, monkeypatch):
    names = [f"n{number}" for number in range(12)]
    wheels = [make_wheel(afar.wheels, name, files={f"{name}.py": "#" * 100_000}, compress=False) for name in names]
    links = [tuple(afar.index.link(os.path.basename(wheel))) for wheel in wheels]
    (tmp_path / "pooled.py").write_text(POOL)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    with child("import pooled; pooled.main()", method, afar.path / "cache", repr(links)) as one:
        code, said, complaint = one.finish()
    assert (code, complaint) == (0, "")
    assert said.split() == names
    ports = [asked.client for asked in afar.index.asked]
    assert ports.count(ports[0]) == 1  # the parent's, on which no worker speaks
    assert [afar.index.count(os.path.basename(wheel)) for wheel in wheels] == [1] * 12
