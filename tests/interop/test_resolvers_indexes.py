"""The real uv and the real pip against indexes on loopback, found in either's settings, with and without a password."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from indexes import Fault, IndexServer, serve
from lugnut.errors import LugnutError, Offline, ResolverFailed, Unresolvable
from lugnut.links import Indexes, Route
from lugnut.resolution import locations, lockfile
from lugnut.resolution.credentials import restore
from lugnut.resolution.indexes import gather, read_text
from lugnut.settings import Resolving
from resolvercases import BACKENDS, Bench, versions
from wheels import make_wheel

each = pytest.mark.parametrize("backend", BACKENDS)
USER, PASSWORD = "us er", "p@ss:w/rd"
SECRET = ("p@ss", "p%40ss", "us er", "us%20er")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    bench.wheel("alpha", "1.0", requires=["beta"])
    bench.wheel("alpha", "2.0", requires=["beta"])
    bench.wheel("beta")
    bench.wheel("inner", beside="company", requires=["beta"])
    return bench


@pytest.fixture(params=["json", "html"])
def index(bench: Bench, request: pytest.FixtureRequest) -> Iterator[IndexServer]:
    with serve(bench.links, kind=request.param, yanked={"alpha-2.0-py3-none-any.whl": "a slip"}) as opened:
        yield opened


@pytest.fixture
def company(bench: Bench) -> Iterator[IndexServer]:
    with serve(bench.path / "company", kind="html", auth=(USER, PASSWORD)) as opened:
        yield opened


def find(bench: Bench, given: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Gather indexes and route as a command would, of the files of the test's own."""

    def read(path: str) -> str | None:
        return read_text(path) if path.startswith(str(bench.path)) else None

    indexes, route = gather(given or {}, bench.environ, str(bench.here), str(bench.path / "target"), read)
    return {"indexes": indexes, "route": route._replace(retries=0)}


def refusal(bench: Bench, backend: str, *asked: str, **options: Any) -> LugnutError:
    with pytest.raises(LugnutError) as caught:
        bench.ask(backend, *asked, **options)
    print(caught.value)
    assert not any(secret in str(caught.value) + str(caught.value.to_json()) for secret in SECRET)
    return caught.value


def links(lock: Any) -> dict[str, str]:
    return {package.name: (package.archive or package.wheels[0]).url for package in lock.packages}


@each
def test_an_index_of_either_kind_answers_with_urls_and_hashes(bench: Bench, index: IndexServer, backend: str) -> None:
    lock = bench.ask(backend, "alpha", **find(bench, {"index_url": index.simple}))
    assert versions(lock) == {"alpha": "1.0", "beta": "1.0"}  # 2.0 is yanked
    assert links(lock)["beta"] == index.file_url("beta-1.0-py3-none-any.whl")
    for package in lock.packages:
        link = index.link(package.wheels[0].filename)
        assert package.wheels[0].hashes["sha256"] == link.sha256
        assert package.wheels[0].size in {None, link.size}


@each
def test_what_is_yanked_is_for_who_pins_it(bench: Bench, index: IndexServer, backend: str) -> None:
    found = versions(bench.ask(backend, "alpha==2.0", **find(bench, {"index_url": index.simple})))
    assert found == {"alpha": "2.0", "beta": "1.0"}


@each
def test_a_page_of_links_and_a_wheel_s_url(bench: Bench, index: IndexServer, backend: str) -> None:
    options = find(bench, {"no_index": True, "find_links": [index.links]})
    url = index.file_url("alpha-1.0-py3-none-any.whl")
    lock = bench.ask(backend, url, **options)
    assert versions(lock) == {"alpha": "1.0", "beta": "1.0"}
    assert links(lock)["alpha"] == url


@each
@pytest.mark.parametrize(
    "place", ["config/pip/pip.conf", "target/pip.conf", "work/uv.toml", "config/uv/uv.toml", "PIP", "UV"]
)
def test_a_company_s_index_found_in_one_s_settings_reaches_both(
    bench: Bench, company: IndexServer, place: str, backend: str
) -> None:
    with serve(bench.links) as index:
        private = company.with_user(company.simple, USER, PASSWORD)
        texts = {
            "pip.conf": f"[global]\nindex-url = {index.simple}\nextra-index-url =\n    {private}\n",
            "uv.toml": f'index-url = "{index.simple}"\n[[index]]\nname = "company"\nurl = "{company.simple}"\n',
        }
        if place in {"PIP", "UV"}:
            bench.environ |= {f"{place}_INDEX_URL": index.simple, f"{place}_EXTRA_INDEX_URL": private}
        else:
            (bench.path / place).parent.mkdir(parents=True, exist_ok=True)
            (bench.path / place).write_text(texts[Path(place).name])
        bench.environ |= {"UV_INDEX_COMPANY_USERNAME": USER, "UV_INDEX_COMPANY_PASSWORD": PASSWORD}
        options = find(bench)
        lock = bench.ask(backend, "inner", **options)
    assert versions(lock) == {"inner": "1.0", "beta": "1.0"}
    assert company.count("inner-1.0-py3-none-any.whl") + company.count("/simple/inner/")
    text = lockfile.format_lock(lock, str(bench.here))
    assert not any(secret in text for secret in SECRET)
    assert restore(links(lock)["inner"], options["indexes"]) == company.with_user(
        company.file_url("inner-1.0-py3-none-any.whl"), USER, PASSWORD
    )


@each
def test_indexes_of_pip_s_settings_are_asked_together_by_both(bench: Bench, tmp_path: Path, backend: str) -> None:
    """uv alone would take what the first index has, and the set would depend on who is at hand."""
    more = tmp_path / "more"
    make_wheel(more, "alpha", "0.5")
    with serve(bench.links) as index, serve(more) as other:
        bench.environ |= {"PIP_INDEX_URL": index.simple, "PIP_EXTRA_INDEX_URL": other.simple}
        assert versions(bench.ask(backend, "alpha", **find(bench)))["alpha"] == "2.0"
        uv_way = {"UV_DEFAULT_INDEX": index.simple, "UV_INDEX": other.simple}
        bench.environ |= uv_way
        expected = "0.5" if backend == "uv" else "2.0"
        assert versions(bench.ask(backend, "alpha", **find(bench)))["alpha"] == expected


@each
def test_a_password_in_a_requirements_file_comes_back_in_the_lock_only_in_memory(
    bench: Bench, company: IndexServer, backend: str
) -> None:
    url = company.with_user(company.file_url("inner-1.0-py3-none-any.whl"), USER, PASSWORD)
    bench.write("r.txt", f"inner @ {url}\n")
    lock = bench.ask(backend, requirement_files=("r.txt",))
    assert links(lock)["inner"] == url
    assert not any(secret in lockfile.format_lock(lock, str(bench.here)) for secret in SECRET)


@each
def test_a_wrong_password_is_no_missing_name(bench: Bench, company: IndexServer, backend: str) -> None:
    given = {"index_url": company.with_user(company.simple, USER, "p@ssé")}
    error = refusal(bench, backend, "inner", **find(bench, given))
    assert isinstance(error, ResolverFailed)
    assert "401" in str(error)
    assert "password" in error.hint or "credentials" in error.hint


@each
def test_an_index_that_fails_is_no_missing_name(bench: Bench, index: IndexServer, backend: str) -> None:
    index.spoil("/simple/alpha/", Fault(status=503, always=True))
    options = find(bench, {"index_url": index.simple})
    assert isinstance(refusal(bench, backend, "alpha", no_cache=True, **options), ResolverFailed)
    assert isinstance(refusal(bench, backend, "omega", no_cache=True, **options), Unresolvable)


@each
def test_offline_nothing_is_asked(bench: Bench, index: IndexServer, backend: str) -> None:
    options = find(bench, {"index_url": index.simple, "offline": True, "find_links": [index.links]})
    bench.environ["NO_PROXY"] = "127.0.0.1"
    assert isinstance(refusal(bench, backend, "alpha", no_cache=True, **options), Offline)
    refusal(bench, backend, index.file_url("alpha-1.0-py3-none-any.whl"), no_cache=True, **options)
    assert index.asked == []


@each
def test_offline_what_lies_at_hand_is_found(bench: Bench, backend: str) -> None:
    indexes = Indexes(find_links=(str(bench.links),), no_index=True)
    assert versions(bench.ask(backend, "beta", indexes=indexes, route=Route(offline=True))) == {"beta": "1.0"}


@each
def test_a_directory_laid_out_as_an_index(bench: Bench, backend: str) -> None:
    page = bench.path / "simple" / "beta"
    page.mkdir(parents=True)
    wheel = bench.links / "beta-1.0-py3-none-any.whl"
    (page / "index.html").write_text(f'<!DOCTYPE html><a href="{wheel.as_uri()}">{wheel.name}</a>')
    assert versions(bench.ask(backend, "beta", **find(bench, {"index_url": "../simple"}))) == {"beta": "1.0"}


@each
def test_a_proxy_carries_what_is_asked(bench: Bench, index: IndexServer, backend: str) -> None:
    given = {"index_url": "http://index.invalid/simple/", "proxy": index.url, "trusted_host": ["index.invalid"]}
    bench.environ["NO_PROXY"] = ""
    lock = bench.ask(backend, "beta", no_cache=True, **find(bench, given))
    assert versions(lock) == {"beta": "1.0"}
    assert {asked.proxied.partition("/simple")[0] for asked in index.asked if "simple" in asked.path} == {
        "http://index.invalid"
    }


def test_pip_itself_names_the_files_that_we_read(bench: Bench) -> None:
    command = [sys.executable, "-P", "-m", "pip", "config", "debug"]
    ran = subprocess.run(command, env=bench.environ, capture_output=True, text=True, check=True)
    theirs = [line.strip().partition(", exists:")[0] for line in ran.stdout.splitlines() if ", exists:" in line]
    ours = locations.find_pip_files(bench.environ, sys.prefix)
    assert {path for path in ours if "/Library/" not in path} == set(theirs)  # it lists them in another order


def test_pip_wants_a_word_for_plain_http(bench: Bench, index: IndexServer) -> None:
    error = refusal(
        bench, "pip", "beta", **find(bench, {"index_url": "http://index.invalid/simple", "proxy": index.url})
    )
    assert isinstance(error, ResolverFailed)
    assert error.hint == "use https, or --trusted-host index.invalid"


@each
@pytest.mark.parametrize(("limit", "found"), [("2020-06-01", "1.0"), ("2021-01-01T00:00:00Z", "2.0"), ("1 day", "2.0")])
def test_nothing_newer_than_a_moment(bench: Bench, backend: str, limit: str, found: str) -> None:
    with serve(bench.links, uploaded={"alpha-2.0-py3-none-any.whl": "2020-06-02T12:00:00Z"}) as index:
        options = find(bench, {"index_url": index.simple})
        lock = bench.ask(backend, "alpha", resolving=Resolving(exclude_newer=limit), **options)
    assert versions(lock)["alpha"] == found
