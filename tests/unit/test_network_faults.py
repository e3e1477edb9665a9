"""What goes wrong with a download: tried again where that may help, else a sentence, and nothing half in the store."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

from children import run
from fetches import Fetches, Off, afar, alone, small_disk
from indexes import Fault
from lugnut.errors import BadWheel, DownloadFailed, HashMismatch, LugnutError
from lugnut.network import asking, refusals, tally
from lugnut.network.fetching import fetch_wheel
from lugnut.store.entries import open_store

__all__ = ["afar", "alone"]


def fail(afar: Fetches, *, kind: type[LugnutError] = DownloadFailed, **others: object) -> LugnutError:
    """Fetch what cannot be had; the error says it plainly, and nothing is left."""
    with pytest.raises(kind) as caught:
        afar.fetch(**others)  # type: ignore[arg-type]
    assert afar.nothing_is_left()
    assert "\n" not in str(caught.value)
    assert caught.value.hint
    return caught.value


# --- what the server answers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "sentence"),
    [(404, "404 Not Found"), (410, "410 Gone"), (403, "403 Forbidden"), (401, "401 Unauthorized"), (299, "status 299")],
)
def test_an_answer_that_is_final_is_told_at_once(afar: Fetches, status: int, sentence: str) -> None:
    afar.index.spoil(afar.name, Fault(status=status, always=True))
    error = fail(afar)
    assert str(error) == f"{afar.link().url} could not be downloaded: {sentence}"
    assert afar.index.count(afar.name) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429, 408])
def test_a_server_in_trouble_is_asked_again(afar: Fetches, status: int) -> None:
    afar.index.spoil(afar.name, Fault(status=status), Fault(status=status))
    afar.fetch()
    assert afar.index.count(afar.name) == 3


def test_a_server_that_stays_in_trouble_is_given_up(afar: Fetches) -> None:
    afar.index.spoil(afar.name, Fault(status=503, always=True))
    error = fail(afar)
    assert str(error).endswith("could not be downloaded: 503 Service Unavailable (4 tries)")
    assert error.hint == "try it again later"
    assert afar.index.count(afar.name) == 4


def test_a_server_says_how_long_to_wait(afar: Fetches, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "BACKOFF", 1000.0)
    afar.index.spoil(
        afar.name,
        Fault(status=429, retry_after="0"),
        Fault(status=503, retry_after="Wed, 01 Jan 2020 00:00:00 GMT"),
    )
    afar.fetch()
    assert afar.index.count(afar.name) == 3


@pytest.mark.parametrize("said", ["soon", "-1", "9" * 500, ""])
def test_a_server_that_says_nonsense_of_it_is_not_believed(afar: Fetches, said: str) -> None:
    afar.index.spoil(afar.name, Fault(status=503, retry_after=said))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asking, "LONGEST_PAUSE", 0.0)
        afar.fetch()


def test_pauses_grow_and_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "BACKOFF", 0.25)
    for tries, longest in [(1, 0.25), (2, 0.5), (3, 1.0), (4, 2.0), (5, 4.0), (99, 60.0)]:
        assert longest / 2 <= asking.find_pause(tries, None) <= longest
    assert asking.find_pause(1, 7.0) == 7.0
    assert asking.find_pause(1, 1e9) == asking.LONGEST_PAUSE


def test_whoever_calls_it_off_is_heard_in_a_pause() -> None:
    looks = iter([None, None])

    def cancelled() -> None:
        if next(looks, 0) == 0:
            raise Off

    with pytest.raises(Off):
        asking.pause(3600.0, cancelled)


# --- what comes -------------------------------------------------------------------------------------------------------


def test_wrong_bytes_are_refused_and_not_asked_for_again(afar: Fetches) -> None:
    afar.index.spoil(afar.name, Fault(garbled=True, always=True))
    error = fail(afar, kind=HashMismatch)
    assert f"but {afar.link().sha256} is asked for by what names http://127.0.0.1" in str(error)
    assert afar.index.count(afar.name) == 1


def test_bytes_that_are_no_wheel_are_refused(afar: Fetches) -> None:
    afar.index.spoil(afar.name, Fault(garbled=True, always=True))
    fail(afar, kind=BadWheel, link=afar.link(hashes=(), size=None))


def test_an_archive_that_is_sent_as_if_it_were_encoded_is_taken_as_it_is(afar: Fetches) -> None:
    afar.index.spoil(afar.name, Fault(encoding="gzip", always=True))
    afar.fetch()
    assert afar.index.requests(afar.name)[0].headers["accept-encoding"] == "identity"


def test_a_body_without_a_length_is_taken(afar: Fetches) -> None:
    afar.index.spoil(afar.name, Fault(length=False))
    afar.fetch(afar.link(size=None))
    assert afar.received()[0][1] is None


def test_a_body_without_a_length_that_was_cut_is_fetched_again_once(afar: Fetches) -> None:
    afar.index.spoil(afar.name, Fault(length=False, cut=afar.half))
    afar.fetch(afar.link(size=None))
    assert afar.index.count(afar.name) == 2


def test_a_body_that_is_cut_each_time_is_given_up(afar: Fetches) -> None:
    afar.index.spoil(afar.name, Fault(cut=0, always=True))
    error = fail(afar)
    assert str(error).endswith("could not be downloaded: the connection ended before the file did (4 tries)")


@pytest.mark.parametrize("by", [-1, 1])
def test_a_file_of_another_size_is_refused_before_it_comes(afar: Fetches, by: int) -> None:
    size = len(afar.bytes)
    error = fail(afar, link=afar.link(size=size + by))
    assert str(error).endswith(f"it has {size} bytes, and {size + by} are asked for")
    assert afar.received() == []


def test_no_more_is_taken_than_was_promised(afar: Fetches) -> None:
    afar.index.spoil(afar.name, Fault(length=False, always=True))
    error = fail(afar, link=afar.link(size=1000))
    assert str(error).endswith("more came than the 1000 bytes it should have")


@pytest.mark.parametrize("length", [True, False])
def test_no_more_is_taken_than_is_sane(afar: Fetches, monkeypatch: pytest.MonkeyPatch, length: bool) -> None:
    monkeypatch.setattr(tally, "LARGEST", 1000)
    afar.index.spoil(afar.name, Fault(length=length, always=True))
    error = fail(afar, link=afar.link(size=None))
    assert ("more than lugnut takes" if length else "more came than the 1000 bytes") in str(error)


def test_a_page_of_words_in_place_of_a_range_is_not_mixed_in(afar: Fetches) -> None:
    afar.index.spoil(afar.name, Fault(cut=afar.half), Fault(status=206), Fault())
    afar.fetch()
    assert afar.ranges() == ["all", f"bytes={afar.half}-", "all"]


def test_a_range_from_another_place_is_not_mixed_in(afar: Fetches) -> None:
    afar.index.spoil(afar.name, Fault(cut=afar.half), Fault(shift=1))
    afar.fetch()
    assert afar.ranges() == ["all", f"bytes={afar.half}-", "all"]


def test_what_has_come_of_a_file_of_another_size_is_not_kept(afar: Fetches) -> None:
    afar.index.spoil(afar.name, Fault(cut=afar.half))
    with pytest.raises(DownloadFailed):
        afar.fetch(afar.link(size=None), retries=0)
    fail(afar, link=afar.link(size=len(afar.bytes) + 1))
    assert afar.ranges() == ["all", f"bytes={afar.half}-", "all"]


# --- connections ------------------------------------------------------------------------------------------------------


def test_nobody_there_is_told_in_a_sentence(afar: Fetches) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: whoever comes is refused
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/{afar.name}"
        error = fail(afar, link=afar.link(url=url), retries=1)
    assert str(error) == f"{url} could not be downloaded: no connection could be made: Connection refused (2 tries)"


def test_a_host_that_does_not_exist_is_told_in_a_sentence(afar: Fetches) -> None:
    error = fail(afar, link=afar.link(url=f"http://no-such-host.invalid/{afar.name}"), retries=0)
    assert "could not be downloaded: its host is not known" in str(error)


def test_a_server_that_says_nothing_is_given_up(afar: Fetches) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}/{afar.name}"
        error = fail(afar, link=afar.link(url=url), retries=0, timeout=0.2)
    assert str(error).endswith("could not be downloaded: nothing came for too long")


def test_a_server_that_falls_silent_in_the_middle_is_asked_for_the_rest(afar: Fetches) -> None:
    afar.index.spoil(afar.name, Fault(held=threading.Event()))
    afar.fetch(timeout=0.3)
    assert afar.ranges() == ["all", f"bytes={afar.half}-"]


def test_whoever_calls_it_off_is_heard_while_a_server_says_nothing(afar: Fetches) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        looks = iter(range(8))

        def cancelled() -> None:
            if next(looks, None) is None:
                raise Off

        route = afar.route._replace(retries=0)
        link = afar.link(url=f"http://127.0.0.1:{mute.getsockname()[1]}/{afar.name}")
        with pytest.raises(Off):
            fetch_wheel(afar.store, link, route, afar.events.append, afar.patience._replace(cancelled=cancelled))


def test_an_answer_that_is_not_http(afar: Fetches) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            with server.accept()[0] as connection:
                connection.recv(1000)
                connection.sendall(b"SSH-2.0-server\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        link = afar.link(url=f"http://127.0.0.1:{server.getsockname()[1]}/{afar.name}")
        error = fail(afar, link=link, retries=0)
        thread.join()
    assert "could not be downloaded: the connection broke" in str(error)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://host/x.whl", "it is no http, https or file URL"),
        ("https:///x.whl", "it is no http, https or file URL"),
        ("x.whl", "it is no http, https or file URL"),
        ("http://host:port/x.whl", "its URL cannot be read"),
        ("http://[::1/x.whl", "its URL cannot be read"),
        ("http://host/a b.whl", "its URL has blanks or control characters"),
    ],
)
def test_a_url_that_is_none(afar: Fetches, url: str, reason: str) -> None:
    assert reason in str(fail(afar, link=afar.link(url=url)))
    assert "s3" not in str(fail(afar, link=afar.link(url=url.replace("host", "u:s3@host"))))


def test_every_status_has_words() -> None:
    for status in range(300, 600):
        judged = refusals.judge_status("http://h/x", status, None)
        assert str(status) in str(judged)


# --- redirects --------------------------------------------------------------------------------------------------------


def test_a_redirect_is_followed_to_the_same_host_and_to_another(afar: Fetches) -> None:
    elsewhere = f"http://localhost:{afar.index.port}/files/{afar.name}"
    afar.index.spoil("/one.whl", Fault(redirect="/two.whl", always=True))
    afar.index.spoil("/two.whl", Fault(redirect=elsewhere, always=True))
    afar.fetch(afar.link(url=f"{afar.index.url}/one.whl"))
    assert [asked.path for asked in afar.index.asked] == ["/one.whl", "/two.whl", f"/files/{afar.name}"]
    first, second, third = (asked.client for asked in afar.index.asked)
    assert first == second != third  # one connection for each host


def test_a_redirected_file_is_taken_up_again_too(afar: Fetches) -> None:
    afar.index.spoil("/one.whl", Fault(redirect=afar.link().url, always=True))
    afar.index.spoil(afar.name, Fault(cut=afar.half))
    afar.fetch(afar.link(url=f"{afar.index.url}/one.whl"))
    assert afar.ranges() == ["all", f"bytes={afar.half}-"]


def test_a_redirect_in_a_circle_ends(afar: Fetches) -> None:
    afar.index.spoil(afar.name, Fault(redirect=afar.link().url, always=True))
    assert "leads from one place to another, more than 10 times" in str(fail(afar))
    assert afar.index.count(afar.name) == 11


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("file:///etc/passwd", "its server leads to a file of this machine"),
        ("ftp://host/x", "it is no http, https or file URL"),
        ("http://host:port/", "its URL cannot be read"),
    ],
)
def test_a_redirect_leads_to_the_network_only(afar: Fetches, target: str, reason: str) -> None:
    afar.index.spoil(afar.name, Fault(redirect=target, always=True))
    assert reason in str(fail(afar))


# --- the disk ---------------------------------------------------------------------------------------------------------

FETCH = """
import sys, resource
from lugnut.errors import LugnutError
from lugnut.links import Link, Route
from lugnut.network.fetching import fetch_wheel
from lugnut.store.entries import open_store
from lugnut.store.place import usual_patience
store = open_store(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[5]), int(sys.argv[5])))
link = Link(sys.argv[2], sys.argv[3], (("sha256", sys.argv[4]),))
try:
    fetch_wheel(store, link, Route(), lambda event: None, usual_patience())
except LugnutError as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize("room", [100_000, 50])
def test_a_file_that_may_not_grow_is_told_and_nothing_of_it_stays(afar: Fetches, room: int) -> None:
    said = run(FETCH, afar.path / "cache", afar.link().url, afar.name, afar.link().sha256, room)
    assert said.startswith("CannotWrite cannot write ")
    assert "File too large" in said
    assert afar.nothing_is_left()


def test_a_full_disk_is_told_and_nothing_of_the_file_stays(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "200k") as place:
        afar = Fetches(tmp_path)
        afar.store = open_store(str(place))
        with afar.index:
            error = fail(afar, kind=LugnutError)
    assert "No space left on device" in str(error)
