"""JSON and bytes changed as damage, a newer version or malice would change them."""

import copy
import random
from collections.abc import Callable
from typing import Any

ODD = (
    None, True, -1, 0, 1, 0.5, 2**31, 2**63, 10**30, 1e308, "", "x", "\ud800", "../../etc",
    [], {}, [[]], {"a": 1}, [1, 2, 3],
)  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every field and item inside a value from JSON."""
    keys = value.keys() if isinstance(value, dict) else range(len(value))
    found = []
    for key in keys:
        found.append((*path, key))
        if isinstance(value[key], dict | list):
            found += places(value[key], (*path, key))
    return found


def changed_json(value: Any, draw: random.Random) -> Any:
    """A copy with one field removed, renamed, added, doubled, or of another kind."""
    changed = copy.deepcopy(value)
    known = places(changed)
    if not known:
        return draw.choice(ODD)
    *path, last = draw.choice(known)
    inside = changed
    for key in path:
        inside = inside[key]
    how = draw.choice(("remove", "odd", "odd", "odd", "rename", "more", "deep"))
    if how == "remove":
        del inside[last]
    elif how == "odd":
        inside[last] = draw.choice(ODD)
    elif how == "deep":
        inside[last] = deep(draw.choice((3, 300)))
    elif isinstance(inside, list):
        inside.append(inside[last])
    elif how == "rename":
        inside[f"{last}_2"] = inside.pop(last)
    else:
        inside["of_a_newer_version"] = draw.choice(ODD)
    return changed


def deep(levels: int) -> Any:
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


def changed_bytes(data: bytes, draw: random.Random) -> bytes:
    """The bytes with some flipped, cut off, left out, doubled or overwritten."""
    changed = bytearray(data)
    at = draw.randrange(max(1, len(changed)))
    length = draw.choice((1, 4, 8, 40))
    how: Callable[[], object] = draw.choice(
        (
            lambda: changed.__setitem__(at, changed[at] ^ 1 << draw.randrange(8)),
            lambda: changed.__delitem__(slice(at, None)),
            lambda: changed.__delitem__(slice(at, at + length)),
            lambda: changed.__setitem__(slice(at, at), changed[at : at + length]),
            lambda: changed.__setitem__(slice(at, at + length), draw.randbytes(length)),
            lambda: changed.__setitem__(slice(at, at + length), b"\xff" * length),
        )
    )
    if changed:
        how()
    return bytes(changed)
