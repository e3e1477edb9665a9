"""How a place in an environment is spelled: one way, whoever wrote the row."""

import os

import pytest

from environments import make_environment
from lugnut.environment import absolute, canonical, key, place, roots, spell_places, spell_row

LIB64 = (("../../lib64/", "../"),)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("pkg/__init__.py", "pkg/__init__.py"),
        ("./pkg/x.py", "pkg/x.py"),
        ("pkg//x.py", "pkg/x.py"),
        ("pkg/./x.py", "pkg/x.py"),
        ("pkg/sub/../x.py", "pkg/x.py"),
        ("pkg/", "pkg"),
        ("pkg/.libs/x.so", "pkg/.libs/x.so"),
        (".hidden", ".hidden"),
        ("..hidden/x", "..hidden/x"),
        ("../../bin/tool", "../../bin/tool"),
        ("../site/pkg/x.py", "pkg/x.py"),
        ("../../lib/site/pkg/x.py", "pkg/x.py"),
        ("../../bin/../bin/tool", "../../bin/tool"),
        ("pkg/../../../bin/tool", "../../bin/tool"),
        ("{root}/lib/site/pkg/x.py", "pkg/x.py"),
        ("{root}/bin/tool", "../../bin/tool"),
        ("{root}/lib/../bin//tool", "../../bin/tool"),
        ("naïve/ß.py", "naïve/ß.py"),
        ("a,b/c d.py", "a,b/c d.py"),
    ],
)
def test_a_row_has_one_spelling(tmp_path, row, expected):
    environment = make_environment(tmp_path)
    assert canonical(environment, row.format(root=environment.prefix)) == expected


@pytest.mark.parametrize(
    "row", ["../../lib64/site/pkg/x.py", "{root}/lib64/site/pkg/x.py", "../../lib64/../lib/site/pkg/x.py"]
)
def test_a_row_through_lib64_is_one_through_lib(tmp_path, row):
    environment = make_environment(tmp_path, aliases=LIB64)
    assert canonical(environment, row.format(root=environment.prefix)) == "pkg/x.py"


def test_an_alias_resolves_only_whole_components(tmp_path):
    environment = make_environment(tmp_path, aliases=LIB64)
    assert canonical(environment, "../../lib64x/pkg") == "../../lib64x/pkg"
    assert canonical(environment, "../../lib64/other/x") == "../other/x"
    assert canonical(environment, "pkg/lib64/x") == "pkg/lib64/x"


def test_a_row_that_leaves_the_environment_keeps_saying_so(tmp_path):
    environment = make_environment(tmp_path)
    assert canonical(environment, "../../../../etc/passwd").startswith("../../../")
    assert absolute(environment, canonical(environment, "/etc/passwd")) == "/etc/passwd"


@pytest.mark.parametrize("row", ["pkg/x.py", "../../bin/tool", "../../lib64/site/pkg/x.py", "/etc/x", "a/./b"])
def test_spelling_a_row_twice_changes_nothing(tmp_path, row):
    environment = make_environment(tmp_path, aliases=LIB64)
    once = canonical(environment, row)
    assert canonical(environment, once) == once


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [
        ("purelib", "pkg/x"),
        ("platlib", "pkg/x"),
        ("scripts", "../../bin/pkg/x"),
        ("data", "../../pkg/x"),
        ("headers", "../../include/My_Dist/pkg/x"),
    ],
)
def test_each_scheme_has_its_place_and_headers_the_distributions(tmp_path, scheme, expected):
    assert place(make_environment(tmp_path), scheme, "pkg/x", "My_Dist") == expected


def test_data_that_lands_in_site_packages_is_spelled_as_there(tmp_path):
    assert place(make_environment(tmp_path), "data", "lib/site/pkg/x.py", "d") == "pkg/x.py"


def test_platlib_apart_is_reached_from_purelib_and_rows_in_it_from_itself(tmp_path):
    environment = make_environment(tmp_path, platlib="lib64/site")
    spelled = place(environment, "platlib", "pkg/x.so", "d")
    assert spelled == "../../lib64/site/pkg/x.so"
    assert spell_row(environment, "platlib", spelled) == "pkg/x.so"
    assert spell_row(environment, "platlib", "../../bin/tool") == "../../bin/tool"
    assert spell_row(environment, "platlib", "x.py") == "../../lib/site/x.py"
    assert spell_row(environment, "purelib", spelled) == spelled


def test_names_that_a_folding_file_system_takes_for_one_share_a_key(tmp_path):
    folding, plain = make_environment(tmp_path, folds_case=True), make_environment(tmp_path)
    assert key(folding, "Pkg/STRASSE") == key(folding, "pkg/straße")
    assert key(folding, "caf\N{LATIN SMALL LETTER E WITH ACUTE}") == key(folding, "CAFE\N{COMBINING ACUTE ACCENT}")
    assert key(plain, "Pkg") != key(plain, "pkg")


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("Pkg/\N{LATIN CAPITAL LETTER E WITH ACUTE}", "pkg/\N{LATIN SMALL LETTER E WITH ACUTE}", True),
        ("\N{GREEK CAPITAL LETTER ALPHA}\N{GREEK CAPITAL LETTER SIGMA}", "\u03b1\N{GREEK SMALL LETTER SIGMA}", True),
        ("\N{GREEK SMALL LETTER SIGMA}", "\N{GREEK SMALL LETTER FINAL SIGMA}", False),
        ("\N{KELVIN SIGN}", "k", False),
        ("\u1f88", "\u1f80", True),  # its capital is two letters, and NTFS has one for it
        ("\N{LATIN SMALL LETTER SHARP S}", "ss", False),
        ("\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}", "i\N{COMBINING DOT ABOVE}", False),
    ],
)
def test_where_case_alone_is_folded_it_is_letter_by_letter(tmp_path, one, other, alike):
    ntfs = make_environment(tmp_path, folds_case=True)._replace(folds_forms=False)
    assert (key(ntfs, one) == key(ntfs, other)) is alike


def test_the_deepest_root_comes_first(tmp_path):
    environment = make_environment(tmp_path)
    assert roots(environment)[-1] == ("../../", environment.prefix)
    target = environment._replace(
        places={"purelib": "", "headers": "include/"}, schemes={"purelib": "/t", "headers": "/t/include"}
    )
    assert roots(target) == (("include/", "/t/include"), ("", "/t"))


def test_a_place_is_spelled_from_purelib():
    places = spell_places({"purelib": "/e/lib/site", "scripts": "/e/bin", "data": "/e", "headers": "/e/lib/site/h"})
    assert places == {"purelib": "", "scripts": "../../bin/", "data": "../../", "headers": "h/"}


def test_lugnuts_own_directory_is_beside_the_distributions(tmp_path):
    environment = make_environment(tmp_path)
    assert environment.lugnut == os.path.join(environment.purelib, ".lugnut")
