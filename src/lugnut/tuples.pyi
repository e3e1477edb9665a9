from typing import NamedTuple as NamedTuple

__all__ = ["NamedTuple"]
