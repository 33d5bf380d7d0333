"""Values from JSON, checked deep against the types of ours that they become."""

import json
from typing import Annotated, Any, NoReturn, TypeVar

import msgspec

Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Size = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
Time = Annotated[float, msgspec.Meta(ge=0, lt=253_402_300_800)]
"""Seconds since 1970, before the year 10,000."""

T = TypeVar("T")


def from_json(text: str) -> Any:
    """What a text in JSON says.

    Raises: ValueError if it isn't JSON, is nested too deep, or has a number that isn't finite.
    """
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def of_type(kind: type[T], value: object) -> T:
    """A value from JSON as one of type `kind`; fields that `kind` doesn't have are left out.

    Raises: ValueError naming the place, the type expected there and what came.
    """
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} isn't a number in JSON")
