"""What holds for every wheel: RECORD comes back as written, zipfile agrees, damage is only ever BadWheel."""

import io
import zipfile
import zlib

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import engines
from hostile import rawzip
from lugnut.distribution import Row, format_record, spell_digest
from lugnut.errors import BadWheel
from lugnut.wheel import archive, record
from lugnut.wheel.archive import Entry, read_entries
from lugnut.wheel.central import read_central
from lugnut.wheel.inflation import head, inflate, stream
from lugnut.wheel.names import check_entry, find_clashes, find_wrong_names, fold
from lugnut.wheel.reading import read_wheel
from lugnut.wheel.record import read_promises
from lugnut.wheel.source import ArchiveError, Limits, Source
from wheels import make_wheel

CALM = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
COMPONENT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="/\\"), min_size=1, max_size=12
)
PATH = st.lists(COMPONENT, min_size=1, max_size=4).map("/".join)


@CALM
@given(st.dictionaries(PATH, st.tuples(st.binary(min_size=32, max_size=32), st.integers(0, 1 << 62))))
def test_record_survives_a_round_trip(rows):
    text = format_record(Row(path, spell_digest(digest), size) for path, (digest, size) in rows.items())
    problems = []
    promises = read_promises(text.encode(), "x-1.dist-info/RECORD", problems)
    assert problems == []
    assert {path: (promise.digest, promise.size) for path, promise in promises.items()} == rows


SPELLED = spell_digest(bytes(range(32)))
OWN = "x-1.dist-info/RECORD"
HASHED = f"sha256={SPELLED}"
ODD = [f"{OWN},,", "", "a,,", "d/,,", "a,b", "a,md5=1,7", f"a,{HASHED},", f"a,{HASHED[:-1]}B,7", f"a,{HASHED}=,7"]
ODD += [f"a,b,{HASHED},7", f'"a",{HASHED},7', f"a,{HASHED},-7", f"a,{HASHED},{10**20}"]
ODD += [f"a,SHA256={SPELLED},7", f"\ra,{HASHED},7", f"a,{HASHED},7 "]
ROW = st.one_of(
    st.sampled_from(["a", "b", "ü", "a b", OWN]).map(lambda path: f"{path},{HASHED},7"),
    st.sampled_from([f"{OWN},,", f"a,{HASHED},8"]),
    st.sampled_from(ODD),
)


@settings(CALM, max_examples=1_000)
@given(st.lists(ROW, max_size=6), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_the_quick_look_at_record_reads_what_the_long_one_does_and_takes_nothing_that_it_refuses(rows, newline, ended):
    text = newline.join(rows) + newline * ended
    problems = []
    plain = record._split_quoted(text) if '"' in text else record._split_plain(text)
    read = record._read_rows(plain, OWN, problems)
    quick = record._read_usual(text.replace("\r\n", "\n"), OWN)
    assert quick is None or (list(quick.items()), problems) == (list(read.items()), [])
    assert problems or read_promises(text.encode(), OWN, []) == read


def test_the_quick_look_at_record_takes_a_usual_one_wherever_its_own_row_stands():
    usual = [f"{name},{HASHED},{size}\n" for name, size in [("a", 0), ("b/ü.py", 12)]]
    for place in range(3):
        text = "".join([*usual[:place], f"{OWN},,\n", *usual[place:]])
        assert list(record._read_usual(text, OWN)) == ["a", "b/ü.py"]
        assert record._read_usual(text, "x/RECORD") is None
    assert record._read_usual(f"{OWN},,\n", OWN) == {}


LETTERS = st.text("aB9_.-+/ \\:~\né", max_size=40)
ENTRY = Entry("", 0, 0, 0, 0, 8, 0, marked_directory=False, sound=True)


@settings(CALM, max_examples=1_000)
@given(
    st.one_of(LETTERS, st.lists(st.text("a.", min_size=1, max_size=99), min_size=1, max_size=12).map("/".join)),
    st.one_of(st.integers(0, 0xFFFF), st.integers(0o100000, 0o101777)),
    st.sampled_from([Limits(), Limits(depth=2), Limits(name=20)]),
)
def test_the_quick_look_at_a_name_takes_nothing_that_the_long_one_refuses(name, mode, limits):
    entry = ENTRY._replace(name=name, mode=mode)
    wrong = check_entry(entry, limits)
    assert find_wrong_names([entry], limits) == ([] if wrong is None else [wrong])


@CALM
@given(st.lists(st.text("aAbß/", min_size=1, max_size=5)))
def test_clashes_are_found_in_every_order(names):
    files = [name for name in names if not name.endswith("/") and not name.startswith("/") and "//" not in name]
    folded = [fold(name) for name in files]
    above = {name[:place] for name in folded for place in range(len(name)) if name[place] == "/"}
    twins = [name for number, name in enumerate(folded) if name in folded[:number]]
    assert len(find_clashes(files)) == len(twins) + len(above & set(folded))
    assert bool(find_clashes(files)) == bool(find_clashes(files[::-1]))


COMMENT = st.binary(max_size=20).filter(lambda comment: b"PK\5\6" not in comment)
"""An end record within the comment makes two archives of one file; that is refused."""
MEMBER = st.tuples(
    st.one_of(st.binary(max_size=200), st.integers(0, 20_000).map(bytes)), st.sampled_from([0, 8]), st.booleans()
)


@CALM
@given(st.dictionaries(PATH, MEMBER, max_size=8), COMMENT, st.integers(1, 5_000))
def test_the_reader_agrees_with_zipfile_on_what_zipfile_writes(tmp_path, members, comment, step):
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, (data, method, wide) in members.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = method
            with archive.open(info, "w", force_zip64=wide) as stream_in:
                stream_in.write(data)
        archive.comment = comment
    path = tmp_path / "archive"
    path.write_bytes(written.getvalue())
    with Source(str(path)) as source:
        problems = []
        entries = read_entries(source, Limits(), problems)
        assert problems == []
        assert [entry.name for entry in entries] == list(members)
        for entry in entries:
            assert inflate(source, entry) == members[entry.name][0]
            assert b"".join(stream(source, entry, step)) == members[entry.name][0]
            assert head(source, entry, 8) == members[entry.name][0][:8]


FIELDS = {
    "flags": st.sampled_from([0, 1, 2, 8, 0x20, 0x800]),
    "method": st.sampled_from([0, 8, 9]),
    "crc": st.sampled_from([0, 7]),
    "compressed": st.integers(0, 9),
    "size": st.sampled_from([0, 7, 0xFFFFFFFF]),
    "name": st.sampled_from([b"a", b"b", b"bb", "ü".encode()]),
    "extra": st.sampled_from([b"", b"\1\0\0\0", b"\1\0\x08\0" + bytes(8)]),
}
RAW = st.builds(
    rawzip.Raw,
    st.sampled_from([b"a", b"b", "ü".encode()]),
    st.binary(max_size=9),
    method=st.sampled_from([0, 8]),
    flags=st.sampled_from([0, 0, 0, 1, 8, 0x20, 0x40, 0x800, 0x2000]),
    local=st.one_of(st.just({}), st.fixed_dictionaries({}, optional=FIELDS)),
    central=st.one_of(st.just({}), st.fixed_dictionaries({}, optional=FIELDS)),
    before=st.sampled_from([b"", b"", b"", b"P"]),
    descriptor=st.sampled_from(["", "", "I"]),
    mode=st.just(0o100644),
    packed=st.none(),
    attributes=st.sampled_from([0, 0x10]),
)


EXTRA = {"extra": b"\1\0\0\0", "compressed": 7 + 4}
WHOLE = {"extra": b"\1\0\0\0", "compressed": 31 + 7}


@settings(CALM, max_examples=1_000)
@example([rawzip.Raw(b"a", b"content", method=0, local=EXTRA, central=EXTRA)], b"")
@example([rawzip.Raw(b"a", b"content", method=0, central=WHOLE)], b"")
@given(st.lists(RAW, min_size=1, max_size=3), st.sampled_from([b"", b"", b"-"]))
def test_what_is_told_of_a_local_header_at_a_glance_a_long_look_tells_too(tmp_path, raws, between):
    path = tmp_path / "archive"
    path.write_bytes(rawzip.write(raws, between=between))
    with Source(str(path)) as source:
        end = archive._find_end(source)
        try:
            found = sorted(read_central(source.read_at(end.offset, end.size), end.members, []))
        except ArchiveError:
            return
        assert _outcome(lambda: archive._locate(source, found, end.offset)) == _outcome(
            lambda: _look(source, found, end)
        )


def _look(source, found, end):
    """Look long at every local header."""
    assert found[0][0] == 0, "bytes precede the first member"
    afters = [*(one[0] for one in found[1:]), end.offset]
    return [archive._read_local(source.read_at, one, after) for one, after in zip(found, afters, strict=True)]


def _outcome(look):
    """Give the entries, or the error's text."""
    try:
        return look()
    except (ArchiveError, AssertionError) as error:
        return str(error).partition("\n")[0]


@CALM
@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_are_a_wheel_or_a_bad_wheel(tmp_path, data, signed):
    path = tmp_path / "x-1.0-py3-none-any.whl"
    path.write_bytes(b"PK\3\4" * signed + data)
    _read(str(path))


@settings(CALM, max_examples=400)
@given(st.data())
def test_a_mutated_wheel_is_the_same_wheel_or_a_bad_wheel(tmp_path, data):
    files = {"pkg/__init__.py": "A = 1\n" * 9, "x-1.0.data/scripts/tool": "#!python\n", "ä.txt": "ä"}
    whole = make_wheel(
        tmp_path, "x", files=files, entry_points="[console_scripts]\na = x:f\n", compress=data.draw(st.booleans())
    )
    with open(whole, "rb") as stream_in:
        content = bytearray(stream_in.read())
    right = _read(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        kind = data.draw(st.sampled_from(["set", "flip", "insert", "delete", "copy"]))
        if kind == "set":
            content[place] = data.draw(st.integers(0, 255))
        elif kind == "flip":
            content[place] ^= 1 << data.draw(st.integers(0, 7))
        elif kind == "insert":
            content[place:place] = data.draw(st.binary(min_size=1, max_size=8))
        elif kind == "delete":
            del content[place : place + data.draw(st.integers(1, 8))]
        else:
            other = data.draw(st.integers(0, len(content) - 1))
            content[place : place + 4] = content[other : other + 4]
        content = content or bytearray(b"-")
    with open(whole, "wb") as stream_out:
        stream_out.write(content)
    found = _read(whole)
    assert found is None or found == right


def _read(path):
    """Give name -> content, or None where the wheel is refused; anything else than BadWheel is a failure."""
    try:
        with read_wheel(path) as archive:
            return {file.archive: content for file, content in archive.members()}
    except BadWheel:
        return None


PACKED = st.tuples(
    st.one_of(st.binary(max_size=300), st.text("ab", max_size=2_000).map(str.encode)),
    st.sampled_from([1, 6, 9]),
    st.sampled_from([zlib.Z_DEFAULT_STRATEGY, zlib.Z_FILTERED, zlib.Z_RLE, zlib.Z_FIXED, zlib.Z_HUFFMAN_ONLY]),
)


@settings(CALM, max_examples=500)
@given(PACKED, st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 7)), max_size=3), st.binary(max_size=3))
def test_all_engines_agree_on_every_stream_however_it_was_damaged(tmp_path, packed, flips, more):
    """Tables most of all, which stand first: what else than zlib inflates often takes some that zlib refuses."""
    data, level, strategy = packed
    deflater = zlib.compressobj(level, zlib.DEFLATED, -15, 8, strategy)
    stream_in = bytearray(deflater.compress(data) + deflater.flush() + more)
    for place, bit in flips:
        stream_in[place % len(stream_in)] ^= 1 << bit
    stated = _guess_size(bytes(stream_in))
    path = tmp_path / "archive"
    said = {"size": stated}
    path.write_bytes(rawzip.write([rawzip.Raw(b"x", data, packed=bytes(stream_in), local=said, central=said)]))
    with Source(str(path)) as source:
        (entry,) = read_entries(source, Limits(), [])
        answers = [_inflate_by(engine, source, entry) for engine in engines.ENGINES]
    assert answers[1:] == answers[:-1]


def _guess_size(packed):
    """Give the size that would be right if the stream is, so that lying about it is not why it is refused."""
    inflater = zlib.decompressobj(-15)
    try:
        return len(inflater.decompress(packed, 1 << 16))
    except zlib.error:
        return 1


def _inflate_by(engine, source, entry):
    """Give what an engine makes of a member, at once and in pieces: the content, or None where it is refused."""
    with pytest.MonkeyPatch.context() as patch:
        engines.choose(patch, engine)
        found = []
        for way in (inflate, lambda *member: b"".join(stream(*member, 100))):
            try:
                found.append(way(source, entry))
            except ArchiveError:
                found.append(None)
    assert found[0] == found[1]
    return found[0]
