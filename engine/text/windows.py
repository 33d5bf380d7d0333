"""A long text in overlapping windows."""

import numpy as np


def window_bounds(n: int, limit: int) -> list[tuple[int, int]]:
    """Starts and ends of windows of `limit` that cover `n`, overlapping by about half."""
    if n <= limit:
        return [(0, n)]
    count = -(-2 * (n - limit) // limit) + 1  # overlapping by about half
    starts = np.linspace(0, n - limit, count).round().astype(int)
    return [(int(start), int(start) + limit) for start in starts]
