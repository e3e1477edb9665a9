"""Pages of links, URLs taken apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from fetches import SECRET, Fetches, afar, alone
from indexes import Fault
from lugnut.errors import DownloadFailed, Offline
from lugnut.links import Link, Route
from lugnut.network import addresses, pages
from lugnut.network.addresses import Login, parse_url, put_login
from lugnut.network.pages import fetch_page, find_links

__all__ = ["afar", "alone"]


def test_a_page_of_an_index_leads_to_its_files(afar: Fetches) -> None:
    page = fetch_page(afar.index.links, afar.route)
    assert find_links(page.url, page.data) == [afar.link(size=None)]


def test_a_page_is_asked_for_again_where_that_may_help_and_comes_whole_or_not_at_all(afar: Fetches) -> None:
    whole = fetch_page(afar.index.links, afar.route)
    afar.index.spoil("/links/", Fault(status=503), Fault(cut=10), Fault(length=False))
    assert fetch_page(afar.index.links, afar.route) == whole
    afar.index.spoil("/links/", Fault(status=404), Fault(cut=10, always=True))
    with pytest.raises(DownloadFailed, match="404 Not Found"):
        fetch_page(afar.index.links, afar.route)
    with pytest.raises(DownloadFailed, match="the connection ended before the file did"):
        fetch_page(afar.index.links, afar.route)


def test_a_page_that_moved_has_its_links_where_it_is_now(afar: Fetches) -> None:
    afar.index.spoil("/old", Fault(redirect=f"http://localhost:{afar.index.port}/links/", always=True))
    page = fetch_page(afar.index.with_user(f"{afar.index.url}/old", "me", SECRET), afar.route)
    assert page.url == f"http://localhost:{afar.index.port}/links/"
    assert [link.url for link in find_links(page.url, page.data)] == [page.url.replace("links/", f"files/{afar.name}")]


def test_a_page_has_a_bound(afar: Fetches, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "LARGEST_PAGE", 10)
    with pytest.raises(DownloadFailed, match="the page has more than 10 bytes"):
        fetch_page(afar.index.links, afar.route)
    assert afar.index.count("/links/") == 1


def test_a_page_offline(afar: Fetches) -> None:
    with pytest.raises(Offline):
        fetch_page(afar.index.links, Route(offline=True))
    assert afar.index.asked == []


def test_a_page_may_be_a_file(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text('<a href="x-1.whl">')
    page = fetch_page(path.as_uri(), Route(offline=True))
    assert find_links(page.url, page.data) == [Link((tmp_path / "x-1.whl").as_uri(), "x-1.whl")]
    with pytest.raises(DownloadFailed, match="No such file"):
        fetch_page(path.as_uri() + "x", Route())


@pytest.mark.parametrize(
    ("html", "links"),
    [
        ("", []),
        ('<a href="x-1-py3-none-any.whl">', [Link("https://h/a/x-1-py3-none-any.whl", "x-1-py3-none-any.whl")]),
        ("<A HREF=/x-1.tar.gz#sha256=AB>", [Link("https://h/x-1.tar.gz", "x-1.tar.gz", (("sha256", "ab"),))]),
        (
            '<a href="x-1.zip#egg=x&amp;sha512=cd&amp;md5=ef">',
            [Link("https://h/a/x-1.zip", "x-1.zip", (("md5", "ef"), ("sha512", "cd")))],
        ),
        ('<a href="x-1.whl#sha256=not-hex">', [Link("https://h/a/x-1.whl", "x-1.whl")]),
        ('<a href="x-1%2Bcpu.whl">', [Link("https://h/a/x-1%2Bcpu.whl", "x-1+cpu.whl")]),
        ('<a href="//cdn/x-1.whl?token=1">', [Link("https://cdn/x-1.whl?token=1", "x-1.whl")]),
        ('<base href="https://b/c/"><a href="x-1.whl">', [Link("https://b/c/x-1.whl", "x-1.whl")]),
        ('<a href=" x-1.whl "><a href="x-1.whl#sha256=aa">', [Link("https://h/a/x-1.whl", "x-1.whl")]),
        ('<a href="../"><a name="x.whl"><a href=""><a href="readme.txt"><a>', []),
        ('<a href="javascript:x.whl"><a href="http://h:port/x.whl"><a href="http://[x.whl">', []),
        ('<a href="file:///etc/x.whl"><a href="a%2F..%2Fx.whl"><a href="a%0Ax.whl">', []),
        ("<a href='x-1.whl", []),
    ],
)
def test_links_of_a_page(html: str, links: list[Link]) -> None:
    assert find_links("https://h/a/page.html", html.encode()) == links


def test_bytes_that_are_no_page_have_no_links() -> None:
    assert find_links("https://h/", bytes(range(256)) * 100) == []


def test_a_page_s_credentials_are_for_its_own_host() -> None:
    html = b'<a href="x-1.whl"><a href="https://h/y-1.whl"><a href="https://i/z-1.whl"><a href="https://u:v@h/w-1.whl">'
    found = [link.url for link in find_links("https://me:p%40ss@h/a/", html)]
    assert found == [
        "https://me:p%40ss@h/a/x-1.whl", "https://me:p%40ss@h/y-1.whl", "https://i/z-1.whl", "https://u:v@h/w-1.whl",
    ]  # fmt: skip


def test_what_a_url_holds() -> None:
    address = parse_url("https://me%40x:p%3Aw@Host.Example:8443/a/b?c#d")
    assert address == ("https://Host.Example:8443/a/b?c", "https", "host.example", 8443, Login("me@x", "p:w"))
    assert put_login(address, Login("me@x", "p:w")) == "https://me%40x:p%3Aw@Host.Example:8443/a/b?c"
    assert parse_url("http://[::1]/x").origin == ("::1", 80)
    assert addresses.is_trusted(parse_url("http://[::1]/x"), ("[::1]:80",))
