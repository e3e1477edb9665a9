"""One file from afar: into the store, whole and checked, once; taken up again where it broke off."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from fetches import Fetches, Off, afar, alone
from indexes import Fault
from lugnut.errors import BadWheel, DownloadFailed, HashMismatch, LockTimeout, Offline
from lugnut.events import WheelAdmitted
from lugnut.links import Link, Route
from lugnut.network import transfer
from lugnut.network.fetching import fetch_wheel
from lugnut.store.downloads import hold_download, make_key
from lugnut.store.keeping import clean, prune

__all__ = ["afar", "alone"]


def test_a_wheel_comes_into_the_store_and_its_download_goes(afar: Fetches) -> None:
    manifest = afar.fetch()
    assert (manifest.name, manifest.filename) == ("x", afar.name)
    assert afar.entries() == [afar.link().sha256]
    assert afar.downloads() == []
    assert [event.cached for event in afar.events if isinstance(event, WheelAdmitted)] == [False]


def test_how_far_it_is_is_told_now_and_then_and_the_end_always(afar: Fetches, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "_BETWEEN", 3600.0)
    afar.fetch()
    first, last = afar.received()
    assert 0 < first[0] < last[0]
    assert last == (len(afar.bytes), len(afar.bytes))


def test_a_wheel_in_the_store_needs_no_network(afar: Fetches) -> None:
    afar.fetch()
    asked = len(afar.index.asked)
    afar.fetch(offline=True)
    afar.fetch(afar.link(url="http://127.0.0.1:1/nobody/is/there.whl"))
    assert len(afar.index.asked) == asked
    assert [event.cached for event in afar.events if isinstance(event, WheelAdmitted)] == [False, True, True]


def test_a_wheel_in_the_store_whose_other_name_does_not_fit_is_fetched_and_refused(afar: Fetches) -> None:
    afar.fetch()
    with pytest.raises(BadWheel, match=r"y-1\.0-py3-none-any\.whl is not a valid wheel"):
        afar.fetch(afar.link(filename="y-1.0-py3-none-any.whl"))
    assert afar.index.count(afar.name) == 2
    assert afar.downloads() == []


def test_a_wheel_of_unknown_hash_is_fetched_each_time_since_its_url_may_change(afar: Fetches) -> None:
    afar.fetch(afar.link(hashes=(), size=None))
    afar.fetch(afar.link(hashes=(), size=None))
    assert afar.index.count(afar.name) == 2
    assert afar.downloads() == []


def test_what_another_fetched_while_one_waited_is_not_fetched_again_though_no_hash_is_known(afar: Fetches) -> None:
    link = afar.link(hashes=(), size=None)
    held = hold_download(afar.store, make_key(None, link.url), link.filename, afar.patience)

    def wait() -> None:  # the other one, as it seems to who waits: it fetches, and lets go
        if not afar.entries():
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("lugnut.network.fetching.hold_download", lambda *_: SimpleContext())
                fetch_wheel(afar.store, link, afar.route, afar.events.append, afar.patience)
            held.close()

    manifest = fetch_wheel(afar.store, link, afar.route, afar.events.append, afar.patience._replace(cancelled=wait))
    assert manifest.wheel == afar.link().sha256
    assert afar.index.count(afar.name) == 1


class SimpleContext(SimpleNamespace):
    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> None: ...


def test_offline_what_a_url_was_last_time_is_good_enough(afar: Fetches) -> None:
    link = afar.link(hashes=(), size=None)
    afar.fetch(link)
    afar.fetch(link, offline=True)
    assert afar.index.count(afar.name) == 1


@pytest.mark.parametrize("known", [True, False])
def test_offline_what_is_not_there_is_refused(afar: Fetches, known: bool) -> None:
    link = afar.link() if known else afar.link(hashes=())
    with pytest.raises(Offline, match="is not in the cache"):
        afar.fetch(link, offline=True)
    assert afar.index.asked == []
    assert afar.nothing_is_left()


def test_every_hash_that_is_named_must_hold(afar: Fetches) -> None:
    link = afar.link()
    with pytest.raises(HashMismatch, match="but sha512 00 is asked for"):
        afar.fetch(link._replace(hashes=(("sha512", "00"),)))
    with pytest.raises(HashMismatch, match="but md5 00 is asked for"):
        afar.fetch(link._replace(hashes=(("md5", "00"), *link.hashes)))
    assert afar.nothing_is_left()


def test_a_hash_of_an_unknown_kind_is_no_hash(afar: Fetches) -> None:
    with pytest.raises(DownloadFailed, match="of the kind crc32, which is not known"):
        afar.fetch(afar.link(hashes=(("crc32", "00"),)))
    assert afar.index.asked == []


@pytest.mark.parametrize("name", ["../../x-1.0-py3-none-any.whl", "..", "a/b.whl", "a\\b.whl", "c:x.whl", "", "a\nb"])
def test_a_file_name_leads_nowhere_else(afar: Fetches, name: str) -> None:
    with pytest.raises(DownloadFailed, match="is not the name of a file"):
        afar.fetch(afar.link(filename=name))
    assert afar.index.asked == []


def test_files_of_one_host_come_by_one_connection(afar: Fetches) -> None:
    afar.fetch()
    with afar.lend():
        pass
    assert len({asked.client for asked in afar.index.asked}) == 1
    assert afar.index.count(afar.name) == 2


# --- sources ----------------------------------------------------------------------------------------------------------


def test_a_source_is_lent_and_found_the_next_time(afar: Fetches) -> None:
    for _ in range(2):
        with afar.lend() as fetched:
            assert Path(fetched.path).read_bytes() == afar.bytes
            assert (os.path.basename(fetched.path), fetched.sha256) == (afar.name, afar.link().sha256)
    assert afar.index.count(afar.name) == 1


def test_a_source_that_is_lent_stays_and_goes_with_the_cache(afar: Fetches) -> None:
    with afar.lend() as fetched:
        assert (prune(afar.store), clean(afar.store)) == (0, 0)
        assert os.path.exists(fetched.path)
    with afar.lend():
        assert prune(afar.store) == 0
    assert prune(afar.store) >= len(afar.bytes)
    assert afar.downloads() == []


def test_a_source_that_was_changed_is_fetched_again(afar: Fetches) -> None:
    with afar.lend() as fetched:
        path = fetched.path
    Path(path).write_bytes(b"changed")
    with afar.lend() as fetched:
        assert Path(fetched.path).read_bytes() == afar.bytes
    assert afar.index.count(afar.name) == 2


def test_a_source_that_cannot_be_had_leaves_nothing(afar: Fetches) -> None:
    afar.index.spoil(afar.name, Fault(status=404))
    with pytest.raises(DownloadFailed), afar.lend():
        pytest.fail("it is not there")
    assert afar.nothing_is_left()


def test_a_source_of_unknown_hash_is_fetched_again_and_its_file_not_replaced(afar: Fetches) -> None:
    link = afar.link(hashes=(), size=None)
    with afar.lend(link) as first:
        inode = os.stat(first.path).st_ino
        with afar.lend(link) as second:
            assert (second, os.stat(second.path).st_ino) == (first, inode)
    assert afar.index.count(afar.name) == 2


# --- files of this machine --------------------------------------------------------------------------------------------


def here(afar: Fetches, **others: object) -> Link:
    return afar.link(url=Path(afar.wheel).as_uri())._replace(**others)  # type: ignore[arg-type]


def test_a_file_of_this_machine_is_read_where_it_is(afar: Fetches) -> None:
    afar.fetch(here(afar), offline=True)
    with afar.lend(here(afar), offline=True) as fetched:
        assert fetched == (afar.wheel, afar.link().sha256)
    assert afar.index.asked == []
    assert afar.downloads() == []


@pytest.mark.parametrize("what", ["missing", "directory", "elsewhere", "size"])
def test_a_file_of_this_machine_that_is_no_good(afar: Fetches, what: str) -> None:
    links = {
        "missing": (here(afar, url="file:///no/such/file.whl"), "No such file or directory"),
        "directory": (here(afar, url=afar.wheels.as_uri()), "it is a directory"),
        "elsewhere": (here(afar, url="file://far.example/x.whl"), "it is a file of the machine far.example"),
        "size": (here(afar, size=1), f"it has {len(afar.bytes)} bytes, and 1 are asked for"),
    }
    link, sentence = links[what]
    with pytest.raises(DownloadFailed, match=sentence):
        afar.fetch(link)
    assert afar.nothing_is_left()


def test_a_file_of_this_machine_with_another_hash(afar: Fetches) -> None:
    with pytest.raises(HashMismatch):
        afar.fetch(here(afar, hashes=(("sha256", "0" * 64),)))
    assert afar.nothing_is_left()


# --- taken up again ---------------------------------------------------------------------------------------------------


def test_a_body_that_was_cut_is_taken_up_where_it_ended(afar: Fetches) -> None:
    afar.index.spoil(afar.name, Fault(cut=afar.half))
    afar.fetch()
    assert afar.ranges() == ["all", f"bytes={afar.half}-"]
    assert afar.conditions()[1] == f'"{str(afar.link().sha256)[:16]}"'


def test_a_run_that_gave_up_leaves_its_part_to_the_next(afar: Fetches) -> None:
    afar.index.spoil(afar.name, Fault(cut=afar.half))
    with pytest.raises(DownloadFailed, match="the connection ended before the file did"):
        afar.fetch(retries=0)
    assert os.path.getsize(afar.part()) == afar.half
    afar.fetch()
    assert afar.ranges() == ["all", f"bytes={afar.half}-"]
    assert afar.downloads() == []


def test_a_part_that_is_the_whole_file_needs_no_network(afar: Fetches) -> None:
    afar.index.spoil(afar.name, Fault(cut=afar.half))
    with pytest.raises(DownloadFailed):
        afar.fetch(retries=0)
    Path(afar.part()).write_bytes(afar.bytes)
    afar.fetch(afar.link(size=None))
    assert afar.index.count(afar.name) == 1


def test_what_a_killed_writer_of_words_left_is_no_hindrance(afar: Fetches) -> None:
    home = Path(afar.store.root, "downloads")
    home.mkdir()
    (home / f"{afar.link().sha256}.new").write_text("half a wor")
    afar.fetch()
    assert afar.downloads() == []


@pytest.mark.parametrize("spoilt", [b"", b"x" * 1000, b"x" * 400_000])
def test_a_part_of_other_bytes_is_found_out(afar: Fetches, spoilt: bytes) -> None:
    afar.index.spoil(afar.name, Fault(cut=afar.half))
    with pytest.raises(DownloadFailed):
        afar.fetch(retries=0)
    Path(afar.part()).write_bytes(spoilt)
    afar.fetch()
    assert afar.ranges()[-1] == "all"


def test_a_server_without_ranges_is_started_over(afar: Fetches) -> None:
    afar.index.spoil(afar.name, Fault(cut=afar.half, ranges=False), Fault(ranges=False))
    afar.fetch()
    assert afar.ranges() == ["all", f"bytes={afar.half}-"]


def test_a_file_that_changed_meanwhile_is_started_over(afar: Fetches) -> None:
    afar.index.spoil(afar.name, Fault(cut=afar.half, garbled=True, tag="older"))
    afar.fetch()
    assert afar.conditions() == ["", '"older"']
    assert afar.index.count(afar.name) == 2


def test_halves_that_do_not_fit_are_fetched_again_whole_once(afar: Fetches) -> None:
    afar.index.spoil(afar.name, Fault(cut=afar.half, garbled=True))
    afar.fetch()
    assert afar.ranges() == ["all", f"bytes={afar.half}-", "all"]


def test_and_only_once(afar: Fetches) -> None:
    afar.index.spoil(afar.name, Fault(cut=afar.half, garbled=True), Fault(garbled=True, always=True))
    with pytest.raises(HashMismatch):
        afar.fetch()
    assert afar.ranges() == ["all", f"bytes={afar.half}-", "all"]
    assert afar.nothing_is_left()


@pytest.mark.parametrize(("validators", "condition"), [("date", "Wed, 01 Jan 2020 00:00:00 GMT"), ("", "")])
def test_without_a_tag_a_date_or_the_hash_tells_whether_the_halves_fit(
    tmp_path: Path, validators: str, condition: str
) -> None:
    afar = Fetches(tmp_path, validators=validators)
    with afar.index:
        afar.index.spoil(afar.name, Fault(cut=afar.half))
        afar.fetch()
        assert afar.ranges() == ["all", f"bytes={afar.half}-"]
        assert afar.conditions() == ["", condition]


def test_where_nothing_would_tell_it_is_started_over(tmp_path: Path) -> None:
    afar = Fetches(tmp_path, validators="")
    with afar.index:
        afar.index.spoil(afar.name, Fault(cut=afar.half))
        afar.fetch(afar.link(hashes=(), size=None))
        assert afar.ranges() == ["all", "all"]


def test_a_weak_tag_is_no_validator(afar: Fetches) -> None:
    afar.index.spoil(afar.name, Fault(cut=afar.half, tag="weak"), Fault(tag="weak", always=True))
    afar.fetch(afar.link(hashes=(), size=None))
    assert (afar.ranges(), afar.conditions()) == (["all", "all"], ["", ""])


def test_another_server_of_the_same_file_is_not_asked_by_the_first_ones_tag(afar: Fetches) -> None:
    afar.index.spoil(afar.name, Fault(cut=afar.half))
    with pytest.raises(DownloadFailed):
        afar.fetch(retries=0)
    afar.fetch(afar.link(url=afar.link().url.replace("127.0.0.1", "localhost")))
    assert (afar.ranges()[1], afar.conditions()[1]) == (f"bytes={afar.half}-", "")


# --- called off -------------------------------------------------------------------------------------------------------


def test_a_download_that_is_called_off_keeps_what_has_come_and_lets_go(afar: Fetches) -> None:
    looks = 0

    def cancelled() -> None:
        nonlocal looks
        if os.path.exists(afar.part()) and os.path.getsize(afar.part()) == afar.half:
            looks += 1
            if looks == 3:  # while nothing comes
                raise Off

    held = Fault(held=threading.Event())
    afar.index.spoil(afar.name, held)
    with pytest.raises(Off):
        fetch_wheel(
            afar.store, afar.link(), Route(retries=0), afar.events.append, afar.patience._replace(cancelled=cancelled)
        )
    held.held.set()  # type: ignore[union-attr]
    afar.fetch()
    assert afar.ranges() == ["all", f"bytes={afar.half}-"]


def test_who_waits_waits_on_as_long_as_the_other_makes_headway(afar: Fetches) -> None:
    part = Path(afar.part())
    part.parent.mkdir(parents=True)
    held = hold_download(afar.store, make_key(afar.link().sha256, ""), afar.name, afar.patience)
    looks = 0

    def come() -> None:
        nonlocal looks
        looks += 1
        with part.open("ab") as stream:
            stream.write(b"x")
        if looks == 20:
            held.close()

    patience = afar.patience._replace(timeout=0.02, cancelled=come)
    hold_download(afar.store, make_key(afar.link().sha256, ""), afar.name, patience).close()
    assert looks >= 20


@pytest.mark.parametrize("timeout", [0.0, 0.02])
def test_who_waits_for_nothing_gives_up(afar: Fetches, timeout: float) -> None:
    with hold_download(afar.store, make_key(afar.link().sha256, ""), afar.name, afar.patience):
        afar.patience = afar.patience._replace(timeout=timeout)
        with pytest.raises(LockTimeout, match=r"\.fetch"):
            afar.fetch()


def test_clean_takes_parts_away_but_not_from_whoever_fetches(afar: Fetches) -> None:
    afar.index.spoil(afar.name, Fault(cut=afar.half))
    with pytest.raises(DownloadFailed):
        afar.fetch(retries=0)
    with hold_download(afar.store, make_key(afar.link().sha256, ""), afar.name, afar.patience):
        assert clean(afar.store) == 0
        assert os.path.exists(afar.part())
    assert clean(afar.store) >= afar.half
    assert afar.downloads() == []
