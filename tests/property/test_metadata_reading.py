"""The quick way to read METADATA gives what packaging's way gives, or leaves it to that."""

from hypothesis import given, settings
from hypothesis import strategies as st

from lugnut.wheel.metadata import Metadata, _choose, _read_headers, parse_metadata, read_plain_headers

FIELDS = [
    "Name",
    "Version",
    "Name",
    "name",
    "Version",
    "Requires-Python",
    "Requires-Dist",
    "Provides-Extra",
    "From",
    "X",
    "N me",
    "",
]
VALUE = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=12),
    st.sampled_from(["x", " 1.0 ", "a;b\n  c", "a\n\tb : c", "=?utf-8?q?x?=", "\u2028y", "\x0cz"]),
)
LINE = st.one_of(
    st.tuples(st.sampled_from(FIELDS), st.sampled_from([":", ": ", " : ", ""]), VALUE).map("".join),
    st.sampled_from(["From x", ">From y", " ", "\t"]),
)


@settings(deadline=None, max_examples=1_000)
@given(st.lists(LINE, min_size=1, max_size=8), st.sampled_from(["\n", "\r\n"]))
def test_both_ways_read_the_same(lines, newline):
    head = (newline.join(lines) + newline).encode()
    plain = read_plain_headers(head)
    assert plain is None or _choose(plain) == _read_headers(head)


@settings(deadline=None, max_examples=1_000)
@given(st.lists(LINE, min_size=1, max_size=8), st.sampled_from(["", "\r\n", "\r\n\r\ntext\r\n"]))
def test_lines_that_end_as_on_windows_read_as_others_do(lines, end):
    head = "\n".join(lines)
    said: list[str] = []
    read = parse_metadata((head.replace("\n", "\r\n") + end).encode(), None, said)
    assert (read, said) == _read_long(head.encode() + b"\n" * bool(end))


def _read_long(head: bytes) -> tuple[Metadata | None, list[str]]:
    read = _read_headers(head.partition(b"\n\n")[0] + b"\n")
    return (read, []) if read.name and read.version else (None, ["METADATA does not state one Name and one Version"])
