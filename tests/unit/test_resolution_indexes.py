"""Gathering indexes and route: each family alone, the families in their order, places of files, bad values."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import pytest

from lugnut.errors import UsageError
from lugnut.links import Index, Indexes, Route
from lugnut.resolution import locations
from lugnut.resolution.indexes import gather, read_text

HOME = {"HOME": "/home/u"}
USER_UV, USER_PIP = "/home/u/.config/uv/uv.toml", "/home/u/.config/pip/pip.conf"


def ask(
    given: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    files: Mapping[str, str] | None = None,
    directory: str = "/here/project/below",
) -> tuple[Indexes, Route]:
    return gather(given or {}, {**HOME, **(environ or {})}, directory, "/venv", (files or {}).get)


def urls(indexes: Indexes) -> list[str]:
    return [index.url for index in (indexes.default, *indexes.extra) if index is not None]


def test_nothing_said_is_nothing_decided() -> None:
    assert ask() == (Indexes(), Route())


# --- each family alone ------------------------------------------------------------------------------------------------

A, B = "https://a.test/simple", "https://b.test/simple"
DEFAULT = [
    ({"index_url": A}, {}, {}),
    ({"default_index": A}, {}, {}),
    ({}, {"UV_INDEX_URL": A}, {}),
    ({}, {"UV_DEFAULT_INDEX": A, "UV_INDEX_URL": B}, {}),
    ({}, {}, {"/here/project/uv.toml": f'index-url = "{A}"'}),
    ({}, {}, {"/here/project/below/pyproject.toml": f'[tool.uv]\nindex-url = "{A}"'}),
    ({}, {}, {"/here/uv.toml": f'[[index]]\nurl = "{A}"\ndefault = true'}),
    ({}, {}, {"/here/uv.toml": f'index-url = "{B}"\n[pip]\nindex-url = "{A}"'}),
    ({}, {}, {USER_UV: f'index-url = "{A}"'}),
    ({}, {}, {"/etc/uv/uv.toml": f'index-url = "{A}"'}),
    ({}, {"XDG_CONFIG_HOME": "/x"}, {"/x/uv/uv.toml": f'index-url = "{A}"', USER_UV: f'index-url = "{B}"'}),
    ({}, {"UV_CONFIG_FILE": "my.toml"}, {"/here/project/below/my.toml": f'index-url = "{A}"', USER_UV: "= no TOML"}),
    ({}, {"PIP_INDEX_URL": A}, {}),
    ({}, {}, {USER_PIP: f"[global]\nindex-url = {A}"}),
    ({}, {}, {USER_PIP: f"[global]\nindex_url = {B}\n[install]\nINDEX_URL = {A}"}),
    ({}, {}, {"/home/u/.pip/pip.conf": f"[global]\nindex-url = {A}"}),
    ({}, {}, {"/etc/pip.conf": f"[global]\nindex-url = {A}"}),
    ({}, {}, {"/etc/pip.conf": f"[install]\nindex-url = {A}", USER_PIP: f"[global]\nindex-url = {B}"}),
    ({}, {}, {"/venv/pip.conf": f"[global]\nindex-url = {A}", USER_PIP: f"[global]\nindex-url = {B}"}),
    ({}, {"PIP_CONFIG_FILE": "/p"}, {"/p": f"[global]\nindex-url={A}", "/venv/pip.conf": f"[global]\nindex-url={B}"}),
]


@pytest.mark.parametrize(("given", "environ", "files"), DEFAULT)
def test_every_place_can_name_the_default(
    given: dict[str, Any], environ: dict[str, str], files: dict[str, str]
) -> None:
    assert ask(given, environ, files) == (Indexes(Index(A)), Route())


@pytest.mark.parametrize(
    ("environ", "files"),
    [
        ({"UV_NO_CONFIG": "1"}, {USER_UV: f'index-url = "{A}"', "/here/uv.toml": f'index-url = "{A}"'}),
        ({"PIP_CONFIG_FILE": os.devnull}, {USER_PIP: f"[global]\nindex-url = {A}"}),
        ({"PIP_CONFIG_FILE": "/p"}, {USER_PIP: f"[global]\nindex-url = {A}"}),
        ({}, {"/here/uv.toml": "", "/here/pyproject.toml": f'[tool.uv]\nindex-url = "{A}"'}),
        ({}, {"/here/pyproject.toml": "[tool.other]", USER_PIP: f"[download]\nindex-url = {A}"}),
        ({}, {"/here/uv.toml": f'[[index]]\nname = "x"\nurl = "{A}"\nexplicit = true'}),
        ({"UV_INDEX_URL": "", "PIP_INDEX_URL": ""}, {}),
    ],
)
def test_what_is_switched_off_or_for_others_is_not_heeded(environ: dict[str, str], files: dict[str, str]) -> None:
    assert ask({}, environ, files) == (Indexes(), Route())


def test_lists_in_their_families_words() -> None:
    many = "https://a.test/1", "https://a.test/2"
    conf = f"[global]\nextra-index-url =\n    {many[0]}\n    # between\n    {many[1]}\ntrusted-host = a b\n"
    toml = f'extra-index-url = ["{many[1]}"]\n[[index]]\nurl = "{many[0]}"\n'
    for given, environ, files in (
        ({"extra_index_url": list(many)}, {}, {}),
        ({"extra_index_url": " ".join(many)}, {}, {}),
        ({}, {"UV_EXTRA_INDEX_URL": "  ".join(many)}, {}),
        ({}, {"UV_INDEX": many[0], "UV_EXTRA_INDEX_URL": many[1]}, {}),
        ({}, {"PIP_EXTRA_INDEX_URL": "\n".join(many)}, {}),
        ({}, {}, {USER_PIP: conf}),
        ({}, {}, {"/here/uv.toml": toml}),
        ({}, {"UV_INDEX": many[0]}, {"/here/uv.toml": f'extra-index-url = ["{many[1]}", "{many[0]}"]'}),
        ({}, {}, {"/here/uv.toml": f'extra-index-url = ["{many[0]}"]', USER_UV: f'extra-index-url = ["{many[1]}"]'}),
    ):
        assert urls(ask(given, environ, files)[0]) == list(many), (given, environ, files)
    assert ask(files={USER_PIP: conf})[1].trusted_hosts == ("a", "b")


def test_find_links_become_absolute_where_they_stand() -> None:
    for given, environ, files, found in (
        ({"find_links": ["a b", "~/x", A]}, {}, {}, ("/here/project/below/a b", os.path.expanduser("~/x"), A)),
        ({}, {"UV_FIND_LINKS": "one,../two"}, {}, ("/here/project/below/one", "/here/project/two")),
        ({}, {}, {"/here/uv.toml": 'find-links = ["one"]'}, ("/here/one",)),
        ({}, {}, {"/here/uv.toml": '[[index]]\nurl = "https://f.test"\nformat = "flat"'}, ("https://f.test",)),
        ({}, {"PIP_FIND_LINKS": "one /two"}, {}, ("/here/project/below/one", "/two")),
        ({}, {}, {"/venv/pip.conf": "[install]\nfind-links =\n  one\n  /two\n"}, ("/here/project/below/one", "/two")),
    ):
        assert ask(given, environ, files)[0].find_links == found


def test_an_index_may_be_a_directory() -> None:
    assert urls(ask({"index_url": "mirror/my simple"})[0]) == ["file:///here/project/below/mirror/my%20simple"]
    assert urls(ask(files={"/here/uv.toml": '[[index]]\nurl = "../mirror"'})[0]) == ["file:///mirror"]


def test_names_and_the_passwords_that_variables_give_them() -> None:
    environ = {"UV_INDEX_MY_CO_USERNAME": "u", "UV_INDEX_MY_CO_PASSWORD": "p@/", "UV_INDEX_OTHER_PASSWORD": "q"}
    given = {"index": [f"my-co={A}", "https://c.test/?a=b", f"other=https://me@d.test"]}  # noqa: F541
    assert ask(given, environ)[0].extra == (
        Index("https://u:p%40%2F@a.test/simple", "my-co"),
        Index("https://c.test/?a=b"),
        Index("https://me@d.test", "other"),
    )


def test_the_route() -> None:
    full = Route(
        offline=True, timeout=7.5, retries=2, proxy="p:1", certificates="/here/project/below/c.pem",
        client_certificate="/d.pem", trusted_hosts=("h:1",), keyring="subprocess", downloads=3,
    )  # fmt: skip
    given = {
        "offline": True, "timeout": "7.5", "retries": "2", "proxy": "p:1", "cert": "c.pem", "client_cert": "/d.pem",
        "trusted_host": ["h:1"], "keyring_provider": "subprocess", "downloads": "3",
    }  # fmt: skip
    assert ask(given)[1] == full
    environ = {
        "UV_OFFLINE": "true", "UV_HTTP_TIMEOUT": "7.5", "UV_HTTP_RETRIES": "2", "SSL_CERT_FILE": "c.pem",
        "SSL_CLIENT_CERT": "/d.pem", "UV_INSECURE_HOST": "h:1", "UV_KEYRING_PROVIDER": "subprocess",
        "UV_CONCURRENT_DOWNLOADS": "3",
    }  # fmt: skip
    assert ask({}, environ)[1] == full._replace(proxy=None)
    toml = 'offline = true\nallow-insecure-host = ["h:1"]\nkeyring-provider = "subprocess"\nconcurrent-downloads = 3\n'
    found = ask({}, {}, {"/here/uv.toml": toml + 'https-proxy = "p:1"'})[1]
    assert found == Route(True, proxy="p:1", trusted_hosts=("h:1",), keyring="subprocess", downloads=3)
    environ = {
        "PIP_TIMEOUT": "7.5", "PIP_RETRIES": "2", "PIP_PROXY": "p:1", "PIP_CERT": "c.pem", "PIP_CLIENT_CERT": "/d.pem",
        "PIP_TRUSTED_HOST": "h:1", "PIP_KEYRING_PROVIDER": "import",
    }  # fmt: skip
    assert ask({}, environ)[1] == full._replace(offline=False, downloads=8)
    assert ask({}, {"REQUESTS_CA_BUNDLE": "/r.pem"})[1].certificates == "/r.pem"
    assert ask({}, {"PIP_KEYRING_PROVIDER": "auto", "PIP_DEFAULT_TIMEOUT": "9"})[1] == Route(timeout=9.0)


# --- precedence -------------------------------------------------------------------------------------------------------

FAMILIES = ("given", "uv variable", "uv project", "uv user", "uv system", "pip variable", "pip file")


def say(family: str, url: str) -> tuple[dict[str, Any], dict[str, str], dict[str, str]]:
    paths = {"uv project": "/here/uv.toml", "uv user": USER_UV, "uv system": "/etc/xdg/uv/uv.toml"}
    return {
        "given": ({"default_index": url}, {}, {}),
        "uv variable": ({}, {"UV_INDEX_URL": url}, {}),
        "pip variable": ({}, {"PIP_INDEX_URL": url}, {}),
        "pip file": ({}, {}, {USER_PIP: f"[install]\nindex-url = {url}"}),
    }.get(family) or ({}, {}, {paths[family]: f'index-url = "{url}"'})


@pytest.mark.parametrize("first", range(len(FAMILIES)))
def test_the_first_family_that_speaks_wins(first: int) -> None:
    given: dict[str, Any] = {}
    environ: dict[str, str] = {}
    files: dict[str, str] = {}
    for number, family in enumerate(FAMILIES[first:], first):
        for whole, part in zip((given, environ, files), say(family, f"https://{number}.test"), strict=True):
            whole.update(part)
    assert urls(ask(given, environ, files)[0]) == [f"https://{first}.test"]


def test_lists_are_taken_whole_from_one_family_and_settings_one_by_one() -> None:
    environ = {"UV_EXTRA_INDEX_URL": A, "PIP_EXTRA_INDEX_URL": B, "PIP_INDEX_URL": B, "PIP_FIND_LINKS": "/p"}
    assert ask({}, environ)[0] == Indexes(Index(B), (Index(A),), ("/p",))
    assert ask({"find_links": ["/f"]}, environ)[0].find_links == ("/f",)
    assert ask({"extra_index_url": [B]}, environ)[0] == Indexes(Index(B), (), ("/p",))  # the default, named twice


def test_no_index_silences_indexes_and_leaves_links() -> None:
    environ = {"PIP_INDEX_URL": A, "PIP_FIND_LINKS": "/p"}
    assert ask({"no_index": True}, environ)[0] == Indexes(find_links=("/p",), no_index=True)
    assert ask({"no_index": False}, {**environ, "PIP_NO_INDEX": "1"})[0].default == Index(A)
    assert ask({}, {**environ, "PIP_NO_INDEX": "1"})[0].no_index
    assert ask({}, environ, {"/here/uv.toml": "no-index = true"})[0].no_index


# --- bad values -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "environ", "files", "said"),
    [
        ({"timeout": "soon"}, {}, {}, "--timeout must be a number, not 'soon'"),
        ({"index_url": "ftp://u:p@a.test"}, {}, {}, "'ftp://****@a.test' is no index"),
        ({}, {"UV_HTTP_RETRIES": "-1"}, {}, "UV_HTTP_RETRIES must be a number, not '-1'"),
        ({}, {"UV_REQUEST_TIMEOUT": "x"}, {}, "UV_REQUEST_TIMEOUT must be a number, not 'x'"),
        ({}, {"PIP_NO_INDEX": "maybe"}, {}, "PIP_NO_INDEX must be true or false, not 'maybe'"),
        ({}, {}, {USER_PIP: "[global]\nretries = x"}, f"retries in {USER_PIP} must be a number, not 'x'"),
        ({}, {}, {USER_PIP: "index-url = x"}, f"{USER_PIP}:1: pip's configuration cannot be read"),
        ({}, {}, {USER_PIP: "[global]\nfoo"}, f"{USER_PIP}:2: pip's configuration cannot be read"),
        ({}, {}, {"/here/uv.toml": "a = "}, "/here/uv.toml is not TOML: invalid value"),
        ({}, {}, {"/here/uv.toml": "[[index]]\nname = 'x'"}, "/here/uv.toml says of indexes what uv does not know"),
        ({}, {}, {"/here/uv.toml": "index = 3"}, "/here/uv.toml says of indexes what uv does not know"),
        ({}, {"UV_CONFIG_FILE": "/none.toml"}, {}, "UV_CONFIG_FILE names /none.toml, which does not exist"),
        ({"keyring_provider": "magic"}, {}, {}, "--keyring-provider must be subprocess or disabled, not 'magic'"),
    ],
)
def test_a_value_that_means_nothing_is_named_with_its_place(
    given: dict[str, Any], environ: dict[str, str], files: dict[str, str], said: str
) -> None:
    with pytest.raises(UsageError) as caught:
        ask(given, environ, files)
    assert str(caught.value).startswith(said)
    assert caught.value.hint


def test_files_are_read_from_the_disk(tmp_path) -> None:
    assert read_text(str(tmp_path / "none")) is None
    assert read_text(str(tmp_path)) is None
    os.mkfifo(tmp_path / "fifo")
    assert read_text(str(tmp_path / "fifo")) is None
    (tmp_path / "bad").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(UsageError, match="is not UTF-8 text"):
        read_text(str(tmp_path / "bad"))


# --- where files are --------------------------------------------------------------------------------------------------


def test_windows_has_its_own_places() -> None:
    environ = {"USERPROFILE": r"C:\Users\u", "APPDATA": r"C:\R", "SYSTEMDRIVE": "D:"}
    assert locations.find_uv_files(environ, windows=True) == [r"C:\R\uv\uv.toml", r"D:\ProgramData\uv\uv.toml"]
    assert locations.find_pip_files(environ, r"E:\venv", windows=True) == [
        r"D:\ProgramData\pip\pip.ini", r"C:\Users\u\pip\pip.ini", r"C:\R\pip\pip.ini", r"E:\venv\pip.ini",
    ]  # fmt: skip
    assert locations.find_pip_files({"PIP_CONFIG_FILE": "nul"}, "", windows=True) == []


def test_posix_and_macos_share_a_list_in_which_the_later_wins() -> None:
    found = locations.find_pip_files({**HOME, "XDG_CONFIG_DIRS": "/x:/y"}, "/venv", windows=False)
    assert found == [
        "/Library/Application Support/pip/pip.conf", "/x/pip/pip.conf", "/y/pip/pip.conf", "/etc/pip.conf",
        "/home/u/.pip/pip.conf", "/home/u/.config/pip/pip.conf",
        "/home/u/Library/Application Support/pip/pip.conf", "/venv/pip.conf",
    ]  # fmt: skip
