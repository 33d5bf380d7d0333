"""Windows that cover a long text; groups by length that fill a pass."""

import random
from itertools import pairwise

from engine.text.windows import length_groups, window_bounds


def test_windows_cover_a_text_and_overlap_by_about_half() -> None:
    assert window_bounds(0, 7) == []
    assert window_bounds(7, 7) == [(0, 7)]
    for n in range(8, 120):
        bounds = window_bounds(n, 7)
        assert bounds[0][0] == 0
        assert bounds[-1][1] == n
        assert all(end - start == 7 for start, end in bounds)
        steps = [later - sooner for (sooner, _), (later, _) in pairwise(bounds)]
        assert all(0 < step <= 4 for step in steps), n


def test_length_groups_hold_everything_once_from_short_to_long_under_the_limit() -> None:
    rng = random.Random(0)
    lengths = [rng.randint(1, 40) for _ in range(100)]
    groups = length_groups(lengths, tokens=50)
    flat = [i for group in groups for i in group]
    assert sorted(flat) == list(range(100))
    assert [lengths[i] for i in flat] == sorted(lengths)
    assert all(sum(lengths[i] for i in group) <= 50 for group in groups)
    assert length_groups([99, 3], tokens=50) == [[1], [0]], "one alone may be longer"
    assert length_groups([], tokens=50) == []


def test_length_groups_by_hand() -> None:
    lengths = [7, 3, 9, 1, 4, 30, 2]
    groups = [[lengths[i] for i in group] for group in length_groups(lengths, 10)]
    assert groups == [[1, 2, 3, 4], [7], [9], [30]]
