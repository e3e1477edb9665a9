"""What is built is kept: found again without a build, built once by many, safe from killed builders and cleaners."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

import lugnut
from children import Child, child
from lugnut.building.caching import build_cached, make_key, take_turn
from lugnut.building.recipe import Recipe, Source
from lugnut.errors import BuildFailed, LockTimeout
from lugnut.events import Building, Event, ignore
from lugnut.store.entries import clean, open_store, prune
from lugnut.store.place import find_built_beside, open_built, usual_patience
from lugnut.system import locks
from projects import make_recipe, make_tree, pack

ACTOR = """
import json, sys
from lugnut.building.caching import build_cached
from lugnut.building.recipe import Recipe, Source
from lugnut.events import ignore
from lugnut.store.place import usual_patience

cache, source, recipe = sys.argv[1], Source(*json.loads(sys.argv[2])), Recipe(*json.loads(sys.argv[3]))
print("ready", flush=True)
sys.stdin.readline()
with build_cached(cache, source, recipe, ignore, usual_patience()) as wheel:
    print(wheel, flush=True)
    sys.stdin.readline()
"""


class Bench:
    """An sdist, a recipe whose builds are counted, and a cache."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.cache = str(path / "cache")
        sdist = pack(make_tree(path))
        self.source = Source(str(sdist), digest=hashlib.sha256(sdist.read_bytes()).hexdigest())
        recipe = make_recipe(path, path)
        self.count = path / "count"
        self.recipe = recipe._replace(environ={**recipe.environ, "TINY_COUNT": str(self.count)})

    @property
    def builds(self) -> int:
        return len(self.count.read_text().splitlines()) if self.count.exists() else 0

    def build(self, recipe: Recipe | None = None, source: Source | None = None) -> str:
        with build_cached(self.cache, source or self.source, recipe or self.recipe, ignore, usual_patience()) as wheel:
            return wheel

    def actor(self, **environ: str) -> contextlib.AbstractContextManager[Child]:
        recipe = self.recipe._replace(environ={**self.recipe.environ, **environ})
        return child(ACTOR, self.cache, json.dumps(self.source), json.dumps(recipe))

    def names(self, part: str) -> list[str]:
        return sorted(os.listdir(os.path.join(self.cache, "built", part)))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Path]:
    """A FIFO that builds wait at, and whoever still does at the end is let through."""
    path = tmp_path / "gate"
    os.mkfifo(path)
    yield path
    with contextlib.suppress(OSError):
        os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))


def test_a_wheel_is_found_again_without_a_build(bench: Bench) -> None:
    heard: list[Event] = []
    with build_cached(bench.cache, bench.source, bench.recipe, heard.append, usual_patience()) as first:
        assert os.path.isfile(first)
    with build_cached(bench.cache, bench.source, bench.recipe, heard.append, usual_patience()) as again:
        assert again == first
    assert heard == [Building("tiny", bench.source.path)]
    assert bench.builds == 1
    assert bench.names("temporary") == []
    offline = bench.recipe._replace(allowed=False)
    assert bench.build(offline) == first  # nothing is built where it is there


def test_another_way_to_build_it_is_another_wheel(bench: Bench, tmp_path: Path) -> None:
    constraints = tmp_path / "constraints.txt"
    constraints.write_text("needed<2\n")
    moment = {**bench.recipe.environ, "SOURCE_DATE_EPOCH": "1700000000"}
    constrained = bench.recipe._replace(build_constraints=(str(constraints),))
    ways = [
        make_key(source, recipe, None)
        for source, recipe in (
            (bench.source, bench.recipe),
            (bench.source._replace(digest="other"), bench.recipe),
            (bench.source._replace(subdirectory="below"), bench.recipe),
            (bench.source, bench.recipe._replace(config_settings={"a": "b"})),
            (bench.source, bench.recipe._replace(config_settings={"a": ["b"]})),
            (bench.source, bench.recipe._replace(environ=moment)),
            (bench.source, constrained),
        )
    ]
    constraints.write_text("needed<3\n")
    ways.append(make_key(bench.source, constrained, None))
    assert len(set(ways)) == len(ways)
    elsewhere = bench.source._replace(path="/elsewhere", label="the same")
    assert make_key(elsewhere, bench.recipe._replace(pip_arguments=(), uv_arguments=()), None) == ways[0]
    constraints.unlink()
    with pytest.raises(BuildFailed, match=r"build constraints .* cannot be read"):
        make_key(bench.source, constrained, None)


def test_what_may_change_is_always_built(bench: Bench, tmp_path: Path) -> None:
    tree = Source(str(make_tree(tmp_path / "below")))
    loose = bench.recipe._replace(isolated=False)
    for source, recipe in ((tree, bench.recipe), (bench.source, loose)):
        before = bench.builds
        for _ in range(2):
            with build_cached(bench.cache, source, recipe, ignore, usual_patience()) as wheel:
                assert os.path.isfile(wheel)
            assert not os.path.exists(wheel)
        assert bench.builds == before + 2


def test_a_failed_build_leaves_nothing_and_is_tried_again(bench: Bench, tmp_path: Path) -> None:
    sdist = pack(make_tree(tmp_path / "wrong", "wrong", code="\nraise RuntimeError('no')\n"))
    source = Source(str(sdist), digest="wrong")
    for _ in range(2):
        with pytest.raises(BuildFailed, match="RuntimeError: no"):
            bench.build(source=source)
    assert bench.names("temporary") == []
    assert bench.names(".") == ["aside", "format", "index", "locks", "temporary"]


def test_a_damaged_wheel_is_built_again(bench: Bench) -> None:
    wheel = bench.build()
    data = Path(wheel).read_bytes()
    Path(wheel).write_bytes(b"")
    assert bench.build() == wheel
    assert Path(wheel).read_bytes() == data
    Path(wheel).with_name("manifest").write_bytes(b"{")
    assert bench.build() == wheel
    assert bench.builds == 3


def test_of_many_processes_one_builds(bench: Bench) -> None:
    with contextlib.ExitStack() as stack:
        actors = [stack.enter_context(bench.actor()) for _ in range(4)]
        assert [actor.hear() for actor in actors] == ["ready"] * 4
        for actor in actors:
            actor.say()
        wheels = {actor.hear() for actor in actors}
        for actor in actors:
            actor.say()
            assert actor.finish()[0] == 0
    assert len(wheels) == 1
    assert bench.builds == 1


def test_after_a_builder_was_killed_another_builds_though_the_backend_lives_on(bench: Bench, gate: Path) -> None:
    pid = bench.path / "pid"
    with bench.actor(TINY_GATE=str(gate), TINY_PID=str(pid)) as actor:
        assert actor.hear() == "ready"
        actor.say()
        writer = os.open(gate, os.O_WRONLY)  # as soon as the backend reads
        actor.kill()
    backend = psutil.Process(int(pid.read_text()))
    try:
        assert backend.is_running()
        [left] = bench.names("temporary")
        seen: list[str] = []
        with build_cached(
            bench.cache, bench.source, bench.recipe, lambda _: seen.extend(bench.names("temporary")), usual_patience()
        ) as wheel:
            assert os.path.isfile(wheel)
        assert len(seen) == 1
        assert left not in seen  # what the backend goes on writing is not beside what is built now
        assert bench.builds == 2
    finally:
        os.close(writer)  # the backend goes on, into a workspace that is gone
        psutil.wait_procs([backend], timeout=60)
    assert Path(bench.build()).is_file()
    assert bench.builds == 2


def test_cleaning_spares_what_is_used_and_sweeps_what_the_dead_left(bench: Bench, gate: Path) -> None:
    store = open_store(bench.cache)
    with build_cached(bench.cache, bench.source, bench.recipe, ignore, usual_patience()) as wheel:
        clean(store)
        assert os.path.isfile(wheel)
    assert prune(store) == 0
    assert os.path.isfile(wheel)  # nobody can fetch it again
    size = os.path.getsize(wheel)
    assert clean(store) > size
    assert not os.path.exists(os.path.dirname(wheel))
    with bench.actor(TINY_GATE=str(gate)) as actor:
        actor.hear()
        actor.say()
        os.close(os.open(gate, os.O_WRONLY))
        built = actor.hear()  # it holds the wheel
        clean(store)
        assert os.path.isfile(built)
        actor.kill()
    clean(store)
    assert not os.path.exists(built)


def test_pruning_sweeps_the_workspaces_of_the_dead_and_no_others(bench: Bench, gate: Path) -> None:
    store = open_store(bench.cache)
    pid = bench.path / "pid"
    with bench.actor(TINY_GATE=str(gate), TINY_PID=str(pid)) as actor:
        actor.hear()
        actor.say()
        writer = os.open(gate, os.O_WRONLY)
        [workspace] = bench.names("temporary")
        prune(store)
        clean(store)
        assert bench.names("temporary") == [workspace]
        actor.kill()
    os.kill(int(pid.read_text()), signal.SIGKILL)
    os.close(writer)
    assert prune(store) > 0
    assert bench.names("temporary") == []


def test_the_command_cleans_what_was_built(bench: Bench) -> None:
    wheel = bench.build()
    open_store(bench.cache)
    lugnut.clean_cache(cache_dir=bench.cache)
    assert not os.path.exists(wheel)


def test_where_nothing_was_built_cleaning_makes_nothing(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "cache"))
    assert find_built_beside(store) is None
    assert clean(store) == prune(store) == 0
    assert sorted(os.listdir(tmp_path / "cache")) == ["store"]


def test_builds_of_one_tree_take_turns(tmp_path: Path) -> None:
    source, cache = Source(str(make_tree(tmp_path))), str(tmp_path / "cache")
    (tmp_path / "same").symlink_to(source.path)
    at_once = locks.Patience(0)
    with take_turn(cache, source, at_once):
        with take_turn(cache, Source(str(make_tree(tmp_path, "other"))), at_once):
            pass
        with pytest.raises(LockTimeout), take_turn(cache, Source(str(tmp_path / "same")), at_once):
            pass
    with take_turn(cache, source, at_once):
        pass


def test_a_run_without_a_cache_of_its_own_sees_a_newer_layout(tmp_path: Path) -> None:
    open_built(str(tmp_path))
    (tmp_path / "built" / "format").write_text("2\n")
    with pytest.raises(lugnut.errors.NewerFormat):
        open_built(str(tmp_path))


def test_no_workspace_is_left_in_the_system_s_own_place(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "workspaces").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "workspaces"))
    bench.build()
    bench.build(source=Source(str(make_tree(tmp_path / "below"))))
    assert os.listdir(tmp_path / "workspaces") == []
