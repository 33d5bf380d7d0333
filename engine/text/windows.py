"""Texts cut and grouped by length: overlapping windows of a long one, passes over many."""

from collections.abc import Sequence

import numpy as np

TOKENS_PER_PASS = 8192


def window_bounds(n: int, limit: int) -> list[tuple[int, int]]:
    """Starts and ends of windows of `limit` that cover `n`, overlapping by about half; [] of 0."""
    if n <= limit:
        return [(0, n)] if n else []
    count = -(-2 * (n - limit) // limit) + 1  # overlapping by about half
    starts = np.linspace(0, n - limit, count).round().astype(int)
    return [(int(start), int(start) + limit) for start in starts]


def length_groups(lengths: Sequence[int], tokens: int = TOKENS_PER_PASS) -> list[list[int]]:
    """Indices from short to long in groups of at most `tokens` together; longer texts are alone."""
    groups: list[list[int]] = []
    total = tokens + 1
    for i in sorted(range(len(lengths)), key=lambda i: lengths[i]):
        if total + lengths[i] > tokens:
            groups.append([])
            total = 0
        groups[-1].append(i)
        total += lengths[i]
    return groups
