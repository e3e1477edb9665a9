"""What a line of Requires-Dist asks for, judged without packaging where that is plain. Pure.

Nearly every line is a name, a few releases and a marker or two, and importing packaging to read it takes 20 ms: more
than all else that a run with nothing to do has to do. What is said here is what packaging says (a property test
compares them); of a line that is not plain nothing is said, and packaging is asked.

Sources: the *Dependency specifiers* and *Version specifiers* specifications.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from lugnut.distribution import Name, normalise_name

_WORDS = frozenset(
    (
        "os_name",
        "sys_platform",
        "platform_machine",
        "platform_python_implementation",
        "platform_system",
        "implementation_name",
    )
)
"""The variables of markers that are compared as text."""
_VERSIONS = frozenset(("python_version", "python_full_version"))
_SIGNS = "<>=!~"
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"
_NAMING = _LETTERS + ".-"
_BLANK = " \t"
_LONGEST = 100
"""Signs of a version that is still plain."""

Release = tuple[tuple[int, ...], int]
"""The numbers of a release as they are written, and of which post-release: -1 where it is none."""


class _Unclear(Exception):
    """It takes packaging to say."""


def is_plainly_met(text: str, versions: Mapping[Name, str], contexts: Sequence[Mapping[str, str]]) -> bool:
    """Whether it is plain that a requirement is met by some versions, or asked for in none of the contexts.

    A context is a marker's values, `extra` among them. False says nothing. Extras that are asked for are not looked at.
    """
    head, has_marker, marker = text.partition(";")
    if "@" in head:  # the semicolon may be the URL's
        return False
    try:
        if has_marker and not any(_holds(marker, context) for context in contexts):
            return True
        name, specifiers = _cut(head)
        version = versions.get(name)
        return version is not None and _allows(specifiers, version)
    except _Unclear:
        return False


def plainly_allows(specifiers: str, version: str) -> bool | None:
    """Whether specifiers allow a version, its pre-releases too; None where packaging has to say."""
    try:
        return _allows(specifiers.strip(_BLANK), version)
    except _Unclear:
        return None


def asks_for_extras(text: str) -> bool:
    """Whether a requirement may ask for another's extras."""
    return "[" in text.partition(";")[0]


def _cut(head: str) -> tuple[Name, str]:
    """Cut a requirement without its marker into a name and specifiers."""
    head = head.strip(_BLANK)
    rest = head.lstrip(_NAMING)  # what is no name in ASCII is unclear, wherever it is cut
    name, rest = head[: len(head) - len(rest)], rest.lstrip(_BLANK)
    if not is_name(name):
        raise _Unclear
    if rest[:1] == "[":
        extras, closed, rest = rest[1:].partition("]")
        if not closed or not all(is_name(extra.strip(_BLANK)) for extra in extras.split(",")):
            raise _Unclear
        rest = rest.lstrip(_BLANK)
    if rest[:1] == "(":
        if rest[-1] != ")":
            raise _Unclear
        rest = rest[1:-1].strip(_BLANK)
    return normalise_name(name), rest


def is_name(text: str) -> bool:
    """Say whether a text plainly is a name and nothing more."""
    return (
        text.isascii()
        and text[:1].isalnum()
        and text[-1:].isalnum()
        and text.replace("-", "").replace("_", "").replace(".", "").isalnum()
    )


# --- versions ---------------------------------------------------------------------------------------------------------


def _allows(specifiers: str, version: str) -> bool:
    if not specifiers:
        return True
    have = _read_release(version)
    return all([_compare(have, *_cut_specifier(one.strip(_BLANK))) for one in specifiers.split(",")])  # noqa: C419 - each


def _cut_specifier(text: str) -> tuple[str, str]:
    rest = text.lstrip(_SIGNS)
    return text[: len(text) - len(rest)], rest.lstrip(_BLANK)


def _read_release(text: str) -> Release:
    """Read a version of numbers alone, perhaps a post-release; any other is unclear."""
    numbers, is_post, post = text.partition(".post")
    parts = numbers.split(".")
    if len(text) > _LONGEST or not text.isascii() or not all(map(str.isdigit, parts)):
        raise _Unclear
    if is_post and not post.isdigit():
        raise _Unclear
    return tuple(map(int, parts)), int(post) if is_post else -1


def _strip(numbers: tuple[int, ...]) -> tuple[int, ...]:
    while numbers and not numbers[-1]:
        numbers = numbers[:-1]
    return numbers


def _starts(have: Release, prefix: tuple[int, ...]) -> bool:
    padded = have[0] + (0,) * len(prefix)
    return padded[: len(prefix)] == prefix


def _compare(have: Release, operator: str, text: str) -> bool:
    if text.endswith(".*"):
        if operator not in {"==", "!="}:
            raise _Unclear
        return _starts(have, _read_final(text[:-2])) == (operator == "==")
    early = _cut_early(text)
    if early:  # what stands is no pre-release, so that it is none between this one and its release either
        if operator not in {"<", ">="}:
            raise _Unclear
        return (_strip(have[0]) < _strip(_read_final(early))) == (operator == "<")
    if operator == "~=":
        return _is_compatible(have, _read_final(text))
    numbers, post = _read_release(text)
    if operator not in _COMPARISONS or (operator == ">" and post >= 0):
        raise _Unclear
    return _COMPARISONS[operator]((_strip(have[0]), have[1]), (_strip(numbers), post))


def _is_compatible(have: Release, wanted: tuple[int, ...]) -> bool:
    if len(wanted) == 1:
        raise _Unclear
    return _strip(have[0]) >= _strip(wanted) and _starts(have, wanted[:-1])


def _read_final(text: str) -> tuple[int, ...]:
    numbers, post = _read_release(text)
    if post >= 0:
        raise _Unclear
    return numbers


def _cut_early(text: str) -> str:
    """Give the numbers of a pre-release or a development release; empty where it is not plainly one."""
    for mark in ("a", "b", "rc", ".dev"):
        numbers, _, number = text.partition(mark)
        if number.removeprefix(".").isdigit():
            return numbers
    return ""


_COMPARISONS: dict[str, Callable[[Release, Release], bool]] = {
    "==": lambda have, wanted: have == wanted,
    "!=": lambda have, wanted: have != wanted,
    ">=": lambda have, wanted: have >= wanted,
    "<=": lambda have, wanted: have <= wanted,
    ">": lambda have, wanted: have[0] > wanted[0],  # a post-release of what is named is not wanted
    "<": lambda have, wanted: have < wanted,
}
"""Of what stands and what is named, both without zeros at their end."""


# --- markers ----------------------------------------------------------------------------------------------------------


def _holds(marker: str, values: Mapping[str, str]) -> bool:
    """Evaluate a marker."""
    tokens = _cut_marker(marker)
    tokens.reverse()
    holds = _evaluate_any(tokens, values)
    if tokens:
        raise _Unclear
    return holds


def _cut_marker(text: str) -> list[str]:
    """Cut a marker into words, operators and parentheses, and texts that begin with a quotation mark."""
    tokens = []
    place = 0
    while place < len(text):
        sign = text[place]
        if sign in "\"'":
            end = text.find(sign, place + 1)
            token = '"' + text[place + 1 : end]
            if end < 0 or "\\" in token or not token.isprintable():
                raise _Unclear
            tokens.append(token)
            place = end + 1
        elif sign in _BLANK:
            place += 1
        else:
            end = _end_token(text, place)
            tokens.append(text[place:end])
            place = end
    return tokens


def _end_token(text: str, place: int) -> int:
    """Find where a word or an operator ends."""
    if text[place] in "()":
        return place + 1
    end = len(text) - len(text[place:].lstrip(_SIGNS if text[place] in _SIGNS else _LETTERS))
    if end == place:  # perhaps a letter beyond ASCII, which is in no variable's name
        raise _Unclear
    return end


def _evaluate_any(tokens: list[str], values: Mapping[str, str]) -> bool:
    """Evaluate up to an end or a closing parenthesis; the tokens stand in reverse, and those read are taken away."""
    holds = _evaluate_all(tokens, values)
    while tokens and tokens[-1] == "or":
        tokens.pop()
        holds |= _evaluate_all(tokens, values)
    return holds


def _evaluate_all(tokens: list[str], values: Mapping[str, str]) -> bool:
    holds = _evaluate_one(tokens, values)
    while tokens and tokens[-1] == "and":
        tokens.pop()
        holds &= _evaluate_one(tokens, values)
    return holds


def _evaluate_one(tokens: list[str], values: Mapping[str, str]) -> bool:
    if tokens and tokens[-1] == "(":
        tokens.pop()
        holds = _evaluate_any(tokens, values)
        if not tokens or tokens.pop() != ")":
            raise _Unclear
        return holds
    if len(tokens) < 3:  # noqa: PLR2004 - variable, operator, text
        raise _Unclear
    variable, operator, text = tokens.pop(), tokens.pop(), tokens.pop()
    if text[0] != '"':
        raise _Unclear
    if variable in _VERSIONS:
        return _compare(_read_release(values[variable]), operator, text[1:])
    return _compare_words(variable, operator, text[1:], values)


def _compare_words(variable: str, operator: str, text: str, values: Mapping[str, str]) -> bool:
    if operator not in {"==", "!="}:
        raise _Unclear
    if variable == "extra":
        return (normalise_name(values["extra"]) == normalise_name(text)) == (operator == "==")
    if variable not in _WORDS:
        raise _Unclear
    return (values[variable] == text) == (operator == "==")
