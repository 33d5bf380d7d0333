"""Settings read from JSON, checked against the types of their defaults."""

import math
from typing import TypeVar

_T = TypeVar("_T")


def of_types_of_defaults(settings: _T) -> _T:
    """The settings themselves, once checked.

    Raises: TypeError for a field of another type than its default; ValueError for a number that
    isn't finite.
    """
    for name, usual in vars(type(settings)()).items():
        value = getattr(settings, name)
        kinds = (int, float) if isinstance(usual, float) else type(usual)
        # isinstance takes True for a number.
        if not isinstance(value, kinds) or isinstance(value, bool) != isinstance(usual, bool):
            raise TypeError(f"{name} should be like {usual!r}, not {value!r:.40}")
        numbers = value if isinstance(value, tuple) else (value,)
        if any(isinstance(number, float) and not math.isfinite(number) for number in numbers):
            raise ValueError(f"{name} should be finite, not {value!r:.40}")
    return settings
