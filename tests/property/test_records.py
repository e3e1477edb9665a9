"""What a glance at RECORD says of the paths in it is what taking it apart says: False is certain."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Sequence

from hypothesis import example, given
from hypothesis import strategies as st

from environments import make_environment, write
from lugnut.columns import File, Files, list_folders
from lugnut.distribution import Name, RelativePath, is_record, parse_record
from lugnut.environment import Environment, canonical
from lugnut.installed import Found
from lugnut.system import files
from lugnut.transaction.claims import list_wanted_tops
from lugnut.transaction.records import Record, list_tops

ALIAS = ("../../lib64/", "../../lib/")
FOUND = Found(Name("x"), "x", "1", "purelib", "x-1.dist-info")
COMPONENTS = st.sampled_from(["a", "b", "a.py", ".h", "..x", "...", "a,b", "é", "Å", "lib", "site", "share", "bin"])
BELOW = st.lists(COMPONENTS, min_size=1, max_size=3).map("/".join)
PLACES = st.sampled_from(["", "", "", "../../bin/", "../../", "../../share/", "../"])
SPELLINGS = st.sampled_from(
    ["", "", "", "./", "a/../", "a//", "b/./", "../site/", "../../lib/site/", "../../lib64/site/", "../../lib64/",
     "../../", "../../bin/", "../../share/", "../", "../../share/../", "/", "c:/", "HERE/", "THERE/", "b/.."],
)  # fmt: skip
ENDS = st.sampled_from([",sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0"] * 6 + [",,"] * 3)
BAD_ENDS = st.sampled_from(["", ",", ",,x", ",sha256=1,2,3", ",,\r", ",,\u0663", ",,1 "])
ROWS = st.tuples(st.tuples(SPELLINGS, BELOW).map("".join), st.one_of(ENDS, ENDS, ENDS, BAD_ENDS)).map("".join)
LINES = st.lists(st.one_of(ROWS, ROWS, ROWS, st.sampled_from(["", '"a,b",,', "\r", "a/"])), max_size=5)
WANTED = st.lists(st.tuples(PLACES, BELOW).map("".join), min_size=1, max_size=4)


def spell(environment: Environment, paths: Sequence[str]) -> list[RelativePath]:
    """Give the canonical paths of files: what leads to a directory on the way to purelib is none."""
    spelled = {canonical(environment, path) for path in paths}
    return sorted(path for path in spelled if path.rpartition("/")[2] not in {".", ".."})


def glance(environment: Environment, lines: Sequence[str], end: str) -> Record:
    text = end.join(lines).replace("HERE", environment.purelib).replace("THERE", environment.prefix + "/lib64/site")
    write(environment.purelib, "x-1.dist-info/RECORD", (text + end).encode())
    write(environment.purelib, "x-1.dist-info/METADATA", b"Name: x\nVersion: 1\n")
    with files.open_root(environment.purelib) as root:
        return Record(environment, FOUND, root)


def meet(found: Files, wanted: Sequence[str]) -> set[str]:
    """Give the paths that both name, and those that are a file of one and a directory of the other."""
    here, there = set(found.paths), set(wanted)
    return here & there | here & list_folders(there) | there & list_folders(here)


@example(["../site/six.py,,"], ["six.py"], "\n")
@example(["../../lib64/site/six.py,,"], ["six.py"], "\n")
@example(["../../lib64/six.txt,,"], ["../../lib/six.txt"], "\n")
@example(["../../share/a/b,,"], ["../../share"], "\n")
@example(["a,b/c.py,,"], ["a,b/c.py"], "\n")
@example(["other/a.py"], ["a.py"], "\n")
@example(["other/a.py,,x"], ["a.py"], "\n")
@given(LINES, WANTED, st.sampled_from(["\n", "\r\n"]))
def test_a_record_that_touches_no_beginning_of_some_paths_meets_none_of_them(
    lines: list[str], spelled: list[str], end: str
) -> None:
    with tempfile.TemporaryDirectory() as root:
        environment = make_environment(root, aliases=(ALIAS,))
        os.makedirs(os.path.join(root, "lib", "site"))
        os.symlink("lib", os.path.join(root, "lib64"))
        record = glance(environment, lines, end)
        wanted = spell(environment, spelled)
        if not record.touches(list_tops(Files.of(File(path, None, None, None) for path in wanted))):
            source = record.source()
            assert not source.opaque, "a dist-info that does not say what it owns is nobody's to pass over"
            assert meet(source.files, wanted) == set()


@given(LINES, WANTED)
def test_a_record_that_touches_no_beginning_of_names_in_directories_claims_none_of_them(
    lines: list[str], spelled: list[str]
) -> None:
    with tempfile.TemporaryDirectory() as root:
        environment = make_environment(root, aliases=(ALIAS,))
        record = glance(environment, lines, "\n")
        places = sorted(path.rpartition("/")[::2] for path in spell(environment, spelled))
        wanted = {
            directory: [name for _, name in names]
            for directory, names in itertools.groupby(places, lambda place: place[0])
        }
        if not record.touches(list_wanted_tops(wanted)):
            source = record.source()
            assert not source.opaque
            assert not [1 for directory, name in places if name in source.by_directory.get(directory, {})]


@example(["a\rb,,", '"c",,'], "\n")
@example(['"a', *["x,,"] * 50_000], "\n")
@example(["a,,1\r\r"], "\n")
@given(LINES, st.sampled_from(["\n", "\r\n", "\r"]))
def test_a_text_is_a_record_if_it_can_be_read_as_one(lines: list[str], end: str) -> None:
    text = end.join(lines)
    try:
        parse_record(text)
    except ValueError:
        assert not is_record(text)
    else:
        assert is_record(text)


@given(WANTED)
def test_a_file_and_what_lies_in_its_way_begin_alike(spelled: list[str]) -> None:
    """Of two that cannot stand side by side, whichever is installed, the other finds it."""
    with tempfile.TemporaryDirectory() as root:
        environment = make_environment(root)
        for one, other in itertools.permutations(spell(environment, spelled), 2):
            if other.startswith(one + "/"):
                for first, second in ((one, other), (other, one)):
                    record = glance(environment, [f"{first},,"], "\n")
                    assert record.touches(list_tops(Files.of([File(RelativePath(second), None, None, None)])))
