"""Credentials go to the host they are for, to no other, and nowhere else: not into a message, a name or a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fetches import SECRET, Fetches, afar, alone, script
from indexes import Fault, basic
from lugnut.errors import DownloadFailed
from lugnut.links import Link
from lugnut.network import credentials
from lugnut.network.pages import fetch_page, find_links

__all__ = ["afar", "alone"]

KEYRING = """
import os, sys
with open(os.environ["ASKED"], "a") as file:
    file.write(" ".join(sys.argv[1:]) + "\\n")
if sys.argv[1] == "get" and sys.argv[2] == os.environ["SERVICE"]:
    print("{secret}")
else:
    sys.exit(1)
"""


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Fetches]:
    """An index that lets nobody in but `me`, whose password has every sign that needs quoting."""
    fetches = Fetches(tmp_path, auth=("me", SECRET + "@/:%"))
    with fetches.index:
        yield fetches
        assert not fetches.is_told(SECRET)


@pytest.fixture(autouse=True)
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "_remembered", {})
    monkeypatch.setattr(credentials, "_said", set())


def known(afar: Fetches, user: str = "me", password: str = SECRET + "@/:%") -> Link:
    return afar.link(url=afar.index.with_user(afar.link().url, user, password))


def test_a_url_s_own_credentials_are_used(guarded: Fetches) -> None:
    guarded.fetch(known(guarded))
    assert guarded.index.count(guarded.name) == 1


def test_without_a_hash_too_they_stand_in_no_name_and_no_file(guarded: Fetches) -> None:
    guarded.index.spoil(guarded.name, Fault(cut=guarded.half))
    with pytest.raises(DownloadFailed) as caught:
        guarded.fetch(known(guarded)._replace(hashes=()), retries=0)
    assert SECRET not in str(caught.value) + caught.value.hint
    assert "http://****@127.0.0.1" in str(caught.value)
    assert not guarded.is_told(SECRET)
    guarded.fetch(known(guarded)._replace(hashes=()))
    assert guarded.ranges()[1] == f"bytes={guarded.half}-"


@pytest.mark.parametrize(
    "fault", [Fault(garbled=True), Fault(status=404), Fault(status=503), Fault(redirect="ftp://a")]
)
def test_no_failure_tells_them(guarded: Fetches, fault: Fault) -> None:
    guarded.index.spoil(guarded.name, fault._replace(always=True))
    with pytest.raises(Exception, match=r"\*\*\*\*@127\.0\.0\.1|leads|http, https or file") as caught:
        guarded.fetch(known(guarded))
    assert SECRET not in str(caught.value) + repr(caught.value.__dict__)


def test_wrong_ones_are_refused_and_the_hint_says_where_they_go(guarded: Fetches) -> None:
    with pytest.raises(DownloadFailed, match="401 Unauthorized") as caught:
        guarded.fetch(known(guarded, password="other"))
    assert "~/.netrc" in caught.value.hint


def test_a_redirect_on_the_same_host_takes_them_along_and_to_another_not(guarded: Fetches) -> None:
    guarded.index.spoil("/same.whl", Fault(redirect=f"/files/{guarded.name}", always=True))
    guarded.fetch(known(guarded)._replace(url=known(guarded).url.replace(f"files/{guarded.name}", "same.whl")))
    other = f"http://localhost:{guarded.index.port}/files/{guarded.name}"
    guarded.index.spoil("/other.whl", Fault(redirect=other, always=True))
    guarded.index.asked.clear()
    link = known(guarded)._replace(url=known(guarded).url.replace(f"files/{guarded.name}", "other.whl"), hashes=())
    with pytest.raises(DownloadFailed, match="401"):
        guarded.fetch(link)
    assert guarded.users("/other.whl") == [basic("me", SECRET + "@/:%")]
    assert guarded.users() == [""]


# --- netrc ------------------------------------------------------------------------------------------------------------


def write_netrc(afar: Fetches, text: str, name: str = ".netrc") -> Path:
    path = afar.path / name
    path.write_text(text)
    return path


def test_netrc_has_them(guarded: Fetches) -> None:
    write_netrc(guarded, f"machine 127.0.0.1 login me password {SECRET}@/:%\n")
    guarded.fetch()


def test_netrc_is_where_its_variable_says(guarded: Fetches, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_netrc(guarded, f"machine 127.0.0.1 login me password {SECRET}@/:%\n", "elsewhere")
    monkeypatch.setenv("NETRC", str(path))
    guarded.fetch()


def test_a_url_s_user_gets_that_user_s_password_from_netrc_and_no_other_s(afar: Fetches) -> None:
    write_netrc(afar, f"machine 127.0.0.1 login me password {SECRET}\n")
    afar.fetch(known(afar, "me", ""))
    with afar.lend(known(afar, "you", "")):
        assert afar.users() == [basic("me", SECRET), basic("you", "")]


def test_a_default_of_netrc_is_not_for_hosts_that_a_redirect_leads_to(afar: Fetches) -> None:
    write_netrc(afar, f"default login me password {SECRET}\n")
    other = f"http://localhost:{afar.index.port}/files/{afar.name}"
    afar.index.spoil("/other.whl", Fault(redirect=other, always=True))
    afar.fetch(afar.link(url=f"{afar.index.url}/other.whl"))
    assert (afar.users("/other.whl"), afar.users()) == ([basic("me", SECRET)], [""])


@pytest.mark.parametrize("text", [f"machine 127.0.0.1 {SECRET} x", f"password {SECRET}", "machine"])
def test_a_broken_netrc_is_noted_once_and_passed_over(afar: Fetches, text: str) -> None:
    path = write_netrc(afar, "\n" + text)
    afar.fetch()
    with afar.lend():
        pass
    assert [note.startswith(f"{path} is passed over") for note in afar.notes()] == [True]
    assert not afar.is_told(SECRET)


@pytest.mark.parametrize("kind", ["directory", "binary"])
def test_a_netrc_that_is_no_text_is_noted_too(afar: Fetches, kind: str) -> None:
    path = afar.path / ".netrc"
    if kind == "directory":
        path.mkdir()
    else:
        path.write_bytes(b"\xff\xfe\x00")
    afar.fetch()
    assert len(afar.notes()) == 1


# --- keyring ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def keyring(guarded: Fetches, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A keyring on PATH that knows the password by the host."""
    script(guarded.path / "bin" / "keyring", KEYRING.replace("{secret}", SECRET + "@/:%"))
    monkeypatch.setenv("PATH", str(guarded.path / "bin"))
    monkeypatch.setenv("ASKED", str(guarded.path / "asked"))
    monkeypatch.setenv("SERVICE", "127.0.0.1")
    return guarded.path / "asked"


def test_keyring_is_asked_after_a_401_by_the_url_and_then_by_the_host(guarded: Fetches, keyring: Path) -> None:
    guarded.fetch(known(guarded, "me", ""), keyring="subprocess")
    assert keyring.read_text().splitlines() == [f"get {guarded.link().url} me", "get 127.0.0.1 me"]


def test_keyring_is_asked_by_the_url_first(guarded: Fetches, keyring: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICE", guarded.link().url)
    guarded.fetch(known(guarded, "me", ""), keyring="subprocess")
    assert keyring.read_text().splitlines() == [f"get {guarded.link().url} me"]


def test_what_keyring_said_is_remembered_for_the_host(guarded: Fetches, keyring: Path) -> None:
    guarded.fetch(known(guarded, "me", ""), keyring="subprocess")
    with guarded.lend(known(guarded, "me", ""), keyring="subprocess"):
        pass
    assert len(keyring.read_text().splitlines()) == 2
    assert guarded.index.count(guarded.name) == 3


@pytest.mark.parametrize(("user", "way"), [("me", "disabled"), ("", "subprocess"), ("you", "subprocess")])
def test_keyring_is_not_asked_unless_it_may_and_no_password_is_not_an_empty_one(
    guarded: Fetches, keyring: Path, user: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERVICE", "nobody")
    with pytest.raises(DownloadFailed, match="401 Unauthorized"):
        guarded.fetch(known(guarded, user, "") if user else None, keyring=way)
    assert keyring.exists() == (user == "you")


def test_no_keyring_is_a_401(guarded: Fetches, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(guarded.path))
    with pytest.raises(DownloadFailed, match="401 Unauthorized"):
        guarded.fetch(known(guarded, "me", ""), keyring="subprocess")


# --- pages ------------------------------------------------------------------------------------------------------------


def test_a_page_s_links_to_its_own_host_have_its_credentials(guarded: Fetches) -> None:
    page = fetch_page(guarded.index.with_user(guarded.index.links, "me", SECRET + "@/:%"), guarded.route)
    assert find_links(page.url, page.data) == [known(guarded)._replace(size=None)]
    guarded.fetch(find_links(page.url, page.data)[0])
