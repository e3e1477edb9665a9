"""Every defect of a wheel as a recipe: `bad` writes a wheel with it, `good` a wheel that is right but for nothing else.

A recipe is a function of `bad`; it gives the archive's bytes, or those and a file name.
"""

import struct
import zlib
from collections.abc import Callable

from hostile import rawzip
from wheels import Member, digest, format_metadata, format_rows, format_wheel, make_member, wheel_members, with_record

FILENAME = "x-1.0-py3-none-any.whl"
INFO = "x-1.0.dist-info"
Recipe = Callable[[bool], "bytes | tuple[bytes, str]"]

RECIPES: list[tuple[str, str, Recipe]] = []
"""Name, a word of the problem to be told, recipe."""


def recipe(words: str) -> Callable[[Recipe], Recipe]:
    def add(function: Recipe) -> Recipe:
        RECIPES.append((function.__name__, words, function))
        return function

    return add


def members(files=None, **more) -> list[Member]:
    return wheel_members("x", "1.0", files or {"x.py": "X = 1\n"}, **more)


def wheel(files=None, **more) -> bytes:
    return rawzip.write(rawzip.from_members(members(files, **more)))


def tweaked(name: str, files=None, **fields) -> bytes:
    return rawzip.write(rawzip.from_members(members(files), **{name: fields}))


def without(name: str) -> bytes:
    kept = [member for member in members() if not member.name.endswith((f"/{name}", "/RECORD"))]
    return rawzip.write(rawzip.from_members(with_record(kept, f"{INFO}/RECORD")))


def replacing(name: str, data: str) -> bytes:
    """A dist-info file with other content, and RECORD right about it."""
    kept = [member for member in members() if not member.name.endswith((f"/{name}", "/RECORD"))]
    return rawzip.write(
        rawzip.from_members(with_record([*kept, make_member(f"{INFO}/{name}", data)], f"{INFO}/RECORD"))
    )


def recording(change: Callable[[list[tuple[str, str, str]]], object]) -> bytes:
    """A wheel whose RECORD rows were changed."""
    kept = members()[:-1]
    rows = [(member.name, f"sha256={digest(member.data)}", str(len(member.data))) for member in kept]
    rows.append((f"{INFO}/RECORD", "", ""))
    change(rows)
    return rawzip.write(rawzip.from_members([*kept, make_member(f"{INFO}/RECORD", format_rows(rows))]))


def named(good: str, spoiled: str) -> Recipe:
    return lambda bad: wheel({"x.py": "", spoiled if bad else good: "content"})


# --- one archive, plainly (TRAPS 32) ----------------------------------------------------------------------------------


@recipe("more than one archive")
def prepended_bytes(bad):
    return (b"#!/bin/sh\n" if bad else b"") + wheel()


@recipe("precede")
def prepended_bytes_that_offsets_know_of(bad):
    return tweaked("x_py", before=b"#!/bin/sh\n" if bad else b"")


@recipe("follow")
def trailing_bytes(bad):
    return wheel() + (b"\n" if bad else b"")


@recipe("more than one archive")
def two_archives(bad):
    return (wheel({"x.py": "Y = 2\n"}) if bad else b"") + wheel()


@recipe("belong to no member")
def gap_between_members(bad):
    return tweaked("METADATA", before=b"PK\3\4 hidden from most readers" if bad else b"")


@recipe("belong to no member")
def gap_before_the_central_directory(bad):
    return rawzip.write(rawzip.from_members(members()), between=bytes(4) if bad else b"")


@recipe("more than one archive")
def end_record_in_the_comment(bad):
    inner = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 0, 0, 0, 0, 0)
    return rawzip.write(rawzip.from_members(members()), end={"comment": inner if bad else b"a comment"})


@recipe("are missing")
def comment_shorter_than_stated(bad):
    return rawzip.write(rawzip.from_members(members()), end={"stated": 9 if bad else 0})


@recipe("more than the end record counts")
def count_too_small(bad):
    return rawzip.write(rawzip.from_members(members()), end={"here": 3, "count": 3} if bad else {})


@recipe("cut short")
def count_too_large(bad):
    return rawzip.write(rawzip.from_members(members()), end={"here": 5, "count": 5} if bad else {})


@recipe("several parts")
def several_disks(bad):
    return rawzip.write(rawzip.from_members(members()), end={"disk": int(bad)})


@recipe("several parts")
def member_on_another_disk(bad):
    return tweaked("x_py", central={"disk": int(bad)})


@recipe("does not lead to")
def zip64_locator_astray(bad):
    return rawzip.write(rawzip.from_members(members()), wide=True, end={"locator": 3} if bad else {})


@recipe("contradict each other")
def zip64_end_record_contradicts(bad):
    return rawzip.write(rawzip.from_members(members()), wide=True, end={"offset": 17} if bad else {})


@recipe("overlaps")
def one_local_header_for_two_members(bad):
    raws = rawzip.from_members(members({"x.py": "same", "y.py": "same"}))
    if bad:
        raws[1] = raws[1]._replace(central={"offset": 0})
    return rawzip.write(raws)


@recipe("not what stands in its place")
def local_name_differs(bad):
    return tweaked("x_py", local={"name": b"y.py"} if bad else {})


@recipe("contradicts")
def local_size_differs(bad):
    return tweaked("x_py", local={"size": 7} if bad else {})


@recipe("contradicts")
def local_method_differs(bad):
    return tweaked("x_py", local={"method": 0} if bad else {})


@recipe("contradicts")
def local_checksum_differs(bad):
    return tweaked("x_py", local={"crc": 7} if bad else {})


@recipe("follow 'x.py'")
def descriptor_that_lies(bad):
    data = tweaked("x_py", descriptor="I")
    place = data.index(b"PK\7\x08") + 4
    return data[:place] + bytes(4) + data[place + 4 :] if bad else data


@recipe("follow 'x.py'")
def descriptor_nobody_announced(bad):
    return tweaked("METADATA", before=struct.pack("<III", zlib.crc32(b"X = 1\n"), 8, 6) if bad else b"")


@recipe("damaged")
def extra_field_runs_over(bad):
    return tweaked("x_py", central={"extra": struct.pack("<HH", 7, 90 if bad else 0)})


@recipe("second name")
def second_name_in_an_extra_field(bad):
    inner = bytes(5) + (b"y.py" if bad else b"x.py")
    return tweaked("x_py", central={"extra": struct.pack("<HH", 0x7075, len(inner)) + inner})


@recipe("states")
def larger_than_stated(bad):
    size = {"size": 3} if bad else {}
    return tweaked("x_py", local=size, central=size)


@recipe("states")
def smaller_than_stated(bad):
    size = {"size": 9} if bad else {}
    return tweaked("x_py", local=size, central=size)


def _without_size(size: int, *, bad: bool) -> bytes:
    """A wheel whose RECORD says no size, and whose archive says the wrong one."""
    kept = members()[:-1]
    rows = [(member.name, f"sha256={digest(member.data)}", "") for member in kept]
    raws = rawzip.from_members([*kept, make_member(f"{INFO}/RECORD", format_rows(rows))])
    said = {"size": size} if bad else {}
    raws[0] = raws[0]._replace(local=said, central=said)
    return rawzip.write(raws)


@recipe("states")
def larger_than_stated_and_unrecorded(bad):
    return _without_size(3, bad=bad)


@recipe("states")
def smaller_than_stated_and_unrecorded(bad):
    return _without_size(9, bad=bad)


@recipe("two sizes")
def stored_with_two_sizes(bad):
    size = {"size": 9} if bad else {}
    return tweaked("x_py", method=0, local=size, central=size)


@recipe("cannot inflate to")
def size_beyond_deflate(bad):
    size = {"size": 1 << 30} if bad else {}
    return tweaked("x_py", local=size, central=size)


@recipe("states")
def bytes_after_the_deflated_data(bad):
    return tweaked("x_py", packed=_deflate(b"X = 1\n") + (b"rest" if bad else b""))


@recipe("states")
def deflated_data_without_an_end(bad):
    return tweaked("x_py", packed=_deflate(b"X = 1\n", end=not bad))


@recipe("cannot be inflated")
def deflated_data_damaged(bad):
    return tweaked("x_py", packed=b"\xff" * 9 if bad else None)


def _deflate(data: bytes, *, end: bool = True) -> bytes:
    deflater = zlib.compressobj(wbits=-15)
    return deflater.compress(data) + deflater.flush(zlib.Z_FINISH if end else zlib.Z_SYNC_FLUSH)


@recipe("out of all proportion")
def far_too_large_in_all(bad):
    if not bad:
        return wheel()
    zeros = zlib.compressobj(wbits=-15)
    packed = zeros.compress(bytes(1 << 20)) + zeros.flush()
    many = [rawzip.Raw(f"z{number}".encode(), b"", packed=packed) for number in range(1100)]
    size = {"size": 1 << 20}
    return rawzip.write([raw._replace(local=size, central=size) for raw in many])


@recipe("checksum")
def checksum_of_record_wrong(bad):
    crc = {"crc": 7} if bad else {}
    return tweaked("RECORD", local=crc, central=crc)


@recipe("method 12")
def unusual_method(bad):
    return tweaked("x_py", method=12 if bad else 8, packed=None)


@recipe("encrypted")
def encrypted(bad):
    return tweaked("x_py", flags=int(bad))


@recipe("not UTF-8")
def name_in_another_encoding(bad):
    name = "ä.py"
    raws = rawzip.from_members(members({"x.py": "", name: ""}))
    if bad:
        raws[1] = raws[1]._replace(name=name.encode("latin-1"), flags=0)
    return rawzip.write(raws)


@recipe("not UTF-8")
def name_not_marked_as_utf8(bad):
    raws = rawzip.from_members(members({"x.py": "", "ä.py": ""}))
    return rawzip.write([raw._replace(flags=0) if bad else raw for raw in raws])


# --- what a member may be ---------------------------------------------------------------------------------------------


def _mode(good: int, spoiled: int) -> Recipe:
    return lambda bad: tweaked("x_py", mode=spoiled if bad else good)


for _name, _good, _spoiled, _words in [
    ("symlink", 0o100777, 0o120777, "symbolic link"),
    ("named_pipe", 0o100644, 0o010644, "named pipe"),
    ("character_device", 0, 0o020644, "character device"),
    ("block_device", 0o644, 0o060644, "block device"),
    ("socket", 0o100755, 0o140755, "socket"),
    ("setuid", 0o100755, 0o104755, "setuid"),
    ("setgid", 0o101755, 0o102755, "setuid"),
    ("directory_by_mode_only", 0o100600, 0o040755, "marked as something else"),
]:
    RECIPES.append((_name, _words, _mode(_good, _spoiled)))


@recipe("marked as something else")
def directory_by_attribute_only(bad):
    return tweaked("x_py", attributes=0x10 if bad else 0x20)


@recipe("directory with content")
def directory_with_content(bad):
    raws = rawzip.from_members(members())
    return rawzip.write([rawzip.Raw(b"d/", b"content" if bad else b"", 0o040755, 0), *raws])


for _name, _good, _spoiled, _words in [
    ("parent", "a..b/..c", "../evil.py", "leads outside"),
    ("parent_within", "a/b/c.py", "a/../../evil.py", "leads outside"),
    ("parent_that_stays_within", "a/c.py", "a/b/../c.py", "leads outside"),
    ("absolute", "etc/evil", "/etc/evil", "absolute"),
    ("drive", "c/evil", "C:/evil", "absolute"),
    ("drive_relative", "c.evil", "c:evil", "absolute"),
    ("backslash", "a/b", "a\\b", "backslash"),
    ("backslash_parent", "a/...x/b", "..\\b", "backslash"),
    ("nul", "a.py", "a.py\0.txt", "control"),
    ("newline", "a b.py", "a\nb.py", "control"),
    ("escape_sequence", "a[31m", "a\x1b[31m", "control"),
    ("empty_component", "a/b", "a//b", "empty"),
    ("dot_component", "a/.b", "a/./b", "empty or '.'"),
    ("component_too_long", "n" * 255, "n" * 256, "255 bytes"),
    ("component_too_long_in_bytes", "ä" * 127, "ä" * 128, "255 bytes"),
    ("trailing_dot", "a/.b.c", "a./b", "dot or a space"),
    ("trailing_space", "a b/ c", "a/b ", "dot or a space"),
    ("private_directory_by_trailing_dot", "lugnut/x", ".lugnut./x", "dot or a space"),
    ("too_deep", "d/" * 99 + "f", "d/" * 100 + "f", "too deep"),
    ("too_long", "/".join(["n" * 255] * 4), "/".join(["n" * 255] * 12), "too long"),
    ("case_twin", "Y.py", "X.PY", "differ in case"),
    ("directory_twin", "pkg/x.py", "x.py/inner.py", "both a file and a directory"),
    ("directory_case_twin", "pkg/x.py", "X.Py/inner.py", "both a file and a directory"),
    ("private_directory", "a/.lugnut/x", ".lugnut/locks/x.lock", "lugnut's own records"),
    ("private_directory_by_case", ".lugnuts/x", ".LugNut/x", "lugnut's own records"),
    (
        "private_through_data",
        "x-1.0.data/purelib/a/.lugnut",
        "x-1.0.data/purelib/.lugnut/format",
        "lugnut's own records",
    ),
    ("private_through_target", "x-1.0.data/data/a/.lugnut/f", "x-1.0.data/data/.lugnut/format", "lugnut's own records"),
    ("foreign_records", "a/y-1.dist-info/RECORD", "y-1.dist-info/RECORD", "several dist-info"),
    ("foreign_records_by_case", "y-1.dist-infos/RECORD", "y-1.DIST-INFO/RECORD", "several dist-info"),
    ("foreign_records_as_a_file", "y-1.dist", "y-1.dist-info", "records of an installed"),
    (
        "foreign_records_through_data",
        "x-1.0.data/platlib/y-1.dist",
        "x-1.0.data/platlib/y-1.dist-info/RECORD",
        "records of an installed",
    ),
    (
        "own_records_through_data",
        "x-1.0.data/purelib/x.dist",
        f"x-1.0.data/purelib/{INFO}/RECORD",
        "records of an installed",
    ),
    (
        "records_through_target",
        "x-1.0.data/data/a/y.dist-info/f",
        "x-1.0.data/data/y-1.dist-info/f",
        "records of an installed",
    ),
    (
        "records_through_prefix",
        "x-1.0.data/data/lib/site-package/y.dist-info/f",
        "x-1.0.data/data/lib/python3.11/site-packages/y-1.dist-info/RECORD",
        "records of an installed",
    ),
    ("unknown_scheme", "x-1.0.data/headers/x.h", "x-1.0.data/stdlib/os.py", "none of the schemes"),
    ("file_for_a_scheme", "x-1.0.data/scripts/x", "x-1.0.data/scripts", "where a scheme's directory goes"),
    ("foreign_data", "X-1.0.0.data/scripts/x", "y-1.0.data/scripts/x", "not the .data directory"),
    ("data_of_no_distribution", "a/pkg.data/x", "pkg.data/scripts/x", "not the .data directory"),
    ("data_over_a_module", "x-1.0.data/purelib/y.py", "x-1.0.data/purelib/x.py", "is there twice"),
    ("data_beside_a_module_by_case", "x-1.0.data/platlib/y.py", "x-1.0.data/platlib/X.PY", "differ in case"),
    ("made_up_origin", f"{INFO}/direct_url.txt", f"{INFO}/direct_url.json", "for the installer to write"),
    ("made_up_state", f"{INFO}/lugnut.txt", f"{INFO}/lugnut.json", "for the installer to write"),
    ("installer_by_another_spelling", f"{INFO}/INSTALLER", f"{INFO}/Installer", "by another spelling"),
]:
    RECIPES.append((_name, _words, named(_good, _spoiled)))


@recipe("is there twice")
def duplicate_name(bad):
    raws = rawzip.from_members(members())
    return rawzip.write([*raws, raws[0]._replace(data=b"Y")] if bad else raws)


@recipe("differ in case or form")
def normal_form_twin(bad):
    return wheel({"x.py": "", "\u00e4.py": "", "a\u0308.py" if bad else "o\u0308.py": ""})


# --- what it says of itself -------------------------------------------------------------------------------------------


def _named(filename: str, words: str, **more) -> None:
    RECIPES.append((f"file_name_{filename}", words, lambda bad: (wheel(**more), filename if bad else FILENAME)))


_named("x.whl", "file name is not")
_named("x-1.0.whl", "file name is not")
_named("x-1.0-py3-none-any.zip", "file name is not")
_named("x-one-py3-none-any.whl", "file name is not")
_named("y-1.0-py3-none-any.whl", "METADATA is about")
_named("x-1.1-py3-none-any.whl", "METADATA has version")
_named("x-1.0-py2-none-any.whl", "tags in WHEEL")
_named("x-1.0-py2.py3-none-any.whl", "tags in WHEEL")
_named("x-1.0-cp311-cp311-win_amd64.whl", "tags in WHEEL")


def _retagged(name: str, said: str, good: str, spoiled: str) -> None:
    """Wheels of which WHEEL says `said`, under a file name with other tags: PyPI has both of the good kinds."""

    def make(bad: bool) -> tuple[bytes, str]:
        return wheel(tag=said), f"x-1.0-{spoiled if bad else good}.whl"

    RECIPES.append((f"file_name_{name}", "tags in WHEEL", make))


_retagged("wider_than_wheel", "py3-none-any", "py3-none-manylinux1_x86_64", "py2.py3-none-manylinux1_x86_64")
_retagged("any_for_one_platform", "py3-none-win_amd64", "py3-none-win_amd64", "py3-none-any")
_retagged("other_machine", "py3-none-linux_x86_64", "py3-none-manylinux1_x86_64", "py3-none-manylinux2014_aarch64")
_retagged("other_system", "py3-none-linux_x86_64", "py3-none-musllinux_1_2_x86_64", "py3-none-macosx_11_0_x86_64")
_retagged("narrower_interpreter", "py2.py3-none-any", "py2.py3-none-win32", "py3-none-win32")


@recipe("contradicts")
def local_flags_differ(bad):
    return tweaked("x_py", local={"flags": int(bad)})


@recipe("no dist-info")
def no_dist_info(bad):
    return rawzip.write(rawzip.from_members(members()[: 1 if bad else None]))


@recipe("not the dist-info directory")
def dist_info_of_another_version(bad):
    renamed = [
        member._replace(name=member.name.replace("x-1.0.", "x-2.0." if bad else "X-1.0.0."))
        for member in members()[:-1]
    ]
    record = renamed[-1].name.replace("WHEEL", "RECORD")
    return rawzip.write(rawzip.from_members(with_record(renamed, record)))


@recipe("has no WHEEL")
def no_wheel(bad):
    return without("WHEEL") if bad else wheel()


@recipe("has no METADATA")
def no_metadata(bad):
    return without("METADATA") if bad else wheel()


@recipe("has no RECORD")
def no_record(bad):
    return rawzip.write(rawzip.from_members(members()[: -1 if bad else None]))


def _metadata(name: str, words: str, good: str, spoiled: str, file: str = "METADATA") -> None:
    RECIPES.append((name, words, lambda bad: replacing(file, spoiled if bad else good)))


_metadata("name_twice", "one Name", format_metadata("X", "1.0"), format_metadata("x", "1.0", more="Name: y"))
_metadata("no_name", "one Name", "Name: x\nVersion: 1.0\n", "Version: 1.0\n")
_metadata("no_version", "one Version", "Name: x\nVersion: 1.0.0\n\nVersion: 3\n", "Name: x\n\nVersion: 1.0\n")
_metadata("name_that_is_a_path", "METADATA is about", format_metadata("x", "1"), format_metadata("../x", "1"))
_metadata("version_that_is_none", "METADATA has version", format_metadata("x", "v1"), format_metadata("x", "one"))

WHEEL = format_wheel("py3-none-any")
_metadata("newer_major", "Wheel-Version 2.0", WHEEL.replace("1.0", "1.9"), WHEEL.replace("1.0", "2.0"), "WHEEL")
_metadata("older_major", "Wheel-Version 0.1", WHEEL, WHEEL.replace("1.0", "0.1"), "WHEEL")
_metadata("no_number", "not a number", WHEEL, WHEEL.replace("1.0", "one"), "WHEEL")
_metadata("no_wheel_version", "0 lines", WHEEL, WHEEL.partition("\n")[2], "WHEEL")
_metadata("version_twice", "2 lines", WHEEL, WHEEL + "Wheel-Version: 1.0\n", "WHEEL")
_metadata("no_purelib", "0 lines", WHEEL.replace("true", "False"), WHEEL.replace("Root-Is", "Is"), "WHEEL")
_metadata("purelib_maybe", "not true or false", WHEEL.replace("true", "TRUE"), WHEEL.replace("true", "maybe"), "WHEEL")


def _points(name: str, words: str, good: str, spoiled: str) -> None:
    def make(bad: bool) -> bytes:
        return wheel(entry_points=f"[console_scripts]\n{spoiled if bad else good}\n[other]\nno point at all\n")

    RECIPES.append((name, words, make))


_points("entry_point_without_attribute", "module:attribute", "a = x:f [extra]", "a = x")
_points("entry_point_that_is_code", "module:attribute", "a = x.y:f.g", "a = x:f(); import os")
_points("entry_point_without_value", "module:attribute", "# a comment\na=x:f", "a")
_points("entry_point_in_a_directory", "cannot be a file name", "a.b-c_d = x:f", "a/b = x:f")
_points("entry_point_above", "cannot be a file name", "..a = x:f", ".. = x:f")
_points("entry_point_with_trailing_dot", "cannot be a file name", ".a = x:f", "a. = x:f")
_points("entry_point_with_a_drive", "cannot be a file name", "a-b = x:f", "c:b = x:f")
_points("entry_point_with_control_characters", "cannot be a file name", "a b = x:f", "a\x1bb = x:f")
_points("entry_point_too_long", "cannot be a file name", "a" * 200 + " = x:f", "a" * 201 + " = x:f")
_points("entry_point_with_backslash", "cannot be a file name", "a = x:f", "..\\a = x:f")
_points("entry_point_with_two_meanings", "twice", "a = x:f\na = x:f", "a = x:f\na = x:g")


@recipe("not UTF-8")
def entry_points_in_another_encoding(bad):
    text = "# ä\n[console_scripts]\na = x:f\n"
    data = text.encode("latin-1" if bad else "utf-8")
    kept = members(extra={"entry_points.txt": data})
    return rawzip.write(rawzip.from_members(kept))


# --- RECORD -----------------------------------------------------------------------------------------------------------


def _record(name: str, words: str, change: Callable[[list[tuple[str, str, str]]], object]) -> None:
    RECIPES.append((name, words, lambda bad: recording(change if bad else lambda rows: rows.reverse())))


def _with_hash(spelled: str, size: str = "6") -> Callable[[list[tuple[str, str, str]]], object]:
    return lambda rows: rows.__setitem__(0, ("x.py", spelled, size))


RIGHT = digest(b"X = 1\n")
_record("member_without_row", "no row for 'x.py'", lambda rows: rows.pop(0))
_record("row_without_member", "names 'y.py'", lambda rows: rows.append(("y.py", rows[0][1], "6")))
_record("row_without_hash", "no hash", _with_hash("", ""))
_record("md5", "too weak", _with_hash("md5=" + RIGHT))
_record("sha1", "too weak", _with_hash("sha1=" + RIGHT))
_record("unknown_hash", "unknown", _with_hash("crc32=" + RIGHT))
_record("wrong_hash", "does not have the hash", _with_hash("sha256=" + digest(b"other")))
_record("wrong_hash_of_a_stronger_kind", "does not have the hash", _with_hash("sha512=" + RIGHT + "A" * 43))
_record("hash_too_short", "that is none", _with_hash("sha256=" + "A" * 40))
_record("hash_no_base64", "that is none", _with_hash("sha256=" + "!" * 43))
_record("hash_with_stray_bits", "that is none", _with_hash("sha256=" + RIGHT[:-1] + chr(ord(RIGHT[-1]) + 1)))
_record("wrong_size", "6 bytes, and RECORD says 7", _with_hash("sha256=" + RIGHT, "7"))
_record("size_no_number", "that is none", _with_hash("sha256=" + RIGHT, "-6"))
_record("two_rows", "two different rows", lambda rows: rows.insert(0, ("x.py", rows[0][1], "")))
_record("two_fields", "fields", lambda rows: rows.insert(0, ("x.py", "")))
_record("hash_of_itself", "hash of itself", lambda rows: rows.__setitem__(-1, (rows[-1][0], rows[0][1], "")))
_record("row_that_leads_outside", "names '../evil'", lambda rows: rows.append(("../evil", rows[0][1], "6")))


@recipe("RECORD cannot be read")
def record_in_another_encoding(bad):
    record = members({"x.py": "", "ä.py": ""})
    text = record[-1].data.decode()
    data = text.encode("latin-1" if bad else "utf-8")
    return rawzip.write(rawzip.from_members([*record[:-1], make_member(f"{INFO}/RECORD", data)]))


@recipe("does not have the hash")
def wrong_hash_of_what_is_not_installed(bad):
    kept = members(extra={"INSTALLER": "pip\n"})
    return rawzip.write(rawzip.from_members(kept, INSTALLER={"data": b"pap\n"} if bad else {}))


# --- no archive at all ------------------------------------------------------------------------------------------------


@recipe("is empty")
def empty_file(bad):
    return b"" if bad else wheel()


@recipe("cut short")
def truncated_file(bad):
    return wheel()[: -30 if bad else None]


@recipe("not a zip archive")
def something_else(bad):
    return b"\x7fELF" + bytes(500) if bad else wheel()


@recipe("HTML")
def html_page(bad):
    return b"\n<!DOCTYPE html><html><title>404 Not Found</title>" if bad else wheel()
