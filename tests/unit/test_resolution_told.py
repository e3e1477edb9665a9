"""What both backends are told of indexes and route; credentials cut out and put back; points in time."""

from __future__ import annotations

import os
from typing import Any

import pytest

from lugnut.errors import UsageError
from lugnut.links import Index, Indexes, Route
from lugnut.resolution.credentials import restore, separate, strip
from lugnut.resolution.moments import parse_moment
from lugnut.resolution.told import pip_arguments, show, uv_arguments

SECRET = "s%40cret"
INDEXES = Indexes(
    Index(f"https://me:{SECRET}@a.test/simple"),
    (Index("https://b.test/simple", "b"), Index("https://tok%20en@c.test/simple", "my.co"), Index("https://d.test")),
    ("/links here", f"https://me:{SECRET}@e.test/x,y"),
)
FULL = Route(
    timeout=7.4, retries=2, proxy="me:pw@p.test:1", certificates="/c.pem", client_certificate="/d.pem",
    trusted_hosts=("h", "i:1"), keyring="subprocess",
)  # fmt: skip


def variables(told: Any) -> dict[str, str]:
    return {name: value for name, value in told.environ.items() if name.startswith(("UV_", "PIP_", "SSL_"))}


def test_uv_gets_urls_as_arguments_and_passwords_as_variables() -> None:
    told = uv_arguments(INDEXES, Route(certificates="/c.pem"), {})
    assert told.arguments == (
        "--no-config", "--no-progress", "--color=never", "--no-python-downloads",
        "--index=b=https://b.test/simple", "--index=my.co=https://c.test/simple", "--index=lugnut-1=https://d.test",
        "--default-index=lugnut-2=https://a.test/simple",
    )  # fmt: skip
    assert variables(told) == {
        "UV_INDEX_LUGNUT_2_USERNAME": "me",
        "UV_INDEX_LUGNUT_2_PASSWORD": "s@cret",
        "UV_INDEX_MY_CO_USERNAME": "tok en",
        "UV_FIND_LINKS": f"file:///links%20here,https://me:{SECRET}@e.test/x%2Cy",
        "UV_HTTP_TIMEOUT": "30",
        "UV_HTTP_RETRIES": "5",
        "SSL_CERT_FILE": "/c.pem",
    }


def test_pip_gets_all_by_variables() -> None:
    told = pip_arguments(INDEXES, Route(), {})
    assert told.arguments == ()
    found = variables(told)
    assert found["PIP_CONFIG_FILE"] == os.devnull
    assert found["PIP_INDEX_URL"] == f"https://me:{SECRET}@a.test/simple"
    assert found["PIP_EXTRA_INDEX_URL"].split() == [index.url for index in INDEXES.extra]
    assert found["PIP_FIND_LINKS"].split() == ["file:///links%20here", f"https://me:{SECRET}@e.test/x,y"]


def test_both_are_told_the_whole_route() -> None:
    uv, pip = uv_arguments(Indexes(no_index=True), FULL, {}), pip_arguments(Indexes(no_index=True), FULL, {})
    assert uv.arguments[4:] == (
        "--no-index", "--allow-insecure-host=h", "--allow-insecure-host=i:1", "--keyring-provider=subprocess",
    )  # fmt: skip
    assert (uv.environ["UV_HTTP_TIMEOUT"], uv.environ["UV_HTTP_RETRIES"]) == ("7", "2")
    told = {
        "PIP_NO_INDEX": "1", "PIP_TRUSTED_HOST": "h i:1", "PIP_KEYRING_PROVIDER": "subprocess", "PIP_RETRIES": "2",
        "PIP_DEFAULT_TIMEOUT": "7", "PIP_CERT": "/c.pem", "PIP_CLIENT_CERT": "/d.pem",
    }  # fmt: skip
    assert told.items() <= pip.environ.items()
    for environ in (uv.environ, pip.environ):
        assert (environ["SSL_CERT_FILE"], environ["SSL_CLIENT_CERT"]) == ("/c.pem", "/d.pem")
        assert {environ[name] for name in ("HTTP_PROXY", "https_proxy", "ALL_PROXY")} == {"http://me:pw@p.test:1"}


def test_certificates_in_a_directory(tmp_path) -> None:
    assert uv_arguments(Indexes(), Route(certificates=str(tmp_path)), {}).environ["SSL_CERT_DIR"] == str(tmp_path)
    assert uv_arguments(Indexes(), Route(), {}).environ["UV_SYSTEM_CERTS"] == "true"


def test_what_the_user_has_set_for_them_is_taken_out_but_for_caches() -> None:
    foreign = {
        "UV_INDEX": "x", "UV_INDEX_X_PASSWORD": "x", "UV_CONFIG_FILE": "x", "PIP_PRE": "1", "PIP_INDEX_URL": "x",
        "LUGNUT_INDEX_URL": "x", "pip_no_deps": "1",
    }  # fmt: skip
    kept = {"UV_CACHE_DIR": "c", "PIP_CACHE_DIR": "d", "HOME": "h", "GIT_SSH": "s", "HTTPS_PROXY": "p"}
    for tell in (uv_arguments, pip_arguments):
        environ = tell(Indexes(), Route(), {**foreign, **kept}).environ
        assert not foreign.keys() & environ.keys()
        assert kept.items() <= environ.items()


def test_offline_uv_is_told_and_pip_has_nowhere_to_go() -> None:
    indexes = Indexes(Index("https://a.test"), (Index("file:///m"),), ("/links", "https://e.test", "file:///n"))
    assert "--offline" in uv_arguments(indexes, Route(offline=True), {}).arguments
    environ = pip_arguments(indexes, Route(offline=True, proxy="p"), {"no_proxy": "*", "HTTPS_PROXY": "q"}).environ
    assert (environ["PIP_INDEX_URL"], environ["PIP_FIND_LINKS"]) == ("file:///m", "file:///links file:///n")
    assert "PIP_EXTRA_INDEX_URL" not in environ
    assert "no_proxy" not in environ
    assert {environ[name] for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")} == {"http://127.0.0.1:9"}
    environ = pip_arguments(Indexes(Index("https://a.test")), Route(offline=True), {}).environ
    assert ("PIP_INDEX_URL" in environ, environ["PIP_NO_INDEX"]) == (False, "1")


def test_names_do_not_meet() -> None:
    twice = Indexes(
        None, (Index("https://a.test", "x"), Index("https://b.test", "x"), Index("https://c.test", "lugnut-1"))
    )
    found = [argument for argument in uv_arguments(twice, Route(), {}).arguments if argument.startswith("--index")]
    assert found == ["--index=x=https://a.test", "--index=lugnut-1=https://b.test", "--index=lugnut-2=https://c.test"]


def test_what_is_shown_has_no_password() -> None:
    assert not [place for place in show(INDEXES) if "cret" in place or "tok" in place]


# --- credentials ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "bare"),
    [
        ("https://u:p%40x@a.test:8/b?c#d", ("https://a.test:8/b?c#d", "u", "p@x")),
        ("https://token@a.test/b", ("https://a.test/b", "token", "")),
        ("https://a.test/b@1.0", ("https://a.test/b@1.0", "", "")),
        ("ssh://git@a.test/b", ("ssh://git@a.test/b", "", "")),
        ("ssh://git:pw@a.test/b", ("ssh://a.test/b", "git", "pw")),
        ("file:///a@b", ("file:///a@b", "", "")),
    ],
)
def test_a_url_without_its_user(url: str, bare: tuple[str, str, str]) -> None:
    assert separate(url) == bare
    assert strip(url) == bare[0]


def test_files_get_the_user_of_the_index_they_came_from() -> None:
    indexes = Indexes(
        Index("https://one:1@a.test/team-a/simple"),
        (Index("https://two:2@a.test/team-b/simple"), Index("https://b.test/simple")),
        ("https://three:3@c.test/links", "/local@here", "https://d.test/links@1"),
    )
    for url, found in (
        ("https://a.test/team-b/files/x.whl", "https://two:2@a.test/team-b/files/x.whl"),
        ("https://a.test/team-a/x.whl", "https://one:1@a.test/team-a/x.whl"),
        ("https://A.test/other/x.whl", "https://one:1@A.test/other/x.whl"),
        ("https://c.test/x.whl", "https://three:3@c.test/x.whl"),
        ("https://b.test/x.whl", "https://b.test/x.whl"),
        ("https://d.test/x.whl", "https://d.test/x.whl"),
        ("http://a.test/x.whl", "http://a.test/x.whl"),
        ("https://a.test:444/x.whl", "https://a.test:444/x.whl"),
        ("https://me@a.test/x.whl", "https://me@a.test/x.whl"),
        ("file:///x.whl", "file:///x.whl"),
    ):
        assert restore(url, indexes) == found


# --- points in time ---------------------------------------------------------------------------------------------------

NOON = 1_767_268_800.0  # 2026-01-01T12:00:00Z


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2025-03-04T05:06:07Z", "2025-03-04T05:06:07Z"),
        ("2025-03-04T05:06:07+02:00", "2025-03-04T03:06:07Z"),
        ("30 days", "2025-12-02T12:00:00Z"),
        ("1 week ago", "2025-12-25T12:00:00Z"),
        ("24h", "2025-12-31T12:00:00Z"),
        ("P1DT2H", "2025-12-31T10:00:00Z"),
        ("PT90M", "2026-01-01T10:30:00Z"),
    ],
)
def test_a_point_in_time_is_one_for_both(text: str, moment: str) -> None:
    assert parse_moment(text, NOON) == moment


def test_a_date_means_to_the_end_of_that_day_here() -> None:
    from datetime import UTC, datetime

    here = datetime.fromisoformat("2025-03-05T00:00:00").astimezone(UTC)
    assert parse_moment("2025-03-04", NOON) == here.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize("text", ["", "P", "soon", "2025-13-01", "10 parsecs", "99999999999 days"])
def test_what_is_no_point_in_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--exclude-newer"):
        parse_moment(text, NOON)
