"""Named tuples that cost little to declare: typing's, as far as this project uses them.

`typing.NamedTuple` compiles every annotation and a constructor for each class: 110 µs, and a run loads a hundred of
them, which is more than bare CPython needs to start. Here the annotations are left alone, and a constructor is a copy
of one that was compiled for as many fields, with other names: 8 µs. What comes out is the same: a tuple with getters,
defaults, keywords, `_fields`, `_field_defaults`, `_make`, `_replace`, `_asdict`, patterns, pickles and no `__dict__`.
Type checkers read `tuples.pyi`, in which it is typing's own.
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


_GLOBALS = {"__builtins__": {}, "new": tuple.__new__}
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
        made = tuple.__new__(cls, values)
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
