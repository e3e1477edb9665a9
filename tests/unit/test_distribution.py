"""RECORD, lugnut.json and names, as text to value and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import canonicalize_name

from lugnut.distribution import (
    Digest,
    Row,
    State,
    WheelHash,
    content_mtime,
    format_record,
    format_row,
    format_state,
    is_record,
    normalise_name,
    parse_dist_info,
    parse_record,
    parse_state,
)

DIGEST = Digest("47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU")
PATHS = st.text(
    st.characters(exclude_characters="\r\n\0\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029", exclude_categories=["Cs"]),
    min_size=1,
)


def test_a_row_has_a_path_a_digest_and_a_size():
    assert parse_record(f"a/b.py,sha256={DIGEST},12\n") == [Row("a/b.py", DIGEST, 12)]


def test_padding_of_a_digest_is_dropped():
    assert parse_record(f"a,sha256={DIGEST}=,1\n") == [Row("a", DIGEST, 1)]


@pytest.mark.parametrize("line", ["x/RECORD,,", "a.py,md5=abc,", "a.py,sha512=abc,"])
def test_a_row_without_a_sha256_has_no_digest(line):
    (row,) = parse_record(line)
    assert row.digest is None
    assert row.size is None


def test_a_path_with_commas_and_quotes_is_read_and_written_as_csv():
    row = Row('a,"b" c.py', DIGEST, 3)
    assert format_row(row) == f'"a,""b"" c.py",sha256={DIGEST},3\n'
    assert parse_record(format_row(row)) == [row]


def test_an_unquoted_comma_belongs_to_the_path():
    assert parse_record("a,b.py,,\n") == [Row("a,b.py", None, None)]


@pytest.mark.parametrize(
    "text", ["a.py\n", "a.py,\n", "a.py,,x\n", "a.py,,-1\n", "a.py,,\N{ARABIC-INDIC DIGIT ONE}\n", '"a.py",,,,\n']
)
def test_what_is_no_row_is_an_error_that_names_the_line(text):
    with pytest.raises(ValueError, match="line 2 of RECORD"):
        parse_record("ok.py,,\n" + text)


def test_empty_lines_and_windows_lines_are_read():
    assert parse_record("a,,\r\n\r\nb,,\r\n") == [Row("a", None, None), Row("b", None, None)]


@given(st.lists(PATHS, unique=True))
def test_a_record_reads_back_what_was_written(paths):
    rows = [Row(path, DIGEST, len(path)) for path in paths]
    assert parse_record(format_record(rows)) == sorted(rows)


@given(st.from_regex(r"\A[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?\Z"))
def test_a_name_is_normalised_as_packaging_does(name):
    assert normalise_name(name) == canonicalize_name(name)


@pytest.mark.parametrize(
    ("directory", "expected"),
    [
        ("foo-1.0.dist-info", ("foo", "1.0")),
        ("foo_bar-1.0+local.1.dist-info", ("foo_bar", "1.0+local.1")),
        ("foo.dist-info", None),
        ("-1.0.dist-info", None),
        ("foo-.dist-info", None),
        ("foo-1.0.egg-info", None),
        ("foo-1.0", None),
    ],
)
def test_a_dist_infos_name_holds_name_and_version(directory, expected):
    assert parse_dist_info(directory) == expected


def test_a_state_reads_back():
    state = State(WheelHash("ab" * 32), 2, ("../../bin/x",))
    assert parse_state(format_state(state)) == state
    assert format_state(state).endswith("}\n")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"format": 2, "wheel": "x", "overlay": 0, "executables": []}',
        "null",
        '{"executables": [], "format": 1, "overlay": ' + "9" * 5000 + ', "wheel": "x"}\n',
        '{"executables": [], "format": 1, "overlay": 1e999, "wheel": "x"}\n',
        "[" * 100_000,
    ],
)
def test_a_state_of_another_format_is_none(text):
    assert parse_state(text) is None


@given(st.binary(min_size=32, max_size=32))
def test_a_content_mtime_is_whole_old_and_never_in_the_future(digest):
    assert 315_619_200 <= content_mtime(digest) < 315_619_200 + 2**30 < 1_400_000_000


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "a,,\n",
        "a,sha256=x,3",
        "a,b\n",
        "a\n",
        "a,,x\n",
        "a,,²\n",
        "a,,1\r\nb,,\r\n",
        '"a,b",,1\n',
        '"a\n',
        "a,b,c,4\n",
        ",,\n",
    ],
)
def test_is_record_says_what_parse_record_does(text):
    try:
        parse_record(text)
    except ValueError:
        assert not is_record(text)
    else:
        assert is_record(text)
