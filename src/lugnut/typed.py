"""What typing declares, as far as this project uses it and at a cost that a start can bear.

Importing typing takes 4 ms, and `typing.NamedTuple` compiles every annotation and a constructor for each class: 110 µs,
of which a run loads a hundred. Bare CPython starts in 10 ms. Here a named tuple's annotations are left alone, and its
constructor is a copy of one that was compiled for as many fields, with other names: 8 µs. What comes out is the same: a
tuple with getters, defaults, keywords, `_fields`, `_field_defaults`, `_make`, `_replace`, `_asdict`, patterns, pickles
and no `__dict__`. All else here means something to type checkers alone, and they read `typed.pyi`, in which every name
is typing's own.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter
from types import FunctionType

try:
    from _collections import _tuplegetter as _get  # collections takes it so too: twice as fast as a property
except ImportError:

    def _get(place: int, doc: str) -> property:
        return property(itemgetter(place), doc=doc)


_new = tuple.__new__
_GLOBALS = {"__builtins__": {}, "new": _new}
_compiled: dict[int, FunctionType] = {}
"""A constructor by how many fields it takes."""


class _Kind(type):
    """Makes the class out of its body: the annotations, in their order, are the fields."""

    def __new__(cls, name: str, bases: tuple[type, ...], body: dict[str, object]) -> _Kind:
        if bases == (tuple,):
            return super().__new__(cls, name, bases, body)
        fields = tuple(body["__annotations__"])
        defaults = {field: body[field] for field in fields if field in body}
        body |= {field: _get(place, f"Field {place}.") for place, field in enumerate(fields)}
        body |= {
            "__slots__": (),
            "__new__": _make_constructor(fields, tuple(defaults.values())),
            "__match_args__": fields,
            "_fields": fields,
            "_field_defaults": defaults,
        }
        return super().__new__(cls, name, bases, body)


def _make_constructor(fields: tuple[str, ...], defaults: tuple[object, ...]) -> FunctionType:
    known = _compiled.get(len(fields))
    if known is None:
        names = ", ".join(f"f{place}" for place in range(len(fields)))
        known = _compiled[len(fields)] = eval(f"lambda _cls, {names}: new(_cls, ({names},))", _GLOBALS)  # noqa: S307
    code = known.__code__.replace(co_name="__new__", co_varnames=("_cls", *fields))
    return FunctionType(code, _GLOBALS, "__new__", defaults)


class NamedTuple(tuple, metaclass=_Kind):
    """The base of every value: fields are annotated in the class body, those with defaults last."""

    __slots__ = ()

    @classmethod
    def _make(cls, values: Iterable[object]) -> NamedTuple:
        made = _new(cls, values)
        if len(made) != len(cls._fields):
            raise TypeError(f"{cls.__name__} takes {len(cls._fields)} values, not {len(made)}")
        return made

    def _replace(self, **changes: object) -> NamedTuple:
        made = self._make(map(changes.pop, self._fields, self))
        if changes:
            raise ValueError(f"{type(self).__name__} has no field {', '.join(map(repr, changes))}")
        return made

    def _asdict(self) -> dict[str, object]:
        return dict(zip(self._fields, self, strict=True))

    def __repr__(self) -> str:
        fields = ", ".join(f"{field}={value!r}" for field, value in zip(self._fields, self, strict=True))
        return f"{type(self).__name__}({fields})"

    def __getnewargs__(self) -> tuple[object, ...]:
        return tuple(self)


class TypedDict(dict):
    """The base of every set of keywords: a body of annotations, whose names are `__optional_keys__`."""

    __optional_keys__ = frozenset()

    def __init_subclass__(cls, *, total: bool) -> None:
        own = frozenset(cls.__annotations__)
        cls.__optional_keys__ = own.union(*(base.__optional_keys__ for base in cls.__bases__))


# --- names for annotations alone --------------------------------------------------------------------------------------

Any = ClassVar = IO = NoReturn = Protocol = Self = TextIO = Unpack = object


class Generic:
    """The base of what is generic, whatever its parameters."""

    def __class_getitem__(cls, _parameters: object) -> type:
        return cls


Literal = Generic


def NewType(_name: str, kind: type) -> type:  # noqa: N802 - typing's name
    """Give what makes a value of the kind, which is then known by another name."""
    return kind


def TypeVar(name: str) -> str:  # noqa: N802 - typing's name
    """Give what stands for a type."""
    return name
