"""What is said of a requirement without packaging is what packaging says."""

from __future__ import annotations

import importlib.metadata
import itertools

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from packaging.markers import Marker, default_environment
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet

from lugnut.distribution import Name, normalise_name
from lugnut.needs import asks_for_extras, is_plainly_met, plainly_allows

ENVIRON = {
    **{key: str(value) for key, value in default_environment().items()},
    "os_name": "posix",
    "sys_platform": "linux",
    "platform_machine": "x86_64",
    "platform_system": "Linux",
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
    "python_version": "3.11",
    "python_full_version": "3.11.7",
}
NUMBERS = st.lists(st.sampled_from(["0", "1", "2", "11", "7", "01", "3"]), min_size=1, max_size=4).map(".".join)
VERSIONS = st.tuples(
    NUMBERS,
    st.sampled_from(["", "", "", ".post1", ".post0", "b1", ".dev1", "+cpu", "rc2", "a.0", ".a1", ".dev.1", "-1"]),
).map("".join)
OPERATORS = st.sampled_from(["==", "!=", ">=", "<=", ">", "<", "~=", "===", "=", "<>", "", "=>"])
BLANKS = st.sampled_from(["", "", " ", "  ", "\t"])
WANTED = st.one_of(VERSIONS, NUMBERS, NUMBERS, NUMBERS.map("{}.*".format))
SPECIFIERS = st.lists(st.tuples(BLANKS, OPERATORS, BLANKS, WANTED, BLANKS).map("".join), max_size=3).map(",".join)
NAMES = st.sampled_from(["x", "X.y", "a-b", "a_b", "x-", "é", "", "x y"])
EXTRAS = st.sampled_from(["", "", "", "[s]", " [a, b_c]", "[]", "[a b]", "[a,]"])
QUOTED = st.one_of(
    NUMBERS, VERSIONS, st.sampled_from(["posix", "linux", "win32", "A.b", "a_B", "a-b", "CPython", "", "3.*", "o"])
)
VARIABLES = st.sampled_from([*ENVIRON, "extra", "extra", "os.name", "python_version", "nonsense"])
TEXTS = st.tuples(st.sampled_from("\"'"), QUOTED).map(lambda pair: f"{pair[0]}{pair[1]}{pair[0]}")
COMPARED = st.one_of(OPERATORS, st.sampled_from(["in", "not in", "not  in", "==", "!="]))
ATOMS = st.one_of(
    st.tuples(VARIABLES, BLANKS, COMPARED, BLANKS, TEXTS, BLANKS).map("".join),
    st.tuples(TEXTS, BLANKS, COMPARED, BLANKS, VARIABLES, BLANKS).map("".join),
)
MARKERS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, BLANKS, st.sampled_from(["and", "or"]), BLANKS, inner).map("".join),
        st.tuples(st.just("("), BLANKS, inner, BLANKS, st.just(")"), BLANKS).map("".join),
    ),
    max_leaves=5,
)
WRAPS = st.sampled_from(["{}", "{}", "({})", " ( {} )", "({}"])
REQUIREMENTS = st.builds(
    lambda name, extras, wrap, specifiers, marker: f"{name}{extras}{wrap.format(specifiers)}{marker}",
    NAMES,
    EXTRAS,
    WRAPS,
    SPECIFIERS,
    st.one_of(st.just(""), st.just(";"), MARKERS.map("; {}".format), MARKERS.map(" ;{}".format)),
)


def is_met(text: str, versions: dict[Name, str], contexts: list[dict[str, str]]) -> bool:
    """Say the same by packaging; a line that is none asks for nothing."""
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        return True
    marker: Marker | None = requirement.marker
    if marker is not None and not any(marker.evaluate(context) for context in contexts):
        return True
    version = versions.get(normalise_name(requirement.name))
    return version is not None and requirement.specifier.contains(version, prereleases=True)


def agree(text: str, version: str | None, extras: tuple[str, ...] = ()) -> bool:
    versions = {} if version is None else dict.fromkeys(map(normalise_name, ("x", "x-y", "a-b")), version)
    contexts = [{**ENVIRON, "extra": extra} for extra in ("", *extras)]
    plain = is_plainly_met(text, versions, contexts)
    assert not plain or is_met(text, versions, contexts)
    return plain


@settings(max_examples=1000, deadline=None)
@given(REQUIREMENTS, st.one_of(st.none(), NUMBERS, VERSIONS), st.sampled_from([(), ("a-b",), ("A_b", "c")]))
@example("x>1", "1.post1", ())
@example("x<1.0", "1", ())
@example("x~=1.0", "1.0.post1", ())
@example("x==1.*", "1", ())
@example("x<1.0.post1", "1", ())
@example("x<1.0.dev0", "1.0.post0", ())
@example("x>=1a1", "1", ())
@example("x ()", "1", ())
@example('x; extra=="a"or extra=="b"', None, ("b",))
@example("x; 'linux'==sys_platform", None, ())
@example("x @ https://host/x;os_name=='nt'", None, ())
def test_what_is_plain_is_what_packaging_says(text: str, version: str | None, extras: tuple[str, ...]) -> None:
    agree(text, version, extras)


@settings(max_examples=1000, deadline=None)
@given(st.text(alphabet="xX.-_ \t[](),;<>=!~@'\"0123.*andorextraos_name\\#\n", max_size=30))
def test_nonsense_is_not_plain_or_packaging_finds_it_so_too(text: str) -> None:
    agree(text, "1.2")


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("x", "1.2b1"),
        ("x>=1,<2", "1.4"),
        ("X (>=1.0,!=1.5.*)", "1.4.post3"),
        ("a_b[c,d] ~=1.4", "1.9"),
        ("x==1.4.0", "1.4"),
        ('x>9; python_version < "3.8"', "1"),
        ("x>9; (sys_platform == 'win32' or os_name == 'nt') and platform_machine != 'arm64'", "1"),
        ('x>=1; python_version >= "3.7" and implementation_name == "cpython"', "1"),
        ('x>9; extra == "test" and python_full_version >= "3.9.0"', "1"),
    ],
)
def test_the_usual_is_plain(text: str, version: str) -> None:
    assert agree(text, version)


@pytest.mark.parametrize("operator", ["==", "!=", ">=", "<=", ">", "<", "~="])
def test_every_comparison_is_packagings(operator: str) -> None:
    releases = ["0", "1", "1.0", "1.0.0", "1.1", "1.0.1", "2", "1.0.post1", "1.1.post0"]
    wanted = ["0", "1", "1.0", "1.1", "1.0.1", "2.0.0", "1.0.post1", "1.0.post2", "1a0", "1.1rc1", "1.1.dev0", "2b.1"]
    plain = [agree(f"x{operator}{one}", have) for have, one in itertools.product(releases, wanted)]
    met = [is_met(f"x{operator}{one}", {Name("x"): have}, []) for have, one in itertools.product(releases, wanted)]
    assert [one for one, skipped in zip(plain, met, strict=True) if skipped].count(True) >= plain.count(True) > 0


def test_the_requirements_of_what_is_installed_here_are_plain() -> None:
    installed = list(importlib.metadata.distributions())
    versions = {normalise_name(one.name): one.version for one in installed}
    contexts = [{**ENVIRON, "extra": ""}]
    lines = [line for one in installed for line in one.requires or ()]
    assert all(is_met(line, versions, contexts) for line in lines if is_plainly_met(line, versions, contexts))
    met = [line for line in lines if is_met(line, versions, contexts)]
    plain = [line for line in met if is_plainly_met(line, versions, contexts)]
    assert len(plain) > 0.9 * len(met)


@settings(max_examples=1000, deadline=None)
@given(st.tuples(BLANKS, SPECIFIERS, BLANKS).map("".join), st.one_of(NUMBERS, VERSIONS))
@example(">=3.9, <4.0, !=3.10.*", "3.11.7")
@example("", "1")
@example(">=1,", "2")
def test_what_is_plainly_allowed_or_not_is_so_to_packaging(specifiers: str, version: str) -> None:
    plain = plainly_allows(specifiers, version)
    if plain is not None:
        assert plain == SpecifierSet(specifiers).contains(version, prereleases=True)


def test_the_usual_requires_python_is_plain() -> None:
    assert plainly_allows(">=2.7, !=3.0.*, !=3.1.*, <4", "3.11.7") is True
    assert plainly_allows("~=3.9", "3.8.1") is False


def test_who_asks_for_extras_is_told() -> None:
    assert asks_for_extras("x [a] >1")
    assert not asks_for_extras("x; extra == '[a]'")
