"""A member is read as exactly what it states, and reading stops where it is more."""

import zlib

import pytest

import engines
from hostile import rawzip
from lugnut.wheel import inflation
from lugnut.wheel.archive import read_entries
from lugnut.wheel.inflation import head, inflate, stream
from lugnut.wheel.source import ArchiveError, Limits, Source

STEP = 1_000


@pytest.fixture(autouse=True, params=list(engines.ENGINES))
def engine(request, monkeypatch):
    engines.choose(monkeypatch, request.param)


@pytest.fixture
def open_member(tmp_path):
    sources = []

    def open_one(data, **fields):
        path = tmp_path / "archive"
        path.write_bytes(rawzip.write([rawzip.Raw(b"x", data, **fields)]))
        sources.append(Source(str(path)))
        (entry,) = read_entries(sources[-1], Limits(), [])
        return sources[-1], entry

    yield open_one
    for source in sources:
        source.close()


def pack(data, *, end=True):
    deflater = zlib.compressobj(wbits=-15)
    return deflater.compress(data) + deflater.flush(zlib.Z_FINISH if end else zlib.Z_FULL_FLUSH)


@pytest.mark.parametrize("method", [0, 8])
@pytest.mark.parametrize("size", [0, 1, STEP - 1, STEP, STEP + 1, 7 * STEP])
def test_the_pieces_are_the_whole(open_member, method, size):
    data = bytes(size)
    source, entry = open_member(data, method=method)
    pieces = list(stream(source, entry, STEP))
    assert b"".join(pieces) == inflate(source, entry) == data
    assert all(len(piece) <= STEP for piece in pieces)
    assert head(source, entry, 8) == data[:8]


@pytest.mark.parametrize(
    ("packed", "stated"),
    [
        (pack(bytes(5 * STEP)), 5 * STEP - 1),
        (pack(bytes(5 * STEP)), 5 * STEP + 1),
        (pack(bytes(5 * STEP)) + b"trailing", 5 * STEP),
        (pack(bytes(5 * STEP), end=False), 5 * STEP),
        (pack(bytes(5 * STEP))[:-1], 5 * STEP),
        (b"\xff" * 100, 5 * STEP),
    ],
    ids=["larger", "smaller", "trailing", "endless", "cut", "damaged"],
)
def test_a_member_that_is_not_what_it_states_is_refused_both_ways(open_member, packed, stated):
    said = {"size": stated}
    source, entry = open_member(b"", packed=packed, local=said, central=said)
    with pytest.raises(ArchiveError, match="inflate"):
        inflate(source, entry)
    with pytest.raises(ArchiveError, match="inflate"):
        list(stream(source, entry, STEP))


def test_reading_stops_as_soon_as_a_member_is_more_than_it_states(open_member):
    said = {"size": 3 * STEP}
    source, entry = open_member(b"", packed=pack(bytes(1000 * STEP)), local=said, central=said)
    given = []
    with pytest.raises(ArchiveError, match="states"):
        given.extend(stream(source, entry, STEP))
    assert sum(map(len, given)) <= 3 * STEP


def test_zlib_does_it_where_nothing_faster_is_installed(monkeypatch):
    def lacking():
        raise ImportError

    monkeypatch.undo()
    monkeypatch.setattr(inflation, "load_fast", lacking)
    inflation.find_engine.cache_clear()
    try:
        assert inflation.find_engine() == (zlib.decompressobj, zlib.error)
    finally:
        inflation.find_engine.cache_clear()
