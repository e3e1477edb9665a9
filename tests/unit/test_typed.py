"""Our named tuples are typing's in all that is used of them."""

from __future__ import annotations

import copy
import pickle
import typing

import pytest

from lugnut.typed import NamedTuple


class Ours(NamedTuple):
    """A value."""

    path: str
    size: int | None
    parts: tuple[str, ...] = ()
    """Documented."""
    more: dict[str, int] = {}  # noqa: RUF012 - never changed

    @property
    def long(self) -> bool:
        return self.size is not None and self.size > 1

    def twice(self) -> Ours:
        return self._replace(path=self.path * 2)


class Theirs(typing.NamedTuple):
    """A value."""

    path: str
    size: int | None
    parts: tuple[str, ...] = ()
    """Documented."""
    more: dict[str, int] = {}  # noqa: RUF012 - never changed


BOTH = pytest.mark.parametrize("kind", [Ours, Theirs])


@BOTH
def test_values_go_by_place_and_by_name(kind):
    value = kind("a", size=2)
    assert value == ("a", 2, (), {}) == kind(size=2, path="a")
    assert (value.path, value.size, value.parts, value.more) == value
    assert repr(value) == f"{kind.__name__}(path='a', size=2, parts=(), more={{}})"
    assert value._asdict() == {"path": "a", "size": 2, "parts": (), "more": {}}
    assert value._replace(path="b", parts=("x",)) == ("b", 2, ("x",), {})
    assert type(value._replace(path="b")) is type(kind._make(value)) is kind


@BOTH
def test_what_a_class_says_of_itself(kind):
    assert kind._fields == kind.__match_args__ == ("path", "size", "parts", "more")
    assert kind._field_defaults == {"parts": (), "more": {}}
    assert kind.__doc__ == "A value."
    assert kind.__module__ == __name__
    assert kind.__annotations__["size"] in {"int | None", typing.ForwardRef("int | None")}


@BOTH
@pytest.mark.parametrize(
    ("given", "named"), [((), {}), (("a",), {}), ((1, 2, 3, 4, 5), {}), ((1, 2), {"path": 3}), ((1, 2), {"other": 3})]
)
def test_what_does_not_fit_is_a_type_error(kind, given, named):
    with pytest.raises(TypeError):
        kind(*given, **named)


@BOTH
def test_what_cannot_be_made_or_replaced(kind):
    with pytest.raises(TypeError):
        kind._make((1, 2, 3))
    with pytest.raises((TypeError, ValueError)):
        kind(1, 2)._replace(other=1)


@BOTH
def test_nothing_can_be_set_on_a_value(kind):
    value = kind("a", 1)
    with pytest.raises(AttributeError):
        value.path = "b"
    with pytest.raises(AttributeError):
        value.other = "b"
    assert not hasattr(value, "__dict__")


@BOTH
def test_values_are_copied_and_sent(kind):
    value = kind("a", 1, ("x",), {"y": 2})
    for number in range(pickle.HIGHEST_PROTOCOL + 1):
        back = pickle.loads(pickle.dumps(value, number))
        assert (back, type(back)) == (value, kind)
    assert type(copy.copy(value)) is type(copy.deepcopy(value)) is kind


@BOTH
def test_values_are_sorted_hashed_and_matched(kind):
    assert kind("a", 2) < kind("b", 1)
    assert len({kind("a", 1, (), ()), kind("a", 1, (), ())}) == 1
    match kind("a", 1):
        case kind("a", size):
            assert size == 1


def test_a_class_has_what_else_its_body_has():
    assert Ours("ab", 2).long
    assert Ours("ab", None).twice() == Ours("abab", None)


def test_a_value_of_one_field_or_of_many():
    one = type(NamedTuple)("One", (NamedTuple,), {"__annotations__": {"a": "int"}})
    many = type(NamedTuple)("Many", (NamedTuple,), {"__annotations__": dict.fromkeys(map("f{}".format, range(60)))})
    assert one(3) == one(a=3) == (3,)
    assert many(*range(60)) == many(**{f"f{n}": n for n in range(60)}) == tuple(range(60))


def test_constructors_of_as_many_fields_do_not_share_names():
    other = type(NamedTuple)("Other", (NamedTuple,), {"__annotations__": dict.fromkeys("abcd"), "d": 4})
    assert other(1, 2, c=3) == (1, 2, 3, 4)
    assert Ours(path="a", size=1) == ("a", 1, (), {})
