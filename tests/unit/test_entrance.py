"""Where the mount says that hosts are not kept apart nothing is changed; elsewhere nobody asks (G6)."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

import lugnut
from lugnut.errors import HostsNotApart
from lugnut.system import files, mounts, probing
from lugnut.transaction.entrance import see_ground
from places import Place, place
from stepcases import install, uninstall
from stepper import CHECK, differ

__all__ = ["place"]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the system tells of no such mount")

REDIS = "redis://127.0.0.1:1/0"
NOLOCK = mounts.Mount("nfs", "/", "s:/x", ("rw", "vers=3", "nolock", "local_lock=all"))
LOCAL_FLOCK = NOLOCK._replace(kind="nfs4", options=("rw", "vers=4.2", "local_lock=flock"))
CACHED_LONG = mounts.Mount("fuse.moosefs", "/", "mfs#s", ("rw", "mfsattrcacheto=5.000"))
CACHED = mounts.Mount("fuse.glusterfs", "/", "s:v", ("rw", "graph=client-0:dht:md-cache"))
FINE = [
    CACHED._replace(options=("rw", "graph=client-0:dht")),
    NOLOCK._replace(kind="nfs4", options=("rw", "vers=4.2", "local_lock=none")),
    mounts.Mount("fuse.sshfs", "/", "s:/x", ("rw",)),
    mounts.UNKNOWN,
]


def lie_on(mount: mounts.Mount, patch: pytest.MonkeyPatch) -> None:
    """Have every directory lie in this mount."""
    patch.setattr(files, "lists_late", lambda _: True)
    patch.setattr(probing, "find_mount", lambda _: mount)


@pytest.mark.parametrize("mount", [NOLOCK, LOCAL_FLOCK, CACHED, CACHED_LONG])
def test_where_hosts_are_not_kept_apart_nothing_is_changed(
    place: Place, monkeypatch: pytest.MonkeyPatch, mount: mounts.Mount
) -> None:
    wheel = place.wheel("pkg", "1", {"pkg.py": ""})
    lie_on(mount, monkeypatch)
    with pytest.raises(HostsNotApart, match=f"{place.site} lies on {mount.kind}: ") as caught:
        place.act(install(wheel))
    assert caught.value.exit_code == 3
    assert caught.value.hint
    assert os.listdir(place.site) == []


def test_nor_is_what_is_there_removed_recovered_or_forgotten(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.act(install(place.wheel("pkg", "1", {"pkg.py": ""})))
    os.mkdir(os.path.join(place.site, ".lugnut", "transactions"))  # as if there was something to be recovered
    before = place.snapshot()
    lie_on(NOLOCK, monkeypatch)
    with pytest.raises(HostsNotApart):
        place.act(uninstall("pkg"))
    with pytest.raises(HostsNotApart):
        lugnut.recover(python=place.env)
    with pytest.raises(HostsNotApart):
        lugnut.recover(python=place.env, forget=True)
    assert place.act(CHECK).findings == ()  # who only reads is told, and reads
    assert differ(before, place.snapshot()) == []


def test_a_server_keeps_hosts_apart_whose_locks_are_their_own_but_gives_no_client_fresh_names(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    lie_on(NOLOCK, monkeypatch)
    see_ground(place.environment, REDIS)
    with pytest.raises(HostsNotApart):
        see_ground(place.environment, "flock")
    lie_on(CACHED, monkeypatch)
    with pytest.raises(HostsNotApart):
        see_ground(place.environment, REDIS)


@pytest.mark.parametrize("mount", FINE)
def test_what_no_mount_speaks_against_is_changed(
    place: Place, monkeypatch: pytest.MonkeyPatch, mount: mounts.Mount
) -> None:
    lie_on(mount, monkeypatch)
    place.act(install(place.wheel("pkg", "1", {"pkg.py": ""})))
    assert place.act(CHECK).findings == ()


def test_what_only_this_machine_changes_is_asked_no_further(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "find_mount", None)
    missing = place.environment._replace(schemes={**place.environment.schemes, "purelib": f"{place.site}/no/such"})
    for environment in (place.environment, missing):
        see_ground(environment, "")


def test_what_a_client_of_glusterfs_is_made_of_is_told_at_its_mount_point(tmp_path: Path) -> None:
    from lugnut.system import _posix_volume

    for part in ("shared", "shared-client-0", "shared-md-cache", "meta-autoload"):
        (tmp_path / ".meta/graphs/active" / part).mkdir(parents=True)
    line = "36 35 0:56 / {point} rw,relatime - {kind} 10.77.0.1:/shared rw,user_id=0\n"
    asked = _posix_volume.parse_mountinfo(line.format(point=tmp_path, kind="fuse.glusterfs"), "36")
    assert _posix_volume.ask_client(asked).options[-1] == "graph=client-0:md-cache:meta-autoload:shared"
    part = asked._replace(source=f"{asked.source}/below")
    assert _posix_volume.ask_client(part).options == _posix_volume.ask_client(asked).options
    elsewhere = asked._replace(point=f"{tmp_path}/none")
    assert _posix_volume.ask_client(elsewhere) == elsewhere
    other = asked._replace(kind="fuse.other")
    assert _posix_volume.ask_client(other) == other


def test_how_long_a_client_of_moosefs_remembers_is_told_at_its_mount_point(tmp_path: Path) -> None:
    from lugnut.system import _posix_volume

    said = "mfsmaster: 10.77.0.1\nmfsnobsdlocks: (not defined)\nmfsattrcacheto: 5.000\nworking_keep_cache_mode: AUTO\n"
    (tmp_path / ".params").write_text(said, encoding="utf-8")
    line = f"36 35 0:56 / {tmp_path} rw,relatime - fuse {{source}} rw,user_id=0\n"
    asked = _posix_volume.parse_mountinfo(line.format(source="mfs\\04310.77.0.1:9421"), "36")
    told = _posix_volume.ask_client(asked)
    assert (told.kind, told.options[-2:]) == ("fuse.moosefs", ("user_id=0", "mfsattrcacheto=5.000"))
    elsewhere = _posix_volume.ask_client(asked._replace(point=f"{tmp_path}/none"))
    assert (elsewhere.kind, elsewhere.options) == ("fuse.moosefs", asked.options)
    other = asked._replace(source="other#s")
    assert _posix_volume.ask_client(other) == other
