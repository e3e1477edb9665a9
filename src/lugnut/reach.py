"""Pure: what is known of a file system by its type and mount options, where no trial on one machine can show it.

How far a lock reaches is the question: two processes here exclude each other on NFS with `nolock` as they do without
(TRAPS 4), and only another machine would notice. So what is said here is a judgement, and it says so. The doctor tells
it; a run that would change an environment is refused where a mount says that its hosts are not kept apart (G6).
"""

from __future__ import annotations

from collections.abc import Callable

from lugnut.answers import IMPOSSIBLE, OK, UNTRIED, WARNING
from lugnut.system import probing
from lugnut.typed import NamedTuple

UNSERVED, ALWAYS = "unserved", "always"
"""When a run is refused: unless a server locks the environment for all hosts, or whatever locks it."""


class Judged(NamedTuple):
    """How far locks reach: a verdict of `answers`, why, and what can be done about it."""

    verdict: str
    text: str
    remedy: str = ""
    refused: str = ""
    """UNSERVED, ALWAYS, or empty: what may be used well from one machine is not refused, since no option tells."""


_HERE = Judged(OK, "locks reach every process of this machine, containers too")
_MEMORY = Judged(OK, f"{_HERE.text}; it is gone when the machine stops")
_LAYERED = Judged(OK, "locks reach all who use this very mount; another overlay on the same layers shares none")
_KEPT = "; not tried: that takes a second machine"
_FENCED = ", and a run that was cut off finds its lock's generation changed"
_GUEST = "use it from one machine alone: from this one, or from the one whose directory it is"
_MOVE = "use a file system whose locks all machines share, or a disk of this machine"

_LOCAL = (
    "ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "jfs", "reiserfs", "bcachefs", "nilfs2", "ubifs", "jffs2",
    "ufs", "ffs", "hfs", "hfsplus", "hfs+", "apfs", "ntfs", "ntfs3", "refs", "exfat", "vfat", "msdos", "fat", "fat32",
    "fuseblk", "ecryptfs", "fuse.encfs", "fuse.gocryptfs", "udf", "iso9660", "squashfs", "erofs", "cramfs",
)  # fmt: skip
_SHARED_BY_HOST = {
    "virtiofs": "virtiofs",
    "fuse.osxfs": "Docker Desktop",
    "osxfs": "Docker Desktop",
    "fuse.grpcfuse": "Docker Desktop",
    "grpcfuse": "Docker Desktop",
    "fakeowner": "Docker Desktop",
    "vboxsf": "VirtualBox",
    "prl_fs": "Parallels",
    "fuse.prl_fsd": "Parallels",
    "vmhgfs": "VMware",
    "fuse.vmhgfs-fuse": "VMware",
    "drvfs": "WSL",
    "9p": "9p",
    "fuse.lima": "Lima",
}
"""A host's directory in a guest: locks are mostly the guest's own, and no option tells."""
_KEPT_BY_SERVER = {
    "ceph": "the metadata server keeps locks",
    "fuse.ceph": "the metadata server keeps locks",
    "fuse.ceph-fuse": "the metadata server keeps locks",
    "gpfs": "the cluster keeps locks",
    "ocfs2": "the cluster keeps locks",
    "fuse.juicefs": "the metadata engine keeps locks",
    "smbfs": "the server keeps locks",
}
_CACHES = {
    "md-cache": "performance.stat-prefetch",
    "quick-read": "performance.quick-read",
    "nl-cache": "performance.nl-cache",
}
"""Parts of a GlusterFS client that answer out of what it has read before, and the options that switch them off."""
_REMEMBERED = {"mfsattrcacheto": 1.0, "mfsentrycacheto": 0.0, "mfsdirentrycacheto": 1.0, "mfsnegentrycacheto": 0.0}
"""Seconds for which a MooseFS client remembers attributes and names unless said: with five of each it went wrong."""
_OBJECTS = (
    "fuse.s3fs", "fuse.gcsfuse", "fuse.goofys", "fuse.rclone", "fuse.mount-s3", "fuse.blobfuse2", "fuse.davfs", "davfs",
    "webdav",
)  # fmt: skip
_NOT_TOLD = {
    "beegfs": "locks reach other machines only with tuneUseGlobalFileLocks, which the mount does not tell",
    "afs": "the server keeps locks of whole files, and no link leads from one directory to another",
    "fuse.bindfs": "locks taken through it are not seen at the directory that it shows",
    "pvfs2": "locks stay on this machine, if there are any",
    "orangefs": "locks stay on this machine, if there are any",
}


def find_bar(mount: probing.Mount, *, served: bool) -> Judged | None:
    """Say why nothing may be changed in a mount; None where something may.

    `served`: a server locks the environment for all of its hosts, so that flock has to reach one of them alone.
    """
    judged = judge(mount)
    return judged if judged.refused == ALWAYS or (judged.refused == UNSERVED and not served) else None


def judge(mount: probing.Mount) -> Judged:
    """Judge how far locks reach, by a mount's type and options."""
    kind = mount.kind.lower()
    by_options = _BY_OPTIONS.get(kind)
    if by_options is not None:
        return by_options(_read_options(mount))
    return _KNOWN.get(kind) or _judge_unknown(kind)


def _judge_shared(program: str) -> Judged:
    text = f"locks may stay within this machine, though its host has the same files ({program})"
    return Judged(WARNING, text, _GUEST)


_KNOWN = {
    **dict.fromkeys(_LOCAL, _HERE),
    **dict.fromkeys(("tmpfs", "ramfs", "devtmpfs", "rootfs"), _MEMORY),
    **dict.fromkeys(("overlay", "aufs", "fuse.fuse-overlayfs"), _LAYERED),
    **dict.fromkeys(_OBJECTS, Judged(IMPOSSIBLE, "locks stay on this machine, and a rename is not one step", _MOVE)),
    **{kind: _judge_shared(program) for kind, program in _SHARED_BY_HOST.items()},
    **{kind: Judged(UNTRIED, f"{text}{_KEPT}") for kind, text in _KEPT_BY_SERVER.items()},
    **{kind: Judged(WARNING, text, _GUEST) for kind, text in _NOT_TOLD.items()},
    "fuse.sshfs": Judged(
        IMPOSSIBLE, "locks stay on this machine, so that a run where the files are would not be kept out", _MOVE
    ),
}


def _judge_unknown(kind: str) -> Judged:
    if not kind:
        return Judged(WARNING, "the system does not tell what file system this is", "see that it keeps locks")
    if kind.startswith(("fuse", "osxfuse", "macfuse")):
        text = (
            f"of {kind} it is not known whether locks reach another machine; many FUSE servers leave them to this one"
        )
        return Judged(WARNING, text, _GUEST)
    return Judged(WARNING, f"of {kind} it is not known how far locks reach", _GUEST)


def _read_options(mount: probing.Mount) -> dict[str, str]:
    options = {}
    for option in mount.options:
        name, _, value = option.partition("=")
        options[name] = value
    return options | {"kind": mount.kind.lower()}


def _refuse_local(why: str, remedy: str) -> Judged:
    """Judge a mount whose option says that locks are this machine's own."""
    text = f"locks stay on this machine ({why}), so that runs on two machines would not keep each other out"
    return Judged(IMPOSSIBLE, text, f"{remedy}; or have its hosts use --lock-backend redis://…", UNSERVED)


def _judge_nfs(options: dict[str, str]) -> Judged:
    """NFS 4 has locks of its own; before it a service beside the server has them, unless the mount does without."""
    local = options.get("local_lock", "none")
    if "nolock" in options or local in {"flock", "all"}:
        why = "nolock" if "nolock" in options else f"local_lock={local}"
        return _refuse_local(why, f"mount it without {why}, or with vers=4.2,local_lock=none")
    version = options.get("vers") or options.get("nfsvers") or ("4" if options["kind"] == "nfs4" else "")
    if "soft" in options or "softerr" in options:
        text = "the mount is soft: what the server is slow to answer fails, and the run with it"
        return Judged(WARNING, text, "mount it with hard")
    if version.startswith("4"):
        return Judged(UNTRIED, f"the server keeps locks (NFS {version}), but for processes on the server itself{_KEPT}")
    if version:
        text = f"a service beside the server keeps locks (NFS {version}), a machine's that died until that is back"
        return Judged(WARNING, text, "mount it with vers=4.2, which gives them back after a while")
    return Judged(UNTRIED, f"the server keeps locks, unless this mount does without, which is not told here{_KEPT}")


def _judge_cifs(options: dict[str, str]) -> Judged:
    if "nobrl" in options or "nolock" in options:
        why = "nobrl" if "nobrl" in options else "nolock"
        return _refuse_local(why, f"mount it without {why}")
    return Judged(UNTRIED, f"the server keeps locks{_KEPT}")


def _judge_lustre(options: dict[str, str]) -> Judged:
    if "noflock" in options:
        return Judged(IMPOSSIBLE, "there are no locks (noflock)", "mount it with flock")
    if "localflock" in options:
        return _refuse_local("localflock", "mount it with flock")
    return Judged(UNTRIED, f"the servers keep locks{_KEPT}")


def _judge_gfs2(options: dict[str, str]) -> Judged:
    if "localflocks" in options:
        return _refuse_local("localflocks", "mount it without localflocks")
    return Judged(UNTRIED, f"the cluster keeps locks{_KEPT}")


def _judge_gluster(options: dict[str, str]) -> Judged:
    """GlusterFS: clients keep what they know of names for a second, whatever is asked anew and under whatever lock."""
    graph = options.get("graph", "")
    caches = sorted(set(graph.split(":")) & _CACHES.keys()) or ([] if graph else list(_CACHES))
    if not caches:
        return Judged(UNTRIED, f"the bricks keep locks{_FENCED}{_KEPT}")
    text = (
        f"a client may take for there what another one has removed or changed ({', '.join(caches)}), whatever it locks"
    )
    switched = ", ".join(f"{_CACHES[name]} off" for name in caches)
    remedy = f"set {switched} for its volume, or give each host an environment of its own on a local disk"
    return Judged(IMPOSSIBLE, text, remedy, ALWAYS)


def _judge_moose(options: dict[str, str]) -> Judged:
    """MooseFS: a client may be told to remember names and attributes for longer than it does by itself."""
    if "mfsnobsdlocks" in options:
        return _refuse_local("mfsnobsdlocks", "mount it without mfsnobsdlocks")
    raised = [f"{name}={options[name]}" for name, most in _REMEMBERED.items() if _is_more(options.get(name), most)]
    if raised:
        text = f"a client may take for there what another one has removed or changed ({', '.join(raised)})"
        return Judged(IMPOSSIBLE, text, f"mount it without {', '.join(raised)}", ALWAYS)
    return Judged(UNTRIED, f"the master keeps locks (unless mfsnobsdlocks){_FENCED}{_KEPT}")


def _is_more(value: str | None, most: float) -> bool:
    try:
        return value is not None and float(value) > most
    except ValueError:
        return False


_BY_OPTIONS: dict[str, Callable[[dict[str, str]], Judged]] = {
    "nfs": _judge_nfs,
    "nfs4": _judge_nfs,
    "cifs": _judge_cifs,
    "smb3": _judge_cifs,
    "lustre": _judge_lustre,
    "gfs2": _judge_gfs2,
    "fuse.glusterfs": _judge_gluster,
    "fuse.mfs": _judge_moose,
    "fuse.moosefs": _judge_moose,
}


def find_lag(mount: probing.Mount) -> str:
    """Say how old a listing may be on a network file system, by its options; DESIGN 5 has a minute."""
    options = _read_options(mount)
    if options["kind"] in {"nfs", "nfs4"}:
        if "noac" in options or options.get("actimeo") == "0":
            return "not older than the last look"
        return f"up to {options.get('actimeo') or options.get('acdirmax') or '60'} s old"
    return "some time old"


def find_weakness(mount: probing.Mount) -> str:
    """Give the mount option under which no sync reaches the disk, so that --durable promises nothing; or nothing."""
    weak = {"volatile", "nobarrier", "barrier=0", "fsync=volatile"}
    return next((option for option in mount.options if option in weak), "")
