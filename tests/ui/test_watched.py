"""When a watcher last looked, as visitors are told."""

from datetime import datetime
from pathlib import Path

import pytest

from indexer.last_look import FILE, LastLook, write_last_look
from ui import watched

LOOKED = datetime(2026, 5, 3, 14, 7).timestamp()


@pytest.mark.parametrize(
    ("look", "after", "told"),
    [
        (LastLook(LOOKED, 1, 30.0), 20, ["Folders last looked at: 3 May 2026, 14:07."]),
        (
            LastLook(LOOKED, 1, 30.0),
            1000,
            ["Folders last looked at: 3 May 2026, 14:07; not watched now."],
        ),
        (
            LastLook(LOOKED, 1, 30.0, away=tuple("abcde"), trouble="the disk is full"),
            0,
            [
                "Folders last looked at: 3 May 2026, 14:07.",
                "That look failed: the disk is full",
                "Not there then, and kept as read: a, b, c and 2 more.",
            ],
        ),
    ],
)
def test_the_last_look_is_told_in_words(look: LastLook, after: float, told: list[str]) -> None:
    assert watched.in_words(look, LOOKED + after) == told


def test_what_a_watcher_wrote_is_read_and_anything_else_is_nothing(tmp_path: Path) -> None:
    assert watched.lines(str(tmp_path)) == []
    (tmp_path / "store").mkdir()
    write_last_look(tmp_path, LastLook(LOOKED, 1, 30.0))
    assert watched.lines(str(tmp_path)) == [
        "Folders last looked at: 3 May 2026, 14:07; not watched now."
    ]
    (tmp_path / FILE).write_bytes(b"\xff{")
    assert watched.lines(str(tmp_path)) == []
    assert watched.lines("es://127.0.0.1:1/papers") == []
