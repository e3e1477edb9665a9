"""What is known of a file system by its line in mountinfo, and how that line is found."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from lugnut import reach
from lugnut.answers import IMPOSSIBLE, OK, UNTRIED, WARNING
from lugnut.system import files, mounts, volume

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it reads mountinfo")

LINE = "36 35 98:0 / /mnt rw,noatime shared:1 master:2 - {kind} {source} {options}\n"
NFS4 = "rw,vers=4.2,rsize=1048576,hard,proto=tcp,sec=sys,clientaddr=10.0.0.2,local_lock=none,addr=10.0.0.1"
NFS3 = "rw,vers=3,rsize=1048576,hard,proto=tcp,mountvers=3,mountproto=udp,local_lock=none,addr=10.0.0.1"

KNOWN = [
    *((kind, "rw", OK) for kind in ("ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "tmpfs", "ramfs")),
    *((kind, "rw", OK) for kind in ("vfat", "exfat", "msdos", "ntfs3", "fuseblk", "hfsplus", "ecryptfs", "squashfs")),
    *((kind, "rw", OK) for kind in ("erofs", "iso9660", "udf", "reiserfs", "jfs", "ubifs", "fuse.gocryptfs")),
    ("overlay", "rw,lowerdir=/l,upperdir=/u,workdir=/w,index=off", OK),
    ("fuse.fuse-overlayfs", "rw", OK),
    ("nfs4", NFS4, UNTRIED),
    ("nfs", NFS3, WARNING),
    ("nfs", NFS3.replace("local_lock=none", "nolock,local_lock=all"), IMPOSSIBLE),
    ("nfs", NFS3.replace("local_lock=none", "local_lock=flock"), IMPOSSIBLE),
    ("nfs", NFS3.replace("local_lock=none", "local_lock=posix"), WARNING),
    ("nfs4", NFS4.replace("local_lock=none", "local_lock=all"), IMPOSSIBLE),
    ("nfs4", NFS4.replace("hard", "soft"), WARNING),
    ("nfs", "rw", UNTRIED),
    ("cifs", "rw,vers=3.1.1,cache=strict,username=u,soft,mapposix", UNTRIED),
    ("cifs", "rw,vers=3.1.1,cache=strict,nobrl", IMPOSSIBLE),
    ("smb3", "rw,vers=3.1.1", UNTRIED),
    ("9p", "rw,sync,dirsync,access=client,trans=virtio", WARNING),
    *((kind, "rw", WARNING) for kind in ("virtiofs", "fuse.osxfs", "osxfs", "fuse.grpcfuse", "grpcfuse", "fakeowner")),
    *((kind, "rw", WARNING) for kind in ("vboxsf", "prl_fs", "vmhgfs", "fuse.vmhgfs-fuse", "drvfs", "fuse.bindfs")),
    *((kind, "rw", UNTRIED) for kind in ("ceph", "fuse.ceph-fuse", "fuse.mfs", "fuse.moosefs", "gpfs", "ocfs2")),
    ("lustre", "rw,flock,lazystatfs", UNTRIED),
    ("lustre", "rw,localflock", IMPOSSIBLE),
    ("lustre", "rw,noflock", IMPOSSIBLE),
    ("gfs2", "rw", UNTRIED),
    ("gfs2", "rw,localflocks", IMPOSSIBLE),
    *((kind, "rw", IMPOSSIBLE) for kind in ("fuse.sshfs", "fuse.s3fs", "fuse.gcsfuse", "fuse.rclone", "fuse.mount-s3")),
    *((kind, "rw", WARNING) for kind in ("beegfs", "afs", "orangefs", "fuse", "fuse.whatever", "whateverfs")),
    ("fuse.juicefs", "rw", UNTRIED),
    ("fuse.moosefs", "rw,mfsattrcacheto=1.000,mfsentrycacheto=0.000,mfsdirentrycacheto=1.000", UNTRIED),
    *(("fuse.moosefs", f"rw,{name}=5.000", IMPOSSIBLE) for name in reach._REMEMBERED),
    ("fuse.moosefs", "rw,mfsattrcacheto=", UNTRIED),
    ("fuse.moosefs", "rw,mfsnobsdlocks=1", IMPOSSIBLE),
    ("fuse.glusterfs", "rw,user_id=0,max_read=131072", IMPOSSIBLE),
    ("fuse.glusterfs", "rw,graph=client-0:dht:md-cache:open-behind", IMPOSSIBLE),
    ("fuse.glusterfs", "rw,graph=client-0:dht:quick-read", IMPOSSIBLE),
    ("fuse.glusterfs", "rw,graph=client-0:dht:nl-cache", IMPOSSIBLE),
    ("fuse.glusterfs", "rw,graph=client-0:dht:io-threads", UNTRIED),
]  # fmt: skip


def mount_of(kind: str, options: str = "rw", source: str = "server:/x") -> mounts.Mount:
    from lugnut.system._posix_volume import parse_mountinfo

    return parse_mountinfo(LINE.format(kind=kind, source=source, options=options), "36")


@pytest.mark.parametrize(("kind", "options", "verdict"), KNOWN)
def test_how_far_locks_reach_is_told_by_type_and_options(kind: str, options: str, verdict: str) -> None:
    judged = reach.judge(mount_of(kind, options))
    assert judged.verdict == verdict
    assert judged.text
    assert bool(judged.remedy) == (verdict in {WARNING, IMPOSSIBLE})
    assert ("not tried" in judged.text) == (verdict == UNTRIED)


def test_every_type_of_the_tables_has_been_asked_for() -> None:
    asked = {kind for kind, _, _ in KNOWN}
    alike = {"fuse.ceph", "fuse.lima", "fuse.prl_fsd", "smbfs", "pvfs2", "aufs", "devtmpfs", "rootfs"}
    alike |= {*reach._LOCAL, *reach._OBJECTS}
    assert {*reach._KNOWN, *reach._BY_OPTIONS} - alike <= asked


def test_what_the_system_does_not_tell_is_said_to_be_unknown() -> None:
    judged = reach.judge(mounts.UNKNOWN)
    assert (judged.verdict, judged.text) == (WARNING, "the system does not tell what file system this is")


@pytest.mark.parametrize(
    ("options", "lag"),
    [
        (NFS4, "up to 60 s old"),
        (f"{NFS4},acdirmax=5", "up to 5 s old"),
        (f"{NFS4},noac", "not older than the last look"),
        (f"{NFS4},actimeo=0", "not older than the last look"),
    ],
)
def test_how_old_a_listing_may_be_is_told_by_the_options_of_nfs(options: str, lag: str) -> None:
    assert reach.find_lag(mount_of("nfs4", options)) == lag
    assert reach.find_lag(mount_of("fuse.mfs")) == "some time old"


@pytest.mark.parametrize(("options", "found"), [("rw,volatile", "volatile"), ("rw,nobarrier", "nobarrier"), ("rw", "")])
def test_a_mount_whose_syncs_reach_no_disk_is_known(options: str, found: str) -> None:
    assert reach.find_weakness(mount_of("overlay", options)) == found


# --- the line ---------------------------------------------------------------------------------------------------------


def test_a_line_of_mountinfo_is_taken_apart() -> None:
    from lugnut.system._posix_volume import parse_mountinfo

    text = "21 1 8:1 / / rw - ext4 /dev/sda1 rw\n37 21 0:40 /sub /a\\040b ro,noexec - nfs4 s:/x\\040y rw,vers=4.2\n"
    found = parse_mountinfo(text, "37")
    assert found == mounts.Mount("nfs4", "/a b", "s:/x y", ("ro", "noexec", "rw", "vers=4.2"), "37")
    assert parse_mountinfo(text, "3") == mounts.UNKNOWN  # the directory is none of what this process's root shows
    assert parse_mountinfo("", "37") == mounts.UNKNOWN


def test_a_directorys_own_mount_is_found(tmp_path: Path) -> None:
    with files.open_root(str(tmp_path)) as directory:
        found = volume.find_mount(directory)
        by_path = mounts.find_by_path(str(tmp_path.resolve()))
        assert volume.find_room(directory).size > 0
    assert (found.kind, found.point) == (by_path.kind, by_path.point)
    assert os.path.ismount(found.point)


def test_without_mountinfo_the_longest_mount_point_above_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psutil

    rows = [("/dev/a", "/", "apfs"), ("/dev/b", "/vol", "exfat"), ("/dev/c", "/volume", "hfs"), ("s:/x", "/vol", "nfs")]
    listed = [SimpleNamespace(device=row[0], mountpoint=row[1], fstype=row[2], opts="rw,local") for row in rows]
    monkeypatch.setattr(psutil, "disk_partitions", lambda **_: listed)
    assert mounts.find_by_path("/vol/x").kind == "nfs"  # of two at one place the last one is seen
    assert mounts.find_by_path("/volume").kind == "hfs"
    assert mounts.find_by_path("/volumes").kind == "apfs"
    listed.clear()
    assert mounts.find_by_path(str(tmp_path)) == mounts.UNKNOWN
