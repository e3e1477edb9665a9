"""What every error of lugnut's is: keyword data, one sentence, a hint and an exit code."""

from __future__ import annotations

from lugnut.typed import Any, ClassVar


class LugnutError(Exception):
    """What a caller may catch: `str()` is the sentence, `hint` says what to do, `exit_code` is the process's."""

    exit_code: int = 1
    sentence: ClassVar[str] = "{message}"
    remedy: ClassVar[str] = ""

    def __init__(self, **data: Any) -> None:
        self.data: dict[str, Any] = data
        super().__init__(self.sentence.format(**data))

    @property
    def hint(self) -> str:
        """What the user can do about it, or an empty string."""
        return self.remedy.format(**self.data)

    def to_json(self) -> dict[str, Any]:
        """Give the error as a JSON document: class, sentence, hint, exit code and data."""
        return {
            "error": type(self).__name__,
            "message": str(self),
            "hint": self.hint,
            "exit_code": self.exit_code,
            "data": {
                key: value if isinstance(value, (str, int, list)) else str(value) for key, value in self.data.items()
            },
        }

    def __reduce__(self) -> tuple[Any, ...]:  # TRAPS 41: keyword-only data does not survive pickling by itself
        return _rebuild, (type(self), self.data)


def _rebuild(kind: type[LugnutError], data: dict[str, Any]) -> LugnutError:
    return kind(**data)
