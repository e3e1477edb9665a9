"""How hosts are reached: proxies, and whose certificates are trusted."""

from __future__ import annotations

import gc
import shutil
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fetches import SECRET, Fetches, afar, alone, make_certificates
from indexes import Fault, IndexServer, basic
from lugnut.errors import DownloadFailed, UsageError
from lugnut.links import Route
from lugnut.network import connections
from lugnut.network.addresses import parse_url
from lugnut.network.connections import find_proxy
from lugnut.network.pages import fetch_page

__all__ = ["afar", "alone"]


def proxied(index: IndexServer) -> list[str]:
    return [asked.proxied for asked in index.asked]


# --- proxies ----------------------------------------------------------------------------------------------------------


def test_a_proxy_is_asked_in_place_of_the_host(afar: Fetches) -> None:
    url = f"http://no-such-host.invalid/files/{afar.name}"
    afar.fetch(afar.link(url=url), proxy=afar.index.url)
    assert proxied(afar.index) == [url]


def test_a_proxy_s_credentials_go_to_it_and_into_no_message(afar: Fetches) -> None:
    url = f"http://no-such-host.invalid/files/{afar.name}"
    proxy = afar.index.with_user(afar.index.url, "me", SECRET)
    afar.fetch(afar.link(url=url), proxy=proxy)
    assert afar.index.asked[0].headers["proxy-authorization"] == basic("me", SECRET)
    with (
        pytest.raises(DownloadFailed, match="neither an http nor an https one") as caught,
        afar.lend(afar.link(url=url), proxy=proxy.replace("http", "socks5")),
    ):
        pytest.fail("there are no such proxies")
    assert SECRET not in str(caught.value)
    assert not afar.is_told(SECRET)


def test_a_proxy_that_is_not_there_is_told_in_a_sentence(afar: Fetches) -> None:
    with pytest.raises(DownloadFailed, match="the proxy did not let us through: Connection refused") as caught:
        afar.fetch(proxy=f"http://me:{SECRET}@127.0.0.1:1", retries=0)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
def test_variables_name_proxies_and_hosts_without(
    afar: Fetches, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, afar.index.host)
    afar.fetch()
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with afar.lend():
        pass
    assert proxied(afar.index) == [afar.link().url, ""]


@pytest.mark.parametrize(
    ("url", "without", "proxy"),
    [
        ("https://a.example/x", "", "http://https.proxy"),
        ("http://a.example/x", "", "http://http.proxy"),
        ("http://a.example/x", "example", ""),
        ("http://a.example/x", "b.example", "http://http.proxy"),
        ("http://a.example:8080/x", "a.example:8080", ""),
        ("http://a.example:8081/x", "a.example:8080", "http://http.proxy"),
        ("http://a.example/x", "*", ""),
    ],
)
def test_which_proxy(monkeypatch: pytest.MonkeyPatch, url: str, without: str, proxy: str) -> None:
    for name, value in {"HTTP": "http.proxy", "HTTPS": "http://https.proxy", "ALL": "all.proxy", "NO": without}.items():
        monkeypatch.setenv(f"{name}_PROXY", value)
    assert find_proxy(parse_url(url), Route()) == proxy
    assert find_proxy(parse_url(url), Route(proxy="told.proxy")) == "http://told.proxy"


def test_a_route_may_have_no_proxy_whatever_variables_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://all.proxy")
    assert find_proxy(parse_url("http://a.example/x"), Route(proxy="")) == ""


# --- certificates -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl to make certificates with")
    directory = tmp_path_factory.mktemp("papers")
    make_certificates(directory)
    return directory


def make_tls(papers: Path, *, asks: bool = False) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(papers / "server.pem")
    if asks:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(papers / "ca.pem")
    return context


@pytest.fixture
def secure(tmp_path: Path, papers: Path) -> Iterator[Fetches]:
    fetches = Fetches(tmp_path, tls=make_tls(papers))
    with fetches.index:
        yield fetches


def test_a_certificate_of_nobody_known_is_refused(secure: Fetches) -> None:
    with pytest.raises(DownloadFailed, match="its certificate is not trusted: unable to get local issuer") as caught:
        secure.fetch()
    assert "--trusted-host" in caught.value.hint
    assert secure.index.asked == []
    assert secure.nothing_is_left()


def test_a_route_names_certificate_authorities(secure: Fetches, papers: Path) -> None:
    secure.fetch(certificates=str(papers / "ca.pem"))
    with secure.lend(certificates=str(papers / "ca.pem")):
        assert len({asked.client for asked in secure.index.asked}) == 1


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_variables_name_them(secure: Fetches, papers: Path, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, str(papers / "ca.pem"))
    secure.fetch()


def test_the_route_s_word_is_the_first(secure: Fetches, papers: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(papers / "nothing.pem"))
    secure.fetch(certificates=str(papers / "ca.pem"))


@pytest.mark.parametrize("way", ["certificates", "client_certificate", "variable"])
def test_a_file_of_certificates_that_is_none_is_named(
    secure: Fetches, papers: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    for place, reason in [(papers / "nothing.pem", "No such file"), (papers / "openssl.cnf", "")]:
        if way == "variable":
            monkeypatch.setenv("CURL_CA_BUNDLE", str(place))
        with pytest.raises(UsageError, match=f"the certificates in {place} cannot be used: {reason}"):
            secure.fetch(**{} if way == "variable" else {way: str(place)})
    assert secure.nothing_is_left()


@pytest.mark.parametrize("port", [True, False])
def test_a_trusted_host_s_certificate_is_not_looked_at(
    secure: Fetches, port: bool, recwarn: pytest.WarningsRecorder
) -> None:
    secure.fetch(trusted_hosts=("other", secure.index.host if port else "127.0.0.1"))
    assert [str(warning.message) for warning in recwarn] == []


def test_trust_in_one_port_is_not_trust_in_another(secure: Fetches) -> None:
    with pytest.raises(DownloadFailed, match="not trusted"):
        secure.fetch(trusted_hosts=("127.0.0.1:1", "localhost"))


def test_a_client_shows_its_certificate(tmp_path: Path, papers: Path) -> None:
    secure = Fetches(tmp_path, tls=make_tls(papers, asks=True))
    with secure.index:
        with pytest.raises(DownloadFailed):
            secure.fetch(certificates=str(papers / "ca.pem"), retries=0)
        secure.fetch(certificates=str(papers / "ca.pem"), client_certificate=str(papers / "client.pem"))


def test_https_goes_through_a_proxy_unseen(secure: Fetches, papers: Path, tmp_path: Path) -> None:
    with IndexServer(tmp_path) as proxy:
        secure.fetch(proxy=proxy.url, certificates=str(papers / "ca.pem"))
        assert [(asked.method, asked.path) for asked in proxy.asked] == [("CONNECT", secure.index.host)]


def test_a_redirect_from_https_to_http_takes_trust(secure: Fetches, papers: Path) -> None:
    with IndexServer(secure.wheels) as plain:
        secure.index.spoil(secure.name, Fault(redirect=plain.file_url(secure.name), always=True))
        with pytest.raises(DownloadFailed, match=r"its server leads from https to http, at 127\.0\.0\.1"):
            secure.fetch(certificates=str(papers / "ca.pem"))
        assert plain.asked == []
        secure.fetch(certificates=str(papers / "ca.pem"), trusted_hosts=(plain.host,))


def test_what_tls_has_read_already_is_not_waited_for(papers: Path) -> None:
    body = b"x" * 12_000  # with its header one TLS record, larger than what http.client reads at once
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            with make_tls(papers).wrap_socket(server.accept()[0], server_side=True) as connection:
                connection.recv(10_000)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
                connection.recv(1)  # until the client has gone

        thread = threading.Thread(target=answer)
        thread.start()
        route = Route(retries=0, timeout=5.0, certificates=str(papers / "ca.pem"))
        page = fetch_page(f"https://127.0.0.1:{server.getsockname()[1]}/", route)
        connections._connect.cache_clear()
        gc.collect()
        thread.join()
    assert page.data == body


def test_a_body_over_tls_is_taken_up_again_too(secure: Fetches, papers: Path) -> None:
    secure.index.spoil(secure.name, Fault(cut=secure.half))
    secure.fetch(certificates=str(papers / "ca.pem"))
    assert secure.ranges() == ["all", f"bytes={secure.half}-"]
