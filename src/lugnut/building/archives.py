"""Unpacks source archives: the members of a tar or zip to files below one directory, or a sentence why not.

The rules are those of tarfile's `data` filter, and some more: one top directory; no member and no symlink leads outside
it; no device; bounded sizes; modes are 0644 or 0755. What an archive holds is judged whole before anything is written,
and nothing is written through a symlink, since these come last. Files keep the archive's times, so that what a backend
makes of them does not depend on when they were unpacked (TRAPS 38). Sources: PEP 706, PEP 625.
"""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping

from lugnut.building.recipe import CannotBuild
from lugnut.errors import CannotRead, CannotWrite
from lugnut.system import files
from lugnut.typed import IO, Any, NamedTuple

LARGEST = 16 << 30
"""Bytes that an archive may unpack to."""
MOST = 500_000
"""Members that it may have."""
EARLIEST, LATEST = 315_619_200, 4_354_732_800
"""Times that a wheel can hold in every time zone: zip knows 1980 to 2107, and 1 January 1980 is 1979 further west."""
ENDINGS = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar", ".zip")
HINT = "download it again, or ask whoever made it"
_CHUNK = 1 << 20
_HOPS = 40
_STRAY = (".DS_Store", "pax_global_header")


class Member(NamedTuple):
    """One thing to be unpacked."""

    kind: str
    """file, directory or symlink."""
    executable: bool
    mtime: int
    """Seconds since 1970, within what a wheel can hold."""
    size: int
    target: str
    """Where a symlink leads, as it says."""
    origin: Any
    """What its archive knows it by."""


class Unpacked(NamedTuple):
    """What came of an archive."""

    top: str
    """The name of its one directory."""
    epoch: int
    """The newest time of its files, in seconds since 1970."""


class _Opened(NamedTuple):
    """An archive that is being read."""

    members: Iterator[tuple[str, Member]]
    read: Callable[[Any], IO[bytes]]


def unpack(path: str, directory: str, cancelled: Callable[[], None]) -> Unpacked:
    """Unpack an archive below a directory that stands; CannotBuild where it is no good, CannotRead, CannotWrite."""
    import lzma
    import tarfile
    import zipfile
    import zlib

    damaged = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError)
    try:
        with _open(path) as stream:
            opened = _open_zip(stream) if path.endswith(".zip") else _open_tar(stream)
            members = collect(opened.members)
            top = find_top(members)
            with files.open_root(directory) as root:
                _write(root, members, opened.read, cancelled)
    except (*damaged, RuntimeError, ValueError) as error:  # RuntimeError: an encrypted zip
        raise _spoiled(error) from None
    except OSError as error:
        if error.errno is None:  # gzip's and bz2's way to say that it is none
            raise _spoiled(error) from None
        raise CannotWrite(path=directory, reason=error.strerror or str(error)) from None
    return Unpacked(top, max((member.mtime for member in members.values() if member.kind == "file"), default=EARLIEST))


def _spoiled(error: Exception) -> CannotBuild:
    words = " ".join(str(error).split())[:100]
    return CannotBuild(f"it cannot be unpacked: {words or type(error).__name__}", HINT)


def _open(path: str) -> IO[bytes]:
    if not path.endswith(ENDINGS):
        raise CannotBuild("it is no source archive", f"sources end in {', '.join(ENDINGS)}, or are directories")
    try:
        if os.path.exists(path) and not os.path.isfile(path):  # a FIFO would hang us: TRAPS 36
            raise CannotRead(path=path, reason="it is no regular file")
        return open(path, "rb")
    except OSError as error:
        raise CannotRead(path=path, reason=error.strerror or str(error)) from None


# --- the two kinds ----------------------------------------------------------------------------------------------------


def _open_tar(stream: IO[bytes]) -> _Opened:
    import tarfile

    archive = tarfile.open(fileobj=stream, mode="r:*")  # noqa: SIM115 - its stream is its caller's

    def read(origin: Any) -> IO[bytes]:
        content = archive.extractfile(origin)  # of a hard link: the content of the file it is another name of
        if content is None:
            raise CannotBuild(f"its member {origin.name} leads nowhere", HINT)
        return content

    def walk() -> Iterator[tuple[str, Member]]:
        for one in archive:
            kind = {tarfile.DIRTYPE: "directory", tarfile.SYMTYPE: "symlink", tarfile.LNKTYPE: "file"}.get(one.type)
            if kind is None and not one.isreg():
                raise CannotBuild(f"its member {one.name} is neither a file nor a directory", HINT)
            size = _size_of(archive, one) if one.islnk() else one.size
            member = Member(kind or "file", bool(one.mode & 0o100), _clamp(one.mtime), size, one.linkname, one)
            yield one.name, member
        while archive.fileobj is not None and archive.fileobj.read(_CHUNK):  # to its checksum, which stands at the end
            continue

    return _Opened(walk(), read)


def _size_of(archive: Any, link: Any) -> int:
    """Give the size of the file that a hard link is another name of."""
    try:
        meant = archive.getmember(link.linkname)
    except KeyError:
        meant = None
    if meant is None or not meant.isreg():
        raise CannotBuild(f"its member {link.name} leads nowhere", HINT)
    return int(meant.size)


def _open_zip(stream: IO[bytes]) -> _Opened:
    import calendar
    import zipfile

    archive = zipfile.ZipFile(stream)

    def walk() -> Iterator[tuple[str, Member]]:
        for one in archive.infolist():
            mode = one.external_attr >> 16
            kind = "directory" if one.is_dir() else "symlink" if stat.S_ISLNK(mode) else "file"
            if stat.S_IFMT(mode) not in {0, stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK}:
                raise CannotBuild(f"its member {one.filename} is neither a file nor a directory", HINT)
            target = archive.read(one).decode("utf-8", "surrogateescape") if kind == "symlink" else ""
            mtime = calendar.timegm((*one.date_time, 0, 0, 0))
            yield one.filename, Member(kind, bool(mode & 0o100), _clamp(mtime), one.file_size, target, one)

    return _Opened(walk(), archive.open)


def _clamp(mtime: float) -> int:
    return int(min(max(mtime, EARLIEST), LATEST))


# --- judged -----------------------------------------------------------------------------------------------------------


def collect(members: Iterable[tuple[str, Member]]) -> dict[str, Member]:
    """Give the members by their path, normalised; of two with one name the later counts, as for tar."""
    found: dict[str, Member] = {}
    total = 0
    for count, (name, member) in enumerate(members):
        total += member.size
        if count >= MOST or total > LARGEST:
            raise CannotBuild(f"it unpacks to more than {MOST} members or {LARGEST >> 30} GB", HINT)
        path = "/".join(_split(name))
        if path:
            found[path] = member
    for path in found:
        _judge(path, found)
    return found


def _split(name: str) -> list[str]:
    parts = [part for part in name.split("/") if part not in {"", "."}]
    if name.startswith("/") or ".." in parts or "\0" in name:
        raise CannotBuild(f"its member {name!a} would leave it", HINT)
    return parts


def _judge(path: str, members: Mapping[str, Member]) -> None:
    """Refuse what stands below something that is no directory, and a symlink that leads outside."""
    above = path.rpartition("/")[0]
    while above:
        if above in members and members[above].kind != "directory":
            raise CannotBuild(f"its member {path} lies below {above}, which is no directory", HINT)
        above = above.rpartition("/")[0]
    if members[path].kind == "symlink" and not leads_inside(path, members):
        raise CannotBuild(f"its symlink {path} leads outside it, to {members[path].target}", HINT)


def leads_inside(path: str, members: Mapping[str, Member]) -> bool:
    """Follow a symlink as the system will, through others, and say whether it stays below the archive's top."""
    at: list[str] = []
    ahead = path.split("/")
    top, hops = ahead[0], 0
    while ahead:
        part, *ahead = ahead
        if part == "..":
            at = at[:-1]
        elif part not in {"", "."}:
            at = [*at, part]
        member = members.get("/".join(at))
        if member is not None and member.kind == "symlink":
            hops += 1
            target = member.target
            if hops > _HOPS or target.startswith(("/", "\\")) or target[1:2] == ":" or "\0" in target:
                return False
            at, ahead = at[:-1], [*target.split("/"), *ahead]
        if at[:1] != [top]:
            return False
    return True


def find_top(members: Mapping[str, Member]) -> str:
    """Give the name of an archive's one directory, passing over what a Mac or git strews beside it."""
    tops: dict[str, bool] = {}
    for path, member in members.items():
        top, below, _ = path.partition("/")
        tops[top] = tops.get(top, False) or bool(below) or member.kind == "directory"
    wanted = sorted(name for name in tops if tops[name] or not name.startswith(("._", *_STRAY)))
    if len(wanted) != 1 or not tops[wanted[0]]:
        names = ", ".join(wanted[:3]) or "nothing"
        raise CannotBuild(f"it holds {names} at its top where one directory is expected", HINT)
    return wanted[0]


# --- written ----------------------------------------------------------------------------------------------------------


def _write(
    root: files.Directory,
    members: Mapping[str, Member],
    read: Callable[[Any], IO[bytes]],
    cancelled: Callable[[], None],
) -> None:
    """Write all members, directory by directory, symlinks at the end."""
    for path, member in sorted(members.items()):
        if member.kind == "directory":
            _enter(root, path).close()
    for kind in ("file", "symlink"):
        chosen = sorted((path.rpartition("/")[::2], member) for path, member in members.items() if member.kind == kind)
        for above, group in itertools.groupby(chosen, key=lambda one: one[0][0]):
            cancelled()
            with _enter(root, above) as directory:
                for (_, name), member in group:
                    if kind == "symlink":
                        files.symlink(directory, name, member.target)
                    else:
                        _write_file(directory, name, member, read)


def _write_file(directory: files.Directory, name: str, member: Member, read: Callable[[Any], IO[bytes]]) -> None:
    with read(member.origin) as content:
        pieces = iter(lambda: content.read(_CHUNK), b"")
        mode = 0o755 if member.executable else 0o644
        files.write_pieces(directory, name, pieces, mode=mode, mtime=member.mtime)


def _enter(root: files.Directory, path: str) -> files.Directory:
    """Open a directory below the root, made where it is missing; through no symlink, since there is none yet."""
    opened = root
    for name in path.split("/") if path else ["."]:
        inner = files.open_root(root.path) if name == "." else files.enter(opened, name, create=True)
        if opened is not root:
            opened.close()
        opened = inner
    return opened
