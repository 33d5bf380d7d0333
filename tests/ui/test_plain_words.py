"""Times, kinds and conditions as people say them."""

from datetime import datetime

import pytest

from engine.filters import parse
from ui import plain_words


def test_a_time_is_told_as_people_do() -> None:
    at = datetime(2026, 12, 24, 9, 5).timestamp()
    assert plain_words.when(at) == "24 December 2026, 09:05"


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("2026-05-03", "3 May 2026"),
        ("2026-05-03T14:07:00Z", "3 May 2026"),
        ("2026-05", "2026-05"),
        ("2026-13-45", "2026-13-45"),
        ("May", "May"),
        (1903, "1903"),
        ("20260503T140700", "20260503T140700"),
    ],
)
def test_a_date_is_told_with_its_month_s_name(written: str | int, told: str) -> None:
    assert plain_words.day(written) == told


@pytest.mark.parametrize(
    ("milliseconds", "told"), [(13, "less than 0.1 s"), (421, "0.4 s"), (3931.4, "3.9 s")]
)
def test_what_somebody_waited_is_told_in_seconds(milliseconds: float, told: str) -> None:
    assert plain_words.duration(milliseconds) == told


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("type=pdf", "Kind is PDF"),
        ("type=md,docx,odt", "Kind is Markdown, Word or OpenDocument text"),
        ("path=/a/b.txt", "File is B"),
        ("open=true", "open is true"),
        ("year>=2004", "year is at least 2004"),
        ("year<10", "year is under 10"),
        ("modified<=2026-05-03", "Last changed is until 3 May 2026"),
        ("modified>2026-05-03", "Last changed is after 3 May 2026"),
    ],
)
def test_a_condition_is_told_in_words(written: str, told: str) -> None:
    assert plain_words.condition(parse(written), {"/a/b.txt": "B"}.__getitem__) == told


def test_files_are_named_without_the_folder_that_has_them_all() -> None:
    named = plain_words.without_common_folder
    assert named(["/a/b/c.txt", "/a/b/d/e.txt"]) == {
        "/a/b/c.txt": "c.txt",
        "/a/b/d/e.txt": "d/e.txt",
    }
    assert named(["/a/bc/d", "/a/b/d"]) == {"/a/bc/d": "bc/d", "/a/b/d": "b/d"}
    assert named(["c.txt", "a/b.txt"]) == {"c.txt": "c.txt", "a/b.txt": "a/b.txt"}
    assert named(["/c.txt", "/a/b.txt"]) == {"/c.txt": "c.txt", "/a/b.txt": "a/b.txt"}
    assert named(["/a/c.txt", "a/b.txt"]) == {"/a/c.txt": "/a/c.txt", "a/b.txt": "a/b.txt"}
    assert named([]) == {}
